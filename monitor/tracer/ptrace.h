/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ptrace tracer, inside: ptrace.c waits and answers, ptrace_ask.c takes what other threads want of the tracing
 * thread, ptrace_call.c has calls made in place of the trapped one, ptrace_fd.c hands over descriptors, with
 * ptrace_carrier.c.
 *
 * All but ptrace_ask() and ptrace_new_ask() run on the thread that traces, which is the only one that may.
 */
#ifndef MONITOR_TRACER_PTRACE_H
#define MONITOR_TRACER_PTRACE_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../arch/arch.h"
#include "../call.h"
#include "tracer.h"

/* A thread that is held in a trapped call, or was let into another one in its place. */
struct trapped {
	pid_t tid;              /* 0: nobody */
	uint64_t cookie;        /* the call's; numbers are never used again */
	struct arch_regs regs;  /* as it was trapped */
	bool under_way;         /* calls were made in its place: it stands at the end of one, not at the beginning */
	bool busy;              /* something is being done for it: not to be freed */
	bool asleep;            /* runs, in pause(2) (ptrace_park.c) */
	bool rewritten;         /* runs, as another call: at its end it gets its registers back */
	bool masked;            /* signals are blocked by us; `mask' is what they were */
	bool stopped;           /* a stop of its process was passed over */
	uint64_t mask;
	struct trapped *next;
};

/* How all are traced. */
#define PTRACER_OPTIONS                                                                                              \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

struct ask;
struct hold;

/* A thread of the monitor that traces.  It is never freed: a worker may still name it. */
struct ptracer {
	pid_t tid;
	pthread_t thread;
	int fd;                 /* the listener: a socket that is shut down when nobody is left */
	uint64_t last;          /* cookie */
	pid_t init;             /* CMD, whose stops and end the loop wants to know */
	bool init_stopped;
	struct trapped now;     /* the call that was received last, until it is answered or another is received */
	struct trapped *others; /* those that workers have, and rewritten ones */
	pthread_mutex_t mutex;  /* of asks */
	pthread_cond_t answered;
	struct ask *asks;
	pid_t carrier;          /* 0: none */
	bool serves;            /* looks at asks: from when it first receives until nobody is left */
	struct ptracer *next;   /* an older one */
};

/* What is asked of the tracing thread: an operation of struct um_tracer_ops. */
struct ask {
	enum { ASK_ANSWER, ASK_PROCEED, ASK_ADD_FD, ASK_ANSWER_FD, ASK_ALIVE, ASK_REWRITE, ASK_INJECT,
	       ASK_SLEEP, ASK_WAKE, ASK_RESTART, ASK_END_READ } what;
	struct um_call *call;   /* for the last: of its listener only */
	int64_t value;          /* the answer */
	int fd, flags;
	int nr;                 /* rewrite */
	const uint64_t *args;
	const struct um_inject *calls;
	unsigned n, result;
	const struct reader *reader;
	int64_t ret;
	bool done;
	struct ask *next;
};

/* ptrace_ask.c */
/* It is known to ptracers() from now on. */
void ptracer_enlist(struct ptracer *p);
/* All, the newest first. */
struct ptracer *ptracers(void);
/* This thread serves from now on, or no more. */
void ptracer_begins(struct ptracer *p);
void ptracer_ends(struct ptracer *p);
int64_t ptrace_ask(struct ask *a);
/* Do what was asked. */
void ptrace_serve(struct ptracer *p);
/* As waitid(2) of all that are traced; -EINTR also when something was asked. */
int ptrace_wait(struct ptracer *p, siginfo_t *info);
/* From now on a waitid(2) of this thread ends with EINTR now and then; or no more. */
void ptrace_tick(bool on);
void ptrace_lock(void *listener, struct um_view *view);

/* ptrace.c */
/* Perform one. */
int64_t ptrace_perform(struct ptracer *p, struct ask *a);
/* A thread has executed a program.  What was of a leader that it has replaced is gone, its own call is over. */
void ptrace_executes(struct ptracer *p, pid_t tid);
/* A thread has ended: waitid(2) said so. */
void ptrace_gone(struct ptracer *p, const siginfo_t *info);
/* Keep a call; *t is empty afterwards. 0 or -ENOMEM. */
int ptrace_keep(struct ptracer *p, struct trapped *t);

/* The filter with TRACE for USER_NOTIF, in @code, which has room for BPF_MAXINSNS. */
struct sock_fprog ptrace_filter(const struct sock_fprog *filter, struct sock_filter *code);

/* Let a stopped thread go on, with a signal or 0.  0 or -ESRCH. */
int ptrace_resume(enum __ptrace_request request, pid_t tid, int sig);

/* ptrace_call.c */
/* Have the thread make a call in place of the trapped one (and of those made so before).  0 and *result; or -ESRCH. */
int ptrace_call(struct ptracer *p, struct trapped *t, int nr, const uint64_t args[6], int64_t *result);
/* Go on after the trapped call, with this result. */
int ptrace_result(struct trapped *t, int64_t value);
/* Go on as another call, and at its end with this one's registers. */
int ptrace_become(struct ptracer *p, struct trapped *t, int nr, const uint64_t args[6]);
/* Go on as after a call that a signal has interrupted. */
int ptrace_restart(struct trapped *t);
/* Sleep in its place, until a signal comes.  *t may be empty afterwards. */
int ptrace_sleep(struct ptracer *p, struct trapped *t);
int ptrace_inject(struct ptracer *p, struct trapped *t, const struct ask *a);
/* A rewritten call is over. */
void ptrace_rewritten_ends(struct trapped *t);

/* ptrace_take.c */
int ptrace_take(struct hold *h, const struct sock_fprog *filter, struct um_taking *t);
/* A held thread of a process that was taken goes on, traced by this thread. */
void ptrace_keep_held(struct hold *h);

/* ptrace_reads.c */
/* 1: the thread's read fails; 0: it was not in it any more. */
int ptrace_fail_read(const struct reader *r);

/* ptrace_carrier.c */
/* The carrier of this thread, which is made if there is none; or a negative errno. */
pid_t carrier_of(struct ptracer *p, struct um_view *view);
/* Was it killed?  carrier_of() makes another one, then. */
bool carrier_has_ended(struct ptracer *p);
void carrier_end(struct ptracer *p);
bool ptrace_is_helper(pid_t pid);

/* ptrace_fd.c */
/* Its number in the process, or a negative errno. @fresh: nobody else has the open file. */
int ptrace_give(struct ptracer *p, struct trapped *t, struct um_call *call, int fd, int flags, bool fresh);

#endif
