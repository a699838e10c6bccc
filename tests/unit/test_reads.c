// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads that are made to fail while threads sleep in them (monitor/tracer/reads.c), by both tracers.
 *
 * Nothing is trapped here, so the children have no filter; with the ptrace tracer they are traced by a thread that receives.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "monitor/tracer/tracee.h"
#include "monitor/tracer/tracer.h"
#include "monitor/view.h"

#define TRIES 3000
#define TRY_US 10000

#define FAIL_IF(cond) \
	do { \
		if (cond) \
			_exit(__LINE__ % 250 + 1); \
	} while (0)

static const struct um_tracer_ops *const tracers[] = { &um_unotify, &um_ptrace };
static struct um_view view;
static int sock[2], other[2];   /* [0] is the child's end */
static struct stat file;

/* What parent and child have in common. */
static struct shared {
	atomic_int ended[4];    /* of each thread: how often a read has failed with ENODEV */
	atomic_int got[4];      /* and how many messages it has got */
	atomic_int handled;
	atomic_bool stop;
} *shared;

/* --- the monitor -------------------------------------------------------------------------------------------------- */

static struct tracing {
	pid_t pid;
	int fd;
	sem_t ready;
	pthread_t thread;
} tracing;

static void *trace(void *arg)
{
	struct um_call call = { .view = &view };
	void *listener;
	int err = um_ptrace.adopt(&view.features, tracing.fd, tracing.pid, &listener);

	(void)arg;
	sem_post(&tracing.ready);
	while (err == 0 && um_ptrace.receive(listener, &call) != -ENOENT)
		;
	return NULL;
}

/* Run it in a child, which its tracer has. */
static pid_t start(void (*scenario)(void))
{
	int begin[2];
	char byte = 0;
	pid_t pid;

	ck_assert_int_eq(pipe(begin), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		FAIL_IF(read(begin[0], &byte, 1) != 1);
		scenario();
		_exit(0);
	}
	view.init = pid;
	if (view.tracer_ops == &um_ptrace) {
		tracing.pid = pid;
		tracing.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		sem_init(&tracing.ready, 0, 0);
		ck_assert_int_eq(pthread_create(&tracing.thread, NULL, trace, NULL), 0);
		sem_wait(&tracing.ready);
	}
	ck_assert_int_eq(write(begin[1], &byte, 1), 1);
	close(begin[0]);
	close(begin[1]);
	return pid;
}

/* Its exit status; 256 and a signal; -1: there is no end. */
static int status_of(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };
	int i;

	for (i = 0; i < TRIES && info.si_pid == 0; i++) {
		if (view.tracer_ops == &um_unotify)
			ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG), 0);
		else
			while (um_ptrace.child(&view, &info) && info.si_code != CLD_EXITED && info.si_code != CLD_KILLED)
				info.si_pid = 0;
		if (info.si_pid == 0)
			usleep(i < 100 ? 1000 : TRY_US);
	}
	if (info.si_pid == 0)
		return -1;
	if (view.tracer_ops == &um_ptrace) {
		pthread_join(tracing.thread, NULL);
		close(tracing.fd);
	}
	return info.si_code == CLD_EXITED ? info.si_status : 256 + info.si_status;
}

static int end_now(pid_t pid)
{
	return um_end_reads(&view, pid, file.st_dev, file.st_ino, ENODEV);
}

/* Until that many have failed. */
static void end_reads(pid_t pid, int n)
{
	int ended = 0;

	for (int i = 0; i < TRIES && ended < n; i++) {
		ended += end_now(pid);
		if (ended < n)
			usleep(1000);
	}
	ck_assert_int_eq(ended, n);
}

/* Wait until a thread is in a call (-1: any), in this state. */
static void wait_until(pid_t tid, int nr, char state)
{
	char name[64], now = 0;
	int in = -1;
	FILE *f;

	for (int i = 0; i < TRIES; i++) {
		snprintf(name, sizeof(name), "/proc/%d/stat", (int)tid);
		f = fopen(name, "re");
		ck_assert(f != NULL && fscanf(f, "%*d (%*[^)]) %c", &now) == 1);
		fclose(f);
		snprintf(name, sizeof(name), "/proc/%d/syscall", (int)tid);
		f = fopen(name, "re");
		ck_assert_ptr_nonnull(f);
		in = -1;
		if (fscanf(f, "%d", &in) != 1)
			in = -1;
		fclose(f);
		if (now == state && (nr < 0 || in == nr))
			return;
		usleep(1000);
	}
	ck_abort_msg("thread %d: state %c in call %d, not %c in %d", (int)tid, now, in, state, nr);
}

static void setup(void)
{
	view.features.ptrace = true;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(shared != MAP_FAILED);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, other), 0);
	ck_assert_int_eq(fstat(sock[0], &file), 0);
}

/* --- all calls ---------------------------------------------------------------------------------------------------- */

static char buf[64];

static ssize_t by_read(int fd)
{
	return read(fd, buf, sizeof(buf));
}

static ssize_t by_readv(int fd)
{
	struct iovec v = { buf, sizeof(buf) };

	return readv(fd, &v, 1);
}

static ssize_t by_preadv2(int fd)
{
	struct iovec v = { buf, sizeof(buf) };

	return preadv2(fd, &v, 1, -1, 0);
}

static ssize_t by_splice(int fd)
{
	int p[2];
	ssize_t n;

	FAIL_IF(pipe(p) != 0);
	n = splice(fd, NULL, p[1], NULL, sizeof(buf), 0);
	return n > 0 ? read(p[0], buf, sizeof(buf)) : n;
}

static ssize_t by_recv(int fd)
{
	return recv(fd, buf, sizeof(buf), 0);
}

static ssize_t by_recvmsg(int fd)
{
	struct iovec v = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	return recvmsg(fd, &m, 0);
}

static ssize_t by_recvmmsg(int fd)
{
	struct iovec v = { buf, sizeof(buf) };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &v, .msg_iovlen = 1 } };
	int n = recvmmsg(fd, &m, 1, 0, NULL);

	return n == 1 ? (ssize_t)m.msg_len : n;
}

/* A read with a timeout is not restarted by the kernel. */
static ssize_t by_timed_read(int fd)
{
	struct timeval t = { .tv_sec = 600 };

	FAIL_IF(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) != 0);
	return read(fd, buf, sizeof(buf));
}

static ssize_t by_duplicate(int fd)
{
	return read(dup(fd), buf, sizeof(buf));
}

static ssize_t (*const ways[])(int fd) = {
	by_read, by_readv, by_preadv2, by_splice, by_recv, by_recvmsg, by_recvmmsg, by_timed_read, by_duplicate,
};
#define NWAYS ((int)(sizeof(ways) / sizeof(ways[0])))

static ssize_t (*way)(int fd);

/* The first fails, the second gets a message. */
static void twice(void)
{
	errno = 0;
	FAIL_IF(way(sock[0]) != -1 || errno != ENODEV);
	memset(buf, 0, sizeof(buf));
	FAIL_IF(way(sock[0]) != 5 || memcmp(buf, "hello", 5) != 0);
}

START_TEST(test_calls)
{
	pid_t pid;

	view.tracer_ops = tracers[_i / NWAYS];
	way = ways[_i % NWAYS];
	pid = start(twice);
	end_reads(pid, 1);
	ck_assert_int_eq(write(sock[1], "hello", 5), 5);
	ck_assert_int_eq(status_of(pid), 0);
	ck_assert_int_eq(end_now(pid), 0); /* it is gone */
}
END_TEST

/* --- threads ------------------------------------------------------------------------------------------------------ */

static void *one_fails(void *arg)
{
	FAIL_IF(read(sock[0], buf, 1) != -1 || errno != ENODEV);
	return arg;
}

static void *one_gets(void *arg)
{
	char c = 0;

	FAIL_IF(read(other[0], &c, 1) != 1 || c != 'x');
	return arg;
}

static void three_threads(void)
{
	pthread_t t[3];

	pthread_create(&t[0], NULL, one_fails, NULL);
	pthread_create(&t[1], NULL, one_gets, NULL);
	pthread_create(&t[2], NULL, one_fails, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

START_TEST(test_threads)
{
	pid_t pid;

	view.tracer_ops = tracers[_i];
	pid = start(three_threads);
	end_reads(pid, 2);
	ck_assert_int_eq(end_now(pid), 0);
	ck_assert_int_eq(write(other[1], "x", 1), 1);
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

/* --- who does not read it ----------------------------------------------------------------------------------------- */

static void reads_other(void)
{
	one_gets(NULL);
}

static void polls(void)
{
	struct pollfd p = { .fd = sock[0], .events = POLLIN };

	FAIL_IF(poll(&p, 1, -1) != 1);
}

static void writes(void)
{
	char big[4096] = "";

	for (int i = 0; i < 10000 && !shared->stop; i++)
		FAIL_IF(write(sock[0], big, sizeof(big)) != sizeof(big));
}

static const struct {
	void (*run)(void);
	int nr;
} strangers[] = { { reads_other, SYS_read }, { polls, SYS_poll }, { writes, SYS_write } };
#define NSTRANGERS ((int)(sizeof(strangers) / sizeof(strangers[0])))

START_TEST(test_strangers)
{
	char big[4096];
	pid_t pid;

	view.tracer_ops = tracers[_i / NSTRANGERS];
	pid = start(strangers[_i % NSTRANGERS].run);
	wait_until(pid, strangers[_i % NSTRANGERS].nr, 'S');
	ck_assert_int_eq(end_now(pid), 0);
	ck_assert_int_eq(end_now(getpid()), 0);
	ck_assert_int_eq(um_end_reads(&view, 0x7ffffff0, file.st_dev, file.st_ino, ENODEV), 0);
	shared->stop = true;
	ck_assert_int_eq(write(sock[1], "x", 1), 1);
	ck_assert_int_eq(write(other[1], "x", 1), 1);
	while (recv(sock[1], big, sizeof(big), MSG_DONTWAIT) > 0)
		;
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

/* --- signals ------------------------------------------------------------------------------------------------------ */

static int handler_flags;

static void handler(int sig)
{
	(void)sig;
	shared->handled++;
}

static void with_handler(void)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = handler_flags };

	sigaction(SIGUSR1, &sa, NULL);
	one_fails(NULL);
	FAIL_IF(shared->handled != 1);
}

/* It stands, and a signal waits: the read fails, the handler runs, and it stands until it is told to go on. */
START_TEST(test_signal)
{
	pid_t pid;

	view.tracer_ops = tracers[_i % 2];
	handler_flags = _i / 2 ? SA_RESTART : 0;
	pid = start(with_handler);
	wait_until(pid, SYS_read, 'S');
	kill(pid, SIGSTOP);
	wait_until(pid, SYS_read, view.tracer_ops == &um_ptrace ? 't' : 'T');
	kill(pid, SIGUSR1);
	end_reads(pid, 1);
	wait_until(pid, -1, view.tracer_ops == &um_ptrace ? 't' : 'T');
	ck_assert_int_eq(shared->handled, 0);
	kill(pid, SIGCONT);
	ck_assert_int_eq(status_of(pid), 0);
	ck_assert_int_eq(shared->handled, 1);
}
END_TEST

/* --- another tracer ----------------------------------------------------------------------------------------------- */

START_TEST(test_traced)
{
	int status, go[2];
	pid_t pid, strace;
	char c = 0;

	view.tracer_ops = &um_unotify;
	way = by_read;
	pid = start(twice);
	wait_until(pid, SYS_read, 'S');
	ck_assert_int_eq(pipe(go), 0);
	strace = fork();
	if (strace == 0) {
		close(go[1]);
		FAIL_IF(ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0);
		FAIL_IF(read(go[0], &c, 1) != 0);
		FAIL_IF(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0);
		FAIL_IF(waitpid(pid, &status, __WALL) != pid);
		FAIL_IF(ptrace(PTRACE_DETACH, pid, NULL, NULL) != 0);
		_exit(0);
	}
	for (int i = 0; i < TRIES && tracee_tracer(pid) != strace; i++)
		usleep(1000);
	ck_assert_int_eq(tracee_tracer(pid), strace);
	ck_assert_int_eq(end_now(pid), 0);
	close(go[1]);
	ck_assert_int_eq(waitpid(strace, &status, 0), strace);
	ck_assert_int_eq(status, 0);
	end_reads(pid, 1);
	ck_assert_int_eq(write(sock[1], "hello", 5), 5);
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

/* --- many at once ------------------------------------------------------------------------------------------------- */

static void *reads_all(void *arg)
{
	int me = (int)(intptr_t)arg, number;

	while (!shared->stop) {
		ssize_t n = read(sock[0], &number, sizeof(number));

		FAIL_IF(n < 0 && errno != ENODEV && errno != EINTR);
		if (n < 0 && errno == ENODEV)
			shared->ended[me]++;
		else if (n >= 0)
			shared->got[me]++;
	}
	return NULL;
}

static void many_read(void)
{
	struct sigaction sa = { .sa_handler = handler };
	pthread_t t[3];

	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, reads_all, (void *)(intptr_t)i);
	reads_all((void *)(intptr_t)3);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

static int sum(const atomic_int of[4])
{
	return of[0] + of[1] + of[2] + of[3];
}

/* While messages and signals come: none is lost, and as many reads fail as is said. */
START_TEST(test_storm)
{
	int ended = 0, sent = 0;
	pid_t pid;

	view.tracer_ops = tracers[_i];
	pid = start(many_read);
	wait_until(pid, SYS_read, 'S');
	while (sent < 2000 || ended < 100) {
		ck_assert_int_eq(write(sock[1], &sent, sizeof(sent)), (ssize_t)sizeof(sent));
		if (sent++ % 16 == 0)
			ended += end_now(pid);
		if (sent % 32 == 0)
			kill(pid, SIGUSR1);
	}
	for (int i = 0; i < TRIES && (sum(shared->got) < sent || sum(shared->ended) < ended); i++)
		usleep(1000);
	ck_assert_int_eq(sum(shared->got), sent);
	ck_assert_int_eq(sum(shared->ended), ended);
	ck_assert_int_gt(shared->handled, 0);
	shared->stop = true;
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(write(sock[1], &sent, sizeof(sent)), (ssize_t)sizeof(sent));
	ck_assert_int_eq(status_of(pid), 0);
	ck_assert(!tracees_pending());
}
END_TEST

static pid_t victim;

static void *kills(void *arg)
{
	usleep((unsigned)(intptr_t)arg);
	kill(victim, SIGKILL);
	return NULL;
}

/* Killed at any moment: its parent sees the end. */
START_TEST(test_killed)
{
	view.tracer_ops = tracers[_i];
	for (int i = 0; i < 60; i++) {
		pthread_t t;

		victim = start(many_read);
		pthread_create(&t, NULL, kills, (void *)(intptr_t)(500 + i * 137 % 3000));
		while (kill(victim, 0) == 0 && tracee_tracer(victim) >= 0) {
			siginfo_t info = { .si_pid = 0 };

			end_now(victim);
			if (waitid(P_PID, (id_t)victim, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0)
				break;
		}
		ck_assert_int_eq(status_of(victim), 256 + SIGKILL);
		pthread_join(t, NULL);
		ck_assert(!tracees_pending());
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reads");
	TCase *tc = tcase_create("reads");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_calls, 0, 2 * NWAYS);
	tcase_add_loop_test(tc, test_threads, 0, 2);
	tcase_add_loop_test(tc, test_strangers, 0, 2 * NSTRANGERS);
	tcase_add_loop_test(tc, test_signal, 0, 4);
	tcase_add_test(tc, test_traced);
	tcase_add_loop_test(tc, test_storm, 0, 2);
	tcase_add_loop_test(tc, test_killed, 0, 2);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
