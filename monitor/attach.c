// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * um_attach: taking a running process into the view.
 *
 * Theory of operation.
 *
 *	look	the process and its descendants are examined (attach_check.c); one that cannot be taken in ends it all
 *	hold	all their threads are stopped (tracer/hold.c), and those that were born meanwhile, until there is no new
 *		one.  So none of them forks, executes or ends by itself from here on
 *	take	one process after the other gets its state, and has one of its threads install the filter.  A descendant
 *		has a filter and a listener of its own, for it has inherited none
 *	let go	what was stopped goes on; the calls that the filter traps are served
 *
 * Until a process has the filter it can be let go as it was, but for no_new_privs.  From then on it is the view's, and
 * the monitor must not fail: what that takes is tried, or set aside, before.  Should it fail nevertheless, the process
 * is killed, for its calls would go to the host's files.
 *
 * All of this is done by one thread, a worker's, without the view's lock: the kernel knows one thread as a tracee's
 * tracer, and lets go of what is still held when that thread ends.  One such work is done at a time.  With the ptrace
 * tracer it is a thread of its own, which goes on as the tracer of those that were taken.
 *
 * The process gets the identity of who asks if that has virtual ids, else that of the view's user; but its own umask,
 * its own value of the limit that carries the state, and the root directory of the view.
 */
#include "attach.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "attach_check.h"
#include "dispatch.h"
#include "ending.h"
#include "node.h"
#include "procinfo.h"
#include "state_internal.h"
#include "syscall/filter.h"
#include "tracer/hold.h"
#include "tracer/tracer.h"
#include "view.h"

#define STOP_MS 3000 /* for a thread to stop */
#define ROUNDS 100   /* of looking for new threads and processes */
#define RESIST_US 3000
#define TRIES 50 /* while no thread of a process can be used, for a moment */
#define TRY_US 5000
#define SERVE_TRIES 100 /* to start a thread of ours, when there is no memory */

struct member {
	pid_t pid;
	struct attach_look look;
	bool taken;
};

struct attachment {
	struct um_view *view;
	struct um_state base; /* what a member's state is made of */
	uint64_t birth;       /* of its node */
	pid_t target;
	bool alone;
	struct member *members;
	size_t nmembers;
	struct hold *holds;
	size_t nholds;
	pid_t resisting; /* the thread that could not be seized last, and why */
	int error;
	bool complete; /* a whole reading of /proc has found nobody new */
	int listener;  /* of this thread, if it is to receive their calls */
	bool known;    /* to those who end the view */
	char *why;
	size_t size;
};

__attribute__((format(printf, 4, 5))) static int refuse(struct attachment *a, const struct member *m, int err,
							const char *format, ...)
{
	va_list ap;
	size_t n = 0;

	a->why[0] = '\0';
	if (m != NULL && m->pid != a->target)
		n = (size_t)snprintf(a->why, a->size, "its descendant %d (%s): ", (int)m->pid, m->look.name);
	va_start(ap, format);
	vsnprintf(a->why + n, a->size - n, format, ap);
	va_end(ap);
	return err;
}

/* --- look
 * ------------------------------------------------------------------------------------------------------------- */

static struct member *find_member(const struct attachment *a, pid_t pid)
{
	for (size_t i = 0; i < a->nmembers; i++)
		if (a->members[i].pid == pid)
			return &a->members[i];
	return NULL;
}

static int add_member(struct attachment *a, pid_t pid)
{
	struct member *more = realloc(a->members, (a->nmembers + 1) * sizeof(*more)), *m;
	char why[256];
	int err;

	if (more == NULL)
		return -ENOMEM;
	a->members = more;
	m = &a->members[a->nmembers];
	*m = (struct member){.pid = pid};
	err = attach_check(a->view, pid, &m->look, why, sizeof(why));
	/* a descendant that has ended, or that the view has already */
	if (pid != a->target && (err == -ESRCH || err == -EEXIST))
		return 0;
	a->nmembers++;
	a->complete = false;
	return err < 0 ? refuse(a, m, err, "%s", why) : 0;
}

static int add_child(void *arg, pid_t pid)
{
	struct attachment *a = arg;
	pid_t parent = procinfo_parent(pid);

	if (find_member(a, pid) != NULL || parent <= 0 || find_member(a, parent) == NULL)
		return 0;
	return add_member(a, pid);
}

/* Add the descendants that there are now. */
static int look(struct attachment *a)
{
	int err;

	do {
		a->complete = true;
		err = a->alone ? 0 : each_pid(add_child, a);
	} while (err == 0 && !a->complete);
	return err;
}

/* --- hold
 * ------------------------------------------------------------------------------------------------------------- */

static bool is_held(const struct attachment *a, pid_t tid)
{
	for (size_t i = 0; i < a->nholds; i++)
		if (a->holds[i].t.tid == tid && !a->holds[i].gone)
			return true;
	return false;
}

/* A thread that has ended, but not all of its process. */
static bool has_ended(pid_t tid)
{
	struct attach_look thread;

	return attach_look(tid, &thread) < 0 || thread.state == 'Z' || thread.state == 'X';
}

/* 1: it is to be looked at again; 0: it is not there; or a negative errno. */
static int seize(struct attachment *a, const struct member *m, pid_t tid)
{
	struct hold *more = realloc(a->holds, (a->nholds + 1) * sizeof(*more));
	int err;

	if (more == NULL)
		return -ENOMEM;
	a->holds = more;
	err = hold_seize(&a->holds[a->nholds], a->view, m->pid, tid);
	if (err == -ESRCH || (err < 0 && has_ended(tid)))
		return 0;
	a->resisting = 0;
	if (err == 0)
		a->nholds++;
	else
		a->resisting = tid; /* a leader that dies, for another thread executes a program and gets its id? */
	a->error = err;
	return 1;
}

/* Seize the threads that are not held.  How many, or a negative errno. */
static int seize_threads(struct attachment *a, const struct member *m)
{
	int seized = 0, r = 0;
	char path[32];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)m->pid);
	dir = opendir(path);
	while (dir != NULL && r >= 0 && (d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.' && !is_held(a, atoi(d->d_name))) {
			r = seize(a, m, atoi(d->d_name));
			seized += r > 0;
		}
	if (dir != NULL)
		closedir(dir);
	return r < 0 ? r : seized;
}

/* Wait for those that were seized. */
static int wait_for_threads(struct attachment *a)
{
	struct attach_look thread;

	for (struct hold *h = a->holds; h < a->holds + a->nholds; h++) {
		if (h->stopped || h->gone || hold_wait(h, STOP_MS) != -ETIMEDOUT)
			continue;
		attach_look(h->t.tid, &thread);
		return refuse(a, find_member(a, h->pid), -EBUSY,
			      "its thread %d does not stop (state %c): it waits for "
			      "something in the kernel, for a file system or for a child that it has made by vfork",
			      (int)h->t.tid, thread.state ? thread.state : '?');
	}
	return 0;
}

static int hold(struct attachment *a)
{
	int seized, err, r;

	for (int round = 0; round < ROUNDS; round++) {
		size_t before = a->nmembers;

		seized = 0;
		for (size_t i = 0; i < a->nmembers; i++) {
			r = seize_threads(a, &a->members[i]);
			if (r < 0)
				return r;
			seized += r;
		}
		err = wait_for_threads(a);
		if (err == 0)
			err = look(a);
		if (err < 0)
			return err;
		if (seized == 0 && a->nmembers == before)
			return 0;
		if (a->resisting)
			usleep(RESIST_US);
	}
	if (a->resisting)
		return refuse(a, NULL, a->error,
			      "thread %d cannot be stopped: %s (has it a tracer since now, or does a security "
			      "module forbid it?)",
			      (int)a->resisting, strerror(-a->error));
	return refuse(a, NULL, -EBUSY, "it makes threads and processes faster than they can be stopped");
}

static void let_go(struct attachment *a)
{
	for (struct hold *h = a->holds; h < a->holds + a->nholds; h++) {
		const struct member *m = find_member(a, h->pid);

		if (a->view->tracer_ops->keep != NULL && m != NULL && m->taken)
			a->view->tracer_ops->keep(h);
		else
			hold_release(h);
	}
}

/* --- take
 * ------------------------------------------------------------------------------------------------------------- */

/* A thread to work with; one in a system call is the surest.  NULL: none now. */
static struct hold *choose(const struct attachment *a, const struct member *m)
{
	struct hold *found = NULL;

	for (struct hold *h = a->holds; h < a->holds + a->nholds; h++)
		if (h->pid == m->pid && hold_usable(h)) {
			if (arch_call_nr(&h->t.saved) >= 0)
				return h;
			found = h;
		}
	return found;
}

static bool is_gone(const struct attachment *a, const struct member *m)
{
	for (size_t i = 0; i < a->nholds; i++)
		if (a->holds[i].pid == m->pid && !a->holds[i].gone)
			return false;
	return true;
}

/* Before anything is changed in any of them: is there such a thread in each? */
static int find_threads(struct attachment *a)
{
	for (const struct member *m = a->members; m < a->members + a->nmembers; m++)
		if (choose(a, m) == NULL && !is_gone(a, m))
			return refuse(a, m, -EAGAIN,
				      "none of its threads is where it can be made to install the filter");
	return 0;
}

/* Give it a state of the view.  @old: the limit that carried none. */
static int set_state(struct attachment *a, const struct member *m, struct rlimit64 *old)
{
	struct um_state state = a->base;
	const struct um_state *record;
	int err;

	if (prlimit64(m->pid, states_carrier(a->view->states), NULL, old) < 0)
		return -errno;
	state.umask = (uint16_t)m->look.umask;
	state.no_new_privs = m->look.no_new_privs == 1;
	state.carried = *old;
	um_lock(a->view); /* nobody sweeps the record before it is in use, and no node ends without that it is seen */
	nodes_ended(a->view);
	if (!node_lives(a->view, state.node, a->birth)) {
		err = -EOWNERDEAD;
	} else {
		record = state_intern(a->view->states, &state);
		err = record != NULL ? state_set(a->view->states, m->pid, record) : -ENOMEM;
	}
	um_unlock(a->view);
	return err;
}

/* Serve its calls.  There is no way back, so this is tried again while the system has no memory for a thread. */
static int serve_member(struct attachment *a, pid_t pid, int listener)
{
	int err = -EAGAIN;

	for (int i = 0; i < SERVE_TRIES && err < 0; i++) {
		if (i > 0)
			usleep(TRY_US);
		um_lock(a->view);
		if (i == 0)
			ending_add(a->view->ending, listener, true);
		err = monitor_add_listener(a->view, listener, pid);
		um_unlock(a->view);
	}
	if (err < 0)
		close(listener);
	return err;
}

/* It is this thread that will serve them: its listener, the one of all, is known to who ends the view. */
static void make_known(struct attachment *a)
{
	if (a->known)
		return;
	um_lock(a->view);
	ending_add(a->view->ending, a->listener, true);
	um_unlock(a->view);
	a->known = true;
}

/* What a failed installation means, in words. */
static int explain(struct attachment *a, const struct member *m, const struct um_taking *t, int err)
{
	const char *stays =
	    t->no_new_privs && m->look.no_new_privs != 1
		? "; it goes on as it was, but no_new_privs is set in it for good (set-id programs have no "
		  "effect)"
		: "";

	if (is_gone(a, m))
		return refuse(a, m, -ESRCH, "it has ended meanwhile");
	if (err == -EOWNERDEAD)
		return refuse(a, m, -ESRCH, "the view that it was to be taken into has ended meanwhile");
	if (t->filtered)
		return refuse(a, m, err,
			      "it was killed, for it had the view's filter but could not be served: %s: %s", t->what,
			      strerror(-err));
	if (err == -EBUSY && t->no_new_privs)
		return refuse(a, m, err,
			      "it has a seccomp listener already (it is in a container that uses one), and there can "
			      "be one only%s",
			      stays);
	if (err == -ESRCH && t->no_new_privs)
		return refuse(a, m, err, "one of its threads has a seccomp filter of its own%s", stays);
	if (err == -EMFILE)
		return refuse(a, m, err, "it has no descriptor left, and may not have more%s", stays);
	if (err == -ENOSYS)
		return refuse(a, m, err, "%s: this system has it not, or a container forbids it (umview --doctor)%s",
			      t->what, stays);
	return refuse(a, m, err, "%s: %s%s", t->what, strerror(-err), stays);
}

static int take(struct attachment *a, struct member *m, const struct sock_fprog *filter)
{
	struct um_taking t = {.what = "its state"};
	struct hold *h = choose(a, m);
	struct rlimit64 old;
	int fd;

	if (h == NULL || attach_look(m->pid, &m->look) < 0)
		return m->pid == a->target ? refuse(a, m, -ESRCH, "it has ended meanwhile") : 0;
	fd = set_state(a, m, &old);
	if (fd < 0)
		return explain(a, m, &t, fd);
	fd = a->view->tracer_ops->take(h, filter, &t);
	if (fd >= 0) {
		t.what = "a thread of the monitor";
		if (a->listener >= 0)
			make_known(a);
		else
			fd = serve_member(a, m->pid, fd);
		m->taken = fd == 0;
	}
	if (fd < 0 && t.filtered)
		kill(m->pid, SIGKILL);
	else if (fd < 0)
		prlimit64(m->pid, states_carrier(a->view->states), &old, NULL);
	return fd < 0 ? explain(a, m, &t, fd) : 0;
}

static int take_all(struct attachment *a)
{
	struct filter_config config = {.classes = a->view->classes,
				       .cookie = a->view->cookie,
				       .secure = a->view->secure,
				       .carrier = states_carrier(a->view->states)};
	struct sock_fprog filter;
	int err = filter_build(&filter, &config);

	if (err < 0)
		return refuse(a, NULL, err, "the filter cannot be built: %s", strerror(-err));
	for (size_t i = 0; i < a->nmembers && err == 0; i++)
		err = take(a, &a->members[i], &filter);
	filter_free(&filter);
	return err == -EAGAIN ? -ENOMEM : err; /* not to be tried again: something was changed */
}

/* --- all of it
 * ---------------------------------------------------------------------------------------------------------- */

/* Who is in: the reply, or what is added to the reason why the others are not. */
static void report(struct attachment *a, int err)
{
	size_t n = err < 0 ? strlen(a->why) : 0, more = 0;

	for (const struct member *m = a->members; m < a->members + a->nmembers; m++) {
		if (!m->taken)
			continue;
		if (a->size - n > sizeof(m->look.name) + 128)
			n += (size_t)snprintf(a->why + n, a->size - n,
					      err < 0 ? "; in the view now: %d (%s)" : "%d\t%s\n", (int)m->pid,
					      m->look.name);
		else
			more++;
	}
	if (more > 0)
		snprintf(a->why + n, a->size - n, err < 0 ? ", and %zu more" : "%zu more\n", more);
}

static int run(struct attachment *a)
{
	int err = add_member(a, a->target);

	if (err == 0)
		err = look(a);
	if (err == 0)
		err = hold(a);
	if (err == 0)
		err = find_threads(a);
	if (err == 0)
		err = take_all(a);
	let_go(a);
	report(a, err);
	free(a->members);
	free(a->holds);
	a->members = NULL;
	a->holds = NULL;
	a->nmembers = a->nholds = 0;
	return err;
}

/* What members' states are made of: a copy, for the record can go when who asks is killed. */
static int copy_base(struct attachment *a, const struct um_state *caller)
{
	const struct um_state *from = caller->virtual_ids ? caller : state_number(a->view->states, 1);
	size_t size = from->ids.ngroups * sizeof(gid_t);

	a->base = *from;
	a->base.node = caller->node;
	a->birth = node_birth(view_node(a->view, caller));
	a->base.dumpable = 1;
	a->base.sandboxed = false;
	a->base.cwd = STATE_CWD_HOST;
	a->base.root = NULL;
	a->base.ids.groups = malloc(size + 1);
	if (a->base.ids.groups == NULL)
		return -ENOMEM;
	memcpy(a->base.ids.groups, from->ids.groups, size);
	return 0;
}

static int try_run(struct attachment *a)
{
	int err = run(a);

	for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
		usleep(TRY_US);
		err = run(a);
	}
	return err;
}

/* The thread that does it, where it receives their calls afterwards. */
struct receiver {
	struct attachment *a;
	int err;
	sem_t done;
};

static void *receive(void *arg)
{
	struct receiver *r = arg;
	struct um_view *view = r->a->view;
	bool known = false;
	void *name;
	int fd = view->tracer_ops->found(&name);

	r->a->listener = fd;
	r->err = fd;
	if (fd >= 0) {
		r->err = try_run(r->a);
		known = r->a->known;
	}
	sem_post(&r->done); /* all of it is gone now */
	if (known)
		monitor_listen(view, fd, name);
	else if (fd >= 0)
		close(fd);
	return NULL;
}

static int run_on_receiver(struct attachment *a)
{
	struct receiver r = {.a = a};
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	sem_init(&r.done, 0, 0);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = -pthread_create(&thread, &attr, receive, &r);
	pthread_attr_destroy(&attr);
	while (err == 0 && sem_wait(&r.done) < 0)
		;
	sem_destroy(&r.done);
	return err < 0 ? err : r.err;
}

int attach(struct um_call *call, pid_t pid, bool alone, char *reply, size_t size)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	struct um_view *view = call->view;
	struct attachment a = {.view = view, .target = pid, .alone = alone, .listener = -1, .why = reply,
			       .size = size};
	int err;

	if (view->secure)
		return refuse(&a, NULL, -EPERM, "a secure view does not reach for processes outside of it");
	err = copy_base(&a, call->state);
	if (err < 0)
		return err;
	um_unlock(view);
	pthread_mutex_lock(&one);
	err = view->tracer_ops->found != NULL ? run_on_receiver(&a) : try_run(&a);
	pthread_mutex_unlock(&one);
	um_lock(view);
	free(a.base.ids.groups);
	return err;
}
