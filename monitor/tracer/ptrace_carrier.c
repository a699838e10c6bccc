// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The carrier: who lends the monitor's descriptors to traced processes.
 *
 * Theory of operation.  A process must take a descriptor itself, and the monitor, which is not dumpable, can be looked into
 * by nobody.  So each tracing thread has a child that shares the monitor's table of descriptors (CLONE_FILES) and nothing
 * else, and may be looked at.  It has no capabilities, for who has fewer than it could not; it does nothing, is made when
 * it is first needed, and ends with its thread.  If somebody kills it there is another one at the next use.
 *
 * It sends no signal when it ends, which keeps it out of a waitid(2) for the traced threads (__WCLONE).
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../view.h"
#include "ptrace.h"

#define NAME "viewcarrier"
#define READY_MS 20
#ifndef PR_SET_PTRACER
#define PR_SET_PTRACER 0x59616d61
#endif

/* @ready: an eventfd, to be told that the carrier may be looked at. */
static _Noreturn void carry(struct um_view *view, pid_t monitor, int ready)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	sigset_t all;

	view->cookie = 0; /* our copy: it is no secret here */
	syscall(SYS_capset, &head, none);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_NAME, NAME);
	prctl(PR_SET_PTRACER, -1ul, 0, 0, 0); /* Yama */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	setsid();
	if (chdir("/") < 0 || getppid() != monitor || eventfd_write(ready, 1) < 0)
		_exit(0);
	for (;;)
		pause();
}

/* Wait for it, or for its end. */
static void wait_ready(struct ptracer *p, int ready)
{
	struct pollfd fd = { .fd = ready, .events = POLLIN };

	while (poll(&fd, 1, READY_MS) <= 0)
		if (carrier_has_ended(p))
			return;
}

pid_t carrier_of(struct ptracer *p, struct um_view *view)
{
	pid_t me = getpid(), child;
	int ready;

	if (p->carrier != 0)
		return p->carrier;
	ready = eventfd(0, EFD_CLOEXEC);
	if (ready < 0)
		return -errno;
	child = (pid_t)syscall(SYS_clone, CLONE_FILES, 0, 0, 0, 0);
	if (child == 0)
		carry(view, me, ready);
	if (child < 0) {
		child = -errno;
	} else {
		__atomic_store_n(&p->carrier, child, __ATOMIC_SEQ_CST);
		wait_ready(p, ready);
	}
	close(ready);
	return child;
}

bool carrier_has_ended(struct ptracer *p)
{
	siginfo_t info = { .si_pid = 0 };

	if (p->carrier == 0 || (waitid(P_PID, (id_t)p->carrier, &info, WEXITED | WNOHANG | __WCLONE | __WNOTHREAD) == 0 &&
				info.si_pid == 0))
		return false;
	__atomic_store_n(&p->carrier, 0, __ATOMIC_SEQ_CST);
	return true;
}

void carrier_end(struct ptracer *p)
{
	if (p->carrier == 0)
		return;
	kill(p->carrier, SIGKILL);
	waitid(P_PID, (id_t)p->carrier, NULL, WEXITED | __WCLONE | __WNOTHREAD);
	__atomic_store_n(&p->carrier, 0, __ATOMIC_SEQ_CST);
}

bool ptrace_is_helper(pid_t pid)
{
	for (struct ptracer *p = ptracers(); p != NULL; p = p->next)
		if (__atomic_load_n(&p->carrier, __ATOMIC_SEQ_CST) == pid)
			return true;
	return false;
}
