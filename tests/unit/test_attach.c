/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What attach_check.c reads of processes, and its words where Yama forbids to trace. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/attach_check.h"

/* What attach_yama() says if the sysctl has this text (NULL: there is no such sysctl). */
static int yama(const char *text, bool capable, char *why, size_t size)
{
	char path[] = "/tmp/test_attach.XXXXXX";
	int fd = mkstemp(path), ret;

	ck_assert_int_ge(fd, 0);
	if (text != NULL)
		ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	else
		unlink(path);
	close(fd);
	why[0] = '\0';
	ret = attach_yama(path, capable, why, size);
	unlink(path);
	return ret;
}

START_TEST(yama_words)
{
	char why[256];

	ck_assert_int_eq(yama(NULL, false, why, sizeof(why)), 0);
	ck_assert_int_eq(yama("0\n", false, why, sizeof(why)), 0);
	ck_assert_str_eq(why, "");
	ck_assert_int_eq(yama("1\n", false, why, sizeof(why)), -EPERM);
	ck_assert_ptr_nonnull(strstr(why, "kernel.yama.ptrace_scope is 1"));
	ck_assert_ptr_nonnull(strstr(why, "not started"));
	ck_assert_int_eq(yama("1\n", true, why, sizeof(why)), 0);
	ck_assert_int_eq(yama("2\n", false, why, sizeof(why)), -EPERM);
	ck_assert_ptr_nonnull(strstr(why, "only root"));
	ck_assert_int_eq(yama("2\n", true, why, sizeof(why)), 0);
	ck_assert_int_eq(yama("3\n", true, why, sizeof(why)), -EPERM);
	ck_assert_ptr_nonnull(strstr(why, "nobody"));
}
END_TEST

START_TEST(look)
{
	struct attach_look l;
	pid_t pid;

	umask(027);
	ck_assert_int_eq(attach_look(getpid(), &l), 0);
	ck_assert_int_eq(l.tgid, getpid());
	ck_assert_int_eq(l.umask, 027);
	ck_assert_int_eq(l.kthread, 0);
	ck_assert_int_eq(l.threads, 1);
	ck_assert_int_eq(l.state, 'R');
	ck_assert_int_eq(l.uid[1], geteuid());
	ck_assert_int_eq(l.gid[3], getegid());
	pid = fork();
	if (pid == 0)
		_exit(0);
	waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT);
	ck_assert_int_eq(attach_look(pid, &l), 0);
	ck_assert_int_eq(l.state, 'Z');
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(attach_look(pid, &l), -ESRCH);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attach");
	TCase *cases = tcase_create("attach");
	SRunner *runner;
	int failed;

	tcase_add_test(cases, yama_words);
	tcase_add_test(cases, look);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
