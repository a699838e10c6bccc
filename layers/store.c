/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stores: directories of the upper one in which another stack keeps its changes, a view inside of this one.
 *
 * Theory of operation.  What is in a store bears marks of the format that are the other stack's: whiteouts, records
 * of virtual attributes, .umview.  So this stack shows it as it is, and changes it as it is (native.c), by the very
 * system calls: nothing in it is looked up in the index, which the other stack could not keep right, and no xattr of
 * it means anything.  Names do not go from one side to the other (EXDEV, as between file systems), for marks would
 * come to mean something else.
 *
 * A store is known by the xattr user.umview.store, which no program of the stack can set, nor see.  It implies an
 * opaque directory.  Its value is the record of the directory itself, as user.containers.override_stat is that of
 * others: the latter is the other stack's record of its root.  With vstat what really belongs to us is shown as
 * belonging to the owner of the store.
 *
 * In a stack whose programs are not trusted (--secure) the other stack must not find a symbolic link where its index
 * has a directory: while it is open, nobody else changes what is in the store (EBUSY).
 */
#include <sys/file.h>

#include "layers_internal.h"

#define XATTR_STORE "user.umview.store"
#define KEPT_STORE "store" /* the same where there are no user xattrs; no name of an xattr, so nobody else has it */

bool store_xattr(const char *name)
{
	return !strcmp(name, XATTR_STORE);
}

/* The upper directory itself may be the store of a stack around this one. */
static bool is_top(const struct layers *l, const struct statx *raw)
{
	struct statx top;

	return fd_statx(l->layer[0].fd, &top) == 0 && top.stx_ino == raw->stx_ino &&
	       top.stx_dev_major == raw->stx_dev_major && top.stx_dev_minor == raw->stx_dev_minor;
}

/* The record of a store itself: 1; 0: it is none. */
int store_record(struct layers *l, const struct obj *o, const struct statx *raw, char *buf, size_t size)
{
	ssize_t n;

	if (!S_ISDIR(raw->stx_mode) || !stores_any(l))
		return 0;
	n = l->no_xattr ? kept_get(l, o, raw, KEPT_STORE, buf, size - 1)
			: obj_getxattr(o, XATTR_STORE, buf, size - 1);
	if (n <= 0 || is_top(l, raw))
		return 0;
	buf[n] = '\0';
	return 1;
}

int store_put(struct layers *l, const struct obj *o, const struct statx *raw, const char *text)
{
	return l->no_xattr ? kept_set(l, o, raw, KEPT_STORE, text, strlen(text), 0)
			   : obj_setxattr(o, XATTR_STORE, text, strlen(text), 0);
}

/* Is an upper directory, open as @dirfd, one? */
bool store_marked(struct layers *l, int dirfd)
{
	struct obj o = OBJ_FD(dirfd);
	struct statx raw;
	char text[128];

	return stores_any(l) && fd_statx(dirfd, &raw) == 0 && store_record(l, &o, &raw, text, sizeof text) > 0;
}

/**
 * store_at() - does a path lead to a store, or into one?
 * @dir:	set to the index's directory of the store, unless it is OUT
 */
enum store store_at(struct layers *l, const char *path, struct idir **dir)
{
	struct upos u;

	if (!l->cow || !path[0] || !stores_any(l))
		return STORE_OUT;
	gen_sync(l);
	if (upper_find(l, path, &u) < 0 || !u.ent || (!u.last && !u.store))
		return STORE_OUT;
	*dir = u.store;
	if (u.store)
		return STORE_IN;
	if (!ient_is_dir(u.ent) || index_dir(l, u.ent, path, u.end, dir) < 0)
		return STORE_OUT;
	return (*dir)->store ? STORE_ITSELF : STORE_OUT;
}

bool store_has(struct layers *l, const char *path)
{
	struct idir *dir;

	return store_at(l, path, &dir) == STORE_IN;
}

bool layers_as_it_is(struct layers *l, const char *path)
{
	struct idir *dir;

	return l->native || store_at(l, path, &dir) != STORE_OUT;
}

/* The owner of what is really ours in the store, as shown. */
static int owner_of(struct layers *l, const char *path, struct idir *dir, struct vattr *a)
{
	char top[PATH_MAX];
	struct upos u;
	struct statx raw;
	struct obj o;
	int r;

	if (!dir->attr_known) {
		r = upper_find(l, path, &u);
		if (r < 0)
			return r;
		memcpy(top, path, u.end);
		top[u.end] = '\0';
		o = upper_obj(l, top);
		r = obj_statx(&o, &raw);
		if (r == 0)
			r = vattr_get(l, &o, &raw, a, NULL);
		if (r < 0)
			return r;
		dir->uid = a->uid;
		dir->gid = a->gid;
		dir->attr_known = true;
	}
	a->uid = dir->uid;
	a->gid = dir->gid;
	return 0;
}

/* What statx(2) said of an object at @path, in the store @dir, as it is shown. */
int store_show(struct layers *l, const char *path, struct idir *dir, struct statx *st)
{
	struct vattr a;
	int r = l->vstat ? owner_of(l, path, dir, &a) : 0;

	if (r < 0 || !l->vstat)
		return r;
	if (st->stx_uid == l->uid)
		st->stx_uid = a.uid;
	if (st->stx_gid == l->gid)
		st->stx_gid = a.gid;
	return 0;
}

/* A change of owner: with vstat there is but one. */
int store_chown(struct layers *l, const char *path, const struct obj *o, uid_t uid, gid_t gid)
{
	struct idir *dir;
	struct statx st;
	int r;

	if (!l->vstat)
		return obj_chown(o, uid, gid);
	r = obj_statx(o, &st);
	if (r == 0 && store_at(l, path, &dir) == STORE_IN)
		r = store_show(l, path, dir, &st);
	if (r < 0)
		return r;
	return (uid == (uid_t)-1 || uid == st.stx_uid) && (gid == (gid_t)-1 || gid == st.stx_gid) ? 0 : -EPERM;
}

/* Xattrs are as they are, but for the mark of the store itself. */
ssize_t store_getxattr(struct layers *l, const char *path, const struct obj *o, const char *name, void *value,
		       size_t size)
{
	if (store_xattr(name) && !store_has(l, path))
		return -ENODATA;
	return obj_getxattr(o, name, value, size);
}

ssize_t store_listxattr(struct layers *l, const char *path, const struct obj *o, char *list, size_t size)
{
	char all[XATTR_LIST_MAX], *p;
	ssize_t n, total = 0;

	if (store_has(l, path))
		return obj_listxattr(o, list, size);
	n = obj_listxattr(o, all, sizeof all);
	if (n < 0)
		return n;
	for (p = all; p < all + n; p += strlen(p) + 1) {
		size_t len = store_xattr(p) ? 0 : strlen(p) + 1;

		if (size && total + len > size)
			return -ERANGE;
		if (size)
			memcpy(list + total, p, len);
		total += len;
	}
	return total;
}

/* Where an open body is, if that is in a store: 1, and @path is filled; 0 if it is elsewhere. */
int store_of_fd(struct layers *l, int fd, char path[PATH_MAX], struct idir **dir)
{
	char host[PATH_MAX];

	if (!l->cow || !stores_any(l) || fd_host(fd, host) < 0 || !host_in_layer(host, &l->layer[0]) ||
	    layers_path_of(l, host, path) < 0)
		return 0;
	return store_at(l, path, dir) == STORE_IN;
}

/**
 * store_guard() - keep a stack that is not open yet from a store while it is changed
 * @path:	what is to be changed in it
 * @guard:	set to a descriptor to be closed afterwards, or -1
 *
 * Return: 0; -EBUSY: it is open.
 */
int store_guard(struct layers *l, const char *path, int *guard)
{
	char meta[PATH_MAX];
	struct upos u;
	int r;

	*guard = -1;
	if (!l->untrusted)
		return 0;
	r = upper_find(l, path, &u);
	if (r < 0)
		return r;
	if (snprintf(meta, sizeof meta, "%.*s/" META_DIR, (int)u.end, path) >= (int)sizeof meta)
		return -ENAMETOOLONG;
	*guard = beneath_open(l->layer[0].fd, meta, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (*guard < 0 || flock(*guard, LOCK_EX | LOCK_NB) == 0)
		return 0;
	r = errno == EWOULDBLOCK ? -EBUSY : 0;
	close_fd(guard);
	*guard = -1;
	return r;
}

/* The directory @path, which is empty, becomes a store.  The change lock is held. */
static int make_store(struct layers *l, const char *path)
{
	struct obj o = upper_obj(l, path);
	char text[64];
	struct statx raw;
	struct vattr a;
	int r = obj_statx(&o, &raw);

	if (r == 0)
		r = vattr_get(l, &o, &raw, &a, NULL);
	if (r < 0)
		return r;
	stores_mark(l);
	vattr_text(&a, text);
	r = store_put(l, &o, &raw, text);
	if (r == 0 && !l->no_xattr)
		obj_removexattr(&o, XATTR_VSTAT);
	index_drop(l);
	return r;
}

int layers_own(struct layers *l, const char *path)
{
	struct idir *dir;
	int r;

	if (!l->cow)
		return l->native ? 0 : -EROFS;
	if (store_at(l, path, &dir) != STORE_OUT)
		return 0;
	change_begin(l);
	r = merged_empty(l, path);
	r = r == 0 ? -ENOTEMPTY : r < 0 ? r : copy_up(l, path, 0);
	if (r == 0)
		r = make_store(l, path);
	change_end(l);
	return r;
}
