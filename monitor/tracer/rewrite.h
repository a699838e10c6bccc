/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor's main loop must do about rewriting; um_rewrite() and um_inject() themselves are in tracer.h.
 *
 * A thread that does not stop in time is kept by the thread of the monitor that has seized it, and let go when that
 * rewrites the next time; it may call rewrite_finish() earlier, at any time.
 *
 * The monitor's own reaping must not take stops away, nor take them for an end: it waits while no rewriting is going
 * on (under the view's lock), or looks with WNOWAIT first.  A stop that was taken costs a delay of some
 * milliseconds.
 */
#ifndef MONITOR_TRACER_REWRITE_H
#define MONITOR_TRACER_REWRITE_H

#include <stdbool.h>

/* Are there threads that this thread of the monitor seized and could not let go yet? */
bool rewrite_pending(void);
/* See to them, without waiting. */
void rewrite_finish(void);

#endif
