// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which processes can be taken into a view, and in what words the others are refused.
 *
 * Nothing is changed here.  What is refused is what the kernel would refuse later, in the middle of the work; what
 * would go on in a way that the monitor cannot follow (another root directory, other namespaces, io_uring, 32-bit
 * calls); and what could be harmed: a process's own seccomp filter may kill it for a call that it never made before.
 */
#include "attach_check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls/proc.h"
#include "elf.h"
#include "procinfo.h"
#include "state.h"
#include "view.h"

#define YAMA "/proc/sys/kernel/yama/ptrace_scope"

/* A process under examination. */
struct subject {
	const struct um_view *view;
	pid_t pid;
	const struct attach_look *look;
	char *why;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int refuse(const struct subject *s, int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(s->why, s->size, format, ap);
	va_end(ap);
	return -err;
}

/* --- what it is
 * ------------------------------------------------------------------------------------------------------ */

int attach_look(pid_t pid, struct attach_look *look)
{
	struct procinfo_status status;
	struct procinfo_stat stat;
	const char *value;
	int err = procinfo_status(pid, &status);

	*look = (struct attach_look){
	    .tgid = (pid_t)procinfo_number(&status, "Tgid"),
	    .tracer = (pid_t)procinfo_number(&status, "TracerPid"),
	    .threads = (int)procinfo_number(&status, "Threads"),
	    .kthread = (int)procinfo_number(&status, "Kthread"),
	    .no_new_privs = (int)procinfo_number(&status, "NoNewPrivs"),
	    .seccomp = (int)procinfo_number(&status, "Seccomp"),
	    .filters = (int)procinfo_number(&status, "Seccomp_filters"),
	};
	if (err < 0)
		return err;
	if ((value = procinfo_field(&status, "Name")) != NULL)
		snprintf(look->name, sizeof(look->name), "%.*s", (int)strcspn(value, "\n"), value);
	if ((value = procinfo_field(&status, "State")) != NULL)
		look->state = *value;
	if ((value = procinfo_field(&status, "Umask")) != NULL)
		look->umask = (mode_t)strtoul(value, NULL, 8);
	if ((value = procinfo_field(&status, "Uid")) != NULL)
		sscanf(value, "%u %u %u %u", &look->uid[0], &look->uid[1], &look->uid[2], &look->uid[3]);
	if ((value = procinfo_field(&status, "Gid")) != NULL)
		sscanf(value, "%u %u %u %u", &look->gid[0], &look->gid[1], &look->gid[2], &look->gid[3]);
	if (look->kthread < 0) /* older kernels: PF_KTHREAD */
		look->kthread = procinfo_stat(pid, &stat) == 0 && (stat.flags & 0x00200000) != 0;
	return look->tgid > 0 ? 0 : -ESRCH;
}

static int check_kind(const struct subject *s)
{
	const struct attach_look *l = s->look;

	if (l->tgid != s->pid)
		return refuse(s, EINVAL, "it is a thread of the process %d", l->tgid);
	if (s->pid == 1)
		return refuse(s, EPERM, "it is the system's first process");
	if (l->kthread > 0)
		return refuse(s, EPERM, "it is a thread of the kernel");
	if ((l->state == 'Z' || l->state == 'X') && l->threads <= 1)
		return refuse(s, ESRCH, "it has ended, and waits for its parent to take notice (a zombie)");
	if (l->state == 'Z')
		return refuse(s, EAGAIN, "its first thread has ended, and the kernel does not let the others stand for it");
	if (is_protected(s->view, s->pid))
		return refuse(s, EPERM, "it is what makes this view (its monitor, guardian or front)");
	if (state_tagged(states_tag(s->view->states), states_carrier(s->view->states), s->pid))
		return refuse(s, EEXIST, "it is in this view already");
	if (state_tagged_any(s->pid))
		return refuse(s, EBUSY, "it is in another view, and a process can be in one only");
	for (int i = 0; i < 4; i++)
		if (l->uid[i] != s->view->uid)
			return refuse(s, EPERM, "it is another user's (user id %u)", l->uid[i]);
	for (int i = 0; i < 4; i++)
		if (l->gid[i] != s->view->gid)
			return refuse(s, EPERM, "it is in another group (group id %u)", l->gid[i]);
	return 0;
}

/* --- may it be looked into?
 * ------------------------------------------------------------------------------------------ */

static bool have_ptrace_capability(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	return syscall(SYS_capget, &head, data) == 0 && data[0].effective >> CAP_SYS_PTRACE & 1;
}

int attach_yama(const char *file, bool capable, char *why, size_t size)
{
	FILE *f = fopen(file, "re");
	int scope = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%d", &scope) != 1)
		scope = 0;
	fclose(f);
	if (scope <= 0 || (capable && scope < 3))
		return 0;
	if (scope >= 3)
		snprintf(why, size,
			 "the sysctl kernel.yama.ptrace_scope is %d: nobody may trace a process on this system",
			 scope);
	else
		snprintf(why, size,
			 "the sysctl kernel.yama.ptrace_scope is %d: %s may trace a process that it has not started; "
			 "root can set it to 0",
			 scope, scope == 1 ? "no process" : "only root");
	return -EPERM;
}

int attach_allowed(char *why, size_t size)
{
	return attach_yama(YAMA, have_ptrace_capability(), why, size);
}

/* @target: PATH_MAX bytes. */
static bool read_link(const char *path, char *target)
{
	ssize_t n = readlink(path, target, PATH_MAX - 1);

	target[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* A view's own processes are closed, so their names must do. */
static bool is_closed_server(const char *name)
{
	return strcmp(name, "umview") == 0 || strcmp(name, "viewguard") == 0;
}

static int check_access(const struct subject *s)
{
	char path[32], program[PATH_MAX], own[PATH_MAX];
	int fd;

	/* Links of /proc ask for the same rights as tracing, but for Yama's consent. */
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)s->pid);
	if (!read_link(path, program) && is_closed_server(s->look->name))
		return refuse(s, EPERM, "it is what makes another view (its monitor or guardian)");
	if (!read_link(path, program))
		return refuse(s, EPERM, "it is closed to its user: it is a set-id program, has capabilities, or protects "
			      "itself (PR_SET_DUMPABLE)");
	if (read_link("/proc/self/exe", own) && strcmp(basename(program), basename(own)) == 0)
		return refuse(s, EPERM, "it is what makes another view (its front, or the tracer's helper)");
	if (attach_allowed(s->why, s->size) < 0)
		return -EPERM;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)s->pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return refuse(s, EPERM,
			      "its memory cannot be opened: %s (a security module or container forbids it?)",
			      strerror(errno));
	close(fd);
	return 0;
}

/* --- would the view and the process agree?
 * ---------------------------------------------------------------------------- */

static int check_tracer(const struct subject *s, pid_t tid)
{
	struct attach_look thread, tracer;

	if (attach_look(tid, &thread) < 0 || thread.tracer <= 0)
		return 0;
	if (attach_look(thread.tracer, &tracer) < 0)
		return refuse(s, EBUSY, "process %d is tracing it", thread.tracer);
	return refuse(s, EBUSY, "process %d (%s) is tracing it", thread.tracer, tracer.name);
}

static int check_threads(const struct subject *s)
{
	char path[32];
	struct dirent *d;
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)s->pid);
	dir = opendir(path);
	while (dir != NULL && err == 0 && (d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			err = check_tracer(s, atoi(d->d_name));
	if (dir != NULL)
		closedir(dir);
	return err;
}

static int check_filter(const struct subject *s)
{
	struct attach_look own;

	if (s->look->seccomp <= 0 || attach_look(getpid(), &own) < 0)
		return 0;
	if (s->look->seccomp == 1)
		return refuse(s, EPERM, "it runs in seccomp's strict mode, which nothing can be added to");
	/* Those of a container are ours as well. */
	if (own.seccomp > 0 && s->look->filters <= own.filters)
		return 0;
	return refuse(s, EPERM,
		      "it has a seccomp filter of its own, which could kill it for what has to be done in it");
}

static int check_space(const struct subject *s)
{
	static const char *const spaces[] = { "user", "mnt", "pid" };
	char path[40], theirs[64], ours[64];
	struct stat root, own;
	ssize_t n, m;

	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)s->pid, spaces[i]);
		n = readlink(path, theirs, sizeof(theirs));
		snprintf(path, sizeof(path), "/proc/self/ns/%s", spaces[i]);
		m = readlink(path, ours, sizeof(ours));
		if (n != m || (n > 0 && memcmp(theirs, ours, (size_t)n) != 0))
			return refuse(s, EPERM, "it is in a container or sandbox (another %s namespace)", spaces[i]);
	}
	snprintf(path, sizeof(path), "/proc/%d/root", (int)s->pid);
	if (stat(path, &root) < 0 || stat("/", &own) < 0 || root.st_dev != own.st_dev || root.st_ino != own.st_ino)
		return refuse(s, EPERM, "it has another root directory (chroot)");
	return 0;
}

static int check_program(const struct subject *s)
{
	struct program program;
	bool narrow = false;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)s->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && program_read(fd, &program) == 0) {
		narrow = program.kind == PROGRAM_ELF32;
		program_free(&program);
	}
	if (fd >= 0)
		close(fd);
	return narrow ? refuse(s, EPERM, "it is a 32-bit program, whose system calls a view does not know") : 0;
}

static int check_files(const struct subject *s)
{
	char path[32], target[64];
	bool uring = false;
	struct dirent *d;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)s->pid);
	dir = opendir(path);
	while (dir != NULL && !uring && (d = readdir(dir)) != NULL) {
		n = readlinkat(dirfd(dir), d->d_name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		uring = strcmp(target, "anon_inode:[io_uring]") == 0;
	}
	if (dir != NULL)
		closedir(dir);
	return uring ? refuse(s, EPERM, "it uses io_uring, which goes around a view's filter") : 0;
}

static int check_carrier(const struct subject *s)
{
	static const struct {
		int resource;
		const char *name, *option;
	} limits[] = { { RLIMIT_LOCKS, "LOCKS", "x" }, { RLIMIT_RSS, "RSS", "m" }, { RLIMIT_RTTIME, "RTTIME", "R" } };
	struct rlimit64 limit;

	if (prlimit64(s->pid, states_carrier(s->view->states), NULL, &limit) < 0)
		return refuse(s, errno, "its limits cannot be read: %s", strerror(errno));
	if (limit.rlim_max == RLIM64_INFINITY)
		return 0;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].resource == states_carrier(s->view->states))
			return refuse(
			    s, EPERM,
			    "its hard limit RLIMIT_%s is finite (ulimit -H -%s), and the view needs that limit "
			    "for itself",
			    limits[i].name, limits[i].option);
	return -EPERM;
}

/*
 * A process that ends has no program any more.  Nor has one whose first thread was ended by another that executes a
 * program; that one has it in a moment.
 */
static int check_ending(const struct subject *s, int err)
{
	char path[32], target[64];
	struct attach_look now;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)s->pid);
	if (readlink(path, target, sizeof(target)) >= 0 || (errno != ENOENT && errno != ESRCH))
		return err;
	if (attach_look(s->pid, &now) < 0 || now.threads <= 1)
		return refuse(s, ESRCH, "it has ended");
	return refuse(s, EAGAIN, "it is ending");
}

int attach_check(const struct um_view *view, pid_t pid, struct attach_look *look, char *why, size_t size)
{
	static int (*const checks[])(const struct subject *s) = {
		check_kind, check_access, check_threads, check_filter,
		check_space, check_program, check_files, check_carrier,
	};
	struct subject s = {view, pid, look, why, size};
	int err = 0;

	if (attach_look(pid, look) < 0)
		return refuse(&s, ESRCH, "there is no such process");
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && err == 0; i++)
		err = checks[i](&s);
	if (err < 0 && err != -ESRCH && err != -EAGAIN && look->kthread <= 0)
		err = check_ending(&s, err);
	return err;
}
