// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of /proc whose contents are the view's.
 *
 * Theory of operation.  A file of a process of the view that would tell the host's truth is made when it is opened:
 * the host's is read, what differs is replaced (procfs_text.c, procfs_mounts.c), and the process gets a sealed memfd,
 * open for reading only.  So reads cost nothing, and who reads such a descriptor again reads what was true at its
 * opening. All other files, those of processes outside of the view, and whatever is opened for writing are the
 * kernel's.
 *
 * The memfd's name leads back to the path in /proc, for fstat(2) and /proc/PID/fd; a random tag in it, which nobody
 * in the view gets to see, keeps others from bearing such a name.
 */
#include "compat.h"
#include "procfs_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "namei.h"
#include "tracer/tracer.h"

#define PREFIX "/memfd:um-"
#define TAG_SIZE 17 /* 16 digits and a ':' */
#define CHUNK 65536

static const struct kind {
	const char *name;
	bool slow; /* may take milliseconds to read: not while all others wait */
	void (*make)(struct procfs_file *file, struct text *in);
} kinds[] = {
	{ "status", false, procfs_status },
	{ "stat", false, procfs_stat },
	{ "limits", false, procfs_limits },
	{ "maps", false, procfs_maps },
	{ "smaps", true, procfs_maps },
	{ "numa_maps", true, procfs_numa_maps },
	{ "mounts", false, procfs_mounts },
	{ "mountinfo", false, procfs_mountinfo },
	{ "mountstats", false, procfs_mountstats },
};

static uint64_t tag; /* 0: no file was made yet */
static dev_t memfd_dev;

bool procfs_differs(const struct um_call *call)
{
	return hashtab_npaths(call->view->table) > 0 || *call->state->root != '\0' || call->state->virtual_ids ||
	       call->view->tracer_ops->stopped != NULL || call->view->proc_makers > 0;
}

/* --- text ------------------------------------------------------------------------------------------------------- */

/* Make room for @n bytes more and a NUL. */
static bool grow(struct text *t, size_t n)
{
	size_t room = t->room ? t->room : 1024;
	char *more;

	while (room < t->n + n + 1)
		room *= 2;
	if (room == t->room)
		return true;
	more = t->err == 0 ? realloc(t->p, room) : NULL;
	if (more == NULL) {
		t->err = -ENOMEM;
		return false;
	}
	t->p = more;
	t->room = room;
	return true;
}

void text_put(struct text *t, const char *s, size_t n)
{
	if (!grow(t, n))
		return;
	memcpy(t->p + t->n, s, n);
	t->n += n;
	t->p[t->n] = '\0';
}

void text_say(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0 || !grow(t, (size_t)n))
		return;
	va_start(ap, format);
	vsnprintf(t->p + t->n, (size_t)n + 1, format, ap);
	va_end(ap);
	t->n += (size_t)n;
}

void text_escape(struct text *t, const char *s, const char *bad)
{
	for (; *s != '\0'; s++) {
		if (strchr(bad, *s) != NULL)
			text_say(t, "\\%03o", (unsigned char)*s);
		else
			text_put(t, s, 1);
	}
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

void text_unescape(char *s, const char *bad)
{
	char *out = s;

	while (*s != '\0') {
		char c = *s == '\\' && is_octal(s[1]) && is_octal(s[2]) && is_octal(s[3])
			     ? (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'))
			     : '\0';
		bool escaped = c != '\0' && strchr(bad, c) != NULL;

		*out++ = escaped ? c : *s;
		s += escaped ? 4 : 1;
	}
	*out = '\0';
}

void text_lines(struct text *in, void (*line)(void *arg, char *s), void *arg)
{
	char *s = in->p, *end;

	while (s != NULL && *s != '\0') {
		end = strchr(s, '\n');
		if (end != NULL)
			*end++ = '\0';
		line(arg, s);
		s = end;
	}
}

int text_read(struct text *t, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), err = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (n > 0 && grow(t, CHUNK)) {
		n = read(fd, t->p + t->n, CHUNK);
		if (n < 0)
			err = -errno;
		else
			t->n += (size_t)n;
	}
	close(fd);
	if (t->err == 0)
		t->p[t->n] = '\0';
	return err != 0 ? err : t->err;
}

/* --- descriptors ------------------------------------------------------------------------------------------------ */

static int make_memfd(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

static int fill(int fd, const struct text *t)
{
	for (size_t done = 0; done < t->n;) {
		ssize_t n = write(fd, t->p + done, t->n - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return fchmod(fd, 0444) < 0 ||
		       fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0
		   ? -errno
		   : 0;
}

/* A descriptor with this text, to be read only, that stands for a file of /proc. */
static int give(const char *path, const struct text *t, int flags)
{
	char name[NAME_MAX], link[40];
	struct stat st;
	int fd, ro, err;

	while (tag == 0)
		if (getrandom(&tag, sizeof(tag), 0) != sizeof(tag))
			return -EIO;
	snprintf(name, sizeof(name), "%s%016llx:%s", PREFIX + 7, (unsigned long long)tag, path);
	fd = make_memfd(name);
	if (fd < 0)
		return fd;
	err = fill(fd, t);
	if (err == 0 && fstat(fd, &st) == 0)
		memfd_dev = st.st_dev;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ro = err < 0 ? err : open(link, (flags & (O_NONBLOCK | O_APPEND | O_NOATIME)) | O_RDONLY | O_CLOEXEC);
	if (err == 0 && ro < 0)
		ro = -errno;
	close(fd);
	return ro;
}

bool procfs_lead_back(char *link)
{
	size_t n = strlen(PREFIX);
	char *end;

	if (tag == 0 || strncmp(link, PREFIX, n) != 0 || strtoull(link + n, &end, 16) != tag ||
	    end != link + n + TAG_SIZE - 1)
		return false;
	memmove(link, end + 1, strlen(end));
	end = strrchr(link, ' ');
	if (end != NULL && strcmp(end, " (deleted)") == 0)
		*end = '\0';
	return true;
}

/* Attributes as the kernel gives them for a file of /proc, also of a process that is gone. */
static void stat_file(const char *path, struct statx *st)
{
	struct statx real;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &real) == 0) {
		*st = real;
		return;
	}
	if (statx(AT_FDCWD, "/proc", 0, STATX_BASIC_STATS, &real) == 0) {
		st->stx_dev_major = real.stx_dev_major;
		st->stx_dev_minor = real.stx_dev_minor;
		st->stx_blksize = real.stx_blksize;
	}
	st->stx_nlink = 1;
	st->stx_size = st->stx_blocks = 0;
}

bool procfs_is_made(struct um_call *call, int fd)
{
	char link[64], name[PATH_MAX];
	ssize_t n;

	if (tag == 0)
		return false;
	snprintf(link, sizeof(link), "/proc/%d/fd/%d", call->tid, fd);
	n = readlink(link, name, sizeof(name) - 1);
	name[n < 0 ? 0 : n] = '\0';
	return procfs_lead_back(name);
}

bool procfs_fstat(struct um_call *call, int copy, struct statx *st)
{
	static unsigned proc_major, proc_minor;
	bool ours = tag != 0 && makedev(st->stx_dev_major, st->stx_dev_minor) == memfd_dev;
	char link[40], path[PATH_MAX];
	struct statx root;
	ssize_t n;

	if (proc_minor == 0 && statx(AT_FDCWD, "/proc", 0, STATX_BASIC_STATS, &root) == 0) {
		proc_major = root.stx_dev_major;
		proc_minor = root.stx_dev_minor;
	}
	if (!ours && (st->stx_dev_major != proc_major || st->stx_dev_minor != proc_minor))
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", copy);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	if (ours && !procfs_lead_back(path))
		return false;
	if (ours)
		stat_file(path, st);
	procfs_patch_owner(call, path, st);
	return true;
}

/* --- which files ------------------------------------------------------------------------------------------------ */

const char *procfs_file_of(const char *path, pid_t *pid)
{
	int n = 0, m = 0;
	pid_t tid;

	if (sscanf(path, "/proc/%d/%n", pid, &n) != 1 || n == 0)
		return NULL;
	if (sscanf(path + n, "task/%d/%n", &tid, &m) == 1 && m != 0)
		*pid = tid;
	return path + n + m;
}

/* Of @kind, for the process @pid of the view: does the view change anything in it? */
static bool concerns(const struct um_call *call, const struct kind *kind, const struct um_state *state)
{
	if (kind->make == procfs_status || kind->make == procfs_limits)
		return true;
	if (kind->make == procfs_stat)
		return call->view->tracer_ops->stopped != NULL;
	return hashtab_npaths(call->view->table) > 0 || *state->root != '\0' || *call->state->root != '\0';
}

/* The host's contents of a file; a slow one on a worker, without the lock. */
static int64_t read_host(struct um_call *call, const struct kind *kind, const char *path, struct text *in)
{
	int err;

	if (kind->slow && !call->on_worker)
		return UM_BLOCKS;
	if (kind->slow)
		um_unlock(call->view);
	err = text_read(in, path);
	if (kind->slow)
		um_relock(call);
	return err;
}

static void put_part(void *out, const char *part, size_t n)
{
	text_put(out, part, n);
}

/* A file that is no process's, as the newest module that makes it has it. */
static int64_t open_common(struct um_call *call, const char *path, int flags)
{
	const struct um_proc_file *file = NULL;
	struct text in = { 0 }, out = { 0 };
	int64_t ret;

	for (struct um_service *s = call->view->proc_makers > 0 ? call->view->services : NULL; s != NULL; s = s->next)
		for (const struct um_proc_file *f = s->module->proc_files; f != NULL && f->name != NULL; f++)
			if (strcmp(path + strlen("/proc/"), f->name) == 0 && service_seen(call->view, call->state, s))
				file = f;
	if (file == NULL)
		return PROCFS_HOST;
	ret = text_read(&in, path);
	if (ret == 0)
		ret = file->make(in.p, put_part, &out);
	if (ret == 0)
		ret = out.err != 0 ? out.err : give(path, &out, flags);
	call->route = "proc";
	free(in.p);
	free(out.p);
	return ret;
}

int64_t procfs_open(struct um_call *call, const char *path, int flags)
{
	struct procfs_file file = { .call = call };
	const char *name = procfs_file_of(path, &file.pid);
	const struct kind *kind = NULL;
	struct text in = { 0 }, out = { 0 };
	int64_t ret;

	if (name == NULL)
		return open_common(call, path, flags);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(name, kinds[i].name) == 0)
			kind = &kinds[i];
	if (kind == NULL)
		return PROCFS_HOST;
	file.state = state_of(call->view->states, file.pid);
	if (file.state == NULL || !concerns(call, kind, file.state))
		return PROCFS_HOST;
	ret = read_host(call, kind, path, &in);
	if (ret == 0) {
		file.state = state_of(call->view->states, file.pid); /* it may have another one by now */
		file.out = &out;
		if (file.state == NULL)
			file.state = call->state;
		kind->make(&file, &in);
		ret = out.err != 0 ? out.err : give(path, &out, flags);
		call->route = "proc";
	} else if (ret == -EACCES || ret == -EPERM) {
		ret = PROCFS_HOST; /* closed to us, which may be not to the process itself */
	}
	free(in.p);
	free(out.p);
	return ret;
}

/* --- owners ----------------------------------------------------------------------------------------------------- */

/* The record of the process that @path belongs to, if its ids are the view's own. */
static const struct um_state *owner_of(struct um_call *call, const char *path)
{
	const struct um_state *state;
	pid_t pid;

	if (strncmp(path, "/proc/", 6) != 0 || sscanf(path, "/proc/%d", &pid) != 1)
		return NULL;
	state = state_of(call->view->states, pid);
	return state != NULL && state->virtual_ids ? state : NULL;
}

bool procfs_has_owner(struct um_call *call, const char *path)
{
	return owner_of(call, path) != NULL;
}

/* proc(5): the effective ids, and root's for what a process that is not dumpable does not show. */
void procfs_patch_owner(struct um_call *call, const char *path, struct statx *st)
{
	const struct um_state *state = owner_of(call, path);
	bool open;

	if (state == NULL || st->stx_uid != call->view->uid || st->stx_gid != call->view->gid)
		return;
	open = state->dumpable || (st->stx_mode & (S_IFMT | 07777)) == (S_IFDIR | 0555);
	st->stx_uid = open ? state->ids.euid : 0;
	st->stx_gid = open ? state->ids.egid : 0;
}
