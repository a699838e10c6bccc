/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stack that stands on a tree which is no directory of the host: see layers.h, struct layers_below.
 *
 * That tree is the last of the lower layers.  What it says of a path is taken as it is: its attributes may be virtual,
 * its bodies lie in many places, and it has its own whiteouts, which are not seen here.  So nothing is looked up below
 * a directory of this layer; it is always asked with the path.
 */
#include "layers_internal.h"

bool is_below(const struct layers *l, unsigned layer)
{
	return l->below && layer == l->nlower;
}

/* As lower_walk(), in this layer alone. */
int below_walk(struct layers *l, const char *path, size_t *end, struct lnode *out, char *target)
{
	char unused[PATH_MAX];
	struct layers_node node = {.fd = -1};
	int r = l->below->walk(l->below->arg, path, end, &node, target ? target : unused);

	if (r < 0)
		return r;
	*out = (struct lnode){.fd = r == 0 ? node.fd : -1, .layer = l->nlower};
	out->elsewhere = node.where == LAYERS_UPPER || node.elsewhere;
	out->merged = node.where == LAYERS_MERGED;
	if (r == 1)
		return 1;
	r = l->below->stat(l->below->arg, path, &node, &out->st);
	if (r < 0) {
		lnode_put(out);
		return r;
	}
	out->mask = S_ISDIR(out->st.stx_mode) ? 1u << l->nlower : 0;
	return 0;
}

/* The first @end bytes of @path: a descriptor of the body and attributes. */
int below_child(struct layers *l, const char *path, size_t end, struct lnode *out)
{
	char prefix[PATH_MAX];
	size_t unused;
	int r;

	memcpy(prefix, path, end);
	prefix[end] = '\0';
	r = below_walk(l, prefix, &unused, out, NULL);
	return r == 1 ? -ELOOP : r;
}

/* open(2) of something in a lower layer; @flags change nothing. */
int lower_open(struct layers *l, unsigned layer, const char *path, int flags)
{
	if (is_below(l, layer))
		return l->below->open(l->below->arg, path, flags);
	return beneath_open(l->layer[layer].fd, path, flags, 0);
}

/* May the real user list and search this directory of a lower layer? */
bool lower_accessible(struct layers *l, const struct lnode *n, const char *path)
{
	char name[64];

	if (!is_below(l, n->layer))
		return faccessat(l->layer[n->layer].fd, path[0] ? path : ".", R_OK | X_OK, 0) == 0;
	snprintf(name, sizeof name, "/proc/self/fd/%d", n->fd);
	return faccessat(AT_FDCWD, name, R_OK | X_OK, 0) == 0;
}

ssize_t lower_getxattr(struct layers *l, const struct lnode *n, const char *path, const char *name, void *value,
		       size_t size)
{
	struct obj o = OBJ_FD(n->fd);

	if (is_below(l, n->layer))
		return l->below->getxattr(l->below->arg, path, name, value, size);
	return obj_getxattr(&o, name, value, size);
}

ssize_t lower_listxattr(struct layers *l, const struct lnode *n, const char *path, char *list, size_t size)
{
	struct obj o = OBJ_FD(n->fd);

	if (is_below(l, n->layer))
		return l->below->listxattr(l->below->arg, path, list, size);
	return obj_listxattr(&o, list, size);
}
