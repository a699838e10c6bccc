// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lower files and directories that the view has renamed, and lower directories that it has removed.
 *
 * A process that has one open, or works in it, holds the lower body still, whose name is the one that the host has.  By
 * what is noted here it is led to where the view has the object now: the notes are followed in their order.  Only the
 * last few are kept, those of directories apart, for many more files are renamed than directories.
 */
#include "moves.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define KEPT 256

struct moved {
	const struct um_mount *mount; /* NULL: it has ended */
	char *from;             /* view path that it had, which is its host path as well; owned */
	char *to;               /* view path that it has; NULL: removed; owned */
	bool exchange;          /* and what was there has its place now */
	uint64_t order;
};

static struct ring {
	struct moved moved[KEPT];
	unsigned n;             /* ever made */
} rings[2];                     /* directories, other files */

static uint64_t order;

static bool below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static const struct um_mount *first_mount(const struct um_path *path)
{
	return path->mount->origin ? path->mount->origin : path->mount;
}

/* The view path that it has in the mount that is no bind. */
static char *first_name(const struct um_path *path)
{
	const struct um_mount *origin = path->mount->origin;

	return origin == NULL ? strdup(path->view) : um_format("%s/%s", origin->target, path->rel);
}

static void note(const struct um_path *from, const struct um_path *to, bool directory, bool exchange)
{
	struct ring *ring = &rings[!directory];
	struct moved *m = &ring->moved[ring->n++ % KEPT];

	free(m->from);
	free(m->to);
	*m = (struct moved){ first_mount(from), first_name(from), to ? first_name(to) : NULL, exchange, ++order };
}

/* Was something moved to this path, or above or below it? */
static bool moved_there(const struct um_path *path)
{
	char *name = order > 0 ? first_name(path) : NULL;
	bool found = false;

	for (int r = 0; name != NULL && r < 2; r++)
		for (unsigned i = 0; i < KEPT && !found; i++) {
			const struct moved *m = &rings[r].moved[i];

			found = m->mount == first_mount(path) && m->to != NULL &&
				(below(m->to, name) || below(name, m->to) || (m->exchange && below(name, m->from)));
		}
	free(name);
	return found;
}

/* May a process hold the lower body of this one?  Where the host's own tree is shown, the kernel renames it itself. */
static bool has_lower(const struct um_path *path)
{
	return path->exists && first_mount(path)->native == NULL &&
	       (path->node.body != UM_BODY_ELSEWHERE || first_mount(path)->below != NULL || moved_there(path));
}

void moves_removed(const struct um_path *path)
{
	/* Of a file that is where the host has it, its absence tells. */
	if (path->node.type == S_IFDIR ? has_lower(path) : moved_there(path))
		note(path, NULL, path->node.type == S_IFDIR, false);
}

void moves_renamed(const struct um_path *from, const struct um_path *to, bool exchange)
{
	if (to->exists && !exchange)
		moves_removed(to);
	if (has_lower(from) || (exchange && has_lower(to)))
		note(from, to, from->node.type == S_IFDIR || (exchange && to->node.type == S_IFDIR), exchange);
}

bool moves_any(void)
{
	return order > 0;
}

/* Apply one note.  0, or -ENOENT: removed. */
static int follow(const struct moved *m, const struct um_mount *mount, char *path)
{
	const char *from = m->from, *to = m->to;
	char tail[PATH_MAX];

	if (m->mount != mount || from == NULL)
		return 0;
	if (m->exchange && to != NULL && below(path, to)) {
		from = m->to;
		to = m->from;
	} else if (!below(path, from)) {
		return 0;
	}
	if (to == NULL)
		return -ENOENT;
	strcpy(tail, path + strlen(from));
	return snprintf(path, PATH_MAX, "%s%s", to, tail) >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int moves_follow(const struct um_mount *mount, char *path)
{
	unsigned at[2];
	int err = 0;

	for (int r = 0; r < 2; r++)
		at[r] = rings[r].n > KEPT ? rings[r].n - KEPT : 0;
	while (err == 0 && (at[0] < rings[0].n || at[1] < rings[1].n)) {
		const struct moved *d = &rings[0].moved[at[0] % KEPT], *f = &rings[1].moved[at[1] % KEPT];
		int r = at[0] == rings[0].n || (at[1] < rings[1].n && f->order < d->order);

		at[r]++;
		err = follow(r ? f : d, mount, path);
	}
	return err;
}

void moves_forget(const struct um_mount *mount)
{
	for (int r = 0; r < 2; r++)
		for (unsigned i = 0; i < KEPT; i++)
			if (rings[r].moved[i].mount == mount)
				rings[r].moved[i].mount = NULL;
}
