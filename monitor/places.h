/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By which of its places a body was opened (places.c). */
#ifndef MONITOR_PLACES_H
#define MONITOR_PLACES_H

#include "namei.h"

/* The caller opens what was found at this path; @body: a descriptor of it, or -1. */
void places_note(struct um_call *call, const struct um_path *path, int body);
/* Is anything noted? */
bool places_any(void);
/* The place, as in um_state.cwd, by which this descriptor's body was opened last by the process; 0: the usual one. */
uint64_t places_of_fd(const struct um_call *call, pid_t tid, int fd);

#endif
