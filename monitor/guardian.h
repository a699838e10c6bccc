/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guardian: ends the view when the monitor dies.
 */
#ifndef MONITOR_GUARDIAN_H
#define MONITOR_GUARDIAN_H

#include <sys/types.h>

#include "ending.h"
#include "origin.h"

/* Start it, as a child of the calling monitor.  Its process id, or a negative errno.
 * From now on it has all descriptors that the monitor has. */
pid_t guardian_start(struct ending *ending, const struct origin *origin);
/* At the regular end: no more need of it. */
void guardian_stop(pid_t guardian);

#endif
