/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system call table, made from the rows in rows-*.def.  The compiler puts each row at its place (UM_SLOT) and
 * warns of two rows with one number (-Woverride-init).
 */
#include <string.h>

#include "../calls/calls.h"
#include "rows.h"

#define UM_ROW(number, string, operation, ...)                                                         \
	[UM_SLOT(number)] = { .nr = number, .name = string, .op = operation, __VA_ARGS__ },

const struct um_syscall um_syscalls[UM_NSLOTS] = {
#include "rows-files.def"
#include "rows-process.def"
#include "rows-system.def"
};

const size_t um_nsyscalls = UM_NSLOTS;

const struct um_syscall *um_syscall_row(int nr)
{
	const struct um_syscall *row;

	if ((nr < 0 || nr >= ARCH_NR_OLD_END) && (nr < UM_NR_NEW || nr >= UM_NR_NEW_END) && nr != UM_CTL_NR)
		return NULL;
	row = &um_syscalls[UM_SLOT(nr)];
	return row->name ? row : NULL;
}

const struct um_syscall *um_syscall_named(const char *name)
{
	for (size_t i = 0; i < um_nsyscalls; i++)
		if (um_syscalls[i].name && strcmp(um_syscalls[i].name, name) == 0)
			return &um_syscalls[i];
	return NULL;
}

unsigned um_syscall_nargs(const struct um_syscall *row)
{
	unsigned n = 0;

	while (n < 6 && row->args[n] != UM_A_NONE)
		n++;
	return n;
}

bool um_arg_wide(enum um_arg kind)
{
	switch (kind) {
	case UM_A_LONG:
	case UM_A_HEX:
	case UM_A_PTR:
	case UM_A_SIZE:
	case UM_A_OFF:
	case UM_A_PATH:
	case UM_A_STR:
	case UM_A_BUF:
	case UM_A_SOCKADDR:
	case UM_A_CLONE_FLAGS:
	case UM_A_PROT:
	case UM_A_ARGV:
	case UM_A_OPEN_HOW:
	case UM_A_MOUNT_FLAGS:
	case UM_A_MAP_FLAGS:
		return true;
	default:
		return false;
	}
}
