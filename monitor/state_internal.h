/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the state records: shared by state.c (records) and state_procs.c (all processes of a view).
 */
#ifndef MONITOR_STATE_INTERNAL_H
#define MONITOR_STATE_INTERNAL_H

#include <pthread.h>
#include <stddef.h>

#include "state.h"

#define STATE_NUMBER_MAX 0xffffffu
#define STATE_PAGE 4096u
#define STATE_PAGES ((STATE_NUMBER_MAX + 1) / STATE_PAGE)

struct record {
	struct um_state state;
	uint64_t hash;
	struct record *next; /* in its bucket */
	bool marked;	     /* by a sweep under way */
};

struct um_states {
	pthread_mutex_t lock; /* of everything that changes; look-ups by number take no lock */
	uint32_t tag;
	int carrier;
	uint32_t last; /* number given out last */
	size_t count;
	size_t nbuckets;
	struct record **buckets;	    /* by hash */
	struct record **pages[STATE_PAGES]; /* by number; a page is never moved or freed */
};

struct record **states_slot(struct um_states *s, uint32_t number, bool make);
void record_free(struct record *r);
uint32_t state_carried_number(uint32_t tag, int carrier, pid_t pid);

/* Call @fn for each process in /proc until it returns non-zero, and return that.  Negative errno if /proc fails. */
int each_pid(int (*fn)(void *arg, pid_t pid), void *arg);

#endif
