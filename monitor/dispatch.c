// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The dispatcher and the monitor's loop.
 *
 * Each listener has one thread that receives, dispatches and answers: one receiver with SYNC_WAKE_UP is faster than
 * two.  All operations run under the view's lock.  An operation that finds that it would block returns UM_BLOCKS; it
 * is then run again from the start by a worker, where it says so around what blocks (um_wait_begin).
 *
 * Where any thread may receive, the receiver becomes the worker itself, for it is awake and has the call, and another
 * thread receives in its place: one that was a worker before and is idle, or a new one.  Where one thread must (ptrace),
 * the worker is a new thread.
 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../modules/include/um_ctl.h"
#include "dispatch.h"
#include "log.h"
#include "module_host.h"
#include "node.h"
#include "syscall/decode.h"
#include "syscall/stats.h"
#include "tracer/park.h"
#include "tracer/tracer.h"

#define POLLS_MAX 256
#define STAGES_MAX 1000000 /* files of one call: a directory that is renamed is copied up whole */
#define STACK_SIZE (2 * 1024 * 1024)

struct watcher {
	monitor_poll_fn *fn;
	void *arg;
};

static struct pollfd polls[POLLS_MAX];  /* [0] is the wake-up eventfd */
static struct watcher watchers[POLLS_MAX];
static unsigned npolls;
static bool stopping;

/* A number that no row names: traced, and left to the kernel (the filter decided already in secure mode). */
static const struct um_syscall unknown_row = {
	.name = "unknown", .fd = -1, .path = -1, .fd2 = -1, .path2 = -1, .flags = -1, .data = -1,
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Write the --trace line and count for --stats. */
static void record(struct um_call *call, const char *text, int64_t ret, uint64_t begin)
{
	uint64_t ns = now_ns() - begin;
	const char *route = ret == UM_CONTINUE ? "kernel" : call->route ? call->route : "umview";
	char result[128];

	if (call->view->stats)
		stats_record(call->nr, route, ns);
	if (call->view->trace == NULL)
		return;
	if (ret == UM_CONTINUE || ret == UM_REPLIED || ret == UM_BLOCKS || ret == UM_RESTART)
		result[0] = '\0';
	else
		decode_result(call->row, ret, result, sizeof(result));
	fprintf(call->view->trace, "%d %s %s [%s] %.1f us\n", call->tid, text, result, route, (double)ns / 1e3);
	fflush(call->view->trace);
}

static void *work(void *arg);
static bool hand_over(void);
static int start_thread(void *(*fn)(void *), void *arg);

/* um_attach traces processes, and whichever of them dies is the tracing thread's until that ends: it has one of its own. */
static bool may_trace(const struct um_call *call)
{
	return call->nr == UM_CTL_CALL_NR || call->nr == SYS_prctl;
}

/* A call that would block: have a worker serve it. */
static void to_worker(struct um_call *call)
{
	struct um_call *copy;

	if (!may_trace(call) && hand_over()) {
		call->on_worker = true;
		dispatch(call->view, call);
		return;
	}
	copy = malloc(sizeof(*copy));
	if (copy != NULL) {
		*copy = *call;
		copy->on_worker = true;
	}
	if (copy == NULL || start_thread(work, copy) < 0) {
		free(copy);
		call->view->tracer_ops->answer(call, -EAGAIN);
	}
}

/* Run the operation once, and before it whatever must come before any call. */
static int64_t operate_once(struct um_view *view, struct um_call *call)
{
	int64_t ret = modules_settle(call);

	if (ret == 0)
		ret = call->row->op(call);
	if (ret != -UM_STAGE && ret != UM_REPLIED && modules_want(view, false))
		return -UM_STAGE;
	if (ret == -EBUSY && nodes_ended(view)) /* by a view that is gone */
		ret = call->row->op(call);
	return ret;
}

/* Run the operation; what takes long is done on a worker, without the lock. */
static int64_t operate(struct um_view *view, struct um_call *call)
{
	int64_t ret = operate_once(view, call);
	int err = 0;

	if (ret == -UM_STAGE && !call->on_worker) {
		modules_stage(call, false);
		return UM_BLOCKS;
	}
	for (int tries = 0; ret == -UM_STAGE && err == 0 && tries < STAGES_MAX; tries++) {
		err = modules_stage(call, true);
		if (err == 0)
			ret = um_alive(call) ? operate_once(view, call) : UM_REPLIED;
	}
	if (call->on_worker)
		modules_stage(call, false); /* what was made, and not needed any more */
	return err < 0 ? err : ret == -UM_STAGE ? -EBUSY : ret;
}

void dispatch(struct um_view *view, struct um_call *call)
{
	bool watched = view->trace != NULL || view->stats;
	uint64_t begin = watched ? now_ns() : 0;
	struct um_call *before;
	int64_t ret = UM_CONTINUE;
	char text[2048];

	call->view = view;
	call->row = um_syscall_row(call->nr);
	if (call->row == NULL)
		call->row = &unknown_row;
	if (view->trace != NULL) /* before the operation: an exec takes the strings away */
		decode_call(call, text, sizeof(text));
	if (call->row->op != NULL) {
		call->state = state_of(view->states, call->tid);
		if (call->state == NULL)
			call->state = state_number(view->states, 1);
		before = module_serves(call);
		ret = operate(view, call);
		module_serves(before);
	}
	if (ret == UM_CONTINUE && view->secure && call->row->unsafe)
		ret = -ENOSYS; /* its pointers would be read again, after they were looked at */
	if (watched)
		record(call, text, ret, begin);
	if (call->park != NULL)
		park_answer(call, ret);
	else if (ret == UM_CONTINUE)
		view->tracer_ops->proceed(call);
	else if (ret == UM_BLOCKS)
		to_worker(call);
	else if (ret != UM_REPLIED)
		view->tracer_ops->answer(call, ret == UM_RESTART ? -EINTR : ret);
}

static void *work(void *arg)
{
	struct um_call *call = arg;

	um_lock(call->view);
	dispatch(call->view, call);
	um_unlock(call->view);
	free(call);
	return NULL;
}

struct listener {
	struct um_view *view;
	int fd;
	pid_t child;
	int err;                /* of adopting it; `adopted' says when it is known */
	sem_t adopted;
};

/*
 * There was nothing to receive: the caller was killed or interrupted, of which there may be any number in a row, or nobody
 * is left (Linux 6.11 says it so).  Waits for a call or for the hang-up; was it that?
 */
static bool hung_up(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return true;
	return (p.revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) != POLLIN;
}

/* --- receivers ------------------------------------------------------------------------------------------------------- */

#define IDLE_MAX 4

/* The threads of a listener, of which one receives.  All with the view's lock. */
struct receivers {
	struct um_view *view;
	int fd;
	void *name;
	unsigned threads, idle;
	int turns;              /* futex: how many of the idle ones are to receive */
	bool over;
};

static __thread struct receivers *mine; /* this thread is its receiver */

static void wake_idle(struct receivers *r, int n)
{
	__atomic_add_fetch(&r->turns, n, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &r->turns, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

static void *receiver_thread(void *arg);

static int start_thread(void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = -pthread_create(&thread, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	return err;
}

/* Let another thread receive, so that this one can work.  False: there is none. */
static bool hand_over(void)
{
	struct receivers *r = mine;

	if (r == NULL)
		return false;
	if (r->idle > 0) {
		r->idle--;
		wake_idle(r, 1);
	} else {
		r->threads++;
		if (start_thread(receiver_thread, r) < 0) {
			r->threads--;
			return false;
		}
	}
	mine = NULL;
	return true;
}

/* Wait to be the receiver again.  False: it is over, or there are enough. */
static bool wait_turn(struct receivers *r, bool stay)
{
	struct um_view *view = r->view;
	int turns;

	um_lock(view);
	if (r->over || (r->idle >= IDLE_MAX && !stay)) {
		um_unlock(view);
		return false;
	}
	r->idle++;
	um_unlock(view);
	for (;;) {
		turns = __atomic_load_n(&r->turns, __ATOMIC_SEQ_CST);
		if (turns == 0)
			syscall(SYS_futex, &r->turns, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
		else if (__atomic_compare_exchange_n(&r->turns, &turns, turns - 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			break;
	}
	return !__atomic_load_n(&r->over, __ATOMIC_SEQ_CST);
}

/* Receive as long as it is this thread's turn.  False: nobody is left to serve. */
static bool receive_all(struct receivers *r)
{
	const struct um_tracer_ops *ops = r->view->tracer_ops;

	mine = ops->one_receiver ? NULL : r;
	for (;;) {
		struct um_call call = { .view = r->view };
		int err = ops->receive(r->name, &call);

		if (err == 0) {
			ops->lock(r->name, r->view);
			dispatch(r->view, &call);
			um_unlock(r->view);
			if (mine == NULL && !ops->one_receiver)
				return true;
			continue;
		}
		if (err == -EAGAIN)
			continue;
		if (err != -ENOENT || hung_up(r->fd))
			return false;
	}
}

/* A thread of the listener; @stay: the first, which its caller waits for. */
static void receive_and_work(struct receivers *r, bool stay)
{
	struct um_view *view = r->view;
	bool last;

	do {
		if (receive_all(r))
			continue;
		um_lock(view);
		__atomic_store_n(&r->over, true, __ATOMIC_SEQ_CST);
		if (r->idle > 0)
			wake_idle(r, (int)r->idle);
		r->idle = 0;
		um_unlock(view);
		break;
	} while (wait_turn(r, stay));
	mine = NULL;
	um_lock(view);
	last = --r->threads == 0;
	um_unlock(view);
	if (!last)
		return;
	close(r->fd);
	free(r);
}

static void *receiver_thread(void *arg)
{
	receive_and_work(arg, false);
	return NULL;
}

void monitor_listen(struct um_view *view, int fd, void *name)
{
	struct receivers *r = um_alloc(sizeof(*r));

	*r = (struct receivers){ .view = view, .fd = fd, .name = name, .threads = 1 };
	receive_and_work(r, true);
}

static void *listen_thread(void *arg)
{
	struct listener *l = arg;
	bool ours;
	void *name;

	l->err = l->view->tracer_ops->adopt(&l->view->features, l->fd, l->child, &name);
	ours = l->err == 0;
	sem_post(&l->adopted); /* if it is not ours, it is gone now */
	if (!ours)
		return NULL;
	monitor_listen(l->view, l->fd, name);
	sem_destroy(&l->adopted);
	free(l);
	return NULL;
}

int monitor_add_listener(struct um_view *view, int fd, pid_t child)
{
	struct listener *l = malloc(sizeof(*l));
	int err;

	if (l == NULL)
		return -ENOMEM;
	*l = (struct listener){ .view = view, .fd = fd, .child = child };
	sem_init(&l->adopted, 0, 0);
	err = start_thread(listen_thread, l);
	if (err == 0) {
		while (sem_wait(&l->adopted) < 0)
			;
		err = l->err;
	}
	if (err < 0) {
		sem_destroy(&l->adopted);
		free(l);
	}
	return err;
}

/* The eventfd that interrupts poll(2). */
static int wake_fd(void)
{
	if (npolls == 0) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		if (fd < 0)
			return -errno;
		polls[npolls++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	return polls[0].fd;
}

static void wake(void)
{
	uint64_t one = 1;
	ssize_t n = write(wake_fd(), &one, sizeof(one));

	(void)n; /* a full counter wakes as well */
}

int monitor_add_poll(struct um_view *view, int fd, monitor_poll_fn *fn, void *arg)
{
	(void)view;
	if (wake_fd() < 0)
		return -errno;
	for (unsigned i = 1; i <= npolls && i < POLLS_MAX; i++) {
		if (i < npolls && polls[i].fd >= 0)
			continue;
		polls[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
		watchers[i] = (struct watcher){ fn, arg };
		if (i == npolls)
			npolls++;
		wake();
		return 0;
	}
	return -ENOSPC;
}

void monitor_remove_poll(struct um_view *view, int fd)
{
	(void)view;
	for (unsigned i = 1; i < npolls; i++)
		if (polls[i].fd == fd)
			polls[i].fd = -1; /* poll(2) passes over it */
}

void monitor_stop(struct um_view *view)
{
	(void)view;
	__atomic_store_n(&stopping, true, __ATOMIC_SEQ_CST);
	wake();
}

int monitor_loop(struct um_view *view)
{
	uint64_t drained;

	if (wake_fd() < 0)
		return -errno;
	while (!__atomic_load_n(&stopping, __ATOMIC_SEQ_CST)) {
		if (poll(polls, npolls, -1) < 0 && errno != EINTR)
			return -errno;
		if (polls[0].revents && read(polls[0].fd, &drained, sizeof(drained)) < 0 && errno != EAGAIN)
			return -errno;
		um_lock(view);
		for (unsigned i = 1; i < npolls; i++)
			if (polls[i].fd >= 0 && polls[i].revents) {
				polls[i].revents = 0;
				watchers[i].fn(view, polls[i].fd, watchers[i].arg);
			}
		um_unlock(view);
	}
	return 0;
}
