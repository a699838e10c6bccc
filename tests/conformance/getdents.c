/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading directories: every name once, d_type, telldir and seekdir, rewinding, two descriptors, buffers of any size.
 *
 * setup: yes
 */
#include "conform.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NFILES 300

struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

static void make(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_EXCL, 0644);

	NEED(fd >= 0);
	close(fd);
}

static int setup(void)
{
	char name[64];

	NEED(mkdir("many", 0755) == 0 && mkdir("kinds", 0755) == 0 && mkdir("kinds/directory", 0755) == 0);
	for (int i = 0; i < NFILES; i++) {
		snprintf(name, sizeof(name), "many/a-file-with-a-name-%03d", i);
		make(name);
	}
	make("kinds/file");
	NEED(symlink("file", "kinds/link") == 0 && mkfifo("kinds/fifo", 0644) == 0);
	NEED(mkdir("empty", 0755) == 0);
	return 0;
}

/* How many of the files were seen, and whether any was seen twice. */
struct tally {
	int seen[NFILES + 64];
	int names, twice, dots, others;
};

static void tally_name(struct tally *t, const char *name)
{
	int n;

	t->names++;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		t->dots++;
	else if (sscanf(name, "a-file-with-a-name-%d", &n) != 1)
		t->others++;
	else if (t->seen[n]++)
		t->twice++;
}

static void say_tally(const char *name, const struct tally *t)
{
	say(name, "%d names, %d dots, %d twice, %d others", t->names, t->dots, t->twice, t->others);
}

/* The raw call with a buffer of that size, to the end; the last result. */
static long read_all(int fd, size_t size, struct tally *t)
{
	_Alignas(8) char buf[65536];
	long n;

	while ((n = syscall(SYS_getdents64, fd, buf, size)) > 0)
		for (long at = 0; at < n;) {
			struct linux_dirent64 *d = (void *)(buf + at);

			tally_name(t, d->d_name);
			at += d->d_reclen;
		}
	return n;
}

static void sizes(const char *dir)
{
	static const size_t size[] = { 64, 280, 4096, 65536 };
	char name[64];

	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		int fd = open(dir, O_RDONLY | O_DIRECTORY);
		struct tally t = { 0 };

		NEED(fd >= 0);
		snprintf(name, sizeof(name), "getdents64-%zu", size[i]);
		say(name, "ends with %s", value(read_all(fd, size[i], &t)));
		snprintf(name, sizeof(name), "getdents64-%zu-names", size[i]);
		say_tally(name, &t);
		memset(&t, 0, sizeof(t));
		snprintf(name, sizeof(name), "getdents64-%zu-again", size[i]);
		say(name, "%s", value(read_all(fd, size[i], &t)));
		NEED(lseek(fd, 0, SEEK_SET) == 0);
		read_all(fd, size[i], &t);
		snprintf(name, sizeof(name), "getdents64-%zu-rewound", size[i]);
		say_tally(name, &t);
		close(fd);
	}
}

static void too_small(const char *dir)
{
	_Alignas(8) char buf[64];
	int fd = open(dir, O_RDONLY | O_DIRECTORY);

	say("getdents64-too-small", "%s", value(syscall(SYS_getdents64, fd, buf, 8)));
	say("getdents64-no-memory", "%s", value(syscall(SYS_getdents64, fd, NULL, 4096)));
	say("getdents-too-small", "%s", value(syscall(SYS_getdents, fd, buf, 8)));
	close(fd);
	fd = open("kinds/file", O_RDONLY);
	say("getdents64-of-a-file", "%s", value(syscall(SYS_getdents64, fd, buf, sizeof(buf))));
	close(fd);
	fd = open(dir, O_PATH | O_DIRECTORY);
	say("getdents64-of-a-path", "%s", value(syscall(SYS_getdents64, fd, buf, sizeof(buf))));
	close(fd);
}

/* The old call, with its own structure: the type is in the last byte. */
static void old_call(const char *dir)
{
	struct old_dirent {
		unsigned long d_ino, d_off;
		unsigned short d_reclen;
		char d_name[];
	};
	_Alignas(8) char buf[4096];
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	struct tally t = { 0 };
	int files = 0;
	long n;

	while ((n = syscall(SYS_getdents, fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < n;) {
			struct old_dirent *d = (void *)(buf + at);

			tally_name(&t, d->d_name);
			files += buf[at + d->d_reclen - 1] == DT_REG;
			at += d->d_reclen;
		}
	say_tally("getdents-names", &t);
	say("getdents-files", "%d", files);
	close(fd);
}

/* Every position that telldir gave leads back to the entry that follows it. */
static void positions(const char *dir)
{
	static long pos[NFILES + 64];
	static char next[NFILES + 64][64];
	DIR *d = opendir(dir);
	struct dirent *entry;
	int n = 0, wrong = 0;

	NEED(d != NULL);
	for (;;) {
		pos[n] = telldir(d);
		entry = readdir(d);
		if (entry == NULL)
			break;
		snprintf(next[n++], sizeof(next[0]), "%.63s", entry->d_name);
	}
	for (int i = n - 1; i >= 0; i -= 7) {
		seekdir(d, pos[i]);
		entry = readdir(d);
		wrong += entry == NULL || strcmp(entry->d_name, next[i]) != 0;
	}
	say("telldir", "%d entries, %d wrong", n, wrong);
	seekdir(d, pos[n]);
	say("telldir-end", "%s", readdir(d) == NULL ? "nothing follows" : "something follows");
	rewinddir(d);
	say("rewinddir", "%s", (entry = readdir(d)) && strcmp(entry->d_name, next[0]) == 0 ? "the first" : "another");
	closedir(d);
}

static void types(void)
{
	static const char *const names[] = { "directory", "fifo", "file", "link" };
	char name[64];

	for (size_t i = 0; i < 4; i++) {
		DIR *d = opendir("kinds");
		struct dirent *entry;

		snprintf(name, sizeof(name), "d_type-of-a-%s", names[i]);
		while ((entry = readdir(d)) && strcmp(entry->d_name, names[i]) != 0)
			;
		struct stat st;

		NEED(fstatat(dirfd(d), names[i], &st, AT_SYMLINK_NOFOLLOW) == 0);
		say(name, "%d, the inode is %s", entry ? entry->d_type : -1,
		    entry && entry->d_ino == st.st_ino ? "stat's" : "another");
		closedir(d);
	}
}

/* One open file, two descriptors: the position is shared, also by a duplicate; another open has its own. */
static void shared_position(const char *dir)
{
	_Alignas(8) char buf[4096];
	int fd = open(dir, O_RDONLY | O_DIRECTORY), twin = dup(fd), other = open(dir, O_RDONLY | O_DIRECTORY);
	struct tally t = { 0 };

	NEED(syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0);
	say("dup-shares-the-position", "%s", lseek(fd, 0, SEEK_CUR) == lseek(twin, 0, SEEK_CUR) ? "yes" : "no");
	say("open-has-its-own", "%s", lseek(other, 0, SEEK_CUR) == 0 ? "yes" : "no");
	lseek(twin, 0, SEEK_SET);
	read_all(fd, 4096, &t);
	say_tally("rewound-by-the-duplicate", &t);
	close(fd);
	close(twin);
	close(other);
}

/* Entries removed while reading do not hide others; a directory emptied in this way can be removed. */
static void removal(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int removed = 0;

	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.')
			removed += unlinkat(dirfd(d), entry->d_name, 0) == 0;
	say("removed-while-reading", "%d", removed);
	rewinddir(d);
	struct tally t = { 0 };

	while ((entry = readdir(d)))
		tally_name(&t, entry->d_name);
	say_tally("after-that", &t);
	say("rmdir", "%s", outcome(rmdir(dir)));
	struct tally gone = { 0 };

	say("of-a-removed-directory", "%s", value(read_all(dirfd(d), 4096, &gone)));
	say_tally("of-a-removed-directory-names", &gone);
	closedir(d);
}

int main(int argc, char **argv)
{
	struct tally t = { 0 };
	int fd;

	if (argc > 1 && strcmp(argv[1], "setup") == 0)
		return setup();
	make("many/a-file-with-a-name-300");
	NEED(unlink("many/a-file-with-a-name-017") == 0);
	sizes("many");
	too_small("many");
	old_call("many");
	positions("many");
	types();
	shared_position("many");
	fd = open("empty", O_RDONLY | O_DIRECTORY);
	read_all(fd, 4096, &t);
	say_tally("empty", &t);
	removal("many");
	return 0;
}
