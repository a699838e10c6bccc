// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Directories: listing, working directory, root.
 *
 * A merged directory is listed without any state per open file: entries are ordered by a 43-bit hash of their name, and
 * the descriptor's own offset is the cursor, so that dup, fork, lseek, telldir and concurrent removal behave. (43 bits: ext4
 * takes offsets of directories up to the largest file size, 16 TiB.)  "." and ".." come first, at 0 and 1.  Entries of equal hash are given
 * together or not at all.  A few listings are kept so that a large directory is not merged anew for each buffer.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../ids.h"
#include "../module_host.h"
#include "../places.h"
#include "../tracer/tracer.h"
#include "args.h"

#define HASH_BITS 43
#define LISTINGS 8
#define BUFFER_MAX (64 * 1024)

struct entry {
	uint64_t hash;
	uint64_t ino;
	unsigned char type;
	uint16_t len;
	uint32_t name;          /* offset in the listing's names */
};

struct listing {
	char *path;             /* view path; NULL: free */
	struct um_mount *mount;
	struct entry *entries;  /* by hash */
	size_t n, room;
	char *names;
	size_t names_used, names_room;
	uint64_t used;          /* for replacement */
};

static struct listing listings[LISTINGS];
static uint64_t listing_clock;

/* FNV-1a, folded to HASH_BITS; 0 and 1 are "." and "..". */
static uint64_t name_hash(const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	h = (h ^ h >> HASH_BITS) & ((UINT64_C(1) << HASH_BITS) - 1);
	return h < 2 ? h + 2 : h == (UINT64_C(1) << HASH_BITS) - 1 ? h - 1 : h;
}

static int add_entry(void *arg, const char *name, uint64_t ino, unsigned char type)
{
	struct listing *l = arg;
	size_t len = strlen(name);

	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct entry *more = realloc(l->entries, room * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		l->entries = more;
		l->room = room;
	}
	if (l->names_used + len + 1 > l->names_room) {
		size_t room = (l->names_room ? l->names_room * 2 : 1024) + len;
		char *more = realloc(l->names, room);

		if (more == NULL)
			return -ENOMEM;
		l->names = more;
		l->names_room = room;
	}
	l->entries[l->n++] = (struct entry){ name_hash(name), ino, type, (uint16_t)len, (uint32_t)l->names_used };
	memcpy(l->names + l->names_used, name, len + 1);
	l->names_used += len + 1;
	return 0;
}

static int by_hash(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static void listing_free(struct listing *l)
{
	free(l->path);
	free(l->entries);
	free(l->names);
	memset(l, 0, sizeof(*l));
}

/* The listing of a directory: a kept one if the cursor is in its middle, else made anew. */
static struct listing *listing_get(struct um_path *path, bool fresh, int *err)
{
	struct listing *l = NULL, *oldest = &listings[0];

	for (size_t i = 0; i < LISTINGS; i++) {
		if (listings[i].path != NULL && listings[i].mount == path->mount &&
		    strcmp(listings[i].path, path->view) == 0)
			l = &listings[i];
		if (listings[i].used < oldest->used)
			oldest = &listings[i];
	}
	if (l != NULL && !fresh) {
		l->used = ++listing_clock;
		return l;
	}
	if (l == NULL)
		l = oldest;
	listing_free(l);
	l->path = strdup(path->view);
	l->mount = path->mount;
	l->used = ++listing_clock;
	*err = l->path ? UM_OPS(path)->readdir(UM_FS(path), path->rel, add_entry, l) : -ENOMEM;
	if (*err < 0) {
		listing_free(l);
		return NULL;
	}
	if (l->n > 0)
		qsort(l->entries, l->n, sizeof(*l->entries), by_hash);
	return l;
}

void listings_forget(const struct um_mount *mount)
{
	for (size_t i = 0; i < LISTINGS; i++)
		if (listings[i].path != NULL && listings[i].mount == mount)
			listing_free(&listings[i]);
}

/* Put one record at @buf: struct linux_dirent64, or the old struct linux_dirent (type in the last byte). */
static size_t put(char *buf, size_t room, bool old, uint64_t ino, uint64_t off, unsigned char type, const char *name)
{
	size_t head = old ? 18 : 19, len = strlen(name);
	size_t size = (head + len + 1 + (old ? 1 : 0) + 7) & ~(size_t)7;
	uint16_t reclen = (uint16_t)size;

	if (size > room)
		return 0;
	memset(buf, 0, size);
	memcpy(buf, &ino, 8);
	memcpy(buf + 8, &off, 8);
	memcpy(buf + 16, &reclen, 2);
	if (!old)
		buf[18] = (char)type;
	memcpy(buf + head, name, len);
	if (old)
		buf[size - 1] = (char)type;
	return size;
}

/* Fill @buf from the cursor on; the cursor is moved.  Bytes, or -EINVAL if not even one entry fits. */
static ssize_t fill(const struct listing *l, uint64_t ino, uint64_t parent, char *buf, size_t size, bool old,
		    uint64_t *cursor)
{
	size_t used = 0, i = 0, lo = 0, hi = l->n;
	uint64_t at = *cursor;

	for (; at < 2; at++) {
		size_t n = put(buf + used, size - used, old, at ? parent : ino, at + 1, DT_DIR, at ? ".." : ".");

		if (n == 0)
			goto full;
		used += n;
	}
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (l->entries[mid].hash < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (i = lo; i < l->n;) {
		size_t begin = used, j = i;

		for (; j < l->n && l->entries[j].hash == l->entries[i].hash; j++) {
			const struct entry *e = &l->entries[j];
			size_t n = put(buf + used, size - used, old, e->ino, e->hash + 1, e->type, l->names + e->name);

			if (n == 0) {
				used = begin;
				goto full;
			}
			used += n;
		}
		at = l->entries[i].hash + 1;
		i = j;
	}
full:
	if (used == 0 && at < UINT64_C(1) << HASH_BITS && (at < 2 || i < l->n))
		return -EINVAL;
	*cursor = at;
	return (ssize_t)used;
}

/* Inode numbers of a directory and its parent as shown.  0 or -UM_STAGE. */
static int dot_inodes(struct um_call *call, struct um_path *path, uint64_t *ino, uint64_t *parent_ino)
{
	struct um_path parent = UM_PATH_INIT;
	struct statx st;
	int err;

	*ino = *parent_ino = 1;
	err = um_path_stat(call, path, &st);
	if (err == 0)
		*ino = *parent_ino = st.stx_ino;
	if (err != -UM_STAGE && *path->view != '\0') {
		err = um_path_parent(call, path, &parent);
		if (err == 0)
			err = um_path_stat(call, &parent, &st);
		if (err == 0)
			*parent_ino = st.stx_ino;
		um_path_put(&parent);
	}
	return err == -UM_STAGE ? err : 0;
}

/* The descriptor's offset.  Where a duplicate cannot be had, the kernel says it as text. */
static int64_t cursor_get(const struct um_call *call, int copy)
{
	long long at = -EBADF;
	char name[48];
	FILE *f;

	if (call->view->features.pidfd_getfd)
		return lseek(copy, 0, SEEK_CUR);
	snprintf(name, sizeof(name), "/proc/%d/fdinfo/%d", call->tid, arg_dirfd(call));
	f = fopen(name, "re");
	if (f == NULL || fscanf(f, "pos: %lld", &at) != 1)
		at = -EBADF;
	if (f != NULL)
		fclose(f);
	return at;
}

/* Move it, and answer with @n: by the process itself where a duplicate cannot be had. */
static int64_t cursor_set(struct um_call *call, int copy, uint64_t cursor, ssize_t n)
{
	struct um_inject seek = {
		.nr = SYS_lseek, .args = { (uint64_t)arg_dirfd(call), cursor, SEEK_SET }, .instead = n,
	};

	if (!call->view->features.pidfd_getfd)
		return um_inject(call, &seek, 1, 0);
	return lseek(copy, (off_t)cursor, SEEK_SET) < 0 ? -errno : n;
}

static int64_t list(struct um_call *call, struct um_path *path, int copy)
{
	uint64_t ino, parent, cursor;
	size_t size = (uint32_t)call->args[2];
	struct listing *l;
	int64_t at = cursor_get(call, copy);
	char *buf;
	ssize_t n;
	int err;

	if (at < 0)
		return -EBADF;
	if (size > INT32_MAX)
		size = 0; /* the kernel has it as a signed number */
	cursor = (uint64_t)at;
	l = listing_get(path, cursor == 0, &err);
	if (l == NULL)
		return err;
	if (size > BUFFER_MAX)
		size = BUFFER_MAX;
	err = dot_inodes(call, path, &ino, &parent);
	if (err < 0)
		return err;
	buf = malloc(size + 1);
	if (buf == NULL)
		return -ENOMEM;
	n = fill(l, ino, parent, buf, size, call->row->implied, &cursor);
	if (modules_want(call->view, false)) { /* before the cursor is moved: it is not all there yet */
		free(buf);
		return -UM_STAGE;
	}
	if (n > 0)
		n = um_write(call, call->args[1], buf, (size_t)n) < 0 ? -EFAULT : n;
	free(buf);
	return n > 0 ? cursor_set(call, copy, cursor, n) : n;
}

int64_t call_getdents(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	int fd = arg_dirfd(call), copy;
	int64_t err;

	if (hashtab_npaths(call->view->table) == 0)
		return UM_CONTINUE;
	err = fd_path(call, fd, &path);
	if (err == -ESTALE)
		return -ENOENT; /* removed, as the kernel says of those that it has removed */
	if (err == NAMEI_NATIVE || err == -EPERM || err == -EACCES)
		return UM_CONTINUE;
	if (err < 0)
		return err;
	call->route = path.mount->type->name;
	if (UM_OPS(&path)->readdir == NULL || path.node.type != S_IFDIR ||
	    (UM_OPS(&path)->lists_itself != NULL && UM_OPS(&path)->lists_itself(UM_FS(&path), path.rel))) {
		err = UM_CONTINUE;
	} else {
		copy = um_get_fd(call, fd);
		err = copy < 0 ? copy : list(call, &path, copy);
		if (copy >= 0)
			close(copy);
	}
	um_path_put(&path);
	return err;
}

/* Make the process's working directory a directory that its own path does not lead to. */
static int64_t enter(struct um_call *call, struct um_path *path)
{
	int fd, number;

	fd = um_path_open(call, path, O_RDONLY | O_DIRECTORY);
	if (fd == -EACCES && path->node.fd >= 0) /* it may be searched and not listed */
		return inject_by_name(call, path->node.fd, (struct um_inject){ .nr = SYS_chdir, .address = 1 });
	if (fd < 0)
		return fd;
	number = call->view->tracer_ops->add_fd(call, fd, O_CLOEXEC);
	close(fd);
	if (number < 0)
		return number == -ENOENT ? UM_REPLIED : number;

	struct um_inject calls[2] = {
		{ .nr = SYS_fchdir, .args = { (uint64_t)number } },
		{ .nr = SYS_close, .args = { (uint64_t)number }, .always = true },
	};

	return inject_trapped(call, calls, 2, 0);
}

/* Note by which of its places a directory is entered; one record more only where it has several. */
static int64_t note_cwd(struct um_call *call, uint64_t cwd)
{
	struct um_state changed = *call->state;

	if (changed.cwd == cwd)
		return 0;
	changed.cwd = cwd;
	return um_set_state(call, &changed);
}

int64_t call_chdir(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	const struct um_state *before = call->state;
	/* What is noted of the last one must go, if this one is entered. */
	int how = before->cwd == 0 && !view_has_places(call->view) ? NAMEI_READ : 0;
	/* A working directory is a place to start from, and each call that does is looked at. */
	int64_t err = arg_path(call, NAMEI_FOLLOW | NAMEI_HARMLESS | how, &path);

	if (err == NAMEI_NATIVE)
		return leave_harmless(call);
	if (err < 0)
		return err;
	if (path.node.type != S_IFDIR)
		err = -ENOTDIR;
	else if (call->state->virtual_ids || path.node.body != UM_BODY_HOST)
		err = um_path_permission(call, &path, X_OK);
	if (err == 0 && call->view->secure && !path.reachable && !call->on_worker)
		err = UM_BLOCKS; /* see inject_trapped() */
	if (err == 0 && path.node.fd < 0 && view_has_places(call->view))
		err = um_path_body(&path);
	if (err == 0)
		err = note_cwd(call, view_cwd_of(call->view, before, &path, path.node.fd));
	if (err == 0)
		err = path.reachable ? leave_harmless(call) : enter(call, &path);
	if (err < 0 && err > UM_CONTINUE)
		note_cwd(call, before->cwd); /* still there */
	um_path_put(&path);
	return err;
}

/* The caller goes to an open directory. */
static void note_open(struct um_call *call)
{
	int fd = (int)call->args[0], copy = um_get_fd(call, fd);

	if (copy >= 0 && faccessat(copy, ".", X_OK, AT_EACCESS) == 0)
		note_cwd(call, places_of_fd(call, call->tid, fd));
	if (copy >= 0)
		close(copy);
}

int64_t call_fchdir(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	int64_t err = 0;

	/* A directory's descriptor is its body; but the mode that counts may be virtual. */
	if (hashtab_npaths(call->view->table) > 0 && !ids_capable(&call->state->ids, CAP_DAC_OVERRIDE) &&
	    fd_path(call, (int)call->args[0], &path) == 0 && path.mount != call->view->host &&
	    path.node.type == S_IFDIR)
		err = um_path_permission(call, &path, X_OK);
	um_path_put(&path);
	if (err == -EACCES)
		return err;
	if (call->state->cwd != 0 || places_any())
		note_open(call);
	return UM_CONTINUE;
}

int64_t call_getcwd(struct um_call *call)
{
	char host[PATH_MAX], view[PATH_MAX], out[PATH_MAX + 16];
	size_t size = (size_t)call->args[1];
	const char *shown;
	int64_t err;

	if (hashtab_npaths(call->view->table) == 0 && *call->state->root == '\0')
		return UM_CONTINUE;
	if (um_fd_host_path(call, AT_FDCWD, host) < 0)
		return UM_CONTINUE; /* removed: the kernel's ENOENT */
	err = view_path_by(call->view, call->state, call->state->cwd, host, view);
	if (err < 0)
		return err;
	shown = state_path(call->state, view);
	snprintf(out, sizeof(out), "%s%s", shown ? "" : "(unreachable)", shown ? shown : view);
	if (strlen(out) + 1 > size)
		return -ERANGE;
	err = um_write(call, call->args[0], out, strlen(out) + 1);
	return err < 0 ? err : (int64_t)strlen(out) + 1;
}

int64_t call_chroot(struct um_call *call)
{
	struct um_state changed = *call->state;
	struct um_path path = UM_PATH_INIT;
	int64_t err = arg_path(call, NAMEI_FOLLOW, &path);

	if (err != 0)
		return err == NAMEI_NATIVE ? -ENOTDIR : err;
	err = path.node.type == S_IFDIR ? um_path_permission(call, &path, X_OK) : -ENOTDIR;
	/* Whoever has virtual ids is somebody; with the real user's everybody may, for nobody is more. */
	if (err == 0 && call->state->virtual_ids && !ids_capable(&call->state->ids, CAP_SYS_CHROOT))
		err = -EPERM;
	if (err == 0) {
		changed.root = path.view;
		err = um_set_state(call, &changed);
	}
	um_path_put(&path);
	return err;
}

int64_t call_pivot_root(struct um_call *call)
{
	(void)call;
	return -EPERM;
}
