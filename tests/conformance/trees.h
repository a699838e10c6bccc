/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the conformance programs of file calls share: four equal trees, and the printing of observations.
 *
 *	fresh	made by the program itself
 *	lower	made by the setup, not touched since: lower files in the mode of that name
 *	copied	the same, but everything in it has been changed (and back) by the program
 *	again	the same, but all of it removed and made anew by the program
 *
 * A program defines run(), which is called once for each tree, in a child of its own that works in the tree.
 */
#ifndef TESTS_CONFORMANCE_TREES_H
#define TESTS_CONFORMANCE_TREES_H

#include "conform.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const tree_names[] = { "fresh", "lower", "copied", "again" };
static const char *tree;        /* the one at work */
static char tree_top[PATH_MAX]; /* its absolute path */

static void run(void);

/* The name of a case: of the tree, with '-' for each space; one that was there already gets a number. */
static void case_name(const char *name, char *text, size_t size)
{
	static char **used;
	static size_t n;
	size_t len, times = 1;

	snprintf(text, size - 24, "%s/%s", tree, name);
	len = strlen(text);
	for (char *p = text; *p != '\0'; p++)
		if (*p == ' ' || *p == ':')
			*p = '-';
	for (size_t i = 0; i < n; i++)
		times += strncmp(used[i], text, len) == 0 && (used[i][len] == '\0' || used[i][len] == '+');
	if (times > 1)
		snprintf(text + len, size - len, "+%zu", times);
	used = realloc(used, (n + 1) * sizeof(*used));
	used[n++] = strdup(text);
}

__attribute__((format(printf, 2, 3), unused)) static void observe(const char *name, const char *format, ...)
{
	char full[400], text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	case_name(name, full, sizeof(full));
	say(full, "%s", text);
}

/* The result of a call, or its error. */
__attribute__((unused)) static long result(const char *name, long ret)
{
	if (ret == -1)
		observe(name, "%s", outcome(-1));
	else
		observe(name, "%ld", ret);
	return ret;
}

/* The same for a new descriptor, whose number says nothing. */
__attribute__((unused)) static int opened(const char *name, long fd)
{
	if (fd < 0)
		observe(name, "%s", outcome(-1));
	else
		observe(name, "opened");
	return (int)fd;
}

/* ... and it is not needed. */
__attribute__((unused)) static void opens(const char *name, long fd)
{
	int n = opened(name, fd);

	if (n >= 0)
		close(n);
}

/* An absolute path into the tree; a few of them at a time. */
__attribute__((unused)) static char *at_top(const char *name)
{
	static char paths[4][PATH_MAX + 256];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", tree_top, name);
	return path;
}

/* A copy of @text whose last byte is the last one of its page; nothing is mapped behind. @size bytes. */
__attribute__((unused)) static char *page_end(const void *text, size_t size)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t whole = (size + (size_t)page - 1) / (size_t)page * (size_t)page;
	char *map = mmap(NULL, whole + (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(map + whole, (size_t)page, PROT_NONE);
	return memcpy(map + whole - size, text, size);
}

/* The name of a case: what is done, and with which name; valid until the next call. */
__attribute__((unused)) static char *label(const char *door, const char *name)
{
	static char text[300];

	snprintf(text, sizeof(text), "%s %s", door, name);
	return text;
}

/* An address where nothing is. */
#define NOWHERE ((void *)8)

/* What is at a name: type, mode, size of files, number of names of files. */
__attribute__((unused)) static void shape(const char *name, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		observe(name, "%s", outcome(-1));
	else if (S_ISREG(st.st_mode))
		observe(name, "%o size %ld links %lu", st.st_mode, (long)st.st_size, (unsigned long)st.st_nlink);
	else
		observe(name, "%o", st.st_mode);
}

/* The beginning of a file. */
__attribute__((unused)) static void content(const char *name, const char *path)
{
	char text[65];
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		observe(name, "%s", outcome(-1));
	else
		observe(name, "\"%.*s\"", (int)n, text);
	if (fd >= 0)
		close(fd);
}

static void put_file(const char *dir, const char *name, const char *text, mode_t mode)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, mode) < 0 || close(fd) < 0) {
		perror(path);
		exit(1);
	}
}

static void put_dir(const char *dir, const char *name, mode_t mode)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (mkdir(path, 0755) < 0 || chmod(path, mode) < 0) {
		perror(path);
		exit(1);
	}
}

static void put_link(const char *dir, const char *name, const char *target)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (symlink(target, path) < 0) {
		perror(path);
		exit(1);
	}
}

static void make_tree(const char *dir)
{
	char name[PATH_MAX], other[PATH_MAX];

	put_dir(".", dir, 0755);
	put_file(dir, "file", "0123456789", 0644);
	put_file(dir, "other", "other", 0644);
	put_file(dir, "readonly", "read", 0444);
	put_file(dir, "secret", "hidden", 0);
	put_file(dir, "setid", "#!/bin/true\n", 0755);
	put_dir(dir, "dir", 0755);
	put_file(dir, "dir/a", "aa", 0644);
	put_file(dir, "dir/b", "bbb", 0600);
	put_dir(dir, "dir/sub", 0700);
	put_file(dir, "dir/sub/deep", "deep", 0644);
	put_dir(dir, "empty", 0755);
	put_dir(dir, "empty2", 0755);
	put_dir(dir, "full", 0755);
	put_file(dir, "full/x", "x", 0644);
	put_dir(dir, "closed", 0755);
	put_file(dir, "closed/in", "in", 0644);
	put_dir(dir, "sticky", 01777);
	put_file(dir, "sticky/mine", "mine", 0644);
	put_dir(dir, "links", 0755);
	put_link(dir, "link", "file");
	put_link(dir, "dirlink", "dir");
	put_link(dir, "dangling", "nothing");
	put_link(dir, "loop", "loop");
	put_link(dir, "links/0", "../file");
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "links/%d", i);
		snprintf(other, sizeof(other), "%d", i - 1);
		put_link(dir, name, other);
	}
	put_file(dir, "hard1", "hard", 0644);
	snprintf(name, sizeof(name), "%s/hard1", dir);
	snprintf(other, sizeof(other), "%s/hard2", dir);
	if (link(name, other) < 0)
		exit(1);
	snprintf(name, sizeof(name), "%s/fifo", dir);
	if (mkfifo(name, 0644) < 0)
		exit(1);
	snprintf(name, sizeof(name), "%s/closed", dir);
	chmod(name, 0);
}

/* Change each thing in a tree, and change it back. */
static void touch_tree(const char *dir)
{
	char path[PATH_MAX], inside[PATH_MAX + 16];
	struct dirent *entry;
	DIR *d = opendir(dir);
	struct stat st;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		struct timespec times[2] = { { 1000000000, 5 }, { 1000000001, 7 } };

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		lstat(path, &st);
		utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
		if (S_ISLNK(st.st_mode))
			continue;
		chmod(path, st.st_mode | 0700);
		if (S_ISDIR(st.st_mode)) {
			snprintf(inside, sizeof(inside), "%s/.touch", path);
			mkdir(inside, 0755);
			rmdir(inside);
			touch_tree(path);
		}
		chmod(path, st.st_mode & 07777);
	}
	if (d != NULL)
		closedir(d);
}

static void remove_tree(const char *dir)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *d;

	chmod(dir, 0700);
	d = opendir(dir);
	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (unlink(path) < 0)
			remove_tree(path);
	}
	if (d != NULL)
		closedir(d);
	rmdir(dir);
}

static void run_in(const char *name)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		tree = name;
		if (chdir(name) < 0 || getcwd(tree_top, sizeof(tree_top)) == NULL)
			exit(1);
		run();
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		printf("%s: the program ended with status %x\n", name, status);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	bool setup = argc > 1 && strcmp(argv[1], "setup") == 0;

	umask(022);
	for (int i = setup ? 1 : 0; i < (setup ? 4 : 1); i++)
		make_tree(tree_names[i]);
	if (setup)
		return 0;
	touch_tree("copied");
	remove_tree("again");
	make_tree("again");
	for (int i = 0; i < 4; i++)
		run_in(tree_names[i]);
	return 0;
}

#endif
