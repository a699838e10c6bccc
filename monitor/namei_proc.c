// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc in the view: "self" is the caller and not the monitor, and the magic links cwd, root, exe and fd/N lead through
 * the reverse mapping from host paths to view paths.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calls/exec.h"
#include "calls/proc.h"
#include "namei.h"
#include "namei_internal.h"
#include "places.h"
#include "procfs.h"

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

static void self_number(struct um_call *call, bool process, char number[64])
{
	pid_t tgid = um_tgid(call);

	if (process)
		snprintf(number, 64, "%d", tgid);
	else
		snprintf(number, 64, "%d/task/%d", tgid, call->tid);
}

bool proc_self_text(struct um_call *call, const char *path, char *shown)
{
	bool process = strcmp(path, "/proc/self") == 0;

	if (!process && strcmp(path, "/proc/thread-self") != 0)
		return false;
	self_number(call, process, shown);
	return true;
}

/* Put the caller's number in the place of "self" and "thread-self" in @full ("/proc/..."), PATH_MAX bytes. */
int proc_self(struct um_call *call, char *full)
{
	const char *p = full + 6, *name;
	size_t n = component(&p, &name);
	char tail[PATH_MAX], number[64];

	if (!is_word(name, n, "self") && !is_word(name, n, "thread-self"))
		return 0;
	self_number(call, n == 4, number);
	strcpy(tail, name + n);
	if (6 + strlen(number) + strlen(tail) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(full + 6, number);
	strcat(full, tail);
	return 1;
}

/* The end of a magic link within @full ("/proc/N/..."), or 0. */
size_t proc_magic(const char *full)
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
	if (is_word(name, n, "ns") || is_word(name, n, "map_files")) {
		n = component(&p, &name);
		return n > 0 ? (size_t)(name + n - full) : 0;
	}
	if (!is_word(name, n, "fd"))
		return 0;
	n = component(&p, &name);
	return is_number(name, n) ? (size_t)(name + n - full) : 0;
}

/* The kernel's text of a link.  Length or a negative errno. */
static ssize_t read_link(const char *link, char *text)
{
	ssize_t n = readlink(link, text, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return n;
}

/* The kernel's word for a path that leads nowhere now; a file may bear it in its name, too.  @ino: the body's number. */
static bool is_removed(const char *text, uint64_t ino)
{
	size_t n = strlen(text);
	struct stat st;

	return n > 10 && strcmp(text + n - 10, " (deleted)") == 0 && !(lstat(text, &st) == 0 && st.st_ino == ino);
}

/* Links whose target the record or the loader knows: 1 and the view path, 0, or a negative errno. */
static int own_target(struct um_call *call, const char *link, char *target)
{
	const char *word = strrchr(link, '/') + 1;
	pid_t pid = atoi(link + 6);

	if (um_is_monitors(call, pid) || is_outside(call->view, pid))
		return -EACCES; /* the monitor itself may read them */
	if (strcmp(word, "root") == 0) {
		const struct um_state *state = state_of(call->view->states, pid);

		if (state == NULL || *state->root == '\0')
			return 0;
		snprintf(target, PATH_MAX, "%s", state->root);
		return 1;
	}
	return strcmp(word, "exe") == 0 && exec_exe_path(call, pid, target) == 0;
}

/* The view path of what a link's text names. */
static int path_of_link(struct um_call *call, const char *link, const char *host, char *view)
{
	const char *fd = link != NULL ? strstr(link, "/fd/") : NULL;
	const struct um_state *whose = NULL;
	uint64_t place = 0;

	if (fd != NULL)
		place = places_of_fd(call, atoi(link + 6), atoi(fd + 4));
	else if (link != NULL && strcmp(strrchr(link, '/'), "/cwd") == 0)
		whose = state_of(call->view->states, atoi(link + 6));
	return view_path_by(call->view, call->state, whose ? whose->cwd : place, host, view);
}

int proc_magic_target(struct um_call *call, const char *link, char *target)
{
	char host[PATH_MAX];
	struct stat st;
	ssize_t n = own_target(call, link, target);
	int err;

	if (n != 0)
		return n < 0 ? (int)n : PROC_ELSEWHERE;
	n = read_link(link, host);
	if (n < 0)
		return (int)n;
	if (procfs_lead_back(host)) {
		strcpy(target, host);
		return PROC_ELSEWHERE;
	}
	if (*host != '/' || (strchr(host, ')') != NULL && stat(link, &st) == 0 && is_removed(host, st.st_ino)))
		return NAMEI_NATIVE; /* a pipe, a socket, a namespace, a removed file: no name to go by */
	err = path_of_link(call, link, host, target);
	return err < 0 || strcmp(host, *target ? target : "/") == 0 ? err : PROC_ELSEWHERE;
}

/*
 * Has the view something else at the path of a file of the host's that is still open, or mapped?  Its number tells: a
 * copy goes on to show it.  Where the host's own path does not show it either (overlayfs), nothing is known.
 */
static bool is_replaced(struct um_call *call, const char *host, const char *view, uint64_t ino)
{
	struct um_path path = UM_PATH_INIT;
	char target[PATH_MAX];
	struct statx shown;
	struct stat st;
	bool gone = false;
	size_t end;
	int err;

	if (strlen(view) >= PATH_MAX || lstat(host, &st) < 0 || st.st_ino != ino)
		return false;
	strcpy(path.view, view);
	err = um_path_place(call->view, call->state, &path);
	if (err == 0 && path.mount != call->view->host &&
	    !(UM_OPS(&path)->untouched != NULL && UM_OPS(&path)->untouched(UM_FS(&path), path.rel))) {
		err = um_path_walk(&path, &end, target);
		path.exists = err == 0;
		gone = err == -ENOENT || err == -ENOTDIR || err == 1 ||
		       (err == 0 && path.node.fd >= 0 && fstat(path.node.fd, &st) == 0 && st.st_ino != ino &&
			um_path_stat(call, &path, &shown) == 0 && shown.stx_ino != ino);
	}
	um_path_put(&path);
	return gone;
}

/* @link is the link that has this text, or NULL. */
static void path_text(struct um_call *call, const char *link, const char *host, const struct stat *body, char *shown)
{
	char name[PATH_MAX], view[PATH_MAX];
	const char *inside;
	bool removed;

	snprintf(name, sizeof(name), "%s", host);
	procfs_lead_back(name);
	snprintf(shown, PROC_TEXT_MAX, "%s", name);
	if (*name != '/')
		return;
	removed = is_removed(name, body->st_ino);
	if (removed)
		name[strlen(name) - 10] = '\0';
	strcpy(view, name);
	if (path_of_link(call, link, name, view) < 0)
		removed = true; /* by the view; where it was last is in the buffer */
	removed = removed || (S_ISREG(body->st_mode) && is_replaced(call, name, view, body->st_ino));
	inside = state_path(call->state, view);
	if (inside == NULL)
		inside = *view ? view : "/";
	snprintf(shown, PROC_TEXT_MAX, "%s%s", inside, removed ? " (deleted)" : "");
}

void proc_path_text(struct um_call *call, const char *host, const struct stat *body, char *shown)
{
	path_text(call, NULL, host, body, shown);
}

int proc_magic_text(struct um_call *call, const char *link, char *shown)
{
	char host[PATH_MAX];
	const char *inside;
	struct stat st;
	ssize_t n = procfs_access(call, link);

	if (n == 0)
		n = own_target(call, link, host);
	if (n < 0)
		return (int)n;
	if (n == 1) {
		inside = state_path(call->state, host);
		snprintf(shown, PROC_TEXT_MAX, "%s", inside ? inside : host);
		return 0;
	}
	n = read_link(link, host);
	if (n < 0)
		return (int)n;
	if (stat(link, &st) < 0)
		memset(&st, 0, sizeof(st));
	path_text(call, link, host, &st, shown);
	return 0;
}

bool proc_is_magic(struct um_call *call, char *path)
{
	return strncmp(path, "/proc/", 6) == 0 && proc_self(call, path) >= 0 && proc_magic(path) == strlen(path);
}
