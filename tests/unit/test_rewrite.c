// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rewriting, tried against real processes: a monitor of some dozen lines serves execve("/umtest/true") by execveat
 * of a descriptor, and chdir("/umtest/dir") by fchdir and close, while signals, stops and kills rain on the callers.
 *
 * UMTEST_ITERATIONS is the number of iterations (1000).
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "monitor/call.h"
#include "monitor/tracer/tracee.h"
#include "monitor/tracer/tracer.h"
#include "monitor/view.h"

#define COOKIE UINT64_C(0x1badb002deadbeef)
#define VIRTUAL_PROGRAM "/umtest/true"
#define VIRTUAL_DIR "/umtest/dir"
#define REAL_DIR "/usr/lib"

static int iterations = 1000;
static bool killable;           /* the filter of this run has WAIT_KILLABLE_RECV */

/* What rewrite.c wants of the table: no call here has six arguments. */
const struct um_syscall *um_syscall_row(int nr)
{
	(void)nr;
	return NULL;
}

/* Nothing waits here. */
void um_relock(struct um_call *call)
{
	(void)call;
}

/* --- the monitor ---------------------------------------------------------------------------------------------- */

static struct um_view view;
static int program_fd, dir_fd;
static double spent_us[2];
static atomic_uint served[2], refused;

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_AT(off) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (off))
#define IF_EQ(k, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(k), t, f)
#define RET(k) BPF_STMT(BPF_RET | BPF_K, (k))

static int install(void)
{
	struct sock_filter code[] = {
		LOAD(nr),
		IF_EQ(SYS_execve, 8, 0),
		IF_EQ(SYS_chdir, 7, 0),
		IF_EQ(SYS_execveat, 1, 0),
		IF_EQ(SYS_fchdir, 0, 4),
		LOAD_AT(offsetof(struct seccomp_data, args[5])),
		IF_EQ(COOKIE, 0, 3),
		LOAD_AT(offsetof(struct seccomp_data, args[5]) + 4),
		IF_EQ(COOKIE >> 32, 0, 1),
		RET(SECCOMP_RET_ALLOW),
		RET(SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	return um_unotify.install(&prog, &view.features);
}

static void serve_exec(struct um_call *call, size_t len)
{
	uint64_t args[6] = { 0, call->args[0] + len, call->args[1], call->args[2], AT_EMPTY_PATH, COOKIE };
	double start = now_us();
	int fd = um_unotify.add_fd(call, program_fd, O_CLOEXEC);
	int64_t r;

	if (fd < 0) {
		um_unotify.answer(call, fd);
		return;
	}
	args[0] = (uint64_t)fd;
	start = now_us();
	r = um_rewrite(call, SYS_execveat, args);
	if (r != UM_REPLIED) {
		refused++;
		um_unotify.answer(call, r);
	}
	spent_us[0] += now_us() - start;
	served[0]++;
}

static void serve_chdir(struct um_call *call)
{
	double start;
	int fd = um_unotify.add_fd(call, dir_fd, O_CLOEXEC);
	struct um_inject calls[] = {
		{ .nr = SYS_fchdir, .args = { (uint64_t)fd } },
		{ .nr = SYS_close, .args = { (uint64_t)fd }, .always = true },
	};
	int64_t r;

	if (fd < 0) {
		um_unotify.answer(call, fd);
		return;
	}
	start = now_us();
	r = um_inject(call, calls, 2, 0);
	if (r != UM_REPLIED) {
		refused++;
		um_unotify.answer(call, r);
	}
	spent_us[1] += now_us() - start;
	served[1]++;
}

static void serve(struct um_call *call)
{
	char path[32] = "";
	struct iovec local = { path, sizeof(VIRTUAL_PROGRAM) };
	struct iovec remote = { (void *)(uintptr_t)call->args[0], sizeof(VIRTUAL_PROGRAM) };

	if (call->nr == SYS_execve || call->nr == SYS_chdir)
		process_vm_readv(call->tid, &local, 1, &remote, 1, 0);
	if (call->nr == SYS_execve && !strcmp(path, VIRTUAL_PROGRAM))
		serve_exec(call, strlen(path));
	else if (call->nr == SYS_chdir && !strcmp(path, VIRTUAL_DIR))
		serve_chdir(call);
	else
		um_unotify.proceed(call);
}

/* Run @scenario in a child under the filter and serve it until it ends.  Its wait status. */
static int run(int (*scenario)(void))
{
	int pipes[2], fd = -1, pidfd, status = -1;
	void *listener;
	siginfo_t si;
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pipes), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		fd = install();
		if (write(pipes[1], &fd, sizeof(fd)) != sizeof(fd))
			_exit(100);
		/* until the monitor has its own */
		if (read(pipes[1], &status, sizeof(status)) != sizeof(status))
			_exit(101);
		close(fd);
		_exit(scenario());
	}
	ck_assert_int_eq(read(pipes[0], &fd, sizeof(fd)), sizeof(fd));
	ck_assert_int_ge(fd, 0);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(um_unotify.adopt(&view.features, fd, pid, &listener), 0);
	ck_assert_int_eq(write(pipes[0], &fd, sizeof(fd)), sizeof(fd));
	for (;;) {
		struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
		struct um_call call = { .view = &view };

		poll(p, 2, tracees_pending() ? 10 : 1000);
		tracees_finish();
		if (p[0].revents & POLLIN && um_unotify.receive(listener, &call) == 0)
			serve(&call);
		si.si_pid = 0;
		if (p[1].revents && waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | WNOHANG) == 0 && si.si_pid == pid)
			break;
	}
	/* What the scenario left behind is served until nobody is left. */
	close(fd);
	close(pidfd);
	close(pipes[0]);
	close(pipes[1]);
	status = si.si_code == CLD_EXITED ? si.si_status : 256 + si.si_status;
	return status;
}

/* --- scenarios: run in the child; 0 is success, else the line ------------------------------------------------- */

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

static int scenario_chdir_forever(void)
{
	return chdir_loop(INT_MAX);
}

/* --- tests ---------------------------------------------------------------------------------------------------- */

static void setup(void)
{
	const char *n = getenv("UMTEST_ITERATIONS");

	if (n)
		iterations = atoi(n);
	view.tracer_ops = &um_unotify;
	view.cookie = COOKIE;
	view.features.sync_wake_up = true;
	program_fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	dir_fd = open(REAL_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static const struct {
	const char *name;
	int (*run)(void);
} scenarios[] = {
	{ "fork and exec", scenario_fork_exec },
	{ "posix_spawn", scenario_spawn },
	{ "exec from another thread", scenario_thread_exec },
	{ "chdir", scenario_chdir },
	{ "chdir, signals raining", scenario_chdir_rain },
	{ "chdir, signals raining, SA_RESTART", scenario_chdir_rain_restart },
	{ "exec, signals raining", scenario_exec_rain },
	{ "exec, signals raining, SA_RESTART", scenario_exec_rain_restart },
	{ "kill -9", scenario_kill },
	{ "kill -9 and exec with threads", scenario_kill_threads },
	{ "SIGSTOP and SIGCONT", scenario_stop },
	{ "stops are seen", scenario_stop_seen },
	{ "traced", scenario_traced },
};
#define NSCENARIOS ((int)(sizeof(scenarios) / sizeof(scenarios[0])))

static void run_scenario(int i, bool wait_killable)
{
	double start = now_us();
	int status;

	killable = view.features.wait_killable = wait_killable;
	status = run(scenarios[i].run);
	if (getenv("UMTEST_VERBOSE"))
		printf("%-36s%s %7.0f ms", scenarios[i].name, wait_killable ? "" : " (not killable)",
		       (now_us() - start) / 1000);
	if (getenv("UMTEST_VERBOSE") && served[0])
		printf("  rewrite %.1f us", spent_us[0] / served[0]);
	if (getenv("UMTEST_VERBOSE") && served[1])
		printf("  inject %.1f us", spent_us[1] / served[1]);
	if (getenv("UMTEST_VERBOSE"))
		printf("\n");
	ck_assert_msg(status == 0, "%s: status %d", scenarios[i].name, status);
	ck_assert(!tracees_pending() || scenarios[i].run == scenario_kill_threads);
}

START_TEST(test_killable)
{
	run_scenario(_i, true);
}
END_TEST

START_TEST(test_interruptible)
{
	run_scenario(_i, false);
}
END_TEST

static atomic_int killer_delay;

static void *killer_thread(void *arg)
{
	char line[32];
	FILE *f;
	int pid = -1;

	(void)arg;
	snprintf(line, sizeof(line), "/proc/self/task/%d/children", getpid());
	/* Not before it is being served. */
	while (served[1] < 3)
		usleep(100);
	usleep(killer_delay);
	f = fopen(line, "re");
	if (f && fscanf(f, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	if (f)
		fclose(f);
	return NULL;
}

/* The monitor's own child is killed while it is rewritten: its status is still there for the normal wait. */
START_TEST(test_own_child)
{
	killable = view.features.wait_killable = true;
	for (int i = 0; i < iterations / 4; i++) {
		pthread_t th;
		int status;

		killer_delay = i * 17 % 1500;
		served[1] = 0;
		pthread_create(&th, NULL, killer_thread, NULL);
		status = run(scenario_chdir_forever);
		ck_assert_int_eq(status, 256 + SIGKILL);
		pthread_join(th, NULL);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rewrite");
	TCase *tc = tcase_create("rewrite");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_killable, 0, NSCENARIOS);
	tcase_add_loop_test(tc, test_interruptible, 0, NSCENARIOS);
	tcase_add_test(tc, test_own_child);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
