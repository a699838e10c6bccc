// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes of files: offsets, holes, sizes, appending, copying inside of the kernel.
 *
 * sets: default zero direct keep noopen writeback small
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "conform.h"

static char buffer[1 << 20];
static void *volatile nowhere = (void *)1;

static int make(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	NEED(fd != -1);
	NEED(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

/* What a new descriptor reads of a file, and its size. */
static void shows(const char *name, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	ssize_t got = read(fd, buffer, sizeof(buffer) - 1);

	NEED(fd != -1 && fstat(fd, &st) == 0);
	if (got < 0) {
		say(name, "%s", outcome(got));
	} else {
		buffer[got] = '\0';
		for (ssize_t i = 0; i < got; i++) {
			if (!buffer[i])
				buffer[i] = '_';
		}
		say(name, "size %ld, read %zd: %.60s", (long)st.st_size, got, buffer);
	}
	close(fd);
}

static void offsets(void)
{
	struct iovec two[] = { { buffer, 3 }, { buffer + 100, 4 } };
	int fd = make("offsets", "0123456789");

	TRY("seek-set", lseek(fd, 2, SEEK_SET));
	TRY("read", read(fd, buffer, 3));
	TRY("seek-cur", lseek(fd, 0, SEEK_CUR));
	TRY("pread", pread(fd, buffer, 5, 8));
	TRY("pread-end", pread(fd, buffer, 5, 10));
	TRY("pread-beyond", pread(fd, buffer, 5, 1000));
	TRY("pread-negative", pread(fd, buffer, 5, -1));
	TRY("seek-end", lseek(fd, -3, SEEK_END));
	TRY("readv", readv(fd, two, 2));
	TRY("read-end", read(fd, buffer, 5));
	TRY("seek-before", lseek(fd, -11, SEEK_END));
	TRY("seek-beyond", lseek(fd, 100, SEEK_SET));
	TRY("read-beyond", read(fd, buffer, 5));
	TRY("preadv", preadv(fd, two, 2, 1));
	TRY("preadv2", preadv2(fd, two, 2, 1, 0));
	TRY("preadv2-nowait", preadv2(fd, two, 2, 1, RWF_NOWAIT) == -1 && errno != EAGAIN ? -1 : 0);
	memcpy(buffer, "abc", 3);
	memcpy(buffer + 100, "defg", 4);
	TRY("pwritev", pwritev(fd, two, 2, 4));
	TRY("pwritev2-append", pwritev2(fd, two, 2, 0, RWF_APPEND));
	TRY("pwrite-negative", pwrite(fd, buffer, 1, -1));
	TRY("read-nothing", read(fd, buffer, 0));
	TRY("write-nothing", write(fd, buffer, 0));
	TRY("read-bad-address", pread(fd, nowhere, 5, 0));
	TRY("write-bad-address", pwrite(fd, nowhere, 5, 0));
	shows("offsets", "offsets");
	close(fd);
	fd = open("offsets", O_RDONLY);
	TRY("write-read-only", write(fd, "x", 1));
	TRY("truncate-read-only", ftruncate(fd, 1));
	close(fd);
	fd = open("offsets", O_WRONLY);
	TRY("read-write-only", read(fd, buffer, 1));
	close(fd);
	fd = open(".", O_RDONLY);
	TRY("read-directory", read(fd, buffer, 1));
	TRY("write-directory", write(fd, buffer, 1));
	close(fd);
}

static void sizes(void)
{
	int fd = make("sizes", "0123456789"), other = open("sizes", O_RDWR);

	TRY("shrink", ftruncate(fd, 4));
	shows("shrunk", "sizes");
	TRY("grow", truncate("sizes", 8));
	shows("grown", "sizes");
	TRY("write-beyond", pwrite(other, "xy", 2, 12));
	shows("with-hole", "sizes");
	TRY("truncate-negative", ftruncate(fd, -1));
	TRY("truncate-huge", ftruncate(fd, (off_t)1 << 62));
	TRY("trunc-open", close(open("sizes", O_WRONLY | O_TRUNC)));
	shows("emptied", "sizes");
	TRY("read-emptied", pread(other, buffer, 10, 0));
	TRY("write-after", pwrite(fd, "new", 3, 1));
	shows("after", "sizes");
	close(fd);
	close(other);
}

static void append(void)
{
	int one = open("append", O_WRONLY | O_CREAT | O_APPEND, 0644), two = open("append", O_WRONLY | O_APPEND);

	TRY("append-one", write(one, "one,", 4));
	TRY("append-two", write(two, "two,", 4));
	TRY("append-seek", lseek(one, 0, SEEK_SET));
	TRY("append-three", write(one, "three,", 6));
	TRY("append-at", lseek(one, 0, SEEK_CUR));
	TRY("append-pwrite", pwrite(two, "four", 4, 0)); /* Linux appends */
	shows("append", "append");
	TRY("append-off", fcntl(one, F_SETFL, 0));
	TRY("append-not", pwrite(one, "ONE", 3, 0));
	shows("append-not-any-more", "append");
	close(one);
	close(two);
}

/* Many appenders: no line is torn or lost. */
static void appenders(void)
{
	char line[64];
	long lines = 0, good = 0;
	FILE *f;

	for (int i = 0; i < 4; i++) {
		if (fork() == 0) {
			int fd = open("appenders", O_WRONLY | O_CREAT | O_APPEND, 0644);

			for (int n = 0; n < 100; n++)
				NEED(write(fd, line, snprintf(line, sizeof(line), "appender %d line %03d\n", i, n)) == 20);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	f = fopen("appenders", "r");
	while (f && fgets(line, sizeof(line), f)) {
		lines++;
		good += strlen(line) == 20 && !strncmp(line, "appender ", 9);
	}
	say("appenders", "%ld lines, %ld whole", lines, good);
	if (f)
		fclose(f);
}

/* Where data and holes are, as far as the server knows; chunks are of 64 KiB. */
static void holes(void)
{
	int fd = make("holes", "");

	TRY("sparse-size", ftruncate(fd, 1 << 20));
	TRY("sparse-first", pwrite(fd, "x", 1, 0));
	TRY("sparse-last", pwrite(fd, "x", 1, (1 << 20) - 1));
	fsync(fd);
	TRY("hole-0", lseek(fd, 0, SEEK_HOLE) > 0 ? 0 : -1);
	TRY("data-0", lseek(fd, 0, SEEK_DATA));
	TRY("data-middle", lseek(fd, 1 << 19, SEEK_DATA) >= 1 << 19 ? 0 : -1);
	TRY("hole-end", lseek(fd, (1 << 20) - 1, SEEK_HOLE));
	TRY("data-beyond", lseek(fd, 1 << 20, SEEK_DATA));
	TRY("hole-beyond", lseek(fd, 1 << 20, SEEK_HOLE));
	TRY("data-negative", lseek(fd, -1, SEEK_DATA));
	TRY("allocate", fallocate(fd, 0, 0, 2 << 20));
	TRY("allocated-size", lseek(fd, 0, SEEK_END));
	TRY("allocate-keep", fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 3 << 20));
	TRY("kept-size", lseek(fd, 0, SEEK_END));
	TRY("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10));
	TRY("punched", pread(fd, buffer, 1, 0) == 1 && buffer[0] == 0 ? 0 : -1);
	TRY("zero", fallocate(fd, FALLOC_FL_ZERO_RANGE, (1 << 20) - 10, 100));
	TRY("zeroed", pread(fd, buffer, 1, (1 << 20) - 1) == 1 && buffer[0] == 0 ? 0 : -1);
	TRY("collapse", fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 65536));
	TRY("allocate-nothing", fallocate(fd, 0, 0, 0));
	TRY("posix-fallocate", posix_fallocate(fd, 0, 4 << 20));
	close(fd);
}

static void copies(void)
{
	int from = make("from", "contents to be copied"), to = make("to", ""), ends[2];
	loff_t offset = 3, to_offset = 0;
	off_t at = 0;

	TRY("copy-range", copy_file_range(from, &offset, to, &to_offset, 8, 0));
	shows("copy-range-to", "to");
	TRY("copy-beyond", ({
		offset = 1000;
		copy_file_range(from, &offset, to, &to_offset, 8, 0);
	}));
	TRY("sendfile", ({
		lseek(to, 0, SEEK_END);
		sendfile(to, from, &at, 100);
	}));
	shows("sendfile-to", "to");
	NEED(pipe(ends) == 0);
	TRY("sendfile-pipe", ({
		at = 0;
		sendfile(ends[1], from, &at, 8);
	}));
	TRY("splice-out", splice(ends[0], NULL, to, (offset = 0, &offset), 8, 0));
	shows("spliced", "to");
	TRY("splice-in", splice(from, (offset = 12, &offset), ends[1], NULL, 9, 0));
	TRY("splice-read", read(ends[0], buffer, 100));
	say("splice-text", "%.9s", buffer);
	TRY("sync-range", sync_file_range(to, 0, 0, SYNC_FILE_RANGE_WRITE));
	TRY("fsync", fsync(to));
	TRY("fdatasync", fdatasync(to));
	TRY("syncfs", syncfs(to));
	TRY("advice", posix_fadvise(from, 0, 0, POSIX_FADV_DONTNEED));
	TRY("readahead", readahead(from, 0, 4096));
	close(from);
	close(to);
	close(ends[0]);
	close(ends[1]);
}

/* More than one message holds, in one call. */
static void large(void)
{
	int fd = make("large", "");
	char *big = malloc(5 << 20), *back = malloc(5 << 20);

	for (int i = 0; i < 5 << 20; i++)
		big[i] = i * 7 + (i >> 8);
	TRY("large-write", pwrite(fd, big, 5 << 20, 1));
	TRY("large-read", pread(fd, back, 5 << 20, 1));
	TRY("large-same", memcmp(big, back, 5 << 20));
	close(fd);
	fd = open("large", O_RDONLY);
	TRY("large-read-again", pread(fd, back, 5 << 20, 1));
	TRY("large-same-again", memcmp(big, back, 5 << 20));
	TRY("large-odd", pread(fd, back, 100001, 65531));
	TRY("large-odd-same", memcmp(big + 65530, back, 100001));
	close(fd);
	free(big);
	free(back);
}

/* Two processes that write and read the same file see each other's bytes. */
static void two_processes(void)
{
	int there[2], back[2], fd = make("shared", "first");
	char c;

	NEED(pipe(there) == 0 && pipe(back) == 0);
	if (fork() == 0) {
		int other = open("shared", O_RDWR);

		NEED(read(there[0], &c, 1) == 1);
		say("child-reads", "%zd %.6s", pread(other, buffer, 6, 0), buffer);
		NEED(pwrite(other, "THIRD.", 6, 0) == 6);
		NEED(ftruncate(other, 6) == 0);
		NEED(write(back[1], "x", 1) == 1);
		_exit(0);
	}
	TRY("parent-writes", pwrite(fd, "second", 6, 0));
	NEED(write(there[1], "x", 1) == 1);
	NEED(read(back[0], &c, 1) == 1);
	say("parent-reads", "%zd %.6s", pread(fd, buffer, 10, 0), buffer);
	wait(NULL);
	close(fd);
}

int main(void)
{
	offsets();
	sizes();
	append();
	appenders();
	holes();
	copies();
	large();
	two_processes();
	return 0;
}
