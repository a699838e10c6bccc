// SPDX-License-Identifier: GPL-2.0-or-later
/* Rewriting: see test_rewrite.h.  UMTEST_ITERATIONS is the number of iterations (1000). */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf.h"
#include "monitor/tracer/tracee.h"
#include "monitor/tracer/tracer.h"
#include "monitor/view.h"
#include "test_rewrite.h"

int iterations = 1000;
bool killable;

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
	ck_assert(!tracees_pending() || scenarios[i].leaves_threads);
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
	tcase_add_loop_test(tc, test_killable, 0, nscenarios);
	tcase_add_loop_test(tc, test_interruptible, 0, nscenarios);
	tcase_add_test(tc, test_own_child);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
