/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index: which names the upper directory holds.
 *
 * A tree of hash tables, one for each upper directory that was looked into, read with one pass of getdents when first
 * needed.  Changes made through this library keep it right; changes by others are seen by the counter (gen.c), and
 * then the whole index is dropped.  About 50 bytes a name.
 */
#include "layers_internal.h"

#define TOMB ((struct ient *)1) /* a slot whose entry was removed */

static uint32_t hash_name(const char *name, size_t len)
{
	uint32_t h = 2166136261u;

	while (len--)
		h = (h ^ (unsigned char)*name++) * 16777619u;
	return h ^ h >> 15;
}

static void dir_free(struct idir *d);

static void ient_free(struct ient *e)
{
	dir_free(e->dir);
	free(e);
}

static void dir_free(struct idir *d)
{
	uint32_t i;

	if (!d)
		return;
	for (i = 0; i < d->size; i++) {
		if (d->tab[i] && d->tab[i] != TOMB)
			ient_free(d->tab[i]);
	}
	free(d->tab);
	free(d);
}

void index_drop(struct layers *l)
{
	dir_free(l->root);
	l->root = NULL;
	links_unload(l);
}

static struct ient **slot_find(struct idir *d, uint32_t hash, const char *name, size_t len)
{
	uint32_t i;

	if (!d->size)
		return NULL;
	for (i = hash & (d->size - 1); d->tab[i]; i = (i + 1) & (d->size - 1)) {
		struct ient *e = d->tab[i];

		if (e != TOMB && e->hash == hash && !strncmp(e->name, name, len) && !e->name[len])
			return &d->tab[i];
	}
	return NULL;
}

struct ient *index_get(struct idir *d, const char *name, size_t len)
{
	struct ient **slot = d->count ? slot_find(d, hash_name(name, len), name, len) : NULL;

	return slot ? *slot : NULL;
}

static int dir_grow(struct idir *d)
{
	uint32_t size = 8, i, j;
	struct ient **tab;

	while (size < d->count * 2 + 2)
		size *= 2;
	tab = calloc(size, sizeof *tab);
	if (!tab)
		return -ENOMEM;
	for (i = 0; i < d->size; i++) {
		struct ient *e = d->tab[i];

		if (!e || e == TOMB)
			continue;
		for (j = e->hash & (size - 1); tab[j]; j = (j + 1) & (size - 1))
			;
		tab[j] = e;
	}
	free(d->tab);
	d->tab = tab;
	d->size = size;
	d->used = d->count;
	return 0;
}

/* Find or add an entry; NULL only without memory. */
static struct ient *dir_add(struct idir *d, const char *name, size_t len)
{
	uint32_t hash = hash_name(name, len), i;
	struct ient **slot = slot_find(d, hash, name, len), *e;

	if (slot)
		return *slot;
	if ((d->used + 1) * 4 > d->size * 3 && dir_grow(d) < 0)
		return NULL;
	e = malloc(sizeof *e + len + 1);
	if (!e)
		return NULL;
	*e = (struct ient){.hash = hash};
	memcpy(e->name, name, len);
	e->name[len] = '\0';
	for (i = hash & (d->size - 1); d->tab[i]; i = (i + 1) & (d->size - 1))
		;
	d->tab[i] = e;
	d->used++;
	d->count++;
	return e;
}

static void dir_remove(struct idir *d, const char *name)
{
	size_t len = strlen(name);
	struct ient **slot = slot_find(d, hash_name(name, len), name, len);

	if (!slot)
		return;
	ient_free(*slot);
	*slot = TOMB;
	d->count--;
}

/* One name read from the upper directory. */
static int load_name(struct layers *l, struct idir *d, int fd, const struct dirent *de, bool is_root)
{
	const char *name = de->d_name;
	uint8_t type = de->d_type;
	struct ient *e;
	struct stat st;

	if (!strcmp(name, ".") || !strcmp(name, "..") || (is_root && !strcmp(name, META_DIR)))
		return 0;
	if (!strncmp(name, WH_PREFIX, WH_PREFIX_LEN)) {
		if (!strcmp(name, WH_OPAQUE))
			d->opaque = true;
		else if (whiteout_of(name)) {
			e = dir_add(d, whiteout_of(name), strlen(whiteout_of(name)));
			if (!e)
				return -ENOMEM;
			e->flags |= IE_WHFILE;
		}
		return 0;
	}
	if (type == DT_UNKNOWN || type == DT_CHR) {
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT ? 0 : -errno;
		type = IFTODT(st.st_mode);
	}
	e = dir_add(d, name, strlen(name));
	if (!e)
		return -ENOMEM;
	if (type == DT_CHR && st.st_rdev == 0) {
		e->flags |= IE_WHITEOUT;
		return 0;
	}
	e->dtype = type;
	e->vtype = type == DT_REG && l->vstat && devices_any(l) ? 0 : type;
	return 0;
}

static bool has_lower_dir(struct layers *l, const char *path)
{
	cleanup_lnode struct lnode low = LNODE_INIT;
	int r = l->nlower ? lower_find(l, path, &low) : -ENOENT;

	return r == 0 ? S_ISDIR(low.st.stx_mode) : r != -ENOENT;
}

/* Read an upper directory.  A directory that vanished (another view was quicker) is as good as an empty one. */
static int dir_load(struct layers *l, struct idir *d, const char *path)
{
	int fd = beneath_open(l->layer[0].fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	DIR *stream;
	struct dirent *de;
	int r = 0;

	if (fd < 0)
		return fd;
	/* The root's marks are of a stack that this one's directory lies in. */
	d->store = path[0] && store_marked(l, fd);
	d->opaque = d->store || (path[0] && opaque_get(l, fd));
	stream = fdopendir(fd);
	if (!stream) {
		close_fd(&fd);
		return -ENOMEM;
	}
	errno = 0;
	while (r == 0 && !d->store && (de = readdir(stream)))
		r = load_name(l, d, fd, de, !path[0]);
	closedir(stream);
	if (r == 0)
		d->alone = !has_lower_dir(l, path);
	return r;
}

int index_root(struct layers *l, struct idir **out)
{
	int r = 0;

	if (!l->root) {
		struct idir *d = calloc(1, sizeof *d);

		if (!d)
			return -ENOMEM;
		r = dir_load(l, d, "");
		if (r < 0) {
			dir_free(d);
			return r;
		}
		l->root = d;
	}
	*out = l->root;
	return 0;
}

/* The directory that entry @e stands for; its path is the first @len bytes of @path. */
int index_dir(struct layers *l, struct ient *e, const char *path, size_t len, struct idir **out)
{
	char buf[PATH_MAX];
	int r;

	if (!e->dir) {
		struct idir *d = calloc(1, sizeof *d);

		if (!d)
			return -ENOMEM;
		memcpy(buf, path, len);
		buf[len] = '\0';
		r = dir_load(l, d, buf);
		if (r < 0) {
			dir_free(d);
			return r;
		}
		e->dir = d;
	}
	*out = e->dir;
	return 0;
}

/* The loaded directory that holds @path, and the last name; NULL if it is not in memory (then nothing is to be kept
 * right: it will be read when it is needed). */
static struct idir *holder(struct layers *l, const char *path, const char **name)
{
	struct idir *d = l->root;
	const char *slash;

	while (d && (slash = strchr(path, '/'))) {
		struct ient *e = index_get(d, path, slash - path);

		d = e ? e->dir : NULL;
		path = slash + 1;
	}
	*name = path;
	return d;
}

/* Without memory to keep it right, the index is forgotten. */
void index_put(struct layers *l, const char *path, uint8_t dtype, uint8_t vtype, int flags)
{
	const char *name;
	struct idir *d = holder(l, path, &name);
	struct ient *e;

	if (!d)
		return;
	e = dir_add(d, name, strlen(name));
	if (!e) {
		index_drop(l);
		return;
	}
	if (dtype != DT_DIR) {
		dir_free(e->dir);
		e->dir = NULL;
	} else if (!e->dir) {
		/* Directories come into being empty. */
		e->dir = calloc(1, sizeof *e->dir);
	}
	e->dtype = dtype;
	e->vtype = vtype;
	e->flags = flags;
}

/* What was put last is a new directory, and the lower layers have none of that name. */
void index_alone(struct layers *l, const char *path)
{
	const char *name;
	struct idir *d = holder(l, path, &name);
	struct ient *e = d ? index_get(d, name, strlen(name)) : NULL;

	if (e && e->dir)
		e->dir->alone = true;
}

void index_opaque(struct layers *l, const char *path)
{
	const char *name;
	struct idir *d = holder(l, path, &name);
	struct ient *e = d ? index_get(d, name, strlen(name)) : NULL;

	if (e && e->dir)
		e->dir->opaque = true;
}

/* The directory's own attributes have changed: what is inherited in it is to be read again. */
void index_attr_forget(struct layers *l, const char *path)
{
	const char *name;
	struct idir *d = path[0] ? holder(l, path, &name) : l->root;
	struct ient *e = d && path[0] ? index_get(d, name, strlen(name)) : NULL;

	d = path[0] ? e ? e->dir : NULL : d;
	if (d)
		d->attr_known = false;
}

void index_remove(struct layers *l, const char *path)
{
	const char *name;
	struct idir *d = holder(l, path, &name);

	if (d)
		dir_remove(d, name);
}

/* The object at @oldpath is now at @newpath, what was there is gone; the old name is gone. */
void index_rename(struct layers *l, const char *oldpath, const char *newpath)
{
	const char *oldname, *newname;
	struct idir *from = holder(l, oldpath, &oldname), *to = holder(l, newpath, &newname);
	struct ient *e = from ? index_get(from, oldname, strlen(oldname)) : NULL, *n;

	if (!to || !e) {
		if (e)
			dir_remove(from, oldname);
		if (to)
			index_drop(l);
		return;
	}
	n = dir_add(to, newname, strlen(newname));
	if (!n) {
		index_drop(l);
		return;
	}
	dir_free(n->dir);
	n->dtype = e->dtype;
	n->vtype = e->vtype;
	n->flags = 0;
	/* What the lower layers have at the new names is another matter: read the directory again. */
	n->dir = NULL;
	dir_remove(from, oldname);
}

void index_swap(struct layers *l, const char *a, const char *b)
{
	const char *aname, *bname;
	struct idir *ad = holder(l, a, &aname), *bd = holder(l, b, &bname);
	struct ient *ae = ad ? index_get(ad, aname, strlen(aname)) : NULL;
	struct ient *be = bd ? index_get(bd, bname, strlen(bname)) : NULL, t;

	if (!ae || !be) {
		index_drop(l);
		return;
	}
	t = *ae;
	ae->dtype = be->dtype;
	ae->vtype = be->vtype;
	be->dtype = t.dtype;
	be->vtype = t.vtype;
	ae->flags &= ~IE_OWN;
	be->flags &= ~IE_OWN;
	dir_free(ae->dir);
	dir_free(be->dir);
	ae->dir = be->dir = NULL;
}

int index_each(struct idir *d, index_fn *fn, void *arg)
{
	uint32_t i;
	int r = 0;

	for (i = 0; i < d->size && r == 0; i++) {
		if (d->tab[i] && d->tab[i] != TOMB)
			r = fn(arg, d->tab[i]);
	}
	return r;
}
