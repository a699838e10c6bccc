/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making the view that the options ask for.
 */
#ifndef MONITOR_SETUP_H
#define MONITOR_SETUP_H

#include "options.h"
#include "origin.h"
#include "view.h"

/* Fill in the view: name, features of the host, classes, states, tables.  Failures are messages and the end. */
void setup_view(struct um_view *view, const struct options *opt, const struct origin *origin, pid_t front);

/* The record of a process that enters the view: as the user is, or as the view's root. */
const struct um_state *setup_identity(struct um_view *view, uint32_t node, mode_t mask, bool su);

/* Load what --preload names, mount what --mount and --cow name, in order.  Failures are messages and the end. */
void setup_steps(struct um_view *view, const struct options *opt, const struct origin *origin,
		 const struct um_state *state);

/* The classes that a module says it needs.  Dies, with words for --modules, if there is no such module. */
uint32_t setup_module_needs(const char *dir, const char *name);

/* The directory of this program, where its commands are as well. */
const char *setup_own_dir(void);

/* The directory of the modules: the installed one, or that of the build tree that umview runs from. */
const char *setup_module_dir(bool secure);

#endif
