/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * open(2) in a stack.
 *
 * Two short ways carry nearly all opens: reading a file that the upper directory has nothing to do with, and opening
 * one that lives there.  The rest looks the name up under the change lock.
 */
#include <sys/sysmacros.h>

#include "layers_internal.h"

#define OPEN_VALID                                                                                                   \
	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_DSYNC | O_SYNC | O_ASYNC | O_DIRECT | O_NOATIME | O_TRUNC |           \
	 O_DIRECTORY | O_NOFOLLOW)

static bool wants_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
}

/* Open a body.  The file's owner may use O_NOATIME, and the view's root owns everything. */
static int open_body(struct layers *l, unsigned layer, const char *path, int flags)
{
	int fd;

	/* beneath_open() follows no link: O_NOFOLLOW is there if the caller gave it, for it shows (F_GETFL). */
	flags = (flags & OPEN_VALID) | O_NOCTTY | O_LARGEFILE;
	fd = lower_open(l, layer, path, flags);
	if (fd == -EPERM && (flags & O_NOATIME) && l->vstat)
		fd = lower_open(l, layer, path, flags & ~O_NOATIME);
	if (fd == -EACCES && layer == 0 && l->vstat) {
		/* Somebody took our own permission away behind our back. */
		struct obj o = upper_obj(l, path);
		struct statx st;

		if (obj_statx(&o, &st) == 0 && st.stx_uid == l->uid && !S_ISLNK(st.stx_mode) &&
		    obj_chmod(&o, (st.stx_mode & 07777) | (S_ISDIR(st.stx_mode) ? 0700 : 0600)) == 0)
			fd = beneath_open(l->layer[0].fd, path, flags, 0);
	}
	return fd;
}

/*
 * The devices that every system has and everybody may use stand for themselves; no other virtual device node
 * has a body.
 */
static int open_virtual_device(struct layers *l, const char *path, int flags)
{
	static const struct {
		unsigned major, minor;
		const char *host;
	} table[] = {
	    {1, 3, "/dev/null"},   {1, 5, "/dev/zero"},	   {1, 7, "/dev/full"},
	    {1, 8, "/dev/random"}, {1, 9, "/dev/urandom"},
	};
	struct obj o = upper_obj(l, path);
	struct statx raw;
	struct vattr a;
	struct stat st;
	size_t i;
	int fd;

	if (obj_statx(&o, &raw) < 0 || vattr_get(l, &o, &raw, &a, NULL) < 0 || !S_ISCHR(a.mode))
		return -ENXIO;
	for (i = 0; i < sizeof table / sizeof *table; i++) {
		if (a.rdev != makedev(table[i].major, table[i].minor))
			continue;
		fd = open(table[i].host, (flags & OPEN_VALID) | O_NOCTTY | O_CLOEXEC);
		if (fd < 0)
			return -ENXIO;
		if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == a.rdev)
			return fd;
		close(fd);
	}
	return -ENXIO;
}

/* Something that lives in the upper directory and is no directory. */
static int open_upper(struct layers *l, const char *path, struct ient *e, int flags)
{
	uint8_t vtype = upper_vtype(l, path, e);

	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	if (vtype == DT_LNK)
		return -ELOOP;
	if (vtype != e->dtype)
		return open_virtual_device(l, path, flags);
	return open_body(l, 0, path, flags);
}

/* A path descriptor is what a look-up gives. */
static int open_path(struct layers *l, const char *path, int flags)
{
	char target[PATH_MAX];
	struct layers_node node;
	size_t end;
	int r = layers_walk(l, path, &end, &node, target);

	if (r == 1)
		return -ELOOP;
	if (r < 0)
		return r;
	if ((flags & O_DIRECTORY) && node.type != S_IFDIR) {
		close(node.fd);
		return -ENOTDIR;
	}
	return node.fd;
}

/* A file without a name, in a directory of the view. */
static int open_tmpfile(struct layers *l, const char *path, int flags, mode_t mode, const struct layers_owner *owner)
{
	struct vattr a = {.uid = l->uid, .gid = l->gid, .mode = S_IFREG | (mode & 07777)};
	cleanup_look struct look k = LOOK_INIT;
	char record[64];
	struct obj o;
	int r, fd;

	r = look_up_existing(l, path, &k);
	if (r < 0)
		return r;
	if (k.dtype != DT_DIR)
		return -ENOTDIR;
	if (!wants_write(flags & ~O_TRUNC))
		return -EINVAL;
	r = copy_up(l, path, 0);
	if (r < 0)
		return r;
	fd = openat(l->layer[0].fd, path[0] ? path : ".", (flags & ~O_CREAT) | O_CLOEXEC, raw_mode(l, a.mode));
	if (fd < 0)
		return -errno;
	o = OBJ_FD(fd);
	if (l->vstat && owner) {
		a.uid = owner->uid;
		a.gid = owner->gid;
	}
	if (raw_mode(l, a.mode) & l->umask)
		obj_chmod(&o, raw_mode(l, a.mode));
	if (!vattr_shown_raw(l, &a)) {
		vattr_text(&a, record);
		r = vattr_put_text(l, &o, record);
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* Directories are opened to be listed; the body of a merged one is the lower one's, where that can be had. */
static int open_directory(struct layers *l, const char *path, const struct look *k, int flags)
{
	bool lower_dir = k->below && S_ISDIR(k->low.st.stx_mode);
	int fd = -EACCES;

	if (wants_write(flags))
		return -EISDIR;
	if (lower_dir && !(k->upper && k->opaque)) {
		fd = open_body(l, k->low.layer, path, flags);
		if (fd != -EACCES)
			return fd;
	}
	if (k->upper)
		return open_body(l, 0, path, flags);
	if (!lower_unreadable(l, &k->low, path))
		return fd;
	/* It is to appear as empty, so there has to be an empty one. */
	fd = copy_up(l, path, 0);
	return fd < 0 ? fd : open_body(l, 0, path, flags);
}

/*
 * What exists, found by @k; the change lock is held.  GO_ON: a fifo or a device in layer *special, whose open may
 * block and therefore has to wait until the lock is free.
 */
static int open_existing(struct layers *l, const char *path, struct look *k, int flags, unsigned *special)
{
	struct upos u;
	int fd, r;

	if (k->dtype == DT_DIR)
		return open_directory(l, path, k, flags);
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	if (k->dtype == DT_LNK)
		return -ELOOP;
	if (k->dtype != DT_REG) {
		*special = k->upper ? 0 : k->low.layer;
		return GO_ON;
	}
	if (k->upper)
		return open_upper(l, path, k->u.ent, flags);
	if (!wants_write(flags)) {
		fd = open_body(l, k->low.layer, path, flags);
		if (fd != -EACCES || !l->cow || !made_wanted(l, path))
			return fd;
	}
	r = copy_up(l, path, flags & O_TRUNC ? COPY_UP_NO_DATA : 0);
	if (r == 0)
		r = upper_find(l, path, &u);
	if (r < 0)
		return r;
	return u.ent && u.last ? open_upper(l, path, u.ent, flags) : -ENOENT;
}

/* The two short ways; GO_ON: it is neither. */
static int open_quickly(struct layers *l, const char *path, int flags)
{
	struct upos u;
	size_t end;
	int fd;

	if (!l->cow || !path[0] || (flags & (O_CREAT | O_DIRECTORY)) || path_hidden(l, path, &end))
		return GO_ON;
	if (upper_find(l, path, &u) < 0)
		return GO_ON;
	if (!u.ent) {
		if (u.cut || l->nlower != 1 || wants_write(flags))
			return GO_ON;
		fd = open_body(l, 1, path, flags);
		return fd >= 0 ? fd : GO_ON;
	}
	if (!u.last || ient_is_whiteout(u.ent) || ient_is_dir(u.ent))
		return GO_ON;
	fd = open_upper(l, path, u.ent, flags);
	return fd == -ENOENT ? GO_ON : fd;
}

static int open_fully(struct layers *l, const char *path, int flags, mode_t mode, const struct layers_owner *owner,
		      unsigned *special)
{
	cleanup_look struct look k = LOOK_INIT;
	int r = look_up(l, path, &k);

	if (r < 0)
		return r;
	if (!k.exists) {
		if (!(flags & O_CREAT))
			return -ENOENT;
		if (flags & O_DIRECTORY)
			return -EINVAL;
		return create_file(l, path, &k, (flags & OPEN_VALID) | O_NOCTTY, mode, owner);
	}
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if ((flags & O_CREAT) && k.dtype == DT_DIR)
		return -EISDIR;
	return open_existing(l, path, &k, flags, special);
}

int layers_open_file(struct layers *l, const char *path, int flags, mode_t mode, const struct layers_owner *owner)
{
	unsigned special = 0;
	bool change;
	int r;

	if (flags & O_PATH)
		return open_path(l, path, flags);
	if (l->native || (l->mincow && (wants_write(flags) || (flags & O_CREAT)))) {
		r = native_open(l, path, flags | O_NOCTTY, mode, owner);
		if (r != GO_ON)
			return r;
	}
	r = native_open_in_store(l, path, flags, mode);
	if (r != GO_ON)
		return r;
	gen_sync(l);
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return open_tmpfile(l, path, flags, mode, owner);
	r = open_quickly(l, path, flags);
	if (r != GO_ON)
		return r;
	/* Reading too may make something: a stand-in for what cannot be read. */
	change = l->cow && ((flags & O_CREAT) || wants_write(flags) || l->root_opaque);
	if (change)
		change_begin(l);
	r = open_fully(l, path, flags, mode, owner, &special);
	if (change)
		change_end(l);
	return r == GO_ON ? open_body(l, special, path, flags & ~O_TRUNC) : r;
}
