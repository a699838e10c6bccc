/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guardian.
 *
 * Theory of operation.  When the monitor dies, its listeners must not close before the last process of the view is
 * dead: trapped calls would answer ENOSYS and all others go on, with the real files.  So the guardian shares the
 * monitor's table of descriptors (CLONE_FILES): whatever listener the monitor has now or gets later, the guardian has
 * it, and it stays open.  It waits for the monitor's end on a pidfd, kills what carries the view's tag until nothing
 * is left, and ends.  It has another name than umview, so that `killall -9 umview' does not reach it; should it be
 * killed, the monitor is its parent and ends the view; should both be, there is the front.
 */
#include "guardian.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

#define NAME "viewguard"

/* Descriptors that the guardian may open though the monitor has used up all of its own: /proc, pidfds. */
#define RESERVE 16

static _Noreturn void watch(int pidfd, struct ending *ending, const struct origin *origin)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, NAME);
	if (origin->title_size > sizeof(NAME)) { /* pkill -f and pidof look at the command line */
		memset(origin->title, 0, origin->title_size);
		memcpy(origin->title, NAME, sizeof(NAME));
	}
	prctl(PR_SET_DUMPABLE, 0);
	if (chdir("/") < 0)
		_exit(UM_EXIT_FAILURE);
	while (poll(&p, 1, -1) != 1)
		;
	while (!ending_round(ending))
		;
	_exit(0);
}

pid_t guardian_start(struct ending *ending, const struct origin *origin)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct rlimit lim;
	pid_t pid;

	if (pidfd < 0)
		return -errno;
	pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		return -errno;
	if (pid == 0)
		watch(pidfd, ending, origin);
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur > 4 * RESERVE) {
		lim.rlim_cur -= RESERVE;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	return pid;
}

void guardian_stop(pid_t guardian)
{
	kill(guardian, SIGKILL);
	waitpid(guardian, NULL, 0);
}
