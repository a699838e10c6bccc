// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Catching a thread that waits for the answer to a notification.
 *
 * Theory of operation.  A notification can be answered, not changed; ptrace changes registers, but a thread that
 * waits for a notification does not stop.  So both together:
 *
 *	PTRACE_SEIZE, PTRACE_INTERRUPT	the stop is pending
 *	answer the notification with error -ERESTARTSYS
 *	the thread runs to its next way out of the kernel, where the pending stop comes before any signal
 *	(get_signal() looks at jobctl first): it stops with the result -512, number and arguments those of the call
 *	change registers, PTRACE_DETACH: no process stays traced.
 *
 * The thread is always seized first: without a pending stop or signal -512 would reach the program.
 *
 * What else can happen, and what is done about it:
 *  - Without WAIT_KILLABLE_RECV the INTERRUPT itself ends the wait: the answer finds no call, yet the thread stops in
 *    the same state.  Only the registers count: a thread whose registers are those of the call (number, address,
 *    arguments, result -512) is caught, any other is let go.
 *  - Without it a signal may also come between the two: the stop is a signal-delivery-stop.  It serves as well; the
 *    signal is passed on by PTRACE_DETACH.
 *  - The process is stopped (SIGSTOP, SIGTSTP): the stop is a group-stop.  It serves as well: DETACH puts the thread
 *    back into the group stop, and the call is issued after SIGCONT.
 *  - SIGKILL ends any stop: every ptrace request may fail with -ESRCH.  The zombie belongs to the real parent; if
 *    that is not the monitor, the tracer must wait for the thread once, or the parent never sees it.  If it is the
 *    monitor, it is left for the monitor's own reaping.  Threads that are not leaders have no other waiter and are
 *    always taken.
 *  - Another thread calls execve(2): this thread dies; if it was the leader its id may go over to the caller, which
 *    we do not trace: ECHILD.
 *  - No wait is without a bound: a timer signal to this thread ends waitid(2).  A thread that has not stopped by
 *    then is kept in a list and let go by tracees_finish(), which each catching calls first; one that is dying
 *    slowly is waited for by a thread of its own.
 * Stops are only looked at (WNOWAIT), never consumed, so no state is lost when the wait is interrupted.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../arch/arch.h"
#include "../call.h"
#include "../procinfo.h"
#include "../view.h"
#include "tracee.h"
#include "tracer.h"

#define WAIT_DEATH_MS 20	/* for a thread that was killed */
#define WAIT_ZOMBIE_MS 50	/* before it is asked whether there is anything to wait for */
#define WAIT_TICK_MS 5		/* how often a wait looks at the clock */
#define STOPS_MAX 100		/* event and signal stops passed through during one injected call */
#define BURIAL_STACK (64 * 1024)
#define SETTLE_TRIES 2000
#define SETTLE_US 5000

static bool hides; /* see tracee_hides() */
static __thread struct tracee *leftovers;
static __thread timer_t wait_timer;
static __thread bool have_timer;

static void tick(int sig)
{
	(void)sig;
}

/* The signal that ends a wait: to this thread only, its handler does nothing. */
static int tick_signal(void)
{
	return SIGRTMAX - 2;
}

/* A thread of the monitor that ends: a timer of the kernel's counts as long as the process lives. */
static void timer_drop(void *unused)
{
	(void)unused;
	if (have_timer)
		timer_delete(wait_timer);
	have_timer = false;
}

static pthread_key_t timer_key;

static void timer_key_make(void)
{
	pthread_key_create(&timer_key, timer_drop);
}

/**
 * timer_arm() - make waitid(2) in this thread return with EINTR now and then
 * @on:	start or stop
 *
 * Timers are not inherited by fork, so a stale one is made anew.
 */
static void timer_arm(bool on)
{
	struct itimerspec its = { 0 };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID };
	struct sigaction sa = { .sa_handler = tick };
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	sigset_t set;

	if (on) {
		its.it_value.tv_nsec = WAIT_TICK_MS * 1000000L;
		its.it_interval = its.it_value;
	}
	if (have_timer && timer_settime(wait_timer, 0, &its, NULL) == 0)
		return;
	have_timer = false;
	if (!on)
		return;
	sigaction(tick_signal(), &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, tick_signal());
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	ev.sigev_signo = tick_signal();
#ifdef sigev_notify_thread_id
	ev.sigev_notify_thread_id = gettid();
#else
	ev._sigev_un._tid = gettid();
#endif
	if (timer_create(CLOCK_MONOTONIC, &ev, &wait_timer) == 0) {
		have_timer = true;
		pthread_once(&once, timer_key_make);
		pthread_setspecific(timer_key, &have_timer); /* not NULL: timer_drop() is called */
		timer_settime(wait_timer, 0, &its, NULL);
	}
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Note what kind of stop it is: @code is a system call's (0x80 added), an event's (in bits 8 and up) or a signal. */
static void tracee_stopped(struct tracee *t, int code)
{
	int sig = code & 0xff, event = code >> 8;

	t->group_stop = event == PTRACE_EVENT_STOP && sig != SIGTRAP;
	t->in_call = !event && sig == (SIGTRAP | 0x80);
	t->sig = event || t->in_call ? 0 : sig;
}

/**
 * tracee_look() - has the thread stopped or ended?
 * @flags:	0 or WNOHANG
 *
 * Return: 1: it is stopped; 0: not yet (only with WNOHANG); -ESRCH: it has ended, its zombie is there; -ECHILD: it is
 *	no longer ours; -EINTR.
 */
static int tracee_look(struct tracee *t, int flags)
{
	siginfo_t si = { 0 };

	if (waitid(P_PID, (id_t)t->tid, &si, WSTOPPED | WEXITED | WNOWAIT | __WALL | flags) < 0)
		return -errno;
	if (si.si_pid == 0)
		return 0;
	if (si.si_code != CLD_TRAPPED)
		return -ESRCH;
	tracee_stopped(t, si.si_status);
	return 1;
}

bool tracee_is_stopped(struct tracee *t)
{
	siginfo_t si;

	if (ptrace(PTRACE_GETSIGINFO, t->tid, NULL, &si) < 0)
		return false;
	/* The kernel's own stops have their code in si_code, a signal has any other. */
	if (si.si_code == (SIGTRAP | 0x80) || (si.si_code > 0 && si.si_code >> 8 == PTRACE_EVENT_STOP))
		tracee_stopped(t, si.si_code);
	else
		tracee_stopped(t, si.si_signo);
	return true;
}

/* As tracee_look(), waiting at most @ms milliseconds; -ETIMEDOUT.  0: it is stopped. */
int tracee_wait(struct tracee *t, unsigned ms)
{
	int64_t begin = 0;
	int r;

	timer_arm(true);
	while ((r = tracee_look(t, have_timer ? 0 : WNOHANG)) == -EINTR || r == 0) {
		int64_t waited;

		if (!begin)
			begin = now_ms();
		waited = now_ms() - begin;
		if (tracee_is_stopped(t))
			r = 1;
		else if (waited >= ms)
			r = -ETIMEDOUT;
		else if (waited >= WAIT_ZOMBIE_MS && procinfo_is_dead(t->tid))
			r = -EOWNERDEAD;
		if (r == 1 || (r < 0 && r != -EINTR))
			break;
		if (!have_timer)
			usleep(50);
	}
	timer_arm(false);
	return r == 1 ? 0 : r;
}

pid_t tracee_tracer(pid_t tid)
{
	struct procinfo_status status;

	procinfo_status(tid, &status);
	return (pid_t)procinfo_number(&status, "TracerPid");
}

/* Wait for a thread that has ended, so that its real parent sees it; not if that is us: see the top. */
static void tracee_bury(const struct tracee *t)
{
	struct procinfo_status status;
	siginfo_t si;

	procinfo_status(t->tid, &status);
	if (procinfo_number(&status, "Tgid") == t->tid && procinfo_number(&status, "PPid") == getpid())
		return;
	waitid(P_PID, (id_t)t->tid, &si, WEXITED | WNOHANG | __WALL);
}

/* Wait for one dying thread.  Any thread of the tracer's may; if it stops instead, tracees_finish() sees to it. */
static void *burial(void *arg)
{
	struct tracee t = { .tid = (pid_t)(intptr_t)arg };
	int r;

	while ((r = tracee_look(&t, 0)) == -EINTR)
		;
	if (r == -ESRCH)
		tracee_bury(&t);
	return NULL;
}

/* The real parent must not wait for the next rewriting to see an end: a thread of its own waits for it. */
static void start_burial(pid_t tid)
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, BURIAL_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_create(&thread, &attr, burial, (void *)(intptr_t)tid);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* Keep a thread that cannot be let go yet. */
static void tracee_leave(const struct tracee *t)
{
	struct tracee *copy = malloc(sizeof(*copy));

	start_burial(t->tid);
	if (!copy)
		return;
	*copy = *t;
	copy->next = leftovers;
	leftovers = copy;
}

void tracee_lost(struct tracee *t, int error)
{
	if (error == 0)
		error = tracee_wait(t, WAIT_DEATH_MS);
	if (error == -ESRCH)
		tracee_bury(t);
	else if (error != -ECHILD)
		tracee_leave(t);
}

void tracee_hides(void)
{
	__atomic_store_n(&hides, true, __ATOMIC_SEQ_CST);
}

/* Give a stopped thread these registers (NULL: it has its own), and its signal mask. */
int tracee_restore(struct tracee *t, const struct arch_regs *regs)
{
	int r = regs ? arch_regs_set(t->tid, regs) : 0;

	if (r == 0 && t->masked && ptrace(PTRACE_SETSIGMASK, t->tid, KERNEL_SIGSET_SIZE, &t->mask) < 0)
		r = -errno;
	return r;
}

/* Let a stopped thread go on with these registers (NULL: as it is), untraced. */
int tracee_release(struct tracee *t, const struct arch_regs *regs)
{
	int r = tracee_restore(t, regs);

	if (r == 0 && ptrace(PTRACE_DETACH, t->tid, NULL, (void *)(long)t->sig) < 0)
		r = -errno;
	if (__atomic_exchange_n(&hides, false, __ATOMIC_SEQ_CST))
		kill(getpid(), SIGCHLD);
	return r;
}

/* Block all signals in the stopped thread. */
int tracee_mask(struct tracee *t)
{
	uint64_t all = ~UINT64_C(0);

	if (ptrace(PTRACE_GETSIGMASK, t->tid, KERNEL_SIGSET_SIZE, &t->mask) < 0 ||
	    ptrace(PTRACE_SETSIGMASK, t->tid, KERNEL_SIGSET_SIZE, &all) < 0)
		return -errno;
	t->masked = true;
	return 0;
}

int tracee_next_call_stop(struct tracee *t, unsigned ms)
{
	int r;

	for (unsigned i = 0; i < STOPS_MAX; i++) {
		if (ptrace(PTRACE_SYSCALL, t->tid, NULL, (void *)(long)t->sig) < 0)
			return -errno;
		t->sig = 0;
		r = tracee_wait(t, ms);
		if (r < 0 || t->in_call)
			return r;
	}
	return -ETIMEDOUT;
}

int tracee_call(struct tracee *t, uint64_t ip, int nr, const uint64_t args[6], unsigned ms, int64_t *result)
{
	struct arch_regs regs = t->saved;
	int r;

	arch_set_call(&regs, nr, ip, args);
	r = arch_regs_set(t->tid, &regs);
	if (r < 0)
		return r;
	do {
		r = tracee_next_call_stop(t, ms);               /* entry */
		if (r == 0)
			r = tracee_next_call_stop(t, ms);       /* exit */
		if (r == 0)
			r = arch_regs_get(t->tid, &regs);
		/* An INTERRUPT or SIGCONT that came meanwhile can interrupt it: the kernel issues it again. */
	} while (r == 0 && arch_will_restart(&regs));
	*result = arch_result(&regs);
	return r;
}

/* See to one thread of the list.  True: it is done with. */
static bool leftover_finish(struct tracee *t)
{
	struct arch_regs regs;
	int r = tracee_look(t, WNOHANG);

	if (r == 0)
		return tracee_tracer(t->tid) == 0;
	if (r == -ESRCH)
		tracee_bury(t);
	if (r < 0)
		return r != -EINTR;
	if (t->injecting) {
		regs = t->saved;
		arch_set_result(&regs, -EINTR);
	} else {
		if (arch_regs_get(t->tid, &regs) < 0)
			return false;
		if (arch_will_restart(&regs))
			arch_restart(&regs);
	}
	return tracee_release(t, &regs) == 0;
}

bool tracees_pending(void)
{
	return leftovers != NULL;
}

void tracees_finish(void)
{
	struct tracee **at = &leftovers, *t;

	while ((t = *at)) {
		if (leftover_finish(t)) {
			*at = t->next;
			free(t);
		} else {
			at = &t->next;
		}
	}
}

void tracees_settle(void)
{
	for (unsigned i = 0; leftovers != NULL && i < SETTLE_TRIES; i++) {
		usleep(SETTLE_US);
		tracees_finish();
	}
}

/* Why a thread cannot be seized. */
static int64_t seize_error(struct um_call *call, int error)
{
	if (error == ESRCH)
		return call->view->tracer_ops->alive(call) ? -ESRCH : UM_REPLIED;
	return tracee_tracer(call->tid) > 0 ? -EBUSY : -error;
}

int64_t tracee_catch(struct um_call *call, struct tracee *t, struct arch_regs *regs, unsigned ms)
{
	int r;

	tracees_finish();
	*t = (struct tracee){ .tid = call->tid };
	/* Twice, for who traces it may just let it go. */
	if (ptrace(PTRACE_SEIZE, t->tid, NULL, (void *)PTRACE_O_TRACESYSGOOD) < 0 &&
	    (errno != EPERM || tracee_tracer(t->tid) != 0 ||
	     ptrace(PTRACE_SEIZE, t->tid, NULL, (void *)PTRACE_O_TRACESYSGOOD) < 0))
		return seize_error(call, errno);
	if (ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL) < 0) {
		tracee_lost(t, 0);
		return UM_REPLIED;
	}
	/* Fails if the call is over: either the interrupt ended it (no WAIT_KILLABLE_RECV), or the thread dies. */
	call->view->tracer_ops->answer(call, -ARCH_ERESTARTSYS);
	r = tracee_wait(t, ms);
	if (r == 0)
		r = arch_regs_get(t->tid, regs) < 0 ? 1 : 0;
	if (r) {
		tracee_lost(t, r < 0 ? r : 0);
		return UM_REPLIED;
	}
	if (arch_restarts_call(regs, call->nr, call->ip, call->args))
		return 0;
	if (tracee_release(t, NULL) < 0)
		tracee_lost(t, 0);
	return UM_REPLIED;
}
