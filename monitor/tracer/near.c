// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * near: keep a caller on the monitor's CPU while it is handed a descriptor.
 *
 * Theory of operation.  A descriptor is put in its place by the caller itself, which is woken up for that.  Other than the
 * answer to a call (SYNC_WAKE_UP), this wake-up goes to an idle CPU if there is one, and the monitor's own after it as
 * well: two interrupts between processors, some 50 us in a virtual machine, against 5 on one CPU.  So both are tied to
 * the CPU where they are for the moment, and let go before the call is answered, so that the caller never sees it.  That
 * costs 4 us, which are wasted where no CPU is idle: it is done only after a hand-over that took long, for some time.
 *
 * What is let go must be as free as before.  A thread that nobody ever restricted follows its cpuset, one that has been
 * given a set keeps to it, and the kernel does not say which it is.  A thread that may use all that this process could
 * use is taken for free, and is given all there is, so that it goes on following its cpuset.
 */
#include "near.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FAR_NS 15000    /* a hand-over on one CPU takes a third of that */
#define TURNS 100       /* so many are tied before it is tried without again */
#define LONG_BITS (8 * sizeof(unsigned long))

static struct near_mask all;            /* every CPU that there could be */
static struct near_mask usable;         /* what a free thread may use here; guarded by the view's lock */
static struct near_mask mine;           /* what the monitor had at its start */
static bool monitor_free, several;
static unsigned turns;                  /* how many of the next ones to tie */

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static bool get(pid_t tid, struct near_mask *m)
{
	memset(m, 0, sizeof(*m)); /* the kernel writes only what it knows */
	return syscall(SYS_sched_getaffinity, tid, sizeof(*m), m) > 0;
}

static bool set(pid_t tid, const struct near_mask *m)
{
	return syscall(SYS_sched_setaffinity, tid, sizeof(*m), m) == 0;
}

static bool equal(const struct near_mask *a, const struct near_mask *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool has(const struct near_mask *m, int cpu)
{
	return m->bits[(unsigned)cpu / LONG_BITS] >> ((unsigned)cpu % LONG_BITS) & 1;
}

static void only(struct near_mask *m, int cpu)
{
	memset(m, 0, sizeof(*m));
	m->bits[(unsigned)cpu / LONG_BITS] = 1ul << ((unsigned)cpu % LONG_BITS);
}

static bool is_only(const struct near_mask *m, int cpu)
{
	struct near_mask one;

	only(&one, cpu);
	return equal(m, &one);
}

static void look_around(void)
{
	memset(&all, 0xff, sizeof(all));
	if (!get(0, &mine) || !set(0, &all) || !get(0, &usable))
		return;
	monitor_free = equal(&mine, &usable);
	if (!monitor_free)
		set(0, &mine);
	several = sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

static bool tie(struct near *n)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct near_mask one;

	pthread_once(&once, look_around);
	n->cpu = sched_getcpu();
	if (!several || n->cpu < 0 || n->cpu >= NEAR_CPUS || !get(n->tid, &n->theirs) || !has(&n->theirs, n->cpu) ||
	    is_only(&n->theirs, n->cpu))
		return false;
	only(&one, n->cpu);
	if (!set(0, &one))
		return false;
	if (set(n->tid, &one))
		return true;
	set(0, monitor_free ? &all : &mine);
	return false;
}

static void let_go(struct near *n)
{
	struct near_mask now;
	bool theirs_free;

	set(0, monitor_free ? &all : &mine);
	theirs_free = equal(&n->theirs, &usable);
	if (!theirs_free && monitor_free && get(0, &usable)) /* our cpuset may have changed */
		theirs_free = equal(&n->theirs, &usable);
	if (get(n->tid, &now) && is_only(&now, n->cpu)) /* and nobody has set another one meanwhile */
		set(n->tid, theirs_free ? &all : &n->theirs);
}

void near_begin(struct near *n, pid_t tid)
{
	n->tid = tid;
	n->tied = turns > 0 && tie(n);
	if (turns > 0)
		turns--;
	n->start = n->tied ? 0 : now_ns();
}

void near_end(struct near *n)
{
	if (n->tied)
		let_go(n);
	else if (now_ns() - n->start > FAR_NS)
		turns = TURNS;
}
