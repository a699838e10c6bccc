/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * procfs: what the view changes in the host's /proc beside its magic links (namei_proc.c): the contents of a few
 * files of a process, and who owns them.
 *
 * All paths are canonical: "/proc/N/...", without "self".
 */
#ifndef MONITOR_PROCFS_H
#define MONITOR_PROCFS_H

#include <sys/stat.h>

#include "view.h"

/* The host's own is right. */
#define PROCFS_HOST (-5001)

/* Can anything in /proc differ from the host's for the caller?  Where nothing is mounted and ids are real, nothing is
 * looked at. */
bool procfs_differs(const struct um_call *call);

/**
 * procfs_open() - open a file of /proc for reading
 * @flags:	open(2)'s
 *
 * Return: a descriptor of its contents as the view has them, made at this moment; PROCFS_HOST; UM_BLOCKS; or a
 * negative errno value.
 */
int64_t procfs_open(struct um_call *call, const char *path, int flags);

/* The text of a magic link that leads to a descriptor which procfs_open() has given: replaced by the file's path in
 * /proc. */
bool procfs_lead_back(char *link);
/* Is the caller's descriptor such a one? */
bool procfs_is_made(struct um_call *call, int fd);
/* Is @copy, of which @st is what the kernel says, such a one, or another file of /proc?  Then its attributes in the
 * view. */
bool procfs_fstat(struct um_call *call, int copy, struct statx *st);

/* How many seccomp filters a process has beside the view's. */
int procfs_filters(pid_t tid);

/* May the caller open this file of /proc, follow or read this link, or look for what is in this directory?  0 or -EACCES.
 * The kernel's own answer holds besides. */
int procfs_access(struct um_call *call, const char *path);

/* Files of a process belong to its ids in the view. */
void procfs_patch_owner(struct um_call *call, const char *path, struct statx *st);
/* Is there a difference? */
bool procfs_has_owner(struct um_call *call, const char *path);

/* The file name of "/proc/PID/NAME" and "/proc/PID/task/TID/NAME", and the number; NULL: it is no such path. */
const char *procfs_file_of(const char *path, pid_t *pid);

#endif
