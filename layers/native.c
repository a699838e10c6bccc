/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on a real directory: the only one of a native stack ("move"); a store, wherever it is (store.c); or, for
 * mincow, the topmost lower one as long as the upper directory has nothing to do with the name and the kernel lets
 * us.
 */
#include <sys/xattr.h>

#include "layers_internal.h"

struct place {
	int dir; /* O_PATH of the real parent; closed by place_put() */
	const char *name;
	bool store; /* in a store */
	int guard;  /* of that; closed by place_put() */
};
#define PLACE_INIT                                                                                                   \
	{                                                                                                            \
		.dir = -1, .guard = -1                                                                               \
	}
#define cleanup_place __attribute__((cleanup(place_put)))
static void place_put(struct place *p)
{
	close_fd(&p->dir);
	close_fd(&p->guard);
}

/* In a store; @itself: or the store itself.  GO_ON: in none. */
static int place_in_store(struct layers *l, const char *path, bool itself, bool change, struct place *p)
{
	char parent[PATH_MAX];
	struct idir *dir;
	enum store where = store_at(l, path, &dir);
	int r;

	if (where == STORE_OUT || (where == STORE_ITSELF && !itself))
		return GO_ON;
	r = change ? store_guard(l, path, &p->guard) : 0;
	if (r < 0)
		return r;
	parent_path(path, parent);
	p->dir = beneath_open(l->layer[0].fd, parent, O_PATH | O_DIRECTORY, 0);
	p->name = last_name(path);
	p->store = true;
	return p->dir < 0 ? p->dir : 0;
}

/* Where, really, is this name?  GO_ON: nowhere that counts. */
static int place_find(struct layers *l, const char *path, struct place *p)
{
	char parent[PATH_MAX];
	struct upos u;
	size_t end;
	int r = place_in_store(l, path, false, true, p);

	if (r != GO_ON)
		return r;
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
static int outcome(struct layers *l, const struct place *p, int r)
{
	int err = errno;

	if (r >= 0)
		return r;
	if (!l->native && !p->store &&
	    (err == EACCES || err == EPERM || err == EROFS || (err == ENOENT && l->nlower > 1)))
		return GO_ON;
	return -err;
}

/* A name was made, removed or changed. */
static int changed(struct layers *l, const struct place *p, int r)
{
	r = outcome(l, p, r);
	if (r >= 0 && p->store) { /* those who stand on this stack see it by its counter */
		change_begin(l);
		change_end(l);
	}
	return r;
}

/* Set-id bits in a store would be real ones. */
static bool mode_refused(const struct place *p, mode_t mode)
{
	return p->store && (mode & (S_ISUID | S_ISGID));
}

#define ENTER(path, p)                                                                                               \
	cleanup_place struct place p = PLACE_INIT;                                                                   \
	int r = place_find(l, path, &p);                                                                             \
                                                                                                                     \
	if (r < 0)                                                                                                   \
	return r

static bool is_change(int flags)
{
	return (flags & (O_CREAT | O_TRUNC)) || (flags & O_ACCMODE) != O_RDONLY;
}

/*
 * The mode with which something is to be made; *lost: what our own umask takes from it.  In a directory with a default ACL
 * no umask counts, neither ours nor the one that is in @owner.
 */
static mode_t new_mode(const struct layers *l, const struct place *p, mode_t mode, const struct layers_owner *owner,
		       mode_t *lost)
{
	char link[40];

	snprintf(link, sizeof link, "/proc/self/fd/%d", p->dir);
	*lost = 0;
	if ((l->umask || (owner && owner->denied)) && getxattr(link, ACL_DEFAULT, NULL, 0) > 0)
		return owner ? mode | owner->denied : mode;
	*lost = mode & l->umask;
	return mode;
}

/* openat(2), not through a link.  O_NOFOLLOW is not used for that: it would be seen in the flags of the open file. */
static int open_here(const struct place *p, int flags, mode_t mode)
{
	int r = beneath_open(p->dir, p->name, flags, mode);

	errno = r < 0 ? -r : 0;
	return r < 0 ? -1 : r;
}

static int open_at(struct layers *l, const struct place *p, int flags, mode_t mode, const struct layers_owner *owner)
{
	bool nameless = (flags & O_TMPFILE) == O_TMPFILE;
	mode_t lost = 0;
	int r;

	if (nameless || (flags & O_CREAT))
		mode = new_mode(l, p, mode, owner, &lost);
	if (nameless && lost) {
		r = open_here(p, flags, mode);
		if (r >= 0)
			fchmod(r, mode);
		return outcome(l, p, r);
	}
	if ((flags & O_CREAT) && lost) {
		/* Ours, which is in the way, must not be taken off: find out whether the file is new. */
		r = open_here(p, flags | O_EXCL, mode);
		if (r >= 0)
			fchmod(r, mode);
		if (r >= 0 || errno != EEXIST || (flags & O_EXCL))
			return changed(l, p, r);
		flags &= ~O_CREAT;
	}
	r = open_here(p, flags, mode);
	return flags & O_CREAT ? changed(l, p, r) : outcome(l, p, r);
}

int native_open(struct layers *l, const char *path, int flags, mode_t mode, const struct layers_owner *owner)
{
	ENTER(path, p);
	if (!path[0] && !is_change(flags))
		return beneath_open(p.dir, "", flags, 0);
	return open_at(l, &p, flags, mode, owner);
}

int native_open_in_store(struct layers *l, const char *path, int flags, mode_t mode)
{
	cleanup_place struct place p = PLACE_INIT;
	bool nameless = (flags & O_TMPFILE) == O_TMPFILE;
	int r = place_in_store(l, path, nameless, is_change(flags), &p);

	if (r == 0 && ((flags & O_CREAT) || nameless) && mode_refused(&p, mode))
		r = -EPERM;
	return r < 0 ? r : open_at(l, &p, flags | O_NOCTTY, mode, NULL);
}

int native_mkdir(struct layers *l, const char *path, mode_t mode, const struct layers_owner *owner)
{
	mode_t lost;
	ENTER(path, p);
	if (p.store)
		mode &= ~(mode_t)S_ISGID; /* the file system hands it on */
	mode = new_mode(l, &p, mode, owner, &lost);
	r = mkdirat(p.dir, p.name, mode);
	if (r == 0 && lost)
		fchmodat(p.dir, p.name, mode, 0);
	return changed(l, &p, r);
}

int native_mknod(struct layers *l, const char *path, mode_t mode, dev_t rdev, const struct layers_owner *owner)
{
	mode_t lost;
	ENTER(path, p);
	/* A whiteout is a device that everybody may make. */
	if (mode_refused(&p, mode) || (p.store && (S_ISBLK(mode) || (S_ISCHR(mode) && rdev != 0))))
		return -EPERM;
	mode = new_mode(l, &p, mode, owner, &lost);
	r = mknodat(p.dir, p.name, mode, rdev);
	if (r == 0 && lost)
		fchmodat(p.dir, p.name, mode & 07777, 0);
	return changed(l, &p, r);
}

int native_symlink(struct layers *l, const char *target, const char *path)
{
	ENTER(path, p);
	return changed(l, &p, symlinkat(target, p.dir, p.name));
}

int native_unlink(struct layers *l, const char *path, int flags)
{
	ENTER(path, p);
	return changed(l, &p, unlinkat(p.dir, p.name, flags));
}

int native_link(struct layers *l, const char *oldpath, const char *newpath)
{
	cleanup_place struct place to = PLACE_INIT;

	if (store_has(l, oldpath) != store_has(l, newpath))
		return -EXDEV;
	ENTER(oldpath, from);

	r = place_find(l, newpath, &to);
	return r < 0 ? r : changed(l, &to, linkat(from.dir, from.name, to.dir, to.name, 0));
}

/* Of an open file, by its name in /proc: in a store, or, of a file of the host's, where that is changed itself. */
int native_link_fd(struct layers *l, const char *proc, bool hosts, const char *newpath)
{
	cleanup_place struct place p = PLACE_INIT;
	int r = hosts ? place_find(l, newpath, &p) : place_in_store(l, newpath, false, true, &p);

	return r < 0 ? r : changed(l, &p, linkat(AT_FDCWD, proc, p.dir, p.name, AT_SYMLINK_FOLLOW));
}

int native_rename(struct layers *l, const char *oldpath, const char *newpath, unsigned flags)
{
	cleanup_place struct place to = PLACE_INIT;

	if (store_has(l, oldpath) != store_has(l, newpath))
		return -EXDEV;
	ENTER(oldpath, from);

	r = place_find(l, newpath, &to);
	return r < 0 ? r : changed(l, &to, renameat2(from.dir, from.name, to.dir, to.name, flags));
}

int native_chmod(struct layers *l, const char *path, mode_t mode)
{
	cleanup_fd int fd = -1;
	struct obj o;
	struct statx st;
	ENTER(path, p);

	if (mode_refused(&p, mode))
		return -EPERM;
	fd = openat(p.dir, p.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return outcome(l, &p, -1);
	o = OBJ_FD(fd);
	r = obj_statx(&o, &st);
	if (r == 0)
		r = S_ISLNK(st.stx_mode) ? -EOPNOTSUPP : obj_chmod(&o, mode);
	errno = -r;
	return changed(l, &p, r);
}

int native_chown(struct layers *l, const char *path, uid_t uid, gid_t gid)
{
	struct obj o;
	ENTER(path, p);

	o = OBJ_AT(p.dir, p.name);
	if (p.store)
		return store_chown(l, path, &o, uid, gid);
	return outcome(l, &p, fchownat(p.dir, p.name, uid, gid, AT_SYMLINK_NOFOLLOW));
}

int native_utimens(struct layers *l, const char *path, const struct timespec times[2])
{
	ENTER(path, p);
	return outcome(l, &p, utimensat(p.dir, p.name, times, AT_SYMLINK_NOFOLLOW));
}

int native_truncate(struct layers *l, const char *path, off_t size)
{
	cleanup_fd int fd = -1;
	ENTER(path, p);

	fd = openat(p.dir, p.name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return outcome(l, &p, fd < 0 ? -1 : ftruncate(fd, size));
}

/* What keeps a store apart is nobody else's: its own xattrs are, but for the mark. */
static int place_for_xattr(struct layers *l, const char *path, const char *name, struct place *p)
{
	struct idir *dir;
	int r = place_in_store(l, path, true, true, p);

	if (r == 0 && store_xattr(name) && store_at(l, path, &dir) == STORE_ITSELF)
		return -EPERM;
	return r == GO_ON ? place_find(l, path, p) : r;
}

int native_setxattr(struct layers *l, const char *path, const char *name, const void *value, size_t size, int flags)
{
	cleanup_place struct place p = PLACE_INIT;
	struct obj o;
	int r = place_for_xattr(l, path, name, &p);

	if (r < 0)
		return r;
	o = OBJ_AT(p.dir, p.name);
	r = obj_setxattr(&o, name, value, size, flags);
	errno = -r;
	return outcome(l, &p, r);
}

int native_removexattr(struct layers *l, const char *path, const char *name)
{
	cleanup_place struct place p = PLACE_INIT;
	struct obj o;
	int r = place_for_xattr(l, path, name, &p);

	if (r < 0)
		return r;
	o = OBJ_AT(p.dir, p.name);
	r = obj_removexattr(&o, name);
	errno = -r;
	return outcome(l, &p, r);
}
