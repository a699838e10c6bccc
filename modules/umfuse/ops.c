// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Operations on names and attributes.  Each is a function of what the server answers (umfuse.h): it may run several times,
 * and changes what is known of the tree only when it is over (journal_finally).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "umfuse.h"

/* --- looking ------------------------------------------------------------------------------------------------------- */

int read_link(struct um_fs *fs, struct node *node, char *target)
{
	struct request *r;
	int err;

	if (node->target != NULL && node->attr_until > now_ns()) {
		strcpy(target, node->target);
		return 0;
	}
	err = ask(fs, FUSE_READLINK, node->id, NULL, 0, &r);
	if (err < 0)
		return err;
	if (r->reply_len == 0 || r->reply_len >= PATH_MAX || memchr(r->reply, '\0', r->reply_len) != NULL)
		return -EIO;
	memcpy(target, r->reply, r->reply_len);
	target[r->reply_len] = '\0';
	free(node->target);
	node->target = strdup(target);
	return 0;
}

static int op_walk(struct um_fs *fs, const char *path, size_t *end, struct um_node *out, char *target)
{
	struct node *node = fs->root;
	char name[PATH_MAX];
	size_t at = 0;
	int err = *path != '\0' ? fs_begin(fs) : 0; /* the root is known, whatever has become of the server */

	*end = 0;
	while (err == 0 && path[at] != '\0') {
		size_t n = strcspn(path + at, "/");

		memcpy(name, path + at, n);
		name[n] = '\0';
		*end = at + n;
		err = tree_lookup(fs, node, name, &node);
		if (err < 0)
			return err;
		at += n + (path[at + n] == '/');
		if (S_ISLNK(node->attr.mode)) {
			err = read_link(fs, node, target);
			if (err < 0)
				return err;
			if (path[*end] != '\0') {
				*out = (struct um_node){ .fd = -1, .type = S_IFLNK, .body = UM_BODY_NONE };
				return 1;
			}
		} else if (path[*end] != '\0' && !S_ISDIR(node->attr.mode)) {
			return -ENOTDIR;
		}
	}
	if (err < 0)
		return err;
	*out = (struct um_node){ .fd = -1, .type = node->attr.mode & S_IFMT, .body = UM_BODY_NONE };
	return 0;
}

static struct statx_timestamp stamp(uint64_t sec, uint32_t nsec)
{
	return (struct statx_timestamp){ .tv_sec = (int64_t)sec, .tv_nsec = nsec < 1000000000 ? nsec : 0 };
}

void attr_to_statx(const struct um_fs *fs, const struct fuse_attr *attr, struct statx *st)
{
	*st = (struct statx){
		.stx_mask = STATX_BASIC_STATS, .stx_mode = (uint16_t)attr->mode, .stx_nlink = attr->nlink,
		.stx_uid = attr->uid, .stx_gid = attr->gid, .stx_ino = attr->ino, .stx_size = attr->size,
		.stx_blocks = attr->blocks, .stx_blksize = attr->blksize > 0 ? attr->blksize : 4096,
		.stx_rdev_major = major(attr->rdev), .stx_rdev_minor = minor(attr->rdev),
		.stx_dev_major = major(fs->dev), .stx_dev_minor = minor(fs->dev),
		.stx_atime = stamp(attr->atime, attr->atimensec), .stx_mtime = stamp(attr->mtime, attr->mtimensec),
		.stx_ctime = stamp(attr->ctime, attr->ctimensec),
	};
}

static int op_stat(struct um_fs *fs, const char *path, const struct um_node *unused, struct statx *st)
{
	struct fuse_attr attr;
	struct node *node = NULL;
	int err = fs_begin(fs);

	(void)unused;
	if (err == 0)
		err = tree_find(fs, path, &node);
	if (err == 0)
		err = tree_attr(fs, node, &attr);
	if (err == 0)
		attr_to_statx(fs, &attr, st);
	return err;
}

static int op_statfs(struct um_fs *fs, const char *path, struct statfs *st)
{
	const struct fuse_statfs_out *out;
	struct request *r;
	struct node *node = NULL;
	int err = fs_begin(fs);

	if (err == 0)
		err = tree_find(fs, path, &node);
	*st = (struct statfs){ .f_type = 0x65735546, .f_namelen = 255, .f_bsize = 4096, .f_frsize = 4096 };
	if (err == 0)
		err = ask(fs, FUSE_STATFS, node->id, NULL, 0, &r);
	if (err == -ENOSYS)
		return 0;
	if (err < 0)
		return err;
	out = r->reply;
	if (r->reply_len != sizeof(*out))
		return -EIO;
	st->f_blocks = out->st.blocks;
	st->f_bfree = out->st.bfree;
	st->f_bavail = out->st.bavail;
	st->f_files = out->st.files;
	st->f_ffree = out->st.ffree;
	st->f_bsize = out->st.bsize;
	st->f_frsize = out->st.frsize ? out->st.frsize : out->st.bsize;
	st->f_namelen = out->st.namelen;
	return 0;
}

/* Without default_permissions the server decides; but what has no x is no program. */
static int op_permission(struct um_fs *fs, const char *path, int mask)
{
	struct fuse_attr attr;
	struct node *node = NULL;
	int err;

	if (fs->default_permissions)
		return 1;
	if (!(mask & X_OK))
		return 0;
	err = fs_begin(fs);
	if (err == 0)
		err = tree_find(fs, path, &node);
	if (err == 0)
		err = tree_attr(fs, node, &attr);
	if (err < 0)
		return err;
	return S_ISREG(attr.mode) && !(attr.mode & 0111) ? -EACCES : 0;
}

/* --- changes of names ------------------------------------------------------------------------------------------------ */

/* What is to be known of a name when the operation is over. */
struct change {
	struct node *parent, *node; /* node NULL: nothing is known any more */
	uint64_t seconds;
	uint32_t nsec;
	char name[];
};

static void change_now(struct um_fs *fs, void *arg)
{
	struct change *c = arg;

	tree_stale(c->parent);
	c->parent->changes++;
	if (c->node != NULL && !tree_is_above(fs, c->node, c->parent))
		tree_name(fs, c->parent, c->name, c->node, c->seconds, c->nsec);
	else
		tree_forget_name(fs, c->parent, c->name);
	free(c);
}

static void change_name(struct um_fs *fs, struct node *parent, const char *name, struct node *node,
			const struct fuse_entry_out *entry)
{
	struct change *c = malloc(sizeof(*c) + strlen(name) + 1);

	if (c == NULL)
		return;
	*c = (struct change){ .parent = parent, .node = node };
	if (entry != NULL) {
		c->seconds = entry->entry_valid;
		c->nsec = entry->entry_valid_nsec;
	}
	strcpy(c->name, name);
	journal_finally(fs, change_now, c);
}

/* The answer to a request that has made a name. */
static int made(struct um_fs *fs, struct node *parent, const char *name, struct request *r, mode_t type, struct node **out)
{
	const struct fuse_entry_out *entry = r->reply;
	bool first = ask_first(r);
	struct node *node = tree_enter(fs, entry, r->reply_len, first);

	if (node == NULL || (node->attr.mode & S_IFMT) != type)
		return -EIO;
	if (first)
		change_name(fs, parent, name, node, entry);
	if (out != NULL)
		*out = node;
	return 0;
}

static int make(struct um_fs *fs, const char *path, uint32_t opcode, const void *args, size_t len, mode_t type,
		struct node **out)
{
	struct node *parent = NULL;
	struct request *r;
	const char *name = NULL;
	int err = fs_begin(fs);

	if (err == 0)
		err = tree_parent(fs, path, &parent, &name);
	if (err == 0 && strlen(name) > 255)
		err = -ENAMETOOLONG;
	if (err == 0)
		err = journal_lock(fs, parent);
	if (err == 0)
		err = ask_named(fs, opcode, parent->id, args, len, name, NULL, &r);
	return err == 0 ? made(fs, parent, name, r, type, out) : err;
}

static uint32_t caller_umask(void)
{
	struct um_caller caller;

	host->caller(&caller);
	return caller.umask;
}

static int op_mkdir(struct um_fs *fs, const char *path, mode_t mode, const struct um_owner *owner)
{
	struct fuse_mkdir_in in = { .mode = mode & 07777, .umask = caller_umask() };

	(void)owner;
	return make(fs, path, FUSE_MKDIR, &in, sizeof(in), S_IFDIR, NULL);
}

int make_node(struct um_fs *fs, const char *path, mode_t mode, dev_t rdev, struct node **out)
{
	struct fuse_mknod_in in = { .mode = mode, .rdev = (uint32_t)rdev, .umask = caller_umask() };

	if ((in.mode & S_IFMT) == 0)
		in.mode |= S_IFREG;
	return make(fs, path, FUSE_MKNOD, &in, sizeof(in), in.mode & S_IFMT, out);
}

static int op_mknod(struct um_fs *fs, const char *path, mode_t mode, dev_t rdev, const struct um_owner *owner)
{
	(void)owner;
	return make_node(fs, path, mode, rdev, NULL);
}

static int op_symlink(struct um_fs *fs, const char *target, const char *path, const struct um_owner *owner)
{
	struct node *parent = NULL;
	struct request *r;
	const char *name = NULL;
	int err = fs_begin(fs);

	(void)owner;
	if (err == 0)
		err = tree_parent(fs, path, &parent, &name);
	if (err == 0 && strlen(name) > 255)
		err = -ENAMETOOLONG;
	if (err == 0)
		err = journal_lock(fs, parent);
	if (err == 0)
		err = ask_named(fs, FUSE_SYMLINK, parent->id, "", 0, name, target, &r);
	return err == 0 ? made(fs, parent, name, r, S_IFLNK, NULL) : err;
}

/* A node's name is about to go: what processes have of it stays with them, and must not be the server's any more. */
static int let_go(struct node *node, const struct fuse_attr *attr)
{
	struct body *b = node->body;
	int err;

	if (b == NULL || !b->plain)
		return 0;
	if (attr->nlink > 1) {
		err = body_write_back(b);
		return err == -UM_STAGE ? err : 0;
	}
	err = body_idle(b);
	if (err == 0)
		body_release(b);
	return err;
}

static void removed_now(struct um_fs *fs, void *arg)
{
	struct node *node = arg;

	(void)fs;
	tree_stale(node);
	if (node->names == NULL && node->body != NULL && node->children == 0)
		body_orphan(node->body);
}

static int op_remove(struct um_fs *fs, const char *path, uint32_t opcode)
{
	struct fuse_attr attr;
	struct node *parent = NULL, *node = NULL;
	struct request *r;
	const char *name = NULL;
	int err = fs_begin(fs);

	if (err == 0)
		err = tree_parent(fs, path, &parent, &name);
	if (err == 0)
		err = journal_lock(fs, parent);
	if (err == 0)
		err = tree_lookup(fs, parent, name, &node);
	if (err == 0)
		err = tree_attr(fs, node, &attr);
	if (err == 0)
		err = let_go(node, &attr);
	if (err == 0)
		err = ask(fs, opcode, parent->id, name, strlen(name) + 1, &r);
	if (err == 0 && ask_first(r)) {
		change_name(fs, parent, name, NULL, NULL);
		journal_finally(fs, removed_now, node);
	}
	return err;
}

static int op_unlink(struct um_fs *fs, const char *path)
{
	return op_remove(fs, path, FUSE_UNLINK);
}

static int op_rmdir(struct um_fs *fs, const char *path)
{
	return op_remove(fs, path, FUSE_RMDIR);
}

static int op_link(struct um_fs *fs, const char *oldpath, const char *newpath)
{
	struct fuse_link_in in = { 0 };
	struct node *node = NULL, *parent = NULL;
	struct request *r;
	const char *name = NULL;
	int err = fs_begin(fs);

	if (err == 0)
		err = tree_find(fs, oldpath, &node);
	if (err == 0)
		err = tree_parent(fs, newpath, &parent, &name);
	if (err == 0)
		err = journal_lock(fs, parent);
	if (err < 0)
		return err;
	in.oldnodeid = node->id;
	err = ask_named(fs, FUSE_LINK, parent->id, &in, sizeof(in), name, NULL, &r);
	if (err < 0)
		return err == -ENOSYS ? -EPERM : err;
	tree_stale(node);
	return made(fs, parent, name, r, node->attr.mode & S_IFMT, NULL);
}

static int op_rename(struct um_fs *fs, const char *oldpath, const char *newpath, unsigned flags)
{
	struct fuse_rename2_in in = { .flags = flags };
	struct node *from = NULL, *to = NULL, *node = NULL, *other = NULL;
	const char *name = NULL, *newname = NULL;
	struct fuse_attr attr;
	struct request *r;
	int err = fs_begin(fs);

	if (err == 0)
		err = tree_parent(fs, oldpath, &from, &name);
	if (err == 0)
		err = tree_parent(fs, newpath, &to, &newname);
	if (err == 0)
		err = journal_lock(fs, from);
	if (err == 0)
		err = journal_lock(fs, to);
	if (err == 0)
		err = tree_lookup(fs, from, name, &node);
	if (err < 0)
		return err;
	if (strlen(newname) > 255)
		return -ENAMETOOLONG;
	err = tree_lookup(fs, to, newname, &other);
	if (err == -ENOENT)
		err = 0;
	if (err == 0 && other != NULL && other != node && !(flags & RENAME_EXCHANGE)) {
		err = tree_attr(fs, other, &attr);
		if (err == 0)
			err = let_go(other, &attr);
	}
	if (err < 0)
		return err;
	in.newdir = to->id;
	if (flags == 0) { /* struct fuse_rename_in is the beginning of it */
		struct fuse_rename_in plain = { .newdir = to->id };

		err = ask_named(fs, FUSE_RENAME, from->id, &plain, sizeof(plain), name, newname, &r);
	} else {
		err = ask_named(fs, FUSE_RENAME2, from->id, &in, sizeof(in), name, newname, &r);
		if (err == -ENOSYS)
			err = -EINVAL;
	}
	if (err == 0 && ask_first(r)) {
		struct fuse_entry_out brief = { .entry_valid = 1 };

		change_name(fs, from, name, flags & RENAME_EXCHANGE ? other : NULL, &brief);
		change_name(fs, to, newname, node, &brief);
		tree_stale(node);
		if (other != NULL && other != node && !(flags & RENAME_EXCHANGE))
			journal_finally(fs, removed_now, other);
	}
	return err;
}

/* --- changes of attributes --------------------------------------------------------------------------------------------- */

static void stale_now(struct um_fs *fs, void *arg)
{
	(void)fs;
	tree_stale(arg);
}

int op_setattr(struct um_fs *fs, struct node *node, const struct fuse_setattr_in *in)
{
	const struct fuse_attr_out *out;
	struct request *r;
	int err;

	err = ask(fs, FUSE_SETATTR, node->id, in, sizeof(*in), &r);
	if (err < 0)
		return err;
	out = r->reply;
	if (r->reply_len != sizeof(*out) || ((out->attr.mode ^ node->attr.mode) & S_IFMT)) {
		journal_finally(fs, stale_now, node);
		return -EIO;
	}
	if (ask_first(r))
		tree_set_attr(node, &out->attr, out->attr_valid, out->attr_valid_nsec);
	return 0;
}

/* What was written before is older than the attributes that are set now. */
static int change_attr(struct um_fs *fs, const char *path, const struct fuse_setattr_in *in)
{
	struct node *node = NULL;
	int err = fs_begin(fs);

	if (err == 0)
		err = tree_find(fs, path, &node);
	if (err == 0 && node->body != NULL && node->body->plain)
		err = body_write_back(node->body);
	return err == 0 ? op_setattr(fs, node, in) : err;
}

static int op_chmod(struct um_fs *fs, const char *path, mode_t mode)
{
	struct fuse_setattr_in in = { .valid = FATTR_MODE };
	struct node *node = NULL;
	int err = fs_begin(fs);

	if (err == 0)
		err = tree_find(fs, path, &node);
	if (err < 0)
		return err;
	in.mode = (mode & 07777) | (node->attr.mode & S_IFMT);
	return change_attr(fs, path, &in);
}

static int op_chown(struct um_fs *fs, const char *path, uid_t uid, gid_t gid)
{
	struct fuse_setattr_in in = { .uid = uid, .gid = gid };

	in.valid = (uid != (uid_t)-1 ? FATTR_UID : 0) | (gid != (gid_t)-1 ? FATTR_GID : 0);
	return change_attr(fs, path, &in);
}

static int op_utimens(struct um_fs *fs, const char *path, const struct timespec times[2])
{
	struct fuse_setattr_in in = { 0 };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	for (int i = 0; i < 2; i++) {
		struct timespec t = times != NULL ? times[i] : (struct timespec){ .tv_nsec = UTIME_NOW };
		bool is_now = t.tv_nsec == UTIME_NOW;

		if (t.tv_nsec == UTIME_OMIT)
			continue;
		/* The time in the request would be another one each time that the operation runs. */
		if (is_now)
			t = (struct timespec){ 0 };
		if (i == 0) {
			in.valid |= FATTR_ATIME | (is_now ? FATTR_ATIME_NOW : 0);
			in.atime = (uint64_t)t.tv_sec;
			in.atimensec = (uint32_t)t.tv_nsec;
		} else {
			in.valid |= FATTR_MTIME | (is_now ? FATTR_MTIME_NOW : 0);
			in.mtime = (uint64_t)t.tv_sec;
			in.mtimensec = (uint32_t)t.tv_nsec;
		}
	}
	return in.valid != 0 ? change_attr(fs, path, &in) : 0;
}

/* The path of an open body.  -ENOENT: it has none. */
static int path_of_fd(struct um_fs *fs, int fd, char *path, struct body **body)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) < 0)
		return -errno;
	*body = body_of(fs, &st);
	if (*body == NULL)
		return -EXDEV;
	return (*body)->node != NULL ? tree_path(fs, (*body)->node, path) : -ENOENT;
}

static int op_fchmod(struct um_fs *fs, int fd, mode_t mode)
{
	char path[PATH_MAX];
	struct body *body;
	int err = path_of_fd(fs, fd, path, &body);

	if (err == -ENOENT) {
		body->last.mode = (body->last.mode & S_IFMT) | (mode & 07777);
		return 0;
	}
	return err == 0 ? op_chmod(fs, path, mode) : err;
}

static int op_fchown(struct um_fs *fs, int fd, uid_t uid, gid_t gid)
{
	char path[PATH_MAX];
	struct body *body;
	int err = path_of_fd(fs, fd, path, &body);

	if (err == -ENOENT) {
		body->last.uid = uid != (uid_t)-1 ? uid : body->last.uid;
		body->last.gid = gid != (gid_t)-1 ? gid : body->last.gid;
		return 0;
	}
	return err == 0 ? op_chown(fs, path, uid, gid) : err;
}

/* --- extended attributes --------------------------------------------------------------------------------------------- */

/* GETXATTR and LISTXATTR: the value, or its size if @size is 0. */
static ssize_t xattr_read(struct um_fs *fs, const char *path, uint32_t opcode, const char *name, void *buf, size_t size)
{
	struct fuse_getxattr_in in = { .size = (uint32_t)size };
	const struct fuse_getxattr_out *out;
	struct request *r;
	struct node *node = NULL;
	int err = fs_begin(fs);

	if (err == 0)
		err = tree_find(fs, path, &node);
	if (err == 0)
		err = ask_named(fs, opcode, node->id, &in, sizeof(in), name, NULL, &r);
	if (err < 0)
		return err == -ENOSYS ? -EOPNOTSUPP : err;
	out = r->reply;
	if (size == 0)
		return r->reply_len == sizeof(*out) ? (out->size <= XATTR_LIST_MAX ? (ssize_t)out->size : -E2BIG) : -EIO;
	if (r->reply_len > size)
		return -EIO;
	if (r->reply_len > 0)
		memcpy(buf, r->reply, r->reply_len);
	return (ssize_t)r->reply_len;
}

static ssize_t op_getxattr(struct um_fs *fs, const char *path, const char *name, void *value, size_t size)
{
	return xattr_read(fs, path, FUSE_GETXATTR, name, value, size);
}

static ssize_t op_listxattr(struct um_fs *fs, const char *path, char *list, size_t size)
{
	ssize_t n = xattr_read(fs, path, FUSE_LISTXATTR, NULL, list, size);

	if (n > 0 && size > 0 && list[n - 1] != '\0')
		return -EIO;
	return n == -EOPNOTSUPP ? 0 : n;
}

static int op_setxattr(struct um_fs *fs, const char *path, const char *name, const void *value, size_t size, int flags)
{
	struct fuse_setxattr_in in = { .size = (uint32_t)size, .flags = (uint32_t)flags };
	size_t head = FUSE_COMPAT_SETXATTR_IN_SIZE, len = strlen(name) + 1;
	struct request *r;
	struct node *node = NULL;
	char *args;
	int err = fs_begin(fs);

	if (err == 0)
		err = tree_find(fs, path, &node);
	if (err < 0)
		return err;
	args = malloc(head + len + size);
	if (args == NULL)
		return -ENOMEM;
	memcpy(args, &in, head);
	memcpy(args + head, name, len);
	if (size > 0)
		memcpy(args + head + len, value, size);
	err = ask(fs, FUSE_SETXATTR, node->id, args, head + len + size, &r);
	free(args);
	if (err == 0)
		tree_stale(node);
	return err == -ENOSYS ? -EOPNOTSUPP : err;
}

static int op_removexattr(struct um_fs *fs, const char *path, const char *name)
{
	struct request *r;
	struct node *node = NULL;
	int err = fs_begin(fs);

	if (err == 0)
		err = tree_find(fs, path, &node);
	if (err == 0)
		err = ask(fs, FUSE_REMOVEXATTR, node->id, name, strlen(name) + 1, &r);
	if (err == 0)
		tree_stale(node);
	return err == -ENOSYS ? -EOPNOTSUPP : err;
}

/* ------------------------------------------------------------------------------------------------------------------- */

static void op_umount(struct um_fs *fs)
{
	fs->mounted = false;
	if (fs->forced)
		channel_shut(fs->channel, host->end_reads);
	flush_stop(fs); /* which ends the server, when nobody needs it any more */
	fs_unref(fs);
}

const struct um_fs_ops fuse_ops = {
	.walk = op_walk,
	.stat = op_stat,
	.patch_stat = op_patch_stat,
	.statfs = op_statfs,
	.open = op_open,
	.mkdir = op_mkdir,
	.mknod = op_mknod,
	.symlink = op_symlink,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.link = op_link,
	.rename = op_rename,
	.chmod = op_chmod,
	.chown = op_chown,
	.utimens = op_utimens,
	.truncate = op_truncate,
	.fchmod = op_fchmod,
	.fchown = op_fchown,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.setxattr = op_setxattr,
	.removexattr = op_removexattr,
	.readdir = op_readdir,
	.path_of = op_path_of,
	.body = op_body,
	.bind = op_bind,
	.permission = op_permission,
	.fsync = op_fsync,
	.ftruncate = op_ftruncate,
	.fallocate = op_fallocate,
	.touch = op_touch,
	.leave = op_leave,
	.umount = op_umount,
};
