/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Additions to PATH.  The view's root needs some: dpkg refuses to work without start-stop-daemon in it.  Used by
 * viewsu and by umview.
 */
#include "rootpath.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *const dirs[] = { "/usr/local/sbin", "/usr/sbin", "/sbin" };

static bool in_path(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	for (const char *p = path; p; p = strchr(p, ':')) {
		p += *p == ':';
		if (!strncmp(p, dir, n) && (p[n] == ':' || p[n] == '\0'))
			return true;
	}
	return false;
}

void path_add(const char *dir, const char *otherwise)
{
	const char *old = getenv("PATH") ? getenv("PATH") : otherwise;
	char *path = in_path(old, dir) ? NULL : malloc(strlen(old) + strlen(dir) + 2);

	if (path == NULL)
		return;
	strcpy(path, old);
	strcat(path, ":");
	strcat(path, dir);
	setenv("PATH", path, 1);
	free(path);
}

void root_path(const char *otherwise)
{
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		path_add(dirs[i], otherwise);
}
