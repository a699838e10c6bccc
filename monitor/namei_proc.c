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
#include <unistd.h>

#include "calls/exec.h"
#include "calls/proc.h"
#include "namei.h"
#include "namei_internal.h"

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
int proc_self(struct um_call *call, char *full)
{
	const char *p = full + 6, *name;
	size_t n = component(&p, &name);
	char tail[PATH_MAX], number[64];
	pid_t tgid;

	if (!is_word(name, n, "self") && !is_word(name, n, "thread-self"))
		return 0;
	tgid = um_tgid(call);
	if (n == 4)
		snprintf(number, sizeof(number), "%d", tgid);
	else
		snprintf(number, sizeof(number), "%d/task/%d", tgid, call->tid);
	strcpy(tail, name + n);
	if (6 + strlen(number) + strlen(tail) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(full + 6, number);
	strcat(full, tail);
	return 0;
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

	if (um_is_monitors(call, pid) || is_outside(call->view, pid))
		return -EACCES; /* the monitor itself may read them */

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
	return strncmp(path, "/proc/", 6) == 0 && proc_self(call, path) == 0 && proc_magic(path) == strlen(path);
}
