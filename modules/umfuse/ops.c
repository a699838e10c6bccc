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
	int err = tree_find(fs, path, &node);

	(void)unused;
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
	int err = tree_find(fs, path, &node);

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
	err = tree_find(fs, path, &node);
	if (err == 0)
		err = tree_attr(fs, node, &attr);
	if (err < 0)
		return err;
	return S_ISREG(attr.mode) && !(attr.mode & 0111) ? -EACCES : 0;
}

/* ------------------------------------------------------------------------------------------------------------------- */

static void op_umount(struct um_fs *fs)
{
	fs->mounted = false;
	if (fs->forced || !fs->ready) /* its thread waits for a server that has never answered */
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
