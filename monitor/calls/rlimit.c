// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The resource limit that carries the number of the process's record: what it would be is kept in the record.
 *
 * All other limits are the kernel's.  The carrier's hard limit in the kernel stays infinite whatever the process
 * does.
 */
#include "calls.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../ids.h"
#include "../view.h"
#include "proc.h"

bool is_capable(const struct um_call *call, int cap)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, call->tid };
	struct __user_cap_data_struct data[2] = { 0 };

	if (call->state->virtual_ids)
		return ids_capable(&call->state->ids, cap);
	return syscall(SYS_capget, &header, data) == 0 && data[cap / 32].effective >> cap % 32 & 1;
}

/* 0, or the error of prlimit(2), for a new value of the carrier's limit. */
static int check_limit(const struct um_call *call, const struct rlimit64 *old, const struct rlimit64 *new)
{
	if (new->rlim_cur > new->rlim_max)
		return -EINVAL;
	if (new->rlim_max > old->rlim_max && !is_capable(call, CAP_SYS_RESOURCE))
		return -EPERM;
	return 0;
}

static bool is_carrier(const struct um_call *call, uint64_t resource)
{
	return (int)resource == states_carrier(call->view->states);
}

int64_t call_getrlimit(struct um_call *call)
{
	if (!is_carrier(call, call->args[0]))
		return UM_CONTINUE;
	return um_write(call, call->args[1], &call->state->carried, sizeof(call->state->carried));
}

int64_t call_setrlimit(struct um_call *call)
{
	struct um_state changed = *call->state;
	int err;

	if (!is_carrier(call, call->args[0]))
		return UM_CONTINUE;
	err = um_read(call, call->args[1], &changed.carried, sizeof(changed.carried));
	if (err == 0)
		err = check_limit(call, &call->state->carried, &changed.carried);
	return err < 0 ? err : um_set_state(call, &changed);
}

/* May the caller see and change the limits of another process of the view?  (prlimit(2), EPERM) */
static bool may_prlimit(const struct um_call *call, const struct um_state *target)
{
	const struct um_ids *from = &call->state->ids, *to;
	struct um_ids buf;

	if (!call->state->virtual_ids || ids_capable(from, CAP_SYS_RESOURCE))
		return true;
	to = ids_of(call->view, target, &buf);
	return from->ruid == to->euid && from->ruid == to->suid && from->ruid == to->ruid && from->rgid == to->egid &&
	       from->rgid == to->sgid && from->rgid == to->rgid;
}

/* The limits of a process outside of the view, and those that are the kernel's.  -EPERM or UM_CONTINUE. */
static int64_t check_others(const struct um_call *call, pid_t pid, bool set)
{
	const struct um_state *target = pid ? state_of(call->view->states, pid) : call->state;

	if (pid == 0 || pid == call->tid)
		return UM_CONTINUE;
	if ((set && is_protected(call->view, pid)) || is_outside(call->view, pid))
		return exists(pid) ? -EPERM : -ESRCH;
	if (call->state->virtual_ids && (target ? !may_prlimit(call, target) : set && exists(pid)))
		return -EPERM;
	return UM_CONTINUE;
}

int64_t call_prlimit(struct um_call *call)
{
	pid_t pid = (pid_t)call->args[0];
	bool self = pid == 0 || pid == call->tid;
	const struct um_state *target = self ? call->state : state_of(call->view->states, pid);
	struct um_state changed;
	struct rlimit64 old;
	int err = 0;

	if (!is_carrier(call, call->args[1]) || target == NULL)
		return check_others(call, pid, call->args[2] != 0);
	changed = *target;
	old = target->carried;
	if (call->args[2] != 0)
		err = um_read(call, call->args[2], &changed.carried, sizeof(changed.carried));
	if (err == 0 && !self && !may_prlimit(call, target))
		err = -EPERM;
	if (err == 0 && call->args[2] != 0)
		err = check_limit(call, &old, &changed.carried);
	if (err == 0 && call->args[2] != 0 && self) {
		err = um_set_state(call, &changed);
	} else if (err == 0 && call->args[2] != 0) {
		const struct um_state *record = state_intern(call->view->states, &changed);

		err = record ? state_set(call->view->states, pid, record) : -ENOMEM;
	}
	if (err == 0 && call->args[3] != 0)
		err = um_write(call, call->args[3], &old, sizeof(old));
	return err;
}
