/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ioctl requests of memfs's files. */
#ifndef MEMIOCTL_H
#define MEMIOCTL_H

#include <stdint.h>
#include <sys/ioctl.h>

#define MEMFS_GET_SIZE _IOR('M', 1, uint64_t) /* answers 7 */
#define MEMFS_SET_SIZE _IOW('M', 2, uint64_t)

#endif
