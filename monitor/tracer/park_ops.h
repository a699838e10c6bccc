/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a tracer lets the caller of a waiting call sleep, for park.c.
 */
#ifndef MONITOR_TRACER_PARK_OPS_H
#define MONITOR_TRACER_PARK_OPS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../arch/arch.h"
#include "../call.h"
#include "tracee.h"

enum park_where {
	LIVE,           /* the caller waits as it was trapped */
	CATCHING,       /* the nurse is about to park it */
	PARKED,         /* it sleeps */
	HELD,           /* it has been interrupted, and is held until the worker knows what to do */
	LEFT,           /* it has been let go, as the worker said */
	GONE,           /* it is dead */
};

enum park_order {
	NONE,
	ANSWER,         /* with `ret' */
	RECALL,         /* have it wait in its call again, unless it has been interrupted */
	INSIST,         /* the same, whatever has come: signals wait until its call is over */
};

struct um_park {
	pthread_mutex_t lock;
	pthread_cond_t changed;         /* CLOCK_MONOTONIC */
	unsigned holders;
	struct um_call *call;           /* the worker's; valid while that waits, for something to come or for the caller */
	struct um_call own;             /* a copy, for the tracer */
	pthread_t worker, nurse;
	enum park_where where;
	bool waiting;                   /* the worker is between um_wait_begin() and um_wait_end() */
	bool nursed;                    /* a nurse has been made, or there is no sense in one */
	uint64_t since;                 /* microseconds: the beginning of the wait */
	bool let_go;                    /* somebody else wants to trace the caller */
	enum park_order order;
	int64_t ret;
	bool heard;                     /* the nurse has taken the order */
	bool refused;                   /* RECALL: the caller was interrupted before */
	bool awaited;                   /* RECALL: its call will be received again */
	bool returned;                  /* RECALL: it waits in its call */
	struct um_park *next;           /* of all */

	/* unotify */
	struct tracee tracee;
	struct arch_regs saved;         /* as it was trapped, with -ERESTARTSYS for a result */
	bool look;                      /* somebody else has taken a stop of it */
	/* ptrace */
	bool held, dead;                /* the tracing thread says so */
};

/* All are called by the nurse, with the park locked; they may let go of the lock while they wait, for as long as it takes. */
struct park_ops {
	/* Lay the caller down.  0: it sleeps; 1: it is held; UM_REPLIED: it is gone; else negative errno: it cannot be. */
	int64_t (*lay)(struct um_park *p);
	/* Until it is held: 0; or there is an order: -EAGAIN.  Else negative errno: it is gone; so below. */
	int (*watch)(struct um_park *p);
	/* Hold it. */
	int (*wake)(struct um_park *p);
	/* It is held.  Is there a signal or a stop for it? */
	bool (*interrupted)(struct um_park *p);
	/* It waits in its call again (returned), or will (awaited); @insist: signals and stops come after the call. */
	int (*put_back)(struct um_park *p, bool insist);
	/* Its call ends: with a value, a negative errno, or UM_RESTART. */
	int (*end)(struct um_park *p, int64_t ret);
	/* The nurse is about to end.  Not locked.  May be NULL. */
	void (*tidy)(void);
};

extern const struct park_ops park_unotify, park_ptrace;

/* Has there been an order? */
static inline bool park_called(const struct um_park *p)
{
	return p->order != NONE || p->let_go;
}

/* Wait for a change, at most @us microseconds.  False: that was the time.  The park is locked. */
bool park_wait(struct um_park *p, long us);
/* Are there signals for the thread that it does not block? */
bool park_signals(pid_t tid);

/* From the ptrace tracer's tracing thread: a sleeping thread is held, a thread has ended. */
void park_is_held(pid_t tid);
void park_is_dead(pid_t tid);

#endif
