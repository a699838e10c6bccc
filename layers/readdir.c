/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merged listings.
 *
 * The layers are read from the top down into a table of names; a name that is there already, shown or hidden, is not
 * taken again.  The number of a directory that is in the upper layer and in a lower one is the lower one's, as stat
 * says.
 */
#include "layers_internal.h"

struct entry {
	uint64_t ino;
	uint32_t name; /* offset in names */
	uint8_t type;  /* DT_* as shown; DT_WHT: hidden */
	bool numbered; /* its number is settled */
};

struct listing {
	struct layers *l;
	const char *path;
	struct entry *entry;
	uint32_t *tab; /* open addressing: index + 1 */
	uint32_t count, room, size;
	char *names;
	uint32_t names_len, names_room;
};

static void listing_free(struct listing *t)
{
	free(t->entry);
	free(t->tab);
	free(t->names);
}

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	while (*s)
		h = (h ^ (unsigned char)*s++) * 16777619u;
	return h ^ h >> 15;
}

static struct entry *find(struct listing *t, const char *name)
{
	uint32_t i;

	if (!t->size)
		return NULL;
	for (i = hash(name) & (t->size - 1); t->tab[i]; i = (i + 1) & (t->size - 1)) {
		struct entry *e = &t->entry[t->tab[i] - 1];

		if (!strcmp(t->names + e->name, name))
			return e;
	}
	return NULL;
}

static int grow(struct listing *t)
{
	uint32_t size = t->size ? t->size * 2 : 64, i, j;
	struct entry *e = realloc(t->entry, size / 2 * sizeof *e);
	uint32_t *tab = calloc(size, sizeof *tab);

	if (e)
		t->entry = e;
	if (!e || !tab) {
		free(tab);
		return -ENOMEM;
	}
	for (i = 0; i < t->count; i++) {
		for (j = hash(t->names + e[i].name) & (size - 1); tab[j]; j = (j + 1) & (size - 1))
			;
		tab[j] = i + 1;
	}
	free(t->tab);
	t->tab = tab;
	t->size = size;
	t->room = size / 2;
	return 0;
}

/* Add a name that is not there yet. */
static int add(struct listing *t, const char *name, uint64_t ino, uint8_t type, bool numbered)
{
	size_t len = strlen(name) + 1;
	uint32_t i;

	if (t->count == t->room && grow(t) < 0)
		return -ENOMEM;
	if (t->names_len + len > t->names_room) {
		uint32_t room = (t->names_room + len) * 2;
		char *n = realloc(t->names, room);

		if (!n)
			return -ENOMEM;
		t->names = n;
		t->names_room = room;
	}
	memcpy(t->names + t->names_len, name, len);
	t->entry[t->count] = (struct entry){.ino = ino, .name = t->names_len, .type = type, .numbered = numbered};
	t->names_len += len;
	for (i = hash(name) & (t->size - 1); t->tab[i]; i = (i + 1) & (t->size - 1))
		;
	t->tab[i] = ++t->count;
	return 0;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static bool is_whiteout(int fd, const struct dirent *de)
{
	struct stat st;

	return (de->d_type == DT_CHR || de->d_type == DT_UNKNOWN) &&
	       fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

/* Names of our own, in any layer's root; names that the configuration hides. */
static bool never_shown(const struct layers *l, const char *path, const char *name)
{
	size_t len = strlen(path);
	char *const *h;

	if (l->native)
		return false;
	if (!len && !strcmp(name, META_DIR))
		return true;
	for (h = l->hide; h && *h; h++) {
		const char *rest = *h;

		if (len) {
			if (strncmp(rest, path, len) != 0 || rest[len] != '/')
				continue;
			rest += len + 1;
		}
		if (!strcmp(rest, name))
			return true;
	}
	return false;
}

/* Type and number as shown of a name in the upper directory. */
static void see_upper(struct listing *t, const struct dirent *de, uint8_t *type, uint64_t *ino)
{
	char child[PATH_MAX];
	struct upos u;

	*type = de->d_type;
	*ino = de->d_ino;
	if (de->d_type != DT_REG ||
	    snprintf(child, sizeof child, "%s%s%s", t->path, t->path[0] ? "/" : "", de->d_name) >= PATH_MAX ||
	    upper_find(t->l, child, &u) < 0 || !u.ent || !u.last || ient_is_whiteout(u.ent))
		return;
	if (t->l->vstat && devices_any(t->l))
		*type = upper_vtype(t->l, child, u.ent);
	if (*type == DT_REG && !(u.ent->flags & IE_OWN)) {
		struct obj o = upper_obj(t->l, child);
		uint64_t origin = origin_ino(t->l, &o);

		if (origin)
			*ino = origin;
		else
			u.ent->flags |= IE_OWN;
	}
}

/* Does this directory of the upper layer let the lower one's show? */
static bool child_merges(struct listing *t, const char *name)
{
	char child[PATH_MAX];
	struct idir *dir;
	struct upos u;

	if (snprintf(child, sizeof child, "%s%s%s", t->path, t->path[0] ? "/" : "", name) >= PATH_MAX ||
	    upper_find(t->l, child, &u) < 0 || !u.ent || !u.last || u.cut || (u.ent->flags & IE_WHFILE))
		return false;
	return ient_is_dir(u.ent) && index_dir(t->l, u.ent, child, u.end, &dir) == 0 && !dir->opaque && !dir->alone;
}

/* A ".wh." name, where these count: 1 if it was one. */
static int whiteout_name(struct listing *t, unsigned i, const char *name)
{
	struct entry *e;

	if (strncmp(name, WH_PREFIX, WH_PREFIX_LEN) != 0)
		return 0;
	name = whiteout_of(name);
	if (!name)
		return 1;
	e = find(t, name);
	if (e) {
		e->numbered = e->numbered || i > 0;
		return 1;
	}
	return add(t, name, 0, DT_WHT, true) < 0 ? -ENOMEM : 1;
}

/* One name of layer @i. */
static int take(struct listing *t, unsigned i, int fd, const struct dirent *de)
{
	bool marks = i < t->l->nlower; /* whiteouts count in all but the last layer */
	const char *name = de->d_name;
	uint64_t ino = de->d_ino;
	uint8_t type = de->d_type;
	struct entry *e;
	int r;

	if (is_dots(name) || never_shown(t->l, t->path, name))
		return 0;
	if (marks) {
		r = whiteout_name(t, i, name);
		if (r)
			return r < 0 ? r : 0;
	}
	e = find(t, name);
	if (!e) {
		bool hidden = marks && is_whiteout(fd, de);

		if (i == 0)
			see_upper(t, de, &type, &ino);
		return add(t, name, ino, hidden ? DT_WHT : type, i > 0 || hidden);
	}
	if (i == 0 && e->type == DT_WHT) {
		/* Beside its own ".wh." file the object itself is what counts. */
		if (!is_whiteout(fd, de)) {
			see_upper(t, de, &type, &ino);
			*e = (struct entry){.ino = ino, .name = e->name, .type = type};
		}
	} else if (!e->numbered) {
		if (e->type == DT_DIR && de->d_type == DT_DIR && child_merges(t, name))
			e->ino = de->d_ino;
		e->numbered = true;
	}
	return 0;
}

struct below {
	struct listing *t;
	layers_dirent_fn *fn; /* NULL: take it into the listing */
	void *arg;
};

/* A name of the tree that the stack stands on. */
static int take_below(void *arg, const char *name, uint64_t ino, unsigned char type)
{
	struct below *b = arg;
	struct dirent de = {.d_ino = ino, .d_type = type};

	if (b->fn)
		return never_shown(b->t->l, b->t->path, name) ? 0 : b->fn(b->arg, name, ino, type);
	snprintf(de.d_name, sizeof de.d_name, "%s", name);
	return take(b->t, b->t->l->nlower, -1, &de);
}

static int read_below(struct listing *t, layers_dirent_fn *fn, void *arg)
{
	struct below b = {t, fn, arg};
	const struct layers_below *below = t->l->below;

	int r = below->readdir(below->arg, t->path, take_below, &b);

	return r == -EACCES && t->l->root_opaque ? 0 : r;
}

static int read_layer(struct listing *t, unsigned i)
{
	int fd = beneath_open(t->l->layer[i].fd, t->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0), r = 0;
	struct dirent *de;
	DIR *d;

	if (fd == -EACCES && i > 0 && t->l->root_opaque)
		return 0;
	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	for (errno = 0; r == 0 && (de = readdir(d)); errno = 0)
		r = take(t, i, fd, de);
	if (r == 0 && errno)
		r = -errno;
	closedir(d);
	return r;
}

/* A directory of one layer only needs no table. */
static int read_plain(struct layers *l, unsigned layer, const char *path, layers_dirent_fn *fn, void *arg)
{
	int fd = beneath_open(l->layer[layer].fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0), r = 0;
	struct dirent *de;
	DIR *d;

	if (fd == -EACCES && l->root_opaque)
		return 0;
	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	for (errno = 0; r == 0 && (de = readdir(d)); errno = 0) {
		if (!is_dots(de->d_name) && !never_shown(l, path, de->d_name))
			r = fn(arg, de->d_name, de->d_ino, de->d_type);
	}
	if (r == 0 && errno)
		r = -errno;
	closedir(d);
	return r;
}

int layers_readdir(struct layers *l, const char *path, layers_dirent_fn *fn, void *arg)
{
	cleanup_look struct look k = LOOK_INIT;
	struct listing t = {.l = l, .path = path};
	unsigned i;
	int r;

	if (l->native)
		return read_plain(l, 1, path, fn, arg);
	gen_sync(l);
	r = look_up_existing(l, path, &k);
	if (r < 0)
		return r;
	if (k.dtype != DT_DIR)
		return -ENOTDIR;
	if (!k.upper && l->nlower == 1)
		return l->below ? read_below(&t, fn, arg) : read_plain(l, 1, path, fn, arg);
	if (k.store)
		return read_plain(l, 0, path, fn, arg);
	if (k.upper)
		r = read_layer(&t, 0);
	for (i = 1; i <= l->nlower && r == 0; i++) {
		if (!k.opaque && k.below && (k.low.mask & 1u << i))
			r = is_below(l, i) ? read_below(&t, NULL, NULL) : read_layer(&t, i);
	}
	for (i = 0; i < t.count && r == 0; i++) {
		if (t.entry[i].type != DT_WHT)
			r = fn(arg, t.names + t.entry[i].name, t.entry[i].ino, t.entry[i].type);
	}
	listing_free(&t);
	return r;
}
