/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The global hash table: look-ups, without locks, in the monitor and in any process that maps the table.  The theory
 * of operation stands in hashtab.c.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "hashtab_layout.h"

#define CANDIDATES 8            /* entries taken to confirm in one pass */
#define SPINS 128               /* tries before the writer is given the CPU */
#define PATIENCE 200000         /* tries before the writer is believed to be dead */

/* What is looked for. */
struct query {
	enum hashtab_kind kind;
	const char *key;
	size_t keylen;
	const struct hashtab_scope *scope;
	uint64_t below;         /* only epochs smaller than this */
	size_t want;            /* how many of the newest are of interest */
	size_t nfound, total;   /* kept (valid in `found'), and matched */
	struct candidate {
		uint64_t epoch;
		const struct slot *slot;
	} found[CANDIDATES];    /* newest first */
};

/* In place of an initializer, which would clear the candidates too: this is the hottest path. */
static inline void query_init(struct query *q, enum hashtab_kind kind, const char *key, size_t keylen,
			      const struct hashtab_scope *scope)
{
	q->kind = kind;
	q->key = key;
	q->keylen = keylen;
	q->scope = scope;
	q->below = UINT64_MAX;
	q->want = scope && scope->confirm ? CANDIDATES : 1;
}

/* Wait until nobody writes.  False: the writer seems to have died in the middle of a change. */
static inline bool read_begin(const struct table *t, uint64_t *generation, unsigned *tries)
{
	for (;; ++*tries) {
		*generation = __atomic_load_n(&t->generation, __ATOMIC_ACQUIRE);
		if (!(*generation & 1))
			return true;
		if (*tries > PATIENCE)
			return false;
		if (*tries > SPINS)
			sched_yield();
	}
}

static inline bool read_valid(const struct table *t, uint64_t generation)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&t->generation, __ATOMIC_RELAXED) == generation;
}

/**
 * slot_checked() - the slot at an offset of which nothing is known
 * @keylen:	set to the length of its key; slot and key lie inside of the file, whatever is in them
 *
 * Return: NULL if there can be no slot: a change is under way.
 */
static inline const struct slot *slot_checked(const struct table *t, uint32_t offset, uint32_t size, uint32_t *keylen)
{
	const struct slot *s = (const struct slot *)((const char *)t + offset);

	if (offset & 7 || offset < sizeof(*t) || offset > size - sizeof(*s))
		return NULL;
	*keylen = __atomic_load_n(&s->keylen, __ATOMIC_RELAXED);
	return *keylen <= size - sizeof(*s) - offset ? s : NULL;
}

/**
 * hashtab_map() - map the table of another process
 * @fd:		its descriptor; not kept
 *
 * Return: the mapping, or NULL and errno (EINVAL: not a table of this version).
 */
struct hashtab *hashtab_map(int fd)
{
	struct hashtab *ht;
	struct stat st;
	struct table *t;

	if (fstat(fd, &st) < 0)
		return NULL;
	if (st.st_size < (off_t)sizeof(struct table)) {
		errno = EINVAL;
		return NULL;
	}
	t = mmap(NULL, TABLE_MAX, PROT_READ, MAP_SHARED, fd, 0);
	if (t == MAP_FAILED)
		return NULL;
	ht = malloc(sizeof(*ht));
	if (!ht || t->magic != TABLE_MAGIC || t->version != TABLE_VERSION) {
		munmap(t, TABLE_MAX);
		errno = ht ? EINVAL : ENOMEM;
		free(ht);
		return NULL;
	}
	*ht = (struct hashtab){ .t = t, .fd = -1 };
	return ht;
}

static inline bool in_scope(const struct hashtab_scope *scope, uint64_t epoch, uint32_t node)
{
	return !scope || hashtab_in_scope(scope, epoch, node);
}

/* Does the entry's key, of @keylen bytes, match the first @len bytes of what is looked for? */
static inline bool key_matches(const struct query *q, const struct slot *s, size_t keylen, size_t len)
{
	uint32_t range[3], want[3] = { 0, 0, 1 };

	if (!is_device(q->kind))
		return keylen == len && !memcmp(s->key, q->key, len) &&
		       (len == q->keylen || q->kind != HT_FSTYPE || s->flags & HT_PREFIX);
	if (keylen != sizeof(range))
		return false; /* a change is under way */
	memcpy(range, s->key, sizeof(range));
	memcpy(want, q->key, q->keylen);
	return range[0] == want[0] && want[1] >= range[1] &&
	       (uint64_t)want[1] + want[2] <= (uint64_t)range[1] + range[2];
}

/* Keep the newest q->want entries. */
static void keep(struct query *q, const struct slot *s, uint64_t epoch)
{
	size_t i = q->nfound;

	q->total++;
	if (i == q->want) {
		if (q->found[i - 1].epoch > epoch)
			return;
		i--;
	} else {
		q->nfound++;
	}
	for (; i > 0 && q->found[i - 1].epoch < epoch; i--)
		q->found[i] = q->found[i - 1];
	q->found[i] = (struct candidate){ epoch, s };
}

/* Look at the chain for the first @len bytes of the key, whose hash is @h.  False: a change is under way. */
static inline bool probe(const struct table *t, struct query *q, uint32_t h, size_t len)
{
	uint32_t size = __atomic_load_n(&t->size, __ATOMIC_RELAXED);
	uint32_t nbuckets = __atomic_load_n(&t->nbuckets, __ATOMIC_RELAXED);
	uint32_t steps = __atomic_load_n(&t->live, __ATOMIC_RELAXED);
	uint32_t o = __atomic_load_n(&t->buckets[bucket_of(h, nbuckets)], __ATOMIC_RELAXED);

	while (o) {
		uint32_t keylen;
		const struct slot *s = slot_checked(t, o, size, &keylen);
		uint64_t epoch;

		if (!s || steps-- == 0)
			return false;
		epoch = __atomic_load_n(&s->epoch, __ATOMIC_RELAXED);
		if (s->hash == h && s->kind == q->kind && epoch < q->below && in_scope(q->scope, epoch, s->node) &&
		    key_matches(q, s, keylen, len))
			keep(q, s, epoch);
		o = __atomic_load_n(&s->next, __ATOMIC_RELAXED);
	}
	return true;
}

/* All prefixes of a path, each once, with one walk over its bytes. */
static bool scan_path(const struct table *t, struct query *q)
{
	uint64_t lengths = __atomic_load_n(&t->lengths, __ATOMIC_RELAXED);
	size_t limit = __atomic_load_n(&t->longest, __ATOMIC_RELAXED), i = 0;
	uint32_t h = hash_start(HT_PATH);

	if (!lengths)
		return true;
	if (limit > q->keylen)
		limit = q->keylen;
	for (;;) {
		if (lengths >> (i & 63) & 1 && !probe(t, q, hash_end(h), i))
			return false;
		if (i >= limit)
			return true;
		do
			h = hash_step(h, (unsigned char)q->key[i++]);
		while (i < limit && q->key[i] != '/');
		if (i < q->keylen && q->key[i] != '/')
			return true; /* longer than all that the table has */
	}
}

/* Kinds of which an entry may stand for all keys that begin with its own. */
static bool scan_prefixes(const struct table *t, struct query *q)
{
	uint32_t h = hash_start(q->kind);

	for (size_t i = 0; i < q->keylen; i++) {
		h = hash_step(h, (unsigned char)q->key[i]);
		if (!probe(t, q, hash_end(h), i + 1))
			return false;
	}
	return true;
}

static bool scan_exact(const struct table *t, struct query *q)
{
	return probe(t, q, hash_key(q->kind, q->key, q->keylen), q->keylen);
}

static void entry_copy(struct hashtab_entry *out, const struct slot *s)
{
	*out = (struct hashtab_entry){
		.id = s->id, .kind = s->kind, .epoch = s->epoch, .node = s->node,
		.owner = s->owner, .flags = s->flags, .keylen = s->keylen,
	};
}

/**
 * find() - the newest entry that @scan finds and the scope's confirm function accepts
 *
 * A pass takes the newest CANDIDATES entries; when all of them are refused and there were more, another pass takes
 * those that are older.
 * Return: 0 and *out, -ENOENT, or -EAGAIN: the writer died in the middle of a change.
 */
static inline int find(const struct hashtab *ht, struct query *q, bool (*scan)(const struct table *, struct query *),
		struct hashtab_entry *out)
{
	bool confirm = q->scope && q->scope->confirm;
	struct hashtab_entry copies[CANDIDATES];
	char range[CANDIDATES][3 * sizeof(uint32_t)];
	uint64_t generation;
	unsigned tries = 0;

	for (;;) {
		q->nfound = q->total = 0;
		if (!read_begin(ht->t, &generation, &tries))
			return -EAGAIN;
		tries++;
		if (!scan(ht->t, q))
			continue;
		for (size_t i = 0; i < q->nfound; i++) {
			entry_copy(&copies[i], q->found[i].slot);
			if (confirm && is_device(q->kind))
				memcpy(range[i], q->found[i].slot->key, sizeof(range[i]));
		}
		if (!read_valid(ht->t, generation))
			continue;
		for (size_t i = 0; i < q->nfound; i++) {
			const char *key = is_device(q->kind) ? range[i] : q->key;

			if (!confirm || q->scope->confirm(q->scope->arg, &copies[i], key, copies[i].keylen)) {
				*out = copies[i];
				return 0;
			}
			q->below = copies[i].epoch;
		}
		if (q->total == q->nfound)
			return -ENOENT;
		tries = 0;
	}
}

int hashtab_find(struct hashtab *ht, enum hashtab_kind kind, const void *key, size_t keylen,
		 const struct hashtab_scope *scope, struct hashtab_entry *out)
{
	struct query q;

	if (is_device(kind) && keylen != 2 * sizeof(uint32_t) && keylen != 3 * sizeof(uint32_t))
		return -ENOENT;
	query_init(&q, kind, key, keylen, scope);
	return find(ht, &q, kind == HT_FSTYPE || kind == HT_BINFMT ? scan_prefixes : scan_exact, out);
}

int hashtab_find_path(struct hashtab *ht, const char *path, size_t len, const struct hashtab_scope *scope,
		      struct hashtab_entry *out)
{
	struct query q;

	query_init(&q, HT_PATH, path, len, scope);
	return find(ht, &q, scan_path, out);
}

/* --- walks over all entries ------------------------------------------------------------------------------------ */

/* A copy of what a walk selected, taken while nothing changed. */
struct snapshot {
	char *data;             /* struct slot, as in the arena; owned */
	size_t used, size;
};

/* Take the entries of a kind whose key begins with @prefix and goes on with '/' (NULL: all).  1: the buffer is too
 * small (snap->used says what is needed), -EAGAIN: a change is under way. */
static int snapshot_pass(const struct table *t, struct snapshot *snap, enum hashtab_kind kind, const char *prefix,
			 size_t len, const struct hashtab_scope *scope)
{
	uint32_t size = __atomic_load_n(&t->size, __ATOMIC_RELAXED);
	uint32_t end = __atomic_load_n(&t->end, __ATOMIC_RELAXED);
	uint32_t o = __atomic_load_n(&t->arena, __ATOMIC_RELAXED);

	snap->used = 0;
	while (o < end) {
		uint32_t keylen;
		const struct slot *s = slot_checked(t, o, size, &keylen);
		size_t n;

		if (!s)
			return -EAGAIN;
		n = slot_size(keylen);
		if (n > size - o)
			return -EAGAIN;
		o += n;
		if (!s->id || s->kind != (uint32_t)kind || !in_scope(scope, s->epoch, s->node))
			continue;
		if (prefix && (keylen <= len || s->key[len] != '/' || memcmp(s->key, prefix, len)))
			continue;
		if (snap->used + n <= snap->size) {
			struct slot *copy = (struct slot *)(snap->data + snap->used);

			memcpy(copy, s, n);
			copy->keylen = keylen;
		}
		snap->used += n;
	}
	return snap->used > snap->size;
}

/* 0 and a snapshot to be freed, or negative errno. */
static int snapshot_take(const struct table *t, struct snapshot *snap, enum hashtab_kind kind, const char *prefix,
			 size_t len, const struct hashtab_scope *scope)
{
	uint64_t generation;
	unsigned tries = 0;

	*snap = (struct snapshot){ 0 };
	for (;;) {
		int r;

		if (!read_begin(t, &generation, &tries)) {
			free(snap->data);
			return -EAGAIN;
		}
		tries++;
		r = snapshot_pass(t, snap, kind, prefix, len, scope);
		if (!read_valid(t, generation) || r < 0)
			continue;
		if (r == 0)
			return 0;
		free(snap->data);
		snap->size = snap->used;
		snap->data = malloc(snap->size);
		if (!snap->data)
			return -ENOMEM;
	}
}

bool hashtab_any_below(struct hashtab *ht, const char *path, size_t len, const struct hashtab_scope *scope)
{
	struct snapshot snap;
	bool any = false;

	if (len >= __atomic_load_n(&ht->t->longest, __ATOMIC_ACQUIRE))
		return false;
	if (snapshot_take(ht->t, &snap, HT_PATH, path, len, scope) < 0)
		return true; /* not known: the answer that leaves nothing out */
	for (size_t o = 0; o < snap.used && !any;) {
		const struct slot *s = (const struct slot *)(snap.data + o);
		struct hashtab_entry entry;

		entry_copy(&entry, s);
		any = !scope || !scope->confirm || scope->confirm(scope->arg, &entry, s->key, s->keylen);
		o += slot_size(s->keylen);
	}
	free(snap.data);
	return any;
}

int hashtab_each(struct hashtab *ht, enum hashtab_kind kind, const struct hashtab_scope *scope,
		 int (*fn)(void *arg, const struct hashtab_entry *entry, const char *key, size_t keylen), void *arg)
{
	struct snapshot snap;
	int r = snapshot_take(ht->t, &snap, kind, NULL, 0, scope);

	if (r < 0)
		return r;
	for (size_t o = 0; o < snap.used && !r;) {
		const struct slot *s = (const struct slot *)(snap.data + o);
		struct hashtab_entry entry;

		entry_copy(&entry, s);
		if (!scope || !scope->confirm || scope->confirm(scope->arg, &entry, s->key, s->keylen))
			r = fn(arg, &entry, s->key, s->keylen);
		o += slot_size(s->keylen);
	}
	free(snap.data);
	return r;
}
