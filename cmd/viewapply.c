/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewapply: bring what a copy-on-write directory holds into the real tree.
 *
 * Two passes.  The first only looks: everything that could be refused (permissions, owners that we may not give,
 * read-only or full file systems, mount points in the way, files that the host has changed in the meantime) is found
 * there, and all of it is said; if there is anything, nothing is touched.  The second one makes the changes; files
 * are made beside their place and renamed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apply.h"
#include "cmd.h"

static const char help[] =
    "[OPTION]... DIR\n"
    "Bring the changes that the copy-on-write directory DIR holds into the real tree, with the owners, modes, "
    "devices\n"
    "and capabilities that the view has; that takes root, unless all is yours.  If anything of it would be refused,\n"
    "nothing is done.  DIR keeps what it holds: see viewdiscard.\n"
    "\n"
    "  -n, --dry-run      only say what would be done, and whether it can be\n"
    "  -f, --force        overwrite files that the host has changed since the view copied them\n"
    "  -t, --target TREE  the real tree (default: the one that the view had)\n"
    "  -v, --verbose      name each change\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"dry-run", no_argument, NULL, 'n'},
	    {"force", no_argument, NULL, 'f'},
	    {"target", required_argument, NULL, 't'},
	    {"verbose", no_argument, NULL, 'v'},
	    CMD_COMMON_OPTIONS,
	};
	struct apply ap = {.root = -1};
	const char *target = NULL;
	bool dry = false;
	unsigned wrong;
	int opt;

	while ((opt = getopt_long(argc, argv, "nft:vhV", options, NULL)) != -1) {
		if (opt == 'n')
			dry = ap.verbose = true;
		else if (opt == 'f')
			ap.force = true;
		else if (opt == 't')
			target = optarg;
		else if (opt == 'v')
			ap.verbose = true;
		else
			cmd_common_option(opt, help);
	}
	if (argc - optind != 1) {
		cmd_message(optind < argc ? "too many arguments" : "which directory?");
		cmd_usage();
	}
	if (layers_in_use(argv[optind]))
		cmd_die(1, "%s: in use by a running view", argv[optind]);
	layerdir_open(&ap.dir, argv[optind], target);
	layerdir_changes(&ap.dir, &ap.changes);
	wrong = apply_check(&ap);
	if (wrong)
		cmd_die(1, "nothing was changed: %u of %zu changes would be refused", wrong, ap.changes.count);
	if (!dry)
		apply_all(&ap);
	else
		apply_list(&ap);
	changes_free(&ap.changes);
	layerdir_close(&ap.dir);
	if (fflush(stdout) == EOF)
		cmd_die(1, "standard output: %s", strerror(errno));
	return 0;
}
