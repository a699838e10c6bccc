/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the small commands of a view share: messages, --help and --version, and asking the monitor.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <getopt.h>
#include <stddef.h>

#include "um_ctl.h"

/* The end of each command's array of long options; their letters go to cmd_common_option(). */
#define CMD_COMMON_OPTIONS \
	{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 }

/* Handles 'h' (prints @help), 'V' and everything unknown; does not return. */
void cmd_common_option(int opt, const char *help) __attribute__((noreturn));
/* A word of the user's in a message: an empty one is shown in quotes. */
const char *cmd_shown(const char *word);
/* Wrong arguments: says where help is, exits 1. */
void cmd_usage(void) __attribute__((noreturn));

/* "NAME: ..." to standard error, NAME being the command as it was called. */
void cmd_message(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, then exit. */
void cmd_die(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* Allocators that die. */
char *cmd_strdup(const char *s);
void *cmd_realloc(void *p, size_t size);

/* A request of um_ctl.h under construction; { 0 } is an empty one. */
struct cmd_request {
	size_t len;
	char words[UM_CTL_REQUEST_MAX];
};
void cmd_add_word(struct cmd_request *request, const char *word);

/**
 * cmd_send() - send a request
 * @reply:	set to the monitor's text, which on an error may be its reason; the caller frees it
 *
 * Outside of a view it says so and exits 1.
 * Return: 0, or a negative errno value.
 */
int cmd_send(const struct cmd_request *request, char **reply);
/* Send, and on an error say "NAME: @what: REASON" and exit 1.  The reply; the caller frees it. */
char *cmd_ask(const struct cmd_request *request, const char *what);
/* The same for a verb alone. */
char *cmd_ask_verb(const char *verb);
/* Exits unless there is a view around us. */
void cmd_need_view(void);
/* The monitor's words for the system call that has just failed, or @otherwise if it has none.  Never freed. */
const char *cmd_why(const char *otherwise);

/* --- lists of mounts (verb "mounts") --------------------------------------------------------------------------- */

struct cmd_mount {
	const char *source, *target, *type, *options;
};
/* The view's mounts, oldest first; an array that is never freed. */
struct cmd_mount *cmd_mounts(size_t *n);
/* The absolute path of a mount point, also where a server is dead or hangs, so that it cannot be looked at; never freed. */
char *cmd_mount_point(const char *name);

#endif
