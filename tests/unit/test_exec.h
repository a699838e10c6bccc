/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The test of exec and the loader, without the rest of the monitor: a view in which "/umtest/NAME" stands for some files
 * of the host, and all else is the host's own.
 *
 * The programs that are run are the test itself, as a probe that looks at what it was given, and the host's.
 */
#ifndef TESTS_UNIT_TEST_EXEC_H
#define TESTS_UNIT_TEST_EXEC_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "monitor/view.h"

#define ARGV(...) ((char **)(const char *[]){ __VA_ARGS__, NULL })
#define ENVP ARGV

/* test_exec_view.c: the view, and a monitor for one process */
extern char dir[];                      /* "/umtest/NAME" is dir/NAME, but for "self" and "ld.so" */
extern char self[PATH_MAX], ld_so[PATH_MAX];
extern struct um_view view;
extern struct um_state state;           /* of whoever calls */
extern bool everything_elsewhere;       /* as with a virtual root: nothing is the kernel's */
extern uint16_t virtual_mode;           /* set-id bits that "/umtest" files show */
extern char warning[256];               /* the last one */
extern unsigned state_changes;          /* um_set_state() calls, and what the last one set */
extern struct um_ids last_ids;
extern char output[65536];              /* of the last job */

struct job {
	const char *path;
	char *const *argv, *const *envp;
	int fd;                 /* >= 0: execveat of it with an empty path */
	bool failing;           /* the exec is to fail; the status is its errno */
};

/* Run it under the monitor.  The wait status, or the exit status if it has exited. */
int run_job(const struct job *job);

/* test_exec_probe.c: runs in the process that was started */
int run_probe(int argc, char **argv, char **envp);
size_t slurp(const char *name, char *buf, size_t size);

#endif
