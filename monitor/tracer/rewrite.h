/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rewriting for the unotify tracer: its operations `rewrite' and `inject'; tracer.h says what they do. */
#ifndef MONITOR_TRACER_REWRITE_H
#define MONITOR_TRACER_REWRITE_H

#include <stdint.h>

struct um_call;
struct um_inject;

int64_t unotify_rewrite(struct um_call *call, int nr, const uint64_t args[6]);
int64_t unotify_inject(struct um_call *call, const struct um_inject *calls, unsigned n, unsigned result);

#endif
