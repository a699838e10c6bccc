// SPDX-License-Identifier: GPL-2.0-or-later
/* The server: what it answers is right in its form most of the time, and its contents are the input's. */
#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

#define PACKET (256 * 1024)
#define OWED 16
#define IDLE_MS 5

static _Thread_local char packet[PACKET], reply[PACKET];

/* Requests that have got no answer yet. */
static uint64_t owed[OWED];
static bool hurried;

static void send_reply(struct server *s, uint64_t unique, int error, const void *body, size_t len)
{
	struct fuse_out_header head = { .len = (uint32_t)(sizeof(head) + len), .error = error, .unique = unique };
	struct iovec iov[2] = { { &head, sizeof(head) }, { (void *)body, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (sendmsg(s->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 || (unique != 0 && (error > 0 || error <= -512)))
		owed[unique / 2 % OWED] = unique; /* it does not count */
}

/* --- right in form --------------------------------------------------------------------------------------------------- */

static uint64_t number(struct input *in)
{
	static const uint64_t some[] = { 0, 1, 2, 3, 5, 100, 4096, 65537, 200000, UINT64_C(1) << 31, UINT64_C(1) << 40,
					 UINT64_C(1) << 62, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX };

	return input_choose(in, some, sizeof(some) / sizeof(some[0]));
}

static uint64_t node_number(struct input *in)
{
	static const uint64_t some[] = { 2, 3, 4, 5, 6, 7, 8, 1, 0, UINT64_MAX };

	return input_choose(in, some, sizeof(some) / sizeof(some[0]));
}

static uint32_t mode(struct input *in, uint64_t node)
{
	static const uint64_t types[] = { S_IFREG, S_IFDIR, S_IFLNK, S_IFREG, S_IFDIR, S_IFIFO, S_IFCHR, 0, S_IFMT };
	uint64_t by_node = node % 4 == 0 ? S_IFLNK : node % 2 == 1 ? S_IFDIR : S_IFREG;

	return (uint32_t)(input_number(in, 1) < 200 ? by_node : input_choose(in, types, sizeof(types) / sizeof(types[0]))) | 0755;
}

static void attr(struct input *in, struct fuse_attr *a, uint64_t node)
{
	*a = (struct fuse_attr){
		.ino = node, .size = input_number(in, 1) < 128 ? 5 : number(in), .mode = mode(in, node), .nlink = 1,
		.mtime = input_number(in, 1), .mtimensec = (uint32_t)number(in), .blksize = (uint32_t)number(in),
	};
}

static void entry(struct input *in, struct fuse_entry_out *e)
{
	memset(e, 0, sizeof(*e));
	e->nodeid = node_number(in);
	e->generation = input_number(in, 1) / 128;
	e->entry_valid = number(in);
	e->attr_valid = number(in);
	attr(in, &e->attr, e->nodeid);
}

static size_t dirents(struct input *in, char *at, bool plus)
{
	static const char *const names[] = { "a", "b", "c", "d", ".", "..", "a/b", "", "long" };
	size_t size = 0;

	for (unsigned n = (unsigned)input_number(in, 1) % 8; n > 0; n--) {
		const char *name = names[input_number(in, 1) % 9];
		struct fuse_dirent d = { .ino = number(in), .off = input_number(in, 1), .namelen = (uint32_t)strlen(name),
					 .type = (uint32_t)input_number(in, 1) % 20 };

		if (plus) {
			struct fuse_entry_out e;

			entry(in, &e);
			memcpy(at + size, &e, sizeof(e));
			size += sizeof(e);
		}
		if (input_number(in, 1) > 250)
			d.namelen = (uint32_t)number(in);
		memcpy(at + size, &d, sizeof(d));
		strcpy(at + size + sizeof(d), name);
		size += FUSE_DIRENT_ALIGN(sizeof(d) + strlen(name));
	}
	return size;
}

/* The body of a reply, at `reply'. */
static size_t answer(struct input *in, const struct fuse_in_header *head)
{
	struct fuse_entry_out *e = (void *)reply;
	struct fuse_attr_out *a = (void *)reply;
	struct fuse_open_out *o = (void *)reply;
	const struct fuse_read_in *r = (const void *)(packet + sizeof(*head));
	const struct fuse_write_in *w = (const void *)r;

	memset(reply, 0, 4096);
	switch (head->opcode) {
	case FUSE_LOOKUP: case FUSE_MKNOD: case FUSE_MKDIR: case FUSE_SYMLINK: case FUSE_LINK:
		entry(in, e);
		return sizeof(*e);
	case FUSE_CREATE:
		entry(in, e);
		((struct fuse_open_out *)(e + 1))->fh = input_number(in, 1);
		return sizeof(*e) + sizeof(*o);
	case FUSE_GETATTR: case FUSE_SETATTR:
		a->attr_valid = number(in);
		attr(in, &a->attr, head->nodeid);
		return sizeof(*a);
	case FUSE_OPEN: case FUSE_OPENDIR:
		o->fh = input_number(in, 1);
		o->open_flags = (uint32_t)input_number(in, 1);
		return sizeof(*o);
	case FUSE_READ:
		return r->size <= sizeof(reply) && input_number(in, 1) < 100 ? r->size : input_number(in, 1);
	case FUSE_WRITE:
		((struct fuse_write_out *)reply)->size = input_number(in, 1) < 200 ? w->size : (uint32_t)number(in);
		return sizeof(struct fuse_write_out);
	case FUSE_READLINK:
		memset(reply, 'l', 4096);
		return input_number(in, 1) < 200 ? 3 : number(in) % 5000;
	case FUSE_READDIR:
		return dirents(in, reply, false);
	case FUSE_READDIRPLUS:
		return dirents(in, reply, true);
	case FUSE_STATFS:
		return sizeof(struct fuse_statfs_out);
	case FUSE_GETXATTR: case FUSE_LISTXATTR:
		((struct fuse_getxattr_out *)reply)->size = (uint32_t)number(in);
		return input_number(in, 1) < 200 ? sizeof(struct fuse_getxattr_out) : input_number(in, 1);
	default:
		return 0;
	}
}

static void init(struct server *s, const struct fuse_in_header *head)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION, .minor = 31, .flags = (uint32_t)number(&s->in), .max_write = (uint32_t)number(&s->in),
	};
	unsigned kind = (unsigned)input_number(&s->in, 1);

	out.flags |= kind & 1 ? FUSE_DO_READDIRPLUS : 0;
	if (kind > 250)
		out.minor = kind;
	send_reply(s, head->unique, 0, &out, kind > 240 ? kind % 64 : sizeof(out));
}

static void notify(struct server *s)
{
	int code = (int)input_number(&s->in, 1) % 8;
	struct fuse_notify_inval_inode_out inode = { .ino = node_number(&s->in), .off = (int64_t)number(&s->in),
						     .len = (int64_t)number(&s->in) };
	struct {
		struct fuse_notify_inval_entry_out out;
		char name[8];
	} name = { .out = { .parent = node_number(&s->in), .namelen = 1 }, .name = "a" };
	struct {
		struct fuse_notify_store_out out;
		char data[100];
	} store = { .out = { .nodeid = node_number(&s->in), .offset = number(&s->in), .size = 100 } };
	struct fuse_notify_retrieve_out retrieve = { .notify_unique = 1, .nodeid = node_number(&s->in), .offset = number(&s->in),
						     .size = (uint32_t)number(&s->in) };

	if (code == FUSE_NOTIFY_INVAL_INODE)
		send_reply(s, 0, code, &inode, sizeof(inode));
	else if (code == FUSE_NOTIFY_INVAL_ENTRY)
		send_reply(s, 0, code, &name, sizeof(name.out) + 2);
	else if (code == FUSE_NOTIFY_STORE)
		send_reply(s, 0, code, &store, sizeof(store));
	else if (code == FUSE_NOTIFY_RETRIEVE)
		send_reply(s, 0, code, &retrieve, sizeof(retrieve));
	else
		send_reply(s, 0, code, reply, input_number(&s->in, 1));
}

/* --- the rest -------------------------------------------------------------------------------------------------------- */

/* Bytes of the input, as they are. */
static size_t raw(struct input *in)
{
	size_t n = input_number(in, 1);

	for (size_t i = 0; i < n; i++)
		reply[i] = (char)input_number(in, 1);
	return n;
}

/* Nothing comes: have those interrupted who wait, and answer them a little later. */
static void idle(struct server *s)
{
	bool any = false;

	for (int i = 0; i < OWED; i++) {
		any |= owed[i] != 0;
		if (owed[i] != 0 && hurried)
			send_reply(s, owed[i], -EIO, "", 0);
		if (hurried)
			owed[i] = 0;
	}
	if (any && !hurried)
		s->interrupt();
	hurried = any && !hurried;
}

/* False: the server ends. */
static bool one(struct server *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	struct fuse_in_header head;
	ssize_t n;
	size_t len;

	while (poll(&p, 1, IDLE_MS) == 0)
		idle(s);
	n = recv(s->fd, packet, sizeof(packet), 0);
	if (n < (ssize_t)sizeof(head))
		return false;
	memcpy(&head, packet, sizeof(head));
	if (head.opcode == FUSE_INIT) {
		init(s, &head);
		return true;
	}
	if (head.opcode == FUSE_FORGET || head.opcode == FUSE_BATCH_FORGET || head.opcode == FUSE_NOTIFY_REPLY)
		return true;
	if (head.opcode == FUSE_INTERRUPT) {
		send_reply(s, ((struct fuse_interrupt_in *)(packet + sizeof(head)))->unique, -EINTR, "", 0);
		return true;
	}
	if (s->in.left == 0) {
		send_reply(s, head.unique, -ENOENT, "", 0);
		return true;
	}
	switch (input_number(&s->in, 1)) {
	case 255:
		send_reply(s, head.unique, -(int)input_number(&s->in, 2), "", 0);
		break;
	case 254:
		len = raw(&s->in);
		send_reply(s, head.unique, 0, reply, len);
		break;
	case 253: /* no message, and nothing after it */
		len = raw(&s->in);
		send(s->fd, reply, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		owed[head.unique / 2 % OWED] = head.unique;
		break;
	case 252:
		owed[head.unique / 2 % OWED] = head.unique;
		break;
	case 251:
		return false;
	case 250:
		send_reply(s, head.unique, -ENOSYS, "", 0);
		break;
	case 249:
		len = answer(&s->in, &head);
		send_reply(s, head.unique, 0, reply, len);
		send_reply(s, head.unique, 0, reply, len);
		break;
	case 248: case 247: case 246: case 245:
		notify(s);
		len = answer(&s->in, &head);
		send_reply(s, head.unique, 0, reply, len);
		break;
	case 244: case 243: case 242: case 241: case 240:
		send_reply(s, head.unique, -ENOENT, "", 0);
		break;
	default:
		len = answer(&s->in, &head);
		send_reply(s, head.unique, 0, reply, len);
	}
	return true;
}

static void *serve(void *arg)
{
	struct server *s = arg;

	while (one(s))
		;
	shutdown(s->fd, SHUT_RDWR);
	return NULL;
}

void server_start(struct server *s)
{
	memset(owed, 0, sizeof(owed));
	hurried = false;
	pthread_create(&s->thread, NULL, serve, s);
}

void server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}
