// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * visit PREFIX: what programs see of a server like hostile in the working directory: lines "PREFIX/case: observation".
 *
 * No call may last longer than ten seconds: then a signal ends it, and what follows says so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *prefix;

__attribute__((format(printf, 2, 3))) static void say(const char *name, const char *format, ...)
{
	va_list ap;

	printf("%s/%s: ", prefix, name);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* The name of an error; the number of what has none. */
static const char *error(void)
{
	static char number[16];
	const char *name = strerrorname_np(errno);

	snprintf(number, sizeof(number), "%d", errno);
	return name ? name : number;
}

static void nothing(int sig)
{
	(void)sig;
}

/* What bytes there are, with dots in place of what cannot be printed. */
static const char *printable(char *bytes, ssize_t size)
{
	if (size < 0)
		return error();
	for (ssize_t i = 0; i < size && i < 40; i++) {
		if (bytes[i] < ' ' || bytes[i] > '~')
			bytes[i] = '.';
	}
	bytes[size < 40 ? size : 40] = '\0';
	return bytes;
}

static void visit_stat(const char *name, const char *path)
{
	struct stat st;

	alarm(10);
	if (lstat(path, &st))
		say(name, "%s", error());
	else
		say(name, "mode %o, size %lld, links %ld, mtime %lld.%09ld", st.st_mode, (long long)st.st_size, (long)st.st_nlink,
		    (long long)st.st_mtime, st.st_mtim.tv_nsec);
}

static void visit_read(const char *name, const char *path)
{
	static char bytes[1 << 17];
	int fd;

	alarm(10);
	fd = open(path, O_RDONLY);
	if (fd == -1) {
		say(name, "open: %s", error());
		return;
	}
	ssize_t got = read(fd, bytes, sizeof(bytes));

	say(name, "%zd: %s", got, printable(bytes, got));
	alarm(10);
	if (close(fd))
		printf("%s/%s-close: %s\n", prefix, name, error());
}

static void visit_list(const char *name, const char *path)
{
	char names[20][280];
	int n = 0;
	struct dirent *entry;
	DIR *dir;

	alarm(10);
	dir = opendir(path);
	if (!dir) {
		say(name, "opendir: %s", error());
		return;
	}
	errno = 0;
	while (n < 20 && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			snprintf(names[n++], 280, "%s(%d)", entry->d_name, entry->d_type);
	}
	int failed = errno;

	qsort(names, n, 280, (int (*)(const void *, const void *))strcmp);
	printf("%s/%s: %d:", prefix, name, n);
	for (int i = 0; i < n; i++)
		printf(" %.40s", names[i]);
	errno = failed;
	printf("%s%s\n", failed ? ", then " : "", failed ? error() : "");
	fflush(stdout);
	closedir(dir);
}

static void visit_write(void)
{
	char text[16] = "written bytes";
	ssize_t done = -1;
	struct stat st;
	int fd;

	alarm(10);
	fd = open("data", O_RDWR);
	if (fd == -1) {
		say("write", "open: %s", error());
		return;
	}
	done = pwrite(fd, text, 13, 0);
	say("write", "%s", done < 0 ? error() : "ok");
	alarm(10);
	say("fsync", "%s", fsync(fd) ? error() : "ok");
	alarm(10);
	say("close", "%s", close(fd) ? error() : "ok");
	alarm(10);
	if (stat("data", &st))
		say("written", "%s", error());
	else
		say("written", "%lld", (long long)st.st_size);
}

static void visit_rest(void)
{
	char text[5000];
	ssize_t got;
	struct statvfs st;

	alarm(10);
	got = readlink("link", text, sizeof(text));
	say("readlink", "%zd: %s", got, printable(text, got));
	alarm(10);
	if (statvfs(".", &st))
		say("statfs", "%s", error());
	else
		say("statfs", "blocks %llu, bsize %lu, namemax %lu", (unsigned long long)st.f_blocks, st.f_bsize, st.f_namemax);
	alarm(10);
	got = getxattr("file", "user.name", NULL, 0);
	say("xattr-size", "%s", got < 0 ? error() : "ok");
	alarm(10);
	got = getxattr("file", "user.name", text, 100);
	say("xattr", "%s", got < 0 ? error() : "ok");
	alarm(10);
	got = listxattr("file", text, 100);
	say("xattrs", "%s", got < 0 ? error() : "ok");
	alarm(10);
	say("truncate", "%s", truncate("data", 5) ? error() : "ok");
	alarm(10);
	say("mkdir", "%s", mkdir("new", 0755) ? error() : "ok");
	alarm(10);
	say("missing", "%s", access("missing", F_OK) ? error() : "ok");
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = nothing };

	if (argc != 2) {
		fprintf(stderr, "usage: visit PREFIX\n");
		return 1;
	}
	prefix = argv[1];
	sigaction(SIGALRM, &act, NULL);
	visit_stat("stat", "file");
	visit_stat("stat-again", "file");
	visit_stat("stat-inner", "dir/inner");
	visit_list("list", ".");
	visit_list("list-dir", "dir");
	visit_read("read", "file");
	visit_read("read-inner", "dir/inner");
	visit_read("read-link", "link");
	visit_write();
	visit_rest();
	visit_stat("stat-data", "data");
	return 0;
}
