// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changing attributes: mode, owner, size, times.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include "../ttys.h"
#include "args.h"
#include "outside.h"
#include "proc.h"

#define DONE 1

/* The file that a call changes; UM_CONTINUE, an error, DONE, or 0. */
static int64_t target(struct um_call *call, int follow, struct um_path *path)
{
	int64_t err;

	if (arg_flags(call) & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (arg_is_fd(call))
		err = fd_path(call, arg_dirfd(call), path);
	else
		err = arg_path(call, follow | NAMEI_CHANGE, path);
	if (err == -ESTALE)
		return DONE; /* the view has removed it: nobody will see what it is */
	if (err == NAMEI_NATIVE || (err == 0 && path_is_native(call, path)))
		return UM_CONTINUE;
	if (err == 0 && mount_readonly(call->view, call->state, path->mount))
		return -EROFS;
	if (err == 0)
		call->route = path->mount->type->name;
	return err;
}

static int follow_of(const struct um_call *call)
{
	return arg_flags(call) & AT_SYMLINK_NOFOLLOW ? 0 : NAMEI_FOLLOW;
}

/* Did target() find a device of the host's?  It may be a terminal. */
static bool is_host_device(const struct um_call *call, int64_t err, const struct um_path *path)
{
	return (err == 0 || err == UM_CONTINUE) && path->mount == call->view->host && path->node.fd >= 0 &&
	       path->node.type == S_IFCHR;
}

/* chmod(2)'s rules: who may, and what becomes of the set-gid bit. */
static int64_t may_chmod(const struct um_state *state, const struct statx *st, mode_t *mode)
{
	if (state->ids.fsuid != st->stx_uid && !ids_capable(&state->ids, CAP_FOWNER))
		return -EPERM;
	if (!S_ISDIR(st->stx_mode) && !ids_in_group(&state->ids, st->stx_gid) &&
	    !ids_capable(&state->ids, CAP_FSETID))
		*mode &= ~(mode_t)S_ISGID;
	return 0;
}

int64_t call_chmod(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	mode_t mode = (mode_t)arg_data(call, 0) & 07777;
	struct statx st;
	int64_t err = target(call, follow_of(call), &path), tty = UM_CONTINUE;

	if (is_host_device(call, err, &path))
		tty = tty_chmod(call, path.node.fd, mode);
	if (tty != UM_CONTINUE) {
		um_path_put(&path);
		return tty;
	}
	if (err == 0 && path.node.type == S_IFLNK)
		err = -EOPNOTSUPP;
	if (err == 0)
		err = um_path_stat(call, &path, &st);
	if (err == 0)
		err = may_chmod(call->state, &st, &mode);
	if (err == 0)
		err = UM_OPS(&path)->chmod(UM_FS(&path), path.rel, mode);
	um_path_put(&path);
	return err == DONE ? 0 : err;
}

/* The mount, if any, whose file system owns the body of an open file: by trying, for a body may have no name any more. */
typedef int fd_change(const struct um_mount *mount, int copy, const void *arg);

/* Change an open file: on its body where that is a mount's, else by its path. UM_CONTINUE: the kernel's. */
static int64_t change_fd(struct um_call *call, int copy, fd_change *change, const void *arg, struct um_path *path)
{
	/* What stands in for a duplicate where none can be had is good for looking only. */
	for (size_t i = call->view->features.pidfd_getfd ? call->view->nmounts : 0; i-- > 0;) {
		const struct um_mount *mount = call->view->mounts[i];
		int err;

		if (mount == NULL || mount->type->ops->fchmod == NULL || !mount_seen(call->view, call->state, mount) ||
		    mount_is_below(call->view, call->state, mount))
			continue;
		if (mount_readonly(call->view, call->state, mount)) {
			/* Whose it is must be known before anything is changed. */
			if (fd_path(call, arg_dirfd(call), path) == 0 && path->mount == mount)
				return -EROFS;
			um_path_put(path);
			continue;
		}
		err = change(mount, copy, arg);
		if (err != -EXDEV)
			return err;
	}
	switch (fd_path(call, arg_dirfd(call), path)) {
	case 0:
		return 1;
	case -ESTALE:
		return 0; /* the view has removed it: nobody will see what it is */
	default:
		return UM_CONTINUE;
	}
}

static int change_mode(const struct um_mount *mount, int copy, const void *arg)
{
	return mount->type->ops->fchmod(mount->fs, copy, *(const mode_t *)arg);
}

static int64_t fchmod_shown(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	mode_t mode = (mode_t)arg_data(call, 0) & 07777;
	struct statx st;
	int64_t err;
	int copy;

	if (hashtab_npaths(call->view->table) == 0)
		return UM_CONTINUE;
	copy = um_get_fd(call, arg_dirfd(call));
	if (copy < 0)
		return copy;
	err = fd_is_o_path(call, copy) ? -EBADF : fd_stat(call, arg_dirfd(call), copy, &st);
	if (err == 0 && S_ISCHR(st.stx_mode)) {
		err = tty_chmod(call, copy, mode);
		if (err != UM_CONTINUE)
			goto out;
		err = 0;
	}
	if (err == 0)
		err = may_chmod(call->state, &st, &mode);
	if (err == 0)
		err = change_fd(call, copy, change_mode, &mode, &path);
	if (err == 1)
		err = UM_OPS(&path)->chmod(UM_FS(&path), path.rel, mode);
	else if (err == -EPERM && fd_path(call, arg_dirfd(call), &path) == NAMEI_NATIVE)
		err = UM_CONTINUE;
out:
	close(copy);
	um_path_put(&path);
	return err;
}

/*
 * What is left to the kernel, by descriptor.  Not so in secure mode: another thread could put another file there, so it is
 * done on a duplicate.
 */
static int64_t left_to_kernel(struct um_call *call, int64_t err, int (*change)(const struct um_call *call, int copy))
{
	int copy;

	if (err != UM_CONTINUE || !call->view->secure)
		return err;
	copy = um_get_fd(call, arg_dirfd(call));
	if (copy < 0)
		return copy;
	err = outside_change(call, copy);
	if (err == 0)
		err = change(call, copy) < 0 ? -errno : 0;
	close(copy);
	return err;
}

static int fchmod_copy(const struct um_call *call, int copy)
{
	return fchmod(copy, (mode_t)arg_data(call, 0) & 07777);
}

int64_t call_fchmod(struct um_call *call)
{
	return left_to_kernel(call, fchmod_shown(call), fchmod_copy);
}

struct chown_arg {
	uid_t uid;
	gid_t gid;
};

/* chown(2)'s rules. */
static int64_t may_chown(const struct um_state *state, const struct statx *st, const struct chown_arg *to)
{
	bool owner = state->ids.fsuid == st->stx_uid;

	if (ids_capable(&state->ids, CAP_CHOWN))
		return 0;
	if (to->uid != (uid_t)-1 && (!owner || to->uid != st->stx_uid))
		return -EPERM;
	if (to->gid != (gid_t)-1 && to->gid != st->stx_gid && (!owner || !ids_in_group(&state->ids, to->gid)))
		return -EPERM;
	return 0;
}

/* A change of owner takes the set-id bits off files, whoever makes it (chown(2)). */
static mode_t without_setid(const struct statx *st)
{
	mode_t mode = st->stx_mode & 07777;

	if (S_ISDIR(st->stx_mode))
		return mode;
	mode &= ~(mode_t)S_ISUID;
	return mode & S_IXGRP ? mode & ~(mode_t)S_ISGID : mode;
}

int setid_drop(struct um_call *call, struct um_path *path)
{
	struct statx st;
	int err;

	if (ids_capable(&call->state->ids, CAP_FSETID) || path->mount == call->view->host || path->node.type != S_IFREG)
		return 0;
	err = um_path_stat(call, path, &st);
	if (err < 0 || without_setid(&st) == (st.stx_mode & 07777))
		return err;
	return UM_OPS(path)->chmod(UM_FS(path), path->rel, without_setid(&st));
}

int64_t call_chown(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	struct chown_arg to = { (uid_t)arg_data(call, 0), (gid_t)arg_data(call, 1) };
	struct statx st;
	int64_t err = target(call, follow_of(call), &path), tty = UM_CONTINUE;

	if (is_host_device(call, err, &path))
		tty = tty_chown(call, path.node.fd, to.uid, to.gid);
	if (tty != UM_CONTINUE) {
		um_path_put(&path);
		return tty;
	}
	if (err == 0)
		err = um_path_stat(call, &path, &st);
	if (err == 0)
		err = may_chown(call->state, &st, &to);
	if (err == 0)
		err = UM_OPS(&path)->chown(UM_FS(&path), path.rel, to.uid, to.gid);
	if (err == 0 && S_ISREG(st.stx_mode) && without_setid(&st) != (st.stx_mode & 07777))
		err = UM_OPS(&path)->chmod(UM_FS(&path), path.rel, without_setid(&st));
	um_path_put(&path);
	return err == DONE ? 0 : err;
}

static int change_owner(const struct um_mount *mount, int copy, const void *arg)
{
	const struct chown_arg *to = arg;

	return mount->type->ops->fchown(mount->fs, copy, to->uid, to->gid);
}

static int64_t fchown_shown(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	struct chown_arg to = { (uid_t)arg_data(call, 0), (gid_t)arg_data(call, 1) };
	struct statx st;
	mode_t mode;
	int64_t err;
	int copy;

	if (hashtab_npaths(call->view->table) == 0)
		return UM_CONTINUE;
	copy = um_get_fd(call, arg_dirfd(call));
	if (copy < 0)
		return copy;
	err = fd_is_o_path(call, copy) ? -EBADF : fd_stat(call, arg_dirfd(call), copy, &st);
	if (err == 0 && S_ISCHR(st.stx_mode)) {
		err = tty_chown(call, copy, to.uid, to.gid);
		if (err != UM_CONTINUE)
			goto out;
		err = 0;
	}
	if (err == 0)
		err = may_chown(call->state, &st, &to);
	if (err == 0) {
		mode = without_setid(&st);
		err = change_fd(call, copy, change_owner, &to, &path);
		if (err == 1)
			err = UM_OPS(&path)->chown(UM_FS(&path), path.rel, to.uid, to.gid);
		if (err == 0 && S_ISREG(st.stx_mode) && mode != (st.stx_mode & 07777)) {
			um_path_put(&path);
			err = change_fd(call, copy, change_mode, &mode, &path);
			if (err == 1)
				err = UM_OPS(&path)->chmod(UM_FS(&path), path.rel, mode);
			else if (err == UM_CONTINUE)
				err = 0; /* the owner is changed; the kernel must not try as well */
		}
	}
	if (err == -EPERM && fd_path(call, arg_dirfd(call), &path) == NAMEI_NATIVE)
		err = UM_CONTINUE; /* the host's own file: the kernel's words */
out:
	close(copy);
	um_path_put(&path);
	return err;
}

static int fchown_copy(const struct um_call *call, int copy)
{
	return fchown(copy, (uid_t)arg_data(call, 0), (gid_t)arg_data(call, 1));
}

int64_t call_fchown(struct um_call *call)
{
	return left_to_kernel(call, fchown_shown(call), fchown_copy);
}

int64_t call_truncate(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	off_t size = (off_t)arg_data(call, 0);
	int64_t err = size < 0 ? -EINVAL : target(call, NAMEI_FOLLOW, &path);

	if (err == 0 && path.node.type != S_IFREG)
		err = path.node.type == S_IFDIR ? -EISDIR : -EINVAL;
	if (err == 0)
		err = um_path_permission(call, &path, W_OK);
	if (err == 0)
		err = setid_drop(call, &path);
	if (err == 0)
		err = UM_OPS(&path)->truncate(UM_FS(&path), path.rel, size);
	um_path_put(&path);
	return err == DONE ? 0 : err;
}

/* utimensat(2)'s rules: the owner always; who may write, if both times are now. */
static int64_t may_utimes(struct um_call *call, struct um_path *path, const struct timespec times[2])
{
	const struct um_state *state = call->state;
	struct statx st;
	int64_t err;

	if (ids_capable(&state->ids, CAP_FOWNER))
		return 0;
	err = um_path_stat(call, path, &st);
	if (err < 0 || st.stx_uid == state->ids.fsuid)
		return err;
	if (times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW)
		return um_path_permission(call, path, W_OK);
	return -EPERM;
}

static int64_t set_times(struct um_call *call, struct um_path *path, const struct timespec times[2])
{
	int64_t err = may_utimes(call, path, times);

	return err < 0 ? err : UM_OPS(path)->utimens(UM_FS(path), path->rel, times);
}

static const struct timespec both_now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };

static bool is_omitted(const struct timespec times[2])
{
	return times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT;
}

static bool bad_nsec(const struct timespec *t)
{
	return t->tv_nsec != UTIME_NOW && t->tv_nsec != UTIME_OMIT && (t->tv_nsec < 0 || t->tv_nsec > 999999999);
}

/* The file that a call with a null path is about.  0: set them by the path; UM_CONTINUE, or an error. */
static int64_t times_target_fd(struct um_call *call, struct um_path *path)
{
	int64_t err;
	int copy;

	if (arg_flags(call) != 0)
		return -EINVAL;
	err = fd_path(call, arg_dirfd(call), path);
	if (err == 0 && mount_readonly(call->view, call->state, path->mount))
		return -EROFS;
	/* A lower body may be another's, or have been copied up since: never the kernel's to change. */
	if (err == 0 && path->mount != call->view->host) {
		copy = call->view->features.pidfd_getfd ? um_get_fd(call, arg_dirfd(call)) : -1;
		err = copy < 0 || !(fcntl(copy, F_GETFL) & O_PATH) ? 0 : -EBADF;
		if (copy >= 0)
			close(copy);
		return err;
	}
	if (err == -ESTALE)
		return DONE;
	return err == 0 || err == NAMEI_NATIVE ? UM_CONTINUE : err;
}

/* On a duplicate of the descriptor, for secure mode: the kernel must not read the pointer again. */
static int64_t set_times_of_body(struct um_call *call, const struct timespec times[2])
{
	int copy = um_get_fd(call, arg_dirfd(call));
	int64_t err;

	if (copy < 0)
		return copy;
	err = outside_change(call, copy);
	if (err == 0)
		err = futimens(copy, times) < 0 ? -errno : 0;
	close(copy);
	return err;
}

/* All doors, after their own ways of giving times; their errors come in this order. */
static int64_t change_times(struct um_call *call, const struct timespec times[2])
{
	struct um_path path = UM_PATH_INIT;
	bool null = call->args[call->row->path] == 0 && arg_dirfd(call) != AT_FDCWD;
	int64_t err = null ? times_target_fd(call, &path) : target(call, follow_of(call), &path);

	if (err == 0 && (bad_nsec(&times[0]) || bad_nsec(&times[1])))
		err = -EINVAL;
	if (err == 0)
		err = set_times(call, &path, times);
	else if (err == UM_CONTINUE && call->view->secure && null)
		err = set_times_of_body(call, times);
	um_path_put(&path);
	return err == DONE ? 0 : err;
}

int64_t call_utime(struct um_call *call)
{
	struct timespec times[2] = { both_now[0], both_now[1] };
	struct utimbuf buf;

	if (arg_data(call, 0) != 0) {
		int err = um_read(call, arg_data(call, 0), &buf, sizeof(buf));

		if (err < 0)
			return err;
		times[0] = (struct timespec){ buf.actime, 0 };
		times[1] = (struct timespec){ buf.modtime, 0 };
	}
	return change_times(call, times);
}

int64_t call_utimes(struct um_call *call)
{
	struct timespec times[2] = { both_now[0], both_now[1] };
	struct timeval tv[2];

	if (arg_data(call, 0) != 0) {
		int err = um_read(call, arg_data(call, 0), tv, sizeof(tv));

		if (err < 0)
			return err;
		for (int i = 0; i < 2; i++) {
			if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
				return -EINVAL;
			times[i] = (struct timespec){ tv[i].tv_sec, tv[i].tv_usec * 1000 };
		}
	}
	return change_times(call, times);
}

int64_t call_utimensat(struct um_call *call)
{
	struct timespec times[2] = { both_now[0], both_now[1] };

	if (arg_data(call, 0) != 0) {
		int err = um_read(call, arg_data(call, 0), times, sizeof(times));

		if (err < 0)
			return err;
		if (is_omitted(times))
			return 0; /* whatever the path */
	}
	return change_times(call, times);
}

/*
 * An inode's flags can be set through a descriptor that is open for reading only, and so on a lower body, which is the
 * host's. There it is refused; a body of the upper directory is the user's own.
 */
/* The descriptor becomes a duplicate of another one. */
static int64_t become_duplicate(struct um_call *call, int from)
{
	const struct um_inject calls[] = {
		{ .nr = SYS_dup3, .args = { (uint64_t)from, call->args[0], O_CLOEXEC } },
		{ .nr = SYS_fcntl, .args = { call->args[0], F_SETFD, FD_CLOEXEC } }, /* it has 0 for a result */
	};

	return um_inject(call, calls, 2, 1);
}

/* Is it a module's business?  UM_CONTINUE: no. */
static int64_t ioctl_of_module(struct um_call *call)
{
	unsigned request = (unsigned)call->args[1];
	int copy = -1, result = 0, ret = -EXDEV;
	size_t size = _IOC_SIZE(request);
	char arg[256] = { 0 };

	for (struct um_service *s = call->view->services; s != NULL && ret == -EXDEV; s = s->next) {
		if (s->module->ioctl == NULL)
			continue;
		if (copy < 0)
			copy = um_get_fd(call, (int)call->args[0]);
		if (copy < 0 || size > sizeof(arg))
			break;
		if (size > 0 && um_read(call, call->args[2], arg, size) < 0)
			size = 0;
		ret = s->module->ioctl(copy, request, arg, &result);
		call->route = ret != -EXDEV ? s->module->name : call->route;
	}
	if (copy >= 0)
		close(copy);
	if (ret == UM_IOCTL_DUP)
		return become_duplicate(call, result);
	if (ret == 0 && size > 0 && (_IOC_DIR(request) & _IOC_READ) && um_write(call, call->args[2], arg, size) < 0)
		return -EFAULT;
	return ret == -EXDEV ? UM_CONTINUE : ret < 0 ? ret : result;
}

int64_t call_ioctl(struct um_call *call)
{
	static const uint32_t changes[] = {
		0x40086602 /* FS_IOC_SETFLAGS */, 0x40046602 /* FS_IOC32_SETFLAGS */, 0x401c5820 /* FS_IOC_FSSETXATTR */,
		0x40087602 /* FS_IOC_SETVERSION */, 0x40806685 /* FS_IOC_ENABLE_VERITY */,
		0x800c6613 /* FS_IOC_SET_ENCRYPTION_POLICY */, 0x40086607 /* EXT4_IOC_GROUP_EXTEND */,
		0x40086604 /* EXT4_IOC_SETVERSION */, 0xc028660f /* EXT4_IOC_MOVE_EXT */, 0x6609 /* EXT4_IOC_MIGRATE */,
		0x660c /* EXT4_IOC_ALLOC_DA_BLKS */,
	};
	struct um_path path = UM_PATH_INIT;
	bool change = false;
	int64_t ret;
	int err;

	ret = ioctl_of_module(call);
	if (ret != UM_CONTINUE)
		return ret;
	if (call->view->secure)
		return ioctl_allowed(call);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		change |= (uint32_t)call->args[1] == changes[i];
	if (!change || hashtab_npaths(call->view->table) == 0)
		return UM_CONTINUE;
	err = fd_path(call, arg_dirfd(call), &path);
	if (err == 0 && path.mount != call->view->host)
		err = -EOPNOTSUPP;
	um_path_put(&path);
	return err == -ESTALE || err == -EOPNOTSUPP ? -EOPNOTSUPP : UM_CONTINUE;
}
