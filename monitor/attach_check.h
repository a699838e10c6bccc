/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes can be taken into a view (attach_check.c). */
#ifndef MONITOR_ATTACH_CHECK_H
#define MONITOR_ATTACH_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct um_view;

/* What /proc/PID/status says; -1 where it says nothing. */
struct attach_look {
	char name[64]; /* of the program, as it is in the kernel */
	char state;    /* 'R', 'S'... */
	int tgid, tracer, threads, kthread, no_new_privs, seccomp, filters;
	unsigned uid[4], gid[4]; /* real, effective, saved, file system */
	mode_t umask;
};

/* Read it, for a process or a thread.  0 or a negative errno value (-ESRCH). */
int attach_look(pid_t pid, struct attach_look *look);

/**
 * attach_check() - can the view take this process in?
 * @look:	filled, if there is such a process
 * @why:	if it cannot: the reason, for people
 *
 * Return: 0 or a negative errno value; -EAGAIN: for now.
 */
int attach_check(const struct um_view *view, pid_t pid, struct attach_look *look, char *why, size_t size);

/* What Yama (the sysctl in @file, which need not exist) has against tracing processes that are not our descendants.
 * @capable: we have CAP_SYS_PTRACE.  0 or -EPERM. */
int attach_yama(const char *file, bool capable, char *why, size_t size);
/* The same for this process, here. */
int attach_allowed(char *why, size_t size);

#endif
