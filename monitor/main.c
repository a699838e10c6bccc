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
 *
 * Started inside of a view it becomes CMD itself, in a node of that view's monitor (nested.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cmd/rootpath.h"
#include "doctor.h"
#include "enter.h"
#include "front.h"
#include "log.h"
#include "nested.h"
#include "options.h"
#include "origin.h"
#include "prompt.h"
#include "runtime.h"
#include "setup.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1.0"
#endif

/* The environment of the view's root, as viewsu makes it: /root, closed to the user, is open in a copy-on-write view. */
static void root_environment(const struct options *opt)
{
	bool open = access("/root", X_OK) == 0;

	for (size_t i = 0; i < opt->nsteps; i++)
		open = open || opt->steps[i].kind == STEP_COW;
	root_path(DEFAULT_PATH);
	setenv("USER", "root", 1);
	setenv("LOGNAME", "root", 1);
	if (open && opt->action == ACTION_RUN)
		setenv("HOME", "/root", 1);
}

/* What CMD is to find, however it is started. */
static void prepare(struct options *opt)
{
	prompt_prepare(opt);
	path_add(setup_own_dir(), DEFAULT_PATH); /* um_add_service and the others are to be found */
	if (opt->su)
		root_environment(opt);
}

/* What was printed must have arrived. */
static int printed(int status)
{
	if (fflush(stdout) == EOF || ferror(stdout))
		um_die("standard output: %s", strerror(errno));
	return status;
}

int main(int argc, char **argv)
{
	struct options opt;
	struct nested_view around;
	struct origin origin;

	options_parse(&opt, argc, argv);
	switch (opt.action) {
	case ACTION_HELP:
		options_help();
		return printed(0);
	case ACTION_VERSION:
		printf("umview " PACKAGE_VERSION "\n");
		return printed(0);
	case ACTION_LIST:
		return printed(runtime_list(opt.json, opt.nested && nested_view(&around) && around.secure));
	case ACTION_DOCTOR:
		return printed(doctor(opt.json, opt.nested));
	case ACTION_ENTER:
		if (!opt.nested)
			origin_leave(&origin, argv);
		prepare(&opt);
		if (opt.nested)
			nested_enter(&opt);
		return enter(&opt, &origin);
	case ACTION_RUN:
		if (opt.name != NULL && runtime_taken(opt.name))
			um_die("--name %s: a running view has that name (umview --list)", opt.name);
		if (!opt.nested)
			origin_leave(&origin, argv);
		prepare(&opt);
		if (opt.nested)
			nested_run(&opt);
		return front(&opt, &origin);
	}
}
