/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about other processes, for the calls that act on them (kill.c answers). */
#ifndef MONITOR_CALLS_PROC_H
#define MONITOR_CALLS_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct um_call;
struct um_ids;
struct um_state;
struct um_view;

/* Is it a thread of the monitor, its guardian, or its front?  Nothing in a view may touch these. */
bool is_protected(const struct um_view *view, pid_t tid);
bool exists(pid_t tid);
/* Secure mode, and a process that is not of the view? */
bool is_outside(const struct um_view *view, pid_t pid);
/* The process that a pidfd, or a descriptor of its directory in /proc, stands for; 0: none. */
pid_t pidfd_target(const struct um_call *call, int fd);
/* Secure mode: may this request be made?  UM_CONTINUE (ask further), or the answer. */
int64_t ioctl_allowed(struct um_call *call);
/* Has the caller, by the view's ids or else by the kernel's, this capability (0 to 63)? */
bool is_capable(const struct um_call *call, int cap);
/* The ids of a process of the view: those of its record, or the real user's made up in *buf. */
const struct um_ids *ids_of(const struct um_view *view, const struct um_state *state, struct um_ids *buf);

#endif
