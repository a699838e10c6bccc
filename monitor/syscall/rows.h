/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the rows in rows-*.def are written.  Included by table.c and by manpage.c only; the includer defines
 *
 *	UM_ROW(number, name, operation, fields...)	one element; fields are designated initializers of um_syscall
 *
 * and then includes the .def files.  The forms of rows:
 *
 *	NAME	a call whose pointers decide what is done (paths, addresses...): `unsafe'
 *	CALL	the same columns, for calls that may be continued at any time
 *	WHEN	trapped under a condition on its arguments only
 *	DATA	class IO: the data of one open file
 *	FILL	the same with an operation, for contents that are not there yet
 *	PLAIN	nothing but a class and an operation
 *	NEVER	never trapped
 *
 * and, for what secure mode keeps a program from (doc/SECURITY):
 *
 *	WIDE	as WHEN; in secure mode trapped always
 *	GUARD	trapped in secure mode only, under a condition
 *	BAN	answered with an error in secure mode, and never trapped
 *
 * The columns are the fields of struct um_syscall: fd, pa(th), fd2, pa(th)2, fl(ags) and da(ta) are argument
 * numbers, `_' is none, un(safe) is 1 or 0.  The class stands without UM_CLASS_; what follows the operation are the
 * types of the result and of the arguments, without UM_A_.  An operation of NULL: the kernel serves the call, but a
 * module may ask for its class.
 */
#ifndef MONITOR_SYSCALL_ROWS_H
#define MONITOR_SYSCALL_ROWS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "numbers.h"
#include "table.h"

enum {
	_ = -1,

	NONE = UM_A_NONE,
	INT = UM_A_INT,
	UINT = UM_A_UINT,
	LONG = UM_A_LONG,
	HEX = UM_A_HEX,
	PTR = UM_A_PTR,
	SIZE = UM_A_SIZE,
	OFF = UM_A_OFF,
	FD = UM_A_FD,
	DIRFD = UM_A_DIRFD,
	PATH = UM_A_PATH,
	STR = UM_A_STR,
	BUF = UM_A_BUF,
	MODE = UM_A_MODE,
	DEV = UM_A_DEV,
	OPEN_FLAGS = UM_A_OPEN_FLAGS,
	AT_FLAGS = UM_A_AT_FLAGS,
	ACCESS = UM_A_ACCESS,
	UID = UM_A_UID,
	GID = UM_A_GID,
	PID = UM_A_PID,
	SIGNAL = UM_A_SIGNAL,
	SOCKADDR = UM_A_SOCKADDR,
	CLONE_FLAGS = UM_A_CLONE_FLAGS,
	PROT = UM_A_PROT,
	RESOURCE = UM_A_RESOURCE,
	ARGV = UM_A_ARGV,
	OPEN_HOW = UM_A_OPEN_HOW,
	MOUNT_FLAGS = UM_A_MOUNT_FLAGS,
	UMOUNT_FLAGS = UM_A_UMOUNT_FLAGS,
	MAP_FLAGS = UM_A_MAP_FLAGS,
	RENAME_FLAGS = UM_A_RENAME_FLAGS,
	PRCTL = UM_A_PRCTL,
	FAMILY = UM_A_FAMILY,
	CLOCK = UM_A_CLOCK,
	WHENCE = UM_A_WHENCE,

	/* implied flags */
	NOFOLLOW = AT_SYMLINK_NOFOLLOW,
	RMDIR = AT_REMOVEDIR,
	CREAT = O_CREAT | O_WRONLY | O_TRUNC,
};

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#define CLONE_SPACES                                                                                    \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define NAMESPACES (CLONE_SPACES | CLONE_NEWTIME)

/* Conditions; in parentheses, that their commas survive the macros below. */
#define ALWAYS          ({ UM_ALWAYS, 0, 0 })
#define EQ(arg, value)  ({ UM_IF_EQ, arg, value })
#define NE(arg, value)  ({ UM_IF_NE, arg, value })
#define ANY(arg, value) ({ UM_IF_ANY, arg, value })
#define NO(arg, value)  ({ UM_IF_NONE, arg, value })
#define OR_NE(arg, value) ({ UM_IF_NE, arg, value, true })
#define BOTH(a, b)      (UM_OPEN a, UM_OPEN b)
#define UM_OPEN(...)    __VA_ARGS__

#define UM_ROW_ALL(call, klass, dir, name, dir2, name2, bits, payload, implies, risky, cond, op_, result, ...) \
	UM_ROW(__NR_##call, #call, op_, .cls = UM_CLASS_##klass, .fd = dir, .path = name, .fd2 = dir2,  \
	       .path2 = name2, .flags = bits, .data = payload, .implied = implies, .unsafe = risky,     \
	       .deny = UM_CLASS_##klass == UM_CLASS_DENY ? ENOSYS : 0, .when = { UM_OPEN cond }, .returns = result, \
	       .args = { __VA_ARGS__ })
#define NAME(call, klass, dir, name, dir2, name2, bits, payload, implies, op_, result, ...)             \
	UM_ROW_ALL(call, klass, dir, name, dir2, name2, bits, payload, implies, 1, ALWAYS, op_, result, __VA_ARGS__)
#define CALL(call, klass, dir, name, dir2, name2, bits, payload, implies, op_, result, ...)             \
	UM_ROW_ALL(call, klass, dir, name, dir2, name2, bits, payload, implies, 0, ALWAYS, op_, result, __VA_ARGS__)
#define WHEN(call, klass, desc, payload, risky, cond, op_, result, ...)                                 \
	UM_ROW_ALL(call, klass, desc, _, _, _, _, payload, 0, risky, cond, op_, result, __VA_ARGS__)
#define DATA(call, desc, payload, result, ...)                                                          \
	UM_ROW_ALL(call, IO, desc, _, _, _, _, payload, 0, 0, ALWAYS, NULL, result, __VA_ARGS__)
#define FILL(call, desc, payload, op_, result, ...)                                                     \
	UM_ROW_ALL(call, IO, desc, _, _, _, _, payload, 0, 0, ALWAYS, op_, result, __VA_ARGS__)
#define PLAIN(call, klass, op_, result, ...)                                                            \
	UM_ROW_ALL(call, klass, _, _, _, _, _, _, 0, 0, ALWAYS, op_, result, __VA_ARGS__)
#define NEVER(call, result, ...)                                                                        \
	UM_ROW_ALL(call, NEVER, _, _, _, _, _, _, 0, 0, ALWAYS, NULL, result, __VA_ARGS__)
#define WIDE(call, klass, desc, payload, risky, cond, op_, result, ...)                                 \
	UM_ROW(__NR_##call, #call, op_, .cls = UM_CLASS_##klass, .fd = desc, .path = _, .fd2 = _, .path2 = _, \
	       .flags = _, .data = payload, .unsafe = risky, .wide = 1, .when = { UM_OPEN cond }, .returns = result, \
	       .args = { __VA_ARGS__ })
#define GUARD(call, cond, op_, result, ...)                                                             \
	UM_ROW_ALL(call, OUT, _, _, _, _, _, _, 0, 0, cond, op_, result, __VA_ARGS__)
#define BAN(call, error, result, ...)                                                                   \
	UM_ROW(__NR_##call, #call, NULL, .cls = UM_CLASS_OUT, .fd = _, .path = _, .fd2 = _, .path2 = _, \
	       .flags = _, .data = _, .deny = error, .when = { UM_OPEN ALWAYS }, .returns = result, .args = { __VA_ARGS__ })

#endif
