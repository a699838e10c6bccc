/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the view has renamed, replaced or removed, for descriptors of lower bodies (moves.c). */
#ifndef MONITOR_MOVES_H
#define MONITOR_MOVES_H

#include "namei.h"

/* The view has done this to what was found at the paths before. */
void moves_removed(const struct um_path *path);
void moves_renamed(const struct um_path *from, const struct um_path *to, bool exchange);

/* Is anything noted?  And of a lower inode of this number: false is certain. */
bool moves_any(void);
bool moves_may_be(uint64_t ino);

/* Lead the view path of a lower body (PATH_MAX bytes), as the mount has it, to where it is now.  0; -ENOENT: removed, from
 * where @path says then; -ENAMETOOLONG. */
int moves_follow(const struct um_mount *mount, char *path);

/* The mount ends. */
void moves_forget(const struct um_mount *mount);

#endif
