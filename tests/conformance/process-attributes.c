// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a process asks and sets of itself and its kin: prctl, personality, limits, priorities, sessions, ids that are not
 * changed, waiting, clone's flags, and what is refused.
 */
#include "conform.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- prctl ------------------------------------------------------------------------------------------------------ */

static void dumpable(void)
{
	TRY("dumpable-get", prctl(PR_GET_DUMPABLE));
	TRY("dumpable-set-2", prctl(PR_SET_DUMPABLE, 2));
	TRY("dumpable-set-minus", prctl(PR_SET_DUMPABLE, -1L));
	TRY("dumpable-set-0", prctl(PR_SET_DUMPABLE, 0));
	TRY("dumpable-then", prctl(PR_GET_DUMPABLE));
	TRY("dumpable-open", close(open("/proc/self/status", O_RDONLY)));
	TRY("dumpable-mkdir", mkdir("undumpable", 0755));
	TRY("dumpable-stat", access("undumpable", F_OK));
	if (fork() == 0) {
		TRY("dumpable-inherited", prctl(PR_GET_DUMPABLE));
		_exit(0);
	}
	wait(NULL);
	TRY("dumpable-set-1", prctl(PR_SET_DUMPABLE, 1));
	TRY("dumpable-again", prctl(PR_GET_DUMPABLE));
}

static void names(void)
{
	char name[32] = "";
	int fd;

	TRY("name-set", prctl(PR_SET_NAME, "a name that is too long"));
	prctl(PR_GET_NAME, name);
	say("name-get", "%s", name);
	fd = open("/proc/self/comm", O_RDWR);
	TRY("name-write", write(fd, "by file", 7));
	close(fd);
	prctl(PR_GET_NAME, name);
	say("name-get-after", "%s", name);
	TRY("name-bad", prctl(PR_SET_NAME, 1));
	TRY("name-get-bad", prctl(PR_GET_NAME, 1));
}

static void privileges(void)
{
	unsigned caps = 0;

	TRY("nnp-bad-1", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	TRY("nnp-bad-2", prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	TRY("nnp-get-bad", prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	TRY("nnp-set", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	TRY("nnp-get", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	TRY("keepcaps-get", prctl(PR_GET_KEEPCAPS));
	TRY("keepcaps-set", prctl(PR_SET_KEEPCAPS, 1));
	TRY("keepcaps-then", prctl(PR_GET_KEEPCAPS));
	TRY("keepcaps-bad", prctl(PR_SET_KEEPCAPS, 2));
	TRY("securebits-get", prctl(PR_GET_SECUREBITS));
	TRY("securebits-set", prctl(PR_SET_SECUREBITS, 1));
	TRY("bounding-read", prctl(PR_CAPBSET_READ, CAP_CHOWN));
	TRY("bounding-read-bad", prctl(PR_CAPBSET_READ, 63));
	TRY("bounding-drop", prctl(PR_CAPBSET_DROP, CAP_MKNOD));
	TRY("bounding-dropped", prctl(PR_CAPBSET_READ, CAP_MKNOD));
	TRY("ambient-clear", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	TRY("ambient-raise", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	TRY("ambient-is-set", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
	TRY("ambient-bad", prctl(PR_CAP_AMBIENT, 9, 0, 0, 0));
	{
		struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
		struct __user_cap_data_struct d[2];

		TRY("capget", syscall(SYS_capget, &h, d));
		say("capget-none", "%d", d[0].permitted == 0 && d[0].effective == 0);
		d[0].effective = d[0].permitted;
		TRY("capset-same", syscall(SYS_capset, &h, d));
		h.version = 0;
		TRY("capget-version", syscall(SYS_capget, &h, d));
		say("capget-version-told", "%#x", h.version);
		h.version = _LINUX_CAPABILITY_VERSION_3;
		h.pid = -1;
		TRY("capget-bad-pid", syscall(SYS_capget, &h, d));
		h.pid = 1;
		TRY("capget-init", syscall(SYS_capget, &h, d));
		TRY("capset-init", syscall(SYS_capset, &h, d));
		TRY("capget-bad", syscall(SYS_capget, NULL, d));
	}
	(void)caps;
}

static void various(void)
{
	int i = -1;

	TRY("pdeathsig-set", prctl(PR_SET_PDEATHSIG, SIGUSR1));
	TRY("pdeathsig-get", prctl(PR_GET_PDEATHSIG, &i));
	say("pdeathsig", "%d", i);
	TRY("pdeathsig-bad", prctl(PR_SET_PDEATHSIG, 99));
	TRY("subreaper-set", prctl(PR_SET_CHILD_SUBREAPER, 1));
	TRY("subreaper-get", prctl(PR_GET_CHILD_SUBREAPER, &i));
	say("subreaper", "%d", i);
	TRY("timerslack-set", prctl(PR_SET_TIMERSLACK, 70000));
	TRY("timerslack-get", prctl(PR_GET_TIMERSLACK));
	TRY("timing", prctl(PR_GET_TIMING));
	TRY("thp-get", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	TRY("thp-set", prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	TRY("thp-then", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	TRY("mce", prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
	TRY("tsc", prctl(PR_GET_TSC, &i));
	TRY("unalign", prctl(PR_GET_UNALIGN, &i));
	TRY("tid-address", prctl(PR_GET_TID_ADDRESS, &i));
	TRY("speculation", prctl(PR_GET_SPECULATION_CTRL, 99, 0, 0, 0));
	TRY("io-flusher", prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0));
	TRY("mm-brk", prctl(PR_SET_MM, PR_SET_MM_BRK, 1, 0, 0));
	TRY("mm-map-size", prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &i, 0, 0));
	TRY("mm-exe", prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, 0, 0, 0));
	TRY("vma-name", prctl(PR_SET_VMA, 1, 0, 0, 0));
	TRY("seccomp-get", prctl(PR_GET_SECCOMP) >= 0 ? 0 : -1);
	TRY("unknown", prctl(12345, 1, 2, 3, 4));
	TRY("ptracer", prctl(PR_SET_PTRACER, getppid(), 0, 0, 0));
}

static void orphan(void)
{
	int pipes[2], sum = 0;
	char c;
	pid_t self = getpid();

	NEED(pipe(pipes) == 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (fork() == 0) {
		if (fork() == 0) {
			close(pipes[1]);
			while (getppid() != self)
				usleep(1000);
			say("orphan-adopted", "%d", getppid() == self);
			_exit(7);
		}
		_exit(3);
	}
	close(pipes[1]);
	NEED(read(pipes[0], &c, 1) == 0);
	for (int i = 0; i < 2; i++) {
		int status;

		NEED(wait(&status) > 0);
		sum += WEXITSTATUS(status);
	}
	say("orphan-and-parent-reaped", "%d", sum);
}

static void death_signal(void)
{
	int pipes[2], status;
	char c;
	pid_t pid;

	NEED(pipe(pipes) == 0);
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			NEED(write(pipes[1], "x", 1) == 1);
			pause();
		}
		NEED(read(pipes[0], &c, 1) == 1);
		_exit(0);
	}
	close(pipes[1]);
	waitpid(pid, &status, 0);
	say("pdeathsig-delivered", "%ld", (long)read(pipes[0], &c, 1));
}

/* --- limits ----------------------------------------------------------------------------------------------------- */

static void limits(void)
{
	char label[64];
	struct rlimit64 old, new, back;

	for (int i = 0; i <= RLIMIT_NLIMITS; i++) {
		long r = syscall(SYS_prlimit64, 0, i, NULL, &old);

		snprintf(label, sizeof(label), "limit-%d", i);
		say(label, "%s %s", value(r), r < 0 ? "-" : old.rlim_cur <= old.rlim_max ? "in order" : "out of order");
		if (r < 0)
			continue;
		snprintf(label, sizeof(label), "limit-%d-same", i);
		TRY(label, syscall(SYS_setrlimit, i, &old));
		new = old;
		if (i != RLIMIT_CPU && i != RLIMIT_AS && i != RLIMIT_DATA && i != RLIMIT_STACK && i != RLIMIT_NPROC &&
		    i != RLIMIT_NOFILE && new.rlim_cur > 5000)
			new.rlim_cur = 5000;
		snprintf(label, sizeof(label), "limit-%d-lower", i);
		say(label, "%s", value(syscall(SYS_prlimit64, 0, i, &new, &back)));
		snprintf(label, sizeof(label), "limit-%d-was", i);
		say(label, "%d", back.rlim_cur == old.rlim_cur && back.rlim_max == old.rlim_max);
		syscall(SYS_getrlimit, i, &back);
		snprintf(label, sizeof(label), "limit-%d-is", i);
		say(label, "%d", back.rlim_cur == new.rlim_cur && back.rlim_max == new.rlim_max);
		new.rlim_cur = new.rlim_max - 1;
		new.rlim_max = new.rlim_cur - 1;
		snprintf(label, sizeof(label), "limit-%d-inverted", i);
		TRY(label, syscall(SYS_setrlimit, i, &new));
		/* and for a child, over exec's half of the way */
		if (fork() == 0) {
			syscall(SYS_getrlimit, i, &old);
			snprintf(label, sizeof(label), "limit-%d-inherited", i);
			say(label, "%d", back.rlim_cur == old.rlim_cur && back.rlim_max == old.rlim_max);
			_exit(0);
		}
		wait(NULL);
	}
	TRY("limit-bad-pointer", syscall(SYS_getrlimit, RLIMIT_CORE, 1));
	TRY("limit-bad-pointer-locks", syscall(SYS_getrlimit, RLIMIT_LOCKS, 1));
	TRY("limit-set-bad-pointer-locks", syscall(SYS_setrlimit, RLIMIT_LOCKS, 1));
	TRY("limit-no-process", syscall(SYS_prlimit64, 0x3fffffff, RLIMIT_LOCKS, NULL, &old));
	{
		pid_t pid = fork();

		if (pid == 0) {
			pause();
			_exit(0);
		}
		new = (struct rlimit64){ 77, 99 };
		TRY("limit-of-child", syscall(SYS_prlimit64, pid, RLIMIT_LOCKS, &new, &old));
		TRY("limit-of-child-again", syscall(SYS_prlimit64, pid, RLIMIT_LOCKS, NULL, &back));
		say("limit-of-child-is", "%llu %llu", (unsigned long long)back.rlim_cur,
		    (unsigned long long)back.rlim_max);
		new = (struct rlimit64){ 5, 5 };
		TRY("limit-of-child-files", syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, &new, NULL));
		kill(pid, SIGKILL);
		wait(NULL);
	}
	if (getuid() != 0)
		TRY("limit-of-init", syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, NULL, &old));
	new = (struct rlimit64){ 10, 20 };
	TRY("limit-hard", syscall(SYS_setrlimit, RLIMIT_LOCKS, &new));
	new.rlim_max = 30;
	if (getuid() != 0)
		TRY("limit-hard-up", syscall(SYS_setrlimit, RLIMIT_LOCKS, &new));
	new.rlim_max = 15;
	TRY("limit-hard-down", syscall(SYS_setrlimit, RLIMIT_LOCKS, &new));
}

/* --- who is who ------------------------------------------------------------------------------------------------- */

static void sessions(void)
{
	TRY("setsid", setsid() == getpid() ? 0 : -1);
	TRY("setsid-again", setsid());
	TRY("setpgid-of-leader", setpgid(0, 0));
	say("getpgid", "%d", getpgid(0) == getpid() && getsid(0) == getpid() && getpgrp() == getpid());
	TRY("getpgid-none", getpgid(0x3fffffff));
	TRY("getsid-bad", getsid(-1));
	TRY("setpgid-none", setpgid(0x3fffffff, 0));
	TRY("tcgetpgrp", tcgetpgrp(0));
}

static void priorities(void)
{
	struct sched_param param = { 0 };
	int niceness = getpriority(PRIO_PROCESS, 0); /* the tests may run under nice */
	cpu_set_t set;

	TRY("getpriority", niceness);
	TRY("setpriority-down", setpriority(PRIO_PROCESS, 0, niceness + 5));
	TRY("getpriority-then", getpriority(PRIO_PROCESS, 0));
	TRY("setpriority-none", setpriority(PRIO_PROCESS, 0x3fffffff, 5));
	TRY("getpriority-bad", getpriority(7, 0));
	if (getuid() != 0)
		TRY("setpriority-up", setpriority(PRIO_PROCESS, 0, -5));
	TRY("nice", nice(1));
	TRY("scheduler", sched_getscheduler(0));
	TRY("scheduler-batch", sched_setscheduler(0, SCHED_BATCH, &param));
	TRY("scheduler-then", sched_getscheduler(0));
	if (getuid() != 0) {
		param.sched_priority = 5;
		TRY("scheduler-fifo", sched_setscheduler(0, SCHED_FIFO, &param));
	}
	TRY("affinity", sched_getaffinity(0, sizeof(set), &set));
	TRY("affinity-set", sched_setaffinity(0, sizeof(set), &set));
	TRY("ioprio-get", syscall(SYS_ioprio_get, 1, 0));
	TRY("ioprio-set", syscall(SYS_ioprio_set, 1, 0, 3 << 13));
	TRY("ioprio-then", syscall(SYS_ioprio_get, 1, 0));
	TRY("personality", personality(0xffffffff));
	TRY("personality-set", personality(ADDR_NO_RANDOMIZE));
	TRY("personality-then", personality(0xffffffff));
	TRY("umask", umask(027));
	TRY("umask-then", umask(0xffff));
	TRY("umask-masked", umask(022));
}

/* --- children --------------------------------------------------------------------------------------------------- */

static int nothing(void *arg)
{
	return arg != NULL;
}

static void cloned(const char *name, unsigned long flags)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status = -1, ptid = 0, ctid = 0, pidfd = -1;
	char label[96];
	pid_t pid = clone(nothing, stack + sizeof(stack), flags | SIGCHLD, NULL,
			  flags & CLONE_PIDFD ? &pidfd : &ptid, NULL, &ctid);

	snprintf(label, sizeof(label), "clone-%s", name);
	if (pid < 0) {
		say(label, "%s", outcome(-1));
		return;
	}
	waitpid(pid, &status, 0);
	say(label, "ok %#x%s%s%s", status, flags & CLONE_PARENT_SETTID && ptid == pid ? " parent" : "",
	    flags & CLONE_CHILD_SETTID && (!(flags & CLONE_VM) || ctid == pid) ? " child" : "",
	    pidfd >= 0 ? " pidfd" : "");
	if (pidfd >= 0)
		close(pidfd);
}

static void cloned3(const char *name, uint64_t flags, uint64_t exit_signal, size_t size)
{
	struct clone_args args = { .flags = flags, .exit_signal = exit_signal };
	char label[96];
	int status, pidfd = -1;
	long pid;

	args.pidfd = (uintptr_t)&pidfd;
	snprintf(label, sizeof(label), "clone3-%s", name);
	fflush(stdout);
	pid = syscall(SYS_clone3, &args, size);
	if (pid == 0)
		_exit(5);
	if (pid < 0) {
		say(label, "%s", outcome(-1));
		return;
	}
	waitpid((pid_t)pid, &status, __WALL);
	say(label, "ok %#x%s", status, pidfd >= 0 ? " pidfd" : "");
	if (pidfd >= 0)
		close(pidfd);
}

static void clones(void)
{
	cloned("plain", 0);
	cloned("vm", CLONE_VM);
	cloned("vfork", CLONE_VFORK | CLONE_VM);
	cloned("fs", CLONE_FS);
	cloned("files", CLONE_FILES);
	cloned("io", CLONE_IO);
	cloned("sysvsem", CLONE_SYSVSEM);
	cloned("parent-settid", CLONE_PARENT_SETTID);
	cloned("child-settid", CLONE_CHILD_SETTID);
	cloned("child-cleartid", CLONE_CHILD_CLEARTID | CLONE_VM);
	cloned("untraced", CLONE_UNTRACED);
	cloned("pidfd", CLONE_PIDFD);
	cloned("ptrace", CLONE_PTRACE);
	cloned("sighand-without-vm", CLONE_SIGHAND);
	cloned("thread-without-sighand", CLONE_THREAD | CLONE_VM);
	cloned("sighand", CLONE_SIGHAND | CLONE_VM);
	cloned("newns-fs", CLONE_NEWNS | CLONE_FS);
	cloned3("plain", 0, SIGCHLD, 64);
	cloned3("full-size", 0, SIGCHLD, sizeof(struct clone_args));
	cloned3("no-signal", 0, 0, 64);
	cloned3("pidfd", CLONE_PIDFD, SIGCHLD, 64);
	cloned3("clear-sighand", 0x100000000ull, SIGCHLD, 64);
	cloned3("small", 0, SIGCHLD, 8);
	cloned3("huge", 0, SIGCHLD, 8192);
	cloned3("bad-signal", 0, 99, 64);
	cloned3("unknown-flag", 1ull << 62, SIGCHLD, 64);
	TRY("clone3-bad", syscall(SYS_clone3, 1, 64));
	TRY("unshare-none", unshare(0));
	TRY("unshare-files", unshare(CLONE_FILES));
	TRY("unshare-fs", unshare(CLONE_FS));
	TRY("unshare-sysvsem", unshare(CLONE_SYSVSEM));
	TRY("unshare-unknown", unshare(0x1));
	TRY("setns-bad", setns(999, 0));
	TRY("setns-file", setns(0, CLONE_NEWNS));
	TRY("unshare-unknown-and-new", unshare(CLONE_NEWUTS | 1));
}

static void waits(void)
{
	siginfo_t info;
	struct rusage usage;
	int status;
	pid_t pid;

	TRY("wait-none", wait(&status));
	TRY("waitid-bad", waitid(99, 0, &info, WEXITED));
	TRY("waitid-no-options", waitid(P_ALL, 0, &info, 0));
	pid = fork();
	if (pid == 0)
		_exit(42);
	TRY("waitid-nowait", waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	say("waitid-info", "signo %d code %d status %d pid %d uid %d", info.si_signo, info.si_code, info.si_status,
	    info.si_pid == pid, info.si_uid == getuid());
	TRY("wait4", wait4(pid, &status, 0, &usage) == pid ? status : -1);
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		pause();
	}
	say("wait-stopped", "%d %#x", waitpid(pid, &status, WUNTRACED) == pid, status);
	kill(pid, SIGCONT);
	say("wait-continued", "%d %#x", waitpid(pid, &status, WCONTINUED) == pid, status);
	kill(pid, SIGTERM);
	say("wait-killed", "%d %#x", waitpid(pid, &status, 0) == pid, status);
	pid = fork();
	if (pid == 0)
		abort();
	waitpid(pid, &status, 0);
	say("wait-aborted", "%d", WTERMSIG(status));
	signal(SIGCHLD, SIG_IGN);
	pid = fork();
	if (pid == 0)
		_exit(0);
	TRY("wait-ignored", waitpid(pid, &status, 0));
	signal(SIGCHLD, SIG_DFL);
}

/* --- other doors ------------------------------------------------------------------------------------------------- */

static void descriptors(void)
{
	int fd = open("/dev/null", O_RDWR), pair[2], n = 1;

	TRY("fioclex", ioctl(fd, FIOCLEX));
	TRY("fioclex-then", fcntl(fd, F_GETFD));
	TRY("fionclex", ioctl(fd, FIONCLEX));
	TRY("fionclex-then", fcntl(fd, F_GETFD));
	TRY("fionbio", ioctl(fd, FIONBIO, &n));
	TRY("ioctl-unknown", ioctl(fd, 0x1234));
	TRY("ioctl-bad", ioctl(999, FIOCLEX));
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	TRY("fioasync", ioctl(pair[0], FIOASYNC, &n));
	TRY("setown", fcntl(pair[0], F_SETOWN, getpid()));
	say("getown", "%d", fcntl(pair[0], F_GETOWN) == getpid());
	TRY("setown-none", fcntl(pair[0], F_SETOWN, 0x3fffffff));
	TRY("setsig", fcntl(pair[0], F_SETSIG, SIGUSR2));
	TRY("getsig", fcntl(pair[0], F_GETSIG));
	TRY("tiocsti", ioctl(pair[0], TIOCSTI, "x"));
	TRY("tiocgwinsz", ioctl(fd, TIOCGWINSZ, &n));
}

static void kernel(void)
{
	TRY("io-uring-setup", syscall(425, 1, NULL) < 0 && (errno == ENOSYS || errno == EFAULT || errno == EPERM) ? 0 : -1);
	if (getuid() != 0) {
		TRY("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
		TRY("sethostname", sethostname("x", 1));
		TRY("settimeofday", settimeofday(&(struct timeval){ 1, 1 }, NULL));
		TRY("delete-module", syscall(SYS_delete_module, "none", 0));
		TRY("init-module", syscall(SYS_init_module, NULL, 0, ""));
		TRY("swapoff", syscall(SYS_swapoff, "none"));
		TRY("acct", syscall(SYS_acct, NULL));
		TRY("chroot", chroot("/none"));
		TRY("setgroups", syscall(SYS_setgroups, 0, NULL));
		TRY("setuid-0", setuid(0));
		TRY("setgid-0", setgid(0));
		TRY("setresuid-0", setresuid(-1, 0, -1));
		TRY("vhangup", syscall(SYS_vhangup));
		TRY("pivot-root", syscall(SYS_pivot_root, ".", "."));
		TRY("mount-fsopen", syscall(SYS_fsopen, "tmpfs", 0));
		TRY("mount-fspick", syscall(SYS_fspick, AT_FDCWD, ".", 0));
		TRY("mount-fsconfig", syscall(SYS_fsconfig, 0, 6, NULL, NULL, 0));
		TRY("mount-fsmount", syscall(SYS_fsmount, 0, 0, 0));
		TRY("mount-move", syscall(SYS_move_mount, AT_FDCWD, ".", AT_FDCWD, ".", 0));
		TRY("mount-open-tree", syscall(SYS_open_tree, AT_FDCWD, ".", 0) < 0 ? -1 : 0);
		TRY("mount-setattr", syscall(SYS_mount_setattr, AT_FDCWD, ".", 0, NULL, 0));
		TRY("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0));
		TRY("open-by-handle", syscall(SYS_open_by_handle_at, -1, NULL, 0) < 0);
	}
	TRY("setuid-same", setuid(getuid()));
	TRY("setgid-same", setgid(getgid()));
	TRY("setresuid-same", setresuid(-1, getuid(), -1));
	say("setfsuid-same", "%d", syscall(SYS_setfsuid, getuid()) == (long)getuid());
	say("setfsuid-minus", "%d", syscall(SYS_setfsuid, -1) == (long)getuid());
	TRY("setuid-bad", setuid(-1));
	TRY("setreuid-bad-is-same", setreuid(-1, -1));
	TRY("getgroups-size", getgroups(0, NULL) >= 0 ? 0 : -1);
	TRY("getgroups-bad", syscall(SYS_getgroups, -1, NULL));
	TRY("getresuid-bad", syscall(SYS_getresuid, 1, 1, 1));
	TRY("kcmp-self", syscall(SYS_kcmp, getpid(), getpid(), 1, 0, 0));
	TRY("no-such-call", syscall(9999));
	TRY("no-such-call-335", syscall(600));
	TRY("keyctl", syscall(SYS_keyctl, 99, 0, 0, 0, 0));
	TRY("perf-bad", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	TRY("bpf-bad", syscall(SYS_bpf, 999, NULL, 0));
	TRY("memfd-secret-bad", syscall(447, 0xffff0000));
	TRY("getcpu", syscall(SYS_getcpu, NULL, NULL, NULL));
	TRY("membarrier", syscall(SYS_membarrier, 0, 0, 0) >= 0 ? 0 : -1);
}

int main(void)
{
	apart("dumpable", dumpable);
	apart("names", names);
	apart("privileges", privileges);
	apart("various", various);
	apart("orphan", orphan);
	apart("death-signal", death_signal);
	apart("limits", limits);
	apart("sessions", sessions);
	apart("priorities", priorities);
	apart("clones", clones);
	apart("waits", waits);
	apart("descriptors", descriptors);
	apart("kernel", kernel);
	return 0;
}
