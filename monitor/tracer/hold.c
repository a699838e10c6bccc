// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Holding threads, of foreign processes above all.
 *
 * Theory of operation.  PTRACE_SEIZE and PTRACE_INTERRUPT stop a thread in get_signal(), wherever it was: on its way
 * out of an interrupted system call (the result is one of the restart codes), after a completed one, or between two
 * instructions of the program (in no call).  What comes after the stop is what comes after any stop: if its registers are
 * left alone, PTRACE_DETACH lets get_signal() go on, which delivers signals that came meanwhile and then restarts the
 * call, as it has always done (sleeps go on with the time that is left: restart_syscall).  So a thread that is only
 * stopped notices nothing, with two exceptions.
 *
 * Some calls are not restarted by the kernel but fail with EINTR even when no handler has run (signal(7),
 * "Interruption of system calls and library functions by stop signals").  They had not done anything yet, so they are
 * restarted here, unless a handler runs.  Those with a timeout wait for all of it again.  And a call that had moved
 * part of its data returns that part: as after a stop signal.
 *
 * Calls are made in a thread as um_inject() does it: all its signals are blocked, its program counter is set to a
 * system call instruction, it runs from call stop to call stop.  Then it is in a stop at the end of a call, behind
 * the place where the kernel restarts.  So it is interrupted again, which brings it back into get_signal(), and there
 * gets the registers that it had: from then on all is as with a thread that was only stopped, signals of the meantime
 * included.
 *
 * Between these two the thread has registers that make no sense to its program.  Should the monitor be killed then,
 * the kernel kills the process (PTRACE_O_EXITKILL); before and after it goes on unharmed.
 *
 * A restartable sequence (rseq(2)) must not be left and entered again in the middle: a thread that may be in one is
 * not used. Nor is one that has its system calls dispatched to a handler of its own (prctl
 * PR_SET_SYSCALL_USER_DISPATCH).
 */
#include "hold.h"

#include <errno.h>
#include <limits.h>
#include <linux/ptrace.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "../call.h"

#define STOPS_MAX 1000 /* signals that are delivered before the stop that was asked for */
#define PAGE 4096
#define EXITKILL_OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

/* Linux 5.13 and 6.4; asked for by number, for headers may be older. */
#define GET_RSEQ_CONFIGURATION 0x420f
#define GET_USER_DISPATCH_CONFIG 0x4211

struct rseq_configuration {
	uint64_t pointer;
	uint32_t size, signature, flags, pad;
};
#define RSEQ_CS 8 /* offset of the pointer to the critical section, 0 outside of all (linux/rseq.h) */

struct user_dispatch_config {
	uint64_t mode, selector, offset, len;
};

/* See above: interrupted with EINTR, before anything was done. */
static const int not_restarted[] = {
	SYS_epoll_wait, SYS_epoll_pwait, SYS_semop, SYS_semtimedop, SYS_rt_sigtimedwait, SYS_io_getevents,
	/* on sockets with a timeout (SO_RCVTIMEO, SO_SNDTIMEO) */
	SYS_read, SYS_readv, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_accept, SYS_accept4, SYS_connect,
	SYS_write, SYS_writev, SYS_sendto, SYS_sendmsg, SYS_sendmmsg,
#ifdef SYS_epoll_pwait2
	SYS_epoll_pwait2,
#endif
};

static bool is_repairable(const struct arch_regs *regs)
{
	for (size_t i = 0; i < sizeof(not_restarted) / sizeof(not_restarted[0]); i++)
		if (arch_call_nr(regs) == not_restarted[i])
			return arch_result(regs) == -EINTR;
	return false;
}

/* Requests of @h's memory go through a call that it might have made. */
static struct um_call stand_in(const struct hold *h)
{
	return (struct um_call){.view = h->view, .tid = h->t.tid};
}

int hold_seize(struct hold *h, struct um_view *view, pid_t pid, pid_t tid)
{
	*h = (struct hold){.view = view, .pid = pid, .t.tid = tid};
	h->seized = ptrace(PTRACE_SEIZE, tid, NULL, (void *)PTRACE_O_TRACESYSGOOD) == 0;
	return h->seized && ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0 ? 0 : -errno;
}

/* Wait for the stop that INTERRUPT brings; signals that come first are delivered. */
static int wait_interrupted(struct hold *h, unsigned ms)
{
	int r = -ETIMEDOUT;

	for (unsigned i = 0; i < STOPS_MAX; i++) {
		r = tracee_wait(&h->t, ms);
		if (r < 0 || (h->t.sig == 0 && !h->t.in_call))
			break;
		if (ptrace(PTRACE_CONT, h->t.tid, NULL, (void *)(long)h->t.sig) < 0)
			return -errno;
	}
	return r == -ECHILD || r == -EOWNERDEAD ? -ESRCH : r;
}

int hold_wait(struct hold *h, unsigned ms)
{
	int r = wait_interrupted(h, ms);

	if (r == 0)
		r = arch_regs_get(h->t.tid, &h->t.saved);
	h->gone = r == -ESRCH;
	h->stopped = r == 0;
	if (h->stopped && is_repairable(&h->t.saved)) {
		arch_restart_unless_handled(&h->t.saved);
		h->repair = true;
	}
	return r;
}

/* --- is it a thread to make calls in?
 * ------------------------------------------------------------------------------- */

static bool in_restartable_sequence(const struct hold *h)
{
	struct rseq_configuration conf = {0};
	struct um_call call = stand_in(h);
	uint64_t section = 0;

	if (arch_call_nr(&h->t.saved) >= 0) /* calls are not allowed in them */
		return false;
	if (ptrace(GET_RSEQ_CONFIGURATION, h->t.tid, sizeof(conf), &conf) < 0 || conf.pointer == 0)
		return false;
	return um_read(&call, conf.pointer + RSEQ_CS, &section, sizeof(section)) == 0 && section != 0;
}

static bool is_dispatched(const struct hold *h)
{
	struct user_dispatch_config conf = {0};

	return ptrace(GET_USER_DISPATCH_CONFIG, h->t.tid, sizeof(conf), &conf) == 0 && conf.mode != 0;
}

bool hold_usable(const struct hold *h)
{
	return h->stopped && arch_is_native(&h->t.saved) && !in_restartable_sequence(h) && !is_dispatched(h);
}

/* --- calls
 * ---------------------------------------------------------------------------------------------------------- */

/* The address after a system call instruction in this range, or 0. */
static uint64_t search(const struct hold *h, uint64_t from, uint64_t to)
{
	struct um_call call = stand_in(h);
	char page[PAGE + ARCH_SYSCALL_SIZE], *found;

	for (; from < to; from += PAGE) {
		size_t size = to - from > PAGE ? sizeof(page) : PAGE; /* it may lie across the pages' border */

		if (um_read(&call, from, page, size) < 0)
			continue;
		found = memmem(page, size, ARCH_SYSCALL_CODE, ARCH_SYSCALL_SIZE);
		if (found != NULL)
			return from + (uint64_t)(found - page) + ARCH_SYSCALL_SIZE;
	}
	return 0;
}

/* Where the process has a system call instruction: where the thread is now, in the vDSO, or anywhere. */
static uint64_t find_instruction(const struct hold *h)
{
	uint64_t ip = arch_ip(&h->t.saved), from, to;
	struct um_call call = stand_in(h);
	char name[32], line[512], code[ARCH_SYSCALL_SIZE], x;
	FILE *maps;

	if (um_read(&call, ip - ARCH_SYSCALL_SIZE, code, sizeof(code)) == 0 &&
	    memcmp(code, ARCH_SYSCALL_CODE, sizeof(code)) == 0)
		return ip;
	snprintf(name, sizeof(name), "/proc/%d/maps", (int)h->pid);
	ip = 0;
	for (int pass = 0; pass < 2 && ip == 0; pass++) {
		maps = fopen(name, "re");
		while (maps != NULL && ip == 0 && fgets(line, sizeof(line), maps) != NULL)
			if (sscanf(line, "%lx-%lx r%*c%c", &from, &to, &x) == 3 && x == 'x' &&
			    (pass > 0 || strstr(line, "[vdso]") != NULL))
				ip = search(h, from, to);
		if (maps != NULL)
			fclose(maps);
	}
	return ip;
}

int hold_use(struct hold *h)
{
	h->ip = find_instruction(h);
	if (h->ip == 0)
		return -ENOEXEC;
	if (ptrace(PTRACE_SETOPTIONS, h->t.tid, NULL, (void *)EXITKILL_OPTIONS) < 0)
		return -errno;
	h->used = true;
	return tracee_mask(&h->t);
}

int hold_call(struct hold *h, int nr, const uint64_t args[6], int64_t *result)
{
	/* None of the calls that are made can wait for long, and there is no way back before it is over. */
	int r = tracee_call(&h->t, h->ip, nr, args, INT_MAX, result);

	h->gone = r < 0;
	return r < 0 ? -ESRCH : 0;
}

int hold_write(const struct hold *h, uint64_t addr, const void *buf, size_t len)
{
	struct um_call call = stand_in(h);

	return um_write(&call, addr, buf, len);
}

/* From the end of a call back to where a thread stops that is interrupted. */
static int go_back(struct hold *h)
{
	if (ptrace(PTRACE_INTERRUPT, h->t.tid, NULL, NULL) < 0 || ptrace(PTRACE_CONT, h->t.tid, NULL, NULL) < 0)
		return -errno;
	return wait_interrupted(h, INT_MAX);
}

/* The end of a hold, by a function of tracee.h. */
static int finish(struct hold *h, int (*how)(struct tracee *t, const struct arch_regs *regs))
{
	int r = 0;

	if (!h->stopped || h->gone)
		return -ESRCH;
	if (h->used)
		r = go_back(h);
	if (r == 0)
		r = how(&h->t, h->used || h->repair ? &h->t.saved : NULL);
	h->stopped = false;
	h->gone = r < 0;
	return r < 0 ? -ESRCH : 0;
}

int hold_release(struct hold *h)
{
	return finish(h, tracee_release);
}

int hold_restore(struct hold *h)
{
	return finish(h, tracee_restore);
}
