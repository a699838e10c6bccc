// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exec by descriptor and by the loader.
 *
 * Theory of operation.  Both rewrite the call to execveat(fd, "", argv, envp, AT_EMPTY_PATH) with a close-on-exec
 * descriptor placed in the process; the empty string is the end of the path that the process passed, so nothing
 * is written to its memory (but see exec_memory.c).  The rewritten call carries the filter's cookie.
 *
 * For the loader a plan is made beforehand, and kept by thread group id (a thread that is not the leader becomes it
 * in exec).  When the loader asks for it, the exec has succeeded: only then the process gets its new state and the
 * descriptors of program and interpreter.  A plan that nobody asks for, because the exec failed (E2BIG, ENOMEM) or
 * the process was killed, is dropped at the next exec of that process, or by age.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../loader/image.h"
#include "../log.h"
#include "../tracer/tracer.h"
#include "exec.h"

#define SPARE_FDS 64
#define PLAN_SOON 2     /* seconds: after that it is not likely to be asked for */
#define PLAN_AGE 30     /* seconds; a signal handler may run between the exec and the question */

struct pending {
	struct pending *next;
	pid_t tgid;
	time_t when;
	int fds[2];             /* program, interpreter or -1; owned */
	bool change;
	uint8_t dumpable;
	struct um_ids ids;      /* without groups */
	size_t size;
	union {
		struct plan plan;
		char bytes[PLAN_MAX];
	} block;                /* the rest of it is not allocated */
};

static struct pending *pending; /* guarded by the view's lock */
static struct stat loader_stat;

static void pending_free(struct pending *p)
{
	for (int i = 0; i < 2; i++)
		if (p->fds[i] >= 0)
			close(p->fds[i]);
	free(p);
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec;
}

/* Take the plan of a process out of the list; plans that grew old are dropped on the way. */
static struct pending *pending_take(pid_t tgid)
{
	struct pending **at = &pending, *p, *found = NULL;
	time_t old = now() - PLAN_AGE;

	while ((p = *at)) {
		if (p->tgid == tgid && !found) {
			*at = p->next;
			found = p;
		} else if (p->when < old) {
			*at = p->next;
			pending_free(p);
		} else {
			at = &p->next;
		}
	}
	return found;
}

void exec_plans_tidy(void)
{
	struct pending **at = &pending, *p;

	while ((p = *at)) {
		if (now() - p->when < PLAN_SOON && kill(p->tgid, 0) == 0) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		pending_free(p);
	}
}

static void pending_drop(pid_t tgid)
{
	struct pending *p = pending_take(tgid);

	if (p)
		pending_free(p);
}

/* --- descriptors in the process -------------------------------------------------------------------------------- */

/* Place a descriptor, also in a process that has as many as it may: its limit is raised for the moment. */
static int place(struct um_call *call, int fd)
{
	const struct um_tracer_ops *ops = call->view->tracer_ops;
	struct rlimit64 old, more;
	int r = ops->add_fd(call, fd, O_CLOEXEC);

	if (r != -EMFILE || syscall(SYS_prlimit64, call->tid, RLIMIT_NOFILE, NULL, &old) < 0)
		return r;
	more = old;
	if (more.rlim_max == more.rlim_cur)
		more.rlim_max += SPARE_FDS; /* refused to the ordinary user */
	more.rlim_cur = more.rlim_max;
	if (syscall(SYS_prlimit64, call->tid, RLIMIT_NOFILE, &more, NULL) < 0)
		return r;
	r = ops->add_fd(call, fd, O_CLOEXEC);
	syscall(SYS_prlimit64, call->tid, RLIMIT_NOFILE, &old, NULL);
	return r;
}

/* The host path of a descriptor's body, if it has one. */
static bool host_path(int fd, char path[PATH_MAX])
{
	struct stat body, there;
	char name[40];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = '\0';
	return *path == '/' && fstat(fd, &body) == 0 && stat(path, &there) == 0 && body.st_dev == there.st_dev &&
	       body.st_ino == there.st_ino;
}

int64_t exec_by_descriptor(struct exec *x, int fd)
{
	struct um_call *call = x->call;
	int first = call->row->data;
	uint64_t args[6] = {
		0, x->path_addr + x->path_len, call->args[first], call->args[first + 1], AT_EMPTY_PATH,
		call->view->cookie,
	};
	int number = place(call, fd);
	char path[PATH_MAX];
	int64_t r;

	if (number == -EMFILE && !call->view->secure && host_path(fd, path)) {
		close(fd);
		return exec_by_name(x, path) == UM_REPLIED ? UM_REPLIED : -EMFILE;
	}
	close(fd);
	if (number == -ESRCH || number == -ENOENT)
		return UM_REPLIED;
	if (number < 0)
		return number;
	args[0] = (uint64_t)number;
	snprintf(path, sizeof(path), "/dev/fd/%d", number);
	if (call->state->sandboxed && call->nr == SYS_execve && !call->view->secure)
		r = exec_by_name(x, path);
	else
		r = um_rewrite(call, SYS_execveat, args);
	if (r == UM_REPLIED)
		return r;
	r = exec_in_place(x, number);
	if (r == UM_CONTINUE)
		return r;
	um_warn("%s: cannot be run in a view by process %d, which is being traced", x->file.path.view, call->tid);
	return -EACCES;
}

/* --- the plan -------------------------------------------------------------------------------------------------- */

/* Append to the plan's block.  Its offset, or 0: no room. */
static uint32_t append(struct pending *p, const void *data, size_t size)
{
	size_t at = (p->size + 7) & ~(size_t)7;

	if (at + size > PLAN_MAX)
		return 0;
	memcpy(p->block.bytes + at, data, size);
	p->size = at + size;
	return (uint32_t)at;
}

static bool append_image(struct pending *p, struct plan_image *image, const struct program *program)
{
	image->fd = 0;
	image->dynamic = program->dynamic;
	image->nsegments = program->nsegments;
	image->segments = append(p, program->segments, program->nsegments * sizeof(*program->segments));
	image->entry = program->entry;
	image->phdr = program->phdr;
	image->align = program->align;
	return image->segments != 0;
}

/* What the kernel would make the process's name: of a script, the script's. */
static void set_comm(const struct exec *x, char comm[16])
{
	static const char gone[] = " (deleted)";
	const char *name = x->path_len ? x->given : x->file.path.view, *slash = strrchr(name, '/');
	size_t n;

	name = slash ? slash + 1 : name;
	n = strlen(name);
	if (!x->path_len && n >= sizeof(gone) && strcmp(name + n - strlen(gone), gone) == 0)
		n -= strlen(gone); /* by descriptor: the link to it says so of what has no name any more */
	snprintf(comm, 16, "%.*s", (int)(n < 15 ? n : 15), name);
}

/* Fill the block.  0 or -E2BIG. */
static int plan_fill(const struct exec *x, struct pending *p)
{
	const struct um_state *state = x->call->state;
	struct plan *plan = &p->block.plan;
	const char *exe = *x->file.path.view ? x->file.path.view : "/";
	bool ok;

	*plan = (struct plan){ .magic = PLAN_MAGIC, .cookie = x->call->view->cookie };
	p->size = sizeof(*plan);
	plan->interp.fd = -1;
	plan->phnum = x->file.facts->program.phnum;
	ok = append_image(p, &plan->program, &x->file.facts->program);
	if (x->interp.facts)
		ok = append_image(p, &plan->interp, &x->interp.facts->program) && ok;
	if (x->file.facts->program.exec_stack)
		plan->flags |= PLAN_EXEC_STACK;
	if (state->virtual_ids) {
		plan->flags |= PLAN_IDS;
		plan->uid = x->ids.ruid;
		plan->euid = x->ids.euid;
		plan->gid = x->ids.rgid;
		plan->egid = x->ids.egid;
		plan->secure = x->secure;
	}
	if (x->nwords) {
		plan->nwords = x->nwords;
		plan->words_size = (uint32_t)(sizeof(x->words) - x->words_at);
		plan->words = append(p, x->words + x->words_at, plan->words_size);
		ok = ok && plan->words;
	}
	plan->execfn = append(p, x->given, strlen(x->given) + 1);
	plan->exe = append(p, exe, strlen(exe) + 1);
	set_comm(x, plan->comm);
	plan->size = (uint32_t)p->size;
	return ok && plan->execfn && plan->exe ? 0 : -E2BIG;
}

/* The descriptors that the loader will map from. */
static int plan_open(struct exec *x, struct pending *p)
{
	p->fds[0] = exec_file_open(x->call, &x->file);
	if (p->fds[0] < 0)
		return p->fds[0];
	if (x->interp.facts) {
		p->fds[1] = exec_file_open(x->call, &x->interp);
		if (p->fds[1] < 0)
			return p->fds[1];
	}
	return 0;
}

/* Open the loader's image when it is first needed.  A duplicate of it, or negative errno. */
static int loader_fd(struct um_view *view)
{
	int fd;

	if (view->loader_fd < 0) {
		fd = loader_open();
		if (fd < 0) {
			um_warn("the exec loader cannot be set up: %s", strerror(-fd));
			return fd;
		}
		view->loader_fd = fd;
	}
	if (!loader_stat.st_ino)
		fstat(view->loader_fd, &loader_stat);
	fd = fcntl(view->loader_fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

int64_t exec_by_loader(struct exec *x)
{
	struct pending *p;
	int64_t r;
	int fd;

	/* What the kernel checks in its own exec, and mmap(2) would find too late. */
	if (exec_file_on(&x->file, ST_NOEXEC) || (x->interp.facts && exec_file_on(&x->interp, ST_NOEXEC)))
		return -EACCES;
	p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->fds[0] = p->fds[1] = -1;
	p->tgid = um_tgid(x->call);
	p->when = now();
	p->change = x->change;
	p->dumpable = x->dumpable;
	p->ids = x->ids;
	r = plan_fill(x, p);
	if (r == 0)
		r = plan_open(x, p);
	fd = r == 0 ? loader_fd(x->call->view) : -1;
	if (r == 0 && fd < 0)
		r = -ENOEXEC;
	if (r < 0) {
		pending_free(p);
		return r;
	}
	pending_drop(p->tgid);
	p->next = pending;
	pending = p;
	r = exec_by_descriptor(x, fd);
	if (r != UM_REPLIED && r != UM_CONTINUE)
		pending_drop(p->tgid);
	return r;
}

/* --- what the loader and others ask ----------------------------------------------------------------------------- */

/* The state that the exec leaves. */
static int set_state(struct um_call *call, const struct pending *p)
{
	struct um_state changed = *call->state;

	if (!p->change && changed.dumpable == p->dumpable)
		return 0;
	if (p->change) {
		changed.ids = p->ids;
		changed.ids.groups = call->state->ids.groups;
		changed.ids.ngroups = call->state->ids.ngroups;
	}
	changed.dumpable = p->dumpable;
	return um_set_state(call, &changed);
}

int64_t exec_plan(struct um_call *call, uint64_t reply, size_t size)
{
	struct pending *p = pending_take(um_tgid(call));
	int64_t r;

	call->route = "loader";
	if (!p)
		return -ENOENT;
	r = size < p->size ? -E2BIG : set_state(call, p);
	if (r == 0)
		r = p->block.plan.program.fd = place(call, p->fds[0]);
	if (r >= 0 && p->fds[1] >= 0)
		r = p->block.plan.interp.fd = place(call, p->fds[1]);
	if (r >= 0)
		r = um_write(call, reply, &p->block, p->size);
	if (r >= 0)
		r = (int64_t)p->size;
	pending_free(p);
	return r;
}

/* The address that the auxiliary vector gives for the program's name; 0: none. */
static uint64_t exe_address(pid_t tgid)
{
	uint64_t aux[128];
	uint64_t address = 0;
	char name[40];
	ssize_t n;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/auxv", tgid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, aux, sizeof(aux));
	close(fd);
	for (ssize_t i = 0; i + 2 <= n / (ssize_t)sizeof(aux[0]); i += 2)
		if (aux[i] == AT_UMVIEW_EXE)
			address = aux[i + 1];
	return address;
}

bool exec_is_loader(dev_t dev, ino_t ino)
{
	return loader_stat.st_ino != 0 && loader_stat.st_ino == ino && loader_stat.st_dev == dev;
}

int exec_exe_path(struct um_call *call, pid_t tgid, char *buf)
{
	struct um_call other = *call;
	struct stat st;
	char name[40];
	uint64_t address;

	if (!loader_stat.st_ino)
		return -ENOENT;
	snprintf(name, sizeof(name), "/proc/%d/exe", tgid);
	if (stat(name, &st) < 0 || st.st_ino != loader_stat.st_ino || st.st_dev != loader_stat.st_dev)
		return -ENOENT;
	address = exe_address(tgid);
	other.tid = tgid;
	if (!address || um_read_string(&other, address, buf, PATH_MAX) <= 0 || *buf != '/')
		return -ENOENT;
	return 0;
}
