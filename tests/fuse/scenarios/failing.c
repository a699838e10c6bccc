// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A server whose fsync fails with EIO, and flush with EDQUOT: where the errors come out.
 *
 * sets: default zero noopen
 * options: fail=fsync:5,fail=flush:122,fail=readlink:13,fail=rmdir:16,fail=fallocate:27,fail=removexattr:1
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "conform.h"

int main(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0644), copy, status;
	char *p, text[64];

	TRY("write", write(fd, "data", 4));
	TRY("fsync", fsync(fd));
	TRY("fdatasync", fdatasync(fd));
	TRY("write-again", write(fd, "data", 4));
	copy = dup(fd);
	TRY("close-copy", close(copy));
	TRY("close", close(fd));
	fd = open("file", O_RDWR);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p[0] = 'm';
	TRY("msync", msync(p, 4096, MS_SYNC));
	munmap(p, 4096);
	if (fork() == 0)
		_exit(close(fd) == 0);
	wait(&status);
	say("close-in-child", "%s", WEXITSTATUS(status) ? "ok" : "fails");
	TRY("close-after-map", close(fd));
	fd = open("file", O_RDONLY);
	TRY("read", read(fd, text, 4));
	TRY("close-reader", close(fd));
	symlink("file", "link");
	TRY("readlink", readlink("link", text, sizeof(text)));
	TRY("through", open("link", O_RDONLY));
	mkdir("dir", 0755);
	TRY("rmdir", rmdir("dir"));
	TRY("stat-dir", access("dir", F_OK));
	fd = open("file", O_RDWR);
	TRY("fallocate", fallocate(fd, 0, 0, 10));
	TRY("setxattr", fsetxattr(fd, "user.name", "value", 5, 0));
	TRY("removexattr", fremovexattr(fd, "user.name"));
	return 0;
}
