/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an upper directory changes.
 *
 * A directory counts as modified only for its owner and mode, or for hiding the lower one: that its contents changed
 * is told by these.  A copied-up file that is the same again is no change.
 */
#include <sys/xattr.h>

#include "layers_internal.h"

struct diff {
	struct layers *l;
	layers_diff_fn *fn;
	void *arg;
};

struct names {
	char **name;
	size_t count, room;
};

static int names_add(struct names *n, const char *name)
{
	if (n->count == n->room) {
		size_t room = n->room ? n->room * 2 : 32;
		char **p = realloc(n->name, room * sizeof *p);

		if (!p)
			return -ENOMEM;
		n->name = p;
		n->room = room;
	}
	n->name[n->count] = strdup(name);
	return n->name[n->count] ? (n->count++, 0) : -ENOMEM;
}

static void names_free(struct names *n)
{
	while (n->count)
		free(n->name[--n->count]);
	free(n->name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int join(char buf[PATH_MAX], const char *dir, const char *name)
{
	return snprintf(buf, PATH_MAX, "%s%s%s", dir, dir[0] ? "/" : "", name) >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static bool same_time(struct statx_timestamp a, struct statx_timestamp b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Same contents?  Asked only where size and time of change agree. */
static bool same_contents(struct layers *l, const char *path, const struct lnode *low)
{
	cleanup_fd int a = beneath_open(l->layer[0].fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	cleanup_fd int b = beneath_open(l->layer[low->layer].fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	char x[16384], y[16384];
	ssize_t n, m;

	if (a < 0 || b < 0)
		return false;
	do {
		n = read(a, x, sizeof x);
		m = read(b, y, sizeof y);
	} while (n > 0 && n == m && !memcmp(x, y, n));
	return n == 0 && m == 0;
}

static bool same_link(struct layers *l, const char *path, const struct lnode *low)
{
	char a[PATH_MAX], b[PATH_MAX];
	ssize_t n = readlinkat(l->layer[0].fd, path, a, sizeof a), m = readlinkat(low->fd, "", b, sizeof b);

	return n >= 0 && n == m && !memcmp(a, b, n);
}

static bool listed(const char *list, ssize_t len, const char *name)
{
	const char *p;

	for (p = list; p < list + len; p += strlen(p) + 1) {
		if (!strcmp(p, name))
			return true;
	}
	return false;
}

static bool same_xattrs(struct layers *l, const char *path, const struct lnode *low)
{
	char a[4096], b[4096], x[4096], y[4096], *p;
	struct obj up = upper_obj(l, path), lo = OBJ_FD(low->fd);
	ssize_t n = upper_listxattr(l, &up, a, sizeof a), m = obj_listxattr(&lo, b, sizeof b), v;

	for (p = a; n > 0 && p < a + n; p += strlen(p) + 1) {
		if (m <= 0 || !listed(b, m, p))
			return false;
		v = upper_getxattr(l, &up, p, x, sizeof x);
		if (v != obj_getxattr(&lo, p, y, sizeof y) || (v > 0 && memcmp(x, y, v) != 0))
			return false;
	}
	/* One that the copy could not carry is no difference, with vstat it can carry all. */
	for (p = b; l->vstat && m > 0 && p < b + m; p += strlen(p) + 1) {
		if (n <= 0 || !listed(a, n, p))
			return false;
	}
	return true;
}

static bool same(struct diff *d, const struct layers_diff_entry *e, const struct lnode *low)
{
	const struct statx *u = &e->upper, *s = &e->lower;
	bool link = S_ISLNK(u->stx_mode);

	if ((u->stx_mode & S_IFMT) != (s->stx_mode & S_IFMT) || e->opaque)
		return false;
	if (!link && (u->stx_mode & 07777) != (s->stx_mode & 07777))
		return false;
	if (d->l->vstat && (u->stx_uid != s->stx_uid || u->stx_gid != s->stx_gid))
		return false;
	if (u->stx_rdev_major != s->stx_rdev_major || u->stx_rdev_minor != s->stx_rdev_minor)
		return false;
	if (link)
		return same_link(d->l, e->path, low);
	if (S_ISREG(u->stx_mode) && (u->stx_size != s->stx_size || !same_time(u->stx_mtime, s->stx_mtime) ||
				     !same_contents(d->l, e->path, low)))
		return false;
	return same_xattrs(d->l, e->path, low);
}

static bool same_acls(struct layers *l, const char *path, const struct lnode *low)
{
	static const char *const names[] = {ACL_ACCESS, ACL_DEFAULT};
	struct obj up = upper_obj(l, path), lo = OBJ_FD(low->fd);
	char x[4096], y[4096];

	for (size_t i = 0; i < 2; i++) {
		ssize_t n = upper_getxattr(l, &up, names[i], x, sizeof x), m = obj_getxattr(&lo, names[i], y, sizeof y);

		if ((n > 0 || m > 0) && (n != m || memcmp(x, y, n) != 0))
			return false;
	}
	return true;
}

/* The marks that an upper object carries. */
static void read_marks(struct diff *d, struct layers_diff_entry *e)
{
	struct obj o = upper_obj(d->l, e->path);
	char made[8];

	if (!S_ISREG(e->upper.stx_mode) && !S_ISDIR(e->upper.stx_mode))
		return;
	e->made = obj_getxattr(&o, XATTR_MADE, made, sizeof made) > 0 ||
		  (e->has_lower && made_descends(d->l, e->path, &e->lower));
	e->stale = origin_stale(&o, e->path, e->has_lower ? &e->lower : NULL);
}

static int tell(struct diff *d, enum layers_change change, const char *path, bool opaque, const struct statx *upper,
		const struct lnode *low)
{
	struct layers_diff_entry e = {.change = change, .path = path, .opaque = opaque, .has_lower = low != NULL};

	if (upper)
		e.upper = *upper;
	if (low)
		e.lower = low->st;
	if (change == LAYERS_MODIFIED && same(d, &e, low))
		return 0;
	e.acl_changed = change == LAYERS_MODIFIED && !S_ISLNK(e.upper.stx_mode) &&
			(e.upper.stx_mode & S_IFMT) == (e.lower.stx_mode & S_IFMT) && !same_acls(d->l, path, low);
	if (upper && !layers_as_it_is(d->l, path))
		read_marks(d, &e);
	return d->fn(d->arg, &e);
}

/* Names in the lower directory in whose place an opaque upper one has nothing, not even a whiteout. */
static int hidden_names(struct diff *d, const char *path, const struct lnode *low, struct names *out)
{
	int fd = beneath_open(d->l->layer[low->layer].fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0), r = 0;
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *de;
	char child[PATH_MAX];
	struct upos u;

	if (!stream) {
		close_fd(&fd);
		return 0;
	}
	while (r == 0 && (de = readdir(stream))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		r = join(child, path, de->d_name);
		if (r == 0)
			r = upper_find(d->l, child, &u);
		if (r == 0 && !(u.last && u.ent))
			r = names_add(out, de->d_name);
	}
	closedir(stream);
	if (out->count)
		qsort(out->name, out->count, sizeof *out->name, by_name);
	return r;
}

static int tell_hidden(struct diff *d, const char *path, const struct names *names)
{
	char child[PATH_MAX];
	size_t i;
	int r = 0;

	for (i = 0; i < names->count && r == 0; i++) {
		cleanup_lnode struct lnode n = LNODE_INIT;

		r = join(child, path, names->name[i]);
		if (r == 0 && lower_find(d->l, child, &n) == 0)
			r = tell(d, LAYERS_DELETED, child, false, NULL, &n);
	}
	return r;
}

static int collect(void *arg, struct ient *e)
{
	return names_add(arg, e->name);
}

static int collect_dirent(void *arg, const char *name, uint64_t ino, unsigned char type)
{
	(void)ino, (void)type;
	return names_add(arg, name);
}

/* What is in a store is all new: another stack's marks are files and attributes like others. */
static int diff_store(struct diff *d, const char *path)
{
	struct names names = {0};
	char child[PATH_MAX], target[PATH_MAX];
	size_t i, end;
	int r = layers_readdir(d->l, path, collect_dirent, &names);

	if (names.count)
		qsort(names.name, names.count, sizeof *names.name, by_name);
	for (i = 0; i < names.count && r == 0; i++) {
		struct layers_node node;
		struct statx st;

		r = join(child, path, names.name[i]);
		if (r == 0)
			r = layers_walk(d->l, child, &end, &node, target);
		if (r == 0) {
			r = layers_stat(d->l, child, &node, &st);
			close(node.fd);
		}
		if (r == 0)
			r = tell(d, LAYERS_ADDED, child, false, &st, NULL);
		if (r == 0 && S_ISDIR(st.stx_mode))
			r = diff_store(d, child);
		if (r == -ENOENT)
			r = 0; /* the other stack has removed it meanwhile */
	}
	names_free(&names);
	return r;
}

static int diff_dir(struct diff *d, const char *path, struct idir *dir, bool hidden);

/* One name of an upper directory; @hidden: what the lower layers have here does not show. */
static int diff_name(struct diff *d, const char *path, bool hidden)
{
	cleanup_lnode struct lnode low = LNODE_INIT;
	struct obj o = upper_obj(d->l, path);
	struct names gone = {0};
	bool below, opaque = false, dir;
	struct idir *sub = NULL;
	struct statx st;
	struct upos u;
	int r = upper_find(d->l, path, &u);
	size_t end;

	if (r < 0 || !u.ent || !u.last || path_hidden(d->l, path, &end))
		return r;
	below = d->l->nlower && lower_find(d->l, path, &low) == 0;
	if (ient_is_whiteout(u.ent))
		return below ? tell(d, LAYERS_DELETED, path, false, NULL, &low) : 0;
	dir = ient_is_dir(u.ent);
	if (dir)
		r = index_dir(d->l, u.ent, path, u.end, &sub);
	if (r == 0)
		r = upper_stat(d->l, path, &o, &st);
	if (r < 0)
		return r;
	if (dir) {
		bool lower_dir = below && S_ISDIR(low.st.stx_mode);

		opaque = lower_dir && (hidden || sub->opaque || (u.ent->flags & IE_WHFILE));
	}
	if (opaque)
		r = hidden_names(d, path, &low, &gone);
	if (r == 0)
		r = tell(d, below ? LAYERS_MODIFIED : LAYERS_ADDED, path, gone.count, &st, below ? &low : NULL);
	if (r == 0)
		r = tell_hidden(d, path, &gone);
	names_free(&gone);
	if (r || !dir)
		return r;
	return sub->store ? diff_store(d, path) : diff_dir(d, path, sub, opaque);
}

static int diff_dir(struct diff *d, const char *path, struct idir *dir, bool hidden)
{
	struct names names = {0};
	char child[PATH_MAX];
	size_t i;
	int r = index_each(dir, collect, &names);

	if (names.count)
		qsort(names.name, names.count, sizeof *names.name, by_name);
	for (i = 0; i < names.count && r == 0; i++) {
		r = join(child, path, names.name[i]);
		if (r == 0)
			r = diff_name(d, child, hidden);
	}
	names_free(&names);
	return r;
}

/* The root itself. */
static int diff_root(struct diff *d, struct idir *root)
{
	cleanup_lnode struct lnode low = LNODE_INIT;
	struct names gone = {0};
	struct obj o = upper_obj(d->l, "");
	struct statx st;
	int r = upper_stat(d->l, "", &o, &st);

	if (r == 0)
		r = lower_find(d->l, "", &low);
	if (r == 0 && root->opaque)
		r = hidden_names(d, "", &low, &gone);
	if (r == 0)
		r = tell(d, LAYERS_MODIFIED, "", gone.count, &st, &low);
	if (r == 0)
		r = tell_hidden(d, "", &gone);
	names_free(&gone);
	return r;
}

int layers_diff(struct layers *l, layers_diff_fn *fn, void *arg)
{
	struct diff d = {.l = l, .fn = fn, .arg = arg};
	struct idir *root;
	int r;

	if (!l->cow)
		return 0;
	/* Nothing changes under our feet: hold the lock, as a change would. */
	change_begin(l);
	r = index_root(l, &root);
	if (r == 0 && l->nlower)
		r = diff_root(&d, root);
	if (r == 0)
		r = diff_dir(&d, "", root, root->opaque);
	change_end(l);
	return r;
}
