// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may look into /proc/PID of whom, by the view's ids.
 *
 * To the kernel all processes of a view are one user's.  Between two that have virtual ids the rule of ptrace(2), "Ptrace
 * access mode checking" (PTRACE_MODE_READ_FSCREDS), is applied here, to the files for which the kernel does so (proc(5)).
 */
#include "procfs_internal.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "namei.h"
#include "procinfo.h"

/* What a process shows to those only who might trace it; a directory's name stands for what is in it. */
static const char *const closed[] = {
	"auxv",    "cwd", "environ",	"exe",	   "fd",	  "fdinfo", "io",   "map_files",    "maps",
	"mem",	   "ns",  "numa_maps", "pagemap", "personality", "root",   "smaps", "smaps_rollup", "stack",
	"syscall",
};

static bool is_closed(const char *name)
{
	size_t n = strcspn(name, "/");

	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		if (strlen(closed[i]) == n && memcmp(closed[i], name, n) == 0)
			return true;
	return false;
}

static bool may_read(const struct um_state *from, const struct um_state *to)
{
	const struct um_ids *a = &from->ids, *b = &to->ids;

	if (ids_capable(a, CAP_SYS_PTRACE))
		return true;
	return a->fsuid == b->euid && a->fsuid == b->suid && a->fsuid == b->ruid && a->fsgid == b->egid &&
	       a->fsgid == b->sgid && a->fsgid == b->rgid && to->dumpable;
}

int procfs_access(struct um_call *call, const char *path)
{
	const struct um_state *state;
	const char *name;
	pid_t pid;

	if (!call->state->virtual_ids)
		return 0;
	name = procfs_file_of(path, &pid);
	if (name == NULL || !is_closed(name) || pid == call->tid)
		return 0;
	state = state_of(call->view->states, pid);
	if (state == NULL || !state->virtual_ids || may_read(call->state, state) || procinfo_tgid(pid) == um_tgid(call))
		return 0;
	return -EACCES;
}
