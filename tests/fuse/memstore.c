// SPDX-License-Identifier: GPL-2.0-or-later
/* What memfs keeps; see memstore.h. */
#include "tests/fuse/memstore.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define BUCKETS (1 << 16)

uint64_t store_limit;

static struct entry *buckets[BUCKETS];
static struct node **nodes; /* by number */
static uint64_t highest, capacity, used, living, last_cookie = 2;

static void *must(void *memory)
{
	if (!memory) {
		fprintf(stderr, "memfs: no memory\n");
		exit(1);
	}
	return memory;
}

void touch_now(struct timespec *first, struct timespec *second)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*first = now;
	if (second)
		*second = now;
}

static void changed(struct node *node)
{
	node->version++;
	touch_now(&node->st.st_mtim, &node->st.st_ctim);
}

/* --- nodes ------------------------------------------------------------------------------------------------------- */

struct node *store_node(uint64_t ino)
{
	return ino <= highest ? nodes[ino] : NULL;
}

uint64_t store_used(void)
{
	return used;
}

uint64_t store_nodes(void)
{
	return living;
}

static struct node *node_new(mode_t mode, dev_t rdev, uid_t uid, gid_t gid)
{
	struct node *node = must(calloc(1, sizeof(*node)));

	if (highest + 1 >= capacity) {
		capacity = capacity ? 2 * capacity : 1024;
		nodes = must(realloc(nodes, capacity * sizeof(*nodes)));
		if (!highest)
			nodes[0] = NULL;
	}
	node->st.st_ino = ++highest;
	nodes[highest] = node;
	living++;
	node->st.st_mode = mode;
	node->st.st_rdev = rdev;
	node->st.st_uid = uid;
	node->st.st_gid = gid;
	node->st.st_blksize = 4096;
	touch_now(&node->st.st_atim, &node->st.st_mtim);
	node->st.st_ctim = node->st.st_mtim;
	return node;
}

void store_begin(void)
{
	node_new(S_IFDIR | 0755, 0, getuid(), getgid())->st.st_nlink = 2;
}

static void chunks_free(struct node *node, size_t first)
{
	for (size_t i = first; i < node->nchunks; i++) {
		if (!node->chunks[i])
			continue;
		free(node->chunks[i]);
		node->chunks[i] = NULL;
		used -= CHUNK_SIZE;
		node->st.st_blocks -= CHUNK_SIZE / 512;
	}
}

static void node_free_if_gone(struct node *node)
{
	struct xattr *xattr;

	if (node->lookups || node->st.st_nlink || node->st.st_ino == 1)
		return;
	nodes[node->st.st_ino] = NULL;
	living--;
	chunks_free(node, 0);
	while ((xattr = node->xattrs)) {
		node->xattrs = xattr->next;
		free(xattr->value);
		free(xattr);
	}
	free(node->chunks);
	free(node->entries);
	free(node->cookies);
	free(node->target);
	free(node);
}

void store_forget(struct node *node, uint64_t lookups)
{
	node->lookups -= lookups < node->lookups ? lookups : node->lookups;
	node_free_if_gone(node);
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static struct entry **bucket(struct node *parent, const char *name)
{
	uint64_t hash = 14695981039346656037u ^ parent->st.st_ino;

	for (const char *p = name; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211u;
	return &buckets[(hash ^ hash >> 32) % BUCKETS];
}

struct entry *store_find(struct node *parent, const char *name)
{
	for (struct entry *e = *bucket(parent, name); e; e = e->chain) {
		if (e->parent == parent && !strcmp(e->name, name))
			return e;
	}
	return NULL;
}

/* The index of the first entry whose cookie is larger. */
static size_t place_after(struct node *dir, uint64_t cookie)
{
	size_t low = 0, high = dir->nentries;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (dir->cookies[middle] <= cookie)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct entry *store_next(struct node *dir, uint64_t cookie)
{
	for (size_t i = place_after(dir, cookie); i < dir->nentries; i++) {
		if (dir->entries[i])
			return dir->entries[i];
	}
	return NULL;
}

/* Forget the places of what was removed. */
static void compact(struct node *dir)
{
	size_t left = 0;

	for (size_t i = 0; i < dir->nentries; i++) {
		if (!dir->entries[i])
			continue;
		dir->entries[left] = dir->entries[i];
		dir->cookies[left++] = dir->cookies[i];
	}
	dir->nentries = left;
}

static void entry_add(struct node *parent, const char *name, struct node *child)
{
	struct entry **at = bucket(parent, name);
	struct entry *entry = must(malloc(sizeof(*entry) + strlen(name) + 1));

	strcpy(entry->name, name);
	entry->parent = parent;
	entry->child = child;
	entry->cookie = ++last_cookie;
	entry->chain = *at;
	*at = entry;
	if (parent->nentries > 64 && parent->alive < parent->nentries / 2)
		compact(parent);
	if (!(parent->nentries & (parent->nentries - 1))) { /* a power of two, or none: full */
		size_t room = parent->nentries ? 2 * parent->nentries : 1;

		parent->entries = must(realloc(parent->entries, room * sizeof(*parent->entries)));
		parent->cookies = must(realloc(parent->cookies, room * sizeof(*parent->cookies)));
	}
	parent->entries[parent->nentries] = entry;
	parent->cookies[parent->nentries++] = entry->cookie;
	parent->alive++;
	if (S_ISDIR(child->st.st_mode)) {
		child->parent = parent;
		parent->st.st_nlink++;
	}
	changed(parent);
}

static void entry_drop(struct entry *entry)
{
	struct node *parent = entry->parent;
	struct entry **at = bucket(parent, entry->name);

	while (*at != entry)
		at = &(*at)->chain;
	*at = entry->chain;
	parent->entries[place_after(parent, entry->cookie - 1)] = NULL;
	if (!--parent->alive)
		parent->nentries = 0;
	if (S_ISDIR(entry->child->st.st_mode)) {
		entry->child->parent = NULL;
		parent->st.st_nlink--;
	}
	changed(parent);
	free(entry);
}

static int may_add(struct node *parent, const char *name)
{
	if (!S_ISDIR(parent->st.st_mode))
		return -ENOTDIR;
	if (!parent->st.st_nlink)
		return -ENOENT;
	if (strlen(name) > 255)
		return -ENAMETOOLONG;
	return store_find(parent, name) ? -EEXIST : 0;
}

int store_make_nameless(struct node *parent, mode_t mode, uid_t uid, gid_t gid, struct node **made)
{
	if (parent->st.st_mode & S_ISGID) {
		gid = parent->st.st_gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
	}
	*made = node_new(mode, 0, uid, gid);
	return 0;
}

int store_make(struct node *parent, const char *name, mode_t mode, dev_t rdev, uid_t uid, gid_t gid, struct node **made)
{
	int rc = may_add(parent, name);

	if (rc)
		return rc;
	store_make_nameless(parent, mode, uid, gid, made);
	(*made)->st.st_rdev = rdev;
	(*made)->st.st_nlink = S_ISDIR(mode) ? 2 : 1;
	entry_add(parent, name, *made);
	return 0;
}

int store_link(struct node *node, struct node *parent, const char *name)
{
	int rc = may_add(parent, name);

	if (rc)
		return rc;
	if (S_ISDIR(node->st.st_mode))
		return -EPERM;
	node->st.st_nlink++;
	touch_now(&node->st.st_ctim, NULL);
	entry_add(parent, name, node);
	return 0;
}

/* May this entry be removed, as what it is said to be? */
static int may_drop(struct entry *entry, bool directory)
{
	if (!entry)
		return -ENOENT;
	if (directory && !S_ISDIR(entry->child->st.st_mode))
		return -ENOTDIR;
	if (!directory && S_ISDIR(entry->child->st.st_mode))
		return -EISDIR;
	return entry->child->alive ? -ENOTEMPTY : 0;
}

static void drop(struct entry *entry)
{
	struct node *child = entry->child;

	entry_drop(entry);
	child->st.st_nlink = S_ISDIR(child->st.st_mode) ? 0 : child->st.st_nlink - 1;
	touch_now(&child->st.st_ctim, NULL);
	node_free_if_gone(child);
}

int store_remove(struct node *parent, const char *name, bool directory)
{
	struct entry *entry = store_find(parent, name);
	int rc = may_drop(entry, directory);

	if (!rc)
		drop(entry);
	return rc;
}

static bool is_below(struct node *node, struct node *above)
{
	for (; node; node = node->parent) {
		if (node == above)
			return true;
	}
	return false;
}

int store_rename(struct node *from, const char *name, struct node *to, const char *newname, unsigned int flags)
{
	struct entry *old = store_find(from, name), *new = store_find(to, newname);
	struct node *child, *other;
	int rc;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (!old || ((flags & RENAME_EXCHANGE) && !new))
		return -ENOENT;
	if (new && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (strlen(newname) > 255)
		return -ENAMETOOLONG;
	child = old->child;
	if (is_below(to, child) || ((flags & RENAME_EXCHANGE) && is_below(from, new->child)))
		return -EINVAL;
	if (new && new->child == child)
		return 0;
	if (flags & RENAME_EXCHANGE) {
		other = new->child;
		entry_drop(old);
		entry_drop(new);
		entry_add(from, name, other);
		entry_add(to, newname, child);
		touch_now(&other->st.st_ctim, &child->st.st_ctim);
		return 0;
	}
	if (new) {
		rc = may_drop(new, S_ISDIR(child->st.st_mode));
		if (rc)
			return rc;
		drop(new);
	}
	entry_drop(old);
	entry_add(to, newname, child);
	touch_now(&child->st.st_ctim, NULL);
	return 0;
}

/* --- data -------------------------------------------------------------------------------------------------------- */

ssize_t store_read(struct node *node, char *buffer, size_t size, off_t offset)
{
	if (offset >= node->st.st_size)
		return 0;
	if ((off_t)size > node->st.st_size - offset)
		size = node->st.st_size - offset;
	for (size_t done = 0, part; done < size; done += part) {
		size_t chunk = (offset + done) / CHUNK_SIZE, at = (offset + done) % CHUNK_SIZE;

		part = size - done < CHUNK_SIZE - at ? size - done : CHUNK_SIZE - at;
		if (chunk < node->nchunks && node->chunks[chunk])
			memcpy(buffer + done, node->chunks[chunk] + at, part);
		else
			memset(buffer + done, 0, part);
	}
	return size;
}

/* The chunk to be written to; NULL if there is no room for it. */
static char *chunk_for(struct node *node, size_t chunk)
{
	if (chunk >= node->nchunks) {
		size_t more = chunk + 1 > 2 * node->nchunks ? chunk + 1 : 2 * node->nchunks;

		node->chunks = must(realloc(node->chunks, more * sizeof(*node->chunks)));
		memset(node->chunks + node->nchunks, 0, (more - node->nchunks) * sizeof(*node->chunks));
		node->nchunks = more;
	}
	if (!node->chunks[chunk]) {
		if (store_limit && used + CHUNK_SIZE > store_limit)
			return NULL;
		node->chunks[chunk] = calloc(1, CHUNK_SIZE);
		if (!node->chunks[chunk])
			return NULL;
		used += CHUNK_SIZE;
		node->st.st_blocks += CHUNK_SIZE / 512;
	}
	return node->chunks[chunk];
}

ssize_t store_write(struct node *node, const char *buffer, size_t size, off_t offset)
{
	size_t done = 0, part;

	if (offset > SIZE_MAX_MEMFS - (off_t)size)
		return -EFBIG;
	for (; done < size; done += part) {
		size_t at = (offset + done) % CHUNK_SIZE;
		char *data = chunk_for(node, (offset + done) / CHUNK_SIZE);

		if (!data)
			break;
		part = size - done < CHUNK_SIZE - at ? size - done : CHUNK_SIZE - at;
		memcpy(data + at, buffer + done, part);
	}
	if (size && !done)
		return -ENOSPC;
	if (offset + (off_t)done > node->st.st_size)
		node->st.st_size = offset + done;
	changed(node);
	return done;
}

/* Zeroes from here to there; whole chunks become holes. */
static void punch(struct node *node, off_t offset, off_t end)
{
	while (offset < end) {
		size_t chunk = offset / CHUNK_SIZE, at = offset % CHUNK_SIZE;
		size_t part = end - offset < CHUNK_SIZE - (off_t)at ? end - offset : CHUNK_SIZE - (off_t)at;

		if (chunk >= node->nchunks)
			return;
		if (node->chunks[chunk] && part == CHUNK_SIZE) {
			free(node->chunks[chunk]);
			node->chunks[chunk] = NULL;
			used -= CHUNK_SIZE;
			node->st.st_blocks -= CHUNK_SIZE / 512;
		} else if (node->chunks[chunk]) {
			memset(node->chunks[chunk] + at, 0, part);
		}
		offset += part;
	}
}

int store_truncate(struct node *node, off_t size)
{
	if (size < 0)
		return -EINVAL;
	if (size > SIZE_MAX_MEMFS)
		return -EFBIG;
	if (size < node->st.st_size) {
		off_t end = (size + CHUNK_SIZE - 1) / CHUNK_SIZE * CHUNK_SIZE;

		punch(node, size, end);
		chunks_free(node, end / CHUNK_SIZE);
	}
	node->st.st_size = size;
	changed(node);
	return 0;
}

int store_fallocate(struct node *node, int mode, off_t offset, off_t length)
{
	off_t end = offset + length;
	bool keep = mode & FALLOC_FL_KEEP_SIZE;

	if (end > SIZE_MAX_MEMFS)
		return -EFBIG;
	switch (mode & ~FALLOC_FL_KEEP_SIZE) {
	case FALLOC_FL_PUNCH_HOLE:
		punch(node, offset, end);
		break;
	case FALLOC_FL_ZERO_RANGE:
		punch(node, offset, end);
		/* fallthrough */
	case 0:
		for (off_t at = offset / CHUNK_SIZE; at <= (end - 1) / CHUNK_SIZE; at++) {
			if (!chunk_for(node, at))
				return -ENOSPC;
		}
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (!keep && end > node->st.st_size)
		node->st.st_size = end;
	changed(node);
	return 0;
}

off_t store_seek(struct node *node, off_t offset, int whence)
{
	if (offset < 0 || offset >= node->st.st_size)
		return -ENXIO;
	while (offset < node->st.st_size) {
		size_t chunk = offset / CHUNK_SIZE;

		if ((chunk < node->nchunks && node->chunks[chunk]) == (whence == SEEK_DATA))
			return offset;
		offset = (off_t)(chunk + 1) * CHUNK_SIZE;
	}
	return whence == SEEK_HOLE ? node->st.st_size : -ENXIO;
}

/* --- extended attributes ----------------------------------------------------------------------------------------- */

struct xattr *store_getxattr(struct node *node, const char *name)
{
	struct xattr *xattr = node->xattrs;

	while (xattr && strcmp(xattr->name, name))
		xattr = xattr->next;
	return xattr;
}

int store_setxattr(struct node *node, const char *name, const void *value, size_t size, int flags)
{
	struct xattr *xattr = store_getxattr(node, name);

	if (xattr && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!xattr && (flags & XATTR_REPLACE))
		return -ENODATA;
	if (!xattr) {
		struct xattr **last = &node->xattrs;

		while (*last)
			last = &(*last)->next;
		xattr = *last = must(calloc(1, sizeof(*xattr) + strlen(name) + 1));
		strcpy(xattr->name, name);
	}
	xattr->value = must(realloc(xattr->value, size + 1));
	memcpy(xattr->value, value, size);
	xattr->size = size;
	touch_now(&node->st.st_ctim, NULL);
	return 0;
}

int store_removexattr(struct node *node, const char *name)
{
	for (struct xattr **at = &node->xattrs; *at; at = &(*at)->next) {
		struct xattr *xattr = *at;

		if (strcmp(xattr->name, name))
			continue;
		*at = xattr->next;
		free(xattr->value);
		free(xattr);
		touch_now(&node->st.st_ctim, NULL);
		return 0;
	}
	return -ENODATA;
}
