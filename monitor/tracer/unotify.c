// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The unotify tracer: seccomp user notification.
 *
 * The filter's listener gives one notification for each trapped call; the thread sleeps until it is answered.  With
 * SYNC_WAKE_UP (Linux 6.6) both hand-overs stay on one CPU, which is what makes a trap cost 5 us and not 50.  With
 * WAIT_KILLABLE_RECV (5.19) a call that was received is not interrupted by signals that do not kill.
 *
 * Sizes of the two structures may grow with the kernel: it is asked for them once.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../compat.h"
#include "../view.h"
#include "near.h"
#include "park.h"
#include "park_ops.h"
#include "pass.h"
#include "reads.h"
#include "rewrite.h"
#include "tracee.h"
#include "tracer.h"
#include "unotify.h"

/* What the kernel may add to the structures that we know. */
#define ROOM 256

union notif {
	struct seccomp_notif notif;
	char room[sizeof(struct seccomp_notif) + ROOM];
};

static int seccomp(unsigned op, unsigned flags, void *args)
{
	return (int)syscall(SYS_seccomp, op, flags, args);
}

/* The listener's descriptor travels in call->listener. */
static int listener_of(const struct um_call *call)
{
	return (int)(intptr_t)call->listener;
}

unsigned unotify_flags(const struct um_features *features)
{
	return SECCOMP_FILTER_FLAG_NEW_LISTENER | (features->wait_killable ? SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0);
}

static int unotify_install(const struct sock_fprog *filter, const struct um_features *features)
{
	int fd;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	fd = seccomp(SECCOMP_SET_MODE_FILTER, unotify_flags(features), (void *)filter);
	return fd < 0 ? -errno : fd;
}

static bool unotify_is_listener(int fd)
{
	char path[32], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	return strcmp(target, "anon_inode:seccomp notify") == 0;
}

static int unotify_probe(struct um_features *f, int fd)
{
	struct seccomp_notif_addfd add = { .srcfd = (uint32_t)-1 };

	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 && errno != EBADF)
		return -errno;
	f->sync_wake_up = ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0;
	ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, 0); /* adopting sets it again if it may */
	return 0;
}

static int unotify_start(struct um_view *view)
{
	(void)view;
	return 0;
}

static int unotify_adopt(const struct um_features *features, int fd, pid_t child, void **listener)
{
	struct seccomp_notif_sizes sizes;

	(void)child;
	if (seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	if (sizes.seccomp_notif > sizeof(union notif))
		return -E2BIG;
	if (features->sync_wake_up)
		ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP, 0);
	*listener = (void *)(intptr_t)fd;
	return 0;
}

static int unotify_proceed(struct um_call *call);

static int unotify_receive(void *listener, struct um_call *call)
{
	int fd = (int)(intptr_t)listener;
	union notif n;

	memset(&n, 0, sizeof(n)); /* the kernel insists */
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n) < 0) {
		if (errno == EINTR || errno == EAGAIN)
			return -EAGAIN;
		/* ENOENT: the thread was killed while we took it, or (6.11) nobody is left. */
		return errno == ENOENT ? -ENOENT : -errno;
	}
	call->cookie = n.notif.id;
	call->listener = listener;
	call->tid = (pid_t)n.notif.pid;
	call->nr = n.notif.data.nr;
	call->ip = n.notif.data.instruction_pointer;
	for (int i = 0; i < 6; i++)
		call->args[i] = n.notif.data.args[i];
	if (call->view->secure && pass_take(call)) {
		unotify_proceed(call);
		return -EAGAIN;
	}
	if (__atomic_load_n(&park_recalled, __ATOMIC_RELAXED) > 0 && park_returns(call))
		return -EAGAIN;
	return 0;
}

static void unotify_lock(void *listener, struct um_view *view)
{
	(void)listener;
	um_lock(view);
}

/* Send one response.  0, or -ESRCH if the caller is gone. */
static int respond(struct um_call *call, int64_t val, int error, unsigned flags)
{
	struct seccomp_notif_resp resp = { .id = call->cookie, .val = val, .error = error, .flags = flags };

	if (ioctl(listener_of(call), SECCOMP_IOCTL_NOTIF_SEND, &resp) < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return 0;
}

static int unotify_answer(struct um_call *call, int64_t ret)
{
	/* Only -4095..-1 is an error to the process; 512 (ERESTARTSYS) comes from rewriting. */
	if (ret < 0 && ret >= -4095)
		return respond(call, 0, (int)ret, 0);
	return respond(call, ret, 0, 0);
}

static int unotify_proceed(struct um_call *call)
{
	return respond(call, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

static int addfd(struct um_call *call, int fd, int flags, unsigned how)
{
	struct seccomp_notif_addfd add = {
		.id = call->cookie, .flags = how, .srcfd = (unsigned)fd, .newfd_flags = (unsigned)flags & O_CLOEXEC,
	};
	int number = ioctl(listener_of(call), SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	return number < 0 ? -errno : number;
}

static int unotify_add_fd(struct um_call *call, int fd, int flags)
{
	bool may = call->view->features.affinity;
	struct near n;
	int number;

	if (may)
		near_begin(&n, call->tid);
	number = addfd(call, fd, flags, 0);
	if (may)
		near_end(&n);
	return number;
}

static int unotify_answer_fd(struct um_call *call, int fd, int flags)
{
	bool may = call->view->features.affinity;
	struct near n;
	int number;

	n.tied = false;
	if (may)
		near_begin(&n, call->tid);
	number = addfd(call, fd, flags, 0);
	if (may)
		near_end(&n);
	/* Only now may it go on. */
	close(fd);
	if (number >= 0)
		respond(call, number, 0, 0);
	return number;
}

static bool unotify_alive(struct um_call *call)
{
	uint64_t id = call->cookie;

	return ioctl(listener_of(call), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/*
 * An orphan that has asked to be traced by its parent (PTRACE_TRACEME), which is us: nobody wants to know of its stops,
 * and waitid(2) would tell of nothing else.  It goes on, untraced.  This thread seizes nobody, so who has it for a tracer
 * is such a one.
 */
static bool let_go_orphan(const siginfo_t *info)
{
	int sig = info->si_status & 0x7f; /* that of the stop; SIGTRAP is the tracing's own */

	return tracee_tracer(info->si_pid) == gettid() &&
	       ptrace(PTRACE_DETACH, info->si_pid, NULL, (void *)(long)(sig == SIGTRAP ? 0 : sig)) == 0;
}

/*
 * Stops by waitid, which leaves ends alone; they are told when all stops are.
 * What has happened to a child?  __WNOTHREAD leaves out those that other threads of the monitor have seized, but not the
 * children of the loop's own thread among them: the kernel shows their ptrace stops to whom they were born to as well
 * (do_wait(), "traced by its real parent's group").  So everything is looked at before it is taken.
 */
static bool take(idtype_t type, id_t id, int what, siginfo_t *info)
{
	what |= WNOHANG | __WNOTHREAD;
	do {
		info->si_pid = 0;
		if (waitid(type, id, info, what | WNOWAIT) < 0 || info->si_pid == 0)
			return false;
	} while (info->si_code == CLD_TRAPPED && let_go_orphan(info));
	if (info->si_code == CLD_TRAPPED) {
		tracee_hides(); /* unless it is over already */
		info->si_pid = 0;
		if (waitid(type, id, info, what | WNOWAIT) < 0 || info->si_pid == 0 || info->si_code == CLD_TRAPPED)
			return false;
	}
	id = (id_t)info->si_pid;
	info->si_pid = 0;
	if (waitid(P_PID, id, info, what) < 0 || info->si_pid == 0)
		return false;
	if (info->si_code != CLD_TRAPPED)
		return true;
	park_look((pid_t)id); /* it has been caught in between, and we have taken the notice */
	return false;
}

static bool unotify_child(const struct um_view *view, siginfo_t *info)
{
	return take(P_PID, (id_t)view->init, WSTOPPED | WCONTINUED, info) || take(P_ALL, 0, WEXITED, info);
}

const struct um_tracer_ops um_unotify = {
	.name = "unotify",
	.install = unotify_install,
	.is_listener = unotify_is_listener,
	.probe = unotify_probe,
	.start = unotify_start,
	.adopt = unotify_adopt,
	.receive = unotify_receive,
	.lock = unotify_lock,
	.answer = unotify_answer,
	.proceed = unotify_proceed,
	.answer_fd = unotify_answer_fd,
	.add_fd = unotify_add_fd,
	.alive = unotify_alive,
	.rewrite = unotify_rewrite,
	.inject = unotify_inject,
	.end_read = unotify_end_read,
	.child = unotify_child,
	.park = &park_unotify,
	.take = unotify_take,
};
