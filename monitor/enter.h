/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --enter: run CMD in a view that runs already.
 */
#ifndef MONITOR_ENTER_H
#define MONITOR_ENTER_H

#include "options.h"
#include "origin.h"

/* Returns the exit status for the shell. */
int enter(const struct options *opt, const struct origin *origin);

#endif
