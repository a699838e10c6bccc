// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files of an exec: found in the view, and what they are.
 *
 * What a file's headers say is remembered by device, inode and times, so that the second exec of a program opens
 * nothing.  The cache is direct-mapped; entries that are replaced live on until the next exec begins, since an exec
 * in progress points to them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../log.h"
#include "exec.h"

#define SLOTS 512

struct slot {
	struct exec_facts facts;
	uint64_t ino, size;
	uint32_t major, minor;
	struct statx_timestamp mtime, ctime;
	struct slot *next;      /* of those replaced */
};

static struct slot *slots[SLOTS]; /* guarded by the view's lock, as all execs are */
static struct slot *replaced;

void exec_facts_begin(void)
{
	struct slot *s;

	while ((s = replaced)) {
		replaced = s->next;
		program_free(&s->facts.program);
		free(s);
	}
}

static bool same_time(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool slot_matches(const struct slot *s, const struct statx *st)
{
	return s->ino == st->stx_ino && s->size == st->stx_size && s->major == st->stx_dev_major &&
	       s->minor == st->stx_dev_minor && same_time(&s->mtime, &st->stx_mtime) &&
	       same_time(&s->ctime, &st->stx_ctime);
}

/* The name by which the monitor reaches a descriptor of its own again. */
static const char *fd_name(int fd, char *buf, size_t size)
{
	snprintf(buf, size, "/proc/self/fd/%d", fd);
	return buf;
}

int exec_file_open(struct um_call *call, struct exec_file *f)
{
	char name[40];
	int fd;

	if (f->path.node.fd < 0)
		return um_path_open(call, &f->path, O_RDONLY | O_CLOEXEC);
	fd = open(fd_name(f->path.node.fd, name, sizeof(name)), O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Read a file's headers. */
static void facts_read(struct um_call *call, struct exec_file *f, struct exec_facts *facts)
{
	int fd = exec_file_open(call, f);
	char name[40];
	ssize_t n;

	if (fd < 0) {
		facts->error = fd;
		return;
	}
	facts->error = program_read(fd, &facts->program);
	facts->executable = faccessat(AT_FDCWD, fd_name(fd, name, sizeof(name)), X_OK, AT_EACCESS) == 0;
	n = fgetxattr(fd, "security.capability", facts->file_caps, sizeof(facts->file_caps));
	facts->nfile_caps = n > 0 ? (size_t)n : 0;
	close(fd);
}

/* A file without times to know it by: nothing is remembered. */
static struct slot *slot_new(const struct statx *st)
{
	struct slot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ino = st->stx_ino;
	s->size = st->stx_size;
	s->major = st->stx_dev_major;
	s->minor = st->stx_dev_minor;
	s->mtime = st->stx_mtime;
	s->ctime = st->stx_ctime;
	return s;
}

static struct slot **slot_of(const struct statx *real)
{
	uint64_t h = (real->stx_ino ^ (uint64_t)real->stx_dev_minor << 20) * UINT64_C(0x9e3779b97f4a7c15);

	return &slots[h >> 55];
}

const struct exec_facts *exec_facts_known(const struct statx *real)
{
	const struct slot *s = *slot_of(real);

	return s && slot_matches(s, real) ? &s->facts : NULL;
}

static const struct exec_facts *facts_get(struct um_call *call, struct exec_file *f, const struct statx *real)
{
	struct slot **at = slot_of(real), *s = *at;
	int error;

	if (s && slot_matches(s, real))
		return &s->facts;
	s = slot_new(real);
	if (!s)
		return NULL;
	facts_read(call, f, &s->facts);
	error = s->facts.error;
	if (error && error != -ENOEXEC) {
		/* Not a property of the file alone: look again next time. */
		s->next = replaced;
		replaced = s;
		return &s->facts;
	}
	if (*at) {
		(*at)->next = replaced;
		replaced = *at;
	}
	*at = s;
	return &s->facts;
}

bool exec_file_on(const struct exec_file *f, unsigned long mount_flag)
{
	struct statfs st;

	return f->path.node.fd >= 0 && fstatfs(f->path.node.fd, &st) == 0 && ((unsigned long)st.f_flags & mount_flag);
}

/* May it be executed?  Fills f->st as the view shows it, where virtual ids look at it. */
static int file_permission(struct um_call *call, struct exec_file *f)
{
	const struct um_ids *ids = &call->state->ids;
	int r;

	if (!call->state->virtual_ids)
		return um_path_permission(call, &f->path, X_OK);
	if (f->path.node.body != UM_BODY_HOST) { /* else the attributes are the real ones */
		r = um_path_stat(call, &f->path, &f->st);
		if (r < 0)
			return r;
	}
	return ids_permission(ids, f->st.stx_uid, f->st.stx_gid, f->st.stx_mode, X_OK);
}

/* What all files must be, however they were found; @natively: the kernel's own word on permission is enough. */
static int file_check(struct exec *x, struct exec_file *f, bool natively)
{
	struct um_call *call = x->call;
	struct statx real;
	int r;

	if (f->path.node.type == S_IFLNK)
		return -ELOOP;
	if (f->path.node.type != S_IFREG || (f->path.mount->flags & MS_NOEXEC))
		return -EACCES;
	if (f->path.node.fd < 0) {
		f->path.node.fd = um_path_open(call, &f->path, O_RDONLY | O_CLOEXEC);
		if (f->path.node.fd < 0)
			return f->path.node.fd;
	}
	if (f->path.mount != call->view->host && UM_OPS(&f->path)->touch != NULL) { /* the kernel maps it, which nobody sees */
		r = UM_OPS(&f->path)->touch(UM_FS(&f->path), f->path.node.fd, 0, UINT64_MAX);
		if (r < 0 && r != -EXDEV)
			return r;
	}
	if (statx(f->path.node.fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &real) < 0)
		return -errno;
	f->st = real;
	if (!natively) {
		r = file_permission(call, f);
		if (r < 0)
			return r;
	}
	f->facts = facts_get(call, f, &real);
	if (!f->facts)
		return -ENOMEM;
	if (natively && !f->facts->executable)
		return -EACCES;
	if (f->facts->error == -EACCES)
		um_warn("%s: cannot be read by you, so it cannot be run in a view", f->path.view);
	return f->facts->error;
}

int exec_file_find(struct exec *x, int dirfd, const char *name, int namei_flags, struct exec_file *f)
{
	/* Another string than the one looked at would be another program, below the same filter (doc/SECURITY). */
	int r = namei_string(x->call, dirfd, name, namei_flags | NAMEI_HARMLESS, &f->path);

	if (r == -ENXIO)
		return NAMEI_NATIVE;
	return r ? r : file_check(x, f, false);
}

/* View path of a process's descriptor, or its own name if it has none. */
static void name_of_fd(struct exec *x, int fd, char *view)
{
	char host[PATH_MAX] = "";
	ssize_t n = um_fd_host_path(x->call, fd, host);

	if (n == -ENOENT && *host == '/') /* removed, or in memory: the link tells what it was */
		snprintf(view, PATH_MAX, "%s", host);
	else if (n <= 0 || *host != '/' || view_path_of_host(x->call->view, x->call->state, host, view) < 0)
		snprintf(view, PATH_MAX, "/dev/fd/%d", fd);
}

int exec_file_fd(struct exec *x, int fd, struct exec_file *f)
{
	struct um_call *call = x->call;
	struct stat st;
	bool found;

	/* A file of the view's, with its attributes there; or else whatever the descriptor is. */
	found = namei_fd(call, fd, &f->path) == 0;
	if (!found) {
		name_of_fd(x, fd, f->path.view);
		f->path.mount = call->view->host;
		f->path.rel = f->path.view + (f->path.view[0] == '/');
		f->path.exists = true;
		f->path.slash = false;
		f->path.node.body = UM_BODY_HOST;
		f->path.node.fd = um_get_fd(call, fd);
		if (f->path.node.fd < 0)
			return f->path.node.fd;
		if (fstat(f->path.node.fd, &st) < 0)
			return -errno;
		f->path.node.type = st.st_mode & S_IFMT;
	}
	f->path.same = true;
	return file_check(x, f, !found && !call->state->virtual_ids);
}

void exec_file_close(struct exec_file *f)
{
	um_path_put(&f->path);
}
