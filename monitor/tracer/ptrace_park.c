// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Parking with the ptrace tracer.
 *
 * Theory of operation.  The caller is in a stop already, which must not last, for no signal is delivered in it.  The
 * tracing thread lets it into pause(2) in place of its call, up to the stop at the end of that: a signal that is not
 * ignored ends it, and so does an INTERRUPT.  There it stands as after any call that was made in its call's place
 * (ptrace_call.c): it can be given a result, descriptors, or -ERESTARTSYS, by which the kernel goes on with the signal.
 */
#include "park_ops.h"
#include "ptrace.h"

static int ask(struct um_park *p, struct ask a)
{
	int r;

	a.call = &p->own;
	pthread_mutex_unlock(&p->lock); /* the tracing thread may have something to say of this very park */
	r = (int)ptrace_ask(&a);
	pthread_mutex_lock(&p->lock);
	return r;
}

static int64_t lay(struct um_park *p)
{
	return ask(p, (struct ask){ .what = ASK_SLEEP }) < 0 ? UM_REPLIED : 0;
}

static int watch(struct um_park *p)
{
	while (!p->held && !p->dead && !park_called(p))
		pthread_cond_wait(&p->changed, &p->lock);
	return p->dead ? -ESRCH : p->held ? 0 : -EAGAIN;
}

static int wake(struct um_park *p)
{
	int r = p->held ? 0 : ask(p, (struct ask){ .what = ASK_WAKE });

	while (r == 0 && !p->held && !p->dead) /* a busy machine may let it wait for its processor for long */
		pthread_cond_wait(&p->changed, &p->lock);
	return p->dead ? -ESRCH : p->held ? 0 : r;
}

static bool interrupted(struct um_park *p)
{
	return park_signals(p->own.tid);
}

/* No signal is delivered in its stop. */
static int put_back(struct um_park *p, bool insist)
{
	(void)insist;
	p->returned = true;
	return 0;
}

static int end(struct um_park *p, int64_t ret)
{
	return ask(p, (struct ask){ .what = ret == UM_RESTART ? ASK_RESTART : ASK_ANSWER, .value = ret });
}

const struct park_ops park_ptrace = {
	.lay = lay, .watch = watch, .wake = wake, .interrupted = interrupted, .put_back = put_back, .end = end,
};
