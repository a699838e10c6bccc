// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A directory of 100 000 entries, read in parts, while it changes, and by its positions.
 *
 * sets: default zero keep
 * options: fill=100000
 * timeout: 240
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "conform.h"

#define MANY 100000

static char seen[MANY];

/* The number in "file012345", or -1. */
static int number(const char *name)
{
	int n;

	return sscanf(name, "file%6d", &n) == 1 && n >= 0 && n < MANY ? n : -1;
}

/* Read to the end; what was found goes to `seen'. */
static long rest(DIR *dir, long *twice)
{
	struct dirent *entry;
	long found = 0;

	*twice = 0;
	while ((entry = readdir(dir))) {
		int n = number(entry->d_name);

		if (n < 0)
			continue;
		found++;
		*twice += seen[n];
		seen[n] = 1;
	}
	return found;
}

static void all(const char *name, DIR *dir)
{
	long twice, found;

	memset(seen, 0, sizeof(seen));
	found = rest(dir, &twice);
	say(name, "%ld, %ld of them twice", found, twice);
}

static void small_buffers(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	char buffer[300];
	long got, found = 0;

	while (found < 1000 && (got = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
		for (long at = 0; at < got; at += ((struct dirent64 *)(buffer + at))->d_reclen)
			found++;
	}
	say("small-buffers", "%s", found >= 1000 ? "ok" : "stopped");
	TRY("too-small", syscall(SYS_getdents64, fd, buffer, 20));
	close(fd);
}

int main(void)
{
	char path[4096], name[4200];
	struct dirent *entry;
	long place, twice, found;
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/many", getenv("FUSE_ROOT"));
	dir = opendir(path);
	NEED(dir);
	all("all", dir);
	TRY("end-again", readdir(dir) == NULL ? 0 : -1);
	rewinddir(dir);
	all("rewound", dir);

	rewinddir(dir);
	for (int i = 0; i < 5000; i++)
		readdir(dir);
	place = telldir(dir);
	entry = readdir(dir);
	strcpy(name, entry->d_name);
	for (int i = 0; i < 1000; i++)
		readdir(dir);
	seekdir(dir, place);
	entry = readdir(dir);
	say("seekdir", "%s", entry && !strcmp(entry->d_name, name) ? "the same entry" : "another");

	/* What is not changed is found once, whatever happens to the rest; the mount's root is not the user's everywhere. */
	closedir(dir);
	TRY("stat-last", stat(strcat(strcpy(name, path), "/file099999"), &st));
	TRY("stat-none", stat(strcat(strcpy(name, path), "/file100000"), &st));
	NEED(stat(path, &st) == 0);
	say("links", "%d", (int)st.st_nlink);
	small_buffers(path);

	NEED(mkdir("own", 0755) == 0 && chdir("own") == 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "file%06d", i);
		close(open(name, O_CREAT | O_WRONLY, 0644));
	}
	dir = opendir(".");
	all("own", dir);
	rewinddir(dir);
	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < 500; i++) {
		entry = readdir(dir);
		if (entry && number(entry->d_name) >= 0)
			seen[number(entry->d_name)] = 1;
	}
	for (int i = 0; i < 2000; i++) { /* every second is removed while the directory is read */
		snprintf(name, sizeof(name), "file%06d", i);
		if (i % 2)
			unlink(name);
	}
	found = rest(dir, &twice);
	closedir(dir);
	for (int i = found = 0; i < 2000; i += 2)
		found += seen[i];
	say("while-removing", "%ld of those that stayed, %ld twice", found, twice);
	dir = opendir(".");
	all("after-removing", dir);
	closedir(dir);
	TRY("not-empty", rmdir("../own"));
	for (int i = 0; i < 2000; i += 2) {
		snprintf(name, sizeof(name), "file%06d", i);
		unlink(name);
	}
	TRY("chdir-up", chdir(".."));
	TRY("empty", rmdir("own"));
	return 0;
}
