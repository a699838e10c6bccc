// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which mount owns a view path, and which view path a host path has: the two directions of the mount table.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "namei.h"

struct confirm {
	struct um_view *view;
	const char *path;
};

/* Is @path equal to or below @prefix? Both without trailing '/'; "" is the root. */
static bool below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* A mount does not own what it was told to leave out. */
static bool confirm_mount(void *arg, const struct hashtab_entry *entry, const char *key, size_t keylen)
{
	struct confirm *c = arg;
	struct um_mount *mount = c->view->mounts[entry->owner];

	(void)key, (void)keylen;
	if (mount == NULL)
		return false;
	for (char **except = mount->except; except != NULL && *except != NULL; except++)
		if (below(c->path, *except))
			return false;
	return true;
}

struct um_mount *view_mount_of(struct um_view *view, const struct um_state *state, const char *path, const char **rel)
{
	static const uint64_t births[1] = { UINT64_MAX };
	uint32_t nodes[1] = { state ? state->node : 0 };
	struct confirm arg = { view, path };
	struct hashtab_scope scope = { UINT64_MAX, nodes, births, 1, confirm_mount, &arg };
	struct hashtab_entry entry;
	struct um_mount *mount = view->host;
	size_t skip = 0;

	if (hashtab_npaths(view->table) > 0 &&
	    hashtab_find_path(view->table, path, strlen(path), &scope, &entry) == 0) {
		mount = view->mounts[entry.owner];
		skip = entry.keylen;
	}
	*rel = path + skip + (path[skip] == '/');
	return mount;
}

/*
 * Lower directories that the view has renamed or removed.  A process that has one open, or works in it, holds the lower
 * body still; by these it is led to where the view has the directory now.  Only the last few are kept.
 */
#define MOVED_MAX 256

struct moved {
	const struct um_mount *mount;
	char *from;             /* view path that it had, which is its host path as well */
	char *to;               /* view path that it has; NULL: removed */
};

static struct moved moves[MOVED_MAX];
static unsigned nmoves; /* ever made */

void view_moved(const struct um_mount *mount, const char *from, const char *to)
{
	struct moved *m = &moves[nmoves % MOVED_MAX];

	free(m->from);
	free(m->to);
	*m = (struct moved){ mount, strdup(from), to ? strdup(to) : NULL };
	nmoves++;
}

bool view_has_moved(void)
{
	return nmoves > 0;
}

/* Lead the view path of a lower body to where it is now.  0, or -ENOENT: removed. */
static int follow_moves(const struct um_mount *mount, char *path)
{
	unsigned first = nmoves > MOVED_MAX ? nmoves - MOVED_MAX : 0;
	char tail[PATH_MAX];

	for (unsigned i = first; i < nmoves; i++) {
		const struct moved *m = &moves[i % MOVED_MAX];

		if (m->mount != mount || m->from == NULL || !below(path, m->from))
			continue;
		if (m->to == NULL)
			return -ENOENT;
		strcpy(tail, path + strlen(m->from));
		if (snprintf(path, PATH_MAX, "%s%s", m->to, tail) >= PATH_MAX)
			return -ENAMETOOLONG;
	}
	return 0;
}

int view_path_of_host(struct um_view *view, const struct um_state *state, const char *host, char *buf)
{
	char rel[PATH_MAX];

	/* Newest first.  A body may be shown in several places: below a virtual root, the place there is meant. */
	for (int rooted = *state->root != '\0'; rooted >= 0; rooted--) {
		for (size_t i = view->nmounts; i-- > 0;) {
			struct um_mount *mount = view->mounts[i];
			int n;

			if (mount == NULL || mount->type->ops->path_of == NULL ||
			    (mount->kernel && !(rooted && below(mount->target, state->root))) ||
			    mount->type->ops->path_of(mount->fs, host, rel) < 0)
				continue;
			n = snprintf(buf, PATH_MAX, "%s%s%s", mount->target, *rel ? "/" : "", rel);
			if (n >= PATH_MAX)
				return -ENAMETOOLONG;
			if (rooted && !below(buf, state->root))
				continue;
			return nmoves > 0 && strcmp(buf, host) == 0 ? follow_moves(mount, buf) : 0;
		}
	}
	snprintf(buf, PATH_MAX, "%s", strcmp(host, "/") == 0 ? "" : host);
	return 0;
}

const char *state_path(const struct um_state *state, const char *view_path)
{
	if (!below(view_path, state->root))
		return NULL;
	view_path += strlen(state->root);
	return *view_path ? view_path : "/";
}
