// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * call [-d] OP PATH: one call, which a signal ends after a second if it is not over by then; prints what it gave.
 *
 * The signal has a handler, or with -d kills.  OP: stat, open, read, readdir, write, fsync, close, readlink, statfs, truncate,
 * mkdir, unlink, access, map.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void nothing(int sig)
{
	(void)sig;
}

/* What comes before is not bounded by the alarm. */
static int opened(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd == -1) {
		printf("open: %s\n", strerrorname_np(errno));
		fflush(stdout);
		_exit(0);
	}
	return fd;
}

static int list(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (!dir)
		return -1;
	errno = 0;
	while (readdir(dir))
		n++;
	return errno ? -1 : n;
}

static int map(const char *path)
{
	char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, opened(path, O_RDONLY), 0);

	return p == MAP_FAILED ? -1 : *(volatile char *)p;
}

static long call(const char *op, const char *path)
{
	char text[100];
	struct stat st;
	struct statvfs vfs;
	int fd;

	if (!strcmp(op, "stat"))
		return stat(path, &st);
	if (!strcmp(op, "open"))
		return opened(path, O_RDONLY) == -1;
	if (!strcmp(op, "read"))
		return read(opened(path, O_RDONLY), text, sizeof(text));
	if (!strcmp(op, "readdir"))
		return list(path);
	if (!strcmp(op, "write"))
		return write(opened(path, O_WRONLY), "text", 4);
	if (!strcmp(op, "fsync")) {
		fd = opened(path, O_WRONLY);
		return write(fd, "text", 4) == 4 ? fsync(fd) : -1;
	}
	if (!strcmp(op, "close"))
		return close(opened(path, O_RDWR));
	if (!strcmp(op, "readlink"))
		return readlink(path, text, sizeof(text));
	if (!strcmp(op, "statfs"))
		return statvfs(path, &vfs);
	if (!strcmp(op, "truncate"))
		return truncate(path, 3);
	if (!strcmp(op, "mkdir"))
		return mkdir(path, 0755);
	if (!strcmp(op, "unlink"))
		return unlink(path);
	if (!strcmp(op, "access"))
		return access(path, R_OK);
	if (!strcmp(op, "map"))
		return map(path);
	fprintf(stderr, "call: %s is no call\n", op);
	_exit(2);
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = nothing };
	long rc;

	if (argc == 4 && !strcmp(argv[1], "-d")) {
		argv++;
		argc--;
	} else {
		sigaction(SIGALRM, &act, NULL);
	}
	if (argc != 3) {
		fprintf(stderr, "usage: call [-d] OP PATH\n");
		return 2;
	}
	alarm(1);
	rc = call(argv[1], argv[2]);
	if (rc == -1)
		printf("%s\n", strerrorname_np(errno));
	else
		printf("%ld\n", rc);
	fflush(stdout);
	_exit(0); /* without close(2) of what is open, which may wait, too */
}
