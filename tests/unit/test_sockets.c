// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the monitor remembers of sockets, and the kernel's word on who is connected to whom.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/calls/socket.h"

START_TEST(test_names)
{
	struct um_sockets *s = sockets_new();
	char bound[108], shown[108], huge[200];

	ck_assert_ptr_null(sockets_name(NULL, "/x"));
	ck_assert_ptr_null(sockets_name(s, "/x"));
	sockets_add_name(s, "/upper/x", "x");
	ck_assert_str_eq(sockets_name(s, "/upper/x"), "x");
	sockets_add_name(s, "/upper/x", "/x");
	ck_assert_str_eq(sockets_name(s, "/upper/x"), "/x");
	memset(huge, 'a', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	sockets_add_name(s, huge, "x");
	sockets_add_name(s, "/y", huge);
	ck_assert_ptr_null(sockets_name(s, huge));
	ck_assert_ptr_null(sockets_name(s, "/y"));
	for (int i = 0; i < 10000; i++) {
		snprintf(bound, sizeof(bound), "/upper/%d", i);
		snprintf(shown, sizeof(shown), "%d", i);
		sockets_add_name(s, bound, shown);
		ck_assert_str_eq(sockets_name(s, bound), shown);
	}
	ck_assert_ptr_null(sockets_name(s, "/upper/x"));
	ck_assert_ptr_nonnull(sockets_name(s, "/upper/9900"));
	sockets_free(s);
	sockets_free(NULL);
}
END_TEST

START_TEST(test_clients)
{
	struct um_sockets *s = sockets_new();
	struct ucred cred = { 1, 2, 3 };

	ck_assert_ptr_null(sockets_client(NULL, 1));
	ck_assert_ptr_null(sockets_client(s, 0));
	for (int i = 1; i < 5000; i++) {
		cred.pid = i;
		sockets_add_client(s, i, &cred);
		ck_assert_int_eq(sockets_client(s, i)->pid, i);
		ck_assert_int_eq(sockets_client(s, 0)->pid, i);
	}
	ck_assert_ptr_null(sockets_client(s, 1));
	ck_assert_int_eq(sockets_client(s, 4500)->pid, 4500);
	cred.pid = 7; /* an inode number that is used again: the newest counts */
	sockets_add_client(s, 4500, &cred);
	ck_assert_int_eq(sockets_client(s, 4500)->pid, 7);
	sockets_free(s);
}
END_TEST

START_TEST(test_peer)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	if (peer_inode(socket_inode(pair[0])) == 0) {
		printf("test_sockets: peers not compared: no UNIX_DIAG here\n");
		return;
	}
	ck_assert_uint_eq(peer_inode(socket_inode(pair[0])), socket_inode(pair[1]));
	ck_assert_uint_eq(peer_inode(socket_inode(pair[1])), socket_inode(pair[0]));
	close(pair[1]);
	ck_assert_uint_eq(peer_inode(socket_inode(pair[0])), 0);
	ck_assert_uint_eq(peer_inode(1), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sockets");
	TCase *tc = tcase_create("sockets");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_names);
	tcase_add_test(tc, test_clients);
	tcase_add_test(tc, test_peer);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
