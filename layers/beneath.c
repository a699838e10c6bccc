/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening a path below a directory without following any symbolic link, and attributes of such a path.
 *
 * openat2(2) with RESOLVE_NO_SYMLINKS does it in one call (Linux 5.6); without it one openat(2) a component does.
 * The *xattrat(2) calls (Linux 6.13) spare the way through /proc/self/fd.  Both are probed once.
 */
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "layers_internal.h"

#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_getxattrat 464
#define SYS_listxattrat 465
#define SYS_removexattrat 466
#endif

struct xattr_at_args {
	uint64_t value __attribute__((aligned(8)));
	uint32_t size;
	uint32_t flags;
};

/* What is missing: set by beneath_probe() and layers_disable(), never changed while stacks are in use. */
static unsigned missing;

void layers_disable(unsigned features)
{
	missing |= features;
}

bool feature_off(enum layers_feature feature)
{
	return missing & feature;
}

static int sys_openat2(int dirfd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
	    .flags = (unsigned)flags,
	    .mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? mode & 07777 : 0,
	    .resolve = RESOLVE_NO_SYMLINKS,
	};
	int fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);

	return fd >= 0 ? fd : -errno;
}

/* Find out what the kernel offers.  Seccomp profiles answer unknown calls with EPERM. */
void beneath_probe(void)
{
	struct xattr_at_args args = {0};
	static bool probed;
	int fd;

	if (probed)
		return;
	probed = true;
	fd = sys_openat2(AT_FDCWD, "/", O_PATH | O_CLOEXEC, 0);
	if (fd >= 0)
		close(fd);
	else
		missing |= LAYERS_OPENAT2;
	if (syscall(SYS_getxattrat, AT_FDCWD, "/", AT_SYMLINK_NOFOLLOW, XATTR_OWN "probe", &args, sizeof args) < 0 &&
	    (errno == ENOSYS || errno == EPERM))
		missing |= LAYERS_XATTRAT;
}

/* The same with one openat(2) for each component. */
static int open_by_component(int dirfd, const char *path, int flags, mode_t mode)
{
	cleanup_fd int dir = -1;
	char name[NAME_MAX + 1];
	const char *slash;
	int at = dirfd, next, fd;
	size_t len;

	while ((slash = strchr(path, '/'))) {
		struct stat st;

		len = slash - path;
		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, path, len);
		name[len] = '\0';
		next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		close_fd(&dir);
		at = dir = next;
		if (fstat(next, &st) < 0)
			return -errno;
		if (!S_ISDIR(st.st_mode))
			return S_ISLNK(st.st_mode) ? -ELOOP : -ENOTDIR;
		path = slash + 1;
	}
	fd = openat(at, path, flags | O_NOFOLLOW, mode);
	return fd >= 0 ? fd : -errno;
}

/* The directory itself: "." in it asks for the right to search it, its own name does not. */
static int open_itself(int dirfd, int flags)
{
	char link[40];
	int fd;

	snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
	fd = open(link, flags & ~O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

/**
 * beneath_open() - openat(2) that follows no symbolic link anywhere
 * @path:	relative, without ".."; "" is the directory itself
 *
 * Return: descriptor; -ELOOP if a component (with O_PATH|O_NOFOLLOW: any but the last) is a symbolic link.
 */
int beneath_open(int dirfd, const char *path, int flags, mode_t mode)
{
	flags |= O_CLOEXEC;
	if (!path[0]) {
		int fd = openat(dirfd, ".", flags, mode);

		return fd >= 0 ? fd : errno == EACCES ? open_itself(dirfd, flags) : -errno;
	}
	if (!feature_off(LAYERS_OPENAT2) && strlen(path) < PATH_MAX)
		return sys_openat2(dirfd, path, flags, mode);
	return open_by_component(dirfd, path, flags, mode);
}

int fd_statx(int fd, struct statx *st)
{
	int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;

	return statx(fd, "", flags, STATX_WANTED, st) < 0 ? -errno : 0;
}

/* statx(2) of a path whose directories are known to be directories */
int beneath_statx(int dirfd, const char *path, struct statx *st)
{
	if (!path[0])
		return fd_statx(dirfd, st);
	return statx(dirfd, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_WANTED, st) < 0 ? -errno : 0;
}

struct proc_path {
	char text[PATH_MAX + 32];
	int fd; /* opened because the text would have been too long */
};

/*
 * A path through /proc/self/fd that names the object: for a descriptor it is to be followed, for a path below a
 * directory it is not (but "." may be added to neither, so the caller asks for the right call).
 */
static int proc_path_make(const struct obj *o, struct proc_path *p)
{
	int n;

	p->fd = -1;
	if (o->fd < 0 && o->path[0]) {
		n = snprintf(p->text, sizeof p->text, "/proc/self/fd/%d/%s", o->dirfd, o->path);
		if (n < PATH_MAX)
			return 0;
		p->fd = beneath_open(o->dirfd, o->path, O_PATH | O_NOFOLLOW, 0);
		if (p->fd < 0)
			return p->fd;
	}
	snprintf(p->text, sizeof p->text, "/proc/self/fd/%d", p->fd >= 0 ? p->fd : o->fd >= 0 ? o->fd : o->dirfd);
	return 1;
}

/* Is the *at form usable?  Not for descriptors and not for the directory itself (O_PATH: EBADF). */
static bool use_xattrat(const struct obj *o)
{
	return !feature_off(LAYERS_XATTRAT) && o->fd < 0 && o->path[0];
}

ssize_t obj_getxattr(const struct obj *o, const char *name, void *value, size_t size)
{
	struct proc_path p;
	ssize_t n;
	int r;

	if (use_xattrat(o)) {
		struct xattr_at_args args = {.value = (uintptr_t)value, .size = size};

		n = syscall(SYS_getxattrat, o->dirfd, o->path, AT_SYMLINK_NOFOLLOW, name, &args, sizeof args);
		return n < 0 ? -errno : n;
	}
	if (o->fd >= 0) {
		n = fgetxattr(o->fd, name, value, size);
		if (n >= 0 || errno != EBADF)
			return n < 0 ? -errno : n;
	}
	r = proc_path_make(o, &p);
	if (r < 0)
		return r;
	n = r ? getxattr(p.text, name, value, size) : lgetxattr(p.text, name, value, size);
	if (n < 0)
		n = -errno;
	close_fd(&p.fd);
	return n;
}

ssize_t obj_listxattr(const struct obj *o, char *list, size_t size)
{
	struct proc_path p;
	ssize_t n;
	int r;

	if (use_xattrat(o)) {
		n = syscall(SYS_listxattrat, o->dirfd, o->path, AT_SYMLINK_NOFOLLOW, list, size);
		return n < 0 ? -errno : n;
	}
	if (o->fd >= 0) {
		n = flistxattr(o->fd, list, size);
		if (n >= 0 || errno != EBADF)
			return n < 0 ? -errno : n;
	}
	r = proc_path_make(o, &p);
	if (r < 0)
		return r;
	n = r ? listxattr(p.text, list, size) : llistxattr(p.text, list, size);
	if (n < 0)
		n = -errno;
	close_fd(&p.fd);
	return n;
}

int obj_setxattr(const struct obj *o, const char *name, const void *value, size_t size, int flags)
{
	struct proc_path p;
	int r;

	if (use_xattrat(o)) {
		struct xattr_at_args args = {.value = (uintptr_t)value, .size = size, .flags = flags};

		r = syscall(SYS_setxattrat, o->dirfd, o->path, AT_SYMLINK_NOFOLLOW, name, &args, sizeof args);
		return r < 0 ? -errno : 0;
	}
	if (o->fd >= 0) {
		r = fsetxattr(o->fd, name, value, size, flags);
		if (r == 0 || errno != EBADF)
			return r < 0 ? -errno : 0;
	}
	r = proc_path_make(o, &p);
	if (r < 0)
		return r;
	r = r ? setxattr(p.text, name, value, size, flags) : lsetxattr(p.text, name, value, size, flags);
	if (r < 0)
		r = -errno;
	close_fd(&p.fd);
	return r;
}

int obj_removexattr(const struct obj *o, const char *name)
{
	struct proc_path p;
	int r;

	if (use_xattrat(o)) {
		r = syscall(SYS_removexattrat, o->dirfd, o->path, AT_SYMLINK_NOFOLLOW, name);
		return r < 0 ? -errno : 0;
	}
	if (o->fd >= 0) {
		r = fremovexattr(o->fd, name);
		if (r == 0 || errno != EBADF)
			return r < 0 ? -errno : 0;
	}
	r = proc_path_make(o, &p);
	if (r < 0)
		return r;
	r = r ? removexattr(p.text, name) : lremovexattr(p.text, name);
	if (r < 0)
		r = -errno;
	close_fd(&p.fd);
	return r;
}

int obj_statx(const struct obj *o, struct statx *st)
{
	return o->fd >= 0 ? fd_statx(o->fd, st) : beneath_statx(o->dirfd, o->path, st);
}

/* Never called for a symbolic link. */
int obj_chmod(const struct obj *o, mode_t mode)
{
	struct proc_path p;
	int r;

	if (o->fd < 0)
		return fchmodat(o->dirfd, o->path[0] ? o->path : ".", mode, 0) < 0 ? -errno : 0;
	r = fchmod(o->fd, mode);
	if (r == 0 || errno != EBADF)
		return r < 0 ? -errno : 0;
	proc_path_make(o, &p);
	return chmod(p.text, mode) < 0 ? -errno : 0;
}

int obj_chown(const struct obj *o, uid_t uid, gid_t gid)
{
	int dirfd = o->fd >= 0 ? o->fd : o->dirfd;
	const char *path = o->fd >= 0 ? "" : o->path;

	return fchownat(dirfd, path, uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int obj_utimens(const struct obj *o, const struct timespec times[2])
{
	struct proc_path p;

	if (o->fd < 0)
		return utimensat(o->dirfd, o->path[0] ? o->path : ".", times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	proc_path_make(o, &p);
	return utimensat(AT_FDCWD, p.text, times, 0) < 0 ? -errno : 0;
}
