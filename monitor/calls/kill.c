// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Signals to other processes.
 *
 * The kernel would go by the real user's ids, which all processes of a view share with the user's session.  So who
 * may be reached is decided here, by the view's ids, and the kernel then sends the signal: it names the true sender.
 * Only where a call has several receivers and not all of them may be reached does the monitor send to each; the
 * receivers then see si_code SI_QUEUE, with the true sender's process id.
 *
 * Processes outside of the view: with the real user's ids they may be signalled as ever; with virtual ids, and in
 * secure mode, they exist (EPERM), but are out of reach.  kill(-1) never leaves the view.  The monitor, its guardian and its front are out
 * of reach of everybody.
 */
#include "calls.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../compat.h"
#include "../ids.h"
#include "../state_internal.h"
#include "../tracer/tracer.h"
#include "../view.h"
#include "proc.h"

bool exists(pid_t tid)
{
	return tid > 0 && (kill(tid, 0) == 0 || errno == EPERM); /* others stand for groups */
}

/* Is @tid a thread of the process @tgid? */
static bool is_thread_of(pid_t tgid, pid_t tid)
{
	return tgid > 0 && (tid == tgid || syscall(SYS_tgkill, tgid, tid, 0) == 0 || errno == EPERM);
}

bool is_protected(const struct um_view *view, pid_t tid)
{
	return tid > 0 && (is_thread_of(view->monitor, tid) || is_thread_of(view->guardian, tid) ||
			   is_thread_of(view->front, tid) || um_tracer_helper(view, tid));
}

const struct um_ids *ids_of(const struct um_view *view, const struct um_state *state, struct um_ids *buf)
{
	if (state->virtual_ids)
		return &state->ids;
	*buf = (struct um_ids){ .ruid = view->uid,
				.euid = view->uid,
				.suid = view->uid,
				.fsuid = view->uid,
				.rgid = view->gid,
				.egid = view->gid,
				.sgid = view->gid,
				.fsgid = view->gid };
	return buf;
}

/* May the caller send this signal to the process that @tid belongs to?  0, -EPERM, -ESRCH. */
static int may_signal(const struct um_call *call, pid_t tid, int sig)
{
	const struct um_state *target;
	struct um_ids buf;

	if (is_protected(call->view, tid))
		return -EPERM;
	if (!call->state->virtual_ids && !call->view->secure)
		return 0;
	target = state_of(call->view->states, tid);
	if (target == NULL)
		return exists(tid) ? -EPERM : -ESRCH;
	if (!call->state->virtual_ids || ids_may_signal(&call->state->ids, ids_of(call->view, target, &buf)))
		return 0;
	return sig == SIGCONT && getsid(tid) == getsid(call->tid) ? 0 : -EPERM;
}

static int64_t to_one(const struct um_call *call, pid_t tid, int sig)
{
	int err = may_signal(call, tid, sig);

	return err == -EPERM ? err : UM_CONTINUE;
}

/* --- several receivers ------------------------------------------------------------------------------------------ */

struct many {
	const struct um_call *call;
	int sig;
	pid_t pgrp;   /* its members; 0: all of the view but the caller */
	pid_t sender; /* the caller's process */
	bool send;    /* or only count */
	int members, refused, sent;
};

/* As the caller's; the kernel lets nobody forge si_code SI_USER. */
static siginfo_t signal_info(const struct many *m)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = m->sig;
	info.si_code = SI_QUEUE;
	info.si_pid = m->sender;
	info.si_uid = m->call->state->virtual_ids ? m->call->state->ids.ruid : m->call->view->uid;
	return info;
}

static int send_signal(const struct many *m, pid_t pid)
{
	siginfo_t info = signal_info(m);

	if (m->sig == 0)
		return 0;
	if (syscall(SYS_rt_sigqueueinfo, pid, m->sig, &info) == 0 || kill(pid, m->sig) == 0)
		return 0;
	return -errno;
}

static int to_member(void *arg, pid_t pid)
{
	struct many *m = arg;
	bool chosen;

	if (m->pgrp != 0)
		chosen = getpgid(pid) == m->pgrp;
	else
		chosen = pid != m->sender && state_of(m->call->view->states, pid) != NULL;
	if (!chosen)
		return 0;
	m->members++;
	if (may_signal(m->call, pid, m->sig) != 0)
		m->refused++;
	else if (m->send && send_signal(m, pid) == 0)
		m->sent++;
	return 0;
}

static int64_t send_to_members(struct many *m)
{
	int err;

	m->members = m->refused = 0;
	m->send = true;
	err = each_pid(to_member, m);
	if (err < 0)
		return err;
	if (m->sent > 0)
		return 0;
	return m->members > 0 ? -EPERM : -ESRCH;
}

static int64_t to_group(const struct um_call *call, pid_t pgrp, int sig)
{
	struct um_view *view = call->view;
	struct many m = { .call = call, .sig = sig, .pgrp = pgrp ? pgrp : getpgid(call->tid) };
	int err;

	/* With the real user's ids only the monitor and its kin could be in the way. */
	if (!call->state->virtual_ids && !view->secure && getpgid(view->monitor) != m.pgrp &&
	    (view->guardian <= 0 || getpgid(view->guardian) != m.pgrp) &&
	    (view->front <= 0 || getpgid(view->front) != m.pgrp))
		return UM_CONTINUE;
	m.sender = um_tgid(call);
	err = each_pid(to_member, &m);
	if (err < 0)
		return err;
	return m.refused == 0 ? UM_CONTINUE : send_to_members(&m);
}

static int64_t to_all(const struct um_call *call, int sig)
{
	struct many m = { .call = call, .sig = sig, .sender = um_tgid(call) };

	return send_to_members(&m);
}

/* By the monitor, on what it has looked at: a descriptor of /proc/PID, which anybody can open, would serve as well. */
static int64_t to_pidfd(struct um_call *call, int sig)
{
	struct many m = { .call = call, .sig = sig, .sender = um_tgid(call) };
	int copy = um_get_fd(call, (int)call->args[0]);
	siginfo_t info = signal_info(&m);
	int64_t ret;

	if (copy < 0)
		return copy;
	ret = syscall(SYS_pidfd_send_signal, copy, sig, &info, (unsigned)call->args[3]) < 0 ? -errno : 0;
	close(copy);
	return ret;
}

/* --- the calls -------------------------------------------------------------------------------------------------- */

pid_t pidfd_target(const struct um_call *call, int fd)
{
	char name[64], buf[1024], *line;
	FILE *file;
	ssize_t n;
	int copy = um_get_fd(call, fd);

	if (copy < 0)
		return 0;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", copy);
	n = readlink(name, buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = '\0';
	if (strncmp(buf, "/proc/", 6) == 0) {
		close(copy);
		return atoi(buf + 6);
	}
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", copy);
	file = fopen(name, "re");
	n = file ? (ssize_t)fread(buf, 1, sizeof(buf) - 1, file) : 0;
	if (file != NULL)
		fclose(file);
	close(copy);
	buf[n] = '\0';
	line = strstr(buf, "\nPid:");
	return line && atoi(line + 5) > 0 ? atoi(line + 5) : 0;
}

int64_t call_kill(struct um_call *call)
{
	pid_t pid = (pid_t)call->args[0];
	int sig = (int)call->args[1];

	if (call->nr == SYS_tgkill || call->nr == SYS_rt_tgsigqueueinfo) {
		pid = (pid_t)call->args[1];
		sig = (int)call->args[2];
	}
	if (sig < 0 || sig > 64)
		return UM_CONTINUE;
	if (call->nr == SYS_pidfd_send_signal) {
		bool group = (unsigned)call->args[3] & PIDFD_SIGNAL_PROCESS_GROUP;
		int64_t ret;

		pid = pidfd_target(call, (int)call->args[0]);
		if (pid == 0)
			return UM_CONTINUE;
		ret = group ? to_group(call, pid, sig) : to_one(call, pid, sig);
		return ret == UM_CONTINUE && call->view->secure ? to_pidfd(call, sig) : ret;
	}
	if (pid > 0)
		return to_one(call, pid, sig);
	if (call->nr != SYS_kill || pid == INT32_MIN)
		return UM_CONTINUE; /* ESRCH or EINVAL */
	return pid == -1 ? to_all(call, sig) : to_group(call, -pid, sig);
}
