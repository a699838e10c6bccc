// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * namei: where a relative path begins.
 *
 * The kernel tells by which host path the body of the working directory, or of an open directory, is reached now.  That
 * is mapped back to the view.  A removed directory has no path; from it only "." and ".." lead on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "namei_internal.h"
#include "places.h"

/* A name in what is no directory is not found anyway, but "." and ".." are a matter of text. */
static bool is_directory(const struct um_call *call, int fd)
{
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), "/proc/%d/fd/%d", call->tid, fd);
	return stat(name, &st) == 0 && S_ISDIR(st.st_mode);
}

/* What is left of a removed directory. */
static int found_removed(struct walk *w, int fd)
{
	struct um_path *path = w->path;

	if (!w->call->view->secure) {
		close(fd);
		return NAMEI_NATIVE;
	}
	path->node = (struct um_node){ .fd = fd, .type = S_IFDIR, .body = UM_BODY_ELSEWHERE };
	path->mount = w->call->view->host;
	path->rel = "";
	path->exists = true;
	return NAMEI_FOUND;
}

/* The way begins in a removed directory: only "." and ".." are there.  0: it leads out, to the directory w->path->view. */
static int start_removed(struct walk *w, int dirfd)
{
	char name[64], host[PATH_MAX];
	int fd, up, err = -ENOENT;
	ssize_t len;

	if (dirfd == AT_FDCWD)
		snprintf(name, sizeof(name), "/proc/%d/cwd", w->call->tid);
	else
		snprintf(name, sizeof(name), "/proc/%d/fd/%d", w->call->tid, dirfd);
	fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (char *p = w->rest;;) {
		size_t n = strcspn(p, "/");

		if (*p == '\0')
			return found_removed(w, fd);
		if (!namei_is_dots(p, n))
			break;
		p += n + strspn(p + n, "/");
		if (n == 1)
			continue;
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = up;
		if (fd < 0)
			return -errno;
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		len = readlink(name, host, sizeof(host) - 1);
		if (len < 0)
			break;
		host[len] = '\0';
		if (len > 10 && strcmp(host + len - 10, " (deleted)") == 0)
			continue;
		err = view_path_of_host(w->call->view, w->call->state, host, w->path->view);
		if (err == -ENOENT)
			continue;
		if (*p == '\0')
			p = strcpy(w->rest, ".");
		memmove(w->rest, p, strlen(p) + 1);
		w->pure = false;
		break;
	}
	close(fd);
	return err;
}

int namei_path_of_body(const struct um_call *call, int fd, const char *host, char *view)
{
	uint64_t place = fd == AT_FDCWD ? call->state->cwd : places_of_fd(call, call->tid, fd);

	return view_path_by(call->view, call->state, place, host, view);
}

/* w->path->view is where the view had a lower directory when it removed it: only ".." leads on from there. */
static int start_above_removed(struct walk *w)
{
	char *slash = strrchr(w->path->view, '/'), *rest = w->rest;

	if (slash == NULL || strcspn(rest, "/") != 2 || !namei_is_dots(rest, 2))
		return -ENOENT;
	*slash = '\0';
	rest += 2 + strspn(rest + 2, "/");
	memmove(w->rest, rest, strlen(rest) + 1);
	if (*w->rest == '\0')
		strcpy(w->rest, ".");
	w->pure = false;
	return 0;
}

int namei_start(struct walk *w, int dirfd)
{
	char host[PATH_MAX];
	ssize_t n = um_fd_host_path(w->call, dirfd, host);
	int err;

	if (n == -ENOENT)
		return start_removed(w, dirfd);
	if (n < 0)
		return (int)n;
	if (*host != '/' || (dirfd != AT_FDCWD && *w->rest == '.' && !is_directory(w->call, dirfd)))
		return -ENOTDIR;
	err = namei_path_of_body(w->call, dirfd, host, w->path->view);
	/* Its body can be looked at still, and stayed in. */
	if (err == -ENOENT && (w->flags & (NAMEI_READ | NAMEI_HARMLESS)) && strcmp(w->rest, ".") == 0)
		return w->call->view->secure ? start_removed(w, dirfd) : NAMEI_NATIVE;
	if (err == -ENOENT)
		err = start_above_removed(w);
	if (err == 0 && strcmp(w->path->view, host) != 0 && strcmp(host, "/") != 0)
		w->pure = false;
	if (err == 0)
		strcpy(w->searched, w->path->view);
	return err;
}
