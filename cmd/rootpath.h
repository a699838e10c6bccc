/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rootpath: the environment of the view's root. */
#ifndef CMD_ROOTPATH_H
#define CMD_ROOTPATH_H

/* Add to PATH what root needs and an ordinary user's lacks; @otherwise is the PATH if there is none. */
void root_path(const char *otherwise);

#endif
