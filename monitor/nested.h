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

/* The view around this process; cut. */
struct nested_view {
	char name[64], tracer[16], modules[256];
	unsigned depth;         /* views around that one */
	bool secure;
};

bool nested_view(struct nested_view *v);

struct runtime_reply;

/* Call @fn for the view around this process and for those inside of it, as runtime_each() does; the monitor is asked. */
void nested_each(bool (*fn)(void *arg, const char *path, const struct runtime_reply *view), void *arg);

/* Live in a new node, carry out the steps there, and execute CMD.  Failures are messages and the end. */
_Noreturn void nested_run(struct options *opt);

/* --enter NAME, of a view inside of this one. */
_Noreturn void nested_enter(struct options *opt);

#endif
