/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front: the process that the shell started.
 *
 * Theory of operation.  The shell knows one process of the view, this one, and its process group, in which CMD runs as
 * well.  So the terminal's signals (Ctrl-C, Ctrl-Z, SIGWINCH, a hang-up) reach CMD from the kernel; the front takes
 * none of them for itself.  All its signals are blocked and read from a signalfd:
 *   - sent by somebody (kill, a service manager): passed on to CMD;
 *   - from the terminal: dropped.  When CMD stops, the monitor (its parent) says so, and the front stops itself by the
 *     same signal: that is what the shell sees.  `fg' continues the process group; CMD may have gone to a group of its
 *     own (a shell), so the front passes SIGCONT on if CMD is still stopped.
 *
 * Ends: FRONT_EXITED brings CMD's status when no process of the view is left, FRONT_LEAVE when those are that um_attach
 * has taken in: nobody waits for them at this terminal, and the view goes on in the background.  A monitor that ends without having
 * said that has died; the guardian kills the view then, and so does the front, whichever is there.
 */
#include "front.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ending.h"
#include "log.h"
#include "procinfo.h"
#include "serve.h"

struct front {
	pid_t monitor, cmd;
	int pidfd;              /* of CMD, or -1 */
	int sock, sigfd;
	bool exited, interrupted;
	bool left;              /* the monitor does without us from now on */
	int status;
	struct ending *ending;
};

int front_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

void front_forward(int pidfd, const struct signalfd_siginfo *si, uint32_t tag, int carrier)
{
	bool hangup = si->ssi_signo == SIGHUP && getsid(0) == getpid();

	if (pidfd < 0)
		return;
	/* The kernel's: the group has it.  But a terminal's hang-up goes to the leader of the session alone. */
	if (si->ssi_code > 0 && !hangup)
		return;
	/* sent from inside: kill(0, ...) to the group, where CMD is */
	if (si->ssi_pid > 0 && tag != 0 && state_tagged(tag, carrier, (pid_t)si->ssi_pid))
		return;
	syscall(SYS_pidfd_send_signal, pidfd, si->ssi_signo, NULL, 0);
}

void front_stop(int sig)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t set;

	if (sig != SIGSTOP)
		sigaction(sig, &dfl, NULL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	/* In this order: the terminal's own signal may be pending, too, and must not be a second stop after the first. */
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL); /* here we stand still */
	if (sig != SIGSTOP)
		sigprocmask(SIG_BLOCK, &set, NULL);
}

void front_continue(pid_t cmd, int pidfd)
{
	struct procinfo_stat stat;

	if (procinfo_stat(cmd, &stat) == 0 && (stat.state == 'T' || stat.state == 't')) /* 't': --tracer ptrace has it */
		syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0);
}

static void tell(const struct front *f, enum front_what what)
{
	struct front_msg msg = { .what = what };

	send(f->sock, &msg, sizeof(msg), MSG_NOSIGNAL);
}

/* Take what the monitor says, as long as there is something. */
static void hear(struct front *f)
{
	struct front_msg msg;

	while (recv(f->sock, &msg, sizeof(msg), MSG_DONTWAIT) == sizeof(msg)) {
		switch (msg.what) {
		case FRONT_STARTED:
			f->cmd = msg.value;
			f->pidfd = (int)syscall(SYS_pidfd_open, f->cmd, 0);
			origin_close();
			break;
		case FRONT_STOPPED:
			tell(f, FRONT_STOPPED);
			front_stop(msg.value);
			tell(f, FRONT_GOES_ON);
			break;
		case FRONT_LEAVE:
			f->left = true;
			/* fall through */
		case FRONT_EXITED:
			f->status = msg.value;
			f->exited = true;
			break;
		case FRONT_GOES_ON:
			break;
		}
	}
}

/*
 * CMD has ended by the terminal's Ctrl-C: so do we, for a shell that runs a loop ends it only if what it waits for died of
 * SIGINT.  The shell's $? is 130 as well.
 */
static void die_interrupted(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigaction(SIGINT, &dfl, NULL);
	raise(SIGINT);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* CMD has ended.  Returns our exit status. */
static int cmd_ended(const struct front *f)
{
	if (f->interrupted && WIFSIGNALED(f->status) && WTERMSIG(f->status) == SIGINT)
		die_interrupted();
	return front_status(f->status);
}

/* The monitor has ended with this wait status.  Returns our exit status. */
static int monitor_ended(struct front *f, int status)
{
	hear(f);
	if (f->exited)
		return cmd_ended(f);
	ending_by_front(f->ending);
	if (WIFEXITED(status)) /* it has said why */
		return WEXITSTATUS(status);
	um_warn("the monitor was killed (%s); every process of the view has been ended", strsignal(WTERMSIG(status)));
	return UM_EXIT_FAILURE;
}

/* One signal.  Returns true when the monitor has ended: *status is its wait status. */
static bool signalled(struct front *f, int *status)
{
	struct signalfd_siginfo si;

	if (read(f->sigfd, &si, sizeof(si)) != sizeof(si))
		return false;
	switch (si.ssi_signo) {
	case SIGCHLD:
		return waitpid(f->monitor, status, WNOHANG) == f->monitor;
	case SIGCONT:
		if (f->pidfd >= 0)
			front_continue(f->cmd, f->pidfd);
		return false;
	case SIGINT:
		f->interrupted = si.ssi_code > 0; /* the terminal's */
		/* fall through */
	default:
		front_forward(f->pidfd, &si, f->ending->tag, f->ending->carrier);
		return false;
	}
}

static int wait_for_end(struct front *f)
{
	struct pollfd p[2] = { { .fd = f->sock, .events = POLLIN }, { .fd = f->sigfd, .events = POLLIN } };
	int status;

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			um_die("poll: %s", strerror(errno));
		if (p[0].revents & POLLIN)
			hear(f);
		if (f->left)
			return cmd_ended(f);
		if (p[0].revents & POLLHUP)
			p[0].fd = -1; /* SIGCHLD follows */
		/* signals before CMD is there stay pending: they are for CMD */
		if ((p[1].revents & POLLIN) && signalled(f, &status))
			return monitor_ended(f, status);
	}
}

int front(const struct options *opt, const struct origin *origin)
{
	struct front f = { .pidfd = -1 };
	pid_t me = getpid();
	sigset_t set;
	int pair[2];

	f.ending = ending_new();
	if (f.ending == NULL)
		um_die("mmap: %s", strerror(errno));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		um_die("socketpair: %s", strerror(errno));
	f.monitor = fork();
	if (f.monitor < 0)
		um_die("fork: %s", strerror(errno));
	if (f.monitor == 0) {
		close(pair[0]);
		serve(opt, origin, me, pair[1], f.ending);
	}
	close(pair[1]);
	f.sock = pair[0];
	origin_signals(&set);
	f.sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (f.sigfd < 0)
		um_die("signalfd: %s", strerror(errno));
	return wait_for_end(&f);
}
