// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Signals and other reaches from process to process, and changes of ids with all that follows them.
 */
#include "conform.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NONE 0x3fffffff

static volatile sig_atomic_t got_code, got_value, got_pid;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	got_code = info->si_code;
	got_value = info->si_value.sival_int;
	got_pid = info->si_pid;
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	return pid;
}

static void finish(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* --- signals ---------------------------------------------------------------------------------------------------- */

static void to_self(void)
{
	struct sigaction act = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };

	sigaction(SIGUSR1, &act, NULL);
	TRY("kill-self", kill(getpid(), SIGUSR1));
	say("kill-self-info", "code %d pid %d", got_code, got_pid == getpid());
	TRY("tgkill-self", syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1));
	say("tgkill-self-info", "code %d pid %d", got_code, got_pid == getpid());
	TRY("tkill-self", syscall(SYS_tkill, gettid(), SIGUSR1));
	info.si_value.sival_int = 1234;
	TRY("sigqueueinfo-self", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info));
	say("sigqueueinfo-self-info", "code %d value %d", got_code, got_value);
	info.si_code = SI_USER;
	TRY("sigqueueinfo-user-self", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info));
	TRY("tgsigqueueinfo-self", syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info));
	TRY("kill-bad-signal", kill(getpid(), 65));
	TRY("kill-negative-signal", kill(getpid(), -1));
	TRY("kill-0", kill(getpid(), 0));
	TRY("kill-none", kill(NONE, SIGUSR1));
	TRY("kill-no-group", kill(-NONE, SIGUSR1));
	TRY("kill-min", kill((pid_t)0x80000000, 0));
	TRY("tkill-0", syscall(SYS_tkill, 0, 0));
	TRY("tkill-negative", syscall(SYS_tkill, -1, 0));
	TRY("tgkill-negative", syscall(SYS_tgkill, -1, gettid(), 0));
	TRY("tgkill-mismatch", syscall(SYS_tgkill, getppid(), gettid(), 0));
	TRY("tkill-none", syscall(SYS_tkill, NONE, 0));
	TRY("sigqueueinfo-bad", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, NULL));
	if (getuid() != 0) {
		TRY("kill-init", kill(1, SIGUSR1));
		TRY("kill-init-0", kill(1, 0));
	}
}

static void to_others(void)
{
	pid_t pid = sleeper(), group;
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	int status, pipes[2];
	char c;

	NEED(pipe(pipes) == 0);
	TRY("other-0", kill(pid, 0));
	TRY("other-stop", kill(pid, SIGSTOP));
	say("other-stopped", "%d %#x", waitpid(pid, &status, WUNTRACED) == pid, status);
	TRY("other-cont", kill(pid, SIGCONT));
	say("other-continued", "%d %#x", waitpid(pid, &status, WCONTINUED) == pid, status);
	info.si_code = SI_USER;
	TRY("other-forged", syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info));
	info.si_code = SI_QUEUE;
	TRY("other-queue", syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info));
	say("other-ended", "%d %#x", waitpid(pid, &status, 0) == pid, status);
	TRY("other-gone", kill(pid, 0));
	/* a group of its own */
	group = fork();
	if (group == 0) {
		setpgid(0, 0);
		for (int i = 0; i < 2; i++)
			if (fork() == 0) {
				NEED(write(pipes[1], "x", 1) == 1);
				pause();
				_exit(0);
			}
		NEED(write(pipes[1], "x", 1) == 1);
		pause();
		_exit(0);
	}
	for (int i = 0; i < 3; i++)
		NEED(read(pipes[0], &c, 1) == 1);
	TRY("group-0", kill(-group, 0));
	TRY("group-term", kill(-group, SIGTERM));
	say("group-ended", "%d %#x", waitpid(group, &status, 0) == group, status);
	setpgid(0, 0);
	signal(SIGUSR2, SIG_IGN);
	TRY("own-group", kill(0, SIGUSR2));
	TRY("killpg-own", killpg(getpgrp(), SIGUSR2));
	/* a zombie */
	pid = fork();
	if (pid == 0)
		_exit(0);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	TRY("zombie-0", kill(pid, 0));
	TRY("zombie-term", kill(pid, SIGTERM));
	waitpid(pid, NULL, 0);
}

static void by_pidfd(void)
{
	pid_t pid = sleeper();
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status, pipes[2], copy, dir;
	char name[64], c;
	siginfo_t info;

	TRY("pidfd-open", fd < 0 ? -1 : 0);
	TRY("pidfd-open-none", syscall(SYS_pidfd_open, NONE, 0));
	TRY("pidfd-open-bad-flags", syscall(SYS_pidfd_open, pid, 0x77));
	TRY("pidfd-open-negative", syscall(SYS_pidfd_open, -1, 0));
	TRY("pidfd-signal-0", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	TRY("pidfd-signal-bad", syscall(SYS_pidfd_send_signal, fd, 99, NULL, 0));
	TRY("pidfd-signal-flags", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0x1000));
	TRY("pidfd-signal-no-pidfd", syscall(SYS_pidfd_send_signal, 0, 0, NULL, 0));
	TRY("pidfd-signal-closed", syscall(SYS_pidfd_send_signal, 999, 0, NULL, 0));
	snprintf(name, sizeof(name), "/proc/%d", (int)pid);
	dir = open(name, O_RDONLY | O_DIRECTORY);
	TRY("pidfd-proc-directory", syscall(SYS_pidfd_send_signal, dir, 0, NULL, 0));
	close(dir);
	/* a descriptor of a child */
	NEED(pipe(pipes) == 0);
	if (fork() == 0) {
		copy = (int)syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, getppid(), 0), pipes[1], 0);
		NEED(close(pipes[1]) == 0);
		TRY("pidfd-getfd", copy < 0 ? -1 : write(copy, "x", 1));
		_exit(0);
	}
	wait(NULL);
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	TRY("pidfd-getfd-read", read(pipes[0], &c, 1));
	TRY("pidfd-getfd-bad", syscall(SYS_pidfd_getfd, fd, 999, 0));
	TRY("pidfd-getfd-flags", syscall(SYS_pidfd_getfd, fd, 0, 1));
	TRY("pidfd-signal-kill", syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
	TRY("pidfd-wait", waitid(P_PIDFD, fd, &info, WEXITED));
	say("pidfd-wait-info", "%d %d", info.si_code, info.si_status);
	TRY("pidfd-signal-gone", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	if (getuid() != 0) {
		int init = (int)syscall(SYS_pidfd_open, 1, 0);

		TRY("pidfd-init-signal", syscall(SYS_pidfd_send_signal, init, SIGTERM, NULL, 0));
		TRY("pidfd-init-getfd", syscall(SYS_pidfd_getfd, init, 0, 0));
	}
	(void)status;
}

/* Each door into another process. */
static void look_into(const char *who, pid_t pid)
{
	static char here[16];
	struct iovec local = { here, 16 }, remote = { here, 16 };
	struct rlimit core = { 0, 0 };
	char name[64];
	void *list;
	size_t size;

#define CASE(what) (snprintf(name, sizeof(name), "%s-%s", who, what), name)
	TRY(CASE("vm-readv"), process_vm_readv(pid, &local, 1, &remote, 1, 0));
	TRY(CASE("vm-writev"), process_vm_writev(pid, &local, 1, &remote, 1, 0));
	TRY(CASE("kcmp"), syscall(SYS_kcmp, getpid(), pid, 2, 0, 0) >= 0 ? 0 : -1);
	TRY(CASE("kcmp-both"), syscall(SYS_kcmp, pid, pid, 2, 0, 0));
	TRY(CASE("getfd"), syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0), 1, 0) >= 0 ? 0 : -1);
	TRY(CASE("robust-list"), syscall(SYS_get_robust_list, pid, &list, &size));
	TRY(CASE("prlimit"), prlimit(pid, RLIMIT_CORE, NULL, &core));
	TRY(CASE("prlimit-set"), prlimit(pid, RLIMIT_CORE, &core, NULL));
	TRY(CASE("prlimit-nobody"), prlimit(-1, RLIMIT_CORE, NULL, &core));
}

static void memory(void)
{
	static char here[16] = "the parent's", there[16];
	struct iovec local = { there, 16 }, remote = { here, 16 };
	pid_t pid;
	int status, fd, pidfd;
	char name[64];
	long seized;

	strcpy(here, "the child's");
	pid = sleeper();
	strcpy(here, "the parent's");
	TRY("vm-read", process_vm_readv(pid, &local, 1, &remote, 1, 0));
	say("vm-read-text", "%s", there);
	strcpy(there, "written");
	TRY("vm-write", process_vm_writev(pid, &local, 1, &remote, 1, 0));
	snprintf(name, sizeof(name), "/proc/%d/mem", (int)pid);
	fd = open(name, O_RDWR);
	TRY("mem-read", pread(fd, there, 16, (off_t)(uintptr_t)here));
	say("mem-read-text", "%s", there);
	close(fd);
	TRY("vm-bad", process_vm_readv(pid, &local, 1, &(struct iovec){ (void *)1, 16 }, 1, 0));
	TRY("vm-none", process_vm_readv(NONE, &local, 1, &remote, 1, 0));
	if (getuid() != 0)
		TRY("vm-init", process_vm_readv(1, &local, 1, &remote, 1, 0));
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	remote = (struct iovec){ (void *)((uintptr_t)here & ~4095ul), 4096 };
	TRY("process-madvise", syscall(SYS_process_madvise, pidfd, &remote, 1, 20 /* MADV_COLD */, 0));
	TRY("kcmp-files", syscall(SYS_kcmp, getpid(), pid, 2, 0, 0) > 0);
	TRY("getpriority-child", getpriority(PRIO_PROCESS, pid));
	TRY("setpriority-child", setpriority(PRIO_PROCESS, pid, getpriority(PRIO_PROCESS, 0) + 3));
	TRY("getpgid-child", getpgid(pid) == getpgrp());
	seized = ptrace(PTRACE_SEIZE, pid, NULL, NULL);
	TRY("ptrace-seize", seized);
	if (seized == 0) {
		TRY("ptrace-again", ptrace(PTRACE_SEIZE, pid, NULL, NULL));
		TRY("ptrace-interrupt", ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
		waitpid(pid, &status, 0);
		errno = 0;
		TRY("ptrace-peek", ptrace(PTRACE_PEEKDATA, pid, here, NULL) == *(long *)"written" ? 0 : -1);
		TRY("ptrace-detach", ptrace(PTRACE_DETACH, pid, NULL, NULL));
	}
	TRY("ptrace-none", ptrace(PTRACE_ATTACH, NONE, NULL, NULL));
	TRY("ptrace-self", ptrace(PTRACE_ATTACH, getpid(), NULL, NULL));
	TRY("ptrace-unknown", ptrace(0x7777, pid, NULL, NULL));
	finish(pid);
	/* undumpable: the kernel's own rule, and root's */
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0);
		pause();
	}
	usleep(100000);
	remote = (struct iovec){ here, 16 };
	if (getuid() != 0) {
		TRY("undumpable-kill", kill(pid, 0));
		look_into("undumpable", pid);
		TRY("undumpable-ptrace", ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	}
	finish(pid);
}

/* --- ids -------------------------------------------------------------------------------------------------------- */

static void say_ids(const char *name)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { 0 };

	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	syscall(SYS_capget, &h, d);
	say(name, "uid %d %d %d %d gid %d %d %d %d groups %d caps %s %s dumpable %d", (int)r, (int)e, (int)s, setfsuid(-1),
	    (int)rg, (int)eg, (int)sg, setfsgid(-1), getgroups(0, NULL), d[0].permitted & 1 ? "permitted" : "-",
	    d[0].effective & 1 ? "effective" : "-", prctl(PR_GET_DUMPABLE));
}

static void as_root(void)
{
	gid_t groups[3] = { 5, 7, 9 };
	struct stat st;
	int fd;

	if (getuid() != 0)
		return;
	TRY("groups-set", setgroups(3, groups));
	TRY("groups-get", getgroups(3, groups));
	TRY("groups-short", getgroups(2, groups));
	say_ids("root");
	TRY("fsuid", setfsuid(77));
	say_ids("fsuid-then");
	fd = open("by-fsuid", O_CREAT | O_WRONLY, 0644);
	say("fsuid-open", "%s", outcome(fd));
	setfsuid(0);
	TRY("seteuid", seteuid(1234));
	say_ids("seteuid-then");
	TRY("seteuid-back", seteuid(0));
	say_ids("seteuid-back-then");
	TRY("setresuid", setresuid(10, 20, 30));
	say_ids("setresuid-then");
	TRY("setresuid-swap", setresuid(20, 30, 10));
	TRY("setresuid-else", setresuid(40, -1, -1));
	TRY("setreuid", setreuid(-1, 20));
	say_ids("setreuid-then");
	TRY("setuid-0-then", setuid(0));
	TRY("setgroups-then", setgroups(0, NULL));
	TRY("chown-then", (close(open("mine", O_CREAT | O_WRONLY, 0644)), chown("mine", 0, 0)));
	(void)st;
}

static void dropping(void)
{
	struct sock_filter all = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog allow = { 1, &all };
	pid_t root, pid;

	if (getuid() != 0)
		return;
	root = sleeper();
	fflush(stdout);
	pid = fork();
	if (pid != 0) { /* who stays root tidies up */
		waitpid(pid, NULL, 0);
		finish(root);
		return;
	}
	TRY("drop-groups", setgroups(0, NULL));
	TRY("drop-gid", setgid(100));
	TRY("drop-uid", setuid(100));
	say_ids("dropped");
	TRY("dropped-kill-root", kill(root, 0));
	TRY("dropped-pidfd-root", syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, root, 0), 0, NULL, 0));
	TRY("dropped-ptrace-root", ptrace(PTRACE_ATTACH, root, NULL, NULL));
	TRY("dropped-prlimit-root", prlimit(root, RLIMIT_CORE, NULL, &(struct rlimit){ 0 }));
	look_into("dropped", root);
	look_into("dropped-self", getpid());
	TRY("dropped-continue-root", kill(root, SIGCONT)); /* of the same session */
	TRY("dropped-nnp", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	TRY("dropped-filter", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &allow));
	TRY("dropped-setuid", setuid(0));
	TRY("dropped-setgid", setgid(0));
	TRY("dropped-chown", chown(".", 100, 100));
	TRY("dropped-chroot", chroot("."));
	TRY("dropped-mknod", mknod("null", S_IFCHR | 0666, 0x103));
	TRY("dropped-sethostname", sethostname("x", 1));
	TRY("dropped-setpriority", setpriority(PRIO_PROCESS, 0, -5));
	pid = fork();
	if (pid == 0) {
		say_ids("dropped-child");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	pid = sleeper();
	TRY("dropped-kill-own", kill(pid, SIGKILL));
	waitpid(pid, NULL, 0);
}

static void keeping(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { 0 };

	if (getuid() != 0)
		return;
	setgroups(0, NULL);
	TRY("keepcaps", prctl(PR_SET_KEEPCAPS, 1));
	TRY("keepcaps-setuid", setuid(100));
	say_ids("keepcaps-then");
	syscall(SYS_capget, &h, d);
	d[0].effective = d[0].permitted = 1 << CAP_CHOWN | 1 << CAP_SETUID;
	d[1].effective = d[1].permitted = 0;
	d[0].inheritable = 1 << CAP_CHOWN;
	d[1].inheritable = 0;
	TRY("capset", syscall(SYS_capset, &h, d));
	say_ids("capset-then");
	TRY("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	TRY("ambient-is", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
	d[0].permitted |= 1 << CAP_MKNOD;
	TRY("capset-more", syscall(SYS_capset, &h, d));
	TRY("capset-setuid", setuid(200));
	say_ids("capset-setuid-then");
}

int main(void)
{
	umask(022);
	chmod(".", 0777);
	apart("to-self", to_self);
	apart("to-others", to_others);
	apart("by-pidfd", by_pidfd);
	apart("memory", memory);
	apart("as-root", as_root);
	apart("dropping", dropping);
	apart("keeping", keeping);
	return 0;
}
