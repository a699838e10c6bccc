/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xattrs that the real object may not carry are kept under another name: user.umview.xattr.NAME, or, where there are
 * no user xattrs, as files .umview/vstat/INO.x/NAME that hold the value.  Those directories belong to the inode
 * number alone, so vattr_forget() removes them with the object.
 */
#include <sys/xattr.h>

#include "layers_internal.h"

static int kept_dir(struct layers *l, const struct statx *raw, bool make)
{
	char name[40];
	int fd;

	snprintf(name, sizeof name, "%llu.x", (unsigned long long)raw->stx_ino);
	if (make && mkdirat(l->vstatdir, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(l->vstatdir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int real_name(const char *key, char buf[XATTR_NAME_MAX + 1])
{
	return snprintf(buf, XATTR_NAME_MAX + 1, XATTR_KEPT "%s", key) > XATTR_NAME_MAX ? -ERANGE : 0;
}

ssize_t kept_get(struct layers *l, const struct obj *o, const struct statx *raw, const char *key, void *v, size_t n)
{
	char name[XATTR_NAME_MAX + 1];
	cleanup_fd int dir = -1, fd = -1;
	struct stat st;
	ssize_t got;

	if (vstat_in_xattr(l, raw->stx_mode))
		return real_name(key, name) < 0 ? -ENODATA : obj_getxattr(o, name, v, n);
	dir = kept_dir(l, raw, false);
	fd = dir >= 0 ? openat(dir, key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
	if (fd < 0)
		return -ENODATA;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!n)
		return st.st_size;
	if ((size_t)st.st_size > n)
		return -ERANGE;
	got = read(fd, v, n);
	return got < 0 ? -errno : got;
}

int kept_set(struct layers *l, const struct obj *o, const struct statx *raw, const char *key, const void *v, size_t n,
	     int flags)
{
	char name[XATTR_NAME_MAX + 1], tmp[32];
	cleanup_fd int dir = -1, fd = -1;
	bool exists;

	if (vstat_in_xattr(l, raw->stx_mode))
		return real_name(key, name) < 0 ? -ERANGE : obj_setxattr(o, name, v, n, flags);
	if (n > XATTR_SIZE_MAX)
		return -E2BIG;
	dir = kept_dir(l, raw, true);
	if (dir < 0)
		return dir;
	exists = faccessat(dir, key, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if ((flags & XATTR_CREATE) && exists)
		return -EEXIST;
	if ((flags & XATTR_REPLACE) && !exists)
		return -ENODATA;
	tmp_name(l, tmp);
	fd = openat(l->work, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, v, n) != (ssize_t)n || renameat(l->work, tmp, dir, key) < 0) {
		int r = errno ? -errno : -ENOSPC;

		unlinkat(l->work, tmp, 0);
		return r;
	}
	return 0;
}

int kept_remove(struct layers *l, const struct obj *o, const struct statx *raw, const char *key)
{
	char name[XATTR_NAME_MAX + 1];
	cleanup_fd int dir = -1;

	if (vstat_in_xattr(l, raw->stx_mode))
		return real_name(key, name) < 0 ? -ENODATA : obj_removexattr(o, name);
	dir = kept_dir(l, raw, false);
	if (dir < 0 || unlinkat(dir, key, 0) < 0)
		return -ENODATA;
	return 0;
}

/* Those kept as files, as listxattr(2) gives names. */
ssize_t kept_list(struct layers *l, const struct statx *raw, char *list, size_t size)
{
	ssize_t total = 0;
	struct dirent *e;
	DIR *d;
	int fd;

	if (vstat_in_xattr(l, raw->stx_mode))
		return 0;
	fd = kept_dir(l, raw, false);
	if (fd < 0)
		return 0;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while ((e = readdir(d))) {
		size_t n = strlen(e->d_name) + 1;

		if (e->d_name[0] == '.')
			continue;
		if (size) {
			if (total + n > size) {
				total = -ERANGE;
				break;
			}
			memcpy(list + total, e->d_name, n);
		}
		total += n;
	}
	closedir(d);
	return total;
}
