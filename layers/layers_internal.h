/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the layers library share.  Nobody outside includes this.
 *
 * How the parts stand on each other:
 *   beneath.c   opening a path below a directory without ever following a symbolic link; xattrs of such a path
 *   gen.c       the change lock, the shared generation counter, the intent record, temporary names in work/
 *   index.c     which names the upper directory holds
 *   lower.c     look-up in the layers below; below.c: where these are no directories
 *   walk.c      both together: layers_walk() and the look-up that every change begins with
 *   vstat.c     virtual attributes; stat.c shows them; xattr.c, acl.c: xattrs as shown; kept.c: those kept apart
 *   links.c     hard links of lower files
 *   store.c     directories that keep the changes of another stack
 *   whiteout.c  whiteouts, opaque marks, putting a finished object into its place
 *   copyup.c, origin.c, copydata.c, made.c; stage.c: the copies of large files
 *   open.c, create.c, bind.c, remove.c, rename.c, attr.c: the changes; native.c: the same done to a real directory
 *   readdir.c, diff.c; layers.c, discard.c: beginning and end
 */
#ifndef LAYERS_INTERNAL_H
#define LAYERS_INTERNAL_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layers.h"

#define META_DIR ".umview"
#define WH_PREFIX ".wh."
#define WH_PREFIX_LEN 4
#define WH_OPAQUE ".wh..wh..opq"

/* The name that a whiteout file hides, or NULL: an upper directory may have been made by anybody, and "." and ".."
 * are names of other directories. */
static inline const char *whiteout_of(const char *name)
{
	if (strncmp(name, WH_PREFIX, WH_PREFIX_LEN) != 0)
		return NULL;
	name += WH_PREFIX_LEN;
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..") || !strncmp(name, WH_PREFIX, WH_PREFIX_LEN))
		return NULL;
	return name;
}

#define XATTR_OPAQUE "user.overlay.opaque"
#define XATTR_VSTAT "user.containers.override_stat"
#define XATTR_OWN "user.umview."	  /* everything below it is ours and never shown */
#define XATTR_KEPT "user.umview.xattr."	  /* + the name of a privileged xattr */
#define XATTR_MADE "user.umview.made"	  /* "1": stands for something that could not be read */
#define XATTR_ORIGIN "user.umview.origin" /* of a copied-up file: see origin.c */

#define STATX_WANTED (STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID)

#define cleanup_fd __attribute__((cleanup(close_fd)))
static inline void close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

struct layer {
	int fd;	    /* O_PATH of the directory, -1: no such layer */
	char *host; /* its absolute path without trailing '/' ("" for the root); owned */
	size_t hostlen;
	uint64_t dev; /* device of the directory itself */
};

struct gen_page;
struct idir;
struct links;

#define LAYERS_VERIFIED 64
struct verified { /* an inode that is in the upper directory, as long as it is not changed */
	uint64_t ino;
	int64_t sec;
	uint32_t nsec;
};

#define LAYERS_ORIGINS 256
struct origin { /* an upper inode that comes from nowhere, by its number and time of birth */
	uint64_t upper;
	int64_t sec;
	uint32_t nsec;
};

struct layers {
	struct layer layer[LAYERS_MAX + 1]; /* [0] the upper, [1..nlower] */
	unsigned nlower;
	bool cow; /* there is an upper directory with metadata (not read-only, not native) */
	bool vstat, mincow, native, root_opaque, defer, untrusted;
	const struct layers_below *below; /* in place of the last lower layer, or NULL */
	char **hide;	    /* NULL-terminated, owned; may be NULL */
	int meta;	    /* .umview, locked shared */
	int work, vstatdir; /* O_PATH of two directories in it */
	int genfd;
	struct gen_page *gen; /* mapped */
	uint64_t seen;	      /* counter value at which the index was right */
	unsigned depth;	      /* nesting of change_begin() */
	uint64_t file_dev;    /* device of a file made in it: not always that of the directory (overlayfs) */
	bool gen_private;     /* no shared mapping to be had: the index is dropped at every call */
	bool no_xattr;	      /* no user xattrs in the upper directory */
	bool no_mknod;	      /* no character device whiteouts */
	uid_t uid;	      /* who owns what is created in the upper directory, really */
	gid_t gid;
	mode_t umask;
	unsigned tmp;				   /* counter for names in work/ */
	struct idir *root;			   /* the index; NULL: nothing loaded */
	struct links *links;			   /* NULL: not loaded */
	struct verified verified[LAYERS_VERIFIED]; /* see layers_patch_stat() */
	struct origin origin[LAYERS_ORIGINS];	   /* see origin_number() */
};

/* layers.c */
bool host_in_layer(const char *host, const struct layer *layer);

/* beneath.c */
int beneath_open(int dirfd, const char *path, int flags, mode_t mode);
int beneath_statx(int dirfd, const char *path, struct statx *st);
int fd_statx(int fd, struct statx *st);
void beneath_probe(void);
bool feature_off(enum layers_feature feature);

/* Where attributes are: a descriptor (of any kind), or a path below a directory with no link but perhaps the last. */
struct obj {
	int fd; /* >= 0: this; `path' is not used */
	int dirfd;
	const char *path;
};
#define OBJ_FD(f) ((struct obj){.fd = (f), .dirfd = -1})
#define OBJ_AT(d, p) ((struct obj){.fd = -1, .dirfd = (d), .path = (p)})

ssize_t obj_getxattr(const struct obj *o, const char *name, void *value, size_t size);
ssize_t obj_listxattr(const struct obj *o, char *list, size_t size);
int obj_setxattr(const struct obj *o, const char *name, const void *value, size_t size, int flags);
int obj_removexattr(const struct obj *o, const char *name);
int obj_statx(const struct obj *o, struct statx *st);
int obj_chmod(const struct obj *o, mode_t mode);
int obj_chown(const struct obj *o, uid_t uid, gid_t gid);
int obj_utimens(const struct obj *o, const struct timespec times[2]);

/* bind_name.c */
/* bind(2), with @name as the address that the kernel keeps, to the free name @place in @dir of the upper directory.  A
 * negative errno: it cannot be done so, and nothing has changed. */
int bind_named(struct layers *l, int sock, const char *name, int dir, const char *place);

/* gen.c */
int gen_open(struct layers *l);
void gen_ready(struct layers *l);
void gen_bump(struct layers *l);
void gen_close(struct layers *l);
void gen_sync(struct layers *l);
int change_begin(struct layers *l);
void change_end(struct layers *l);
void intent_set(struct layers *l, const char *path, const char *record);
void intent_clear(struct layers *l);
void devices_mark(struct layers *l);
bool devices_any(const struct layers *l);
void stores_mark(struct layers *l);
bool stores_any(const struct layers *l);
void tmp_name(struct layers *l, char buf[32]);
int remove_tree(int dirfd, const char *name);
int remove_contents(int dirfd, const char *except);

/* index.c */
#define IE_WHITEOUT 1 /* a character device 0/0 stands at the name itself */
#define IE_WHFILE 2   /* a file .wh.NAME stands beside it */
#define IE_OWN 4      /* known to be no copy: it has its own number */
struct ient {
	uint32_t hash;
	uint8_t dtype; /* DT_* of the object in the upper directory; 0: none, only a whiteout */
	uint8_t vtype; /* DT_* as shown; 0: not known yet */
	uint8_t flags;
	struct idir *dir; /* what a directory holds, when it was needed */
	char name[];
};
struct idir {
	struct ient **tab;	    /* open addressing; size is a power of two */
	uint32_t size, used, count; /* used: slots ever taken; count: live entries */
	bool opaque;
	bool alone;	       /* the lower layers have no directory of this name: nothing to merge with */
	bool store;	       /* another stack's changes: nothing of it is in the index (store.c) */
	bool attr_known, sgid; /* virtual set-gid bit and group, which what is created inside inherits */
	bool default_acl;
	uid_t uid; /* of a store: its owner */
	gid_t gid;
};
static inline bool ient_is_whiteout(const struct ient *e)
{
	return e->dtype == 0;
}
static inline bool ient_is_dir(const struct ient *e)
{
	return e->dtype == DT_DIR;
}
void index_drop(struct layers *l);
int index_root(struct layers *l, struct idir **out);
int index_dir(struct layers *l, struct ient *e, const char *path, size_t len, struct idir **out);
struct ient *index_get(struct idir *d, const char *name, size_t len);
void index_put(struct layers *l, const char *path, uint8_t dtype, uint8_t vtype, int flags);
void index_alone(struct layers *l, const char *path);
void index_opaque(struct layers *l, const char *path);
void index_attr_forget(struct layers *l, const char *path);
void index_remove(struct layers *l, const char *path);
void index_rename(struct layers *l, const char *oldpath, const char *newpath);
void index_swap(struct layers *l, const char *a, const char *b);
typedef int index_fn(void *arg, struct ient *e);
int index_each(struct idir *d, index_fn *fn, void *arg);

/* lower.c */
struct lnode {
	int fd; /* O_PATH body */
	unsigned layer;
	unsigned mask; /* for a directory: the layers (bit = index) whose directories are merged */
	bool elsewhere, merged; /* of a tree that the stack stands on: see below.c */
	struct statx st;
};
#define LNODE_INIT                                                                                                   \
	{                                                                                                            \
		.fd = -1                                                                                             \
	}
#define cleanup_lnode __attribute__((cleanup(lnode_put)))
static inline void lnode_put(struct lnode *n)
{
	close_fd(&n->fd);
	n->fd = -1;
}
int body_walk(struct layers *l, unsigned layer, const char *path, size_t prefix, size_t *end, struct lnode *out,
	      char *target);
int lower_walk(struct layers *l, const char *path, size_t prefix, size_t *end, struct lnode *out, char *target);
int read_link(int fd, char *target);
int lower_find(struct layers *l, const char *path, struct lnode *out);
bool lower_unreadable(struct layers *l, const struct lnode *n, const char *path);

/* below.c */
bool is_below(const struct layers *l, unsigned layer);
int below_walk(struct layers *l, const char *path, size_t *end, struct lnode *out, char *target);
int below_child(struct layers *l, const char *path, size_t end, struct lnode *out);
int lower_open(struct layers *l, unsigned layer, const char *path, int flags);
bool lower_accessible(struct layers *l, const struct lnode *n, const char *path);
ssize_t lower_getxattr(struct layers *l, const struct lnode *n, const char *path, const char *name, void *value,
		       size_t size);
ssize_t lower_listxattr(struct layers *l, const struct lnode *n, const char *path, char *list, size_t size);

/* walk.c */
struct upos {
	struct idir *dir;  /* the upper directory that holds, or would hold, the component */
	struct ient *ent;  /* its entry there, or NULL */
	size_t begin, end; /* the component */
	bool cut;	   /* nothing of the lower layers shows at this name, whatever they hold */
	bool last;	   /* it is the last one */
	struct idir *store; /* the component is a store, and more follows; else NULL */
};
int upper_find(struct layers *l, const char *path, struct upos *u);

struct look {
	struct upos u;
	bool exists;
	bool upper;    /* lives in the upper directory */
	bool opaque;   /* an upper directory that hides the lower ones */
	bool store;    /* a store, or something in one */
	bool below;    /* were the upper directory's entry not there, a lower one would show: `low' is it */
	uint8_t dtype; /* DT_* of the body (virtual devices: DT_REG) */
	struct lnode low;
};
#define LOOK_INIT                                                                                                    \
	{                                                                                                            \
		.low = LNODE_INIT                                                                                    \
	}
#define cleanup_look __attribute__((cleanup(look_put)))
static inline void look_put(struct look *k)
{
	lnode_put(&k->low);
}
int look_up(struct layers *l, const char *path, struct look *k);
int look_up_existing(struct layers *l, const char *path, struct look *k);
bool path_hidden(const struct layers *l, const char *path, size_t *end);
static inline const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
int parent_path(const char *path, char *buf);
bool path_is_below(const char *path, const char *dir);

/* vstat.c */
struct vattr {
	uid_t uid;
	gid_t gid;
	mode_t mode; /* with the type as shown */
	dev_t rdev;
};
int vattr_get(struct layers *l, const struct obj *o, const struct statx *raw, struct vattr *a, bool *recorded);
int vattr_put(struct layers *l, const struct obj *o, const struct statx *raw, bool recorded, const struct vattr *a);
bool vattr_shown_raw(struct layers *l, const struct vattr *a);
void vattr_text(const struct vattr *a, char buf[64]);
int vattr_put_text(struct layers *l, const struct obj *o, const char *text);
void vattr_of_statx(const struct statx *st, struct vattr *a);
void vattr_patch(const struct vattr *a, struct statx *st);
void vattr_forget(struct layers *l, const struct statx *raw);
mode_t raw_mode(const struct layers *l, mode_t mode);
uint8_t upper_vtype(struct layers *l, const char *path, struct ient *e);
int vstat_file_read(struct layers *l, const struct statx *raw, char *buf, size_t size);
bool vstat_in_xattr(const struct layers *l, unsigned mode);
ssize_t kept_get(struct layers *l, const struct obj *o, const struct statx *raw, const char *key, void *v, size_t n);
int kept_set(struct layers *l, const struct obj *o, const struct statx *raw, const char *key, const void *v, size_t n,
	     int flags);
int kept_remove(struct layers *l, const struct obj *o, const struct statx *raw, const char *key);
ssize_t kept_list(struct layers *l, const struct statx *raw, char *list, size_t size);

/* stat.c */
int fd_host(int fd, char *host);
int upper_stat(struct layers *l, const char *path, const struct obj *o, struct statx *st);

/* xattr.c */
int xattr_copy_all(struct layers *l, const struct lnode *low, const char *path, const struct obj *to,
		   const struct statx *raw);
ssize_t upper_getxattr(struct layers *l, const struct obj *o, const char *name, void *value, size_t size);
int upper_setxattr(struct layers *l, const struct obj *o, const char *name, const void *value, size_t size,
		   int flags);
int upper_removexattr(struct layers *l, const struct obj *o, const char *name);
ssize_t upper_listxattr(struct layers *l, const struct obj *o, char *list, size_t size);

/* acl.c */
#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"
#define ACL_MAX 4096
int acl_to_mode(const void *acl, size_t size, mode_t *mode);
int acl_chmod(void *acl, size_t size, mode_t mode);
int acl_mask_by_mode(void *acl, size_t size, mode_t *mode);

/* store.c */
enum store { STORE_OUT, STORE_ITSELF, STORE_IN };
enum store store_at(struct layers *l, const char *path, struct idir **dir);
bool store_has(struct layers *l, const char *path);
bool store_xattr(const char *name);
bool store_marked(struct layers *l, int dirfd);
int store_record(struct layers *l, const struct obj *o, const struct statx *raw, char *buf, size_t size);
int store_put(struct layers *l, const struct obj *o, const struct statx *raw, const char *text);
int store_show(struct layers *l, const char *path, struct idir *dir, struct statx *st);
int store_chown(struct layers *l, const char *path, const struct obj *o, uid_t uid, gid_t gid);
ssize_t store_getxattr(struct layers *l, const char *path, const struct obj *o, const char *name, void *value, size_t size);
ssize_t store_listxattr(struct layers *l, const char *path, const struct obj *o, char *list, size_t size);
int store_of_fd(struct layers *l, int fd, char path[PATH_MAX], struct idir **dir);
int store_guard(struct layers *l, const char *path, int *guard);

/* links.c */
bool links_any(struct layers *l);
bool links_hold(struct layers *l, uint64_t ino);
int links_find(struct layers *l, const struct statx *lower, char name[80]);
int links_take(struct layers *l, const char *name, int dirfd, const char *path);
void links_add(struct layers *l, const struct statx *lower, int dirfd, const char *path, uint64_t ino);
void links_drop_if_last(struct layers *l, uint64_t ino);
void links_unload(struct layers *l);

/* whiteout.c */
int whiteout_make(struct layers *l, const char *path);
int whiteout_beside(struct layers *l, const char *path);
int whiteout_beside_remove(struct layers *l, const char *path);
int whiteout_over(struct layers *l, const char *path, uint8_t dtype);
int opaque_set(struct layers *l, const struct obj *o);
bool opaque_get(const struct layers *l, int dirfd);
int publish(struct layers *l, const char *tmp, const char *path, uint8_t dtype, uint8_t vtype);
int publish_keeping(struct layers *l, const char *tmp, const char *path, uint8_t dtype, uint8_t vtype);

/* copyup.c */
enum copy_up_flags { COPY_UP_NO_DATA = 1 };
int copy_up(struct layers *l, const char *path, int flags);
int copy_up_parent(struct layers *l, const char *path);
int copy_up_tree(struct layers *l, const char *path);

/* origin.c */
#define ORIGIN_MAX 1024 /* without the path where that is too long */
void origin_put(const struct obj *o, const char *path, const struct statx *low);
bool origin_stale(const struct obj *o, const char *path, const struct statx *low);
void origin_number(struct layers *l, const struct obj *o, struct statx *st);
uint64_t origin_ino(struct layers *l, const struct obj *o);


/* copydata.c */
#define STAGE_MIN (4u << 20) /* bytes; some milliseconds */
int stage_data(struct layers *l, const struct statx *low, int from, const char *tmp);
int copy_data(int from, int to, uint64_t size);

/* made.c */
bool made_wanted(struct layers *l, const char *path);
bool made_descends(struct layers *l, const char *path, const struct statx *lower);
int made_fill(struct layers *l, const char *path, int fd, const struct statx *lower);

/* create.c */
int create_file(struct layers *l, const char *path, struct look *k, int flags, mode_t mode,
		const struct layers_owner *owner);
int create_prepare(struct layers *l, const char *path, struct look *k);
int name_allowed(const struct layers *l, const char *path);

/* remove.c */
bool forget_needed(struct layers *l, uint8_t dtype);
void forget_upper(struct layers *l, const struct statx *raw);
int merged_empty(struct layers *l, const char *path);

/*
 * native.c: the same operation done to a real directory.  GO_ON: it is not to be, or could not be, done there; do it
 * in the upper directory.  A stack without an upper directory gets -EROFS instead.
 */
#define GO_ON (-10000)
int native_open(struct layers *l, const char *path, int flags, mode_t mode, const struct layers_owner *owner);
int native_open_in_store(struct layers *l, const char *path, int flags, mode_t mode);
int native_mkdir(struct layers *l, const char *path, mode_t mode, const struct layers_owner *owner);
int native_mknod(struct layers *l, const char *path, mode_t mode, dev_t rdev, const struct layers_owner *owner);
int native_symlink(struct layers *l, const char *target, const char *path);
int native_unlink(struct layers *l, const char *path, int flags);
int native_link(struct layers *l, const char *oldpath, const char *newpath);
int native_link_fd(struct layers *l, const char *proc, bool hosts, const char *newpath);
int native_rename(struct layers *l, const char *oldpath, const char *newpath, unsigned flags);
int native_chmod(struct layers *l, const char *path, mode_t mode);
int native_chown(struct layers *l, const char *path, uid_t uid, gid_t gid);
int native_utimens(struct layers *l, const char *path, const struct timespec times[2]);
int native_truncate(struct layers *l, const char *path, off_t size);
int native_setxattr(struct layers *l, const char *path, const char *name, const void *value, size_t size, int flags);
int native_removexattr(struct layers *l, const char *path, const char *name);

/* path of an upper object or the root itself */
static inline struct obj upper_obj(const struct layers *l, const char *path)
{
	return OBJ_AT(l->layer[0].fd, path);
}
static inline struct timespec statx_time(struct statx_timestamp t)
{
	return (struct timespec){.tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec};
}

#endif
