// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * execve and execveat.
 *
 * Theory of operation.  The files that the exec will touch are found in the view: the program, the interpreters of a
 * script, the ELF interpreter.  Errors that the kernel would give are given.  Then, in this order:
 *
 *	continue	all files are those that the kernel finds, and the ids stay as they are (exec_home.c says so
 *			of most execs, without looking closely)
 *	by descriptor	only the program's file is elsewhere: the kernel executes a descriptor of it
 *	by the loader	the rest: scripts and ELF interpreters that are elsewhere, a virtual root, set-id programs of
 *			virtual ids, files that only the view's ids may execute (monitor/loader/)
 *
 * The last two are in exec_plan.c, what ids become in exec_ids.c, finding and reading files in exec_file.c.
 *
 * The kernel reads the path again when the call is continued; another thread may have changed it meanwhile.  Then the
 * program runs another file than was looked at here, still under the filter (doc/SECURITY).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "../compat.h"
#include "../log.h"
#include "calls.h"
#include "exec.h"

#define SCRIPTS_MAX 5   /* nested interpreters (fs/exec.c, exec_binprm) */

/* Read the arguments: what file, by which name. */
static int read_given(struct exec *x)
{
	struct um_call *call = x->call;
	const struct um_syscall *row = call->row;
	char path[PATH_MAX];
	ssize_t n;

	x->path_addr = call->args[row->path];
	x->dirfd = row->fd >= 0 ? (int)call->args[row->fd] : AT_FDCWD;
	x->flags = row->flags >= 0 ? (int)call->args[row->flags] : 0;
	if (x->flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_EXECVE_CHECK))
		return -EINVAL;
	n = um_read_path(call, x->path_addr, path);
	if (n < 0)
		return (int)n;
	x->path_len = (size_t)n;
	if (n == 0 && !(x->flags & AT_EMPTY_PATH))
		return -ENOENT;
	if (n == 0 && x->dirfd != AT_FDCWD)
		snprintf(x->given, sizeof(x->given), "/dev/fd/%d", x->dirfd);
	else if (*path != '/' && x->dirfd != AT_FDCWD)
		snprintf(x->given, sizeof(x->given), "/dev/fd/%d/%s", x->dirfd, path);
	else
		memcpy(x->given, path, (size_t)n + 1);
	return n == 0 && x->dirfd == AT_FDCWD ? -EACCES : 0; /* the working directory */
}

/* Will the descriptor be closed by the exec?  Then no interpreter can read a script by its name. */
static bool closes_on_exec(const struct um_call *call, int fd)
{
	char name[48], line[64];
	unsigned flags = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/fdinfo/%d", call->tid, fd);
	f = fopen(name, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "flags: %o", &flags) == 1)
			break;
	fclose(f);
	return flags & O_CLOEXEC;
}

/* Put a word in front of the words of a script.  0 or -E2BIG. */
static int push_word(struct exec *x, const char *word)
{
	size_t n = strlen(word) + 1;

	if (n > x->words_at)
		return -E2BIG;
	x->words_at -= n;
	memcpy(x->words + x->words_at, word, n);
	x->nwords++;
	return 0;
}

/* One level of script: the words so far begin with the script's own name. */
static int push_script(struct exec *x, const struct program *script)
{
	int r = x->nwords ? 0 : push_word(x, x->given);

	if (r == 0 && script->arg)
		r = push_word(x, script->arg);
	return r ? r : push_word(x, script->interp);
}

/* A file of the exec was found: is it what the kernel would take? */
static void note(struct exec *x, const struct exec_file *f)
{
	x->same &= f->path.same;
	x->executable &= f->facts->executable;
}

/* Does it end in the name of a program that the view has one of its own for? */
static bool is_presented(const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	return strcmp(name, "mount") == 0 || strcmp(name, "umount") == 0 || strcmp(name, "fusermount") == 0 ||
	       strcmp(name, "fusermount3") == 0;
}

/*
 * The view's own mount and umount in the place of the host's, which refuse users who are not root and options that
 * they do not know, before any system call (man 1 viewmount), and its own fusermount, which needs no set-uid bit.  Only
 * the host's own files are replaced, not ones that the view has installed or that are in a virtual root.
 */
static int present_own(struct exec *x)
{
	static const char *const host[][2] = {
		{ "/usr/bin/mount", "viewmount" }, { "/usr/bin/umount", "viewumount" },
		{ "/bin/mount", "viewmount" }, { "/bin/umount", "viewumount" },
		{ "/usr/bin/fusermount", "viewfusermount" }, { "/usr/bin/fusermount3", "viewfusermount" },
		{ "/bin/fusermount", "viewfusermount" }, { "/bin/fusermount3", "viewfusermount" },
	};
	char own[PATH_MAX];

	for (size_t i = 0; i < sizeof(host) / sizeof(host[0]); i++) {
		if (x->file.path.node.body != UM_BODY_HOST || strcmp(x->file.path.view, host[i][0]) != 0)
			continue;
		snprintf(own, sizeof(own), "%s/%s", x->call->view->command_dir, host[i][1]);
		exec_file_close(&x->file);
		x->same = false;
		return exec_file_find(x, AT_FDCWD, own, NAMEI_FOLLOW, &x->file);
	}
	return 0;
}

/* Find the file that was named. */
static int find_given(struct exec *x)
{
	int follow = x->flags & AT_SYMLINK_NOFOLLOW ? 0 : NAMEI_FOLLOW;
	const char *path = x->given + strlen(x->given) - x->path_len; /* without "/dev/fd/N/" */
	int r;

	if (x->path_len == 0)
		r = exec_file_fd(x, x->dirfd, &x->file);
	else
		r = exec_file_find(x, x->dirfd, path, follow, &x->file);
	if (r == 0)
		note(x, &x->file);
	return r == 0 ? present_own(x) : r;
}

/* From scripts to the ELF file at the end of the chain.  0, UM_CONTINUE, or negative errno. */
static int64_t find_program(struct exec *x)
{
	const struct program *p;
	char name[PATH_MAX];
	int depth = 0, r;

	for (;;) {
		p = &x->file.facts->program;
		if (p->kind != PROGRAM_SCRIPT)
			break;
		if (++depth > SCRIPTS_MAX)
			return -ELOOP;
		if (x->nwords == 0 && !strncmp(x->given, "/dev/fd/", 8) && x->dirfd != AT_FDCWD &&
		    closes_on_exec(x->call, x->dirfd))
			return -ENOENT;
		r = push_script(x, p);
		if (r < 0)
			return r;
		snprintf(name, sizeof(name), "%s", p->interp);
		exec_file_close(&x->file);
		r = exec_file_find(x, AT_FDCWD, name, NAMEI_FOLLOW, &x->file);
		if (r == NAMEI_NATIVE)
			return -ENOEXEC;
		if (r < 0)
			return r;
		note(x, &x->file);
	}
	if (p->kind == PROGRAM_ELF32) {
		um_warn("%s: 32-bit programs are not supported in a view", x->file.path.view);
		return -ENOEXEC;
	}
	if (p->kind == PROGRAM_OTHER) /* the host may have a binfmt for it */
		return x->same ? UM_CONTINUE : -ENOEXEC;
	return 0;
}

/* The interpreter that an ELF file asks for. */
static int find_interp(struct exec *x)
{
	const struct program *p = &x->file.facts->program;
	int r;

	if (!p->interp)
		return 0;
	r = exec_file_find(x, AT_FDCWD, p->interp, NAMEI_FOLLOW, &x->interp);
	if (r == NAMEI_NATIVE || (r == 0 && x->interp.facts->program.kind != PROGRAM_ELF))
		return -ELIBBAD;
	if (r == 0)
		note(x, &x->interp);
	return r;
}

/*
 * Does execveat(fd, "") leave the right name in /proc/PID/comm?  Before Linux 6.14 it is the descriptor's number, and
 * programs that look for others by name would not find it: then the loader is the lesser evil.
 */
static bool descriptor_names(void)
{
	static int yes = -1;
	unsigned major = 0, minor = 0;
	struct utsname u;

	if (yes < 0) {
		yes = uname(&u) == 0 && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
		      (major > 6 || (major == 6 && minor >= 14));
	}
	return yes;
}

/* Exec makes a process dumpable again.  If the exec fails after all, that is the one thing that it has changed. */
static void make_dumpable(struct um_call *call)
{
	struct um_state changed = *call->state;

	if (changed.dumpable == 1)
		return;
	changed.dumpable = 1;
	um_set_state(call, &changed);
}

static int64_t decide(struct exec *x)
{
	bool interp_same = !x->interp.facts || (x->interp.path.same && x->interp.facts->executable);
	int fd;

	if (x->change)
		return exec_by_loader(x);
	if (x->same && x->executable) {
		make_dumpable(x->call);
		return UM_CONTINUE;
	}
	if (x->nwords || !x->file.facts->executable || !interp_same || !descriptor_names())
		return exec_by_loader(x);
	fd = exec_file_open(x->call, &x->file);
	if (fd < 0)
		return fd;
	x->call->route = "descriptor";
	make_dumpable(x->call);
	return exec_by_descriptor(x, fd);
}

static int64_t prepare_and_run(struct exec *x)
{
	int64_t r = read_given(x);

	if (r == 0 && !is_presented(x->given) && exec_at_home(x)) {
		make_dumpable(x->call);
		return UM_CONTINUE;
	}
	x->file.facts = NULL;
	if (r == 0)
		r = find_given(x);
	if (r == NAMEI_NATIVE)
		return UM_CONTINUE;
	if (r == 0 && (x->flags & AT_EXECVE_CHECK))
		return x->same ? UM_CONTINUE : 0;
	if (r == 0)
		r = find_program(x);
	if (r == 0)
		r = find_interp(x);
	if (r)
		return r;
	exec_ids(x);
	x->call->route = "loader";
	return decide(x);
}

int64_t call_execve(struct um_call *call)
{
	struct exec *x = malloc(sizeof(*x));
	int64_t r;

	if (!x)
		return -ENOMEM;
	exec_facts_begin();
	x->call = call;
	x->nwords = 0;
	x->words_at = sizeof(x->words);
	x->same = x->executable = true;
	x->change = x->secure = false;
	um_path_init(&x->file.path);
	um_path_init(&x->interp.path);
	x->file.facts = x->interp.facts = NULL;
	r = prepare_and_run(x);
	exec_file_close(&x->file);
	exec_file_close(&x->interp);
	free(x);
	return r;
}
