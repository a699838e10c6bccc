/* SPDX-License-Identifier: GPL-2.0-or-later */
/* getdents and getdents64: what is listed, small buffers, offsets, directories that change or go. */
/* setup: yes */
#include "trees.h"

struct entry64 {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names with their types, in order; d_ino agrees with lstat. */
static void list(const char *door, int fd, size_t size)
{
	char *buf = malloc(size), *found[100], out[1500] = "";
	int count = 0, wrong = 0;
	long n;

	while ((n = syscall(SYS_getdents64, fd, buf, size)) > 0)
		for (long at = 0; at < n;) {
			struct entry64 *d = (struct entry64 *)(buf + at);
			struct stat st;
			char text[300];

			at += d->reclen;
			snprintf(text, sizeof(text), "%s:%d", d->name, d->type);
			if (strcmp(d->name, "..") != 0 && (fstatat(fd, d->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_ino != d->ino))
				wrong++;
			if (count < 100)
				found[count++] = strdup(text);
		}
	if (n < 0) {
		observe(door, "%s after %d", outcome(-1), count);
		free(buf);
		return;
	}
	qsort(found, (size_t)count, sizeof(*found), by_text);
	for (int i = 0; i < count; i++) {
		snprintf(out + strlen(out), sizeof(out) - strlen(out), " %s", found[i]);
		free(found[i]);
	}
	observe(door, "%d, %d with other numbers:%.800s", count, wrong, out);
	free(buf);
}

static void sizes(void)
{
	static const size_t tried[] = { 0, 1, 23, 24, 32, 40, 48, 64, 100, 300, 4096, 100000 };
	char label[60];

	for (size_t i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
		int fd = open("full", O_RDONLY);

		snprintf(label, sizeof(label), "size %zu", tried[i]);
		if (tried[i] < 24)
			result(label, syscall(SYS_getdents64, fd, label, tried[i]));
		else
			list(label, fd, tried[i]);
#ifdef SYS_getdents
		char buf[100000];

		lseek(fd, 0, SEEK_SET);
		snprintf(label, sizeof(label), "old, size %zu", tried[i]);
		observe(label, "%s", syscall(SYS_getdents, fd, buf, tried[i]) < 0 ? outcome(-1) : "some");
#endif
		close(fd);
	}
}

static void offsets(void)
{
	DIR *d = opendir("dir");
	struct dirent *e;
	long at[100];
	char *name[100];
	int n = 0, wrong = 0;

	while ((at[n] = telldir(d), e = readdir(d)) != NULL)
		name[n++] = strdup(e->d_name);
	observe("telldir: entries", "%d", n);
	for (int i = n - 1; i >= 0; i--) {
		seekdir(d, at[i]);
		e = readdir(d);
		wrong += e == NULL || strcmp(e->d_name, name[i]) != 0;
	}
	observe("seekdir: wrong", "%d", wrong);
	rewinddir(d);
	e = readdir(d);
	observe("rewinddir", "%d", e != NULL && strcmp(e->d_name, name[0]) == 0);
	seekdir(d, at[n]);
	observe("seekdir to the end", "%s", readdir(d) ? "an entry" : "none");
	/* what is made or removed meanwhile shows after rewinddir at the latest */
	rewinddir(d);
	mkdir("dir/appears", 0755);
	unlink("dir/a");
	rewinddir(d);
	n = 0;
	while ((e = readdir(d)) != NULL)
		n += strcmp(e->d_name, "appears") == 0 ? 100 : strcmp(e->d_name, "a") == 0 ? 1000 : 1;
	observe("changed", "%d", n);
	closedir(d);
	rmdir("dir/appears");
	put_file(".", "dir/a", "aa", 0644);
	/* removing while reading, as rm -r does */
	for (int i = 0; i < 300; i++) {
		char text[40];

		snprintf(text, sizeof(text), "empty/%d-a-name-of-some-length", i);
		close(open(text, O_CREAT | O_WRONLY, 0644));
	}
	d = opendir("empty");
	n = 0;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			n += unlinkat(dirfd(d), e->d_name, 0) == 0;
	closedir(d);
	observe("removed while reading", "%d", n);
	result("removed while reading: rmdir", rmdir("empty"));
	mkdir("empty", 0755);
}

static void words(void)
{
	char buf[4096];
	int fd = open("file", O_RDONLY), dir = open("dir", O_RDONLY), copy;

	result("of a file", syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	result("bad fd", syscall(SYS_getdents64, 9999, buf, sizeof(buf)));
	result("cwd", syscall(SYS_getdents64, AT_FDCWD, buf, sizeof(buf)));
	result("nowhere", syscall(SYS_getdents64, dir, NOWHERE, sizeof(buf)));
	close(fd);
	fd = open("dir", O_PATH);
	result("path fd", syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	close(fd);
	result("read", read(dir, buf, 1));
	result("write", write(dir, buf, 1));
	result("mmap", mmap(NULL, 1, PROT_READ, MAP_PRIVATE, dir, 0) == MAP_FAILED ? -1 : 0);
	result("ftruncate", ftruncate(dir, 0));
	result("fsync", fsync(dir));
	/* one offset for all copies of a descriptor */
	lseek(dir, 0, SEEK_SET);
	copy = dup(dir);
	list("dup: first", dir, 4096);
	list("dup: the rest", copy, 4096);
	result("seek back", lseek(copy, 0, SEEK_SET));
	list("dup: again", dir, 4096);
	close(copy);
	close(dir);
}

static void gone(void)
{
	char buf[4096];
	int made, before;

	mkdir("gone", 0755);
	made = open("gone", O_RDONLY);
	rmdir("gone");
	result("removed", syscall(SYS_getdents64, made, buf, sizeof(buf)));
	close(made);
	before = open("full", O_RDONLY);
	unlink("full/x");
	list("emptied", before, 4096);
	lseek(before, 0, SEEK_SET);
	rmdir("full");
	result("removed from before", syscall(SYS_getdents64, before, buf, sizeof(buf)));
	mkdir("full", 0755);
	put_file(".", "full/y", "y", 0644);
	lseek(before, 0, SEEK_SET);
	result("removed and made anew", syscall(SYS_getdents64, before, buf, sizeof(buf)));
	close(before);
	before = open("full", O_RDONLY);
	list("made anew", before, 4096);
	close(before);
}

static void run(void)
{
	static const char *const dirs[] = { ".", "dir", "dir/sub", "empty", "full", "sticky", "links" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		int fd = open(dirs[i], O_RDONLY);
		char label[60];

		snprintf(label, sizeof(label), "list %s", dirs[i]);
		list(label, fd, 4096);
		snprintf(label, sizeof(label), "again %s", dirs[i]);
		lseek(fd, 0, SEEK_SET);
		list(label, fd, 300);
		close(fd);
	}
	sizes();
	words();
	offsets();
	gone();
}
