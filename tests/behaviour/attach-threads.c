/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process with threads in all kinds of states is taken into a view (um_attach): no call is interrupted or ends early,
 * signals go on being handled, and every thread sees the view afterwards, as does what the process starts.
 * timeout: 180
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLEEP_MS 1500
#define LONG_MS 60000

static char seen[4096];         /* a file that only the view has */
static int pipes[16][2];        /* what the waiting threads wait for: [1] is written to when they are to go on */
static int semaphore, go;
static volatile uint32_t word;
static volatile bool stop;
static volatile unsigned alarms, ready, bad;

__attribute__((format(printf, 1, 2))) static void fault(const char *format, ...)
{
	va_list ap;

	printf("FAILED: ");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	__atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* --- what the threads wait in: each returns the call's result, which must be `wanted' ------------------------------- */

static long in_read(int fd) { char c; return read(fd, &c, 1); }
static long in_poll(int fd) { struct pollfd p = { fd, POLLIN, 0 }; return poll(&p, 1, -1); }
static long in_poll_timeout(int fd) { struct pollfd p = { fd, POLLIN, 0 }; return poll(&p, 1, LONG_MS); }
static long in_ppoll(int fd)
{
	struct timespec t = { LONG_MS / 1000, 0 };
	struct pollfd p = { fd, POLLIN, 0 };
	sigset_t set;

	sigfillset(&set);
	return ppoll(&p, 1, &t, &set);
}
static long in_select(int fd)
{
	struct timeval t = { LONG_MS / 1000, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, &t);
}
static long epoll_on(int fd, int ms)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);
	long n;

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	n = epoll_wait(ep, &ev, 1, ms);
	close(ep);
	return n;
}
static long in_epoll(int fd) { return epoll_on(fd, -1); }
static long in_epoll_timeout(int fd) { return epoll_on(fd, LONG_MS); }
static long in_recv_timeout(int fd)
{
	struct timeval t = { LONG_MS / 1000, 0 };
	char c;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	return recv(fd, &c, 1, 0);
}
static long in_recvmsg(int fd)
{
	char c;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return recvmsg(fd, &msg, 0);
}
static long in_semop(int fd)
{
	struct sembuf op = { .sem_op = -1 };

	(void)fd;
	return semop(semaphore, &op, 1);
}
/* A wait that is begun again just when the word has changed ends with EAGAIN, at once. */
static long futex_wait(const struct timespec *t)
{
	return syscall(SYS_futex, &word, FUTEX_WAIT, 0, t, NULL, 0) == 0 || errno == EAGAIN ? 0 : -1;
}
static long in_futex(int fd)
{
	(void)fd;
	return futex_wait(NULL);
}
static long in_futex_timeout(int fd)
{
	struct timespec t = { LONG_MS / 1000, 0 };

	(void)fd;
	return futex_wait(&t);
}
static long in_sigwait(int fd)
{
	struct timespec t = { LONG_MS / 1000, 0 };
	sigset_t set;

	(void)fd;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return sigtimedwait(&set, NULL, &t) == SIGUSR2;
}
static long in_wait(int fd)
{
	int status;
	pid_t pid = fork();
	char c;

	if (pid == 0)
		_exit(read(fd, &c, 1) == 1 ? 7 : 8);
	return waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7;
}
/* A sleep is of its length, neither ended nor begun again. */
static long in_nanosleep(int fd)
{
	struct timespec t = { SLEEP_MS / 1000, SLEEP_MS % 1000 * 1000000 }, rest = { 0 };
	int64_t begin = now_ms();
	long r = nanosleep(&t, &rest);

	(void)fd;
	return r == 0 && now_ms() - begin >= SLEEP_MS;
}
static long in_clock_nanosleep(int fd)
{
	struct timespec t;
	int64_t begin = now_ms();

	(void)fd;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += 2;
	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == 0 && now_ms() - begin >= 1990;
}
static long in_running(int fd)
{
	static volatile double x = 1;

	for (uint64_t sum = 0; !stop; sum++) {
		double before = x * 3 + (double)(sum & 1); /* the floating-point registers are its own, too */

		for (int i = 0; i < 1000; i++)
			before = before * 0.5 + 1;
		if (before > 2.1 || before < 1.9)
			return 0;
	}
	(void)fd;
	return 1;
}
static long in_calls(int fd)
{
	pid_t pid = (pid_t)syscall(SYS_getpid);

	(void)fd;
	while (!stop)
		if ((pid_t)syscall(SYS_getpid) != pid || access("/", X_OK) < 0)
			return 0;
	return 1;
}

static const struct kind {
	const char *name;
	long (*fn)(int fd);
	long wanted;
} kinds[] = {
	{ "read", in_read, 1 }, { "poll", in_poll, 1 }, { "poll with a timeout", in_poll_timeout, 1 }, { "ppoll", in_ppoll, 1 },
	{ "select", in_select, 1 }, { "epoll_wait", in_epoll, 1 }, { "epoll_wait with a timeout", in_epoll_timeout, 1 },
	{ "recv with a timeout", in_recv_timeout, 1 }, { "recvmsg", in_recvmsg, 1 }, { "wait for a child", in_wait, 1 },
	{ "semop", in_semop, 0 }, { "futex", in_futex, 0 }, { "futex with a timeout", in_futex_timeout, 0 },
	{ "sigtimedwait", in_sigwait, 1 }, { "nanosleep", in_nanosleep, 1 }, { "clock_nanosleep", in_clock_nanosleep, 1 },
	{ "running", in_running, 1 }, { "system calls", in_calls, 1 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define WITH_PIPE 10            /* the first so many wait for a descriptor */

static void *thread(void *arg)
{
	const struct kind *k = arg;
	size_t i = (size_t)(k - kinds);
	struct stat st;
	char c;
	long r;

	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	errno = 0;
	r = k->fn(i < WITH_PIPE ? pipes[i][0] : -1);
	if (r != k->wanted)
		fault("%s: %ld, %s", k->name, r, strerror(errno));
	/* all must be in the view before anybody looks */
	while (read(go, &c, 1) < 0 && errno == EINTR)
		;
	if (stat(seen, &st) < 0)
		fault("%s: this thread does not see the view: %s", k->name, strerror(errno));
	return NULL;
}

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

/* The main thread is interrupted by a signal every two milliseconds. */
static void start_alarms(void)
{
	struct itimerval every = { { 0, 2000 }, { 0, 2000 } };
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

static void release(pthread_t *threads)
{
	struct sembuf op = { .sem_op = 1 };

	stop = true;
	word = 1;
	for (size_t i = 0; i < WITH_PIPE; i++)
		if (write(pipes[i][1], "x", 1) != 1)
			fault("write");
	semop(semaphore, &op, 1);
	syscall(SYS_futex, &word, FUTEX_WAKE, 2, NULL, NULL, 0);
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].fn == in_sigwait)
			pthread_kill(threads[i], SIGUSR2);
}

/* The process that is taken in.  @in: told when it has been; @out: says when all threads are where they wait. */
static int target(int in, int out)
{
	pthread_t threads[KINDS];
	unsigned before;
	sigset_t set;
	int pair[2];
	char c;

	semaphore = semget(IPC_PRIVATE, 1, 0600);
	for (size_t i = 0; i < WITH_PIPE; i++)
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pipes[i]) < 0)
			return 2;
	if (pipe(pair) < 0)
		return 2;
	go = pair[0];
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < KINDS; i++)
		pthread_create(&threads[i], NULL, thread, (void *)&kinds[i]);
	sigdelset(&set, SIGUSR2);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	start_alarms();
	while (ready < KINDS)
		usleep(1000);
	usleep(200000); /* in their calls, most likely */
	if (write(out, "r", 1) != 1 || read(in, &c, 1) != 1)
		return 2;
	before = alarms;
	release(threads);
	close(pair[1]);
	for (size_t i = 0; i < KINDS; i++)
		pthread_join(threads[i], NULL);
	while (alarms < before + 5) /* they still come */
		usleep(1000);
	semctl(semaphore, 0, IPC_RMID);
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	if (system("ls -d \"$SEEN\" >/dev/null") != 0)
		fault("a program started by it does not see the view");
	return bad ? 1 : 0;
}

static int run(const char *dir, const char *data, int round)
{
	int to[2], from[2], status = -1;
	char command[16384], c;
	pid_t pid;

	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		return 2;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		exit(target(to[0], from[1]));
	if (read(from[0], &c, 1) != 1)
		return 2;
	snprintf(command, sizeof(command), "exec \"$UMVIEW_BUILD/umview\" --norc $UMVIEW_FLAGS --mount viewfs,move:%s:%s -- "
		 "\"$UMVIEW_BUILD/um_attach\" -q %d", data, dir, pid);
	if (system(command) != 0) {
		fault("umview");
		kill(pid, SIGKILL);
	}
	if (write(to[1], "g", 1) != 1 || waitpid(pid, &status, 0) != pid)
		return 2;
	close(to[0]); close(to[1]); close(from[0]); close(from[1]);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fault("round %d: the process ended with wait status %#x", round, status);
		return 1;
	}
	return 0;
}

int main(void)
{
	char dir[2048], data[2048], file[4096];
	int fd, r = 0;

	if (getcwd(dir, 1024) == NULL)
		return 2;
	strcpy(data, dir);
	strcat(data, "/data");
	strcat(dir, "/place");
	mkdir(dir, 0755);
	mkdir(data, 0755);
	snprintf(file, sizeof(file), "%s/seen", data);
	fd = open(file, O_CREAT | O_WRONLY, 0644);
	close(fd);
	snprintf(seen, sizeof(seen), "%s/seen", dir);
	setenv("SEEN", seen, 1);
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* monitors of views that go on: they end before we do */
	for (int i = 0; i < 5 && r == 0; i++)
		r = run(dir, data, i);
	while (wait(NULL) > 0)
		;
	return r;
}
