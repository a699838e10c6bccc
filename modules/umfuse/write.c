// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing bodies back.
 *
 * Which blocks have been changed is found by digests of what the server has, taken before the first open for writing, for a
 * mapping tells nobody that it was written to.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "umfuse.h"

struct digest {
	uint64_t a, b;
};

static uint64_t mix(uint64_t h, uint64_t v, uint64_t k)
{
	h = (h ^ v) * k;
	return h ^ h >> 32;
}

static struct digest digest_of(const unsigned char *p, size_t n)
{
	struct digest d = { UINT64_C(0x243f6a8885a308d3) ^ n, UINT64_C(0x13198a2e03707344) + n };
	uint64_t v, w;

	for (; n >= 16; p += 16, n -= 16) {
		memcpy(&v, p, 8);
		memcpy(&w, p + 8, 8);
		d.a = mix(d.a, v + (w << 1), UINT64_C(0x9e3779b97f4a7c15));
		d.b = mix(d.b, w ^ (v >> 1), UINT64_C(0xd6e8feb86659fd93));
		d.a = mix(d.a, w, UINT64_C(0xff51afd7ed558ccd));
		d.b = mix(d.b, v, UINT64_C(0xc4ceb9fe1a85ec53));
	}
	for (; n > 0; p++, n--) {
		d.a = mix(d.a, *p, UINT64_C(0x9e3779b97f4a7c15));
		d.b = mix(d.b, *p, UINT64_C(0xd6e8feb86659fd93));
	}
	return d;
}

static bool digest_equal(struct digest x, struct digest y)
{
	return x.a == y.a && x.b == y.b;
}

static bool room_for(struct body *b, size_t n)
{
	struct digest *more;

	if (n <= b->ndigests)
		return true;
	more = realloc(b->digests, n * sizeof(*more));
	if (more == NULL)
		return false;
	memset(more + b->ndigests, 0, (n - b->ndigests) * sizeof(*more));
	b->digests = more;
	b->ndigests = n;
	return true;
}

void body_note_block(struct body *b, size_t i, const void *data, size_t size)
{
	if (b->digests != NULL && i < b->ndigests)
		b->digests[i] = digest_of(data, size);
}

static ssize_t read_block(int fd, void *buf, size_t size, off_t at)
{
	size_t n = 0;

	while (n < size) {
		ssize_t r = pread(fd, (char *)buf + n, size - n, at + (off_t)n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

int body_note(struct body *b)
{
	unsigned char *buf;
	int err = 0;

	if (b->written || !b->plain)
		return 0;
	b->written = true;
	if (b->digests != NULL || b->size == 0)
		return 0;
	buf = malloc(BODY_BLOCK);
	if (buf == NULL || !room_for(b, (size_t)((b->size + BODY_BLOCK - 1) / BODY_BLOCK)))
		err = -ENOMEM;
	for (size_t i = 0; err == 0 && i < b->ndigests; i++) {
		ssize_t n;

		if (!lazy_has(b, i))
			continue;
		n = read_block(b->fd, buf, BODY_BLOCK, (off_t)i * BODY_BLOCK);

		if (n < 0)
			err = (int)n;
		else
			b->digests[i] = digest_of(buf, (size_t)n);
	}
	free(buf);
	if (err < 0) {
		free(b->digests);
		b->digests = NULL;
		b->ndigests = 0;
		b->written = false;
	}
	return err;
}

void body_cut(struct body *b, uint64_t size)
{
	if (size < b->size)
		b->size = size;
	body_forget(b, size);
}

void body_forget(struct body *b, uint64_t from)
{
	size_t whole = (size_t)(from / BODY_BLOCK);

	if (b->ndigests > whole) /* the last block is another one now */
		memset(b->digests + whole, 0, (b->ndigests - whole) * sizeof(*b->digests));
}

static int write_piece(struct body *b, const char *buf, size_t size, uint64_t at, const struct channel_waiting *waiting)
{
	int err = body_handle(b, true, waiting);

	while (err == 0 && size > 0) {
		struct fuse_write_in in = { .fh = b->fh[1], .offset = at, .size = (uint32_t)size, .flags = O_RDWR };
		const struct fuse_write_out *out;
		struct request *r;

		if (in.size > b->fs->max_write)
			in.size = b->fs->max_write;
		err = body_call(b, FUSE_WRITE, &in, sizeof(in), buf, in.size, waiting, &r);
		if (err < 0)
			break;
		out = r->reply;
		if (r->reply_len != sizeof(*out) || out->size > in.size) {
			err = -EIO;
		} else if (out->size == 0) {
			err = -EIO;
		} else {
			buf += out->size;
			at += out->size;
			size -= out->size;
			if (__atomic_load_n(&b->fs->stuck, __ATOMIC_RELAXED) != 0)
				__atomic_store_n(&b->fs->stuck, now_ns(), __ATOMIC_RELAXED); /* it goes on */
		}
		request_free(r);
	}
	return err;
}

static int set_size(struct body *b, uint64_t size, const struct channel_waiting *waiting)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = size };
	int err = body_handle(b, true, waiting);

	if (b->has_fh[1]) {
		in.valid |= FATTR_FH;
		in.fh = b->fh[1];
	}
	return err < 0 ? err : body_call(b, FUSE_SETATTR, &in, sizeof(in), NULL, 0, waiting, NULL);
}

/* The blocks that differ from what the server has; @written: up to where it has bytes of ours. */
static int write_blocks(struct body *b, uint64_t size, uint64_t *written, const struct channel_waiting *waiting)
{
	unsigned char *buf = malloc(BODY_BLOCK);
	off_t at = 0;
	int err = buf != NULL ? 0 : -ENOMEM;

	while (err == 0 && (uint64_t)at < size) {
		size_t i = (size_t)at / BODY_BLOCK;
		struct digest d;
		ssize_t n;

		if (!lazy_has(b, i)) { /* nobody has been there */
			at += BODY_BLOCK;
			if ((uint64_t)at > *written)
				*written = (uint64_t)at < b->size ? (uint64_t)at : b->size;
			continue;
		}
		/* Where the server has nothing, or has made it itself (truncate, fallocate), holes need not be written. */
		if ((uint64_t)at >= b->size || i >= b->ndigests || digest_equal(b->digests[i], (struct digest){ 0, 0 })) {
			off_t data = lseek(b->fd, at, SEEK_DATA);

			if (data < 0)
				break;
			if (data > at + BODY_BLOCK) {
				at = data / BODY_BLOCK * BODY_BLOCK;
				continue;
			}
		}
		n = read_block(b->fd, buf, BODY_BLOCK, at);
		if (n <= 0) {
			err = (int)n;
			break;
		}
		if ((uint64_t)n > size - (uint64_t)at)
			n = (ssize_t)(size - (uint64_t)at); /* what has come since is written next time */
		d = digest_of(buf, (size_t)n);
		if (!room_for(b, i + 1)) {
			err = -ENOMEM;
			break;
		}
		if (!digest_equal(d, b->digests[i]))
			err = write_piece(b, (char *)buf, (size_t)n, (uint64_t)at, waiting);
		if (err == 0) {
			b->digests[i] = d;
			if ((uint64_t)(at + n) > *written)
				*written = (uint64_t)(at + n);
		}
		at += BODY_BLOCK;
	}
	free(buf);
	return err;
}

/* All that has been changed. */
static int write_all_back(struct body *b, const struct channel_waiting *waiting)
{
	uint64_t written = 0;
	struct stat st;
	int err = fstat(b->fd, &st) < 0 ? -errno : 0;

	if (err == 0)
		err = write_blocks(b, (uint64_t)st.st_size, &written, waiting);
	if (err == 0 && written < b->size)
		written = b->size;
	if (err == 0 && written != (uint64_t)st.st_size) {
		err = set_size(b, (uint64_t)st.st_size, waiting);
		body_cut(b, (uint64_t)st.st_size);
	}
	if (err == 0) {
		b->size = (uint64_t)st.st_size;
		b->mtime = st.st_mtim;
	}
	return err;
}

/* A process has closed it. */
static int flush(struct body *b, const struct channel_waiting *waiting)
{
	struct fuse_flush_in in = { .fh = b->fh[!!b->has_fh[1]] };
	int err = 0;

	if ((b->has_fh[0] || b->has_fh[1]) && !(b->fs->missing >> FUSE_FLUSH & 1))
		err = body_call(b, FUSE_FLUSH, &in, sizeof(in), NULL, 0, waiting, NULL);
	return err == -ENOSYS ? 0 : err;
}

static int write_back(struct body *b, bool closed, const struct channel_waiting *waiting)
{
	int err = body_claim(b, waiting);
	uint64_t opens;
	bool alone;

	if (err < 0)
		return err;
	host->lock();
	alone = !body_in_use(b);
	opens = b->opens;
	host->unlock();
	if (!body_is_over(b))
		err = write_all_back(b, waiting);
	if (err == 0 && closed && !body_is_over(b))
		err = flush(b, waiting);
	host->lock();
	/* Whoever had it open at the beginning, or has opened it since, may have written behind our back; its close tells. */
	b->server_mtime = MTIME_OURS;
	if (err == 0 && alone && opens == b->opens)
		b->written = false;
	body_unclaim(b);
	host->unlock();
	return err;
}

int body_write_closed(struct body *b)
{
	return write_back(b, true, NULL);
}

static int write_task(void *body, const struct channel_waiting *waiting)
{
	return write_back(body, false, waiting);
}

int body_write_back(struct body *b)
{
	if (!b->written || !b->filled || b->orphan)
		return 0;
	return journal_run_body(write_task, b, false);
}

static int sync_task(void *arg, const struct channel_waiting *waiting)
{
	struct body *b = arg;
	struct fuse_fsync_in in = { 0 };
	int err = body_claim(b, waiting);

	if (err < 0)
		return err;
	in.fh = b->fh[!!b->has_fh[1]];
	if (!body_is_over(b))
		err = body_call(b, FUSE_FSYNC, &in, sizeof(in), NULL, 0, waiting, NULL);
	host->lock();
	body_unclaim(b);
	host->unlock();
	return err == -ENOSYS ? 0 : err;
}

int body_sync(struct body *b)
{
	return journal_run_body(sync_task, b, false);
}
