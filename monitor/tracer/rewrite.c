// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rewriting: a trapped call is replaced by another one, or by several.  The thread is caught for it (tracee.c).
 *
 * unotify_rewrite() sets the new number, and the result -ERESTARTNOINTR: the kernel issues the new call on its way out,
 * after the handlers of pending signals, whether they have SA_RESTART or not.  A handler that never returns
 * (longjmp) gives the call up, as it would if the signal had come just before it.
 *
 * unotify_inject() needs the results.  It blocks all signals, points the thread at its system call instruction again, in
 * no call (so nothing is restarted), and lets it run from system call stop to system call stop.  It runs its
 * calls although the process is stopped; SIGCONT (a trap of its own in seized threads) and further stop signals are
 * passed through.
 */
#include <errno.h>
#include <stdbool.h>

#include "../arch/arch.h"
#include "../call.h"
#include "../view.h"
#include "inject.h"
#include "pass.h"
#include "rewrite.h"
#include "tracee.h"
#include "tracer.h"

#define WAIT_STOP_MS 1000      /* for a thread that was answered: it is on its way */
#define WAIT_CALL_MS 5000      /* for an injected call */

int64_t unotify_rewrite(struct um_call *call, int nr, const uint64_t args[6])
{
	struct arch_regs regs;
	struct tracee t;
	int64_t r = tracee_catch(call, &t, &regs, WAIT_STOP_MS);

	if (r)
		return r;
	if (call->view->secure)
		pass_give(call->tid, nr, args);
	arch_restart_as(&regs, nr, args);
	if (tracee_release(&t, &regs) < 0)
		tracee_lost(&t, 0);
	return UM_REPLIED;
}

/* What the calls are made in, as inject_make wants it. */
struct injected {
	struct um_call *call;
	struct tracee *t;
};

static int make(void *in, int nr, const uint64_t args[6], int64_t *result)
{
	struct injected *x = in;
	const struct um_syscall *row = um_syscall_row(nr);

	if (x->call->view->secure && row != NULL && row->cls != UM_CLASS_NEVER)
		pass_give(x->call->tid, nr, args);
	return tracee_call(x->t, x->call->ip, nr, args, WAIT_CALL_MS, result);
}

int64_t unotify_inject(struct um_call *call, const struct um_inject *calls, unsigned n, unsigned result)
{
	struct tracee t;
	struct injected x = { call, &t };
	struct arch_regs regs;
	int64_t answer = 0;
	int64_t caught = tracee_catch(call, &t, &regs, WAIT_STOP_MS);
	int r;

	if (caught)
		return caught;
	t.saved = regs;
	t.injecting = true;
	r = tracee_mask(&t);
	if (r == 0)
		r = inject_all(call, calls, n, result, make, &x, &answer);
	if (r == 0) {
		arch_set_result(&regs, answer);
		r = tracee_release(&t, &regs);
	}
	if (r < 0)
		tracee_lost(&t, r == -ETIMEDOUT || r == -ECHILD ? r : 0);
	return UM_REPLIED;
}
