// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mapped files: private and shared, written back, seen by others.
 *
 * sets: default zero keep noopen writeback
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "conform.h"

#define PAGE 4096

static sigjmp_buf jump;

static void caught(int sig)
{
	siglongjmp(jump, sig);
}

/* What touching a byte does: "ok", or the signal. */
static const char *touch(volatile char *p, int write)
{
	int sig = sigsetjmp(jump, 1);

	if (sig)
		return strsignal(sig);
	if (write)
		*p = 'w';
	else
		(void)*p;
	return "ok";
}

static int make(const char *name, size_t size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	char *text = malloc(size);

	memset(text, 'a', size);
	NEED(fd != -1 && write(fd, text, size) == (ssize_t)size);
	free(text);
	return fd;
}

static void *map(int fd, size_t size, int prot, int flags)
{
	return mmap(NULL, size, prot, flags, fd, 0);
}

/* What a second process reads of a file. */
static void others_read(const char *name, const char *path, off_t offset, size_t size)
{
	pid_t pid = fork();

	if (pid == 0) {
		char text[64] = "";
		int fd = open(path, O_RDONLY);
		ssize_t got = pread(fd, text, size, offset);

		say(name, "%zd: %.*s", got, got < 0 ? 0 : (int)got, text);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void doors(void)
{
	int fd = make("doors", PAGE), read_only = open("doors", O_RDONLY), write_only = open("doors", O_WRONLY);

	TRY("map-shared", map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED) == MAP_FAILED ? -1 : 0);
	TRY("map-private", map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE) == MAP_FAILED ? -1 : 0);
	TRY("map-read-only", map(read_only, PAGE, PROT_READ, MAP_SHARED) == MAP_FAILED ? -1 : 0);
	TRY("map-read-only-write", map(read_only, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED) == MAP_FAILED ? -1 : 0);
	TRY("map-read-only-private", map(read_only, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE) == MAP_FAILED ? -1 : 0);
	TRY("map-write-only", map(write_only, PAGE, PROT_READ, MAP_SHARED) == MAP_FAILED ? -1 : 0);
	TRY("map-exec", map(fd, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE) == MAP_FAILED ? -1 : 0);
	TRY("map-populate", map(fd, PAGE, PROT_READ, MAP_PRIVATE | MAP_POPULATE) == MAP_FAILED ? -1 : 0);
	close(fd);
	close(read_only);
	close(write_only);
}

static void shared(void)
{
	int fd = make("shared", 2 * PAGE);
	char *p = map(fd, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED), text[16] = "";
	struct stat st;

	if (p == MAP_FAILED) {
		say("shared", "%s", outcome(-1));
		close(fd);
		return;
	}
	memcpy(p + 10, "mapped", 6);
	TRY("shared-pread", pread(fd, text, 6, 10));
	say("shared-pread-text", "%s", text);
	others_read("shared-other", "shared", 10, 6);
	TRY("shared-pwrite", pwrite(fd, "WRITTEN", 7, 20));
	say("shared-after-pwrite", "%.7s", p + 20);
	if (fork() == 0) { /* the mapping is inherited */
		memcpy(p + 30, "child", 5);
		_exit(0);
	}
	wait(NULL);
	say("shared-after-child", "%.5s", p + 30);
	if (fork() == 0) { /* another process's own mapping */
		int other = open("shared", O_RDWR);
		char *q = map(other, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);

		say("shared-own-mapping", "%.6s", q + 10);
		memcpy(q + 40, "second", 6);
		_exit(0);
	}
	wait(NULL);
	say("shared-after-own", "%.6s", p + 40);
	TRY("shared-msync", msync(p, 2 * PAGE, MS_SYNC));
	TRY("shared-close", close(fd));
	memcpy(p + PAGE, "after close", 11);
	others_read("shared-after-close", "shared", PAGE, 11);
	TRY("shared-unmap", munmap(p, 2 * PAGE));
	others_read("shared-after-unmap", "shared", PAGE, 11);
	NEED(stat("shared", &st) == 0);
	say("shared-size", "%ld", (long)st.st_size);
}

static void private(void)
{
	int fd = make("private", PAGE);
	char *p = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	if (p == MAP_FAILED) {
		say("private", "%s", outcome(-1));
		close(fd);
		return;
	}
	memcpy(p, "mine", 4);
	others_read("private-other", "private", 0, 4);
	TRY("private-pwrite", pwrite(fd, "other", 5, 0));
	say("private-after", "%.4s", p);
	munmap(p, PAGE);
	close(fd);
	others_read("private-in-the-end", "private", 0, 5);
}

static void ends(void)
{
	int fd = make("ends", 10);
	char *p = map(fd, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);

	signal(SIGBUS, caught);
	if (p == MAP_FAILED) {
		say("ends", "%s", outcome(-1));
		close(fd);
		return;
	}
	say("end-rest-of-page", "%s, %d", touch(p + 100, 0), p[100]);
	say("end-next-page", "%s", touch(p + PAGE, 0));
	say("end-next-page-write", "%s", touch(p + PAGE, 1));
	p[11] = 'x'; /* behind the end: is not written */
	TRY("end-grow", ftruncate(fd, 2 * PAGE));
	say("end-grown", "%s, %d", touch(p + PAGE, 0), p[PAGE]);
	say("end-grown-write", "%s", touch(p + PAGE, 1));
	others_read("end-grown-read", "ends", PAGE, 1);
	TRY("end-shrink", ftruncate(fd, 10));
	say("end-shrunk", "%s", touch(p + PAGE, 0));
	TRY("end-grow-again", ftruncate(fd, 2 * PAGE));
	say("end-again", "%s, %d", touch(p + PAGE, 0), p[PAGE]);
	munmap(p, 3 * PAGE);
	close(fd);
}

static void many_pages(void)
{
	size_t size = 8 << 20;
	int fd = make("pages", size);
	char *p = map(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED), *back;
	long wrong = 0;

	if (p == MAP_FAILED) {
		say("pages", "%s", outcome(-1));
		close(fd);
		return;
	}
	close(fd);
	for (size_t i = 0; i < size; i += PAGE)
		p[i + 7] = 'A' + i / PAGE % 26;
	munmap(p, size);
	fd = open("pages", O_RDONLY);
	back = malloc(size);
	TRY("pages-read", read(fd, back, size));
	for (size_t i = 0; i < size; i += PAGE)
		wrong += back[i + 7] != (char)('A' + i / PAGE % 26) || back[i + 8] != 'a';
	say("pages-wrong", "%ld", wrong);
	free(back);
	close(fd);
}

static void removed(void)
{
	int fd = make("removed", PAGE);
	char *p = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);

	if (p == MAP_FAILED) {
		say("removed", "%s", outcome(-1));
		close(fd);
		return;
	}
	TRY("removed-unlink", unlink("removed"));
	close(fd);
	say("removed-touch", "%s %c", touch(p + 5, 1), p[5]);
	TRY("removed-msync", msync(p, PAGE, MS_SYNC));
	TRY("removed-unmap", munmap(p, PAGE));
	TRY("removed-gone", access("removed", F_OK));
	fd = make("renamed", PAGE);
	p = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	close(fd);
	TRY("renamed-rename", rename("renamed", "new-name"));
	memcpy(p, "renamed", 7);
	TRY("renamed-unmap", munmap(p, PAGE));
	others_read("renamed-read", "new-name", 0, 7);
}

/* The time of a file that was written through a mapping. */
static void times(void)
{
	int fd = make("times", PAGE);
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct stat st;
	char *p;

	futimens(fd, old);
	p = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (p == MAP_FAILED) {
		say("times", "%s", outcome(-1));
		close(fd);
		return;
	}
	p[0] = 'x';
	msync(p, PAGE, MS_SYNC);
	munmap(p, PAGE);
	close(fd);
	NEED(stat("times", &st) == 0);
	say("times-after", "%s", st.st_mtime == 1000 ? "old" : "new");
}

int main(void)
{
	doors();
	shared();
	private();
	ends();
	many_pages();
	removed();
	times();
	return 0;
}
