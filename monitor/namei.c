// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * namei: path resolution in the view.
 *
 * Theory of operation.  A path is resolved in runs: the longest stretch of components without "." and ".." is
 * appended to the canonical directory reached so far, the table says which mount owns the result, and that mount's walk
 * operation goes as far as no symbolic link has to be followed.  A link's target is put in front of what is left,
 * and the next run begins.  Since the directory reached is always canonical, ".." is a matter of text.
 *
 * While it goes on, `pure' says whether the kernel, given the same string by the process, would have come the
 * same way: it is false once the way led through a virtual root, a working directory that is elsewhere, or a link that
 * is not the host's.
 *
 * Beside this file: namei_fast.c (most look-ups), namei_mount.c (which mount), namei_proc.c (/proc), namei_search.c
 * (search permission), namei_start.c (where relative paths begin), path.c (what operations ask of the result).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hostfs.h"
#include "module_host.h"
#include "namei_internal.h"
#include "procfs.h"

#define LINKS_MAX 40

/* Result of a run, beside 0 and 1: NAMEI_NATIVE for the whole path. */
#define GO_NATIVE 2

/* Replace what is left by @target + "/" + @left + "/" + @after. */
static int push_link(struct walk *w, const char *target, const char *left, const char *after)
{
	char rest[PATH_MAX];
	int n;

	if (++w->nlinks > LINKS_MAX || (w->flags & NAMEI_NO_SYMLINKS))
		return -ELOOP;
	if (*target == '\0')
		return -ENOENT;
	while (*left == '/')
		left++;
	while (*after == '/' && after[1] == '/')
		after++;
	n = snprintf(rest, sizeof(rest), "%s%s%s%s", target, *left ? "/" : "", left, after);
	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(w->rest, rest, (size_t)n + 1);
	return 0;
}

/* Cut the last component off the canonical path, but not above the root. */
static int go_up(struct walk *w)
{
	char *slash = strrchr(w->path->view, '/');

	if (strcmp(w->path->view, w->root) == 0)
		return w->flags & NAMEI_BENEATH ? -EXDEV : 0;
	if (slash != NULL)
		*slash = '\0';
	if (strncmp(w->searched, w->path->view, strlen(w->path->view)) == 0)
		w->searched[strlen(w->path->view)] = '\0'; /* those above it stay unasked */
	return 0;
}

/* Length of the stretch of ordinary components at @p, without the '/' at its end. */
static size_t run_length(const char *p)
{
	const char *start = p, *end = p;

	while (*p != '\0') {
		size_t n = strcspn(p, "/");

		if (namei_is_dots(p, n))
			break;
		end = p + n;
		p = end + strspn(end, "/");
	}
	return (size_t)(end - start);
}

/* Append a run to the canonical path, folding repeated '/'. */
static int append_run(char *view, size_t len, const char *run, size_t n)
{
	bool slash = true;

	if (len + 2 + n >= PATH_MAX) /* one more: walk_run() */
		return -ENAMETOOLONG;
	if (n > 0)
		view[len++] = '/';
	for (size_t i = 0; i < n; i++) {
		if (run[i] == '/' && slash)
			continue;
		slash = run[i] == '/';
		view[len++] = run[i];
	}
	view[len] = '\0';
	return 0;
}

/* Where an absolute link or path begins. */
static int go_root(struct walk *w)
{
	if (w->flags & NAMEI_BENEATH)
		return -EXDEV;
	strcpy(w->path->view, w->root);
	strcpy(w->searched, w->root);
	if (*w->root != '\0')
		w->pure = false;
	return 0;
}

/* A magic link on the way: go on at its target.  0: went on; NAMEI_NATIVE: only the kernel can. */
static int follow_magic(struct walk *w, size_t end, const char *after)
{
	char link[PATH_MAX], target[PATH_MAX], left[PATH_MAX];
	struct stat st;
	int err;

	if (w->flags & NAMEI_NO_MAGIC)
		return -ELOOP;
	memcpy(link, w->path->view, end);
	link[end] = '\0';
	if (strstr(link, "/map_files/") != NULL)
		return NAMEI_NATIVE; /* needs a capability of the kernel's */
	err = proc_magic_target(w->call, link, target);
	if (err == PROC_ELSEWHERE)
		w->pure = false;
	else if (err != 0)
		return err;
	strcpy(left, w->path->view + end);
	/* A link that was opened with O_PATH is the end of the way. */
	if (stat(link, &st) == 0 && S_ISLNK(st.st_mode)) {
		if (*left != '\0' || *after != '\0')
			return -ENOTDIR;
		w->flags &= ~NAMEI_FOLLOW;
	}
	err = push_link(w, *target ? target : "/", left, after);
	*w->path->view = '\0'; /* the target is a path of the whole view, whatever the caller's root */
	return err;
}

/* The object behind a magic link that names no path: a pipe, a socket, a removed file. */
static int open_magic(struct walk *w)
{
	struct um_path *path = w->path;
	struct stat st;

	path->node.fd = open(path->view, O_PATH | O_CLOEXEC);
	if (path->node.fd < 0)
		return -errno;
	if (fstat(path->node.fd, &st) < 0)
		return -errno;
	path->node.type = st.st_mode & S_IFMT;
	path->node.body = UM_BODY_ELSEWHERE;
	path->mount = w->call->view->host;
	path->rel = path->view + 1;
	path->exists = true;
	w->pure = false;
	return 1;
}

/*
 * 1: the path leads to something of the host that is to be found by its own name only, in @name.  That is /proc, below a
 * chroot or bound, for what "self" is depends on who looks; and what a mount leaves out, looked at through a bind of it.
 */
static int has_own_name(struct walk *w, char *name)
{
	const struct um_mount *mount = w->path->mount, *first = mount->origin ? mount->origin : mount;
	const char *prefix = mount->origin ? mount->prefix : "";
	const char *top = first->native ? first->native : mount->origin ? first->target : NULL;

	if (top == NULL)
		return 0;
	if (snprintf(name, PATH_MAX, "%s%s%s%s%s", top, *prefix ? "/" : "", prefix, *w->path->rel ? "/" : "",
		     w->path->rel) >= PATH_MAX)
		return -ENAMETOOLONG;
	for (char **except = mount->origin ? first->except : NULL; except != NULL && *except != NULL; except++) {
		size_t n = strlen(*except);

		if (strncmp(name, *except, n) == 0 && (name[n] == '/' || name[n] == '\0'))
			return 1;
	}
	return strncmp(name, "/proc", 5) == 0 && (name[5] == '/' || name[5] == '\0');
}

/* A run has been appended to path->view; look it up.  1: finished; 0: go on with w->rest. */
static int walk_run(struct walk *w, const char *after)
{
	struct um_path *path = w->path;
	char target[PATH_MAX], left[PATH_MAX];
	const char *more = after + strspn(after, "/");
	bool last = *more == '\0';
	/* A call that makes or removes a name looks at that name, with or without a '/' behind it. */
	bool slash = *after == '/', directory = slash && !(w->flags & NAMEI_PARENT);
	bool follow = ((w->flags & NAMEI_FOLLOW) && (!slash || directory)) || directory || !last;
	size_t at = 0;
	int err, denied;

	path->mount = view_mount_of(w->call->view, w->call->state, path->view, &path->rel);
	if ((w->flags & NAMEI_MOUNT_POINT) && last && *path->rel == '\0') {
		follow = false; /* it is there already */
	} else {
		err = has_own_name(w, left);
		if (err < 0)
			return err;
		if (err == 1) {
			strcpy(path->view, left);
			w->pure = false;
			w->reached = 0; /* of another name */
		}
	}
	if (strncmp(path->view, "/proc/", 6) == 0 &&
	    view_mount_of(w->call->view, w->call->state, path->view, &path->rel) == w->call->view->host) {
		err = last && !follow && proc_self_text(w->call, path->view, left) ? 0 : proc_self(w->call, path->view);
		if (err == 1 && (w->flags & NAMEI_NO_SYMLINKS))
			return -ELOOP;
		if (err < 0)
			return err;
		at = proc_magic(path->view);
		err = proc_searches(path->view, at != 0 && (at < strlen(path->view) || follow)) ?
			      procfs_access(w->call, path->view) : 0;
		if (err < 0)
			return err;
		if (at != 0 && (at < strlen(path->view) || follow)) {
			err = follow_magic(w, at, after);
			/* A lower file that the view has removed can be looked at still. */
			if (err == -ENOENT && (w->flags & NAMEI_READ) && at == strlen(path->view) && last)
				return open_magic(w);
			if (err != NAMEI_NATIVE)
				return err;
			/* No name to go by: the kernel's, or the object itself, opened through the link. */
			if (w->pure)
				return GO_NATIVE;
			if (at == strlen(path->view) && last)
				return open_magic(w);
		}
	}
	err = um_path_place(w->call->view, w->call->state, path);
	if (err < 0)
		return err;
	if (path->mount->origin != NULL)
		w->pure = false;
	err = um_path_walk(path, &at, target);
	if (path->mount->origin != NULL && strcmp(path->view, path->mount->target) == 0 &&
	    (err != 0 || path->node.type == S_IFLNK)) {
		um_path_drop(path); /* the source of a bind is gone, or a link now */
		err = -ENOENT;
	}
	if (err < 0 && (w->flags & NAMEI_MOUNT_POINT) && last && strcmp(path->view, path->mount->target) == 0) {
		if (err == -UM_STAGE)
			modules_want(w->call->view, true);
		path->node = (struct um_node){ -1, S_IFDIR, UM_BODY_NONE };
		err = 0;
	}
	denied = check_search(w);
	if (denied < 0)
		return denied;
	if (err == 1 || (err == 0 && path->node.type == S_IFLNK && follow)) {
		if (path->node.body != UM_BODY_HOST)
			w->pure = false;
		um_path_drop(path);
		/* The way began at a link: at a descriptor of one, opened with O_PATH. */
		if (at != 0 && at <= w->reached)
			return -ENOTDIR;
		strcpy(left, path->view + at);
		path->view[at] = '\0';
		*strrchr(path->view, '/') = '\0';
		if (*target == '/') {
			err = go_root(w);
			if (err < 0)
				return err;
		}
		return push_link(w, target, left, after);
	}
	if (err == -ENOENT && last && path->view[at] == '\0' && (w->flags & NAMEI_PARENT)) {
		path->exists = false;
		path->slash = slash;
		return 1;
	}
	if (err < 0)
		return err;
	if (path->node.type != S_IFDIR && (!last || directory))
		return -ENOTDIR;
	if (!last) {
		/* What follows is "." or "..": the way back leads through what the kernel may not have. */
		if (path->node.body != UM_BODY_HOST && path->node.body != UM_BODY_MERGED)
			w->pure = false;
		um_path_put(path);
		memmove(w->rest, more, strlen(more) + 1);
		return 0;
	}
	path->exists = true;
	path->slash = slash;
	return 1;
}

static bool node_closed(const struct um_state *state, const struct um_node *node)
{
	char name[40];
	struct stat st;

	if (!state->virtual_ids || node->fd < 0 || node->body == UM_BODY_ELSEWHERE || fstat(node->fd, &st) < 0)
		return false;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", node->fd);
	return closed_to_user(state, name, st.st_mode);
}

/* "." and ".." are looked up in the directory reached. */
static int search_here(struct walk *w)
{
	char *view = w->path->view;
	size_t n = strlen(view);
	int err;

	w->path->mount = view_mount_of(w->call->view, w->call->state, view, &w->path->rel);
	if (n + 1 >= PATH_MAX)
		return -ENAMETOOLONG;
	view[n] = '/';
	view[n + 1] = '\0';
	err = check_search(w);
	view[n] = '\0';
	return err;
}

/* Resolve w->rest from the directory w->path->view.  0 or a negative errno. NAMEI_NATIVE as namei() says. */
static int resolve(struct walk *w)
{
	struct um_path *path = w->path;
	bool dots = false;
	int err = 0;

	do {
		char *p = w->rest + strspn(w->rest, "/");
		size_t len = strlen(path->view), n = strcspn(p, "/");
		char after[PATH_MAX];

		if (n > 0 && namei_is_dots(p, n)) {
			err = search_here(w);
			if (err == 0 && n == 2)
				err = go_up(w);
			if (err < 0)
				return err;
			memmove(w->rest, p + n, strlen(p + n) + 1);
			if (w->rest[strspn(w->rest, "/")] != '\0')
				continue;
			strcpy(w->rest, "");
			p = w->rest;
			len = strlen(path->view);
			n = 0;
			strcpy(after, "/");
			dots = true;
		} else {
			n = run_length(p);
			strcpy(after, p + n);
			if (n == 0)
				strcpy(after, "/");
		}
		err = append_run(path->view, len, p, n);
		w->reached = len;
		if (err == 0)
			err = walk_run(w, after);
	} while (err == 0);
	if (err == GO_NATIVE)
		return NAMEI_NATIVE;
	if (err < 0) {
		um_path_put(path);
		return err;
	}
	if (dots)
		path->slash = false; /* "." and ".." are names of their own */
	path->reachable = w->pure && (path->mount == w->call->view->host ||
				      (path->exists && path->node.body != UM_BODY_ELSEWHERE &&
				       path->node.body != UM_BODY_NONE));
	if (path->mount != w->call->view->host && node_closed(w->call->state, &path->node))
		path->reachable = false; /* its mount may have a stand-in for it */
	path->same = path->reachable && (!path->exists || path->node.body == UM_BODY_HOST);
	return 0;
}

/* Both forms: the string is in w->rest. */
static int start(struct walk *w, int dirfd)
{
	int err;

	/* In secure mode no pointer of the process reaches the kernel. */
	w->pure = !w->call->view->secure || (w->flags & NAMEI_HARMLESS);
	w->path->node.fd = -1;
	w->path->view[0] = '\0';
	if (*w->rest == '\0') {
		if (!(w->flags & NAMEI_EMPTY))
			return -ENOENT;
		return namei_fd(w->call, dirfd, w->path);
	}
	strcpy(w->root, w->call->state->root);
	if (*w->rest == '/' && !(w->flags & NAMEI_IN_ROOT)) {
		err = go_root(w);
	} else {
		err = namei_start(w, dirfd);
		if (w->flags & (NAMEI_IN_ROOT | NAMEI_BENEATH))
			strcpy(w->root, w->path->view);
	}
	if (err != 0)
		return err == NAMEI_FOUND ? 0 : err;
	err = namei_fast(w);
	return err != 0 ? err : resolve(w);
}

/* The buffers are large: no bytes are cleared that need not be. */
static void walk_init(struct walk *w, struct um_call *call, struct um_path *path, int flags)
{
	w->call = call;
	w->path = path;
	w->flags = flags;
	w->rest[0] = w->searched[0] = w->root[0] = '\0';
	w->pure = false;
	w->nlinks = 0;
}

/* Is all that the caller sees the host's tree, found the host's way, but for files of /proc? */
static bool is_hosts_tree(const struct um_call *call)
{
	return hashtab_npaths(call->view->table) == 0 && *call->state->root == '\0' && !call->state->virtual_ids &&
	       !call->view->secure;
}

int namei(struct um_call *call, int dirfd, uint64_t addr, int flags, struct um_path *path)
{
	struct walk w;
	ssize_t n;

	/* No mount, no virtual root, no ids to show in /proc: nothing can differ. */
	if ((flags & NAMEI_READ) && !procfs_differs(call) && !call->view->secure)
		return NAMEI_NATIVE;
	if ((flags & NAMEI_CHANGE) && is_hosts_tree(call))
		return NAMEI_NATIVE;
	walk_init(&w, call, path, flags);
	n = um_read_path(call, addr, w.rest);
	if (n < 0)
		return (int)n;
	w.rest_len = (size_t)n;
	n = start(&w, dirfd);
	/* What we do not find the kernel may: our way goes by whole paths, from the root. */
	return n < 0 && (flags & NAMEI_READ) && is_hosts_tree(call) ? NAMEI_NATIVE : (int)n;
}

int namei_string(struct um_call *call, int dirfd, const char *string, int flags, struct um_path *path)
{
	struct walk w;
	int err;

	walk_init(&w, call, path, flags & ~NAMEI_READ);
	w.rest_len = strlen(string);
	if (w.rest_len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(w.rest, string, w.rest_len + 1);
	err = start(&w, dirfd);
	return err == NAMEI_NATIVE ? -ENXIO : err;
}

int namei_fd(struct um_call *call, int fd, struct um_path *path)
{
	char host[PATH_MAX], target[PATH_MAX];
	ssize_t n = um_fd_host_path(call, fd, host);
	size_t end;
	int err;

	path->node.fd = -1;
	if (n < 0)
		return (int)n;
	if (*host != '/')
		return NAMEI_NATIVE;
	err = namei_path_of_body(call, fd, host, path->view);
	if (err < 0)
		return err;
	err = um_path_place(call->view, call->state, path);
	if (err < 0)
		return err;
	if (path->mount == call->view->host && !call->view->secure)
		return NAMEI_NATIVE;
	err = um_path_walk(path, &end, target);
	if (err != 0)
		return err < 0 ? err : -ENOENT;
	path->exists = true;
	path->slash = false;
	path->lower = strcmp(host, path->view) == 0 || strcmp(host, "/") == 0;
	path->below = mount_stands_on(path->mount, host);
	path->reachable = path->lower && !call->view->secure;
	path->same = path->reachable && path->node.body == UM_BODY_HOST;
	return 0;
}
