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
 * The trees themselves are the layers library's business (layers/layers.h); viewfs reads options (options.c,
 * mount.c) and turns the module interface into calls of that library, which is done here.  man/viewfs.7 is the page for
 * users.
 */
#include "viewfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	.body = below_body,
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

_Static_assert(UM_STAGE == LAYERS_STAGE, "one number for both");

static const struct um_fs_type viewfs_type = { .name = "viewfs", .ops = &viewfs_ops, .mount = viewfs_mount };
static const struct um_fs_type *const viewfs_types[] = { &viewfs_type, NULL };

UM_MODULE = {
	.abi = UM_MODULE_ABI,
	.name = "viewfs",
	.description = "file system patchwork: move, merge, copy on write",
	.classes = UM_NEEDS_PATH | UM_NEEDS_DESC | UM_NEEDS_SOCK,
	.fs_types = viewfs_types,
	.stage = layers_stage_run,
};
