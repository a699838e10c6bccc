/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tracers: how system calls are trapped and answered.  Nothing outside this folder knows which one is at work.
 */
#ifndef MONITOR_TRACER_TRACER_H
#define MONITOR_TRACER_TRACER_H

#include <linux/filter.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../call.h"

struct um_features;
struct um_inject;
struct hold;
struct reader;

/* What became of a process that is taken in. */
struct um_taking {
	const char *what;       /* the step that failed, for people */
	bool no_new_privs;      /* set, for good */
	bool filtered;          /* so is the filter: if there is no listener, nobody can serve the process */
};

struct um_tracer_ops {
	const char *name;
	/* In the child, before exec: install the filter.  Returns a descriptor for the monitor, the listener, or negative
	 * errno.  It hangs up when no process under the filter is left. */
	int (*install)(const struct sock_fprog *filter, const struct um_features *features);
	bool (*is_listener)(int fd);
	/* What can be tried with a listener only.  0, or a negative errno if it cannot do what a view needs. */
	int (*probe)(struct um_features *features, int fd);
	/* In the monitor, before it has threads.  0 or negative errno. */
	int (*start)(struct um_view *view);
	/* On the thread that will receive: take a listener, which @child has made; @listener names it in calls. */
	int (*adopt)(const struct um_features *features, int fd, pid_t child, void **listener);
	/* Wait for one call.  0, -EAGAIN (interrupted), -ENOENT (the caller is gone, or the last process has ended). */
	int (*receive)(void *listener, struct um_call *call);
	bool one_receiver;      /* only the thread that has adopted a listener may receive from it */
	/* The same thread takes the view's lock. */
	void (*lock)(void *listener, struct um_view *view);
	int (*answer)(struct um_call *call, int64_t ret);       /* ret: value or -errno; -ESRCH if it is gone */
	int (*proceed)(struct um_call *call);                   /* UM_CONTINUE */
	/* Number in the process or -errno; answers on success.  Closes @fd, before the process goes on: locks, leases and
	 * ETXTBSY would see it. */
	int (*answer_fd)(struct um_call *call, int fd, int flags);
	int (*add_fd)(struct um_call *call, int fd, int flags); /* the same without answering */
	bool (*alive)(struct um_call *call);
	int64_t (*rewrite)(struct um_call *call, int nr, const uint64_t args[6]);       /* um_rewrite() below */
	int64_t (*inject)(struct um_call *call, const struct um_inject *calls, unsigned n, unsigned result);
	/* The thread sleeps in a read: have that fail (reads.h). */
	bool (*end_read)(struct um_view *view, const struct reader *r);
	/* Is this thread, which the tracer has as all others, stopped as one of its process?  NULL: it has none. */
	bool (*stopped)(pid_t tid);
	/* On the loop's thread: what has become of one of the monitor's children, CMD's stops and continuations among it.
	 * As waitid(2) says it; false: nothing more. */
	bool (*child)(const struct um_view *view, siginfo_t *info);
	/* Is it a process that helps the tracer, of one thread?  NULL: it has none. */
	bool (*is_helper)(pid_t pid);
	const struct park_ops *park;    /* how calls that wait are parked (park_ops.h) */
	/* Install the filter in a process that runs, by one of its threads, all of which are held; a descriptor as of
	 * install, in the monitor, or a negative errno. */
	int (*take)(struct hold *h, const struct sock_fprog *filter, struct um_taking *t);
	/* NULL: each process that is taken in has a listener of its own, which take gives.  Otherwise the thread that holds
	 * them goes on as the one that receives: this gives the listener, for all of them, and its name in calls. */
	int (*found)(void **listener);
	/* Then: a held thread of a process that was taken goes on. */
	void (*keep)(struct hold *h);
};

extern const struct um_tracer_ops um_unotify, um_ptrace;

/* NULL: there is none of that name. */
const struct um_tracer_ops *um_tracer_named(const char *name);

/* Is it a process that helps the view's tracer? */
bool um_tracer_helper(const struct um_view *view, pid_t pid);

/* --- rewriting (tracer.c): by the view's tracer ------------------------------------------------------------------- */

/* The kernel issues another call in place of the trapped one.  UM_REPLIED, or a negative errno with the call still
 * waiting (-EBUSY: the thread has a tracer already).  A rewritten call that is itself trapped is continued when the
 * filter's cookie stands in the argument @cookie_arg (see filter.h); -1: none. */
int64_t um_rewrite(struct um_call *call, int nr, const uint64_t args[6]);

/* Run @n calls in the thread one after the other, and answer the trapped call with the result of calls[result];
 * it stops at the first that fails (its error is the answer), but still runs those with `always' set. */
struct um_inject {
	int nr;
	uint64_t args[6];
	bool always;
	int64_t instead;        /* if not 0: what a success of this call counts as */
	const void *put;        /* it maps memory: this is written there, and its address is calls' below */
	size_t put_size;
	int address;            /* 1 + the argument that is the address of what was put, 0: none */
	/* Is the descriptor that it gave the right one?  If not it is closed: -EACCES. */
	bool (*verify)(struct um_call *call, int fd, const void *arg);
	const void *verify_arg;
};
/* In secure mode a call that is trapped waits for the monitor's answer as any other: so um_inject() of such a one must
 * be done by a worker, without the view's lock. */
int64_t um_inject(struct um_call *call, const struct um_inject *calls, unsigned n, unsigned result);

/* --- calls that were not trapped (reads.c) ------------------------------------------------------------------------ */

/*
 * Threads of the view's process @tgid that sleep in a read of this file (read(2) and recvmsg(2) with their kin, splice(2)
 * from it; not poll(2)) see it fail with @err, a positive errno.  All descriptors of the inode count.  A read that has got
 * something is never ended, and signals that come at the same time are delivered.
 *
 * Returns how many reads have failed so.  0: nobody sleeps in one now; who is on his way there will not be noticed, so who
 * wants to end all reads asks again until the process has closed the file.  Nor are threads that have another tracer or are
 * not dumpable, or any of them --without ptrace.
 *
 * By any thread of the monitor, but without the view's lock: a thread that has made a trapped call meanwhile, and is to
 * stop now, does not before that is answered.
 */
int um_end_reads(struct um_view *view, pid_t tgid, dev_t dev, ino_t ino, int err);

#endif
