// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs that put themselves behind a seccomp filter: strict ones that kill (as sshd's), lists that answer with an
 * errno (as man-db's), handlers of SIGSYS (as browsers'), filters for all threads.  They see the calls that the program
 * made, and go on working.
 */
#include "conform.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define LOAD(field)	   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(nr, action)	   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, action)
#define ELSE(action)	   BPF_STMT(BPF_RET | BPF_K, action)
#define ERRNO(e)	   (SECCOMP_RET_ERRNO | (e))
#define ALLOW(call)	   IF(__NR_##call, SECCOMP_RET_ALLOW)
#define INSTALL(how, flags, ...)                                                     \
	({                                                                           \
		struct sock_filter code[] = { __VA_ARGS__ };                         \
		struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };   \
		how(flags, &prog);                                                   \
	})

static long by_seccomp(unsigned flags, struct sock_fprog *prog)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
}

static long by_prctl(unsigned flags, struct sock_fprog *prog)
{
	(void)flags;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, prog);
}

static void needs_nnp(void)
{
	if (getuid() != 0)
		TRY("without-nnp", INSTALL(by_seccomp, 0, ELSE(SECCOMP_RET_ALLOW)));
	TRY("nnp", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	TRY("with-nnp", INSTALL(by_seccomp, 0, ELSE(SECCOMP_RET_ALLOW)));
	TRY("by-prctl", INSTALL(by_prctl, 0, ELSE(SECCOMP_RET_ALLOW)));
	TRY("bad-flags", INSTALL(by_seccomp, 0x8000, ELSE(SECCOMP_RET_ALLOW)));
	TRY("bad-program", by_seccomp(0, NULL));
	TRY("bad-pointer", by_seccomp(0, (void *)1));
	TRY("empty-program", by_seccomp(0, &(struct sock_fprog){ 0, NULL }));
	TRY("no-return", INSTALL(by_seccomp, 0, LOAD(nr)));
	TRY("bad-mode", syscall(SYS_seccomp, 77, 0, NULL));
	TRY("log-flag", INSTALL(by_seccomp, SECCOMP_FILTER_FLAG_LOG, ELSE(SECCOMP_RET_ALLOW)));
	TRY("spec-flag", INSTALL(by_seccomp, SECCOMP_FILTER_FLAG_SPEC_ALLOW, ELSE(SECCOMP_RET_ALLOW)));
	{
		uint32_t action = SECCOMP_RET_ERRNO;
		struct seccomp_notif_sizes sizes;

		TRY("action-avail", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
		action = SECCOMP_RET_TRAP;
		TRY("action-trap-avail", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
		action = 0x12340000;
		TRY("action-unknown", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
		TRY("notif-sizes", syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
	}
}

/* As sshd's: no more descriptors, a short list, and death for everything else. */
static void as_sshd(void)
{
	struct rlimit none = { 0, 0 };
	int fd = open("file", O_CREAT | O_RDWR, 0644), pipes[2];

	NEED(pipe(pipes) == 0);
	setrlimit(RLIMIT_FSIZE, &none);
	setrlimit(RLIMIT_NOFILE, &none);
	setrlimit(RLIMIT_NPROC, &none);
	TRY("sshd-nnp", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	TRY("sshd-filter", INSTALL(by_prctl, 0, LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
				   ELSE(SECCOMP_RET_KILL), LOAD(nr), IF(__NR_open, ERRNO(EACCES)),
				   IF(__NR_openat, ERRNO(EACCES)), IF(__NR_newfstatat, ERRNO(EACCES)),
				   IF(__NR_stat, ERRNO(EACCES)), ALLOW(brk), ALLOW(clock_gettime), ALLOW(close),
				   ALLOW(exit), ALLOW(exit_group), ALLOW(futex), ALLOW(getpid), ALLOW(getrandom),
				   ALLOW(madvise), ALLOW(mmap), ALLOW(mremap), ALLOW(munmap), ALLOW(poll), ALLOW(read),
				   ALLOW(rt_sigprocmask), ALLOW(write), ELSE(SECCOMP_RET_KILL)));
	TRY("sshd-open", open("file", O_RDONLY));
	TRY("sshd-openat-real", syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY));
	TRY("sshd-read", read(fd, &none, 1));
	TRY("sshd-write", write(pipes[1], "x", 1));
	TRY("sshd-getpid", getpid() > 0);
	if (fork() == 0) /* not on the list */
		_exit(1);
	say("sshd-survived", "it should not have");
}

/* As libseccomp's lists with an errno: what is not on it fails, and the program goes on. */
static void as_man(void)
{
	struct stat st;

	TRY("man-nnp", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	TRY("man-filter",
	    INSTALL(by_seccomp, 0, LOAD(nr), IF(__NR_mkdir, ERRNO(EPERM)), IF(__NR_mkdirat, ERRNO(EPERM)),
		    IF(__NR_unlink, ERRNO(ENOSYS)), IF(__NR_chdir, ERRNO(EXDEV)), IF(__NR_socket, ERRNO(EAFNOSUPPORT)),
		    IF(__NR_execve, ERRNO(ELIBBAD)), IF(__NR_uname, ERRNO(0)), ELSE(SECCOMP_RET_ALLOW)));
	TRY("man-mkdir", mkdir("x", 0755));
	TRY("man-unlink", unlink("file"));
	TRY("man-chdir", chdir("/"));
	TRY("man-socket", syscall(SYS_socket, 1, 1, 0));
	TRY("man-exec", execl("/bin/true", "true", NULL));
	TRY("man-uname", syscall(SYS_uname, NULL));
	TRY("man-rename", (close(open("from", O_CREAT | O_WRONLY, 0644)), rename("from", "to")));
	TRY("man-stat", stat("to", &st));
	TRY("man-no-mkdir", stat("x", &st));
	TRY("man-unlinkat", unlinkat(AT_FDCWD, "to", 0));
	TRY("man-second-filter", INSTALL(by_seccomp, 0, LOAD(nr), IF(__NR_rename, ERRNO(EBUSY)), ELSE(SECCOMP_RET_ALLOW)));
	TRY("man-rename-then", rename("from", "to"));
	TRY("man-mkdir-still", mkdir("x", 0755));
}

/* As browsers': a handler answers for the call. */
static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	if (info->si_code == 1 /* SYS_SECCOMP */ && info->si_errno == 7)
		uc->uc_mcontext.gregs[REG_RAX] = 1000 + info->si_syscall;
	else
		uc->uc_mcontext.gregs[REG_RAX] = -EPROTO;
	/* the arguments as the program gave them */
	if (info->si_syscall == __NR_openat && strcmp((char *)uc->uc_mcontext.gregs[REG_RSI], "brokered") == 0)
		uc->uc_mcontext.gregs[REG_RAX] = 77;
}

static void as_browser(void)
{
	struct sigaction act = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSYS, &act, NULL);
	TRY("browser-nnp", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	TRY("browser-filter",
	    INSTALL(by_seccomp, SECCOMP_FILTER_FLAG_TSYNC, LOAD(nr), IF(__NR_openat, SECCOMP_RET_TRAP | 7),
		    IF(__NR_access, SECCOMP_RET_TRAP | 7), IF(__NR_getppid, SECCOMP_RET_TRAP | 7),
		    IF(__NR_setuid, SECCOMP_RET_TRAP | 8), ELSE(SECCOMP_RET_ALLOW)));
	TRY("browser-brokered", syscall(SYS_openat, AT_FDCWD, "brokered", O_RDONLY));
	TRY("browser-openat", syscall(SYS_openat, AT_FDCWD, "file", O_RDONLY));
	TRY("browser-access", syscall(SYS_access, "file", F_OK));
	TRY("browser-getppid", syscall(SYS_getppid));
	TRY("browser-setuid", syscall(SYS_setuid, 0));
	TRY("browser-open", close(syscall(SYS_open, "file", O_RDONLY)));
	signal(SIGSYS, SIG_DFL);
	syscall(SYS_getppid);
	say("browser-survived", "it should not have");
}

/* Arguments decide, also of calls that the view serves. */
static void by_arguments(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	TRY("arguments-filter",
	    INSTALL(by_seccomp, 0, LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 4),
		    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_WRONLY | O_RDWR | O_CREAT, 0, 1), ELSE(ERRNO(EROFS)),
		    ELSE(SECCOMP_RET_ALLOW), ELSE(SECCOMP_RET_ALLOW)));
	TRY("arguments-read", close(syscall(SYS_openat, AT_FDCWD, "file", O_RDONLY)));
	TRY("arguments-write", syscall(SYS_openat, AT_FDCWD, "file", O_WRONLY));
	TRY("arguments-create", syscall(SYS_openat, AT_FDCWD, "new", O_CREAT | O_RDONLY, 0644));
}

static void *other_thread(void *arg)
{
	int *go = arg;

	while (!__atomic_load_n(go, __ATOMIC_SEQ_CST))
		usleep(1000);
	return (void *)(intptr_t)(syscall(SYS_getpriority, 0, 0) < 0 ? errno : 0);
}

static void threads(void)
{
	pthread_t thread;
	void *result;
	int go = 0;

	pthread_create(&thread, NULL, other_thread, &go);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	TRY("threads-tsync", INSTALL(by_seccomp, SECCOMP_FILTER_FLAG_TSYNC, LOAD(nr), IF(__NR_getpriority, ERRNO(EDOM)),
				     ELSE(SECCOMP_RET_ALLOW)));
	__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
	pthread_join(thread, &result);
	errno = (int)(intptr_t)result;
	say("threads-other", "%s", outcome(-1));
	go = 0;
	pthread_create(&thread, NULL, other_thread, &go);
	TRY("threads-one", INSTALL(by_seccomp, 0, LOAD(nr), IF(__NR_getpriority, ERRNO(ERANGE)), ELSE(SECCOMP_RET_ALLOW)));
	__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
	pthread_join(thread, &result);
	errno = (int)(intptr_t)result;
	say("threads-not-synced", "%s", outcome(-1));
}

static void strict(void)
{
	TRY("strict", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	NEED(write(1, "strict-write: ok\n", 17) == 17);
	syscall(SYS_exit, 0);
}

static void strict_dies(void)
{
	TRY("strict-seccomp", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL));
	syscall(SYS_openat, AT_FDCWD, "file", O_RDONLY);
	NEED(write(1, "strict-survived: it should not have\n", 36) == 36);
	syscall(SYS_exit, 0);
}

/* A filter outlives exec, and forbids what exec is turned into. */
static void over_exec(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	TRY("exec-filter", INSTALL(by_seccomp, 0, LOAD(nr), IF(__NR_execveat, ERRNO(EPERM)), IF(__NR_ptrace, ERRNO(EPERM)),
				   IF(__NR_mkdir, ERRNO(EDOM)), ELSE(SECCOMP_RET_ALLOW)));
	execl("./prog", "prog", "inner", NULL);
	TRY("exec", -1);
}

static void over_exec_kill(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	TRY("exec-kill-filter", INSTALL(by_seccomp, 0, LOAD(nr), IF(__NR_execveat, SECCOMP_RET_KILL_PROCESS),
					ELSE(SECCOMP_RET_ALLOW)));
	execl("./prog", "prog", "inner-kill", NULL);
	TRY("exec-kill", -1);
}

static void over_exec_script(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	TRY("script-filter", INSTALL(by_seccomp, 0, LOAD(nr), IF(__NR_execveat, ERRNO(EPERM)), ELSE(SECCOMP_RET_ALLOW)));
	execl("./script", "script", NULL);
	TRY("script", -1);
}

/* A supervisor in the program itself. */
static void supervisor(void)
{
	long fd;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	fd = INSTALL(by_seccomp, SECCOMP_FILTER_FLAG_NEW_LISTENER, LOAD(nr), IF(__NR_getppid, SECCOMP_RET_USER_NOTIF),
		     ELSE(SECCOMP_RET_ALLOW));
	say("supervisor", "%s", outcome(fd));
}

static void tracing(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	say("trace-filter", "%s", outcome(INSTALL(by_seccomp, 0, LOAD(nr), IF(__NR_getppid, SECCOMP_RET_TRACE),
						   ELSE(SECCOMP_RET_ALLOW))));
}

static void killed_thread(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	INSTALL(by_seccomp, 0, LOAD(nr), IF(__NR_stat, SECCOMP_RET_KILL_PROCESS), IF(__NR_newfstatat, SECCOMP_RET_KILL_PROCESS),
		ELSE(SECCOMP_RET_ALLOW));
	syscall(SYS_stat, "file", NULL);
	say("killed-survived", "it should not have");
}

int main(int argc, char **argv)
{
	char buf[65536], self[4096];
	int in, out;
	ssize_t n;

	if (argc > 1) {
		char label[64];

		snprintf(label, sizeof(label), "%s-mkdir", argv[1]);
		TRY(label, mkdir("made", 0755));
		rmdir("made");
		snprintf(label, sizeof(label), "%s-seccomp", argv[1]);
		TRY(label, prctl(PR_GET_SECCOMP));
		return 0;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n] = '\0';
	in = open(self, O_RDONLY);
	out = open("prog", O_CREAT | O_WRONLY, 0755);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		NEED(write(out, buf, n) == n);
	close(in);
	close(out);
	out = open("script", O_CREAT | O_WRONLY, 0755);
	NEED(write(out, "#!/bin/sh\necho script-ran: yes\n", 31) == 31);
	close(out);
	close(open("file", O_CREAT | O_WRONLY, 0644));
	apart("needs-nnp-status", needs_nnp);
	apart("sshd-status", as_sshd);
	apart("man-status", as_man);
	apart("browser-status", as_browser);
	apart("arguments-status", by_arguments);
	apart("threads-status", threads);
	apart("strict-status", strict);
	apart("strict-dies-status", strict_dies);
	apart("exec-status", over_exec);
	apart("exec-kill-status", over_exec_kill);
	apart("script-status", over_exec_script);
	apart("supervisor-status", supervisor);
	apart("tracing-status", tracing);
	apart("killed-status", killed_thread);
	return 0;
}
