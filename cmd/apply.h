/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewapply's two passes.
 */
#ifndef CMD_APPLY_H
#define CMD_APPLY_H

#include "layerdir.h"

struct apply {
	struct layerdir dir;
	struct changes changes;
	int root; /* O_PATH of the real tree */
	bool force, verbose;
};

/* Look whether all of it can be done; says what cannot.  Return: how much that is. */
unsigned apply_check(struct apply *ap);
/* Do it.  Exits 1 at the first error. */
void apply_all(struct apply *ap);
/* Only say it. */
void apply_list(struct apply *ap);

/* The directory of a path in the real tree, with no symbolic link on the way, and the last name. -errno. */
int apply_parent(const struct apply *ap, const char *path, const char **name);

#endif
