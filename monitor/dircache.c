// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dircache: directories of the host that are known to be reached without a symbolic link.
 *
 * Theory of operation.  A path is left to the kernel only when no link on its way leads elsewhere, and finding that
 * out costs an openat2(2), an fstat(2) and a close(2) each time.  But directories hardly ever turn into links.  So the
 * directories that are asked for again are kept here, each with all those above it, and each is watched with inotify
 * for a directory in it that is moved, removed or replaced, for that must come before a link can be there.  (An event
 * of the directory itself would not do: of one that is still open somewhere, it comes with the last close.)  The kernel
 * queues the event before the rename or rmdir returns, and the queue is looked at before each answer: an answer is
 * never older than what anybody could know.  Something mounted on the way shows in /proc/self/mounts, which can be
 * polled; one epoll_wait(2) asks for both.
 *
 * Only file systems whose every change passes this kernel are taken: a network file system's may not.  A user has few
 * inotify instances (fs.inotify.max_user_instances); where none is left nothing is ever known, and all is as exact.
 *
 * Used under the view's lock.
 */
#include "dircache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "compat.h"

#define SLOTS 4096              /* a power of two */
#define ENTRIES_MAX 1024        /* then all are forgotten */
#define ASKED 1024
#define TIMES 16                /* questions before one is learnt: a watch makes reads of its files some 25 ns dearer */
#define WATCHED (IN_DELETE | IN_MOVE | IN_ATTRIB)

#define ZFS_SUPER_MAGIC 0x2fc12fc1

struct entry {
	char *path;             /* NULL: free; owned */
	uint32_t hash;
	int watch;
	bool removed;           /* the directory is gone; the slot stays for those behind it */
};

static struct entry table[SLOTS];
static unsigned count;

/* What was asked for lately, and was not known. */
static struct {
	uint32_t hash;
	uint8_t times;
} asked[ASKED];

static int events = -1, notify = -1, mounts = -1; /* epoll, inotify, /proc/self/mounts */
static uint64_t epoch = 1;
static bool off;

static void forget_all(void)
{
	epoch++;
	for (unsigned i = 0; i < SLOTS && count > 0; i++)
		if (table[i].path != NULL) {
			free(table[i].path);
			table[i] = (struct entry){ 0 };
			count--;
		}
	if (notify >= 0)
		close(notify); /* its watches, and what is queued, go with it */
	notify = -1;
}

void dircache_disable(void)
{
	forget_all();
	off = true;
}

static bool watch_fd(int fd, uint32_t what)
{
	struct epoll_event ev = { .events = what, .data.fd = fd };

	return fd >= 0 && epoll_ctl(events, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* Get ready to learn. */
static bool ready(void)
{
	if (notify >= 0)
		return true;
	if (events < 0) {
		events = epoll_create1(EPOLL_CLOEXEC);
		mounts = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
		if (events < 0 || !watch_fd(mounts, EPOLLPRI))
			off = true;
	}
	notify = off ? -1 : inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (notify >= 0 && !watch_fd(notify, EPOLLIN)) {
		close(notify);
		notify = -1;
	}
	if (notify < 0)
		off = true;
	return !off;
}

static uint32_t hash_of(const char *path, size_t len)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)path[i]) * 16777619u;
	return h;
}

/* Its entry, or the free slot where it would be. */
static struct entry *find(const char *path, size_t len, uint32_t hash)
{
	unsigned i = hash % SLOTS;

	while (table[i].path != NULL && (table[i].hash != hash || strncmp(table[i].path, path, len) != 0 ||
					 table[i].path[len] != '\0'))
		i = (i + 1) % SLOTS;
	return &table[i];
}

/* The entry of a name in a directory that is watched (two paths may lead to one directory), or NULL. */
static struct entry *child_of(int watch, const char *name)
{
	char path[PATH_MAX + NAME_MAX + 2];

	for (unsigned i = 0; i < SLOTS; i++)
		if (table[i].path != NULL && table[i].watch == watch) {
			size_t len = (size_t)snprintf(path, sizeof(path), "%s/%s", table[i].path, name);
			struct entry *e = find(path, len, hash_of(path, len));

			if (e->path != NULL && !e->removed)
				return e;
		}
	return NULL;
}

/* One event.  False: nothing is known any more. */
static bool take(const struct inotify_event *event)
{
	struct entry *e;

	if (event->mask & (IN_UNMOUNT | IN_Q_OVERFLOW))
		return false;
	if (!(event->mask & IN_ISDIR) || (event->mask & IN_ATTRIB))
		return true;
	while ((e = child_of(event->wd, event->name)) != NULL) {
		if (!(event->mask & IN_DELETE))
			return false; /* whatever was below it has moved as well */
		e->removed = true; /* what was below it went before, each with an event of its own */
	}
	return true;
}

/* Take note of what has happened.  @first is what epoll_wait() gave; the mounts tell each change once only. */
static void drain(const struct epoll_event *first)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct epoll_event ev;
	ssize_t n;

	epoch++;
	if (first->data.fd == mounts) {
		forget_all();
		return;
	}
	while (notify >= 0 && (n = read(notify, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n;) {
			const struct inotify_event *event = (const struct inotify_event *)(buf + i);

			if (!take(event)) {
				forget_all();
				return;
			}
			i += (ssize_t)(sizeof(*event) + event->len);
		}
	if (epoll_wait(events, &ev, 1, 0) != 0 && ev.data.fd == mounts)
		forget_all();
}

uint64_t dircache_epoch(void)
{
	struct epoll_event ev;

	if (events >= 0 && epoll_wait(events, &ev, 1, 0) > 0)
		drain(&ev);
	return epoch;
}

/* Does every change of the file system pass this kernel? */
static bool is_local(const char *path)
{
	static const uint32_t local[] = {
		EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC, RAMFS_MAGIC, OVERLAYFS_SUPER_MAGIC,
		F2FS_SUPER_MAGIC, SQUASHFS_MAGIC, ISOFS_SUPER_MAGIC, MSDOS_SUPER_MAGIC, ZFS_SUPER_MAGIC,
	};
	struct statfs st;

	if (statfs(path, &st) < 0)
		return false;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if ((uint32_t)st.f_type == local[i])
			return true;
	return false;
}

/* Watch one directory, all above which are watched. */
static bool learn_one(const char *path, size_t len)
{
	uint32_t hash = hash_of(path, len);
	struct entry *e = find(path, len, hash);
	char *copy;
	int watch;

	if (e->path != NULL && !e->removed)
		return true;
	if (count == ENTRIES_MAX) {
		forget_all(); /* and begin anew, with the next question */
		return false;
	}
	copy = strndup(path, len);
	if (copy == NULL)
		return false;
	watch = inotify_add_watch(notify, len > 0 ? copy : "/", WATCHED | IN_ONLYDIR | IN_DONT_FOLLOW);
	if (watch < 0 || !is_local(len > 0 ? copy : "/")) {
		free(copy);
		return false;
	}
	if (e->path == NULL)
		count++;
	free(e->path);
	*e = (struct entry){ copy, hash, watch, false };
	return true;
}

/*
 * Each directory from the top: a link is refused by IN_DONT_FOLLOW, and a later change is an event.  What was known of those
 * above must be as new as what is learnt: nothing may be waiting to be read, and nothing may happen meanwhile.
 */
static void learn(const char *path, size_t len)
{
	uint64_t before = dircache_epoch();
	bool good = ready();

	for (size_t end = 0; good && end <= len; end++)
		if (end == len || path[end] == '/')
			good = learn_one(path, end);
	if (dircache_epoch() != before)
		forget_all();
}

bool dircache_knows(const char *path, size_t len)
{
	const struct entry *e;
	unsigned slot;
	uint32_t hash;

	if (off || len >= PATH_MAX)
		return false;
	hash = hash_of(path, len);
	e = find(path, len, hash);
	if (e->path != NULL) {
		uint64_t before = epoch;

		if (dircache_epoch() != before)
			e = find(path, len, hash);
		return e->path != NULL && !e->removed;
	}
	slot = hash % ASKED;
	if (asked[slot].hash != hash) {
		asked[slot].hash = hash;
		asked[slot].times = 0;
	}
	if (++asked[slot].times == TIMES) /* what cannot be learnt is not tried again soon: it goes round at 256 */
		learn(path, len);
	return false;
}
