// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * memfs: a file system in memory, with libfuse3's low-level interface, for the tests of umfuse.
 *
 *	memfs [-f] [-s] [-o OPTIONS] DIR
 *
 * Besides libfuse's own options (default_permissions, allow_other, ...):
 *
 *	timeout=S		for how long the client may keep entries and attributes (86400; 0: not at all)
 *	direct_io keep_cache	how files are opened
 *	noopen noopendir	these are answered ENOSYS
 *	nocreate		so is CREATE
 *	writeback		the client's cache may be written back later
 *	slow=MS			each request takes that long
 *	fail=OP:ERRNO		requests of that kind fail with this number; may be given several times
 *	size=BYTES		of all data together
 *	max_write=BYTES
 *	fill=N			at first there is a directory "many" with that many empty files
 *	content=TEXT		and a file "content" with this text
 *	log=FILE		a line for each request: its kind and node
 *	control=FIFO		commands are read from there (memcontrol.c)
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "tests/fuse/memfs.h"
#include "tests/fuse/memioctl.h"

struct memfs memfs = { .timeout = 86400 };
pthread_mutex_t memfs_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	char *what;
	int error;
} failing[16];

static const struct fuse_opt options[] = {
	{ "timeout=%lf", offsetof(struct memfs, timeout), 0 },
	{ "direct_io", offsetof(struct memfs, direct_io), 1 },
	{ "keep_cache", offsetof(struct memfs, keep_cache), 1 },
	{ "noopen", offsetof(struct memfs, noopen), 1 },
	{ "noopendir", offsetof(struct memfs, noopendir), 1 },
	{ "nocreate", offsetof(struct memfs, nocreate), 1 },
	{ "writeback", offsetof(struct memfs, writeback), 1 },
	{ "slow=%u", offsetof(struct memfs, slow), 0 },
	{ "size=%lu", offsetof(struct memfs, size), 0 },
	{ "max_write=%u", offsetof(struct memfs, max_write), 0 },
	{ "fill=%u", offsetof(struct memfs, fill), 0 },
	{ "content=%s", offsetof(struct memfs, content), 0 },
	{ "log=%s", offsetof(struct memfs, log), 0 },
	{ "control=%s", offsetof(struct memfs, control), 0 },
	FUSE_OPT_KEY("fail=", 'F'),
	FUSE_OPT_END,
};

static int option(void *data, const char *arg, int key, struct fuse_args *args)
{
	static int n;

	(void)data;
	(void)args;
	if (key != 'F')
		return 1;
	if (n == 15 || sscanf(arg, "fail=%m[^:]:%d", &failing[n].what, &failing[n].error) != 2) {
		fprintf(stderr, "memfs: %s: not fail=OP:ERRNO, or too many of them\n", arg);
		return -1;
	}
	n++;
	return 0;
}

/*
 * Begins each request: waits, logs, fails if that was asked for, and takes the lock.  NULL: it has been answered.
 */
static struct node *begin(fuse_req_t req, const char *what, fuse_ino_t ino)
{
	struct node *node;
	int error = 0;

	if (memfs.slow)
		usleep(memfs.slow * 1000);
	for (int i = 0; failing[i].what; i++) {
		if (!strcmp(failing[i].what, what))
			error = failing[i].error;
	}
	pthread_mutex_lock(&memfs_lock);
	if (memfs.log_file) {
		fprintf(memfs.log_file, "%s %lu\n", what, (unsigned long)ino);
		fflush(memfs.log_file);
	}
	node = store_node(ino);
	if (!error && !node)
		error = ESTALE;
	if (!error)
		return node;
	pthread_mutex_unlock(&memfs_lock);
	fuse_reply_err(req, error);
	return NULL;
}

static void end(void)
{
	pthread_mutex_unlock(&memfs_lock);
}

/* Ends a request whose answer is success or an error. */
static void finish(fuse_req_t req, int rc)
{
	end();
	fuse_reply_err(req, -rc);
}

static struct fuse_entry_param known(struct node *node)
{
	node->lookups++;
	return (struct fuse_entry_param){
		.ino = node->st.st_ino,
		.generation = 1,
		.attr = node->st,
		.attr_timeout = memfs.timeout,
		.entry_timeout = memfs.timeout,
	};
}

/* Ends a request that made or found a node, which is looked at if rc is 0. */
static void finish_entry(fuse_req_t req, int rc, struct node **made)
{
	struct fuse_entry_param entry;

	if (rc) {
		finish(req, rc);
		return;
	}
	entry = known(*made);
	end();
	fuse_reply_entry(req, &entry);
}

static void finish_attr(fuse_req_t req, struct node *node)
{
	struct stat st = node->st;

	end();
	fuse_reply_attr(req, &st, memfs.timeout);
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static void memfs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *dir = begin(req, "lookup", parent);
	struct entry *entry = dir ? store_find(dir, name) : NULL;

	if (!dir)
		return;
	if (entry) {
		finish_entry(req, 0, &entry->child);
	} else if (memfs.timeout > 0 && strlen(name) <= 255) { /* the client may remember that there is none */
		struct fuse_entry_param none = { .entry_timeout = memfs.timeout };

		end();
		fuse_reply_entry(req, &none);
	} else {
		finish(req, strlen(name) > 255 ? -ENAMETOOLONG : -ENOENT);
	}
}

static void forget_one(fuse_ino_t ino, uint64_t lookups)
{
	struct node *node = store_node(ino);

	if (memfs.log_file)
		fprintf(memfs.log_file, "forget %lu\n", (unsigned long)ino);
	if (node)
		store_forget(node, lookups);
}

static void memfs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	pthread_mutex_lock(&memfs_lock);
	forget_one(ino, lookups);
	end();
	fuse_reply_none(req);
}

static void memfs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	pthread_mutex_lock(&memfs_lock);
	for (size_t i = 0; i < count; i++)
		forget_one(forgets[i].ino, forgets[i].nlookup);
	end();
	fuse_reply_none(req);
}

static int make(fuse_req_t req, struct node *dir, const char *name, mode_t mode, dev_t rdev, struct node **made)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return store_make(dir, name, mode, rdev, ctx->uid, ctx->gid, made);
}

static void memfs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct node *dir = begin(req, "mknod", parent), *node;

	if (dir)
		finish_entry(req, make(req, dir, name, mode, rdev, &node), &node);
}

static void memfs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct node *dir = begin(req, "mkdir", parent), *node;

	if (dir)
		finish_entry(req, make(req, dir, name, S_IFDIR | mode, 0, &node), &node);
}

static void memfs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct node *dir = begin(req, "symlink", parent), *node;
	int rc;

	if (!dir)
		return;
	rc = make(req, dir, name, S_IFLNK | 0777, 0, &node);
	if (!rc) {
		node->target = strdup(target);
		node->st.st_size = strlen(target);
	}
	finish_entry(req, rc, &node);
}

static void memfs_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct node *node = begin(req, "readlink", ino);

	if (!node)
		return;
	end();
	if (node->target) /* lives on: the client knows the node */
		fuse_reply_readlink(req, node->target);
	else
		fuse_reply_err(req, EINVAL);
}

static void memfs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct node *node = begin(req, "link", ino);

	if (node)
		finish_entry(req, store_node(parent) ? store_link(node, store_node(parent), name) : -ESTALE, &node);
}

static void memfs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *dir = begin(req, "unlink", parent);

	if (dir)
		finish(req, store_remove(dir, name, false));
}

static void memfs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *dir = begin(req, "rmdir", parent);

	if (dir)
		finish(req, store_remove(dir, name, true));
}

static void memfs_rename(fuse_req_t req, fuse_ino_t from, const char *name, fuse_ino_t to, const char *newname,
			 unsigned int flags)
{
	struct node *dir = begin(req, "rename", from);

	if (dir)
		finish(req, store_node(to) ? store_rename(dir, name, store_node(to), newname, flags) : -ESTALE);
}

/* --- attributes -------------------------------------------------------------------------------------------------- */

static void memfs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *node = begin(req, "getattr", ino);

	(void)fi;
	if (node)
		finish_attr(req, node);
}

static void set_time(struct timespec *time, const struct timespec *wanted, int to_set, int set, int set_now)
{
	if (to_set & set_now)
		touch_now(time, NULL);
	else if (to_set & set)
		*time = *wanted;
}

static void memfs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set, struct fuse_file_info *fi)
{
	struct node *node = begin(req, "setattr", ino);
	int rc = 0;

	(void)fi;
	if (!node)
		return;
	if (to_set & FUSE_SET_ATTR_SIZE)
		rc = store_truncate(node, st->st_size);
	if (rc) {
		finish(req, rc);
		return;
	}
	if (to_set & FUSE_SET_ATTR_MODE)
		node->st.st_mode = (node->st.st_mode & S_IFMT) | (st->st_mode & 07777);
	if (to_set & FUSE_SET_ATTR_UID)
		node->st.st_uid = st->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		node->st.st_gid = st->st_gid;
	touch_now(&node->st.st_ctim, NULL);
	set_time(&node->st.st_atim, &st->st_atim, to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW);
	set_time(&node->st.st_mtim, &st->st_mtim, to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW);
	if (to_set & FUSE_SET_ATTR_CTIME)
		node->st.st_ctim = st->st_ctim;
	finish_attr(req, node);
}

static void memfs_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = { .f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255, .f_files = 1 << 20 };

	if (!begin(req, "statfs", ino))
		return;
	st.f_blocks = (memfs.size ? memfs.size : (uint64_t)1 << 40) / 4096;
	st.f_bfree = st.f_bavail = st.f_blocks - store_used() / 4096;
	st.f_ffree = st.f_favail = st.f_files - store_nodes();
	end();
	fuse_reply_statfs(req, &st);
}

static void memfs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	struct node *node = begin(req, "setxattr", ino);

	if (node)
		finish(req, store_setxattr(node, name, value, size, flags));
}

static void memfs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct node *node = begin(req, "removexattr", ino);

	if (node)
		finish(req, store_removexattr(node, name));
}

/* Ends a request that asks how large something is (room is 0) or for it. */
static void finish_sized(fuse_req_t req, const char *value, size_t size, size_t room)
{
	if (!room)
		fuse_reply_xattr(req, size);
	else if (size > room)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, value, size);
	end();
}

static void memfs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t room)
{
	struct node *node = begin(req, "getxattr", ino);
	struct xattr *xattr = node ? store_getxattr(node, name) : NULL;

	if (!node)
		return;
	if (xattr)
		finish_sized(req, xattr->value, xattr->size, room);
	else
		finish(req, -ENODATA);
}

static void memfs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t room)
{
	struct node *node = begin(req, "listxattr", ino);
	char list[65536];
	size_t size = 0;

	if (!node)
		return;
	for (struct xattr *x = node->xattrs; x && size + 256 < sizeof(list); x = x->next) {
		strcpy(list + size, x->name);
		size += strlen(x->name) + 1;
	}
	finish_sized(req, list, size, room);
}

/* --- data -------------------------------------------------------------------------------------------------------- */

static void memfs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *node;

	if (memfs.noopen) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	node = begin(req, "open", ino);
	if (!node)
		return;
	if (fi->flags & O_TRUNC)
		store_truncate(node, 0);
	end();
	fi->direct_io = memfs.direct_io;
	fi->keep_cache = memfs.keep_cache;
	fuse_reply_open(req, fi);
}

static void memfs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct fuse_entry_param entry;
	struct node *dir, *node;
	int rc;

	if (memfs.nocreate) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	dir = begin(req, "create", parent);
	if (!dir)
		return;
	rc = make(req, dir, name, S_IFREG | (mode & 07777), 0, &node);
	if (rc == -EEXIST && !(fi->flags & O_EXCL)) {
		node = store_find(dir, name)->child;
		rc = fi->flags & O_TRUNC ? store_truncate(node, 0) : 0;
	}
	if (rc) {
		finish(req, rc);
		return;
	}
	entry = known(node);
	end();
	fi->direct_io = memfs.direct_io;
	fi->keep_cache = memfs.keep_cache;
	fuse_reply_create(req, &entry, fi);
}

static void memfs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct node *node = begin(req, "read", ino);
	char *data;
	ssize_t got;

	(void)fi;
	if (!node)
		return;
	data = malloc(size);
	got = data ? store_read(node, data, size, offset) : -ENOMEM;
	end();
	if (got < 0)
		fuse_reply_err(req, -got);
	else
		fuse_reply_buf(req, data, got);
	free(data);
}

static void memfs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
			struct fuse_file_info *fi)
{
	struct node *node = begin(req, "write", ino);
	ssize_t written;

	(void)fi;
	if (!node)
		return;
	written = store_write(node, data, size, offset);
	end();
	if (written < 0)
		fuse_reply_err(req, -written);
	else
		fuse_reply_write(req, written);
}

/* Requests that only end well, unless they are told to fail. */
static void memfs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	if (begin(req, "flush", ino))
		finish(req, 0);
}

static void memfs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	if (begin(req, "release", ino))
		finish(req, 0);
}

static void memfs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)datasync;
	(void)fi;
	if (begin(req, "fsync", ino))
		finish(req, 0);
}

static void memfs_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)datasync;
	(void)fi;
	if (begin(req, "fsyncdir", ino))
		finish(req, 0);
}

static void memfs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
			    struct fuse_file_info *fi)
{
	struct node *node = begin(req, "fallocate", ino);

	(void)fi;
	if (node)
		finish(req, store_fallocate(node, mode, offset, length));
}

static void memfs_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	struct node *node = begin(req, "lseek", ino);
	off_t found;

	(void)fi;
	if (!node)
		return;
	found = store_seek(node, offset, whence);
	end();
	if (found < 0)
		fuse_reply_err(req, -found);
	else
		fuse_reply_lseek(req, found);
}

static void memfs_copy_file_range(fuse_req_t req, fuse_ino_t ino, off_t offset, struct fuse_file_info *fi, fuse_ino_t to,
				  off_t to_offset, struct fuse_file_info *to_fi, size_t length, int flags)
{
	struct node *node = begin(req, "copy_file_range", ino), *target;
	size_t size = length < CHUNK_SIZE ? length : CHUNK_SIZE;
	ssize_t done = -ESTALE;
	char data[CHUNK_SIZE];

	(void)fi;
	(void)to_fi;
	(void)flags;
	if (!node)
		return;
	target = store_node(to);
	if (target)
		done = store_read(node, data, size, offset);
	if (done > 0)
		done = store_write(target, data, done, to_offset);
	end();
	if (done < 0)
		fuse_reply_err(req, -done);
	else
		fuse_reply_write(req, done);
}

/* Two requests of a file's own: how large it is, and how large it shall be. */
static void memfs_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg, struct fuse_file_info *fi,
			unsigned int flags, const void *in, size_t in_size, size_t out_size)
{
	struct node *node = begin(req, "ioctl", ino);
	uint64_t size;
	int rc;

	(void)arg;
	(void)fi;
	(void)flags;
	if (!node)
		return;
	size = node->st.st_size;
	if (cmd == MEMFS_GET_SIZE && out_size >= sizeof(size)) {
		end();
		fuse_reply_ioctl(req, 7, &size, sizeof(size));
	} else if (cmd == MEMFS_SET_SIZE && in_size >= sizeof(size)) {
		memcpy(&size, in, sizeof(size));
		rc = store_truncate(node, size);
		end();
		if (rc)
			fuse_reply_err(req, -rc);
		else
			fuse_reply_ioctl(req, 0, NULL, 0);
	} else {
		finish(req, -ENOTTY);
	}
}

/* --- directories ------------------------------------------------------------------------------------------------- */

static void memfs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (memfs.noopendir) {
		fuse_reply_err(req, ENOSYS);
	} else if (begin(req, "opendir", ino)) {
		end();
		fi->keep_cache = fi->cache_readdir = memfs.keep_cache;
		fuse_reply_open(req, fi);
	}
}

/* The entry after a cookie, "." and ".." first; true if there is one. */
static bool next_entry(struct node *dir, uint64_t *cookie, const char **name, struct node **child)
{
	struct entry *entry;

	if (*cookie < 2) {
		*name = *cookie == 0 ? "." : "..";
		*child = *cookie == 0 || !dir->parent ? dir : dir->parent;
		++*cookie;
		return true;
	}
	entry = store_next(dir, *cookie);
	if (!entry)
		return false;
	*cookie = entry->cookie;
	*name = entry->name;
	*child = entry->child;
	return true;
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, bool plus)
{
	struct node *dir = begin(req, plus ? "readdirplus" : "readdir", ino), *child;
	uint64_t cookie = offset;
	const char *name;
	char *buffer;
	size_t used = 0, part;

	if (!dir)
		return;
	buffer = malloc(size);
	while (next_entry(dir, &cookie, &name, &child)) {
		if (plus) {
			struct fuse_entry_param entry = { .attr = child->st };
			bool dots = cookie <= 2;

			if (!dots)
				entry = known(child);
			part = fuse_add_direntry_plus(req, buffer + used, size - used, name, &entry, cookie);
			if (!dots && part > size - used)
				child->lookups--; /* it is not told */
		} else {
			part = fuse_add_direntry(req, buffer + used, size - used, name, &child->st, cookie);
		}
		if (part > size - used)
			break;
		used += part;
	}
	end();
	fuse_reply_buf(req, buffer, used);
	free(buffer);
}

static void memfs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, offset, false);
}

static void memfs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, offset, true);
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static void memfs_init(void *data, struct fuse_conn_info *conn)
{
	(void)data;
	conn->want &= ~FUSE_CAP_HANDLE_KILLPRIV; /* the client shall do it */
	if (memfs.noopen)
		conn->want &= ~FUSE_CAP_ATOMIC_O_TRUNC; /* nobody would see it */
	if (memfs.writeback)
		conn->want |= conn->capable & FUSE_CAP_WRITEBACK_CACHE;
	if (memfs.max_write)
		conn->max_write = memfs.max_write;
}

static const struct fuse_lowlevel_ops operations = {
	.init = memfs_init,
	.lookup = memfs_lookup,
	.forget = memfs_forget,
	.forget_multi = memfs_forget_multi,
	.getattr = memfs_getattr,
	.setattr = memfs_setattr,
	.readlink = memfs_readlink,
	.mknod = memfs_mknod,
	.mkdir = memfs_mkdir,
	.symlink = memfs_symlink,
	.link = memfs_link,
	.unlink = memfs_unlink,
	.rmdir = memfs_rmdir,
	.rename = memfs_rename,
	.open = memfs_open,
	.create = memfs_create,
	.read = memfs_read,
	.write = memfs_write,
	.flush = memfs_flush,
	.release = memfs_release,
	.fsync = memfs_fsync,
	.opendir = memfs_opendir,
	.readdir = memfs_readdir,
	.readdirplus = memfs_readdirplus,
	.releasedir = memfs_release,
	.fsyncdir = memfs_fsyncdir,
	.statfs = memfs_statfs,
	.setxattr = memfs_setxattr,
	.getxattr = memfs_getxattr,
	.listxattr = memfs_listxattr,
	.removexattr = memfs_removexattr,
	.ioctl = memfs_ioctl,
	.fallocate = memfs_fallocate,
	.lseek = memfs_lseek,
	.copy_file_range = memfs_copy_file_range,
	.retrieve_reply = memcontrol_retrieved,
};

static void fill(void)
{
	struct node *root = store_node(1), *many, *node;
	char name[32];

	if (memfs.content && !store_make(root, "content", S_IFREG | 0644, 0, getuid(), getgid(), &node))
		store_write(node, memfs.content, strlen(memfs.content), 0);
	if (!memfs.fill || store_make(root, "many", S_IFDIR | 0755, 0, getuid(), getgid(), &many))
		return;
	for (unsigned int i = 0; i < memfs.fill; i++) {
		snprintf(name, sizeof(name), "file%06u", i);
		store_make(many, name, S_IFREG | 0644, 0, getuid(), getgid(), &node);
	}
}

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts cmdline;
	struct fuse_session *session;
	struct fuse_loop_config *config;
	int rc = 1;

	if (fuse_opt_parse(&args, &memfs, options, option) || fuse_parse_cmdline(&args, &cmdline))
		return 1;
	if (cmdline.show_help || !cmdline.mountpoint) {
		fprintf(stderr, "usage: memfs [-f] [-s] [-o OPTIONS] DIR; the options are at the head of memfs.c\n");
		return 1;
	}
	store_limit = memfs.size;
	store_begin();
	fill();
	if (memfs.log) {
		memfs.log_file = fopen(memfs.log, "we");
		if (!memfs.log_file) {
			fprintf(stderr, "memfs: cannot write %s: %s\n", memfs.log, strerror(errno));
			return 1;
		}
	}
	session = fuse_session_new(&args, &operations, sizeof(operations), NULL);
	if (!session)
		return 1;
	if (!fuse_set_signal_handlers(session) && !fuse_session_mount(session, cmdline.mountpoint)) {
		fuse_daemonize(cmdline.foreground);
		if (!memfs.control || !memcontrol_begin(session)) {
			if (cmdline.singlethread) {
				rc = fuse_session_loop(session);
			} else {
				config = fuse_loop_cfg_create();
				fuse_loop_cfg_set_clone_fd(config, cmdline.clone_fd);
				rc = fuse_session_loop_mt(session, config);
				fuse_loop_cfg_destroy(config);
			}
		}
		fuse_session_unmount(session);
	}
	fuse_remove_signal_handlers(session);
	fuse_session_destroy(session);
	free(cmdline.mountpoint);
	fuse_opt_free_args(&args);
	return rc ? 1 : 0;
}
