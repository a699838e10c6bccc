/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewname: say or set the name of the running view.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

static const char help[] =
	"[OPTION]... [NAME]\n"
	"Without NAME, print the name of the running view; with NAME, give it that name.\n"
	"The name is shown by um_ls_service -l and by umview --list, and umview --enter takes it.\n"
	"\n"
	"  -h, --help     this text\n"
	"  -V, --version  the version\n";

int main(int argc, char **argv)
{
	static const struct option options[] = { CMD_COMMON_OPTIONS };
	struct cmd_request request = { 0 };
	char *reply;
	int opt;

	while ((opt = getopt_long(argc, argv, "hV", options, NULL)) != -1)
		cmd_common_option(opt, help);
	if (argc - optind > 1) {
		cmd_message("unexpected argument: %s", argv[optind + 1]);
		cmd_usage();
	}
	cmd_add_word(&request, "view-name");
	if (optind < argc) {
		cmd_add_word(&request, argv[optind]);
		cmd_ask(&request, argv[optind]);
		return 0;
	}
	reply = cmd_ask(&request, "view");
	reply[strcspn(reply, "\n")] = '\0';
	if (puts(reply) == EOF || fflush(stdout) == EOF)
		cmd_die(1, "standard output: %s", strerror(errno));
	return 0;
}
