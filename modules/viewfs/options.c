// SPDX-License-Identifier: GPL-2.0-or-later
/* The options of a mount. */
#include "viewfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

static int set_mode(struct options *o, enum mode mode, const char *word, struct um_mount_args *args)
{
	if (o->mode != NO_MODE && o->mode != mode) {
		snprintf(args->why, sizeof(args->why), "option %s contradicts another: one of move, merge, cow, mincow",
			 word);
		return -EINVAL;
	}
	o->mode = mode;
	return 0;
}

/* except=PATH: an absolute path of the view. */
int options_except(struct options *o, const char *path, struct um_mount_args *args)
{
	size_t len = strlen(path);

	if (*path != '/' || len >= PATH_MAX) {
		snprintf(args->why, sizeof(args->why), "except=%.100s: must be an absolute path", path);
		return -EINVAL;
	}
	if (o->nexcept == EXCEPT_MAX + NATIVE_MAX)
		return -E2BIG;
	o->except[o->nexcept] = strdup(path);
	if (o->except[o->nexcept] == NULL)
		return -ENOMEM;
	while (len > 0 && o->except[o->nexcept][len - 1] == '/')
		o->except[o->nexcept][--len] = '\0';
	o->nexcept++;
	return 0;
}

/* One word of the -o string. */
static int parse_word(struct options *o, const char *word, struct um_mount_args *args)
{
	static const char *const ignored[] = { "rw", "defaults", "suid", "nosuid", "dev", "nodev", "exec", "noexec",
					       "relatime", "noatime", "atime" };

	if (strcmp(word, "move") == 0)
		return set_mode(o, MOVE, word, args);
	if (strcmp(word, "merge") == 0)
		return set_mode(o, MERGE, word, args);
	if (strcmp(word, "cow") == 0)
		return set_mode(o, COW, word, args);
	if (strcmp(word, "mincow") == 0)
		return set_mode(o, MINCOW, word, args);
	if (strncmp(word, "except=", 7) == 0)
		return options_except(o, word + 7, args);
	if (strcmp(word, "vstat") == 0)
		o->vstat = true;
	else if (strcmp(word, "renew") == 0)
		o->renew = true;
	else if (strcmp(word, "permanent") == 0)
		o->permanent = true;
	else if (strcmp(word, "ro") == 0)
		o->readonly = true;
	else if (strcmp(word, "kernel") == 0)
		o->kernel = true;
	else {
		for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
			if (strcmp(word, ignored[i]) == 0)
				return 0;
		snprintf(args->why, sizeof(args->why), "unknown option '%.100s'", word);
		return -EINVAL;
	}
	return 0;
}

int options_parse(struct options *o, struct um_mount_args *args)
{
	char *copy = strdup(args->options), *save = NULL;
	int err = copy ? 0 : -ENOMEM;

	for (char *word = copy ? strtok_r(copy, ",", &save) : NULL; word != NULL && err == 0;
	     word = strtok_r(NULL, ",", &save))
		err = parse_word(o, word, args);
	free(copy);
	if (err == 0 && o->mode == NO_MODE) {
		snprintf(args->why, sizeof(args->why), "say what to do: one of the options move, merge, cow, mincow");
		err = -EINVAL;
	}
	if (err == 0 && (o->mode == MOVE || o->mode == MERGE) && (o->renew || o->vstat)) {
		snprintf(args->why, sizeof(args->why), "%s goes with cow and mincow only", o->renew ? "renew" : "vstat");
		err = -EINVAL;
	}
	if (args->flags & MS_RDONLY)
		o->readonly = true;
	return err;
}

void options_free(struct options *o)
{
	for (unsigned i = 0; i < o->nexcept; i++)
		free(o->except[i]);
	free(o);
}
