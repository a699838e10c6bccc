// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both ends of a fifo are opened while a timer interrupts one of them over and over: if one open(2) succeeds, so does the
 * other.  An end that hung for ever is told by the seconds that a round may take.
 * timeout: 120
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "conform.h"

#define ROUNDS 40
#define TICK_US 3000
#define TICKS_MAX 8000 /* of one round */

static volatile sig_atomic_t ticks;
static sigjmp_buf too_long;

static void tick(int sig)
{
	(void)sig;
	if (++ticks > TICKS_MAX)
		siglongjmp(too_long, 1);
}

static void start_ticks(int flags)
{
	struct sigaction sa = { .sa_handler = tick, .sa_flags = flags };
	struct itimerval every = { { 0, TICK_US }, { 0, TICK_US } };

	ticks = 0;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

static void stop_ticks(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
}

/* The partner comes some time later, and goes at once. */
static pid_t start_partner(int how, useconds_t pause)
{
	pid_t pid = fork();

	if (pid == 0) {
		usleep(pause);
		_exit(open("fifo", how) < 0);
	}
	return pid;
}

/* Did both ends open? */
static bool try_once(int how, int flags, useconds_t pause)
{
	volatile pid_t partner = start_partner(how == O_RDONLY ? O_WRONLY : O_RDONLY, pause);
	volatile bool good = false;
	int status = 0, fd;

	if (sigsetjmp(too_long, 1) == 0) {
		start_ticks(flags);
		do
			fd = open("fifo", how);
		while (fd < 0 && errno == EINTR);
		stop_ticks();
		good = fd >= 0;
		close(fd);
	}
	stop_ticks();
	if (!good)
		kill(partner, SIGKILL);
	waitpid(partner, &status, 0);
	return good && status == 0;
}

static void rounds(const char *name, int how, int flags)
{
	int good = 0;

	for (int i = 0; i < ROUNDS && good == i; i++)
		good += try_once(how, flags, TICK_US * 2 + (useconds_t)i * 157);
	say(name, "%d of %d", good, ROUNDS);
}

int main(void)
{
	mkfifo("fifo", 0600);
	rounds("reader", O_RDONLY, 0);
	rounds("reader-restarted", O_RDONLY, SA_RESTART);
	rounds("writer", O_WRONLY, 0);
	rounds("writer-restarted", O_WRONLY, SA_RESTART);
	return 0;
}
