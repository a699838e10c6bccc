// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is asked of the view's tracer, whichever it is.
 */
#include "tracer.h"

#include "../view.h"

int64_t um_rewrite(struct um_call *call, int nr, const uint64_t args[6])
{
	return call->view->tracer_ops->rewrite(call, nr, args);
}

int64_t um_inject(struct um_call *call, const struct um_inject *calls, unsigned n, unsigned result)
{
	return call->view->tracer_ops->inject(call, calls, n, result);
}
