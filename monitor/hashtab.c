/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The global hash table.
 *
 * Theory of operation.  One memfd holds a header, an array of buckets and an arena of entries, each entry followed by
 * its key.  Everything refers to everything else by its offset in the file.  The arena is filled from its start, so
 * entries lie in it in the order of their epochs; a removed entry stays where it is, marked dead, until there is no
 * room or too few buckets: then the table is made anew (rebuild) without the dead ones and, where that is not enough,
 * in a file of twice the size.  A bucket is a chain with the newest entry first.
 *
 * Every process maps TABLE_MAX bytes from the start, however short the file is: pages behind the end of a file come
 * to life when the file grows.  So a mapping never moves and a reader has nothing to do when the table grows, which
 * also lets several threads of one process read while another one adds.  The file never shrinks.
 *
 * Three files: this one is the writer, hashtab_read.c the reader, hashtab_layout.h what both know.
 *
 * A change makes the generation odd, then writes, then makes it even.  A reader therefore must expect to see anything
 * in a table that is being changed: it checks each offset against the size (which only grows), bounds each chain, and
 * believes nothing until the generation has been seen unchanged.  Callbacks run after that, on copies.
 *
 * Hashing.  A key is hashed byte by byte, and the state after N bytes is the hash of the key's first N bytes, so that
 * a path is hashed once for all its prefixes.  Two facts in the header end most walks early: the length of the
 * longest path in the table, and a set of the lengths that there are (modulo 64), which tells at what '/' a probe is
 * in vain.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compat.h"
#include "hashtab_layout.h"

#define TABLE_MIN (64u << 10)
#define BUCKETS_MIN 64
#define KEY_MAX 4096

static void change_begin(struct table *t)
{
	__atomic_store_n(&t->generation, t->generation + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void change_end(struct table *t)
{
	__atomic_store_n(&t->generation, t->generation + 1, __ATOMIC_RELEASE);
}

/**
 * hashtab_new() - make an empty table
 *
 * The descriptor is sealed: who gets it can map it for reading but neither write nor shrink it.
 * Return: the table, or NULL and errno.
 */
struct hashtab *hashtab_new(void)
{
	struct hashtab *ht = malloc(sizeof(*ht));
	struct table *t = MAP_FAILED;

	if (!ht)
		return NULL;
	ht->writer = true;
	ht->fd = memfd_create("umview-table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ht->fd < 0)
		goto fail;
	if (ftruncate(ht->fd, TABLE_MIN) < 0)
		goto fail;
	t = mmap(NULL, TABLE_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, ht->fd, 0);
	if (t == MAP_FAILED)
		goto fail;
	if (fcntl(ht->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0)
		fcntl(ht->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL);
	t->magic = TABLE_MAGIC;
	t->version = TABLE_VERSION;
	t->clock = 1;
	t->size = TABLE_MIN;
	t->nbuckets = BUCKETS_MIN;
	t->arena = t->end = (sizeof(*t) + BUCKETS_MIN * sizeof(uint32_t) + 7) & ~7u;
	ht->t = t;
	return ht;
fail:
	if (ht->fd >= 0)
		close(ht->fd);
	free(ht);
	return NULL;
}

void hashtab_free(struct hashtab *ht)
{
	if (!ht)
		return;
	munmap(ht->t, TABLE_MAX);
	if (ht->fd >= 0)
		close(ht->fd);
	free(ht);
}

int hashtab_fd(const struct hashtab *ht)
{
	return ht->fd;
}

static void chain(struct table *t, struct slot *s)
{
	uint32_t *bucket = &t->buckets[bucket_of(s->hash, t->nbuckets)];

	s->next = *bucket;
	*bucket = (uint32_t)((char *)s - (char *)t);
}

static void note_path(struct table *t, uint32_t keylen)
{
	t->lengths |= UINT64_C(1) << (keylen & 63);
	if (keylen > t->longest)
		__atomic_store_n(&t->longest, keylen, __ATOMIC_RELAXED);
	__atomic_store_n(&t->npaths, t->npaths + 1, __ATOMIC_RELEASE);
}

/* What the header says of the paths, anew.  Each number is stored once: some readers look at one of them alone. */
static void count_paths(struct table *t)
{
	uint32_t npaths = 0, longest = 0;
	uint64_t lengths = 0;

	for (uint32_t o = t->arena; o < t->end; o += slot_size(slot_at(t, o)->keylen)) {
		const struct slot *s = slot_at(t, o);

		if (!s->id || s->kind != HT_PATH)
			continue;
		npaths++;
		lengths |= UINT64_C(1) << (s->keylen & 63);
		if (s->keylen > longest)
			longest = s->keylen;
	}
	t->lengths = lengths;
	__atomic_store_n(&t->longest, longest, __ATOMIC_RELAXED);
	__atomic_store_n(&t->npaths, npaths, __ATOMIC_RELEASE);
}

/**
 * rebuild() - make room for one entry of @need bytes
 *
 * Drops the dead entries, adapts the number of buckets, and enlarges the file until no more than half of it is used:
 * so a rebuild is paid for by as many additions as it moves entries.
 * Return: 0, -ENOSPC (the table is as large as it can be), or another negative errno value; then nothing has changed.
 */
static int rebuild(struct table *t, int fd, size_t need)
{
	uint32_t nbuckets = BUCKETS_MIN, arena;
	size_t size = t->size, used = 0;
	char *copy;

	while (nbuckets < 2 * t->live)
		nbuckets *= 2;
	arena = (sizeof(*t) + nbuckets * sizeof(uint32_t) + 7) & ~7u;
	while (arena + 2 * (t->live_bytes + need) > size)
		size *= 2;
	if (size > TABLE_MAX) {
		size = TABLE_MAX;
		if (arena + t->live_bytes + need > size)
			return -ENOSPC;
	}
	copy = malloc(t->live_bytes + 1);
	if (!copy)
		return -ENOMEM;
	if (size > t->size && ftruncate(fd, (off_t)size) < 0) {
		free(copy);
		return -errno;
	}
	for (uint32_t o = t->arena, n; o < t->end; o += n) {
		n = slot_size(slot_at(t, o)->keylen);
		if (slot_at(t, o)->id) {
			memcpy(copy + used, slot_at(t, o), n);
			used += n;
		}
	}
	change_begin(t);
	t->size = size;
	t->nbuckets = nbuckets;
	t->arena = arena;
	t->end = arena + used;
	memset(t->buckets, 0, nbuckets * sizeof(uint32_t));
	memcpy((char *)t + arena, copy, used);
	for (uint32_t o = arena; o < t->end; o += slot_size(slot_at(t, o)->keylen))
		chain(t, slot_at(t, o));
	change_end(t);
	free(copy);
	return 0;
}

/* Is this a key as the header describes it?  0 or negative errno. */
static int check_key(enum hashtab_kind kind, const char *key, size_t keylen)
{
	uint32_t count;

	switch (kind) {
	case HT_PATH:
		if (keylen >= PATH_MAX)
			return -ENAMETOOLONG;
		return keylen == 0 || (keylen > 1 && key[0] == '/' && key[keylen - 1] != '/') ? 0 : -EINVAL;
	case HT_PROTO:
	case HT_IOCTL:
	case HT_SYSCALL:
		return keylen == sizeof(uint32_t) ? 0 : -EINVAL;
	case HT_CHRDEV:
	case HT_BLKDEV:
		if (keylen != 3 * sizeof(uint32_t))
			return -EINVAL;
		memcpy(&count, key + 2 * sizeof(uint32_t), sizeof(count));
		return count > 0 ? 0 : -EINVAL;
	case HT_FSTYPE:
	case HT_BINFMT:
	case HT_MODULE:
		return keylen > 0 && keylen <= KEY_MAX ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static struct slot *slot_with_id(struct table *t, uint32_t id)
{
	for (uint32_t o = t->arena; o < t->end; o += slot_size(slot_at(t, o)->keylen))
		if (slot_at(t, o)->id == id)
			return slot_at(t, o);
	return NULL;
}

/* Ids count up; after the last one, those that are still in use are passed over. */
static uint32_t new_id(struct table *t)
{
	do {
		if (++t->last_id == 0) {
			t->last_id = 1;
			t->ids_wrapped = 1;
		}
	} while (t->ids_wrapped && slot_with_id(t, t->last_id));
	return t->last_id;
}

int64_t hashtab_add(struct hashtab *ht, enum hashtab_kind kind, const void *key, size_t keylen, uint32_t node,
		    uint32_t owner, uint32_t flags)
{
	struct table *t = ht->t;
	size_t need = slot_size(keylen);
	struct slot *s;
	uint32_t id;
	int err;

	if (!ht->writer)
		return -EPERM;
	err = check_key(kind, key, keylen);
	if (!err && (t->end + need > t->size || t->live >= t->nbuckets))
		err = rebuild(t, ht->fd, need);
	if (err)
		return err;
	change_begin(t);
	s = slot_at(t, t->end);
	s->epoch = t->clock++;
	s->hash = hash_key(kind, key, keylen);
	s->id = id = new_id(t);
	s->kind = kind;
	s->node = node;
	s->owner = owner;
	s->flags = flags;
	s->keylen = keylen;
	if (keylen)
		memcpy(s->key, key, keylen);
	chain(t, s);
	t->end += need;
	t->live++;
	t->live_bytes += need;
	if (kind == HT_PATH)
		note_path(t, keylen);
	change_end(t);
	return id;
}

int hashtab_remove(struct hashtab *ht, uint32_t id)
{
	struct table *t = ht->t;
	struct slot *s = NULL;
	uint32_t *link;

	if (ht->writer && id)
		s = slot_with_id(t, id);
	if (!s)
		return -ENOENT;
	link = &t->buckets[bucket_of(s->hash, t->nbuckets)];
	while (slot_at(t, *link) != s)
		link = &slot_at(t, *link)->next;
	change_begin(t);
	*link = s->next;
	s->id = 0;
	t->live--;
	t->live_bytes -= slot_size(s->keylen);
	if (s->kind == HT_PATH)
		count_paths(t);
	change_end(t);
	return 0;
}

uint64_t hashtab_tick(struct hashtab *ht)
{
	uint64_t epoch = ht->t->clock;

	change_begin(ht->t);
	ht->t->clock++;
	change_end(ht->t);
	return epoch;
}

uint64_t hashtab_epoch(const struct hashtab *ht)
{
	return __atomic_load_n(&ht->t->clock, __ATOMIC_ACQUIRE);
}

uint64_t hashtab_generation(const struct hashtab *ht)
{
	return __atomic_load_n(&ht->t->generation, __ATOMIC_ACQUIRE);
}

size_t hashtab_npaths(const struct hashtab *ht)
{
	return __atomic_load_n(&ht->t->npaths, __ATOMIC_ACQUIRE);
}
