// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that make and remove names.
 *
 * Each has the same shape: look the name up, leave it to the kernel where the kernel's way leads to the host's own
 * tree, check what Linux checks, and let the owning file system do it.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../moves.h"
#include "../procfs.h"
#include "../procinfo.h"
#include "args.h"
#include "outside.h"

/* Look up a name that is to be made.  0: it can be, and @owner will own it; UM_CONTINUE, or an error. */
static int64_t to_make(struct um_call *call, int dirfd, uint64_t addr, struct um_path *path, struct um_owner *owner)
{
	int64_t err = namei(call, dirfd, addr, NAMEI_PARENT | NAMEI_CHANGE, path);

	if (err == NAMEI_NATIVE)
		return UM_CONTINUE;
	if (err < 0)
		return err;
	if (path_is_native(call, path))
		return UM_CONTINUE;
	if (path->exists)
		return -EEXIST;
	err = um_path_parent_permission(call, path, false);
	if (err < 0)
		return err;
	if (!um_alive(call))
		return UM_REPLIED;
	*owner = new_owner(call, path);
	call->route = path->mount->type->name;
	return 0;
}

int64_t call_mkdir(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	mode_t mode = (mode_t)arg_data(call, 0) & 01777;
	struct um_owner owner;
	struct statx st;
	int64_t err = to_make(call, arg_dirfd(call), call->args[call->row->path], &path, &owner);

	if (err == 0) {
		struct um_path parent = UM_PATH_INIT;

		/* A set-gid directory hands the bit on. */
		if (um_path_parent(call, &path, &parent) == 0) {
			if (um_path_stat(call, &parent, &st) == 0)
				mode |= st.stx_mode & S_ISGID;
			um_path_put(&parent);
		}
		mode = masked(call, mode, &owner);
		err = UM_OPS(&path)->mkdir(UM_FS(&path), path.rel, mode, &owner);
	}
	um_path_put(&path);
	return err;
}

/* Whiteouts everybody may make. */
static bool is_device(mode_t mode, dev_t rdev)
{
	return S_ISBLK(mode) || (S_ISCHR(mode) && rdev != 0);
}

int64_t call_mknod(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	mode_t mode = (mode_t)arg_data(call, 0);
	struct um_owner owner;
	int64_t err;

	if ((mode & S_IFMT) == 0)
		mode |= S_IFREG;
	if (S_ISDIR(mode))
		return -EPERM;
	if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return -EINVAL;
	err = to_make(call, arg_dirfd(call), call->args[call->row->path], &path, &owner);
	if (err == 0 && path.slash)
		err = -ENOENT;
	if (err == 0 && is_device(mode, (dev_t)arg_data(call, 1)) && !ids_capable(&call->state->ids, CAP_MKNOD))
		err = -EPERM;
	if (err == 0)
		err = UM_OPS(&path)->mknod(UM_FS(&path), path.rel,
					   masked(call, mode & (S_IFMT | 07777), &owner), (dev_t)arg_data(call, 1),
					   &owner);
	if (err == 0 && S_ISFIFO(mode))
		outside_made(call, &path);
	um_path_put(&path);
	return err;
}

int64_t call_symlink(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	struct um_owner owner;
	char target[PATH_MAX];
	ssize_t n;
	int64_t err;

	n = um_read_path(call, call->args[0], target);
	if (n <= 0)
		return n < 0 ? n : -ENOENT;
	err = to_make(call, arg_dirfd(call), call->args[call->row->path], &path, &owner);
	if (err == 0 && path.slash)
		err = -ENOENT;
	if (err == 0)
		err = UM_OPS(&path)->symlink(UM_FS(&path), target, path.rel, &owner);
	um_path_put(&path);
	return err;
}

/* Is this the place of a mount?  Names of those cannot be changed. */
static bool is_mount_point(const struct um_call *call, const struct um_path *path)
{
	return path->mount != call->view->host && strcmp(path->view, path->mount->target) == 0;
}

/* The existing name of a link. */
static int64_t link_source(struct um_call *call, struct um_path *path)
{
	int64_t err;

	if (arg_is_fd(call))
		err = fd_path(call, arg_dirfd(call), path);
	else
		err = arg_path(call, (arg_flags(call) & AT_SYMLINK_FOLLOW ? NAMEI_FOLLOW : 0) | NAMEI_CHANGE, path);
	return err == -ESTALE ? -ENOENT : err;
}

/* The object of a source that has no name (a file of O_TMPFILE, or a removed one): a descriptor, or -EXDEV. */
static int nameless_source(struct um_call *call, const struct um_path *from)
{
	char link[PATH_MAX];
	int fd;

	if (from->node.fd >= 0)
		return outside_is_nameless(call, from) ? fcntl(from->node.fd, F_DUPFD_CLOEXEC, 0) : -EXDEV;
	if (arg_is_fd(call))
		return um_get_fd(call, arg_dirfd(call));
	if (!(arg_flags(call) & AT_SYMLINK_FOLLOW) || um_read_path(call, call->args[call->row->path], link) < 0 ||
	    !proc_is_magic(call, link))
		return -EXDEV;
	fd = open(link, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int64_t link_nameless(struct um_call *call, const struct um_path *from, struct um_path *to)
{
	int fd = nameless_source(call, from);
	int64_t err;

	if (fd < 0)
		return fd;
	err = UM_OPS(to)->link_fd ? UM_OPS(to)->link_fd(UM_FS(to), fd, to->rel) : -EXDEV;
	close(fd);
	return err;
}

/* fs.protected_hardlinks (proc_sys_fs(5)): others' files get no more names, unless one may do to them what one likes. */
static int64_t check_hardlink(struct um_call *call, struct um_path *from)
{
	const struct um_ids *ids = &call->state->ids;
	static int protected = -1;
	struct statx st;
	int64_t err;
	char c = '0';
	int fd;

	if (protected < 0) {
		fd = open("/proc/sys/fs/protected_hardlinks", O_RDONLY | O_CLOEXEC);
		protected = fd >= 0 && read(fd, &c, 1) == 1 && c != '0';
		if (fd >= 0)
			close(fd);
	}
	if (!protected || ids_capable(ids, CAP_FOWNER))
		return 0;
	err = um_path_stat(call, from, &st);
	if (err < 0 || st.stx_uid == ids->fsuid)
		return err;
	if (!S_ISREG(st.stx_mode) || (st.stx_mode & S_ISUID) || (st.stx_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		return -EPERM;
	return um_path_permission(call, from, R_OK | W_OK) < 0 ? -EPERM : 0;
}

int64_t call_link(struct um_call *call)
{
	struct um_path from = UM_PATH_INIT, to = UM_PATH_INIT;
	struct um_owner owner;
	int64_t err, made;

	if (arg_flags(call) & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = link_source(call, &from);
	if (err < 0)
		return err;
	made = to_make(call, arg_dirfd2(call), call->args[call->row->path2], &to, &owner);
	if (made == UM_CONTINUE) {
		/* The new name is the host's: the old one must be as well. */
		if (err != NAMEI_NATIVE && !path_is_native(call, &from))
			err = from.mount == to.mount && to.mount == call->view->host ?
				      UM_OPS(&to)->link(UM_FS(&to), from.rel, to.rel) : -EXDEV;
		else
			err = UM_CONTINUE;
	} else if (made < 0) {
		err = made;
	} else if (to.slash) {
		err = -ENOENT;
	} else if (err == NAMEI_NATIVE || from.mount != to.mount) {
		err = link_nameless(call, &from, &to);
	} else if (from.node.type == S_IFDIR) {
		err = -EPERM;
	} else {
		err = check_hardlink(call, &from);
		if (err == 0)
			err = UM_OPS(&to)->link(UM_FS(&to), from.rel, to.rel);
	}
	um_path_put(&from);
	um_path_put(&to);
	return err;
}

/* The number of dots if the string at @addr ends in a "." or ".." component, else 0. */
static int ends_in_dots(const struct um_call *call, uint64_t addr)
{
	char text[PATH_MAX];
	ssize_t n = um_read_path(call, addr, text);
	int dots = 0;

	while (n > 1 && text[n - 1] == '/')
		n--;
	for (; n > 0 && text[n - 1] == '.'; n--)
		dots++;
	return dots <= 2 && (n <= 0 || text[n - 1] == '/') ? dots : 0;
}

/* A directory of the host that the caller may not read is not empty: nobody can tell. */
static int64_t check_unreadable(struct um_call *call, struct um_path *path)
{
	bool lower = path->node.body == UM_BODY_HOST || path->node.body == UM_BODY_MERGED;

	if (!lower || ids_capable(&call->state->ids, CAP_DAC_OVERRIDE))
		return 0;
	return um_path_permission(call, path, R_OK | X_OK) == -EACCES ? -ENOTEMPTY : 0;
}

/*
 * A descriptor's link in /proc that the caller may search: the kernel grants the process itself all there, and then has no
 * operation.
 */
static bool is_own_fd(struct um_call *call, const struct um_path *path)
{
	const char *file;
	pid_t pid;

	if (path->mount != call->view->host)
		return false;
	file = procfs_file_of(path->view, &pid);
	return file != NULL && strncmp(file, "fd/", 3) == 0 && procinfo_tgid(pid) == um_tgid(call);
}

int64_t call_unlink(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	bool dir = arg_flags(call) & AT_REMOVEDIR;
	int dots;
	int64_t err = arg_flags(call) & ~AT_REMOVEDIR ? -EINVAL : arg_path(call, NAMEI_PARENT | NAMEI_CHANGE, &path);

	if (err == NAMEI_NATIVE)
		return UM_CONTINUE;
	if (err < 0)
		return err;
	if (path_is_native(call, &path))
		err = UM_CONTINUE;
	else if (!path.exists)
		err = -ENOENT;
	else if (path.node.type == S_IFDIR && (dots = ends_in_dots(call, call->args[call->row->path])) != 0)
		err = !dir ? -EISDIR : dots == 1 ? -EINVAL : -ENOTEMPTY;
	else if (*path.view == '\0' && dir)
		err = -EBUSY;
	else if (path.slash && !dir)
		err = path.node.type == S_IFDIR ? -EISDIR : -ENOTDIR;
	else if (!dir && is_own_fd(call, &path))
		err = -EPERM;
	else
		err = um_path_parent_permission(call, &path, true);
	if (err == 0 && dir != (path.node.type == S_IFDIR))
		err = dir ? -ENOTDIR : -EISDIR;
	else if (err == 0 && (is_mount_point(call, &path) || is_bound(call->view, call->state, &path)))
		err = -EBUSY;
	if (err == 0 && dir)
		err = check_unreadable(call, &path);
	if (err == 0 && !um_alive(call))
		err = UM_REPLIED;
	if (err == 0) {
		call->route = path.mount->type->name;
		err = (dir ? UM_OPS(&path)->rmdir : UM_OPS(&path)->unlink)(UM_FS(&path), path.rel);
		if (err == 0)
			moves_removed(&path);
	}
	um_path_put(&path);
	return err;
}

/* Does the string at @addr end in what is no name: ".", "..", or nothing but "/"? */
static bool ends_in_no_name(const struct um_call *call, uint64_t addr)
{
	char text[PATH_MAX];

	return ends_in_dots(call, addr) != 0 ||
	       (um_read_path(call, addr, text) > 0 && text[strspn(text, "/")] == '\0');
}

/* Is @path @dir, or below it? */
static bool is_within(const struct um_path *path, const struct um_path *dir)
{
	size_t n = strlen(dir->view);

	return dir->exists && strncmp(path->view, dir->view, n) == 0 && (path->view[n] == '/' || path->view[n] == '\0');
}

static bool is_same_parent(const struct um_path *a, const struct um_path *b)
{
	ptrdiff_t n = strrchr(a->view, '/') - a->view;

	return strrchr(b->view, '/') - b->view == n && strncmp(a->view, b->view, (size_t)n) == 0;
}

/* rename(2) within one mount: what the names are, in Linux's order. */
static int64_t check_rename_names(const struct um_call *call, const struct um_path *from, const struct um_path *to,
				  unsigned flags)
{
	bool dir = from->node.type == S_IFDIR, exchange = flags & RENAME_EXCHANGE;

	if (mount_readonly(call->view, call->state, from->mount))
		return -EROFS;
	if (!from->exists || (exchange && !to->exists))
		return -ENOENT;
	if ((flags & RENAME_NOREPLACE) && to->exists)
		return -EEXIST;
	if ((exchange && to->slash && to->node.type != S_IFDIR) || (!dir && (from->slash || (!exchange && to->slash))))
		return -ENOTDIR;
	if (strcmp(from->view, to->view) == 0)
		return 1; /* done */
	if (is_within(to, from))
		return -EINVAL;
	if (is_within(from, to))
		return exchange ? -EINVAL : -ENOTEMPTY;
	return 0;
}

/* ... and who may. */
static int64_t check_rename(struct um_call *call, struct um_path *from, struct um_path *to, unsigned flags)
{
	bool dir = from->node.type == S_IFDIR, exchange = flags & RENAME_EXCHANGE;
	int64_t err = check_rename_names(call, from, to, flags);

	if (err == 0)
		err = um_path_parent_permission(call, from, true);
	if (err == 0)
		err = um_path_parent_permission(call, to, to->exists);
	if (err == 0 && to->exists && !exchange && dir != (to->node.type == S_IFDIR))
		err = dir ? -ENOTDIR : -EISDIR;
	/* The ".." of a directory changes. */
	if (err == 0 && !is_same_parent(from, to)) {
		if (dir)
			err = um_path_permission(call, from, W_OK);
		if (err == 0 && exchange && to->node.type == S_IFDIR)
			err = um_path_permission(call, to, W_OK);
	}
	if (err == 0 && (is_mount_point(call, from) || is_mount_point(call, to) ||
			 (to->exists && !exchange && is_bound(call->view, call->state, to))))
		err = -EBUSY;
	if (err == 0 && (flags & RENAME_WHITEOUT))
		err = -EINVAL;
	return err;
}

/* Both names were found: what comes before they are looked at closely. */
static int64_t start_rename(struct um_call *call, struct um_path *from, struct um_path *to, unsigned flags)
{
	/* The place of a mount belongs to what it is mounted on. */
	bool places = is_mount_point(call, from) || is_mount_point(call, to);

	if (path_is_native(call, from) && path_is_native(call, to))
		return UM_CONTINUE;
	if (from->mount != to->mount && !places)
		return -EXDEV;
	if (ends_in_no_name(call, call->args[call->row->path]))
		return -EBUSY;
	if (ends_in_no_name(call, call->args[call->row->path2]))
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	return from->mount != to->mount ? -EBUSY : check_rename(call, from, to, flags);
}

static int64_t do_rename(struct um_call *call, const struct um_path *from, const struct um_path *to, unsigned flags)
{
	int64_t err;

	call->route = from->mount->type->name;
	err = UM_OPS(from)->rename(UM_FS(from), from->rel, to->rel, flags);
	if (err < 0)
		return err;
	binds_follow(call->view, from, to, flags & RENAME_EXCHANGE);
	moves_renamed(from, to, flags & RENAME_EXCHANGE);
	return 0;
}

int64_t call_rename(struct um_call *call)
{
	struct um_path from = UM_PATH_INIT, to = UM_PATH_INIT;
	unsigned flags = (unsigned)arg_flags(call);
	int64_t err;

	if ((flags & ~7u) || ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT))))
		return -EINVAL;
	err = arg_path(call, NAMEI_PARENT | NAMEI_CHANGE, &from);
	if (err == NAMEI_NATIVE)
		return UM_CONTINUE;
	if (err < 0)
		return err;
	err = namei(call, arg_dirfd2(call), call->args[call->row->path2], NAMEI_PARENT | NAMEI_CHANGE, &to);
	if (err == NAMEI_NATIVE)
		err = path_is_native(call, &from) ? UM_CONTINUE : -EXDEV;
	else if (err == 0)
		err = start_rename(call, &from, &to, flags);
	if (err == 1)
		err = 0;
	else if (err == 0 && !um_alive(call))
		err = UM_REPLIED;
	else if (err == 0)
		err = do_rename(call, &from, &to, flags);
	um_path_put(&from);
	um_path_put(&to);
	return err;
}
