/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * namei: from a path that a process gave to what it stands for in the view.
 */
#ifndef MONITOR_NAMEI_H
#define MONITOR_NAMEI_H

#include <limits.h>

#include "view.h"

/* What a path stands for.  Initialize with UM_PATH_INIT; um_path_put() when done. */
struct um_path {
	char view[PATH_MAX];    /* canonical absolute view path: no links, no ".", no ".."; "" is the view's root */
	const char *rel;        /* the path in the mount's file system, without leading '/' */
	char *bound;            /* what rel points to in a bind mount, elsewhere NULL; owned */
	struct um_mount *mount; /* the owner; view->host for the host's own tree (view path == host path) */
	struct um_node node;    /* node.fd is owned by the um_path */
	bool exists;            /* false: only the parent directory exists, `view' ends in the missing name */
	bool same;              /* the kernel would find the same body by the path that the process gave: no virtual
				 * root, working directory native, nothing modified on the way, body is the host's */
	bool reachable;         /* the same, but the body may be a merged directory's lower one */
	bool lower;             /* namei_fd() only: the descriptor's body is the host's own, at the view's path */
	bool below;             /* namei_fd() only: its body is one that the mount stands on */
	bool slash;             /* the path given ended in '/': must be a directory */
};
#define UM_PATH_INIT { .node = { .fd = -1 } }

/* For one that is not cleared: what um_path_put() looks at. */
static inline void um_path_init(struct um_path *path)
{
	path->node.fd = -1;
	path->bound = NULL;
}

enum namei_flags {
	NAMEI_FOLLOW = 1,       /* follow a symbolic link in the last component */
	NAMEI_PARENT = 2,       /* the last component need not exist (exists=false); its parent must */
	NAMEI_EMPTY  = 4,       /* AT_EMPTY_PATH: "" names the descriptor itself */
	NAMEI_MOUNT_POINT = 256, /* the place of a mount is wanted, not what the kernel has there */
	NAMEI_READ   = 8,       /* nothing will be changed: NAMEI_NATIVE may be given for whatever is unmodified */
	NAMEI_CHANGE = 512,     /* what is found will be changed, by this call alone: NAMEI_NATIVE may be given in a view without mounts */
	NAMEI_NO_MAGIC = 16,    /* RESOLVE_NO_MAGICLINKS */
	NAMEI_NO_SYMLINKS = 32, /* RESOLVE_NO_SYMLINKS */
	NAMEI_BENEATH = 64,     /* RESOLVE_BENEATH */
	NAMEI_IN_ROOT = 128,    /* RESOLVE_IN_ROOT */
	NAMEI_HARMLESS = 1024,  /* secure mode: the kernel may have the string, for whatever it leads to does no harm */
};

/* "Leave it to the kernel": nothing in the view can differ for this path (no mounts, or a native file system such as
 * /proc, or with NAMEI_READ an unmodified file; or the working directory was removed, and has no names). */
#define NAMEI_NATIVE 1

/**
 * namei() - resolve a path of the calling process
 * @dirfd:	the caller's descriptor or AT_FDCWD
 * @addr:	address of the path string in the caller
 *
 * Return: 0 and @path filled; NAMEI_NATIVE: continue the call, @path is not filled; or a negative errno value.
 * Search permission by the view's ids is checked on the way.
 */
int namei(struct um_call *call, int dirfd, uint64_t addr, int flags, struct um_path *path);

/* The same for a path string that the monitor has: absolute in the caller's view (its virtual root counts), or
 * relative to dirfd. Never NAMEI_NATIVE. */
int namei_string(struct um_call *call, int dirfd, const char *string, int flags, struct um_path *path);

/* The object of an open descriptor (or AT_FDCWD), by the name its body has now.  -ENOENT: removed; NAMEI_NATIVE: not a
 * file with a name, or of the host's own tree. */
int namei_fd(struct um_call *call, int fd, struct um_path *path);

/* Forget what was found out for states: their numbers may be given out again. */
void namei_forget(void);

void um_path_put(struct um_path *path);
/* Close the body only. */
void um_path_drop(struct um_path *path);

/* The operations of the file system that owns a path, and its instance: OPS(path)->stat(FS(path), path->rel, ...). */
#define UM_OPS(path) ((path)->mount->type->ops)
#define UM_FS(path) ((path)->mount->fs)

/* Find the mount of path->view, and the path in it.  0, -ENAMETOOLONG or -ENOMEM. */
int um_path_place(struct um_view *view, const struct um_state *state, struct um_path *path);
int um_path_place_in(struct um_view *view, const struct hashtab_scope *scope, struct um_path *path);
/* The mount's walk operation (um_module.h); *end is an index of path->view. */
int um_path_walk(struct um_path *path, size_t *end, char *target);

/* Attributes as the view shows them. */
int um_path_stat(struct um_call *call, struct um_path *path, struct statx *st);
/* R_OK/W_OK/X_OK by the caller's ids; where all is the host's and the ids are real, the kernel decides. */
int um_path_permission(struct um_call *call, struct um_path *path, int mask);
/* Write and search permission in the parent directory of a path; the sticky bit's rule too if @victim. */
int um_path_parent_permission(struct um_call *call, struct um_path *path, bool victim);
/* The path's parent directory. */
int um_path_parent(struct um_call *call, const struct um_path *path, struct um_path *parent);
/* Have the body of a path that exists: path->node.fd.  0; -EOPNOTSUPP: it has none. */
int um_path_body(struct um_path *path);
/* Open the body by the monitor (exec looks at headers). Descriptor or negative errno. */
int um_path_open(struct um_call *call, struct um_path *path, int flags);

/* Is @path ("/proc/...", PATH_MAX bytes) one of /proc's magic links (cwd, root, exe, fd/N) of a process?  "self" in it is replaced
 * by the caller's number. */
bool proc_is_magic(struct um_call *call, char *path);
/* Where such a link leads in the view: a view path ("" is the root).  PROC_ELSEWHERE: to another place than the kernel's;
 * NAMEI_NATIVE: not to a path, or to a removed file. */
#define PROC_ELSEWHERE 2
int proc_magic_target(struct um_call *call, const char *link, char *target);
/* What it shows.  0 or a negative errno. */
#define PROC_TEXT_MAX (PATH_MAX + 16)
int proc_magic_text(struct um_call *call, const char *link, char *shown);
/* The same for the kernel's text @host of a body, of which number and type are in @body as far as they are known. */
void proc_path_text(struct um_call *call, const char *host, const struct stat *body, char *shown);
/* Is @path "/proc/self" or "/proc/thread-self", a link?  Then what it shows to the caller. */
bool proc_self_text(struct um_call *call, const char *path, char *shown);

/* The mount that owns a canonical view path ("" is the root): never NULL. */
struct um_mount *view_mount_of(struct um_view *view, const struct um_state *state, const char *path, const char **rel);
struct um_mount *mount_at(struct um_view *view, const struct hashtab_scope *scope, const char *path, const char **rel);
/* Is the body at this host path not the mount's own, but one of the older mounts that it stands on? */
bool mount_stands_on(const struct um_mount *mount, const char *host);
/* View path of a host path (the reverse mapping over all mounts, newest first); equal if no mount has it.
 * -ENOENT: the view has removed it. */
int view_path_of_host(struct um_view *view, const struct um_state *state, const char *host, char *buf);
/* The same for what a scope sees; @root is a virtual root, or "". */
int path_of_host(struct um_view *view, const struct hashtab_scope *scope, const char *root, const char *host, char *buf);
/* The same where it is known by which of its places it was reached (um_state.cwd, places.h). */
int view_path_by(struct um_view *view, const struct um_state *state, uint64_t place, const char *host, char *buf);
/* Can a body have more than one place? */
bool view_has_places(const struct um_view *view);
/* What is to be noted in the record (um_state.cwd) of a process that goes to this directory. */
uint64_t view_cwd_of(struct um_view *view, const struct um_state *state, const struct um_path *path, int body);
/* Does a bind show this very file or directory? */
bool is_bound(const struct um_view *view, const struct um_state *state, const struct um_path *path);
/* What was at @from is at @to now (and the other way round): binds that show it, or something in it, go on to. */
void binds_follow(struct um_view *view, const struct um_path *from, const struct um_path *to, bool exchange);

/* The view path as a process with a virtual root sees it; -ENOENT: outside of its root. */
const char *state_path(const struct um_state *state, const char *view_path);

#endif
