// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations that change attributes, and those on extended ones. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "umfuse.h"

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
	int err = tree_find(fs, path, &node);

	if (err == 0 && node->body != NULL && node->body->plain)
		err = body_write_back(node->body);
	return err == 0 ? op_setattr(fs, node, in) : err;
}

int op_chmod(struct um_fs *fs, const char *path, mode_t mode)
{
	struct fuse_setattr_in in = { .valid = FATTR_MODE };
	struct node *node = NULL;
	int err = tree_find(fs, path, &node);

	if (err < 0)
		return err;
	in.mode = (mode & 07777) | (node->attr.mode & S_IFMT);
	return change_attr(fs, path, &in);
}

int op_chown(struct um_fs *fs, const char *path, uid_t uid, gid_t gid)
{
	struct fuse_setattr_in in = { .uid = uid, .gid = gid };

	in.valid = (uid != (uid_t)-1 ? FATTR_UID : 0) | (gid != (gid_t)-1 ? FATTR_GID : 0);
	return change_attr(fs, path, &in);
}

int op_utimens(struct um_fs *fs, const char *path, const struct timespec times[2])
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

int op_fchmod(struct um_fs *fs, int fd, mode_t mode)
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

int op_fchown(struct um_fs *fs, int fd, uid_t uid, gid_t gid)
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
	int err = tree_find(fs, path, &node);

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

ssize_t op_getxattr(struct um_fs *fs, const char *path, const char *name, void *value, size_t size)
{
	return xattr_read(fs, path, FUSE_GETXATTR, name, value, size);
}

ssize_t op_listxattr(struct um_fs *fs, const char *path, char *list, size_t size)
{
	ssize_t n = xattr_read(fs, path, FUSE_LISTXATTR, NULL, list, size);

	if (n > 0 && size > 0 && list[n - 1] != '\0')
		return -EIO;
	return n == -EOPNOTSUPP ? 0 : n;
}

int op_setxattr(struct um_fs *fs, const char *path, const char *name, const void *value, size_t size, int flags)
{
	struct fuse_setxattr_in in = { .size = (uint32_t)size, .flags = (uint32_t)flags };
	size_t head = FUSE_COMPAT_SETXATTR_IN_SIZE, len = strlen(name) + 1;
	struct request *r;
	struct node *node = NULL;
	char *args;
	int err = tree_find(fs, path, &node);

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

int op_removexattr(struct um_fs *fs, const char *path, const char *name)
{
	struct request *r;
	struct node *node = NULL;
	int err = tree_find(fs, path, &node);

	if (err == 0)
		err = ask(fs, FUSE_REMOVEXATTR, node->id, name, strlen(name) + 1, &r);
	if (err == 0)
		tree_stale(node);
	return err == -ENOSYS ? -EOPNOTSUPP : err;
}
