/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ending a view: no process of it is left.  Monitor, guardian and front can all do it, each when the others cannot.
 */
#ifndef MONITOR_ENDING_H
#define MONITOR_ENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* In memory that the three share. */
struct ending {
	uint32_t tag;           /* 0: there are no processes yet */
	int carrier;
	int hangups;            /* epoll of listeners, readable when one has hung up: a descriptor of monitor and guardian;
				 * -1: none is known */
	unsigned listeners;     /* in it */
	unsigned attached;      /* of these, processes that um_attach has taken in, and their descendants */
	unsigned rounds, quiet; /* of killing; those that found nobody */
	pid_t guardian;
	char socket[108];       /* the view's in the runtime directory, removed at the end; or "" */
	bool over;              /* somebody has seen to it that nobody is left */
};

/* NULL and errno. */
struct ending *ending_new(void);
/* In the monitor: what the view's processes are known by.  0 or a negative errno. */
int ending_arm(struct ending *e, uint32_t tag, int carrier);
/* One more listener of the view's processes; a duplicate of it is kept.  @attached: of a process from outside. */
void ending_add(struct ending *e, int listener, bool attached);
/* Is no process left that any of the listeners serves?  The kernel knows it exactly. */
bool ending_gone(struct ending *e);
/* One round of killing.  True: the view has ended.  Between rounds, who can should reap children. */
bool ending_round(struct ending *e);
/* In the front, when the monitor is dead: wait for the guardian to end the view, or do it. */
void ending_by_front(const struct ending *e);

#endif
