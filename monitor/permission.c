// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Permission to files by the view's ids (path_resolution(7), "Permissions"; capabilities(7)).
 */
#include "state.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

bool ids_in_group(const struct um_ids *ids, gid_t gid)
{
	if (gid == ids->fsgid)
		return true;
	for (size_t i = 0; i < ids->ngroups; i++)
		if (ids->groups[i] == gid)
			return true;
	return false;
}

/* Capabilities that stand in for missing permission bits. */
static bool overridden(const struct um_ids *ids, uint32_t mode, int mask)
{
	bool searched = S_ISDIR(mode) ? !(mask & W_OK) : mask == R_OK;

	if (searched && ids_capable(ids, CAP_DAC_READ_SEARCH))
		return true;
	/* Nobody executes a file that has no x bit at all. */
	if (!S_ISDIR(mode) && mask & X_OK && !(mode & 0111))
		return false;
	return ids_capable(ids, CAP_DAC_OVERRIDE);
}

int ids_permission(const struct um_ids *ids, uid_t uid, gid_t gid, uint32_t mode, int mask)
{
	uint32_t bits = mode;

	mask &= R_OK | W_OK | X_OK;
	if (ids->fsuid == uid)
		bits >>= 6;
	else if (ids_in_group(ids, gid))
		bits >>= 3;
	if ((mask & ~bits) == 0 || overridden(ids, mode, mask))
		return 0;
	return -EACCES;
}
