/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of namei (namei*.c) share. */
#ifndef MONITOR_NAMEI_INTERNAL_H
#define MONITOR_NAMEI_INTERNAL_H

#include "namei.h"

/* A look-up under way. */
struct walk {
	struct um_call *call;
	struct um_path *path;   /* path->view is the canonical directory reached so far */
	int flags;
	char rest[PATH_MAX];    /* what is still to be resolved */
	size_t rest_len;        /* length of what the caller gave */
	char searched[PATH_MAX]; /* nobody is asked for search permission above this directory: the way began here, or has been
				  * searched up to here */
	char root[PATH_MAX];    /* where absolute paths begin and ".." ends: "" for "/" */
	size_t reached;         /* how much of path->view had been reached before this run */
	bool pure;
	int nlinks;
};

static inline bool namei_is_dots(const char *name, size_t n)
{
	return (n == 1 && name[0] == '.') || (n == 2 && name[0] == '.' && name[1] == '.');
}

/* namei_start.c.  The directory that a relative path begins at, in w->path->view; clears w->pure when the kernel would begin
 * elsewhere.  0; NAMEI_FOUND: it was the whole path; NAMEI_NATIVE; or a negative errno. */
#define NAMEI_FOUND 2
int namei_start(struct walk *w, int dirfd);
/* The view path of the caller's open file @fd, or of its working directory (AT_FDCWD), whose body is at @host. */
int namei_path_of_body(const struct um_call *call, int fd, const char *host, char *view);
/* The fast way from the directory w->path->view: NAMEI_NATIVE, a final error, or 0: not to be had. */
int namei_fast(struct walk *w);
bool closed_to_user(const struct um_state *state, const char *name, mode_t mode);

/* Put the caller's number in the place of "self" and "thread-self" in @full ("/proc/..."), PATH_MAX bytes.  1: done; 0:
 * there is none; or a negative errno. */
int proc_self(struct um_call *call, char *full);
/* Does the way to @full lead through one of a process's directories of links, or through a magic link? */
static inline bool proc_searches(const char *full, bool follows)
{
	return follows || strstr(full, "/fd/") != NULL || strstr(full, "/fdinfo/") != NULL ||
	       strstr(full, "/map_files/") != NULL;
}

/* The end of a magic link within @full ("/proc/N/..."), or 0. */
size_t proc_magic(const char *full);

/* Search permission in every directory above path->view: 0 or a negative errno. */
int check_search(struct walk *w);
void search_forget(void);

#endif
