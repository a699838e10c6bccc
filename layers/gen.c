/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The change lock, the shared generation counter, and what keeps an upper directory whole after a kill.
 *
 * Theory of operation.  A change to an upper directory is made under flock(2) of .umview/generation; the kernel drops
 * the lock when its holder dies.  The first page of that file is mapped shared and begins with the counter: odd
 * while a change is under way, even otherwise.  A reader whose index was made at another value, or who sees an odd
 * value, does not trust its index.  A value that is odd while the lock is free was left by a process that was
 * killed: whoever notices brings it to the next even one and finishes or undoes what was left:
 *
 *   - files in work/ are removed: they were never part of the tree;
 *   - the intent record, if set, names an object that was being created in its final place and the virtual attributes
 *     that it was to have; if it is there, it gets them.  (Creating in work/ and renaming would need no record, but
 *     costs a third more for every file that is created.)
 *
 * A page-cache page survives the death of all its mappers, so memory writes are enough; nothing here is meant to
 * survive the death of the kernel beyond what the file system itself promises.
 */
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "layers_internal.h"

struct gen_page {
	_Atomic uint64_t counter;
	_Atomic uint32_t intent;  /* 1: the two texts below are valid */
	_Atomic uint32_t devices; /* 1: there may be virtual device nodes in the upper directory */
	_Atomic uint32_t vstat;	  /* 1: was used with virtual attributes */
	char record[64];	  /* as vattr_text() writes it */
	char path[PATH_MAX];	  /* stack-relative */
	_Atomic uint32_t stores;  /* 1: there may be stores in the upper directory */
};

/* A name in work/ that nobody uses: the holder of the change lock is alone there. */
void tmp_name(struct layers *l, char buf[32])
{
	snprintf(buf, 32, "%d.%u", getpid(), l->tmp++);
}

/* Remove a directory tree, a single file, or nothing. */
int remove_tree(int dirfd, const char *name)
{
	cleanup_fd int fd = -1;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM && errno != EACCES)
		return -errno;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, 0) == 0)
		fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	fchmod(fd, 0700);
	remove_contents(fd, NULL);
	return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* Remove all that a directory holds, but @except. */
int remove_contents(int dirfd, const char *except)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	int r = 0, one;

	if (!d) {
		r = -errno;
		close_fd(&fd);
		return r;
	}
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || (except && !strcmp(e->d_name, except)))
			continue;
		one = remove_tree(dirfd, e->d_name);
		if (one < 0 && r == 0)
			r = one;
	}
	closedir(d);
	return r;
}

/* Is it a stack-relative path, with no ".." in it? */
static bool is_inside(const char *path)
{
	const char *p = path;

	if (!*p || *p == '/')
		return false;
	for (; *p; p += strcspn(p, "/")) {
		p += strspn(p, "/");
		if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || !p[2]))
			return false;
	}
	return true;
}

/* Finish or undo what a process that was killed had begun.  The lock is held and the counter is odd. */
static void recover(struct layers *l)
{
	struct gen_page *g = l->gen;

	remove_contents(l->work, NULL);
	if (atomic_load(&g->intent) == 1) {
		struct statx st;
		char record[sizeof g->record], path[PATH_MAX];
		struct obj o;
		int fd;

		memcpy(record, g->record, sizeof record);
		memcpy(path, g->path, sizeof path);
		record[sizeof record - 1] = path[sizeof path - 1] = '\0';
		/* Whoever may write the file may have written this: it must not lead out. */
		fd = is_inside(path) ? beneath_open(l->layer[0].fd, path, O_PATH | O_NOFOLLOW, 0) : -1;
		o = upper_obj(l, path);
		if (fd >= 0 && fd_statx(fd, &st) == 0 && (st.stx_mode & S_IFMT) != S_IFCHR)
			vattr_put_text(l, &o, record);
		close_fd(&fd);
		atomic_store(&g->intent, 0);
	}
}

static void lock(struct layers *l)
{
	while (flock(l->genfd, LOCK_EX) < 0 && errno == EINTR)
		;
}

/* Bring an odd counter, left by a dead process, to even.  The lock is held. */
static void settle(struct layers *l)
{
	uint64_t v = atomic_load(&l->gen->counter);

	if (v & 1) {
		recover(l);
		atomic_store(&l->gen->counter, v + 1);
	}
}

/**
 * change_begin() - enter a change to the upper directory; nests
 *
 * After it the index is right, and stays so but for what the caller does until change_end().
 */
int change_begin(struct layers *l)
{
	uint64_t v;

	if (l->depth++)
		return 0;
	lock(l);
	settle(l);
	v = atomic_load(&l->gen->counter);
	if (v != l->seen || l->gen_private)
		index_drop(l);
	l->seen = v + 1;
	atomic_store(&l->gen->counter, v + 1);
	return 0;
}

void change_end(struct layers *l)
{
	int saved = errno;

	if (--l->depth)
		return;
	l->seen++;
	atomic_store(&l->gen->counter, l->seen);
	flock(l->genfd, LOCK_UN);
	errno = saved;
}

/* Note what is about to be created in place; see above. */
void intent_set(struct layers *l, const char *path, const char *record)
{
	struct gen_page *g = l->gen;

	snprintf(g->record, sizeof g->record, "%s", record);
	snprintf(g->path, sizeof g->path, "%s", path);
	atomic_store(&g->intent, 1);
}

void intent_clear(struct layers *l)
{
	atomic_store(&l->gen->intent, 0);
}

/* From now on regular files may be device nodes. */
void devices_mark(struct layers *l)
{
	atomic_store(&l->gen->devices, 1);
}

bool devices_any(const struct layers *l)
{
	return l->gen_private || atomic_load_explicit(&l->gen->devices, memory_order_relaxed);
}

/* From now on directories may be stores. */
void stores_mark(struct layers *l)
{
	atomic_store(&l->gen->stores, 1);
}

bool stores_any(const struct layers *l)
{
	return l->gen_private || atomic_load_explicit(&l->gen->stores, memory_order_relaxed);
}

bool layers_had_vstat(const struct layers *l)
{
	return l->cow && atomic_load(&l->gen->vstat);
}

/* At the beginning of each look-up: is the index still right? */
void gen_sync(struct layers *l)
{
	uint64_t v;

	if (!l->cow || l->depth)
		return;
	v = atomic_load_explicit(&l->gen->counter, memory_order_acquire);
	if (v == l->seen && !(v & 1) && !l->gen_private)
		return;
	/* Odd: a change is under way, or its maker is dead; in the second case the lock is free. */
	if ((v & 1) && flock(l->genfd, LOCK_EX | LOCK_NB) == 0) {
		settle(l);
		v = atomic_load(&l->gen->counter);
		flock(l->genfd, LOCK_UN);
	}
	index_drop(l);
	l->seen = v;
}

uint64_t layers_generation(const struct layers *l)
{
	static atomic_uint_fast64_t never;
	uint64_t v = l->cow ? atomic_load_explicit(&l->gen->counter, memory_order_acquire) : 0;
	uint64_t below = l->below ? l->below->generation(l->below->arg) : 0;

	/* A change is under way, or its maker is dead, or changes of others do not show: nothing holds. */
	if (l->cow && ((v & 1) || l->gen_private))
		return ~atomic_fetch_add(&never, 2);
	return v + below; /* both only grow */
}

/* Open, or make, the counter file and enter the lock: nobody else is in work/ until gen_ready(). l->meta is open. */
int gen_open(struct layers *l)
{
	struct stat st;
	void *p;
	int r;

	l->genfd = openat(l->meta, "generation", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (l->genfd < 0)
		return -errno;
	lock(l);
	if (fstat(l->genfd, &st) < 0)
		return -errno;
	if (st.st_size < (off_t)sizeof(struct gen_page) && ftruncate(l->genfd, sizeof(struct gen_page)) < 0)
		return -errno;
	/* A page that is still a hole would mean SIGBUS on a full disk. */
	r = posix_fallocate(l->genfd, 0, sizeof(struct gen_page));
	if (r == ENOSPC || r == EDQUOT)
		return -r;
	p = feature_off(LAYERS_SHARED_MAP)
		? MAP_FAILED
		: mmap(NULL, sizeof(struct gen_page), PROT_READ | PROT_WRITE, MAP_SHARED, l->genfd, 0);
	if (p == MAP_FAILED) {
		p = mmap(NULL, sizeof(struct gen_page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return -errno;
		l->gen_private = true;
	}
	l->gen = p;
	return 0;
}

/* Finish what others left, clean work/, leave the lock. */
void gen_ready(struct layers *l)
{
	settle(l);
	remove_contents(l->work, NULL);
	if (l->vstat)
		atomic_store(&l->gen->vstat, 1);
	l->seen = atomic_load(&l->gen->counter);
	flock(l->genfd, LOCK_UN);
}

/* Everything in the upper directory was changed, while the lock was held. */
void gen_bump(struct layers *l)
{
	atomic_fetch_add(&l->gen->counter, 2);
}

void gen_close(struct layers *l)
{
	if (l->gen)
		munmap(l->gen, sizeof(struct gen_page));
	close_fd(&l->genfd);
}
