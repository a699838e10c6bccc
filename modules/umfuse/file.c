// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening files and directories: from a node to a body (body.c), and what concerns open ones. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "umfuse.h"

static bool writes(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

/* What the server is told: it gets offsets with the data, so appending is not its business. */
static uint32_t server_flags(const struct um_fs *fs, int flags)
{
	flags &= ~(O_CREAT | O_EXCL | O_NOCTTY | O_APPEND | O_CLOEXEC | O_DIRECT | O_NOFOLLOW);
	if (!(fs->flags & FUSE_ATOMIC_O_TRUNC))
		flags &= ~O_TRUNC;
	return (uint32_t)flags;
}

/* Have the server open it, and decide whether what the body has is still right. */
static int open_at_server(struct um_fs *fs, struct node *node, struct body *b, int flags)
{
	struct fuse_open_in in = { .flags = server_flags(fs, flags) };
	const struct fuse_open_out *out;
	struct request *r;
	int err;

	err = ask(fs, FUSE_OPEN, node->id, &in, sizeof(in), &r);
	if (err == -ENOSYS)
		return 0; /* it needs none */
	if (err < 0)
		return err;
	out = r->reply;
	if (r->reply_len != sizeof(*out))
		return -EIO;
	if (!ask_first(r))
		return 0;
	body_take_handle(b, out->fh, writes(flags));
	b->direct = out->open_flags & FOPEN_DIRECT_IO;
	if (b->filled && !b->written && (!(out->open_flags & FOPEN_KEEP_CACHE) || body_is_older(b, &node->attr)))
		b->filled = false;
	return 0;
}

/* The file is empty from now on. */
static int cut(struct um_fs *fs, struct node *node, struct body *b, uint64_t size, bool told)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = size };
	int err;

	if (!told) {
		if (b != NULL && b->has_fh[1]) {
			in.valid |= FATTR_FH;
			in.fh = b->fh[1];
		}
		err = op_setattr(fs, node, &in);
		if (err < 0)
			return err;
	}
	err = b != NULL ? body_idle(b) : 0;
	if (err < 0 || b == NULL || (!b->filled && size > 0))
		return err;
	lazy_cut(b, size);
	body_cut(b, size);
	err = body_resize(b, size);
	if (err < 0)
		return err;
	b->filled = true;
	b->size = size;
	tree_stale(node);
	return 0;
}

static int open_file(struct um_fs *fs, struct node *node, int flags)
{
	bool cuts = flags & O_TRUNC;
	struct fuse_attr attr;
	struct body *b = NULL;
	int access = flags, err = tree_attr(fs, node, &attr);

	if (err == 0)
		err = body_make(fs, node, NULL, &b);
	if (err < 0)
		return err;
	/* What it has must be read before a part of it is written. */
	if ((flags & O_ACCMODE) == O_WRONLY && !cuts && (attr.size > 0 || b->filled))
		access = (flags & ~O_ACCMODE) | O_RDWR;
	err = open_at_server(fs, node, b, access);
	if (err < 0)
		return err;
	if (cuts)
		err = cut(fs, node, b, 0, fs->flags & FUSE_ATOMIC_O_TRUNC);
	if (err == 0 && !b->filled)
		err = lazy_start(b, node->attr.size);
	if (err >= 0)
		err = body_fill(b);
	if (err == 0 && writes(flags))
		err = body_note(b);
	return err < 0 ? err : body_open_waiting(b, flags);
}

/* Only while the operation lasts: a name that it has made is not in the tree yet. */
struct created {
	struct node *parent, *node;
	uint64_t seconds;
	uint32_t nsec;
	char name[];
};

static void created_now(struct um_fs *fs, void *arg)
{
	struct created *c = arg;

	tree_name(fs, c->parent, c->name, c->node, c->seconds, c->nsec);
	c->parent->changes++;
	tree_stale(c->parent);
	free(c);
}

static int create_file(struct um_fs *fs, struct node *parent, const char *name, int flags, mode_t mode)
{
	struct fuse_create_in in = { .flags = server_flags(fs, flags) | O_CREAT | (flags & O_EXCL),
				     .mode = (mode & 07777) | S_IFREG };
	const struct fuse_entry_out *entry;
	const struct fuse_open_out *out;
	struct created *c;
	struct request *r;
	struct node *node = NULL;
	struct body *b = NULL;
	bool first;
	int err;

	if (strlen(name) > 255)
		return -ENAMETOOLONG;
	err = journal_lock(fs, parent);
	if (err < 0)
		return err;
	err = ask_named(fs, FUSE_CREATE, parent->id, &in, sizeof(in), name, NULL, &r);
	if (err < 0)
		return err;
	if (r->reply_len != sizeof(*entry) + sizeof(*out))
		return -EIO;
	first = ask_first(r);
	entry = r->reply;
	out = (const void *)(entry + 1);
	node = tree_enter(fs, entry, sizeof(*entry), first);
	if (node == NULL || !S_ISREG(node->attr.mode))
		return -EIO;
	err = body_make(fs, node, NULL, &b);
	if (err < 0)
		return err;
	if (first) {
		body_take_handle(b, out->fh, true);
		b->filled |= node->attr.size == 0;
		c = malloc(sizeof(*c) + strlen(name) + 1);
		if (c != NULL) {
			*c = (struct created){ parent, node, entry->entry_valid, entry->entry_valid_nsec };
			strcpy(c->name, name);
			journal_finally(fs, created_now, c);
		}
	}
	err = body_fill(b);
	if (err == 0 && writes(flags))
		err = body_note(b);
	return err < 0 ? err : body_open(b, flags);
}

/* A server without CREATE. */
static int make_and_open(struct um_fs *fs, const char *path, int flags, mode_t mode)
{
	struct node *node = NULL;
	int err = make_node(fs, path, (mode & 07777) | S_IFREG, 0, &node);

	return err == 0 ? open_file(fs, node, flags & ~(O_CREAT | O_EXCL)) : err;
}

int op_open(struct um_fs *fs, const char *path, int flags, mode_t mode, const struct um_owner *owner)
{
	struct node *parent = NULL, *node = NULL;
	const char *name = NULL;
	struct body *b = NULL;
	int err;

	(void)owner;
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return -EOPNOTSUPP;
	err = tree_find(fs, path, &node);
	if (err == -ENOENT && (flags & O_CREAT)) {
		err = tree_parent(fs, path, &parent, &name);
		if (err < 0)
			return err;
		if (fs->missing >> FUSE_CREATE & 1)
			return make_and_open(fs, path, flags, mode);
		err = create_file(fs, parent, name, flags, mode);
		return err == -ENOSYS ? make_and_open(fs, path, flags, mode) : err;
	}
	if (err < 0)
		return err;
	if (S_ISREG(node->attr.mode))
		return open_file(fs, node, flags);
	if (!S_ISDIR(node->attr.mode))
		return -ENXIO;
	err = body_make(fs, node, NULL, &b);
	return err < 0 ? err : body_open(b, flags);
}

int op_body(struct um_fs *fs, const char *path)
{
	char target[PATH_MAX];
	struct node *node = NULL;
	struct body *b = NULL;
	int err = tree_find(fs, path, &node);

	if (err == 0 && S_ISLNK(node->attr.mode))
		err = read_link(fs, node, target);
	if (err == 0)
		err = body_make(fs, node, target, &b);
	return err < 0 ? err : body_open(b, O_PATH);
}

/* bind(2): the server makes a socket's node, and the body is what others connect to. */
int op_bind(struct um_fs *fs, const char *path, int sock, const char *name, mode_t mode, const struct um_owner *owner)
{
	struct node *node;
	int err = make_node(fs, path, (mode & 07777) | S_IFSOCK, 0, &node);

	(void)name, (void)owner;
	return err == 0 ? body_bind(fs, node, sock) : err;
}

int op_truncate(struct um_fs *fs, const char *path, off_t size)
{
	struct node *node = NULL;
	int err = tree_find(fs, path, &node);

	return err == 0 ? cut(fs, node, node->body, (uint64_t)size, false) : err;
}

/* --- open bodies ----------------------------------------------------------------------------------------------------- */

int op_path_of(struct um_fs *fs, const char *body, char *path)
{
	const struct node *node;
	const char *name;
	uint64_t id;
	char *end;

	if (depot_of(fs, body, &name) == NULL)
		return -ENOENT;
	id = strtoull(name, &end, 16);
	node = *end == '\0' ? tree_node(fs, id) : NULL;
	return node != NULL ? tree_path(fs, node, path) : -ENOENT;
}

int op_patch_stat(struct um_fs *fs, int fd, struct statx *st)
{
	struct body *b = body_of(fs, st);
	struct fuse_attr attr;
	int err;

	(void)fd;
	if (b == NULL)
		return 0;
	if (b->node == NULL) { /* it was removed, and lives on here alone */
		attr = b->last;
		attr.size = st->stx_size;
		attr.blocks = st->stx_blocks;
		attr.nlink = 0;
		attr_to_statx(fs, &attr, st);
	} else {
		fs_notices(fs);
		err = channel_dead(fs->channel) ? -ENOTCONN : tree_attr(fs, b->node, &attr);
		if (err == 0 && b->open && !b->filled && b->plain) /* by a notice, or newer attributes */
			err = body_fill(b);
		if (err < 0)
			return err;
		attr_to_statx(fs, &attr, st);
	}
	return 1;
}

struct body *body_of_fd(struct um_fs *fs, int fd)
{
	struct statx st;

	return statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st) < 0 ? NULL : body_of(fs, &st);
}

int op_fsync(struct um_fs *fs, int fd, bool data_only)
{
	struct body *b = NULL;
	int err;

	(void)data_only;
	b = body_of_fd(fs, fd);
	if (b == NULL)
		return -EXDEV;
	if (!b->plain || b->orphan)
		return 0;
	if (channel_dead(fs->channel))
		return -EIO;
	err = body_write_back(b);
	if (err == 0 && (b->has_fh[0] || b->has_fh[1] || (fs->missing >> FUSE_OPEN & 1)))
		err = body_sync(b);
	if (err != -UM_STAGE && b->error != 0) { /* of before, that nobody knows yet */
		err = b->error;
		b->error = 0;
	}
	return err;
}

int op_ftruncate(struct um_fs *fs, int fd, off_t size)
{
	struct body *b = body_of_fd(fs, fd);

	if (b == NULL)
		return -EXDEV;
	if (!b->plain || b->orphan)
		return 1;
	return channel_dead(fs->channel) ? -ENOTCONN : cut(fs, b->node, b, (uint64_t)size, false);
}

int op_fallocate(struct um_fs *fs, int fd, int mode, off_t offset, off_t len)
{
	struct body *b = body_of_fd(fs, fd);
	struct fuse_fallocate_in in = { .offset = (uint64_t)offset, .length = (uint64_t)len, .mode = (uint32_t)mode };
	struct request *r;
	int err;

	if (b == NULL)
		return -EXDEV;
	if (!b->plain || b->orphan)
		return 1;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (channel_dead(fs->channel))
		return -ENOTCONN;
	/* What the server would overwrite must be there first. */
	err = body_write_back(b);
	if (err < 0)
		return err;
	in.fh = b->fh[!!b->has_fh[1]];
	err = ask(fs, FUSE_FALLOCATE, b->node->id, &in, sizeof(in), &r);
	if (err < 0)
		return err == -ENOSYS ? -EOPNOTSUPP : err;
	err = body_idle(b);
	if (err < 0)
		return err;
	err = body_allocate(b, mode, offset, len);
	if (err < 0)
		return err;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && (uint64_t)(offset + len) > b->size)
		b->size = (uint64_t)(offset + len);
	body_forget(b, (uint64_t)offset);
	lazy_forget(b);
	tree_stale(b->node);
	return 0;
}

int op_ioctl(int fd, unsigned request, void *arg, int *result)
{
	struct {
		struct fuse_ioctl_in in;
		char data[256];
	} ask_with = { .in = { .cmd = request } };
	bool flags = request == FS_IOC_GETFLAGS || request == FS_IOC_SETFLAGS; /* an int, though they say long */
	size_t size = flags ? sizeof(int) : _IOC_SIZE(request);
	const struct fuse_ioctl_out *out;
	struct request *r;
	struct body *b = NULL;
	struct um_fs *fs;
	int err = device_ioctl(fd, request, arg, result);

	for (fs = mounted; err == -EXDEV && fs != NULL && b == NULL; fs = b == NULL ? fs->next : fs)
		b = body_of_fd(fs, fd);
	if (err != -EXDEV || b == NULL)
		return err;
	if (b->node == NULL || size > sizeof(ask_with.data) || channel_dead(fs->channel))
		return -ENOTTY;
	ask_with.in.fh = b->fh[!!b->has_fh[1]];
	ask_with.in.flags = S_ISDIR(b->type) ? FUSE_IOCTL_DIR : 0;
	if (_IOC_DIR(request) & _IOC_WRITE) {
		ask_with.in.in_size = (uint32_t)size;
		memcpy(ask_with.data, arg, size);
	}
	if (_IOC_DIR(request) & _IOC_READ)
		ask_with.in.out_size = (uint32_t)size;
	err = ask(fs, FUSE_IOCTL, b->node->id, &ask_with, sizeof(ask_with.in) + ask_with.in.in_size, &r);
	if (err < 0)
		return err == -ENOSYS ? -ENOTTY : err;
	out = r->reply;
	if (r->reply_len < sizeof(*out) || r->reply_len - sizeof(*out) > ask_with.in.out_size ||
	    (out->flags & FUSE_IOCTL_RETRY))
		return -EIO;
	memcpy(arg, out + 1, r->reply_len - sizeof(*out));
	*result = out->result;
	return out->result < 0 ? out->result : 0;
}
