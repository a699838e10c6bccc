// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing back what processes have closed.
 *
 * Theory of operation.  close(2) does not trap; an inotify watch on each open body tells of it.  The kernel queues that event
 * before close(2) returns, and before each call that is served the queue is looked at (flush_settle), so no process sees
 * anything in between: a call that comes after a close waits until the server has what was written.  The writing is done by
 * one thread for each mount, and by nobody who holds the view's lock.  Where nobody makes a call a thread of the module's looks.
 *
 * A server that hangs is waited for no longer than WAIT_NS, or it would stop the view.  Where there is no inotify instance to be
 * had, open bodies are looked at all the time.
 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "umfuse.h"

#define WAIT_NS UINT64_C(1000000000)
#define NOTICES_MS 100          /* how long a word of a server (FUSE_NOTIFY_*) waits, where nobody makes a call */
#define LEAVING_MS 200          /* between two looks at what was unmounted while files were open */
#define WATCHES 4096            /* size of the hash of watches */

struct flusher {
	sem_t work;
	struct um_fs *fs;
	bool stop;              /* with the view's lock */
};

static int inotify = -1;
static struct body *watched[WATCHES]; /* by watch descriptor */
static unsigned nwatched;
static int progress;            /* futex: a body is done */

void flush_watch(struct body *b)
{
	char name[40];

	if (b->watch >= 0)
		return;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", b->fd);
	b->watch = inotify >= 0 ? inotify_add_watch(inotify, name, IN_CLOSE) : -1;
	if (b->watch < 0) {
		if (!b->fs->unwatched && b->fs->flusher != NULL) {
			host->log("umfuse: inotify tells nothing of closed files here (fs.inotify.max_user_watches and _instances): what is "
				  "written is written back up to %d ms later", LEAVING_MS);
			sem_post(&b->fs->flusher->work);
		}
		b->fs->unwatched = true;
		return;
	}
	b->next_watch = watched[b->watch % WATCHES];
	watched[b->watch % WATCHES] = b;
	nwatched++;
}

void flush_unwatch(struct body *b)
{
	struct body **at;

	if (b->watch < 0)
		return;
	inotify_rm_watch(inotify, b->watch);
	for (at = &watched[b->watch % WATCHES]; *at != b; at = &(*at)->next_watch)
		;
	*at = b->next_watch;
	b->watch = -1;
	nwatched--;
}

static struct body *body_watched(int watch)
{
	struct body *b = watched[(unsigned)watch % WATCHES];

	while (b != NULL && b->watch != watch)
		b = b->next_watch;
	return b;
}

/* It is to be written back. */
static void enqueue(struct body *b)
{
	struct um_fs *fs = b->fs;

	if (b->queued || fs->flusher == NULL)
		return;
	b->queued = true;
	body_ref(b);
	b->next_closed = NULL;
	*fs->closed_end = b;
	fs->closed_end = &b->next_closed;
	fs->queued++;
	sem_post(&fs->flusher->work);
}

void flush_refill(struct body *b)
{
	if (b->written || !b->plain || b->orphan)
		return; /* ours are newer */
	if (b->have != NULL && b->node != NULL && lazy_start(b, b->node->attr.size) == 0)
		return;
	b->filled = false;
	if (b->open)
		enqueue(b);
}

static void closed(struct body *b)
{
	if (b->written && b->filled && !b->orphan)
		enqueue(b);
	else
		body_closed(b);
}

/* The kernel has lost what it had to tell: any of them may have been closed. */
static void any_closed(void)
{
	for (struct um_fs *fs = mounted; fs != NULL; fs = fs->next)
		for (size_t i = 0; i < sizeof(fs->by_ino) / sizeof(fs->by_ino[0]); i++)
			for (struct body *b = fs->by_ino[i], *next; b != NULL; b = next) {
				next = b->next;
				if (b->watch >= 0)
					closed(b);
			}
}

/* Read what the kernel tells.  With the view's lock. */
static void look(void)
{
	char buf[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while ((n = read(inotify, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n; p += sizeof(struct inotify_event) + ((struct inotify_event *)p)->len) {
			const struct inotify_event *event = (const void *)p;
			struct body *b = body_watched(event->wd);

			if (b != NULL && (event->mask & IN_CLOSE))
				closed(b);
			if (event->mask & IN_Q_OVERFLOW)
				any_closed();
		}
}

/* Nobody makes a call: look oneself, a moment later. */
static void *watcher(void *arg)
{
	struct timespec pause = { 0, 2000000 };
	struct pollfd p = { .fd = inotify, .events = POLLIN };

	(void)arg;
	for (;;) {
		int n = poll(&p, 1, mounted != NULL ? NOTICES_MS : -1);

		if (n < 0 && errno != EINTR)
			return NULL;
		if (n > 0)
			nanosleep(&pause, NULL);
		host->lock();
		look();
		for (struct um_fs *fs = mounted; fs != NULL && n == 0; fs = fs->next)
			fs_notices(fs);
		host->unlock();
	}
}

/* --- the thread of a mount ---------------------------------------------------------------------------------------- */

/* Its reference is the caller's. */
static struct body *dequeue(struct um_fs *fs)
{
	struct body *b = fs->closed;

	if (b == NULL)
		return NULL;
	fs->closed = b->next_closed;
	if (fs->closed == NULL)
		fs->closed_end = &fs->closed;
	b->queued = false;
	return b;
}

void flush_forget(struct um_fs *fs)
{
	struct body *b;

	while ((b = dequeue(fs)) != NULL) {
		body_unref(b);
		fs->flushed++;
	}
}

static void complain(struct um_fs *fs, struct body *b, int err)
{
	char path[PATH_MAX];

	b->error = err;
	if (b->node == NULL || tree_path(fs, b->node, path) < 0)
		strcpy(path, "?");
	host->log("umfuse: %s: what was written could not be written back: %s", path, strerror(-err));
}

static void flush_one(struct um_fs *fs, struct body *b)
{
	bool refill = !b->filled;
	int err;

	fs->stuck = now_ns();
	host->unlock();
	err = refill ? body_fill_now(b) : body_write_closed(b);
	host->lock();
	fs->stuck = 0;
	if (err < 0 && !refill && !b->gone && !b->orphan)
		complain(fs, b, err);
	body_unref(b);
	fs->flushed++;
	__atomic_add_fetch(&progress, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &progress, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

/* It was unmounted: has somebody a file open still (umount -l), or is something to be written back? */
static bool is_needed(struct um_fs *fs)
{
	bool needed = false;

	for (size_t i = 0; i < sizeof(fs->by_ino) / sizeof(fs->by_ino[0]); i++)
		for (struct body *b = fs->by_ino[i]; b != NULL; b = b->next) {
			if (!b->plain || b->orphan)
				continue;
			if (body_in_use(b))
				needed = true;
			else if (b->written && b->filled && b->error == 0)
				enqueue(b);
		}
	return needed || fs->closed != NULL;
}

static void wait_for_work(struct flusher *f, bool leaving)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += LEAVING_MS * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	while ((leaving ? sem_timedwait(&f->work, &t) : sem_wait(&f->work)) < 0 && errno == EINTR)
		;
}

static void *flusher(void *arg)
{
	struct flusher *f = arg;
	struct um_fs *fs = f->fs;
	struct body *b;
	bool leaving;

	fs_init(fs);
	host->lock();
	for (;;) {
		while ((b = dequeue(fs)) != NULL)
			flush_one(fs, b);
		if (f->stop && (channel_dead(fs->channel) || !is_needed(fs)))
			break;
		if (fs->unwatched)
			is_needed(fs); /* queues what nobody has open any more */
		if (fs->closed != NULL)
			continue;
		leaving = f->stop || fs->unwatched;
		host->unlock();
		wait_for_work(f, leaving);
		host->lock();
	}
	channel_shut(fs->channel, host->end_reads);
	fs->flusher = NULL;
	fs_unref(fs);
	host->unlock();
	sem_destroy(&f->work);
	free(f);
	return NULL;
}

int flush_start(struct um_fs *fs)
{
	struct flusher *f = calloc(1, sizeof(*f));
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	if (f == NULL)
		return -ENOMEM;
	f->fs = fs;
	sem_init(&f->work, 0, 0);
	fs->closed_end = &fs->closed;
	fs->flusher = f;
	fs_ref(fs);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = -pthread_create(&thread, &attr, flusher, f);
	pthread_attr_destroy(&attr);
	if (err < 0) {
		fs->flusher = NULL;
		fs_unref(fs);
		free(f);
	}
	return err;
}

void flush_stop(struct um_fs *fs)
{
	if (fs->flusher == NULL)
		return;
	fs->flusher->stop = true;
	sem_post(&fs->flusher->work);
}

/* --- before a call is served ----------------------------------------------------------------------------------------- */

bool flush_is_stuck(const struct um_fs *fs)
{
	return fs->stuck != 0 && now_ns() - fs->stuck >= WAIT_NS;
}

static bool is_waited_for(const struct um_fs *fs)
{
	return fs->flushed < fs->queued && !flush_is_stuck(fs) && !channel_dead(fs->channel);
}

static bool any_waited_for(void)
{
	for (struct um_fs *fs = mounted; fs != NULL; fs = fs->next)
		if (is_waited_for(fs))
			return true;
	return false;
}

static int wait_task(void *arg, const struct channel_waiting *waiting)
{
	struct timespec limit = { 0, 50000000 };
	bool wait = true, ended = false;

	(void)arg;
	while (wait && !ended) {
		int seen = __atomic_load_n(&progress, __ATOMIC_SEQ_CST);

		host->lock();
		wait = any_waited_for();
		host->unlock();
		if (!wait)
			break;
		waiting->begin();
		syscall(SYS_futex, &progress, FUTEX_WAIT_PRIVATE, seen, &limit, NULL, 0);
		ended = waiting->end();
	}
	return ended ? -EINTR : 0;
}

void flush_all(struct um_fs *fs, uint64_t limit_ns)
{
	struct timespec step = { 0, 50000000 };
	uint64_t end = now_ns() + limit_ns;
	bool wait = true;

	host->lock();
	look();
	for (size_t i = 0; i < sizeof(fs->by_ino) / sizeof(fs->by_ino[0]); i++)
		for (struct body *b = fs->by_ino[i]; b != NULL; b = b->next)
			if (b->written && b->filled && !b->orphan)
				enqueue(b);
	host->unlock();
	while (wait && now_ns() < end) {
		int seen = __atomic_load_n(&progress, __ATOMIC_SEQ_CST);

		host->lock();
		wait = fs->flushed < fs->queued && !channel_dead(fs->channel);
		host->unlock();
		if (wait)
			syscall(SYS_futex, &progress, FUTEX_WAIT_PRIVATE, seen, &step, NULL, 0);
	}
}

int flush_settle(void)
{
	if (mounted == NULL)
		return 0;
	if (nwatched > 0)
		look();
	return any_waited_for() ? journal_run(mounted, wait_task, NULL) : 0;
}

int flush_init(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	if (inotify >= 0)
		return 0;
	inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (inotify < 0)
		return 0;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = -pthread_create(&thread, &attr, watcher, NULL);
	pthread_attr_destroy(&attr);
	return err;
}
