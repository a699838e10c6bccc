/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts and latencies by system call and by route, for --stats.
 */
#ifndef MONITOR_SYSCALL_STATS_H
#define MONITOR_SYSCALL_STATS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Count a call that was served in @ns nanoseconds.  @route: a static string.  Any thread, no locks, no allocation. */
void stats_record(int nr, const char *route, uint64_t ns);

/* Print what was counted, the longest total first: two tables, or one JSON object (times in nanoseconds). */
void stats_print(FILE *out, bool json);

#endif
