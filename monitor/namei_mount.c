// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which mount owns a view path, and which view path a host path has: the two directions of the mount table.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "moves.h"
#include "namei.h"
#include "node.h"

struct confirm {
	const struct um_view *view;
	const struct hashtab_scope *scope;
	const char *path;
};

/* Is @path equal to or below @prefix? Both without trailing '/'; "" is the root. */
static bool below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* A mount does not own what it was told to leave out, and nothing in a node that has unmounted it. */
static bool confirm_mount(void *arg, const struct hashtab_entry *entry, const char *key, size_t keylen)
{
	struct confirm *c = arg;
	struct um_mount *mount = c->view->mounts[entry->owner];

	(void)key, (void)keylen;
	if (mount == NULL || (mount->nchanges > 0 && !mount_in_scope(c->scope, mount)))
		return false;
	for (char **except = mount->except; except != NULL && *except != NULL; except++)
		if (below(c->path, *except))
			return false;
	return true;
}

struct um_mount *mount_at(struct um_view *view, const struct hashtab_scope *seen, const char *path, const char **rel)
{
	struct confirm arg = { view, seen, path };
	struct hashtab_scope scope = *seen;
	struct hashtab_entry entry;
	struct um_mount *mount = view->host;
	size_t skip = 0;

	scope.confirm = confirm_mount;
	scope.arg = &arg;
	if (hashtab_npaths(view->table) > 0 &&
	    hashtab_find_path(view->table, path, strlen(path), &scope, &entry) == 0) {
		mount = view->mounts[entry.owner];
		skip = entry.keylen;
	}
	*rel = path + skip + (path[skip] == '/');
	return mount;
}

struct um_mount *view_mount_of(struct um_view *view, const struct um_state *state, const char *path, const char **rel)
{
	struct hashtab_scope scope = view_scope(view, state);

	return mount_at(view, &scope, path, rel);
}

bool mount_stands_on(const struct um_mount *mount, const char *host)
{
	if (mount->origin != NULL)
		mount = mount->origin;
	return mount->below != NULL && mount->body != NULL && !below(host, mount->body);
}

/* Is this host path, which a mount shows at @path, of a body that is not its own? */
static bool is_lower(const struct um_mount *mount, const char *host, const char *path)
{
	return strcmp(path, host) == 0 || mount_stands_on(mount, host);
}

/* The view path of a host path by one mount, or -ENOENT. */
static int path_of(const struct um_mount *mount, const char *host, char *buf)
{
	char rel[PATH_MAX], *rest = rel;

	if (mount->type->ops->path_of == NULL || mount->type->ops->path_of(mount->fs, host, rel) < 0)
		return -ENOENT;
	if (mount->origin != NULL && *mount->prefix != '\0') {
		if (!below(rel, mount->prefix))
			return -ENOENT;
		rest += strlen(mount->prefix);
		rest += *rest == '/';
	}
	return snprintf(buf, PATH_MAX, "%s%s%s", mount->target, *rest ? "/" : "", rest) >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/*
 * A body may be shown in several places.  Below a virtual root, the place there is meant; then one that no other mount
 * covers; then that of the mount which is no bind; then the newest.
 */
int path_of_host(struct um_view *view, const struct hashtab_scope *scope, const char *root, const char *host, char *buf)
{
	bool rooted = *root != '\0', one = view->nmounts <= 1;
	const char *rel;
	int err;

	for (int pass = rooted ? 0 : one ? 4 : 2; pass < 6; pass++) {
		bool below_root = pass < 2, seen = pass < 4, binds = pass & 1;

		for (size_t i = view->nmounts; i-- > 0;) {
			const struct um_mount *mount = view->mounts[i];

			if (mount == NULL || (mount->origin != NULL) != binds || !mount_in_scope(scope, mount) ||
			    (mount->kernel && !(below_root && below(mount->target, root))))
				continue;
			/* Of a bind of "/" somewhere in it, what is meant is hardly ever the second name. */
			if (mount->native != NULL && !below_root && below(mount->target, mount->native))
				continue;
			err = path_of(mount, host, buf);
			if (err == -ENAMETOOLONG)
				return err;
			if (err < 0 || (below_root && !below(buf, root)) ||
			    (seen && mount_at(view, scope, buf, &rel) != mount))
				continue;
			return moves_any() && !binds && is_lower(mount, host, buf) ? moves_follow(mount, buf) : 0;
		}
	}
	snprintf(buf, PATH_MAX, "%s", strcmp(host, "/") == 0 ? "" : host);
	return 0;
}

int view_path_of_host(struct um_view *view, const struct um_state *state, const char *host, char *buf)
{
	struct hashtab_scope scope = view_scope(view, state);

	return path_of_host(view, &scope, state->root, host, buf);
}

/* The view path of a host path by a mount that is known to be meant, where the view has its body now.  -ENOENT: it is not
 * in it; -ESTALE: it was removed from the path that is in @buf. */
static int known_path_of(const struct um_mount *mount, const char *host, char *buf)
{
	const struct um_mount *origin = mount->origin ? mount->origin : mount;
	char first[PATH_MAX];
	const char *rest;
	bool gone;
	int err;

	if (!moves_any())
		return path_of(mount, host, buf);
	err = path_of(origin, host, first);
	if (err < 0)
		return err;
	gone = is_lower(origin, host, first) && moves_follow(origin, first) < 0;
	if (mount == origin) {
		strcpy(buf, first);
		return gone ? -ESTALE : 0;
	}
	rest = first + strlen(origin->target) + 1;
	if (!below(rest, mount->prefix) && *mount->prefix != '\0')
		return -ENOENT;
	rest += strlen(mount->prefix);
	rest += *rest == '/';
	if (snprintf(buf, PATH_MAX, "%s%s%s", mount->target, *rest ? "/" : "", rest) >= PATH_MAX)
		return -ENAMETOOLONG;
	return gone ? -ESTALE : 0;
}

int view_path_by(struct um_view *view, const struct um_state *state, uint64_t place, const char *host, char *buf)
{
	const char *rel;
	int err;

	if (place == STATE_CWD_HOST && view_mount_of(view, state, host, &rel) == view->host) {
		snprintf(buf, PATH_MAX, "%s", host);
		return 0;
	}
	for (size_t i = 0; place != 0 && i < view->nmounts; i++) {
		const struct um_mount *mount = view->mounts[i];

		if (mount == NULL || mount->epoch + 1 != place || !mount_seen(view, state, mount))
			continue;
		err = known_path_of(mount, host, buf);
		if (err == -ESTALE || (err == 0 && view_mount_of(view, state, buf, &rel) == mount))
			return err == 0 ? 0 : -ENOENT;
	}
	return view_path_of_host(view, state, host, buf);
}

bool view_has_places(const struct um_view *view)
{
	return view->nmounts > 1 || (view->nmounts == 1 && view->mounts[0] != NULL && view->mounts[0]->native != NULL);
}

uint64_t view_cwd_of(struct um_view *view, const struct um_state *state, const struct um_path *path, int body)
{
	char link[40], host[PATH_MAX], usual[PATH_MAX];
	ssize_t n;

	if (!view_has_places(view))
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", body);
	n = readlink(link, host, sizeof(host) - 1);
	if (n <= 0)
		return 0;
	host[n] = '\0';
	if (view_path_of_host(view, state, host, usual) == 0 && strcmp(usual, path->view) == 0)
		return 0;
	return path->mount == view->host ? STATE_CWD_HOST : path->mount->epoch + 1;
}

const char *state_path(const struct um_state *state, const char *view_path)
{
	if (!below(view_path, state->root))
		return NULL;
	view_path += strlen(state->root);
	return *view_path ? view_path : "/";
}
