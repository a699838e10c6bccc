/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations that rows of the system call table name, one family a file.
 *
 * An operation that serves several doors of the same thing (stat, lstat, newfstatat) reads where its arguments are
 * from the row: fd, path, flags, data, implied.
 */
#ifndef MONITOR_CALLS_CALLS_H
#define MONITOR_CALLS_CALLS_H

#include "../call.h"

/* open.c */
um_op call_open;                /* open, creat, openat: flags at row->flags (implied added), mode at row->data */
um_op call_openat2;             /* struct open_how at row->data, its size after it */

/* stat.c */
um_op call_stat;                /* stat, lstat, newfstatat: struct stat at row->data */
um_op call_fstat;               /* struct stat at row->data */
um_op call_statx;               /* struct statx at row->data, mask at 3 */
um_op call_statfs;              /* statfs, fstatfs: row->path or row->fd */
um_op call_access;              /* access, faccessat, faccessat2: mode at row->data */
um_op call_readlink;            /* readlink, readlinkat: buffer at row->data, size after it */

/* data.c */
um_op call_fsync;               /* fsync, fdatasync (implied 1) */
um_op call_ftruncate;
um_op call_fallocate;
/* Of trapped I/O, by where its part of the file is said: */
um_op call_io;                  /* the file's own offset, length at 2 */
um_op call_io_at;               /* offset at 3, length at 2 */
um_op call_io_vector;           /* a vector at 1, its length at 2, perhaps an offset at 3 */
um_op call_io_whole;
um_op call_mmap;
um_op call_lseek;

/* dir.c */
um_op call_getdents;            /* getdents (implied 1), getdents64 (implied 0) */
um_op call_chdir;
um_op call_fchdir;
um_op call_getcwd;
um_op call_chroot;
um_op call_pivot_root;

/* names.c: what makes and removes names */
um_op call_mkdir;               /* mkdir, mkdirat: mode at row->data */
um_op call_mknod;               /* mknod, mknodat: mode at row->data, dev after it */
um_op call_symlink;             /* symlink, symlinkat: target string at 0, new name at row->fd/row->path */
um_op call_link;                /* link, linkat: old at fd/path, new at fd2/path2 */
um_op call_unlink;              /* unlink, rmdir (implied AT_REMOVEDIR), unlinkat */
um_op call_rename;              /* rename, renameat, renameat2 */

/* attr.c */
um_op call_chmod;               /* chmod, fchmodat, fchmodat2: mode at row->data */
um_op call_fchmod;
um_op call_chown;               /* chown, lchown, fchownat: uid at row->data, gid after it */
um_op call_fchown;
um_op call_truncate;            /* length at row->data */
um_op call_utime;               /* struct utimbuf */
um_op call_utimes;              /* utimes, futimesat: struct timeval[2] */
um_op call_utimensat;           /* struct timespec[2]; a null path means the descriptor */

um_op call_ioctl;               /* requests that change an inode's flags, which need no writable descriptor */

/* xattr.c: row->path (with implied AT_SYMLINK_NOFOLLOW for the l forms) or row->fd; name at row->data */
um_op call_getxattr;
um_op call_setxattr;
um_op call_listxattr;           /* list at row->data */
um_op call_removexattr;
um_op call_file_attr;           /* file_getattr, file_setattr: struct file_attr at row->data, its size after it */

/* mount.c */
um_op call_mount;
um_op call_umount;              /* umount2 */
/* The same with strings that the monitor has: the control call's verbs. */
int64_t mount_words(struct um_call *call, const char *source, const char *target, const char *type,
		    unsigned long flags, const char *options);
int64_t umount_words(struct um_call *call, const char *target, int flags);
um_op call_new_mount_api;       /* fsopen, fsconfig, fsmount, move_mount, open_tree, mount_setattr...: ENOSYS in a virtual root's
				 * hands, so that mount(8) falls back to mount(2) */

/* watch.c */
um_op call_inotify_add_watch;
um_op call_fanotify_mark;
um_op call_name_to_handle;
um_op call_open_by_handle;

/* exec.c */
um_op call_execve;              /* execve, execveat: argv at row->data, envp after it */

/* proc.c: process attributes */
um_op call_umask;
um_op call_prctl;
um_op call_getrlimit;
um_op call_setrlimit;
um_op call_prlimit;
um_op call_kill;                /* kill, tkill, tgkill, rt_sigqueueinfo, pidfd_send_signal... with virtual ids */
um_op call_clone;               /* clone, unshare, setns with namespace flags */
um_op call_clone3;
um_op call_privileged;          /* what only a real root could do and a virtual one may believe done: sethostname,
				 * setdomainname, settimeofday, clock_settime, adjtimex, swapon, reboot, init_module...:
				 * harmless ones 0 for a virtual root, others continued (the kernel's EPERM) */
um_op call_uname;               /* with the names that sethostname and setdomainname gave to the view */
um_op call_ptrace;
um_op call_look_into;           /* as call_of_process, in every view */
um_op call_pidfd_getfd;
um_op call_seccomp;

/* outside.c: in secure mode, what may reach processes outside of the view */
um_op call_of_process;          /* its arguments of type PID */
um_op call_of_pidfd;            /* a pidfd at 0 */
um_op call_setpgid;
um_op call_set_priority;        /* setpriority, ioprio_set: which at 0, who at 1 */
um_op call_fcntl;               /* F_SETOWN, F_SETOWN_EX, F_SETLEASE */
um_op call_socket;              /* families */

/* socket.c */
um_op call_bind;
um_op call_connect;
um_op call_sendto;
um_op call_sendmsg;
um_op call_sendmmsg;
um_op call_recvmsg;
um_op call_recvmmsg;
um_op call_getsockname;         /* getsockname, getpeername */
um_op call_getsockopt;

/* ids.c */
um_op call_getuid;
um_op call_geteuid;
um_op call_getgid;
um_op call_getegid;
um_op call_getresuid;
um_op call_getresgid;
um_op call_getgroups;
um_op call_setuid;
um_op call_setgid;
um_op call_setreuid;
um_op call_setregid;
um_op call_setresuid;
um_op call_setresgid;
um_op call_setfsuid;
um_op call_setfsgid;
um_op call_setgroups;

/* caps.c */
um_op call_capget;
um_op call_capset;
int64_t prctl_caps(struct um_call *call, bool *handled); /* the PR_CAP_*, PR_CAPBSET_*, PR_*_SECUREBITS, PR_*_KEEPCAPS
							   * options of prctl; *handled false: not one of them */

/* control.c */
um_op call_um_ctl;

/* why.c: words for people about why a call failed; the control verb "why" asks for them.  Taken once, valid until the
 * next why_set(); "" if there are none. */
__attribute__((format(printf, 2, 3))) void why_set(const struct um_call *call, const char *format, ...);
const char *why_take(const struct um_call *call);

/* dir.c: a mount goes: its listings too */
struct um_mount;
void listings_forget(const struct um_mount *mount);

#endif
