/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories of changes, as viewdiff, viewapply, viewdiscard and viewexport take them.
 */
#ifndef CMD_LAYERDIR_H
#define CMD_LAYERDIR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "layers/layers.h"

struct layerdir {
	struct layers *l;
	char upper[PATH_MAX];  /* absolute */
	char target[PATH_MAX]; /* the real tree: absolute, "/" or without trailing '/' */
	bool owners;	       /* owners in it mean something */
};

/**
 * layerdir_open() - open a directory of changes together with the tree that it changes
 * @dir:	as given by the user
 * @target:	the real tree, or NULL: the one that the view had, "/" if that is not known
 *
 * Says what is wrong and exits 1 on any error.
 */
void layerdir_open(struct layerdir *d, const char *dir, const char *target);
void layerdir_close(struct layerdir *d);

/* A change, kept. */
struct change {
	struct layers_diff_entry e; /* e.path is owned */
	bool skip;		    /* for the command's own use */
};

struct changes {
	struct change *change;
	size_t count, room;
};

/* All changes, parents before what is in them.  Exits 1 on an error. */
void layerdir_changes(struct layerdir *d, struct changes *changes);
void changes_free(struct changes *changes);

/* "/PATH" in the real tree; one of two static buffers */
const char *layerdir_real(const struct layerdir *d, const char *path);
/* The same to standard output; what would disturb a list of lines is written as \ooo. */
void layerdir_print(const struct layerdir *d, const char *path);

/* "-rwxr-xr-x", as ls writes it */
void mode_text(unsigned mode, char text[11]);
/* "file", "dir", "symlink", "pipe", "socket", "block", "char" */
const char *type_text(unsigned mode);

#endif
