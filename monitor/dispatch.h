/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's loop: listeners, other descriptors, workers.
 */
#ifndef MONITOR_DISPATCH_H
#define MONITOR_DISPATCH_H

#include "view.h"

/* Serve the calls of a listener (view->tracer_ops->install made it, in @child) on a thread of its own, which closes it in the
 * end.  0 or a negative errno. */
int monitor_add_listener(struct um_view *view, int fd, pid_t child);

/* The same on this thread, until nobody is left. @name: the tracer's, for calls. */
void monitor_listen(struct um_view *view, int fd, void *name);

/* Call @fn on the loop's thread, with the view's lock held, whenever @fd is readable or has hung up. */
typedef void monitor_poll_fn(struct um_view *view, int fd, void *arg);
int monitor_add_poll(struct um_view *view, int fd, monitor_poll_fn *fn, void *arg);
void monitor_remove_poll(struct um_view *view, int fd);

/* Run until monitor_stop(), on the calling thread.  Returns 0. */
int monitor_loop(struct um_view *view);
void monitor_stop(struct um_view *view);

/* Route one call and answer it.  The view's lock is held. */
void dispatch(struct um_view *view, struct um_call *call);

#endif
