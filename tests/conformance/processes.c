// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes: every way to make one, threads, and exec from any thread.
 * timeout: 180
 */
#include "children.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

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
	return 0;
}
