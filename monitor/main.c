/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * umview: run a command with a view of its own.
 *
 * The processes (doc/ARCHITECTURE, "The processes"):
 *
 *	shell ── umview (front.c)       waits, and stands for CMD in the shell's job
 *	            └── umview (serve.c)     the monitor: serves the view's calls
 *	                   ├── viewguard (guardian.c)   ends the view if the monitor dies
 *	                   └── CMD (launch.c)           in the front's process group, under the filter
 */
#include <stdio.h>

#include "doctor.h"
#include "enter.h"
#include "front.h"
#include "log.h"
#include "options.h"
#include "origin.h"
#include "prompt.h"
#include "runtime.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1.0"
#endif

int main(int argc, char **argv)
{
	struct options opt;
	struct origin origin;

	options_parse(&opt, argc, argv);
	switch (opt.action) {
	case ACTION_HELP:
		options_help();
		return 0;
	case ACTION_VERSION:
		printf("umview " PACKAGE_VERSION "\n");
		return 0;
	case ACTION_LIST:
		return runtime_list(opt.json);
	case ACTION_DOCTOR:
		return doctor(opt.json);
	case ACTION_ENTER:
		origin_leave(&origin, argv);
		prompt_prepare(&opt);
		return enter(&opt, &origin);
	case ACTION_RUN:
		if (opt.name != NULL && runtime_taken(opt.name))
			um_die("--name %s: a running view has that name (umview --list)", opt.name);
		origin_leave(&origin, argv);
		prompt_prepare(&opt);
		return front(&opt, &origin);
	}
}
