/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewdiscard: throw away what a copy-on-write directory holds.
 */
#include <errno.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "layers/layers.h"

static const char help[] =
    "[OPTION]... DIR...\n"
    "Throw away all changes that the copy-on-write directories DIR hold.  The directories stay, empty.\n"
    "A directory that a running view uses is refused, and so is one that no view has written.\n"
    "\n"
    "  -r, --remove   remove the directories too\n"
    "  -h, --help     this text\n"
    "  -V, --version  the version\n";

/* A view that has just ended lets go of it a moment later. */
static int discard_patiently(const char *dir, bool keep)
{
	int r = layers_discard(dir, keep);

	for (int i = 0; i < 25 && r == -EBUSY; i++) {
		usleep(20000);
		r = layers_discard(dir, keep);
	}
	return r;
}

static int discard(const char *dir, bool remove)
{
	int r = discard_patiently(dir, !remove);

	if (r == 0 && remove && rmdir(dir) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	if (r == -EBUSY)
		cmd_message("%s: in use by a running view", dir);
	else if (r == -ENOTDIR)
		cmd_message("%s: not a directory of changes", dir);
	else
		cmd_message("%s: %s", dir, strerror(-r));
	return 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"remove", no_argument, NULL, 'r'},
	    CMD_COMMON_OPTIONS,
	};
	bool remove = false;
	int opt, status = 0;

	while ((opt = getopt_long(argc, argv, "rhV", options, NULL)) != -1) {
		if (opt == 'r')
			remove = true;
		else
			cmd_common_option(opt, help);
	}
	if (optind == argc) {
		cmd_message("which directory?");
		cmd_usage();
	}
	for (; optind < argc; optind++)
		status |= discard(argv[optind], remove);
	return status;
}
