/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system call table: one row for each system call, data and not code.
 *
 * From the rows come the dispatcher's routing, the seccomp filter (filter.h), the --trace decoder (decode.h), the
 * manual page umview-syscalls(7), and a test that every system call of the kernel's headers has a row.
 */
#ifndef MONITOR_SYSCALL_TABLE_H
#define MONITOR_SYSCALL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct um_call;

/*
 * An operation serves a call.  It returns the value for the process (0 or positive, or a negative errno value), or
 * one of the verdicts below.
 */
typedef int64_t um_op(struct um_call *call);

#define UM_CONTINUE INT64_C(-0x10000) /* the kernel performs the call with its unchanged arguments */
#define UM_REPLIED  INT64_C(-0x10001) /* the operation has answered (ADDFD, rewriting), or the caller is gone */
#define UM_BLOCKS   INT64_C(-0x10002) /* would block: run the operation again on a worker thread */
#define UM_RESTART  INT64_C(-0x10003) /* interrupted: as a call that SA_RESTART restarts (see um_wait_begin) */

/* Classes: what a view must have for the call to be of interest.  A view's filter traps the classes that its modules
 * may ever need; see doc/ARCHITECTURE, "The filter". */
enum um_class {
	UM_CLASS_NEVER = 0,     /* no module can ever own it: never trapped */
	UM_CLASS_PATH  = 1,     /* paths and directories */
	UM_CLASS_DESC  = 2,     /* attributes of open files: fstat, fchown, fsetxattr... */
	UM_CLASS_IO    = 3,     /* data of open files: read, write, mmap of a descriptor, poll... */
	UM_CLASS_SOCK  = 4,     /* sockets: addresses, credentials */
	UM_CLASS_IDS   = 5,     /* uids, gids, capabilities */
	UM_CLASS_TIME  = 6,     /* clocks */
	UM_CLASS_NAME  = 7,     /* host name, uname */
	UM_CLASS_PROC  = 8,     /* exec, umask, the state carrier's limit, prctl, namespaces: in every view */
	UM_CLASS_DENY  = 9,     /* answered with `deny' by the filter itself, in every view */
	UM_CLASS_OUT   = 10,    /* may reach what is not the view's: of interest in secure mode, and only there.
				 * Without an operation the filter itself answers `deny' */
};
#define UM_CLASS_BIT(c) (1u << (c))

/* A condition on one argument under which the call is trapped; evaluated by the filter.  Compared in the width that
 * the kernel uses: 32 bits for int arguments, whose upper halves are undefined, else 64 (um_arg_wide()). */
enum um_test {
	UM_ALWAYS = 0, UM_IF_EQ, UM_IF_NE, UM_IF_ANY /* arg & value != 0 */, UM_IF_NONE /* arg & value == 0 */,
};
struct um_when {
	uint8_t test;           /* enum um_test */
	uint8_t arg;            /* 0..5 */
	uint64_t value;
	bool or;                /* suffices without those before it */
};
/* In a `when': the number of the resource limit that carries the state, known only at run time (state.h). */
#define UM_CARRIER UINT64_MAX

/* How an argument reads, for the decoder. */
enum um_arg {
	UM_A_NONE = 0, UM_A_INT, UM_A_UINT, UM_A_LONG, UM_A_HEX, UM_A_PTR, UM_A_SIZE, UM_A_OFF, UM_A_FD, UM_A_DIRFD,
	UM_A_PATH, UM_A_STR, UM_A_BUF /* bytes of the process; their length is the next argument */, UM_A_MODE,
	UM_A_DEV, UM_A_OPEN_FLAGS, UM_A_AT_FLAGS, UM_A_ACCESS, UM_A_UID, UM_A_GID, UM_A_PID, UM_A_SIGNAL,
	UM_A_SOCKADDR, UM_A_CLONE_FLAGS, UM_A_PROT, UM_A_RESOURCE, UM_A_ARGV /* NULL-terminated vector of strings */,
	UM_A_OPEN_HOW /* struct open_how; its size is the next argument */, UM_A_MOUNT_FLAGS, UM_A_UMOUNT_FLAGS,
	UM_A_MAP_FLAGS, UM_A_RENAME_FLAGS, UM_A_PRCTL, UM_A_FAMILY, UM_A_CLOCK, UM_A_WHENCE,
};

struct um_syscall {
	const char *name;
	int nr;
	uint8_t cls;            /* enum um_class */
	int8_t fd, path;        /* argument numbers of the (directory) descriptor and the path; -1: none (AT_FDCWD) */
	int8_t fd2, path2;      /* the second pair: rename, link, symlink's new name */
	int8_t flags;           /* argument number of the AT_*, O_* or MS_* flags; -1: none */
	int8_t data;            /* argument number of the first payload argument (buffer, mode, times); -1: none */
	int32_t implied;        /* flags that the name implies (lstat: AT_SYMLINK_NOFOLLOW; rmdir: AT_REMOVEDIR) */
	uint8_t unsafe;         /* 1: pointers decide what is done; never continued in secure mode */
	uint8_t wide;           /* 1: in secure mode the call is trapped whatever `when' says */
	uint16_t deny;          /* errno for UM_CLASS_DENY; for UM_CLASS_OUT without an operation */
	struct um_when when[2]; /* trapped only if all that are set hold, or one with `or' */
	um_op *op;              /* NULL: continued (trapped to be traced, or for a class that no operation serves) */
	uint8_t args[6];        /* enum um_arg; UM_A_NONE ends the list */
	uint8_t returns;        /* enum um_arg of the result */
};

/* Rows are sorted by number, without gaps in the headers' range (on x86-64: every element is a row; where an
 * architecture leaves numbers unused, their rows have no name).  arch.h maps a number to its place. */
extern const struct um_syscall um_syscalls[];
extern const size_t um_nsyscalls;

/* The row of a number, or NULL. */
const struct um_syscall *um_syscall_row(int nr);
/* The row of a name, or NULL. */
const struct um_syscall *um_syscall_named(const char *name);
/* How many arguments the call has. */
unsigned um_syscall_nargs(const struct um_syscall *row);
/* Does the kernel look at all 64 bits of such an argument? */
bool um_arg_wide(enum um_arg kind);

/* The number of the private call by which a view's commands speak to the monitor (modules/include/um_ctl.h). */
#define UM_CTL_NR 0x5556

#endif
