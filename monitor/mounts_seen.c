// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which node sees which mount, and when a mount ends.
 *
 * A mount is seen by the node that made it and, if it is older than their birth, by the nodes inside of that.  What a
 * node does to a mount that others see as well, is noted with the mount and holds for that node alone, and for those
 * that are born in it afterwards: as with Linux's mount namespaces, where nothing propagates.  So an unmount only says
 * that the mount is gone for this node; it ends when no node that lives sees it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "calls/calls.h"
#include "moves.h"
#include "namei.h"
#include "node.h"
#include "older.h"

/* The last thing that was done to the mount as far as this scope tells; NULL: nothing. */
static const struct mount_change *last_change(const struct hashtab_scope *scope, const struct um_mount *mount,
					       bool gone)
{
	for (size_t i = mount->nchanges; i-- > 0;) {
		const struct mount_change *c = &mount->changes[i];

		if ((c->what == MOUNT_GONE) == gone && hashtab_in_scope(scope, c->epoch, c->node))
			return c;
	}
	return NULL;
}

bool mount_in_scope(const struct hashtab_scope *scope, const struct um_mount *mount)
{
	return !mount->detached && hashtab_in_scope(scope, mount->epoch, mount->node) &&
	       (mount->nchanges == 0 || last_change(scope, mount, true) == NULL);
}

bool mount_seen(const struct um_view *view, const struct um_state *state, const struct um_mount *mount)
{
	struct hashtab_scope scope = view_scope(view, state);

	return mount_in_scope(&scope, mount);
}

bool mount_is_below(const struct um_view *view, const struct um_state *state, const struct um_mount *mount)
{
	for (size_t i = 0; i < view->nmounts; i++) {
		const struct um_mount *m = view->mounts[i];

		if (m != NULL && m->below != NULL && mount_seen(view, state, m) && older_has(m->below, mount))
			return true;
	}
	return false;
}

bool mount_readonly(const struct um_view *view, const struct um_state *state, const struct um_mount *mount)
{
	const struct mount_change *c = NULL;

	if (mount->nchanges > 0)
		c = last_change(&view_node(view, state)->scope, mount, false);
	return c != NULL ? c->what == MOUNT_READONLY : mount->readonly;
}

unsigned long mount_statfs_flags(const struct um_view *view, const struct um_state *state, const struct um_mount *mount)
{
	static const struct {
		unsigned long mount, statfs;
	} same[] = {
		{ MS_NOSUID, ST_NOSUID },	    { MS_NODEV, ST_NODEV },	  { MS_NOEXEC, ST_NOEXEC },
		{ MS_SYNCHRONOUS, ST_SYNCHRONOUS }, { MS_MANDLOCK, ST_MANDLOCK }, { MS_NOATIME, ST_NOATIME },
		{ MS_NODIRATIME, ST_NODIRATIME },   { MS_RELATIME, ST_RELATIME },
	};
	unsigned long flags = mount_readonly(view, state, mount) ? ST_RDONLY : 0;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (mount->flags & same[i].mount)
			flags |= same[i].statfs;
	return flags;
}

/* Does a change count for a node other than the one that made it? */
static bool is_inherited(const struct um_view *view, const struct mount_change *c)
{
	for (size_t i = 0; i < view->nnodes; i++)
		if (i != c->node && view->nodes[i] != NULL &&
		    hashtab_in_scope(&view->nodes[i]->scope, c->epoch, c->node))
			return true;
	return false;
}

int mount_change(struct um_view *view, const struct um_state *state, struct um_mount *mount, int what)
{
	struct mount_change *more;
	size_t kept = 0;

	for (size_t i = 0; i < mount->nchanges; i++) { /* what it has done before is nobody's any more */
		const struct mount_change *c = &mount->changes[i];

		if (c->node != state->node || c->what == MOUNT_GONE || is_inherited(view, c))
			mount->changes[kept++] = *c;
	}
	mount->nchanges = kept;
	more = realloc(mount->changes, (mount->nchanges + 1) * sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	mount->changes = more;
	more[mount->nchanges++] = (struct mount_change){ .epoch = hashtab_tick(view->table), .node = state->node,
							 .what = what };
	return 0;
}

void mounts_leave(struct um_view *view, uint32_t node)
{
	for (size_t i = 0; i < view->nmounts; i++) {
		struct um_mount *m = view->mounts[i];
		size_t kept = 0;

		for (size_t c = 0; m != NULL && c < m->nchanges; c++)
			if (m->changes[c].node != node)
				m->changes[kept++] = m->changes[c];
		if (m != NULL)
			m->nchanges = kept;
	}
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

/* Is it seen by a node that lives, or does a mount stand on it? */
static bool is_needed(const struct um_view *view, const struct um_mount *mount)
{
	for (size_t i = 0; i < view->nnodes; i++)
		if (view->nodes[i] != NULL && view->nodes[i]->live && mount_in_scope(&view->nodes[i]->scope, mount))
			return true;
	for (size_t i = 0; i < view->nmounts; i++)
		if (view->mounts[i] != NULL && view->mounts[i]->below != NULL && older_has(view->mounts[i]->below, mount))
			return true;
	return false;
}

/* Nothing shows it any more. */
static void end(struct um_view *view, struct um_mount *mount)
{
	view->mounts[mount->index] = NULL;
	if (mount->origin != NULL)
		mount->origin->binds--;
	else if (mount->type->ops->umount != NULL)
		mount->type->ops->umount(mount->fs);
	moves_forget(mount);
	mount_free(mount);
}

void mounts_collect(struct um_view *view)
{
	/* Binds, and what stands on others, are newer than these: from the last to the first, one pass finds all. */
	for (size_t i = view->nmounts; i-- > 0;) {
		struct um_mount *m = view->mounts[i];

		if (m == NULL)
			continue;
		if (!m->detached && !is_needed(view, m)) {
			hashtab_remove(view->table, m->entry);
			listings_forget(m);
			m->detached = true;
		}
		if (m->detached && m->binds == 0)
			end(view, m);
	}
	while (view->nmounts > 0 && view->mounts[view->nmounts - 1] == NULL)
		view->nmounts--;
}
