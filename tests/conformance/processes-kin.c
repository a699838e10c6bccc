// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes and their kin: orphans, sessions, signals at any moment, limits.
 * timeout: 180
 */
#include "children.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

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

	NEED(mkdir("inner", 0700) == 0);
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
