// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * open, creat, openat, openat2.
 *
 * What is unmodified and opened for reading is the kernel's.  For the rest the monitor opens the body and places
 * the descriptor in the process.  Devices and fifos of the host are always opened by the process itself, if it can reach them
 * by its own path: /dev/tty is another terminal to the monitor.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../places.h"
#include "../procfs.h"
#include "../tracer/tracer.h"
#include "args.h"
#include "outside.h"

/* Access mode as R_OK and W_OK. */
static int wanted(int flags)
{
	int mask = (flags & O_ACCMODE) == O_RDONLY ? R_OK : (flags & O_ACCMODE) == O_WRONLY ? W_OK : R_OK | W_OK;

	if (flags & O_PATH)
		return 0;
	return flags & O_TRUNC ? mask | W_OK : mask;
}

/* Another thread can change the name while it is in the process's memory. */
static bool is_body(struct um_call *call, int fd, const void *arg)
{
	const struct um_path *path = arg;
	struct stat got, wanted;
	char name[64];

	/* By its name, not by a duplicate: the view's lock, which that takes, is not ours here. */
	snprintf(name, sizeof(name), "/proc/%d/fd/%d", call->tid, fd);
	return stat(name, &got) == 0 && fstat(path->node.fd, &wanted) == 0 && got.st_ino == wanted.st_ino &&
	       got.st_dev == wanted.st_dev;
}

/*
 * O_PATH.  The kernel hands no O_PATH descriptor from one process to another, so the process opens it itself, by the
 * body's own name, which is put into its memory for that time.
 */
static int64_t open_o_path(struct um_call *call, const struct um_path *path, int flags)
{
	char link[40];
	int64_t ret;
	int fd;

	if (call->view->secure && !call->on_worker)
		return UM_BLOCKS;
	ret = inject_by_name(call, path->node.fd, (struct um_inject){
		.nr = SYS_openat,
		.args = { (uint64_t)AT_FDCWD, 0, (uint64_t)flags },
		.address = 2,
		.verify = call->view->secure ? is_body : NULL,
		.verify_arg = path,
	});
	if (ret != -EBUSY)
		return ret;
	/* It is being traced already: an ordinary descriptor has to do. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path->node.fd);
	fd = path->node.type == S_IFREG || path->node.type == S_IFDIR ? open(link, O_RDONLY | O_CLOEXEC) : -1;
	return fd < 0 ? -EACCES : um_answer_fd(call, fd, flags);
}

/* A body that needs no work of its file system: reopened through its O_PATH descriptor, without the lock if it may block. */
static int64_t open_body(struct um_call *call, struct um_path *path, int flags)
{
	char name[40];
	int fd, err;

	if (flags & O_PATH)
		return open_o_path(call, path, flags);
	if (path->node.type == S_IFIFO && !(flags & O_NONBLOCK) && !call->on_worker)
		return UM_BLOCKS;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", path->node.fd);
	if (call->on_worker)
		um_wait_begin(call);
	fd = open(name, (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC | O_NOCTTY);
	err = fd < 0 ? -errno : 0;
	if (call->on_worker && um_wait_end(call) && err == -EINTR)
		return UM_RESTART; /* if it is open the other end knows, and it must not be lost */
	if (fd >= 0 && call->view->secure && path->node.type == S_IFCHR)
		outside_opened(fd);
	return fd < 0 ? err : um_answer_fd(call, fd, flags);
}

/* The errors that open(2) gives for what was found, before anything is done. */
static int check_found(const struct um_path *path, int flags)
{
	if (path->slash && (flags & O_CREAT) && *path->view != '\0')
		return -EISDIR;
	if (path->exists && (flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (!path->exists)
		return 0;
	if ((flags & O_DIRECTORY) && path->node.type != S_IFDIR)
		return -ENOTDIR;
	if (path->node.type == S_IFLNK && !(flags & O_PATH))
		return -ELOOP;
	if (path->node.type == S_IFDIR && (flags & O_TMPFILE) != O_TMPFILE &&
	    ((wanted(flags) & W_OK) || (flags & O_CREAT)))
		return -EISDIR;
	return 0;
}

/* A file without a name, in the directory @path. */
static int64_t open_tmpfile(struct um_call *call, struct um_path *path, int flags, mode_t mode)
{
	struct um_owner owner = { call->state->ids.fsuid, call->state->ids.fsgid, 0 };
	struct statx st;
	int64_t err = path->node.type == S_IFDIR ? um_path_permission(call, path, W_OK | X_OK) : -ENOTDIR;
	int fd;

	if (err == 0)
		err = um_path_stat(call, path, &st);
	if (err < 0)
		return err;
	if (st.stx_mode & S_ISGID)
		owner.gid = st.stx_gid;
	if (!um_alive(call))
		return UM_REPLIED;
	call->route = path->mount->type->name;
	fd = UM_OPS(path)->open(UM_FS(path), path->rel, flags, mode & 07777 & ~(mode_t)call->state->umask, &owner);
	return fd < 0 ? fd : um_answer_fd(call, fd, flags);
}

/* O_NOATIME is its owner's. */
static int check_noatime(struct um_call *call, struct um_path *path)
{
	const struct um_ids *ids = &call->state->ids;
	struct statx st;
	int err = ids_capable(ids, CAP_FOWNER) ? 0 : um_path_stat(call, path, &st);

	return err < 0 || ids_capable(ids, CAP_FOWNER) || st.stx_uid == ids->fsuid ? err : -EPERM;
}

/* Everything after the look-up. */
static int64_t open_found(struct um_call *call, struct um_path *path, int flags, mode_t mode)
{
	bool regular = !path->exists || path->node.type == S_IFREG || path->node.type == S_IFDIR;
	bool device = (path->node.type == S_IFCHR || path->node.type == S_IFBLK) && path->node.body == UM_BODY_ELSEWHERE;
	bool owners = (flags & O_NOATIME) && call->state->virtual_ids;
	bool reads = !owners && !(wanted(flags) & W_OK) && !(flags & O_CREAT && !path->exists) &&
		     (flags & O_TMPFILE) != O_TMPFILE;
	struct um_owner owner;
	int64_t err;
	int fd;

	err = check_found(path, flags);
	if (err < 0)
		return err;
	if (path_is_native(call, path) || (path->same && path->exists && (!regular || reads)))
		return UM_CONTINUE;
	/* Linux takes the descriptor's number first. */
	if ((!path->exists || (flags & O_TRUNC)) && !um_fd_is_free(call))
		return -EMFILE;
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return open_tmpfile(call, path, flags, mode);
	err = path->exists ? um_path_permission(call, path, wanted(flags)) :
			     um_path_parent_permission(call, path, false);
	if (err == 0 && path->exists && (flags & O_NOATIME))
		err = check_noatime(call, path);
	if (err == 0 && path->exists && (wanted(flags) & W_OK))
		err = setid_drop(call, path);
	if (err < 0)
		return err;
	if (path->exists && path->node.type == S_IFDIR && path->reachable)
		return UM_CONTINUE; /* the lower body of a merged directory */
	/* The body of a device that only a mount has is a file, which is not what it stands for. */
	if (path->exists && path->node.fd < 0 && ((flags & O_PATH) || (!regular && UM_OPS(path)->body != NULL))) {
		err = um_path_body(path);
		if (err < 0)
			return err == -EOPNOTSUPP && !regular ? -ENXIO : err;
	}
	if (path->exists && path->node.fd >= 0 &&
	    ((flags & O_PATH) || (!regular && !device) || outside_is_nameless(call, path)))
		return open_body(call, path, flags);
	if (!um_alive(call))
		return UM_REPLIED;
	owner = path->exists ? (struct um_owner){ 0, 0, 0 } : new_owner(call, path);
	call->route = path->mount->type->name;
	mode = masked(call, mode & 07777, &owner);
	fd = UM_OPS(path)->open(UM_FS(path), path->rel, flags & ~O_EXCL, mode, &owner);
	if (fd == -EEXIST && !(flags & O_EXCL)) /* made by another view meanwhile */
		fd = UM_OPS(path)->open(UM_FS(path), path->rel, flags & ~(O_EXCL | O_CREAT), 0, &owner);
	if (!path->exists || path->node.fd < 0)
		places_note(call, path, fd); /* it has a body only now */
	return fd < 0 ? fd : um_answer_fd(call, fd, flags);
}

/* A file of /proc that the view makes.  0: it is not one. */
static int64_t open_proc(struct um_call *call, struct um_path *path, int flags)
{
	int64_t ret;

	ret = path->exists && !(flags & O_PATH) ? procfs_access(call, path->view) : 0;
	if (ret < 0)
		return ret;
	if (!path->exists || path->node.type != S_IFREG || wanted(flags) != R_OK || check_found(path, flags) < 0)
		return 0;
	ret = call->state->virtual_ids ? um_path_permission(call, path, R_OK) : 0;
	if (ret < 0)
		return ret;
	ret = procfs_open(call, path->view, flags);
	if (ret == PROCFS_HOST)
		return 0;
	return ret < 0 ? ret : um_answer_fd(call, (int)ret, flags);
}

/*
 * Servers that use go-fuse open a file of this name in their own mount at their start, which the library itself would answer,
 * to see that it is there, and poll it.  They see what is below it instead.
 */
static bool is_go_fuse_probe(struct um_call *call, uint64_t addr)
{
	static const char probe[] = ".go-fuse-epoll-hack";
	char name[PATH_MAX];
	ssize_t n = call->state->before != 0 ? um_read_path(call, addr, name) : -1;

	return n >= (ssize_t)sizeof(probe) && strcmp(name + n - (sizeof(probe) - 1), probe) == 0 &&
	       name[n - (ssize_t)sizeof(probe)] == '/';
}

static int64_t do_open(struct um_call *call, int dirfd, uint64_t addr, int flags, mode_t mode, int how)
{
	struct um_path path = UM_PATH_INIT;
	bool harmless;
	int64_t ret;

	if (!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		how |= NAMEI_FOLLOW;
	if ((flags & O_CREAT) && (flags & O_TMPFILE) != O_TMPFILE)
		how |= NAMEI_PARENT | NAMEI_CHANGE;
	else if (wanted(flags) & W_OK)
		how |= NAMEI_CHANGE;
	else if (!((flags & O_DIRECTORY) && places_any())) /* its place is to be noted */
		how |= NAMEI_READ;
	/* An O_PATH descriptor is a name: each call that takes it is looked at.  (openat2 has the flag in memory.) */
	harmless = (flags & O_PATH) && call->row->flags >= 0;
	ret = namei(call, dirfd, addr, how | (harmless ? NAMEI_HARMLESS : 0), &path);
	if (ret == NAMEI_NATIVE)
		return harmless ? leave_harmless(call) : UM_CONTINUE;
	if (ret == 0)
		ret = outside_open(call, &path, flags, wanted(flags) & W_OK);
	if (ret == 0)
		places_note(call, &path, path.exists ? path.node.fd : -1);
	if (ret == 0 && path.mount == call->view->host && strncmp(path.view, "/proc/", 6) == 0)
		ret = open_proc(call, &path, flags);
	if (ret == 0)
		ret = open_found(call, &path, flags, mode);
	um_path_put(&path);
	if (ret == -ENOENT && is_go_fuse_probe(call, addr)) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		return null < 0 ? ret : um_answer_fd(call, null, flags);
	}
	return ret == UM_CONTINUE && harmless ? leave_harmless(call) : ret;
}

#define FLAG_TMPFILE (O_TMPFILE & ~O_DIRECTORY)
#define FLAGS_O_PATH (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FLAGS_KNOWN                                                                                     \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC | O_DIRECT |  \
	 0100000 /* O_LARGEFILE, which 64-bit headers have as 0 */ | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |         \
	 O_CLOEXEC | O_PATH | FLAG_TMPFILE)

/* Combinations that no open accepts. */
static bool flags_contradict(uint64_t flags)
{
	if ((flags & O_DIRECTORY) && (flags & O_CREAT))
		return true;
	return (flags & FLAG_TMPFILE) && (!(flags & O_DIRECTORY) || (flags & O_ACCMODE) == O_RDONLY);
}

/* open(2) ignores what it does not know. */
int64_t call_open(struct um_call *call)
{
	mode_t mode = call->row->data >= 0 ? (mode_t)arg_data(call, 0) : 0;
	int flags = arg_flags(call) & FLAGS_KNOWN;

	if (flags & O_PATH)
		flags &= FLAGS_O_PATH;
	if (flags_contradict((uint64_t)flags))
		return -EINVAL;
	return do_open(call, arg_dirfd(call), call->args[call->row->path], flags, mode, 0);
}

/* openat2(2) ignores nothing. */
static int check_how(const struct open_how *how)
{
	const uint64_t known = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH |
			       RESOLVE_IN_ROOT | RESOLVE_CACHED;
	bool makes = how->flags & (O_CREAT | FLAG_TMPFILE);

	if ((how->flags & ~(uint64_t)FLAGS_KNOWN) || (how->resolve & ~known) ||
	    ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT)) ||
	    (how->mode & ~(uint64_t)(makes ? 07777 : 0)) || flags_contradict(how->flags) ||
	    ((how->flags & O_PATH) && (how->flags & ~(uint64_t)FLAGS_O_PATH)))
		return -EINVAL;
	return (how->resolve & RESOLVE_CACHED) && (makes || (how->flags & O_TRUNC)) ? -EAGAIN : 0;
}

int64_t call_openat2(struct um_call *call)
{
	struct open_how how = { 0 };
	int flags = 0, err = read_struct(call, arg_data(call, 0), (size_t)arg_data(call, 1), &how, sizeof(how));

	if (err == 0)
		err = check_how(&how);
	if (err < 0)
		return err;
	if (how.resolve & RESOLVE_NO_MAGICLINKS)
		flags |= NAMEI_NO_MAGIC;
	if (how.resolve & RESOLVE_NO_SYMLINKS)
		flags |= NAMEI_NO_SYMLINKS | NAMEI_NO_MAGIC;
	if (how.resolve & RESOLVE_BENEATH)
		flags |= NAMEI_BENEATH | NAMEI_NO_MAGIC;
	if (how.resolve & RESOLVE_IN_ROOT)
		flags |= NAMEI_IN_ROOT | NAMEI_NO_MAGIC;
	return do_open(call, arg_dirfd(call), call->args[call->row->path], (int)how.flags, (mode_t)how.mode, flags);
}
