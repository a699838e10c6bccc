/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layout of the global hash table's memory, for its writer (hashtab.c) and its readers (hashtab_read.c).  The theory
 * of operation stands in hashtab.c.
 */
#ifndef MONITOR_HASHTAB_LAYOUT_H
#define MONITOR_HASHTAB_LAYOUT_H

#include "hashtab.h"

#define TABLE_MAGIC 0x756d6874u /* "umht" */
#define TABLE_VERSION 1
#define TABLE_MAX (64u << 20)   /* address space that a mapping takes, and the largest file */

struct table {
	uint32_t magic, version;
	uint64_t generation;    /* odd while the writer is at work */
	uint64_t clock;         /* epoch of the next entry */
	uint32_t size;          /* of the file */
	uint32_t nbuckets;      /* a power of two */
	uint32_t arena, end;    /* where the entries begin, and the next one goes */
	uint32_t live;          /* entries that are not dead */
	uint32_t live_bytes;
	uint32_t npaths;
	uint32_t longest;       /* the longest HT_PATH key */
	uint64_t lengths;       /* bit n: there is an HT_PATH key of a length that is n modulo 64 */
	uint32_t last_id;
	uint32_t ids_wrapped;   /* all 2^32 ids have been given once */
	uint32_t buckets[];     /* offset of the newest entry, 0: none */
};

struct slot {
	uint64_t epoch;
	uint32_t next;          /* offset of the next older entry of the bucket, 0: none */
	uint32_t hash;
	uint32_t id;            /* 0: dead */
	uint32_t kind;
	uint32_t node, owner, flags;
	uint32_t keylen;
	char key[];
};

struct hashtab {
	struct table *t;
	int fd;
	bool writer;
};

static inline uint32_t hash_step(uint32_t h, unsigned char c)
{
	return (h << 5 | h >> 27) + c;
}

/* Keys of different kinds live in one table: the kind is where hashing starts. */
static inline uint32_t hash_start(enum hashtab_kind kind)
{
	return (uint32_t)kind * 0x9e3779b9u;
}

static inline uint32_t hash_end(uint32_t h)
{
	h ^= h >> 15;
	return h * 0x2c1b3c6du;
}

static inline bool is_device(enum hashtab_kind kind)
{
	return kind == HT_CHRDEV || kind == HT_BLKDEV;
}

/* A whole key; of a range of devices only the major number, for all ranges of a major are in one chain. */
static inline uint32_t hash_key(enum hashtab_kind kind, const char *key, size_t keylen)
{
	uint32_t h = hash_start(kind);
	size_t n = is_device(kind) ? sizeof(uint32_t) : keylen;

	for (size_t i = 0; i < n; i++)
		h = hash_step(h, (unsigned char)key[i]);
	return hash_end(h);
}

static inline uint32_t bucket_of(uint32_t hash, uint32_t nbuckets)
{
	return (hash >> 7 ^ hash >> 20) & (nbuckets - 1);
}

static inline size_t slot_size(size_t keylen)
{
	return (sizeof(struct slot) + keylen + 7) & ~(size_t)7;
}

static inline struct slot *slot_at(struct table *t, uint32_t offset)
{
	return (struct slot *)((char *)t + offset);
}

#endif
