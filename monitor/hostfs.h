/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hostfs: the host's own tree in the shape of a file system of the view; what no mount owns. */
#ifndef MONITOR_HOSTFS_H
#define MONITOR_HOSTFS_H

#include <sys/stat.h>

#include "view.h"

extern const struct um_fs_ops hostfs_ops;
extern struct um_mount hostfs_mount;

/* For --without openat2: look names up component by component. */
void hostfs_disable_openat2(void);
/* Secure mode: change nothing in the kernel's own file systems (sysfs, control groups...). */
void hostfs_guard(void);
/* Is what @fd stands for in one of these? */
bool hostfs_is_kernels(int fd);
bool hostfs_path_is_kernels(const char *path);

/* Attributes of a host path (absolute, without "." and "..") if no symbolic link is on the way.  -ELOOP if there is one.
 * With @follow the last component must not be a link either. */
int hostfs_stat_plain(const char *path, bool follow, struct stat *st);

/* bind(2) an AF_UNIX socket to an absolute host path, however long; the file gets @mode. */
int hostfs_bind_at(int sock, const char *path, mode_t mode);

#endif
