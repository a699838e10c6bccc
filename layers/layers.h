/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layers: a stack of directories shown as one tree.
 *
 * Theory of operation.  Layer 0 is the top.  Only the top layer may be written, and only when the stack was
 * opened with an upper directory; all layers below it are never changed.  A name is looked up from the top down:
 * the first layer that has it wins, a whiteout ends the search, directories of several layers are merged until an
 * opaque one ends the merge.  A change to something that lives below the top first copies it up: into the work
 * directory, then by rename(2) to its place, so that a copy-up that is interrupted leaves nothing behind.
 *
 * On disk the upper directory is an ordinary directory tree.  Beside the tree itself it holds
 *   - whiteouts: character devices 0/0 as overlayfs makes them; where mknod(2) of one is refused, empty files
 *     named ".wh.NAME" (OCI image specification, layer.md, "Whiteouts").  Both are read, always;
 *   - opaque directories: xattr user.overlay.opaque=y (overlayfs with userxattr), or an empty file
 *     ".wh..wh..opq" in the directory where there are no user xattrs.  Both are read;
 *   - virtual attributes ("vstat"): xattr user.containers.override_stat="UID:GID:MODE:TYPE" in the format of
 *     containers/storage: decimal ids, octal mode of 07777 bits, TYPE one of file, dir, symlink, pipe, socket,
 *     block-MAJOR-MINOR, char-MAJOR-MINOR.  Device nodes are empty regular files with that xattr.  Privileged
 *     xattrs (security.*, trusted.*, system.posix_acl_*) are kept as user.umview.xattr.NAME;
 *   - ".umview/" at its root, never shown: work/ (copy-ups under way), vstat/INO (the same attributes for what cannot
 *     carry user xattrs: symlinks, fifos, sockets, and everything on a file system without user xattrs; a symbolic
 *     link whose target is the text, "@" and the inode's time of birth), links/ (copies of lower files with several
 *     names), and generation (an mmap'd counter, see below);
 *   - user.umview.origin of a copied-up file: what and where the lower one was then (origin.c); user.umview.made of a
 *     stand-in for something that could not be read.
 *   - user.umview.store: a store, that is an opaque directory in which another stack keeps its changes ("umview --cow"
 *     inside of a view); the value is its virtual attributes, as above.  What is in it is shown as it is (store.c).
 * With vstat, real modes in the upper directory always let the owner read and write (u+rw, directories u+rwx), never
 * others write, and have no set-id bits; the mode that is shown is the virtual one.
 * Names that begin with ".wh." cannot be made in a stack (-EINVAL).
 *
 * Index.  The names that each upper directory holds are kept in memory, read directory by directory when first
 * needed, so that a look-up of something unmodified costs no system call in the upper directory.  Every change to
 * an upper directory, by any process, increments the shared counter in .umview/generation before and after; a
 * counter that differs from the one last seen drops the index.
 *
 * Paths given to these functions are relative to the stack's root, without leading or trailing '/', without "." or
 * "..", and "" is the root itself; except for layers_walk no intermediate component may be a symbolic link
 * (layers_walk makes such paths).  All functions return 0 or a positive result, or a negative errno value.  They
 * are not thread-safe: one stack is used by one thread at a time.
 */
#ifndef LAYERS_LAYERS_H
#define LAYERS_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>

#define LAYERS_MAX 16           /* directories in one stack */

struct layers;

struct layers_node;
typedef int layers_dirent_fn(void *arg, const char *name, uint64_t ino, unsigned char type);

/*
 * A tree that a stack may stand on in place of its last lower directory: what a view shows there, whatever serves it.
 * Paths are relative to the place of that directory; the functions are those of the same names below, and change
 * nothing.
 */
struct layers_below {
	void *arg;
	int (*walk)(void *arg, const char *path, size_t *end, struct layers_node *node, char *target);
	bool (*untouched)(void *arg, const char *path);
	int (*stat)(void *arg, const char *path, const struct layers_node *node, struct statx *st);
	int (*statfs)(void *arg, const char *path, struct statfs *st);
	int (*open)(void *arg, const char *path, int flags);
	ssize_t (*getxattr)(void *arg, const char *path, const char *name, void *value, size_t size);
	ssize_t (*listxattr)(void *arg, const char *path, char *list, size_t size);
	int (*readdir)(void *arg, const char *path, layers_dirent_fn *fn, void *fnarg);
	uint64_t (*generation)(void *arg);
	int (*path_of)(void *arg, const char *host, char *path);
};

struct layers_config {
	const char *upper;      /* host path of the writable top layer, or NULL: read-only stack */
	const char *lower[LAYERS_MAX]; /* host paths, topmost first; an upper with no lower is allowed */
	unsigned nlower;
	bool vstat;             /* ownership, modes, devices and privileged xattrs are virtual and remembered */
	bool mincow;            /* change the real file of lower[0] where the calling user may, else copy up */
	bool renew;             /* start with an empty upper directory (its former contents are removed) */
	bool native;            /* the single upper is shown as it is: no whiteouts, no metadata, no .umview ("move") */
	bool root_opaque;       /* lower directories that cannot be read appear as empty opaque ones (DESIGN: viewfs) */
	bool defer;             /* changes may return -LAYERS_STAGE */
	bool untrusted;         /* who changes it may be hostile: see store.c */
	const struct layers_below *below; /* in place of the last of `lower', which is its body; or NULL.  Not copied */
	const char *const *hide; /* NULL-terminated stack-relative paths that are never shown (the upper itself), or NULL */
};

/* Who acts: owner of what is created.  Permission checks are the caller's business, not done here. */
struct layers_owner {
	uid_t uid;
	gid_t gid;
	mode_t denied;          /* what the umask has taken from the mode, which a default ACL gives back */
};

enum layers_where {
	LAYERS_LOWER,           /* only in a lower layer: the host file at the same stack path, unmodified */
	LAYERS_UPPER,           /* lives in the top layer (new, copied up, or a directory that hides what is below) */
	LAYERS_MERGED,          /* a directory in the top layer and in a lower one; `fd' is the lower one where it can be
	                         * opened, for it is the body that processes get as cwd and descriptor */
};

struct layers_node {
	int fd;                 /* O_PATH|O_NOFOLLOW|O_CLOEXEC descriptor of the body; the caller closes it */
	uint32_t type;          /* S_IFMT bits as shown in the view (virtual device nodes: S_IFCHR, S_IFBLK) */
	enum layers_where where;
	unsigned layer;         /* index of the layer that holds the body: 0 is the upper */
	bool elsewhere;         /* with `below': its body is not the host's at the same path */
};

/**
 * layers_open() - open a stack
 * @out:	the stack; closed by layers_close()
 * @config:	copied
 * @why:	on error, a short text saying which directory failed and at what; may be NULL
 * @whysize:	its size in bytes
 *
 * Makes .umview/ in the upper directory when it is missing and removes what interrupted copy-ups left in work/.
 */
int layers_open(struct layers **out, const struct layers_config *config, char *why, size_t whysize);
void layers_close(struct layers *l);

/* Was this upper directory ever used with virtual attributes?  If not, owners in it mean nothing. */
bool layers_had_vstat(const struct layers *l);

/* Is an upper directory open in some stack, of any process? */
bool layers_in_use(const char *upper);

/**
 * layers_discard() - empty an upper directory
 * @keep:	it stays an upper directory, without changes; else it becomes an ordinary one
 *
 * Return: 0; -EBUSY: it is in use; -ENOTDIR: it is no upper directory (has no .umview/); or another error.
 */
int layers_discard(const char *upper, bool keep);

/* What may be missing, of the kernel or of the upper directory's file system. */
enum layers_feature {
	LAYERS_OPENAT2 = 1,     /* openat2(2), Linux 5.6 */
	LAYERS_XATTRAT = 2,     /* the *xattrat(2) calls, Linux 6.13 */
	LAYERS_USER_XATTR = 4,  /* user xattrs */
	LAYERS_WHITEOUT_NODE = 8, /* character devices 0/0 made by mknod(2) */
	LAYERS_RENAME_WHITEOUT = 16, /* that flag of renameat2(2) */
	LAYERS_SHARED_MAP = 32, /* mmap(2) of a file, shared */
	LAYERS_USER_NS = 64,    /* user namespaces of one's own */
};
/* Do as if these (a set of them) were missing, in all stacks that are opened after the call. */
void layers_disable(unsigned features);

/**
 * layers_walk() - look up a path, as far as no symbolic link has to be followed
 * @path:	stack-relative, no "." and ".."
 * @end:	set to the length of the prefix of @path that was used up
 * @node:	set on 0; on 1 too, but without a descriptor (-1)
 * @target:	buffer of PATH_MAX bytes for a link's target, NUL-terminated
 *
 * Return: 0: the whole path exists, @node is it (it may be a symbolic link itself: type S_IFLNK, and then @target is
 *	filled too);
 *	1: the prefix [0, *end) is a symbolic link with more components after it, @target holds what it points to;
 *	-ENOENT: the component that ends at *end does not exist; -ENOTDIR: the component that ends at *end is no
 *	directory and more follows; or another error (-EACCES, -EIO, ...) of the component at *end.
 *
 * Cost that matters: a path with nothing of it in the upper directory takes one openat2(2) with RESOLVE_NO_SYMLINKS.
 */
int layers_walk(struct layers *l, const char *path, size_t *end, struct layers_node *node, char *target);

/**
 * layers_untouched() - is nothing at or above this path, nor below it, held by the upper directory?
 *
 * Only the index is asked (no system call when it is warm).  True also for names that exist nowhere.  Needs no node.
 */
bool layers_untouched(struct layers *l, const char *path);

/* Attributes as shown: with vstat the virtual owner, mode, type and rdev.  st_nlink of merged directories is 1. */
int layers_stat(struct layers *l, const char *path, const struct layers_node *node, struct statx *st);
/* The same for an open descriptor of a file that lives in this stack (any layer); @st was filled by statx(2).  1: it is
 * one of the upper directory, and @st is final. */
int layers_patch_stat(struct layers *l, int fd, struct statx *st);
int layers_statfs(struct layers *l, const char *path, struct statfs *st);

/**
 * layers_open_file() - open(2) in the stack
 * @flags:	O_*: O_CREAT, O_EXCL, O_TRUNC, O_TMPFILE, O_DIRECTORY, O_PATH, O_APPEND... mean what they mean;
 *		the last component is never followed if it is a symbolic link (-ELOOP)
 * @mode:	for O_CREAT, with the umask already taken off
 *
 * Opening for writing copies up (with O_TRUNC without the data).  Fifos and virtual devices: opened natively where
 * they have a body (a fifo may block unless O_NONBLOCK is in @flags), -ENXIO for virtual devices, but for null, zero,
 * full, random and urandom, which are the host's.
 * Return: a new descriptor (O_CLOEXEC always set), owned by the caller.
 */
int layers_open_file(struct layers *l, const char *path, int flags, mode_t mode, const struct layers_owner *owner);

int layers_mkdir(struct layers *l, const char *path, mode_t mode, const struct layers_owner *owner);
int layers_mknod(struct layers *l, const char *path, mode_t mode, dev_t rdev, const struct layers_owner *owner);
int layers_symlink(struct layers *l, const char *target, const char *path, const struct layers_owner *owner);
/* bind(2) @sock, an unbound AF_UNIX socket, to a new socket file.  @name: what the kernel should keep as its address, if
 * that can be done; or NULL. */
int layers_bind(struct layers *l, const char *path, int sock, const char *name, mode_t mode,
		const struct layers_owner *owner);
int layers_unlink(struct layers *l, const char *path);
int layers_rmdir(struct layers *l, const char *path);
/* link(2): the old name is not followed.  Keeps hard links of lower files together where both names are copied up. */
int layers_link(struct layers *l, const char *oldpath, const char *newpath);
/* Give a name to an open file of the upper directory that has none (O_TMPFILE).  -EXDEV: it is not there. */
int layers_link_fd(struct layers *l, int fd, const char *newpath);
/* renameat2(2) with RENAME_NOREPLACE, RENAME_EXCHANGE.  Directories of any layer (they are copied up whole). */
int layers_rename(struct layers *l, const char *oldpath, const char *newpath, unsigned flags);

/* Changes to attributes copy up first.  uid or gid (uid_t)-1: unchanged. */
int layers_chmod(struct layers *l, const char *path, mode_t mode);
int layers_chown(struct layers *l, const char *path, uid_t uid, gid_t gid);
int layers_utimens(struct layers *l, const char *path, const struct timespec times[2]);
int layers_truncate(struct layers *l, const char *path, off_t size);
/* The same on an open descriptor of a body in the upper directory; -EXDEV if @fd is not one: use its path instead. */
int layers_fchmod(struct layers *l, int fd, mode_t mode);
int layers_fchown(struct layers *l, int fd, uid_t uid, gid_t gid);

/* xattr calls: results and errors as getxattr(2), listxattr(2), setxattr(2), removexattr(2). Never follow. */
ssize_t layers_getxattr(struct layers *l, const char *path, const char *name, void *value, size_t size);
ssize_t layers_listxattr(struct layers *l, const char *path, char *list, size_t size);
int layers_setxattr(struct layers *l, const char *path, const char *name, const void *value, size_t size, int flags);
int layers_removexattr(struct layers *l, const char *path, const char *name);

/* layers_dirent_fn: one entry of a merged listing; @type is a DT_* value as shown.  Return non-zero to stop; it is passed
 * on. */
/* Without "." and "..".  Each name once, no whiteouts, no .umview, nothing hidden. */
int layers_readdir(struct layers *l, const char *path, layers_dirent_fn *fn, void *arg);

/**
 * layers_path_of() - which stack path has this host path?
 * @host:	an absolute host path, as in /proc/PID/cwd or /proc/PID/fd/N
 * @path:	PATH_MAX bytes, set on 0
 *
 * Looks at prefixes only: a path below the upper directory or below a lower one maps to what follows the prefix; the
 * longest prefix wins.  -ENOENT: not of this stack (or inside .umview).
 */
int layers_path_of(struct layers *l, const char *host, char *path);

/* Is the directory shown as it is: is the listing of its body what the stack shows? */
bool layers_as_it_is(struct layers *l, const char *path);

/* The host path of a node's body: layer directory + path; @buf is PATH_MAX bytes.  -ENAMETOOLONG. */
int layers_host_path(struct layers *l, const struct layers_node *node, const char *path, char *buf);

/* Copy up @path (and the directories above it) now; 0 if it lives in the upper directory already. */
int layers_copy_up(struct layers *l, const char *path);

/*
 * Let an empty directory be a store, a place for another stack's changes, which this one shows and changes as it is.
 * -ENOTEMPTY.  0 if it is one, or in one, already.
 */
int layers_own(struct layers *l, const char *path);

/* What a change returns (not an errno) that needs the copy of a large file first, in a stack opened with `defer':
 * call layers_stage_run(true) in the same thread, with no lock held, and repeat it; or layers_stage_run(false). */
#define LAYERS_STAGE 5000
int layers_stage_run(bool run);

/* The shared counter (see Index): changes when any process changed the upper directory.  Where that cannot be known, it
 * is another number each time. */
uint64_t layers_generation(const struct layers *l);

/**
 * layers_diff() - what the upper directory changes against the lower ones
 *
 * Calls @fn for each change in depth-first order, parents before children.
 */
enum layers_change { LAYERS_ADDED = 'A', LAYERS_MODIFIED = 'M', LAYERS_DELETED = 'D' };
struct layers_diff_entry {
	enum layers_change change;
	const char *path;
	bool opaque;            /* a directory that hides the lower one of the same name */
	bool has_lower;         /* `lower' is filled */
	bool made;              /* stands for something that the view's user could not read */
	bool acl_changed;       /* LAYERS_MODIFIED: it has another ACL than the lower one, or a default one */
	bool stale;             /* copied up, and the lower file was changed, or removed, since then */
	struct statx upper;     /* as shown (virtual); zero for LAYERS_DELETED */
	struct statx lower;
};
typedef int layers_diff_fn(void *arg, const struct layers_diff_entry *entry);
int layers_diff(struct layers *l, layers_diff_fn *fn, void *arg);

/* The lower file is what the upper one was made from, from now on: it is no longer stale. */
int layers_set_origin(struct layers *l, const char *path);

#endif
