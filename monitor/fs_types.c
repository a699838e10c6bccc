// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file system types of a module, completed: an operation that a module leaves out answers as the kernel does where a
 * file system has no such operation.  (Those for which um_module.h says what NULL means stay NULL.)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"

static int no_statfs(struct um_fs *fs, const char *path, struct statfs *st)
{
	(void)fs, (void)path, (void)st;
	return -ENOSYS;
}

static int no_open(struct um_fs *fs, const char *path, int flags, mode_t mode, const struct um_owner *owner)
{
	(void)fs, (void)path, (void)mode, (void)owner;
	return flags & O_CREAT ? -EACCES : -ENXIO;
}

static int no_mkdir(struct um_fs *fs, const char *path, mode_t mode, const struct um_owner *owner)
{
	(void)fs, (void)path, (void)mode, (void)owner;
	return -EPERM;
}

static int no_mknod(struct um_fs *fs, const char *path, mode_t mode, dev_t rdev, const struct um_owner *owner)
{
	(void)fs, (void)path, (void)mode, (void)rdev, (void)owner;
	return -EPERM;
}

static int no_symlink(struct um_fs *fs, const char *target, const char *path, const struct um_owner *owner)
{
	(void)fs, (void)target, (void)path, (void)owner;
	return -EPERM;
}

static int no_removal(struct um_fs *fs, const char *path)
{
	(void)fs, (void)path;
	return -EPERM;
}

static int no_link(struct um_fs *fs, const char *oldpath, const char *newpath)
{
	(void)fs, (void)oldpath, (void)newpath;
	return -EPERM;
}

static int no_rename(struct um_fs *fs, const char *oldpath, const char *newpath, unsigned flags)
{
	(void)fs, (void)oldpath, (void)newpath, (void)flags;
	return -EPERM;
}

static int no_chmod(struct um_fs *fs, const char *path, mode_t mode)
{
	(void)fs, (void)path, (void)mode;
	return -EPERM;
}

static int no_chown(struct um_fs *fs, const char *path, uid_t uid, gid_t gid)
{
	(void)fs, (void)path, (void)uid, (void)gid;
	return -EPERM;
}

static int no_utimens(struct um_fs *fs, const char *path, const struct timespec times[2])
{
	(void)fs, (void)path, (void)times;
	return -EPERM;
}

static int no_truncate(struct um_fs *fs, const char *path, off_t size)
{
	(void)fs, (void)path, (void)size;
	return -EPERM;
}

static ssize_t no_getxattr(struct um_fs *fs, const char *path, const char *name, void *value, size_t size)
{
	(void)fs, (void)path, (void)name, (void)value, (void)size;
	return -EOPNOTSUPP;
}

static ssize_t no_listxattr(struct um_fs *fs, const char *path, char *list, size_t size)
{
	(void)fs, (void)path, (void)list, (void)size;
	return 0;
}

static int no_setxattr(struct um_fs *fs, const char *path, const char *name, const void *value, size_t size, int flags)
{
	(void)fs, (void)path, (void)name, (void)value, (void)size, (void)flags;
	return -EOPNOTSUPP;
}

static int no_removexattr(struct um_fs *fs, const char *path, const char *name)
{
	(void)fs, (void)path, (void)name;
	return -EOPNOTSUPP;
}

#define COMPLETE(ops, member, missing)               \
	do {                                         \
		if ((ops)->member == NULL)           \
			(ops)->member = (missing);   \
	} while (0)

static void complete(struct um_fs_ops *ops)
{
	COMPLETE(ops, statfs, no_statfs);
	COMPLETE(ops, open, no_open);
	COMPLETE(ops, mkdir, no_mkdir);
	COMPLETE(ops, mknod, no_mknod);
	COMPLETE(ops, symlink, no_symlink);
	COMPLETE(ops, unlink, no_removal);
	COMPLETE(ops, rmdir, no_removal);
	COMPLETE(ops, link, no_link);
	COMPLETE(ops, rename, no_rename);
	COMPLETE(ops, chmod, no_chmod);
	COMPLETE(ops, chown, no_chown);
	COMPLETE(ops, utimens, no_utimens);
	COMPLETE(ops, truncate, no_truncate);
	COMPLETE(ops, getxattr, no_getxattr);
	COMPLETE(ops, listxattr, no_listxattr);
	COMPLETE(ops, setxattr, no_setxattr);
	COMPLETE(ops, removexattr, no_removexattr);
}

static bool is_of_place(const struct um_module *module, const char *name)
{
	for (const struct um_place *p = module->places; p != NULL && p->path != NULL; p++)
		if (strcmp(p->type, name) == 0)
			return true;
	return false;
}

struct fs_types *fs_types_of(const struct um_module *module)
{
	struct fs_types *types;
	size_t n = 0;

	while (module->fs_types != NULL && module->fs_types[n] != NULL)
		n++;
	types = calloc(1, sizeof(*types) + n * sizeof(types->all[0]));
	if (types == NULL)
		return NULL;
	types->n = n;
	for (size_t i = 0; i < n; i++) {
		types->all[i].type = *module->fs_types[i];
		types->all[i].ops = *module->fs_types[i]->ops;
		types->all[i].type.ops = &types->all[i].ops;
		types->all[i].of_place = is_of_place(module, types->all[i].type.name);
		complete(&types->all[i].ops);
	}
	return types;
}
