// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that hold on to a file by its path: inotify, fanotify, file handles.
 *
 * A watch is set by the monitor, on a duplicate of the process's inotify descriptor and on the body of what the path
 * names in the view.  A change that copies the file up afterwards happens to another body and is not reported (doc/DIFFERENCES).
 */
#include <errno.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"

int64_t call_inotify_add_watch(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	uint32_t mask = (uint32_t)call->args[2];
	char name[40];
	int copy;
	int64_t err = namei(call, AT_FDCWD, call->args[call->row->path],
			    NAMEI_READ | (mask & IN_DONT_FOLLOW ? 0 : NAMEI_FOLLOW), &path);

	if (err == NAMEI_NATIVE)
		return UM_CONTINUE;
	if (err < 0)
		return err;
	if (path.same)
		err = UM_CONTINUE;
	else if (path.node.fd < 0)
		err = -EOPNOTSUPP;
	if (err == 0) {
		copy = um_get_fd(call, (int)call->args[0]);
		err = copy < 0 ? copy : 0;
	}
	if (err == 0) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", path.node.fd);
		err = inotify_add_watch(copy, name, mask & ~(uint32_t)IN_DONT_FOLLOW);
		if (err < 0)
			err = -errno;
		close(copy);
	}
	um_path_put(&path);
	return err;
}

int64_t call_fanotify_mark(struct um_call *call)
{
	(void)call;
	return UM_CONTINUE; /* a virtual root's fanotify_init has failed already: it needs a real capability */
}

int64_t call_name_to_handle(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	int64_t err = arg_is_fd(call) ? NAMEI_NATIVE :
			arg_path(call, NAMEI_READ | (arg_flags(call) & AT_SYMLINK_FOLLOW ? NAMEI_FOLLOW : 0), &path);

	if (err == NAMEI_NATIVE)
		return UM_CONTINUE;
	if (err == 0)
		err = path.same ? UM_CONTINUE : -EOPNOTSUPP; /* the handle would be another file's tomorrow */
	um_path_put(&path);
	return err;
}

int64_t call_open_by_handle(struct um_call *call)
{
	(void)call;
	return -EPERM; /* needs a real CAP_DAC_READ_SEARCH */
}
