/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that this thread of the monitor has caught in a trapped call and holds by ptrace: see tracee.c.
 *
 * All functions of one tracee are called by the thread that has caught it.  A thread that does not stop in time is kept
 * by the thread of the monitor that has seized it, and let go when that catches the next; it may call
 * tracees_finish() earlier, at any time.
 *
 * The monitor's own reaping must not take stops away, nor take them for an end: it looks with WNOWAIT first.
 * A stop that was taken costs a delay of some milliseconds.
 */
#ifndef MONITOR_TRACER_TRACEE_H
#define MONITOR_TRACER_TRACEE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../arch/arch.h"

struct um_call;

#ifndef PTRACE_GETSIGMASK
#define PTRACE_GETSIGMASK 0x420a
#define PTRACE_SETSIGMASK 0x420b
#endif

#define KERNEL_SIGSET_SIZE 8 /* bytes, for PTRACE_SETSIGMASK */

struct tracee {
	pid_t tid;
	int sig;                /* the signal of a signal-delivery-stop: given back when it goes on */
	bool group_stop;        /* stopped with its process, by SIGSTOP or the like */
	bool in_call;           /* stopped at a system call's entry or exit */
	bool masked;            /* signals are blocked by us; `mask' is what they were */
	uint64_t mask;
	bool injecting;         /* `saved' are the registers to go on with */
	struct arch_regs saved;
	struct tracee *next;    /* of those left over */
};

/**
 * tracee_catch() - stop a waiting thread on the way out of its call
 * @t:		filled
 * @regs:	its registers there
 * @ms:		how long it is waited for, in milliseconds
 *
 * Return: 0; UM_REPLIED: the call is over without us (its thread was killed or interrupted); or a negative errno
 *	value, and the call still waits for an answer.
 */
int64_t tracee_catch(struct um_call *call, struct tracee *t, struct arch_regs *regs, unsigned ms);
/* Wait at most @ms milliseconds for its next stop.  0; -ETIMEDOUT; -ESRCH: it has ended; -ECHILD: it is not ours any
 * more; -EOWNERDEAD: it has ended, but is the leader of others that nobody has waited for yet. */
int tracee_wait(struct tracee *t, unsigned ms);
/* Block all signals in the stopped thread, until it is released. */
int tracee_mask(struct tracee *t);
/* Let the stopped thread run to its next stop at a system call's entry or exit; other stops are passed through.  0, or as
 * tracee_wait(). */
int tracee_next_call_stop(struct tracee *t, unsigned ms);
/* Have the stopped, masked thread make one call, waiting at most @ms milliseconds for each of its stops.  @ip: address
 * after a system call instruction.  0 and *result, or a negative errno: the thread is lost. */
int tracee_call(struct tracee *t, uint64_t ip, int nr, const uint64_t args[6], unsigned ms, int64_t *result);
/* Is it stopped, although there may be nothing to wait for?  Somebody else may have taken the notice. */
bool tracee_is_stopped(struct tracee *t);
/* A stop has been seen in place of other news of the monitor's children: when it is over, SIGCHLD says so. */
void tracee_hides(void);
/* Who traces a thread?  0: nobody; -1: there is no such thread. */
pid_t tracee_tracer(pid_t tid);
/* Give a stopped thread these registers (NULL: it has its own), and its signal mask.  0 or negative errno. */
int tracee_restore(struct tracee *t, const struct arch_regs *regs);
/* Let a stopped thread go on with these registers (NULL: as it is), untraced.  0 or negative errno. */
int tracee_release(struct tracee *t, const struct arch_regs *regs);
/* The thread does not stop, or a request said that it is gone.  @error: what tracee_wait() said, or 0. */
void tracee_lost(struct tracee *t, int error);

/* Are there threads that this thread of the monitor seized and could not let go yet? */
bool tracees_pending(void);
/* See to them, without waiting. */
void tracees_finish(void);
/* See to them until there are none, ten seconds at most. */
void tracees_settle(void);

#endif
