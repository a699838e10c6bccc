/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel: what connects umfuse with the server of a file system, and requests on their way.
 *
 * What a server has of /dev/fuse is one end of a SOCK_SEQPACKET socket pair, and this is the other.  A packet is a request
 * or a reply, in the formats of <linux/fuse.h>: struct fuse_in_header or fuse_out_header and what belongs to it.
 *
 * A channel has a lock of its own and needs nothing of the view's: requests are sent by workers that do not hold it.
 */
#ifndef UMFUSE_CHANNEL_H
#define UMFUSE_CHANNEL_H

#include <linux/fuse.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Largest data of a READ or WRITE, in bytes: a packet must fit into the socket's buffer (net.core.wmem_default, 208 KiB). */
#define CHANNEL_DATA_MAX (128 * 1024)

struct channel;

/* A request of which an answer is wanted.  Made and freed by request_new() and request_free(). */
struct request {
	uint32_t opcode;
	uint64_t nodeid;
	uint32_t uid, gid, pid;
	void *args;             /* what follows the header: struct fuse_*_in, names, data; owned */
	size_t args_len;
	const void *data;       /* what follows these; not owned */
	size_t data_len;
	/* results */
	int error;              /* 0 or negative errno, the server's */
	void *reply;            /* what followed the header of the reply; owned */
	size_t reply_len;
	uint64_t note;          /* of who has looked at it */
	/* the channel's own */
	uint64_t unique;
	bool done, abandoned;
	int wake;               /* futex */
	struct request *next;
};

struct request *request_new(uint32_t opcode, uint64_t nodeid, const void *args, size_t len);
void request_free(struct request *r);

/* Something that a server says of its own accord (FUSE_NOTIFY_*); or NOTICE_LOST: it has said more than was kept. */
#define NOTICE_LOST 0
struct notice {
	struct notice *next;
	int code;
	size_t len;
	char data[];
};

/**
 * channel_new() - make a channel
 * @server:	set to the server's end, close-on-exec
 *
 * Return: a reference, or NULL and errno.
 */
struct channel *channel_new(int *server);
struct channel *channel_ref(struct channel *c);
void channel_unref(struct channel *c);

/* The channel whose server's end is the socket @fd, with a reference, for a mount; NULL: it is none, or has a mount. */
struct channel *channel_take(int fd);
bool channel_taken(const struct channel *c);
/* Is @fd the server's end of some channel? */
bool channel_is(int fd);
/* Has nobody the server's end any more? */
bool channel_closed(const struct channel *c);

/* How a wait can be ended from outside; of struct um_host. */
struct channel_waiting {
	void (*begin)(void);
	bool (*end)(void);      /* true: it has been */
};

/**
 * channel_call() - send a request and wait for its answer
 * @waiting:	around what blocks, or NULL: the wait is ended by the answer and by the server's end only
 *
 * Return: 0: r->error and r->reply are set.  -EINTR: the wait was ended; the server has been told, but what it did is not
 * known; @r is the channel's now.  -ENOTCONN: the server is gone.
 */
int channel_call(struct channel *c, struct request *r, const struct channel_waiting *waiting);
/* Send what has no answer (FORGET), or whose answer nobody wants; does not wait.  Frees @r. */
void channel_post(struct channel *c, struct request *r);

/* Send what a notice has asked for, under its number. */
void channel_answer(struct channel *c, uint32_t opcode, uint64_t nodeid, uint64_t unique, const void *args, size_t len);
/* What came with an answer that nobody wants is not needed (nodes, open files). */
void channel_give_back(struct channel *c, const struct request *r);
/* The server has ended, or the channel was shut. */
bool channel_dead(const struct channel *c);
/* What the server has said since, oldest first; the caller frees each.  Looks at the socket if nobody reads it. */
struct notice *channel_notices(struct channel *c);
/* The thread group that sent the last packet; 0: none yet. */
pid_t channel_server(const struct channel *c);
/* No requests any more: reads of the server fail with ENODEV if that can be done, and give end-of-file in the end. */
void channel_shut(struct channel *c, int (*end_reads)(pid_t tgid, dev_t dev, ino_t ino, int err));

#endif
