// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Process state: the interned records and the number that the kernel carries for us.
 *
 * Theory of operation.  A record is found by its number in a table of two levels whose pages never move, so that
 * workers may read it without a lock while a record is added; equal records are found by hash.  Numbers are given
 * out in turn, so that a freed one is used again as late as possible.  Records are freed by states_sweep()
 * (state_procs.c) only.
 *
 * The number of a process is the soft limit of the carrier resource.  Its hard limit stays infinite: the calls by
 * which a process could lower it are trapped, and their effect is kept in the record's `carried'.
 */
#include "state_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#define CARRIER_MAGIC UINT64_C(0x55)
#define BUCKETS_FIRST 256

/* --- the carrier ------------------------------------------------------------------------------------------------ */

static uint64_t carrier_value(uint32_t tag, uint32_t number)
{
	return CARRIER_MAGIC << 56 | (uint64_t)tag << 24 | number;
}

/* Is this resource free for us: hard limit infinite, and may it be set? */
static bool carrier_usable(int resource)
{
	struct rlimit64 old;

	if (prlimit64(0, resource, NULL, &old) != 0 || old.rlim_max != RLIM64_INFINITY)
		return false;
	return prlimit64(0, resource, &old, NULL) == 0;
}

/* RLIMIT_LOCKS and RLIMIT_RSS are stored and never looked at; RLIMIT_RTTIME only for real-time processes. */
static const int carriers[] = { RLIMIT_LOCKS, RLIMIT_RSS, RLIMIT_RTTIME };

#define NCARRIERS (sizeof(carriers) / sizeof(carriers[0]))

int state_choose_carrier(void)
{
	for (size_t i = 0; i < NCARRIERS; i++)
		if (carrier_usable(carriers[i]))
			return carriers[i];
	return -1;
}

/* The number that a process carries for this tag, or 0. */
uint32_t state_carried_number(uint32_t tag, int carrier, pid_t pid)
{
	struct rlimit64 lim;

	if (prlimit64(pid, carrier, NULL, &lim) != 0 || lim.rlim_cur >> 24 != carrier_value(tag, 0) >> 24)
		return 0;
	return lim.rlim_cur & STATE_NUMBER_MAX;
}

bool state_tagged(uint32_t tag, int carrier, pid_t pid)
{
	return state_carried_number(tag, carrier, pid) != 0;
}

bool state_tagged_any(pid_t pid)
{
	struct rlimit64 lim;

	for (size_t i = 0; i < NCARRIERS; i++)
		if (prlimit64(pid, carriers[i], NULL, &lim) == 0 && lim.rlim_cur >> 56 == CARRIER_MAGIC)
			return true;
	return false;
}

/* --- records ---------------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint64_t mix_bytes(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return mix(h, n);
}

static const char *root_of(const struct um_state *s)
{
	return s->root ? s->root : "";
}

static uint64_t state_hash(const struct um_state *s)
{
	const struct um_ids *i = &s->ids;
	uint64_t h = mix(0, s->virtual_ids | s->no_new_privs << 1 | s->dumpable << 2 | s->sandboxed << 4 |
				    (uint64_t)s->umask << 16 |
				    (uint64_t)s->node << 32);
	h = mix(h, s->cwd);
	h = mix(h, s->before);

	h = mix(h, (uint64_t)i->ruid << 32 | i->euid);
	h = mix(h, (uint64_t)i->suid << 32 | i->fsuid);
	h = mix(h, (uint64_t)i->rgid << 32 | i->egid);
	h = mix(h, (uint64_t)i->sgid << 32 | i->fsgid);
	h = mix(h, i->cap_permitted);
	h = mix(h, i->cap_effective);
	h = mix(h, i->cap_inheritable);
	h = mix(h, i->cap_bounding);
	h = mix(h, i->cap_ambient);
	h = mix(h, i->securebits);
	h = mix_bytes(h, i->groups, i->ngroups * sizeof(gid_t));
	h = mix(h, s->carried.rlim_cur);
	h = mix(h, s->carried.rlim_max);
	return mix_bytes(h, root_of(s), strlen(root_of(s)));
}

static bool ids_equal(const struct um_ids *a, const struct um_ids *b)
{
	return a->ruid == b->ruid && a->euid == b->euid && a->suid == b->suid && a->fsuid == b->fsuid &&
	       a->rgid == b->rgid && a->egid == b->egid && a->sgid == b->sgid && a->fsgid == b->fsgid &&
	       a->cap_permitted == b->cap_permitted && a->cap_effective == b->cap_effective &&
	       a->cap_inheritable == b->cap_inheritable && a->cap_bounding == b->cap_bounding &&
	       a->cap_ambient == b->cap_ambient && a->securebits == b->securebits && a->ngroups == b->ngroups &&
	       (a->ngroups == 0 || memcmp(a->groups, b->groups, a->ngroups * sizeof(gid_t)) == 0);
}

static bool state_equal(const struct um_state *a, const struct um_state *b)
{
	return a->virtual_ids == b->virtual_ids && a->no_new_privs == b->no_new_privs && a->dumpable == b->dumpable &&
	       a->sandboxed == b->sandboxed &&
	       a->umask == b->umask && a->node == b->node && a->cwd == b->cwd && a->before == b->before && a->carried.rlim_cur == b->carried.rlim_cur &&
	       a->carried.rlim_max == b->carried.rlim_max && ids_equal(&a->ids, &b->ids) &&
	       strcmp(root_of(a), root_of(b)) == 0;
}

void record_free(struct record *r)
{
	if (r == NULL)
		return;
	free(r->state.root);
	free(r->state.ids.groups);
	free(r);
}

/* A deep copy; the root is never NULL in it. */
static struct record *record_new(const struct um_state *state, uint64_t hash)
{
	struct record *r = calloc(1, sizeof(*r));
	size_t size = state->ids.ngroups * sizeof(gid_t);

	if (r == NULL)
		return NULL;
	r->state = *state;
	r->hash = hash;
	r->state.ids.groups = NULL;
	r->state.root = strdup(root_of(state));
	if (size > 0)
		r->state.ids.groups = malloc(size);
	if (r->state.root == NULL || (size > 0 && r->state.ids.groups == NULL)) {
		record_free(r);
		return NULL;
	}
	if (size > 0)
		memcpy(r->state.ids.groups, state->ids.groups, size);
	return r;
}

/* The place of a number in the table, or NULL if its page does not exist (and is not wanted, or cannot be had). */
struct record **states_slot(struct um_states *s, uint32_t number, bool make)
{
	struct record **page = __atomic_load_n(&s->pages[number / STATE_PAGE], __ATOMIC_ACQUIRE);

	if (page == NULL && make) {
		page = calloc(STATE_PAGE, sizeof(*page));
		__atomic_store_n(&s->pages[number / STATE_PAGE], page, __ATOMIC_RELEASE);
	}
	return page ? &page[number % STATE_PAGE] : NULL;
}

/* A number that is not in use, or 0. */
static uint32_t free_number(struct um_states *s)
{
	for (uint32_t tries = 0; tries < STATE_NUMBER_MAX && s->count < STATE_NUMBER_MAX; tries++) {
		struct record **slot;

		s->last = s->last == STATE_NUMBER_MAX ? 1 : s->last + 1;
		slot = states_slot(s, s->last, true);
		if (slot == NULL)
			return 0;
		if (*slot == NULL)
			return s->last;
	}
	return 0;
}

/* Twice the buckets; if there is no memory the chains just become longer. */
static void buckets_grow(struct um_states *s)
{
	size_t n = s->nbuckets * 2;
	struct record **buckets = calloc(n, sizeof(*buckets));

	if (buckets == NULL)
		return;
	for (size_t i = 0; i < s->nbuckets; i++)
		while (s->buckets[i] != NULL) {
			struct record *r = s->buckets[i];

			s->buckets[i] = r->next;
			r->next = buckets[r->hash % n];
			buckets[r->hash % n] = r;
		}
	free(s->buckets);
	s->buckets = buckets;
	s->nbuckets = n;
}

static const struct um_state *intern_locked(struct um_states *s, const struct um_state *state, uint64_t hash)
{
	struct record *r;
	uint32_t number;

	for (r = s->buckets[hash % s->nbuckets]; r != NULL; r = r->next)
		if (r->hash == hash && state_equal(&r->state, state))
			return &r->state;
	number = free_number(s);
	r = number ? record_new(state, hash) : NULL;
	if (r == NULL)
		return NULL;
	r->state.number = number;
	if (s->count >= s->nbuckets)
		buckets_grow(s);
	r->next = s->buckets[hash % s->nbuckets];
	s->buckets[hash % s->nbuckets] = r;
	s->count++;
	__atomic_store_n(states_slot(s, number, true), r, __ATOMIC_RELEASE);
	return &r->state;
}

const struct um_state *state_intern(struct um_states *s, const struct um_state *state)
{
	uint64_t hash = state_hash(state);
	const struct um_state *found;

	pthread_mutex_lock(&s->lock);
	found = intern_locked(s, state, hash);
	pthread_mutex_unlock(&s->lock);
	return found;
}

const struct um_state *state_number(struct um_states *s, uint32_t number)
{
	struct record **slot, *r;

	if (number == 0 || number > STATE_NUMBER_MAX)
		return NULL;
	slot = states_slot(s, number, false);
	r = slot ? __atomic_load_n(slot, __ATOMIC_ACQUIRE) : NULL;
	return r ? &r->state : NULL;
}

const struct um_state *state_of(struct um_states *s, pid_t tid)
{
	return state_number(s, state_carried_number(s->tag, s->carrier, tid));
}

int state_set(struct um_states *s, pid_t tid, const struct um_state *state)
{
	struct rlimit64 lim = { .rlim_cur = carrier_value(s->tag, state->number), .rlim_max = RLIM64_INFINITY };

	return prlimit64(tid, s->carrier, &lim, NULL) == 0 ? 0 : -errno;
}

/* --- the set of records ----------------------------------------------------------------------------------------- */

static uint32_t random_tag(void)
{
	uint32_t tag = 0;

	while (tag == 0)
		if (getrandom(&tag, sizeof(tag), 0) != sizeof(tag))
			return 0;
	return tag;
}

struct um_states *states_new(const struct um_state *first)
{
	struct um_states *s = calloc(1, sizeof(*s));
	int carrier = state_choose_carrier();

	if (s == NULL || carrier < 0) {
		free(s);
		errno = carrier < 0 ? ENOTSUP : ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->carrier = carrier;
	s->tag = random_tag();
	s->nbuckets = BUCKETS_FIRST;
	s->buckets = calloc(s->nbuckets, sizeof(*s->buckets));
	if (s->tag == 0 || s->buckets == NULL || state_intern(s, first) == NULL) {
		int err = s->tag == 0 ? errno : ENOMEM;

		states_free(s);
		errno = err;
		return NULL;
	}
	return s;
}

void states_free(struct um_states *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; s->buckets != NULL && i < s->nbuckets; i++)
		while (s->buckets[i] != NULL) {
			struct record *r = s->buckets[i];

			s->buckets[i] = r->next;
			record_free(r);
		}
	for (size_t i = 0; i < STATE_PAGES; i++)
		free(s->pages[i]);
	free(s->buckets);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

uint32_t states_tag(const struct um_states *s)
{
	return s->tag;
}

size_t states_count(const struct um_states *s)
{
	return s->count;
}

int states_carrier(const struct um_states *s)
{
	return s->carrier;
}
