// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Extended attributes.  Unmodified files are the kernel's; the rest is their file system's, by path.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"

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

/* The file that a call is about: by path or by descriptor.  UM_CONTINUE, an error, or 0. */
static int64_t find(struct um_call *call, int how, struct um_path *path)
{
	int64_t err;

	if (call->row->path < 0)
		err = hashtab_npaths(call->view->table) ? find_open(call, path) : NAMEI_NATIVE;
	else
		err = arg_path(call, (arg_flags(call) & AT_SYMLINK_NOFOLLOW ? 0 : NAMEI_FOLLOW) | how, path);
	if (err == NAMEI_NATIVE)
		return UM_CONTINUE;
	if (err == 0 && (how & NAMEI_READ ? path->same : path_is_native(call, path)))
		return UM_CONTINUE;
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

/* Give @n bytes back, as getxattr(2) and listxattr(2) do: size 0 asks for the length. */
static int64_t give(struct um_call *call, ssize_t n, uint64_t addr, const void *buf, size_t size)
{
	int err;

	if (n < 0 || size == 0)
		return n;
	err = um_write(call, addr, buf, (size_t)n);
	return err < 0 ? err : n;
}

int64_t call_getxattr(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	char name[XATTR_NAME_MAX + 1];
	size_t size = (size_t)arg_data(call, 2);
	void *buf = NULL;
	int64_t err = find(call, NAMEI_READ, &path);

	if (err == 0)
		err = read_name(call, name);
	if (err == 0) {
		if (size > XATTR_SIZE_MAX)
			size = XATTR_SIZE_MAX;
		buf = malloc(size + 1);
		err = buf ? UM_OPS(&path)->getxattr(UM_FS(&path), path.rel, name, buf, size) : -ENOMEM;
		err = give(call, err, arg_data(call, 1), buf, size);
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
	int64_t err = find(call, NAMEI_READ, &path);

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
		return um_path_permission(call, path, W_OK);
	}
	if (strncmp(name, "system.", 7) != 0)
		return -EOPNOTSUPP;
	err = um_path_stat(call, path, &st);
	if (err == 0 && st.stx_uid != ids->fsuid && !ids_capable(ids, CAP_FOWNER))
		err = -EPERM;
	return err;
}

int64_t call_setxattr(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	char name[XATTR_NAME_MAX + 1];
	size_t size = (size_t)arg_data(call, 2);
	void *buf = NULL;
	int64_t err = find(call, 0, &path);

	if (err == 0)
		err = read_name(call, name);
	if (err == 0 && size > XATTR_SIZE_MAX)
		err = -E2BIG;
	if (err == 0) {
		buf = malloc(size + 1);
		err = buf ? um_read(call, arg_data(call, 1), buf, size) : -ENOMEM;
	}
	if (err == 0)
		err = may_set(call, &path, name);
	if (err == 0)
		err = UM_OPS(&path)->setxattr(UM_FS(&path), path.rel, name, buf, size, (int)arg_data(call, 3));
	free(buf);
	um_path_put(&path);
	return err;
}

int64_t call_removexattr(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	char name[XATTR_NAME_MAX + 1];
	int64_t err = find(call, 0, &path);

	if (err == 0)
		err = read_name(call, name);
	if (err == 0)
		err = may_set(call, &path, name);
	if (err == 0)
		err = UM_OPS(&path)->removexattr(UM_FS(&path), path.rel, name);
	um_path_put(&path);
	return err;
}
