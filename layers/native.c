/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on a real directory: the only one of a native stack ("move"), or, for mincow, the topmost lower one as
 * long as the upper directory has nothing to do with the name and the kernel lets us.
 */
#include <sys/xattr.h>

#include "layers_internal.h"

struct place {
	int dir; /* O_PATH of the real parent; closed by place_put() */
	const char *name;
};
#define cleanup_place __attribute__((cleanup(place_put)))
static void place_put(struct place *p)
{
	close_fd(&p->dir);
}

/* Where, really, is this name?  GO_ON: nowhere that counts. */
static int place_find(struct layers *l, const char *path, struct place *p)
{
	char parent[PATH_MAX];
	struct upos u;
	size_t end;

	p->dir = -1;
	if (!l->native) {
		if (!l->mincow || !path[0] || path_hidden(l, path, &end))
			return GO_ON;
		gen_sync(l);
		if (upper_find(l, path, &u) < 0 || u.ent || u.cut)
			return GO_ON;
	}
	parent_path(path, parent);
	p->dir = beneath_open(l->layer[1].fd, parent, O_PATH | O_DIRECTORY, 0);
	p->name = path[0] ? last_name(path) : ".";
	return p->dir >= 0 ? 0 : l->native ? p->dir : GO_ON;
}

/* What became of it: in a mincow stack, what may not be done there is done in the upper directory. */
static int outcome(struct layers *l, int r)
{
	int err = errno;

	if (r >= 0)
		return r;
	if (!l->native && (err == EACCES || err == EPERM || err == EROFS || (err == ENOENT && l->nlower > 1)))
		return GO_ON;
	return -err;
}

#define ENTER(path, p)                                                                                               \
	cleanup_place struct place p = {.dir = -1};                                                                  \
	int r = place_find(l, path, &p);                                                                             \
                                                                                                                     \
	if (r < 0)                                                                                                   \
	return r

int native_open(struct layers *l, const char *path, int flags, mode_t mode)
{
	ENTER(path, p);
	flags |= O_NOFOLLOW | O_CLOEXEC;
	if ((flags & O_CREAT) && (mode & l->umask)) {
		/* Ours, which is in the way, must not be taken off: find out whether the file is new. */
		r = openat(p.dir, p.name, flags | O_EXCL, mode);
		if (r >= 0)
			fchmod(r, mode);
		if (r >= 0 || errno != EEXIST || (flags & O_EXCL))
			return outcome(l, r);
		flags &= ~O_CREAT;
	}
	return outcome(l, openat(p.dir, p.name, flags, mode));
}

int native_mkdir(struct layers *l, const char *path, mode_t mode)
{
	ENTER(path, p);
	r = mkdirat(p.dir, p.name, mode);
	if (r == 0 && (mode & l->umask))
		fchmodat(p.dir, p.name, mode, 0);
	return outcome(l, r);
}

int native_mknod(struct layers *l, const char *path, mode_t mode, dev_t rdev)
{
	ENTER(path, p);
	r = mknodat(p.dir, p.name, mode, rdev);
	if (r == 0 && (mode & l->umask))
		fchmodat(p.dir, p.name, mode & 07777, 0);
	return outcome(l, r);
}

int native_symlink(struct layers *l, const char *target, const char *path)
{
	ENTER(path, p);
	return outcome(l, symlinkat(target, p.dir, p.name));
}

int native_unlink(struct layers *l, const char *path, int flags)
{
	ENTER(path, p);
	return outcome(l, unlinkat(p.dir, p.name, flags));
}

int native_link(struct layers *l, const char *oldpath, const char *newpath)
{
	cleanup_place struct place to = {.dir = -1};
	ENTER(oldpath, from);

	r = place_find(l, newpath, &to);
	return r < 0 ? r : outcome(l, linkat(from.dir, from.name, to.dir, to.name, 0));
}

int native_rename(struct layers *l, const char *oldpath, const char *newpath, unsigned flags)
{
	cleanup_place struct place to = {.dir = -1};
	ENTER(oldpath, from);

	r = place_find(l, newpath, &to);
	return r < 0 ? r : outcome(l, renameat2(from.dir, from.name, to.dir, to.name, flags));
}

int native_chmod(struct layers *l, const char *path, mode_t mode)
{
	cleanup_fd int fd = -1;
	struct obj o;
	struct statx st;
	ENTER(path, p);

	fd = openat(p.dir, p.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return outcome(l, -1);
	o = OBJ_FD(fd);
	r = obj_statx(&o, &st);
	if (r == 0)
		r = S_ISLNK(st.stx_mode) ? -EOPNOTSUPP : obj_chmod(&o, mode);
	errno = -r;
	return outcome(l, r);
}

int native_chown(struct layers *l, const char *path, uid_t uid, gid_t gid)
{
	ENTER(path, p);
	return outcome(l, fchownat(p.dir, p.name, uid, gid, AT_SYMLINK_NOFOLLOW));
}

int native_utimens(struct layers *l, const char *path, const struct timespec times[2])
{
	ENTER(path, p);
	return outcome(l, utimensat(p.dir, p.name, times, AT_SYMLINK_NOFOLLOW));
}

int native_truncate(struct layers *l, const char *path, off_t size)
{
	cleanup_fd int fd = -1;
	ENTER(path, p);

	fd = openat(p.dir, p.name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return outcome(l, fd < 0 ? -1 : ftruncate(fd, size));
}

int native_setxattr(struct layers *l, const char *path, const char *name, const void *value, size_t size, int flags)
{
	struct obj o;
	ENTER(path, p);

	o = OBJ_AT(p.dir, p.name);
	r = obj_setxattr(&o, name, value, size, flags);
	errno = -r;
	return outcome(l, r);
}

int native_removexattr(struct layers *l, const char *path, const char *name)
{
	struct obj o;
	ENTER(path, p);

	o = OBJ_AT(p.dir, p.name);
	r = obj_removexattr(&o, name);
	errno = -r;
	return outcome(l, r);
}
