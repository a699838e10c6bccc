/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * umview started inside of a view: a node of the same monitor.
 */
#ifndef MONITOR_NESTED_H
#define MONITOR_NESTED_H

#include <stdbool.h>

#include "options.h"

/* Is this process in a view already? */
bool nested_inside(void);

/* Live in a new node, carry out the steps there, and execute CMD.  Failures are messages and the end. */
_Noreturn void nested_run(struct options *opt);

/* --enter NAME, of a view inside of this one. */
_Noreturn void nested_enter(struct options *opt);

#endif
