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
 * The fast way serves most calls: a plain string, nothing of it in any upper directory, no link on the way. It costs one
 * openat2(2), and the kernel may then be asked with the process's own arguments.
 *
 * In /proc, "self" is the caller and not the monitor; the magic links cwd, root, exe and fd/N are followed through
 * the reverse mapping from host paths to view paths.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls/exec.h"
#include "hostfs.h"
#include "namei.h"

#define LINKS_MAX 40

/* Result of a run, beside 0 and 1: NAMEI_NATIVE for the whole path. */
#define GO_NATIVE 2

struct walk {
	struct um_call *call;
	struct um_path *path;   /* path->view is the canonical directory reached so far */
	int flags;
	char rest[PATH_MAX];    /* what is still to be resolved */
	char searched[PATH_MAX]; /* this directory and those above it may be searched */
	char root[PATH_MAX];    /* where absolute paths begin and ".." ends: "" for "/" */
	bool pure;
	int nlinks;
};

/* --- which mount ---------------------------------------------------------------------------------------------- */

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

/* --- /proc ---------------------------------------------------------------------------------------------------- */

/* The next component of *p: its length; *p is moved behind it and its '/'. */
static size_t component(const char **p, const char **name)
{
	size_t n;

	*name = *p;
	n = strcspn(*p, "/");
	*p += n;
	while (**p == '/')
		(*p)++;
	return n;
}

static bool is_word(const char *name, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(name, word, len) == 0;
}

static bool is_number(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isdigit((unsigned char)name[i]))
			return false;
	return len > 0;
}

/* Put the caller's number in the place of "self" and "thread-self" in @full ("/proc/..."), PATH_MAX bytes. */
static int proc_self(struct walk *w, char *full)
{
	const char *p = full + 6, *name;
	size_t n = component(&p, &name);
	char tail[PATH_MAX], number[64];
	pid_t tgid;

	if (!is_word(name, n, "self") && !is_word(name, n, "thread-self"))
		return 0;
	tgid = um_tgid(w->call);
	if (n == 4)
		snprintf(number, sizeof(number), "%d", tgid);
	else
		snprintf(number, sizeof(number), "%d/task/%d", tgid, w->call->tid);
	strcpy(tail, name + n);
	if (6 + strlen(number) + strlen(tail) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(full + 6, number);
	strcat(full, tail);
	return 0;
}

/* The end of a magic link within @full ("/proc/N/..."), or 0. */
static size_t proc_magic(const char *full)
{
	const char *p = full + 6, *name;
	size_t n = component(&p, &name);

	if (!is_number(name, n))
		return 0;
	n = component(&p, &name);
	if (is_word(name, n, "task")) {
		n = component(&p, &name);
		if (!is_number(name, n))
			return 0;
		n = component(&p, &name);
	}
	if (is_word(name, n, "cwd") || is_word(name, n, "root") || is_word(name, n, "exe"))
		return (size_t)(name + n - full);
	if (!is_word(name, n, "fd"))
		return 0;
	n = component(&p, &name);
	return is_number(name, n) ? (size_t)(name + n - full) : 0;
}

int proc_magic_target(struct um_call *call, const char *link, char *target)
{
	char host[PATH_MAX];
	const char *word = strrchr(link, '/') + 1;
	pid_t pid = atoi(link + 6);
	ssize_t n;

	if (strcmp(word, "root") == 0) {
		const struct um_state *state = state_of(call->view->states, pid);

		if (state != NULL && *state->root != '\0') {
			snprintf(target, PATH_MAX, "%s", state->root);
			return 0;
		}
	}
	if (strcmp(word, "exe") == 0 && exec_exe_path(call, pid, target) == 0)
		return 0;
	n = readlink(link, host, sizeof(host) - 1);
	if (n < 0)
		return -errno;
	host[n] = '\0';
	if (*host != '/' || (n > 10 && strcmp(host + n - 10, " (deleted)") == 0))
		return NAMEI_NATIVE; /* a pipe, a socket, a removed file: no name to go by */
	return view_path_of_host(call->view, call->state, host, target);
}

bool proc_is_magic(struct um_call *call, char *path)
{
	struct walk w = { .call = call };

	return strncmp(path, "/proc/", 6) == 0 && proc_self(&w, path) == 0 && proc_magic(path) == strlen(path);
}

/* --- the walk ------------------------------------------------------------------------------------------------- */

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
	return 0;
}

static bool is_dots(const char *name, size_t n)
{
	return (n == 1 && name[0] == '.') || (n == 2 && name[0] == '.' && name[1] == '.');
}

/* Length of the stretch of ordinary components at @p, without the '/' at its end. */
static size_t run_length(const char *p)
{
	const char *start = p, *end = p;

	while (*p != '\0') {
		size_t n = strcspn(p, "/");

		if (is_dots(p, n))
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
	if (*w->root != '\0')
		w->pure = false;
	return 0;
}

/* A magic link on the way: go on at its target.  0: went on; NAMEI_NATIVE: only the kernel can. */
static int follow_magic(struct walk *w, size_t end, const char *after)
{
	char link[PATH_MAX], target[PATH_MAX], left[PATH_MAX];
	int err;

	if (w->flags & NAMEI_NO_MAGIC)
		return -ELOOP;
	memcpy(link, w->path->view, end);
	link[end] = '\0';
	err = proc_magic_target(w->call, link, target);
	if (err != 0)
		return err;
	strcpy(left, w->path->view + end);
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

/* Search permission in one directory.  1: it is none, or not there. */
static int check_dir(struct walk *w, struct um_path *dir)
{
	const struct um_state *state = w->call->state;
	char target[PATH_MAX];
	struct statx st;
	size_t end;
	int err;

	dir->mount = view_mount_of(w->call->view, state, dir->view, &dir->rel);
	err = UM_OPS(dir)->walk(UM_FS(dir), dir->rel, &end, &dir->node, target);
	if (err != 0)
		return err == -EACCES ? err : 1;
	dir->exists = true;
	err = dir->node.type != S_IFDIR ? 1 : um_path_stat(w->call, dir, &st);
	if (err == 0 && (state->virtual_ids || (st.stx_mode & 0111) != 0111)) /* mostly everybody may */
		err = um_path_permission(w->call, dir, X_OK);
	um_path_put(dir);
	return err;
}

/*
 * Directories that were found searchable, with all above them, while their file system was at a generation: most
 * look-ups go where the last ones went.
 */
#define SEARCHED 64

static struct searched {
	char *dir;
	uint32_t state;         /* record number */
	uint64_t generation;
} searched[SEARCHED];

static struct searched *searched_slot(const char *dir, size_t n)
{
	unsigned h = 5381;

	for (size_t i = 0; i < n; i++)
		h = h * 33 + (unsigned char)dir[i];
	return &searched[h % SEARCHED];
}

/* Is the directory that is the first @n bytes of @view known to be searchable? */
static bool is_searched(const struct walk *w, const char *view, size_t n)
{
	const struct um_mount *mount = w->path->mount;
	const struct searched *s = searched_slot(view, n);

	return s->dir != NULL && s->state == w->call->state->number && strncmp(s->dir, view, n) == 0 &&
	       s->dir[n] == '\0' && mount->type->ops->generation != NULL &&
	       s->generation == mount->type->ops->generation(mount->fs);
}

static void note_searched(const struct walk *w, const char *dir)
{
	const struct um_mount *mount = w->path->mount;
	struct searched *s = searched_slot(dir, strlen(dir));

	if (mount->type->ops->generation == NULL)
		return;
	free(s->dir);
	*s = (struct searched){ strdup(dir), w->call->state->number, mount->type->ops->generation(mount->fs) };
}

/*
 * Search permission in every directory above path->view, from the top: the first that refuses is the answer, whatever
 * is missing below it.  A mount's bodies are open to the real user, so this is what makes virtual modes hold.
 */
static int check_search(struct walk *w)
{
	const struct um_ids *ids = &w->call->state->ids;
	const char *view = w->path->view;
	size_t n = strlen(w->searched);
	struct um_path *dir;
	int err = 0;

	if (w->path->mount == w->call->view->host || ids_capable(ids, CAP_DAC_OVERRIDE) ||
	    ids_capable(ids, CAP_DAC_READ_SEARCH) || *view == '\0')
		return 0;
	if (is_searched(w, view, (size_t)(strrchr(view, '/') - view)))
		return 0;
	dir = malloc(sizeof(*dir));
	if (dir == NULL)
		return -ENOMEM;
	if (strncmp(view, w->searched, n) != 0 || view[n] != '/')
		n = 0;
	while (err == 0 && view[n] == '/') {
		memcpy(dir->view, view, n);
		dir->view[n] = '\0';
		err = check_dir(w, dir);
		n += 1 + strcspn(view + n + 1, "/");
	}
	if (err == 0) {
		strcpy(w->searched, dir->view);
		note_searched(w, dir->view);
	}
	free(dir);
	return err < 0 ? err : 0;
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
	size_t end = 0, at;
	int err, denied;

	path->mount = view_mount_of(w->call->view, w->call->state, path->view, &path->rel);
	if (path->mount->kernel && strcmp(path->mount->source, "/proc") == 0) {
		/* The host's /proc below a chroot: from here on its own name leads through it. */
		snprintf(left, sizeof(left), "/proc%s%s", *path->rel ? "/" : "", path->rel);
		strcpy(path->view, left);
		w->pure = false;
	}
	if (strncmp(path->view, "/proc/", 6) == 0 &&
	    view_mount_of(w->call->view, w->call->state, path->view, &path->rel) == w->call->view->host) {
		err = proc_self(w, path->view);
		if (err < 0)
			return err;
		at = proc_magic(path->view);
		if (at != 0 && (at < strlen(path->view) || follow)) {
			err = follow_magic(w, at, after);
			if (err != NAMEI_NATIVE)
				return err;
			/* No name to go by: the kernel's, or the object itself, opened through the link. */
			if (w->pure && !w->call->view->secure)
				return GO_NATIVE;
			if (at == strlen(path->view) && last)
				return open_magic(w);
		}
	}
	path->mount = view_mount_of(w->call->view, w->call->state, path->view, &path->rel);
	err = UM_OPS(path)->walk(UM_FS(path), path->rel, &end, &path->node, target);
	at = (size_t)(path->rel - path->view) + end;
	denied = check_search(w);
	if (denied < 0)
		return denied;
	if (err == 1 || (err == 0 && path->node.type == S_IFLNK && follow)) {
		if (path->node.body != UM_BODY_HOST)
			w->pure = false;
		close(path->node.fd);
		path->node.fd = -1;
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
		strcat(path->view, "/"); /* it is searched itself */
		denied = check_search(w);
		path->view[strlen(path->view) - 1] = '\0';
		return denied;
	}
	path->exists = true;
	path->slash = slash;
	return 1;
}

/*
 * A file or directory of the host that the caller, by the view's ids, may read and the real user may not.  Mostly the
 * mode says it without a further system call.
 */
static bool closed_to_user(const struct um_state *state, const struct um_node *node)
{
	char name[40];
	struct stat st;
	mode_t need;

	if (!state->virtual_ids || node->fd < 0 || node->body == UM_BODY_ELSEWHERE ||
	    (node->type != S_IFREG && node->type != S_IFDIR) || fstat(node->fd, &st) < 0)
		return false;
	need = S_ISDIR(st.st_mode) ? 05 : 04;
	if ((st.st_mode & need) == need)
		return false;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", node->fd);
	return faccessat(AT_FDCWD, name, S_ISDIR(st.st_mode) ? R_OK | X_OK : R_OK, AT_EACCESS) < 0 && errno == EACCES;
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

		if (n > 0 && is_dots(p, n)) {
			err = n == 2 ? go_up(w) : 0;
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
	if (closed_to_user(w->call->state, &path->node) && path->mount != w->call->view->host)
		path->reachable = false; /* its mount may have a stand-in for it */
	path->same = path->reachable && (!path->exists || path->node.body == UM_BODY_HOST);
	return 0;
}

/* Does the string have anything but plain components? */
static bool is_plain(const char *s)
{
	if (*s == '/')
		s++;
	for (;;) {
		size_t n = strcspn(s, "/");

		if (n == 0 || is_dots(s, n))
			return false;
		if (s[n] == '\0')
			return true;
		s += n + 1;
	}
}

/* The directory that a relative path starts from, in view terms; clears w->pure when it is elsewhere. */
static int start_relative(struct walk *w, int dirfd)
{
	char host[PATH_MAX];
	ssize_t n = um_fd_host_path(w->call, dirfd, host);
	int err;

	if (n < 0)
		return (int)n;
	if (*host != '/')
		return -ENOTDIR;
	err = view_path_of_host(w->call->view, w->call->state, host, w->path->view);
	if (err == 0 && strcmp(w->path->view, host) != 0 && strcmp(host, "/") != 0)
		w->pure = false;
	return err;
}

/* closed_to_user() for a node whose type is not known yet. */
static bool fast_closed(const struct um_state *state, struct um_node node)
{
	struct stat st;

	if (!state->virtual_ids || fstat(node.fd, &st) < 0)
		return false;
	node.type = st.st_mode & S_IFMT;
	return closed_to_user(state, &node);
}

/* The fast way: see above.  NAMEI_NATIVE, a final error, or 0: not to be had. */
static int fast(struct walk *w)
{
	const struct um_state *state = w->call->state;
	struct um_mount *mount;
	char full[PATH_MAX];
	const char *rel;
	int fd;

	if (!w->pure || !(w->flags & NAMEI_READ) || (w->flags & (NAMEI_IN_ROOT | NAMEI_BENEATH)) || !is_plain(w->rest) ||
	    (state->virtual_ids && !ids_capable(&state->ids, CAP_DAC_OVERRIDE)))
		return 0;
	if (snprintf(full, sizeof(full), "%s%s%s", w->path->view, *w->rest == '/' ? "" : "/", w->rest) >= PATH_MAX)
		return 0;
	if (strncmp(full, "/proc/", 6) == 0)
		return 0;
	mount = view_mount_of(w->call->view, state, full, &rel);
	if (mount != w->call->view->host &&
	    (mount->type->ops->untouched == NULL || !mount->type->ops->untouched(mount->fs, rel)))
		return 0;
	fd = hostfs_open_plain(full + 1, w->flags & NAMEI_FOLLOW);
	if (fd >= 0 || fd == -ENOENT) {
		char start[PATH_MAX];
		int denied;

		strcpy(start, w->path->view);
		strcpy(w->path->view, full);
		w->path->mount = mount;
		denied = check_search(w);
		strcpy(w->path->view, start);
		if (denied < 0) {
			if (fd >= 0)
				close(fd);
			return denied;
		}
	}
	if (fd >= 0) {
		const struct um_node node = { fd, 0, UM_BODY_HOST };
		bool closed = mount != w->call->view->host && fast_closed(state, node);

		close(fd);
		return closed ? 0 : NAMEI_NATIVE;
	}
	return fd == -ENOENT && !(w->flags & NAMEI_PARENT) ? -ENOENT : 0;
}

/* Both forms: the string is in w->rest. */
static int start(struct walk *w, int dirfd)
{
	int err;

	w->pure = !w->call->view->secure; /* secure mode: no pointer of the process ever reaches the kernel */
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
		err = start_relative(w, dirfd);
		if (w->flags & (NAMEI_IN_ROOT | NAMEI_BENEATH))
			strcpy(w->root, w->path->view);
	}
	if (err < 0)
		return err;
	err = fast(w);
	return err != 0 ? err : resolve(w);
}

int namei(struct um_call *call, int dirfd, uint64_t addr, int flags, struct um_path *path)
{
	struct walk w = { .call = call, .path = path, .flags = flags };
	ssize_t n;

	/* No mount and no virtual root: nothing can differ. */
	if (hashtab_npaths(call->view->table) == 0 && *call->state->root == '\0' && (flags & NAMEI_READ) &&
	    !call->view->secure)
		return NAMEI_NATIVE;
	n = um_read_path(call, addr, w.rest);
	return n < 0 ? (int)n : start(&w, dirfd);
}

int namei_string(struct um_call *call, int dirfd, const char *string, int flags, struct um_path *path)
{
	struct walk w = { .call = call, .path = path, .flags = flags & ~NAMEI_READ };
	int err;

	if (strlen(string) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(w.rest, string);
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
	err = view_path_of_host(call->view, call->state, host, path->view);
	if (err < 0)
		return err;
	path->mount = view_mount_of(call->view, call->state, path->view, &path->rel);
	if (path->mount == call->view->host && !call->view->secure)
		return NAMEI_NATIVE;
	err = UM_OPS(path)->walk(UM_FS(path), path->rel, &end, &path->node, target);
	if (err != 0)
		return err < 0 ? err : -ENOENT;
	path->exists = true;
	path->slash = false;
	path->reachable = (strcmp(host, path->view) == 0 || strcmp(host, "/") == 0) && !call->view->secure;
	path->same = path->reachable && path->node.body == UM_BODY_HOST;
	return 0;
}

void um_path_put(struct um_path *path)
{
	if (path->node.fd >= 0)
		close(path->node.fd);
	path->node.fd = -1;
}

/* --- what operations ask of a path ---------------------------------------------------------------------------- */

int um_path_stat(struct um_call *call, struct um_path *path, struct statx *st)
{
	(void)call;
	return UM_OPS(path)->stat(UM_FS(path), path->rel, path->exists ? &path->node : NULL, st);
}

int um_path_permission(struct um_call *call, struct um_path *path, int mask)
{
	const struct um_state *state = call->state;
	struct statx st;
	char name[40];
	int err;

	if (path->mount->readonly && (mask & W_OK))
		return -EROFS;
	if (mask == F_OK)
		return 0;
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

	parent->node.fd = -1;
	strcpy(parent->view, path->view);
	slash = strrchr(parent->view, '/');
	if (slash != NULL)
		*slash = '\0';
	parent->mount = view_mount_of(call->view, call->state, parent->view, &parent->rel);
	err = UM_OPS(parent)->walk(UM_FS(parent), parent->rel, &end, &parent->node, target);
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

	if (path->mount->readonly)
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
	const struct um_owner owner = { call->state->ids.fsuid, call->state->ids.fsgid };

	return UM_OPS(path)->open(UM_FS(path), path->rel, flags, 0, &owner);
}
