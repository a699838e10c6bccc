/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front: the process that the shell started.  It waits, and stands for CMD in the shell's job.
 */
#ifndef MONITOR_FRONT_H
#define MONITOR_FRONT_H

#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/types.h>

#include "options.h"
#include "origin.h"

/* What monitor and front tell each other, over a SOCK_SEQPACKET pair. */
struct front_msg {
	enum front_what {
		FRONT_STARTED,  /* to the front: CMD's process id */
		FRONT_STOPPED,  /* to the front: CMD was stopped by this signal.  Back: I stop now */
		FRONT_GOES_ON,  /* to the monitor: I was continued */
		FRONT_EXITED,   /* to the front: CMD's wait status; the view has ended */
		FRONT_LEAVE,    /* to the front: CMD's wait status; the view goes on without it */
	} what;
	int32_t value;          /* process id, signal, or wait status */
};

/* Start a view: fork its monitor, wait, and return the exit status for the shell. */
int front(const struct options *opt, const struct origin *origin);

/* --- what --enter has in common with it --------------------------------------------------------------------------- */

/* Pass a signal that was sent to us on to CMD, unless CMD got it as well (from the terminal; from the view itself). */
void front_forward(int pidfd, const struct signalfd_siginfo *si, uint32_t tag, int carrier);
/* Stop as CMD did, until continued; the shell sees our stop. */
void front_stop(int sig);
/* CMD again, if it is stopped: after we were continued. */
void front_continue(pid_t cmd, int pidfd);
/* The shell's view of a wait status: 0..255. */
int front_status(int wait_status);

#endif
