// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Extended attributes.  Unmodified files are the kernel's; the rest is their file system's, by path.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../syscall/numbers.h"
#include "args.h"
#include "outside.h"

/* That of a descriptor, which must not be one of O_PATH. */
static int64_t find_open(struct um_call *call, struct um_path *path)
{
	int copy = um_get_fd(call, arg_dirfd(call));
	bool o_path;

	if (copy == -EBADF)
		return copy;
	o_path = copy >= 0 && fd_is_o_path(call, copy);
	if (copy >= 0)
		close(copy);
	return o_path ? -EBADF : fd_path(call, arg_dirfd(call), path);
}

/*
 * The file that a call is about: by path or by descriptor.  UM_CONTINUE, an error, or 0.  @early is what was wrong with the
 * call's other arguments, which comes before what is wrong with the path; the kernel will say it if the call is its own.
 */
static int64_t find(struct um_call *call, int how, int64_t early, struct um_path *path)
{
	int dirfd = arg_dirfd(call);
	int64_t err;

	if (arg_flags(call) & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (call->row->path >= 0 && !arg_is_fd(call))
		err = arg_path(call, (arg_flags(call) & AT_SYMLINK_NOFOLLOW ? 0 : NAMEI_FOLLOW) | how, path);
	else if (hashtab_npaths(call->view->table) == 0)
		err = NAMEI_NATIVE;
	else if (call->row->path >= 0 && dirfd == AT_FDCWD)
		err = fd_path(call, dirfd, path);
	else
		err = find_open(call, path);
	/* A lower body that the view has removed can be looked at; what it is changed to nobody will see. */
	if (err == -ESTALE && early == 0)
		return how & NAMEI_READ ? UM_CONTINUE : -ESTALE;
	if (err == NAMEI_NATIVE)
		return UM_CONTINUE;
	if (err == 0 && (how & NAMEI_READ ? path->same : path_is_native(call, path)))
		return UM_CONTINUE;
	if (early < 0)
		return early;
	if (err == 0 && !(how & NAMEI_READ) && mount_readonly(call->view, call->state, path->mount))
		return -EROFS;
	return err;
}

/* The attribute's name, whose address is the first payload argument. */
static int64_t read_name(struct um_call *call, char *name)
{
	ssize_t n = um_read_string(call, arg_data(call, 0), name, XATTR_NAME_MAX + 1);

	return n == -ENAMETOOLONG || n == 0 ? -ERANGE : n < 0 ? n : 0;
}

/* A value in the caller's memory; the *xattrat calls have it as a structure (struct xattr_args, Linux 6.13). */
struct value {
	uint64_t addr __attribute__((aligned(8)));
	uint32_t size;
	uint32_t flags;
};

static bool is_at(const struct um_call *call)
{
	return call->row->flags >= 0;
}

/* The calls with numbers of their own are there, or they are not, for all files. */
static bool kernel_lacks(const struct um_call *call)
{
	static int lacks[UM_NR_NEW_END - UM_NR_NEW];
	int *known = &lacks[call->nr - UM_NR_NEW];

	if (*known == 0)
		*known = syscall(call->nr, -1, NULL, -1, NULL, NULL, -1) < 0 && errno == ENOSYS ? 1 : -1;
	return *known == 1;
}

static int64_t read_value(struct um_call *call, struct value *value)
{
	size_t size = (size_t)arg_data(call, 2);

	if (is_at(call))
		return read_struct(call, arg_data(call, 1), size, value, sizeof(*value));
	/* What is too large for a file is as large as need be. */
	*value = (struct value){ arg_data(call, 1), size > UINT32_MAX ? UINT32_MAX : (uint32_t)size, 0 };
	return 0;
}

/* Give @n bytes back, as getxattr(2) and listxattr(2) do: size 0 asks for the length. */
static int64_t give(struct um_call *call, ssize_t n, uint64_t addr, const void *buf, size_t size)
{
	int err;

	if (n < 0 || size == 0)
		return n;
	err = um_write(call, addr, buf, (size_t)n);
	return err < 0 ? err : n;
}

/* Who may read them: those of users as the contents, those of the kernel everybody. */
static int64_t may_get(struct um_call *call, struct um_path *path, const char *name)
{
	if (strncmp(name, "security.", 9) == 0 || strncmp(name, "system.", 7) == 0 || strncmp(name, "trusted.", 8) == 0)
		return 0;
	if (strncmp(name, "user.", 5) == 0 && path->node.type != S_IFREG && path->node.type != S_IFDIR)
		return -ENODATA;
	return um_path_permission(call, path, R_OK);
}

int64_t call_getxattr(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	char name[XATTR_NAME_MAX + 1];
	struct value value;
	void *buf = NULL;
	int64_t err;

	if (is_at(call) && kernel_lacks(call))
		return -ENOSYS;
	err = read_value(call, &value);
	if (err == 0 && value.flags != 0)
		err = -EINVAL;
	if (err < 0)
		return err;
	err = find(call, NAMEI_READ, 0, &path);
	if (err <= 0 && err != UM_CONTINUE) {
		int64_t early = read_name(call, name);

		if (early < 0)
			err = early;
	}
	if (err == 0)
		err = may_get(call, &path, name);
	if (err == 0) {
		if (value.size > XATTR_SIZE_MAX)
			value.size = XATTR_SIZE_MAX;
		buf = malloc(value.size + 1);
		err = buf ? UM_OPS(&path)->getxattr(UM_FS(&path), path.rel, name, buf, value.size) : -ENOMEM;
		err = give(call, err, value.addr, buf, value.size);
	}
	free(buf);
	um_path_put(&path);
	return err;
}

int64_t call_listxattr(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	size_t size = (size_t)arg_data(call, 1);
	void *buf = NULL;
	int64_t err;

	if (is_at(call) && kernel_lacks(call))
		return -ENOSYS;
	err = find(call, NAMEI_READ, 0, &path);
	if (err == 0) {
		if (size > XATTR_LIST_MAX)
			size = XATTR_LIST_MAX;
		buf = malloc(size + 1);
		err = buf ? UM_OPS(&path)->listxattr(UM_FS(&path), path.rel, buf, size) : -ENOMEM;
		err = give(call, err, arg_data(call, 0), buf, size);
	}
	free(buf);
	um_path_put(&path);
	return err;
}

/* Who may set which attributes: xattr(7), "Extended attribute namespaces". */
static int64_t may_set(struct um_call *call, struct um_path *path, const char *name)
{
	const struct um_ids *ids = &call->state->ids;
	struct statx st;
	int64_t err;

	if (strncmp(name, "trusted.", 8) == 0)
		return ids_capable(ids, CAP_SYS_ADMIN) ? 0 : -EPERM;
	if (strcmp(name, "security.capability") == 0)
		return ids_capable(ids, CAP_SETFCAP) ? 0 : -EPERM;
	if (strncmp(name, "security.", 9) == 0)
		return ids_capable(ids, CAP_SYS_ADMIN) ? 0 : -EPERM;
	if (strncmp(name, "user.", 5) == 0) {
		if (path->node.type != S_IFREG && path->node.type != S_IFDIR)
			return -EPERM;
		err = um_path_stat(call, path, &st);
		if (err == 0 && S_ISDIR(st.stx_mode) && (st.stx_mode & S_ISVTX) && st.stx_uid != ids->fsuid &&
		    !ids_capable(ids, CAP_FOWNER))
			err = -EPERM;
		return err < 0 ? err : um_path_permission(call, path, W_OK);
	}
	if (strncmp(name, "system.", 7) != 0) {
		err = um_path_permission(call, path, W_OK);
		return err < 0 ? err : -EOPNOTSUPP;
	}
	err = um_path_stat(call, path, &st);
	if (err == 0 && st.stx_uid != ids->fsuid && !ids_capable(ids, CAP_FOWNER))
		err = -EPERM;
	return err;
}

/* Name and value of a call that sets; *buf is to be freed. */
static int64_t read_setting(struct um_call *call, const struct value *value, char *name, void **buf)
{
	int64_t err = value->flags & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE) ? -EINVAL : read_name(call, name);

	if (err == 0 && value->size > XATTR_SIZE_MAX)
		err = -E2BIG;
	if (err < 0)
		return err;
	*buf = malloc(value->size + 1);
	return *buf ? um_read(call, value->addr, *buf, value->size) : -ENOMEM;
}

/* Is a change of an open file left to the kernel that must not be?  In secure mode another thread could put another file
 * at its number; so it is done on a duplicate. */
static bool is_ours_to_do(const struct um_call *call, int64_t err)
{
	return err == UM_CONTINUE && call->view->secure && call->row->path < 0;
}

static int64_t change_copy(struct um_call *call, const char *name, const void *value, size_t size, int flags)
{
	int copy = um_get_fd(call, arg_dirfd(call)), err;

	if (copy < 0)
		return copy;
	err = outside_change(call, copy);
	if (err == 0)
		err = value != NULL ? fsetxattr(copy, name, value, size, flags) : fremovexattr(copy, name);
	if (err == -1)
		err = -errno;
	close(copy);
	return err;
}

int64_t call_setxattr(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	char name[XATTR_NAME_MAX + 1];
	struct value value;
	void *buf = NULL;
	int64_t err, early;

	if (is_at(call) && kernel_lacks(call))
		return -ENOSYS;
	err = read_value(call, &value);
	if (err < 0)
		return err;
	if (!is_at(call))
		value.flags = (uint32_t)arg_data(call, 3);
	early = read_setting(call, &value, name, &buf);
	err = find(call, NAMEI_CHANGE, early, &path);
	if (is_ours_to_do(call, err)) {
		err = early < 0 ? early : change_copy(call, name, buf, value.size, (int)value.flags);
	} else {
		if (err == 0)
			err = may_set(call, &path, name);
		if (err == 0)
			err = UM_OPS(&path)->setxattr(UM_FS(&path), path.rel, name, buf, value.size, (int)value.flags);
	}
	free(buf);
	um_path_put(&path);
	return err == -ESTALE ? 0 : err;
}

int64_t call_removexattr(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	char name[XATTR_NAME_MAX + 1];
	int64_t err, early;

	if (is_at(call) && kernel_lacks(call))
		return -ENOSYS;
	early = read_name(call, name);
	err = find(call, NAMEI_CHANGE, early, &path);
	if (is_ours_to_do(call, err)) {
		err = early < 0 ? early : change_copy(call, name, NULL, 0, 0);
	} else {
		if (err == 0)
			err = may_set(call, &path, name);
		if (err == 0)
			err = UM_OPS(&path)->removexattr(UM_FS(&path), path.rel, name);
		if (err == -ENODATA && strncmp(name, "system.posix_acl_", 17) == 0)
			err = 0; /* no ACL can be taken away any number of times */
	}
	um_path_put(&path);
	return err == -ESTALE ? 0 : err;
}

/* struct file_attr of Linux 6.17. */
struct file_attributes {
	uint64_t xflags;
	uint32_t extsize, nextents, projid, cowextsize;
};

/* file_getattr, file_setattr: the inode's flags.  Those of a modified file are its body's, and stay as they are. */
int64_t call_file_attr(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	size_t size = (size_t)arg_data(call, 1);
	bool set = call->nr == __NR_file_setattr;
	struct file_attributes attr;
	char name[40];
	int64_t err;

	if (kernel_lacks(call))
		return -ENOSYS;
	if (arg_flags(call) & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = set ? read_struct(call, arg_data(call, 0), size, &attr, sizeof(attr)) :
	      size > (size_t)sysconf(_SC_PAGESIZE) ? -E2BIG :
	      size < sizeof(attr) ? -EINVAL : 0;
	if (err < 0)
		return err;
	err = find(call, set ? 0 : NAMEI_READ, 0, &path);
	if (err == 0 && (set || path.node.fd < 0))
		err = -EOPNOTSUPP;
	if (err == 0) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", path.node.fd);
		err = syscall(__NR_file_getattr, AT_FDCWD, name, &attr, sizeof(attr), 0) < 0 ? -errno : 0;
	}
	if (err == 0)
		err = um_write(call, arg_data(call, 0), &attr, sizeof(attr));
	um_path_put(&path);
	return err == -ESTALE ? 0 : err;
}
