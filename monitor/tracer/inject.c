// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that a process makes one after the other in place of a trapped one.
 */
#include "inject.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "../view.h"

struct sequence {
	struct um_call *call;
	inject_make *make;
	void *in;
	uint64_t address;       /* of what was put; 0: nothing was */
};

/* One call of the table of calls, with the cookie if it has the room. */
static int one_call(struct sequence *s, int nr, const uint64_t given[6], int64_t *result)
{
	const struct um_syscall *row = um_syscall_row(nr);
	uint64_t args[6];

	memcpy(args, given, sizeof(args));
	if (!row || row->args[5] == UM_A_NONE)
		args[5] = s->call->view->cookie;
	return s->make(s->in, nr, args, result);
}

/* One with all that belongs to it. */
static int one_step(struct sequence *s, const struct um_inject *in, int64_t *result)
{
	uint64_t args[6], opened[6] = { 0 };
	int err;

	memcpy(args, in->args, sizeof(args));
	if (in->address != 0)
		args[in->address - 1] = s->address;
	err = one_call(s, in->nr, args, result);
	if (err < 0)
		return err;
	if (*result > 0 && in->put != NULL) {
		s->address = (uint64_t)*result;
		*result = um_write(s->call, s->address, in->put, in->put_size);
	}
	if (*result >= 0 && in->verify != NULL && !in->verify(s->call, (int)*result, in->verify_arg)) {
		opened[0] = (uint64_t)*result;
		err = one_call(s, SYS_close, opened, result);
		*result = -EACCES;
	}
	return err;
}

int inject_all(struct um_call *call, const struct um_inject *calls, unsigned n, unsigned result, inject_make *make,
	       void *in, int64_t *answer)
{
	struct sequence s = { .call = call, .make = make, .in = in };
	bool failed = false;
	int64_t one = 0;
	int err;

	*answer = 0;
	for (unsigned i = 0; i < n; i++) {
		if ((failed && !calls[i].always) || (calls[i].address != 0 && s.address == 0))
			continue; /* not to be run, or what it needs was never put anywhere */
		err = one_step(&s, &calls[i], &one);
		if (err < 0)
			return err;
		/* a failure of the clean-up after the call that counts is not the call's */
		if (one < 0 && calls[i].always && i > result)
			continue;
		if (one >= 0 && calls[i].instead != 0)
			one = calls[i].instead;
		if (!failed && (i == result || one < 0))
			*answer = one;
		failed |= one < 0;
	}
	return 0;
}
