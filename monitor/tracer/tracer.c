// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is asked of the view's tracer, whichever it is.
 */
#include "tracer.h"

#include <string.h>

#include "../view.h"

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

int64_t um_rewrite(struct um_call *call, int nr, const uint64_t args[6])
{
	if (!is_back(call))
		return UM_REPLIED; /* it is dead */
	return call->view->tracer_ops->rewrite(call, nr, args);
}

int64_t um_inject(struct um_call *call, const struct um_inject *calls, unsigned n, unsigned result)
{
	if (!is_back(call))
		return UM_REPLIED;
	return call->view->tracer_ops->inject(call, calls, n, result);
}
