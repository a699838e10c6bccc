/* SPDX-License-Identifier: GPL-2.0-or-later */
/* near: keep a caller on the monitor's CPU while it is handed a descriptor. */
#ifndef MONITOR_TRACER_NEAR_H
#define MONITOR_TRACER_NEAR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NEAR_CPUS 8192 /* more than any kernel is built for (NR_CPUS) */

struct near_mask {
	unsigned long bits[NEAR_CPUS / (8 * sizeof(unsigned long))];
};

struct near {
	bool tied;              /* the thread can wake up on this CPU only, and so can the caller, until near_end() */
	pid_t tid;
	int cpu;
	int64_t start;
	struct near_mask theirs;
};

/* @tid is a thread that sleeps in a trapped call, and is about to be woken to take a descriptor. */
void near_begin(struct near *n, pid_t tid);
/* It has taken it; this comes before the call is answered, if it is tied. */
void near_end(struct near *n);

#endif
