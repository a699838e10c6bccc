/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reaper: what the monitor hears of processes.  CMD's stops and its end, the front's and the guardian's death,
 * orphans of the view (the monitor is their subreaper), and signals sent to the monitor itself.
 */
#ifndef MONITOR_REAPER_H
#define MONITOR_REAPER_H

#include <stdbool.h>

#include "ending.h"
#include "view.h"

struct reaper {
	struct um_view *view;
	int sock;               /* to the front */
	pid_t front;            /* which may be gone */
	struct ending *ending;
	int sigfd, frontfd, tick; /* signalfd, pidfd, timerfd */
	bool linger;            /* the view goes on after CMD, until the last listener has hung up */
	bool ended;             /* CMD has; `status' is its wait status */
	int status;
	bool stopped;           /* CMD is */
	bool front_stopped;     /* the front has said that it stops */
	char why[128];          /* the view ends for another reason than CMD's end: words, or "" */
	bool front_gone;
	bool left;              /* it was told to leave: the view goes on for attached processes */
};

/* Set it up and add it to the monitor's loop, which it stops at the end of the view.  Messages and the end if not. */
void reaper_start(struct reaper *r, struct um_view *view, struct ending *ending, int sock, bool linger);
/* Reap what has ended; also after the loop. */
void reaper_reap(struct reaper *r);
/* After the loop: reap all that has ended; CMD's status is known then, if it has ended. */
void reaper_finish(struct reaper *r);
/* Tell the front, and make sure that it listens: a front that was stopped with CMD is continued. */
void reaper_tell_end(struct reaper *r);

#endif
