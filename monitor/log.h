/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages for people: "umview: what was tried: on what: why it failed", one write(2) a line, to standard error as it
 * was when umview started.
 */
#ifndef MONITOR_LOG_H
#define MONITOR_LOG_H

#include <stddef.h>

/* umview's own failures; 126 and 127 are the shell's, for a CMD that cannot be run. */
#define UM_EXIT_FAILURE 125

#define UM_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Lines on standard error. */
void um_info(const char *fmt, ...) UM_PRINTF(1, 2);
void um_warn(const char *fmt, ...) UM_PRINTF(1, 2);
/* The same, and exit(UM_EXIT_FAILURE). */
_Noreturn void um_die(const char *fmt, ...) UM_PRINTF(1, 2);
/* malloc that cannot fail, for what is needed once at the start. */
void *um_alloc(size_t size);
/* A word of the user's in a message: in quotes if it is empty or would run into the text around it. */
const char *um_shown(const char *word);
char *um_format(const char *fmt, ...) UM_PRINTF(1, 2);

#endif
