// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that hold on to a file by its path: inotify, fanotify, file handles.
 *
 * A watch is set by the monitor, on a duplicate of the process's inotify descriptor and on the body of what the path
 * names in the view.  A change that copies the file up afterwards happens to another body and is not reported (doc/DIFFERENCES).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"

#define WATCH_BITS                                                                                      \
	((uint32_t)(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | \
		    IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT))

/* What the kernel finds wrong before it looks at the path. */
static int check_watch(const struct um_call *call, uint32_t mask)
{
	char name[40], target[32] = "";
	int copy;
	bool fits;

	if (!(mask & WATCH_BITS) || (mask & ~WATCH_BITS))
		return -EINVAL;
	copy = um_get_fd(call, (int)call->args[0]);
	if (copy < 0 || fd_is_o_path(call, copy)) {
		if (copy >= 0)
			close(copy);
		return -EBADF;
	}
	snprintf(name, sizeof(name), "/proc/self/fd/%d", copy);
	fits = readlink(name, target, sizeof(target) - 1) > 0 &&
	       (strcmp(target, "anon_inode:inotify") == 0 || strcmp(target, "inotify") == 0);
	close(copy);
	return fits && !((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE)) ? 0 : -EINVAL;
}

int64_t call_inotify_add_watch(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	uint32_t mask = (uint32_t)call->args[2];
	char name[40];
	int copy;
	int64_t err = namei(call, AT_FDCWD, call->args[call->row->path],
			    NAMEI_READ | (mask & IN_DONT_FOLLOW ? 0 : NAMEI_FOLLOW), &path), early;

	if (err == NAMEI_NATIVE)
		return UM_CONTINUE;
	if (err == 0 && path.same)
		err = UM_CONTINUE;
	else if (err == 0 && path.node.fd < 0 && path.node.type == S_IFDIR)
		err = -EOPNOTSUPP; /* its body would see nothing of what happens in it */
	else if (err == 0)
		err = um_path_body(&path);
	if (err == 0 && (mask & IN_ONLYDIR) && path.node.type != S_IFDIR)
		err = -ENOTDIR;
	if (err == 0)
		err = um_path_permission(call, &path, R_OK);
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
	early = err < 0 && err != UM_CONTINUE ? check_watch(call, mask) : 0;
	return early < 0 ? early : err;
}

int64_t call_fanotify_mark(struct um_call *call)
{
	(void)call;
	return UM_CONTINUE; /* a virtual root's fanotify_init has failed already: it needs a real capability */
}

/* Not in all headers. */
enum {
	HANDLE_MNT_ID_UNIQUE = 1,
	HANDLE_CONNECTABLE = 2,
	HANDLE_FID = 0x200,
	HANDLE_FLAGS = HANDLE_MNT_ID_UNIQUE | HANDLE_CONNECTABLE | HANDLE_FID,
};

/* The handle of a body: it says which file this is, and nothing more, for nobody can open it. */
static int64_t body_handle(struct um_call *call, int fd)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} found;
	int flags = arg_flags(call) & HANDLE_FLAGS, err, ret = 0;
	uint64_t mount = 0; /* of the size that the flags say; an int otherwise */

	err = um_read(call, arg_data(call, 0), &found.handle, sizeof(found.handle));
	if (err < 0)
		return err;
	if (found.handle.handle_bytes > MAX_HANDLE_SZ)
		return -EINVAL;
	if (name_to_handle_at(fd, "", &found.handle, (int *)&mount, flags | AT_EMPTY_PATH) < 0)
		ret = -errno;
	if (ret < 0 && ret != -EOVERFLOW)
		return ret;
	err = um_write(call, arg_data(call, 0), &found,
		       sizeof(found.handle) + (ret == 0 ? found.handle.handle_bytes : 0));
	if (err == 0)
		err = um_write(call, arg_data(call, 1), &mount,
			       flags & HANDLE_MNT_ID_UNIQUE ? sizeof(mount) : sizeof(int));
	return err < 0 ? err : ret;
}

/* By a descriptor, which the kernel knows; in secure mode it may be another file's by then. */
static int64_t open_handle(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	int fd = arg_dirfd(call), copy = -1;
	int64_t err;

	if (!call->view->secure)
		return UM_CONTINUE;
	if (fd == AT_FDCWD)
		err = namei_fd(call, fd, &path);
	else
		err = copy = um_get_fd(call, fd);
	if (err >= 0)
		err = body_handle(call, copy >= 0 ? copy : path.node.fd);
	if (copy >= 0)
		close(copy);
	um_path_put(&path);
	return err;
}

int64_t call_name_to_handle(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	int flags = arg_flags(call);
	int64_t err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | HANDLE_FLAGS))
		return -EINVAL;
	if (arg_is_fd(call))
		return open_handle(call);
	err = arg_path(call, NAMEI_READ | (flags & AT_SYMLINK_FOLLOW ? NAMEI_FOLLOW : 0), &path);
	if (err == NAMEI_NATIVE || (err == 0 && path.same))
		err = UM_CONTINUE;
	if (err == 0)
		err = um_path_body(&path);
	if (err == 0)
		err = body_handle(call, path.node.fd);
	um_path_put(&path);
	return err;
}

int64_t call_open_by_handle(struct um_call *call)
{
	(void)call;
	return -EPERM; /* needs a real CAP_DAC_READ_SEARCH */
}
