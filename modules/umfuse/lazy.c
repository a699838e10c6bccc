// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Large files, filled as far as they are read.
 *
 * Theory of operation.  In a view that traps the I/O of all files (umview --io), the body of a large file is a hole of its size at
 * first.  Each call that reads, writes or maps a part of it comes here before the kernel performs it (op_touch): blocks that
 * are missing are asked for, and the call is continued.  So nothing is emulated, and in a view without that class files are
 * filled as a whole when they are opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "umfuse.h"

#define LAZY_MIN "4194304"      /* bytes; smaller files are read as a whole (UMFUSE_LAZY_MIN, for tests) */
#define LAZY_MAX (UINT64_C(1) << 42) /* bytes; a byte is kept for each block */
#define AHEAD 16                /* blocks that are asked for with one whose predecessor is there */
#define PER_READ (CHANNEL_DATA_MAX / BODY_BLOCK)

bool lazy_any;

static size_t blocks_of(uint64_t size)
{
	return (size_t)((size + BODY_BLOCK - 1) / BODY_BLOCK);
}

bool lazy_has(const struct body *b, size_t i)
{
	return b->have == NULL || i >= b->nblocks || b->have[i];
}

void lazy_free(struct body *b)
{
	free(b->have);
	b->have = NULL;
}

void lazy_forget(struct body *b)
{
	if (b->have != NULL)
		memset(b->have, 0, b->nblocks);
}

void lazy_cut(struct body *b, uint64_t size)
{
	/* What follows are zeros, if it is ever there again: nothing to ask for. */
	for (size_t i = (size_t)(size / BODY_BLOCK) + (size % BODY_BLOCK != 0); b->have != NULL && i < b->nblocks; i++)
		b->have[i] = true;
}

static uint64_t lazy_min(void)
{
	const char *given = getenv("UMFUSE_LAZY_MIN");

	return strtoull(given != NULL ? given : LAZY_MIN, NULL, 10);
}

int lazy_start(struct body *b, uint64_t size)
{
	int err;

	if (b->have != NULL && size == b->size && blocks_of(size) == b->nblocks) { /* again, because the server's may be another */
		lazy_forget(b);
		b->filled = true;
		return 0;
	}
	if (size == 0 || !host->traps_io() || size < lazy_min())
		return 1;
	if (size > LAZY_MAX)
		return -EFBIG;
	err = body_resize(b, size);
	if (err < 0)
		return err;
	lazy_free(b);
	b->nblocks = blocks_of(size);
	b->have = calloc(b->nblocks, sizeof(*b->have));
	if (b->have == NULL)
		return -ENOMEM;
	b->size = size;
	b->filled = true;
	b->server_mtime = MTIME_OURS;
	lazy_any = true;
	return 0;
}

/* The blocks that this thread wants: a task has one argument, which names it. */
static __thread size_t from, to;

/* As many of the missing blocks from @i on as one request can have. */
static int fetch(struct body *b, int fd, size_t i, size_t *next, const struct channel_waiting *waiting)
{
	struct fuse_read_in in = { .fh = b->fh[!b->has_fh[0]], .offset = (uint64_t)i * BODY_BLOCK };
	size_t n = 0, got;
	struct request *r;
	int err;

	while (n < PER_READ && i + n < b->nblocks && !b->have[i + n])
		n++;
	in.size = (uint32_t)(n * BODY_BLOCK);
	err = body_call(b, FUSE_READ, &in, sizeof(in), NULL, 0, waiting, &r);
	if (err < 0)
		return err;
	got = r->reply_len;
	if (got > in.size)
		err = -EIO;
	else if (got > 0)
		err = body_write(fd, r->reply, got, (off_t)in.offset);
	for (size_t k = 0; err == 0 && k < n; k++) { /* what is behind the end that the server has now is zeros */
		size_t at = k * BODY_BLOCK, size = got > at ? got - at : 0;

		if (size > 0)
			body_note_block(b, i + k, (char *)r->reply + at, size < BODY_BLOCK ? size : BODY_BLOCK);
		__atomic_store_n(&b->have[i + k], true, __ATOMIC_RELEASE);
	}
	request_free(r);
	*next = i + n;
	return err;
}

static int fetch_all(void *arg, const struct channel_waiting *waiting)
{
	struct body *b = arg;
	int fd, err = body_claim(b, waiting);

	if (err < 0)
		return err;
	fd = body_writable(b);
	err = fd < 0 ? fd : 0;
	for (size_t i = from; err == 0 && i < to && b->have != NULL && i < b->nblocks;)
		if (b->have[i])
			i++;
		else
			err = fetch(b, fd, i, &i, waiting);
	if (fd >= 0)
		close(fd);
	host->lock();
	body_unclaim(b);
	host->unlock();
	return err;
}

int lazy_touch(struct body *b, uint64_t offset, uint64_t len)
{
	size_t first = (size_t)(offset / BODY_BLOCK), last, i;

	if (b->have == NULL || len == 0 || first >= b->nblocks)
		return 0;
	last = len > b->nblocks * (uint64_t)BODY_BLOCK - offset ? b->nblocks : blocks_of(offset + len);
	for (i = first; i < last && b->have[i]; i++)
		;
	if (i == last)
		return 0;
	from = i;
	to = i > 0 && b->have[i - 1] && last < i + AHEAD ? i + AHEAD : last;
	return journal_run(b->fs, fetch_all, b);
}

int op_touch(struct um_fs *fs, int fd, uint64_t offset, uint64_t len)
{
	struct body *b = body_of_fd(fs, fd);

	if (b == NULL)
		return -EXDEV;
	if (b->have == NULL)
		return 0;
	return len == 0 ? 1 : channel_dead(fs->channel) ? -EIO : lazy_touch(b, offset, len);
}
