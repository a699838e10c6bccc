// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Secure mode: passes for rewritten calls.
 *
 * The filter's cookie, by which a call of the monitor's passes it, is in the thread's registers, and the program can
 * find it there (an exec that fails leaves it behind).  So in secure mode there is none.  A rewritten call is trapped
 * again, and the monitor knows it: this thread was told to make just this call.
 */
#include <pthread.h>
#include <string.h>

#include "../call.h"
#include "pass.h"

#define PASSES 64 /* the oldest makes room: its call is then looked at like any other, and rewritten again */

static struct pass {
	pid_t tid;              /* 0: none */
	int nr;
	uint64_t args[6];
} passes[PASSES];
static unsigned next;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void pass_give(pid_t tid, int nr, const uint64_t args[6])
{
	pthread_mutex_lock(&lock);
	passes[next] = (struct pass){ .tid = tid, .nr = nr };
	memcpy(passes[next].args, args, sizeof(passes[next].args));
	next = (next + 1) % PASSES;
	pthread_mutex_unlock(&lock);
}

bool pass_take(const struct um_call *call)
{
	bool found = false;

	pthread_mutex_lock(&lock);
	for (struct pass *p = passes; p < passes + PASSES && !found; p++) {
		found = p->tid == call->tid && p->nr == call->nr && memcmp(p->args, call->args, sizeof(p->args)) == 0;
		if (found)
			p->tid = 0;
	}
	pthread_mutex_unlock(&lock);
	return found;
}
