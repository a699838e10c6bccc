// SPDX-License-Identifier: GPL-2.0-or-later
/* What hostile does wrong, one thing each; the table is at the end. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuse/hostile.h"

#define UNUSED __attribute__((unused))
#define MODE(name) static bool name(int fd UNUSED, const struct raw_request *request UNUSED, struct raw_reply *reply UNUSED)

MODE(right)
{
	return true;
}

/* --- messages that are none: the right reply follows ------------------------------------------------------------- */

MODE(short_header)
{
	raw_send_bytes(fd, reply->bytes, 8);
	return true;
}

MODE(empty_message)
{
	raw_send_bytes(fd, "", 0);
	return true;
}

/* A header that gives a wrong length. */
static bool wrong_length(int fd, struct raw_reply *reply, int difference)
{
	size_t size = sizeof(reply->out) + reply->body_size;

	reply->out.len = size + difference;
	raw_send_bytes(fd, reply->bytes, size);
	return true;
}

MODE(length_more)
{
	return wrong_length(fd, reply, 10);
}

MODE(length_less)
{
	return wrong_length(fd, reply, -4);
}

MODE(length_huge)
{
	return wrong_length(fd, reply, 0x7fffff00);
}

static bool other_unique(int fd, struct raw_reply *reply, uint64_t unique)
{
	uint64_t right = reply->out.unique;

	reply->out.unique = unique;
	raw_send(fd, reply);
	reply->out.unique = right;
	return true;
}

MODE(unique_unknown)
{
	return other_unique(fd, reply, reply->out.unique + 123456);
}

MODE(unique_interrupt)
{
	return other_unique(fd, reply, reply->out.unique | 1);
}

MODE(unique_zero)
{
	return other_unique(fd, reply, 0);
}

MODE(unsolicited)
{
	for (int i = 0; i < 1000; i++)
		other_unique(fd, reply, 1000000 + 2 * i);
	return true;
}

MODE(twice)
{
	raw_send(fd, reply);
	return true;
}

MODE(late)
{
	usleep(300000);
	return true;
}

static bool other_error(int fd, struct raw_reply *reply, int error)
{
	int right = reply->out.error;

	reply->out.error = error;
	raw_send(fd, reply);
	reply->out.error = right;
	return true;
}

MODE(error_positive)
{
	return other_error(fd, reply, 5);
}

MODE(error_restart)
{
	return other_error(fd, reply, -512);
}

MODE(error_huge)
{
	return other_error(fd, reply, -1000000);
}

/* --- replies that are wrong as a whole --------------------------------------------------------------------------- */

MODE(error_with_body)
{
	reply->out.error = -EXDEV;
	return true;
}

MODE(body_none)
{
	reply->body_size = 0;
	return true;
}

MODE(body_short)
{
	if (reply->body_size)
		reply->body_size--;
	return true;
}

MODE(body_long)
{
	raw_put(reply, "12345678", 8);
	return true;
}

MODE(body_huge)
{
	static const char zeros[RAW_MAX_WRITE];

	raw_put(reply, zeros, sizeof(zeros));
	return true;
}

/* --- nodes ------------------------------------------------------------------------------------------------------- */

/* The entry in the reply to LOOKUP, or one to be thrown away. */
static struct fuse_entry_out *entry_of(struct raw_reply *reply)
{
	static struct fuse_entry_out nowhere;

	return reply->out.error ? &nowhere : (struct fuse_entry_out *)reply->body;
}

MODE(type_none)
{
	entry_of(reply)->attr.mode = 0644;
	return true;
}

MODE(type_unknown)
{
	entry_of(reply)->attr.mode = S_IFMT | 0644;
	return true;
}

MODE(type_other) /* what is a file is a directory */
{
	entry_of(reply)->attr.mode ^= S_IFREG ^ S_IFDIR;
	return true;
}

MODE(mode_bits)
{
	entry_of(reply)->attr.mode |= 0xffff0000;
	return true;
}

MODE(node_zero)
{
	entry_of(reply)->nodeid = 0;
	return true;
}

MODE(node_root)
{
	entry_of(reply)->nodeid = FUSE_ROOT_ID;
	return true;
}

MODE(node_same) /* all names are one node */
{
	entry_of(reply)->nodeid = RAW_FILE;
	return true;
}

MODE(node_unknown)
{
	entry_of(reply)->nodeid = 0xffffffffffffffff;
	return true;
}

MODE(size_negative)
{
	entry_of(reply)->attr.size = (uint64_t)1 << 63;
	return true;
}

MODE(size_largest)
{
	entry_of(reply)->attr.size = ((uint64_t)1 << 63) - 1;
	return true;
}

MODE(nanoseconds)
{
	entry_of(reply)->attr.mtimensec = 0xffffffff;
	return true;
}

MODE(timeouts)
{
	struct fuse_entry_out *entry = entry_of(reply);

	entry->entry_valid = entry->attr_valid = 0xffffffffffffffff;
	entry->entry_valid_nsec = entry->attr_valid_nsec = 0xffffffff;
	return true;
}

MODE(links_zero)
{
	entry_of(reply)->attr.nlink = 0;
	return true;
}

MODE(blksize)
{
	entry_of(reply)->attr.blksize = 0xffffffff;
	return true;
}

MODE(attr_type) /* GETATTR says another type than LOOKUP */
{
	struct fuse_attr_out *out = (void *)reply->body;

	if (request->in.nodeid != RAW_ROOT)
		out->attr.mode ^= S_IFREG ^ S_IFDIR;
	return true;
}

MODE(attr_root) /* the root is a file */
{
	struct fuse_attr_out *out = (void *)reply->body;

	if (request->in.nodeid == RAW_ROOT)
		out->attr.mode = S_IFREG | 0644;
	return true;
}

MODE(attr_size)
{
	struct fuse_attr_out *out = (void *)reply->body;

	out->attr.size = (uint64_t)1 << 63;
	return true;
}

/* --- data -------------------------------------------------------------------------------------------------------- */

MODE(read_more) /* as much as was asked for and 100 bytes */
{
	const struct fuse_read_in *in = (const void *)request->body;
	static const char zeros[RAW_MAX_WRITE];

	if (in->size + 100 > sizeof(zeros))
		return true;
	reply->body_size = 0;
	raw_put(reply, zeros, in->size + 100);
	return true;
}

MODE(read_half)
{
	reply->body_size /= 2;
	return true;
}

static bool written(struct raw_reply *reply, uint32_t size)
{
	struct fuse_write_out *out = (void *)reply->body;

	out->size = size;
	return true;
}

MODE(write_more)
{
	const struct fuse_write_in *in = (const void *)request->body;

	return written(reply, in->size + 1);
}

MODE(write_huge)
{
	return written(reply, 0xffffffff);
}

MODE(write_half)
{
	const struct fuse_write_in *in = (const void *)request->body;

	return written(reply, in->size / 2);
}

MODE(link_empty)
{
	reply->body_size = 0;
	return true;
}

MODE(link_nul)
{
	reply->body_size = 0;
	raw_put(reply, "fi\0le", 5);
	return true;
}

static bool link_of(struct raw_reply *reply, size_t size)
{
	reply->body_size = 0;
	for (size_t i = 0; i < size; i++)
		raw_put(reply, "a", 1);
	return true;
}

MODE(link_4095)
{
	return link_of(reply, 4095);
}

MODE(link_4096)
{
	return link_of(reply, 4096);
}

MODE(statfs_ones)
{
	struct fuse_statfs_out out;

	memset(&out, 0xff, sizeof(out));
	reply->body_size = 0;
	raw_put(reply, &out, sizeof(out));
	return true;
}

MODE(statfs_zeros)
{
	memset(reply->body, 0, reply->body_size);
	return true;
}

/* Answers how large an attribute is, or gives it. */
static bool xattr(const struct raw_request *request, struct raw_reply *reply, uint32_t size, const char *value,
		  size_t value_size)
{
	const struct fuse_getxattr_in *in = (const void *)request->body;
	struct fuse_getxattr_out out = { .size = size };

	raw_begin(reply, request->in.unique, 0);
	if (in->size)
		raw_put(reply, value, value_size);
	else
		raw_put(reply, &out, sizeof(out));
	return true;
}

MODE(xattr_huge)
{
	return xattr(request, reply, 0xffffffff, "value", 5);
}

MODE(xattr_more)
{
	static const char zeros[RAW_MAX_WRITE];

	return xattr(request, reply, 5, zeros, 5000);
}

MODE(xattr_list) /* no NUL at the end */
{
	return xattr(request, reply, 9, "user.name", 9);
}

MODE(open_flags)
{
	struct fuse_open_out *out = (void *)reply->body;

	out->open_flags = 0xfffff000;
	return true;
}

/* --- directories ------------------------------------------------------------------------------------------------- */

/* One entry in place of what is right; again and again if its cookie is 0. */
static bool dirent(const struct raw_request *request, struct raw_reply *reply, const char *name, uint32_t length,
		   uint64_t ino, uint32_t type)
{
	const struct fuse_read_in *in = (const void *)request->body;
	char buffer[FUSE_DIRENT_ALIGN(sizeof(struct fuse_dirent) + 2048)] = { 0 };
	struct fuse_dirent *entry = (void *)buffer;
	size_t there = length < 2000 ? length : 2000;

	reply->body_size = 0;
	if (in->offset)
		return true;
	entry->ino = ino;
	entry->off = 1;
	entry->namelen = length;
	entry->type = type;
	memcpy(entry->name, name, there);
	raw_put(reply, buffer, FUSE_DIRENT_ALIGN(sizeof(*entry) + there));
	return true;
}

MODE(name_slash)
{
	return dirent(request, reply, "a/b", 3, 2, 8);
}

MODE(name_up)
{
	return dirent(request, reply, "../etc", 6, 2, 8);
}

MODE(name_empty)
{
	return dirent(request, reply, "", 0, 2, 8);
}

MODE(name_nul)
{
	return dirent(request, reply, "a\0b", 3, 2, 8);
}

MODE(name_huge)
{
	static const char zeros[2000];

	return dirent(request, reply, zeros, 0xffffffff, 2, 8);
}

MODE(name_1025)
{
	static char long_name[2000];

	memset(long_name, 'n', sizeof(long_name));
	return dirent(request, reply, long_name, 1025, 2, 8);
}

MODE(name_300)
{
	static char long_name[2000];

	memset(long_name, 'n', sizeof(long_name));
	return dirent(request, reply, long_name, 300, 2, 8);
}

MODE(dirent_ino)
{
	return dirent(request, reply, "name", 4, 0, 8);
}

MODE(dirent_type)
{
	return dirent(request, reply, "name", 4, 2, 255);
}

MODE(dirent_cut)
{
	reply->body_size -= reply->body_size > 20 ? 20 : 0;
	return true;
}

/* --- the beginning ----------------------------------------------------------------------------------------------- */

static struct fuse_init_out *init_of(struct raw_reply *reply)
{
	return (void *)reply->body;
}

MODE(init_error)
{
	reply->out.error = -EIO;
	reply->body_size = 0;
	return true;
}

MODE(init_major_6)
{
	init_of(reply)->major = 6;
	return true;
}

MODE(init_major_8)
{
	init_of(reply)->major = 8;
	return true;
}

MODE(init_short)
{
	reply->body_size = 8;
	return true;
}

MODE(init_none)
{
	reply->body_size = 0;
	return true;
}

MODE(init_long)
{
	static const char zeros[1000];

	raw_put(reply, zeros, sizeof(zeros));
	return true;
}

MODE(init_write_0)
{
	init_of(reply)->max_write = 0;
	return true;
}

MODE(init_write_huge)
{
	init_of(reply)->max_write = 0xffffffff;
	return true;
}

MODE(init_readahead)
{
	init_of(reply)->max_readahead = 0xffffffff;
	return true;
}

/* --- notifications: the right reply follows ---------------------------------------------------------------------- */

static bool notification(int fd, int code, const void *body, size_t size)
{
	static struct raw_reply message;

	raw_begin(&message, 0, 0);
	message.out.error = code;
	raw_put(&message, body, size);
	raw_send(fd, &message);
	return true;
}

MODE(notify_unknown)
{
	return notification(fd, 99, "12345678", 8);
}

MODE(notify_short)
{
	for (int code = 1; code <= 6; code++)
		notification(fd, code, "123", 3);
	return true;
}

MODE(notify_inode)
{
	struct fuse_notify_inval_inode_out out = { .ino = 999, .off = -5, .len = (int64_t)1 << 62 };

	return notification(fd, FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out));
}

/* A name and what is said of it. */
static bool notify_entry(int fd, uint64_t parent, uint32_t length, const char *name, size_t size)
{
	struct {
		struct fuse_notify_inval_entry_out out;
		char name[2000];
	} message = { .out = { .parent = parent, .namelen = length } };

	memcpy(message.name, name, size);
	return notification(fd, FUSE_NOTIFY_INVAL_ENTRY, &message, sizeof(message.out) + size);
}

MODE(notify_slash)
{
	return notify_entry(fd, RAW_DIR, 3, "a/b", 4);
}

MODE(notify_length)
{
	return notify_entry(fd, RAW_DIR, 2000, "inner", 6);
}

MODE(notify_parent)
{
	return notify_entry(fd, 12345, 5, "inner", 6);
}

MODE(notify_store)
{
	struct {
		struct fuse_notify_store_out out;
		char data[16];
	} message = { .out = { .nodeid = 999, .offset = (uint64_t)1 << 62, .size = 1 << 30 } };

	return notification(fd, FUSE_NOTIFY_STORE, &message, sizeof(message));
}

MODE(notify_retrieve)
{
	struct fuse_notify_retrieve_out out = { .notify_unique = 77, .nodeid = 999, .offset = -1, .size = 0xffffffff };

	return notification(fd, FUSE_NOTIFY_RETRIEVE, &out, sizeof(out));
}

MODE(notify_poll)
{
	struct fuse_notify_poll_wakeup_out out = { .kh = 4242 };

	return notification(fd, FUSE_NOTIFY_POLL, &out, sizeof(out));
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

MODE(die)
{
	_exit(3);
}

MODE(die_in_reply) /* a part of it is sent, as a message of its own */
{
	raw_send_bytes(fd, reply->bytes, sizeof(reply->out) / 2);
	_exit(3);
}

const struct hostile_mode hostile_modes[] = {
	{ "none", 0, right },
	{ "short-header", 0, short_header },
	{ "empty-message", 0, empty_message },
	{ "length-more", 0, length_more },
	{ "length-less", 0, length_less },
	{ "length-huge", 0, length_huge },
	{ "unique-unknown", 0, unique_unknown },
	{ "unique-interrupt", 0, unique_interrupt },
	{ "unique-zero", 0, unique_zero },
	{ "unsolicited", FUSE_OPEN, unsolicited },
	{ "twice", 0, twice },
	{ "late", FUSE_OPEN, late },
	{ "error-positive", 0, error_positive },
	{ "error-restart", 0, error_restart },
	{ "error-huge", 0, error_huge },
	{ "error-with-body", FUSE_OPEN, error_with_body },
	{ "lookup-none", FUSE_LOOKUP, body_none },
	{ "lookup-short", FUSE_LOOKUP, body_short },
	{ "lookup-long", FUSE_LOOKUP, body_long },
	{ "lookup-huge", FUSE_LOOKUP, body_huge },
	{ "getattr-short", FUSE_GETATTR, body_short },
	{ "getattr-long", FUSE_GETATTR, body_long },
	{ "open-none", FUSE_OPEN, body_none },
	{ "open-long", FUSE_OPEN, body_long },
	{ "open-flags", FUSE_OPEN, open_flags },
	{ "opendir-short", FUSE_OPENDIR, body_short },
	{ "flush-long", FUSE_FLUSH, body_long },
	{ "release-long", FUSE_RELEASE, body_long },
	{ "type-none", FUSE_LOOKUP, type_none },
	{ "type-unknown", FUSE_LOOKUP, type_unknown },
	{ "type-other", FUSE_LOOKUP, type_other },
	{ "mode-bits", FUSE_LOOKUP, mode_bits },
	{ "node-zero", FUSE_LOOKUP, node_zero },
	{ "node-root", FUSE_LOOKUP, node_root },
	{ "node-same", FUSE_LOOKUP, node_same },
	{ "node-unknown", FUSE_LOOKUP, node_unknown },
	{ "size-negative", FUSE_LOOKUP, size_negative },
	{ "size-largest", FUSE_LOOKUP, size_largest },
	{ "nanoseconds", FUSE_LOOKUP, nanoseconds },
	{ "timeouts", FUSE_LOOKUP, timeouts },
	{ "links-zero", FUSE_LOOKUP, links_zero },
	{ "blksize", FUSE_LOOKUP, blksize },
	{ "attr-type", FUSE_GETATTR, attr_type },
	{ "attr-root", FUSE_GETATTR, attr_root },
	{ "attr-size", FUSE_GETATTR, attr_size },
	{ "read-none", FUSE_READ, body_none },
	{ "read-half", FUSE_READ, read_half },
	{ "read-more", FUSE_READ, read_more },
	{ "write-none", FUSE_WRITE, body_none },
	{ "write-half", FUSE_WRITE, write_half },
	{ "write-more", FUSE_WRITE, write_more },
	{ "write-huge", FUSE_WRITE, write_huge },
	{ "link-empty", FUSE_READLINK, link_empty },
	{ "link-nul", FUSE_READLINK, link_nul },
	{ "link-4095", FUSE_READLINK, link_4095 },
	{ "link-4096", FUSE_READLINK, link_4096 },
	{ "statfs-short", FUSE_STATFS, body_short },
	{ "statfs-ones", FUSE_STATFS, statfs_ones },
	{ "statfs-zeros", FUSE_STATFS, statfs_zeros },
	{ "xattr-huge", FUSE_GETXATTR, xattr_huge },
	{ "xattr-more", FUSE_GETXATTR, xattr_more },
	{ "xattr-list", FUSE_LISTXATTR, xattr_list },
	{ "name-slash", FUSE_READDIR, name_slash },
	{ "name-up", FUSE_READDIR, name_up },
	{ "name-empty", FUSE_READDIR, name_empty },
	{ "name-nul", FUSE_READDIR, name_nul },
	{ "name-huge", FUSE_READDIR, name_huge },
	{ "name-1025", FUSE_READDIR, name_1025 },
	{ "name-300", FUSE_READDIR, name_300 },
	{ "dirent-ino", FUSE_READDIR, dirent_ino },
	{ "dirent-type", FUSE_READDIR, dirent_type },
	{ "dirent-cut", FUSE_READDIR, dirent_cut },
	{ "readdir-more", FUSE_READDIR, read_more },
	{ "init-error", FUSE_INIT, init_error },
	{ "init-major-6", FUSE_INIT, init_major_6 },
	{ "init-major-8", FUSE_INIT, init_major_8 },
	{ "init-short", FUSE_INIT, init_short },
	{ "init-none", FUSE_INIT, init_none },
	{ "init-long", FUSE_INIT, init_long },
	{ "init-write-0", FUSE_INIT, init_write_0 },
	{ "init-write-huge", FUSE_INIT, init_write_huge },
	{ "init-readahead", FUSE_INIT, init_readahead },
	{ "notify-unknown", FUSE_OPEN, notify_unknown },
	{ "notify-short", FUSE_OPEN, notify_short },
	{ "notify-inode", FUSE_OPEN, notify_inode },
	{ "notify-slash", FUSE_OPEN, notify_slash },
	{ "notify-length", FUSE_OPEN, notify_length },
	{ "notify-parent", FUSE_OPEN, notify_parent },
	{ "notify-store", FUSE_OPEN, notify_store },
	{ "notify-retrieve", FUSE_OPEN, notify_retrieve },
	{ "notify-poll", FUSE_OPEN, notify_poll },
	{ "die-init", FUSE_INIT, die },
	{ "die-lookup", FUSE_LOOKUP, die },
	{ "die-open", FUSE_OPEN, die },
	{ "die-read", FUSE_READ, die_in_reply },
	{ "die-write", FUSE_WRITE, die },
	{ "die-readdir", FUSE_READDIR, die },
	{ "die-release", FUSE_RELEASE, die },
	{ NULL, 0, NULL },
};
