// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looking at files: stat and its doors, statfs, access, readlink.
 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../procfs.h"
#include "../ttys.h"
#include "args.h"

#ifndef ST_VALID
#define ST_VALID 0x20 /* linux/statfs.h: f_flags is there */
#endif

/* struct statx in the shape of struct stat. */
static void to_stat(const struct statx *x, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_dev = makedev(x->stx_dev_major, x->stx_dev_minor);
	st->st_ino = x->stx_ino;
	st->st_mode = x->stx_mode;
	st->st_nlink = x->stx_nlink;
	st->st_uid = x->stx_uid;
	st->st_gid = x->stx_gid;
	st->st_rdev = makedev(x->stx_rdev_major, x->stx_rdev_minor);
	st->st_size = (off_t)x->stx_size;
	st->st_blksize = x->stx_blksize;
	st->st_blocks = (blkcnt_t)x->stx_blocks;
	st->st_atim = (struct timespec){ x->stx_atime.tv_sec, x->stx_atime.tv_nsec };
	st->st_mtim = (struct timespec){ x->stx_mtime.tv_sec, x->stx_mtime.tv_nsec };
	st->st_ctim = (struct timespec){ x->stx_ctime.tv_sec, x->stx_ctime.tv_nsec };
}

/*
 * statx(2) of the body @fd with the caller's own mask, for which of them are answered depends on the kernel and on the
 * file system; what the view shows otherwise is put over it.
 */
static void ask_again(const struct um_call *call, int fd, struct statx *x)
{
	int sync = arg_flags(call) & AT_STATX_SYNC_TYPE;
	struct statx body;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | sync, (unsigned)call->args[3], &body) < 0)
		return;
	body.stx_nlink = x->stx_nlink;
	body.stx_uid = x->stx_uid;
	body.stx_gid = x->stx_gid;
	body.stx_mode = x->stx_mode;
	body.stx_ino = x->stx_ino;
	body.stx_size = x->stx_size;
	body.stx_blocks = x->stx_blocks;
	body.stx_atime = x->stx_atime;
	body.stx_mtime = x->stx_mtime;
	body.stx_ctime = x->stx_ctime;
	body.stx_btime = x->stx_btime;
	body.stx_rdev_major = x->stx_rdev_major;
	body.stx_rdev_minor = x->stx_rdev_minor;
	body.stx_dev_major = x->stx_dev_major;
	body.stx_dev_minor = x->stx_dev_minor;
	*x = body;
}

/* Attributes to the process, as struct statx or as struct stat; @fd is the body. */
static int64_t give(struct um_call *call, int fd, struct statx *x, bool extended)
{
	struct stat st;

	if (extended) {
		ask_again(call, fd, x);
		return um_write(call, arg_data(call, 0), x, sizeof(*x));
	}
	to_stat(x, &st);
	return um_write(call, arg_data(call, 0), &st, sizeof(st));
}

/* stat of a descriptor. */
static int64_t stat_fd(struct um_call *call, int fd, bool extended)
{
	struct statx x;
	int copy, err;

	if (!procfs_differs(call) && !call->view->secure)
		return UM_CONTINUE;
	if (fd == AT_FDCWD) {
		struct um_path path = UM_PATH_INIT;

		err = namei_fd(call, fd, &path);
		if (err == NAMEI_NATIVE || err == -ENOENT)
			return UM_CONTINUE;
		if (err == 0)
			err = um_path_stat(call, &path, &x);
		if (err == 0)
			err = (int)give(call, path.node.fd, &x, extended);
		um_path_put(&path);
		return err;
	}
	copy = um_get_fd(call, fd);
	if (copy == -EPERM)
		return UM_CONTINUE; /* closed to us: the body's own attributes are better than none */
	if (copy < 0)
		return copy;
	err = fd_stat(call, fd, copy, &x);
	if (err == 0)
		err = (int)give(call, copy, &x, extended);
	close(copy);
	return err;
}

static int64_t stat_path(struct um_call *call, bool extended)
{
	struct um_path path = UM_PATH_INIT;
	struct statx x;
	int flags = arg_flags(call), follow = flags & AT_SYMLINK_NOFOLLOW ? 0 : NAMEI_FOLLOW;
	int64_t err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return arg_is_fd(call) ? UM_CONTINUE : -EINVAL; /* with an open file newfstatat takes any of them */
	if (arg_is_fd(call))
		return stat_fd(call, arg_dirfd(call), extended);
	err = arg_path(call, follow | NAMEI_READ, &path);
	if (err == NAMEI_NATIVE)
		return UM_CONTINUE;
	if (err < 0)
		return err;
	if (path.same && !(path.node.type == S_IFCHR && ttys_any()) && !procfs_has_owner(call, path.view)) {
		err = UM_CONTINUE;
	} else {
		call->route = path.mount->type->name;
		err = um_path_stat(call, &path, &x);
		if (err == 0)
			err = give(call, path.node.fd, &x, extended);
	}
	um_path_put(&path);
	return err;
}

int64_t call_stat(struct um_call *call)
{
	return stat_path(call, false);
}

int64_t call_statx(struct um_call *call)
{
	if ((call->args[3] & STATX__RESERVED) || (arg_flags(call) & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	return stat_path(call, true);
}

int64_t call_fstat(struct um_call *call)
{
	return arg_dirfd(call) < 0 ? -EBADF : stat_fd(call, arg_dirfd(call), false);
}

/* What the file system says of @rel, with the flags of the mount. */
static int64_t statfs_in(struct um_call *call, const struct um_mount *mount, const char *rel)
{
	struct statfs st;
	int64_t err = mount->type->ops->statfs(mount->fs, rel, &st);

	if (err < 0)
		return err;
	st.f_flags |= (typeof(st.f_flags))(ST_VALID | mount_statfs_flags(call->view, call->state, mount));
	return um_write(call, arg_data(call, 0), &st, sizeof(st));
}

static int64_t statfs_parent(struct um_call *call, const struct um_path *path)
{
	struct um_path parent = UM_PATH_INIT;
	int64_t err = um_path_parent(call, path, &parent);

	if (err == 0)
		err = statfs_in(call, parent.mount, parent.rel);
	um_path_put(&parent);
	return err;
}

/* An open file that has lost its name: the mount is known by the device number, if that is its own. */
static int64_t statfs_removed(struct um_call *call, int fd)
{
	int copy = um_get_fd(call, fd), err;
	struct statx st;

	if (copy < 0)
		return UM_CONTINUE;
	err = fd_stat(call, fd, copy, &st);
	close(copy);
	for (size_t i = 0; err == 0 && i < call->view->nmounts; i++) {
		const struct um_mount *m = call->view->mounts[i];

		if (m != NULL && m->origin == NULL && m->dev != 0 && m->dev == makedev(st.stx_dev_major, st.stx_dev_minor))
			return statfs_in(call, m, "");
	}
	return err == -UM_STAGE ? err : UM_CONTINUE;
}

/* fstatfs: the body's file system is the answer, unless the mount has one of its own; and it may have flags of its own. */
static int64_t statfs_fd(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	struct statfs st;
	int64_t err;

	if (!procfs_differs(call))
		return UM_CONTINUE;
	if (procfs_is_made(call, arg_dirfd(call)))
		return statfs("/proc", &st) < 0 ? -errno : um_write(call, arg_data(call, 0), &st, sizeof(st));
	err = namei_fd(call, arg_dirfd(call), &path);
	if (err == -ENOENT)
		err = statfs_removed(call, arg_dirfd(call));
	else if (err == 0 && (path.mount->dev != 0 || path.node.fd < 0 || mount_statfs_flags(call->view, call->state, path.mount) != 0))
		err = statfs_in(call, path.mount, path.rel);
	else if (err == NAMEI_NATIVE || err == 0)
		err = UM_CONTINUE;
	um_path_put(&path);
	return err;
}

int64_t call_statfs(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	int64_t err;

	if (call->row->path < 0)
		return statfs_fd(call);
	err = arg_path(call, NAMEI_FOLLOW | NAMEI_READ, &path);
	if (err == NAMEI_NATIVE)
		return UM_CONTINUE;
	if (err < 0)
		return err;
	if (path.same && mount_statfs_flags(call->view, call->state, path.mount) == 0)
		err = UM_CONTINUE;
	else if (path.mount->hidden) /* one of a module's places */
		err = statfs_parent(call, &path);
	else
		err = statfs_in(call, path.mount, path.rel);
	um_path_put(&path);
	return err;
}

/* access(2) asks for the real ids and the permitted capabilities of a real root (access(2), "Warnings"). */
static struct um_state as_real(const struct um_state *state)
{
	struct um_state real = *state;

	real.ids.fsuid = state->ids.ruid;
	real.ids.fsgid = state->ids.rgid;
	if (!(state->ids.securebits & 4 /* SECBIT_NO_SETUID_FIXUP */))
		real.ids.cap_effective = state->ids.ruid == 0 ? state->ids.cap_permitted : 0;
	return real;
}

int64_t call_access(struct um_call *call)
{
	const struct um_state *state = call->state;
	struct um_path path = UM_PATH_INIT;
	struct um_state real;
	int flags = arg_flags(call), mask = (int)arg_data(call, 0);
	int how = flags & AT_SYMLINK_NOFOLLOW ? 0 : NAMEI_FOLLOW;
	int64_t err;

	if ((mask & ~7) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	if (!(mask & W_OK) && (!state->virtual_ids || mask == F_OK))
		how |= NAMEI_READ;
	if (arg_is_fd(call))
		err = fd_path(call, arg_dirfd(call), &path);
	else
		err = arg_path(call, how, &path);
	if (err == NAMEI_NATIVE || err == -ESTALE)
		return UM_CONTINUE;
	if (err < 0)
		return err;
	if (!(flags & AT_EACCESS)) {
		real = as_real(state);
		call->state = &real;
	}
	if (path.same && (!state->virtual_ids || mask == F_OK) && !mount_readonly(call->view, state, path.mount))
		err = UM_CONTINUE;
	else
		err = um_path_permission(call, &path, mask);
	call->state = state;
	um_path_put(&path);
	return err;
}

int64_t call_readlink(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	char target[PROC_TEXT_MAX], name[PATH_MAX];
	size_t end, size = (size_t)arg_data(call, 1);
	int64_t err;

	if ((int)size <= 0)
		return -EINVAL;
	err = arg_path(call, NAMEI_READ | (call->row->fd >= 0 && arg_dirfd(call) != AT_FDCWD ? NAMEI_EMPTY : 0), &path);
	if (err == NAMEI_NATIVE)
		return UM_CONTINUE;
	if (err < 0)
		return err;
	strcpy(name, path.view);
	if (path.mount == call->view->host && proc_is_magic(call, name)) {
		err = proc_magic_text(call, name, target);
	} else if (path.same) {
		err = UM_CONTINUE;
	} else if (path.node.type != S_IFLNK) {
		err = arg_is_empty(call) ? -ENOENT : -EINVAL;
	} else if (proc_self_text(call, path.view, target)) {
		err = 0;
	} else {
		close(path.node.fd);
		path.node.fd = -1;
		err = um_path_walk(&path, &end, target);
	}
	um_path_put(&path);
	if (err != 0)
		return err;
	if (size > strlen(target))
		size = strlen(target);
	err = um_write(call, arg_data(call, 0), target, size);
	return err < 0 ? err : (int64_t)size;
}
