// SPDX-License-Identifier: GPL-2.0-or-later
/* What is done under the monitor that rewrites. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test_rewrite.h"

#define FAIL_IF(cond) \
	do { \
		if (cond) { \
			fprintf(stderr, "%s:%d: %s: %s\n", __func__, __LINE__, #cond, strerror(errno)); \
			return __LINE__ % 250 + 1; \
		} \
	} while (0)

static char *const program_argv[] = { (char *)"true", NULL };
static char *const program_envp[] = { NULL };

static unsigned random_up_to(unsigned n)
{
	static unsigned seed = 12345;

	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

static int wait_ok(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static int scenario_fork_exec(void)
{
	for (int i = 0; i < iterations; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			execve(VIRTUAL_PROGRAM, program_argv, program_envp);
			_exit(99);
		}
		FAIL_IF(wait_ok(pid) != 0);
	}
	return 0;
}

static int scenario_spawn(void)
{
	for (int i = 0; i < iterations; i++) {
		pid_t pid;

		FAIL_IF(posix_spawn(&pid, VIRTUAL_PROGRAM, NULL, NULL, program_argv, program_envp) != 0);
		FAIL_IF(wait_ok(pid) != 0);
	}
	return 0;
}

static void *exec_thread(void *arg)
{
	(void)arg;
	execve(VIRTUAL_PROGRAM, program_argv, program_envp);
	_exit(98);
}

static int scenario_thread_exec(void)
{
	for (int i = 0; i < iterations; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t th;

			pthread_create(&th, NULL, exec_thread, NULL);
			for (;;)
				pause();
		}
		FAIL_IF(wait_ok(pid) != 0);
	}
	return 0;
}

static atomic_uint handled;

static void handler(int sig)
{
	(void)sig;
	handled++;
}

static void handle(int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	sigaction(SIGURG, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
}

/* chdir to the virtual directory, again and again: it works, and leaves no descriptor behind. */
static int chdir_loop(int n)
{
	int next = dup(0);
	char cwd[PATH_MAX];

	close(next);
	for (int i = 0; i < n; i++) {
		int fd, r;

		/* A signal that comes before the call was received interrupts it: the kernel's doing. */
		FAIL_IF(syscall(SYS_chdir, "/") != 0 && errno != EINTR);
		while ((r = (int)syscall(SYS_chdir, VIRTUAL_DIR)) < 0 && errno == EINTR)
			;
		FAIL_IF(r != 0);
		FAIL_IF(!getcwd(cwd, sizeof(cwd)) || strcmp(cwd, REAL_DIR) != 0);
		fd = dup(0);
		/* ... and without WAIT_KILLABLE_RECV also between ADDFD and the rewriting. */
		FAIL_IF(fd != next && killable);
		close(fd);
		next = fd;
	}
	return 0;
}

static int chdir_rain(int flags)
{
	struct itimerval every = { .it_interval = { .tv_usec = 150 }, .it_value = { .tv_usec = 150 } };
	int r;

	handle(flags);
	setitimer(ITIMER_REAL, &every, NULL);
	r = chdir_loop(iterations);
	FAIL_IF(r == 0 && iterations >= 1000 && handled < 20);
	return r;
}

static int scenario_chdir(void)
{
	return chdir_loop(iterations);
}

static int scenario_chdir_rain(void)
{
	return chdir_rain(0);
}

static int scenario_chdir_rain_restart(void)
{
	return chdir_rain(SA_RESTART);
}

static atomic_int victim;

/* Send SIGURG to the process that is being started, all the time. */
static void *rain_thread(void *arg)
{
	(void)arg;
	for (;;) {
		pid_t pid = victim;

		if (pid > 0)
			kill(pid, SIGURG);
		usleep(30);
	}
	return NULL;
}

static int exec_rain(int flags)
{
	pthread_t th;

	handle(flags);
	pthread_create(&th, NULL, rain_thread, NULL);
	for (int i = 0; i < iterations; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			do
				execve(VIRTUAL_PROGRAM, program_argv, program_envp);
			while (errno == EINTR);
			_exit(97);
		}
		victim = pid;
		FAIL_IF(wait_ok(pid) != 0);
		victim = 0;
	}
	return 0;
}

static int scenario_exec_rain(void)
{
	return exec_rain(0);
}

static int scenario_exec_rain_restart(void)
{
	return exec_rain(SA_RESTART);
}

static void busy_child(void)
{
	chdir_loop(1 + (int)random_up_to(4));
	execve(VIRTUAL_PROGRAM, program_argv, program_envp);
	_exit(96);
}

/* Killed at any moment: the parent sees the end, and the end that it was. */
static int scenario_kill(void)
{
	for (int i = 0; i < iterations; i++) {
		unsigned delay = random_up_to(700);
		pid_t pid = fork();
		int status;

		if (pid == 0)
			busy_child();
		usleep(delay);
		kill(pid, SIGKILL);
		status = wait_ok(pid);
		FAIL_IF(status != 0 && status != SIGKILL);
	}
	return 0;
}

static void *chdir_thread(void *arg)
{
	(void)arg;
	for (;;)
		syscall(SYS_chdir, VIRTUAL_DIR);
	return NULL;
}

/* Threads that are rewritten while another one ends the process, or calls execve. */
static int scenario_kill_threads(void)
{
	for (int i = 0; i < iterations / 2; i++) {
		unsigned delay = random_up_to(1500);
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			pthread_t th[2];

			pthread_create(&th[0], NULL, chdir_thread, NULL);
			pthread_create(&th[1], NULL, chdir_thread, NULL);
			usleep(delay / 3 + 100);
			if (i % 3 == 0)
				exec_thread(NULL);
			if (i % 3 == 1)
				pthread_create(&th[0], NULL, exec_thread, NULL);
			chdir_thread(NULL);
		}
		usleep(delay + (i % 3 == 0 ? 20000 : 0));
		kill(pid, SIGKILL);
		status = wait_ok(pid);
		FAIL_IF(status != 0 && status != SIGKILL);
	}
	return 0;
}

static int scenario_stop(void)
{
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();
		int status = -1;

		if (pid == 0)
			_exit(chdir_loop(iterations / 4));
		while (waitpid(pid, &status, WNOHANG) == 0) {
			kill(pid, SIGSTOP);
			usleep(random_up_to(200));
			kill(pid, SIGCONT);
			usleep(random_up_to(400));
		}
		FAIL_IF(status != 0);
	}
	return 0;
}

/* The job control that a shell sees: stopped in the middle, it is reported stopped, does not move, and goes on. */
static int scenario_stop_seen(void)
{
	for (int i = 0; i < 50; i++) {
		pid_t pid = fork();
		int status = -1;

		if (pid == 0) {
			handle(SA_RESTART);
			_exit(chdir_loop(100));
		}
		usleep(random_up_to(3000));
		kill(pid, SIGSTOP);
		FAIL_IF(waitpid(pid, &status, WUNTRACED) != pid);
		if (WIFSTOPPED(status)) {
			FAIL_IF(WSTOPSIG(status) != SIGSTOP);
			kill(pid, SIGCONT);
			FAIL_IF(waitpid(pid, &status, 0) != pid);
		}
		FAIL_IF(status != 0);
	}
	return 0;
}

/* A thread that has a tracer cannot be rewritten: it is told. */
static int scenario_traced(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		_exit(syscall(SYS_chdir, VIRTUAL_DIR) < 0 ? errno : 0);
	}
	status = wait_ok(pid);
	FAIL_IF(!WIFEXITED(status) || WEXITSTATUS(status) != EBUSY);
	return 0;
}

int scenario_chdir_forever(void)
{
	return chdir_loop(INT_MAX);
}

const struct scenario scenarios[] = {
	{ "fork and exec", scenario_fork_exec, false },
	{ "posix_spawn", scenario_spawn, false },
	{ "exec from another thread", scenario_thread_exec, false },
	{ "chdir", scenario_chdir, false },
	{ "chdir, signals raining", scenario_chdir_rain, false },
	{ "chdir, signals raining, SA_RESTART", scenario_chdir_rain_restart, false },
	{ "exec, signals raining", scenario_exec_rain, false },
	{ "exec, signals raining, SA_RESTART", scenario_exec_rain_restart, false },
	{ "kill -9", scenario_kill, false },
	{ "kill -9 and exec with threads", scenario_kill_threads, true },
	{ "SIGSTOP and SIGCONT", scenario_stop, false },
	{ "stops are seen", scenario_stop_seen, false },
	{ "traced", scenario_traced, false },
};
const int nscenarios = sizeof(scenarios) / sizeof(scenarios[0]);
