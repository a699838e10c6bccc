// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of processes, while their calls are served: storms of forks, threads, execs of threads that are not the leader,
 * stops, kills at any moment, signals by the thousand, and descriptors in their places.
 * timeout: 120
 */
#include "conform.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORKS 100
#define THREADS 60
#define OPENS 30
#define KILLS 100
#define EXECUTED 17 /* exit status of the program that threads execute */

static struct stat st;

/* A served call and one that makes a file, by the name of its number. */
static int open_and_stat(long number)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "file%ld", number % 10);
	fd = open(name, O_RDWR | O_CREAT, 0644);
	if (fd < 0)
		return 0;
	close(fd);
	return stat(name, &st) == 0;
}

static void *opener(void *arg)
{
	long good = 0;

	for (int i = 0; i < OPENS; i++)
		good += open_and_stat((long)(intptr_t)arg);
	return (void *)(intptr_t)good;
}

/* How a child ended. */
static const char *end_of(pid_t pid)
{
	static char text[32];
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return outcome(-1);
	snprintf(text, sizeof(text), "%s %d", WIFEXITED(status) ? "exit" : "signal",
		 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return text;
}

static void forks(void)
{
	int good = 0, status;

	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			open_and_stat(i);
			pid = fork();
			if (pid == 0)
				_exit(open_and_stat(i + 1));
			_exit(waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : 9);
		}
	}
	while (wait(&status) > 0)
		good += WIFEXITED(status) && WEXITSTATUS(status) == 1;
	say("forks", "%d", good);
}

static bool vfork_works(void)
{
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(9);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void vforks(void)
{
	int good = 0;

	for (int i = 0; i < FORKS; i++)
		good += vfork_works();
	say("vforks", "%d", good);
}

static void threads(void)
{
	pthread_t thread[THREADS];
	long good = 0;
	void *one;

	for (long i = 0; i < THREADS; i++)
		NEED(pthread_create(&thread[i], NULL, opener, (void *)(intptr_t)i) == 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &one);
		good += (long)(intptr_t)one;
	}
	say("threads", "%ld", good);
}

static void *execute(void *self)
{
	execl(self, self, "executed", (char *)NULL);
	_exit(9);
}

/* The leader is in a call, and so are others, when a thread executes a program. */
static void execs(char *self)
{
	int good = 0, status;

	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();
		pthread_t thread;

		if (pid == 0) {
			for (long j = 0; j < 4; j++)
				pthread_create(&thread, NULL, opener, (void *)(intptr_t)j);
			pthread_create(&thread, NULL, execute, self);
			for (;;)
				open_and_stat(i);
		}
		good += waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == EXECUTED;
	}
	say("execs-of-threads", "%d", good);
}

static void stops(void)
{
	int stopped = 0, continued = 0, killed = 0, status;

	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0)
			for (;;)
				open_and_stat(i);
		usleep(1000 * (unsigned)(i % 5));
		kill(pid, SIGSTOP);
		stopped += waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP;
		kill(pid, SIGCONT);
		continued += waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status);
		kill(pid, SIGKILL);
		killed += waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	say("stops", "%d stopped, %d continued, %d killed", stopped, continued, killed);
}

static void kills(void)
{
	int good = 0, status;

	for (int i = 0; i < KILLS; i++) {
		pid_t pid = fork();
		pthread_t thread;

		if (pid == 0) {
			for (long j = 0; j < 3; j++)
				pthread_create(&thread, NULL, opener, (void *)(intptr_t)j);
			for (;;)
				open_and_stat(i);
		}
		usleep(50 * (unsigned)(i % 40));
		kill(pid, SIGKILL);
		good += waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	say("kills", "%d", good);
}

static volatile sig_atomic_t hits;

static void on_alarm(int sig)
{
	(void)sig;
	hits = hits + 1;
}

/* Each write is done once, each open gives the same number. */
static void signals(void)
{
	struct sigaction act = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { 0 };
	int bad = 0, fd, first = open("log", O_RDWR | O_CREAT | O_APPEND, 0600);

	close(first);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 1000; i++) {
		fd = open("log", O_RDWR | O_APPEND);
		bad += fd != first || write(fd, "x", 1) != 1 || close(fd) < 0;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	NEED(stat("log", &st) == 0);
	say("signals", "%d wrong, %d written, handlers ran: %s", bad, (int)st.st_size, hits > 5 ? "yes" : "no");
}

/* What is ignored interrupts nothing. */
static void ignored_signals(void)
{
	int epoll = epoll_create1(0);
	struct epoll_event event;
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < 10; i++) {
			usleep(5000);
			kill(getppid(), SIGCHLD);
			kill(getppid(), SIGWINCH);
			kill(getppid(), SIGURG);
		}
		_exit(0);
	}
	say("ignored-signals", "%s", value(epoll_wait(epoll, &event, 1, 300)));
	close(epoll);
	end_of(pid);
}

static void *outlive(void *arg)
{
	(void)arg;
	usleep(20000);
	exit(open_and_stat(1) ? 5 : 6);
}

static void leader_ends(void)
{
	pthread_t thread;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_create(&thread, NULL, outlive, NULL);
		pthread_exit(NULL);
	}
	say("leader-ends", "%s", end_of(pid));
}

/* Who asks for a child that no tracer follows has one whose calls are served. */
static void untraced_clones(void)
{
	struct clone_args args = { .flags = CLONE_UNTRACED, .exit_signal = SIGCHLD };
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(open_and_stat(1) ? 5 : errno);
	say("clone-untraced", "%s", end_of(pid));
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0 && errno == ENOSYS) { /* C libraries know what to do then */
		say("clone3-untraced", "exit 5");
		return;
	}
	if (pid == 0)
		_exit(open_and_stat(1) ? 5 : errno);
	say("clone3-untraced", "%s", end_of(pid));
}

/* A descriptor that is opened with a shared table is everybody's. */
static void shared_table(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	int status;

	if (pid == 0)
		_exit(open("shared", O_RDWR | O_CREAT, 0600));
	waitpid(pid, &status, 0);
	say("shared-table", "%s", outcome(fcntl(WEXITSTATUS(status), F_GETFD)));
	close(WEXITSTATUS(status));
}

static void orphan(void)
{
	pid_t pid = fork();
	int i;

	if (pid == 0) {
		setsid();
		if (fork() == 0) {
			usleep(30000);
			_exit(open("orphan", O_CREAT | O_WRONLY, 0600) < 0);
		}
		_exit(0);
	}
	end_of(pid);
	for (i = 0; i < 4000 && stat("orphan", &st) < 0; i++)
		usleep(5000);
	say("orphan", "%s", i < 4000 ? "works" : "lost");
}

#ifdef __x86_64__
/* The kernel changes rax, rcx and r11, and nothing else. */
static void registers(void)
{
	long dir = AT_FDCWD, flags = O_RDWR | O_CREAT, result = SYS_openat;
	const char *path = "registers", *was = path;
	register long r10 __asm__("r10") = 0600;
	register long r8 __asm__("r8") = 0x2222;
	register long r9 __asm__("r9") = 0x3333;

	__asm__ volatile("syscall"
			 : "+a"(result), "+D"(dir), "+S"(path), "+d"(flags), "+r"(r10), "+r"(r8), "+r"(r9)
			 :
			 : "rcx", "r11", "memory");
	say("registers", "%d %d %d %lo %lx %lx", dir == AT_FDCWD, path == was, flags == (O_RDWR | O_CREAT), r10, r8, r9);
	close((int)result);
}
#endif

/* The lowest number is free again, flags are as asked for, and the limit is the kernel's. */
static void descriptors(void)
{
	int base = open("low", O_RDWR | O_CREAT, 0600), fd, n = 0, last = 0;
	struct rlimit limit = { (rlim_t)base + 10, (rlim_t)base + 10 };
	char c = 0;

	NEED(base > 0 && close(0) == 0);
	fd = open("closed-to-writers", O_RDWR | O_CREAT | O_CLOEXEC, 0444);
	say("lowest", "%d, close-on-exec %d, flags %o", fd, fcntl(fd, F_GETFD), fcntl(fd, F_GETFL));
	say("lowest-written", "%s %s", value(pwrite(fd, "x", 1, 0)), value(pread(fd, &c, 1, 0)));
	fd = open("low", O_WRONLY | O_APPEND | O_NONBLOCK);
	say("append", "%d, flags %o", fd - base, fcntl(fd, F_GETFL));
	fd = open("low", O_PATH);
	say("o-path", "%d, flags %o", fd - base, fcntl(fd, F_GETFL));
	NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	while ((fd = open("low", O_RDWR)) >= 0) {
		last = fd - base;
		n++;
	}
	say("no-descriptor-left", "%s after %d, the last is %d", outcome(fd), n, last);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return open_and_stat(1) ? EXECUTED : 18;
	forks();
	vforks();
	threads();
	execs(argv[0]);
	stops();
	kills();
	signals();
	ignored_signals();
	leader_ends();
	untraced_clones();
	shared_table();
	orphan();
#ifdef __x86_64__
	registers();
#endif
	descriptors();
	return 0;
}
