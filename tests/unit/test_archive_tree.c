// SPDX-License-Identifier: GPL-2.0-or-later
/* The tree that umfusearchive makes of an archive's names, also of ones that are meant to lead out of it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modules/submodules/archive_tree.h"

static struct node *file(const char *path)
{
	return tree_add(path, (struct stat){ .st_mode = S_IFREG | 0644 });
}

static struct node *directory(const char *path, mode_t mode)
{
	return tree_add(path, (struct stat){ .st_mode = S_IFDIR | mode });
}

START_TEST(names)
{
	struct node *c;

	tree_init();
	c = file("./a//b/./c");
	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_eq(tree_find("/a/b/c"), c);
	ck_assert_ptr_eq(tree_find("a/b/c/"), c);
	ck_assert_ptr_null(tree_find("/a/b/c/d"));
	ck_assert_ptr_null(tree_find("/a/b/cc"));
	ck_assert_ptr_null(tree_find("/a/b/x"));
	ck_assert(S_ISDIR(tree_find("/a/b")->st.st_mode));
	/* a directory that was made for what is in it gets its attributes later, and keeps its number */
	ck_assert_ptr_eq(directory("a/b", 0700), tree_find("/a/b"));
	ck_assert_uint_eq(tree_find("/a/b")->st.st_mode, S_IFDIR | 0700);
	ck_assert_uint_eq(tree_find("/a")->st.st_nlink, 3);
	ck_assert_ptr_eq(directory("./", 0711), tree_find("/"));
	ck_assert_uint_eq(tree_find("/")->st.st_mode, S_IFDIR | 0711);
	ck_assert_ptr_eq(tree_find("/")->first->node, tree_find("/a"));
}
END_TEST

START_TEST(impossible)
{
	char deep[4200] = "", name[300];

	tree_init();
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	ck_assert_ptr_nonnull(file("f"));
	ck_assert_ptr_null(file("../up"));
	ck_assert_ptr_null(file("x/../../up"));
	ck_assert_ptr_null(file("x/.."));
	ck_assert_ptr_null(file("f/below"));
	ck_assert_ptr_null(file(name));
	ck_assert_ptr_null(file(""));
	ck_assert_ptr_null(file("/"));
	ck_assert_ptr_null(directory("..", 0755));
	ck_assert_ptr_nonnull(directory("d", 0755));
	ck_assert_ptr_null(file("d"));
	for (int i = 0; i < 2000; i++)
		strcat(deep, "d/");
	ck_assert_ptr_null(file(deep));
	name[255] = '\0';
	ck_assert_ptr_nonnull(file(name));
}
END_TEST

START_TEST(links_and_doubles)
{
	struct node *a, *b;

	tree_init();
	a = file("a");
	ck_assert(tree_link("d/l", "./a"));
	ck_assert_ptr_eq(tree_find("/d/l"), a);
	ck_assert_uint_eq(a->st.st_nlink, 2);
	ck_assert(!tree_link("l2", "none"));
	ck_assert(!tree_link("l2", "d"));
	ck_assert(!tree_link("../l2", "a"));
	ck_assert(!tree_link("d", "a"));
	/* the later one counts, and the other name stays */
	b = file("a");
	ck_assert_ptr_ne(a, b);
	ck_assert_ptr_eq(tree_find("/a"), b);
	ck_assert_ptr_eq(tree_find("/d/l"), a);
	ck_assert_uint_eq(a->st.st_nlink, 1);
	ck_assert(tree_link("d/l", "a"));
	ck_assert(tree_link("d/l", "a"));
	ck_assert_uint_eq(b->st.st_nlink, 2);
	/* listed once */
	ck_assert_ptr_eq(tree_find("/d")->first, tree_find("/d")->last);
}
END_TEST

START_TEST(many)
{
	char name[40];

	tree_init();
	for (int i = 0; i < 50000; i++) {
		snprintf(name, sizeof(name), "d%d/f%d", i % 7, i);
		file(name)->st.st_size = i;
	}
	for (int i = 0; i < 50000; i++) {
		snprintf(name, sizeof(name), "/d%d/f%d", i % 7, i);
		ck_assert_int_eq(tree_find(name)->st.st_size, i);
	}
	ck_assert_uint_eq(tree_nodes(), 50000 + 7 + 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("archive_tree");
	TCase *tc = tcase_create("tree");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, names);
	tcase_add_test(tc, impossible);
	tcase_add_test(tc, links_and_doubles);
	tcase_add_test(tc, many);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
