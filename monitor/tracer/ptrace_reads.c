// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ptrace tracer ends a read in which a thread sleeps.
 *
 * The tracing thread interrupts it and looks at the stop that comes without taking the notice of it: that is received as
 * any other then, and whatever stop it was, the thread goes on with the registers that it has now.
 */
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "../procinfo.h"
#include "ptrace.h"
#include "reads.h"
#include "tracee.h"

#define TRIES_MAX 100 /* ticks: a thread that sleeps stops at once */

/* Wait until it stops, and get its registers. */
static bool stops(pid_t tid, struct arch_regs *regs)
{
	siginfo_t info;

	for (int i = 0; i < TRIES_MAX && arch_regs_get(tid, regs) < 0; i++) {
		ptrace_tick(true);
		if (waitid(P_PID, (id_t)tid, &info, WSTOPPED | WEXITED | WNOWAIT | __WALL | __WNOTHREAD) < 0) {
			if (errno != EINTR || procinfo_is_dead(tid))
				return false;
		} else if (info.si_code != CLD_TRAPPED) {
			return false;
		}
	}
	return arch_regs_get(tid, regs) == 0;
}

int ptrace_fail_read(const struct reader *r)
{
	struct arch_regs regs;

	if (ptrace(PTRACE_INTERRUPT, r->tid, NULL, NULL) < 0 || !stops(r->tid, &regs))
		return 0;
	return reader_fails(r, &regs) && arch_regs_set(r->tid, &regs) == 0;
}

bool ptrace_end_read(struct um_view *view, const struct reader *r)
{
	struct um_call none = { .view = view, .tid = r->tid };
	struct ask ask = { .what = ASK_END_READ, .call = &none, .reader = r };
	pid_t tracer = tracee_tracer(r->tid);

	for (struct ptracer *p = ptracers(); p != NULL && none.listener == NULL; p = p->next)
		if (p->tid == tracer)
			none.listener = p;
	return none.listener != NULL && ptrace_ask(&ask) > 0;
}
