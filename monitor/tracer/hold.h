/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads stopped wherever they are, which need not be in the view: see hold.c.
 *
 * All functions of one hold are called by one thread of the monitor.  When that thread ends, the kernel lets go of
 * what it still holds: so nothing is lost that could not be released.
 */
#ifndef MONITOR_TRACER_HOLD_H
#define MONITOR_TRACER_HOLD_H

#include "tracee.h"

struct um_view;

struct hold {
	struct um_view *view;
	struct tracee t;
	pid_t pid; /* its process */
	bool seized, stopped, gone;
	bool used;   /* calls were made in it */
	bool repair; /* `t.saved' are not the registers that it stopped with */
	uint64_t ip; /* after a system call instruction of the process */
};

/* Have a thread stop.  0, or a negative errno: -ESRCH (gone, or a zombie), -EPERM.  Whose thread does not end for long
 * must say tracee_lost() where this or what follows fails after the thread was seized. */
int hold_seize(struct hold *h, struct um_view *view, pid_t pid, pid_t tid);
/* Wait at most @ms milliseconds until it has.  0; -ETIMEDOUT; -ESRCH: it has ended. */
int hold_wait(struct hold *h, unsigned ms);
/* May calls be made in it, so that it notices nothing?  Else another of its process's threads is to be taken. */
bool hold_usable(const struct hold *h);
/* Prepare it for hold_call(): from now on it is killed if the monitor dies, for its registers are not its own.  0,
 * -ESRCH, or -ENOEXEC: its memory has no system call instruction. */
int hold_use(struct hold *h);
/* Have it make a call.  0 and *result, or -ESRCH. */
int hold_call(struct hold *h, int nr, const uint64_t args[6], int64_t *result);
/* Write to its memory; 0 or a negative errno. */
int hold_write(const struct hold *h, uint64_t addr, const void *buf, size_t len);
/* Let it go on with what it was doing.  0 or -ESRCH. */
int hold_release(struct hold *h);
/* The same, but that it stays traced, in a stop. */
int hold_restore(struct hold *h);

#endif
