// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ptrace tracer takes in a process that runs: one of its threads installs the filter for all of them, and the thread of
 * the monitor that holds them traces them from then on.  They are never without a tracer: who has the filter and none gets
 * ENOSYS.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include "hold.h"
#include "ptrace.h"
#include "take.h"

/* The steps that begin with memory for the filter. */
static int install(struct hold *h, uint64_t at, const struct sock_fprog *filter, struct um_taking *t)
{
	const unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	int64_t r = take_write(h, at, filter);

	if (r < 0)
		return (int)r;
	r = take_no_new_privs(h, t);
	if (r < 0)
		return (int)r;
	t->what = "the filter (seccomp)";
	r = take_call(h, SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, at);
	t->filtered = r == 0;
	return (int)r;
}

int ptrace_take(struct hold *h, const struct sock_fprog *filter, struct um_taking *t)
{
	size_t size = sizeof(*filter) + filter->len * sizeof(*filter->filter);
	struct sock_filter code[BPF_MAXINSNS];
	struct sock_fprog traced = ptrace_filter(filter, code);
	int64_t at;
	int r;

	*t = (struct um_taking){ .what = "a system call instruction in its memory" };
	r = hold_use(h);
	if (r < 0)
		return r;
	t->what = "memory for the filter (mmap)";
	at = take_map(h, size);
	if (at < 0)
		return (int)at;
	r = install(h, (uint64_t)at, &traced, t);
	take_call(h, SYS_munmap, (uint64_t)at, size, 0);
	return r;
}

void ptrace_keep_held(struct hold *h)
{
	pid_t tid = h->t.tid;

	if (hold_restore(h) < 0)
		return;
	ptrace(PTRACE_SETOPTIONS, tid, NULL, (void *)(long)PTRACER_OPTIONS);
	if (!h->t.group_stop) /* that stop is still to be told of, and taken as any other */
		ptrace_resume(PTRACE_CONT, tid, 0);
}
