/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * older: what a node of the view showed before a mount, in the shape of a file system.
 */
#ifndef MONITOR_OLDER_H
#define MONITOR_OLDER_H

#include "view.h"

extern const struct um_fs_ops older_ops;

/**
 * older_new() - what the state's node shows at and below a view path now
 * @target:	"" is the root; copied
 *
 * Return: NULL if no mount has a part in it, or there is no memory.
 */
struct um_fs *older_new(struct um_view *view, const struct um_state *state, const char *target);
void older_free(struct um_fs *older);
/* Do too many mounts stand on each other? */
bool older_too_deep(const struct um_fs *older);
/* Does it show the mount? */
bool older_has(const struct um_fs *older, const struct um_mount *mount);

#endif
