// SPDX-License-Identifier: GPL-2.0-or-later
/* exec and the loader: see test_exec.h. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "monitor/elf.h"
#include "monitor/tracer/tracer.h"
#include "test_exec.h"

static void make_file(const char *name, const char *text, mode_t mode)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(fd, mode);
	close(fd);
}

/* A copy of this test, with another ELF interpreter's name in it. */
static void make_self(const char *name, const char *interp)
{
	static char data[8 << 20];
	size_t n = slurp(self, data, sizeof(data));
	char path[PATH_MAX];
	char *at = memmem(data, n, ld_so, strlen(ld_so) + 1);
	int fd;

	ck_assert_ptr_nonnull(at);
	if (interp)
		strcpy(at, interp);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);
	ck_assert_int_eq(write(fd, data, n), (ssize_t)n);
	fchmod(fd, 0755);
	close(fd);
}

static void setup(void)
{
	struct program p;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	self[n] = '\0';
	ck_assert_int_eq(program_read(fd, &p), 0);
	strcpy(ld_so, p.interp);
	program_free(&p);
	close(fd);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	view.tracer_ops = &um_unotify;
	view.features.wait_killable = view.features.sync_wake_up = view.features.process_vm = true;
	state.dumpable = 1;
	state.root = (char *)"";
	make_self("virtual-ld", "/umtest/ld.so");
	make_self("copy", NULL);
}

static void teardown(void)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		fprintf(stderr, "%s is left\n", dir);
}

static int run_with(const char *path, char **argv, char **envp)
{
	struct job job = { .path = path, .argv = argv, .envp = envp, .fd = -1 };

	return run_job(&job);
}

static int run_failing(const char *path)
{
	struct job job = { .path = path, .argv = ARGV("x"), .envp = ARGV("A=1"), .fd = -1, .failing = true };

	warning[0] = '\0';
	return run_job(&job);
}

START_TEST(test_continue)
{
	ck_assert_int_eq(run_with(self, ARGV("probe", "probe"), ENVP("A=1")), 0);
	ck_assert_str_eq(output, "argc=2 [probe] [probe]\n");
	ck_assert_int_eq(view.loader_fd, -1);
}
END_TEST

START_TEST(test_descriptor)
{
	struct utsname u;
	unsigned major = 0, minor = 0;
	bool loaded;

	uname(&u);
	sscanf(u.release, "%u.%u", &major, &minor);
	loaded = major < 6 || (major == 6 && minor < 14); /* see descriptor_names() */
	ck_assert_int_eq(run_with("/umtest/copy", ARGV("probe", "probe"),
				  ENVP("COMM=copy", loaded ? "LOADED=1" : "A=1")), 0);
	ck_assert_str_eq(output, "argc=2 [probe] [probe]\n");
}
END_TEST

/* A thread that cannot be rewritten because it has a tracer: a copy, a script, and with memory that is shared. */
START_TEST(test_traced)
{
	char *const asan = (char *)"ASAN_OPTIONS=detect_leaks=0"; /* it wants to trace, too */

	make_file("script", "#!/umtest/self probe\n", 0755);
	ck_assert_int_eq(run_with(self, ARGV("probe", "traced", "/umtest/copy"), ENVP(asan, "FDS=1")), 0);
	ck_assert_str_eq(output, "argc=2 [probe] [probe]\n");
	ck_assert_int_eq(run_with(self, ARGV("probe", "traced", "/umtest/script"),
				  ENVP(asan, "FDS=1", "LOADED=1")), 0);
	ck_assert_str_eq(output, "argc=4 [/umtest/self] [probe] [/umtest/script] [probe]\n");
	warning[0] = '\0';
	ck_assert_int_eq(run_with(self, ARGV("probe", "vtraced", "/umtest/copy"), ENVP(asan, "FDS=1")), EACCES);
	ck_assert_str_ne(warning, "");
}
END_TEST

/* An ELF interpreter that is elsewhere. */
START_TEST(test_loader)
{
	ck_assert_int_eq(run_with("/umtest/virtual-ld", ARGV("probe", "probe", "some words", ""),
				  ENVP("LOADED=1", "COMM=virtual-ld", "EXECFN=/umtest/virtual-ld", "X=")), 0);
	ck_assert_str_eq(output, "argc=4 [probe] [probe] [some words] []\n");
}
END_TEST

/* Everything elsewhere: the loader, again and again; addresses differ from run to run. */
START_TEST(test_loader_often)
{
	everything_elsewhere = true;
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(run_with("/umtest/self", ARGV("probe", "probe"), ENVP("LOADED=1")), 0);
}
END_TEST

/* What readlink("/proc/self/exe") should say, in the process and in a child of it. */
START_TEST(test_exe_path)
{
	ck_assert_int_eq(run_with("/umtest/virtual-ld", ARGV("probe", "exe"), ENVP("A=1")), 0);
	ck_assert_str_eq(output, "/umtest/virtual-ld\n/umtest/virtual-ld\n");
	ck_assert_int_eq(run_with(self, ARGV("probe", "exe"), ENVP("A=1")), 1);
}
END_TEST

START_TEST(test_many_words)
{
	static char text[100000];
	char *argv[2000], *envp[2000];

	memset(text, 'y', sizeof(text) - 1);
	for (int i = 0; i < 1999; i++) {
		argv[i] = text + sizeof(text) - 1 - i % 50;
		envp[i] = text + sizeof(text) - 1 - i % 70;
	}
	argv[0] = argv[1] = (char *)"probe";
	argv[2] = text;
	envp[0] = (char *)"LOADED=1";
	argv[1999] = envp[1999] = NULL;
	everything_elsewhere = true;
	ck_assert_int_eq(run_with("/umtest/self", argv, envp), 0);
}
END_TEST

START_TEST(test_script)
{
	make_file("script", "#!/umtest/self probe\n", 0755);
	make_file("script2", "#!/umtest/script  a b \n", 0755);
	/* The interpreter is at home, the script is not. */
	ck_assert_int_eq(run_with("/umtest/script", ARGV("gone", "one"),
				  ENVP("LOADED=1", "COMM=script", "EXECFN=/umtest/script")), 0);
	ck_assert_str_eq(output, "argc=4 [/umtest/self] [probe] [/umtest/script] [one]\n");
	ck_assert_int_eq(run_with("/umtest/script2", ARGV("gone", "one"), ENVP("LOADED=1", "COMM=script2")), 0);
	ck_assert_str_eq(output, "argc=6 [/umtest/self] [probe] [/umtest/script] [a b] [/umtest/script2] [one]\n");
	ck_assert_int_eq(run_with("/umtest/script", ARGV("gone"), ENVP("LOADED=1")), 0);
	ck_assert_str_eq(output, "argc=3 [/umtest/self] [probe] [/umtest/script]\n");
	everything_elsewhere = true;
	ck_assert_int_eq(run_with("/umtest/script", (char *[]){ NULL }, ENVP("LOADED=1")), 0);
	ck_assert_str_eq(output, "argc=3 [/umtest/self] [probe] [/umtest/script]\n");
}
END_TEST

START_TEST(test_script_by_descriptor)
{
	char path[PATH_MAX];
	struct job job = { .argv = ARGV("gone", "one"), .envp = ENVP("LOADED=1", "FDS=1") };

	make_file("script", "#!/umtest/self probe\n", 0755);
	snprintf(path, sizeof(path), "%s/script", dir);
	job.fd = open(path, O_RDONLY);
	ck_assert_int_eq(run_job(&job), 0);
	snprintf(path, sizeof(path), "argc=4 [/umtest/self] [probe] [/dev/fd/%d] [one]\n", job.fd);
	ck_assert_str_eq(output, path);
	fcntl(job.fd, F_SETFD, FD_CLOEXEC);
	job.failing = true;
	ck_assert_int_eq(run_job(&job), ENOENT);
	close(job.fd);
	job.failing = false;
	job.fd = open(self, O_RDONLY | O_CLOEXEC);
	job.argv = ARGV("probe", "probe");
	job.envp = ENVP("A=1", "FDS=1");
	ck_assert_int_eq(run_job(&job), 0);
	close(job.fd);
}
END_TEST

START_TEST(test_errors)
{
	make_file("loop1", "#!/umtest/loop2\n", 0755);
	make_file("loop2", "#!/umtest/loop1\n", 0755);
	make_file("text", "echo hello\n", 0755);
	make_file("no-x", "#!/bin/sh\n", 0644);
	make_file("no-interp", "#!/umtest/missing\n", 0755);
	make_file("bad", "#!\n", 0755);
	make_file("i386", "\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0........................................", 0755);
	make_self("no-ld", "/umtest/none");
	make_self("bad-ld", "/umtest/text");
	ck_assert_int_eq(run_failing("/umtest/missing"), ENOENT);
	ck_assert_int_eq(run_failing("/umtest/loop1"), ELOOP);
	ck_assert_int_eq(run_failing("/umtest/text"), ENOEXEC);
	ck_assert_int_eq(run_failing("/umtest/no-x"), EACCES);
	ck_assert_int_eq(run_failing("/umtest/no-interp"), ENOENT);
	ck_assert_int_eq(run_failing("/umtest/bad"), ENOEXEC);
	ck_assert_int_eq(run_failing("/umtest/no-ld"), ENOENT);
	ck_assert_int_eq(run_failing("/umtest/bad-ld"), ELIBBAD);
	ck_assert_int_eq(run_failing("/umtest/."), EACCES);
	ck_assert_int_eq(run_failing("/etc/passwd"), EACCES);
	ck_assert_int_eq(run_failing(""), ENOENT);
}
END_TEST

START_TEST(test_i386)
{
	char header[64] = "\177ELF\1\1\1";
	char path[PATH_MAX];
	int fd;

	header[16] = 2; /* ET_EXEC */
	header[18] = 3; /* EM_386 */
	snprintf(path, sizeof(path), "%s/i386", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	ck_assert_int_eq(write(fd, header, sizeof(header)), sizeof(header));
	close(fd);
	ck_assert_int_eq(run_failing("/umtest/i386"), ENOEXEC);
	ck_assert_str_eq(warning, "/umtest/i386: 32-bit programs are not supported in a view");
	ck_assert_int_eq(run_failing(path), ENOEXEC);
}
END_TEST

/* The exec fails after it was rewritten (E2BIG): the plan is stale, and the next exec is right. */
START_TEST(test_fails_late)
{
	static char big[200000];
	struct job job = { .path = "/umtest/virtual-ld", .argv = ARGV("x", big), .envp = ENVP("A=1"), .fd = -1,
			   .failing = true };

	memset(big, 'x', sizeof(big) - 1);
	ck_assert_int_eq(run_job(&job), E2BIG);
	ck_assert_uint_eq(state_changes, 0);
	ck_assert_int_eq(run_with("/umtest/virtual-ld", ARGV("probe", "probe"), ENVP("LOADED=1")), 0);
}
END_TEST

/* Set-id effect on virtual ids, at the moment the exec has succeeded. */
START_TEST(test_set_id)
{
	state.virtual_ids = true;
	state.ids = (struct um_ids){ 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 0, 0, 0, 0, 0, 0, 0, NULL };
	virtual_mode = S_ISUID | S_ISGID;
	ck_assert_int_eq(run_with("/umtest/self", ARGV("probe", "probe"),
				  ENVP("LOADED=1", "SECURE=1", "EUID=4321")), 0);
	ck_assert_uint_eq(state_changes, 1);
	ck_assert_uint_eq(last_ids.euid, 4321);
	ck_assert_uint_eq(last_ids.suid, 4321);
	ck_assert_uint_eq(last_ids.egid, 8765);
	ck_assert_uint_eq(last_ids.ruid, 1000);
	state.no_new_privs = true;
	ck_assert_int_eq(run_with("/umtest/self", ARGV("probe", "probe"), ENVP("A=1")), 0);
	ck_assert_uint_eq(state_changes, 1);
}
END_TEST

/* Descriptors are at their limit: exec works as it does without us. */
START_TEST(test_no_descriptors)
{
	everything_elsewhere = true;
	ck_assert_int_eq(run_with("/umtest/self", ARGV("probe", "limit"), ENVP("LOADED=1")), 0);
}
END_TEST

/* Programs of other kinds, where the host has them. */
START_TEST(test_host_programs)
{
	static char *const programs[][4] = {
		{ (char *)"/bin/true", NULL },
		{ (char *)"/bin/bash", (char *)"-c", (char *)"exit 0", NULL },
		{ (char *)"/usr/bin/python3", (char *)"-c", (char *)"import os; os.fork()", NULL },
		{ (char *)"/usr/bin/perl", (char *)"-e", (char *)"exit 0", NULL },
		{ (char *)"/usr/bin/gdb", (char *)"--version", NULL },
		{ (char *)"/bin/busybox", (char *)"true", NULL },
		{ (char *)"/sbin/ldconfig", (char *)"-V", NULL }, /* static */
	};

	everything_elsewhere = true;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (access(programs[i][0], X_OK) == 0)
			ck_assert_msg(run_with(programs[i][0], (char **)programs[i], ENVP("PATH=/bin:/usr/bin")) == 0,
				      "%s", programs[i][0]);
}
END_TEST

int main(int argc, char **argv, char **envp)
{
	SRunner *sr;
	TCase *tc;
	Suite *s;
	int failed;

	if (argc > 1 && (!strcmp(argv[0], "probe") || !strncmp(argv[0], "/umtest", 7)))
		return run_probe(argc, argv, envp);
	s = suite_create("exec");
	tc = tcase_create("exec");
	sr = srunner_create(s);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_continue);
	tcase_add_test(tc, test_descriptor);
	tcase_add_test(tc, test_traced);
	tcase_add_test(tc, test_loader);
	tcase_add_test(tc, test_loader_often);
	tcase_add_test(tc, test_exe_path);
	tcase_add_test(tc, test_many_words);
	tcase_add_test(tc, test_script);
	tcase_add_test(tc, test_script_by_descriptor);
	tcase_add_test(tc, test_errors);
	tcase_add_test(tc, test_i386);
	tcase_add_test(tc, test_fails_late);
	tcase_add_test(tc, test_set_id);
	tcase_add_test(tc, test_no_descriptors);
	tcase_add_test(tc, test_host_programs);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
