/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The global hash table: what keys belong to which module.
 *
 * It is flat and shared: it lives in one memfd, with offsets in place of pointers, one writer (the monitor) and any
 * number of readers without locks.  A reader notes the generation before and after a look-up and starts again when
 * they differ or the first is odd.  See doc/ARCHITECTURE, "The table".
 */
#ifndef MONITOR_HASHTAB_H
#define MONITOR_HASHTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hashtab_kind {
	HT_PATH = 1,            /* an absolute view path and all below it; "" is the root */
	HT_FSTYPE,              /* file system type, "viewfs"; an entry "umfuse" with prefix=true matches "umfuseext2" */
	HT_PROTO,               /* protocol family, uint32_t */
	HT_CHRDEV, HT_BLKDEV,   /* uint32_t major, minor first, count: a range */
	HT_IOCTL,               /* uint32_t request */
	HT_SYSCALL,             /* uint32_t number */
	HT_BINFMT,              /* magic bytes at offset 0 */
	HT_MODULE,              /* module name */
};

/* Bit of an entry's flags that the table itself understands; the other bits are the adder's own. */
#define HT_PREFIX 0x80000000u   /* HT_FSTYPE: the entry also matches all names that begin with it */

struct hashtab;                 /* a mapping of the memfd */

struct hashtab_entry {          /* a reader's copy */
	uint32_t id;            /* of the entry: stable until removed, never reused within 2^32 additions */
	uint32_t kind;
	uint64_t epoch;         /* at which it was added */
	uint32_t node;          /* view node that added it */
	uint32_t owner;         /* the monitor's index of the mount or module */
	uint32_t flags;         /* the adder's */
	size_t keylen;          /* bytes of the key that matched */
};

/* Accept or refuse an entry (except=...); called for newest first. */
typedef bool hashtab_confirm_fn(void *arg, const struct hashtab_entry *entry, const char *key, size_t keylen);
/* May this node's processes see entries of that node: the monitor's rule (treepoch) */
struct hashtab_scope {
	uint64_t epoch;         /* only entries with a smaller epoch; UINT64_MAX: all */
	const uint32_t *nodes;  /* the node and its ancestors, each with the epoch at which the next was born: pairs
				 * (node, birth); entries of an ancestor count only when older than the birth */
	const uint64_t *births; /* births[0] is UINT64_MAX: the node itself sees all of its own */
	size_t nnodes;
	hashtab_confirm_fn *confirm; /* or NULL */
	void *arg;
};

/* Treepoch: an entry is seen by its own node and, when it is older than their birth, by the nodes below it. */
static inline bool hashtab_in_scope(const struct hashtab_scope *scope, uint64_t epoch, uint32_t node)
{
	if (epoch >= scope->epoch)
		return false;
	for (size_t i = 0; i < scope->nnodes; i++)
		if (scope->nodes[i] == node)
			return epoch < scope->births[i];
	return false;
}

/* Writer. */
struct hashtab *hashtab_new(void);                      /* makes the memfd; NULL and errno */
void hashtab_free(struct hashtab *ht);
int hashtab_fd(const struct hashtab *ht);
/* Add; returns the entry's id (> 0) or negative errno.  Its epoch is the table's clock, which then advances. */
int64_t hashtab_add(struct hashtab *ht, enum hashtab_kind kind, const void *key, size_t keylen, uint32_t node,
		    uint32_t owner, uint32_t flags);
int hashtab_remove(struct hashtab *ht, uint32_t id);    /* 0 or -ENOENT */
uint64_t hashtab_epoch(const struct hashtab *ht);       /* the clock: epoch of the next entry */
/* Advance the clock without an entry, for something else that changes who sees what; returns the epoch of that. */
uint64_t hashtab_tick(struct hashtab *ht);

/* Reader (also in the monitor). */
struct hashtab *hashtab_map(int fd);                    /* read-only mapping of another process's table */
/* Exact key: newest entry in scope.  0 and *out, or -ENOENT (-EAGAIN: the writer died in the middle of a change).
 * Device keys to look for: uint32_t major, minor (and a count, if all of a range is meant).  HT_BINFMT: the first
 * bytes of a file, as many as there are; an entry matches when they begin with it. */
int hashtab_find(struct hashtab *ht, enum hashtab_kind kind, const void *key, size_t keylen,
		 const struct hashtab_scope *scope, struct hashtab_entry *out);
/* Longest-path rule of umview: among the entries at each '/' prefix of @path ("" included), the NEWEST one in scope
 * wins (a newer mount at "/" hides an older one at "/mnt").  One walk, hashing as it goes.  @path is absolute without
 * trailing '/' ("" for the root). */
int hashtab_find_path(struct hashtab *ht, const char *path, size_t len, const struct hashtab_scope *scope,
		      struct hashtab_entry *out);
/* Is there any HT_PATH entry strictly below @path (a mount point inside this directory)? */
bool hashtab_any_below(struct hashtab *ht, const char *path, size_t len, const struct hashtab_scope *scope);
/* Number of HT_PATH entries; 0 means every path is the kernel's. */
size_t hashtab_npaths(const struct hashtab *ht);
/* Changes with each change of the table. */
uint64_t hashtab_generation(const struct hashtab *ht);
/* All entries of a kind in scope, oldest first. */
int hashtab_each(struct hashtab *ht, enum hashtab_kind kind, const struct hashtab_scope *scope,
		 int (*fn)(void *arg, const struct hashtab_entry *entry, const char *key, size_t keylen), void *arg);

#endif
