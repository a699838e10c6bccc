/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hostile's modes are. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "tests/fuse/raw.h"

struct hostile_mode {
	const char *name;
	uint32_t opcode; /* for these requests; 0: for all but INIT */
	/* With the right reply, which may be changed; true: it is to be sent. */
	bool (*act)(int fd, const struct raw_request *request, struct raw_reply *reply);
};

extern const struct hostile_mode hostile_modes[]; /* ends with a NULL */

#endif
