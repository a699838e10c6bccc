// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paths as the user writes them: see userpath.h.
 */
#include "userpath.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* @dir and what is below it; "." is nothing. */
static char *join(const char *dir, const char *rest)
{
	if (*rest == '\0' || strcmp(rest, ".") == 0)
		return um_format("%s", dir);
	return um_format("%s/%s", strcmp(dir, "/") == 0 ? "" : dir, rest);
}

char *user_path(const char *text, const char *base, const char *home)
{
	if (text[0] == '~' && (text[1] == '/' || text[1] == '\0')) {
		if (home == NULL || *home == '\0')
			um_die("%s: HOME is not set", text);
		return join(home, text + 1 + strspn(text + 1, "/"));
	}
	if (text[0] == '/' || text[0] == '\0' || base == NULL)
		return um_format("%s", text);
	return join(base, text);
}

char *path_directory(const char *file)
{
	const char *slash = strrchr(file, '/');
	char cwd[PATH_MAX], *dir, *whole;

	if (file[0] == '/')
		return um_format("%.*s", slash == file ? 1 : (int)(slash - file), file);
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		um_die("the working directory has no name: %s", strerror(errno));
	dir = um_format("%.*s", slash != NULL ? (int)(slash - file) : 0, file);
	whole = join(cwd, dir);
	free(dir);
	return whole;
}
