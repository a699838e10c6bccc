/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removing names.  What a lower layer would show in the place of what goes is hidden by a whiteout.
 */
#include "layers_internal.h"

/* Is anything kept outside of an upper object of this type, which has to go with its last name? */
bool forget_needed(struct layers *l, uint8_t dtype)
{
	if (dtype == DT_REG || dtype == DT_DIR)
		return l->no_xattr || (dtype == DT_REG && links_any(l));
	return l->vstat || links_any(l);
}

/* One name of an upper object, whose attributes were @raw before, is gone. */
void forget_upper(struct layers *l, const struct statx *raw)
{
	bool held = raw->stx_nlink > 1 && !S_ISDIR(raw->stx_mode) && links_hold(l, raw->stx_ino);

	if (!S_ISDIR(raw->stx_mode) && raw->stx_nlink - held > 1)
		return;
	vattr_forget(l, raw);
	if (held)
		links_drop_if_last(l, raw->stx_ino);
}

static int remove_upper(struct layers *l, const char *path, const struct look *k)
{
	int up = l->layer[0].fd, r = 0, flags = k->u.ent->flags;
	bool forget = forget_needed(l, k->dtype);
	struct statx raw;
	char tmp[32];

	if (forget)
		r = beneath_statx(up, path, &raw);
	if (r < 0)
		return r;
	if (k->below) {
		r = whiteout_over(l, path, k->dtype);
	} else if (unlinkat(up, path, k->dtype == DT_DIR ? AT_REMOVEDIR : 0) < 0) {
		r = -errno;
		/* It shows nothing, but may hold whiteouts. */
		if (k->dtype == DT_DIR && (r == -ENOTEMPTY || r == -EEXIST)) {
			tmp_name(l, tmp);
			r = renameat(up, path, l->work, tmp) < 0 ? -errno : 0;
			if (r == 0)
				remove_tree(l->work, tmp);
		}
	}
	if (r < 0)
		return r;
	if (!k->below) {
		if (flags & IE_WHFILE)
			index_put(l, path, 0, 0, IE_WHFILE);
		else
			index_remove(l, path);
	}
	if (forget)
		forget_upper(l, &raw);
	return 0;
}

static int remove_name(struct layers *l, const char *path, bool dir)
{
	cleanup_look struct look k = LOOK_INIT;
	int r = look_up_existing(l, path, &k);

	if (r < 0)
		return r;
	if (!path[0])
		return dir ? -EBUSY : -EISDIR;
	if (dir != (k.dtype == DT_DIR))
		return dir ? -ENOTDIR : -EISDIR;
	if (!l->cow)
		return -EROFS;
	if (dir) {
		r = merged_empty(l, path);
		if (r <= 0)
			return r < 0 ? r : -ENOTEMPTY;
	}
	if (k.upper)
		return remove_upper(l, path, &k);
	r = copy_up_parent(l, path);
	return r < 0 ? r : whiteout_make(l, path);
}

static int stop(void *arg, const char *name, uint64_t ino, unsigned char type)
{
	(void)arg;
	(void)name;
	(void)ino;
	(void)type;
	return 1;
}

/* Does a directory show nothing?  1, 0 or an error. */
int merged_empty(struct layers *l, const char *path)
{
	int r = layers_readdir(l, path, stop, NULL);

	return r < 0 ? r : !r;
}

static int remove_locked(struct layers *l, const char *path, bool dir)
{
	int r = native_unlink(l, path, dir ? AT_REMOVEDIR : 0);

	if (r != GO_ON)
		return r;
	if (!l->cow)
		return remove_name(l, path, dir);
	change_begin(l);
	r = remove_name(l, path, dir);
	change_end(l);
	return r;
}

int layers_unlink(struct layers *l, const char *path)
{
	return remove_locked(l, path, false);
}

int layers_rmdir(struct layers *l, const char *path)
{
	return remove_locked(l, path, true);
}
