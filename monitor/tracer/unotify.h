/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the unotify tracer share. */
#ifndef MONITOR_TRACER_UNOTIFY_H
#define MONITOR_TRACER_UNOTIFY_H

#include "tracer.h"

/* Flags of seccomp(2) for a filter with a listener. */
unsigned unotify_flags(const struct um_features *features);
/* um_tracer_ops.take */
int unotify_take(struct hold *h, const struct sock_fprog *filter, struct um_taking *t);

#endif
