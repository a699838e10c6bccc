/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls as text, for --trace: decoded by the types that the table gives.
 */
#ifndef MONITOR_SYSCALL_DECODE_H
#define MONITOR_SYSCALL_DECODE_H

#include <stddef.h>
#include <stdint.h>

struct um_call;
struct um_syscall;

/**
 * decode_call() - a call with its arguments: openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC)
 * @call:	row, args and what is needed to read the process's memory; the row need not be in the table
 *
 * What cannot be read is shown as an address.  A text that does not fit ends in "...".
 * Return: the length of the text, which is always NUL-terminated (if @size is not 0).
 */
int decode_call(const struct um_call *call, char *buf, size_t size);

/**
 * decode_result() - "= 3", "= -1 ENOENT (No such file or directory)"; "= ?" where it is not known
 * @ret:	what the operation returned: a result, a negative errno value, or a verdict (UM_CONTINUE...)
 *
 * Return: as decode_call().
 */
int decode_result(const struct um_syscall *row, int64_t ret, char *buf, size_t size);

#endif
