/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that sleep in a read: see reads.c.
 */
#ifndef MONITOR_TRACER_READS_H
#define MONITOR_TRACER_READS_H

#include <stdbool.h>
#include <sys/types.h>

struct um_view;
struct arch_regs;

/* Who was seen to sleep in which call, and how that is to end. */
struct reader {
	pid_t tgid, tid;
	int nr, fd;             /* the call and its descriptor, by which it reads */
	dev_t dev;              /* the file */
	ino_t ino;
	int err;                /* a positive errno */
};

/* The thread is stopped with these registers.  True: it was in that call, which has read nothing, and they are changed to
 * those of a thread whose call has failed. */
bool reader_fails(const struct reader *r, struct arch_regs *regs);

/* An operation of struct um_tracer_ops: have it fail.  False: it was not there any more, or cannot be stopped. */
bool unotify_end_read(struct um_view *view, const struct reader *r);
bool ptrace_end_read(struct um_view *view, const struct reader *r);

#endif
