/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dircache: directories of the host that are known to be reached without a symbolic link. */
#ifndef MONITOR_DIRCACHE_H
#define MONITOR_DIRCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For --without inotify: nothing is ever known. */
void dircache_disable(void);

/*
 * Is the host's directory whose absolute path is the first @len bytes of @path ("" is the root; no "." or "..", single
 * slashes) known to be there, and every component a directory and no link?  True is exact at the moment of the call;
 * false only means that it is not known.  What is asked for often is learnt.
 */
bool dircache_knows(const char *path, size_t len);

/*
 * A number that changes whenever something in a known directory was removed, renamed, replaced or given other attributes,
 * or is no longer known.  What was found out about a file in a known directory holds as long as it stays the same, but
 * for a file's contents and times, and for names that were not there.
 */
uint64_t dircache_epoch(void);

#endif
