// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that wait, and signals: opening a fifo, connecting to a listener whose queue is full, receiving and sending on
 * AF_UNIX sockets.  Handlers run at once, with and without SA_RESTART; stopping stops; a result that comes is delivered
 * once; what is killed is dead.
 * timeout: 120
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t handled;
static sigjmp_buf back;

static void handler(int sig)
{
	(void)sig;
	handled++;
}

static void jumper(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static void set_handler(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}

static const char *word(long r)
{
	return r >= 0 ? "ok" : errno == EINTR ? "EINTR" : errno == EAGAIN ? "EAGAIN" : strerror(errno);
}

static void nap(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* fork(2), or the end of the program. */
static pid_t start_process(void)
{
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	return pid;
}

/* The state letter of a process. */
static char state_of(pid_t pid)
{
	char name[40], line[512] = "", *at;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	f = fopen(name, "r");
	if (!f)
		return '-';
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	at = strrchr(line, ')');
	return at ? at[2] : '?';
}

/* Wait until it is in one of these states; the state, or '!' after ten seconds. */
static char reaches(pid_t pid, const char *states)
{
	for (int i = 0; i < 1000; i++) {
		char c = state_of(pid);

		if (strchr(states, c))
			return c;
		nap(10);
	}
	return '!';
}

/* --- what waits --------------------------------------------------------------------------------------------------- */

static struct sockaddr_un listener_name = { AF_UNIX, "full" };
static int listener, queued[2], pair[2], fullpair[2];

static long open_read(void)
{
	long fd = open("fifo", O_RDONLY);

	if (fd >= 0)
		close((int)fd);
	return fd;
}

static long open_write(void)
{
	long fd = open("fifo", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		close((int)fd);
	return fd;
}

static long connect_full(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err;
	long r = connect(s, (struct sockaddr *)&listener_name, sizeof(listener_name));

	err = errno;
	close(s);
	errno = err;
	return r;
}

static long receive(void)
{
	char buf[16], control[256];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };

	return recvmsg(pair[0], &m, 0);
}

static long send_full(void)
{
	static struct sockaddr_un to = { AF_UNIX, "dgram" };

	return sendto(fullpair[0], "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
}

static void release_read(void)
{
	int fd = open("fifo", O_WRONLY);

	close(fd);
}

static void release_write(void)
{
	int fd = open("fifo", O_RDONLY);

	close(fd);
}

static void release_connect(void)
{
	close(accept(listener, NULL, NULL));
}

static void release_receive(void)
{
	(void)!write(pair[1], "hello", 5);
}

static void release_send(void)
{
	char c;

	(void)!read(fullpair[1], &c, 1);
}

static void setup_connect(void)
{
	unlink("full");
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&listener_name, sizeof(listener_name)) < 0 || listen(listener, 0) < 0)
		perror("listen");
	for (int i = 0; i < 1; i++) {
		queued[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		connect(queued[i], (struct sockaddr *)&listener_name, sizeof(listener_name));
	}
}

static void finish_connect(void)
{
	close(listener);
	close(queued[0]);
}

static void setup_receive(void)
{
	int one = 1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		perror("socketpair");
	setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
}

static void finish_receive(void)
{
	close(pair[0]);
	close(pair[1]);
}

static void setup_send(void)
{
	struct sockaddr_un a = { AF_UNIX, "dgram" };

	unlink("dgram");
	fullpair[0] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fullpair[1] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(fullpair[1], (struct sockaddr *)&a, sizeof(a)) < 0)
		perror("bind");
	while (sendto(fullpair[0], "x", 1, MSG_DONTWAIT, (struct sockaddr *)&a, sizeof(a)) == 1)
		;
}

static void finish_send(void)
{
	close(fullpair[0]);
	close(fullpair[1]);
}

static void nothing(void)
{
}

static const struct kind {
	const char *name;
	long (*call)(void);
	void (*release)(void);
	void (*setup)(void), (*finish)(void);
} kinds[] = {
	{ "open-read", open_read, release_read, nothing, nothing },
	{ "open-write", open_write, release_write, nothing, nothing },
	{ "connect", connect_full, release_connect, setup_connect, finish_connect },
	{ "recvmsg", receive, release_receive, setup_receive, finish_receive },
	{ "sendto", send_full, release_send, setup_send, finish_send },
};

/* --- scenarios ---------------------------------------------------------------------------------------------------- */

/* A child that makes the call and exits with: 0 it succeeded, 1 EINTR, 2 another error; 16 more for each handler run. */
static pid_t start(const struct kind *k)
{
	pid_t pid = start_process();

	if (pid == 0) {
		long r = k->call();

		_exit((r >= 0 ? 0 : errno == EINTR ? 1 : 2) + 16 * handled);
	}
	reaches(pid, "SD"); /* it sleeps, perhaps not yet where we want it */
	nap(60);
	return pid;
}

static void end(const struct kind *k, const char *what, pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	if (WIFEXITED(status))
		printf("%s-%s: %s, handlers %d\n", k->name, what,
		       WEXITSTATUS(status) % 16 == 0 ? "ok" : WEXITSTATUS(status) % 16 == 1 ? "EINTR" : "error",
		       WEXITSTATUS(status) / 16);
	else
		printf("%s-%s: signal %d\n", k->name, what, WTERMSIG(status));
}

static void try_kind(const struct kind *k)
{
	pid_t pid;
	int status;

	/* nothing happens but what is waited for */
	k->setup();
	pid = start(k);
	k->release();
	end(k, "plain", pid);
	k->finish();

	/* a handler ends it, or with SA_RESTART does not */
	k->setup();
	set_handler(SIGUSR1, handler, 0);
	pid = start(k);
	kill(pid, SIGUSR1);
	end(k, "handler", pid);
	set_handler(SIGUSR1, handler, SA_RESTART);
	pid = start(k);
	kill(pid, SIGUSR1);
	nap(60);
	printf("%s-restarted: still %c\n", k->name, reaches(pid, "SD"));
	kill(pid, SIGUSR1);
	nap(60);
	k->release();
	end(k, "restart", pid);
	k->finish();

	/* ignored signals do nothing, Ctrl-C kills */
	k->setup();
	pid = start(k);
	kill(pid, SIGCHLD);
	kill(pid, SIGWINCH);
	nap(60);
	printf("%s-ignored: still %c\n", k->name, reaches(pid, "SD"));
	kill(pid, SIGINT);
	end(k, "interrupt", pid);
	k->finish();

	/* stop and continue */
	k->setup();
	pid = start(k);
	for (int i = 0; i < 3; i++) {
		kill(pid, SIGSTOP);
		waitpid(pid, &status, WUNTRACED);
		printf("%s-stop-%d: %s, %c\n", k->name, i, WIFSTOPPED(status) ? "stopped" : "?", reaches(pid, "Tt"));
		kill(pid, SIGCONT);
		waitpid(pid, &status, WCONTINUED);
		printf("%s-continue-%d: %s, %c\n", k->name, i, WIFCONTINUED(status) ? "continued" : "?", reaches(pid, "SD"));
	}
	nap(60);
	k->release();
	end(k, "stop", pid);
	k->finish();

	/* what comes while it is stopped is there when it goes on */
	if (k->release != release_read && k->release != release_write) {
		k->setup();
		pid = start(k);
		kill(pid, SIGSTOP);
		waitpid(pid, &status, WUNTRACED);
		k->release();
		nap(60);
		printf("%s-released-stays: %c\n", k->name, reaches(pid, "Tt"));
		kill(pid, SIGCONT);
		end(k, "released", pid);
		k->finish();
	}

	/* killed, also while stopped */
	k->setup();
	pid = start(k);
	kill(pid, SIGKILL);
	end(k, "kill", pid);
	pid = start(k);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGKILL);
	end(k, "kill-stopped", pid);
	k->finish();
}

/* A timer's handler that jumps out of the call; the same call afterwards is a new one. */
static void try_jump(const struct kind *k)
{
	volatile int jumped = 0;
	long r;

	k->setup();
	set_handler(SIGALRM, jumper, 0);
	if (sigsetjmp(back, 1) == 0) {
		ualarm(80000, 0);
		k->call();
	} else {
		jumped = 1;
	}
	set_handler(SIGALRM, handler, 0);
	handled = 0;
	ualarm(80000, 0);
	r = k->call();
	printf("%s-jump: %d, then %s, handlers %d\n", k->name, jumped, word(r), handled);
	k->finish();
}

/* SO_RCVTIMEO and SO_SNDTIMEO: they end it, and no handler restarts it. */
static void try_timeout(void)
{
	struct timeval tv = { .tv_usec = 100000 }, longer = { .tv_sec = 20 };
	long r;

	setup_receive();
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	r = receive();
	printf("recvmsg-timeout: %s\n", word(r));
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &longer, sizeof(longer));
	set_handler(SIGALRM, handler, SA_RESTART);
	ualarm(80000, 0);
	r = receive();
	printf("recvmsg-timeout-restart: %s\n", word(r));
	finish_receive();
}

/* --- threads ------------------------------------------------------------------------------------------------------- */

static void *open_in_thread(void *arg)
{
	long fd = open("fifo", O_RDONLY);

	*(long *)arg = fd < 0 ? -errno : 0;
	if (fd >= 0)
		close((int)fd);
	return NULL;
}

/* Many threads wait, all are let go by one writer; while they wait the process works. */
static void try_threads(void)
{
	enum { N = 20 };
	pthread_t t[N];
	long result[N];
	int fd, good = 0;
	struct stat st;

	for (int i = 0; i < N; i++)
		pthread_create(&t[i], NULL, open_in_thread, &result[i]);
	nap(100);
	for (int i = 0; i < 100; i++)
		good += stat("fifo", &st) == 0;
	printf("threads-stat: %d of 100 stats\n", good);
	fd = open("fifo", O_WRONLY);
	good = 0;
	for (int i = 0; i < N; i++) {
		pthread_join(t[i], NULL);
		good += result[i] == 0;
	}
	close(fd);
	printf("threads-open: %d of %d opened\n", good, N);
}

/* A thread waits when another one calls exec, or exit. */
static void try_exec(int how)
{
	int status;
	pid_t pid = start_process();

	if (pid == 0) {
		pthread_t t;
		long result;

		pthread_create(&t, NULL, open_in_thread, &result);
		nap(60);
		if (how == 0)
			execl("/bin/true", "true", NULL);
		_exit(how == 0 ? 9 : 0);
	}
	waitpid(pid, &status, 0);
	printf("%s-beside-a-waiting-thread: %d\n", how == 0 ? "exec" : "exit", status);
}

/* No call is executed twice or lost: messages of one byte, in order, under a storm of signals. */
static void try_storm(void)
{
	enum { N = 300 };
	int one = 1, bad = 0;
	pid_t pid, storm;

	setup_receive();
	setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	set_handler(SIGALRM, handler, SA_RESTART);
	set_handler(SIGUSR1, handler, 0);
	pid = start_process();
	if (pid == 0) {
		for (int i = 0; i < N; i++) {
			char c = (char)i;

			nap(i % 7 == 0 ? 3 : 0);
			if (write(pair[1], &c, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	storm = start_process();
	if (storm == 0) {
		for (int i = 0;; i++) {
			nap(1);
			kill(getppid(), i % 2 ? SIGALRM : SIGUSR1);
		}
	}
	for (int i = 0; i < N; i++) {
		char buf[1], control[256];
		struct iovec iov = { buf, 1 };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
		long r;

		while ((r = recvmsg(pair[0], &m, 0)) < 0 && errno == EINTR)
			m.msg_controllen = sizeof(control);
		if (r != 1 || buf[0] != (char)i)
			bad++;
	}
	kill(storm, SIGKILL);
	waitpid(storm, NULL, 0);
	waitpid(pid, NULL, 0);
	printf("storm: %d wrong\n", bad);
	finish_receive();
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	mkfifo("fifo", 0600);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		handled = 0;
		fflush(stdout);
		try_kind(&kinds[i]);
		set_handler(SIGUSR1, SIG_DFL, 0);
		try_jump(&kinds[i]);
		set_handler(SIGALRM, SIG_DFL, 0);
	}
	try_timeout();
	try_threads();
	try_exec(0);
	try_exec(1);
	try_storm();
	return 0;
}
