// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * viewfs: patches a file tree.
 *
 *	mount -t viewfs -o OPTIONS DIR TARGET
 *
 *	move	DIR appears at TARGET
 *	merge	DIR and what TARGET showed, read-only, as one tree
 *	cow	what TARGET showed, changes kept in DIR
 *	mincow	the same, but what the user may change is really changed
 *
 * The trees themselves are the layers library's business (layers/layers.h); this file reads options and turns the
 * module interface into calls of that library.  man/viewfs.7 is the page for users.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "../../layers/layers.h"
#include "../include/um_module.h"

#define EXCEPT_MAX 64
#define NATIVE_MAX 512

struct um_fs {
	struct layers *layers;
	bool native;            /* "move": the directory is shown as it is */
	bool same_place;        /* the lowest layer is the host's tree at the mount point: "untouched" has a meaning */
	const struct um_fs_ops *below_ops; /* of the older mounts that it stands on, or NULL */
	struct um_fs *below_fs;
	struct layers_below below;
	/* What the last walk found, for the stat that follows it: a walk goes through all that this one stands on. */
	struct layers_node last;
	char last_path[PATH_MAX];
	uint64_t last_generation;
};

/* --- what it stands on ---------------------------------------------------------------------------------------- */
/* The view's tree, as it was before the mount, in the shape that the layers want. */

static int b_walk(void *arg, const char *path, size_t *end, struct layers_node *out, char *target)
{
	struct um_fs *fs = arg;
	struct um_node node = { .fd = -1 };
	int err = fs->below_ops->walk(fs->below_fs, path, end, &node, target);

	if (err < 0)
		return err;
	*out = (struct layers_node){ .fd = node.fd, .type = node.type };
	out->where = node.body == UM_BODY_HOST ? LAYERS_LOWER : node.body == UM_BODY_MERGED ? LAYERS_MERGED : LAYERS_UPPER;
	return err;
}

static bool b_untouched(void *arg, const char *path)
{
	struct um_fs *fs = arg;

	return fs->below_ops->untouched(fs->below_fs, path);
}

static int b_stat(void *arg, const char *path, const struct layers_node *found, struct statx *st)
{
	bool elsewhere = found->elsewhere || found->where == LAYERS_UPPER;
	struct um_fs *fs = arg;
	struct um_node node = { .fd = found->fd, .type = found->type };

	node.body = elsewhere ? UM_BODY_ELSEWHERE : found->where == LAYERS_MERGED ? UM_BODY_MERGED : UM_BODY_HOST;
	return fs->below_ops->stat(fs->below_fs, path, &node, st);
}

static int b_open(void *arg, const char *path, int flags)
{
	static const struct um_owner nobody = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct um_fs *fs = arg;

	return fs->below_ops->open(fs->below_fs, path, flags, 0, &nobody);
}

static ssize_t b_getxattr(void *arg, const char *path, const char *name, void *value, size_t size)
{
	struct um_fs *fs = arg;

	return fs->below_ops->getxattr(fs->below_fs, path, name, value, size);
}

static ssize_t b_listxattr(void *arg, const char *path, char *list, size_t size)
{
	struct um_fs *fs = arg;

	return fs->below_ops->listxattr(fs->below_fs, path, list, size);
}

static int b_readdir(void *arg, const char *path, layers_dirent_fn *fn, void *fnarg)
{
	struct um_fs *fs = arg;

	return fs->below_ops->readdir(fs->below_fs, path, fn, fnarg);
}

static uint64_t b_generation(void *arg)
{
	struct um_fs *fs = arg;

	return fs->below_ops->generation(fs->below_fs);
}

static int b_path_of(void *arg, const char *host, char *path)
{
	struct um_fs *fs = arg;

	return fs->below_ops->path_of(fs->below_fs, host, path);
}

static void stand_on(struct um_fs *fs, struct um_mount_args *args, struct layers_config *config)
{
	if (args->below == NULL)
		return;
	fs->below_ops = args->below;
	fs->below_fs = args->below_fs;
	fs->below = (struct layers_below){
		.arg = fs, .walk = b_walk, .untouched = b_untouched, .stat = b_stat, .open = b_open, .getxattr = b_getxattr,
		.listxattr = b_listxattr, .readdir = b_readdir, .generation = b_generation, .path_of = b_path_of,
	};
	config->below = &fs->below;
	args->uses_below = true;
}

/* --- operations ----------------------------------------------------------------------------------------------- */

static enum um_body body_of(const struct um_fs *fs, const struct layers_node *node)
{
	if (!fs->same_place || node->where == LAYERS_UPPER || node->elsewhere)
		return UM_BODY_ELSEWHERE;
	return node->where == LAYERS_MERGED ? UM_BODY_MERGED : UM_BODY_HOST;
}

static int v_walk(struct um_fs *fs, const char *path, size_t *end, struct um_node *node, char *target)
{
	struct layers_node found;
	int err = layers_walk(fs->layers, path, end, &found, target);

	if (err < 0)
		return err;
	*node = (struct um_node){ found.fd, found.type, body_of(fs, &found) };
	if (err == 0 && fs->below_ops != NULL) {
		fs->last = found;
		strcpy(fs->last_path, path);
		fs->last_generation = layers_generation(fs->layers);
	}
	return err;
}

static bool v_untouched(struct um_fs *fs, const char *path)
{
	return fs->same_place && layers_untouched(fs->layers, path);
}

static int v_stat(struct um_fs *fs, const char *path, const struct um_node *node, struct statx *st)
{
	struct layers_node found;
	char target[PATH_MAX];
	size_t end;
	int err;

	if (node != NULL && node->fd >= 0 && fs->below_ops != NULL && strcmp(fs->last_path, path) == 0 &&
	    fs->last_generation == layers_generation(fs->layers)) {
		found = fs->last;
		found.fd = node->fd;
		return layers_stat(fs->layers, path, &found, st);
	}
	/* The layer is what matters here, and it is looked up anew. */
	err = layers_walk(fs->layers, path, &end, &found, target);
	if (err != 0)
		return err < 0 ? err : -ENOENT;
	err = layers_stat(fs->layers, path, &found, st);
	if (found.fd >= 0)
		close(found.fd);
	return err;
}

static int v_patch_stat(struct um_fs *fs, int fd, struct statx *st)
{
	return layers_patch_stat(fs->layers, fd, st);
}

static int v_statfs(struct um_fs *fs, const char *path, struct statfs *st)
{
	return layers_statfs(fs->layers, path, st);
}

static struct layers_owner owner_of(const struct um_owner *owner)
{
	return (struct layers_owner){ owner->uid, owner->gid, owner->denied };
}

static int v_open(struct um_fs *fs, const char *path, int flags, mode_t mode, const struct um_owner *owner)
{
	struct layers_owner o = owner_of(owner);

	return layers_open_file(fs->layers, path, flags, mode, &o);
}

static int v_mkdir(struct um_fs *fs, const char *path, mode_t mode, const struct um_owner *owner)
{
	struct layers_owner o = owner_of(owner);

	return layers_mkdir(fs->layers, path, mode, &o);
}

static int v_mknod(struct um_fs *fs, const char *path, mode_t mode, dev_t rdev, const struct um_owner *owner)
{
	struct layers_owner o = owner_of(owner);

	return layers_mknod(fs->layers, path, mode, rdev, &o);
}

static int v_symlink(struct um_fs *fs, const char *target, const char *path, const struct um_owner *owner)
{
	struct layers_owner o = owner_of(owner);

	return layers_symlink(fs->layers, target, path, &o);
}

static int v_bind(struct um_fs *fs, const char *path, int sock, const char *name, mode_t mode,
		  const struct um_owner *owner)
{
	struct layers_owner o = owner_of(owner);

	return layers_bind(fs->layers, path, sock, name, mode, &o);
}

static int v_unlink(struct um_fs *fs, const char *path)
{
	return layers_unlink(fs->layers, path);
}

static int v_rmdir(struct um_fs *fs, const char *path)
{
	return layers_rmdir(fs->layers, path);
}

static int v_link(struct um_fs *fs, const char *oldpath, const char *newpath)
{
	return layers_link(fs->layers, oldpath, newpath);
}

static int v_link_fd(struct um_fs *fs, int fd, const char *newpath)
{
	return layers_link_fd(fs->layers, fd, newpath);
}

static int v_rename(struct um_fs *fs, const char *oldpath, const char *newpath, unsigned flags)
{
	return layers_rename(fs->layers, oldpath, newpath, flags);
}

static int v_chmod(struct um_fs *fs, const char *path, mode_t mode)
{
	return layers_chmod(fs->layers, path, mode);
}

static int v_chown(struct um_fs *fs, const char *path, uid_t uid, gid_t gid)
{
	return layers_chown(fs->layers, path, uid, gid);
}

static int v_utimens(struct um_fs *fs, const char *path, const struct timespec times[2])
{
	return layers_utimens(fs->layers, path, times);
}

static int v_truncate(struct um_fs *fs, const char *path, off_t size)
{
	return layers_truncate(fs->layers, path, size);
}

/* Is this open file one of a directory that is shown as it is?  Such bodies bear no mark; only their name tells. */
static bool is_elsewhere(const struct um_fs *fs, int fd)
{
	char link[40], host[PATH_MAX], path[PATH_MAX];
	ssize_t n;

	if (!fs->native)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, host, sizeof(host) - 1);
	if (n < 0)
		return true;
	host[n] = '\0';
	return layers_path_of(fs->layers, host, path) < 0;
}

static int v_fchmod(struct um_fs *fs, int fd, mode_t mode)
{
	if (is_elsewhere(fs, fd))
		return -EXDEV;
	return layers_fchmod(fs->layers, fd, mode);
}

static int v_fchown(struct um_fs *fs, int fd, uid_t uid, gid_t gid)
{
	if (is_elsewhere(fs, fd))
		return -EXDEV;
	return layers_fchown(fs->layers, fd, uid, gid);
}

static ssize_t v_getxattr(struct um_fs *fs, const char *path, const char *name, void *value, size_t size)
{
	return layers_getxattr(fs->layers, path, name, value, size);
}

static ssize_t v_listxattr(struct um_fs *fs, const char *path, char *list, size_t size)
{
	return layers_listxattr(fs->layers, path, list, size);
}

static int v_setxattr(struct um_fs *fs, const char *path, const char *name, const void *value, size_t size, int flags)
{
	return layers_setxattr(fs->layers, path, name, value, size, flags);
}

static int v_removexattr(struct um_fs *fs, const char *path, const char *name)
{
	return layers_removexattr(fs->layers, path, name);
}

static int v_readdir(struct um_fs *fs, const char *path, um_dirent_fn *fn, void *arg)
{
	return layers_readdir(fs->layers, path, fn, arg);
}

static uint64_t v_generation(struct um_fs *fs)
{
	return layers_generation(fs->layers);
}

static bool v_lists_itself(struct um_fs *fs, const char *path)
{
	return layers_as_it_is(fs->layers, path) || v_untouched(fs, path);
}

static int v_path_of(struct um_fs *fs, const char *host, char *path)
{
	return layers_path_of(fs->layers, host, path);
}

static int v_own(struct um_fs *fs, const char *path)
{
	return layers_own(fs->layers, path);
}

static void v_umount(struct um_fs *fs)
{
	layers_close(fs->layers);
	free(fs);
}

static const struct um_fs_ops viewfs_ops = {
	.walk = v_walk,
	.untouched = v_untouched,
	.stat = v_stat,
	.patch_stat = v_patch_stat,
	.statfs = v_statfs,
	.open = v_open,
	.mkdir = v_mkdir,
	.mknod = v_mknod,
	.symlink = v_symlink,
	.bind = v_bind,
	.unlink = v_unlink,
	.rmdir = v_rmdir,
	.link = v_link,
	.link_fd = v_link_fd,
	.rename = v_rename,
	.chmod = v_chmod,
	.chown = v_chown,
	.utimens = v_utimens,
	.truncate = v_truncate,
	.fchmod = v_fchmod,
	.fchown = v_fchown,
	.getxattr = v_getxattr,
	.listxattr = v_listxattr,
	.setxattr = v_setxattr,
	.removexattr = v_removexattr,
	.readdir = v_readdir,
	.generation = v_generation,
	.lists_itself = v_lists_itself,
	.path_of = v_path_of,
	.own = v_own,
	.umount = v_umount,
};

/* --- mounting ------------------------------------------------------------------------------------------------- */

enum mode { NO_MODE, MOVE, MERGE, COW, MINCOW };

struct options {
	enum mode mode;
	bool vstat, renew, permanent, readonly, kernel;
	char *except[EXCEPT_MAX + NATIVE_MAX + 1];
	unsigned nexcept;
};

static int set_mode(struct options *o, enum mode mode, const char *word, struct um_mount_args *args)
{
	if (o->mode != NO_MODE && o->mode != mode) {
		snprintf(args->why, sizeof(args->why), "option %s contradicts another: one of move, merge, cow, mincow",
			 word);
		return -EINVAL;
	}
	o->mode = mode;
	return 0;
}

/* except=PATH: an absolute path of the view. */
static int add_except(struct options *o, const char *path, struct um_mount_args *args)
{
	size_t len = strlen(path);

	if (*path != '/' || len >= PATH_MAX) {
		snprintf(args->why, sizeof(args->why), "except=%.100s: must be an absolute path", path);
		return -EINVAL;
	}
	if (o->nexcept == EXCEPT_MAX + NATIVE_MAX)
		return -E2BIG;
	o->except[o->nexcept] = strdup(path);
	if (o->except[o->nexcept] == NULL)
		return -ENOMEM;
	while (len > 0 && o->except[o->nexcept][len - 1] == '/')
		o->except[o->nexcept][--len] = '\0';
	o->nexcept++;
	return 0;
}

/* One word of the -o string. */
static int parse_word(struct options *o, const char *word, struct um_mount_args *args)
{
	static const char *const ignored[] = { "rw", "defaults", "suid", "nosuid", "dev", "nodev", "exec", "noexec",
					       "relatime", "noatime", "atime" };

	if (strcmp(word, "move") == 0)
		return set_mode(o, MOVE, word, args);
	if (strcmp(word, "merge") == 0)
		return set_mode(o, MERGE, word, args);
	if (strcmp(word, "cow") == 0)
		return set_mode(o, COW, word, args);
	if (strcmp(word, "mincow") == 0)
		return set_mode(o, MINCOW, word, args);
	if (strncmp(word, "except=", 7) == 0)
		return add_except(o, word + 7, args);
	if (strcmp(word, "vstat") == 0)
		o->vstat = true;
	else if (strcmp(word, "renew") == 0)
		o->renew = true;
	else if (strcmp(word, "permanent") == 0)
		o->permanent = true;
	else if (strcmp(word, "ro") == 0)
		o->readonly = true;
	else if (strcmp(word, "kernel") == 0)
		o->kernel = true;
	else {
		for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
			if (strcmp(word, ignored[i]) == 0)
				return 0;
		snprintf(args->why, sizeof(args->why), "unknown option '%.100s'", word);
		return -EINVAL;
	}
	return 0;
}

static int parse(struct options *o, struct um_mount_args *args)
{
	char *copy = strdup(args->options), *save = NULL;
	int err = copy ? 0 : -ENOMEM;

	for (char *word = copy ? strtok_r(copy, ",", &save) : NULL; word != NULL && err == 0;
	     word = strtok_r(NULL, ",", &save))
		err = parse_word(o, word, args);
	free(copy);
	if (err == 0 && o->mode == NO_MODE) {
		snprintf(args->why, sizeof(args->why), "say what to do: -o move, merge, cow or mincow");
		err = -EINVAL;
	}
	if (err == 0 && (o->mode == MOVE || o->mode == MERGE) && (o->renew || o->vstat)) {
		snprintf(args->why, sizeof(args->why), "%s goes with cow and mincow only", o->renew ? "renew" : "vstat");
		err = -EINVAL;
	}
	if (args->flags & MS_RDONLY)
		o->readonly = true;
	return err;
}

/* Is @path equal to or below @dir (both absolute host paths)? */
static bool is_below(const char *path, const char *dir)
{
	size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* The kernel's own file systems below the target stay what they are. */
static int except_kernel_mounts(struct options *o, struct um_mount_args *args)
{
	static const char *const types[] = { "proc", "sysfs", "devpts", "cgroup", "cgroup2", "mqueue", "debugfs",
					     "tracefs", "securityfs", "bpf", "configfs", "pstore", "efivarfs",
					     "selinuxfs", "fusectl", "hugetlbfs", "binfmt_misc", "nsfs" };
	char line[8192];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	int err = 0;

	if (f == NULL)
		return -errno;
	while (err == 0 && fgets(line, sizeof(line), f) != NULL) {
		char point[4096], type[64], *dash = strstr(line, " - ");

		if (dash == NULL || sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1 ||
		    sscanf(dash, " - %63s", type) != 1 || !is_below(point, args->target))
			continue;
		for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
			if (strcmp(type, types[i]) == 0 && strcmp(point, "/") != 0)
				err = add_except(o, point, args);
	}
	fclose(f);
	return err;
}

/* Note where the tree belongs, for viewdiff and its kin. */
static void note_target(const char *upper, const char *target)
{
	static const char temporary[] = "target.new";
	char name[PATH_MAX];
	int dir, fd;

	if (snprintf(name, sizeof(name), "%s/.umview", upper) >= (int)sizeof(name))
		return;
	dir = open(name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return;
	/* Whatever has the name already, a link or a fifo, is replaced and not written to. */
	unlinkat(dir, temporary, 0);
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0) {
		if (dprintf(fd, "%s\n", target) > 0)
			renameat(dir, temporary, dir, "target");
		close(fd);
	}
	close(dir);
}

/* Has the directory contents that no view has written?  They would be taken for changes, and discarded with them. */
static bool is_foreign(const char *dir)
{
	char name[PATH_MAX];
	bool found = false;
	struct dirent *e;
	DIR *d;

	if (snprintf(name, sizeof(name), "%s/.umview", dir) >= (int)sizeof(name) || access(name, F_OK) == 0)
		return false;
	d = opendir(dir);
	while (d != NULL && !found && (e = readdir(d)) != NULL)
		found = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	if (d != NULL)
		closedir(d);
	return found;
}

/* What the paths cannot mean, in the view's words. */
static int check_paths(const struct options *o, struct um_mount_args *args)
{
	if (args->source_host == NULL || *args->source_host == '\0') {
		snprintf(args->why, sizeof(args->why), *args->source ? "directory %.150s: %s" : "directory \"%s\": %s",
			 args->source, strerror(ENOENT));
		return -ENOENT;
	}
	if ((o->mode == COW || o->mode == MINCOW) && is_below(args->target, args->source)) {
		snprintf(args->why, sizeof(args->why), "directory %.80s is %s its target %.80s: changes need a place of their own",
			 args->source, strcmp(args->source, args->target) == 0 ? "equal to" : "above", args->target);
		return -EINVAL;
	}
	return 0;
}

/* What the options and paths cannot mean together. */
static int check(const struct options *o, struct um_mount_args *args)
{
	if ((o->mode == COW || o->mode == MINCOW) && is_below(args->target_host, args->source_host)) {
		snprintf(args->why, sizeof(args->why), "directory %.80s is the same as its target %.80s, or above it: changes "
			 "need a place of their own", args->source, args->target);
		return -EINVAL;
	}
	if ((o->mode == COW || o->mode == MINCOW) && is_foreign(args->source_host)) {
		snprintf(args->why, sizeof(args->why),
			 "directory %.100s is not empty, and not a view's: changes need a directory of their own", args->source);
		return -ENOTEMPTY;
	}
	if (o->mode == MINCOW && args->below != NULL) {
		snprintf(args->why, sizeof(args->why), "mincow changes the host's own files, and what is at %.80s is not the "
			 "host's: use cow", args->target);
		return -EINVAL;
	}
	if (o->mode == MERGE && strcmp(args->source_host, args->target_host) == 0) {
		snprintf(args->why, sizeof(args->why), "%.100s: cannot be merged with itself", args->source);
		return -EINVAL;
	}
	return 0;
}

/* Turn options and paths into a stack. */
static int stack(const struct options *o, struct um_mount_args *args, struct um_fs *fs)
{
	struct layers_config config = { .vstat = o->vstat, .mincow = o->mode == MINCOW, .renew = o->renew };
	const char *hide[3] = { NULL, NULL, NULL };
	unsigned nhide = 0;
	size_t skip = strcmp(args->target_host, "/") == 0 ? 1 : strlen(args->target_host) + 1;

	switch (o->mode) {
	case MOVE:
		config.upper = args->source_host;
		config.native = true;
		break;
	case MERGE:
		config.lower[0] = args->source_host;
		config.lower[1] = args->target_host;
		config.nlower = 2;
		stand_on(fs, args, &config);
		break;
	default:
		config.upper = args->source_host;
		config.lower[0] = args->target_host;
		config.nlower = 1;
		config.root_opaque = o->vstat;
		stand_on(fs, args, &config);
		/* The changes are not part of what is changed, by whatever name. */
		if (is_below(args->source_host, args->target_host))
			hide[nhide++] = args->source_host + skip;
		if (config.below != NULL && is_below(args->source, args->target))
			hide[nhide++] = args->source + (strcmp(args->target, "/") == 0 ? 1 : strlen(args->target) + 1);
		config.hide = hide;
	}
	fs->native = config.native;
	fs->same_place = o->mode == COW || o->mode == MINCOW ? strcmp(args->target, args->target_host) == 0 : false;
	config.defer = true;
	config.untrusted = args->untrusted;
	return layers_open(&fs->layers, &config, args->why, sizeof(args->why));
}

static int viewfs_mount(struct um_fs **out, struct um_mount_args *args)
{
	struct options *o = calloc(1, sizeof(*o));
	struct um_fs *fs = calloc(1, sizeof(*fs));
	int err = o && fs ? parse(o, args) : -ENOMEM;

	if (err == 0)
		err = check_paths(o, args);
	if (err == 0 && (o->mode == COW || o->mode == MINCOW) && args->own_source != NULL)
		err = args->own_source(args);
	if (err == 0)
		err = check(o, args);
	if (err == 0 && o->mode == MOVE && S_ISDIR(args->source_type) != S_ISDIR(args->target_type)) {
		snprintf(args->why, sizeof(args->why), "%.80s is %s directory, and %.80s is %s", args->source,
			 S_ISDIR(args->source_type) ? "a" : "no", args->target, S_ISDIR(args->target_type) ? "one" : "none");
		err = -ENOTDIR;
	}
	args->bind = o != NULL && o->mode == MOVE &&
		     (args->source_is_mounted || (args->source_type != 0 && !S_ISDIR(args->source_type)));
	if (err == 0 && o->mode != MOVE)
		err = except_kernel_mounts(o, args);
	if (err == 0 && !args->bind)
		err = stack(o, args, fs);
	if (err < 0) {
		for (unsigned i = 0; o != NULL && i < o->nexcept; i++)
			free(o->except[i]);
		free(fs);
		free(o);
		return err;
	}
	if (o->mode == COW || o->mode == MINCOW)
		note_target(args->source_host, args->target);
	args->except = calloc(o->nexcept + 1, sizeof(char *));
	if (args->except != NULL)
		memcpy(args->except, o->except, o->nexcept * sizeof(char *));
	args->permanent = o->permanent;
	args->kernel = o->kernel;
	args->native = o->mode == MOVE && !args->bind;
	if (o->readonly)
		args->flags |= MS_RDONLY;
	free(o);
	if (args->bind) {
		free(fs);
		fs = NULL;
	}
	*out = fs;
	return 0;
}

_Static_assert(UM_STAGE == LAYERS_STAGE, "one number for both");

static const struct um_fs_type viewfs_type = { "viewfs", &viewfs_ops, viewfs_mount };
static const struct um_fs_type *const viewfs_types[] = { &viewfs_type, NULL };

UM_MODULE = {
	.abi = UM_MODULE_ABI,
	.name = "viewfs",
	.description = "file system patchwork: move, merge, copy on write",
	.classes = UM_NEEDS_PATH | UM_NEEDS_DESC | UM_NEEDS_SOCK,
	.fs_types = viewfs_types,
	.stage = layers_stage_run,
};
