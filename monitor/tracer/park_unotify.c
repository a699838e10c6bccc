// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Parking with the unotify tracer.
 *
 * Theory of operation.  The nurse catches the caller (tracee.c), has it call pause(2) in place of its call, and stays its
 * tracer.  Whatever happens to it then is a stop first: a signal at its delivery, a stop of its process, an INTERRUPT.
 * From each it can go on as after its own call, whatever that is to have given, for the registers are known: with a result,
 * or with -ERESTARTSYS, and with the signal, by PTRACE_DETACH; what follows is the kernel's.  To wait in its call again it
 * makes it again (-ERESTARTNOINTR), and the new notification is the worker's (park_returns()); if a signal has come but a
 * result too, which must not be lost, it does so with its signals blocked.
 *
 * A caller that is to stop is waited for without a limit: on a busy machine it may get no processor for seconds, and who
 * gave it up would lose the result.  All but its end lets it stop.
 */
#include "park_ops.h"

#include <errno.h>
#include <limits.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "park.h"
#include "tracer.h"

#define STOP_MS 1000 /* for a caller that has stopped */
#define LOOK_MS 10   /* how long park_look() may have to wait */

/* The caller is gone, @error says how (see tracee_lost()). */
static int lost(struct um_park *p, int error)
{
	tracee_lost(&p->tracee, error == -ETIMEDOUT || error == -ECHILD ? error : 0);
	return error;
}

static int64_t lay(struct um_park *p)
{
	static const uint64_t nothing[6];
	struct tracee *t = &p->tracee;
	struct arch_regs regs;
	int64_t caught;
	int r;

	pthread_mutex_unlock(&p->lock);
	caught = tracee_catch(&p->own, t, &p->saved, UINT_MAX);
	pthread_mutex_lock(&p->lock);
	if (caught != 0)
		return caught;
	if (t->sig != 0 || t->group_stop)
		return 1;
	regs = p->saved;
	arch_restart_as(&regs, ARCH_SYS_SLEEP, nothing);
	r = arch_regs_set(t->tid, &regs);
	if (r == 0 && ptrace(PTRACE_CONT, t->tid, NULL, NULL) < 0)
		r = -errno;
	if (r < 0)
		lost(p, r);
	return r < 0 ? UM_REPLIED : 0;
}

static int watch(struct um_park *p)
{
	struct tracee *t = &p->tracee;
	siginfo_t si;
	int r = -EINTR;

	while (r == -EINTR && !park_called(p) && !tracee_is_stopped(t)) {
		p->look = false;
		pthread_mutex_unlock(&p->lock);
		r = waitid(P_PID, (id_t)t->tid, &si, WSTOPPED | WEXITED | WNOWAIT | __WALL) < 0 ? -errno : 0;
		pthread_mutex_lock(&p->lock);
	}
	p->look = false;
	if (r == -EINTR && !tracee_is_stopped(t))
		return -EAGAIN;
	if (r == 0 || r == -EINTR)
		r = tracee_wait(t, STOP_MS);
	return r < 0 ? lost(p, r) : 0;
}

static int wake(struct um_park *p)
{
	int r = ptrace(PTRACE_INTERRUPT, p->tracee.tid, NULL, NULL) < 0 ? -errno : -ETIMEDOUT;

	while (r == -ETIMEDOUT) {
		p->look = false;
		pthread_mutex_unlock(&p->lock);
		r = tracee_wait(&p->tracee, LOOK_MS);
		pthread_mutex_lock(&p->lock);
	}
	return r < 0 ? lost(p, r) : 0;
}

static bool interrupted(struct um_park *p)
{
	return p->tracee.sig != 0 || p->tracee.group_stop || park_signals(p->tracee.tid);
}

static int release(struct um_park *p, const struct arch_regs *regs)
{
	int r = tracee_release(&p->tracee, regs);

	return r < 0 ? lost(p, r) : 0;
}

/*
 * Have it make a call with all signals blocked, and let it go when that is over.  The signal at whose delivery it stands is
 * queued anew, for it is blocked now (kernel/signal.c, ptrace_signal()); a stop of its process counts again for who is let go.
 */
static int see_through(struct um_park *p, const struct arch_regs *regs)
{
	struct tracee *t = &p->tracee;
	int r = tracee_mask(t);

	pthread_mutex_unlock(&p->lock);
	if (r == 0)
		r = arch_regs_set(t->tid, regs);
	if (r == 0)
		r = tracee_next_call_stop(t, UINT_MAX);
	if (r == 0)
		r = tracee_next_call_stop(t, UINT_MAX); /* the worker answers it */
	pthread_mutex_lock(&p->lock);
	return r < 0 ? lost(p, r) : release(p, NULL);
}

static int put_back(struct um_park *p, bool insist)
{
	struct arch_regs regs = p->saved;

	p->awaited = true;
	__atomic_add_fetch(&park_recalled, 1, __ATOMIC_SEQ_CST); /* until the worker has seen it, or given up */
	arch_restart(&regs);
	return insist ? see_through(p, &regs) : release(p, &regs);
}

static int end(struct um_park *p, int64_t ret)
{
	struct arch_regs regs = p->saved;

	if (ret != UM_RESTART)
		arch_set_result(&regs, ret);
	return release(p, &regs);
}

const struct park_ops park_unotify = {
	.lay = lay, .watch = watch, .wake = wake, .interrupted = interrupted, .put_back = put_back, .end = end,
	.tidy = tracees_settle,
};
