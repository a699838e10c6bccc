// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is asked of the view's tracer, whichever it is.
 */
#include "tracer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../procinfo.h"
#include "../view.h"
#include "tracee.h"

#define LET_GO_TRIES 1500       /* times LET_GO_US: longer than a thread is waited for to stop */
#define LET_GO_US 1000

const struct um_tracer_ops *um_tracer_named(const char *name)
{
	if (strcmp(name, um_unotify.name) == 0)
		return &um_unotify;
	return strcmp(name, um_ptrace.name) == 0 ? &um_ptrace : NULL;
}

bool um_tracer_helper(const struct um_view *view, pid_t pid)
{
	return view->tracer_ops->is_helper != NULL && view->tracer_ops->is_helper(pid);
}

/* A caller that sleeps elsewhere (park.c) has to wait in its call again, or it is our own tracing that is in the way. */
static bool is_back(struct um_call *call)
{
	return call->park == NULL || um_recall(call, true) == 0;
}

/*
 * The caller is being traced.  By another thread of ours, which holds it for some milliseconds (um_end_reads() may have come just
 * before it made its call)?  Then wait a little: it may be tried again.
 */
static bool is_let_go(struct um_call *call, unsigned *tries)
{
	pid_t tracer = tracee_tracer(call->tid);

	if ((tracer != 0 && procinfo_tgid(tracer) != getpid()) || ++*tries > LET_GO_TRIES)
		return false;
	um_unlock(call->view);
	usleep(LET_GO_US);
	um_relock(call);
	return um_alive(call);
}

int64_t um_rewrite(struct um_call *call, int nr, const uint64_t args[6])
{
	unsigned tries = 0;
	int64_t r;

	if (!is_back(call))
		return UM_REPLIED; /* it is dead */
	do
		r = call->view->tracer_ops->rewrite(call, nr, args);
	while (r == -EBUSY && is_let_go(call, &tries));
	return r < 0 && !um_alive(call) ? UM_REPLIED : r;
}

int64_t um_inject(struct um_call *call, const struct um_inject *calls, unsigned n, unsigned result)
{
	unsigned tries = 0;
	int64_t r;

	if (!is_back(call))
		return UM_REPLIED;
	do
		r = call->view->tracer_ops->inject(call, calls, n, result);
	while (r == -EBUSY && is_let_go(call, &tries));
	return r < 0 && !um_alive(call) ? UM_REPLIED : r;
}
