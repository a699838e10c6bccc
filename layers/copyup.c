/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copy-up: bringing a lower object into the upper directory.
 *
 * The copy is made whole in work/ (contents, xattrs, owner, mode, times) and then renamed to its place, so what is
 * interrupted was never part of the tree.  The directories above it are copied up first, one by one: without their
 * contents, which go on to be merged.
 */
#include "layers_internal.h"

struct copy {
	struct layers *l;
	const char *path;
	struct lnode *low;
	int flags;
	char tmp[32]; /* name in work/ */
	bool made;    /* a stand-in */
};

int layers_set_origin(struct layers *l, const char *path)
{
	cleanup_look struct look k = LOOK_INIT;
	struct obj o = upper_obj(l, path);
	int r;

	if (!l->cow)
		return -EROFS;
	r = look_up_existing(l, path, &k);
	if (r < 0)
		return r;
	if (k.upper && k.below && k.dtype == DT_REG)
		origin_put(&o, path, &k.low.st);
	return 0;
}

/* Owner and mode as they really are; who cannot give a file away keeps it, but then without its set-id bits. */
static int put_real(const struct obj *o, const struct statx *raw, const struct vattr *a)
{
	mode_t mode = a->mode & 07777;

	if ((a->uid != raw->stx_uid || a->gid != raw->stx_gid) && obj_chown(o, a->uid, a->gid) < 0)
		mode &= ~(S_ISUID | S_ISGID);
	return S_ISLNK(raw->stx_mode) ? 0 : obj_chmod(o, mode);
}

/* The attributes of the copy, all in work/. */
static int put_attributes(struct copy *c)
{
	struct layers *l = c->l;
	const struct statx *low = &c->low->st;
	struct obj o = OBJ_AT(l->work, c->tmp);
	struct timespec times[2] = {statx_time(low->stx_atime), statx_time(low->stx_mtime)};
	struct statx raw;
	struct vattr a;
	int r = obj_statx(&o, &raw);

	if (r < 0)
		return r;
	if (!c->made)
		r = xattr_copy_all(l, c->low, c->path, &o, &raw);
	if (S_ISREG(raw.stx_mode) && !c->made)
		origin_put(&o, c->path, low);
	if (c->made)
		obj_setxattr(&o, XATTR_MADE, "1", 1, 0);
	vattr_of_statx(low, &a);
	if (r == 0)
		r = l->vstat ? vattr_put(l, &o, &raw, false, &a) : put_real(&o, &raw, &a);
	if (r == 0)
		obj_utimens(&o, times);
	return r;
}

/* Finish the object in work/ and move it in. */
static int finish(struct copy *c, uint8_t dtype)
{
	struct layers *l = c->l;
	int r = put_attributes(c);

	if (r < 0) {
		remove_tree(l->work, c->tmp);
		return r;
	}
	if (c->low->st.stx_nlink > 1 && dtype == DT_REG) {
		struct statx st;

		if (beneath_statx(l->work, c->tmp, &st) == 0)
			links_add(l, &c->low->st, l->work, c->tmp, st.stx_ino);
	}
	return publish_keeping(l, c->tmp, c->path, dtype, IFTODT(c->low->st.stx_mode));
}

static int copy_directory(struct copy *c)
{
	struct layers *l = c->l;
	struct obj o = OBJ_AT(l->work, c->tmp);
	bool unreadable = lower_unreadable(l, c->low, c->path);
	int r = 0;

	if (mkdirat(l->work, c->tmp, 0700) < 0)
		return -errno;
	c->made = unreadable;
	if (unreadable)
		r = opaque_set(l, &o);
	if (r < 0)
		remove_tree(l->work, c->tmp);
	else
		r = finish(c, DT_DIR);
	if (r == 0 && unreadable)
		index_opaque(l, c->path);
	return r;
}

/* A second name of a lower file that was copied up already: 1 if that is what it was. */
static int copy_link(struct copy *c)
{
	uint8_t dtype = IFTODT(c->low->st.stx_mode);
	struct layers *l = c->l;
	char name[80];

	if (!links_find(l, &c->low->st, name) || links_take(l, name, l->work, c->tmp) < 0)
		return 0;
	return publish_keeping(l, c->tmp, c->path, dtype, dtype) < 0 ? 0 : 1;
}

static int copy_file(struct copy *c)
{
	struct layers *l = c->l;
	cleanup_fd int from = -1, to = -1;
	int r = 0;

	if (!(c->flags & COPY_UP_NO_DATA) || l->root_opaque) {
		from = lower_open(l, c->low->layer, c->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
		if (from == -EACCES && made_wanted(l, c->path))
			c->made = true;
		else if (from < 0 && !(from == -EACCES && (c->flags & COPY_UP_NO_DATA))) /* nothing of it is wanted */
			return from;
	}
	r = copy_link(c);
	if (r)
		return r < 0 ? r : 0;
	if (from >= 0 && !c->made && !(c->flags & COPY_UP_NO_DATA)) {
		r = stage_data(l, &c->low->st, from, c->tmp);
		if (r != 1)
			return r < 0 ? r : finish(c, DT_REG);
		r = 0;
	}
	to = openat(l->work, c->tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	if (c->made)
		r = made_fill(l, c->path, to, &c->low->st);
	else if (!(c->flags & COPY_UP_NO_DATA))
		r = copy_data(from, to, c->low->st.stx_size);
	if (r < 0) {
		unlinkat(l->work, c->tmp, 0);
		return r;
	}
	return finish(c, DT_REG);
}

static int copy_symlink(struct copy *c)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(c->low->fd, "", target, sizeof target - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, c->l->work, c->tmp) < 0)
		return -errno;
	return finish(c, DT_LNK);
}

static int copy_node(struct copy *c)
{
	struct layers *l = c->l;
	mode_t type = c->low->st.stx_mode & S_IFMT;
	struct vattr a;

	vattr_of_statx(&c->low->st, &a);
	if (l->vstat && (type == S_IFCHR || type == S_IFBLK)) {
		int fd = openat(l->work, c->tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd < 0)
			return -errno;
		close(fd);
		devices_mark(l);
		return finish(c, DT_REG);
	}
	if (mknodat(l->work, c->tmp, type | 0600, a.rdev) < 0)
		return -errno;
	return finish(c, IFTODT(type));
}

static int copy_any(struct layers *l, const char *path, struct lnode *low, int flags)
{
	struct copy c = {.l = l, .path = path, .low = low, .flags = flags};
	int r = name_allowed(l, path);

	if (r < 0)
		return r;
	tmp_name(l, c.tmp);
	switch (low->st.stx_mode & S_IFMT) {
	case S_IFDIR:
		return copy_directory(&c);
	case S_IFREG:
		return copy_file(&c);
	case S_IFLNK:
		return copy_symlink(&c);
	default:
		return copy_node(&c);
	}
}

/* Make sure that the directory that holds @path is in the upper directory.  The change lock is held. */
int copy_up_parent(struct layers *l, const char *path)
{
	char prefix[PATH_MAX];
	struct upos u;
	int r = upper_find(l, path, &u);
	size_t end;

	if (r < 0 || u.last)
		return r;
	if (u.ent || u.cut)
		return -ENOENT;
	for (end = u.end; path[end]; end += 1 + strcspn(path + end + 1, "/")) {
		cleanup_lnode struct lnode low = LNODE_INIT;

		memcpy(prefix, path, end);
		prefix[end] = '\0';
		r = lower_find(l, prefix, &low);
		if (r == 0 && !S_ISDIR(low.st.stx_mode))
			r = -ENOTDIR;
		if (r == 0)
			r = copy_any(l, prefix, &low, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

int copy_up(struct layers *l, const char *path, int flags)
{
	cleanup_look struct look k = LOOK_INIT;
	int r;

	if (!l->cow)
		return -EROFS;
	change_begin(l);
	r = look_up_existing(l, path, &k);
	if (r == 0 && !k.upper) {
		r = copy_up_parent(l, path);
		if (r == 0)
			r = copy_any(l, path, &k.low, flags);
	}
	change_end(l);
	return r;
}

int layers_copy_up(struct layers *l, const char *path)
{
	return l->native ? 0 : copy_up(l, path, 0);
}

struct tree {
	struct layers *l;
	char **names;
	size_t count, room;
};

static int collect_name(void *arg, const char *name, uint64_t ino, unsigned char type)
{
	struct tree *t = arg;

	(void)ino;
	(void)type;
	if (t->count == t->room) {
		size_t room = t->room ? t->room * 2 : 16;
		char **n = realloc(t->names, room * sizeof *n);

		if (!n)
			return -ENOMEM;
		t->names = n;
		t->room = room;
	}
	t->names[t->count] = strdup(name);
	return t->names[t->count++] ? 0 : -ENOMEM;
}

/* Copy up a directory and all that is below it in the view, so that it no longer needs the lower layers. */
int copy_up_tree(struct layers *l, const char *path)
{
	struct tree t = {.l = l};
	cleanup_look struct look k = LOOK_INIT;
	char child[PATH_MAX];
	size_t i;
	int r = copy_up(l, path, 0);

	if (r < 0)
		return r;
	r = look_up_existing(l, path, &k);
	/* What the lower layers have no part in is all here. */
	if (r < 0 || k.dtype != DT_DIR || k.opaque || !k.below || !S_ISDIR(k.low.st.stx_mode))
		return r;
	look_put(&k);
	r = layers_readdir(l, path, collect_name, &t);
	for (i = 0; i < t.count; i++) {
		if (r == 0 &&
		    snprintf(child, sizeof child, "%s%s%s", path, path[0] ? "/" : "", t.names[i]) >= PATH_MAX)
			r = -ENAMETOOLONG;
		if (r == 0)
			r = copy_up_tree(l, child);
		free(t.names[i]);
	}
	free(t.names);
	return r;
}
