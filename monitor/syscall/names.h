/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of the kernel's numbers: errors, signals, flags.  For the decoder.
 */
#ifndef MONITOR_SYSCALL_NAMES_H
#define MONITOR_SYSCALL_NAMES_H

#include <stdint.h>

struct name {
	uint64_t value;         /* a value, or the bits of a flag */
	const char *name;       /* NULL ends a list */
};

/* Lists of flags have those of several bits before those of one. */
extern const struct name names_open[], names_at[], names_at_access[], names_at_unlink[], names_access[],
	names_clone[], names_prot[], names_map[], names_mount[], names_umount[], names_rename[], names_resolve[];
/* Lists of values. */
extern const struct name names_prctl[], names_resource[], names_family[], names_clock[], names_whence[],
	names_file_type[];

/* The name of a value in a list, or NULL. */
const char *name_of(const struct name *list, uint64_t value);
/* "ENOENT", "SIGHUP"; NULL where there is none.  Real-time signals have none. */
const char *name_errno(int error);
const char *name_signal(int sig);

#endif
