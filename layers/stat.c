/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes as the view shows them.
 *
 * A merged directory has the attributes of the upper one, but the number (st_dev, st_ino) of the lower one, which
 * is what it had before anything in it was changed; its link count is 1, "unknown", for no count of subdirectories
 * would be right.  Whichever way it is asked for, by name or by a descriptor of either body, the answer is the same.
 */
#include <sys/sysmacros.h>

#include "layers_internal.h"

/* Virtual attributes of an upper object onto what statx(2) said of it. */
static int patch_upper(struct layers *l, const struct obj *o, struct statx *st)
{
	struct vattr a;
	int r = vattr_get(l, o, st, &a, NULL);

	if (r < 0)
		return r;
	vattr_patch(&a, st);
	if (st->stx_nlink > 1 && !S_ISDIR(st->stx_mode) && links_hold(l, st->stx_ino))
		st->stx_nlink--;
	return 0;
}

int upper_stat(struct layers *l, const char *path, const struct obj *o, struct statx *st)
{
	int r = obj_statx(o, st);
	struct obj by_path = upper_obj(l, path);

	return r < 0 ? r : patch_upper(l, o->fd >= 0 && path[0] ? &by_path : o, st);
}

static void number_of(const struct statx *from, struct statx *st)
{
	st->stx_ino = from->stx_ino;
	st->stx_dev_major = from->stx_dev_major;
	st->stx_dev_minor = from->stx_dev_minor;
	st->stx_nlink = 1;
	if (from->stx_mask & STATX_MNT_ID)
		st->stx_mnt_id = from->stx_mnt_id;
}

/* A directory that the upper directory has, merged or not; @lower: its lower body, if the caller has seen it. */
static int stat_upper_dir(struct layers *l, const char *path, bool hides, const struct statx *lower, struct statx *st)
{
	cleanup_lnode struct lnode low = LNODE_INIT;
	struct obj o = upper_obj(l, path);
	int r = upper_stat(l, path, &o, st);

	if (r == 0 && !hides && lower)
		number_of(lower, st);
	else if (r == 0 && !hides && lower_find(l, path, &low) == 0 && S_ISDIR(low.st.stx_mode))
		number_of(&low.st, st);
	return r;
}

/* The directory @path, if the upper directory has it: 1, or 0 if it does not. */
static int dir_in_upper(struct layers *l, const char *path, bool *hides)
{
	struct idir *dir;
	struct upos u;
	int r;

	if (!path[0]) {
		r = index_root(l, &dir);
		*hides = r == 0 && (dir->opaque || dir->alone);
		return r < 0 ? r : 1;
	}
	r = upper_find(l, path, &u);
	if (r < 0)
		return r;
	if (!u.ent || !u.last || !ient_is_dir(u.ent))
		return 0;
	r = index_dir(l, u.ent, path, u.end, &dir);
	*hides = u.cut || (u.ent->flags & IE_WHFILE) || (r == 0 && (dir->opaque || dir->alone));
	return r < 0 ? r : 1;
}

int layers_stat(struct layers *l, const char *path, const struct layers_node *node, struct statx *st)
{
	struct obj o = OBJ_FD(node->fd);
	struct idir *store;
	struct statx lower;
	bool hides = false;
	int r;

	if (node->where == LAYERS_LOWER && is_below(l, node->layer))
		return l->below->stat(l->below->arg, path, node, st);
	if (l->native || node->where == LAYERS_LOWER)
		return fd_statx(node->fd, st);
	gen_sync(l);
	if (store_at(l, path, &store) == STORE_IN) {
		r = fd_statx(node->fd, st);
		return r < 0 ? r : store_show(l, path, store, st);
	}
	if (node->where == LAYERS_UPPER) {
		struct obj by_path = upper_obj(l, path);

		r = upper_stat(l, path, &o, st);
		if (r == 0)
			origin_number(l, &by_path, st);
		return r;
	}
	r = l->cow ? dir_in_upper(l, path, &hides) : 0;
	if (r > 0 && node->layer > 0 && !node->elsewhere && fd_statx(node->fd, &lower) == 0)
		return stat_upper_dir(l, path, hides, &lower, st);
	if (r > 0)
		return stat_upper_dir(l, path, hides, NULL, st);
	if (r == 0)
		r = is_below(l, node->layer) ? l->below->stat(l->below->arg, path, node, st) : fd_statx(node->fd, st);
	/* Several lower directories. */
	if (r == 0 && l->nlower > 1)
		st->stx_nlink = 1;
	return r;
}

/* The host path of an open descriptor; PATH_MAX bytes. */
int fd_host(int fd, char *host)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, host, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	host[n] = '\0';
	return 0;
}

/* A descriptor of a directory: of the lower body or of the upper one. */
static int patch_dir(struct layers *l, int fd, struct statx *st)
{
	char host[PATH_MAX], path[PATH_MAX];
	struct obj o = OBJ_FD(fd);
	struct statx lower;
	bool hides;
	int r = fd_host(fd, host);

	if (r < 0)
		return r;
	if (st->stx_nlink == 0) /* removed: only the object itself can tell */
		return host_in_layer(host, &l->layer[0]) ? patch_upper(l, &o, st) : 0;
	r = layers_path_of(l, host, path);
	if (r < 0)
		return 0;
	r = dir_in_upper(l, path, &hides);
	if (r > 0) {
		lower = *st;
		r = stat_upper_dir(l, path, hides, l->below || host_in_layer(host, &l->layer[0]) ? NULL : &lower, st);
		return r < 0 ? r : 1;
	}
	if (r == 0 && l->nlower > 1)
		st->stx_nlink = 1;
	return r;
}

static bool is_verified(const struct layers *l, const struct statx *st)
{
	const struct verified *v = &l->verified[st->stx_ino % LAYERS_VERIFIED];

	return v->ino == st->stx_ino && v->sec == st->stx_ctime.tv_sec && v->nsec == st->stx_ctime.tv_nsec;
}

/* 1: it is a body in a store, and @st is as it is shown. */
static int patch_in_store(struct layers *l, int fd, struct statx *st)
{
	char path[PATH_MAX];
	struct idir *dir;
	int r = store_of_fd(l, fd, path, &dir);

	if (r > 0)
		r = store_show(l, path, dir, st);
	else
		return r;
	return r < 0 ? r : 1;
}

/* Is this a body in the upper directory?  Asking by name is slow, so the answer is remembered for an inode as it is.
 */
static bool is_upper_body(struct layers *l, int fd, const struct statx *st)
{
	struct verified *v = &l->verified[st->stx_ino % LAYERS_VERIFIED];
	char host[PATH_MAX];

	if (is_verified(l, st))
		return true;
	if (fd_host(fd, host) < 0 || !host_in_layer(host, &l->layer[0]))
		return false;
	*v = (struct verified){st->stx_ino, st->stx_ctime.tv_sec, st->stx_ctime.tv_nsec};
	return true;
}

/*
 * Most descriptors are of files that have no record, and one fgetxattr(2) tells that.  A record counts only in the
 * upper directory: a lower file may carry the xattr of another tool.
 */
int layers_patch_stat(struct layers *l, int fd, struct statx *st)
{
	struct obj o = OBJ_FD(fd);
	struct statx again, raw, numbered;
	struct vattr a;
	bool recorded;
	bool ours = false;
	uint64_t dev;
	int r;

	if (!l->cow)
		return 0;
	gen_sync(l);
	r = stores_any(l) && !is_verified(l, st) ? patch_in_store(l, fd, st) : 0;
	if (r)
		return r;
	if (S_ISDIR(st->stx_mode))
		return patch_dir(l, fd, st);
	dev = makedev(st->stx_dev_major, st->stx_dev_minor);
	if (dev != l->layer[0].dev && dev != l->file_dev)
		return 0;
	if (st->stx_nlink > 1 && links_hold(l, st->stx_ino))
		st->stx_nlink--;
	raw = numbered = *st;
	origin_number(l, &o, &numbered);
	if (numbered.stx_ino != raw.stx_ino && is_upper_body(l, fd, &raw)) {
		ours = true;
		st->stx_nlink = numbered.stx_nlink;
		st->stx_ino = numbered.stx_ino;
		st->stx_dev_major = numbered.stx_dev_major;
		st->stx_dev_minor = numbered.stx_dev_minor;
	}
	if (!l->vstat)
		return ours;
	if (!vstat_in_xattr(l, st->stx_mode) && !(st->stx_mask & STATX_BTIME) && fd_statx(fd, &again) == 0) {
		again.stx_nlink = st->stx_nlink;
		*st = raw = again;
	}
	r = vattr_get(l, &o, &raw, &a, &recorded);
	if (r == 0 && recorded && is_upper_body(l, fd, &raw)) {
		vattr_patch(&a, st);
		ours = true;
	}
	return r < 0 ? r : ours;
}

int layers_statfs(struct layers *l, const char *path, struct statfs *st)
{
	char target[PATH_MAX];
	struct layers_node node;
	struct statx body;
	size_t end;
	int r = layers_walk(l, path, &end, &node, target);

	if (r)
		return r == 1 ? -ELOOP : r;
	if (node.fd < 0 && l->below != NULL) /* it has no body there */
		return l->below->statfs(l->below->arg, path, st);
	/* Changes to the tree cost space where the upper directory is; other file systems mounted in it are others.
	 */
	if (l->cow && fd_statx(node.fd, &body) == 0 &&
	    (node.where != LAYERS_LOWER ||
	     makedev(body.stx_dev_major, body.stx_dev_minor) == l->layer[node.layer].dev))
		r = fstatfs(l->layer[0].fd, st);
	else
		r = fstatfs(node.fd, st);
	r = r < 0 ? -errno : 0;
	close(node.fd);
	return r;
}
