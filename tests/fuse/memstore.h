/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What memfs keeps: nodes with their data, names and extended attributes.  Nothing here locks; memfs does, around each request.
 *
 * A node is numbered once and never again.  It lives while it has a link, or while the client knows it (`lookups').
 */
#ifndef MEMSTORE_H
#define MEMSTORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define CHUNK_SIZE (64 * 1024)          /* of data: what was never written is a hole of whole chunks */
#define SIZE_MAX_MEMFS ((off_t)1 << 40) /* of a file */

struct node;

/* A name in a directory. */
struct entry {
	struct entry *chain; /* of the hash table */
	struct node *parent, *child;
	uint64_t cookie; /* its place in the directory: grows, is never used again */
	char name[];
};

struct xattr {
	struct xattr *next;
	size_t size;
	char *value;
	char name[];
};

struct node {
	struct stat st; /* st_ino is its number; st_blocks is kept up to date */
	uint64_t lookups;
	uint64_t version; /* of its data: how often they have been changed */
	struct node *parent; /* of a directory; NULL of the root and of a removed one */
	char *target; /* of a symbolic link */
	struct xattr *xattrs;
	char **chunks;
	size_t nchunks;
	struct entry **entries; /* of a directory, by cookie; removed ones are NULL */
	uint64_t *cookies;
	size_t nentries, alive;
};

/* How many bytes of data may be had in all; 0: as many as memory holds. */
extern uint64_t store_limit;

void store_begin(void); /* makes the root, number 1 */
struct node *store_node(uint64_t ino); /* NULL: there is none */
uint64_t store_used(void);
uint64_t store_nodes(void);

/* All of these give 0 or a negative errno. */
int store_make(struct node *parent, const char *name, mode_t mode, dev_t rdev, uid_t uid, gid_t gid, struct node **made);
int store_make_nameless(struct node *parent, mode_t mode, uid_t uid, gid_t gid, struct node **made);
int store_link(struct node *node, struct node *parent, const char *name);
int store_remove(struct node *parent, const char *name, bool directory);
int store_rename(struct node *from, const char *name, struct node *to, const char *newname, unsigned int flags);
struct entry *store_find(struct node *parent, const char *name);
/* The first entry whose cookie is larger than this one; NULL at the end. */
struct entry *store_next(struct node *dir, uint64_t cookie);
void store_forget(struct node *node, uint64_t lookups);

ssize_t store_read(struct node *node, char *buffer, size_t size, off_t offset);
ssize_t store_write(struct node *node, const char *buffer, size_t size, off_t offset);
int store_truncate(struct node *node, off_t size);
int store_fallocate(struct node *node, int mode, off_t offset, off_t length);
off_t store_seek(struct node *node, off_t offset, int whence); /* SEEK_DATA and SEEK_HOLE */

int store_setxattr(struct node *node, const char *name, const void *value, size_t size, int flags);
struct xattr *store_getxattr(struct node *node, const char *name);
int store_removexattr(struct node *node, const char *name);

void touch_now(struct timespec *first, struct timespec *second);

#endif
