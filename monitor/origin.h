/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What umview was given by the shell and changes for itself: CMD must get it as it was.
 */
#ifndef MONITOR_ORIGIN_H
#define MONITOR_ORIGIN_H

#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

struct origin {
	sigset_t mask;
	struct sigaction sigchld, sigpipe;
	struct rlimit nofile;
	mode_t umask;
	char *title;            /* where the command line and the environment lie in memory: what ps shows */
	size_t title_size;
};

/* Note it, and set up for umview itself: signals blocked, SIGPIPE ignored, descriptors 0 to 2 open. */
void origin_leave(struct origin *origin, char **argv);
/* In CMD's process, before exec. */
void origin_return(const struct origin *origin);

/* The signals that umview takes by signalfd. */
void origin_signals(sigset_t *set);

/* Standard input and output to /dev/null; close what the shell gave, but standard error and what is close-on-exec
 * (ours).  For processes beside CMD: its pipes must end when CMD ends or closes them. */
void origin_close(void);

#endif
