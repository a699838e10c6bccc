/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the view has renamed or removed, for descriptors of lower bodies (moves.c). */
#ifndef MONITOR_MOVES_H
#define MONITOR_MOVES_H

#include "namei.h"

/* The view has done this to what was found at the paths before. */
void moves_removed(const struct um_path *path);
void moves_renamed(const struct um_path *from, const struct um_path *to, bool exchange);

bool moves_any(void);

/* Lead the view path of a lower body (PATH_MAX bytes), as the mount has it, to where it is now.  0; -ENOENT: removed, from
 * where @path says then; -ENAMETOOLONG. */
int moves_follow(const struct um_mount *mount, char *path);

/* The mount ends. */
void moves_forget(const struct um_mount *mount);

#endif
