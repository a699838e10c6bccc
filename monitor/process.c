// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the monitor asks the kernel about a process: its descriptors, its working directory, its thread group.
 *
 * Nothing is remembered but pidfds, which name one task exactly: a number that was reused shows as ESRCH, and the
 * entry is made anew.  Where a pidfd of a thread cannot be had (before Linux 6.9) the thread group's serves, and the
 * thread's membership is checked by signal 0.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "call.h"
#include "compat.h"
#include "namei.h"
#include "procfs.h"
#include "procinfo.h"
#include "state.h"
#include "tracer/park.h"
#include "tracer/tracer.h"
#include "view.h"

#define SLOTS 256
#define STATES_ENOUGH 4096 /* records before the first sweep */

struct slot {
	pid_t tid, tgid;        /* tgid 0: the pidfd is the thread's own */
	int pidfd;
};

static struct slot slots[SLOTS]; /* direct mapped; guarded by the view's lock, as all operations are */

/* How many of them are used: a quarter of the descriptors that the monitor may have, so that it has enough for its work. */
static unsigned slots_in_use(void)
{
	static unsigned n;
	struct rlimit limit;

	if (n == 0) {
		n = SLOTS;
		if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 4 < n)
			n = limit.rlim_cur >= 16 ? (unsigned)limit.rlim_cur / 4 : 4;
	}
	return n;
}

/* Make the slot's pidfd.  0 or a negative errno. */
static int slot_open(struct slot *slot, pid_t tid)
{
	if (slot->tid != 0)
		close(slot->pidfd);
	slot->tid = 0;
	slot->tgid = 0;
	slot->pidfd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
	if (slot->pidfd < 0 && errno == EINVAL) {
		slot->tgid = procinfo_tgid(tid);
		if (slot->tgid == 0)
			return -ESRCH;
		slot->pidfd = (int)syscall(SYS_pidfd_open, slot->tgid, 0);
	}
	if (slot->pidfd < 0)
		return -errno;
	slot->tid = tid;
	return 0;
}

/* By /proc/TID/fd where pidfd_getfd is refused: a new open file description, so only good for looking at. */
static int reopen_fd(const struct um_call *call, int fd)
{
	char name[64];
	int copy;

	snprintf(name, sizeof(name), "/proc/%d/fd/%d", call->tid, fd);
	copy = open(name, O_PATH | O_CLOEXEC);
	if (copy < 0)
		return errno == ENOENT ? -EBADF : -errno;
	return copy;
}

int um_get_fd(const struct um_call *call, int fd)
{
	struct slot *slot = &slots[(unsigned)call->tid % slots_in_use()];
	int tries, copy, err;

	if (fd < 0)
		return -EBADF;
	if (!call->view->features.pidfd_getfd)
		return reopen_fd(call, fd);
	for (tries = 0; tries < 2; tries++) {
		if (slot->tid != call->tid || (slot->tgid != 0 && syscall(SYS_tgkill, slot->tgid, slot->tid, 0) < 0)) {
			err = slot_open(slot, call->tid);
			if (err < 0)
				return err;
		}
		copy = (int)syscall(SYS_pidfd_getfd, slot->pidfd, fd, 0);
		if (copy >= 0)
			return copy;
		if (errno != ESRCH)
			return -errno;
		close(slot->pidfd);
		slot->tid = 0;
	}
	return reopen_fd(call, fd); /* the leader has exited, its threads live on */
}

ssize_t um_fd_host_path(const struct um_call *call, int fd, char *buf)
{
	char name[64];
	ssize_t n;

	if (fd == AT_FDCWD)
		snprintf(name, sizeof(name), "/proc/%d/cwd", call->tid);
	else
		snprintf(name, sizeof(name), "/proc/%d/fd/%d", call->tid, fd);
	n = readlink(name, buf, PATH_MAX - 1);
	if (n < 0)
		return errno == ENOENT && fd != AT_FDCWD ? -EBADF : -errno;
	buf[n] = '\0';
	if (n > 10 && strcmp(buf + n - 10, " (deleted)") == 0)
		return procfs_lead_back(buf) ? (ssize_t)strlen(buf) : -ENOENT;
	return n;
}

/* How many of the thread's descriptors have numbers below @limit; -1: its directory cannot be read. */
static long count_fds(const char *directory, unsigned long limit)
{
	const struct dirent *entry;
	DIR *dir = opendir(directory);
	long n = 0;

	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.' && strtoul(entry->d_name, NULL, 10) < limit;
	closedir(dir);
	return n;
}

bool um_fd_is_free(const struct um_call *call)
{
	struct rlimit limit;
	struct stat st;
	char name[32];
	long n;

	snprintf(name, sizeof(name), "/proc/%d/fd", call->tid);
	if (prlimit(call->tid, RLIMIT_NOFILE, NULL, &limit) < 0 || stat(name, &st) < 0)
		return true;
	/* The size is how many there are (Linux 6.2, before 0): if fewer than numbers, one is free. */
	if (st.st_size > 0 && (rlim_t)st.st_size < limit.rlim_cur)
		return true;
	n = count_fds(name, limit.rlim_cur);
	return n < 0 || (rlim_t)n < limit.rlim_cur;
}

pid_t um_tgid(const struct um_call *call)
{
	pid_t tgid;

	/* Signal 0 to a thread of the group that bears its own number: true of leaders only. */
	if (syscall(SYS_tgkill, call->tid, call->tid, 0) == 0)
		return call->tid;
	tgid = procinfo_tgid(call->tid);
	return tgid != 0 ? tgid : call->tid;
}

bool um_is_monitors(const struct um_call *call, pid_t pid)
{
	const struct um_view *view = call->view;

	pid = procinfo_tgid(pid);
	return pid > 0 && (pid == view->monitor || pid == view->guardian || pid == view->front ||
			   um_tracer_helper(view, pid));
}

void um_relock(struct um_call *call)
{
	um_lock(call->view);
	call->state = state_of(call->view->states, call->tid);
	if (call->state == NULL) /* it has ended */
		call->state = state_number(call->view->states, 1);
}

bool um_alive(const struct um_call *call)
{
	return call->park != NULL ? park_alive(call) : call->view->tracer_ops->alive((struct um_call *)call);
}

int64_t um_answer_fd(struct um_call *call, int fd, int flags)
{
	bool interrupted = um_recall(call, true) < 0;
	int ret;

	if (interrupted) {
		close(fd);
		return UM_RESTART;
	}
	ret = call->view->tracer_ops->answer_fd(call, fd, flags & O_CLOEXEC);
	if (ret == -ENOENT || ret == -ESRCH)
		return UM_REPLIED;
	return ret < 0 ? ret : UM_REPLIED;
}

/* Free the records that nobody has, when there are many: each sweep pays for itself before the next. */
static void sweep_states(const struct um_view *view, const struct um_state *mine, const struct um_state *record)
{
	static size_t enough = STATES_ENOUGH;
	const struct um_state *keep[] = { mine, record, state_number(view->states, 1), NULL };

	if (states_count(view->states) < enough)
		return;
	states_sweep(view->states, keep);
	namei_forget();
	enough = 2 * states_count(view->states);
	if (enough < STATES_ENOUGH)
		enough = STATES_ENOUGH;
}

int um_set_state(struct um_call *call, const struct um_state *changed)
{
	const struct um_state *record = state_intern(call->view->states, changed);
	int err;

	if (record == NULL)
		return -ENOMEM;
	sweep_states(call->view, call->state, record);
	err = state_set(call->view->states, call->tid, record);
	if (err == 0)
		call->state = record;
	return err;
}
