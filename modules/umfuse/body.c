// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bodies: what processes have of the files of a server.
 *
 * Theory of operation.  A file that is opened gets a body, a real file in a directory of the user's own, filled with what the
 * server has.  The process gets a descriptor of it.  So reading, writing, mapping, locking, executing and passing it on are the
 * kernel's business, all that have the file open have the same one, and nothing of that traps.  The body is the file's page
 * cache: what processes have changed is written back when they close it (flush.c), at fsync(2), before its attributes are
 * changed, and at umount.
 *
 * Which blocks have been changed is found by digests of what the server has, taken before the first open for writing; a
 * mapping tells nobody that it was written to.  A directory's body is an empty directory, for descriptors and for chdir(2).
 *
 * The monitor keeps each body open; whether somebody else has it open is told by a lease, which would be refused then.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "umfuse.h"

#define BLOCK (64 * 1024)
#define CLOSED_MAX 1024         /* bodies that nobody has open */
#define CACHE_MAX (UINT64_C(256) << 20) /* bytes in them */

struct digest {
	uint64_t a, b;
};

/* --- digests ------------------------------------------------------------------------------------------------------- */

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
	buf = malloc(BLOCK);
	if (buf == NULL || !room_for(b, (size_t)((b->size + BLOCK - 1) / BLOCK)))
		err = -ENOMEM;
	for (size_t i = 0; err == 0 && i < b->ndigests; i++) {
		ssize_t n = read_block(b->fd, buf, BLOCK, (off_t)i * BLOCK);

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

/* --- making and finding ---------------------------------------------------------------------------------------------- */

void bodies_close(struct um_fs *fs)
{
	for (size_t i = 0; i < sizeof(fs->by_ino) / sizeof(fs->by_ino[0]); i++)
		while (fs->by_ino[i] != NULL)
			body_free(fs->by_ino[i]);
	flush_forget(fs);
	depots_close(fs);
}

static struct body **place(struct um_fs *fs, ino_t ino)
{
	return &fs->by_ino[ino % (sizeof(fs->by_ino) / sizeof(fs->by_ino[0]))];
}

struct body *body_of(struct um_fs *fs, const struct statx *st)
{
	struct body *b;

	dev_t dev = makedev(st->stx_dev_major, st->stx_dev_minor);

	if (dev != fs->depots[0].dev && (fs->depots[1].path == NULL || dev != fs->depots[1].dev))
		return NULL;
	for (b = *place(fs, st->stx_ino); b != NULL && (b->ino != st->stx_ino || b->depot->dev != dev); b = b->next)
		;
	return b;
}

static void name_of(const struct body *b, char *name)
{
	snprintf(name, PATH_MAX, "%s/%llx", b->depot->path, (unsigned long long)b->id);
}

/* Away with what has not been used for longest, and nobody has open. */
static void make_room(struct um_fs *fs)
{
	struct body *oldest = NULL;
	uint64_t bytes = 0;
	size_t closed = 0;

	if (fs->nbodies < fs->enough)
		return;
	for (size_t i = 0; i < sizeof(fs->by_ino) / sizeof(fs->by_ino[0]); i++)
		for (struct body *b = fs->by_ino[i]; b != NULL; b = b->next) {
			if (!b->plain || b->open || b->busy || b->written)
				continue;
			closed++;
			bytes += b->size;
			if (oldest == NULL || b->used < oldest->used)
				oldest = b;
		}
	if ((closed > CLOSED_MAX || bytes > CACHE_MAX) && oldest != NULL)
		body_free(oldest);
	else
		fs->enough = fs->nbodies + CLOSED_MAX / 16; /* to look again */
}

/* Make the real file, and open it. */
static int make_file(struct body *b, const char *target)
{
	char name[PATH_MAX];
	int err = 0;

	name_of(b, name);
	switch (b->type) {
	case S_IFREG:
		b->fd = open(name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
		return b->fd < 0 ? -errno : 0;
	case S_IFDIR: err = mkdir(name, 0700); break;
	case S_IFIFO: err = mkfifo(name, 0700); break;
	case S_IFLNK: err = symlink(target != NULL ? target : "?", name); break;
	case S_IFSOCK: break; /* body_bind() has made it */
	default: return -EOPNOTSUPP;
	}
	if (err == 0)
		b->fd = open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return b->fd < 0 ? -errno : 0;
}

int body_make(struct um_fs *fs, struct node *node, const char *target, struct body **out)
{
	struct body *b = node->body;
	struct stat st;
	int err;

	*out = b;
	if (b != NULL)
		return 0;
	make_room(fs);
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return -ENOMEM;
	*b = (struct body){ .fs = fs, .node = node, .id = node->id, .fd = -1, .watch = -1, .type = node->attr.mode & S_IFMT,
			    .plain = S_ISREG(node->attr.mode), .refs = 1 };
	b->depot = b->plain ? depot_for(fs, node->attr.size, node->attr.size == 0) : &fs->depots[0];
	if (b->depot == NULL)
		host->log("umfuse: there is no room for a file of %llu bytes in a directory for files that are open: see umfuse(7), "
			  "UMFUSE_CACHE", (unsigned long long)node->attr.size);
	err = b->depot != NULL ? make_file(b, target) : -ENOMEM;
	if (err == 0 && fstat(b->fd, &st) < 0)
		err = -errno;
	if (err < 0) {
		free(b);
		return err == -ENOENT && S_ISSOCK(node->attr.mode) ? -EOPNOTSUPP : err;
	}
	b->ino = st.st_ino;
	b->next = *place(fs, b->ino);
	*place(fs, b->ino) = b;
	fs->nbodies++;
	node->body = b;
	*out = b;
	return 0;
}

int body_bind(struct um_fs *fs, struct node *node, int sock)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct body *b;

	snprintf(un.sun_path, sizeof(un.sun_path), "/proc/self/fd/%d/%llx", fs->depots[0].fd, (unsigned long long)node->id);
	if (bind(sock, (const struct sockaddr *)&un, sizeof(un)) < 0)
		return -errno;
	return body_make(fs, node, NULL, &b);
}

static void remove_name(struct body *b)
{
	char name[PATH_MAX];

	name_of(b, name);
	if (S_ISDIR(b->type))
		rmdir(name);
	else
		unlink(name);
}

void body_ref(struct body *b)
{
	b->refs++;
}

void body_unref(struct body *b)
{
	if (--b->refs > 0)
		return;
	if (b->fd >= 0)
		close(b->fd);
	free(b->digests);
	free(b);
}

void body_free(struct body *b)
{
	struct body **at = place(b->fs, b->ino);

	if (b->gone)
		return;
	b->gone = true;
	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	b->fs->nbodies--;
	flush_unwatch(b);
	body_release(b);
	if (!b->orphan)
		remove_name(b);
	if (b->node != NULL)
		b->node->body = NULL;
	b->node = NULL;
	body_unref(b);
}

void body_orphan(struct body *b)
{
	if (b->orphan)
		return;
	if (!b->busy)
		body_release(b);
	remove_name(b);
	b->orphan = true;
	if (b->node != NULL) {
		b->last = b->node->attr;
		b->node->body = NULL;
	}
	b->node = NULL;
	b->written = false;
	if (!b->busy && b->plain && !body_in_use(b))
		body_free(b);
}

bool body_is_older(struct body *b, const struct fuse_attr *attr)
{
	uint64_t mtime = attr->mtime * 1000000000u + attr->mtimensec;

	if (!b->plain || !b->filled || b->written)
		return false;
	if (b->server_mtime == MTIME_OURS)
		b->server_mtime = mtime;
	return attr->size != b->size || mtime != b->server_mtime;
}

bool body_in_use(const struct body *b)
{
	if (!b->plain)
		return true;
	if (fcntl(b->fd, F_SETLEASE, F_WRLCK) < 0)
		return true;
	fcntl(b->fd, F_SETLEASE, F_UNLCK);
	return false;
}

int body_open(struct body *b, int flags)
{
	static uint64_t clock;
	char name[PATH_MAX];
	int fd;

	if (!b->plain)
		name_of(b, name);
	else
		snprintf(name, sizeof(name), "/proc/self/fd/%d", b->fd);
	/* A lease of somebody's must not be waited for here. */
	fd = open(name, (flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_NOFOLLOW | O_DIRECT)) | (S_ISLNK(b->type) ? O_NOFOLLOW : 0) |
			O_CLOEXEC | O_NOCTTY | (b->plain ? O_NONBLOCK : 0));
	if (fd < 0)
		return -errno;
	if (b->plain && !(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	b->open = true;
	b->opens++;
	b->used = ++clock;
	if (b->plain)
		flush_watch(b);
	return fd;
}

/* Until whoever has a lease on it has given it back, or the kernel has taken it. */
static int wait_lease(void *arg, const struct channel_waiting *waiting)
{
	struct timespec pause = { 0, 2000000 };
	const struct body *b = arg;
	bool ended = false;
	char name[40];
	int fd = -1;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", b->fd);
	while (!ended) {
		fd = open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 || errno != EWOULDBLOCK)
			break;
		waiting->begin();
		nanosleep(&pause, NULL);
		ended = waiting->end();
	}
	if (fd >= 0)
		close(fd);
	return ended ? -EINTR : 0;
}

int body_open_waiting(struct body *b, int flags)
{
	int fd = body_open(b, flags), err;

	if (fd != -EWOULDBLOCK || (flags & O_NONBLOCK))
		return fd;
	err = journal_run_body(wait_lease, b, false);
	return err < 0 ? err : body_open(b, flags);
}

void body_take_handle(struct body *b, uint64_t fh, bool write)
{
	struct fuse_release_in in = { .fh = fh, .flags = write ? O_RDWR : O_RDONLY };

	if (b->has_fh[write]) {
		tell(b->fs, FUSE_RELEASE, b->id, &in, sizeof(in));
		return;
	}
	b->fh[write] = fh;
	b->has_fh[write] = true;
}

void body_release(struct body *b)
{
	for (int i = 0; i < 2; i++)
		if (b->has_fh[i]) {
			struct fuse_release_in in = { .fh = b->fh[i], .flags = i ? O_RDWR : O_RDONLY };

			b->has_fh[i] = false;
			tell(b->fs, FUSE_RELEASE, b->id, &in, sizeof(in));
		}
}

void body_patch(const struct body *b, struct fuse_attr *attr)
{
	struct stat st;

	if (!b->plain || !b->filled || !b->written || fstat(b->fd, &st) < 0)
		return;
	attr->size = (uint64_t)st.st_size;
	attr->blocks = (uint64_t)st.st_blocks;
	if (st.st_mtim.tv_sec != b->mtime.tv_sec || st.st_mtim.tv_nsec != b->mtime.tv_nsec) {
		attr->mtime = attr->ctime = (uint64_t)st.st_mtim.tv_sec;
		attr->mtimensec = attr->ctimensec = (uint32_t)st.st_mtim.tv_nsec;
	}
}

void body_cut(struct body *b, uint64_t size)
{
	if (size < b->size)
		b->size = size;
	body_forget(b, size);
}

void body_forget(struct body *b, uint64_t from)
{
	size_t whole = (size_t)(from / BLOCK);

	if (b->ndigests > whole) /* the last block is another one now */
		memset(b->digests + whole, 0, (b->ndigests - whole) * sizeof(*b->digests));
}

/* --- work without the view's lock ------------------------------------------------------------------------------------ */

/* Claim it.  0, or -EINTR: somebody else is at work, and the caller has no time. */
static int claim(struct body *b, const struct channel_waiting *waiting)
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
static bool is_over(const struct body *b)
{
	return __atomic_load_n(&b->gone, __ATOMIC_RELAXED) || __atomic_load_n(&b->orphan, __ATOMIC_RELAXED);
}

/* Work is done; with the view's lock. */
static void unclaim(struct body *b)
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
	int err = claim(b, waiting);

	if (err < 0)
		return err;
	host->lock();
	unclaim(b);
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
		unclaim(b);
}

/* For the monitor to write to.  What is open for writing cannot be executed, so it is closed again soon. */
static int body_writable(const struct body *b)
{
	char name[40];
	int fd;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", b->fd);
	fd = open(name, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A request of the monitor's own. */
static int call(struct body *b, uint32_t opcode, const void *args, size_t len, const void *data, size_t data_len,
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

static int write_all(int fd, const void *buf, size_t size, off_t at)
{
	for (size_t n = 0; n < size;) {
		ssize_t w = pwrite(fd, (const char *)buf + n, size - n, at + (off_t)n);

		if (w < 0 && errno != EINTR)
			return -errno;
		n += w > 0 ? (size_t)w : 0;
	}
	return 0;
}

static int read_all(struct body *b, const struct channel_waiting *waiting)
{
	int fd = body_writable(b), err = 0;
	uint64_t at = 0;

	if (fd < 0)
		return fd == -ETXTBSY ? 0 : fd; /* it is being executed, and stays as it is */
	for (;;) {
		struct fuse_read_in in = { .fh = b->fh[!b->has_fh[0]], .offset = at, .size = CHANNEL_DATA_MAX };
		struct request *r;
		size_t n;

		err = call(b, FUSE_READ, &in, sizeof(in), NULL, 0, waiting, &r);
		if (err < 0)
			break;
		n = r->reply_len;
		if (n > CHANNEL_DATA_MAX)
			err = -EIO;
		else if (n > 0)
			err = write_all(fd, r->reply, n, (off_t)at);
		request_free(r);
		at += n;
		if (err < 0 || n < CHANNEL_DATA_MAX)
			break;
	}
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
	if (write_all(fd, data, size, at) == 0 && (uint64_t)at + size > b->size)
		b->size = (uint64_t)at + size;
	close(fd);
}

/* Have the server's contents. */
static int fill(void *arg, const struct channel_waiting *waiting)
{
	struct body *b = arg;
	struct stat st;
	int err = claim(b, waiting);

	if (err < 0)
		return err;
	if (!b->filled && !is_over(b)) {
		err = read_all(b, waiting);
		if (fstat(b->fd, &st) == 0)
			b->mtime = st.st_mtim;
	}
	host->lock();
	if (!b->filled && !is_over(b)) {
		b->filled = err == 0;
		b->server_mtime = MTIME_OURS;
		free(b->digests);
		b->digests = NULL;
		b->ndigests = 0;
	}
	unclaim(b);
	host->unlock();
	return err;
}

int body_fill_now(struct body *b)
{
	return fill(b, NULL);
}

int body_fill(struct body *b)
{
	return b->filled ? 0 : journal_run_body(fill, b, false);
}

/* --- writing back ---------------------------------------------------------------------------------------------------- */

static int open_for_writing(struct body *b, const struct channel_waiting *waiting)
{
	struct fuse_open_in in = { .flags = O_RDWR };
	const struct fuse_open_out *out;
	struct request *r;
	int err;

	if (b->has_fh[1])
		return 0;
	if (b->fs->missing >> FUSE_OPEN & 1)
		return 0;
	err = call(b, FUSE_OPEN, &in, sizeof(in), NULL, 0, waiting, &r);
	if (err < 0)
		return err == -ENOSYS ? 0 : err;
	out = r->reply;
	if (r->reply_len != sizeof(*out)) {
		err = -EIO;
	} else {
		host->lock();
		body_take_handle(b, out->fh, true);
		host->unlock();
	}
	request_free(r);
	return err;
}

static int write_piece(struct body *b, const char *buf, size_t size, uint64_t at, const struct channel_waiting *waiting)
{
	int err = open_for_writing(b, waiting);

	while (err == 0 && size > 0) {
		struct fuse_write_in in = { .fh = b->fh[1], .offset = at, .size = (uint32_t)size, .flags = O_RDWR };
		const struct fuse_write_out *out;
		struct request *r;

		if (in.size > b->fs->max_write)
			in.size = b->fs->max_write;
		err = call(b, FUSE_WRITE, &in, sizeof(in), buf, in.size, waiting, &r);
		if (err < 0)
			break;
		out = r->reply;
		if (r->reply_len != sizeof(*out) || out->size > in.size) {
			err = -EIO;
		} else if (out->size == 0) {
			err = -ENOSPC;
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
	int err = open_for_writing(b, waiting);

	if (b->has_fh[1]) {
		in.valid |= FATTR_FH;
		in.fh = b->fh[1];
	}
	return err < 0 ? err : call(b, FUSE_SETATTR, &in, sizeof(in), NULL, 0, waiting, NULL);
}

/* The blocks that differ from what the server has; @written: up to where it has bytes of ours. */
static int write_blocks(struct body *b, uint64_t size, uint64_t *written, const struct channel_waiting *waiting)
{
	unsigned char *buf = malloc(BLOCK);
	off_t at = 0;
	int err = buf != NULL ? 0 : -ENOMEM;

	while (err == 0 && (uint64_t)at < size) {
		size_t i = (size_t)at / BLOCK;
		struct digest d;
		ssize_t n;

		if ((uint64_t)at >= b->size) { /* beyond what the server has, holes need not be written */
			off_t data = lseek(b->fd, at, SEEK_DATA);

			if (data < 0)
				break;
			if (data > at + BLOCK) {
				at = data / BLOCK * BLOCK;
				continue;
			}
		}
		n = read_block(b->fd, buf, BLOCK, at);
		if (n <= 0) {
			err = (int)n;
			break;
		}
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
		at += BLOCK;
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
		err = call(b, FUSE_FLUSH, &in, sizeof(in), NULL, 0, waiting, NULL);
	return err == -ENOSYS ? 0 : err;
}

static int write_back(struct body *b, bool closed, const struct channel_waiting *waiting)
{
	int err = claim(b, waiting);
	uint64_t opens;
	bool alone;

	if (err < 0)
		return err;
	host->lock();
	alone = !body_in_use(b);
	opens = b->opens;
	host->unlock();
	if (!is_over(b))
		err = write_all_back(b, waiting);
	if (err == 0 && closed && !is_over(b))
		err = flush(b, waiting);
	host->lock();
	/* Whoever had it open at the beginning, or has opened it since, may have written behind our back; its close tells. */
	b->server_mtime = MTIME_OURS;
	if (err == 0 && alone && opens == b->opens)
		b->written = false;
	unclaim(b);
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

/* --- fsync ------------------------------------------------------------------------------------------------------------- */

static int sync_task(void *arg, const struct channel_waiting *waiting)
{
	struct body *b = arg;
	struct fuse_fsync_in in = { 0 };
	int err = claim(b, waiting);

	if (err < 0)
		return err;
	in.fh = b->fh[!!b->has_fh[1]];
	if (!is_over(b))
		err = call(b, FUSE_FSYNC, &in, sizeof(in), NULL, 0, waiting, NULL);
	host->lock();
	unclaim(b);
	host->unlock();
	return err == -ENOSYS ? 0 : err;
}

int body_sync(struct body *b)
{
	return journal_run_body(sync_task, b, false);
}
