// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ptrace tracer: for where seccomp's listener cannot be had.
 *
 * Theory of operation.  The filter is the same, with TRACE in the place of USER_NOTIF.  All threads of the view are traced
 * from their birth on (TRACEFORK and its kin; the first is seized before it may exec), by one thread of the monitor, which
 * receives and answers as the unotify tracer's does.  A trapped call is one stop, at its beginning:
 *
 *	continued	PTRACE_CONT
 *	answered	the number is made -1, by which the kernel skips the call, and the result is set
 *	rewritten	other registers: the kernel makes another call.  It stops at its end, for the registers must be
 *			as they were
 *
 * What else stops a traced thread is passed on as if nobody traced it: signals with what came with them, stops of the
 * process (PTRACE_LISTEN keeps a thread stopped, and its real parent is told by the kernel), clones and execs.
 *
 * The monitor is the parent of CMD and its tracer.  The kernel gives all that becomes of CMD to the tracer, so the tracing
 * thread tells the loop's (ptrace_child); and the loop must not wait for others, or it would take events away.
 *
 * An exec by a thread that is not the leader takes over the leader's id, without a word about either's end; it is told
 * by its event.  Any request may fail because the thread was killed: its end is told by waitid, and nothing else counts.
 */
#include "ptrace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../procinfo.h"
#include "../view.h"
#include "park_ops.h"
#include "reads.h"

#define AT_CALL (SIGTRAP | 0x80)
#define TELLS 16                /* events of CMD that the loop has not heard of yet */

/* --- the filter and its listener ---------------------------------------------------------------------------------- */

struct sock_fprog ptrace_filter(const struct sock_fprog *filter, struct sock_filter *code)
{
	memcpy(code, filter->filter, filter->len * sizeof(*code));
	for (unsigned i = 0; i < filter->len; i++)
		if (code[i].code == (BPF_RET | BPF_K) && code[i].k == SECCOMP_RET_USER_NOTIF)
			code[i].k = SECCOMP_RET_TRACE;
	return (struct sock_fprog){ filter->len, code };
}

/* The listener: a socket. */
static int new_listener(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static int ptrace_install(const struct sock_fprog *filter, const struct um_features *features)
{
	struct sock_filter code[BPF_MAXINSNS];
	struct sock_fprog mine = ptrace_filter(filter, code);
	int fd = new_listener();

	(void)features;
	if (fd < 0)
		return fd;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &mine) < 0)
		return -errno;
	return fd;
}

static bool ptrace_is_listener(int fd)
{
	int type = 0, domain = 0;
	socklen_t n = sizeof(type), m = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_DGRAM &&
	       getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &m) == 0 && domain == AF_UNIX;
}

static int ptrace_probe(struct um_features *f, int fd)
{
	(void)fd;
	f->sync_wake_up = f->wait_killable = false; /* the listener's */
	return 0;
}

static int ptrace_start(struct um_view *view)
{
	struct sigaction sa = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP };

	(void)view;
	return sigaction(SIGCHLD, &sa, NULL) < 0 ? -errno : 0; /* each stop would wake the loop */
}

/* This thread is a tracer from now on.  NULL: there is no memory. */
static struct ptracer *new_ptracer(int fd)
{
	struct ptracer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->tid = gettid();
	p->thread = pthread_self();
	p->fd = fd;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->answered, NULL);
	return p;
}

static int ptrace_adopt(const struct um_features *features, int fd, pid_t child, void **listener)
{
	struct ptracer *p = new_ptracer(fd);

	(void)features;
	if (p == NULL)
		return -ENOMEM;
	if (ptrace(PTRACE_SEIZE, child, NULL, (void *)(long)PTRACER_OPTIONS) < 0) {
		int err = -errno;

		free(p);
		return err;
	}
	ptracer_enlist(p);
	*listener = p;
	return 0;
}

static int ptrace_found(void **listener)
{
	int fd = new_listener();

	*listener = fd >= 0 ? new_ptracer(fd) : NULL;
	if (fd >= 0 && *listener == NULL) {
		close(fd);
		return -ENOMEM;
	}
	if (fd >= 0)
		ptracer_enlist(*listener);
	return fd;
}

/* --- what the loop wants to know of CMD --------------------------------------------------------------------------- */

static pthread_mutex_t tell_mutex = PTHREAD_MUTEX_INITIALIZER;
static siginfo_t tells[TELLS];
static unsigned first_tell, ntells;

static void tell(const siginfo_t *info)
{
	pthread_mutex_lock(&tell_mutex);
	if (ntells == TELLS) { /* stops that are over; the newest count */
		first_tell = (first_tell + 1) % TELLS;
		ntells--;
	}
	tells[(first_tell + ntells++) % TELLS] = *info;
	pthread_mutex_unlock(&tell_mutex);
	kill(getpid(), SIGCHLD); /* blocked, and read by the loop */
}

/* One of the monitor's own children; 0: there is none. */
static bool has_ended(pid_t pid, siginfo_t *info)
{
	info->si_pid = 0;
	return pid > 0 && waitid(P_PID, (id_t)pid, info, WEXITED | WNOHANG | __WNOTHREAD) == 0 && info->si_pid != 0;
}

static bool ptrace_child(const struct um_view *view, siginfo_t *info)
{
	bool any;

	pthread_mutex_lock(&tell_mutex);
	any = ntells > 0;
	if (any) {
		*info = tells[first_tell];
		first_tell = (first_tell + 1) % TELLS;
		ntells--;
	}
	pthread_mutex_unlock(&tell_mutex);
	return any || has_ended(view->guardian, info);
}

static void tell_stop(struct ptracer *p, pid_t tid, int sig)
{
	siginfo_t info = { .si_pid = tid, .si_code = sig != 0 ? CLD_STOPPED : CLD_CONTINUED };

	if (tid != p->init || (sig != 0) == p->init_stopped)
		return;
	info.si_status = sig != 0 ? sig : SIGCONT;
	p->init_stopped = sig != 0;
	tell(&info);
}

/* --- stopped processes -------------------------------------------------------------------------------------------- */

static pthread_mutex_t stopped_mutex = PTHREAD_MUTEX_INITIALIZER;
static pid_t *stopped;          /* threads that stand with their process */
static size_t nstopped, room_stopped;

static bool ptrace_stopped(pid_t tid)
{
	bool found = false;

	pthread_mutex_lock(&stopped_mutex);
	for (size_t i = 0; i < nstopped && !found; i++)
		found = stopped[i] == tid;
	pthread_mutex_unlock(&stopped_mutex);
	return found;
}

static void note_stopped(pid_t tid)
{
	pthread_mutex_lock(&stopped_mutex);
	if (nstopped == room_stopped) {
		size_t room = room_stopped != 0 ? 2 * room_stopped : 64;
		pid_t *more = realloc(stopped, room * sizeof(*more));

		if (more != NULL) {
			stopped = more;
			room_stopped = room;
		}
	}
	if (nstopped < room_stopped)
		stopped[nstopped++] = tid;
	pthread_mutex_unlock(&stopped_mutex);
}

/* Something else is told of the thread. */
static void forget_stopped(pid_t tid)
{
	pthread_mutex_lock(&stopped_mutex);
	for (size_t i = 0; i < nstopped; i++)
		if (stopped[i] == tid)
			stopped[i--] = stopped[--nstopped];
	pthread_mutex_unlock(&stopped_mutex);
}

/* --- calls that wait ---------------------------------------------------------------------------------------------- */

int ptrace_keep(struct ptracer *p, struct trapped *t)
{
	struct trapped *copy = malloc(sizeof(*copy));

	if (copy == NULL)
		return -ENOMEM;
	*copy = *t;
	copy->busy = false;
	copy->next = p->others;
	p->others = copy;
	t->tid = 0;
	return 0;
}

static struct trapped *of_thread(struct ptracer *p, pid_t tid)
{
	for (struct trapped *t = p->others; t != NULL; t = t->next)
		if (t->tid == tid)
			return t;
	return NULL;
}

/* Forget those who need no answer any more, and what this thread had. */
static void forget(struct ptracer *p, pid_t tid)
{
	if (p->now.tid == tid)
		p->now.tid = 0;
	for (struct trapped **at = &p->others, *t; (t = *at);) {
		if (t->tid == tid || t->tid == 0)
			t->tid = 0;
		if (t->tid == 0 && !t->busy) {
			*at = t->next;
			free(t);
		} else {
			at = &t->next;
		}
	}
}

void ptrace_gone(struct ptracer *p, const siginfo_t *info)
{
	forget(p, info->si_pid);
	park_is_dead(info->si_pid);
	if (info->si_pid == p->init)
		tell(info);
}

/* The call, if it still waits. */
static struct trapped *waiting(struct ptracer *p, const struct um_call *call)
{
	struct trapped *t = &p->now;

	if (t->tid != 0 && t->cookie == call->cookie)
		return t;
	for (t = p->others; t != NULL; t = t->next)
		if (t->cookie == call->cookie && t->tid != 0 && !t->rewritten)
			return t;
	return NULL;
}

int ptrace_resume(enum __ptrace_request request, pid_t tid, int sig)
{
	return ptrace(request, tid, NULL, (void *)(long)sig) < 0 ? -ESRCH : 0;
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static void go_on(struct ptracer *p, pid_t tid, int sig)
{
	ptrace_resume(p->others != NULL && of_thread(p, tid) ? PTRACE_SYSCALL : PTRACE_CONT, tid, sig);
}

/* Calls that end with EINTR even if the signal has no handler: signal(7). */
static bool ends_for_signals(int nr)
{
	static const int calls[] = {
		SYS_epoll_wait, SYS_epoll_pwait, SYS_semop, SYS_semtimedop, SYS_io_getevents, SYS_rt_sigtimedwait,
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (nr == calls[i])
			return true;
	return false;
}

/* Does the process ignore it, by its wish or because that is what is done? */
static bool is_ignored(pid_t tid, int sig)
{
	struct procinfo_status status;
	uint64_t bit = UINT64_C(1) << (sig - 1);
	bool by_default = sig == SIGCHLD || sig == SIGURG || sig == SIGWINCH || sig == SIGCONT;

	procinfo_status(tid, &status);
	return (procinfo_mask(&status, "SigIgn") & bit) || (by_default && !(procinfo_mask(&status, "SigCgt") & bit));
}

/*
 * A signal is about to be delivered; it goes on with what came with it.  The kernel does not even send a signal that is
 * ignored, but to a traced thread it does, and that ends some calls: those are made again.
 */
static void on_signal(struct ptracer *p, pid_t tid, int sig)
{
	struct arch_regs regs;
	uint64_t args[6], ip;
	int nr;

	if (arch_regs_get(tid, &regs) == 0 && arch_result(&regs) == -EINTR) {
		arch_call_get(&regs, &nr, args, &ip);
		if (ends_for_signals(nr) && is_ignored(tid, sig)) {
			arch_restart(&regs);
			arch_regs_set(tid, &regs);
		}
	}
	go_on(p, tid, sig);
}

void ptrace_executes(struct ptracer *p, pid_t tid)
{
	unsigned long former = 0;

	forget(p, tid);
	park_is_dead(tid);
	if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &former) == 0 && former != (unsigned long)tid)
		forget(p, (pid_t)former);
	go_on(p, tid, 0);
}

/* A stop of the process, or the end of one; or the first stop of a thread. */
static void on_stop(struct ptracer *p, pid_t tid, int sig)
{
	if (sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU) {
		tell_stop(p, tid, sig);
		note_stopped(tid);
		ptrace(PTRACE_LISTEN, tid, NULL, NULL);
	} else {
		tell_stop(p, tid, 0);
		go_on(p, tid, 0);
	}
}

/* The end of a call that ran in another's place. */
static void on_call_end(struct ptracer *p, pid_t tid)
{
	struct trapped *t = of_thread(p, tid);

	if (t != NULL && t->asleep) {
		t->asleep = false;
		t->under_way = true;
		park_is_held(tid);
		return;
	}
	if (t == NULL || !t->rewritten) {
		go_on(p, tid, 0);
		return;
	}
	ptrace_rewritten_ends(t);
	forget(p, tid);
}

/* A call is trapped.  True: @call is filled. */
static bool on_call(struct ptracer *p, pid_t tid, struct um_call *call)
{
	struct trapped *t = &p->now;

	if (p->others != NULL && of_thread(p, tid)) {
		go_on(p, tid, 0); /* the one that it was rewritten as */
		return false;
	}
	if (arch_regs_get(tid, &t->regs) < 0)
		return false;
	t->tid = tid;
	t->cookie = ++p->last;
	t->under_way = t->busy = t->asleep = t->rewritten = t->masked = t->stopped = false;
	call->cookie = t->cookie;
	call->listener = p;
	call->tid = tid;
	arch_call_get(&t->regs, &call->nr, call->args, &call->ip);
	return true;
}

/* True: it is a call. */
static bool on_event(struct ptracer *p, const siginfo_t *info, struct um_call *call)
{
	pid_t tid = info->si_pid;
	int sig = info->si_status & 0xff;

	if (nstopped > 0)
		forget_stopped(tid);
	if (info->si_code != CLD_TRAPPED) {
		if (info->si_code == CLD_EXITED || info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED)
			ptrace_gone(p, info);
		return false;
	}
	switch (info->si_status >> 8) {
	case 0:
		if (sig == AT_CALL)
			on_call_end(p, tid);
		else
			on_signal(p, tid, sig);
		return false;
	case PTRACE_EVENT_SECCOMP:
		return on_call(p, tid, call);
	case PTRACE_EVENT_STOP:
		on_stop(p, tid, sig);
		return false;
	case PTRACE_EVENT_EXEC:
		ptrace_executes(p, tid);
		return false;
	default:
		go_on(p, tid, 0);
		return false;
	}
}

static int ptrace_receive(void *listener, struct um_call *call)
{
	struct ptracer *p = listener;
	siginfo_t info;
	int err;

	if (!p->serves)
		ptracer_begins(p);
	p->init = call->view->init;
	if (p->now.tid != 0 && ptrace_keep(p, &p->now) < 0) /* a worker has it */
		ptrace_result(&p->now, -ENOMEM);
	p->now.tid = 0;
	for (;;) {
		if (__atomic_load_n(&p->asks, __ATOMIC_SEQ_CST) != NULL)
			ptrace_serve(p);
		ptrace_tick(false);
		err = ptrace_wait(p, &info);
		if (err == 0 && on_event(p, &info, call))
			return 0;
		if (err == -ECHILD) {
			carrier_end(p);
			ptracer_ends(p);
			shutdown(p->fd, SHUT_RDWR); /* it hangs up */
			return -ENOENT;
		}
	}
}

/* --- operations --------------------------------------------------------------------------------------------------- */

/* A child without a tracer could make no trapped call: what asks for one gets one with it. */
static int clear_untraced(struct trapped *t, struct um_call *call)
{
	uint64_t flags;

	if (call->nr == SYS_clone && call->args[0] & CLONE_UNTRACED) {
		call->args[0] &= ~(uint64_t)CLONE_UNTRACED;
		arch_call_change(&t->regs, call->nr, call->args);
		return arch_regs_set(t->tid, &t->regs);
	}
	if (call->nr == SYS_clone3 && um_read(call, call->args[0], &flags, sizeof(flags)) == 0 && flags & CLONE_UNTRACED) {
		flags &= ~(uint64_t)CLONE_UNTRACED;
		return um_write(call, call->args[0], &flags, sizeof(flags));
	}
	return 0;
}

static int proceed(struct ptracer *p, struct trapped *t, struct um_call *call)
{
	if (t->under_way)
		return ptrace_become(p, t, call->nr, call->args);
	if (call->nr == SYS_clone || call->nr == SYS_clone3) {
		int err = clear_untraced(t, call);

		if (err < 0)
			return ptrace_result(t, err);
	}
	return ptrace_resume(PTRACE_CONT, t->tid, 0);
}

/* Do it; *over: the call has been answered. */
static int64_t perform(struct ptracer *p, struct ask *a, struct trapped *t, bool *over)
{
	struct arch_regs regs;
	int64_t ret;

	*over = true;
	switch (a->what) {
	case ASK_ANSWER:
		return ptrace_result(t, a->value);
	case ASK_PROCEED:
		return proceed(p, t, a->call);
	case ASK_REWRITE:
		ptrace_become(p, t, a->nr, a->args);
		return UM_REPLIED;
	case ASK_INJECT:
		ptrace_inject(p, t, a);
		return UM_REPLIED;
	case ASK_ALIVE:
		*over = false;
		return arch_regs_get(t->tid, &regs) == 0;
	case ASK_SLEEP:
		*over = false;
		return ptrace_sleep(p, t);
	case ASK_WAKE:
		*over = false;
		return ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL) < 0 ? -ESRCH : 0;
	case ASK_RESTART:
		return ptrace_restart(t);
	default:
		ret = ptrace_give(p, t, a->call, a->fd, a->flags, a->what == ASK_ANSWER_FD);
		*over = ret >= 0 && a->what == ASK_ANSWER_FD;
		if (*over) { /* before it goes on */
			close(a->fd);
			a->fd = -1;
		}
		if (*over)
			ptrace_result(t, ret);
		return ret;
	}
}

int64_t ptrace_perform(struct ptracer *p, struct ask *a)
{
	struct trapped *t;
	int64_t ret;
	bool over;

	if (a->what == ASK_END_READ)
		return ptrace_fail_read(a->reader);
	t = waiting(p, a->call);
	if (t == NULL)
		return a->what == ASK_ALIVE ? 0 : a->what == ASK_REWRITE || a->what == ASK_INJECT ? UM_REPLIED : -ESRCH;
	t->busy = true; /* its thread may end meanwhile */
	ret = perform(p, a, t, &over);
	t->busy = false;
	if (over)
		t->tid = 0;
	if (t->tid == 0 && t != &p->now)
		forget(p, 0);
	return ret;
}

static int ptrace_answer(struct um_call *call, int64_t value)
{
	return (int)ptrace_ask(&(struct ask){ .what = ASK_ANSWER, .call = call, .value = value });
}

static int ptrace_proceed(struct um_call *call)
{
	return (int)ptrace_ask(&(struct ask){ .what = ASK_PROCEED, .call = call });
}

static int ptrace_answer_fd(struct um_call *call, int fd, int flags)
{
	struct ask ask = { .what = ASK_ANSWER_FD, .call = call, .fd = fd, .flags = flags };
	int64_t ret = ptrace_ask(&ask);

	if (ask.fd >= 0)
		close(ask.fd);
	return (int)ret;
}

static int ptrace_add_fd(struct um_call *call, int fd, int flags)
{
	return (int)ptrace_ask(&(struct ask){ .what = ASK_ADD_FD, .call = call, .fd = fd, .flags = flags });
}

static bool ptrace_alive(struct um_call *call)
{
	return ptrace_ask(&(struct ask){ .what = ASK_ALIVE, .call = call }) != 0;
}

static int64_t ptrace_rewrite(struct um_call *call, int nr, const uint64_t args[6])
{
	return ptrace_ask(&(struct ask){ .what = ASK_REWRITE, .call = call, .nr = nr, .args = args });
}

static int64_t ptrace_injected(struct um_call *call, const struct um_inject *calls, unsigned n, unsigned result)
{
	return ptrace_ask(&(struct ask){ .what = ASK_INJECT, .call = call, .calls = calls, .n = n, .result = result });
}

const struct um_tracer_ops um_ptrace = {
	.name = "ptrace",
	.one_receiver = true,
	.install = ptrace_install,
	.is_listener = ptrace_is_listener,
	.probe = ptrace_probe,
	.start = ptrace_start,
	.adopt = ptrace_adopt,
	.receive = ptrace_receive,
	.lock = ptrace_lock,
	.answer = ptrace_answer,
	.proceed = ptrace_proceed,
	.answer_fd = ptrace_answer_fd,
	.add_fd = ptrace_add_fd,
	.alive = ptrace_alive,
	.rewrite = ptrace_rewrite,
	.inject = ptrace_injected,
	.end_read = ptrace_end_read,
	.stopped = ptrace_stopped,
	.child = ptrace_child,
	.is_helper = ptrace_is_helper,
	.park = &park_ptrace,
	.found = ptrace_found,
	.take = ptrace_take,
	.keep = ptrace_keep_held,
};
