// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * older: what a node of the view showed before a mount, in the shape of a file system.
 *
 * A copy-on-write mount over what older mounts show (--cow inside of a --cow view, or over a bind) stands on this and
 * not on the host's tree.  It is a scope of the table: all entries that are older than the mount; so what stands on it
 * can never be asked by it, and nesting ends.  The mounts in it stay as long as it does, whoever unmounts them
 * meanwhile (mounts_collect).
 *
 * Operations that change nothing, and no others.
 */
#include "older.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "namei.h"
#include "node.h"

struct um_fs {
	struct um_view *view;
	struct hashtab_scope scope; /* its arrays are owned */
	char *target;           /* view path; owned */
	struct um_mount **mounts; /* what may be seen, oldest first; owned */
	size_t nmounts;
	struct um_mount **tops; /* those that no other one of them stands on: their generations are all that count; owned */
	size_t ntops;
	unsigned depth;         /* of what stands on each other, with the mount that stands on this */
};

#define DEPTH_MAX 16            /* an operation goes through all of them, on one stack */

static bool is_below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

void older_free(struct um_fs *older)
{
	if (older == NULL)
		return;
	free((void *)older->scope.nodes);
	free((void *)older->scope.births);
	free(older->target);
	free(older->mounts);
	free(older->tops);
	free(older);
}

bool older_has(const struct um_fs *older, const struct um_mount *mount)
{
	for (size_t i = 0; i < older->nmounts; i++)
		if (older->mounts[i] == mount || older->mounts[i]->origin == mount)
			return true;
	return false;
}

static void *copy(const void *from, size_t size)
{
	void *to = malloc(size);

	return to != NULL ? memcpy(to, from, size) : NULL;
}

/* Does no other one of them stand on it, which has its generation in its own? */
static bool is_top(const struct um_fs *o, const struct um_mount *mount)
{
	for (size_t i = 0; i < o->nmounts; i++)
		if (o->mounts[i]->below != NULL && older_has(o->mounts[i]->below, mount))
			return false;
	return mount->origin == NULL && mount->type->ops->generation != NULL;
}

bool older_too_deep(const struct um_fs *older)
{
	return older->depth > DEPTH_MAX;
}

struct um_fs *older_new(struct um_view *view, const struct um_state *state, const char *target)
{
	const struct hashtab_scope *scope = &view_node(view, state)->scope;
	struct um_fs *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->view = view;
	o->target = strdup(target);
	o->scope = *scope;
	o->scope.epoch = hashtab_epoch(view->table);
	o->scope.nodes = copy(scope->nodes, scope->nnodes * sizeof(*scope->nodes));
	o->scope.births = copy(scope->births, scope->nnodes * sizeof(*scope->births));
	o->mounts = calloc(view->nmounts + 1, sizeof(struct um_mount *));
	o->tops = calloc(view->nmounts + 1, sizeof(struct um_mount *));
	for (size_t i = 0; o->mounts != NULL && i < view->nmounts; i++) {
		struct um_mount *m = view->mounts[i];

		if (m != NULL && mount_seen(view, state, m) && (is_below(m->target, target) || is_below(target, m->target)))
			o->mounts[o->nmounts++] = m;
	}
	o->depth = 1;
	for (size_t i = 0; i < o->nmounts; i++)
		if (o->mounts[i]->below != NULL && o->mounts[i]->below->depth >= o->depth)
			o->depth = o->mounts[i]->below->depth + 1;
	for (size_t i = 0; o->tops != NULL && i < o->nmounts; i++)
		if (is_top(o, o->mounts[i]))
			o->tops[o->ntops++] = o->mounts[i];
	if (o->nmounts == 0 || o->target == NULL || o->tops == NULL || o->scope.nodes == NULL || o->scope.births == NULL) {
		older_free(o);
		return NULL;
	}
	return o;
}

/* --- operations --------------------------------------------------------------------------------------------------- */

/* Whose it is; um_path_put() when done. */
static int place(struct um_fs *o, const char *path, struct um_path *p)
{
	um_path_init(p);
	if (snprintf(p->view, PATH_MAX, "%s%s%s", o->target, *path ? "/" : "", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	return um_path_place_in(o->view, &o->scope, p);
}

static int walk(struct um_fs *o, const char *path, size_t *end, struct um_path *p, char *target)
{
	size_t above = strlen(o->target) + 1;
	int err = place(o, path, p);

	*end = 0;
	if (err < 0)
		return err;
	err = um_path_walk(p, end, target);
	*end = *end > above ? *end - above : 0;
	/* The body of a bind is at the same path as the file only in the mount that it shows. */
	if (err >= 0 && p->mount->origin != NULL && p->node.body != UM_BODY_NONE)
		p->node.body = UM_BODY_ELSEWHERE;
	if (err == 1)
		p->node.fd = -1;
	return err;
}

static int older_walk(struct um_fs *o, const char *path, size_t *end, struct um_node *node, char *target)
{
	struct um_path p;
	int err = walk(o, path, end, &p, target);

	if (err >= 0) {
		*node = p.node;
		p.node.fd = -1; /* the caller's */
	}
	um_path_put(&p);
	return err;
}

static bool older_untouched(struct um_fs *o, const char *path)
{
	struct um_path p;
	bool untouched = false;

	if (place(o, path, &p) == 0) {
		if (p.mount == o->view->host)
			untouched = true;
		else if (p.mount->origin == NULL && UM_OPS(&p)->untouched != NULL)
			untouched = UM_OPS(&p)->untouched(UM_FS(&p), p.rel);
	}
	um_path_put(&p);
	return untouched;
}

/* @node: what older_walk() found. */
static int older_stat(struct um_fs *o, const char *path, const struct um_node *node, struct statx *st)
{
	struct um_path p;
	int err = place(o, path, &p);

	if (err == 0)
		err = UM_OPS(&p)->stat(UM_FS(&p), p.rel, node, st);
	um_path_put(&p);
	return err;
}

static int older_open(struct um_fs *o, const char *path, int flags, mode_t mode, const struct um_owner *owner)
{
	struct um_path p;
	int err = place(o, path, &p);

	if (err == 0)
		err = UM_OPS(&p)->open(UM_FS(&p), p.rel, flags, mode, owner);
	um_path_put(&p);
	return err;
}

static int older_statfs(struct um_fs *o, const char *path, struct statfs *st)
{
	struct um_path p;
	int err = place(o, path, &p);

	if (err == 0)
		err = UM_OPS(&p)->statfs(UM_FS(&p), p.rel, st);
	um_path_put(&p);
	return err;
}

static int older_body(struct um_fs *o, const char *path)
{
	struct um_path p;
	int err = place(o, path, &p);

	if (err == 0)
		err = UM_OPS(&p)->body != NULL ? UM_OPS(&p)->body(UM_FS(&p), p.rel) : -EOPNOTSUPP;
	um_path_put(&p);
	return err;
}

static ssize_t older_getxattr(struct um_fs *o, const char *path, const char *name, void *value, size_t size)
{
	struct um_path p;
	ssize_t n = place(o, path, &p);

	if (n == 0)
		n = UM_OPS(&p)->getxattr(UM_FS(&p), p.rel, name, value, size);
	um_path_put(&p);
	return n;
}

static ssize_t older_listxattr(struct um_fs *o, const char *path, char *list, size_t size)
{
	struct um_path p;
	ssize_t n = place(o, path, &p);

	if (n == 0)
		n = UM_OPS(&p)->listxattr(UM_FS(&p), p.rel, list, size);
	um_path_put(&p);
	return n;
}

/* As getdents(2) gives it. */
static int list_body(int fd, um_dirent_fn *fn, void *arg)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	int err = 0;

	if (fd < 0)
		return fd;
	if (dir == NULL) {
		close(fd);
		return -ENOMEM;
	}
	for (errno = 0; err == 0 && (d = readdir(dir)) != NULL; errno = 0)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			err = fn(arg, d->d_name, d->d_ino, d->d_type);
	if (err == 0)
		err = -errno;
	closedir(dir);
	return err;
}

static int older_readdir(struct um_fs *o, const char *path, um_dirent_fn *fn, void *arg)
{
	static const struct um_owner nobody = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct um_path p;
	int err = place(o, path, &p);

	if (err == 0 && UM_OPS(&p)->readdir != NULL)
		err = UM_OPS(&p)->readdir(UM_FS(&p), p.rel, fn, arg);
	else if (err == 0)
		err = list_body(UM_OPS(&p)->open(UM_FS(&p), p.rel, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, &nobody), fn, arg);
	um_path_put(&p);
	return err;
}

static uint64_t older_generation(struct um_fs *o)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < o->ntops; i++)
		sum += o->tops[i]->type->ops->generation(o->tops[i]->fs);
	return sum;
}

static int older_path_of(struct um_fs *o, const char *host, char *path)
{
	char view[PATH_MAX];
	int err = path_of_host(o->view, &o->scope, "", host, view);

	if (err < 0)
		return err;
	if (!is_below(view, o->target))
		return -ENOENT;
	strcpy(path, view + strlen(o->target) + (view[strlen(o->target)] == '/'));
	return 0;
}

const struct um_fs_ops older_ops = {
	.walk = older_walk,
	.untouched = older_untouched,
	.stat = older_stat,
	.statfs = older_statfs,
	.open = older_open,
	.body = older_body,
	.getxattr = older_getxattr,
	.listxattr = older_listxattr,
	.readdir = older_readdir,
	.generation = older_generation,
	.path_of = older_path_of,
};
