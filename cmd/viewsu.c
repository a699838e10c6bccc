/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewsu: become another user in the view's terms.
 *
 * No password is asked for: whoever is in a view owns it.  What the view's root may do to the view, the real user
 * already may do to the processes and files that the view is made of.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "user.h"

static const char help[] =
	"[OPTION]... [-] [USER [OPTION]... [CMD [ARG]...]]\n"
	"Become USER (root if none is named) in the running view, and run a shell or CMD.\n"
	"\n"
	"  -, -l, --login              a login: USER's environment, home directory and login shell\n"
	"  -c, --command COMMAND       give COMMAND to the shell\n"
	"  -s, --shell SHELL           use SHELL in place of USER's own\n"
	"  -m, -p, --preserve-environment  leave HOME, SHELL, USER and LOGNAME as they are\n"
	"  -h, --help                  this text\n"
	"  -V, --version               the version\n"
	"\n"
	"USER may be #UID, with or without an entry in the view's passwd.\n"
	"CMD is looked for in PATH; with -c, what follows USER are arguments for the shell.\n";

struct su_options {
	const char *user, *command, *shell;
	bool login, preserve;
};

/* Options may stand before and after USER, but not after CMD.  Returns the index of the first word of CMD. */
static int parse(int argc, char **argv, struct su_options *o)
{
	static const struct option options[] = {
		{ "login", no_argument, NULL, 'l' },
		{ "command", required_argument, NULL, 'c' },
		{ "shell", required_argument, NULL, 's' },
		{ "preserve-environment", no_argument, NULL, 'p' },
		CMD_COMMON_OPTIONS
	};

	for (;;) {
		int opt = getopt_long(argc, argv, "+lc:s:mphV", options, NULL);

		switch (opt) {
		case 'l': o->login = true; break;
		case 'c': o->command = optarg; break;
		case 's': o->shell = optarg; break;
		case 'm':
		case 'p': o->preserve = true; break;
		case -1:
			if (optind < argc && !strcmp(argv[optind], "-") && !o->user) {
				o->login = true;
				optind++;
			} else if (optind < argc && !o->user && strcmp(argv[optind - 1], "--")) {
				o->user = argv[optind++];
			} else {
				return optind;
			}
			break;
		default: cmd_common_option(opt, help);
		}
	}
}

int main(int argc, char **argv)
{
	struct su_options o = { 0 };
	int first = parse(argc, argv, &o);
	struct cmd_user user;

	cmd_need_view();
	user_find(&user, o.user ? o.user : "root");
	if (!o.shell)
		o.shell = o.preserve && getenv("SHELL") && !o.login ? getenv("SHELL") : user.shell;
	user_become(&user);
	if (o.login)
		user_login_environment(&user);
	else if (!o.preserve)
		user_environment(&user);
	if (first < argc && !o.command)
		user_exec(argv + first);
	user_exec_shell(o.shell, o.login, o.command, argv + first);
}
