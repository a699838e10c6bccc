// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may trace and look into whom: ptrace, and the calls that Linux allows to those who might trace.
 *
 * To the kernel all processes of a view are one user's, and dumpable.  So the rule of ptrace(2), "Ptrace access mode
 * checking" (PTRACE_MODE_ATTACH_REALCREDS), is applied here to the ids and the flag that the view shows; the kernel then does
 * the call.
 */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../ids.h"
#include "../log.h"
#include "../procinfo.h"
#include "../tracer/park.h"
#include "../tracer/tracer.h"
#include "../view.h"
#include "proc.h"

/* Between two processes of the view. */
static bool may_trace_ids(const struct um_call *call, const struct um_state *target)
{
	if (call->state->virtual_ids && target->virtual_ids && !ids_may_trace(&call->state->ids, &target->ids))
		return false;
	return target->dumpable || is_capable(call, CAP_SYS_PTRACE);
}

/* May the caller trace this process or thread?  0 or a negative errno. */
static int may_trace(const struct um_call *call, pid_t pid)
{
	const struct um_state *target;

	if (is_protected(call->view, pid))
		return -EPERM;
	target = state_of(call->view->states, pid);
	if (target != NULL)
		return may_trace_ids(call, target) ? 0 : -EPERM;
	if (!call->state->virtual_ids && !call->view->secure)
		return 0;
	return exists(pid) ? -EPERM : -ESRCH;
}

int64_t call_ptrace(struct um_call *call)
{
	pid_t pid = (pid_t)call->args[1];
	int err;

	if (call->args[0] != PTRACE_ATTACH && call->args[0] != PTRACE_SEIZE)
		return UM_CONTINUE;
	err = may_trace(call, pid);
	if (err < 0)
		return err;
	if (call->view->tracer_ops->stopped != NULL && state_of(call->view->states, pid) != NULL) {
		um_warn("process %d cannot be traced by process %d: a process has one tracer, and here that is the view's "
			"(--tracer ptrace)", (int)pid, (int)call->tid);
		return -EPERM;
	}
	um_unlock(call->view); /* the worker that serves it may need the lock */
	park_let_go(pid);
	um_relock(call);
	return UM_CONTINUE;
}

/* May the caller look into it?  A process may always look into itself. */
static int64_t may_look_into(const struct um_call *call, pid_t pid)
{
	int err = pid > 0 && pid != call->tid ? may_trace(call, pid) : 0;

	return err == -EPERM && procinfo_tgid(pid) == um_tgid(call) ? 0 : err;
}

int64_t call_look_into(struct um_call *call)
{
	int64_t err = 0;

	for (int i = 0; i < 6 && err == 0; i++)
		if (call->row->args[i] == UM_A_PID)
			err = may_look_into(call, (pid_t)call->args[i]);
	return err < 0 ? err : UM_CONTINUE;
}

/* In secure mode by the monitor, from what it has looked at. */
int64_t call_pidfd_getfd(struct um_call *call)
{
	pid_t pid = pidfd_target(call, (int)call->args[0]);
	int64_t err = pid > 0 ? may_look_into(call, pid) : 0;
	int pidfd, got;

	if (err < 0)
		return err;
	if (!call->view->secure)
		return UM_CONTINUE;
	pidfd = um_get_fd(call, (int)call->args[0]);
	if (pidfd < 0)
		return pidfd;
	got = pid > 0 ? (int)syscall(SYS_pidfd_getfd, pidfd, (int)call->args[1], (unsigned)call->args[2]) : -1;
	if (got < 0)
		got = pid > 0 ? -errno : -EBADF;
	close(pidfd);
	return got < 0 ? got : um_answer_fd(call, got, O_CLOEXEC);
}
