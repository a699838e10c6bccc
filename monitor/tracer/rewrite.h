/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor's main loop must do about rewriting; um_rewrite() and um_inject() themselves are in tracer.h.
 *
 * A thread that is killed while it is being rewritten may end only later.  The thread of the monitor that seized it is
 * its tracer, and its real parent sees its end only after the tracer has waited for it.  So, after each SIGCHLD and at
 * least a few times a second while rewrite_pending() says so, each thread that rewrites calls rewrite_finish().
 *
 * The monitor's own reaping must not take stops away: it waits with WEXITED for processes it knows, or looks with
 * WNOWAIT first.  A stop that was taken nevertheless costs a delay of some milliseconds, nothing else.  SIGCHLD should
 * have SA_NOCLDSTOP set (also when it is read from a signalfd), or every rewriting sends one.
 */
#ifndef MONITOR_TRACER_REWRITE_H
#define MONITOR_TRACER_REWRITE_H

#include <stdbool.h>

/* Are there threads that this thread of the monitor seized and could not let go yet? */
bool rewrite_pending(void);
/* See to them, without waiting. */
void rewrite_finish(void);

#endif
