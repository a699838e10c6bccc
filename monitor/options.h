/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line and the start-up file.
 */
#ifndef MONITOR_OPTIONS_H
#define MONITOR_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "view.h"

enum action { ACTION_RUN, ACTION_ENTER, ACTION_LIST, ACTION_DOCTOR, ACTION_VERSION, ACTION_HELP };

/* What is done to the new view before CMD starts. */
struct step {
	enum step_kind { STEP_PRELOAD, STEP_MOUNT, STEP_COW } kind;
	const char *text;       /* MODULE, TYPE[,OPTIONS]:SOURCE:TARGET, or DIR */
	const char *where;      /* for messages: "--mount" or "FILE:LINE: mount" */
	const char *base;       /* the start-up file's directory, where its relative paths begin, or NULL */
};

struct options {
	enum action action;
	bool su, secure, trace, stats, linger, json, io;
	bool nested;            /* this is inside of a view: see nested.h */
	bool greet;             /* CMD is an interactive shell: see prompt.h */
	const char *trace_file; /* NULL: standard error */
	const char *name;       /* --name, or NULL */
	const char *enter;      /* --enter's NAME */
	struct um_features without; /* true: switched off */
	const struct um_tracer_ops *tracer; /* NULL: what is to be had */
	const char **modules;   /* --modules: NULL-terminated; NULL: any */
	struct step *steps;     /* those of the start-up file first */
	size_t nsteps;
	const char *home;       /* HOME as it was, before --su: where "~" is; or NULL */
	char **argv;            /* CMD and its arguments; NULL: the user's shell */
};

/* Parse the command line and the start-up file it leads to.  Errors are messages and the end. */
void options_parse(struct options *opt, int argc, char **argv);
void options_help(void);

#endif
