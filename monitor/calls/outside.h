/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secure mode: which files lead out of the view (outside_files.c). */
#ifndef MONITOR_CALLS_OUTSIDE_H
#define MONITOR_CALLS_OUTSIDE_H

#include <stdbool.h>

#include "calls.h"

struct um_path;
struct um_state;
struct um_view;

/* May the caller open what was found?  0 or a negative errno.  The path's descriptor may be replaced: /dev/tty is the
 * caller's terminal. */
int outside_open(const struct um_call *call, struct um_path *path, int flags, bool write);
/* The monitor has opened this for a process: a pseudo terminal's master makes the terminal the view's. */
void outside_opened(int fd);
/* The terminals that umview was started with are the view's: descriptors 0 to 2. */
void outside_terminals(void);

/* Did the path lead through /proc/PID/fd/N, to something that has no name? */
bool outside_is_nameless(const struct um_call *call, const struct um_path *path);

/* The view has made this fifo or socket. */
void outside_made(const struct um_call *call, const struct um_path *path);
/* Has it?  (True of all where the mode is not secure.) */
bool outside_is_ours(const struct um_call *call, const struct um_path *path);

/* Could a program of the view put another file in the place of this one? */
bool outside_can_replace(struct um_view *view, const struct um_state *state, const char *path);

/* May the attributes of what is open here be changed?  Yes, if the view keeps it, or if it has no name.  0 or a negative
 * errno. */
int outside_change(struct um_call *call, int fd);

#endif
