/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Users of the view, and becoming one: for viewsu and viewsudo.
 */
#ifndef CMD_USER_H
#define CMD_USER_H

#include <stdbool.h>
#include <sys/types.h>

struct cmd_user {
	char *name, *home, *shell; /* owned */
	uid_t uid;
	gid_t gid;
	bool listed;            /* has an entry in the view's passwd */
};

/* By name, or by "#UID".  Root is known without an entry too.  Dies when there is no such user. */
void user_find(struct cmd_user *user, const char *name);
/* The ids, groups and capabilities of the user, in the view's terms.  Dies when the monitor refuses. */
void user_become(const struct cmd_user *user);
/* HOME, SHELL, USER, LOGNAME; for root also the system's directories at the end of PATH. */
void user_environment(const struct cmd_user *user);
/* The environment of a login: nothing is left but what is set here, TERM, COLORTERM and the view's prompt. */
void user_login_environment(const struct cmd_user *user);
/* exec the shell as su does: as a login shell; with "-c @command" unless it is NULL, and with further arguments
 * (NULL-terminated, may be NULL).  Returns never: exits 127 or 126 with a message. */
void user_exec_shell(const char *shell, bool login, const char *command, char *const *args) __attribute__((noreturn));
/* exec a command found in PATH.  Exits 127 or 126 with a message. */
void user_exec(char *const *argv) __attribute__((noreturn));

#endif
