// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reaching processes outside of the view, by every call that takes a process id, a pidfd or a name in /proc.
 *
 *	processes VICTIM ADDRESS
 *
 * VICTIM is a process made for the test; at ADDRESS it has 8 bytes that may be written.  The monitor is our parent.
 */
#include "exploit.h"

#include <linux/kcmp.h>
#include <linux/perf_event.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

static pid_t victim, parent;
static uint64_t address;

static siginfo_t queued(void)
{
	siginfo_t info = { .si_signo = SIGCONT, .si_code = SI_QUEUE };

	info.si_pid = getpid();
	info.si_uid = getuid();
	return info;
}

static bool kill_one(void) { return worked(kill(victim, SIGCONT)); }
static bool kill_group(void) { return worked(kill(-getpgid(victim), SIGCONT)); }
static bool tkill_one(void) { return worked(syscall(SYS_tkill, victim, SIGCONT)); }
static bool tgkill_one(void) { return worked(syscall(SYS_tgkill, victim, victim, SIGCONT)); }

static bool queue_one(void)
{
	siginfo_t info = queued();

	return worked(syscall(SYS_rt_sigqueueinfo, victim, SIGCONT, &info));
}

static bool tgqueue_one(void)
{
	siginfo_t info = queued();

	return worked(syscall(SYS_rt_tgsigqueueinfo, victim, victim, SIGCONT, &info));
}

static int proc_open(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, flags | O_CLOEXEC);
}

static bool pidfd_signal(void)
{
	return worked(syscall(SYS_pidfd_send_signal, proc_open(victim, "", O_RDONLY | O_DIRECTORY), SIGCONT, NULL, 0));
}

static int pidfd(void) { return (int)syscall(SYS_pidfd_open, victim, 0); }
static bool pidfd_open_one(void) { return worked(pidfd()); }
static bool pidfd_getfd_one(void) { return worked(syscall(SYS_pidfd_getfd, pidfd(), 0, 0)); }

static bool vm_write(void)
{
	struct iovec ours = { "escaped", 8 }, theirs = { (void *)address, 8 };

	return worked(process_vm_writev(victim, &ours, 1, &theirs, 1, 0));
}

static bool vm_read(void)
{
	char buf[8];
	struct iovec ours = { buf, 8 }, theirs = { (void *)address, 8 };

	return worked(process_vm_readv(victim, &ours, 1, &theirs, 1, 0));
}

static bool madvise_one(void)
{
	struct iovec theirs = { (void *)(address & ~UINT64_C(4095)), 4096 };

	return worked(syscall(SYS_process_madvise, pidfd(), &theirs, 1, 20 /* MADV_COLD */, 0));
}

static bool proc_mem(void)
{
	return worked(pwrite(proc_open(victim, "mem", O_RDWR), "escaped", 8, (off_t)address));
}

static bool proc_task_mem(void)
{
	char name[64];

	snprintf(name, sizeof(name), "task/%d/mem", victim);
	return worked(pwrite(proc_open(victim, name, O_RDWR), "escaped", 8, (off_t)address));
}

/* Step by step, by descriptors. */
static bool proc_mem_at(void)
{
	int fd = openat(proc_open(victim, "", O_RDONLY | O_DIRECTORY), "mem", O_RDWR);

	return worked(pwrite(fd, "escaped", 8, (off_t)address));
}

static bool proc_environ(void)
{
	char buf[8];

	return read(proc_open(victim, "environ", O_RDONLY), buf, sizeof(buf)) > 0;
}

static bool proc_maps(void) { return worked(proc_open(victim, "maps", O_RDONLY)); }
static bool proc_oom(void) { return worked(write(proc_open(victim, "oom_score_adj", O_WRONLY), "500", 3)); }
static bool proc_fd(void) { return worked(proc_open(victim, "fd/0", O_RDWR)); }
static bool proc_fd_pipe(void) { return worked(proc_open(victim, "fd/3", O_WRONLY)); }
static bool proc_cwd(void) { return worked(proc_open(victim, "cwd/handed", O_RDONLY)); }
static bool proc_root(void) { return worked(proc_open(victim, "root/etc/passwd", O_RDONLY)); }
static bool proc_ns(void) { return worked(setns(proc_open(victim, "ns/user", O_RDONLY), 0)); }

static bool attach(pid_t pid, int request)
{
	int status;

	if (ptrace(request, pid, NULL, NULL) < 0)
		return false;
	if (request == PTRACE_ATTACH)
		waitpid(pid, &status, __WALL);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return true;
}

static bool ptrace_attach(void) { return attach(victim, PTRACE_ATTACH); }
static bool ptrace_seize(void) { return attach(victim, PTRACE_SEIZE); }
static bool kcmp_one(void) { return worked(syscall(SYS_kcmp, getpid(), victim, KCMP_FILE, 0, 0)); }

static bool limit(pid_t pid, int resource)
{
	struct rlimit l;

	return prlimit(pid, resource, NULL, &l) == 0 && prlimit(pid, resource, &l, NULL) == 0;
}

static bool prlimit_one(void) { return limit(victim, RLIMIT_CPU); }
static bool prlimit_carrier(void) { return limit(victim, RLIMIT_LOCKS); }
static bool priority_one(void) { return worked(setpriority(PRIO_PROCESS, (id_t)victim, 5)); }
static bool priority_group(void) { return worked(setpriority(PRIO_PGRP, (id_t)getpgid(victim), 6)); }
static bool ioprio_one(void) { return worked(syscall(SYS_ioprio_set, 1, victim, 2 << 13 | 6)); }

static bool affinity(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && sched_setaffinity(victim, sizeof(set), &set) == 0;
}

static bool scheduler(void)
{
	struct sched_param p = { 0 };

	return worked(sched_setscheduler(victim, SCHED_BATCH, &p));
}

static bool sched_param_one(void)
{
	struct sched_param p = { 0 };

	return worked(sched_setparam(victim, &p));
}

static bool robust_list(void)
{
	void *head;
	size_t len;

	return worked(syscall(SYS_get_robust_list, victim, &head, &len));
}

static bool migrate(void)
{
	unsigned long nodes = 1;

	return worked(syscall(SYS_migrate_pages, victim, 8, &nodes, &nodes));
}

static bool move_pages_one(void)
{
	void *page = (void *)(address & ~UINT64_C(4095));
	int status;

	return worked(syscall(SYS_move_pages, victim, 1, &page, NULL, &status, 0));
}

/* The victim gets the signals of our socket. */
static bool owner_is_victim(int sock)
{
	return fcntl(sock, F_GETOWN) == victim;
}

static int some_socket(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ? -1 : pair[0];
}

static bool setown(void)
{
	int s = some_socket();

	return fcntl(s, F_SETOWN, victim) == 0 && owner_is_victim(s);
}

static bool setown_ex(void)
{
	struct f_owner_ex owner = { F_OWNER_PID, victim };
	int s = some_socket();

	return fcntl(s, F_SETOWN_EX, &owner) == 0 && owner_is_victim(s);
}

static bool setown_ioctl(void)
{
	int s = some_socket();

	return ioctl(s, FIOSETOWN, &victim) == 0 && owner_is_victim(s);
}

static bool setown_siocspgrp(void)
{
	int s = some_socket();

	return ioctl(s, SIOCSPGRP, &victim) == 0 && owner_is_victim(s);
}

/* In its group a background read of the terminal would stop it. */
static bool join_group(void) { return worked(setpgid(0, getpgid(victim))); }

static bool perf(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_TASK_CLOCK,
					.exclude_kernel = 1, .exclude_hv = 1 };

	return worked(syscall(SYS_perf_event_open, &attr, victim, -1, -1, 0));
}

static bool unshare_user(void) { return worked(unshare(CLONE_NEWUSER)); }

static bool clone_user(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool clone3_user(void)
{
	uint64_t args[11] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD };
	long pid = syscall(SYS_clone3, args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

/* The process above us: inside of a view its monitor. */
static bool parent_kill(void) { return worked(kill(parent, SIGCONT)); }
static bool parent_limit(void) { return limit(parent, RLIMIT_CPU); }
static bool parent_mem(void) { return worked(proc_open(parent, "mem", O_RDWR)); }
static bool parent_fd(void) { return worked(proc_open(parent, "fd/0", O_RDONLY)); }
static bool parent_trace(void) { return attach(parent, PTRACE_SEIZE); }
/* A session has one priority among others (sched(7), "The autogroup feature"), and the user's shell is in it.  All users
 * together may change one each tenth of a second. */
static bool autogroup(void)
{
	int fd = proc_open(getpid(), "autogroup", O_WRONLY), tries = 100;
	ssize_t n;

	while ((n = write(fd, "0", 1)) < 0 && errno == EAGAIN && --tries > 0)
		usleep(50000);
	return worked(n);
}
static bool parent_priority(void) { return worked(setpriority(PRIO_PROCESS, (id_t)parent, 5)); }

static bool parent_setown(void)
{
	int s = some_socket();

	return fcntl(s, F_SETOWN, parent) == 0 && fcntl(s, F_GETOWN) == parent;
}

int main(int argc, char **argv)
{
	static const struct attempt attempts[] = {
		{ "kill", kill_one }, { "kill-group", kill_group }, { "tkill", tkill_one }, { "tgkill", tgkill_one },
		{ "rt_sigqueueinfo", queue_one }, { "rt_tgsigqueueinfo", tgqueue_one },
		{ "pidfd_send_signal", pidfd_signal }, { "pidfd_open", pidfd_open_one },
		{ "pidfd_getfd", pidfd_getfd_one }, { "process_vm_writev", vm_write },
		{ "process_vm_readv", vm_read }, { "process_madvise", madvise_one }, { "proc-mem", proc_mem },
		{ "proc-task-mem", proc_task_mem }, { "proc-mem-at", proc_mem_at }, { "proc-environ", proc_environ },
		{ "proc-maps", proc_maps }, { "proc-oom_score_adj", proc_oom }, { "proc-fd", proc_fd },
		{ "proc-fd-pipe", proc_fd_pipe }, { "proc-cwd", proc_cwd }, { "proc-root", proc_root },
		{ "ptrace-attach", ptrace_attach }, { "ptrace-seize", ptrace_seize }, { "kcmp", kcmp_one },
		{ "prlimit", prlimit_one }, { "prlimit-carrier", prlimit_carrier }, { "setpriority", priority_one },
		{ "setpriority-group", priority_group }, { "ioprio_set", ioprio_one },
		{ "sched_setaffinity", affinity }, { "sched_setscheduler", scheduler },
		{ "sched_setparam", sched_param_one }, { "get_robust_list", robust_list },
		{ "migrate_pages", migrate }, { "move_pages", move_pages_one }, { "F_SETOWN", setown },
		{ "F_SETOWN_EX", setown_ex }, { "FIOSETOWN", setown_ioctl }, { "SIOCSPGRP", setown_siocspgrp },
		{ "setpgid", join_group }, { "perf_event_open", perf }, { "setns", proc_ns },
		{ "unshare", unshare_user }, { "clone", clone_user }, { "clone3", clone3_user },
		{ "parent-kill", parent_kill }, { "parent-prlimit", parent_limit }, { "parent-mem", parent_mem },
		{ "parent-fd", parent_fd }, { "parent-ptrace", parent_trace },
		{ "parent-setpriority", parent_priority }, { "parent-F_SETOWN", parent_setown },
		{ "autogroup", autogroup }, { NULL, NULL },
	};

	if (argc != 3)
		return 2;
	victim = atoi(argv[1]);
	address = strtoull(argv[2], NULL, 0);
	parent = getppid();
	run_attempts(attempts);
	return 0;
}
