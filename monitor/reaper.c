/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reaper.
 *
 * Theory of operation.  All of it runs on the loop's thread, which has made CMD and the guardian and to which orphans
 * of the view are given.  The tracer does the waiting: stops of threads that other threads of the monitor have seized,
 * to rewrite or park a call, are theirs to see.
 *
 * The end.  The view ends with CMD, or with its last process (--linger); but not while processes live that it has
 * taken in (um_attach): they were there before it, and nobody expects them to end with somebody else's command.
 *
 * Stops.  When CMD stops the front is told; it says that it stops now, and stops.  Who continues it, by the shell's
 * `fg', continues CMD too.  But CMD may be continued or killed by others: then the front has to go on as well.  A
 * SIGCONT that comes just before it stops would be lost, so it is sent again until the front has said that it goes on.
 */
#include "reaper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dispatch.h"
#include "front.h"
#include "log.h"
#include "tracer/tracer.h"

#define TICK_NS 10000000

static void tell(struct reaper *r, enum front_what what, int value)
{
	struct front_msg msg = { .what = what, .value = value };

	send(r->sock, &msg, sizeof(msg), MSG_NOSIGNAL);
}

/* CMD is not stopped (any more), the front is or is about to. */
static void wake_front(struct reaper *r)
{
	struct itimerspec soon = { .it_value.tv_nsec = TICK_NS };

	if (!r->front_stopped || r->stopped || r->front_gone)
		return;
	kill(r->view->front, SIGCONT);
	timerfd_settime(r->tick, 0, &soon, NULL);
}

/* Take what the front says. */
static void hear(struct reaper *r)
{
	struct front_msg msg;

	while (recv(r->sock, &msg, sizeof(msg), MSG_DONTWAIT) == sizeof(msg)) {
		if (msg.what == FRONT_STOPPED)
			r->front_stopped = true;
		else if (msg.what == FRONT_GOES_ON)
			r->front_stopped = false;
	}
	wake_front(r);
}

/* The view is to end: for a reason, or because CMD has ended. */
static void finish(struct reaper *r, const char *why)
{
	if (why != NULL && r->why[0] == '\0')
		snprintf(r->why, sizeof(r->why), "%s", why);
	monitor_stop(r->view);
}

/* CMD has ended: is that the view's end? */
static bool is_over(struct reaper *r)
{
	return ending_gone(r->ending) || (!r->linger && r->ending->attached == 0);
}

/* The view goes on in the background: nobody waits for us, nor for the end of the pipe that standard error may be. */
static void leave_front(struct reaper *r, int status)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	r->left = true;
	um_info("the view goes on in the background, as long as processes live that um_attach has taken in "
		"(umview --list)");
	if (null >= 0) {
		dup2(null, STDERR_FILENO);
		close(null);
	}
	tell(r, FRONT_LEAVE, status);
}

static void cmd_ended(struct reaper *r, int status)
{
	r->ended = true;
	r->view->init_ended = true;
	r->status = status;
	r->stopped = false;
	wake_front(r);
	if (is_over(r))
		finish(r, NULL);
	else if (!r->linger)
		leave_front(r, status);
}

/* CMD has stopped, goes on, or has ended. */
static void see_cmd(struct reaper *r, const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_STOPPED:
		r->stopped = true;
		tell(r, FRONT_STOPPED, info->si_status);
		break;
	case CLD_CONTINUED:
		r->stopped = false;
		wake_front(r);
		break;
	case CLD_EXITED:
		cmd_ended(r, W_EXITCODE(info->si_status, 0));
		break;
	case CLD_KILLED:
		cmd_ended(r, info->si_status);
		break;
	case CLD_DUMPED:
		cmd_ended(r, info->si_status | WCOREFLAG);
		break;
	}
}

void reaper_reap(struct reaper *r)
{
	siginfo_t info;

	while (r->view->tracer_ops->child(r->view, &info)) {
		if (info.si_pid == r->view->init) {
			see_cmd(r, &info);
		} else if (info.si_pid == r->view->guardian) {
			r->view->guardian = 0;
			finish(r, "the guardian was killed");
		}
	}
}

static void on_signal(struct um_view *view, int fd, void *arg)
{
	struct signalfd_siginfo si;
	struct reaper *r = arg;
	char why[64];

	(void)view;
	while (read(fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			continue;
		snprintf(why, sizeof(why), "the monitor was told to end (%s)", strsignal((int)si.ssi_signo));
		finish(r, why);
	}
	reaper_reap(r);
}

static void on_front(struct um_view *view, int fd, void *arg)
{
	struct reaper *r = arg;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	hear(r);
	/* a closed socket says the same as the pidfd, which tells it better */
	if (poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)))
		monitor_remove_poll(view, fd);
}

static void on_front_death(struct um_view *view, int fd, void *arg)
{
	struct reaper *r = arg;

	monitor_remove_poll(view, fd);
	r->front_gone = true;
	view->front = 0; /* soon it is another process's number */
	if (!r->left)
		finish(r, "the process that started the view was killed");
}

static void on_tick(struct um_view *view, int fd, void *arg)
{
	uint64_t n;

	(void)view;
	if (read(fd, &n, sizeof(n)) == sizeof(n))
		hear(arg);
}

static void on_hangup(struct um_view *view, int fd, void *arg)
{
	struct reaper *r = arg;

	(void)view;
	(void)fd;
	ending_gone(r->ending); /* takes note */
	if (r->ended && is_over(r))
		finish(r, NULL);
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

static void add_poll(struct reaper *r, int fd, monitor_poll_fn *fn)
{
	int err = monitor_add_poll(r->view, fd, fn, r);

	if (err < 0)
		um_die("cannot wait for processes: %s", strerror(-err));
}

void reaper_start(struct reaper *r, struct um_view *view, struct ending *ending, int sock, bool linger)
{
	sigset_t set;

	*r = (struct reaper){ .view = view, .ending = ending, .sock = sock, .front = view->front, .linger = linger };
	sigemptyset(&set);
	for (const int *s = (const int[]){ SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT, 0 }; *s != 0; s++)
		sigaddset(&set, *s);
	r->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r->frontfd = (int)syscall(SYS_pidfd_open, view->front, 0);
	r->tick = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->sigfd < 0 || r->tick < 0)
		um_die("cannot wait for processes: %s", strerror(errno));
	if (r->frontfd < 0) /* gone already, and its view with it */
		_exit(UM_EXIT_FAILURE);
	add_poll(r, r->sigfd, on_signal);
	add_poll(r, r->frontfd, on_front_death);
	add_poll(r, sock, on_front);
	add_poll(r, r->tick, on_tick);
	add_poll(r, ending->hangups, on_hangup);
}

void reaper_finish(struct reaper *r)
{
	/* All that were of the view are dead: their ends arrive, as children of ours, without delay. */
	for (int patience = 100; patience > 0; patience--) {
		siginfo_t info = { .si_pid = 0 };

		reaper_reap(r);
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WNOTHREAD) < 0) /* ECHILD */
			break;
		usleep(1000);
	}
}

void reaper_tell_end(struct reaper *r)
{
	struct pollfd gone = { .fd = r->frontfd, .events = POLLIN };

	tell(r, FRONT_EXITED, r->status);
	do
		hear(r);
	while (r->front_stopped && poll(&gone, 1, TICK_NS / 1000000) == 0);
}
