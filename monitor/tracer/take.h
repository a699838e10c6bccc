/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps of taking a process in.
 */
#ifndef MONITOR_TRACER_TAKE_H
#define MONITOR_TRACER_TAKE_H

#include <stddef.h>
#include <stdint.h>

struct hold;
struct sock_fprog;
struct um_taking;

/* A call in the thread, with the cookie; its result, or -ESRCH. */
int64_t take_call(struct hold *h, int nr, uint64_t a, uint64_t b, uint64_t c);
/* Memory of its own for the filter: its stack may be small.  The address, or a negative errno. */
int64_t take_map(struct hold *h, size_t size);
/* Write what seccomp(2) wants there, the filter behind it.  0 or a negative errno. */
int take_write(const struct hold *h, uint64_t at, const struct sock_fprog *filter);
/* Set no_new_privs, and note it.  0 or a negative errno. */
int take_no_new_privs(struct hold *h, struct um_taking *t);

#endif
