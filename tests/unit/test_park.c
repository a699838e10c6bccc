// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Callers that do not stop for long, as where they get no processor: they are waited for (monitor/tracer/park_ops.h).
 *
 * A thread in vfork(2) does not stop before its child is done with its memory, which here is a second and a half later:
 * more than any limit there was.
 */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/procinfo.h"
#include "monitor/tracer/park_ops.h"
#include "monitor/tracer/ptrace.h"
#include "monitor/view.h"

#define LATE_US 1500000
#define TRIES 3000

static int go[2];
static pid_t caller;
static struct um_park park;

static int answered(struct um_call *call, int64_t ret)
{
	(void)call, (void)ret;
	return 0;
}

static const struct um_tracer_ops ops = { .answer = answered };
static struct um_view view = { .tracer_ops = &ops };

/* It is in vfork until the pipe is closed. */
static void start(void)
{
	struct procinfo_stat stat = { .state = 0 };

	ck_assert_int_eq(pipe(go), 0);
	caller = fork();
	ck_assert_int_ge(caller, 0);
	if (caller == 0) {
		char c;

		close(go[1]);
		if (vfork() == 0) {
			syscall(SYS_read, go[0], &c, 1);
			_exit(0);
		}
		pause();
		_exit(1);
	}
	for (int i = 0; i < TRIES && stat.state != 'D'; i++) {
		usleep(1000);
		procinfo_stat(caller, &stat);
	}
	ck_assert_int_eq(stat.state, 'D');
	pthread_mutex_init(&park.lock, NULL);
	pthread_cond_init(&park.changed, NULL);
	park.where = PARKED;
	park.own = (struct um_call){ .view = &view, .tid = caller, .nr = SYS_open, .cookie = 1 };
	park.tracee.tid = caller;
}

static void *later(void *held)
{
	usleep(LATE_US);
	close(go[1]);
	if (held == NULL)
		return NULL;
	pthread_mutex_lock(&park.lock);
	park.held = true;
	pthread_cond_broadcast(&park.changed);
	pthread_mutex_unlock(&park.lock);
	return NULL;
}

static void end(void)
{
	int status;

	kill(caller, SIGKILL);
	while (waitpid(caller, &status, __WALL) == caller && !WIFSIGNALED(status) && !WIFEXITED(status))
		;
}

START_TEST(test_wake)
{
	pthread_t t;

	start();
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, caller, NULL, NULL), 0);
	pthread_create(&t, NULL, later, NULL);
	pthread_mutex_lock(&park.lock);
	ck_assert_int_eq(park_unotify.wake(&park), 0);
	pthread_mutex_unlock(&park.lock);
	ck_assert(tracee_is_stopped(&park.tracee));
	pthread_join(t, NULL);
	end();
}
END_TEST

/* It is in another call than the one that it was trapped in, so it is let go. */
START_TEST(test_lay)
{
	pthread_t t;

	start();
	pthread_create(&t, NULL, later, NULL);
	pthread_mutex_lock(&park.lock);
	ck_assert_int_eq(park_unotify.lay(&park), UM_REPLIED);
	pthread_mutex_unlock(&park.lock);
	ck_assert(!tracees_pending());
	ck_assert_int_eq(tracee_tracer(caller), 0);
	pthread_join(t, NULL);
	end();
}
END_TEST

START_TEST(test_ptrace_wake)
{
	struct ptracer p = { .mutex = PTHREAD_MUTEX_INITIALIZER, .thread = pthread_self() };
	pthread_t t;

	start();
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, caller, NULL, NULL), 0);
	p.now = (struct trapped){ .tid = caller, .cookie = park.own.cookie, .asleep = true };
	park.own.listener = &p;
	pthread_create(&t, NULL, later, &p);
	pthread_mutex_lock(&park.lock);
	ck_assert_int_eq(park_ptrace.wake(&park), 0);
	pthread_mutex_unlock(&park.lock);
	pthread_join(t, NULL);
	end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("park");
	TCase *tc = tcase_create("park");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_wake);
	tcase_add_test(tc, test_lay);
	tcase_add_test(tc, test_ptrace_wake);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
