// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tree as far as it is known: nodes by the server's numbers, and names that lead to them, or to nothing.
 *
 * What the server says is true for as long as it says (entry and attribute timeouts).  Nodes that nothing needs are given
 * back (FORGET) when there are many.  Everything here is done with the view's lock held.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "umfuse.h"

#define DENTRIES_MAX 100000     /* then the oldest are forgotten */
#define TRIM 1024               /* at a time */
#define NAME_BYTES 255

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Until when something is true that is true for so long; what the server says may be any number. */
static uint64_t until(uint64_t seconds, uint32_t nsec)
{
	if (seconds == 0 && nsec == 0)
		return 0;
	if (seconds > 1000000000 || nsec >= 1000000000)
		return UINT64_MAX;
	return now_ns() + seconds * 1000000000u + nsec;
}

bool name_is_sane(const char *name, size_t len)
{
	return len > 0 && len <= NAME_BYTES && memchr(name, '/', len) == NULL && memchr(name, '\0', len) == NULL &&
	       !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

static struct node **node_place(struct um_fs *fs, uint64_t id)
{
	struct node **at = &fs->nodes[(id * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & (fs->nodes_room - 1)];

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

struct node *tree_node(struct um_fs *fs, uint64_t id)
{
	return *node_place(fs, id);
}

static struct node *node_new(struct um_fs *fs, uint64_t id, uint64_t generation)
{
	struct node *node = calloc(1, sizeof(*node));
	struct node **at;

	if (node == NULL)
		return NULL;
	node->id = id;
	node->generation = generation;
	at = node_place(fs, id);
	node->next = *at;
	*at = node;
	fs->nnodes++;
	return node;
}

static void node_free(struct um_fs *fs, struct node *node, bool give_back)
{
	struct fuse_forget_in in = { .nlookup = node->nlookup };
	struct node **at = node_place(fs, node->id);

	if (*at == node)
		*at = node->next;
	if (give_back && node->nlookup > 0 && node->id != FUSE_ROOT_ID)
		tell(fs, FUSE_FORGET, node->id, &in, sizeof(in));
	free(node->target);
	free(node);
	fs->nnodes--;
}

/* Does nothing lead to it, or hold it?  (But for journals, which hold the mount.) */
static bool node_is_unused(const struct um_fs *fs, const struct node *node)
{
	return node->names == NULL && node->children == 0 && node->body == NULL && node->locked == NULL && node != fs->root;
}

void tree_stale(struct node *node)
{
	node->attr_until = 0;
	free(node->target);
	node->target = NULL;
}

void tree_set_attr(struct node *node, const struct fuse_attr *attr, uint64_t seconds, uint32_t nsec)
{
	if (node->target != NULL && (attr->mtime != node->attr.mtime || attr->mtimensec != node->attr.mtimensec ||
				     attr->size != node->attr.size))
		tree_stale(node);
	node->attr = *attr;
	node->attr_until = until(seconds, nsec);
	if (node->body != NULL && body_is_older(node->body, attr) && node->body->open && !node->body->busy)
		flush_refill(node->body); /* somebody else has changed it */
}

/* Are these attributes of something that can be? */
static bool attr_is_sane(const struct fuse_attr *attr)
{
	switch (attr->mode & S_IFMT) {
	case S_IFREG: case S_IFDIR: case S_IFLNK: case S_IFIFO: case S_IFSOCK: case S_IFCHR: case S_IFBLK:
		return attr->size <= INT64_MAX;
	default:
		return false;
	}
}

static void forget_children(struct um_fs *fs, const struct node *parent);

struct node *tree_enter(struct um_fs *fs, const struct fuse_entry_out *entry, size_t len, bool count)
{
	struct node *node;

	if (len < sizeof(*entry) || entry->nodeid == 0 || entry->nodeid == FUSE_ROOT_ID || !attr_is_sane(&entry->attr))
		return NULL;
	node = tree_node(fs, entry->nodeid);
	if (node != NULL && node->nlookup > 0 &&
	    (node->generation != entry->generation || ((node->attr.mode ^ entry->attr.mode) & S_IFMT))) {
		if (!count)
			return NULL; /* it has become something else since */
		/* The number was given to something else. */
		while (node->names != NULL)
			tree_forget_name(fs, node->names->parent, node->names->name);
		if (node->children > 0)
			forget_children(fs, node);
		if (node->body != NULL)
			body_orphan(node->body);
		node->generation = entry->generation;
	}
	if (node == NULL)
		node = node_new(fs, entry->nodeid, entry->generation);
	if (node == NULL)
		return NULL;
	if (count) {
		node->nlookup++;
		tree_set_attr(node, &entry->attr, entry->attr_valid, entry->attr_valid_nsec);
	} else if (node->attr.mode == 0) {
		node->attr = entry->attr;
	}
	return node;
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static uint32_t name_hash(const struct node *parent, const char *name)
{
	uint64_t h = parent->id * UINT64_C(0x9e3779b97f4a7c15);

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return (uint32_t)(h ^ h >> 32);
}

static struct dentry **dentry_place(struct um_fs *fs, const struct node *parent, const char *name)
{
	uint32_t hash = name_hash(parent, name);
	struct dentry **at = &fs->dentries[hash & (fs->dentries_room - 1)];

	while (*at != NULL && ((*at)->hash != hash || (*at)->parent != parent || strcmp((*at)->name, name) != 0))
		at = &(*at)->next;
	return at;
}

static void unlist(struct um_fs *fs, struct dentry *d)
{
	*(d->older ? &d->older->newer : &fs->oldest) = d->newer;
	*(d->newer ? &d->newer->older : &fs->newest) = d->older;
}

static void list_newest(struct um_fs *fs, struct dentry *d)
{
	d->older = fs->newest;
	d->newer = NULL;
	*(fs->newest ? &fs->newest->newer : &fs->oldest) = d;
	fs->newest = d;
}

static void used(struct um_fs *fs, struct dentry *d)
{
	if (fs->newest == d)
		return;
	unlist(fs, d);
	list_newest(fs, d);
}

static void leave_node(struct dentry *d)
{
	struct dentry **at;

	if (d->node == NULL)
		return;
	for (at = &d->node->names; *at != d; at = &(*at)->next_name)
		;
	*at = d->next_name;
	d->node = NULL;
}

static void enter_node(struct dentry *d, struct node *node)
{
	d->node = node;
	if (node == NULL)
		return;
	d->next_name = node->names;
	node->names = d;
}

static void dentry_free(struct um_fs *fs, struct dentry **at)
{
	struct dentry *d = *at;
	struct node *node = d->node, *parent = d->parent;

	*at = d->next;
	leave_node(d);
	unlist(fs, d);
	parent->children--;
	fs->ndentries--;
	free(d);
	if (node != NULL)
		tree_check(fs, node);
	tree_check(fs, parent);
}

void tree_check(struct um_fs *fs, struct node *node)
{
	if (node->listed || !node_is_unused(fs, node))
		return;
	node->listed = true;
	node->next_unused = fs->unused;
	fs->unused = node;
}

static void give_unused_back(struct um_fs *fs)
{
	struct node *node;

	while ((node = fs->unused) != NULL) {
		fs->unused = node->next_unused;
		node->listed = false;
		if (node_is_unused(fs, node))
			node_free(fs, node, true);
	}
}

void tree_trim(struct um_fs *fs)
{
	struct dentry *d;

	give_unused_back(fs);
	for (int n = 0; n < TRIM && fs->ndentries > DENTRIES_MAX; n++) {
		d = fs->oldest;
		if (d->node != NULL && (d->node->children > 0 || d->node->body != NULL))
			used(fs, d);
		else
			dentry_free(fs, dentry_place(fs, d->parent, d->name));
	}
	give_unused_back(fs);
}

bool tree_is_above(const struct um_fs *fs, const struct node *node, const struct node *parent)
{
	if (!S_ISDIR(node->attr.mode))
		return false;
	for (unsigned deep = 0; parent != node; deep++) {
		if (parent == fs->root || parent->names == NULL)
			return false;
		if (deep > PATH_MAX / 2)
			return true;
		parent = parent->names->parent;
	}
	return true;
}

void tree_name(struct um_fs *fs, struct node *parent, const char *name, struct node *node, uint64_t seconds, uint32_t nsec)
{
	struct dentry **at = dentry_place(fs, parent, name), *d = *at;
	size_t len = strlen(name);

	if (d == NULL) {
		d = malloc(sizeof(*d) + len + 1);
		if (d == NULL)
			return;
		*d = (struct dentry){ .parent = parent, .hash = name_hash(parent, name) };
		memcpy(d->name, name, len + 1);
		*at = d;
		parent->children++;
		fs->ndentries++;
		list_newest(fs, d);
	} else {
		used(fs, d);
	}
	if (d->node != node) {
		struct node *before = d->node;

		leave_node(d);
		enter_node(d, node);
		if (before != NULL)
			tree_check(fs, before);
	}
	d->until = until(seconds, nsec);
	while (node != NULL && S_ISDIR(node->attr.mode) && node->names->next_name != NULL) /* the newest is the first */
		tree_forget_name(fs, node->names->next_name->parent, node->names->next_name->name);
}

void tree_forget_name(struct um_fs *fs, struct node *parent, const char *name)
{
	struct dentry **at = dentry_place(fs, parent, name);

	if (*at != NULL)
		dentry_free(fs, at);
}

static void forget_children(struct um_fs *fs, const struct node *parent)
{
	struct dentry *d, *newer;

	for (d = fs->oldest; d != NULL && parent->children > 0; d = newer) {
		newer = d->newer;
		if (d->parent == parent)
			dentry_free(fs, dentry_place(fs, parent, d->name));
	}
}

void tree_forget_all(struct um_fs *fs)
{
	for (struct dentry *d = fs->oldest; d != NULL; d = d->newer)
		d->until = 0;
	for (size_t i = 0; i < fs->nodes_room; i++)
		for (struct node *node = fs->nodes[i]; node != NULL; node = node->next) {
			tree_stale(node);
			if (node->body != NULL && !node->body->written && !node->body->busy && node->body->plain)
				node->body->filled = false;
		}
}

/* --- looking up --------------------------------------------------------------------------------------------------- */

/* An answer to LOOKUP.  @first: it is new. */
static int take_entry(struct um_fs *fs, struct node *parent, const char *name, const struct request *r, bool first,
		      struct node **node)
{
	const struct fuse_entry_out *entry = r->reply;

	if (r->reply_len != sizeof(*entry))
		return -EIO;
	if (entry->nodeid == 0) { /* there is none, and that holds for some time */
		*node = NULL;
	} else {
		*node = tree_enter(fs, entry, r->reply_len, first);
		if (*node == NULL)
			return -EIO;
	}
	if (*node != NULL && tree_is_above(fs, *node, parent))
		return -ELOOP;
	if (first)
		tree_name(fs, parent, name, *node, entry->entry_valid, entry->entry_valid_nsec);
	return *node != NULL ? 0 : -ENOENT;
}

int tree_lookup(struct um_fs *fs, struct node *parent, const char *name, struct node **node)
{
	struct request *r;
	struct dentry *d;
	int err;

	if (journal_seen(fs, parent, name, node))
		return *node != NULL ? 0 : -ENOENT;
	d = *dentry_place(fs, parent, name);
	if (d != NULL && d->until > now_ns()) {
		used(fs, d);
		*node = d->node;
	} else {
		if (strlen(name) > NAME_BYTES)
			return -ENAMETOOLONG;
		err = ask(fs, FUSE_LOOKUP, parent->id, name, strlen(name) + 1, &r);
		if (err == 0)
			err = take_entry(fs, parent, name, r, ask_first(r), node);
		else if (err == -ENOENT)
			*node = NULL;
		if (err < 0 && err != -ENOENT)
			return err;
		if (*node == NULL && d != NULL)
			tree_forget_name(fs, parent, name);
	}
	journal_see(fs, parent, name, *node);
	return *node != NULL ? 0 : -ENOENT;
}

int tree_find(struct um_fs *fs, const char *path, struct node **node)
{
	char name[PATH_MAX];
	int err = fs_begin(fs);

	*node = fs->root;
	while (err == 0 && *path != '\0') {
		size_t n = strcspn(path, "/");

		memcpy(name, path, n);
		name[n] = '\0';
		if (!S_ISDIR((*node)->attr.mode))
			return -ENOTDIR;
		err = tree_lookup(fs, *node, name, node);
		path += n + (path[n] == '/');
	}
	return err;
}

int tree_parent(struct um_fs *fs, const char *path, struct node **parent, const char **name)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	size_t n = slash ? (size_t)(slash - path) : 0;
	int err;

	memcpy(dir, path, n);
	dir[n] = '\0';
	*name = slash ? slash + 1 : path;
	err = tree_find(fs, dir, parent);
	return err == 0 && !S_ISDIR((*parent)->attr.mode) ? -ENOTDIR : err;
}

int tree_attr(struct um_fs *fs, struct node *node, struct fuse_attr *attr)
{
	struct fuse_getattr_in in = { 0 };
	const struct fuse_attr_out *out;
	struct request *r;
	int err;

	if (node->attr_until <= now_ns()) {
		/* By its number, not by a handle: that could have been given back when this is sent. */
		err = ask(fs, FUSE_GETATTR, node->id, &in, sizeof(in), &r);
		if (err < 0)
			return err;
		out = r->reply;
		if (r->reply_len != sizeof(*out) || !attr_is_sane(&out->attr) ||
		    (node->attr.mode != 0 && ((out->attr.mode ^ node->attr.mode) & S_IFMT)))
			return -EIO;
		if (ask_first(r))
			tree_set_attr(node, &out->attr, out->attr_valid, out->attr_valid_nsec);
	}
	*attr = node->attr;
	if (node->body != NULL)
		body_patch(node->body, attr);
	return 0;
}

int tree_path(struct um_fs *fs, const struct node *node, char *path)
{
	char *at = path + PATH_MAX - 1;

	*at = '\0';
	for (unsigned deep = 0; node != fs->root; deep++) {
		const struct dentry *d = node->names;
		size_t n = d ? strlen(d->name) : 0;

		if (d == NULL || deep > PATH_MAX / 2)
			return -ENOENT;
		if ((size_t)(at - path) < n + 1)
			return -ENAMETOOLONG;
		if (*at != '\0')
			*--at = '/';
		at -= n;
		memcpy(at, d->name, n);
		node = d->parent;
	}
	memmove(path, at, strlen(at) + 1);
	return 0;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

int tree_init(struct um_fs *fs)
{
	fs->nodes_room = 16384;
	fs->dentries_room = 32768;
	fs->nodes = calloc(fs->nodes_room, sizeof(struct node *));
	fs->dentries = calloc(fs->dentries_room, sizeof(struct dentry *));
	if (fs->nodes == NULL || fs->dentries == NULL)
		return -ENOMEM;
	fs->root = node_new(fs, FUSE_ROOT_ID, 0);
	if (fs->root == NULL)
		return -ENOMEM;
	fs->root->nlookup = 1;
	return 0;
}

void tree_free(struct um_fs *fs)
{
	while (fs->oldest != NULL)
		dentry_free(fs, dentry_place(fs, fs->oldest->parent, fs->oldest->name));
	for (size_t i = 0; fs->nodes != NULL && i < fs->nodes_room; i++)
		while (fs->nodes[i] != NULL)
			node_free(fs, fs->nodes[i], false);
	free(fs->nodes);
	free(fs->dentries);
}
