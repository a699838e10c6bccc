// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What operations ask of a path that namei() has found: attributes, permission, its parent, its contents.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "namei.h"
#include "node.h"
#include "procfs.h"
#include "ttys.h"

void um_path_drop(struct um_path *path)
{
	if (path->node.fd >= 0)
		close(path->node.fd);
	path->node.fd = -1;
}

void um_path_put(struct um_path *path)
{
	um_path_drop(path);
	free(path->bound);
	path->bound = NULL;
	path->rel = NULL;
}

int um_path_place_in(struct um_view *view, const struct hashtab_scope *scope, struct um_path *path)
{
	const char *prefix;
	size_t size;

	path->mount = mount_at(view, scope, path->view, &path->rel);
	free(path->bound);
	path->bound = NULL;
	if (path->mount->origin == NULL)
		return 0;
	prefix = path->mount->prefix;
	size = strlen(prefix) + 1 + strlen(path->rel) + 1;
	if (size > PATH_MAX)
		return -ENAMETOOLONG;
	path->bound = malloc(size);
	if (path->bound == NULL)
		return -ENOMEM;
	snprintf(path->bound, size, "%s%s%s", prefix, *prefix && *path->rel ? "/" : "", path->rel);
	path->rel = path->bound;
	return 0;
}

int um_path_place(struct um_view *view, const struct um_state *state, struct um_path *path)
{
	struct hashtab_scope scope = view_scope(view, state);

	return um_path_place_in(view, &scope, path);
}

int um_path_walk(struct um_path *path, size_t *end, char *target)
{
	int err = UM_OPS(path)->walk(UM_FS(path), path->rel, end, &path->node, target);
	/* Both strings end alike. */
	size_t more = strlen(path->view), less = strlen(path->rel);

	if (err == 1 && less - *end > more) {
		close(path->node.fd); /* a bind's source has a link above it by now */
		path->node.fd = -1;
		return -ENOENT;
	}
	*end = less - *end > more ? 0 : more - (less - *end);
	return err;
}

/* One of a module's places is no mount to see: it is on the device of its directory. */
static int device_of_parent(struct um_call *call, const struct um_path *path, struct statx *st)
{
	struct um_path parent = UM_PATH_INIT;
	struct statx dir;
	int err = um_path_parent(call, path, &parent);

	if (err == 0)
		err = um_path_stat(call, &parent, &dir);
	if (err == 0) {
		st->stx_dev_major = dir.stx_dev_major;
		st->stx_dev_minor = dir.stx_dev_minor;
	}
	um_path_put(&parent);
	return err;
}

int um_path_stat(struct um_call *call, struct um_path *path, struct statx *st)
{
	int err = UM_OPS(path)->stat(UM_FS(path), path->rel, path->exists ? &path->node : NULL, st);

	if (err == 0 && path->mount == call->view->host) {
		tty_patch(st);
		procfs_patch_owner(call, path->view, st);
	}
	return err == 0 && path->mount->hidden ? device_of_parent(call, path, st) : err;
}

int um_path_permission(struct um_call *call, struct um_path *path, int mask)
{
	const struct um_state *state = call->state;
	struct statx st;
	char name[40];
	int err;

	/* Devices, fifos and sockets can be written to wherever they are. */
	if ((mask & W_OK) &&
	    (path->node.type == S_IFREG || path->node.type == S_IFDIR || path->node.type == S_IFLNK) &&
	    mount_readonly(call->view, state, path->mount))
		return -EROFS;
	if (mask == F_OK)
		return 0;
	if (UM_OPS(path)->permission != NULL) {
		err = UM_OPS(path)->permission(UM_FS(path), path->rel, mask);
		if (err <= 0)
			return err;
	}
	if (state->virtual_ids && !(mask & X_OK) && ids_capable(&state->ids, CAP_DAC_OVERRIDE))
		return 0;
	if (!state->virtual_ids && path->node.body == UM_BODY_HOST && path->node.fd >= 0) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", path->node.fd);
		return faccessat(AT_FDCWD, name, mask, AT_EACCESS) < 0 ? -errno : 0;
	}
	err = um_path_stat(call, path, &st);
	return err < 0 ? err : ids_permission(&state->ids, st.stx_uid, st.stx_gid, st.stx_mode, mask);
}

int um_path_parent(struct um_call *call, const struct um_path *path, struct um_path *parent)
{
	char target[PATH_MAX];
	char *slash;
	size_t end;
	int err;

	um_path_init(parent);
	strcpy(parent->view, path->view);
	slash = strrchr(parent->view, '/');
	if (slash != NULL)
		*slash = '\0';
	err = um_path_place(call->view, call->state, parent);
	if (err == 0)
		err = um_path_walk(parent, &end, target);
	if (err != 0)
		return err < 0 ? err : -ENOENT;
	parent->exists = true;
	return 0;
}

int um_path_parent_permission(struct um_call *call, struct um_path *path, bool victim)
{
	const struct um_state *state = call->state;
	struct um_path parent = UM_PATH_INIT;
	struct statx st, victim_st;
	int err;

	if (mount_readonly(call->view, state, path->mount))
		return -EROFS;
	if (state->virtual_ids && ids_capable(&state->ids, CAP_DAC_OVERRIDE) && ids_capable(&state->ids, CAP_FOWNER))
		return 0;
	if (path->mount == call->view->host)
		return 0; /* performed as the real user: the kernel decides */
	err = um_path_parent(call, path, &parent);
	if (err < 0)
		return err;
	err = um_path_permission(call, &parent, W_OK | X_OK);
	if (err == 0)
		err = um_path_stat(call, &parent, &st);
	if (err == 0 && victim && (st.stx_mode & S_ISVTX) && st.stx_uid != state->ids.fsuid &&
	    !ids_capable(&state->ids, CAP_FOWNER)) {
		err = um_path_stat(call, path, &victim_st);
		if (err == 0 && victim_st.stx_uid != state->ids.fsuid)
			err = -EPERM;
	}
	um_path_put(&parent);
	return err;
}

int um_path_open(struct um_call *call, struct um_path *path, int flags)
{
	const struct um_owner owner = { call->state->ids.fsuid, call->state->ids.fsgid, 0 };

	return UM_OPS(path)->open(UM_FS(path), path->rel, flags, 0, &owner);
}

int um_path_body(struct um_path *path)
{
	int fd;

	if (path->node.fd >= 0)
		return 0;
	fd = UM_OPS(path)->body != NULL ? UM_OPS(path)->body(UM_FS(path), path->rel) : -EOPNOTSUPP;
	if (fd >= 0)
		path->node.fd = fd;
	return fd < 0 ? fd : 0;
}
