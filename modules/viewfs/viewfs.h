/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of viewfs. */
#ifndef MODULES_VIEWFS_VIEWFS_H
#define MODULES_VIEWFS_VIEWFS_H

#include <limits.h>
#include <stdbool.h>

#include "../../layers/layers.h"
#include "../include/um_module.h"

#define EXCEPT_MAX 64   /* of the user's */
#define NATIVE_MAX 512  /* the kernel's file systems below the target */

struct um_fs {
	struct layers *layers;
	bool native;            /* "move": the directory is shown as it is */
	bool same_place;        /* the lowest layer is the host's tree at the mount point: "untouched" has a meaning */
	const struct um_fs_ops *below_ops; /* of the older mounts that it stands on, or NULL */
	struct um_fs *below_fs;
	struct layers_below below;
	/* What the last walk found, for the stat that follows it: a walk goes through all that this one stands on. */
	struct layers_node last;
	char last_path[PATH_MAX];
	uint64_t last_generation;
};

enum mode { NO_MODE, MOVE, MERGE, COW, MINCOW };

/* The words behind -o. */
struct options {
	enum mode mode;
	bool vstat, renew, permanent, readonly, kernel;
	char *except[EXCEPT_MAX + NATIVE_MAX + 1]; /* owned */
	unsigned nexcept;
};

/* options.c: 0, or a negative errno with args->why filled.  @o: all zero, and to be freed in any case. */
int options_parse(struct options *o, struct um_mount_args *args);
int options_except(struct options *o, const char *path, struct um_mount_args *args);
void options_free(struct options *o);

/* below.c: have the layers ask for the view's tree as it was before the mount. */
void below_set(struct um_fs *fs, struct um_mount_args *args, struct layers_config *config);
/* An O_PATH descriptor of what is below and has got no body yet. */
int below_body(struct um_fs *fs, const char *path);

/* mount.c */
int viewfs_mount(struct um_fs **out, struct um_mount_args *args);

#endif
