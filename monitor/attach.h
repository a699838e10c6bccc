/* SPDX-License-Identifier: GPL-2.0-or-later */
/* um_attach: take a process that runs into the view (attach.c). */
#ifndef MONITOR_ATTACH_H
#define MONITOR_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct um_call;

/**
 * attach() - take a process in, with all its threads and descendants
 * @call:	of the process that asks; on a worker, with the view's lock held, which is let go meanwhile
 * @alone:	without its descendants
 * @reply:	a line "PID\tNAME\n" for each process that was taken in, or why it could not be, for people
 *
 * Return: 0 or a negative errno value.
 */
int attach(struct um_call *call, pid_t pid, bool alone, char *reply, size_t size);

#endif
