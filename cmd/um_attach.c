/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * um_attach: take a running process into the view that the command is given in.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static const char help[] =
	"[OPTION]... PID...\n"
	"Take running processes into this view, each with its threads and descendants.  They\n"
	"see what the view's processes see from now on, and belong to the view as these do.\n"
	"Their open files and working directories stay as they are.\n"
	"\n"
	"It cannot be undone: the processes stay in the view as long as they live, the view\n"
	"lives as long as they do, and no_new_privs stays set in them, so that set-id programs\n"
	"(sudo, su, passwd) have no effect for them.\n"
	"\n"
	"  -a, --alone    the process only, without its descendants\n"
	"  -q, --quiet    do not say what was taken in\n"
	"  -h, --help     this text\n"
	"  -V, --version  the version\n";

/* A process id, or the end. */
static void check_pid(const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || n <= 0 || n > 0x7fffffff) {
		cmd_message("%s: this is not a process id", text);
		cmd_usage();
	}
}

/* Lines "PID\tNAME\n" as "PID (NAME), ...". */
static void say(char *reply)
{
	const char *between = "";
	char *line, *name;

	for (; (line = strsep(&reply, "\n")) != NULL && *line != '\0'; between = ", ") {
		name = strchr(line, '\t');
		if (name != NULL)
			*name++ = '\0';
		printf(name != NULL ? "%s%s (%s)" : "%s%s", between, line, name);
	}
	puts(": in this view now; no_new_privs stays set for good, set-id programs have no effect there");
	if (fflush(stdout) == EOF)
		cmd_die(1, "standard output: %s", strerror(errno));
}

/* False: it was not taken in, and it was said why. */
static bool attach(const char *pid, bool alone, bool quiet)
{
	struct cmd_request request = {0};
	char *reply;
	int err;

	cmd_add_word(&request, "attach");
	cmd_add_word(&request, pid);
	if (alone)
		cmd_add_word(&request, "alone");
	err = cmd_send(&request, &reply);
	if (err < 0)
		cmd_message("%s: %s", pid, reply[0] != '\0' ? reply : strerror(-err));
	else if (!quiet)
		say(reply);
	free(reply);
	return err == 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "alone", no_argument, NULL, 'a' }, { "quiet", no_argument, NULL, 'q' }, CMD_COMMON_OPTIONS,
	};
	bool alone = false, quiet = false, good = true;
	int opt;

	while ((opt = getopt_long(argc, argv, "aqhV", options, NULL)) != -1) {
		if (opt == 'a')
			alone = true;
		else if (opt == 'q')
			quiet = true;
		else
			cmd_common_option(opt, help);
	}
	if (optind == argc) {
		cmd_message("no process named");
		cmd_usage();
	}
	for (int i = optind; i < argc; i++)
		check_pid(argv[i]);
	for (int i = optind; i < argc; i++)
		good &= attach(argv[i], alone, quiet);
	return good ? 0 : 1;
}
