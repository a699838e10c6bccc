// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls on the data of open files of which a file system may want to know, though their bodies are the kernel's: fsync,
 * fdatasync, ftruncate, fallocate.
 */
#include <errno.h>
#include <unistd.h>

#include "args.h"

/* What one file system says: -EXDEV: the body is none of its files; 1: the kernel's answer is the right one. */
typedef int ask_fn(const struct um_call *call, const struct um_fs_ops *ops, struct um_fs *fs, int body);

static int64_t ask_all(struct um_call *call, ask_fn *ask)
{
	int64_t ret = UM_CONTINUE;
	int copy = -1;

	for (size_t i = call->view->nmounts; i-- > 0;) {
		const struct um_mount *mount = call->view->mounts[i];
		int one;

		if (mount == NULL || mount->origin != NULL || mount->type->ops->fsync == NULL)
			continue;
		if (copy < 0)
			copy = um_get_fd(call, arg_dirfd(call));
		if (copy < 0)
			return UM_CONTINUE; /* no such descriptor, as the kernel says; or one that is closed to us */
		one = ask(call, mount->type->ops, mount->fs, copy);
		if (one == -EXDEV)
			continue;
		call->route = mount->type->name;
		ret = one == 1 ? UM_CONTINUE : one;
		break;
	}
	if (copy >= 0)
		close(copy);
	return ret;
}

static int ask_fsync(const struct um_call *call, const struct um_fs_ops *ops, struct um_fs *fs, int body)
{
	return ops->fsync(fs, body, call->row->implied);
}

int64_t call_fsync(struct um_call *call)
{
	return ask_all(call, ask_fsync);
}

static bool is_writable(int body)
{
	int flags = fcntl(body, F_GETFL);

	return flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY;
}

static int ask_ftruncate(const struct um_call *call, const struct um_fs_ops *ops, struct um_fs *fs, int body)
{
	int64_t size = (int64_t)call->args[1];

	return ops->ftruncate == NULL || size < 0 || !is_writable(body) ? 1 : ops->ftruncate(fs, body, size);
}

int64_t call_ftruncate(struct um_call *call)
{
	return ask_all(call, ask_ftruncate);
}

static int ask_fallocate(const struct um_call *call, const struct um_fs_ops *ops, struct um_fs *fs, int body)
{
	int64_t offset = (int64_t)call->args[2], len = (int64_t)call->args[3];

	if (ops->fallocate == NULL || offset < 0 || len <= 0 || !is_writable(body))
		return 1;
	return ops->fallocate(fs, body, (int)call->args[1], offset, len);
}

int64_t call_fallocate(struct um_call *call)
{
	return ask_all(call, ask_fallocate);
}
