// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One thread does to the process what another one's call is in the middle of: it executes a program while the leader opens
 * a changed file over and over; files of /proc/self are read beside opens with O_PATH.
 * timeout: 120
 */
#include "conform.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXECS 150
#define OPENS 3000
#define PATIENCE_S 30

static void *execute(void *arg)
{
	usleep(1000 + *(unsigned *)arg % 4000);
	execl("/bin/true", "true", NULL);
	_exit(99);
}

/* The process of one round: its leader opens until it is no more. */
static void open_until_exec(unsigned round)
{
	pthread_t thread;

	alarm(PATIENCE_S);
	if (pthread_create(&thread, NULL, execute, &(unsigned){ round * 617 }) != 0)
		_exit(98);
	for (;;)
		close(open("file", O_RDONLY));
}

static void exec_beside_open(void)
{
	int good = 0, bad = 0, status;

	for (unsigned i = 0; i < EXECS; i++) {
		pid_t pid = fork();

		NEED(pid >= 0);
		if (pid == 0)
			open_until_exec(i);
		NEED(waitpid(pid, &status, 0) == pid);
		good += status == 0;
		bad = status != 0 ? status : bad;
	}
	say("exec-beside-open", "%d of %d, last bad status %#x", good, EXECS, bad);
}

static volatile bool stop;

/* Opens without end; the number that worked, or -1. */
static void *read_smaps(void *arg)
{
	long n = 0;

	(void)arg;
	while (!stop) {
		int fd = open("/proc/self/smaps", O_RDONLY);

		if (fd < 0)
			return (void *)-1;
		close(fd);
		n++;
	}
	return (void *)n;
}

static void opath_beside_smaps(void)
{
	pthread_t thread;
	int opened = 0;
	void *others;

	alarm(PATIENCE_S); /* a hang ends the program */
	NEED(pthread_create(&thread, NULL, read_smaps, NULL) == 0);
	for (int i = 0; i < OPENS; i++) {
		int fd = open("file", O_PATH);

		opened += fd >= 0;
		close(fd);
	}
	stop = true;
	NEED(pthread_join(thread, &others) == 0);
	alarm(0);
	say("opath-beside-smaps", "%d of %d, smaps %s", opened, OPENS, (long)others > 0 ? "opened" : "not opened");
}

int main(void)
{
	int fd = open("file", O_CREAT | O_WRONLY, 0644);

	NEED(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
	exec_beside_open();
	opath_beside_smaps();
	return 0;
}
