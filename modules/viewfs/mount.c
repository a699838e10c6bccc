// SPDX-License-Identifier: GPL-2.0-or-later
/* Making a mount: what its options and directories mean, as a stack of layers. */
#include "viewfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* Is the directory one for changes? */
static bool changes(const struct options *o)
{
	return o->mode == COW || o->mode == MINCOW;
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
				err = options_except(o, point, args);
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

	d = opendir(dir);
	while (d != NULL && !found && (e = readdir(d)) != NULL)
		found = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	if (d != NULL)
		closedir(d);
	/* Last, for another view may be making the first things in it: .umview comes before all else. */
	return found && (snprintf(name, sizeof(name), "%s/.umview", dir) >= (int)sizeof(name) || access(name, F_OK) < 0);
}

/* What the paths cannot mean, in the view's words. */
static int check_paths(const struct options *o, struct um_mount_args *args)
{
	if (args->source_host == NULL || *args->source_host == '\0') {
		snprintf(args->why, sizeof(args->why), *args->source ? "directory %.150s: %s" : "directory \"%s\": %s",
			 args->source, strerror(ENOENT));
		return -ENOENT;
	}
	if (changes(o) && is_below(args->target, args->source)) {
		snprintf(args->why, sizeof(args->why), "directory %.80s is %s its target %.80s: changes need a place of their own",
			 args->source, strcmp(args->source, args->target) == 0 ? "equal to" : "above", args->target);
		return -EINVAL;
	}
	return 0;
}

/* What the options and paths cannot mean together. */
static int check(const struct options *o, struct um_mount_args *args)
{
	if (changes(o) && is_below(args->target_host, args->source_host)) {
		snprintf(args->why, sizeof(args->why), "directory %.80s is the same as its target %.80s, or above it: changes "
			 "need a place of their own", args->source, args->target);
		return -EINVAL;
	}
	if (changes(o) && is_foreign(args->source_host)) {
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
	if (o->mode == MOVE && S_ISDIR(args->source_type) != S_ISDIR(args->target_type)) {
		snprintf(args->why, sizeof(args->why), "%.80s is %s directory, and %.80s is %s", args->source,
			 S_ISDIR(args->source_type) ? "a" : "no", args->target, S_ISDIR(args->target_type) ? "one" : "none");
		return -ENOTDIR;
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
		below_set(fs, args, &config);
		break;
	default:
		config.upper = args->source_host;
		config.lower[0] = args->target_host;
		config.nlower = 1;
		config.root_opaque = o->vstat;
		below_set(fs, args, &config);
		/* The changes are not part of what is changed, by whatever name. */
		if (is_below(args->source_host, args->target_host))
			hide[nhide++] = args->source_host + skip;
		if (config.below != NULL && is_below(args->source, args->target))
			hide[nhide++] = args->source + (strcmp(args->target, "/") == 0 ? 1 : strlen(args->target) + 1);
		config.hide = hide;
	}
	fs->native = config.native;
	fs->same_place = changes(o) && strcmp(args->target, args->target_host) == 0;
	config.defer = true;
	config.untrusted = args->untrusted;
	return layers_open(&fs->layers, &config, args->why, sizeof(args->why));
}

/* What the monitor is told of the mount; the excepted paths become its own. */
static int tell(struct options *o, struct um_mount_args *args)
{
	args->except = calloc(o->nexcept + 1, sizeof(char *));
	if (args->except == NULL)
		return -ENOMEM;
	memcpy(args->except, o->except, o->nexcept * sizeof(char *));
	o->nexcept = 0;
	args->permanent = o->permanent;
	args->flags &= MS_RDONLY; /* for the rest the bodies' own mounts count */
	args->kernel = o->kernel;
	args->native = o->mode == MOVE && !args->bind;
	if (o->readonly)
		args->flags |= MS_RDONLY;
	return 0;
}

static int prepare(struct options *o, struct um_mount_args *args, struct um_fs *fs)
{
	int err = options_parse(o, args);

	if (err == 0)
		err = check_paths(o, args);
	if (err == 0 && changes(o) && args->own_source != NULL)
		err = args->own_source(args);
	if (err == 0)
		err = check(o, args);
	args->bind = o->mode == MOVE &&
		     (args->source_is_mounted || (args->source_type != 0 && !S_ISDIR(args->source_type)));
	if (err == 0 && !args->bind && args->source_has_no_body) {
		snprintf(args->why, sizeof(args->why), "%.150s is in a file system that a program serves, and can only be shown as it is "
			 "(mount --bind)", args->source);
		err = -EOPNOTSUPP;
	}
	if (err == 0 && o->mode != MOVE)
		err = except_kernel_mounts(o, args);
	if (err == 0 && !args->bind)
		err = stack(o, args, fs);
	if (err == 0 && changes(o))
		note_target(args->source_host, args->target);
	return err == 0 ? tell(o, args) : err;
}

int viewfs_mount(struct um_fs **out, struct um_mount_args *args)
{
	struct options *o = calloc(1, sizeof(*o));
	struct um_fs *fs = calloc(1, sizeof(*fs));
	int err = o && fs ? prepare(o, args, fs) : -ENOMEM;

	if (o != NULL)
		options_free(o);
	if (err == 0 && !args->bind) {
		*out = fs;
		return 0;
	}
	if (fs != NULL && fs->layers != NULL)
		layers_close(fs->layers);
	free(fs);
	*out = NULL;
	return err;
}
