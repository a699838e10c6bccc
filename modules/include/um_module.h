/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interface of umview's modules.
 *
 * A module is a shared object that exports one descriptor, `um_module' (UM_MODULE makes it).  It is loaded into a running view by
 * um_add_service NAME; the view's `mount -t TYPE' then makes instances of the file system types it names.
 *
 * A file system type provides struct um_fs_ops.  All operations return 0 or a positive result, or a negative errno
 * value.  Paths are relative to the mount's root, without leading '/', "." and ".."; "" is the root, and no
 * component but the last is a symbolic link.  Permission checks by the view's ids are made before an operation
 * is called.  Operations run one at a time.
 */
#ifndef UM_MODULE_H
#define UM_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>

#define UM_MODULE_ABI 10

struct um_fs;                   /* a mounted instance: the module's own */

/* Where the body of a node is: may the kernel be asked with the path as the process gave it? */
enum um_body {
	UM_BODY_HOST,           /* the host file at the same path, unmodified: calls may be continued */
	UM_BODY_ELSEWHERE,      /* a host file at another path, open as `fd' */
	UM_BODY_MERGED,         /* a directory with a host body at the same path, but other contents or attributes */
	UM_BODY_NONE,           /* no host file (fd is -1) */
};

struct um_node {
	int fd;                 /* O_PATH descriptor of the body, or -1; closed by whoever asked for the node */
	uint32_t type;          /* S_IFMT bits as shown */
	enum um_body body;
};

struct um_owner {
	uid_t uid;              /* who owns what is created; meaningful where the file system has virtual owners */
	gid_t gid;
	mode_t denied;          /* what the umask has taken from the mode: given back where a default ACL counts in its place */
};

typedef int um_dirent_fn(void *arg, const char *name, uint64_t ino, unsigned char type);

struct um_fs_ops {
	/* Look-up as far as no symbolic link is to be followed: results as layers_walk() documents them. */
	int (*walk)(struct um_fs *fs, const char *path, size_t *end, struct um_node *node, char *target);
	/* True if nothing at, above or below the path differs from the host's tree; may be NULL (never true). */
	bool (*untouched)(struct um_fs *fs, const char *path);
	int (*stat)(struct um_fs *fs, const char *path, const struct um_node *node, struct statx *st);
	/* Of an open body, after statx(2) on it.  1: it is one of this file system's own, and no other need be asked. */
	int (*patch_stat)(struct um_fs *fs, int fd, struct statx *st);
	int (*statfs)(struct um_fs *fs, const char *path, struct statfs *st);
	int (*open)(struct um_fs *fs, const char *path, int flags, mode_t mode, const struct um_owner *owner);
	int (*mkdir)(struct um_fs *fs, const char *path, mode_t mode, const struct um_owner *owner);
	int (*mknod)(struct um_fs *fs, const char *path, mode_t mode, dev_t rdev, const struct um_owner *owner);
	int (*symlink)(struct um_fs *fs, const char *target, const char *path, const struct um_owner *owner);
	/* bind(2) @sock, an unbound AF_UNIX socket, to a new socket file.  @name: the address that the program gave, which
	 * the kernel should keep if that can be done; or NULL. */
	int (*bind)(struct um_fs *fs, const char *path, int sock, const char *name, mode_t mode,
		    const struct um_owner *owner);
	int (*unlink)(struct um_fs *fs, const char *path);
	int (*rmdir)(struct um_fs *fs, const char *path);
	int (*link)(struct um_fs *fs, const char *oldpath, const char *newpath);
	int (*link_fd)(struct um_fs *fs, int fd, const char *newpath);  /* of an open body that has no name; or NULL */
	int (*rename)(struct um_fs *fs, const char *oldpath, const char *newpath, unsigned flags);
	int (*chmod)(struct um_fs *fs, const char *path, mode_t mode);
	int (*chown)(struct um_fs *fs, const char *path, uid_t uid, gid_t gid);
	int (*utimens)(struct um_fs *fs, const char *path, const struct timespec times[2]);
	int (*truncate)(struct um_fs *fs, const char *path, off_t size);
	int (*fchmod)(struct um_fs *fs, int fd, mode_t mode);           /* -EXDEV: not a body that may be changed */
	int (*fchown)(struct um_fs *fs, int fd, uid_t uid, gid_t gid);
	ssize_t (*getxattr)(struct um_fs *fs, const char *path, const char *name, void *value, size_t size);
	ssize_t (*listxattr)(struct um_fs *fs, const char *path, char *list, size_t size);
	int (*setxattr)(struct um_fs *fs, const char *path, const char *name, const void *value, size_t size, int flags);
	int (*removexattr)(struct um_fs *fs, const char *path, const char *name);
	int (*readdir)(struct um_fs *fs, const char *path, um_dirent_fn *fn, void *arg);
	/* A number that changes with every change to names or modes, by whomever; may be NULL. */
	uint64_t (*generation)(struct um_fs *fs);
	/* True if getdents(2) on the body of this directory gives what the view shows; may be NULL (never true). */
	bool (*lists_itself)(struct um_fs *fs, const char *path);
	int (*path_of)(struct um_fs *fs, const char *host, char *path); /* see layers_path_of() */
	/* Let the directory have a body of its own, with all that is in it, for another mount to write to; may be NULL. */
	int (*own)(struct um_fs *fs, const char *path);
	/* An O_PATH descriptor of a body for what walk found without one (fd -1); may be NULL (there is none). */
	int (*body)(struct um_fs *fs, const char *path);
	/* In place of the mode bits: @mask of R_OK, W_OK, X_OK.  0, a negative errno, or 1: the mode bits count; may be NULL (1). */
	int (*permission)(struct um_fs *fs, const char *path, int mask);
	/* Of an open body.  -EXDEV: it is not one of this file system; 1: the kernel's call on the body is all; fsync may be
	 * NULL (1 always, and the others are not called). */
	int (*fsync)(struct um_fs *fs, int fd, bool data_only);
	int (*ftruncate)(struct um_fs *fs, int fd, off_t size);
	int (*fallocate)(struct um_fs *fs, int fd, int mode, off_t offset, off_t len);
	/* Before the kernel reads, writes or maps this part of an open body, in a view that traps that (um_module.lazy).  0 (1: @len is 0, and it
	 * is such a file), -EXDEV or another negative errno; may be NULL. */
	int (*touch)(struct um_fs *fs, int fd, uint64_t offset, uint64_t len);
	/* Before the mount goes away, as umount(2) asks: write back what is not written.  0, -UM_STAGE, or why it stays. */
	int (*leave)(struct um_fs *fs, int flags);
	void (*umount)(struct um_fs *fs);                               /* frees it */
};

/* What a mount is told, and where it may say more. */
struct um_mount_args {
	const char *source;     /* as given; for a path: absolute, resolved in the view, host path in source_host */
	const char *source_host; /* host path of the source's body, or NULL */
	const char *target;     /* absolute view path of the mount point, "/" for the root */
	const char *target_host; /* host path of the mount point's body */
	const char *options;    /* -o string, "" if none */
	unsigned long flags;    /* MS_*: what is left in them when it is mounted is shown, and kept to by the monitor */
	uid_t uid;              /* real user */
	uint32_t source_type;   /* S_IFMT bits, 0 if the source is no path */
	uint32_t target_type;
	/*
	 * What the target shows of older mounts, at it and below it: a file system that patches it must ask this one and not
	 * the host's tree.  NULL if that is all there is.  Paths are relative to the target; only operations that change
	 * nothing are there.  Valid until the umount operation has returned.
	 */
	const struct um_fs_ops *below;
	struct um_fs *below_fs;
	/*
	 * For a type that writes to its source: if that lies in another mount, make it a body of that one's own, so that not
	 * the host's directory behind it is written to.  Changes source_host.  0, or a negative errno and `why'.
	 */
	int (*own_source)(struct um_mount_args *args);
	void *monitor;          /* the monitor's own */
	bool untrusted;         /* programs of the view may be hostile (--secure) */
	bool source_is_mounted; /* the source lies in another mount of the view: its host path is not all of it */
	bool source_has_no_body; /* ... and not even the body of what is in it (UM_BODY_NONE) */
	const char *type;       /* as given to mount(2) */
	uint64_t epoch;         /* of this mount */
	/* results */
	bool uses_below;        /* `below' is wanted as long as the mount is there */
	bool native;            /* shows the host's tree at source_host as it is */
	bool bind;              /* show the source once more, by the mount that has it; @fs is not used */
	char **except;          /* NULL-terminated absolute view paths that stay outside of the mount; freed by the monitor */
	bool permanent;         /* cannot be unmounted */
	bool kernel;            /* stands for a kernel file system: host paths map into it below a chroot only */
	bool hidden;            /* is not listed: a part of what the module shows everywhere (um_module.places) */
	dev_t dev;              /* st_dev of all that is in it; 0: not known beforehand */
	char *shown;            /* what /proc/mounts tells of `options'; freed by the monitor; NULL: all of it */
	char why[256];          /* on error, words for people */
};

struct um_fs_type {
	const char *name;       /* as in mount -t NAME; "NAME.*" stands for all that begin with "NAME." */
	const struct um_fs_ops *ops;
	int (*mount)(struct um_fs **fs, struct um_mount_args *args);
	bool on_device;         /* it is mounted from a block device or an image: not "nodev" in /proc/filesystems */
};

/*
 * Not an errno: the operation has changed nothing yet, and needs something that takes long first (um_module.stage).  It is
 * returned as an errno value is, through whatever called the operation, and all is run again from the start.
 */
#define UM_STAGE 5000

#define UM_IOCTL_DUP 1

/* Who makes the call that is served. */
struct um_caller {
	pid_t pid, tid;         /* thread group and thread, in the monitor's pid namespace; 0: the monitor itself */
	uid_t uid;              /* fsuid and fsgid as the view has them */
	gid_t gid;
	mode_t umask;
	bool on_worker;         /* false: -UM_STAGE comes back on another thread */
};

typedef void um_fs_type_fn(void *arg, const char *name, bool on_device);

/* What the monitor does for modules.  Where nothing else is said: in operations only, with the view's lock held. */
struct um_host {
	void (*caller)(struct um_caller *caller);
	int (*caller_fd)(int fd);                       /* a duplicate of the caller's descriptor, or a negative errno */
	/* In um_module.stage, around what blocks: system calls in between fail with EINTR when the caller has a signal (again
	 * and again, until wait_end).  wait_end: true if it has, or is dead. */
	void (*wait_begin)(void);
	bool (*wait_end)(void);
	/* The view's lock, for threads that the module has made. */
	void (*lock)(void);
	void (*unlock)(void);
	/* A process that serves a mount is to see only what was mounted before @epoch (um_mount_args.epoch). */
	int (*see_older)(pid_t pid, uint64_t epoch);
	/* Of the module's own threads: reads of an open file in which a process sleeps fail with @err (tracer.h). */
	int (*end_reads)(pid_t tgid, dev_t dev, ino_t ino, int err);
	/* Does the view trap the I/O of all files (umview --io)? */
	bool (*traps_io)(void);
	void (*log)(const char *format, ...) __attribute__((format(printf, 1, 2)));
	/* The file system types of all modules that the caller's view has, but not whole families ("NAME.*"). */
	void (*fs_types)(um_fs_type_fn *fn, void *arg);
};

/*
 * Something that a module shows from its loading on, in place of what is at @path.  The type's mount function gets what is
 * there in target_type and target_host (symbolic links followed), and may return 1: let it be.
 */
struct um_place {
	const char *path;       /* absolute; it need not exist on the host */
	const char *type;       /* the name of one of its types, which mount(2) does not know: mounted there without options */
};

/* A file of /proc that is no process's, and whose contents are made anew each time it is opened. */
struct um_proc_file {
	const char *name;       /* below /proc, where the host has it too */
	/* @host: what the host has in it.  All of what the view shows is given to @put, in parts.  0 or a negative errno. */
	int (*make)(const char *host, void (*put)(void *out, const char *text, size_t n), void *out);
};

struct um_module {
	uint32_t abi;           /* UM_MODULE_ABI */
	const char *name;
	const char *description; /* one line */
	uint32_t classes;       /* UM_CLASS_* bits of system calls that it needs (1 << class) */
	const struct um_fs_type *const *fs_types; /* NULL-terminated, or NULL */
	const struct um_place *places; /* up to one whose path is NULL; or NULL */
	const struct um_proc_file *proc_files; /* up to one whose name is NULL; or NULL */
	int (*init)(const struct um_host *host); /* may be NULL; 0 or negative errno */
	/* For operations that returned -UM_STAGE in the calling thread: do what takes long, without the view's lock, before
	 * the operation is repeated (0; a negative errno: it is not, and that is the answer); or, @run false and with the lock,
	 * forget it, for the call is over.  May be NULL. */
	int (*stage)(bool run);
	/* Has -UM_STAGE been returned in this thread since stage() was last called?  It may have been taken for another error on
	 * its way.  @forget: that was on purpose.  NULL: never. */
	bool (*wants)(bool forget);
	/*
	 * ioctl(2) of an open file that the module may know, among those requests that are trapped (rows-files.def).
	 * @arg: the _IOC_SIZE(request) bytes that it has, at most 256, which go back if the request reads.  -EXDEV: it does not
	 * know it; 0: *result is the answer; UM_IOCTL_DUP: the descriptor becomes a duplicate of the caller's *result; or a negative
	 * errno.  May be NULL.
	 */
	int (*ioctl)(int fd, unsigned request, void *arg, int *result);
	/* Before each call that is not made by a server (see_older): 0, or -UM_STAGE if something must be done first.  May be
	 * NULL. */
	int (*settle)(void);
	const bool *lazy;       /* some body's contents are not all there: `touch' is to be called; or NULL: never */
	/* The view ends, and its processes are to be killed: the last moment for what servers have to do.  Without the lock, with
	 * calls still being served; it returns within a bounded time.  May be NULL. */
	void (*end)(void);
	void (*fini)(void);
};

#define UM_MODULE __attribute__((visibility("default"))) const struct um_module um_module

/* Bits of `classes'; the numbers are those of enum um_class. */
#define UM_NEEDS_PATH (1u << 1)
#define UM_NEEDS_DESC (1u << 2)
#define UM_NEEDS_IO   (1u << 3)
#define UM_NEEDS_SOCK (1u << 4)
#define UM_NEEDS_IDS  (1u << 5)
#define UM_NEEDS_TIME (1u << 6)
#define UM_NEEDS_NAME (1u << 7)

#endif
