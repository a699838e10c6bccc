/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a stack path to what is there: the index first, then the lower layers.
 */
#include "layers_internal.h"

/* The directory part of a path: length; "" for a name in the root. */
int parent_path(const char *path, char *buf)
{
	const char *name = last_name(path);
	size_t len = name > path ? (size_t)(name - path - 1) : 0;

	memcpy(buf, path, len);
	buf[len] = '\0';
	return len;
}

/* Is @path @dir itself or something below it? */
bool path_is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !len || (!strncmp(path, dir, len) && (!path[len] || path[len] == '/'));
}

/* Is the path at or below something that is never shown?  Then *end is the end of the component that is hidden. */
bool path_hidden(const struct layers *l, const char *path, size_t *end)
{
	char *const *h;

	if (l->native)
		return false;
	if (path[0] == '.' && path_is_below(path, META_DIR)) {
		*end = sizeof META_DIR - 1;
		return true;
	}
	for (h = l->hide; h && *h; h++) {
		if (path_is_below(path, *h)) {
			*end = strlen(*h);
			return true;
		}
	}
	return false;
}

/**
 * upper_find() - follow a path through the index as far as the upper directory has it
 *
 * It ends at a store, as at something that is no directory.  Not for "".  Return: 0 or an error of reading the upper
 * directory.
 */
int upper_find(struct layers *l, const char *path, struct upos *u)
{
	struct idir *dir;
	bool cut;
	size_t s = 0, e;
	int r = index_root(l, &dir);

	if (r < 0)
		return r;
	cut = dir->opaque || dir->alone;
	for (;;) {
		const char *slash = strchr(path + s, '/');
		struct ient *ent;

		e = slash ? (size_t)(slash - path) : s + strlen(path + s);
		if (e - s > NAME_MAX)
			return -ENAMETOOLONG;
		ent = index_get(dir, path + s, e - s);
		*u = (struct upos){.dir = dir, .ent = ent, .begin = s, .end = e, .cut = cut, .last = !slash};
		if (!ent || !slash || !ient_is_dir(ent))
			return 0;
		r = index_dir(l, ent, path, e, &dir);
		if (r < 0)
			return r;
		if (dir->store) {
			u->store = dir;
			return 0;
		}
		cut = cut || dir->opaque || dir->alone || (ent->flags & IE_WHFILE);
		s = e + 1;
	}
}

/* Does the upper directory that @u ends at hide the lower ones? */
static int hides_lower(struct layers *l, const char *path, const struct upos *u, bool *hides)
{
	struct idir *dir;
	int r;

	*hides = u->cut || (u->ent->flags & IE_WHFILE);
	if (*hides)
		return 0;
	r = index_dir(l, u->ent, path, u->end, &dir);
	if (r == 0)
		*hides = dir->opaque || dir->alone;
	return r;
}

/* Body of a directory that is in the upper one: the lower directory's, if processes can use that one. */
static int walk_dir(struct layers *l, const char *path, bool hides, struct layers_node *node)
{
	cleanup_lnode struct lnode low = LNODE_INIT;

	int r = hides ? -ENOENT : lower_find(l, path, &low);

	node->type = S_IFDIR;
	node->where = LAYERS_UPPER;
	node->layer = 0;
	if (r == -LAYERS_STAGE)
		return r;
	if (r == 0 && S_ISDIR(low.st.stx_mode)) {
		node->where = LAYERS_MERGED;
		node->elsewhere = low.elsewhere;
		if ((!l->below && (low.st.stx_mode & 05) == 05) || lower_accessible(l, &low, path)) {
			node->fd = low.fd;
			node->layer = low.layer;
			low.fd = -1;
			return 0;
		}
	}
	node->fd = beneath_open(l->layer[0].fd, path, O_PATH | O_NOFOLLOW, 0);
	return node->fd < 0 ? node->fd : 0;
}

/* The path leads to, or through, something in the upper directory that is no directory. */
static int walk_upper(struct layers *l, const char *path, const struct upos *u, struct layers_node *node,
		      char *target)
{
	char buf[PATH_MAX];
	uint8_t vtype;
	int r = 0;

	if (!u->last && u->ent->dtype != DT_LNK)
		return -ENOTDIR;
	memcpy(buf, path, u->end);
	buf[u->end] = '\0';
	vtype = upper_vtype(l, buf, u->ent);
	node->fd = beneath_open(l->layer[0].fd, buf, O_PATH | O_NOFOLLOW, 0);
	if (node->fd < 0)
		return node->fd;
	node->type = DTTOIF(u->last ? vtype : DT_LNK);
	node->where = LAYERS_UPPER;
	node->layer = 0;
	if (vtype == DT_LNK) {
		ssize_t n = readlinkat(node->fd, "", target, PATH_MAX - 1);

		if (n < 0) {
			r = -errno;
			close_fd(&node->fd);
			node->fd = -1;
			return r;
		}
		target[n] = '\0';
	}
	if (u->last)
		return 0;
	close_fd(&node->fd);
	node->fd = -1;
	return 1;
}

#define WALK_AGAIN 2

/* Has this lower file been copied up by another of its names?  Then this one is to be a name of the copy, too. */
static bool has_copy(struct layers *l, const struct statx *low)
{
	char name[80];

	return l->cow && low->stx_nlink > 1 && S_ISREG(low->stx_mode) && links_any(l) && links_find(l, low, name);
}

/* The path is not, or only in its first @prefix bytes, in the upper directory.  WALK_AGAIN: copy it up first. */
static int walk_lower(struct layers *l, const char *path, size_t prefix, size_t *end, struct layers_node *node,
		      char *target)
{
	struct lnode low = LNODE_INIT;
	int r = lower_walk(l, path, prefix, end, &low, target);

	if (r < 0)
		return r;
	node->where = LAYERS_LOWER;
	if (r == 1) {
		node->type = S_IFLNK;
		node->fd = low.fd;
		node->elsewhere = low.elsewhere;
		return 1;
	}
	if (has_copy(l, &low.st)) {
		lnode_put(&low);
		return WALK_AGAIN;
	}
	node->fd = low.fd;
	node->type = low.st.stx_mode & S_IFMT;
	node->layer = low.layer;
	node->elsewhere = low.elsewhere;
	if (node->type == S_IFLNK) {
		ssize_t n = readlinkat(low.fd, "", target, PATH_MAX - 1);

		if (n < 0) {
			lnode_put(&low);
			node->fd = -1;
			return -errno;
		}
		target[n] = '\0';
	} else if (node->type == S_IFDIR &&
		   (low.merged || lower_unreadable(l, &low, path) || (low.mask & (low.mask - 1)))) {
		node->where = LAYERS_MERGED;
	}
	return 0;
}

/* In a store: as it is. */
static int walk_store(struct layers *l, const char *path, size_t *end, struct layers_node *node, char *target)
{
	struct lnode n = LNODE_INIT;
	int r = body_walk(l, 0, path, 0, end, &n, target);

	if (r < 0)
		return r;
	node->where = LAYERS_UPPER;
	node->layer = 0;
	node->type = r == 1 ? S_IFLNK : n.st.stx_mode & S_IFMT;
	if (r == 0 && node->type == S_IFLNK) {
		r = read_link(n.fd, target);
		if (r < 0)
			lnode_put(&n);
	}
	node->fd = n.fd;
	return r;
}

/* The only layer, as it is. */
static int walk_native(struct layers *l, const char *path, size_t *end, struct layers_node *node, char *target)
{
	int r = walk_lower(l, path, 0, end, node, target);

	node->where = LAYERS_UPPER;
	node->layer = 0;
	return r;
}

static int walk_once(struct layers *l, const char *path, size_t *end, struct layers_node *node, char *target)
{
	struct upos u;
	bool hides;
	int r;

	*end = strlen(path);
	if (!l->cow)
		return walk_lower(l, path, 0, end, node, target);
	if (!path[0]) {
		struct idir *root;

		r = index_root(l, &root);
		return r < 0 ? r : walk_dir(l, path, root->opaque || root->alone, node);
	}
	r = upper_find(l, path, &u);
	if (r < 0)
		return r;
	if (u.store)
		return walk_store(l, path, end, node, target);
	*end = u.end;
	if (!u.ent) {
		if (u.cut)
			return -ENOENT;
		return walk_lower(l, path, u.begin ? u.begin - 1 : 0, end, node, target);
	}
	if (ient_is_whiteout(u.ent))
		return -ENOENT;
	if (!ient_is_dir(u.ent))
		return walk_upper(l, path, &u, node, target);
	r = hides_lower(l, path, &u, &hides);
	return r < 0 ? r : walk_dir(l, path, hides, node);
}

int layers_walk(struct layers *l, const char *path, size_t *end, struct layers_node *node, char *target)
{
	uint64_t seen;
	int r;

	node->fd = -1;
	node->elsewhere = false;
	if (l->native)
		return walk_native(l, path, end, node, target);
	if (path_hidden(l, path, end))
		return -ENOENT;
	gen_sync(l);
	seen = l->seen;
	r = walk_once(l, path, end, node, target);
	for (int tries = 0; r == WALK_AGAIN; tries++) {
		if (tries == 3)
			return -EBUSY;
		r = copy_up(l, path, 0); /* which only makes a link */
		if (r < 0)
			return r;
		seen = l->seen;
		r = walk_once(l, path, end, node, target);
	}
	if ((r == -ENOENT || r == -ELOOP || r == -ENOTDIR) && l->cow && !l->depth) {
		/* Somebody else may have changed the upper directory between the index and the look. */
		gen_sync(l);
		if (l->seen != seen)
			r = walk_once(l, path, end, node, target);
	}
	return r;
}

bool layers_untouched(struct layers *l, const char *path)
{
	struct upos u;
	char *const *h;
	size_t end;

	if (l->native || path_hidden(l, path, &end))
		return false;
	for (h = l->hide; h && *h; h++) {
		if (path_is_below(*h, path))
			return false;
	}
	if (l->below && !l->below->untouched(l->below->arg, path))
		return false;
	if (!l->cow)
		return true;
	gen_sync(l);
	if (!path[0]) {
		struct idir *root;

		return index_root(l, &root) == 0 && !root->count && !root->opaque;
	}
	return upper_find(l, path, &u) == 0 && !u.ent && !u.cut;
}

/* The same in a store. */
static int look_in_store(struct layers *l, const char *path, struct look *k)
{
	cleanup_lnode struct lnode n = LNODE_INIT;
	size_t end;
	int r = body_walk(l, 0, path, 0, &end, &n, NULL);

	k->store = true;
	if (r == -ENOENT && !path[end])
		return 0;
	if (r)
		return r < 0 ? r : -ELOOP;
	k->exists = k->upper = k->opaque = true;
	k->dtype = IFTODT(n.st.stx_mode);
	return 0;
}

/**
 * look_up() - what a change finds at a path
 *
 * Return: 0, k->exists says whether there is something; -ENOENT, -ENOTDIR: its parent is not there, or no directory.
 */
int look_up(struct layers *l, const char *path, struct look *k)
{
	struct upos *u = &k->u;
	bool hides = false;
	size_t end;
	int r;

	if (path_hidden(l, path, &end))
		return path[end] ? -ENOENT : 0;
	if (!path[0]) {
		struct idir *root = NULL;

		r = l->cow ? index_root(l, &root) : 0;
		k->exists = true;
		k->dtype = DT_DIR;
		k->upper = l->cow;
		k->opaque = root && root->opaque;
		if (r == 0 && l->nlower && !k->opaque) {
			r = lower_find(l, path, &k->low);
			k->below = r == 0;
			if (r != -LAYERS_STAGE)
				r = 0;
		}
		return r;
	}
	r = l->cow ? upper_find(l, path, u) : 0;
	if (r < 0)
		return r;
	if (u->store)
		return look_in_store(l, path, k);
	if (u->ent && !u->last)
		return ient_is_whiteout(u->ent) ? -ENOENT : u->ent->dtype == DT_LNK ? -ELOOP : -ENOTDIR;
	if (!u->cut) {
		if (u->last)
			r = lower_find(l, path, &k->low);
		else
			r = lower_walk(l, path, u->begin ? u->begin - 1 : 0, &end, &k->low, NULL);
		if (r == 1)
			return -ELOOP;
		if (r < 0 && (r != -ENOENT || (!u->last && path[end])))
			return r;
		k->below = r == 0;
	} else if (!u->last) {
		return -ENOENT;
	}
	if (!u->ent) {
		k->exists = k->below;
		k->dtype = k->below ? IFTODT(k->low.st.stx_mode) : 0;
		return 0;
	}
	if (ient_is_whiteout(u->ent))
		return 0;
	k->exists = k->upper = true;
	k->dtype = u->ent->dtype;
	if (k->dtype != DT_DIR)
		return 0;
	r = hides_lower(l, path, u, &hides);
	k->opaque = hides;
	if (r == 0 && stores_any(l)) {
		struct idir *dir;

		r = index_dir(l, u->ent, path, u->end, &dir);
		k->store = r == 0 && dir->store;
	}
	return r;
}

int look_up_existing(struct layers *l, const char *path, struct look *k)
{
	int r = look_up(l, path, k);

	return r < 0 ? r : k->exists ? 0 : -ENOENT;
}
