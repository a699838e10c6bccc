// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls on the data of open files of which a file system may want to know, though their bodies are the kernel's: fsync,
 * fdatasync, ftruncate, fallocate; and, in a view that traps the I/O of all files, what reads, writes or maps a part of one
 * whose contents are not all there yet.  These are continued when that part is there.
 */
#include <errno.h>
#include <sys/stat.h>
#include <sys/uio.h>
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

/* --- data that is not there yet ------------------------------------------------------------------------------------- */

#define IOVECS_MAX 1024 /* UIO_MAXIOV */

static bool any_lazy(const struct um_view *view)
{
	for (const struct um_service *s = view->services; s != NULL; s = s->next)
		if (s->module->lazy != NULL && *s->module->lazy)
			return true;
	return false;
}

/* Have a part of the caller's open file @fd; @offset: -1: where it is.  0 or a negative errno. */
static int64_t touch(struct um_call *call, int fd, int64_t offset, uint64_t len)
{
	int copy = um_get_fd(call, fd), one = -EXDEV;
	struct stat st;
	uint64_t end;

	if (copy < 0)
		return 0; /* the kernel says what is wrong */
	if (offset < 0)
		offset = lseek(copy, 0, SEEK_CUR);
	if (len > 0 && (fcntl(copy, F_GETFL) & O_APPEND) && fstat(copy, &st) == 0 && st.st_size > 0) {
		end = (uint64_t)offset + len; /* it may be a write, which goes to the end */
		offset = offset < st.st_size - 1 ? offset : st.st_size - 1;
		len = end - (uint64_t)offset;
	}
	for (size_t i = call->view->nmounts; offset >= 0 && one == -EXDEV && i-- > 0;) {
		const struct um_mount *mount = call->view->mounts[i];

		if (mount != NULL && mount->origin == NULL && mount->type->ops->touch != NULL)
			one = mount->type->ops->touch(mount->fs, copy, (uint64_t)offset, len);
	}
	close(copy);
	return one == -EXDEV ? 0 : one;
}

static int64_t touch_and_continue(struct um_call *call, int fd, int64_t offset, uint64_t len)
{
	int64_t err = touch(call, fd, offset, len);

	return err < 0 ? err : UM_CONTINUE;
}

int64_t call_io(struct um_call *call)
{
	return any_lazy(call->view) ? touch_and_continue(call, arg_dirfd(call), -1, call->args[2]) : UM_CONTINUE;
}

int64_t call_io_at(struct um_call *call)
{
	if (!any_lazy(call->view) || (int64_t)call->args[3] < 0)
		return UM_CONTINUE;
	return touch_and_continue(call, arg_dirfd(call), (int64_t)call->args[3], call->args[2]);
}

/* The sum of a vector's lengths. */
static uint64_t length_of(const struct um_call *call)
{
	struct iovec v[64];
	size_t n = call->args[2] < IOVECS_MAX ? call->args[2] : IOVECS_MAX;
	uint64_t sum = 0;

	for (size_t at = 0; at < n;) {
		size_t part = n - at < 64 ? n - at : 64;

		if (um_read(call, call->args[1] + at * sizeof(v[0]), v, part * sizeof(v[0])) < 0)
			return 0;
		for (size_t i = 0; i < part; i++)
			sum += v[i].iov_len < INT32_MAX ? v[i].iov_len : INT32_MAX;
		at += part;
	}
	return sum;
}

int64_t call_io_vector(struct um_call *call)
{
	bool at = call->row->args[3] != UM_A_NONE;

	if (!any_lazy(call->view))
		return UM_CONTINUE;
	return touch_and_continue(call, arg_dirfd(call), at ? (int64_t)call->args[3] : -1, length_of(call));
}

/* What takes a file in ways that are not worth to be told apart: all of it. */
int64_t call_io_whole(struct um_call *call)
{
	int64_t err = 0;

	if (!any_lazy(call->view))
		return UM_CONTINUE;
	if (call->row->fd >= 0)
		err = touch(call, arg_dirfd(call), 0, UINT64_MAX);
	if (err == 0 && call->row->fd2 >= 0)
		err = touch(call, arg_dirfd2(call), 0, UINT64_MAX);
	return err < 0 ? err : UM_CONTINUE;
}

int64_t call_mmap(struct um_call *call)
{
	if (!any_lazy(call->view) || (int64_t)call->args[5] < 0)
		return UM_CONTINUE;
	return touch_and_continue(call, arg_dirfd(call), (int64_t)call->args[5], call->args[1]);
}

/* Holes of a body are no holes of its file. */
int64_t call_lseek(struct um_call *call)
{
	int64_t at = (int64_t)call->args[1];
	int whence = (int)call->args[2];
	struct stat st;
	int64_t err;
	int copy;

	if ((whence != SEEK_DATA && whence != SEEK_HOLE) || !any_lazy(call->view))
		return UM_CONTINUE;
	err = touch(call, arg_dirfd(call), 0, 0);
	if (err != 1)
		return err < 0 ? err : UM_CONTINUE;
	copy = um_get_fd(call, arg_dirfd(call));
	if (copy < 0)
		return UM_CONTINUE;
	err = fstat(copy, &st) < 0 ? -errno : 0;
	if (err == 0 && (at < 0 || at >= st.st_size))
		err = -ENXIO;
	if (err == 0)
		err = lseek(copy, whence == SEEK_DATA ? at : st.st_size, SEEK_SET);
	close(copy);
	return err < 0 && err != -ENXIO ? -errno : err;
}
