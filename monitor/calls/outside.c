// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Secure mode: what may reach processes outside of the view (doc/SECURITY).
 *
 * The rows of class OUT lead here.  Process ids and descriptors are arguments in registers, so what was looked at is
 * what the kernel acts on; where an id is in memory, the monitor does the work on a duplicate.
 */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../procinfo.h"
#include "../state_internal.h"
#include "../view.h"
#include "proc.h"

/* --- who is outside --------------------------------------------------------------------------------------------- */

bool is_outside(const struct um_view *view, pid_t pid)
{
	return view->secure && state_of(view->states, pid) == NULL;
}

/* A process id as an argument; 0 and negative ones are the caller's, or no process's. */
static int check_pid(const struct um_call *call, pid_t pid)
{
	if (pid <= 0 || !is_outside(call->view, pid))
		return 0;
	return exists(pid) ? -EPERM : -ESRCH;
}

struct group {
	struct um_view *view;
	pid_t pgrp;
	unsigned inside, outside; /* members */
};

static int count_member(void *arg, pid_t pid)
{
	struct group *g = arg;

	if (getpgid(pid) == g->pgrp)
		(*(is_outside(g->view, pid) ? &g->outside : &g->inside))++;
	return 0;
}

static struct group group_of(const struct um_call *call, pid_t pgrp)
{
	struct group g = { call->view, pgrp ? pgrp : getpgid(call->tid), 0, 0 };

	if (each_pid(count_member, &g) < 0)
		g.outside = 1;
	return g;
}

/* --- calls that name processes ---------------------------------------------------------------------------------- */

int64_t call_of_process(struct um_call *call)
{
	int err = 0;

	for (int i = 0; i < 6 && err == 0; i++)
		if (call->row->args[i] == UM_A_PID)
			err = check_pid(call, (pid_t)call->args[i]);
	return err < 0 ? err : UM_CONTINUE;
}

/* A process may not join a group of strangers: what the terminal stops it stops as a whole. */
int64_t call_setpgid(struct um_call *call)
{
	pid_t pid = (pid_t)call->args[0], pgrp = (pid_t)call->args[1];
	int err = check_pid(call, pid);

	if (err < 0)
		return err;
	if (pgrp <= 0 || pgrp == (pid ? pid : um_tgid(call)) || pgrp == getpgid(call->tid) ||
	    (getpgid(pgrp) == pgrp && !is_outside(call->view, pgrp)) || group_of(call, pgrp).inside > 0)
		return UM_CONTINUE;
	return -EPERM;
}

int64_t call_set_priority(struct um_call *call)
{
	/* PRIO_PROCESS is 0, IOPRIO_WHO_PROCESS 1 */
	int which = (int)call->args[0] - (call->nr == SYS_ioprio_set), err = 0;

	if (which == PRIO_PROCESS)
		err = check_pid(call, (pid_t)call->args[1]);
	else if (which == PRIO_USER || (which == PRIO_PGRP && group_of(call, (pid_t)call->args[1]).outside > 0))
		err = -EPERM;
	return err < 0 ? err : UM_CONTINUE;
}

static int check_pidfd(const struct um_call *call, int fd)
{
	pid_t pid = pidfd_target(call, fd);

	return pid == 0 ? -EBADF : check_pid(call, pid);
}

int64_t call_of_pidfd(struct um_call *call)
{
	int err = check_pidfd(call, (int)call->args[0]);

	return err < 0 ? err : UM_CONTINUE;
}

/* --- calls that name who gets a descriptor's signals -------------------------------------------------------------- */

static int check_owner(const struct um_call *call, int type, pid_t pid)
{
	if (type == F_OWNER_PGRP)
		return pid > 0 && group_of(call, pid).outside > 0 ? -EPERM : 0;
	return check_pid(call, pid);
}

/* Set the owner, read from memory, on a duplicate: it is one open file. */
static int64_t set_owner(struct um_call *call, const struct f_owner_ex *owner)
{
	int err = check_owner(call, owner->type, owner->pid), copy = err < 0 ? err : um_get_fd(call, (int)call->args[0]);

	if (copy < 0)
		return copy;
	err = fcntl(copy, F_SETOWN_EX, owner) < 0 ? -errno : 0;
	close(copy);
	return err;
}

/*
 * A terminal whose signals are turned on (O_ASYNC) sends them to its foreground group, the user's shell perhaps, where
 * nobody has said who gets them, and F_SETSIG makes SIGKILL of them.  So somebody is said: the caller.
 */
static int64_t set_async(struct um_call *call, int flags)
{
	struct f_owner_ex owner;
	int copy = um_get_fd(call, (int)call->args[0]), err = 0;

	if (copy < 0)
		return copy;
	if (isatty(copy) && fcntl(copy, F_GETOWN_EX, &owner) == 0 && owner.pid == 0)
		err = fcntl(copy, F_SETOWN, um_tgid(call));
	if (err == 0)
		err = fcntl(copy, F_SETFL, flags);
	err = err < 0 ? -errno : 0;
	close(copy);
	return err;
}

int64_t call_fcntl(struct um_call *call)
{
	pid_t pid = (pid_t)call->args[2];
	struct f_owner_ex owner;
	int err = 0;

	switch ((int)call->args[1]) {
	case F_SETFL:
		return call->args[2] & O_ASYNC ? set_async(call, (int)call->args[2]) : UM_CONTINUE;
	case F_SETOWN:
		err = pid < 0 ? check_owner(call, F_OWNER_PGRP, -pid) : check_owner(call, F_OWNER_PID, pid);
		break;
	case F_SETOWN_EX:
		err = um_read(call, call->args[2], &owner, sizeof(owner));
		return err < 0 ? err : set_owner(call, &owner);
	case F_SETLEASE:
		err = call->args[2] == F_UNLCK ? 0 : -EINVAL; /* as on a file system without leases */
		break;
	}
	return err < 0 ? err : UM_CONTINUE;
}

/* --- requests of devices ---------------------------------------------------------------------------------------- */

static int64_t set_socket_owner(struct um_call *call)
{
	struct f_owner_ex owner = { F_OWNER_PID, 0 };
	int pid, err = um_read(call, call->args[2], &pid, sizeof(pid));

	if (err < 0)
		return err;
	owner.type = pid < 0 ? F_OWNER_PGRP : F_OWNER_PID;
	owner.pid = pid < 0 ? -pid : pid;
	return set_owner(call, &owner);
}

/* FIOASYNC: F_SETFL with one flag. */
static int64_t set_async_ioctl(struct um_call *call)
{
	int on, copy, flags, err = um_read(call, call->args[2], &on, sizeof(on));

	if (err < 0)
		return err;
	copy = um_get_fd(call, (int)call->args[0]);
	if (copy < 0)
		return copy;
	flags = fcntl(copy, F_GETFL);
	close(copy);
	return set_async(call, on ? flags | O_ASYNC : flags & ~O_ASYNC);
}

/* Only who has the terminal may pass it on. */
static int64_t set_foreground(struct um_call *call)
{
	struct procinfo_stat stat;
	struct group g;

	if (procinfo_stat(call->tid, &stat) < 0 || stat.tpgid <= 0)
		return UM_CONTINUE;
	g = group_of(call, stat.tpgid);
	return g.inside == 0 && g.outside > 0 ? -EPERM : UM_CONTINUE;
}

/*
 * Requests by what they may do.  A terminal's are known, a socket's need privilege where they are not harmless, and the
 * devices that have others cannot be opened (outside_files.c).  What a file system can do through a descriptor that is
 * only open for reading must not be left to it.
 */
int64_t ioctl_allowed(struct um_call *call)
{
	static const uint32_t harmless[] = {
		0x1 /* FIBMAP */, 0x2 /* FIGETBSZ */, 0x80086601 /* FS_IOC_GETFLAGS */, 0x80087601 /* FS_IOC_GETVERSION */,
		0x801c581f /* FS_IOC_FSGETXATTR */, 0xc020660b /* FS_IOC_FIEMAP */,
		/* these need a target that is open for writing */
		0x40049409 /* FICLONE */, 0x4020940d /* FICLONERANGE */, 0xc0189436 /* FIDEDUPERANGE */,
	};
	uint32_t request = (uint32_t)call->args[1];

	switch (request) {
	case TIOCSTI: /* types into the terminal */
		return -EIO;
	case TIOCLINUX: /* pastes into a console */
	case TIOCSETD:
	case TIOCCONS:
	case TIOCVHANGUP:
		return -EPERM;
	case TIOCSPGRP:
		return set_foreground(call);
	case FIOASYNC:
		return set_async_ioctl(call);
	case FIOSETOWN:
	case SIOCSPGRP:
		return set_socket_owner(call);
	}
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (request == harmless[i])
			return UM_CONTINUE;
	return (request >> 8 & 0xff) == 'T' || (request >> 8 & 0xff) == 0x89 ? UM_CONTINUE : -ENOTTY;
}

/* --- sockets ---------------------------------------------------------------------------------------------------- */

int64_t call_socket(struct um_call *call)
{
	switch ((int)call->args[0]) {
	case AF_UNIX:
	case AF_INET:
	case AF_INET6:
		return UM_CONTINUE;
	case AF_NETLINK: /* one protocol is for messages between programs */
		return (int)call->args[2] == NETLINK_USERSOCK ? -EPROTONOSUPPORT : UM_CONTINUE;
	default:
		return -EAFNOSUPPORT;
	}
}
