/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * umfuse: FUSE file systems in a view.
 *
 * The server of a file system is an ordinary program of the view.  It opens /dev/fuse (device.c), which is one end of a channel
 * (channel.c), and calls mount(2) (mount.c).  From then on the operations of the file system are requests to it.
 *
 * An operation cannot wait for an answer: it holds the view's lock, and the server's own calls need that.  So it notes the
 * request and returns -UM_STAGE; the worker sends it, without the lock, and runs the operation again from the start, which
 * finds the answer in its journal (journal.c) and goes on to the next request, until none is left.  In this way operations
 * read as if requests were function calls, and hold nothing while they wait.
 *
 *	tree.c	nodes and names that lead to them, with the server's timeouts
 *	ops.c	looking; names.c and attr.c: changes of names and attributes
 *	dir.c	listing directories
 *	file.c	opening files; body.c: what processes have of them, in depots (depot.c); fill.c and lazy.c: reading them; write.c and
 *		flush.c: writing them back
 */
#ifndef UMFUSE_H
#define UMFUSE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "channel.h"
#include "um_module.h"

struct body;
struct dentry;
struct node;

extern const struct um_host *host;      /* what the monitor does for us */

/* A mounted file system. */
struct um_fs {
	struct channel *channel;
	int refs;               /* the mount, and work under way; with the view's lock */
	bool mounted, ended, forced;
	bool unwatched;         /* some body could not be watched: all are looked at, again and again */
	struct node *root;
	struct node **nodes;    /* by id */
	struct dentry **dentries; /* by parent and name */
	size_t nnodes, ndentries, nodes_room, dentries_room;
	struct dentry *oldest, *newest; /* in the order of their use */
	struct node *unused;    /* nodes that may be given back */
	uint64_t epoch;         /* of the mount */
	pid_t server;           /* the one that sees the older view, last */
	dev_t dev;              /* as shown */
	bool ready;             /* INIT has been answered */
	int failed;             /* how INIT has failed, or 0 */
	uint32_t minor, flags;  /* as agreed on */
	uint32_t max_write;     /* bytes */
	uint64_t missing;       /* opcodes that were answered ENOSYS (bit n: opcode n) */
	bool default_permissions, readonly;
	struct depot {          /* a directory of bodies (depot.c) */
		char *path;     /* NULL: it is not there; owned */
		int fd;
		dev_t dev;
	} depots[2];
	struct body *by_ino[1024]; /* bodies */
	struct body *lost[64];  /* of removed directories */
	unsigned nlost;
	size_t nbodies, enough; /* with so many it is looked which can go */
	struct body *closed, **closed_end; /* bodies to be written back */
	uint64_t queued, flushed; /* how many were ever put there, and how many are done */
	uint64_t stuck;         /* now_ns() when the one at work was last heard of, or 0 */
	struct flusher *flusher;
	struct um_fs *next;     /* in `mounted' */
};

/* What a path leads to. */
struct node {
	uint64_t id, generation, nlookup;
	struct node *next;      /* of the same hash */
	struct node *next_unused;
	bool listed;            /* among the unused */
	struct dentry *names;   /* names that lead to it, the last that was seen first */
	unsigned children;      /* dentries with this parent */
	const void *locked;     /* a directory: whose operation changes names in it, or NULL (journal.c) */
	uint32_t changes;       /* of names in it */
	struct fuse_attr attr;
	uint64_t attr_until;    /* ns */
	char *target;           /* of a symbolic link, as long as attr holds; owned */
	struct body *body;
};

/* A name, or (node NULL) that there is none. */
struct dentry {
	struct node *parent, *node;
	struct dentry *next;    /* of the same hash */
	struct dentry *next_name; /* of the same node */
	struct dentry *older, *newer;
	uint64_t until;         /* ns */
	uint32_t hash;
	char name[];
};

/* --- device.c ------------------------------------------------------------------------------------------------------- */

extern const struct um_fs_type device_type;
int device_ioctl(int fd, unsigned request, void *arg, int *result);

/* --- mount.c -------------------------------------------------------------------------------------------------------- */

extern const struct um_fs_type fuse_type, fuse_family, fuseblk_type;
extern struct um_fs *mounted;           /* all of them */

void fs_ref(struct um_fs *fs);
void fs_unref(struct um_fs *fs);        /* with the view's lock */
/* um_module.end: umount all, and wait for the servers, but not for ever. */
void fs_end_all(void);
/* Agree with the server on the protocol; without the view's lock. */
int fs_init(struct um_fs *fs);
/* Hear what the server has said of its own accord. */
void fs_notices(struct um_fs *fs);
/* At the beginning of each operation: is it there, and ready?  0, -UM_STAGE, -ENOTCONN... */
int fs_begin(struct um_fs *fs);

/* --- journal.c ------------------------------------------------------------------------------------------------------ */

/**
 * ask() - have the server answer a request
 * @args, @len:	what follows the header
 * @out:	set to the answered request on 0; the journal's, until the operation returns
 *
 * Return: 0, the server's error, or -UM_STAGE.  -ENOSYS is remembered for the whole mount.
 */
int ask(struct um_fs *fs, uint32_t opcode, uint64_t nodeid, const void *args, size_t len, struct request **out);
/* The same with a name, or two, behind the arguments; either may be NULL. */
int ask_named(struct um_fs *fs, uint32_t opcode, uint64_t nodeid, const void *args, size_t len, const char *name,
	      const char *name2, struct request **out);
/* Is it the first time that this answer is looked at?  Once true. */
bool ask_first(struct request *r);

/* Something longer that is done in the same way.  The same @arg means the same task. */
typedef int journal_task(void *arg, const struct channel_waiting *waiting);
/* Run a task without the view's lock.  0 or a negative errno: its result, if it has run; or -UM_STAGE. */
int journal_run(struct um_fs *fs, journal_task *task, void *arg);
/* The same for a task on a body.  @again: also if it has run before. */
int journal_run_body(journal_task *task, struct body *body, bool again);
/* A name's node (or NULL: none) as this operation has seen it.  False: it has not. */
bool journal_seen(const struct um_fs *fs, const struct node *parent, const char *name, struct node **node);
void journal_see(const struct um_fs *fs, struct node *parent, const char *name, struct node *node);
/* Before the names in a directory are changed: nobody else does, until the operation is over.  0, -UM_STAGE, -ENOMEM. */
int journal_lock(struct um_fs *fs, struct node *dir);
/* What was seen is not so any more: begin anew, with the locks that it has.  -UM_STAGE. */
int journal_restart(void);
/* When the operation is over, and all its requests are answered: for what would change what it finds. */
void journal_finally(struct um_fs *fs, void (*fn)(struct um_fs *fs, void *arg), void *arg);
int journal_stage(bool run);            /* um_module.stage */
bool journal_wants(bool give_up);       /* um_module.wants */
/* Send a request whose answer nobody wants. */
void tell(struct um_fs *fs, uint32_t opcode, uint64_t nodeid, const void *args, size_t len);

/* --- tree.c --------------------------------------------------------------------------------------------------------- */

int tree_init(struct um_fs *fs);
void tree_free(struct um_fs *fs);
uint64_t now_ns(void);
/* The node @name in @parent.  0; -ENOENT; -UM_STAGE; or another error. */
int tree_lookup(struct um_fs *fs, struct node *parent, const char *name, struct node **node);
/* The node of a path without links.  As above. */
int tree_find(struct um_fs *fs, const char *path, struct node **node);
/* The node of the directory that has the last component of @path, which is at *name. */
int tree_parent(struct um_fs *fs, const char *path, struct node **parent, const char **name);
/* Attributes, asked for if they are too old.  0, -UM_STAGE, or an error. */
int tree_attr(struct um_fs *fs, struct node *node, struct fuse_attr *attr);
void tree_set_attr(struct node *node, const struct fuse_attr *attr, uint64_t seconds, uint32_t nsec);
/* What a reply with a struct fuse_entry_out gives: a node, counted once more if @count.  NULL: it makes no sense. */
struct node *tree_enter(struct um_fs *fs, const struct fuse_entry_out *entry, size_t len, bool count);
/* Would a name in @parent make the directory @node lie in itself? */
bool tree_is_above(const struct um_fs *fs, const struct node *node, const struct node *parent);
/* Nobody is at work: give back what nothing leads to, and what has not been used for long. */
void tree_trim(struct um_fs *fs);
/* The node may be one that nothing leads to any more. */
void tree_check(struct um_fs *fs, struct node *node);
/* From now on @name in @parent is @node (NULL: nothing); a directory has one name.  Not for what tree_is_above(). */
void tree_name(struct um_fs *fs, struct node *parent, const char *name, struct node *node, uint64_t seconds, uint32_t nsec);
/* Nothing is known of this name any more. */
void tree_forget_name(struct um_fs *fs, struct node *parent, const char *name);
struct node *tree_node(struct um_fs *fs, uint64_t id);
void tree_stale(struct node *node);     /* its attributes are to be asked for */
void tree_forget_all(struct um_fs *fs); /* nothing that the server has said is true any more */
/* The path of a node from the mount's root; -ENOENT: it has no name. */
int tree_path(struct um_fs *fs, const struct node *node, char *path);
bool name_is_sane(const char *name, size_t len);

/* --- ops.c, names.c, attr.c, dir.c, file.c --------------------------------------------------------------------------------------------- */

extern const struct um_fs_ops fuse_ops;
/* names.c, attr.c: see um_module.h */
int op_mkdir(struct um_fs *fs, const char *path, mode_t mode, const struct um_owner *owner);
int op_mknod(struct um_fs *fs, const char *path, mode_t mode, dev_t rdev, const struct um_owner *owner);
int op_symlink(struct um_fs *fs, const char *target, const char *path, const struct um_owner *owner);
int op_unlink(struct um_fs *fs, const char *path);
int op_rmdir(struct um_fs *fs, const char *path);
int op_link(struct um_fs *fs, const char *oldpath, const char *newpath);
int op_rename(struct um_fs *fs, const char *oldpath, const char *newpath, unsigned flags);
int op_chmod(struct um_fs *fs, const char *path, mode_t mode);
int op_chown(struct um_fs *fs, const char *path, uid_t uid, gid_t gid);
int op_utimens(struct um_fs *fs, const char *path, const struct timespec times[2]);
int op_fchmod(struct um_fs *fs, int fd, mode_t mode);
int op_fchown(struct um_fs *fs, int fd, uid_t uid, gid_t gid);
ssize_t op_getxattr(struct um_fs *fs, const char *path, const char *name, void *value, size_t size);
ssize_t op_listxattr(struct um_fs *fs, const char *path, char *list, size_t size);
int op_setxattr(struct um_fs *fs, const char *path, const char *name, const void *value, size_t size, int flags);
int op_removexattr(struct um_fs *fs, const char *path, const char *name);
/* The target of a symbolic link, PATH_MAX bytes. */
int read_link(struct um_fs *fs, struct node *node, char *target);
int op_readdir(struct um_fs *fs, const char *path, um_dirent_fn *fn, void *arg);
int op_open(struct um_fs *fs, const char *path, int flags, mode_t mode, const struct um_owner *owner);
int op_body(struct um_fs *fs, const char *path);
int op_bind(struct um_fs *fs, const char *path, int sock, const char *name, mode_t mode, const struct um_owner *owner);
int op_truncate(struct um_fs *fs, const char *path, off_t size);
int op_path_of(struct um_fs *fs, const char *host, char *path);
int op_patch_stat(struct um_fs *fs, int fd, struct statx *st);
int op_fsync(struct um_fs *fs, int fd, bool data_only);
int op_ftruncate(struct um_fs *fs, int fd, off_t size);
int op_fallocate(struct um_fs *fs, int fd, int mode, off_t offset, off_t len);
int op_leave(struct um_fs *fs, int flags);
int op_ioctl(int fd, unsigned request, void *arg, int *result); /* um_module.ioctl */
/* mknod(2); @out may be NULL. */
int make_node(struct um_fs *fs, const char *path, mode_t mode, dev_t rdev, struct node **out);
int op_setattr(struct um_fs *fs, struct node *node, const struct fuse_setattr_in *in);
void attr_to_statx(const struct um_fs *fs, const struct fuse_attr *attr, struct statx *st);

/* --- body.c: the real file or directory behind a node -------------------------------------------------------------------- */

#define MTIME_OURS UINT64_MAX
#define BODY_BLOCK (64 * 1024)  /* bytes */

struct body {
	unsigned refs;          /* the mount's, unless it is gone, and those of work under way; with the view's lock */
	bool gone;              /* neither a node nor a process has it: it ends with the work under way */
	struct body *next;      /* of the same hash */
	struct um_fs *fs;
	struct node *node;      /* NULL: the node is gone, processes have it open still */
	uint64_t id;            /* the node's, and its name in the depot */
	int fd;                 /* ours, for reading; of what is no regular file -1 */
	ino_t ino;
	struct depot *depot;
	mode_t type;            /* S_IFMT bits */
	bool plain;             /* it is a regular file: all that follows is about those */
	bool filled;            /* it has what the server has, or newer */
	bool busy;              /* a task is at work on it without the view's lock */
	bool written;           /* processes may have changed it: it has been open for writing since it was written back */
	bool orphan;            /* its last name was removed: nothing is written back */
	bool direct;            /* FOPEN_DIRECT_IO: the server's size need not be right */
	uint64_t opens;         /* how many descriptors were given out */
	bool open;              /* there are, or may be, processes that have it open */
	int watch;              /* inotify, or -1 */
	struct body *next_watch; /* of the same hash */
	int error;              /* of a write-back that nobody has been told of yet */
	uint64_t size;          /* bytes: what the server has */
	uint64_t server_mtime;  /* the file's time of what it has, in ns; MTIME_OURS: what the server says next */
	struct digest *digests; /* of the blocks that the server has, or NULL; owned */
	size_t ndigests;
	bool *have;             /* of a file that is filled lazily, by block: it is there (lazy.c); NULL: all is; owned */
	size_t nblocks;
	struct timespec mtime;  /* the body's when it was the same as the server's */
	uint64_t fh[2];         /* the server's handles: for reading, for writing */
	bool has_fh[2];
	uint64_t used;          /* clock of its last use */
	struct fuse_attr last;  /* of an orphan */
	struct body *next_closed; /* in the mount's queue */
	bool queued;
};

void bodies_close(struct um_fs *fs);
/* The node's body.  @target: of a symbolic link.  -EOPNOTSUPP: there are none of its type. */
int body_make(struct um_fs *fs, struct node *node, const char *target, struct body **body);
/* That of a socket, which is bound to it. */
int body_bind(struct um_fs *fs, struct node *node, int sock);
void body_ref(struct body *b);
void body_unref(struct body *b);
/* Nobody has it but who is at work on it. */
void body_free(struct body *b);
/* Until nobody is at work on it.  0 (with the view's lock held it stays so), -UM_STAGE or an error. */
int body_idle(struct body *b);
/* A descriptor of a process's own. */
int body_open(struct body *b, int flags);
/* The same; a lease is waited for, as open(2) does.  Or -UM_STAGE. */
int body_open_waiting(struct body *b, int flags);
/* Before it is written to: note what the server has. */
int body_note(struct body *b);
/* Does anybody but us have it open? */
bool body_in_use(const struct body *b);
/* A handle of the server's becomes the body's; one is enough of each kind. */
void body_take_handle(struct body *b, uint64_t fh, bool write);
/* Give the server's handles back; @b must be idle. */
void body_release(struct body *b);
/* The same, and wait until the server has done so.  0, -UM_STAGE, or an error. */
int body_release_waiting(struct body *b);
/* For who has claimed it: there is a handle to read by, or to write. */
int body_handle(struct body *b, bool write, const struct channel_waiting *waiting);
struct body *body_of(struct um_fs *fs, const struct statx *st);
/* A process has closed it, and it needs no writing back. */
void body_closed(struct body *b);
/* Attributes of a file whose contents may be newer than what the server knows. */
void body_patch(const struct body *b, struct fuse_attr *attr);
/* Fill it with what the server has.  0, -UM_STAGE, or an error. */
int body_fill(struct body *b);
/* The same on a thread that is no caller's, and without the view's lock. */
int body_fill_now(struct body *b);
/* Are these, the server's attributes, those of newer contents? */
bool body_is_older(struct body *b, const struct fuse_attr *attr);
/* A part of what the server has, which it has sent of its own accord. */
void body_store(struct body *b, const void *data, size_t size, off_t at);
/* Write back what has been changed.  0, -UM_STAGE, or an error. */
int body_write_back(struct body *b);
/* Have the server write to its medium.  0, -UM_STAGE, or an error. */
int body_sync(struct body *b);
/* The same after a close(2), on a thread that is no caller's, and without the view's lock. */
int body_write_closed(struct body *b);
/* What the server has from this offset on is not known any more. */
void body_forget(struct body *b, uint64_t from);
/* The server has only the first @size bytes now. */
void body_cut(struct body *b, uint64_t size);
/* Truncate the body itself. */
int body_resize(struct body *b, uint64_t size);
/* fallocate(2) of the body itself. */
int body_allocate(struct body *b, int mode, off_t offset, off_t len);
/* The node's last name is gone: what processes have of it stays with them. */
void body_orphan(struct body *b);

/* For work that takes long, without the view's lock: one thread at a time.  0 or -EINTR. */
int body_claim(struct body *b, const struct channel_waiting *waiting);
void body_unclaim(struct body *b);      /* with the view's lock */
/* Is there nobody any more whom work on it could be for? */
bool body_is_over(const struct body *b);
/* A request of the monitor's own about the body's file; the answer is freed by the caller if @out is not NULL. */
int body_call(struct body *b, uint32_t opcode, const void *args, size_t len, const void *data, size_t data_len,
	      const struct channel_waiting *waiting, struct request **out);
/* A descriptor for the monitor to write to it, to be closed soon: what is open for writing cannot be executed. */
int body_writable(const struct body *b);
int body_write(int fd, const void *buf, size_t size, off_t at);
/* The server has this in a block of a body that may be written to. */
void body_note_block(struct body *b, size_t i, const void *data, size_t size);
/* The body of an open descriptor, or NULL. */
struct body *body_of_fd(struct um_fs *fs, int fd);

/* --- lazy.c -------------------------------------------------------------------------------------------------------------- */

extern bool lazy_any;                   /* some body is filled lazily */
/* Begin to fill a file of this size lazily.  0; 1: it is to be filled as a whole; or a negative errno. */
int lazy_start(struct body *b, uint64_t size);
bool lazy_has(const struct body *b, size_t block);
void lazy_free(struct body *b);
void lazy_forget(struct body *b);       /* the server's contents are others */
void lazy_cut(struct body *b, uint64_t size);
/* Have what is in this part.  0, -UM_STAGE or an error. */
int lazy_touch(struct body *b, uint64_t offset, uint64_t len);
int op_touch(struct um_fs *fs, int fd, uint64_t offset, uint64_t len);

/* --- depot.c ------------------------------------------------------------------------------------------------------------- */

int depots_open(struct um_fs *fs);
void depots_close(struct um_fs *fs);
/* Where a file of so many bytes can be; NULL: nowhere is room. */
struct depot *depot_for(struct um_fs *fs, uint64_t size, bool may_grow);
/* The depot that a host path leads into, and the name in it; NULL: none. */
struct depot *depot_of(struct um_fs *fs, const char *path, const char **name);

/* --- flush.c -------------------------------------------------------------------------------------------------------- */

int flush_init(void);
void flush_watch(struct body *b);
void flush_unwatch(struct body *b);
/* Nothing is written back any more that has not been begun. */
void flush_forget(struct um_fs *fs);
/* The server says that the contents are others: who has it open is to see them. */
void flush_refill(struct body *b);
/* Start and stop the thread that writes back for a mount. */
int flush_start(struct um_fs *fs);
void flush_stop(struct um_fs *fs);
/* Has the server not answered for so long that nobody waits any more? */
bool flush_is_stuck(const struct um_fs *fs);
/* Have all written back that processes may have changed, whether they have closed it or not; without the view's lock. */
void flush_all(struct um_fs *fs, uint64_t limit_ns);
int flush_settle(void);                 /* um_module.settle */

#endif
