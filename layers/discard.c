/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is an upper directory in use, and the end of one.
 *
 * Every open stack holds a shared lock of its upper directory's .umview/; whoever gets it alone is alone.
 */
#include <sys/file.h>

#include "layers_internal.h"

static int open_meta(const char *upper)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof path, "%s/" META_DIR, upper) >= (int)sizeof path)
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool layers_in_use(const char *upper)
{
	cleanup_fd int meta = open_meta(upper);

	return meta >= 0 && flock(meta, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int layers_discard(const char *upper, bool keep)
{
	cleanup_fd int dir = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC), meta = -1;
	struct obj o = OBJ_FD(dir);
	int r;

	if (dir < 0)
		return -errno;
	meta = open_meta(upper);
	if (meta < 0)
		return meta == -ENOENT ? -ENOTDIR : meta;
	if (flock(meta, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return -EBUSY;
	r = remove_contents(dir, META_DIR);
	if (r == 0)
		r = keep ? remove_contents(meta, NULL) : remove_tree(dir, META_DIR);
	obj_removexattr(&o, XATTR_VSTAT);
	obj_removexattr(&o, XATTR_OPAQUE);
	return r;
}
