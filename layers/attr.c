/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes to attributes and extended attributes.
 */
#include "layers_internal.h"

/* Is an open descriptor's body below the upper directory, whether it still has a name or not? */
static bool fd_is_upper(struct layers *l, int fd)
{
	char host[PATH_MAX];

	return fd_host(fd, host) == 0 && host_in_layer(host, &l->layer[0]);
}

/* chmod(2) changes an access ACL too, if there is one. */
static int chmod_acl(struct layers *l, const struct obj *o, const struct statx *raw, mode_t mode)
{
	char acl[ACL_MAX] __attribute__((aligned(8)));
	ssize_t n = kept_get(l, o, raw, ACL_ACCESS, acl, sizeof acl);

	if (n <= 0)
		return 0;
	return acl_chmod(acl, n, mode) < 0 ? 0 : kept_set(l, o, raw, ACL_ACCESS, acl, n, 0);
}

/* Change what an upper object shows as owner and mode; (mode_t)-1 and so on: unchanged. */
static int change_attr(struct layers *l, const struct obj *o, const struct statx *known, bool root, mode_t mode,
		       uid_t uid, gid_t gid)
{
	struct vattr a, was;
	struct statx raw;
	bool recorded, owner = mode == (mode_t)-1;
	int r = 0;

	if (known)
		raw = *known;
	else
		r = obj_statx(o, &raw);
	if (r < 0)
		return r;
	if (S_ISLNK(raw.stx_mode) && !owner)
		return -EOPNOTSUPP;
	if (!l->vstat && !root)
		return owner ? obj_chown(o, uid, gid) : obj_chmod(o, mode & 07777);
	r = vattr_get(l, o, &raw, &a, &recorded);
	if (r < 0)
		return r;
	was = a;
	if (!owner)
		a.mode = (a.mode & S_IFMT) | (mode & 07777);
	if (uid != (uid_t)-1)
		a.uid = uid;
	if (gid != (gid_t)-1)
		a.gid = gid;
	if (owner && !S_ISDIR(a.mode)) {
		/* As the kernel does, for root too: set-id bits and capabilities belong to the old owner. */
		a.mode &= ~S_ISUID;
		if (a.mode & S_IXGRP)
			a.mode &= ~S_ISGID;
		if (S_ISREG(a.mode))
			kept_remove(l, o, &raw, "security.capability");
	}
	if (!owner && !S_ISLNK(raw.stx_mode))
		r = chmod_acl(l, o, &raw, mode);
	if (r < 0 || (a.mode == was.mode && a.uid == was.uid && a.gid == was.gid))
		return r;
	return vattr_put(l, o, &raw, recorded, &a);
}

static int change_path(struct layers *l, const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	struct obj o = upper_obj(l, path);
	int r;

	if (!l->cow)
		return -EROFS;
	change_begin(l);
	r = copy_up(l, path, 0);
	if (r == 0)
		r = change_attr(l, &o, NULL, !path[0], mode, uid, gid);
	index_attr_forget(l, path);
	change_end(l);
	return r;
}

/* The same in a store, where modes are real ones. */
static int change_fd_in_store(struct layers *l, const char *path, const struct obj *o, mode_t mode, uid_t uid,
			      gid_t gid)
{
	cleanup_fd int guard = -1;
	int r = store_guard(l, path, &guard);

	if (r < 0)
		return r;
	if (mode == (mode_t)-1)
		return store_chown(l, path, o, uid, gid);
	return mode & (S_ISUID | S_ISGID) ? -EPERM : obj_chmod(o, mode);
}

/* The same to a body that is open.  Directories have to be told to others, for their attributes are inherited. */
static int change_fd(struct layers *l, int fd, mode_t mode, uid_t uid, gid_t gid)
{
	struct obj o = OBJ_FD(fd);
	char path[PATH_MAX];
	struct idir *store;
	struct statx st;
	bool dir;
	int r;

	if (l->native) {
		r = mode == (mode_t)-1 ? obj_chown(&o, uid, gid) : obj_chmod(&o, mode & 07777);
		return r;
	}
	if (!l->cow || !fd_is_upper(l, fd))
		return -EXDEV;
	if (store_of_fd(l, fd, path, &store))
		return change_fd_in_store(l, path, &o, mode, uid, gid);
	r = obj_statx(&o, &st);
	if (r < 0)
		return r;
	dir = S_ISDIR(st.stx_mode);
	if (dir || !vstat_in_xattr(l, st.stx_mode))
		change_begin(l);
	r = change_attr(l, &o, &st, false, mode, uid, gid);
	if (dir) {
		char host[PATH_MAX];

		if (fd_host(fd, host) == 0 && layers_path_of(l, host, path) == 0)
			index_attr_forget(l, path);
	}
	if (dir || !vstat_in_xattr(l, st.stx_mode))
		change_end(l);
	return r;
}

int layers_chmod(struct layers *l, const char *path, mode_t mode)
{
	int r = native_chmod(l, path, mode & 07777);

	return r != GO_ON ? r : change_path(l, path, mode & 07777, -1, -1);
}

int layers_chown(struct layers *l, const char *path, uid_t uid, gid_t gid)
{
	int r = native_chown(l, path, uid, gid);

	return r != GO_ON ? r : change_path(l, path, -1, uid, gid);
}

int layers_fchmod(struct layers *l, int fd, mode_t mode)
{
	return change_fd(l, fd, mode & 07777, -1, -1);
}

int layers_fchown(struct layers *l, int fd, uid_t uid, gid_t gid)
{
	return change_fd(l, fd, -1, uid, gid);
}

int layers_utimens(struct layers *l, const char *path, const struct timespec times[2])
{
	struct obj o = upper_obj(l, path);
	int r = native_utimens(l, path, times);

	if (r != GO_ON)
		return r;
	r = copy_up(l, path, 0);
	return r < 0 ? r : obj_utimens(&o, times);
}

int layers_truncate(struct layers *l, const char *path, off_t size)
{
	cleanup_look struct look k = LOOK_INIT;
	cleanup_fd int fd = -1;
	int r;

	if (size < 0)
		return -EINVAL;
	r = native_truncate(l, path, size);
	if (r != GO_ON)
		return r;
	gen_sync(l);
	r = look_up_existing(l, path, &k);
	if (r < 0)
		return r;
	if (k.dtype != DT_REG)
		return k.dtype == DT_DIR ? -EISDIR : -EINVAL;
	r = copy_up(l, path, size ? 0 : COPY_UP_NO_DATA);
	if (r < 0)
		return r;
	fd = layers_open_file(l, path, O_WRONLY | O_NONBLOCK, 0, NULL);
	if (fd < 0)
		return fd == -ENXIO ? -EINVAL : fd;
	return ftruncate(fd, size) < 0 ? -errno : 0;
}

/* Where the xattrs of a path are to be read: -1 in *lower: in the upper directory. */
static int xattr_place(struct layers *l, const char *path, struct look *k)
{
	gen_sync(l);
	if (l->native) {
		k->low.fd = beneath_open(l->layer[1].fd, path, O_PATH | O_NOFOLLOW, 0);
		return k->low.fd < 0 ? k->low.fd : 0;
	}
	return look_up_existing(l, path, k);
}

ssize_t layers_getxattr(struct layers *l, const char *path, const char *name, void *value, size_t size)
{
	cleanup_look struct look k = LOOK_INIT;
	struct obj o = upper_obj(l, path);
	int r = xattr_place(l, path, &k);

	if (r < 0)
		return r;
	if (k.store)
		return store_getxattr(l, path, &o, name, value, size);
	if (k.upper)
		return upper_getxattr(l, &o, name, value, size);
	return lower_getxattr(l, &k.low, path, name, value, size);
}

ssize_t layers_listxattr(struct layers *l, const char *path, char *list, size_t size)
{
	cleanup_look struct look k = LOOK_INIT;
	struct obj o = upper_obj(l, path);
	int r = xattr_place(l, path, &k);

	if (r < 0)
		return r;
	if (k.store)
		return store_listxattr(l, path, &o, list, size);
	if (k.upper)
		return upper_listxattr(l, &o, list, size);
	return lower_listxattr(l, &k.low, path, list, size);
}

int layers_setxattr(struct layers *l, const char *path, const char *name, const void *value, size_t size, int flags)
{
	struct obj o = upper_obj(l, path);
	int r = native_setxattr(l, path, name, value, size, flags);

	if (r != GO_ON)
		return r;
	if (!l->cow)
		return -EROFS;
	change_begin(l);
	r = copy_up(l, path, 0);
	if (r == 0)
		r = upper_setxattr(l, &o, name, value, size, flags);
	change_end(l);
	return r;
}

int layers_removexattr(struct layers *l, const char *path, const char *name)
{
	struct obj o = upper_obj(l, path);
	int r = native_removexattr(l, path, name);

	if (r != GO_ON)
		return r;
	if (!l->cow)
		return -EROFS;
	change_begin(l);
	r = layers_getxattr(l, path, name, NULL, 0);
	if (r >= 0)
		r = copy_up(l, path, 0);
	if (r == 0)
		r = upper_removexattr(l, &o, name);
	change_end(l);
	return r;
}
