// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls in place of the trapped one.
 *
 * A thread that was trapped stands at the beginning of its call: other registers make it another call, and
 * PTRACE_SYSCALL stops the thread at its end.  From there it is sent back to the instruction for each further call, with
 * all signals blocked, and each of these has a stop at its beginning and one at its end.  Nothing of this shows: in the end
 * the thread has the registers that it came with, and the result.
 *
 * SIGSTOP cannot be blocked.  The thread goes on through it, and is interrupted afterwards, by which it takes its place
 * among the stopped threads of its process.
 */
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "../procinfo.h"
#include "../view.h"
#include "inject.h"
#include "ptrace.h"
#include "tracee.h"

#define AT_CALL (SIGTRAP | 0x80) /* with PTRACE_O_TRACESYSGOOD */

/*
 * Set its registers, unless another thread has its number now: one that executes a program takes the leader's, and what
 * is done here would be done to the program.  That stop is told of by waitid(2).
 */
static int set_regs(const struct trapped *t, const struct arch_regs *regs)
{
	siginfo_t si;

	if (ptrace(PTRACE_GETSIGINFO, t->tid, NULL, &si) == 0 && si.si_code >> 8 == PTRACE_EVENT_EXEC)
		return -ESRCH;
	return arch_regs_set(t->tid, regs);
}

/* Let it run to its next stop at a system call.  0 or -ESRCH. */
static int run(struct ptracer *p, struct trapped *t)
{
	siginfo_t info;
	int sig = 0;

	for (;;) {
		if (ptrace_resume(PTRACE_SYSCALL, t->tid, sig) < 0)
			return -ESRCH; /* killed; its end will be told */
		ptrace_tick(true);
		do
			info.si_pid = 0;
		while (waitid(P_PID, (id_t)t->tid, &info, WSTOPPED | WEXITED | __WALL | __WNOTHREAD) < 0 && errno == EINTR &&
		       !procinfo_is_dead(t->tid));
		if (info.si_pid == 0)
			return -ESRCH;
		if (info.si_code != CLD_TRAPPED) {
			t->tid = 0;
			ptrace_gone(p, &info);
			return -ESRCH;
		}
		if (info.si_status == AT_CALL)
			return 0;
		if (info.si_status >> 8 == PTRACE_EVENT_EXEC) {
			t->tid = 0;
			ptrace_executes(p, info.si_pid);
			return -ESRCH;
		}
		sig = info.si_status >> 8 ? 0 : info.si_status;
		if (info.si_status >> 8 == PTRACE_EVENT_STOP && (info.si_status & 0xff) != SIGTRAP)
			t->stopped = true;
	}
}

static int set_mask(const struct trapped *t, uint64_t mask)
{
	return ptrace(PTRACE_SETSIGMASK, t->tid, KERNEL_SIGSET_SIZE, &mask) < 0 ? -ESRCH : 0;
}

/* Block its signals: it is about to leave the kernel between two calls. */
static int block(struct trapped *t)
{
	if (t->masked)
		return 0;
	if (ptrace(PTRACE_GETSIGMASK, t->tid, KERNEL_SIGSET_SIZE, &t->mask) < 0)
		return -ESRCH;
	t->masked = true;
	return set_mask(t, ~UINT64_C(0));
}

static int unblock(struct trapped *t)
{
	int err = t->masked ? set_mask(t, t->mask) : 0;

	t->masked = false;
	return err;
}

/* Bring it to the beginning of another call. */
static int begin(struct ptracer *p, struct trapped *t, int nr, const uint64_t args[6])
{
	struct arch_regs regs = t->regs;
	uint64_t ip, unused[6];
	int was, err;

	if (!t->under_way) {
		t->under_way = true;
		arch_call_change(&regs, nr, args);
		return set_regs(t, &regs);
	}
	arch_call_get(&regs, &was, unused, &ip);
	arch_set_call(&regs, nr, ip, args);
	err = block(t);
	if (err == 0)
		err = set_regs(t, &regs);
	return err < 0 ? err : run(p, t);
}

int ptrace_call(struct ptracer *p, struct trapped *t, int nr, const uint64_t args[6], int64_t *result)
{
	struct arch_regs regs;
	int err;

	do {
		err = begin(p, t, nr, args);
		if (err == 0)
			err = run(p, t);
		if (err == 0)
			err = arch_regs_get(t->tid, &regs);
		/* what a signal has interrupted is begun again, with signals blocked */
	} while (err == 0 && arch_will_restart(&regs));
	if (err == 0)
		*result = arch_result(&regs);
	return err;
}

/* Let it go, with what belongs to it. */
static int let_go(struct trapped *t, int request)
{
	int err = unblock(t);

	if (err == 0 && t->stopped)
		ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL);
	if (err == 0)
		err = ptrace_resume(request, t->tid, 0);
	return err;
}

int ptrace_result(struct trapped *t, int64_t value)
{
	int err;

	arch_set_result(&t->regs, value);
	err = set_regs(t, &t->regs);
	return err < 0 ? err : let_go(t, PTRACE_CONT);
}

int ptrace_restart(struct trapped *t)
{
	int err;

	arch_come_back(&t->regs, -ARCH_ERESTARTSYS);
	err = set_regs(t, &t->regs);
	return err < 0 ? err : let_go(t, PTRACE_CONT);
}

int ptrace_sleep(struct ptracer *p, struct trapped *t)
{
	static const uint64_t nothing[6];
	int err = begin(p, t, ARCH_SYS_SLEEP, nothing);

	if (err == 0)
		err = unblock(t);
	if (err == 0 && t == &p->now) {
		err = ptrace_keep(p, t);
		t = p->others;
	}
	if (err < 0)
		return err;
	t->asleep = true;
	return let_go(t, PTRACE_SYSCALL);
}

int ptrace_become(struct ptracer *p, struct trapped *t, int nr, const uint64_t args[6])
{
	pid_t tid = t->tid;
	int err = begin(p, t, nr, args);

	if (err == 0)
		err = unblock(t);
	if (err < 0)
		return err;
	t->rewritten = true;
	t->under_way = false;
	err = ptrace_keep(p, t);
	if (err == 0)
		err = ptrace_resume(PTRACE_SYSCALL, tid, 0);
	return err;
}

/* An interrupted call is restarted as the one that the program made. */
void ptrace_rewritten_ends(struct trapped *t)
{
	struct arch_regs regs;

	if (arch_regs_get(t->tid, &regs) < 0)
		return;
	arch_come_back(&t->regs, arch_result(&regs));
	if (set_regs(t, &t->regs) == 0)
		let_go(t, PTRACE_CONT);
}

/* What the calls are made in, as inject_make wants it. */
struct injected {
	struct ptracer *p;
	struct trapped *t;
};

static int make(void *in, int nr, const uint64_t args[6], int64_t *result)
{
	struct injected *x = in;

	return ptrace_call(x->p, x->t, nr, args, result);
}

int ptrace_inject(struct ptracer *p, struct trapped *t, const struct ask *a)
{
	struct injected x = { p, t };
	int64_t answer;
	int err = inject_all(a->call, a->calls, a->n, a->result, make, &x, &answer);

	return err < 0 ? err : ptrace_result(t, answer);
}
