/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ttys: the owners that the view's root gave to pseudo terminals. */
#ifndef MONITOR_TTYS_H
#define MONITOR_TTYS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "call.h"

bool ttys_any(void);
/* Show the owner, if it is such a terminal. */
void tty_patch(struct statx *st);
/* Change owner or mode of what @fd (of any kind) is open on.  0 or a negative errno; UM_CONTINUE: the kernel's to do. */
int64_t tty_chown(struct um_call *call, int fd, uid_t uid, gid_t gid);
int64_t tty_chmod(struct um_call *call, int fd, mode_t mode);

#endif
