// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations that make, move and remove names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "umfuse.h"

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
	int err = tree_parent(fs, path, &parent, &name);

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

int op_mkdir(struct um_fs *fs, const char *path, mode_t mode, const struct um_owner *owner)
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

int op_mknod(struct um_fs *fs, const char *path, mode_t mode, dev_t rdev, const struct um_owner *owner)
{
	(void)owner;
	return make_node(fs, path, mode, rdev, NULL);
}

int op_symlink(struct um_fs *fs, const char *target, const char *path, const struct um_owner *owner)
{
	struct node *parent = NULL;
	struct request *r;
	const char *name = NULL;
	int err = tree_parent(fs, path, &parent, &name);

	(void)owner;
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

	if (b == NULL || !b->plain)
		return 0;
	if (attr->nlink > 1) {
		int err = body_write_back(b);

		return err == -UM_STAGE ? err : 0;
	}
	return body_release_waiting(b); /* libfuse hides what is removed while it is open */
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
	int err = tree_parent(fs, path, &parent, &name);

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

int op_unlink(struct um_fs *fs, const char *path)
{
	return op_remove(fs, path, FUSE_UNLINK);
}

int op_rmdir(struct um_fs *fs, const char *path)
{
	return op_remove(fs, path, FUSE_RMDIR);
}

int op_link(struct um_fs *fs, const char *oldpath, const char *newpath)
{
	struct fuse_link_in in = { 0 };
	struct node *node = NULL, *parent = NULL;
	struct request *r;
	const char *name = NULL;
	int err = tree_find(fs, oldpath, &node);

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

int op_rename(struct um_fs *fs, const char *oldpath, const char *newpath, unsigned flags)
{
	struct fuse_rename2_in in = { .flags = flags };
	struct node *from = NULL, *to = NULL, *node = NULL, *other = NULL;
	const char *name = NULL, *newname = NULL;
	struct fuse_attr attr;
	struct request *r;
	int err = tree_parent(fs, oldpath, &from, &name);

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
