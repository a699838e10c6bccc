// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Descriptors into a traced process.
 *
 * Theory of operation.  A process must take a descriptor itself, and it can see none of the monitor's, which is not
 * dumpable.  So there is a carrier: a process that shares the monitor's table of descriptors (CLONE_FILES) and nothing else,
 * and may be looked at.  It does nothing, and ends with the monitor.  The process is made to
 *
 *	openat(/proc/CARRIER/fd/N)	a file that was opened for it, and stands at its beginning: the new open file
 *					is as good.  One stop.  The name is written below the red zone of its stack, where
 *					nothing of the program can be; not in secure mode, where another thread could
 *					change it
 *	pidfd_open, pidfd_getfd, dup3, close	everything else.  The pidfd has the lowest free number, which must
 *					be the new descriptor's: dup3 puts it there
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../compat.h"
#include "../view.h"
#include "ptrace.h"

#define NAME "viewcarrier"
#define PATH_ROOM 48
#define REOPEN_FLAGS                                                                                                 \
	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_DIRECT | O_LARGEFILE | O_NOATIME | O_SYNC | O_DSYNC | O_PATH | O_DIRECTORY)

static pid_t carrier;

static _Noreturn void carry(struct um_view *view, pid_t monitor)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	sigset_t all;

	view->cookie = 0;                     /* our copy: it is no secret here */
	syscall(SYS_capset, &head, none);     /* or processes that have fewer could not take from it */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_NAME, NAME);
	prctl(PR_SET_PTRACER, -1ul, 0, 0, 0); /* Yama */
	setsid();
	if (chdir("/") < 0 || getppid() != monitor)
		_exit(0);
	for (;;)
		pause();
}

int ptrace_start(struct um_view *view)
{
	struct sigaction sa = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP };
	pid_t me = getpid();

	sigaction(SIGCHLD, &sa, NULL); /* each stop would wake the loop */
	carrier = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (carrier < 0)
		return -errno;
	if (carrier == 0)
		carry(view, me);
	view->helper = carrier;
	return 0;
}

/* A call in the process, which the filter lets pass. */
static int64_t make(struct ptracer *p, struct trapped *t, struct um_call *call, int nr, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t args[6] = { a, b, c, 0, 0, call->view->cookie };
	int64_t result;
	int err = ptrace_call(p, t, nr, args, &result);

	return err < 0 ? err : result;
}

/* May it be opened again? */
static bool is_plain(const struct um_call *call, int fd, int status, bool fresh)
{
	struct stat st;

	if (call->view->secure || status < 0)
		return false;
	if (status & O_PATH)
		return true;
	return fresh && fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) && lseek(fd, 0, SEEK_CUR) == 0;
}

static int reopen(struct ptracer *p, struct trapped *t, struct um_call *call, int fd, int status, int flags)
{
	uint64_t at = (arch_stack(&t->regs) - ARCH_RED_ZONE - PATH_ROOM) & ~UINT64_C(15);
	uint64_t how = (uint64_t)((status & REOPEN_FLAGS) | flags);
	char path[PATH_ROOM];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)carrier, fd);
	err = um_write(call, at, path, strlen(path) + 1);
	if (err < 0)
		return err;
#ifdef SYS_open
	if (call->nr == SYS_open) /* a filter of the program may know that one only */
		return (int)make(p, t, call, SYS_open, at, how, 0);
#endif
	return (int)make(p, t, call, SYS_openat, (uint64_t)AT_FDCWD, at, how);
}

/* Take it by number; the limit of descriptors is raised for the moment if there is room for one only. */
static int fetch(struct ptracer *p, struct trapped *t, struct um_call *call, int fd, int flags)
{
	int64_t pidfd = make(p, t, call, SYS_pidfd_open, (uint64_t)carrier, 0, 0), got, number;
	struct rlimit64 old, more;
	bool raised = false;

	if (pidfd < 0)
		return (int)pidfd;
	got = make(p, t, call, SYS_pidfd_getfd, (uint64_t)pidfd, (uint64_t)fd, 0);
	if (got == -EMFILE && syscall(SYS_prlimit64, call->tid, RLIMIT_NOFILE, NULL, &old) == 0 &&
	    old.rlim_cur < old.rlim_max) {
		more = (struct rlimit64){ old.rlim_max, old.rlim_max };
		raised = syscall(SYS_prlimit64, call->tid, RLIMIT_NOFILE, &more, NULL) == 0;
		got = make(p, t, call, SYS_pidfd_getfd, (uint64_t)pidfd, (uint64_t)fd, 0);
	}
	if (raised)
		syscall(SYS_prlimit64, call->tid, RLIMIT_NOFILE, &old, NULL);
	if (got < 0) {
		make(p, t, call, SYS_close, (uint64_t)pidfd, 0, 0);
		return (int)got;
	}
	number = make(p, t, call, SYS_dup3, (uint64_t)got, (uint64_t)pidfd, (uint64_t)flags);
	make(p, t, call, SYS_close, (uint64_t)got, 0, 0);
	return (int)number;
}

int ptrace_give(struct ptracer *p, struct trapped *t, struct um_call *call, int fd, int flags, bool fresh)
{
	int status = fcntl(fd, F_GETFL), number = -EPERM;

	flags &= O_CLOEXEC;
	if (is_plain(call, fd, status, fresh))
		number = reopen(p, t, call, fd, status, flags);
	if (number >= 0 || number == -ESRCH || number == -EMFILE || number == -ENFILE)
		return number;
	return fetch(p, t, call, fd, flags);
}
