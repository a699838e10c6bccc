/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The view: what the monitor knows of the tree of processes that it serves.  There is one in a monitor.
 */
#ifndef MONITOR_VIEW_H
#define MONITOR_VIEW_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../modules/include/um_module.h"
#include "call.h"
#include "hashtab.h"
#include "state.h"

/* Kernel features that a monitor can do without; each has a switch (--without-NAME) so that its fallback is tested. */
struct um_features {
	bool sync_wake_up;      /* SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP, Linux 6.6 */
	bool wait_killable;     /* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19 */
	bool openat2;           /* openat2(2), Linux 5.6 (a container's filter may refuse it) */
	bool pidfd_getfd;       /* pidfd_getfd(2), Linux 5.6 */
	bool process_vm;        /* process_vm_readv(2); else /proc/PID/mem */
	bool ptrace;            /* PTRACE_SEIZE, for rewriting */
	bool listener;          /* a seccomp listener (unotify with ADDFD), Linux 5.9 */
	bool inotify;           /* an inotify instance to be had */
	bool affinity;          /* sched_setaffinity(2) */
	bool user_ns;           /* a user namespace of one's own */
};

/* A mounted file system: an HT_PATH entry's owner. */
struct um_mount {
	uint32_t index;         /* hashtab_entry.owner */
	uint32_t entry;         /* hashtab_entry.id */
	struct um_fs *fs;
	const struct um_fs_type *type;
	struct um_service *service;
	char *source, *target;  /* target: view path, "" for the root; owned */
	char *native;           /* shows the host's tree at this host path ("" for "/") as it is, else NULL; owned */
	char *options;          /* as /proc/mounts shows them, without flags; owned */
	unsigned long flags;    /* MS_*, but for MS_RDONLY (mount_readonly()) */
	dev_t dev;              /* of all that is in it, or 0 */
	char *type_name;        /* as given to mount(2): of a family of types, the member; owned */
	char **except;          /* view paths that stay outside; owned */
	bool permanent;
	struct um_mount *origin; /* a bind: shows what this one has at and below `prefix'; fs and type are its */
	char *prefix;           /* path in fs, without leading '/'; owned */
	unsigned binds;         /* binds that show something of this mount */
	bool detached;          /* has no place of its own any more, and ends with the last bind */
	bool hidden;            /* one of a module's places: not listed, and there as long as the module */
	bool kernel;            /* one of the host's kernel file systems, shown below a chroot */
	bool readonly;
	bool given;             /* made before CMD ran */
	uint64_t epoch;
	uint32_t node;
	char *body;             /* host path of the source, or NULL; owned */
	struct um_fs *below;    /* what it stands on of older mounts (older.h), or NULL; owned */
	struct mount_change *changes; /* what nodes have done to it since, oldest first; owned */
	size_t nchanges;
};

/* Seen by that node, and by those that are born in it afterwards. */
struct mount_change {
	uint64_t epoch;
	uint32_t node;
	enum { MOUNT_GONE, MOUNT_READONLY, MOUNT_WRITABLE } what;
};

/* The file system types of a module, with all operations that the monitor calls unasked. */
struct fs_types {
	size_t n;
	struct {
		struct um_fs_type type;
		struct um_fs_ops ops; /* what type.ops points to */
		bool of_place;  /* for one of the module's places alone: mount(2) does not know it */
	} all[];
};

/* A loaded module.  An HT_MODULE entry of the table says for each node that has loaded it. */
struct um_service {
	const struct um_module *module;
	void *handle;           /* dlopen's; NULL for a built-in one */
	struct fs_types *types; /* owned */
	struct um_service *next;
};

struct view_node;

struct um_view {
	struct view_node **nodes; /* by id (node.h); [0] is the view itself; NULL where one has ended */
	size_t nnodes;
	struct um_features features;
	const struct um_tracer_ops *tracer_ops;
	uint64_t cookie;        /* see filter.h; 0 in secure mode: what passes the filter cannot be a secret */
	uint32_t classes;       /* UM_CLASS_BIT()s that the filter traps */
	bool secure;
	bool settled;           /* CMD runs: in secure mode modules and mounts of the command line stay what they are */
	struct um_states *states;
	struct hashtab *table;
	struct um_mount *host;  /* the host's own tree, as a mount: what no entry of the table owns */
	struct um_mount **mounts; /* by index; NULL where unmounted */
	size_t nmounts;
	struct um_service *services;
	unsigned proc_makers;   /* services that make files of /proc */
	const char *module_dir; /* where um_add_service looks */
	const char *command_dir; /* where viewmount and viewumount are: beside umview */
	uid_t uid;              /* the real user */
	gid_t gid;
	pid_t monitor, guardian, front, init; /* init: CMD's process */
	bool init_ended;
	struct ending *ending;  /* what its listeners are known to */
	struct runtime *runtime; /* what it tells of itself */
	FILE *trace;            /* --trace, or NULL */
	unsigned staging;       /* workers that run a module's code without the lock */
	bool stats;
	int loader_fd;          /* the exec loader's image, or -1 */
	struct um_sockets *sockets; /* names and peers of sockets (calls/socket_names.c); made when first needed */
	pthread_mutex_t lock;   /* held while an operation runs, unless it runs on a worker and let go */
};

/* fs_types.c; freed with free().  NULL: no memory. */
struct fs_types *fs_types_of(const struct um_module *module);

/* service.c */
int service_add(struct um_view *view, const struct um_state *state, const char *name, char *why, size_t whysize);
int service_del(struct um_view *view, const struct um_state *state, const char *name, char *why, size_t whysize);
/* Does the state's node have it? */
bool service_seen(const struct um_view *view, const struct um_state *state, const struct um_service *service);
/* A node is no more: what it had loaded, and nobody else has, is unloaded. */
void services_leave(struct um_view *view, uint32_t node);

/* mounts.c: make and remove mounts, also for the command line's --mount and --cow */
int view_mount(struct um_view *view, const struct um_state *state, const char *source, const char *target,
	       const char *type, unsigned long flags, const char *options, char *why, size_t whysize);
/* Show one of a module's places, in the state's node; and take all of them away. */
int view_place(struct um_view *view, const struct um_state *state, struct um_service *service,
	       const struct um_place *place, char *why, size_t whysize);
void view_unplace(struct um_view *view, const struct um_state *state, const struct um_service *service);
int view_move(struct um_view *view, const struct um_state *state, const char *from, const char *to, char *why,
	      size_t whysize);
int view_umount(struct um_view *view, const struct um_state *state, const char *target, int flags, char *why,
		size_t whysize);

/* Is it, or what it shows, the command line's, and not for a program to change?  (In secure mode.) */
bool mount_is_given(const struct um_view *view, const struct um_mount *mount);

/* mounts_seen.c: which node sees which mount, and when a mount ends */
bool mount_seen(const struct um_view *view, const struct um_state *state, const struct um_mount *mount);
bool mount_in_scope(const struct hashtab_scope *scope, const struct um_mount *mount);
/* Does another one that is seen stand on it?  Then its bodies are not to be changed. */
bool mount_is_below(const struct um_view *view, const struct um_state *state, const struct um_mount *mount);
bool mount_readonly(const struct um_view *view, const struct um_state *state, const struct um_mount *mount);
/* ST_* bits that it gives to statfs(2) of what is in it. */
unsigned long mount_statfs_flags(const struct um_view *view, const struct um_state *state, const struct um_mount *mount);
int mount_change(struct um_view *view, const struct um_state *state, struct um_mount *mount, int what);
/* Free what it owns. */
void mount_free(struct um_mount *mount);
/* End the mounts that no node sees any more. */
void mounts_collect(struct um_view *view);
/* A node is no more: forget what it has changed. */
void mounts_leave(struct um_view *view, uint32_t node);

/* The one lock: held while an operation runs.  An operation on a worker lets go of it around what blocks. */
static inline void um_lock(struct um_view *view)
{
	pthread_mutex_lock(&view->lock);
}

static inline void um_unlock(struct um_view *view)
{
	pthread_mutex_unlock(&view->lock);
}

#endif
