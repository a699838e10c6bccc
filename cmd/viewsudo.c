/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewsudo: run one command as another user of the view.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "user.h"

static const char help[] =
	"[OPTION]... [VARIABLE=VALUE]... CMD [ARG]...\n"
	"Run CMD as root, or as another user, of the running view.  No password is asked for.\n"
	"\n"
	"  -u, --user USER  the user: a name, or #UID\n"
	"  -i, --login      a login shell of that user, which runs CMD if there is one\n"
	"  -s, --shell      the shell that $SHELL names, which runs CMD if there is one\n"
	"  -E, -H, -n, -S   accepted and ignored: the environment is kept, HOME is the user's\n"
	"  -h, --help       this text\n"
	"  -V, --version    the version\n";

struct sudo_options {
	const char *user;
	bool login, shell;
};

/* Returns the index of the first word after the options. */
static int parse(int argc, char **argv, struct sudo_options *o)
{
	static const struct option options[] = {
		{ "user", required_argument, NULL, 'u' },
		{ "login", no_argument, NULL, 'i' },
		{ "shell", no_argument, NULL, 's' },
		{ "preserve-env", optional_argument, NULL, 'E' },
		{ "set-home", no_argument, NULL, 'H' },
		{ "non-interactive", no_argument, NULL, 'n' },
		{ "stdin", no_argument, NULL, 'S' },
		CMD_COMMON_OPTIONS
	};
	int opt;

	o->user = "root";
	while ((opt = getopt_long(argc, argv, "+u:isEHnShV", options, NULL)) != -1) {
		switch (opt) {
		case 'u': o->user = optarg; break;
		case 'i': o->login = true; break;
		case 's': o->shell = true; break;
		case 'E': case 'H': case 'n': case 'S': break;
		default: cmd_common_option(opt, help);
		}
	}
	return optind;
}

/* As sudo does, so that programs find out for whom they work.  @uid and @gid are those of before. */
static void set_sudo_environment(const char *name, uid_t uid, gid_t gid)
{
	char number[24];

	if (name)
		setenv("SUDO_USER", name, 1);
	snprintf(number, sizeof(number), "%u", uid);
	setenv("SUDO_UID", number, 1);
	snprintf(number, sizeof(number), "%u", gid);
	setenv("SUDO_GID", number, 1);
}

/* One string that a shell reads as these words again: all but harmless characters get a backslash. */
static char *join(char *const *words)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-$";
	size_t size = 1;
	char *line, *to;

	for (size_t i = 0; words[i]; i++)
		size += 2 * strlen(words[i]) + 1;
	line = to = cmd_realloc(NULL, size);
	for (size_t i = 0; words[i]; i++) {
		if (i > 0)
			*to++ = ' ';
		for (const char *from = words[i]; *from; from++) {
			if (!strchr(safe, *from))
				*to++ = '\\';
			*to++ = *from;
		}
	}
	*to = '\0';
	return line;
}

int main(int argc, char **argv)
{
	uid_t old_uid = getuid();
	gid_t old_gid = getgid();
	const char *old_name, *shell;
	struct sudo_options o = { 0 };
	struct cmd_user user, old;
	char number[24];
	int first = parse(argc, argv, &o), command = first;

	while (command < argc && strchr(argv[command], '=') && argv[command][0] != '=')
		command++;
	if (command == argc && !o.login && !o.shell) {
		cmd_message("no command given");
		cmd_usage();
	}
	cmd_need_view();
	snprintf(number, sizeof(number), "#%u", old_uid);
	user_find(&old, number);
	old_name = old.listed ? old.name : NULL;
	user_find(&user, o.user);
	shell = o.login || !getenv("SHELL") ? user.shell : cmd_strdup(getenv("SHELL"));
	user_become(&user);
	if (o.login)
		user_login_environment(&user);
	else
		user_environment(&user);
	set_sudo_environment(old_name, old_uid, old_gid);
	for (int i = first; i < command; i++)
		putenv(argv[i]);
	if (o.login || o.shell)
		user_exec_shell(shell, o.login, command < argc ? join(argv + command) : NULL, NULL);
	user_exec(argv + command);
}
