// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Parking: a call that waits in the monitor lets its thread sleep as Linux would.
 *
 * A thread whose notification has been received notices only signals that kill.  So what may take long must not
 * keep it there: handlers would not run, SIGSTOP would not stop it, EINTR would never come.
 *
 * Theory of operation.  An operation that runs on a worker says um_wait_begin() before what may block and um_wait_end()
 * after it.  In between, once a millisecond has passed, a thread of the monitor made for it, the nurse, has the tracer lay
 * the caller to sleep in another call, from which it is held before anything of it is seen.
 *
 *   - What was waited for comes.  The worker gives the nurse the result; the caller is woken, and gets it.
 *   - The worker needs the caller to wait in the call again, to place a descriptor: um_recall().
 *   - A signal comes, or the process is stopped.  The caller is held.  The nurse interrupts the worker's blocking system
 *     call (by a signal, over and over, until it is out of it).  If nothing had come, the operation undoes what it did
 *     and ends with UM_RESTART (or an error): then the caller goes on as after its own call ending with -ERESTARTSYS, and
 *     everything that follows is the kernel's: a handler with SA_RESTART, EINTR, job control.  A call that is restarted
 *     traps again, and starts from the beginning.  If a result had come at the same moment, it is delivered, and the
 *     handler runs after it.
 *   - The caller dies: the worker is interrupted, and its answer goes nowhere.
 *
 * So no call is lost or done twice: at each moment either the caller is held or sleeps, or the operation has had no effect.
 *
 * How a caller sleeps is the tracer's business: struct park_ops.  One that cannot be laid down (it has another tracer, it is
 * not dumpable, --without ptrace) waits as it was; if it is killed, the worker is interrupted within a tenth of a second.
 *
 * A struct um_park has two holders, worker and nurse, and ends with the second.  Locks are taken in the order list, park;
 * the nurse never takes the view's.
 */
#include "park.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../procinfo.h"
#include "../view.h"
#include "park_ops.h"
#include "tracer.h"

#define PATIENCE_US 1000    /* how long a call may wait in its notification */
#define SPARED_US 100000    /* the same for a thread that somebody is about to trace */
#define KICK_US 1000        /* between two signals to a thread that is to come out of a system call */
#define LOOK_US 100000      /* how often a caller that cannot be traced, or is awaited again, is looked at */
#define LET_GO_TRIES 1000   /* times KICK_US */
#define STACK_SIZE (64 * 1024)
#define IDLE_TURNS 100      /* milliseconds without anybody who waits, until nobody looks */

unsigned park_recalled;

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct um_park *parks;
static pid_t spared; /* the last thread that park_let_go() named */

/* --- small things ------------------------------------------------------------------------------------------------ */

/* Brings a thread out of a blocking system call. */
static int kick_signal(void)
{
	return SIGRTMAX - 3;
}

static void kicked(int sig)
{
	(void)sig;
}

/* Let this thread be kicked, or not. */
static void allow_kicks(bool allow)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, kick_signal());
	pthread_sigmask(allow ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
}

/* One that came too late is not for the next wait. */
static void forget_kicks(void)
{
	struct timespec none = { 0, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, kick_signal());
	while (sigtimedwait(&set, NULL, &none) > 0)
		;
}

bool park_wait(struct um_park *p, long us)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += us * 1000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return pthread_cond_timedwait(&p->changed, &p->lock, &t) == 0;
}

static void set_where(struct um_park *p, enum park_where where)
{
	p->where = where;
	pthread_cond_broadcast(&p->changed);
}

static struct um_park *park_new(struct um_call *call)
{
	struct um_park *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;

	if (p == NULL)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attr);
	pthread_condattr_destroy(&attr);
	p->call = call;
	p->own = *call;
	p->worker = pthread_self();
	p->holders = 1;
	pthread_mutex_lock(&list_lock);
	p->next = parks;
	parks = p;
	pthread_mutex_unlock(&list_lock);
	return p;
}

/* One holder less.  The park is not locked. */
static void park_drop(struct um_park *p)
{
	struct um_park **at;
	bool last;

	pthread_mutex_lock(&list_lock);
	last = --p->holders == 0;
	for (at = &parks; last && *at != NULL; at = &(*at)->next)
		if (*at == p) {
			*at = p->next;
			break;
		}
	pthread_mutex_unlock(&list_lock);
	if (!last)
		return;
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

bool park_signals(pid_t tid)
{
	struct procinfo_status status;

	procinfo_status(tid, &status);
	return ((procinfo_mask(&status, "SigPnd") | procinfo_mask(&status, "ShdPnd")) &
		~procinfo_mask(&status, "SigBlk")) != 0;
}

/* --- the nurse (all with the park locked) ------------------------------------------------------------------------- */

/* Get the worker out of what blocks. */
static void call_worker(struct um_park *p)
{
	while (p->waiting) {
		pthread_kill(p->worker, kick_signal());
		park_wait(p, KICK_US);
	}
}

/* The caller is dead. */
static void caller_gone(struct um_park *p)
{
	set_where(p, GONE);
	call_worker(p);
}

/* The caller cannot be parked.  Let the worker go when it dies. */
static void look_after(struct um_park *p)
{
	set_where(p, LIVE);
	while (p->waiting) {
		if (!park_wait(p, LOOK_US) && p->waiting && !p->call->view->tracer_ops->alive(p->call))
			caller_gone(p);
	}
}

static void hear(struct um_park *p)
{
	p->heard = true;
	pthread_cond_broadcast(&p->changed);
}

/* The caller is held: wait for the worker to say how its call ends. */
static void hold(struct um_park *p)
{
	set_where(p, HELD);
	call_worker(p);
	while (p->order != ANSWER && p->order != INSIST) {
		if (p->order == RECALL) {
			p->refused = true;
			p->order = NONE;
			pthread_cond_broadcast(&p->changed);
		}
		park_wait(p, LOOK_US);
		call_worker(p);
	}
}

/* The caller has been laid down: all until it is let go.  0, or negative errno: it is gone. */
static int tend(struct um_park *p, const struct park_ops *ops, bool held)
{
	int r = 0;

	if (!held) {
		set_where(p, PARKED);
		r = ops->watch(p);
		if (r == -EAGAIN) {
			if (p->order != NONE)
				hear(p);
			r = ops->wake(p);
		}
	}
	if (r == 0 && (p->order == NONE || (p->order == RECALL && ops->interrupted(p))))
		hold(p);
	if (r == 0) {
		hear(p);
		r = p->order == ANSWER ? ops->end(p, p->ret) : ops->put_back(p, p->order == INSIST);
	}
	if (r == 0)
		set_where(p, LEFT);
	return r;
}

/* Park the caller. */
static void park(struct um_park *p, const struct park_ops *ops)
{
	int64_t r;

	set_where(p, CATCHING);
	r = ops->lay(p);
	if (r == UM_REPLIED || (r >= 0 && tend(p, ops, r == 1) < 0))
		caller_gone(p);
	else if (r < 0)
		look_after(p);
}

static void *nurse(void *arg)
{
	struct um_park *p = arg;
	const struct park_ops *ops = p->own.view->tracer_ops->park;

	allow_kicks(true);
	pthread_mutex_lock(&p->lock);
	if (p->waiting && !p->let_go)
		park(p, ops);
	else if (p->waiting)
		look_after(p);
	pthread_mutex_unlock(&p->lock);
	if (ops->tidy != NULL)
		ops->tidy();
	park_drop(p);
	return NULL;
}

/* --- patience ------------------------------------------------------------------------------------------------------ */

/*
 * Most calls that wait have waited for less than a millisecond.  So they get no nurse at once: one thread looks at all that
 * wait, once in a millisecond as long as there are any, and makes one for each that has waited too long.
 */
static pthread_cond_t anybody = PTHREAD_COND_INITIALIZER; /* with list_lock */
static bool patience_there, patience_sleeps;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* The list is locked, and the park. */
static void start_nurse(struct um_park *p)
{
	pthread_attr_t attr;

	p->nursed = true;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	p->holders++;
	if (pthread_create(&p->nurse, &attr, nurse, p) != 0)
		p->holders--; /* it is not parked, then */
	pthread_attr_destroy(&attr);
}

/* How many wait without a nurse; those that have waited too long get one.  The list is locked. */
static unsigned look_at_all(void)
{
	uint64_t now = now_us();
	unsigned n = 0;

	for (struct um_park *p = parks; p != NULL; p = p->next) {
		long limit = __atomic_load_n(&spared, __ATOMIC_SEQ_CST) == p->own.tid ? SPARED_US : PATIENCE_US;

		pthread_mutex_lock(&p->lock);
		if (p->waiting && !p->nursed) {
			if (p->let_go || now - p->since >= (uint64_t)limit)
				start_nurse(p);
			else
				n++;
		}
		pthread_mutex_unlock(&p->lock);
	}
	return n;
}

static void *patience(void *arg)
{
	unsigned idle = 0;

	(void)arg;
	pthread_mutex_lock(&list_lock);
	for (;;) {
		idle = look_at_all() > 0 ? 0 : idle + 1;
		patience_sleeps = idle > IDLE_TURNS;
		while (patience_sleeps)
			pthread_cond_wait(&anybody, &list_lock);
		pthread_mutex_unlock(&list_lock);
		usleep(PATIENCE_US);
		pthread_mutex_lock(&list_lock);
	}
	return NULL;
}

/* Somebody waits who has no nurse. */
static void have_patience(void)
{
	struct sigaction sa = { .sa_handler = kicked };
	pthread_attr_t attr;
	pthread_t thread;

	pthread_mutex_lock(&list_lock);
	if (!patience_there) {
		sigaction(kick_signal(), &sa, NULL);
		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, STACK_SIZE);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		patience_there = pthread_create(&thread, &attr, patience, NULL) == 0;
		pthread_attr_destroy(&attr);
	}
	if (patience_sleeps) {
		patience_sleeps = false;
		pthread_cond_signal(&anybody);
	}
	pthread_mutex_unlock(&list_lock);
}

/* --- the worker --------------------------------------------------------------------------------------------------- */

void um_park_begin(struct um_call *call)
{
	struct um_park *p = call->park;
	bool alone;

	if (p == NULL)
		p = park_new(call);
	if (p != NULL) {
		pthread_mutex_lock(&p->lock);
		p->waiting = true;
		p->since = now_us();
		p->nursed |= !call->view->features.ptrace; /* there is nothing that one could do */
		alone = !p->nursed;
		pthread_mutex_unlock(&p->lock);
		if (alone)
			have_patience();
		allow_kicks(true);
	}
	call->park = p;
}

void um_wait_begin(struct um_call *call)
{
	um_park_begin(call);
	um_unlock(call->view);
}

bool um_park_end(struct um_call *call)
{
	struct um_park *p = call->park;
	enum park_where where = LIVE;
	bool nursed;

	if (p != NULL) {
		pthread_mutex_lock(&p->lock);
		p->waiting = false;
		pthread_cond_broadcast(&p->changed);
		while (p->where == CATCHING)
			park_wait(p, LOOK_US);
		where = p->where;
		nursed = p->nursed;
		pthread_mutex_unlock(&p->lock);
		allow_kicks(false);
		if (nursed)
			forget_kicks();
	}
	if (where == LIVE) {
		call->park = NULL;
		if (p != NULL)
			park_drop(p);
	}
	return where == HELD || where == GONE;
}

bool um_wait_end(struct um_call *call)
{
	bool interrupted = um_park_end(call);

	um_relock(call);
	return interrupted;
}

/* Give the nurse an order, and see that it has been heard.  False: the caller is gone.  The park is locked. */
static bool give_order(struct um_park *p, enum park_order order, int64_t ret)
{
	p->heard = p->refused = false;
	p->order = order;
	p->ret = ret;
	while ((p->where == PARKED || p->where == HELD) && !p->heard && !p->refused) {
		pthread_kill(p->nurse, kick_signal());
		pthread_cond_broadcast(&p->changed);
		park_wait(p, KICK_US);
	}
	return p->where != GONE;
}

/* The caller is to make its call again: wait until it has, or never will. */
static void await(struct um_park *p)
{
	while (!p->refused && !p->returned && p->where != GONE)
		if (!park_wait(p, LOOK_US) && p->where == LEFT && !p->returned && procinfo_is_dead(p->own.tid))
			set_where(p, GONE);
	if (p->awaited)
		__atomic_sub_fetch(&park_recalled, 1, __ATOMIC_SEQ_CST);
	p->awaited = false;
}

int um_recall(struct um_call *call, bool insist)
{
	struct um_park *p = call->park;
	bool back;

	if (p == NULL)
		return 0;
	um_unlock(call->view); /* who receives its notification needs it */
	pthread_mutex_lock(&p->lock);
	if (give_order(p, insist ? INSIST : RECALL, 0))
		await(p);
	back = p->returned;
	pthread_mutex_unlock(&p->lock);
	if (back) {
		call->park = NULL;
		park_drop(p);
	}
	um_relock(call);
	return back ? 0 : -EINTR;
}

void park_answer(struct um_call *call, int64_t ret)
{
	struct um_park *p = call->park;

	if (ret == UM_CONTINUE || ret == UM_REPLIED)
		ret = UM_RESTART;
	pthread_mutex_lock(&p->lock);
	if (p->where == PARKED || p->where == HELD)
		give_order(p, ANSWER, ret);
	pthread_mutex_unlock(&p->lock);
	call->park = NULL;
	park_drop(p);
}

bool park_alive(const struct um_call *call)
{
	bool alive;

	pthread_mutex_lock(&call->park->lock);
	alive = call->park->where != GONE;
	pthread_mutex_unlock(&call->park->lock);
	return alive;
}

/* --- others -------------------------------------------------------------------------------------------------------- */

/* Is it the call that the worker waits for?  The park is locked. */
static bool is_awaited(const struct um_park *p, const struct um_call *call)
{
	return p->awaited && !p->returned && p->call->nr == call->nr && p->call->ip == call->ip &&
	       memcmp(p->call->args, call->args, sizeof(call->args)) == 0;
}

bool park_returns(const struct um_call *call)
{
	bool found = false;

	pthread_mutex_lock(&list_lock);
	for (struct um_park *p = parks; p != NULL && !found; p = p->next) {
		if (p->own.tid != call->tid)
			continue;
		pthread_mutex_lock(&p->lock);
		found = is_awaited(p, call);
		if (found) {
			p->call->cookie = call->cookie;
			p->call->listener = call->listener;
			p->returned = true;
			pthread_cond_broadcast(&p->changed);
		}
		pthread_mutex_unlock(&p->lock);
	}
	pthread_mutex_unlock(&list_lock);
	return found;
}

/* The thread's park, held; or NULL. */
static struct um_park *park_of(pid_t tid)
{
	struct um_park *p;

	pthread_mutex_lock(&list_lock);
	for (p = parks; p != NULL && p->own.tid != tid; p = p->next)
		;
	if (p != NULL)
		p->holders++;
	pthread_mutex_unlock(&list_lock);
	return p;
}

void park_is_held(pid_t tid)
{
	struct um_park *p = park_of(tid);

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->held = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	park_drop(p);
}

void park_is_dead(pid_t tid)
{
	struct um_park *p = park_of(tid);

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->dead = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	park_drop(p);
}

void park_look(pid_t tid)
{
	struct um_park *p = park_of(tid);

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->look = true;
	while (p->look && p->where == PARKED) {
		pthread_kill(p->nurse, kick_signal());
		park_wait(p, KICK_US);
	}
	pthread_mutex_unlock(&p->lock);
	park_drop(p);
}

void park_let_go(pid_t tid)
{
	struct um_park *p;

	__atomic_store_n(&spared, tid, __ATOMIC_SEQ_CST); /* when it has made its call anew, there is time to trace it */
	p = park_of(tid);
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->let_go = true;
	for (unsigned i = 0; i < LET_GO_TRIES && p->where != LIVE && p->where != LEFT && p->where != GONE; i++) {
		if (p->where == PARKED)
			pthread_kill(p->nurse, kick_signal());
		pthread_cond_broadcast(&p->changed);
		park_wait(p, KICK_US);
	}
	pthread_mutex_unlock(&p->lock);
	park_drop(p);
}
