// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attributes of processes: umask, prctl, namespaces, and what only a real root could do.
 *
 * Some of these are kept in the record because the kernel's own value is not the one that the program should see: its
 * no_new_privs bit is always set under a filter, and a process that made itself undumpable would close itself to the
 * monitor.
 */
#include "calls.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../../modules/include/um_ctl.h"
#include "../compat.h"
#include "../ids.h"
#include "../log.h"
#include "../procfs.h"
#include "../node.h"
#include "../tracer/park.h"
#include "../tracer/tracer.h"
#include "../view.h"
#include "proc.h"

#define SPACES                                                                                                       \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* The kernel keeps it too: files that it creates itself follow it. */
int64_t call_umask(struct um_call *call)
{
	struct um_state changed = *call->state;
	int err;

	changed.umask = call->args[0] & 0777;
	err = um_set_state(call, &changed);
	return err < 0 ? err : UM_CONTINUE;
}

/* --- prctl ------------------------------------------------------------------------------------------------------ */

static int64_t set_no_new_privs(struct um_call *call)
{
	struct um_state changed = *call->state;
	int err;

	if (call->args[1] != 1 || call->args[2] || call->args[3] || call->args[4])
		return -EINVAL;
	changed.no_new_privs = true;
	err = um_set_state(call, &changed);
	return err < 0 ? err : UM_CONTINUE;
}

/* With the real user's ids the kernel's word is the truth: its set-id programs give nothing in a view. */
static int64_t get_no_new_privs(struct um_call *call)
{
	if (!call->state->virtual_ids)
		return UM_CONTINUE;
	if (call->args[1] || call->args[2] || call->args[3] || call->args[4])
		return -EINVAL;
	return call->state->no_new_privs;
}

static int64_t set_dumpable(struct um_call *call)
{
	struct um_state changed = *call->state;

	if (call->args[1] > 1)
		return -EINVAL;
	changed.dumpable = call->args[1];
	return um_set_state(call, &changed);
}

/*
 * May this filter be installed?  SECCOMP_RET_TRACE is the one action that the monitor's own filter outranks, so its
 * user would never see a stop: EINVAL, which strace --seccomp-bpf takes as "not to be had".  And with virtual ids the
 * kernel's no_new_privs bit, which is always set, must not stand in for the one that the process did not ask for.
 */
static int64_t check_filter(struct um_call *call, uint64_t addr)
{
	struct um_state changed = *call->state;
	struct sock_filter *filter;
	struct sock_fprog prog;
	int64_t ret = UM_CONTINUE;
	size_t size;

	if (changed.virtual_ids && !changed.no_new_privs && !ids_capable(&changed.ids, CAP_SYS_ADMIN))
		return -EACCES;
	if (um_read(call, addr, &prog, sizeof(prog)) < 0 || prog.len == 0 || prog.len > BPF_MAXINSNS)
		return UM_CONTINUE; /* the kernel says what is wrong */
	size = prog.len * sizeof(*filter);
	filter = malloc(size);
	if (filter == NULL)
		return -ENOMEM;
	if (um_read(call, (uintptr_t)prog.filter, filter, size) == 0)
		for (unsigned i = 0; i < prog.len; i++)
			if (filter[i].code == (BPF_RET | BPF_K) &&
			    (filter[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE)
				ret = -EINVAL;
	free(filter);
	if (ret == UM_CONTINUE && !changed.sandboxed) {
		changed.sandboxed = true;
		um_set_state(call, &changed); /* if that fails, exec takes the usual way */
	}
	return ret;
}

/* A second listener is EBUSY, as where there is one: its answers would outrank the monitor's.  What is wrong with the call
 * the kernel says before, and programs ask for that to find out which flags there are. */
static int64_t check_listener(struct um_call *call)
{
	const uint64_t known = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
			       SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
			       SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	const uint64_t one_or_all = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	struct sock_fprog prog;

	if ((call->args[1] & ~known) || (call->args[1] & one_or_all) == SECCOMP_FILTER_FLAG_TSYNC)
		return UM_CONTINUE;
	return um_read(call, call->args[2], &prog, sizeof(prog)) < 0 ? -EFAULT : -EBUSY;
}

int64_t call_seccomp(struct um_call *call)
{
	if (call->args[0] != SECCOMP_SET_MODE_FILTER)
		return UM_CONTINUE;
	if (call->args[1] & SECCOMP_FILTER_FLAG_NEW_LISTENER)
		return check_listener(call);
	return check_filter(call, call->args[2]);
}

int64_t call_prctl(struct um_call *call)
{
	bool handled;
	int64_t ret;

	switch ((int)call->args[0]) {
	case PR_SET_NO_NEW_PRIVS:
		return set_no_new_privs(call);
	case PR_GET_NO_NEW_PRIVS:
		return get_no_new_privs(call);
	case PR_SET_DUMPABLE:
		return set_dumpable(call);
	case PR_GET_DUMPABLE:
		return call->state->dumpable;
	case PR_GET_SECCOMP:
		return procfs_filters(call->tid) > 0 ? SECCOMP_MODE_FILTER : SECCOMP_MODE_DISABLED;
	case PR_SET_SECCOMP:
		return call->args[1] == SECCOMP_MODE_FILTER ? check_filter(call, call->args[2]) : UM_CONTINUE;
	case PR_SCHED_CORE:
		return call->args[2] != 0 && is_outside(call->view, (pid_t)call->args[2]) ? -EPERM : UM_CONTINUE;
	case UM_CTL_PRCTL:
		memmove(call->args, call->args + 1, 4 * sizeof(call->args[0]));
		return call_um_ctl(call);
	default:
		ret = prctl_caps(call, &handled);
		return handled ? ret : UM_CONTINUE;
	}
}

/* --- namespaces ------------------------------------------------------------------------------------------------- */

/*
 * New namespaces are refused as on a host where users may not have them: in a new mount namespace or behind a pid
 * namespace the paths and numbers that the monitor works with would not be the process's.  What Linux finds wrong before
 * it asks for the right to them (copy_process() and check_unshare_flags() in kernel/fork.c) is EINVAL here, too.
 */
static int64_t refuse_spaces(uint64_t flags)
{
	bool misfit = ((flags & CLONE_FS) && (flags & (CLONE_NEWNS | CLONE_NEWUSER))) ||
		      ((flags & CLONE_THREAD) && (flags & (CLONE_NEWUSER | CLONE_NEWPID))) ||
		      ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND)) ||
		      ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM));

	return misfit ? -EINVAL : -EPERM;
}

static int64_t refuse_unshare(uint64_t flags)
{
	const uint64_t known = SPACES | CLONE_NEWTIME | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_FS |
			       CLONE_FILES | CLONE_SYSVSEM;

	return flags & ~known ? -EINVAL : -EPERM;
}

/* Into a namespace that is open, or those of a process. */
static int64_t refuse_setns(const struct um_call *call)
{
	int fd = um_get_fd(call, (int)call->args[0]);
	char name[40], target[32] = "";
	struct statfs st;
	bool fits;

	if (fd < 0)
		return fd;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	fits = readlink(name, target, sizeof(target) - 1) > 0 && strcmp(target, "anon_inode:[pidfd]") == 0;
	fits |= fstatfs(fd, &st) == 0 && (st.f_type == NSFS_MAGIC || st.f_type == PIDFS_MAGIC);
	close(fd);
	return fits ? -EPERM : -EINVAL;
}

/* clone, unshare, setns */
int64_t call_clone(struct um_call *call)
{
	uint64_t flags = call->args[0];

	if (call->nr == SYS_setns)
		return refuse_setns(call);
	if (call->nr == SYS_unshare) /* in clone(2) CLONE_NEWTIME is a part of the signal number */
		return flags & (SPACES | CLONE_NEWTIME) ? refuse_unshare(flags) : UM_CONTINUE;
	return flags & SPACES ? refuse_spaces(flags) : UM_CONTINUE;
}

/* Its flags are in memory, the first word of struct clone_args, and may change once checked: not in secure mode. */
int64_t call_clone3(struct um_call *call)
{
	uint64_t flags;

	if (call->view->secure)
		return -ENOSYS;
	if (um_read(call, call->args[0], &flags, sizeof(flags)) < 0)
		return UM_CONTINUE;
	return flags & (SPACES | CLONE_NEWTIME) ? refuse_spaces(flags) : UM_CONTINUE;
}

/* --- what needs privilege --------------------------------------------------------------------------------------- */

/*
 * Which capability each of these needs.  A virtual user without it gets EPERM, also where the real user is root.  A
 * virtual root gets the kernel's answer, and that is EPERM for an ordinary user: as in a rootless container, where
 * scripts know how to live with it, and unlike a success that would not be true (a clock that was not set, a module
 * that is not there, a swap file that is not in use).  Only the names of host and domain are the view's own.
 */
static const struct {
	int nr, cap;
} privileged[] = {
	{ SYS_acct, CAP_SYS_PACCT },
	{ SYS_swapon, CAP_SYS_ADMIN },
	{ SYS_swapoff, CAP_SYS_ADMIN },
	{ SYS_quotactl, -1 }, /* parts of it are for everybody */
	{ SYS_settimeofday, CAP_SYS_TIME },
	{ SYS_clock_settime, CAP_SYS_TIME },
	{ SYS_clock_adjtime, -1 }, /* as adjtimex: reading is free */
	{ SYS_adjtimex, -1 },
	{ SYS_sethostname, CAP_SYS_ADMIN },
	{ SYS_setdomainname, CAP_SYS_ADMIN },
	{ SYS_vhangup, CAP_SYS_TTY_CONFIG },
	{ SYS_reboot, CAP_SYS_BOOT },
	{ SYS_init_module, CAP_SYS_MODULE },
	{ SYS_finit_module, CAP_SYS_MODULE },
	{ SYS_delete_module, CAP_SYS_MODULE },
	{ SYS_kexec_load, CAP_SYS_BOOT },
	{ SYS_kexec_file_load, CAP_SYS_BOOT },
};

/* sethostname, setdomainname: uname(2) tells it to everybody in the node; a new one inside of it begins with it. */
static int64_t set_name(struct um_call *call)
{
	struct view_node *node = view_node(call->view, call->state);
	char **name = call->nr == SYS_sethostname ? &node->hostname : &node->domainname;
	int len = (int)call->args[1];
	char *copy;
	int err;

	if (len < 0 || len > (int)sizeof(((struct utsname *)NULL)->nodename) - 1)
		return -EINVAL;
	copy = calloc(1, len + 1);
	if (copy == NULL)
		return -ENOMEM;
	err = um_read(call, call->args[0], copy, len);
	if (err < 0) {
		free(copy);
		return err;
	}
	free(*name);
	*name = copy;
	call->route = "ids";
	return 0;
}

int64_t call_privileged(struct um_call *call)
{
	if (!call->state->virtual_ids) /* a path is not read twice: what all users without the capability are told */
		return call->view->secure && call->row->unsafe ? -EPERM : UM_CONTINUE;
	for (size_t i = 0; i < sizeof(privileged) / sizeof(privileged[0]); i++)
		if (privileged[i].nr == call->nr && privileged[i].cap >= 0 &&
		    !ids_capable(&call->state->ids, privileged[i].cap))
			return -EPERM;
	if (call->nr == SYS_sethostname || call->nr == SYS_setdomainname)
		return set_name(call);
	return UM_CONTINUE;
}

int64_t call_uname(struct um_call *call)
{
	const struct view_node *node = view_node(call->view, call->state);
	struct utsname name;

	if (node->hostname == NULL && node->domainname == NULL)
		return UM_CONTINUE;
	if (uname(&name) != 0)
		return -errno;
	if (node->hostname != NULL)
		snprintf(name.nodename, sizeof(name.nodename), "%s", node->hostname);
	if (node->domainname != NULL)
		snprintf(name.domainname, sizeof(name.domainname), "%s", node->domainname);
	call->route = "ids";
	return um_write(call, call->args[0], &name, sizeof(name));
}
