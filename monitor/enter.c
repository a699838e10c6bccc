/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --enter: run CMD in a view that runs already.
 *
 * CMD is our own child, in our process group and session, with our descriptors, environment and working directory:
 * nothing has to be passed on.  Only its filter's listener is: it goes to the view's monitor, which gives the child a
 * state of the view before it executes CMD.  From then on it is a process of the view, and ends with it.
 */
#include "enter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front.h"
#include "launch.h"
#include "log.h"
#include "prompt.h"
#include "runtime.h"
#include "tracer/tracer.h"

/* In the child: Yama lets the monitor, which is no ancestor of it, read its memory. */
static void allow_monitor(void *arg)
{
	const struct runtime_reply *view = arg;

	prctl(PR_SET_PTRACER, (unsigned long)view->monitor, 0, 0, 0);
}

static void join_view(const struct options *opt, const struct origin *origin, struct launch *cmd,
		      struct runtime_reply *view, const char *path)
{
	struct runtime_request request = { .version = RUNTIME_VERSION, .what = RUNTIME_ENTERED, .node = view->node, .su = opt->su,
					   .umask = origin->umask };
	const struct um_tracer_ops *ops = um_tracer_named(view->tracer);
	int err;

	if (ops == NULL)
		um_die("--enter %s: the view has a tracer that this umview does not know", opt->enter);
	*cmd = (struct launch){ .argv = opt->argv, .origin = origin, .tracer = ops, .features = &view->features,
				.filter = view->filter, .early = allow_monitor, .arg = view };
	if (launch_prepare(cmd) < 0)
		exit(UM_EXIT_FAILURE);
	request.child = cmd->pid;
	err = runtime_ask(path, &request, cmd->listener, view);
	close(cmd->listener); /* the monitor's now: it alone decides how long there is one */
	if (err < 0 || view->error != 0) {
		launch_cancel(cmd);
		um_die("--enter %s: %s", opt->enter, err < 0 ? strerror(-err) : view->why);
	}
}

static int wait_for_cmd(const struct launch *cmd, const struct runtime_reply *view, int sigfd, int pidfd)
{
	struct signalfd_siginfo si;
	int status;

	for (;;) {
		if (read(sigfd, &si, sizeof(si)) != sizeof(si))
			continue;
		if (si.ssi_signo == SIGCONT)
			front_continue(cmd->pid, pidfd);
		else if (si.ssi_signo != SIGCHLD)
			front_forward(pidfd, &si, view->tag, view->filter.carrier);
		while (waitpid(cmd->pid, &status, WNOHANG | WUNTRACED) == cmd->pid) {
			if (!WIFSTOPPED(status))
				return front_status(status);
			front_stop(WSTOPSIG(status));
		}
	}
}

int enter(const struct options *opt, const struct origin *origin)
{
	struct runtime_reply view;
	struct launch cmd;
	char path[108];
	int sigfd, pidfd, status;
	sigset_t set;

	runtime_find(opt->enter, path, &view);
	setenv("UMVIEW_NAME", view.name, 1);
	join_view(opt, origin, &cmd, &view, path);
	pidfd = (int)syscall(SYS_pidfd_open, cmd.pid, 0);
	origin_signals(&set);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC);
	if (sigfd < 0) {
		launch_cancel(&cmd);
		um_die("signalfd: %s", strerror(errno));
	}
	prompt_entered(opt, view.name, view.tracer);
	origin_close();
	launch_go(&cmd);
	status = wait_for_cmd(&cmd, &view, sigfd, pidfd);
	if (opt->greet)
		prompt_remove(getpid());
	return status;
}
