/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PATH of the view's root: dpkg refuses to work without start-stop-daemon in it.  Used by viewsu and by umview --su.
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

void root_path(const char *otherwise)
{
	const char *old = getenv("PATH") ? getenv("PATH") : otherwise;
	size_t room = strlen(old) + 1;
	char *path;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		room += strlen(dirs[i]) + 1;
	path = malloc(room);
	if (path == NULL)
		return;
	strcpy(path, old);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (!in_path(path, dirs[i])) {
			strcat(path, ":");
			strcat(path, dirs[i]);
		}
	setenv("PATH", path, 1);
	free(path);
}
