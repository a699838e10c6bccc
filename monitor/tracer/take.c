// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the tracers do alike to a held thread that is to install the filter.
 */
#include "take.h"

#include <linux/filter.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "../view.h"
#include "hold.h"
#include "tracer.h"

int64_t take_call(struct hold *h, int nr, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t args[6] = {a, b, c, 0, 0, h->view->cookie};
	int64_t result;
	int err = hold_call(h, nr, args, &result);

	return err < 0 ? err : result;
}

int64_t take_map(struct hold *h, size_t size)
{
	uint64_t args[6] = {0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0};
	int64_t result;
	int err = hold_call(h, SYS_mmap, args, &result);

	return err < 0 ? err : result;
}

int take_write(const struct hold *h, uint64_t at, const struct sock_fprog *filter)
{
	struct sock_fprog theirs = {.len = filter->len};
	uint64_t code = at + sizeof(theirs);
	int err;

	theirs.filter = (struct sock_filter *)(uintptr_t)code;
	err = hold_write(h, at, &theirs, sizeof(theirs));
	return err < 0 ? err : hold_write(h, code, filter->filter, filter->len * sizeof(*filter->filter));
}

int take_no_new_privs(struct hold *h, struct um_taking *t)
{
	int64_t r;

	t->what = "no_new_privs (prctl)";
	r = take_call(h, SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0);
	t->no_new_privs = r == 0;
	return (int)r;
}
