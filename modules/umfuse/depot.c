// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Depots: the directories that bodies are in.
 *
 * There are two for a mount: one in memory, for files that are small for it, and one on a disk, for large ones and for new
 * ones, which may become large.  The second is made when it is first needed.  Each is locked as long as its monitor lives; what
 * is not locked was left by one that was killed, and is removed by the next.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "umfuse.h"

#define PREFIX "umview-fuse." /* of their names */
#define ROOM_MIN (UINT64_C(64) << 20) /* bytes that must be free where one is made, and stay free */
#define TMPFS_MAGIC 0x01021994

/* How many bytes are free there; 0: it is no place for a depot, because nothing can be executed there, for one. */
static uint64_t room_in(const char *dir)
{
	struct statvfs st;

	if (dir == NULL || *dir != '/' || access(dir, W_OK | X_OK) < 0 || statvfs(dir, &st) < 0 ||
	    (st.f_flag & (ST_NOEXEC | ST_RDONLY)))
		return 0;
	return st.f_bavail * st.f_frsize;
}

static bool is_memory(const char *dir)
{
	struct statfs st;

	return statfs(dir, &st) == 0 && (unsigned long)st.f_type == TMPFS_MAGIC;
}

/* Remove what is in a directory of bodies, open as @fd. */
static void empty(int fd)
{
	struct dirent *e;
	DIR *d = fdopendir(dup(fd));

	while (d != NULL && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlinkat(fd, e->d_name, 0) < 0)
			unlinkat(fd, e->d_name, AT_REMOVEDIR);
	if (d != NULL)
		closedir(d);
}

/* What monitors that were killed have left. */
static void tidy(const char *where)
{
	struct dirent *e;
	struct stat st;
	DIR *d = opendir(where);

	while (d != NULL && (e = readdir(d)) != NULL) {
		int fd;

		if (strncmp(e->d_name, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		fd = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0 && st.st_uid == getuid() && flock(fd, LOCK_EX | LOCK_NB) == 0) {
			empty(fd);
			unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
		}
		close(fd);
	}
	if (d != NULL)
		closedir(d);
}

static int make(struct depot *depot, const char *where)
{
	char name[PATH_MAX];
	struct stat st;

	tidy(where);
	for (int tries = 0; tries < 100; tries++) {
		if (snprintf(name, sizeof(name), "%s/" PREFIX "XXXXXX", where) >= (int)sizeof(name))
			return -ENAMETOOLONG;
		if (mkdtemp(name) == NULL)
			return -errno;
		depot->fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (depot->fd < 0)
			continue; /* another monitor has tidied it away before it was locked */
		if (flock(depot->fd, LOCK_EX) == 0 && fstat(depot->fd, &st) == 0 && st.st_nlink > 0) {
			depot->path = strdup(name);
			depot->dev = st.st_dev;
			return depot->path != NULL ? 0 : -ENOMEM;
		}
		close(depot->fd);
	}
	return -EAGAIN;
}

/* The place with the most room among those that are in memory, or are not; NULL: there is none. */
static const char *best(bool memory)
{
	const char *const places[] = {
		getenv("UMFUSE_CACHE"), "/dev/shm", getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/var/tmp", "/tmp",
	};
	const char *found = NULL;
	uint64_t most = ROOM_MIN;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint64_t room = room_in(places[i]);

		if (room == 0 || (i > 0 && is_memory(places[i]) != memory) || room <= most)
			continue;
		found = places[i];
		most = i == 0 ? UINT64_MAX : room; /* where the user wants it */
	}
	return found;
}

int depots_open(struct um_fs *fs)
{
	const char *where = best(true);

	if (where == NULL)
		where = best(false);
	return where != NULL ? make(&fs->depots[0], where) : -ENOSPC;
}

/* The second depot; the first if there is no other place. */
static struct depot *large(struct um_fs *fs)
{
	struct depot *depot = &fs->depots[1];
	const char *where;

	if (depot->path == NULL) {
		where = best(false);
		if (where == NULL || make(depot, where) < 0)
			return &fs->depots[0];
	}
	return depot;
}

struct depot *depot_for(struct um_fs *fs, uint64_t size, bool may_grow)
{
	struct depot *depot = &fs->depots[0];

	if (may_grow || size > room_in(depot->path) / 8)
		depot = large(fs);
	return size > 0 && size + ROOM_MIN > room_in(depot->path) ? NULL : depot;
}

struct depot *depot_of(struct um_fs *fs, const char *path, const char **name)
{
	for (int i = 0; i < 2; i++) {
		struct depot *depot = &fs->depots[i];
		size_t n = depot->path != NULL ? strlen(depot->path) : 0;

		if (n > 0 && strncmp(path, depot->path, n) == 0 && path[n] == '/') {
			*name = path + n + 1;
			return depot;
		}
	}
	return NULL;
}

void depots_close(struct um_fs *fs)
{
	for (int i = 0; i < 2; i++) {
		struct depot *depot = &fs->depots[i];

		if (depot->path == NULL)
			continue;
		empty(depot->fd);
		rmdir(depot->path);
		close(depot->fd);
		free(depot->path);
		depot->path = NULL;
	}
}
