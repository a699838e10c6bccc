/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inject: the sequence of calls of um_inject(), for all tracers. */
#ifndef MONITOR_TRACER_INJECT_H
#define MONITOR_TRACER_INJECT_H

#include "tracer.h"

/* Have the thread make one call.  0 and *result, or a negative errno: the thread is lost. */
typedef int inject_make(void *in, int nr, const uint64_t args[6], int64_t *result);

/* 0 and *answer; or what @make said. */
int inject_all(struct um_call *call, const struct um_inject *calls, unsigned n, unsigned result, inject_make *make,
	       void *in, int64_t *answer);

#endif
