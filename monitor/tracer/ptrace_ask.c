// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tracing thread and the others.
 *
 * Theory of operation.  The kernel takes ptrace requests from the thread alone that traces.  A worker leaves what it
 * wants in a list and waits; a signal tells the tracing thread to look.  That one may be
 *
 *	in waitid(2)		the signal's handler jumps out of it.  Whether an event was taken before shows in the siginfo,
 *				so none is lost, and no signal either: the list is looked at between setting the jump
 *				and the call
 *	waiting for the lock	which the worker may hold: so it does not sleep on it for long, and serves meanwhile
 *	at work on a call	it holds the lock, and serves when it waits next
 *	waiting for a thread	that makes a call, for another worker: it is over soon
 */
#include <errno.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../view.h"
#include "ptrace.h"

#define LOCK_NS 500000          /* how long the lock is waited for in one go */
#define TICK_NS 10000000
#define AGAIN_NS 20000000       /* how often a worker rings */

static struct ptracer *newest;
static __thread sigjmp_buf out;
static __thread volatile sig_atomic_t waiting;

static int bell(void)
{
	return SIGRTMAX - 4; /* park.c has the one above */
}

static void rung(int sig)
{
	(void)sig;
	if (waiting) {
		waiting = 0;
		siglongjmp(out, 1);
	}
}

void ptracer_begins(struct ptracer *p)
{
	struct sigaction sa = { .sa_handler = rung, .sa_flags = SA_NODEFER }; /* left by a jump, not by a return */
	sigset_t set;

	sigaction(bell(), &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, bell());
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_mutex_lock(&p->mutex);
	p->serves = true;
	pthread_mutex_unlock(&p->mutex);
}

int ptrace_wait(struct ptracer *p, siginfo_t *info)
{
	volatile int err = EINTR;

	info->si_pid = 0;
	if (sigsetjmp(out, 0) == 0) {
		waiting = 1;
		if (__atomic_load_n(&p->asks, __ATOMIC_SEQ_CST) == NULL &&
		    syscall(SYS_waitid, P_ALL, 0, info, WSTOPPED | WEXITED | __WNOTHREAD, NULL) < 0)
			err = errno;
		waiting = 0;
	}
	return *(volatile pid_t *)&info->si_pid != 0 ? 0 : -err;
}

void ptrace_tick(bool on)
{
	static __thread timer_t timer;
	static __thread bool made, ticks;
	struct itimerspec often = { { 0, TICK_NS }, { 0, TICK_NS } }, never = { 0 };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = bell() };

	if (on == ticks)
		return;
#ifdef sigev_notify_thread_id
	ev.sigev_notify_thread_id = gettid();
#else
	ev._sigev_un._tid = gettid();
#endif
	if (!made && timer_create(CLOCK_MONOTONIC, &ev, &timer) < 0)
		return;
	made = true;
	timer_settime(timer, 0, on ? &often : &never, NULL);
	ticks = on;
}

void ptrace_serve(struct ptracer *p)
{
	struct ask *a, *next;

	pthread_mutex_lock(&p->mutex);
	a = p->asks;
	__atomic_store_n(&p->asks, NULL, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&p->mutex);
	for (; a != NULL; a = next) {
		next = a->next;
		a->ret = ptrace_perform(p, a);
		pthread_mutex_lock(&p->mutex);
		a->done = true;
		pthread_cond_broadcast(&p->answered);
		pthread_mutex_unlock(&p->mutex);
	}
}

/* From now on until a moment later. */
static struct timespec later(clockid_t clock, long ns)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_nsec += ns;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

void ptrace_lock(void *listener, struct um_view *view)
{
	struct timespec t;

	while (pthread_mutex_trylock(&view->lock) != 0) {
		ptrace_serve(listener);
		t = later(CLOCK_REALTIME, LOCK_NS);
		if (pthread_mutex_timedlock(&view->lock, &t) == 0)
			break;
	}
}

void ptracer_enlist(struct ptracer *p)
{
	p->next = ptracers();
	while (!__atomic_compare_exchange_n(&newest, &p->next, p, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

struct ptracer *ptracers(void)
{
	return __atomic_load_n(&newest, __ATOMIC_SEQ_CST);
}

void ptracer_ends(struct ptracer *p)
{
	pthread_mutex_lock(&p->mutex);
	p->serves = false;
	pthread_mutex_unlock(&p->mutex);
	ptrace_serve(p);
}

int64_t ptrace_ask(struct ask *a)
{
	struct ptracer *p = a->call->listener;
	struct timespec t;
	bool own = pthread_equal(p->thread, pthread_self());

	pthread_mutex_lock(&p->mutex);
	if (own || !p->serves) { /* it has no thread that could be asked for */
		pthread_mutex_unlock(&p->mutex);
		return ptrace_perform(p, a);
	}
	a->next = p->asks;
	__atomic_store_n(&p->asks, a, __ATOMIC_SEQ_CST);
	while (!a->done) {
		syscall(SYS_tgkill, getpid(), p->tid, bell());
		t = later(CLOCK_REALTIME, AGAIN_NS);
		pthread_cond_timedwait(&p->answered, &p->mutex, &t);
	}
	pthread_mutex_unlock(&p->mutex);
	return a->ret;
}
