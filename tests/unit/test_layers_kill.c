/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A child makes changes in a loop and is killed at a random moment; what it leaves must be a tree that is right.
 */
#include <signal.h>
#include <time.h>

#include "test_layers.h"

#define FILES 12
#define BIG 300000
#define PLACES 4

static void prepare(void)
{
	char *text = malloc(BIG + 1);
	int i;

	ck_assert(text && mkdir(at("lower/tree"), 0755) == 0 && mkdir(at("lower/tree/sub"), 0755) == 0);
	for (i = 0; i < FILES; i++)
		put_file(at("lower/tree/%s%d", i & 1 ? "sub/" : "", i), fmt("number %d", i));
	memset(text, 'x', BIG);
	text[BIG] = '\0';
	for (i = 0; i < 20; i++)
		put_file(at("lower/big%d", i), text);
	free(text);
}

/* What the child does until it dies: a tree wanders, big files are copied up, files come and go. */
static void loop(unsigned seed)
{
	struct layers *l = open_stack(true);
	char from[32], to[32], name[32];
	int i, at_place = -1, big = 0, fd;

	srand(seed);
	for (i = 0;; i++) {
		int place = rand() % PLACES;

		switch (rand() % 5) {
		case 0:
			if (place == at_place)
				break;
			sprintf(from, at_place < 0 ? "tree" : "place%d", at_place);
			sprintf(to, "place%d", place);
			if (layers_rename(l, from, to, 0) < 0)
				_exit(1);
			at_place = place;
			break;
		case 1:
			if (big == 20)
				break;
			sprintf(name, "big%d", big++);
			fd = layers_open_file(l, name, O_WRONLY, 0, &root_owner);
			close(fd);
			break;
		case 2:
			/* Over a whiteout, too: "big" ones are in the lower directory. */
			sprintf(name, "%s%d", rand() % 2 ? "new" : "big", rand() % 5);
			if (layers_unlink(l, name) == 0 || name[0] == 'n') {
				fd = layers_open_file(l, name, O_CREAT | O_EXCL | O_WRONLY, 0640, &root_owner);
				close(fd);
			}
			break;
		case 3:
			layers_unlink(l, "link");
			layers_symlink(l, "x", "link", &root_owner);
			break;
		default:
			sprintf(name, "dir%d", rand() % 3);
			if (layers_mkdir(l, name, 0750, &root_owner) == -EEXIST)
				layers_rmdir(l, name);
			break;
		}
	}
}

/* The wandering tree is at exactly one place, and whole. */
static void check_tree(struct layers *l)
{
	char name[64];
	int places = 0, i, k;

	for (i = -1; i < PLACES; i++) {
		char place[32];

		sprintf(place, i < 0 ? "tree" : "place%d", i);
		if (!exists(l, place))
			continue;
		places++;
		for (k = 0; k < FILES; k++) {
			char *text;

			sprintf(name, "%s/%s%d", place, k & 1 ? "sub/" : "", k);
			text = get_file(l, name);
			ck_assert_msg(text && !strcmp(text, fmt("number %d", k)), "%s: %s", name,
				      text ? text : "missing");
		}
	}
	ck_assert_int_eq(places, 1);
}

static int check_name(void *arg, const char *name, uint64_t ino, unsigned char type)
{
	struct layers *l = arg;
	struct statx st;

	(void)ino;
	ok(stat_in(l, name, &st));
	if (!strncmp(name, "new", 3))
		ck_assert_msg(st.stx_mode == (S_IFREG | 0640) && st.stx_uid == 0 && st.stx_size == 0, "%s: %o %d",
			      name, st.stx_mode, st.stx_uid);
	else if (!strncmp(name, "big", 3))
		ck_assert_msg((st.stx_size == BIG && st.stx_uid == getuid() && st.stx_mode == (S_IFREG | 0644)) ||
				  (st.stx_size == 0 && st.stx_uid == 0 && st.stx_mode == (S_IFREG | 0640)),
			      "%s: %llu bytes, %o", name, (unsigned long long)st.stx_size, st.stx_mode);
	else if (!strcmp(name, "link"))
		ck_assert(type == DT_LNK && st.stx_uid == 0);
	else if (!strncmp(name, "dir", 3))
		ck_assert(st.stx_mode == (S_IFDIR | 0750) && st.stx_uid == 0);
	return 0;
}

static void pause_ms(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

START_TEST(killed)
{
	struct layers *watcher;
	int round, status;

	prepare();
	srand(_i + 1);
	for (round = 0; round < 12; round++) {
		pid_t pid;

		remove_all(at("upper"));
		ck_assert(mkdir(at("upper"), 0755) == 0);
		watcher = open_stack(true);
		pid = fork();
		ck_assert(pid >= 0);
		if (pid == 0) {
			loop(_i * 100 + round);
			_exit(0);
		}
		pause_ms(2 + rand() % 60);
		/* While it works another view looks on. */
		exists(watcher, "place1/sub/1");
		ck_assert(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
		ck_assert_msg(WIFSIGNALED(status), "the child ended by itself");
		check_tree(watcher);
		gives(layers_readdir(watcher, "", check_name, watcher), 0);
		layers_close(watcher);
		watcher = open_stack(true);
		gives(work_entries(), 0);
		check_tree(watcher);
		gives(layers_readdir(watcher, "", check_name, watcher), 0);
		layers_close(watcher);
	}
}
END_TEST

/* Two processes at the same time in one upper directory: nothing is lost. */
START_TEST(two_at_once)
{
	struct layers *l;
	char name[32], list[64];
	int k, i, status;
	pid_t pid[2];

	ck_assert(mkdir(at("lower/d"), 0755) == 0);
	for (k = 0; k < 2; k++) {
		pid[k] = fork();
		if (pid[k] == 0) {
			l = open_stack(true);
			for (i = 0; i < 300; i++) {
				int fd;

				sprintf(name, "d/%c%d", 'a' + k, i);
				fd = layers_open_file(l, name, O_CREAT | O_EXCL | O_WRONLY, 0644, &root_owner);
				if (fd < 0)
					_exit(2);
				close(fd);
				/* One of the two makes it, and both see it. */
				sprintf(name, "d/common%d", i);
				fd = layers_mkdir(l, name, 0755, &root_owner);
				if ((fd < 0 && fd != -EEXIST) || !exists(l, name))
					_exit(3);
			}
			_exit(0);
		}
	}
	for (k = 0; k < 2; k++) {
		ck_assert(waitpid(pid[k], &status, 0) == pid[k]);
		ck_assert_msg(status == 0, "status %x", status);
	}
	l = open_stack(true);
	gives(list_in(l, "d", list, sizeof list), 900);
	layers_close(l);
}
END_TEST

TCase *layers_kill_case(void)
{
	TCase *t = tcase_create("kill");

	tcase_add_checked_fixture(t, test_setup, test_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, killed, 0, 2);
	tcase_add_test(t, two_at_once);
	return t;
}
