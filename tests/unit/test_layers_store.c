/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stores: directories in which another stack keeps its changes.
 */
#include "test_layers.h"

/* A stack that has its changes in a directory of another one. */
static struct layers *open_inside(const char *store)
{
	char upper[PATH_MAX], lower[PATH_MAX];
	struct layers_config c = {.upper = upper, .lower = {lower}, .nlower = 1, .vstat = true};

	strcpy(upper, at("upper/%s", store));
	strcpy(lower, at("lower"));
	return open_config(&c);
}

static void write_inside(const char *store)
{
	struct layers *l = open_inside(store);
	int fd;

	ck_assert(!exists(l, "removed") || layers_unlink(l, "removed") == 0);
	fd = layers_open_file(l, "file", O_CREAT | O_WRONLY, 04711, &root_owner);
	ok(fd);
	close(fd);
	ok(layers_symlink(l, "file", "link", &root_owner));
	layers_close(l);
}

/* What is in a store is shown as it is, in each stack that has it, and stays apart. */
START_TEST(stores)
{
	struct layers *l = open_stack(true), *in;
	struct layers_owner owner = {.uid = 12, .gid = 34};
	char names[256];
	struct statx st;
	int k;

	put_file(at("lower/removed"), "x");
	ck_assert(mkdir(at("lower/s"), 0755) == 0);
	ok(layers_mkdir(l, "full", 0755, &owner));
	ok(layers_mkdir(l, "full/x", 0755, &owner));
	gives(layers_own(l, "full"), -ENOTEMPTY);
	ok(layers_chown(l, "s", 12, 34));
	ok(layers_own(l, "s"));
	ok(layers_own(l, "s"));
	write_inside("s");
	for (k = 0; k < 2; k++) {
		ok(stat_in(l, "s", &st));
		ck_assert(st.stx_uid == 12 && st.stx_gid == 34 && (st.stx_mode & 07777) == 0755);
		ok(stat_in(l, "s/file", &st));
		ck_assert(st.stx_uid == 12 && st.stx_gid == 34 && (st.stx_mode & 07000) == 0);
		ok(stat_in(l, "s/link", &st));
		ck_assert(S_ISLNK(st.stx_mode) && st.stx_uid == 12);
		ck_assert(exists(l, "s/.umview/work"));
		ck_assert(exists(l, off(LAYERS_WHITEOUT_NODE) ? "s/.wh.removed" : "s/removed"));
		gives(list_in(l, "s", names, sizeof names), 4);
		gives(layers_rename(l, "s/file", "out", 0), -EXDEV);
		gives(layers_link(l, "s/file", "out"), -EXDEV);
		gives(layers_rename(l, "full", "s/in", 0), -EXDEV);
		gives(layers_chmod(l, "s/file", 04755), -EPERM);
		gives(layers_chown(l, "s/file", 1, 1), -EPERM);
		ok(layers_chown(l, "s/file", 12, 34));
		ok(layers_rename(l, "s/file", "s/other", 0));
		ok(layers_rename(l, "s/other", "s/file", 0));
		layers_close(l);
		l = open_stack(true);
	}
	in = open_inside("s");
	ok(stat_in(in, "file", &st));
	ck_assert(st.stx_uid == 0 && (st.stx_mode & 07777) == 04711);
	ok(stat_in(in, "link", &st));
	ck_assert(st.stx_uid == 0 && !exists(in, "removed"));
	/* a store in a store is nothing to the outer stack, and one to the inner */
	ok(layers_mkdir(in, "deep", 0700, &root_owner));
	ok(layers_own(in, "deep"));
	write_inside("s/deep");
	ok(stat_in(in, "deep/file", &st));
	ck_assert(st.stx_uid == 0 && (st.stx_mode & 07000) == 0);
	ok(stat_in(l, "s/deep/file", &st));
	ck_assert(st.stx_uid == 12);
	layers_close(in);
	ok(layers_rename(l, "s", "moved", 0));
	ok(layers_chown(l, "moved", 56, 78));
	ok(stat_in(l, "moved/file", &st));
	ck_assert(st.stx_uid == 56 && !exists(l, "s"));
	gives(layers_rmdir(l, "moved"), -ENOTEMPTY);
	remove_all(at("upper/moved/deep"));
	remove_all(at("upper/moved/.umview"));
	ok(layers_unlink(l, "moved/file"));
	ok(layers_unlink(l, "moved/link"));
	ok(layers_unlink(l, off(LAYERS_WHITEOUT_NODE) ? "moved/.wh.removed" : "moved/removed"));
	ok(layers_rmdir(l, "moved"));
	/* an ordinary one again */
	ok(layers_mkdir(l, "moved", 0755, &owner));
	gives(layers_mknod(l, "moved/.wh.x", S_IFREG | 0644, 0, &owner), -EINVAL);
	layers_close(l);
}
END_TEST

TCase *layers_store_case(void)
{
	TCase *t = tcase_create("store");

	tcase_add_checked_fixture(t, test_setup, test_teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, stores);
	return t;
}
