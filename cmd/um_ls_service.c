/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * um_ls_service: list the modules of the running view.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"

static const char help[] =
	"[OPTION]...\n"
	"List the modules that are loaded into the running view, one a line.\n"
	"\n"
	"  -l, --long     the view's name first, and a description with each module\n"
	"  -h, --help     this text\n"
	"  -V, --version  the version\n";

/* "NAME\tDESCRIPTION" lines: names alone, or two columns. */
static void print_services(char *lines, bool longer)
{
	char *line;

	while ((line = strsep(&lines, "\n"))) {
		const char *name = strsep(&line, "\t");

		if (!*name)
			continue;
		if (longer && line)
			printf("%-15s %s\n", name, line);
		else
			puts(name);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "long", no_argument, NULL, 'l' }, CMD_COMMON_OPTIONS };
	struct cmd_request request = { 0 };
	bool longer = false;
	char *reply;
	int opt;

	while ((opt = getopt_long(argc, argv, "lhV", options, NULL)) != -1) {
		if (opt != 'l')
			cmd_common_option(opt, help);
		longer = true;
	}
	if (optind < argc) {
		cmd_message("unexpected argument: %s", argv[optind]);
		cmd_usage();
	}
	if (longer) {
		char *name = cmd_ask_verb("view-name");

		name[strcspn(name, "\n")] = '\0';
		printf("view: %s\n", *name ? name : "(no name)");
		free(name);
	}
	cmd_add_word(&request, "service-list");
	if (longer)
		cmd_add_word(&request, "-l");
	reply = cmd_ask(&request, "services");
	print_services(reply, longer);
	free(reply);
	if (fflush(stdout) == EOF)
		cmd_die(1, "standard output: %s", strerror(errno));
	return 0;
}
