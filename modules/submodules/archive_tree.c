/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of names that an archive makes: see archive_tree.h.
 *
 * Names are found by a hash of their directory and themselves, so a path costs one look-up for each component, however many
 * names a directory has.
 */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "modules/submodules/archive_tree.h"

#define DEPTH_MAX 1000          /* of directories: an archive may have been made to be deeper than any path */

static struct node root;
static struct name **buckets;
static size_t nbuckets, nnames;
static unsigned long nodes = 1;

static void *must(void *p)
{
	if (p == NULL) {
		fprintf(stderr, "umfusearchive: no memory for so many names\n");
		exit(1);
	}
	return p;
}

static size_t hash(const struct node *dir, const char *text, size_t len)
{
	uint64_t h = 14695981039346656037u ^ dir->st.st_ino; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 1099511628211u;
	return (h ^ h >> 29) & (nbuckets - 1);
}

static void grow(void)
{
	struct name **old = buckets;
	size_t n = nbuckets;

	nbuckets = n ? 2 * n : 1024;
	buckets = must(calloc(nbuckets, sizeof(struct name *)));
	for (size_t i = 0; i < n; i++) {
		for (struct name *name = old[i], *next; name; name = next) {
			size_t to = hash(name->dir, name->text, strlen(name->text));

			next = name->chain;
			name->chain = buckets[to];
			buckets[to] = name;
		}
	}
	free(old);
}

void tree_init(void)
{
	root.st.st_mode = S_IFDIR | 0755;
	root.st.st_uid = getuid();
	root.st.st_gid = getgid();
	root.st.st_ino = 1;
	root.st.st_nlink = 2;
	root.st.st_mtime = root.st.st_atime = root.st.st_ctime = time(NULL);
	grow();
}

static struct name *look_up(const struct node *dir, const char *text, size_t len)
{
	for (struct name *n = buckets[hash(dir, text, len)]; n; n = n->chain)
		if (n->dir == dir && strncmp(n->text, text, len) == 0 && n->text[len] == '\0')
			return n;
	return NULL;
}

static struct node *new_node(struct stat st)
{
	struct node *node = must(calloc(1, sizeof(*node)));

	node->st = st;
	node->st.st_ino = ++nodes;
	node->st.st_nlink = 0;
	node->st.st_blksize = 4096;
	return node;
}

static void add_name(struct node *dir, const char *text, size_t len, struct node *node)
{
	struct name *n = must(calloc(1, sizeof(*n) + len + 1));
	size_t to;

	memcpy(n->text, text, len);
	n->dir = dir;
	n->node = node;
	if (dir->last)
		dir->last->next = n;
	else
		dir->first = n;
	dir->last = n;
	if (++nnames > nbuckets)
		grow();
	to = hash(dir, n->text, len);
	n->chain = buckets[to];
	buckets[to] = n;
	node->st.st_nlink += S_ISDIR(node->st.st_mode) ? 2 : 1;
	dir->st.st_nlink += S_ISDIR(node->st.st_mode);
}

/*
 * Take the next component of a path, which is advanced; false at the end.  "." and repeated slashes are nothing.
 */
static bool next_component(const char **path, const char **text, size_t *len)
{
	const char *p = *path;

	do {
		p += strspn(p, "/");
		*text = p;
		*len = strcspn(p, "/");
		p += *len;
	} while (*len == 1 && **text == '.');
	*path = p;
	return *len > 0;
}

static bool is_bad(const char *text, size_t len)
{
	return len > NAME_MAX || (len == 2 && text[0] == '.' && text[1] == '.');
}

/* The directory of a path, made if it is missing, and its last component (*len 0: the root).  NULL: no such path. */
static struct node *parent_of(const char *path, const char **text, size_t *len)
{
	struct stat missing = root.st;
	struct node *dir = &root;
	const char *next;
	size_t next_len;

	if (!next_component(&path, text, len))
		return dir;
	for (int depth = 0; next_component(&path, &next, &next_len); depth++) {
		struct name *n = look_up(dir, *text, *len);

		if (is_bad(*text, *len) || depth == DEPTH_MAX || (n && !S_ISDIR(n->node->st.st_mode)))
			return NULL;
		if (n == NULL) {
			add_name(dir, *text, *len, new_node(missing));
			n = look_up(dir, *text, *len);
		}
		dir = n->node;
		*text = next;
		*len = next_len;
	}
	return is_bad(*text, *len) ? NULL : dir;
}

/* A node that is no directory has lost a name. */
static void drop_name(struct node *node)
{
	if (--node->st.st_nlink > 0)
		return;
	free(node->target);
	free(node);
}

/* Attributes for a directory that is there already. */
static struct node *renew_directory(struct node *dir, struct stat st)
{
	st.st_ino = dir->st.st_ino;
	st.st_nlink = dir->st.st_nlink;
	dir->st = st;
	return dir;
}

struct node *tree_add(const char *path, struct stat st)
{
	struct node *dir, *node;
	const char *text;
	struct name *n;
	size_t len;

	dir = parent_of(path, &text, &len);
	if (dir == NULL || (len == 0 && !S_ISDIR(st.st_mode)))
		return NULL;
	if (len == 0)
		return renew_directory(&root, st);
	n = look_up(dir, text, len);
	if (n && S_ISDIR(n->node->st.st_mode))
		return S_ISDIR(st.st_mode) ? renew_directory(n->node, st) : NULL;
	node = new_node(st);
	if (n == NULL) {
		add_name(dir, text, len, node);
		return node;
	}
	/* the later of two entries counts */
	drop_name(n->node);
	n->node = node;
	node->st.st_nlink = S_ISDIR(st.st_mode) ? 2 : 1;
	dir->st.st_nlink += S_ISDIR(st.st_mode);
	return node;
}

bool tree_link(const char *path, const char *target)
{
	struct node *node = tree_find(target), *dir;
	const char *text;
	struct name *n;
	size_t len;

	if (node == NULL || S_ISDIR(node->st.st_mode))
		return false;
	dir = parent_of(path, &text, &len);
	if (dir == NULL || len == 0)
		return false;
	n = look_up(dir, text, len);
	if (n && S_ISDIR(n->node->st.st_mode))
		return false;
	if (n == NULL) {
		add_name(dir, text, len, node);
	} else if (n->node != node) {
		drop_name(n->node);
		n->node = node;
		node->st.st_nlink++;
	}
	return true;
}

struct node *tree_find(const char *path)
{
	struct node *node = &root;
	const char *text;
	size_t len;

	while (next_component(&path, &text, &len)) {
		struct name *n = look_up(node, text, len);

		if (n == NULL)
			return NULL;
		node = n->node;
	}
	return node;
}

unsigned long tree_nodes(void)
{
	return nodes;
}
