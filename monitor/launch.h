/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Launching CMD: a process under the view's filter, whose listener is ours.
 */
#ifndef MONITOR_LAUNCH_H
#define MONITOR_LAUNCH_H

#include "origin.h"
#include "syscall/filter.h"
#include "view.h"

struct launch_page;

struct launch {
	/* in */
	char **argv;
	const struct origin *origin;
	const struct um_tracer_ops *tracer;
	const struct um_features *features;
	struct filter_config filter;
	bool quiet;             /* say nothing if the filter is refused: there is another way */
	void (*early)(void *arg); /* in the child, before the filter; may be NULL */
	void *arg;
	/* out */
	pid_t pid;
	int listener;           /* close-on-exec, the caller's */
	bool refused;           /* no filter, or no listener, could be had: that is the error */
	struct launch_page *page;
};

/**
 * launch_prepare() - fork CMD's process, up to the point where it waits to exec
 *
 * The calling process must have one thread.  The child has left the table of descriptors when this returns.
 * Return: 0, or a negative errno value: a message was printed, the child is gone.
 */
int launch_prepare(struct launch *l);
/* Let it exec; the caller serves its calls from now on.  If exec fails: a message, and exit status 126 or 127. */
void launch_go(struct launch *l);
/* It shall not be: end it. */
void launch_cancel(struct launch *l);

#endif
