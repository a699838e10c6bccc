/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps that the options ask for: services are loaded, then mounts made, before CMD starts.
 */
#ifndef MONITOR_STEPS_H
#define MONITOR_STEPS_H

#include <stddef.h>
#include <sys/types.h>

#include "options.h"

/* Who carries them out: the monitor itself, or a process of the view that asks it.  0, or a negative errno value and
 * perhaps words in @why. */
struct step_ops {
	int (*load)(void *arg, const char *module, char *why, size_t whysize);
	int (*mount)(void *arg, const char *source, const char *target, const char *type, const char *options, char *why,
		     size_t whysize);
	void *arg;
};

/* In order.  @mask is the umask of directories that are made.  Failures are messages and the end. */
void steps_run(const struct options *opt, const struct step_ops *ops, mode_t mask);

#endif
