// SPDX-License-Identifier: GPL-2.0-or-later
/* A FUSE server without libfuse; see raw.h. */
#include "tests/fuse/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	uint64_t node, parent;
	const char *name;
	mode_t mode;
	const char *content;
} tree[] = {
	{ RAW_ROOT, 0, "", S_IFDIR | 0755, NULL },
	{ RAW_FILE, RAW_ROOT, "file", S_IFREG | 0644, "the line of the file\n" },
	{ RAW_DIR, RAW_ROOT, "dir", S_IFDIR | 0755, NULL },
	{ RAW_INNER, RAW_DIR, "inner", S_IFREG | 0644, "the line of the inner file\n" },
	{ RAW_LINK, RAW_ROOT, "link", S_IFLNK | 0777, "file" },
	{ RAW_DATA, RAW_ROOT, "data", S_IFREG | 0644, NULL },
	{ RAW_SLOW, RAW_ROOT, "slow", S_IFREG | 0644, "the line of the slow file\n" },
};
#define NODES (sizeof(tree) / sizeof(tree[0]))

static char data[RAW_MAX_WRITE];
static size_t data_size;

static const char *const opcodes[] = {
	[FUSE_LOOKUP] = "lookup",	  [FUSE_FORGET] = "forget",	      [FUSE_GETATTR] = "getattr",
	[FUSE_SETATTR] = "setattr",	  [FUSE_READLINK] = "readlink",	      [FUSE_SYMLINK] = "symlink",
	[FUSE_MKNOD] = "mknod",		  [FUSE_MKDIR] = "mkdir",	      [FUSE_UNLINK] = "unlink",
	[FUSE_RMDIR] = "rmdir",		  [FUSE_RENAME] = "rename",	      [FUSE_LINK] = "link",
	[FUSE_OPEN] = "open",		  [FUSE_READ] = "read",		      [FUSE_WRITE] = "write",
	[FUSE_STATFS] = "statfs",	  [FUSE_RELEASE] = "release",	      [FUSE_FSYNC] = "fsync",
	[FUSE_SETXATTR] = "setxattr",	  [FUSE_GETXATTR] = "getxattr",	      [FUSE_LISTXATTR] = "listxattr",
	[FUSE_REMOVEXATTR] = "removexattr", [FUSE_FLUSH] = "flush",	      [FUSE_INIT] = "init",
	[FUSE_OPENDIR] = "opendir",	  [FUSE_READDIR] = "readdir",	      [FUSE_RELEASEDIR] = "releasedir",
	[FUSE_FSYNCDIR] = "fsyncdir",	  [FUSE_GETLK] = "getlk",	      [FUSE_SETLK] = "setlk",
	[FUSE_SETLKW] = "setlkw",	  [FUSE_ACCESS] = "access",	      [FUSE_CREATE] = "create",
	[FUSE_INTERRUPT] = "interrupt",	  [FUSE_BMAP] = "bmap",		      [FUSE_DESTROY] = "destroy",
	[FUSE_IOCTL] = "ioctl",		  [FUSE_POLL] = "poll",		      [FUSE_NOTIFY_REPLY] = "notify_reply",
	[FUSE_BATCH_FORGET] = "batch_forget", [FUSE_FALLOCATE] = "fallocate", [FUSE_READDIRPLUS] = "readdirplus",
	[FUSE_RENAME2] = "rename2",	  [FUSE_LSEEK] = "lseek",	      [FUSE_COPY_FILE_RANGE] = "copy_file_range",
};

const char *raw_opcode_name(uint32_t opcode)
{
	return opcode < sizeof(opcodes) / sizeof(opcodes[0]) && opcodes[opcode] ? opcodes[opcode] : "?";
}

int raw_opcode(const char *name)
{
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		if (opcodes[i] && !strcmp(opcodes[i], name))
			return i;
	}
	return -1;
}

/* --- messages ---------------------------------------------------------------------------------------------------- */

int raw_mount(const char *name, const char *dir)
{
	char options[128], type[64];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd == -1) {
		fprintf(stderr, "%s: cannot open /dev/fuse: %s\n", name, strerror(errno));
		exit(1);
	}
	snprintf(type, sizeof(type), "fuse.%s", name);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u%s", fd, getuid(), getgid(),
		 getuid() ? "" : ",allow_other");
	if (mount(name, dir, type, MS_NOSUID | MS_NODEV, options)) {
		fprintf(stderr, "%s: cannot mount on %s: %s\n", name, dir, strerror(errno));
		exit(1);
	}
	return fd;
}

bool raw_receive(int fd, struct raw_request *request)
{
	ssize_t size;

	do
		size = read(fd, request->bytes, sizeof(request->bytes));
	while (size == -1 && (errno == EINTR || errno == ENOENT || errno == EAGAIN));
	if (size == -1 && errno == ENODEV)
		return false;
	if (size < (ssize_t)sizeof(request->in) || request->in.len != size) {
		fprintf(stderr, "/dev/fuse: read gives %zd (%s), in a message that says %u\n", size,
			size == -1 ? strerror(errno) : "no error", request->in.len);
		exit(2);
	}
	request->size = size;
	request->body = request->bytes + sizeof(request->in);
	return true;
}

void raw_begin(struct raw_reply *reply, uint64_t unique, int error)
{
	reply->out.unique = unique;
	reply->out.error = -error;
	reply->body = reply->bytes + sizeof(reply->out);
	reply->body_size = 0;
	reply->none = false;
}

void raw_put(struct raw_reply *reply, const void *bytes, size_t size)
{
	if (sizeof(reply->out) + reply->body_size + size > sizeof(reply->bytes)) {
		fprintf(stderr, "a reply of %zu bytes and %zu more is too large\n", reply->body_size, size);
		exit(2);
	}
	memcpy(reply->body + reply->body_size, bytes, size);
	reply->body_size += size;
}

int raw_send_bytes(int fd, const void *bytes, size_t size)
{
	return write(fd, bytes, size) == -1 ? -errno : 0;
}

int raw_send(int fd, struct raw_reply *reply)
{
	reply->out.len = sizeof(reply->out) + reply->body_size;
	return raw_send_bytes(fd, reply->bytes, reply->out.len);
}

/* --- the tree ---------------------------------------------------------------------------------------------------- */

void raw_attr(uint64_t node, struct fuse_attr *attr)
{
	const char *content = tree[node - 1].content;

	memset(attr, 0, sizeof(*attr));
	attr->ino = node;
	attr->mode = tree[node - 1].mode;
	attr->size = node == RAW_DATA ? data_size : content ? strlen(content) : 0;
	attr->blocks = (attr->size + 511) / 512;
	attr->nlink = S_ISDIR(attr->mode) ? 2 : 1;
	attr->atime = attr->mtime = attr->ctime = 1000000000;
	attr->uid = getuid();
	attr->gid = getgid();
	attr->blksize = 4096;
}

void raw_put_entry(struct raw_reply *reply, uint64_t node)
{
	struct fuse_entry_out entry = { .nodeid = node, .generation = 1 };

	raw_attr(node, &entry.attr);
	raw_put(reply, &entry, sizeof(entry));
}

static void put_attr(struct raw_reply *reply, uint64_t node)
{
	struct fuse_attr_out out = { .attr_valid = 0 };

	raw_attr(node, &out.attr);
	raw_put(reply, &out, sizeof(out));
}

static void put_directory(struct raw_reply *reply, uint64_t node, uint64_t offset, size_t room)
{
	char buffer[FUSE_DIRENT_ALIGN(sizeof(struct fuse_dirent) + 256)];

	for (uint64_t i = offset; i < NODES; i++) {
		struct fuse_dirent *entry = memset(buffer, 0, sizeof(buffer));

		if (tree[i].parent != node)
			continue;
		entry->ino = tree[i].node;
		entry->off = i + 1;
		entry->namelen = strlen(tree[i].name);
		entry->type = tree[i].mode >> 12;
		memcpy(entry->name, tree[i].name, entry->namelen);
		if (reply->body_size + FUSE_DIRENT_SIZE(entry) > room)
			return;
		raw_put(reply, buffer, FUSE_DIRENT_SIZE(entry));
	}
}

static void put_data(struct raw_reply *reply, uint64_t node, uint64_t offset, size_t size)
{
	const char *from = node == RAW_DATA ? data : tree[node - 1].content;
	size_t there = node == RAW_DATA ? data_size : strlen(from);

	if (offset < there)
		raw_put(reply, from + offset, size < there - offset ? size : there - offset);
}

static void answer_init(const struct raw_request *request, struct raw_reply *reply)
{
	const struct fuse_init_in *in = (const void *)request->body;
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = in->minor < 31 ? in->minor : 31,
		.max_readahead = in->max_readahead,
		.flags = in->flags & (FUSE_BIG_WRITES | FUSE_ASYNC_READ | FUSE_INIT_EXT),
		.max_background = 8,
		.congestion_threshold = 6,
		.max_write = RAW_MAX_WRITE,
		.time_gran = 1,
	};

	raw_put(reply, &out, sizeof(out));
}

static int answer_lookup(const struct raw_request *request, struct raw_reply *reply)
{
	for (size_t i = 1; i < NODES; i++) {
		if (tree[i].parent == request->in.nodeid && !strcmp(tree[i].name, request->body)) {
			raw_put_entry(reply, tree[i].node);
			return 0;
		}
	}
	return ENOENT;
}

static int answer_write(const struct raw_request *request, struct raw_reply *reply)
{
	const struct fuse_write_in *in = (const void *)request->body;
	struct fuse_write_out out = { .size = in->size };

	if (request->in.nodeid != RAW_DATA || in->offset > sizeof(data) || in->size > sizeof(data) - in->offset)
		return EFBIG;
	memcpy(data + in->offset, in + 1, in->size);
	if (in->offset + in->size > data_size)
		data_size = in->offset + in->size;
	raw_put(reply, &out, sizeof(out));
	return 0;
}

static int answer_setattr(const struct raw_request *request, struct raw_reply *reply)
{
	const struct fuse_setattr_in *in = (const void *)request->body;

	if (in->valid & FATTR_SIZE) {
		if (request->in.nodeid != RAW_DATA || in->size > sizeof(data))
			return EFBIG;
		if (in->size > data_size)
			memset(data + data_size, 0, in->size - data_size);
		data_size = in->size;
	}
	put_attr(reply, request->in.nodeid);
	return 0;
}

/* The body of the answer; returns an errno or 0. */
static int answer(const struct raw_request *request, struct raw_reply *reply)
{
	const struct fuse_read_in *read_in = (const void *)request->body;
	struct fuse_open_out opened = { .fh = request->in.nodeid };
	struct fuse_statfs_out statfs_out = { .st = { .blocks = 1000, .bfree = 500, .bavail = 400, .files = 100,
						      .ffree = 50, .bsize = 4096, .namelen = 255, .frsize = 4096 } };

	switch (request->in.opcode) {
	case FUSE_INIT:
		answer_init(request, reply);
		return 0;
	case FUSE_LOOKUP:
		return answer_lookup(request, reply);
	case FUSE_GETATTR:
		put_attr(reply, request->in.nodeid);
		return 0;
	case FUSE_SETATTR:
		return answer_setattr(request, reply);
	case FUSE_READLINK:
		raw_put(reply, tree[RAW_LINK - 1].content, strlen(tree[RAW_LINK - 1].content));
		return 0;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		raw_put(reply, &opened, sizeof(opened));
		return 0;
	case FUSE_READ:
		put_data(reply, request->in.nodeid, read_in->offset, read_in->size);
		return 0;
	case FUSE_READDIR:
		put_directory(reply, request->in.nodeid, read_in->offset, read_in->size);
		return 0;
	case FUSE_WRITE:
		return answer_write(request, reply);
	case FUSE_STATFS:
		raw_put(reply, &statfs_out, sizeof(statfs_out));
		return 0;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
	case FUSE_FSYNC:
	case FUSE_DESTROY:
		return 0;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
	case FUSE_NOTIFY_REPLY:
		reply->none = true;
		return 0;
	}
	return ENOSYS;
}

void raw_answer(const struct raw_request *request, struct raw_reply *reply)
{
	int error;

	raw_begin(reply, request->in.unique, 0);
	if (request->in.opcode != FUSE_INIT && request->in.opcode != FUSE_BATCH_FORGET &&
	    request->in.opcode != FUSE_DESTROY && request->in.opcode != FUSE_INTERRUPT &&
	    request->in.opcode != FUSE_NOTIFY_REPLY && (request->in.nodeid == 0 || request->in.nodeid > NODES))
		error = ESTALE;
	else
		error = answer(request, reply);
	if (error) {
		reply->out.error = -error;
		reply->body_size = 0;
	}
}
