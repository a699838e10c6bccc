/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories of changes: opening them, and their changes as a list.
 */
#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "layerdir.h"

/* The target of the view that made the directory: one line in .umview/target. */
static void read_target(const char *upper, char *target)
{
	char path[PATH_MAX + 32];
	int fd;
	FILE *f;

	strcpy(target, "/");
	snprintf(path, sizeof path, "%s/.umview/target", upper);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	f = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (!f)
		return;
	if (!fgets(target, PATH_MAX, f) || target[0] != '/')
		strcpy(target, "/");
	target[strcspn(target, "\n")] = '\0';
	fclose(f);
}

/* Not a directory of changes, unless the user says of what. */
static void check_meta(const char *dir, const char *upper, bool target_given)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof path, "%s/.umview", upper);
	if (access(path, F_OK) < 0 && !target_given)
		cmd_die(1,
			"%s: not a directory of changes (no view has written it; --target DIR says what it changes)",
			dir);
}

static struct layers *open_stack(struct layerdir *d, bool vstat)
{
	size_t skip = strcmp(d->target, "/") ? strlen(d->target) + 1 : 1;
	bool inside = !strncmp(d->upper, d->target, skip - 1) && (skip == 1 || d->upper[skip - 1] == '/');
	const char *hide[] = {inside ? d->upper + skip : NULL, NULL};
	struct layers_config config = {
	    .upper = d->upper,
	    .lower = {d->target},
	    .nlower = 1,
	    .vstat = vstat,
	    .hide = hide,
	};
	struct layers *l;
	char why[256];

	if (layers_open(&l, &config, why, sizeof why) < 0)
		cmd_die(1, "%s", why);
	return l;
}

void layerdir_open(struct layerdir *d, const char *dir, const char *target)
{
	char given[PATH_MAX];

	if (!realpath(dir, d->upper))
		cmd_die(1, "%s: %s", dir, strerror(errno));
	check_meta(dir, d->upper, target);
	read_target(d->upper, given);
	if (!realpath(target ? target : given, d->target))
		cmd_die(1, "target %s: %s", target ? target : given, strerror(errno));
	if (!strcmp(d->upper, d->target))
		cmd_die(1, "%s: is the target itself", dir);
	d->l = open_stack(d, true);
	d->owners = target || layers_had_vstat(d->l);
	if (!d->owners) {
		layers_close(d->l);
		d->l = open_stack(d, false);
	}
}

void layerdir_close(struct layerdir *d)
{
	layers_close(d->l);
}

static int keep(void *arg, const struct layers_diff_entry *e)
{
	struct changes *c = arg;

	if (c->count == c->room) {
		c->room = c->room ? c->room * 2 : 256;
		c->change = cmd_realloc(c->change, c->room * sizeof *c->change);
	}
	c->change[c->count] = (struct change){.e = *e};
	c->change[c->count++].e.path = cmd_strdup(e->path);
	return 0;
}

void layerdir_changes(struct layerdir *d, struct changes *changes)
{
	int r;

	memset(changes, 0, sizeof *changes);
	r = layers_diff(d->l, keep, changes);
	if (r < 0)
		cmd_die(1, "%s: %s", d->upper, strerror(-r));
}

void changes_free(struct changes *changes)
{
	while (changes->count)
		free((char *)changes->change[--changes->count].e.path);
	free(changes->change);
}

const char *layerdir_real(const struct layerdir *d, const char *path)
{
	static char buf[2][PATH_MAX * 2];
	static int turn;
	char *b = buf[turn++ % 2];

	snprintf(b, sizeof buf[0], "%s%s%s", strcmp(d->target, "/") ? d->target : "", path[0] ? "/" : "", path);
	return b[0] ? b : "/";
}

void mode_text(unsigned mode, char text[11])
{
	static const char rwx[] = "rwxrwxrwx";
	static const struct {
		unsigned type;
		char letter;
	} types[] = {{S_IFDIR, 'd'}, {S_IFLNK, 'l'}, {S_IFIFO, 'p'}, {S_IFSOCK, 's'}, {S_IFBLK, 'b'}, {S_IFCHR, 'c'}};
	size_t i;

	text[0] = '-';
	for (i = 0; i < sizeof types / sizeof *types; i++) {
		if ((mode & S_IFMT) == types[i].type)
			text[0] = types[i].letter;
	}
	for (i = 0; i < 9; i++)
		text[i + 1] = mode & (0400u >> i) ? rwx[i] : '-';
	if (mode & S_ISUID)
		text[3] = mode & S_IXUSR ? 's' : 'S';
	if (mode & S_ISGID)
		text[6] = mode & S_IXGRP ? 's' : 'S';
	if (mode & S_ISVTX)
		text[9] = mode & S_IXOTH ? 't' : 'T';
	text[10] = '\0';
}

const char *type_text(unsigned mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "pipe";
	case S_IFSOCK:
		return "socket";
	case S_IFBLK:
		return "block";
	case S_IFCHR:
		return "char";
	default:
		return "file";
	}
}

void layerdir_print(const struct layerdir *d, const char *path)
{
	const char *s = layerdir_real(d, path);

	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f || *s == '\\')
			printf("\\%03o", (unsigned char)*s);
		else
			putchar(*s);
	}
}
