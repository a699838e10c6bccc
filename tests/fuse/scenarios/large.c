// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of more than 4 GiB, mostly holes: read, written and mapped at far places.
 *
 * sets: default zero
 * timeout: 120
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "conform.h"

#define GIB ((off_t)1 << 30)

int main(void)
{
	int fd = open("large", O_RDWR | O_CREAT, 0644), copy;
	char text[32] = "", *p;
	struct stat st;
	off_t at;

	NEED(fd != -1);
	TRY("truncate", ftruncate(fd, 10 * GIB));
	TRY("write-5", pwrite(fd, "at five", 7, 5 * GIB));
	TRY("write-end", pwrite(fd, "at the end", 10, 10 * GIB - 10));
	NEED(fstat(fd, &st) == 0);
	say("size", "%ld", (long)st.st_size);
	say("blocks", "%s", st.st_blocks < 10000 ? "few" : "many");
	TRY("read-4", pread(fd, text, 8, 4 * GIB));
	say("read-4-text", "%d", text[0]);
	TRY("read-5", pread(fd, text, 7, 5 * GIB));
	say("read-5-text", "%.7s", text);
	TRY("read-across", pread(fd, text, 20, 10 * GIB - 10));
	say("read-across-text", "%.10s", text);
	TRY("data", lseek(fd, 0, SEEK_DATA));
	TRY("hole", lseek(fd, 5 * GIB, SEEK_HOLE) > 5 * GIB ? 0 : -1);
	TRY("data-again", lseek(fd, 6 * GIB, SEEK_DATA) > 9 * GIB ? 0 : -1);
	TRY("append", ({
		copy = open("large", O_WRONLY | O_APPEND);
		write(copy, "+", 1);
	}));
	close(copy);
	TRY("stat", stat("large", &st));
	say("appended", "%ld", (long)st.st_size);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 5 * GIB);
	TRY("map", p == MAP_FAILED ? -1 : 0);
	if (p != MAP_FAILED) {
		say("map-text", "%.7s", p);
		memcpy(p, "mapped!", 7);
		munmap(p, 4096);
		TRY("mapped-read", pread(fd, text, 7, 5 * GIB));
		say("mapped-text", "%.7s", text);
	}
	p = mmap(NULL, 10 * GIB, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
	TRY("map-all", p == MAP_FAILED ? -1 : 0);
	if (p != MAP_FAILED) {
		say("map-all-text", "%.7s, %d", p + 5 * GIB, p[3 * GIB]);
		munmap(p, 10 * GIB);
	}
	at = 0;
	for (int i = 0; i < 100; i++) { /* here and there */
		at = (at + 3 * GIB + 12345678) % (10 * GIB - 100);
		NEED(pwrite(fd, &at, sizeof(at), at) == sizeof(at));
	}
	at = 0;
	for (int i = 0; i < 100; i++) {
		off_t got;

		at = (at + 3 * GIB + 12345678) % (10 * GIB - 100);
		NEED(pread(fd, &got, sizeof(got), at) == sizeof(got));
		NEED(got == at);
	}
	say("scattered", "ok");
	TRY("shrink", ftruncate(fd, 5 * GIB + 2));
	TRY("shrunk-read", pread(fd, text, 7, 5 * GIB));
	TRY("close", close(fd));
	TRY("reopen", fd = open("large", O_RDONLY) == -1 ? -1 : 0);
	TRY("remove", unlink("large"));
	return 0;
}
