/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Launching CMD.
 *
 * Theory of operation.  The child installs the filter on itself, and so it is the child that gets the listener's
 * descriptor; but whatever it would do to hand it over may be a call that the filter traps, with nobody there to
 * answer.  So parent and child share the table of descriptors at first (CLONE_FILES): the child says the number in a
 * shared page and the parent takes the descriptor from its own table.  Then the child leaves the table (the filter
 * does not trap unshare(CLONE_FILES)).  A futex in the page, which is never trapped either, leads through the stages.
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "tracer/tracer.h"

enum stage {
	STAGE_BORN,
	STAGE_FILTERED,         /* the child: `listener' is valid */
	STAGE_TAKEN,            /* the parent: it is mine now */
	STAGE_APART,            /* the child: I have a table of my own */
	STAGE_GO,               /* the parent: exec */
};

struct launch_page {
	uint32_t stage;
	int listener;           /* or a negative errno */
};

static void stage_set(struct launch_page *page, enum stage stage)
{
	__atomic_store_n(&page->stage, stage, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &page->stage, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Wait for a stage while @alive says that the other side is there. */
static bool stage_wait(struct launch_page *page, enum stage stage, bool (*alive)(pid_t), pid_t other)
{
	struct timespec patience = { .tv_nsec = 100000000 };
	uint32_t now;

	while ((now = __atomic_load_n(&page->stage, __ATOMIC_SEQ_CST)) < stage) {
		if (syscall(SYS_futex, &page->stage, FUTEX_WAIT, now, &patience, NULL, 0) < 0 && errno == ETIMEDOUT &&
		    !alive(other))
			return false;
	}
	return true;
}

static bool is_parent(pid_t pid)
{
	return getppid() == pid;
}

static bool is_running(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

/* --- the child ---------------------------------------------------------------------------------------------------- */

/* Leave the shared table of descriptors.  A container may refuse unshare(2), even for this. */
static int own_table(void)
{
	if (unshare(CLONE_FILES) == 0)
		return 0;
	return (int)syscall(SYS_close_range, ~0u, ~0u, CLOSE_RANGE_UNSHARE);
}

/*
 * For a secure view: what the kernel would do for the process beside its calls.  A core is written to the working
 * directory, past the monitor; and who has capabilities, because root started the view, would have them still.
 */
static int give_up(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	const struct rlimit no_core = { 0, 0 };

	for (int cap = 0; cap < 64; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* EPERM: there was none; EINVAL: beyond the last */
	if (setrlimit(RLIMIT_CORE, &no_core) < 0 || syscall(SYS_capset, &head, none) < 0)
		return -errno;
	return 0;
}

static _Noreturn void child(struct launch *l, const struct sock_fprog *filter, pid_t parent)
{
	struct launch_page *page = l->page;
	int err;

	if (l->early != NULL)
		l->early(l->arg);
	err = l->filter.secure ? give_up() : 0;
	page->listener = err < 0 ? err : l->tracer->install(filter, l->features);
	stage_set(page, STAGE_FILTERED);
	if (page->listener < 0 || !stage_wait(page, STAGE_TAKEN, is_parent, parent) || own_table() < 0)
		_exit(UM_EXIT_FAILURE);
	stage_set(page, STAGE_APART);
	if (!stage_wait(page, STAGE_GO, is_parent, parent)) /* whose death this is: we would stay here for ever */
		_exit(UM_EXIT_FAILURE);
	origin_return(l->origin); /* so late that a Ctrl-C meanwhile is CMD's end, not a start that failed */
	execvp(l->argv[0], l->argv);
	err = errno;
	um_warn("%s: %s", um_shown(l->argv[0]), strerror(err));
	_exit(err == ENOENT ? 127 : 126);
}

/* --- the parent --------------------------------------------------------------------------------------------------- */

/* Why no filter could be had, in words that help. */
static void explain(int err)
{
	switch (err) {
	case -EBUSY:
		um_warn("a process can have one seccomp listener only, and here is one already: this is in a container, or below "
			"another program, that uses one");
		break;
	case -EINVAL:
	case -ENOSYS:
		um_warn("the kernel has no seccomp listeners (Linux 5.10 or newer with CONFIG_SECCOMP_FILTER is needed), or "
			"a sandbox around this process refuses them: %s", strerror(-err));
		break;
	case -EACCES:
	case -EPERM:
		um_warn("a sandbox around this process does not let it install a seccomp filter: %s (in a container, allow "
			"the system call seccomp in its profile)", strerror(-err));
		break;
	default:
		um_warn("cannot install the view's seccomp filter: %s", strerror(-err));
	}
}

void launch_cancel(struct launch *l)
{
	kill(l->pid, SIGKILL);
	waitpid(l->pid, NULL, 0);
}

/* Take the listener out of the shared table's low numbers. */
static int take_listener(struct launch *l)
{
	if (!stage_wait(l->page, STAGE_FILTERED, is_running, l->pid)) {
		um_warn("the process for %s ended before it had begun", l->argv[0]);
		return -ECHILD;
	}
	if (l->page->listener < 0) {
		l->refused = true;
		if (!l->quiet)
			explain(l->page->listener);
		return l->page->listener;
	}
	l->listener = fcntl(l->page->listener, F_DUPFD_CLOEXEC, 3);
	if (l->listener < 0) {
		um_warn("no descriptor left for the listener: %s", strerror(errno));
		return -EMFILE;
	}
	close(l->page->listener);
	stage_set(l->page, STAGE_TAKEN);
	if (!stage_wait(l->page, STAGE_APART, is_running, l->pid)) {
		um_warn("the process for %s ended before it had begun", l->argv[0]);
		close(l->listener);
		return -ECHILD;
	}
	return 0;
}

int launch_prepare(struct launch *l)
{
	struct sock_fprog filter;
	pid_t parent = getpid();
	int err = filter_build(&filter, &l->filter);

	if (err < 0) {
		um_warn("cannot build the seccomp filter: %s", strerror(-err));
		return err;
	}
	l->page = mmap(NULL, sizeof(*l->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (l->page == MAP_FAILED) {
		um_warn("mmap: %s", strerror(errno));
		return -errno;
	}
	l->pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (l->pid == 0)
		child(l, &filter, parent);
	err = l->pid < 0 ? -errno : take_listener(l);
	if (l->pid < 0)
		um_warn("fork: %s", strerror(-err));
	else if (err < 0)
		launch_cancel(l);
	filter_free(&filter);
	return err;
}

void launch_go(struct launch *l)
{
	stage_set(l->page, STAGE_GO);
	munmap(l->page, sizeof(*l->page));
}
