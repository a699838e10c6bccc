// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What operations on open files, and operations that create, have in common: args.h.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../moves.h"
#include "../procfs.h"
#include "../tracer/tracer.h"
#include "../ttys.h"
#include "args.h"

int read_struct(struct um_call *call, uint64_t addr, size_t size, void *buf, size_t known)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char more[256];
	int err;

	if (size < known)
		return -EINVAL;
	if (size > page)
		return -E2BIG;
	/* What follows comes first, as in the kernel, and byte by byte: it may end where the memory does. */
	for (size_t at = known, n; at < size; at += n) {
		n = page - (addr + at) % page;
		n = n < size - at ? n : size - at;
		n = n < sizeof(more) ? n : sizeof(more);
		err = um_read(call, addr + at, more, n);
		if (err < 0)
			return err;
		for (size_t i = 0; i < n; i++)
			if (more[i] != 0)
				return -E2BIG;
	}
	return um_read(call, addr, buf, known);
}

int64_t leave_harmless(struct um_call *call)
{
	if (!call->view->secure)
		return UM_CONTINUE;
	call->view->tracer_ops->proceed(call);
	return UM_REPLIED;
}

int64_t inject_trapped(struct um_call *call, const struct um_inject *calls, unsigned n, unsigned result)
{
	bool secure = call->view->secure;
	int64_t ret;

	if (secure)
		um_unlock(call->view);
	ret = um_inject(call, calls, n, result);
	if (secure)
		um_relock(call);
	return ret;
}

int64_t inject_by_name(struct um_call *call, int fd, struct um_inject what)
{
	char host[PATH_MAX], link[40];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, host, sizeof(host) - 1);
	if (n < 0)
		return -errno;
	host[n] = '\0';

	struct um_inject calls[] = {
		{ .nr = SYS_mmap,
		  .args = { 0, PATH_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0 },
		  .put = host,
		  .put_size = (size_t)n + 1 },
		what,
		{ .nr = SYS_munmap, .args = { 0, PATH_MAX }, .address = 1, .always = true },
	};

	return inject_trapped(call, calls, 3, 1);
}

struct um_owner new_owner(struct um_call *call, struct um_path *path)
{
	struct um_owner owner = { call->state->ids.fsuid, call->state->ids.fsgid, 0 };
	struct um_path parent = UM_PATH_INIT;
	struct statx st;

	if (path->mount == call->view->host)
		return owner;
	if (um_path_parent(call, path, &parent) == 0) {
		if (um_path_stat(call, &parent, &st) == 0 && (st.stx_mode & S_ISGID))
			owner.gid = st.stx_gid;
		um_path_put(&parent);
	}
	return owner;
}

/* A lower body that has another place in the view now, or none: what is shown there.  1: it is not one. */
static int stat_moved(struct um_call *call, int fd, struct statx *st)
{
	struct um_path path = UM_PATH_INIT;
	int err = fd_path(call, fd, &path);

	if (err == -ESTALE) {
		st->stx_nlink = S_ISDIR(st->stx_mode) ? 0 : st->stx_nlink - 1;
		err = 0;
	} else if (err == 0 && !path.lower && path.node.type == (st->stx_mode & S_IFMT)) {
		err = um_path_stat(call, &path, st);
	} else {
		err = 1;
	}
	um_path_put(&path);
	return err;
}

int fd_stat(struct um_call *call, int fd, int copy, struct statx *st)
{
	struct um_view *view = call->view;

	if (statx(copy, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, st) < 0)
		return -errno;
	if (procfs_fstat(call, copy, st))
		return 0;
	tty_patch(st);
	if (moves_may_be(st->stx_ino)) {
		int err = stat_moved(call, fd, st);

		if (err <= 0)
			return err;
	}
	for (size_t i = view->nmounts; i-- > 0;) {
		const struct um_mount *mount = view->mounts[i];

		if (mount != NULL && mount->type->ops->patch_stat != NULL && mount_seen(view, call->state, mount)) {
			int err = mount->type->ops->patch_stat(mount->fs, copy, st);

			if (err != 0)
				return err < 0 ? err : 0;
		}
	}
	return 0;
}

int fd_path(struct um_call *call, int fd, struct um_path *path)
{
	char host[PATH_MAX];
	int err = namei_fd(call, fd, path);

	/* Removed: the body is all there is, unless it is a lower one, which the host still has. */
	if (err == -ENOENT)
		return um_fd_host_path(call, fd, host) == -ENOENT ? NAMEI_NATIVE : -ESTALE;
	return err;
}
