// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rewriting: a trapped call is replaced by another one, or by several.  The thread is caught for it (tracee.c).
 *
 * unotify_rewrite() sets orig_rax to the new number and rax to -ERESTARTNOINTR: the kernel issues the new call on its way
 * out, after the handlers of pending signals, whether they have SA_RESTART or not.  A handler that never returns
 * (longjmp) gives the call up, as it would if the signal had come just before it.
 *
 * unotify_inject() needs the results.  It blocks all signals, points the thread at its system call instruction again with
 * orig_rax = -1 (so nothing is restarted), and lets it run from system call stop to system call stop.  It runs its
 * calls although the process is stopped; SIGCONT (a trap of its own in seized threads) and further stop signals are
 * passed through.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

#include "../arch/arch.h"
#include "../call.h"
#include "../view.h"
#include "rewrite.h"
#include "tracee.h"
#include "tracer.h"

#define WAIT_CALL_MS 5000      /* for an injected call */

int64_t unotify_rewrite(struct um_call *call, int nr, const uint64_t args[6])
{
	struct arch_regs regs;
	struct tracee t;
	int64_t r = tracee_catch(call, &t, &regs);

	if (r)
		return r;
	arch_restart_as(&regs, nr, args);
	if (tracee_release(&t, &regs) < 0)
		tracee_lost(&t, 0);
	return UM_REPLIED;
}

/* Have the stopped thread make one call.  0 and *result, or negative errno: the thread is lost. */
static int inject_one(struct tracee *t, const struct um_call *call, const struct um_inject *in, int64_t *result)
{
	const struct um_syscall *row = um_syscall_row(in->nr);
	uint64_t args[6];

	memcpy(args, in->args, sizeof(args));
	if (!row || row->args[5] == UM_A_NONE)
		args[5] = call->view->cookie;
	return tracee_call(t, call->ip, in->nr, args, WAIT_CALL_MS, result);
}

int64_t unotify_inject(struct um_call *call, const struct um_inject *calls, unsigned n, unsigned result)
{
	int64_t answer = 0, one = 0;
	struct arch_regs regs;
	uint64_t address = 0;
	bool failed = false;
	struct tracee t;
	int64_t caught = tracee_catch(call, &t, &regs);
	int r;

	if (caught)
		return caught;
	t.saved = regs;
	t.injecting = true;
	r = tracee_mask(&t);
	for (unsigned i = 0; i < n && r == 0; i++) {
		if (failed && !calls[i].always)
			continue;
		struct um_inject in = calls[i];

		if (in.address != 0 && address == 0)
			continue; /* it was never put anywhere */
		if (in.address != 0)
			in.args[in.address - 1] = address;
		r = inject_one(&t, call, &in, &one);
		if (r < 0)
			break;
		if (one > 0 && in.put != NULL) {
			address = (uint64_t)one;
			one = um_write(call, address, in.put, in.put_size);
		}
		if (one >= 0 && in.verify != NULL && !in.verify(call, (int)one, in.verify_arg)) {
			const struct um_inject close = { .nr = SYS_close, .args = { (uint64_t)one } };

			r = inject_one(&t, call, &close, &one);
			one = -EACCES;
		}
		/* a failure of the clean-up after the call that counts is not the call's */
		if (one < 0 && calls[i].always && i > result)
			continue;
		if (one >= 0 && calls[i].instead != 0)
			one = calls[i].instead;
		if (!failed && (i == result || one < 0))
			answer = one;
		failed |= one < 0;
	}
	if (r == 0) {
		arch_set_result(&regs, answer);
		r = tracee_release(&t, &regs);
	}
	if (r < 0)
		tracee_lost(&t, r == -ETIMEDOUT || r == -ECHILD ? r : 0);
	return UM_REPLIED;
}
