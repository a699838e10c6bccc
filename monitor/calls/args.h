/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a call's arguments are, by its row: what the operations that serve several doors have in common. */
#ifndef MONITOR_CALLS_ARGS_H
#define MONITOR_CALLS_ARGS_H

#include <fcntl.h>
#include <sys/syscall.h>

#include "../namei.h"
#include "../state.h"
#include "../syscall/numbers.h"
#include "../tracer/tracer.h"
#include "calls.h"

static inline int arg_dirfd(const struct um_call *call)
{
	return call->row->fd >= 0 ? (int)call->args[call->row->fd] : AT_FDCWD;
}

static inline int arg_dirfd2(const struct um_call *call)
{
	return call->row->fd2 >= 0 ? (int)call->args[call->row->fd2] : AT_FDCWD;
}

static inline int arg_flags(const struct um_call *call)
{
	return (call->row->flags >= 0 ? (int)call->args[call->row->flags] : 0) | call->row->implied;
}

/* The n-th payload argument. */
static inline uint64_t arg_data(const struct um_call *call, int n)
{
	return call->args[call->row->data + n];
}

/* A structure that grows with the kernel: the first @known bytes of the @size that the caller has; what follows must be
 * zero.  0, -EINVAL (too small), -E2BIG or -EFAULT. */
int read_struct(struct um_call *call, uint64_t addr, size_t size, void *buf, size_t known);

/* namei() on the first path of the call. */
static inline int arg_path(struct um_call *call, int flags, struct um_path *path)
{
	return namei(call, arg_dirfd(call), call->args[call->row->path], flags, path);
}

/* Is the first path of the call ""? */
static inline bool arg_is_empty(const struct um_call *call)
{
	char first;

	return um_read(call, call->args[call->row->path], &first, 1) == 0 && first == '\0';
}

/* Has the call an empty path and AT_EMPTY_PATH, so that it speaks of the descriptor? */
static inline bool arg_is_fd(const struct um_call *call)
{
	if (!(arg_flags(call) & AT_EMPTY_PATH))
		return false;
	if (call->args[call->row->path] == 0) /* since Linux 6.11; most calls say EFAULT */
		return call->nr == SYS_newfstatat || call->nr == SYS_statx ||
		       (call->nr >= __NR_setxattrat && call->nr <= __NR_file_setattr);
	return arg_is_empty(call);
}

/* May the kernel perform a change with the process's own arguments?  The host's own tree, found the host's way. */
static inline bool path_is_native(const struct um_call *call, const struct um_path *path)
{
	return path->mount == call->view->host && path->same;
}

/* Leave a call to the kernel that was looked at with NAMEI_HARMLESS. */
int64_t leave_harmless(struct um_call *call);

/* um_inject() of calls that are trapped themselves.  In secure mode another thread answers them, and has to have the
 * view's lock for it: let go meanwhile, so the caller of this runs on a worker. */
int64_t inject_trapped(struct um_call *call, const struct um_inject *calls, unsigned n, unsigned result);
/* The same of one call that takes the host's name of the body @fd: in memory that is mapped in the process for that time,
 * where another thread can change it.  @what.address says which argument it is. */
int64_t inject_by_name(struct um_call *call, int fd, struct um_inject what);

/* Owner of what the caller creates in the parent of @path: its fs ids, or the group of a set-gid directory. */
struct um_owner new_owner(struct um_call *call, struct um_path *path);

/* The mode of something new, by the caller's umask; what that takes away is noted in @owner. */
static inline mode_t masked(const struct um_call *call, mode_t mode, struct um_owner *owner)
{
	owner->denied = mode & call->state->umask & 0777;
	return mode & ~owner->denied;
}

/* A mount that may change the attributes of this duplicate of a descriptor; its path too if it still has one.
 * 0: found; NAMEI_NATIVE: the kernel's; -ESTALE: a lower body that the view has removed. */
int fd_path(struct um_call *call, int fd, struct um_path *path);

/* Attributes of the caller's open file @fd as the view shows them; @copy is a duplicate of it in the monitor. */
int fd_stat(struct um_call *call, int fd, int copy, struct statx *st);

/* A file of a mount is about to be written: its set-id bits go, unless the caller has CAP_FSETID (attr.c).  0 or a
 * negative errno. */
int setid_drop(struct um_call *call, struct um_path *path);

/* Was it opened with O_PATH?  @copy is a duplicate in the monitor. */
static inline bool fd_is_o_path(const struct um_call *call, int copy)
{
	return call->view->features.pidfd_getfd && (fcntl(copy, F_GETFL) & O_PATH);
}

#endif
