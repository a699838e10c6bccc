/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's process, from its birth to the end of the view.
 *
 * Order matters here:
 *   - The guardian is there, and the front knows the tag, before the first process carries it.
 *   - CMD's process is forked while we are in the shell's session and process group, so that it belongs to them; then
 *     we leave them, into a session of our own: no signal of the terminal is meant for us, and the kernel's rules for
 *     orphaned process groups see in CMD's group what they would see without umview.
 *   - What CMD must not have (descriptors, umask, undumpable) is done after the fork, what it must have before.
 *   - Services and mounts are made before CMD executes, and after its listener is ours: the same process serves both.
 */
#include "serve.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dispatch.h"
#include "kfeatures.h"
#include "front.h"
#include "guardian.h"
#include "launch.h"
#include "log.h"
#include "module_host.h"
#include "prompt.h"
#include "reaper.h"
#include "runtime.h"
#include "setup.h"
#include "syscall/stats.h"
#include "tracer/tracer.h"

/* A monitor. */
struct monitor {
	const struct options *opt;
	const struct origin *origin;
	struct um_view view;
	const struct um_state *state; /* CMD's first record */
	struct launch cmd;
	struct reaper reaper;
	struct ending *ending;
	struct runtime runtime;
	int sock;               /* to the front */
};

static void tell(const struct monitor *m, struct front_msg msg)
{
	send(m->sock, &msg, sizeof(msg), MSG_NOSIGNAL);
}

/* A process of the monitor's kind: reaps orphans, has as many descriptors as there may be. */
static void become_monitor(void)
{
	struct rlimit lim;

	mallopt(M_ARENA_MAX, 1); /* threads work one at a time: arenas of their own would only be memory */
	prctl(PR_SET_NAME, "umview");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
}

static void start_guardian(struct monitor *m)
{
	int err = ending_arm(m->ending, states_tag(m->view.states), states_carrier(m->view.states));

	if (err == 0)
		err = m->view.guardian = m->ending->guardian = guardian_start(m->ending, m->origin);
	if (err < 0)
		um_die("cannot start the view's guardian: %s", strerror(-err));
}

/* In CMD's process, before the filter: from now on it is the view's, and ends with it. */
static void tag_cmd(void *arg)
{
	struct monitor *m = arg;

	if (state_set(m->view.states, getpid(), m->state) < 0)
		_exit(UM_EXIT_FAILURE);
}

static void prepare_cmd(struct monitor *m)
{
	struct um_view *view = &m->view;

	m->state = setup_identity(view, 0, m->origin->umask, m->opt->su);
	if (m->state == NULL)
		um_die("out of memory");
	m->cmd = (struct launch){
		.argv = m->opt->argv, .origin = m->origin, .features = &view->features,
		.filter = { .classes = view->classes, .cookie = view->cookie, .secure = view->secure,
			    .carrier = states_carrier(view->states) },
		.early = tag_cmd, .arg = m, .quiet = m->opt->tracer == NULL,
	};
}

/* CMD's process under the filter of a tracer.  0, or a negative errno: this one cannot be had (the caller may say so). */
static int try_tracer(struct monitor *m, const struct um_tracer_ops *ops)
{
	struct um_view *view = &m->view;
	int err = ops->start(view);

	if (err < 0)
		um_die("the tracer %s cannot begin: %s", ops->name, strerror(-err));
	view->tracer_ops = m->cmd.tracer = ops;
	err = launch_prepare(&m->cmd);
	if (err < 0 && (!m->cmd.refused || !m->cmd.quiet))
		exit(UM_EXIT_FAILURE); /* it has said why */
	if (err == 0) {
		err = ops->probe(&view->features, m->cmd.listener);
		if (err < 0) {
			launch_cancel(&m->cmd);
			close(m->cmd.listener);
		}
	}
	view->init = m->cmd.pid;
	return err;
}

/* The best tracer that is to be had, or the one that was asked for. */
static void start_cmd(struct monitor *m)
{
	const struct um_tracer_ops *asked = m->opt->tracer;
	int err = -EOPNOTSUPP;

	prepare_cmd(m);
	if (asked == NULL ? m->view.features.listener : asked == &um_unotify)
		err = try_tracer(m, &um_unotify);
	if (err == 0)
		return;
	if (asked == &um_unotify)
		um_die("the kernel's seccomp listeners cannot add descriptors (%s): Linux 5.10 or newer is needed",
		       strerror(-err));
	m->view.features.listener = false;
	if (asked == NULL && m->opt->without.ptrace)
		um_die("there is no seccomp listener to be had here (%s), and --without ptrace leaves no other tracer",
		       strerror(-err));
	if (asked == NULL)
		um_warn("there is no seccomp listener to be had here (%s): tracing by ptrace, which is slower; see "
			"--tracer in umview(1)", m->opt->without.listener ? "--without listener" : strerror(-err));
	m->cmd.quiet = false;
	err = try_tracer(m, &um_ptrace);
	if (err < 0)
		um_die("the tracer ptrace: %s", strerror(-err));
}

/* What could be tried only now. */
static void probe(struct monitor *m)
{
	if (features_probe_child(&m->view.features, m->cmd.pid) < 0)
		um_die("the monitor may not read the memory of the processes it serves: the sysctl kernel.yama.ptrace_scope "
		       "must be 0 or 1, and a container must allow process_vm_readv or /proc/PID/mem (umview --doctor)");
	features_remove(&m->view.features, &m->opt->without);
}

/* Leave CMD alone with the terminal and with what else the shell gave. */
static void leave_shell(void)
{
	setsid();
	umask(0); /* modes are given exactly; the processes' umasks are in their records */
	origin_close();
}

static void serve_listener(struct monitor *m)
{
	int err;

	ending_add(m->ending, m->cmd.listener, false);
	reaper_start(&m->reaper, &m->view, m->ending, m->sock, m->opt->linger);
	err = monitor_add_listener(&m->view, m->cmd.listener, m->cmd.pid);
	if (err < 0)
		um_die("cannot serve CMD: %s%s", strerror(-err), m->view.tracer_ops == &um_ptrace ? " (ptrace is refused)" : "");
	runtime_serve(&m->runtime, &m->view, m->ending, m->opt->argv);
}

/* All is done.  End the view if anything is left of it. */
static _Noreturn void end(struct monitor *m)
{
	struct um_view *view = &m->view;
	struct reaper *r = &m->reaper;
	bool failed = !r->ended || r->why[0] != '\0'; /* before CMD is killed with the others */

	runtime_close(&m->runtime);
	modules_end(view);
	if (!r->ended || !ending_gone(m->ending))
		while (!ending_round(m->ending))
			reaper_reap(r);
	if (failed && !r->front_gone)
		um_warn("%s; every process of the view has been ended", r->why);
	if (view->guardian > 0)
		guardian_stop(view->guardian);
	view->guardian = 0;
	reaper_finish(r);
	um_lock(view); /* and nobody records any more */
	if (view->stats)
		stats_print(stderr, m->opt->json);
	if (view->trace != NULL && (fflush(view->trace) == EOF || ferror(view->trace)))
		um_warn("--trace: not all of it could be written; the disk may be full");
	if (m->opt->greet)
		prompt_remove(r->front);
	if (!failed)
		reaper_tell_end(r);
	_exit(failed ? UM_EXIT_FAILURE : 0);
}

void serve(const struct options *opt, const struct origin *origin, pid_t front, int sock, struct ending *ending)
{
	static struct monitor m;

	m.opt = opt;
	m.origin = origin;
	m.sock = sock;
	m.ending = ending;
	become_monitor();
	setup_view(&m.view, opt, origin, front);
	m.view.ending = ending;
	start_guardian(&m);
	start_cmd(&m);
	probe(&m);
	leave_shell();
	setup_steps(&m.view, opt, origin, m.state);
	serve_listener(&m);
	prompt_greet(&m.view, opt);
	if (chdir("/") < 0)
		um_die("chdir /: %s", strerror(errno));
	prctl(PR_SET_DUMPABLE, 0);
	tell(&m, (struct front_msg){ .what = FRONT_STARTED, .value = m.cmd.pid });
	m.view.settled = true;
	launch_go(&m.cmd);
	monitor_loop(&m.view);
	end(&m);
}
