// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ways around the filter: calls that the monitor should see, and does not.
 *
 *	filter DIR
 *
 * Each attempt makes a file of its name in DIR, a directory of the host's; whether it is there, and not in the view only,
 * is for the test to see.
 */
#include "exploit.h"

#include <sys/mman.h>
#include <sys/stat.h>

static const char *dir;

static const char *path_of(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* A system call with six arguments; the sixth register as it is afterwards. */
static long call(long nr, long a, long b, long c, long d, long e, long *f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = *f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret), "+r"(r9)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	*f = r9;
	return ret;
}

/* The cookie that lets a call pass stays in the register after an exec that was rewritten, and failed. */
static bool cookie(void)
{
	static char big[256 * 1024];
	char *argv[] = { "x", big, NULL }, *envp[] = { NULL }, name[] = "programXXXXXX", copy[64];
	long r9 = 0;
	int fd = mkstemp(name);

	if (fd < 0)
		return false;
	close(fd);
	snprintf(copy, sizeof(copy), "cat /bin/true >%s; chmod 755 %s", name, name);
	if (system(copy) != 0)
		return false;
	memset(big, 'x', sizeof(big) - 1); /* longer than an argument may be: E2BIG */
	call(SYS_execve, (long)name, (long)argv, (long)envp, 0, 0, &r9);
	unlink(name);
	return worked(call(SYS_openat, AT_FDCWD, (long)path_of("cookie"), O_WRONLY | O_CREAT, 0600, 0, &r9));
}

/* open(2) by its number in the tables for 32-bit programs; strings must be in the lower 4 GB. */
static bool int80(void)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long ret;

	if (low == MAP_FAILED)
		return false;
	strcpy(low, path_of("int80"));
	__asm__ volatile("int $0x80" : "=a"(ret) : "0"(5L), "b"(low), "c"((long)(O_WRONLY | O_CREAT)), "d"(0600L)
			 : "r8", "r9", "r10", "r11", "memory");
	errno = (int)-ret;
	return ret >= 0;
}

static bool x32(void) { return worked(syscall(0x40000000 | SYS_open, path_of("x32"), O_WRONLY | O_CREAT, 0600)); }

static bool ordinary(void) { return worked(open(path_of("ordinary"), O_WRONLY | O_CREAT, 0600)); }

int main(int argc, char **argv)
{
	static const struct attempt attempts[] = {
		{ "ordinary", ordinary }, { "cookie", cookie }, { "int80", int80 }, { "x32", x32 }, { NULL, NULL },
	};

	if (argc != 2)
		return 2;
	dir = argv[1];
	run_attempts(attempts);
	return 0;
}
