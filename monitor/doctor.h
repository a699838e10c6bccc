/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --doctor: what this host offers, what is missing, and the cure.
 */
#ifndef MONITOR_DOCTOR_H
#define MONITOR_DOCTOR_H

#include <stdbool.h>

/* Print it.  0 if a view can be started.  @nested: this is inside of one. */
int doctor(bool json, bool nested);

#endif
