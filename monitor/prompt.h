/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an interactive user sees of the view: the line at the start and the view's name in the prompt.
 */
#ifndef MONITOR_PROMPT_H
#define MONITOR_PROMPT_H

#include "options.h"
#include "view.h"

/* In the front: CMD's shell, if there is no CMD; UMVIEW_NAME in the environment; the prompt of an interactive bash. */
void prompt_prepare(struct options *opt);
/* In place of it, and of the rest, for a view inside of another: @outer is that one's name. */
void prompt_nested(struct options *opt, const char *outer, const char *name);
/* The line of one who enters a view that runs. */
void prompt_entered(const struct options *opt, const char *name, const char *tracer);
/* In the monitor: the line at an interactive start. */
void prompt_greet(struct um_view *view, const struct options *opt);
/* At the end: the file that made bash's prompt. */
void prompt_remove(pid_t front);

#endif
