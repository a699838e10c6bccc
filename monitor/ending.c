/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ending a view.
 *
 * Theory of operation.  Processes of the view are known by their tag, and killed as /proc is read, again and again.  A
 * process that forks and exits at once, and its child likewise, can be one that no reading ever meets; but the
 * listener knows better than /proc: it hangs up when the last process under its filter is gone.  So the rounds go on
 * until all listeners have, and a round that found nobody watches the ids that are given out next, closely enough to
 * meet a process before it can fork.
 *
 * Before Linux 6.11 zombies count for the hang-up.  They are reaped by their parents or, once those are dead, by us; a
 * parent outside of the view that does not reap is why there is an end to patience.
 */
#include "ending.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "state.h"

#define ROUND_MS 1000
#define WATCH_NS 2000000
#define WATCH_IDS 24            /* more than are given out while the loop goes round once */
#define QUIET_ROUNDS 300        /* about a second of them */
#define QUIET_ROUNDS_BLIND 5    /* without listeners to tell */
#define GUARDIAN_MS 500         /* what a guardian may take before the front helps it */

struct ending *ending_new(void)
{
	struct ending *e = mmap(NULL, sizeof(*e), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (e == MAP_FAILED)
		return NULL;
	e->hangups = -1;
	return e;
}

int ending_arm(struct ending *e, uint32_t tag, int carrier)
{
	e->hangups = epoll_create1(EPOLL_CLOEXEC);
	if (e->hangups < 0)
		return -errno;
	e->carrier = carrier;
	__atomic_store_n(&e->tag, tag, __ATOMIC_RELEASE);
	return 0;
}

/* What epoll keeps for a listener: its descriptor, and whether it is an attached process's. */
#define ATTACHED (UINT64_C(1) << 32)

void ending_add(struct ending *e, int listener, bool attached)
{
	struct epoll_event ev = { .events = 0 }; /* hang-ups come always; calls are not our business */
	int fd = fcntl(listener, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return; /* then the tags alone must do */
	ev.data.u64 = (uint64_t)fd | (attached ? ATTACHED : 0);
	if (epoll_ctl(e->hangups, EPOLL_CTL_ADD, fd, &ev) < 0) {
		close(fd);
		return;
	}
	e->listeners++;
	e->attached += attached;
}

bool ending_gone(struct ending *e)
{
	struct epoll_event ev;

	while (e->listeners > 0 && epoll_wait(e->hangups, &ev, 1, 0) == 1) {
		int fd = (int)(uint32_t)ev.data.u64;

		/* The thread that serves it has it open, too: closing alone would leave it here, to be counted again. */
		epoll_ctl(e->hangups, EPOLL_CTL_DEL, fd, NULL);
		close(fd);
		e->listeners--;
		e->attached -= (ev.data.u64 & ATTACHED) != 0;
	}
	return e->listeners == 0;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* The process id given out last in our pid namespace (proc(5), loadavg, last field), or 0. */
static pid_t last_id(int fd)
{
	char buf[128], *p;
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);
	pid_t pid = 0;

	buf[n > 0 ? n : 0] = '\0';
	p = strrchr(buf, ' ');
	return p != NULL && sscanf(p, "%d", &pid) == 1 ? pid : 0;
}

/* Kill a process if it carries the tag, and not another one that gets its id meanwhile. */
static bool kill_if_tagged(const struct ending *e, pid_t pid)
{
	bool killed = false;
	int fd;

	if (pid == getpid() || !state_tagged(e->tag, e->carrier, pid))
		return false;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return false;
	if (state_tagged(e->tag, e->carrier, pid))
		killed = syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
	close(fd);
	return killed;
}

/* Lie in wait for those who are born next. */
static bool watch(const struct ending *e)
{
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	int64_t end = now_ns() + WATCH_NS;
	bool killed = false;
	pid_t last;

	while (fd >= 0 && !killed && now_ns() < end && (last = last_id(fd)) > 0)
		for (int i = 0; i < 64 && !killed; i++)
			for (pid_t pid = last > 1 ? last - 1 : 1; pid < last + WATCH_IDS; pid++)
				killed |= kill_if_tagged(e, pid);
	if (fd >= 0)
		close(fd);
	return killed;
}

bool ending_round(struct ending *e)
{
	int left;

	if (e->hangups >= 0 && e->rounds++ > 0 && ending_gone(e))
		e->over = true;
	if (e->over)
		return true;
	left = state_kill_all(e->tag, e->carrier, ROUND_MS);
	if (e->hangups >= 0 && left == 0 && ending_gone(e)) {
		e->over = true;
	} else if (left != 0 || watch(e)) {
		e->quiet = 0;
	} else {
		e->over = ++e->quiet > (e->listeners > 0 ? QUIET_ROUNDS : QUIET_ROUNDS_BLIND);
	}
	if (e->over && e->socket[0] != '\0')
		unlink(e->socket);
	return e->over;
}

void ending_by_front(const struct ending *e)
{
	struct ending mine = *e;
	struct pollfd p = { .events = POLLIN };

	if (e->tag == 0)
		return;
	p.fd = e->guardian > 0 ? (int)syscall(SYS_pidfd_open, e->guardian, 0) : -1;
	if (p.fd >= 0 && !e->over)
		poll(&p, 1, GUARDIAN_MS);
	/* the monitor's descriptors are not ours */
	mine.hangups = -1;
	mine.listeners = 0;
	mine.over = e->over;
	while (!ending_round(&mine))
		;
}
