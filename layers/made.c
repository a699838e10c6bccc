/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stand-ins for files that the view's root could read, but the real user cannot: lock, state and log files begin empty,
 * the shadow files are made from passwd and group with all passwords locked.  Everything else stays unreadable.
 */
#include <fnmatch.h>

#include "layers_internal.h"

/* Patterns without '/' are for the last component anywhere. */
static const char *const empty_patterns[] = {
    "*lock*",
    "var/lib/dpkg/lock*",
    "var/lib/dpkg/triggers/Lock",
    "var/lib/apt/lists/lock",
    "var/cache/apt/archives/lock",
    "var/cache/debconf/passwords.dat",
    "var/cache/ldconfig/*",
    "etc/.pwd.lock",
    "var/log/*",
    "var/log/*/*",
};

static const struct {
	const char *path, *source;
	bool group;
} shadows[] = {
    {"etc/shadow", "etc/passwd", false},
    {"etc/gshadow", "etc/group", true},
    {"etc/shadow-", "etc/passwd", false},
    {"etc/gshadow-", "etc/group", true},
};

static bool has_stand_in(const char *path)
{
	size_t i;

	for (i = 0; i < sizeof shadows / sizeof *shadows; i++) {
		if (!strcmp(path, shadows[i].path))
			return true;
	}
	for (i = 0; i < sizeof empty_patterns / sizeof *empty_patterns; i++) {
		const char *p = empty_patterns[i];

		if (fnmatch(p, strchr(p, '/') ? path : last_name(path), FNM_PATHNAME) == 0)
			return true;
	}
	return false;
}

bool made_wanted(struct layers *l, const char *path)
{
	return l->root_opaque && has_stand_in(path);
}

/*
 * Was what the upper directory has in the place of @lower made from a stand-in, though it bears no mark any more?
 * useradd(8) and its like write a new file and rename it.
 */
bool made_descends(struct layers *l, const char *path, const struct statx *lower)
{
	struct statx top;

	return has_stand_in(path) && S_ISREG(lower->stx_mode) && !(lower->stx_mode & 04) && l->layer[0].fd >= 0 &&
	       fd_statx(l->layer[0].fd, &top) == 0 && top.stx_uid != 0 && top.stx_uid != lower->stx_uid;
}

/* A line of shadow(5) or gshadow(5) for each line of passwd(5) or group(5); the last change is that of the original.
 */
static int make_shadow(FILE *in, FILE *out, bool group, long day)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, in) > 0) {
		size_t name = strcspn(line, ":\n");
		char *members = strrchr(line, ':');

		if (!name || line[name] != ':')
			continue;
		if (group)
			fprintf(out, "%.*s:!::%.*s\n", (int)name, line, (int)strcspn(members + 1, "\n"), members + 1);
		else
			fprintf(out, "%.*s:!:%ld:0:99999:7:::\n", (int)name, line, day);
	}
	free(line);
	return ferror(out) ? -EIO : 0;
}

/* Fill the stand-in of @path, which is open as @fd for writing. */
int made_fill(struct layers *l, const char *path, int fd, const struct statx *lower)
{
	static const struct layers_owner nobody;
	size_t i;

	for (i = 0; i < sizeof shadows / sizeof *shadows; i++) {
		FILE *in, *out;
		int source, r;

		if (strcmp(path, shadows[i].path) != 0)
			continue;
		source = layers_open_file(l, shadows[i].source, O_RDONLY, 0, &nobody);
		if (source < 0)
			return 0;
		in = fdopen(source, "r");
		out = fdopen(dup(fd), "w");
		r = in && out ? make_shadow(in, out, shadows[i].group, lower->stx_mtime.tv_sec / 86400) : -ENOMEM;
		if (in)
			fclose(in);
		else
			close(source);
		if (out && fclose(out) != 0 && r == 0)
			r = -errno;
		return r;
	}
	return 0;
}
