// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User and group ids: the calls.
 *
 * Before a process became a user of the view (viewsu), its ids are the real user's and the kernel's.  After that the
 * kernel is never asked: it all happens in the process's record, by the rules of ../ids.c.
 *
 * Linux keeps ids per thread, here they are per process (as POSIX has it, and as the C libraries make it look).
 */
#include "calls.h"

#include <errno.h>
#include <stdlib.h>

#include "../ids.h"

#define ID(n) ((uint32_t)call->args[n])

/* Give the process the ids of @changed, and what goes with such a change. */
static int64_t commit(struct um_call *call, struct um_state *changed)
{
	if (ids_clear_dumpable(&call->state->ids, &changed->ids))
		changed->dumpable = 0;
	call->route = "ids";
	return um_set_state(call, changed);
}

/* The result of a change that ../ids.c tried on a copy. */
static int64_t finish(struct um_call *call, struct um_state *changed, int err)
{
	call->route = "ids";
	return err < 0 ? err : commit(call, changed);
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

static int64_t get_one(struct um_call *call, uint32_t id)
{
	if (!call->state->virtual_ids)
		return UM_CONTINUE;
	call->route = "ids";
	return id;
}

int64_t call_getuid(struct um_call *call)
{
	return get_one(call, call->state->ids.ruid);
}

int64_t call_geteuid(struct um_call *call)
{
	return get_one(call, call->state->ids.euid);
}

int64_t call_getgid(struct um_call *call)
{
	return get_one(call, call->state->ids.rgid);
}

int64_t call_getegid(struct um_call *call)
{
	return get_one(call, call->state->ids.egid);
}

/* Three ids to three places; like the kernel, the first place that cannot be written ends it. */
static int64_t get_three(struct um_call *call, uint32_t r, uint32_t e, uint32_t s)
{
	const uint32_t id[3] = { r, e, s };

	if (!call->state->virtual_ids)
		return UM_CONTINUE;
	call->route = "ids";
	for (int i = 0; i < 3; i++) {
		int err = um_write(call, call->args[i], &id[i], sizeof(id[i]));

		if (err < 0)
			return err;
	}
	return 0;
}

int64_t call_getresuid(struct um_call *call)
{
	const struct um_ids *ids = &call->state->ids;

	return get_three(call, ids->ruid, ids->euid, ids->suid);
}

int64_t call_getresgid(struct um_call *call)
{
	const struct um_ids *ids = &call->state->ids;

	return get_three(call, ids->rgid, ids->egid, ids->sgid);
}

int64_t call_getgroups(struct um_call *call)
{
	const struct um_ids *ids = &call->state->ids;
	int size = (int)call->args[0];
	int err;

	if (!call->state->virtual_ids)
		return UM_CONTINUE;
	call->route = "ids";
	if (size < 0 || (size > 0 && (uint32_t)size < ids->ngroups))
		return -EINVAL;
	if (size > 0 && ids->ngroups > 0) {
		err = um_write(call, call->args[1], ids->groups, ids->ngroups * sizeof(gid_t));
		if (err < 0)
			return err;
	}
	return ids->ngroups;
}

/* --- changing --------------------------------------------------------------------------------------------------- */

int64_t call_setuid(struct um_call *call)
{
	struct um_state changed = *call->state;

	if (!changed.virtual_ids)
		return UM_CONTINUE;
	return finish(call, &changed, ids_setuid(&changed.ids, ID(0)));
}

int64_t call_setgid(struct um_call *call)
{
	struct um_state changed = *call->state;

	if (!changed.virtual_ids)
		return UM_CONTINUE;
	return finish(call, &changed, ids_setgid(&changed.ids, ID(0)));
}

int64_t call_setreuid(struct um_call *call)
{
	struct um_state changed = *call->state;

	if (!changed.virtual_ids)
		return UM_CONTINUE;
	return finish(call, &changed, ids_setreuid(&changed.ids, ID(0), ID(1)));
}

int64_t call_setregid(struct um_call *call)
{
	struct um_state changed = *call->state;

	if (!changed.virtual_ids)
		return UM_CONTINUE;
	return finish(call, &changed, ids_setregid(&changed.ids, ID(0), ID(1)));
}

int64_t call_setresuid(struct um_call *call)
{
	struct um_state changed = *call->state;

	if (!changed.virtual_ids)
		return UM_CONTINUE;
	return finish(call, &changed, ids_setresuid(&changed.ids, ID(0), ID(1), ID(2)));
}

int64_t call_setresgid(struct um_call *call)
{
	struct um_state changed = *call->state;

	if (!changed.virtual_ids)
		return UM_CONTINUE;
	return finish(call, &changed, ids_setresgid(&changed.ids, ID(0), ID(1), ID(2)));
}

/* setfsuid and setfsgid never fail: they answer the former id. */
int64_t call_setfsuid(struct um_call *call)
{
	struct um_state changed = *call->state;
	uid_t old;

	if (!changed.virtual_ids)
		return UM_CONTINUE;
	old = ids_setfsuid(&changed.ids, ID(0));
	commit(call, &changed);
	return old;
}

int64_t call_setfsgid(struct um_call *call)
{
	struct um_state changed = *call->state;
	gid_t old;

	if (!changed.virtual_ids)
		return UM_CONTINUE;
	old = ids_setfsgid(&changed.ids, ID(0));
	commit(call, &changed);
	return old;
}

int64_t call_setgroups(struct um_call *call)
{
	struct um_state changed = *call->state;
	size_t n = (uint32_t)call->args[0];
	gid_t *groups = NULL;
	int64_t ret;

	if (!changed.virtual_ids)
		return UM_CONTINUE;
	/* Permission and size are checked before the list is read, as the kernel does it. */
	ret = ids_setgroups(&changed.ids, NULL, 0);
	if (ret == 0 && n > IDS_NGROUPS_MAX)
		ret = -EINVAL;
	if (ret == 0 && n > 0) {
		groups = malloc(n * sizeof(*groups));
		ret = groups ? um_read(call, call->args[1], groups, n * sizeof(*groups)) : -ENOMEM;
		if (ret == 0)
			ret = ids_setgroups(&changed.ids, groups, n);
	}
	ret = finish(call, &changed, ret);
	free(groups);
	return ret;
}
