/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whiteouts, opaque marks, and putting a finished object from work/ into its place.
 *
 * Each step on the disk leaves a tree that is right: what is replaced is replaced by one rename(2), and a ".wh.NAME"
 * file counts only as long as NAME itself does not exist, so it is made before NAME goes, and removed after NAME
 * came.
 */
#include <sys/xattr.h>

#include "layers_internal.h"

/* The path of the ".wh." file of a name. */
static int beside_path(const char *path, char buf[PATH_MAX])
{
	const char *name = last_name(path);
	int n;

	if (strlen(name) + WH_PREFIX_LEN > NAME_MAX)
		return -ENAMETOOLONG;
	n = snprintf(buf, PATH_MAX, "%.*s" WH_PREFIX "%s", (int)(name - path), path, name);
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int whiteout_beside(struct layers *l, const char *path)
{
	char buf[PATH_MAX];
	int r = beside_path(path, buf), fd;

	if (r < 0)
		return r;
	fd = openat(l->layer[0].fd, buf, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int whiteout_beside_remove(struct layers *l, const char *path)
{
	char buf[PATH_MAX];
	int r = beside_path(path, buf);

	return r < 0 ? r : unlinkat(l->layer[0].fd, buf, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Hide what the lower layers have at a name where the upper directory has nothing. */
int whiteout_make(struct layers *l, const char *path)
{
	int r;

	if (l->no_mknod) {
		r = whiteout_beside(l, path);
		if (r == 0)
			index_put(l, path, 0, 0, IE_WHFILE);
		return r;
	}
	if (mknodat(l->layer[0].fd, path, S_IFCHR, 0) < 0)
		return -errno;
	index_put(l, path, 0, 0, IE_WHITEOUT);
	return 0;
}

/* Replace an upper object (a directory: with all that it holds) by a whiteout. */
int whiteout_over(struct layers *l, const char *path, uint8_t dtype)
{
	int up = l->layer[0].fd, r;
	char tmp[32];

	tmp_name(l, tmp);
	if (!l->no_mknod && mknodat(l->work, tmp, S_IFCHR, 0) == 0) {
		if (renameat2(l->work, tmp, up, path, dtype == DT_DIR ? RENAME_EXCHANGE : 0) == 0) {
			if (dtype == DT_DIR)
				remove_tree(l->work, tmp);
			index_put(l, path, 0, 0, IE_WHITEOUT);
			return 0;
		}
		r = -errno;
		unlinkat(l->work, tmp, 0);
		if (r != -EINVAL) /* no RENAME_EXCHANGE here */
			return r;
	}
	r = whiteout_beside(l, path);
	if (r < 0)
		return r;
	if (renameat(up, path, l->work, tmp) < 0) {
		r = -errno;
		whiteout_beside_remove(l, path);
		return r;
	}
	remove_tree(l->work, tmp);
	index_put(l, path, 0, 0, IE_WHFILE);
	return 0;
}

/* Make a directory hide those below it. */
int opaque_set(struct layers *l, const struct obj *o)
{
	int fd, r = l->no_xattr ? -EOPNOTSUPP : obj_setxattr(o, XATTR_OPAQUE, "y", 1, 0);
	char path[PATH_MAX];

	if (r != -EOPNOTSUPP)
		return r;
	if (snprintf(path, sizeof path, "%s/" WH_OPAQUE, o->path) >= (int)sizeof path)
		return -ENAMETOOLONG;
	fd = openat(o->dirfd, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* Has an open directory the mark?  (The file form is only looked for in lower layers: the index sees it anyway.) */
bool opaque_get(const struct layers *l, int dirfd)
{
	struct obj o = OBJ_FD(dirfd);
	char value[4];

	if (obj_getxattr(&o, XATTR_OPAQUE, value, sizeof value) == 1 && value[0] == 'y')
		return true;
	return l->nlower > 1 && faccessat(dirfd, WH_OPAQUE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int move_in(struct layers *l, const char *tmp, const char *path, unsigned flags)
{
	if (renameat2(l->work, tmp, l->layer[0].fd, path, flags) == 0)
		return 0;
	if (errno == EINVAL && flags == RENAME_NOREPLACE && renameat(l->work, tmp, l->layer[0].fd, path) == 0)
		return 0;
	return -errno;
}

/* Without vstat an upper directory has the mode that is shown, and what copies up into it must get in. */
static int move_in_forced(struct layers *l, const char *tmp, const char *path, unsigned flags)
{
	char parent[PATH_MAX];
	struct obj o;
	struct statx st;
	int r = move_in(l, tmp, path, flags);

	if (r != -EACCES || l->vstat)
		return r;
	parent_path(path, parent);
	o = upper_obj(l, parent);
	if (obj_statx(&o, &st) < 0 || (st.stx_mode & 0300) == 0300 || obj_chmod(&o, (st.stx_mode & 07777) | 0300) < 0)
		return r;
	r = move_in(l, tmp, path, flags);
	obj_chmod(&o, st.stx_mode & 07777);
	return r;
}

/**
 * publish() - move a finished object from work/ to its name, where there is nothing or a whiteout
 * @dtype:	DT_* of the object; a directory that comes over a whiteout must be opaque already
 * @vtype:	DT_* as shown
 *
 * On error @tmp is removed.
 */
int publish(struct layers *l, const char *tmp, const char *path, uint8_t dtype, uint8_t vtype)
{
	struct upos u;
	int flags, r = upper_find(l, path, &u);

	if (r < 0)
		goto fail;
	flags = u.ent ? u.ent->flags : 0;
	if (!(flags & IE_WHITEOUT))
		r = move_in_forced(l, tmp, path, RENAME_NOREPLACE);
	else if (dtype != DT_DIR)
		r = move_in_forced(l, tmp, path, 0);
	else {
		r = move_in_forced(l, tmp, path, RENAME_EXCHANGE);
		if (r == 0)
			unlinkat(l->work, tmp, 0);
		else if (r == -EINVAL && unlinkat(l->layer[0].fd, path, 0) == 0)
			r = move_in_forced(l, tmp, path, RENAME_NOREPLACE);
	}
	if (r < 0)
		goto fail;
	if (flags & IE_WHFILE)
		whiteout_beside_remove(l, path);
	index_put(l, path, dtype, vtype, 0);
	return 0;
fail:
	remove_tree(l->work, tmp);
	return r;
}

/* The same for a copy-up, which is no change to the directory above: its times stay. */
int publish_keeping(struct layers *l, const char *tmp, const char *path, uint8_t dtype, uint8_t vtype)
{
	char parent[PATH_MAX];
	struct timespec times[2];
	struct statx st;
	struct obj o;
	int r;

	parent_path(path, parent);
	o = upper_obj(l, parent);
	r = obj_statx(&o, &st);
	if (r < 0) {
		remove_tree(l->work, tmp);
		return r;
	}
	r = publish(l, tmp, path, dtype, vtype);
	if (r == 0) {
		times[0] = statx_time(st.stx_atime);
		times[1] = statx_time(st.stx_mtime);
		obj_utimens(&o, times);
	}
	return r;
}
