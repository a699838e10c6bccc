// SPDX-License-Identifier: GPL-2.0-or-later
/* What is read of /proc/ID/stat and status, also of processes whose names are made to look like their contents. */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/procinfo.h"

/* A child with this name that waits for a signal; it is there when this returns. */
static pid_t sleeper(const char *name)
{
	int ready[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		close(ready[0]);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 0);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(hostile_names)
{
	static const struct {
		const char *name, *shown; /* status escapes line breaks and backslashes */
	} names[] = {
		{ ") Z 1 1 1 1 1", ") Z 1 1 1 1 1\n" },
		{ "a)\nTgid:\t1\nb", "a)\\nTgid:\t1\\nb\n" },
		{ "\nState:\tZ\n", "\\nState:\tZ\\n\n" },
		{ "\nPPid:\t1\n(", "\\nPPid:\t1\\n(\n" },
		{ "\n\n\n) X (\\", "\\n\\n\\n) X (\\\\\n" },
		{ " ", " \n" },
		{ "", "\n" },
	};
	struct procinfo_status status;
	struct procinfo_stat stat;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		pid_t pid = sleeper(names[i].name);

		ck_assert_int_eq(procinfo_stat(pid, &stat), 0);
		ck_assert(stat.state == 'S' || stat.state == 'R');
		ck_assert_int_eq(stat.ppid, getpid());
		ck_assert_int_eq(stat.pgrp, getpgrp());
		ck_assert_int_eq(stat.session, getsid(0));
		ck_assert_int_eq(stat.num_threads, 1);
		ck_assert_uint_ge(stat.starttime, procinfo_starttime(getpid()));
		ck_assert(!procinfo_is_dead(pid));
		ck_assert_int_eq(procinfo_tgid(pid), pid);
		ck_assert_int_eq(procinfo_parent(pid), getpid());
		ck_assert_int_eq(procinfo_status(pid, &status), 0);
		ck_assert_int_eq(procinfo_number(&status, "PPid"), getpid());
		ck_assert_mem_eq(procinfo_field(&status, "Name"), names[i].shown, strlen(names[i].shown));
		end(pid);
	}
}
END_TEST

START_TEST(fields)
{
	struct procinfo_status status;

	ck_assert_uint_ne(procinfo_starttime(getpid()), 0);
	ck_assert_int_eq(procinfo_status(getpid(), &status), 0);
	ck_assert_int_eq(procinfo_number(&status, "Uid"), getuid());
	ck_assert_int_eq(procinfo_number(&status, "Threads"), 1);
	ck_assert_ptr_nonnull(procinfo_field(&status, "Mems_allowed_list")); /* the line before it is overlong */
	ck_assert_ptr_null(procinfo_field(&status, "Ui"));
	ck_assert_ptr_null(procinfo_field(&status, "id"));
	ck_assert_ptr_null(procinfo_field(&status, ""));
	ck_assert_int_eq(procinfo_number(&status, "Nonesuch"), -1);
	ck_assert_uint_eq(procinfo_mask(&status, "Nonesuch"), 0);
}
END_TEST

START_TEST(masks)
{
	const uint64_t usr1 = UINT64_C(1) << (SIGUSR1 - 1), last = UINT64_C(1) << 63;
	struct procinfo_status status;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMAX);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGWINCH, SIG_IGN);
	kill(getpid(), SIGUSR1);
	ck_assert_int_eq(procinfo_status(getpid(), &status), 0);
	ck_assert_uint_eq(procinfo_mask(&status, "ShdPnd"), usr1);
	ck_assert_uint_eq(procinfo_mask(&status, "SigPnd"), 0);
	ck_assert_uint_eq(procinfo_mask(&status, "SigBlk") & (usr1 | last), usr1 | last);
	ck_assert_uint_ne(procinfo_mask(&status, "SigIgn") & UINT64_C(1) << (SIGWINCH - 1), 0);
}
END_TEST

START_TEST(the_dead)
{
	struct procinfo_status status;
	struct procinfo_stat stat;
	pid_t pid = sleeper("z");

	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT);
	ck_assert_int_eq(procinfo_stat(pid, &stat), 0);
	ck_assert_int_eq(stat.state, 'Z');
	ck_assert(procinfo_is_dead(pid));
	ck_assert_int_eq(procinfo_tgid(pid), pid);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(procinfo_stat(pid, &stat), -ESRCH);
	ck_assert(procinfo_is_dead(pid));
	ck_assert_int_eq(procinfo_status(pid, &status), -ESRCH);
	ck_assert_ptr_null(procinfo_field(&status, "Name"));
	ck_assert_int_eq(procinfo_tgid(pid), 0);
	ck_assert_int_eq(procinfo_parent(pid), 0);
	ck_assert_uint_eq(procinfo_starttime(pid), 0);
}
END_TEST

static void *tell_and_sleep(void *fd)
{
	pid_t tid = gettid();

	if (write((int)(intptr_t)fd, &tid, sizeof(tid)) != sizeof(tid))
		_exit(1);
	for (;;)
		pause();
}

/* A leader that has ended before its other thread is a zombie that nobody can wait for. */
START_TEST(dead_leader)
{
	struct procinfo_stat stat;
	int fd[2];
	pid_t pid, tid = 0;

	ck_assert_int_eq(pipe(fd), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_create(&thread, NULL, tell_and_sleep, (void *)(intptr_t)fd[1]);
		syscall(SYS_exit, 0);
	}
	ck_assert_int_eq(read(fd[0], &tid, sizeof(tid)), sizeof(tid));
	while (!procinfo_is_dead(pid))
		usleep(1000);
	ck_assert_int_eq(procinfo_stat(pid, &stat), 0);
	ck_assert_int_eq(stat.num_threads, 2);
	ck_assert(!procinfo_is_dead(tid));
	ck_assert_int_eq(procinfo_tgid(tid), pid);
	end(pid);
	close(fd[0]);
	close(fd[1]);
}
END_TEST

/* No descriptor is left: that is not the process's end. */
START_TEST(no_descriptors)
{
	struct procinfo_status status;
	struct procinfo_stat stat;
	int first = dup(0);

	while (dup(0) >= 0)
		;
	ck_assert_int_eq(procinfo_stat(getppid(), &stat), -EMFILE);
	ck_assert_int_eq(procinfo_status(getppid(), &status), -EMFILE);
	ck_assert(!procinfo_is_dead(getppid()));
	close_range((unsigned)first, UINT_MAX, 0); /* for the sanitizers, which look at /proc at the end */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("procinfo");
	TCase *cases = tcase_create("procinfo");
	SRunner *runner;
	int failed;

	tcase_add_test(cases, hostile_names);
	tcase_add_test(cases, fields);
	tcase_add_test(cases, masks);
	tcase_add_test(cases, the_dead);
	tcase_add_test(cases, dead_leader);
	tcase_add_test(cases, no_descriptors);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
