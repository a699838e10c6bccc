/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel tells of a process or thread in /proc/ID/stat and /proc/ID/status; the fields are proc(5)'s.
 *
 * A process chooses its own name, which may hold blanks, parentheses and line breaks: stat is read from behind its last
 * parenthesis, and what begins a line of status is the kernel's, which escapes line breaks there.
 */
#ifndef MONITOR_PROCINFO_H
#define MONITOR_PROCINFO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct procinfo_stat {
	char state;             /* a letter: R, S, D, T, t, Z, X... */
	pid_t ppid, pgrp, session;
	unsigned tty_nr;        /* as new_encode_dev() of the kernel has it; 0: no terminal */
	pid_t tpgid;            /* the foreground group of the terminal; -1: none */
	unsigned flags;         /* PF_* of include/linux/sched.h */
	long num_threads;
	uint64_t starttime;     /* of the thread, in clock ticks since the system's start */
};

/* 0; -ESRCH: there is none; or another negative errno (-EMFILE...), which says nothing of the process. */
int procinfo_stat(pid_t id, struct procinfo_stat *stat);

/* Has it ended?  A leader that has is a zombie as long as other threads of its live. */
bool procinfo_is_dead(pid_t id);

/* The whole of status but its overlong lines (Groups can be), which nobody here asks for. */
struct procinfo_status {
	char text[4096];
};

/* As procinfo_stat(); on an error the text is empty, and no field is found in it. */
int procinfo_status(pid_t id, struct procinfo_status *status);
/* The field's value, up to the end of the line; NULL: this kernel does not tell it. */
const char *procinfo_field(const struct procinfo_status *status, const char *name);
/* Of decimal fields; -1: none. */
long procinfo_number(const struct procinfo_status *status, const char *name);
/* Of sets of signals and capabilities, which are hexadecimal; 0: none. */
uint64_t procinfo_mask(const struct procinfo_status *status, const char *name);

/* The process of a thread, the parent of a process, the starttime of either; 0: it is gone. */
pid_t procinfo_tgid(pid_t tid);
pid_t procinfo_parent(pid_t pid);
uint64_t procinfo_starttime(pid_t id);

#endif
