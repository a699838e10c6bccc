/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rename(2) in a stack.
 *
 * What is renamed is first brought into the upper directory, directories with all that is below them; then one
 * renameat2(2) does it.  If a lower layer would show at the old name, RENAME_WHITEOUT leaves a whiteout there in the
 * same step; where that cannot be had, the ".wh." file is made before.  A directory that comes to a name where a
 * lower one has a directory is made opaque before it moves.
 */
#include "layers_internal.h"

struct move {
	struct layers *l;
	const char *from, *to;
	struct look old, new;
};

/* Two names of one file: rename(2) does nothing. */
static bool same_file(struct move *m)
{
	struct statx a, b;

	if (!m->new.exists || m->old.upper != m->new.upper || m->old.dtype == DT_DIR)
		return false;
	a = m->old.low.st;
	b = m->new.low.st;
	if (m->old.upper &&
	    (beneath_statx(m->l->layer[0].fd, m->from, &a) < 0 || beneath_statx(m->l->layer[0].fd, m->to, &b) < 0))
		return false;
	return a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major && a.stx_dev_minor == b.stx_dev_minor;
}

/* The rules of rename(2), in its order.  1: nothing to do. */
static int check(struct move *m, unsigned flags)
{
	struct layers *l = m->l;
	bool dir;
	int r;

	if (!m->from[0] || !m->to[0])
		return -EBUSY;
	r = look_up(l, m->from, &m->old);
	if (r == 0)
		r = look_up(l, m->to, &m->new);
	if (r == 0 && !m->old.exists)
		r = -ENOENT;
	if (r < 0)
		return r;
	if (m->new.exists && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (!m->new.exists && (flags & RENAME_EXCHANGE))
		return -ENOENT;
	if (!strcmp(m->from, m->to))
		return 1;
	dir = m->old.dtype == DT_DIR;
	if (dir && path_is_below(m->to, m->from))
		return -EINVAL;
	if (path_is_below(m->from, m->to))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	r = name_allowed(l, m->to);
	if (r < 0)
		return r;
	if (same_file(m))
		return 1;
	if (!m->new.exists || (flags & RENAME_EXCHANGE))
		return 0;
	if (dir != (m->new.dtype == DT_DIR))
		return dir ? -ENOTDIR : -EISDIR;
	r = dir ? merged_empty(l, m->to) : 1;
	return r < 0 ? r : r ? 0 : -ENOTEMPTY;
}

static int mark_opaque(struct layers *l, const char *path)
{
	struct obj o = upper_obj(l, path);
	int r = opaque_set(l, &o);

	if (r == 0)
		index_opaque(l, path);
	return r;
}

/* An empty upper directory that holds whiteouts would be in the way: put a clean one in its place. */
static int clean_target(struct layers *l, const char *path)
{
	char tmp[32];
	struct obj o;
	int r;

	tmp_name(l, tmp);
	if (mkdirat(l->work, tmp, 0700) < 0)
		return -errno;
	o = OBJ_AT(l->work, tmp);
	/* The mark is an xattr here: a file would be in the way just as well. */
	r = l->no_xattr ? 0 : opaque_set(l, &o);
	if (r == 0 && l->no_xattr)
		r = whiteout_beside(l, path);
	if (r == 0 && renameat2(l->work, tmp, l->layer[0].fd, path, RENAME_EXCHANGE) < 0)
		r = -errno;
	remove_tree(l->work, tmp);
	return r;
}

/* rename(2) in the upper directory, with a whiteout left behind if asked for. */
static int move_upper(struct move *m, bool leave, int *left)
{
	struct layers *l = m->l;
	int up = l->layer[0].fd, r;

	*left = 0;
	if (leave && !l->no_mknod && !feature_off(LAYERS_RENAME_WHITEOUT)) {
		if (renameat2(up, m->from, up, m->to, RENAME_WHITEOUT) == 0) {
			*left = IE_WHITEOUT;
			return 0;
		}
		if (errno != EINVAL && errno != EPERM)
			return -errno;
	}
	if (leave) {
		r = whiteout_beside(l, m->from);
		if (r < 0)
			return r;
		*left = IE_WHFILE;
	}
	return renameat(up, m->from, up, m->to) < 0 ? -errno : 0;
}

/* A directory cannot be renamed over a whiteout, but the two can change places. */
static int move_over_whiteout(struct move *m, bool leave, int *left)
{
	struct layers *l = m->l;
	int up = l->layer[0].fd;

	*left = IE_WHITEOUT;
	if (renameat2(up, m->from, up, m->to, RENAME_EXCHANGE) < 0) {
		if (errno != EINVAL)
			return -errno;
		if (unlinkat(up, m->to, 0) < 0)
			return -errno;
		return move_upper(m, leave, left);
	}
	if (!leave && unlinkat(up, m->from, 0) == 0)
		*left = 0;
	return 0;
}

static int move_to(struct move *m)
{
	struct layers *l = m->l;
	bool dir = m->old.dtype == DT_DIR, leave = m->old.below, forget;
	struct upos from, to;
	struct statx raw;
	int r, left, to_flags;

	r = upper_find(l, m->from, &from);
	if (r == 0)
		r = upper_find(l, m->to, &to);
	if (r < 0)
		return r;
	if (!from.ent || !from.last || !to.last)
		return -ENOENT;
	to_flags = to.ent ? to.ent->flags : 0;
	forget = m->new.exists && m->new.upper &&forget_needed(l, m->new.dtype);
	if (forget)
		r = beneath_statx(l->layer[0].fd, m->to, &raw);
	if (r == 0 && dir && (m->new.below || to_flags))
		r = mark_opaque(l, m->from);
	if (r < 0)
		return r;
	left = from.ent->flags & IE_WHFILE;
	if (dir && (to_flags & IE_WHITEOUT)) {
		r = move_over_whiteout(m, leave, &left);
	} else {
		r = move_upper(m, leave, &left);
		if (dir && (r == -ENOTEMPTY || r == -EEXIST)) {
			r = clean_target(l, m->to);
			if (r == 0)
				r = move_upper(m, leave, &left);
			to_flags |= l->no_xattr ? IE_WHFILE : 0;
		}
	}
	if (r < 0)
		return r;
	left |= from.ent->flags & IE_WHFILE;
	index_rename(l, m->from, m->to);
	if (left)
		index_put(l, m->from, 0, 0, left);
	if (to_flags & IE_WHFILE)
		whiteout_beside_remove(l, m->to);
	if (forget)
		forget_upper(l, &raw);
	return 0;
}

static int exchange(struct move *m)
{
	struct layers *l = m->l;
	int up = l->layer[0].fd, r = 0;

	if (m->old.dtype == DT_DIR && m->new.below)
		r = mark_opaque(l, m->from);
	if (r == 0 && m->new.dtype == DT_DIR && m->old.below)
		r = mark_opaque(l, m->to);
	if (r < 0)
		return r;
	if (renameat2(up, m->from, up, m->to, RENAME_EXCHANGE) < 0)
		return -errno;
	index_swap(l, m->from, m->to);
	return 0;
}

static int bring_up(struct layers *l, const char *path, const struct look *k)
{
	return k->dtype == DT_DIR ? copy_up_tree(l, path) : copy_up(l, path, 0);
}

int layers_rename(struct layers *l, const char *oldpath, const char *newpath, unsigned flags)
{
	struct move m = {.l = l, .from = oldpath, .to = newpath, .old = LOOK_INIT, .new = LOOK_INIT};
	int r;

	if ((flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE)) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	r = native_rename(l, oldpath, newpath, flags);
	if (r != GO_ON)
		return r;
	if (l->cow)
		change_begin(l);
	r = check(&m, flags);
	if (r == 0 && !l->cow)
		r = -EROFS;
	if (r == 0)
		r = bring_up(l, oldpath, &m.old);
	if (r == 0 && (flags & RENAME_EXCHANGE))
		r = bring_up(l, newpath, &m.new);
	if (r == 0)
		r = copy_up_parent(l, newpath);
	if (r == 0)
		r = flags & RENAME_EXCHANGE ? exchange(&m) : move_to(&m);
	look_put(&m.old);
	look_put(&m.new);
	if (l->cow)
		change_end(l);
	return r < 0 ? r : 0;
}
