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
 * A directory's body is an empty directory, for descriptors and for chdir(2).  What fills bodies is in fill.c and lazy.c, what
 * writes them back in write.c.
 *
 * The monitor keeps each body open; whether somebody else has it open is told by a lease, which would be refused then.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "umfuse.h"

#define CLOSED_MAX 1024         /* bodies that nobody has open */
#define CACHE_MAX (UINT64_C(256) << 20) /* bytes in them */

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

/* How many bodies of a mount may be kept that nobody has open: each has a descriptor of the monitor's. */
static size_t closed_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 8 > CLOSED_MAX)
		return CLOSED_MAX;
	return limit.rlim_cur / 8;
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
	if ((closed > closed_max() || bytes > CACHE_MAX) && oldest != NULL)
		body_free(oldest);
	else
		fs->enough = fs->nbodies + closed_max() / 16; /* to look again */
}

/* Make the real file, and open it. */
static int make_file(struct body *b, const char *target, struct stat *st)
{
	char name[PATH_MAX];
	int err = 0;

	name_of(b, name);
	switch (b->type) {
	case S_IFREG:
		b->fd = open(name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
		if (b->fd < 0)
			return -errno;
		fcntl(b->fd, F_SETSIG, SIGURG); /* who breaks our lease must not end us */
		return fstat(b->fd, st) < 0 ? -errno : 0;
	case S_IFDIR: err = mkdir(name, 0700); break;
	case S_IFIFO: err = mkfifo(name, 0700); break;
	case S_IFLNK: err = symlink(target != NULL ? target : "?", name); break;
	case S_IFSOCK: break; /* body_bind() has made it */
	default: return -EOPNOTSUPP;
	}
	return err < 0 || lstat(name, st) < 0 ? -errno : 0;
}

/* There are no descriptors left: away with all that nobody has open.  Was there any? */
static bool drop_closed(void)
{
	bool any = false;

	for (struct um_fs *fs = mounted; fs != NULL; fs = fs->next)
		for (size_t i = 0; i < sizeof(fs->by_ino) / sizeof(fs->by_ino[0]); i++)
			for (struct body *b = fs->by_ino[i], *next; b != NULL; b = next) {
				next = b->next;
				if (!b->plain || b->open || b->busy || b->written)
					continue;
				body_free(b);
				any = true;
			}
	return any;
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
	err = b->depot != NULL ? make_file(b, target, &st) : -ENOMEM;
	if (err == -EMFILE && drop_closed())
		err = make_file(b, target, &st);
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
	lazy_free(b);
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
	if (b->node != NULL) {
		b->node->body = NULL;
		tree_check(b->fs, b->node);
	}
	b->node = NULL;
	body_unref(b);
}

/* Nothing tells whether a removed directory is open still: the last ones are remembered. */
static void keep_lost(struct body *b)
{
	struct um_fs *fs = b->fs;
	struct body **slot = &fs->lost[fs->nlost % (sizeof(fs->lost) / sizeof(fs->lost[0]))];

	if (b->opens == 0) {
		body_free(b);
		return;
	}
	if (*slot != NULL)
		body_free(*slot);
	*slot = b;
	fs->nlost++;
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
		tree_check(b->fs, b->node);
	}
	b->node = NULL;
	b->written = false;
	if (!b->plain)
		keep_lost(b);
	else if (!b->busy && !body_in_use(b))
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
