/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The -o string of mount(8), split into what mount(2) takes: flags, and the rest as data.
 */
#ifndef CMD_MOUNTOPTS_H
#define CMD_MOUNTOPTS_H

#include <stdbool.h>

enum mount_access { MOUNT_UNSAID, MOUNT_RO, MOUNT_RW };

struct mount_options {
	unsigned long flags;    /* MS_*, without propagation flags */
	unsigned long propagation; /* MS_PRIVATE and its kin, with MS_REC if it is for the tree; 0: none */
	enum mount_access access; /* what was said last: ro, or rw or rw+ */
	char *data;             /* what the file system type gets, "" if nothing; owned */
};

/* Add the options of one -o argument; later ones win. */
void mount_options_add(struct mount_options *o, const char *string);
/* Take the next option of a string, which is cut up; a comma between double quotes is part of one.  NULL: no more. */
char *mount_options_next(char **rest);
/* Put one option before the others in the data. */
void mount_options_data_first(struct mount_options *o, const char *option);

#endif
