// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes: every way to make one, threads, exec from any thread, orphans, sessions, and signals at any moment.
 * timeout: 180
 */
#include "conform.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void nap(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* A child's end in words; valid until the next call. */
static const char *ended(pid_t pid)
{
	static char text[40];
	int status;

	if (waitpid(pid, &status, __WALL) != pid)
		return outcome(-1);
	if (WIFEXITED(status))
		snprintf(text, sizeof(text), "exit %d", WEXITSTATUS(status));
	else
		snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
	return text;
}

/* Work with files, as a child may have to: trapped calls. */
static int work(const char *name)
{
	struct stat st;
	int fd = open(name, O_CREAT | O_RDWR, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1 || stat(name, &st) < 0 || st.st_size != 1 || close(fd) < 0 || unlink(name) < 0)
		return 1;
	return 0;
}

/* --- storms ------------------------------------------------------------------------------------------------------- */

/* Each of @width children makes as many, @depth deep; all work. */
static int tree(int depth, int width, const char *name)
{
	int bad = 0, status;
	char path[64];

	if (work(name))
		return 1;
	if (depth == 0)
		return 0;
	for (int i = 0; i < width; i++) {
		pid_t pid = fork();

		NEED(pid >= 0);
		if (pid == 0) {
			snprintf(path, sizeof(path), "%s%d", name, i);
			_exit(tree(depth - 1, width, path));
		}
	}
	while (wait(&status) > 0)
		bad += status != 0;
	return bad;
}

static void storms(void)
{
	volatile int bad = 0;

	say("fork-tree", "%d bad", tree(3, 6, "t"));
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();

		NEED(pid >= 0);
		if (pid == 0)
			_exit(work("one"));
		bad += strcmp(ended(pid), "exit 0") != 0;
	}
	say("fork-row", "%d bad", bad);
	bad = 0;
	for (int i = 0; i < 100; i++) {
		pid_t pid = vfork();

		if (pid == 0) {
			execl("/bin/true", "true", NULL);
			_exit(9);
		}
		bad += strcmp(ended(pid), "exit 0") != 0;
	}
	say("vfork-row", "%d bad", bad);
	bad = 0;
	for (int i = 0; i < 50; i++) {
		char *argv[] = { "sh", "-c", "exit 3", NULL };
		pid_t pid;

		NEED(posix_spawnp(&pid, "sh", NULL, NULL, argv, environ) == 0);
		bad += strcmp(ended(pid), "exit 3") != 0;
	}
	say("spawn-row", "%d bad", bad);
}

/* --- vfork and spawn ---------------------------------------------------------------------------------------------- */

static void failing_spawns(void)
{
	char *argv[] = { "x", NULL };
	posix_spawn_file_actions_t actions;
	volatile int err = 0;
	char *sh[] = { "sh", "-c", "read x; echo $x; pwd -P | sed s,.*/,,", NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		execl("./missing", "missing", NULL);
		err = errno; /* shared with the parent */
		_exit(4);
	}
	say("vfork-missing", "%s, %s", ended(pid), strerrorname_np(err));
	say("spawn-missing", "%s", strerrorname_np(posix_spawn(&pid, "./missing", NULL, NULL, argv, environ)));
	NEED(mkdir("spawned", 0700) == 0);
	NEED(close(open("spawned/in", O_CREAT | O_WRONLY, 0600)) == 0);
	pid = fork();
	if (pid == 0) {
		int fd = open("spawned/in", O_WRONLY);

		_exit(write(fd, "line\n", 5) != 5);
	}
	ended(pid);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addchdir_np(&actions, "spawned");
	posix_spawn_file_actions_addopen(&actions, 0, "in", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT, 0600);
	NEED(posix_spawnp(&pid, "sh", &actions, NULL, sh, environ) == 0);
	say("spawn-actions", "%s", ended(pid));
	posix_spawn_file_actions_destroy(&actions);
	{
		char buf[64] = "";
		int fd = open("spawned/out", O_RDONLY);
		ssize_t n = read(fd, buf, sizeof(buf) - 1);

		for (ssize_t i = 0; i < n; i++)
			if (buf[i] == '\n')
				buf[i] = '|';
		say("spawn-output", "%s", buf);
		close(fd);
	}
}

/* --- clone flags -------------------------------------------------------------------------------------------------- */

static char stack[64 * 1024] __attribute__((aligned(64)));

static int child_work(void *arg)
{
	int fd = open("from-child", O_CREAT | O_RDWR, 0600);

	(void)arg;
	NEED(fd >= 0);
	NEED(dup2(fd, 77) == 77);
	if (chdir("inner") < 0)
		return 2;
	umask(027);
	return work("w") ? 3 : 0;
}

static void clone_one(const char *name, int flags)
{
	char where[4096];
	mode_t mask;
	pid_t pid;
	const char *end;

	NEED(mkdir("inner", 0700) == 0 || errno == EEXIST);
	umask(022);
	pid = clone(child_work, stack + sizeof(stack), flags | SIGCHLD, NULL);
	if (pid < 0) {
		say(name, "%s", outcome(-1));
		return;
	}
	end = ended(pid);
	mask = umask(022);
	NEED(getcwd(where, sizeof(where)) != NULL);
	say(name, "%s, descriptor %s, directory %s, umask %03o", end, fcntl(77, F_GETFD) < 0 ? "its own" : "shared",
	    strcmp(strrchr(where, '/'), "/inner") == 0 ? "shared" : "its own", (unsigned)mask);
	close(77);
	close(3);
	if (strcmp(strrchr(where, '/'), "/inner") == 0)
		NEED(chdir("..") == 0);
}

static void clones(void)
{
	static const struct {
		const char *name;
		int flags;
	} all[] = {
		{ "clone-plain", 0 },
		{ "clone-files", CLONE_FILES },
		{ "clone-fs", CLONE_FS },
		{ "clone-vm", CLONE_VM },
		{ "clone-vm-vfork", CLONE_VM | CLONE_VFORK },
		{ "clone-vm-fs-files", CLONE_VM | CLONE_FS | CLONE_FILES },
		{ "clone-sighand", CLONE_VM | CLONE_SIGHAND },
		{ "clone-sighand-alone", CLONE_SIGHAND },
		{ "clone-thread-alone", CLONE_THREAD },
		{ "clone-io", CLONE_IO },
		{ "clone-sysvsem", CLONE_SYSVSEM },
		{ "clone-fs-newns", CLONE_FS | CLONE_NEWNS },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		clone_one(all[i].name, all[i].flags);
}

static void clone3s(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	int pidfd = -1;
	pid_t tid = 0, pid;
	siginfo_t si = { 0 };

	args.flags = CLONE_PIDFD | CLONE_PARENT_SETTID;
	args.pidfd = (uintptr_t)&pidfd;
	args.parent_tid = (uintptr_t)&tid;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(work("c3") ? 1 : 7);
	if (pid < 0) {
		say("clone3", "%s", outcome(-1));
		return;
	}
	NEED(waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED) == 0);
	say("clone3", "exit %d, %s, %s", si.si_status, tid == pid ? "tid set" : "tid not set",
	    fcntl(pidfd, F_GETFD) == FD_CLOEXEC ? "close-on-exec" : "?");
	close(pidfd);
	args.flags = CLONE_CLEAR_SIGHAND;
	signal(SIGUSR1, SIG_IGN);
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		struct sigaction sa;

		sigaction(SIGUSR1, NULL, &sa);
		_exit(sa.sa_handler == SIG_DFL ? 0 : sa.sa_handler == SIG_IGN ? 1 : 2);
	}
	signal(SIGUSR1, SIG_DFL);
	say("clone3-clear-sighand", "%s", ended(pid));
	say("clone3-size", "%s", outcome(syscall(SYS_clone3, &args, 8)));
	say("clone3-fault", "%s", outcome(syscall(SYS_clone3, 8, sizeof(args))));
	args.flags = UINT64_C(1) << 63;
	say("clone3-flag", "%s", outcome(syscall(SYS_clone3, &args, sizeof(args))));
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

static atomic_int thread_errors;

static void *thread_work(void *arg)
{
	char name[40];
	struct stat st;

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "../inner/thread-%d-%d", (int)(intptr_t)arg, i);
		if (work(name) || chdir("../inner") < 0 || stat(".", &st) < 0)
			thread_errors++;
	}
	return NULL;
}

static void threads(void)
{
	enum { N = 200 };
	pthread_t t[N];

	NEED(mkdir("inner", 0700) == 0 || errno == EEXIST);
	NEED(chdir("inner") == 0);
	for (int i = 0; i < N; i++)
		NEED(pthread_create(&t[i], NULL, thread_work, (void *)(intptr_t)i) == 0);
	for (int i = 0; i < N; i++)
		pthread_join(t[i], NULL);
	NEED(chdir("..") == 0);
	say("threads-work", "%d errors", thread_errors);
}

/* A thread with a file system context of its own. */
static void *unshared(void *arg)
{
	(void)arg;
	if (unshare(CLONE_FS) < 0 || chdir("inner") < 0)
		return "failed";
	umask(077);
	return work("u") ? "failed" : "went";
}

static void unshare_fs(void)
{
	char where[4096];
	pthread_t t;
	void *said;

	umask(022);
	NEED(pthread_create(&t, NULL, unshared, NULL) == 0);
	pthread_join(t, &said);
	NEED(getcwd(where, sizeof(where)) != NULL);
	say("unshare-fs", "%s, the others %s", (char *)said, strcmp(strrchr(where, '/'), "/inner") ? "stay" : "went too");
	say("unshare-fs-umask", "%03o", (unsigned)umask(022));
	say("unshare-files", "%s", outcome(unshare(CLONE_FILES)));
}

/* --- exec from a thread -------------------------------------------------------------------------------------------- */

static void *exec_thread(void *arg)
{
	execl("/bin/sh", "sh", "-c", arg, NULL);
	_exit(9);
}

static void *spin(void *arg)
{
	struct stat st;

	(void)arg;
	for (;;)
		stat(".", &st);
	return NULL;
}

static void *sleeper(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void exec_from_threads(void)
{
	int bad = 0;

	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		NEED(pid >= 0);
		if (pid == 0) {
			pthread_t t;

			for (int k = 0; k < 4; k++)
				NEED(pthread_create(&t, NULL, k % 2 ? spin : sleeper, NULL) == 0);
			NEED(pthread_create(&t, NULL, exec_thread, "echo x > made-by-exec && rm made-by-exec && exit 5") == 0);
			if (i % 2)
				pthread_exit(NULL); /* also when the leader is a zombie */
			spin(NULL);
		}
		bad += strcmp(ended(pid), "exit 5") != 0;
	}
	say("exec-from-thread", "%d bad", bad);
}

/* Its number is the leader's afterwards. */
static void exec_keeps_pid(void)
{
	int p[2];
	pid_t pid, said = 0;
	char buf[16] = "";

	NEED(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		pthread_t t;

		dup2(p[1], 1);
		NEED(pthread_create(&t, NULL, exec_thread, "echo $$") == 0);
		for (;;)
			pause();
	}
	close(p[1]);
	NEED(read(p[0], buf, sizeof(buf) - 1) > 0);
	said = atoi(buf);
	ended(pid);
	close(p[0]);
	say("exec-pid", "%s", said == pid ? "the process's" : "another");
}

/* --- orphans and sessions ------------------------------------------------------------------------------------------ */

static void orphans(void)
{
	int p[2], status;
	char c;

	NEED(pipe(p) == 0);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			if (fork() == 0) {
				setsid();
				if (fork() == 0) {
					close(p[0]);
					nap(20);
					c = work("orphan") ? 'b' : 'g';
					_exit(write(p[1], &c, 1) != 1);
				}
				_exit(0);
			}
			_exit(0);
		}
		waitpid(pid, &status, 0);
		/* its name is the same for all: one after the other */
		NEED(read(p[0], &c, 1) == 1);
		if (c != 'g')
			say("orphan", "%d bad", i);
	}
	say("orphans", "work");
	close(p[0]);
	close(p[1]);
}

static void subreaper(void)
{
	int n = 0, status;
	pid_t pid;

	NEED(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 3; i++)
			if (fork() == 0) {
				nap(30);
				_exit(work("sub") ? 1 : 0);
			}
		_exit(0);
	}
	while (wait(&status) > 0)
		n++;
	NEED(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) == 0);
	say("subreaper", "%d children", n);
}

static void sessions(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pid_t sid = setsid(), me = getpid();

		_exit((sid == me && getpgrp() == me && getsid(0) == me) ? (setsid() == -1 && errno == EPERM ? 0 : 2) : 1);
	}
	say("setsid", "%s", ended(pid));
	pid = fork();
	if (pid == 0)
		_exit(setpgid(0, getpid()) == 0 && getpgrp() == getpid() ? 0 : errno);
	say("setpgid-by-its-own-id", "%s", ended(pid));
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		pause();
	}
	nap(30);
	setpgid(pid, pid);
	say("setpgid", "%s", getpgid(pid) == pid ? "its own" : "?");
	say("kill-group", "%s", outcome(kill(-pid, SIGTERM)));
	say("kill-group-end", "%s", ended(pid));
	say("kill-none", "%s", outcome(kill(-pid, SIGTERM)));
}

static void death_signal(void)
{
	int p[2];
	char c = '?';
	pid_t pid;

	NEED(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			sigset_t set;
			int sig;

			close(p[0]);
			sigemptyset(&set);
			sigaddset(&set, SIGUSR2);
			sigprocmask(SIG_BLOCK, &set, NULL);
			prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0);
			NEED(write(p[1], "r", 1) == 1);
			sigwait(&set, &sig);
			c = sig == SIGUSR2 ? 'd' : '?';
			_exit(write(p[1], &c, 1) != 1);
		}
		pause();
	}
	NEED(read(p[0], &c, 1) == 1);
	kill(pid, SIGKILL);
	ended(pid);
	close(p[1]);
	NEED(read(p[0], &c, 1) == 1);
	close(p[0]);
	say("pdeathsig", "%c", c);
}

/* --- signals ------------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t ticks;

static void tick(int sig)
{
	(void)sig;
	ticks++;
}

static sigjmp_buf out;

static void jump(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

/* A fast timer, as Go's SIGURG: calls are made once each, none is lost, none says EINTR. */
static void timer_storm(void)
{
	struct sigaction sa = { .sa_handler = tick, .sa_flags = SA_RESTART };
	struct itimerval fast = { { 0, 300 }, { 0, 300 } }, none = { 0 };
	volatile int bad = 0, lines = 0;
	char name[40], c;
	int fd;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &fast, NULL);
	for (int i = 0; i < 1000; i++) {
		fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
		if (fd < 0 || write(fd, "l\n", 2) != 2 || close(fd) < 0)
			bad++;
		snprintf(name, sizeof(name), "dir%d", i);
		if (mkdir(name, 0700) < 0 || rmdir(name) < 0)
			bad++;
	}
	for (int i = 0; i < 50; i++) {
		pid_t pid = vfork();

		if (pid == 0) {
			execl("/bin/true", "true", NULL);
			_exit(9);
		}
		bad += strcmp(ended(pid), "exit 0") != 0;
	}
	setitimer(ITIMER_REAL, &none, NULL);
	fd = open("log", O_RDONLY);
	while (read(fd, &c, 1) == 1)
		lines += c == '\n';
	close(fd);
	unlink("log");
	say("timer-storm", "%d bad, %d lines, %s", bad, lines, ticks > 100 ? "many signals" : "few signals");
}

/* Handlers that jump out of calls. */
static void jumps(void)
{
	struct sigaction sa = { .sa_handler = jump };
	struct itimerval soon = { { 0, 0 }, { 0, 200 } };
	volatile int n = 0, i;
	struct stat st;

	sigaction(SIGALRM, &sa, NULL);
	for (i = 0; i < 300; i++) {
		if (sigsetjmp(out, 1) != 0) {
			n++;
			continue;
		}
		soon.it_value.tv_usec = 100 + i * 3;
		setitimer(ITIMER_REAL, &soon, NULL);
		for (;;)
			if (stat("inner", &st) < 0 || work("jumped"))
				_exit(1);
	}
	unlink("jumped");
	say("jumps", "%d", n);
	signal(SIGALRM, SIG_DFL);
}

/* Children that are killed at any moment of what they do; what they worked on is whole. */
static void kills(void)
{
	int left = 0;

	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		NEED(pid >= 0);
		if (pid == 0) {
			NEED(mkdir("killed", 0700) == 0 || errno == EEXIST);
			for (;;)
				if (rename("killed", "killed2") < 0 || rename("killed2", "killed") < 0)
					_exit(1);
		}
		usleep((useconds_t)(i * 37 % 1500));
		kill(pid, SIGKILL);
		if (strcmp(ended(pid), "signal 9") != 0)
			left += 1000;
		left += access("killed", F_OK) == 0 && access("killed2", F_OK) == 0;
		rename("killed2", "killed");
	}
	say("kills", "%d wrong", left);
}

/* All signals blocked: calls are made all the same. */
static void blocked(void)
{
	sigset_t all, old;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	say("blocked", "%s", work("b") ? "bad" : "works");
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* --- limits ------------------------------------------------------------------------------------------------------- */

static int with_limit(int resource, rlim_t value)
{
	struct rlimit l = { value, value };

	return setrlimit(resource, &l) < 0 ? 8 : work("limited") ? 1 : 0;
}

static void limits(void)
{
	pid_t pid;
	int fd;

	pid = fork();
	if (pid == 0)
		_exit(with_limit(RLIMIT_AS, 64 << 20));
	say("limit-as", "%s", ended(pid));
	pid = fork();
	if (pid == 0)
		_exit(with_limit(RLIMIT_NOFILE, 8));
	say("limit-nofile", "%s", ended(pid));
	pid = fork();
	if (pid == 0)
		_exit(with_limit(RLIMIT_STACK, 256 << 10));
	say("limit-stack", "%s", ended(pid));
	pid = fork();
	if (pid == 0)
		_exit(with_limit(RLIMIT_FSIZE, 0) + 10 * (signal(SIGXFSZ, SIG_IGN) == SIG_ERR));
	say("limit-fsize", "%s", ended(pid));
	/* every descriptor closed: a file is 0 */
	pid = fork();
	if (pid == 0) {
		syscall(SYS_close_range, 0, ~0U, 0);
		fd = open("first", O_CREAT | O_RDWR, 0600);
		_exit(fd == 0 && unlink("first") == 0 ? 0 : 1);
	}
	say("close-all", "%s", ended(pid));
	pid = fork();
	if (pid == 0) {
		struct rlimit l;

		getrlimit(RLIMIT_NOFILE, &l);
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
		fd = open(".", O_RDONLY);
		for (int i = 0; i < 10000; i++)
			if (dup(fd) < 0)
				_exit(l.rlim_max < 10010 ? 0 : 1);
		_exit(work("many") ? 2 : 0);
	}
	say("many-descriptors", "%s", ended(pid));
}

/* --- dumpable ------------------------------------------------------------------------------------------------------ */

static void undumpable(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
			_exit(3);
		if (work("undumpable") || mkdir("ud", 0700) < 0 || chdir("ud") < 0 || chdir("..") < 0 || rmdir("ud") < 0)
			_exit(1);
		execl("/bin/sh", "sh", "-c", "echo > ud2 && rm ud2", NULL);
		_exit(2);
	}
	say("undumpable", "%s", ended(pid));
}

int main(void)
{
	storms();
	failing_spawns();
	clones();
	clone3s();
	threads();
	unshare_fs();
	exec_from_threads();
	exec_keeps_pid();
	orphans();
	subreaper();
	sessions();
	death_signal();
	timer_storm();
	jumps();
	kills();
	blocked();
	limits();
	undumpable();
	return 0;
}
