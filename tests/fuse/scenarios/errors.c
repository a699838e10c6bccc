// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file system without room: what is written, what is said, and where.
 *
 * options: size=1048576
 * sets: default zero writeback
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "conform.h"

int main(void)
{
	static char data[65536];
	int fd = open("full", O_RDWR | O_CREAT, 0644), rc = 0, n = 0;
	struct statvfs st;

	memset(data, 'd', sizeof(data));
	while (n < 100 && (rc = write(fd, data, sizeof(data))) == sizeof(data) && fsync(fd) == 0)
		n++;
	say("written", "%s", n >= 14 && n <= 16 ? "about 1 MiB" : "another size");
	TRY("no-room", write(fd, data, sizeof(data)) == -1 || fsync(fd) == -1 || close(fd) == -1 ? -1 : 0);
	NEED(statvfs(".", &st) == 0);
	say("free", "%s", st.f_bavail == 0 ? "none" : "some");
	close(fd);
	TRY("make-empty", close(open("empty", O_CREAT | O_WRONLY, 0644)));
	TRY("truncate-other", truncate("full", 0));
	NEED(statvfs(".", &st) == 0);
	say("free-again", "%s", st.f_bavail ? "some" : "none");
	fd = open("full", O_RDWR);
	TRY("write-again", write(fd, data, sizeof(data)));
	TRY("allocate", fallocate(fd, 0, 0, 4 << 20));
	TRY("close", close(fd));
	return 0;
}
