/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor does for modules (struct um_host of um_module.h), and what it asks of all of them.
 */
#ifndef MONITOR_MODULE_HOST_H
#define MONITOR_MODULE_HOST_H

#include "view.h"

/* What is given to a module's init. */
const struct um_host *module_host(struct um_view *view);
/* The call that this thread serves from now on, or NULL: whom um_host.caller speaks of.  Returns the one before. */
struct um_call *module_serves(struct um_call *call);
/* What must be done before this call is served?  0 or -UM_STAGE. */
int modules_settle(const struct um_call *call);
/* Does some module want that, whatever the operation has returned?  @forget: it is not needed. */
bool modules_want(const struct um_view *view, bool forget);
/* Have modules do what the operation that returned -UM_STAGE needs, or forget it (um_module.stage).  0 or a negative errno. */
int modules_stage(struct um_call *call, bool run);

/* The view ends (um_module.end). */
void modules_end(struct um_view *view);

#endif
