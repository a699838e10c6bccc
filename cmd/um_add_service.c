/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * um_add_service: load a module into the running view.
 */
#include <stdlib.h>

#include "cmd.h"

static const char help[] =
	"[OPTION]... NAME...\n"
	"Load modules into the running view: from then on their file system types can be\n"
	"mounted and their other services are at work.  um_ls_service lists what is loaded.\n"
	"\n"
	"  -h, --help     this text\n"
	"  -V, --version  the version\n";

int main(int argc, char **argv)
{
	static const struct option options[] = { CMD_COMMON_OPTIONS };
	int opt;

	while ((opt = getopt_long(argc, argv, "hV", options, NULL)) != -1)
		cmd_common_option(opt, help);
	if (optind == argc) {
		cmd_message("no module named");
		cmd_usage();
	}
	for (int i = optind; i < argc; i++) {
		struct cmd_request request = { 0 };

		cmd_add_word(&request, "service-add");
		cmd_add_word(&request, argv[i]);
		free(cmd_ask(&request, argv[i]));
	}
	return 0;
}
