/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parking: what the rest of the monitor does about calls that wait (see park.c; operations use um_wait_begin(),
 * um_wait_end() and um_recall() of call.h).
 */
#ifndef MONITOR_TRACER_PARK_H
#define MONITOR_TRACER_PARK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct um_call;

/* How many calls are waited for to be made again (park_returns()).  Read without a lock. */
extern unsigned park_recalled;

/* Is this newly received call one that a worker waits for?  Then it is the worker's from now on. */
bool park_returns(const struct um_call *call);
/* Answer a parked call: a value, a negative errno, or UM_RESTART. */
void park_answer(struct um_call *call, int64_t ret);
/* Is the caller of a parked call still there? */
bool park_alive(const struct um_call *call);
/* A stop of this thread has been seen, and taken, by somebody else: if it is parked, its nurse is to look. */
void park_look(pid_t tid);
/* Somebody wants to trace this thread: if it is parked, its call is made anew, and it is let go. */
void park_let_go(pid_t tid);

#endif
