// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Search permission on the way of a look-up.  A mount's bodies are open to the real user, so this is what makes virtual
 * modes and owners of directories hold.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "namei_internal.h"

/* Search permission in one directory.  1: it is none, or not there. */
static int check_dir(struct walk *w, struct um_path *dir)
{
	const struct um_state *state = w->call->state;
	char target[PATH_MAX];
	struct statx st;
	size_t end;
	int err;

	err = um_path_place(w->call->view, state, dir);
	if (err < 0)
		return err;
	err = um_path_walk(dir, &end, target);
	if (err != 0)
		return err == -EACCES ? err : 1;
	dir->exists = true;
	err = dir->node.type != S_IFDIR ? 1 : um_path_stat(w->call, dir, &st);
	if (err == 0 && (state->virtual_ids || (st.stx_mode & 0111) != 0111)) /* mostly everybody may */
		err = um_path_permission(w->call, dir, X_OK);
	um_path_put(dir);
	return err;
}

/*
 * Directories that were found searchable, with all above them, while their file system was at a generation: most
 * look-ups go where the last ones went.
 */
#define SEARCHED 64

static struct searched {
	char *dir;
	uint32_t state;         /* record number */
	uint64_t generation;
} searched[SEARCHED];

static struct searched *searched_slot(const char *dir, size_t n)
{
	unsigned h = 5381;

	for (size_t i = 0; i < n; i++)
		h = h * 33 + (unsigned char)dir[i];
	return &searched[h % SEARCHED];
}

/* Is the directory that is the first @n bytes of @view known to be searchable? */
static bool is_searched(const struct walk *w, const char *view, size_t n)
{
	const struct um_mount *mount = w->path->mount;
	const struct searched *s = searched_slot(view, n);

	return s->dir != NULL && s->state == w->call->state->number && strncmp(s->dir, view, n) == 0 &&
	       s->dir[n] == '\0' && mount->type->ops->generation != NULL &&
	       s->generation == mount->type->ops->generation(mount->fs);
}

static void note_searched(const struct walk *w, const char *dir)
{
	const struct um_mount *mount = w->path->mount;
	struct searched *s = searched_slot(dir, strlen(dir));

	if (mount->type->ops->generation == NULL)
		return;
	free(s->dir);
	*s = (struct searched){ strdup(dir), w->call->state->number, mount->type->ops->generation(mount->fs) };
}

void search_forget(void)
{
	for (size_t i = 0; i < SEARCHED; i++)
		searched[i].state = 0;
}

/*
 * Search permission in every directory on the way to path->view, from the top: the first that refuses is the answer, whatever
 * is missing below it.  A mount's bodies are open to the real user, so this is what makes virtual modes hold.
 */
int check_search(struct walk *w)
{
	const struct um_ids *ids = &w->call->state->ids;
	const char *view = w->path->view;
	size_t n = strlen(w->searched);
	bool whole = false;
	struct um_path *dir;
	int err = 0;

	if (w->path->mount == w->call->view->host || ids_capable(ids, CAP_DAC_OVERRIDE) ||
	    ids_capable(ids, CAP_DAC_READ_SEARCH) || *view == '\0')
		return 0;
	if (strcmp(view, w->searched) == 0)
		return 0;
	if (is_searched(w, view, (size_t)(strrchr(view, '/') - view)))
		return 0;
	dir = malloc(sizeof(*dir));
	if (dir == NULL)
		return -ENOMEM;
	um_path_init(dir);
	if (strncmp(view, w->searched, n) != 0 || view[n] != '/')
		n = 0;
	whole = n == 0;
	while (err == 0 && view[n] == '/') {
		memcpy(dir->view, view, n);
		dir->view[n] = '\0';
		err = check_dir(w, dir);
		n += 1 + strcspn(view + n + 1, "/");
	}
	if (err == 0) {
		strcpy(w->searched, dir->view);
		if (whole)
			note_searched(w, dir->view);
	}
	um_path_put(dir);
	free(dir);
	return err < 0 ? err : 0;
}
