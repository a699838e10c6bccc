/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's process, from its birth to the end of the view.
 */
#ifndef MONITOR_SERVE_H
#define MONITOR_SERVE_H

#include "ending.h"
#include "options.h"
#include "origin.h"

/* In the child that the front has forked: make the view, launch CMD, serve, end the view, and exit.
 * @sock: to the front (front.h).  @ending: shared with it. */
_Noreturn void serve(const struct options *opt, const struct origin *origin, pid_t front, int sock,
		     struct ending *ending);

#endif
