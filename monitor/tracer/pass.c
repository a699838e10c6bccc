// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Secure mode: passes for rewritten calls.
 *
 * The filter's cookie, by which a call of the monitor's passes it, is in the thread's registers, and the program can
 * find it there (an exec that fails leaves it behind).  So in secure mode there is none.  A rewritten call is trapped
 * again, and the monitor knows it: this thread was told to make just this call.
 *
 * A thread has one pass at most, and it is good for the thread's next trapped call only.  A handler may run before the
 * rewritten call is made, and may never come back to it (longjmp); what it calls ends the pass.  If it does come back, the
 * rewritten call is looked at like any other, and rewritten again.  A thread that ends with a pass, and whose number is
 * given to another one, is told from it by its birth.
 */
#include <pthread.h>
#include <string.h>

#include "../call.h"
#include "../procinfo.h"
#include "pass.h"

#define PASSES 64 /* the oldest makes room: as if a handler had run */

static struct pass {
	pid_t tid;              /* 0: none */
	int nr;
	uint64_t birth;         /* of the thread; 0: not known, so it has none */
	uint64_t args[6];
} passes[PASSES];
static unsigned next, given;    /* `given': how many there are */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Take the pass of a thread out of the table.  False: it has none. */
static bool take(pid_t tid, struct pass *taken)
{
	for (struct pass *p = passes; p < passes + PASSES; p++) {
		if (p->tid != tid)
			continue;
		*taken = *p;
		p->tid = 0;
		__atomic_fetch_sub(&given, 1, __ATOMIC_RELAXED);
		return true;
	}
	return false;
}

void pass_give(pid_t tid, int nr, const uint64_t args[6])
{
	struct pass pass = { .tid = tid, .nr = nr, .birth = procinfo_starttime(tid) }, old;

	memcpy(pass.args, args, sizeof(pass.args));
	pthread_mutex_lock(&lock);
	take(tid, &old);
	if (passes[next].tid == 0)
		__atomic_fetch_add(&given, 1, __ATOMIC_RELAXED);
	passes[next] = pass;
	next = (next + 1) % PASSES;
	pthread_mutex_unlock(&lock);
}

bool pass_take(const struct um_call *call)
{
	struct pass p;
	bool found;

	/* Of this thread's there is one only if it was given before the thread went on, so a later one is not missed. */
	if (__atomic_load_n(&given, __ATOMIC_RELAXED) == 0)
		return false;
	pthread_mutex_lock(&lock);
	found = take(call->tid, &p);
	pthread_mutex_unlock(&lock);
	return found && p.nr == call->nr && memcmp(p.args, call->args, sizeof(p.args)) == 0 &&
	       p.birth != 0 && p.birth == procinfo_starttime(call->tid);
}
