/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The test of rewriting, tried against real processes: a monitor of some dozen lines serves execve("/umtest/true") by
 * execveat of a descriptor, and chdir("/umtest/dir") by fchdir and close, while signals, stops and kills rain on the
 * callers.
 */
#ifndef TESTS_UNIT_TEST_REWRITE_H
#define TESTS_UNIT_TEST_REWRITE_H

#include <stdbool.h>

#define VIRTUAL_PROGRAM "/umtest/true"
#define VIRTUAL_DIR "/umtest/dir"
#define REAL_DIR "/usr/lib"

/* test_rewrite.c */
extern int iterations;
extern bool killable;           /* the filter of this run has WAIT_KILLABLE_RECV */

/* test_rewrite_scenarios.c: what runs in the process; 0 is success, else the line */
struct scenario {
	const char *name;
	int (*run)(void);
	bool leaves_threads;    /* that are still being caught when it ends */
};
extern const struct scenario scenarios[];
extern const int nscenarios;
int scenario_chdir_forever(void);

#endif
