/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rootpath: additions to PATH. */
#ifndef CMD_ROOTPATH_H
#define CMD_ROOTPATH_H

/* Add a directory at the end of PATH unless it is there; @otherwise is the PATH if there is none. */
void path_add(const char *dir, const char *otherwise);
/* Add what root needs and an ordinary user's PATH lacks. */
void root_path(const char *otherwise);

#endif
