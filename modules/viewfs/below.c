// SPDX-License-Identifier: GPL-2.0-or-later
/* What a mount stands on: the view's tree, as it was before the mount, in the shape that the layers want. */
#include <errno.h>

#include "viewfs.h"

static int b_walk(void *arg, const char *path, size_t *end, struct layers_node *out, char *target)
{
	struct um_fs *fs = arg;
	struct um_node node = { .fd = -1 };
	int err = fs->below_ops->walk(fs->below_fs, path, end, &node, target);

	if (err < 0)
		return err;
	*out = (struct layers_node){ .fd = node.fd, .type = node.type };
	out->where = node.body == UM_BODY_HOST ? LAYERS_LOWER : node.body == UM_BODY_MERGED ? LAYERS_MERGED : LAYERS_UPPER;
	return err;
}

static bool b_untouched(void *arg, const char *path)
{
	struct um_fs *fs = arg;

	return fs->below_ops->untouched(fs->below_fs, path);
}

static int b_stat(void *arg, const char *path, const struct layers_node *found, struct statx *st)
{
	bool elsewhere = found->elsewhere || found->where == LAYERS_UPPER;
	struct um_fs *fs = arg;
	struct um_node node = { .fd = found->fd, .type = found->type };

	node.body = elsewhere ? UM_BODY_ELSEWHERE : found->where == LAYERS_MERGED ? UM_BODY_MERGED : UM_BODY_HOST;
	return fs->below_ops->stat(fs->below_fs, path, &node, st);
}

static int b_statfs(void *arg, const char *path, struct statfs *st)
{
	struct um_fs *fs = arg;

	return fs->below_ops->statfs(fs->below_fs, path, st);
}

static int b_open(void *arg, const char *path, int flags)
{
	static const struct um_owner nobody = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct um_fs *fs = arg;

	return fs->below_ops->open(fs->below_fs, path, flags, 0, &nobody);
}

static ssize_t b_getxattr(void *arg, const char *path, const char *name, void *value, size_t size)
{
	struct um_fs *fs = arg;

	return fs->below_ops->getxattr(fs->below_fs, path, name, value, size);
}

static ssize_t b_listxattr(void *arg, const char *path, char *list, size_t size)
{
	struct um_fs *fs = arg;

	return fs->below_ops->listxattr(fs->below_fs, path, list, size);
}

static int b_readdir(void *arg, const char *path, layers_dirent_fn *fn, void *fnarg)
{
	struct um_fs *fs = arg;

	return fs->below_ops->readdir(fs->below_fs, path, fn, fnarg);
}

static uint64_t b_generation(void *arg)
{
	struct um_fs *fs = arg;

	return fs->below_ops->generation(fs->below_fs);
}

static int b_path_of(void *arg, const char *host, char *path)
{
	struct um_fs *fs = arg;

	return fs->below_ops->path_of(fs->below_fs, host, path);
}

/* Of the mount's own all have one from the start. */
int below_body(struct um_fs *fs, const char *path)
{
	return fs->below_ops != NULL && fs->below_ops->body != NULL ? fs->below_ops->body(fs->below_fs, path) : -EOPNOTSUPP;
}

void below_set(struct um_fs *fs, struct um_mount_args *args, struct layers_config *config)
{
	if (args->below == NULL)
		return;
	fs->below_ops = args->below;
	fs->below_fs = args->below_fs;
	fs->below = (struct layers_below){
		.arg = fs, .walk = b_walk, .untouched = b_untouched, .stat = b_stat, .statfs = b_statfs, .open = b_open,
		.getxattr = b_getxattr, .listxattr = b_listxattr, .readdir = b_readdir, .generation = b_generation,
		.path_of = b_path_of,
	};
	config->below = &fs->below;
	args->uses_below = true;
}
