// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exec by a descriptor's name, "/dev/fd/N", where execveat with the descriptor itself cannot be had, or by the body's host
 * path where the process has no place for a descriptor.  The name has to stand in the process's memory, which is gone
 * when the exec succeeds.
 *
 * A program behind a seccomp filter of its own was allowed execve, and often not execveat: it makes an execve, with the name
 * below its stack, where nobody keeps anything (also if a vfork child's stack is its parent's).  A handler that runs
 * before the call is made again may overwrite it; then the exec fails.
 *
 * The arguments of a thread that has a tracer (gdb, strace) cannot be changed.  So the name takes the place of its path, and
 * the call is continued.  Arguments and environment that lie there, argv[0] being often the path itself, are copied below
 * the stack, and their pointers led there.  If the exec fails after all that was checked, the program is left with another
 * string.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../arch/arch.h"
#include "../procinfo.h"
#include "../tracer/tracer.h"
#include "exec.h"

#define STRINGS_MAX 65536 /* pointers in a vector */

/* Do the process and its parent share their memory (vfork)?  Unknown is yes. */
static bool memory_is_shared(pid_t tid)
{
	pid_t parent = procinfo_parent(tid);

	return parent <= 0 || syscall(SYS_kcmp, tid, parent, KCMP_VM, 0, 0) <= 0;
}

/* The stack pointer of a thread that waits in a call; 0: not known. */
static uint64_t stack_pointer(pid_t tid)
{
	unsigned long long sp = 0;
	char name[40];
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/syscall", tid);
	f = fopen(name, "re");
	if (f && fscanf(f, "%*d %*s %*s %*s %*s %*s %*s %llx", &sp) != 1)
		sp = 0;
	if (f)
		fclose(f);
	return sp;
}

int64_t exec_by_name(struct exec *x, const char *path)
{
	struct um_call *call = x->call;
	int first = call->row->data, err;
	uint64_t args[6] = { 0, call->args[first], call->args[first + 1], 0, 0, call->view->cookie };
	uint64_t sp = stack_pointer(call->tid);

	if (sp == 0)
		return -EACCES;
	args[0] = (sp - ARCH_RED_ZONE - (strlen(path) + 1)) & ~UINT64_C(15);
	err = um_write(call, args[0], path, strlen(path) + 1);
	return err < 0 ? err : um_rewrite(call, SYS_execve, args);
}

/* --- in place ---------------------------------------------------------------------------------------------------- */

/* What the name overwrites, and where strings that lie in it go. */
struct moving {
	const struct um_call *call;
	int mem;            /* /proc/PID/mem, which also writes where the process may not */
	uint64_t from, end; /* overwritten */
	uint64_t below;     /* the lowest place below the stack that is taken */
};

/* Move a string out of the way.  Its new address, or 0. */
static uint64_t move_string(struct moving *m, uint64_t address)
{
	char text[PATH_MAX];
	ssize_t n = um_read_string(m->call, address, text, sizeof(text));

	if (n < 0)
		return 0;
	m->below -= (uint64_t)n + 1;
	return pwrite(m->mem, text, (size_t)n + 1, (off_t)m->below) == n + 1 ? m->below : 0;
}

/* Does the string at @address reach into what is overwritten? */
static bool reaches(const struct moving *m, uint64_t address)
{
	char text[PATH_MAX];

	if (address >= m->end || address + sizeof(text) <= m->from)
		return false;
	if (address >= m->from)
		return true;
	/* It does if no NUL is before; -ENAMETOOLONG says so. */
	return um_read_string(m->call, address, text, (size_t)(m->from - address) + 1) < 0;
}

/* The strings of argv or envp. */
static bool move_strings(struct moving *m, uint64_t vector)
{
	for (unsigned i = 0; vector != 0 && i < STRINGS_MAX; i++, vector += sizeof(uint64_t)) {
		uint64_t address;

		if (um_read(m->call, vector, &address, sizeof(address)) < 0)
			return false;
		if (address == 0)
			return true;
		if (!reaches(m, address))
			continue;
		address = move_string(m, address);
		if (address == 0 || pwrite(m->mem, &address, sizeof(address), (off_t)vector) != sizeof(address))
			return false;
	}
	return vector == 0;
}

int64_t exec_in_place(struct exec *x, int number)
{
	const struct um_call *call = x->call;
	int first = call->row->data;
	struct moving m = { .call = call, .from = x->path_addr };
	char path[40], name[40];
	bool done;
	int len;

	len = snprintf(path, sizeof(path), "/dev/fd/%d", number) + 1;
	m.end = m.from + (uint64_t)len;
	m.below = stack_pointer(call->tid);
	if (x->path_len == 0 || m.below == 0 || memory_is_shared(call->tid))
		return -EACCES;
	m.below -= ARCH_RED_ZONE;
	snprintf(name, sizeof(name), "/proc/%d/mem", call->tid);
	m.mem = open(name, O_RDWR | O_CLOEXEC);
	if (m.mem < 0)
		return -EACCES;
	done = um_alive(call) && move_strings(&m, call->args[first]) && move_strings(&m, call->args[first + 1]) &&
	       pwrite(m.mem, path, (size_t)len, (off_t)m.from) == len;
	close(m.mem);
	return done ? UM_CONTINUE : -EACCES;
}
