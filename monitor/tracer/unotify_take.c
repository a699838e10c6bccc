// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The unotify tracer takes in a process that runs: it has one of the process's threads install the filter.
 *
 * The filter is written to memory that the thread is made to map, and is installed in all threads at once (TSYNC).
 * The listener is taken by pidfd_getfd and closed in the process.  From the installation on, calls that the filter
 * traps wait for the monitor; those that are made here carry the view's cookie.
 *
 * All threads of the process are held meanwhile.  That matters: an execve(2) of another thread between the
 * installation and pidfd_getfd would close the listener, and the process would go on with a filter that nobody
 * serves.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../compat.h"
#include "../view.h"
#include "hold.h"
#include "take.h"
#include "tracer.h"
#include "unotify.h"

#define SPARE 4		    /* descriptors kept free for what must not fail */
#define ROOM_FOR_LISTENER 8 /* descriptors that the process gets more, for a moment */

/* The process has no descriptor left: a few more for a moment.  False: it cannot have more. */
static bool raise_limit(pid_t pid, struct rlimit64 *old)
{
	struct rlimit64 more;

	if (prlimit64(pid, RLIMIT_NOFILE, NULL, old) < 0)
		return false;
	more = *old;
	more.rlim_cur =
	    old->rlim_max - old->rlim_cur > ROOM_FOR_LISTENER ? old->rlim_cur + ROOM_FOR_LISTENER : old->rlim_max;
	return more.rlim_cur > old->rlim_cur && prlimit64(pid, RLIMIT_NOFILE, &more, NULL) == 0;
}

/* The listener's number in the process, or a negative errno. */
static int64_t install(struct hold *h, uint64_t prog)
{
	unsigned flags =
	    unotify_flags(&h->view->features) | SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	struct rlimit64 old;
	int64_t fd = take_call(h, SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);

	if (fd == -EMFILE && raise_limit(h->pid, &old)) {
		fd = take_call(h, SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
		prlimit64(h->pid, RLIMIT_NOFILE, &old, NULL);
	}
	return fd;
}

/* May descriptors be taken from the process?  Asked for one that cannot be. */
static int may_take(int pidfd)
{
	return syscall(SYS_pidfd_getfd, pidfd, -1, 0) < 0 && errno == EBADF ? 0 : -errno;
}

static void reserve(int spare[SPARE])
{
	for (int i = 0; i < SPARE; i++)
		spare[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void give_back(const int spare[SPARE])
{
	for (int i = 0; i < SPARE; i++)
		if (spare[i] >= 0)
			close(spare[i]);
}

/* The steps that begin with the filter in the process's memory.  The listener, ours, or a negative errno. */
static int take_listener(struct hold *h, int pidfd, uint64_t prog, struct um_taking *t)
{
	int spare[SPARE], listener;
	int64_t fd;

	fd = take_no_new_privs(h, t);
	if (fd < 0)
		return (int)fd;
	t->what = "the filter (seccomp)";
	reserve(spare);
	fd = spare[SPARE - 1] < 0 ? -ENFILE : install(h, prog);
	give_back(spare);
	if (fd < 0)
		return (int)fd;
	t->filtered = true;
	t->what = "its listener (pidfd_getfd)";
	listener = (int)syscall(SYS_pidfd_getfd, pidfd, (int)fd, 0);
	if (listener < 0)
		return -errno;
	take_call(h, SYS_close, (uint64_t)fd, 0, 0);
	return listener;
}

static int take(struct hold *h, int pidfd, const struct sock_fprog *filter, struct um_taking *t)
{
	size_t size = sizeof(*filter) + filter->len * sizeof(*filter->filter);
	int64_t at;
	int r;

	t->what = "taking a descriptor from it (pidfd_getfd)";
	r = h->view->features.pidfd_getfd ? may_take(pidfd) : -ENOSYS;
	if (r < 0)
		return r;
	t->what = "memory for the filter (mmap)";
	at = take_map(h, size);
	if (at < 0)
		return (int)at;
	r = take_write(h, (uint64_t)at, filter);
	if (r == 0)
		r = take_listener(h, pidfd, (uint64_t)at, t);
	take_call(h, SYS_munmap, (uint64_t)at, size, 0);
	return r;
}

int unotify_take(struct hold *h, const struct sock_fprog *filter, struct um_taking *t)
{
	int pidfd = (int)syscall(SYS_pidfd_open, h->pid, 0), r;

	*t = (struct um_taking){.what = "a pidfd of it"};
	r = pidfd < 0 ? -errno : hold_use(h);
	if (r == 0) {
		r = take(h, pidfd, filter, t);
	} else if (r == -ENOEXEC) {
		t->what = "a system call instruction in its memory";
	}
	if (pidfd >= 0)
		close(pidfd);
	return r;
}
