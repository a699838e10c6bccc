/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls as text, and their statistics.  The process that is decoded is the test itself.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../monitor/call.h"
#include "../../monitor/syscall/numbers.h"
#include "../../monitor/syscall/decode.h"
#include "../../monitor/syscall/stats.h"

/* Memory of the process: our own. */
int um_read(const struct um_call *call, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = { buf, len }, remote = { (void *)(uintptr_t)addr, len };

	(void)call;
	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

ssize_t um_read_string(const struct um_call *call, uint64_t addr, char *buf, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (um_read(call, addr + i, buf + i, 1) < 0)
			return -EFAULT;
		if (buf[i] == '\0')
			return i;
	}
	return -ENAMETOOLONG;
}

ssize_t um_read_path(const struct um_call *call, uint64_t addr, char *buf)
{
	return um_read_string(call, addr, buf, PATH_MAX);
}

static char text[8192];

#define A(x) (uint64_t)(uintptr_t)(x)
#define DECODE(nr, ...) decode(nr, (uint64_t[6]){ __VA_ARGS__ })

static const char *decode(int nr, const uint64_t args[6])
{
	struct um_call call = { .nr = nr, .row = um_syscall_row(nr) };
	int n;

	memcpy(call.args, args, sizeof(call.args));
	memset(text, 'x', sizeof(text));
	n = decode_call(&call, text, sizeof(text));
	ck_assert_int_eq(n, strlen(text));
	return text;
}

static const char *result(const char *name, int64_t ret)
{
	int n = decode_result(um_syscall_named(name), ret, text, sizeof(text));

	ck_assert_int_eq(n, strlen(text));
	return text;
}

START_TEST(opens)
{
	const char *p = "/etc/passwd";
	uint64_t how[3] = { O_PATH | O_CLOEXEC, 0, 4 };

	ck_assert_str_eq(DECODE(__NR_openat, AT_FDCWD, A(p), O_RDONLY | O_CLOEXEC, 0x777),
			 "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC)");
	ck_assert_str_eq(DECODE(__NR_openat, 5, A(p), O_WRONLY | O_CREAT | O_TRUNC, 0644),
			 "openat(5, \"/etc/passwd\", O_WRONLY|O_CREAT|O_TRUNC, 0644)");
	ck_assert_str_eq(DECODE(__NR_openat, (uint32_t)AT_FDCWD, A("."), O_RDWR | O_TMPFILE, 0600),
			 "openat(AT_FDCWD, \".\", O_RDWR|O_TMPFILE, 0600)");
	ck_assert_str_eq(DECODE(__NR_open, A("d"), O_DIRECTORY | O_NOFOLLOW | 0x4000000),
			 "open(\"d\", O_RDONLY|O_DIRECTORY|O_NOFOLLOW|0x4000000)");
	ck_assert_str_eq(DECODE(__NR_openat2, AT_FDCWD, A(p), A(how), sizeof(how)),
			 "openat2(AT_FDCWD, \"/etc/passwd\", {flags=O_RDONLY|O_CLOEXEC|O_PATH, mode=000, "
			 "resolve=RESOLVE_NO_SYMLINKS}, 24)");
	ck_assert_str_eq(DECODE(__NR_openat2, AT_FDCWD, A(p), 8, 24), "openat2(AT_FDCWD, \"/etc/passwd\", 0x8, 24)");
}
END_TEST

START_TEST(strings)
{
	char path[PATH_MAX + 1], *page;

	ck_assert_str_eq(DECODE(__NR_chdir, A("a\"b\\c\n\t\x01\xff")), "chdir(\"a\\\"b\\\\c\\n\\t\\001\\377\")");
	ck_assert_str_eq(DECODE(__NR_chdir, A("")), "chdir(\"\")");
	ck_assert_str_eq(DECODE(__NR_chdir, 0), "chdir(NULL)");
	ck_assert_str_eq(DECODE(__NR_chdir, 16), "chdir(0x10)");
	/* a path without an end is shown as its address */
	memset(path, 'p', sizeof(path));
	decode(__NR_chdir, (uint64_t[6]){ A(path) });
	ck_assert_int_eq(strncmp(text, "chdir(0x", 8), 0);
	/* the longest path that the kernel takes */
	path[PATH_MAX - 1] = '\0';
	ck_assert_uint_eq(strlen(DECODE(__NR_chdir, A(path))), strlen("chdir(\"\")") + PATH_MAX - 1);
	/* a string that runs into the void */
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(page, MAP_FAILED);
	munmap(page + 4096, 4096);
	memset(page, 'q', 4096);
	decode(__NR_chdir, (uint64_t[6]){ A(page + 4090) });
	ck_assert_int_eq(strncmp(text, "chdir(0x", 8), 0);
	memset(path, 's', 100);
	path[100] = '\0';
	decode(__NR_symlink, (uint64_t[6]){ A(path), A("n") });
	ck_assert_str_eq(text + strlen(text) - 11, "s\"..., \"n\")");
	ck_assert_str_eq(DECODE(__NR_write, 1, A("ab\0c"), 4), "write(1, \"ab\\000c\", 4)");
	ck_assert_str_eq(DECODE(__NR_write, 1, 0, 4), "write(1, NULL, 4)");
	munmap(page, 4096);
}
END_TEST

START_TEST(flags)
{
	ck_assert_str_eq(DECODE(__NR_unlinkat, AT_FDCWD, A("d"), AT_REMOVEDIR),
			 "unlinkat(AT_FDCWD, \"d\", AT_REMOVEDIR)");
	ck_assert_str_eq(DECODE(__NR_faccessat2, AT_FDCWD, A("d"), R_OK | X_OK, AT_EACCESS),
			 "faccessat2(AT_FDCWD, \"d\", R_OK|X_OK, AT_EACCESS)");
	ck_assert_str_eq(DECODE(__NR_access, A("d"), F_OK), "access(\"d\", F_OK)");
	ck_assert_str_eq(DECODE(__NR_newfstatat, 3, A(""), 0x1000, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW),
			 "newfstatat(3, \"\", 0x1000, AT_SYMLINK_NOFOLLOW|AT_EMPTY_PATH)");
	ck_assert_str_eq(DECODE(__NR_newfstatat, 3, A(""), 0x1000, 0), "newfstatat(3, \"\", 0x1000, 0)");
	ck_assert_str_eq(DECODE(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0),
			 "clone(CLONE_VM|CLONE_VFORK|SIGCHLD, NULL, NULL, NULL, 0)");
	ck_assert_str_eq(DECODE(__NR_unshare, CLONE_NEWUSER | CLONE_NEWNS | 0x80),
			 "unshare(CLONE_NEWNS|CLONE_NEWUSER|CLONE_NEWTIME)");
	ck_assert_str_eq(DECODE(__NR_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, 3, 4096),
			 "mmap(NULL, 4096, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_FIXED, 3, 4096)");
	ck_assert_str_eq(DECODE(__NR_mount, A("s"), A("/t"), A("viewfs"), MS_MOVE | MS_RDONLY, A("o")),
			 "mount(\"s\", \"/t\", \"viewfs\", MS_RDONLY|MS_MOVE, \"o\")");
	ck_assert_str_eq(DECODE(__NR_umount2, A("/t"), MNT_DETACH), "umount2(\"/t\", MNT_DETACH)");
	ck_assert_str_eq(DECODE(__NR_renameat2, AT_FDCWD, A("a"), 3, A("b"), 1),
			 "renameat2(AT_FDCWD, \"a\", 3, \"b\", RENAME_NOREPLACE)");
	ck_assert_str_eq(DECODE(__NR_lseek, 3, -1, SEEK_END), "lseek(3, -1, SEEK_END)");
	ck_assert_str_eq(DECODE(__NR_mprotect, 4096, 4096, 0), "mprotect(0x1000, 4096, PROT_NONE)");
}
END_TEST

START_TEST(numbers)
{
	ck_assert_str_eq(DECODE(__NR_chown, A("f"), (uint32_t)-1, 33), "chown(\"f\", -1, 33)");
	ck_assert_str_eq(DECODE(__NR_chmod, A("f"), 04755), "chmod(\"f\", 04755)");
	ck_assert_str_eq(DECODE(__NR_mknod, A("n"), S_IFCHR | 0666, 0x103),
			 "mknod(\"n\", S_IFCHR|0666, makedev(1, 3))");
	ck_assert_str_eq(DECODE(__NR_mknod, A("n"), S_IFBLK | 0600, 0x12000ffu | 0xab00),
			 "mknod(\"n\", S_IFBLK|0600, makedev(171, 4863))");
	ck_assert_str_eq(DECODE(__NR_kill, (uint32_t)-1, SIGTERM), "kill(-1, SIGTERM)");
	ck_assert_str_eq(DECODE(__NR_kill, 5, 0), "kill(5, 0)");
	ck_assert_str_eq(DECODE(__NR_tgkill, 5, 6, 40), "tgkill(5, 6, 40)");
	ck_assert_str_eq(DECODE(__NR_prlimit64, 0, RLIMIT_NOFILE, 0, 0x1000),
			 "prlimit64(0, RLIMIT_NOFILE, NULL, 0x1000)");
	ck_assert_str_eq(DECODE(__NR_prctl, PR_SET_DUMPABLE, 0), "prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)");
	ck_assert_str_eq(DECODE(__NR_prctl, 987654), "prctl(987654, 0, 0, 0, 0)");
	ck_assert_str_eq(DECODE(__NR_clock_gettime, CLOCK_BOOTTIME, 4096), "clock_gettime(CLOCK_BOOTTIME, 0x1000)");
	ck_assert_str_eq(DECODE(__NR_getuid), "getuid()");
	ck_assert_str_eq(DECODE(__NR_truncate, A("f"), 1ULL << 40), "truncate(\"f\", 1099511627776)");
}
END_TEST

START_TEST(vectors)
{
	const char *argv[] = { "ls", "-l", "a b", NULL }, *many[40];

	ck_assert_str_eq(DECODE(__NR_execve, A("/bin/ls"), A(argv), 0x1000),
			 "execve(\"/bin/ls\", [\"ls\", \"-l\", \"a b\"], 0x1000)");
	ck_assert_str_eq(DECODE(__NR_execve, A("/bin/ls"), A(argv + 3), 0), "execve(\"/bin/ls\", [], NULL)");
	ck_assert_str_eq(DECODE(__NR_execve, A("/bin/ls"), 24, 0), "execve(\"/bin/ls\", 0x18, NULL)");
	for (int i = 0; i < 39; i++)
		many[i] = "x";
	many[39] = NULL;
	decode(__NR_execve, (uint64_t[6]){ A("/bin/ls"), A(many), 0 });
	ck_assert_ptr_nonnull(strstr(text, "\"x\", ...], NULL)"));
}
END_TEST

START_TEST(addresses)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "/run/x" };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(80),
				  .sin_addr.s_addr = htonl(0x7f000001) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(53) };
	sa_family_t family = AF_NETLINK;

	ck_assert_str_eq(DECODE(__NR_connect, 3, A(&sun), sizeof(sun)), "connect(3, {AF_UNIX, \"/run/x\"}, 110)");
	ck_assert_str_eq(DECODE(__NR_connect, 3, A(&sun), 4), "connect(3, {AF_UNIX, \"/r\"}, 4)");
	ck_assert_str_eq(DECODE(__NR_bind, 3, A(&sun), 2), "bind(3, {AF_UNIX}, 2)");
	memcpy(sun.sun_path, "\0ab\0c", 5);
	ck_assert_str_eq(DECODE(__NR_connect, 3, A(&sun), 7), "connect(3, {AF_UNIX, @\"ab\\000c\"}, 7)");
	ck_assert_str_eq(DECODE(__NR_connect, 3, A(&in), sizeof(in)), "connect(3, {AF_INET, 127.0.0.1:80}, 16)");
	ck_assert_str_eq(DECODE(__NR_connect, 3, A(&in), 4), "connect(3, {AF_INET}, 4)");
	ck_assert_str_eq(DECODE(__NR_connect, 3, A(&in6), sizeof(in6)), "connect(3, {AF_INET6, [::]:53}, 28)");
	ck_assert_str_eq(DECODE(__NR_bind, 3, A(&family), 2), "bind(3, {AF_NETLINK}, 2)");
	family = 999;
	ck_assert_str_eq(DECODE(__NR_bind, 3, A(&family), 2), "bind(3, {999}, 2)");
	ck_assert_str_eq(DECODE(__NR_bind, 3, 1, 16), "bind(3, 0x1, 16)");
	ck_assert_str_eq(DECODE(__NR_bind, 3, 0, 0), "bind(3, NULL, 0)");
	/* longer than any address: the kernel's business, not a buffer overrun */
	sun.sun_path[0] = 'y';
	memset(sun.sun_path, 'y', sizeof(sun.sun_path));
	decode(__NR_bind, (uint64_t[6]){ 3, A(&sun), 0xffffffff });
	ck_assert_ptr_nonnull(strstr(text, "yyy"));
}
END_TEST

START_TEST(results)
{
	ck_assert_str_eq(result("openat", 3), "= 3");
	ck_assert_str_eq(result("openat", -ENOENT), "= -1 ENOENT (No such file or directory)");
	ck_assert_str_eq(result("read", 4096), "= 4096");
	ck_assert_str_eq(result("mmap", 0x7f0000000000), "= 0x7f0000000000");
	ck_assert_str_eq(result("umask", 022), "= 022");
	ck_assert_str_eq(result("getuid", 0), "= 0");
	ck_assert_str_eq(result("exit_group", 0), "= ?");
	ck_assert_str_eq(result("openat", UM_CONTINUE), "= ?");
	ck_assert_str_eq(result("openat", UM_REPLIED), "= ?");
	ck_assert_int_eq(strncmp(result("read", -512), "= -1 ERESTARTSYS (", 18), 0);
	ck_assert_str_eq(result("read", -4000), "= -1 (error 4000)");
	for (int i = 1; i <= 133; i++) /* EAGAIN and EDEADLK have second names: two holes */
		if (i != 41 && i != 58)
			ck_assert_msg(!strstr(result("read", -i), "(error"), "errno %d has no name", i);
}
END_TEST

/* Any size of buffer: terminated, never overrun. */
START_TEST(buffers)
{
	struct um_call call = { .nr = __NR_openat, .row = um_syscall_row(__NR_openat) };
	const char *whole = "openat(AT_FDCWD, \"/etc/pass\\001wd\", O_RDONLY|O_CLOEXEC)";
	char buf[100];

	call.args[0] = AT_FDCWD;
	call.args[1] = A("/etc/pass\001wd");
	call.args[2] = O_CLOEXEC;
	for (size_t size = 0; size < sizeof(buf); size++) {
		int n;

		memset(buf, '#', sizeof(buf));
		n = decode_call(&call, buf, size);
		for (size_t i = size; i < sizeof(buf); i++)
			ck_assert_int_eq(buf[i], '#');
		if (size == 0)
			continue;
		ck_assert_int_eq(n, strlen(buf));
		ck_assert_uint_lt(n, size);
		if (size > strlen(whole))
			ck_assert_str_eq(buf, whole);
		else if (size >= 4)
			ck_assert_str_eq(buf + n - 3, "...");
		decode_result(call.row, -ENOENT, buf, size);
		ck_assert_uint_lt(strlen(buf), size);
	}
}
END_TEST

/* Every row, with arguments that mean nothing. */
START_TEST(garbage)
{
	static const uint64_t values[] = { 0, 1, 0xffffffff, UINT64_MAX, 0x8000000000000000, 0x1234, 0x7fffffffffff };
	char small[40];

	for (size_t i = 0; i < um_nsyscalls; i++)
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			struct um_call call = { .nr = um_syscalls[i].nr, .row = &um_syscalls[i] };

			for (int a = 0; a < 6; a++)
				call.args[a] = values[v];
			decode_call(&call, text, sizeof(text));
			ck_assert_int_eq(strncmp(text, um_syscalls[i].name, strlen(um_syscalls[i].name)), 0);
			ck_assert_int_eq(text[strlen(text) - 1], ')');
			decode_call(&call, small, sizeof(small));
			decode_result(call.row, values[v], text, sizeof(text));
			ck_assert_int_eq(text[0], '=');
		}
}
END_TEST

/* --- statistics ------------------------------------------------------------------------------------------------- */

static void *record_many(void *arg)
{
	for (int i = 0; i < 10000; i++)
		stats_record(__NR_openat, arg, 1000);
	return NULL;
}

static const char *printed(bool json)
{
	static char buf[65536];
	FILE *f = fmemopen(buf, sizeof(buf), "w");

	stats_print(f, json);
	fclose(f);
	return buf;
}

START_TEST(statistics)
{
	char same[] = "viewfs", other[] = "viewfs", more[40][16];
	pthread_t threads[4];
	const char *out;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, record_many, i % 2 ? other : same);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	stats_record(__NR_stat, "kernel", 0);
	stats_record(__NR_stat, "kernel", UINT64_C(1) << 62);
	stats_record(99999, "kernel", 5);
	out = printed(true);
	ck_assert_ptr_nonnull(strstr(out,
				     "{\"name\": \"openat\", \"count\": 40000, \"total\": 40000000, \"min\": 1000, "
				     "\"p50\": 1000, \"p99\": 1000, \"max\": 1000}"));
	ck_assert_ptr_nonnull(strstr(out, "{\"name\": \"viewfs\", \"count\": 40000,"));
	ck_assert_ptr_nonnull(
	    strstr(out, "{\"name\": \"stat\", \"count\": 2, \"total\": 4611686018427387904, \"min\": 0,"));
	ck_assert_ptr_nonnull(strstr(out, "{\"name\": \"unknown\", \"count\": 1,"));
	/* more routes than there is room for */
	for (int i = 0; i < 40; i++) {
		snprintf(more[i], sizeof(more[i]), "r%d", i);
		stats_record(__NR_read, more[i], 7);
	}
	out = printed(false);
	ck_assert_ptr_nonnull(strstr(out, "other"));
	ck_assert_ptr_nonnull(strstr(out, "openat"));
}
END_TEST

START_TEST(percentiles)
{
	unsigned long long p50, p99, max;
	const char *out, *line;

	for (int i = 1; i <= 1000; i++)
		stats_record(__NR_close, "kernel", i * 1000);
	out = printed(true);
	line = strstr(out, "\"close\"");
	ck_assert_ptr_nonnull(line);
	ck_assert_int_eq(sscanf(line,
				"\"close\", \"count\": 1000, \"total\": 500500000, \"min\": 1000, \"p50\": %llu, "
				"\"p99\": %llu, \"max\": %llu",
				&p50, &p99, &max),
			 3);
	ck_assert(p50 > 450000 && p50 < 550000);
	ck_assert(p99 > 900000 && p99 <= 1000000);
	ck_assert_uint_eq(max, 1000000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decode");
	TCase *tc = tcase_create("decode");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, opens);
	tcase_add_test(tc, strings);
	tcase_add_test(tc, flags);
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, vectors);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, results);
	tcase_add_test(tc, buffers);
	tcase_add_test(tc, garbage);
	tcase_add_test(tc, statistics);
	tcase_add_test(tc, percentiles);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
