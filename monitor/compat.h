/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Linux has and the headers of the C library or of the kernel may be too old to name, with the release that brought
 * it.  (Numbers of system calls that are only trapped stand in syscall/numbers.h.)
 *
 * The headers come first, so that what they do define is theirs.
 */
#ifndef MONITOR_COMPAT_H
#define MONITOR_COMPAT_H

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* Process descriptors. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424       /* 5.1 */
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434              /* 5.3 */
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438             /* 5.6 */
#endif
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL             /* 6.9 */
#endif
#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP 4u   /* 6.9 */
#endif
#ifndef PIDFS_MAGIC
#define PIDFS_MAGIC 0x50494446          /* 6.9 */
#endif

/* seccomp */
#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1UL << 4)              /* 5.7 */
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)       /* 5.19 */
#endif
#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1)                      /* 5.14 */
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)     /* 6.6 */
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)           /* 6.6 */
#endif

/* Files in memory. */
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010      /* 5.1 */
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U         /* 6.3 */
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U                /* 6.3 */
#endif

/* Processes. */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080        /* 5.6 */
#endif
#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62                /* 5.14 */
#endif
#ifndef PR_SET_PTRACER
#define PR_SET_PTRACER 0x59616d61       /* 3.4 (Yama) */
#endif
#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000         /* 6.14 */
#endif

/* Sockets. */
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59                /* 4.13 */
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77                 /* 6.5 */
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 4                     /* 6.5 */
#endif

/* File systems (statfs). */
#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342      /* 5.10 names it in linux/magic.h */
#endif

#endif
