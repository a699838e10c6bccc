// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Filling bodies with what the server has, and changing them in other ways of the monitor's own.
 *
 * Work on a body that takes long is done without the view's lock, by one thread at a time (body_claim).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "umfuse.h"

#define UNSIZED_MAX ((UINT64_C(1) << 30) + 1) /* bytes that are read of a file whose size is not known */

/* Claim it.  0, or -EINTR: somebody else is at work, and the caller has no time. */
int body_claim(struct body *b, const struct channel_waiting *waiting)
{
	struct timespec pause = { 0, 1000000 };

	for (;;) {
		bool busy, ended = false;

		host->lock();
		busy = b->busy;
		b->busy = true;
		host->unlock();
		if (!busy)
			return 0;
		if (waiting != NULL)
			waiting->begin();
		nanosleep(&pause, NULL);
		if (waiting != NULL)
			ended = waiting->end();
		if (ended)
			return -EINTR;
	}
}

/* Was its last name removed, or even it itself?  Then the server has nothing to do with it any more. */
bool body_is_over(const struct body *b)
{
	return __atomic_load_n(&b->gone, __ATOMIC_RELAXED) || __atomic_load_n(&b->orphan, __ATOMIC_RELAXED);
}

/* Work is done; with the view's lock. */
void body_unclaim(struct body *b)
{
	b->busy = false;
	if (b->gone || b->orphan)
		body_release(b); /* it was not idle then */
	if (b->gone)
		return;
	if (b->node != NULL)
		tree_stale(b->node);
	if (!b->plain || body_in_use(b) || b->queued)
		return;
	if (b->orphan) {
		body_free(b);
	} else if (!b->written) {
		body_release(b);
		flush_unwatch(b);
		b->open = false;
	}
}

static int idle(void *arg, const struct channel_waiting *waiting)
{
	struct body *b = arg;
	int err = body_claim(b, waiting);

	if (err < 0)
		return err;
	host->lock();
	body_unclaim(b);
	host->unlock();
	return 0;
}

int body_idle(struct body *b)
{
	return b->busy ? journal_run_body(idle, b, true) : 0;
}

void body_closed(struct body *b)
{
	if (!b->busy)
		body_unclaim(b);
}

/* For the monitor to write to.  What is open for writing cannot be executed, so it is closed again soon. */
int body_writable(const struct body *b)
{
	char name[40];
	int fd;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", b->fd);
	fd = open(name, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A request of the monitor's own. */
int body_call(struct body *b, uint32_t opcode, const void *args, size_t len, const void *data, size_t data_len,
		const struct channel_waiting *waiting, struct request **out)
{
	struct request *r = request_new(opcode, b->id, args, len);
	int err;

	if (r == NULL)
		return -ENOMEM;
	r->data = data;
	r->data_len = data_len;
	r->pid = (uint32_t)getpid();
	r->uid = getuid();
	r->gid = getgid();
	err = channel_call(b->fs->channel, r, waiting);
	if (err < 0) {
		if (err != -EINTR)
			request_free(r);
		return err;
	}
	err = r->error;
	if (err == 0 && out != NULL)
		*out = r;
	else
		request_free(r);
	return err;
}

int body_handle(struct body *b, bool write, const struct channel_waiting *waiting)
{
	struct fuse_open_in in = { .flags = write ? O_RDWR : O_RDONLY };
	const struct fuse_open_out *out;
	struct request *r;
	int err;

	if (b->has_fh[1] || (!write && b->has_fh[0]))
		return 0;
	if (b->fs->missing >> FUSE_OPEN & 1)
		return 0;
	err = body_call(b, FUSE_OPEN, &in, sizeof(in), NULL, 0, waiting, &r);
	if (err < 0)
		return err == -ENOSYS ? 0 : err;
	out = r->reply;
	if (r->reply_len != sizeof(*out)) {
		err = -EIO;
	} else {
		host->lock();
		body_take_handle(b, out->fh, write);
		host->unlock();
	}
	request_free(r);
	return err;
}

static int release(void *arg, const struct channel_waiting *waiting)
{
	struct body *b = arg;
	int err = body_claim(b, waiting);

	if (err < 0)
		return err;
	for (int i = 0; i < 2; i++) {
		struct fuse_release_in in = { .fh = b->fh[i], .flags = i ? O_RDWR : O_RDONLY };
		bool has;

		host->lock();
		has = b->has_fh[i];
		b->has_fh[i] = false;
		host->unlock();
		if (has && body_call(b, FUSE_RELEASE, &in, sizeof(in), NULL, 0, waiting, NULL) == -EINTR)
			err = -EINTR;
	}
	host->lock();
	body_unclaim(b);
	host->unlock();
	return err;
}

int body_release_waiting(struct body *b)
{
	return b->busy || b->has_fh[0] || b->has_fh[1] ? journal_run_body(release, b, true) : 0;
}

int body_allocate(struct body *b, int mode, off_t offset, off_t len)
{
	static const char zeros[4096];
	int fd = body_writable(b), err = fd < 0 ? fd : 0;
	bool by_hand = false;

	if (err == 0 && fallocate(fd, mode, offset, len) < 0) {
		by_hand = errno == EOPNOTSUPP && (mode & ~FALLOC_FL_KEEP_SIZE) == FALLOC_FL_ZERO_RANGE;
		err = by_hand ? 0 : -errno;
	}
	while (by_hand && len > 0) {
		size_t n = len < (off_t)sizeof(zeros) ? (size_t)len : sizeof(zeros);
		struct stat st;

		if ((mode & FALLOC_FL_KEEP_SIZE) && fstat(fd, &st) == 0 && offset >= st.st_size)
			break;
		if (pwrite(fd, zeros, n, offset) != (ssize_t)n) {
			err = -EIO;
			break;
		}
		offset += (off_t)n;
		len -= (off_t)n;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

int body_resize(struct body *b, uint64_t size)
{
	int fd = body_writable(b), err = fd < 0 ? fd : 0;

	if (err == 0 && ftruncate(fd, (off_t)size) < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

int body_write(int fd, const void *buf, size_t size, off_t at)
{
	for (size_t n = 0; n < size;) {
		ssize_t w = pwrite(fd, (const char *)buf + n, size - n, at + (off_t)n);

		if (w < 0 && errno != EINTR)
			return -errno;
		n += w > 0 ? (size_t)w : 0;
	}
	return 0;
}

/* How much a file may have: its size, but who gives none, or an old one, may have more than that. */
static uint64_t limit_of(const struct body *b)
{
	uint64_t size = b->node != NULL ? b->node->attr.size : 0;
	bool known = b->node != NULL && b->node->attr_until != 0;

	if (size < b->size) /* an answer that is older than what we have written */
		size = b->size;
	return (b->direct || !known) && size < UNSIZED_MAX ? UNSIZED_MAX : size;
}

static int read_all(struct body *b, uint64_t limit, const struct channel_waiting *waiting)
{
	int fd = body_writable(b), err;
	uint64_t at = 0;

	if (fd < 0)
		return fd == -ETXTBSY ? 0 : fd; /* it is being executed, and stays as it is */
	err = body_handle(b, false, waiting); /* whoever closed it last may have given them back since open(2) asked for one */
	while (err == 0 && at < limit) {
		struct fuse_read_in in = { .fh = b->fh[!b->has_fh[0]], .offset = at, .size = CHANNEL_DATA_MAX };
		struct request *r;
		size_t n;

		err = body_call(b, FUSE_READ, &in, sizeof(in), NULL, 0, waiting, &r);
		if (err < 0)
			break;
		n = r->reply_len;
		if (n > CHANNEL_DATA_MAX)
			err = -EIO;
		else if (n > limit - at)
			n = (size_t)(limit - at);
		if (err == 0 && n > 0)
			err = body_write(fd, r->reply, n, (off_t)at);
		request_free(r);
		at += n;
		if (err < 0 || n < CHANNEL_DATA_MAX)
			break;
	}
	if (err == 0 && at == UNSIZED_MAX)
		err = -EFBIG; /* and it would go on */
	if (err == 0 && ftruncate(fd, (off_t)at) < 0)
		err = -errno;
	close(fd);
	if (err == 0)
		b->size = at;
	return err;
}

void body_store(struct body *b, const void *data, size_t size, off_t at)
{
	int fd = b->filled && !b->written && b->plain ? body_writable(b) : -1;

	if (fd < 0)
		return; /* it has none, or newer ones */
	if (body_write(fd, data, size, at) == 0 && (uint64_t)at + size > b->size)
		b->size = (uint64_t)at + size;
	close(fd);
}

/* Have the server's contents. */
static int fill(void *arg, const struct channel_waiting *waiting)
{
	struct body *b = arg;
	struct stat st;
	uint64_t limit;
	int err = body_claim(b, waiting);

	if (err < 0)
		return err;
	if (!b->filled && !body_is_over(b)) {
		host->lock();
		limit = limit_of(b);
		host->unlock();
		err = read_all(b, limit, waiting);
		if (fstat(b->fd, &st) == 0)
			b->mtime = st.st_mtim;
	}
	host->lock();
	if (!b->filled && !body_is_over(b)) {
		b->filled = err == 0;
		lazy_free(b);
		b->server_mtime = MTIME_OURS;
		free(b->digests);
		b->digests = NULL;
		b->ndigests = 0;
	}
	body_unclaim(b);
	host->unlock();
	return err;
}

int body_fill_now(struct body *b)
{
	return fill(b, NULL);
}

int body_fill(struct body *b)
{
	int err = b->filled || body_is_over(b) ? 0 : journal_run_body(fill, b, false);

	/* Since it was filled for this operation it may have become old: another would fill it while it is written to. */
	return err == 0 && !b->filled && !body_is_over(b) ? journal_run_body(fill, b, true) : err;
}
