/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A FUSE server without libfuse, for what libfuse would not do.  It shows a small tree:
 *
 *	file	a regular file with a line of text		dir	a directory, with the file "inner"
 *	link	a symbolic link to file				data	a file of DATA_SIZE bytes that can be written
 *	slow	as file, for hang's option -n
 */
#ifndef RAW_H
#define RAW_H

#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAW_MAX_WRITE 65536
#define RAW_BUFFER (RAW_MAX_WRITE + 4096)

enum { RAW_ROOT = 1, RAW_FILE, RAW_DIR, RAW_INNER, RAW_LINK, RAW_DATA, RAW_SLOW };

struct raw_request {
	union {
		struct fuse_in_header in;
		char bytes[RAW_BUFFER];
	};
	size_t size;
	const char *body; /* behind the header */
};

struct raw_reply {
	union {
		struct fuse_out_header out;
		char bytes[RAW_BUFFER];
	};
	char *body;
	size_t body_size;
	bool none; /* requests that get no reply */
};

/* Opens /dev/fuse and mounts it; ends the program with a message if that fails. */
int raw_mount(const char *name, const char *dir);

/* The next request; false at the end of the mount.  Everything unexpected ends the program. */
bool raw_receive(int fd, struct raw_request *request);

/* What a well-behaved server answers. */
void raw_answer(const struct raw_request *request, struct raw_reply *reply);

/* Begin a reply; then put things into it. */
void raw_begin(struct raw_reply *reply, uint64_t unique, int error);
void raw_put(struct raw_reply *reply, const void *data, size_t size);
/* Send it, header and all; 0 or a negative errno. */
int raw_send(int fd, struct raw_reply *reply);
int raw_send_bytes(int fd, const void *data, size_t size);

void raw_attr(uint64_t node, struct fuse_attr *attr);
void raw_put_entry(struct raw_reply *reply, uint64_t node);

const char *raw_opcode_name(uint32_t opcode);
int raw_opcode(const char *name); /* -1: unknown */

#endif
