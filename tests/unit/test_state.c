// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Process state: interning, numbers carried by the kernel through fork and exec, sweep, and the killing of all.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "monitor/state.h"

static struct um_state first_state(void)
{
	struct um_state s = { .dumpable = 1, .umask = 022, .carried = { RLIM64_INFINITY, RLIM64_INFINITY } };

	return s;
}

static struct um_states *new_states(void)
{
	struct um_state first = first_state();
	struct um_states *s = states_new(&first);

	ck_assert_msg(s != NULL, "states_new: %s", strerror(errno));
	ck_assert_uint_eq(states_count(s), 1);
	ck_assert_uint_ne(states_tag(s), 0);
	return s;
}

START_TEST(test_intern)
{
	struct um_states *s = new_states();
	struct um_state a = first_state(), b;
	gid_t groups[2] = { 4, 24 }, same[2] = { 4, 24 }, other[2] = { 4, 25 };
	char root[] = "/srv/cage";
	const struct um_state *one = state_number(s, 1), *x, *y;

	ck_assert_ptr_nonnull(one);
	ck_assert_str_eq(one->root, "");
	ck_assert_ptr_eq(state_intern(s, &a), one);
	a.root = "";
	a.number = 77;
	ck_assert_ptr_eq(state_intern(s, &a), one);

	ids_root(&a.ids);
	a.virtual_ids = true;
	a.ids.groups = groups;
	a.ids.ngroups = 2;
	a.root = root;
	x = state_intern(s, &a);
	ck_assert_uint_eq(x->number, 2);
	ck_assert_ptr_ne(x->root, root);
	ck_assert_ptr_ne(x->ids.groups, groups);
	b = *x;
	b.ids.groups = same;
	b.root = root;
	ck_assert_ptr_eq(state_intern(s, &b), x);
	b.ids.groups = other;
	y = state_intern(s, &b);
	ck_assert_ptr_ne(y, x);
	ck_assert_uint_eq(y->ids.groups[1], 25);
	ck_assert_uint_eq(states_count(s), 3);
	ck_assert_ptr_null(state_number(s, 0));
	ck_assert_ptr_null(state_number(s, 4));
	ck_assert_ptr_null(state_number(s, 0xffffffff));
	states_free(s);
}
END_TEST

/* Each field counts. */
START_TEST(test_fields)
{
	struct um_states *s = new_states();
	struct um_state b = first_state();
	size_t n = 1;

#define DIFFERS(change)                                                                                              \
	do {                                                                                                         \
		b = first_state();                                                                                   \
		change;                                                                                              \
		ck_assert_uint_eq(state_intern(s, &b)->number, ++n);                                                 \
	} while (0)
	DIFFERS(b.virtual_ids = true);
	DIFFERS(b.no_new_privs = true);
	DIFFERS(b.sandboxed = true);
	DIFFERS(b.dumpable = 0);
	DIFFERS(b.umask = 077);
	DIFFERS(b.node = 1);
	DIFFERS(b.root = "/x");
	DIFFERS(b.carried.rlim_cur = 1);
	DIFFERS(b.carried.rlim_max = 1);
	DIFFERS(b.ids.ruid = 1);
	DIFFERS(b.ids.euid = 1);
	DIFFERS(b.ids.suid = 1);
	DIFFERS(b.ids.fsuid = 1);
	DIFFERS(b.ids.rgid = 1);
	DIFFERS(b.ids.egid = 1);
	DIFFERS(b.ids.sgid = 1);
	DIFFERS(b.ids.fsgid = 1);
	DIFFERS(b.ids.cap_permitted = 1);
	DIFFERS(b.ids.cap_effective = 1);
	DIFFERS(b.ids.cap_inheritable = 1);
	DIFFERS(b.ids.cap_bounding = 1);
	DIFFERS(b.ids.cap_ambient = 1);
	DIFFERS(b.ids.securebits = 1);
	ck_assert_uint_eq(states_count(s), n);
	states_free(s);
}
END_TEST

START_TEST(test_many)
{
	struct um_states *s = new_states();
	struct um_state a = first_state();
	const struct um_state *none = NULL;

	for (unsigned i = 1; i <= 20000; i++) {
		a.ids.ruid = i;
		ck_assert_uint_eq(state_intern(s, &a)->number, i + 1);
	}
	for (unsigned i = 1; i <= 20000; i++) {
		a.ids.ruid = i;
		ck_assert_uint_eq(state_intern(s, &a)->number, i + 1);
		ck_assert_uint_eq(state_number(s, i + 1)->ids.ruid, i);
	}
	ck_assert_uint_eq(states_sweep(s, &none), 20001);
	ck_assert_uint_eq(states_count(s), 0);
	ck_assert_uint_eq(state_intern(s, &a)->number, 20002); /* freed numbers come last */
	states_free(s);
}
END_TEST

/* A child that stops until it is killed or told to go on. */
static pid_t child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(test_carried)
{
	struct um_states *s = new_states();
	struct um_state a = first_state();
	const struct um_state *x;
	pid_t pid = child();

	a.umask = 077;
	x = state_intern(s, &a);
	ck_assert_ptr_null(state_of(s, pid));
	ck_assert(!state_tagged(states_tag(s), states_carrier(s), pid));
	ck_assert_int_eq(state_set(s, pid, x), 0);
	ck_assert_ptr_eq(state_of(s, pid), x);
	ck_assert(state_tagged(states_tag(s), states_carrier(s), pid));
	ck_assert(!state_tagged(states_tag(s) + 1, states_carrier(s), pid));
	ck_assert_ptr_null(state_of(s, getpid()));
	end(pid);
	ck_assert_ptr_null(state_of(s, pid));
	ck_assert_int_eq(state_set(s, pid, x), -ESRCH);
	states_free(s);
}
END_TEST

/* fork, exec, double fork: the number goes along. */
START_TEST(test_inherited)
{
	struct um_states *s = new_states();
	const struct um_state *one = state_number(s, 1);
	int up[2], down[2];
	char line[64] = "";
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(up), 0);
	ck_assert_int_eq(pipe(down), 0);
	pid = fork();
	if (pid == 0) {
		dup2(down[0], 0);
		dup2(up[1], 1);
		execl("/bin/sh", "sh", "-c", "read go; (sh -c 'echo $$; exec sleep 60' &)", NULL);
		_exit(1);
	}
	ck_assert_int_eq(state_set(s, pid, one), 0);
	ck_assert_int_eq(write(down[1], "go\n", 3), 3);
	n = read(up[0], line, sizeof(line) - 1);
	ck_assert_int_gt(n, 0);
	waitpid(pid, NULL, 0);
	ck_assert_int_ne(atoi(line), pid);
	ck_assert_ptr_eq(state_of(s, atoi(line)), one);
	ck_assert_int_eq(state_kill_all(states_tag(s), states_carrier(s), 1000), 0);
	ck_assert_ptr_null(state_of(s, pid));
	states_free(s);
}
END_TEST

START_TEST(test_sweep)
{
	struct um_states *s = new_states();
	const struct um_state *x[4];
	const struct um_state *keep[2] = { NULL, NULL };
	pid_t pid = child();

	for (unsigned i = 0; i < 4; i++) {
		struct um_state a = first_state();

		a.node = i + 1;
		x[i] = state_intern(s, &a);
	}
	state_set(s, pid, x[1]);
	keep[0] = x[2];
	ck_assert_uint_eq(states_sweep(s, keep), 3);
	ck_assert_ptr_null(state_number(s, 1));
	ck_assert_ptr_eq(state_number(s, 3), x[1]);
	ck_assert_ptr_eq(state_number(s, 4), x[2]);
	ck_assert_uint_eq(states_count(s), 2);
	ck_assert_uint_eq(states_sweep(s, NULL), 1);
	end(pid);
	ck_assert_uint_eq(states_sweep(s, NULL), 1);
	ck_assert_uint_eq(states_count(s), 0);
	states_free(s);
}
END_TEST

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Orphans, processes that ignore signals, stopped ones, and one that forks all the time. */
START_TEST(test_kill_all)
{
	struct um_states *s = new_states();
	double end = now() + 60;
	int go[2];
	pid_t pid;
	char c;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ck_assert_int_eq(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		ck_assert_int_eq(read(go[0], &c, 1), 1);
		for (int i = 0; i < 100; i++)
			if (fork() == 0) {
				signal(SIGTERM, SIG_IGN);
				if (i % 3 == 0)
					raise(SIGSTOP);
				if (i % 10 == 0)
					setsid();
				while (i != 50)
					pause();
				while (now() < end) /* always on the move, but not for ever should this test fail */
					if (fork() != 0)
						break;
				_exit(0);
			}
		_exit(0);
	}
	ck_assert_int_eq(state_set(s, pid, state_number(s, 1)), 0);
	ck_assert_int_eq(write(go[1], "x", 1), 1);
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(state_kill_all(states_tag(s), states_carrier(s), 25000), 0); /* how soon: monitor-death.py */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	states_free(s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state");
	TCase *tc = tcase_create("state");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_intern);
	tcase_add_test(tc, test_fields);
	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_carried);
	tcase_add_test(tc, test_inherited);
	tcase_add_test(tc, test_sweep);
	tcase_add_test(tc, test_kill_all);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
