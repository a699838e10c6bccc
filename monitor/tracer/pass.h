/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secure mode: passes for rewritten calls, see pass.c. */
#ifndef MONITOR_TRACER_PASS_H
#define MONITOR_TRACER_PASS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct um_call;

/* The thread is about to make this call.  The pass is good for its next trapped call. */
void pass_give(pid_t tid, int nr, const uint64_t args[6]);
/* Is it such a call?  Then it is to be continued.  Asked of each call, for what it does not take ends with it. */
bool pass_take(const struct um_call *call);

#endif
