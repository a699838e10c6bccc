// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that lead to processes: /proc, devices, terminals, fifos.  Which of them may be opened.
 *
 * In every view the monitor's own files in /proc are closed, but for a few harmless ones.  In secure mode (doc/SECURITY)
 * the same holds for all processes outside of the view, and
 *
 *	devices		only those that reach nothing: null, zero, full, random, urandom, tty, ptmx
 *	terminals	the caller's own, those that umview was started with, those whose master the view has opened
 *	fifos, sockets	only those that the view has made
 *
 * A pseudo terminal is known by a descriptor of its file: with the master the name goes, and so does the link count; a
 * later terminal of the same number is another file.
 */
#include "outside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../hostfs.h"
#include "../namei.h"
#include "../procinfo.h"
#include "../view.h"
#include "proc.h"

#define TERMINALS 64
#define MADE 256
#define PTS_MAJOR 136 /* Documentation/admin-guide/devices.txt: 136-143 */

/* --- /proc ------------------------------------------------------------------------------------------------------ */

/* What is left of a path behind "/proc/PID/" or "/proc/PID/task/TID/", and the process; NULL: not such a path. */
static const char *in_proc(const char *path, pid_t *pid)
{
	int n = 0, more = 0;

	if (sscanf(path, "/proc/%d/%n", pid, &n) != 1 || n == 0)
		return NULL;
	if (sscanf(path + n, "task/%*d/%n", &more) == 0 && more > 0)
		n += more;
	return path + n;
}

static bool is_closed(const struct um_call *call, const char *path)
{
	static const char *const harmless[] = { "", "stat", "status", "statm", "cmdline", "comm" };
	pid_t pid;
	const char *name = in_proc(path, &pid);

	if (name == NULL)
		return false;
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (strcmp(name, harmless[i]) == 0)
			return false;
	return um_is_monitors(call, pid) || is_outside(call->view, pid);
}

/* The priority of all that shares the user's session with the caller. */
static bool is_sessions(const char *path)
{
	pid_t pid;
	const char *name = in_proc(path, &pid);

	return name != NULL && strcmp(name, "autogroup") == 0;
}

/* Another /proc of the host's, where it can be had under other names. */
static bool is_other_proc(const struct um_path *path)
{
	struct statfs st;

	return strncmp(path->view, "/proc/", 6) != 0 && strcmp(path->view, "/proc") != 0 && path->node.fd >= 0 && fstatfs(path->node.fd, &st) == 0 &&
	       st.f_type == PROC_SUPER_MAGIC;
}

/*
 * What is at /proc/PID/fd/N, and has no name, may be opened again as it is open there: a pipe or socket not at all
 * by an O_PATH descriptor, which anybody can have, and a file for writing only by one that writes.
 */
static bool may_reopen(const struct um_call *call, const struct um_path *path, bool write)
{
	struct um_call other = *call;
	struct stat here, there;
	const char *name = in_proc(path->view, &other.tid);
	int fd, copy, flags;
	bool yes;

	if (name == NULL || sscanf(name, "fd/%d", &fd) != 1)
		return true; /* a name space, which nothing can be done with */
	copy = um_get_fd(&other, fd);
	if (copy < 0)
		return false;
	flags = fcntl(copy, F_GETFL);
	yes = fstat(copy, &there) == 0 && fstat(path->node.fd, &here) == 0 && here.st_dev == there.st_dev &&
	      here.st_ino == there.st_ino && !(flags & O_PATH) &&
	      !(write && path->node.type == S_IFREG && (flags & O_ACCMODE) == O_RDONLY);
	close(copy);
	return yes;
}

/* --- terminals -------------------------------------------------------------------------------------------------- */

static int terminals[TERMINALS]; /* descriptors of terminals that are the view's, plus 1 */

static bool is_pts(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && major(st->st_rdev) >= PTS_MAJOR && major(st->st_rdev) < PTS_MAJOR + 8;
}

/* Note a terminal; @fd is closed when it has come to its end. */
static void terminal_note(int fd)
{
	struct stat st;

	for (unsigned i = 0; fd >= 0 && i < TERMINALS; i++) {
		if (terminals[i] > 0 && fstat(terminals[i] - 1, &st) == 0 && st.st_nlink > 0)
			continue;
		if (terminals[i] > 0)
			close(terminals[i] - 1);
		terminals[i] = fd + 1;
		return;
	}
	if (fd >= 0)
		close(fd);
}

void outside_terminals(void)
{
	char name[40];
	struct stat st;

	for (int fd = 0; fd < 3; fd++) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		if (fstat(fd, &st) == 0 && is_pts(&st))
			terminal_note(open(name, O_PATH | O_CLOEXEC));
	}
}

void outside_opened(int fd)
{
	char name[40];
	unsigned number;

	if (ioctl(fd, TIOCGPTN, &number) < 0)
		return;
	snprintf(name, sizeof(name), "/dev/pts/%u", number);
	terminal_note(open(name, O_PATH | O_CLOEXEC));
}

static bool is_noted(const struct stat *st)
{
	struct stat own;

	for (unsigned i = 0; i < TERMINALS; i++)
		if (terminals[i] > 0 && fstat(terminals[i] - 1, &own) == 0 && own.st_nlink > 0 &&
		    own.st_dev == st->st_dev && own.st_ino == st->st_ino)
			return true;
	return false;
}

/* The number of a process's terminal; 0: it has none. */
static dev_t terminal_of(pid_t tid)
{
	struct procinfo_stat stat;
	unsigned nr = procinfo_stat(tid, &stat) < 0 ? 0 : stat.tty_nr;

	return nr == 0 ? 0 : makedev(nr >> 8 & 0xfff, (nr & 0xff) | (nr >> 12 & 0xfff00));
}

/* /dev/tty is another terminal to the monitor: find the caller's by its number.  An O_PATH descriptor. */
static int open_terminal(const struct um_call *call)
{
	dev_t dev = terminal_of(call->tid);
	char name[40];
	struct stat st;
	int fd;

	if (dev == 0)
		return -ENXIO;
	if (major(dev) >= PTS_MAJOR && major(dev) < PTS_MAJOR + 8)
		snprintf(name, sizeof(name), "/dev/pts/%u", (major(dev) - PTS_MAJOR) * 256 + minor(dev));
	else
		snprintf(name, sizeof(name), minor(dev) < 64 ? "/dev/tty%u" : "/dev/ttyS%u", minor(dev) % 64);
	fd = open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == dev)
		return fd;
	close(fd);
	return -ENXIO;
}

/* --- devices ---------------------------------------------------------------------------------------------------- */

static bool is_harmless(dev_t dev)
{
	switch (major(dev)) {
	case 1: /* null, zero, full, random, urandom */
		return minor(dev) == 3 || minor(dev) == 5 || (minor(dev) >= 7 && minor(dev) <= 9);
	case 5: /* tty, ptmx */
		return minor(dev) == 0 || minor(dev) == 2;
	default:
		return false;
	}
}

static int check_device(const struct um_call *call, struct um_path *path)
{
	struct stat st;
	int fd;

	if (fstat(path->node.fd, &st) < 0)
		return -errno;
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return 0; /* a device of the view's: a file keeps its place */
	if (st.st_rdev == makedev(5, 0)) {
		fd = open_terminal(call);
		if (fd < 0)
			return fd;
		close(path->node.fd);
		path->node.fd = fd;
		return 0;
	}
	if (S_ISCHR(st.st_mode) && (is_harmless(st.st_rdev) || st.st_rdev == terminal_of(call->tid) || is_noted(&st)))
		return 0;
	return -EACCES;
}

/* --- fifos and sockets ------------------------------------------------------------------------------------------ */

/* What the view has made in the host's own tree, the oldest are forgotten. */
static struct made {
	uint64_t ino;
	uint32_t dev_major, dev_minor;
	struct statx_timestamp born;
} made[MADE];
static unsigned nmade;

static bool made_of(int dirfd, const char *name, struct made *m)
{
	int flags = *name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;
	struct statx st;

	if (statx(dirfd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
		return false;
	*m = (struct made){ st.stx_ino, st.stx_dev_major, st.stx_dev_minor, st.stx_btime };
	return true;
}

/* What lies in a mount of the command line, and not in its lower tree, was made by the view or given to it. */
static bool is_given(const struct um_call *call, const struct um_path *path)
{
	return path->mount != call->view->host && path->node.body == UM_BODY_ELSEWHERE &&
	       mount_is_given(call->view, path->mount);
}

void outside_made(const struct um_call *call, const struct um_path *path)
{
	if (call->view->secure && made_of(AT_FDCWD, path->view, &made[nmade % MADE]))
		nmade++;
}

bool outside_is_ours(const struct um_call *call, const struct um_path *path)
{
	struct made m;

	if (!call->view->secure || is_given(call, path))
		return true;
	if (path->node.fd < 0 || !made_of(path->node.fd, "", &m))
		return false;
	for (unsigned i = 0; i < MADE && i < nmade; i++)
		if (made[i].ino == m.ino && made[i].dev_major == m.dev_major && made[i].dev_minor == m.dev_minor &&
		    made[i].born.tv_sec == m.born.tv_sec && made[i].born.tv_nsec == m.born.tv_nsec)
			return true;
	return false;
}

/* --- files of the monitor's ------------------------------------------------------------------------------------- */

/* May the user make, and so also replace, names in this directory? */
static bool can_change(const char *dir, uid_t owner_of_entry)
{
	struct stat st;

	if (access(dir, W_OK) < 0 || stat(dir, &st) < 0)
		return false;
	return !(st.st_mode & S_ISVTX) || owner_of_entry == getuid() || st.st_uid == getuid();
}

bool outside_can_replace(struct um_view *view, const struct um_state *state, const char *path)
{
	char dir[PATH_MAX], *slash;
	struct stat st;
	const char *rel;

	if (realpath(path, dir) == NULL)
		return true;
	if (view_mount_of(view, state, dir, &rel) != view->host)
		return false;
	if (access(dir, W_OK) == 0)
		return true;
	for (slash = strrchr(dir, '/'); slash != NULL; slash = strrchr(dir, '/')) {
		if (stat(dir, &st) < 0)
			return true;
		*slash = '\0';
		if (can_change(*dir ? dir : "/", st.st_uid))
			return true;
	}
	return false;
}

/* --- changes by descriptor -------------------------------------------------------------------------------------- */

/* Is the file with this host path, open as @fd, one that a mount of the view keeps for it, or the host's where no mount is? */
static bool is_kept(struct um_call *call, const char *host, int fd)
{
	struct um_path path = UM_PATH_INIT;
	char target[PATH_MAX];
	struct stat here, there;
	size_t end;
	bool yes = false;

	if (view_path_of_host(call->view, call->state, host, path.view) == 0 &&
	    um_path_place(call->view, call->state, &path) == 0 && um_path_walk(&path, &end, target) == 0)
		yes = (path.mount == call->view->host || path.node.body == UM_BODY_ELSEWHERE) && path.node.fd >= 0 &&
		      fstat(path.node.fd, &there) == 0 && fstat(fd, &here) == 0 && here.st_dev == there.st_dev &&
		      here.st_ino == there.st_ino;
	um_path_put(&path);
	return yes;
}

int outside_change(struct um_call *call, int fd)
{
	char link[40], host[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (hostfs_is_kernels(fd))
		return -EROFS;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, host, sizeof(host) - 1);
	if (n < 0 || fstat(fd, &st) < 0)
		return -errno;
	host[n] = '\0';
	/* Another name is not what the call was looked at for: another thread has put that file there. */
	if (st.st_nlink > 0 && *host == '/' && hashtab_npaths(call->view->table) > 0)
		return is_kept(call, host, fd) ? 0 : -EBADF;
	/* Removed by the host, it may be in use there still. */
	return S_ISREG(st.st_mode) && st.st_nlink == 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY ? -EPERM : 0;
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

bool outside_is_nameless(const struct um_call *call, const struct um_path *path)
{
	return path->mount == call->view->host && path->node.body == UM_BODY_ELSEWHERE;
}

int outside_open(const struct um_call *call, struct um_path *path, int flags, bool write)
{
	if ((path->mount == call->view->host || call->view->secure) && is_closed(call, path->view))
		return -EACCES;
	if (!call->view->secure || !path->exists || (flags & O_PATH))
		return 0;
	if (is_other_proc(path) || (write && is_sessions(path->view)))
		return -EACCES;
	if (outside_is_nameless(call, path))
		return may_reopen(call, path, write) ? 0 : -EACCES;
	if (path->mount->hidden)
		return 0; /* a device that is a module's own, and no file of the host */
	if (path->node.type == S_IFCHR || path->node.type == S_IFBLK)
		return path->node.fd >= 0 ? check_device(call, path) : -ENXIO;
	if (path->node.type == S_IFIFO && !outside_is_ours(call, path))
		return -EACCES;
	return 0;
}
