/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel features that a monitor can do without (struct um_features), found out by trying: a version number says
 * nothing in a container whose own filter refuses a call, or with a distribution's backports.
 */
#ifndef MONITOR_KFEATURES_H
#define MONITOR_KFEATURES_H

#include "view.h"

struct feature {
	const char *name;
	size_t offset;          /* of its flag in struct um_features */
	const char *since;      /* what has it */
	const char *without;    /* what it is like without */
};

extern const struct feature features[]; /* ends with a NULL name */

/* '-' and '_' are the same.  NULL: no such feature. */
const struct feature *feature_named(const char *name);
bool *feature_flag(struct um_features *f, const struct feature *row);

/* Those that can be tried without a process to trace. */
void features_probe_host(struct um_features *f);
/* Those that depend on the right to look into a child; 0, or -EPERM if its memory cannot be read in any way. */
int features_probe_child(struct um_features *f, pid_t child);
/* Take away what --without names. */
void features_remove(struct um_features *f, const struct um_features *without);
/* "+sync_wake_up -openat2 ..." */
void features_describe(const struct um_features *f, char *buf, size_t size);

#endif
