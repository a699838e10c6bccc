// SPDX-License-Identifier: GPL-2.0-or-later
/* The unotify tracer ends a read in which a thread sleeps: it is held for a moment. */
#include <errno.h>

#include "hold.h"
#include "reads.h"

#define STOP_MS 1000 /* for a thread that sleeps: it stops at once */

bool unotify_end_read(struct um_view *view, const struct reader *r)
{
	bool fails = false;
	struct hold h;
	int err = hold_seize(&h, view, r->tgid, r->tid);

	if (err == 0)
		err = hold_wait(&h, STOP_MS);
	if (err == 0) {
		fails = reader_fails(r, &h.t.saved);
		h.repair |= fails;
		err = hold_release(&h);
	}
	if (err < 0 && h.seized) {
		tracee_lost(&h.t, err == -ETIMEDOUT ? err : 0);
		tracees_settle();
	}
	return err == 0 && fails;
}
