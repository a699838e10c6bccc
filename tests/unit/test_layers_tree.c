/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names, whiteouts, merging, and what a stack is made of: one test for each promise.
 */
#include <sys/sysmacros.h>

#include "test_layers.h"

START_TEST(whiteouts)
{
	struct layers *l;
	char list[200];
	struct stat st;

	put_file(at("lower/a"), "a");
	put_file(at("lower/b"), "b");
	ck_assert(mkdir(at("lower/d"), 0755) == 0);
	put_file(at("lower/d/x"), "x");
	l = open_stack(false);
	gives(layers_unlink(l, "a"), 0);
	gives(layers_unlink(l, "a"), -ENOENT);
	gives(layers_rmdir(l, "d"), -ENOTEMPTY);
	gives(layers_unlink(l, "d"), -EISDIR);
	gives(layers_rmdir(l, "b"), -ENOTDIR);
	gives(layers_unlink(l, "d/x"), 0);
	gives(layers_rmdir(l, "d"), 0);
	gives(list_in(l, "", list, sizeof list), 1);
	ck_assert_str_eq(list, "b");
	ck_assert(has_raw("lower/a") && has_raw("lower/d/x"));
	if (off(LAYERS_WHITEOUT_NODE)) {
		ck_assert(has_raw("upper/.wh.a") && has_raw("upper/.wh.d") && !has_raw("upper/d"));
	} else {
		ck_assert(lstat(at("upper/a"), &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0);
		ck_assert(lstat(at("upper/d"), &st) == 0 && S_ISCHR(st.st_mode));
	}
	/* Over a whiteout: a file is new, a directory is empty. */
	gives(layers_mkdir(l, "d", 0755, &self_owner), 0);
	gives(list_in(l, "d", list, sizeof list), 0);
	ok(layers_open_file(l, "a", O_CREAT | O_EXCL | O_WRONLY, 0644, &self_owner));
	ck_assert_str_eq(get_file(l, "a"), "");
	layers_close(l);
	l = open_stack(false);
	gives(list_in(l, "", list, sizeof list), 3);
	gives(list_in(l, "d", list, sizeof list), 0);
	gives(layers_rmdir(l, "d"), 0);
	ck_assert(!exists(l, "d"));
	gives(layers_unlink(l, "a"), 0);
	ck_assert(!exists(l, "a"));
	gives(work_entries(), 0);
	layers_close(l);
}
END_TEST

/* What others have written: both formats of whiteouts and of opaque directories. */
START_TEST(foreign_formats)
{
	struct layers *l;
	char list[200];

	ck_assert(mkdir(at("lower/o1"), 0755) == 0 && mkdir(at("lower/o2"), 0755) == 0);
	put_file(at("lower/o1/x"), "x");
	put_file(at("lower/o2/x"), "x");
	put_file(at("lower/w1"), "");
	put_file(at("lower/w2"), "");
	put_file(at("lower/both"), "lower");
	ck_assert(mkdir(at("upper/o1"), 0755) == 0 && mkdir(at("upper/o2"), 0755) == 0);
	put_file(at("upper/o1/.wh..wh..opq"), "");
	put_file(at("upper/o1/y"), "y");
	put_file(at("upper/.wh.w1"), "");
	put_file(at("upper/.wh.both"), "");
	put_file(at("upper/both"), "upper");
	put_file(at("upper/.wh..wh.plnk"), "");
	if (setxattr(at("upper/o2"), "user.overlay.opaque", "y", 1, 0) < 0)
		put_file(at("upper/o2/.wh..wh..opq"), "");
	if (mknod(at("upper/w2"), S_IFCHR, 0) < 0)
		put_file(at("upper/.wh.w2"), "");
	l = open_stack(true);
	ck_assert(!exists(l, "w1") && !exists(l, "w2"));
	ck_assert(!exists(l, "o1/x") && !exists(l, "o2/x"));
	gives(list_in(l, "", list, sizeof list), 3);
	gives(list_in(l, "o1", list, sizeof list), 1);
	ck_assert_str_eq(list, "y");
	gives(list_in(l, "o2", list, sizeof list), 0);
	ck_assert_str_eq(get_file(l, "both"), "upper");
	gives(layers_unlink(l, "both"), 0);
	ck_assert(!exists(l, "both"));
	ck_assert(!exists(l, ".umview"));
	gives(layers_open_file(l, ".umview/x", O_CREAT | O_WRONLY, 0600, &self_owner), -ENOENT);
	gives(layers_mkdir(l, ".umview", 0700, &self_owner), -EACCES);
	gives(layers_mkdir(l, ".wh.x", 0700, &self_owner), -EINVAL);
	layers_close(l);
}
END_TEST

START_TEST(walk)
{
	struct layers *l;
	struct layers_node n;
	char target[PATH_MAX];
	size_t end;

	ck_assert(mkdir(at("lower/d"), 0755) == 0 && mkdir(at("lower/d/e"), 0755) == 0);
	put_file(at("lower/d/e/f"), "f");
	ck_assert(symlink("d/e", at("lower/link")) == 0 && symlink("e", at("lower/d/link")) == 0);
	l = open_stack(false);
	gives(layers_walk(l, "d/e/f", &end, &n, target), 0);
	ck_assert(n.type == S_IFREG && n.where == LAYERS_LOWER && n.layer == 1 && end == 5);
	close(n.fd);
	gives(layers_walk(l, "link", &end, &n, target), 0);
	ck_assert(n.type == S_IFLNK && !strcmp(target, "d/e"));
	close(n.fd);
	gives(layers_walk(l, "d/link/f", &end, &n, target), 1);
	ck_assert(end == 6 && !strcmp(target, "e"));
	gives(layers_walk(l, "link/x/y", &end, &n, target), 1);
	ck_assert(end == 4);
	gives(layers_walk(l, "d/e/x", &end, &n, target), -ENOENT);
	ck_assert(end == 5);
	gives(layers_walk(l, "d/x/y", &end, &n, target), -ENOENT);
	ck_assert(end == 3);
	gives(layers_walk(l, "d/e/f/x", &end, &n, target), -ENOTDIR);
	ck_assert(end == 5);
	gives(layers_walk(l, "", &end, &n, target), 0);
	ck_assert(n.type == S_IFDIR && n.where == LAYERS_MERGED);
	close(n.fd);
	/* The same in the upper directory. */
	gives(layers_symlink(l, "../up", "d/new", &self_owner), 0);
	gives(layers_walk(l, "d/new", &end, &n, target), 0);
	ck_assert(n.type == S_IFLNK && n.where == LAYERS_UPPER && !strcmp(target, "../up"));
	close(n.fd);
	gives(layers_walk(l, "d/new/x", &end, &n, target), 1);
	ck_assert(end == 5 && !strcmp(target, "../up"));
	gives(layers_walk(l, "d", &end, &n, target), 0);
	ck_assert(n.where == LAYERS_MERGED && n.layer == 1);
	close(n.fd);
	gives(layers_walk(l, "d/link/f", &end, &n, target), 1);
	gives(layers_walk(l, "d/zz", &end, &n, target), -ENOENT);
	ck_assert(end == 4);
	gives(layers_walk(l, "d/zz/y", &end, &n, target), -ENOENT);
	ck_assert(end == 4);
	/* A directory over what was a link: nothing shows through it. */
	gives(layers_unlink(l, "link"), 0);
	gives(layers_mkdir(l, "link", 0755, &self_owner), 0);
	gives(layers_walk(l, "link/f", &end, &n, target), -ENOENT);
	gives(layers_walk(l, "link", &end, &n, target), 0);
	ck_assert(n.where == LAYERS_UPPER && n.layer == 0);
	close(n.fd);
	layers_close(l);
}
END_TEST

START_TEST(hidden_by_type)
{
	struct layers *l;

	/* What another tool may have made: an upper directory over a lower link, and over a lower file. */
	ck_assert(mkdir(at("lower/d"), 0755) == 0 && symlink("d", at("lower/link")) == 0);
	put_file(at("lower/d/f"), "f");
	put_file(at("lower/file"), "f");
	ck_assert(mkdir(at("upper/link"), 0755) == 0 && mkdir(at("upper/file"), 0755) == 0);
	l = open_stack(false);
	ck_assert(!exists(l, "link/f") && !exists(l, "file/f"));
	ck_assert(exists(l, "d/f"));
	ok(layers_open_file(l, "link/f", O_CREAT | O_EXCL | O_WRONLY, 0644, &self_owner));
	ck_assert(has_raw("upper/link/f"));
	layers_close(l);
}
END_TEST

START_TEST(untouched)
{
	struct layers *l;

	ck_assert(mkdir(at("lower/d"), 0755) == 0 && mkdir(at("lower/d/e"), 0755) == 0);
	l = open_stack(false);
	ck_assert(layers_untouched(l, "") && layers_untouched(l, "d/e") && layers_untouched(l, "no/such"));
	ok(layers_mkdir(l, "d/new", 0755, &self_owner));
	ck_assert(!layers_untouched(l, "") && !layers_untouched(l, "d") && !layers_untouched(l, "d/new"));
	ck_assert(!layers_untouched(l, "d/new/below"));
	ck_assert(layers_untouched(l, "d/e") && layers_untouched(l, "d/other"));
	layers_close(l);
}
END_TEST

START_TEST(hide)
{
	const char *hide[] = {"home/me/D", NULL};
	char upper[PATH_MAX], lower[PATH_MAX], list[100];
	struct layers_config c = {.upper = upper, .lower = {lower}, .nlower = 1, .hide = hide};
	struct layers *l;

	ck_assert(mkdir(at("lower/home"), 0755) == 0 && mkdir(at("lower/home/me"), 0755) == 0);
	strcpy(upper, at("lower/home/me/D"));
	strcpy(lower, at("lower"));
	l = open_config(&c);
	ck_assert(!exists(l, "home/me/D") && !exists(l, "home/me/D/x") && exists(l, "home/me"));
	gives(list_in(l, "home/me", list, sizeof list), 0);
	gives(layers_mkdir(l, "home/me/D", 0755, &self_owner), -EACCES);
	ck_assert(!layers_untouched(l, "home/me/D") && !layers_untouched(l, "home"));
	ck_assert(layers_untouched(l, "home/you"));
	gives(layers_mkdir(l, "home/me/E", 0755, &self_owner), 0);
	gives(list_in(l, "home/me", list, sizeof list), 1);
	ck_assert(has_raw("lower/home/me/D/home/me/E"));
	layers_close(l);
}
END_TEST

/* The number of a directory does not change, whichever door is used, and times of directories are kept. */
START_TEST(merged_directory)
{
	struct layers *l;
	struct statx before, st, by_fd;
	struct stat lower;
	struct timespec old[2] = {{1000, 1}, {2000, 2}};
	int lower_fd, path_fd;

	ck_assert(mkdir(at("lower/d"), 0755) == 0);
	put_file(at("lower/d/f"), "f");
	ck_assert(utimensat(AT_FDCWD, at("lower/d"), old, 0) == 0);
	ck_assert(stat(at("lower/d"), &lower) == 0);
	l = open_stack(true);
	ok(stat_in(l, "d", &before));
	lower_fd = open(at("lower/d"), O_RDONLY);
	path_fd = open(at("lower/d"), O_PATH);
	ok(layers_copy_up(l, "d/f"));
	ok(stat_in(l, "d", &st));
	ck_assert(st.stx_ino == lower.st_ino && makedev(st.stx_dev_major, st.stx_dev_minor) == lower.st_dev);
	ck_assert_msg(st.stx_mtime.tv_sec == 2000 && st.stx_mtime.tv_nsec == 2,
		      "a copy-up is no change of the directory");
	ok(layers_chmod(l, "d", 01777));
	ok(layers_chown(l, "d", 12, 34));
	ok(stat_in(l, "d", &st));
	ck_assert(st.stx_mode == (S_IFDIR | 01777) && st.stx_uid == 12 && st.stx_gid == 34);
	ck_assert(statx(lower_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &by_fd) == 0);
	ok(layers_patch_stat(l, lower_fd, &by_fd));
	ck_assert(by_fd.stx_mode == st.stx_mode && by_fd.stx_uid == 12 && by_fd.stx_ino == st.stx_ino);
	ck_assert(statx(path_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &by_fd) == 0);
	ok(layers_patch_stat(l, path_fd, &by_fd));
	ck_assert(by_fd.stx_mode == st.stx_mode && by_fd.stx_gid == 34 && by_fd.stx_nlink == st.stx_nlink);
	close(path_fd);
	close(lower_fd);
	path_fd = open(at("upper/d"), O_RDONLY);
	ck_assert(statx(path_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &by_fd) == 0);
	ok(layers_patch_stat(l, path_fd, &by_fd));
	ck_assert(by_fd.stx_mode == st.stx_mode && by_fd.stx_ino == st.stx_ino);
	gives(layers_fchmod(l, path_fd, 0711), 0);
	close(path_fd);
	ok(stat_in(l, "d", &st));
	ck_assert(st.stx_mode == (S_IFDIR | 0711));
	lower_fd = layers_open_file(l, "d", O_RDONLY | O_DIRECTORY, 0, &self_owner);
	gives(layers_fchmod(l, lower_fd, 0700), -EXDEV);
	close(lower_fd);
	layers_close(l);
}
END_TEST

START_TEST(rename_directory)
{
	struct layers *l;
	char list[200];

	ck_assert(
	    system(fmt("cd %s/lower && mkdir -p d/sub/deep e empty && echo x > d/sub/x && echo y > d/sub/deep/y && "
		       "echo z > e/z && ln -s sub d/link",
		       base)) == 0);
	l = open_stack(true);
	gives(layers_rename(l, "d", "d/sub/x2", 0), -EINVAL);
	gives(layers_rename(l, "d/sub", "d", 0), -ENOTEMPTY);
	gives(layers_rename(l, "d", "e", 0), -ENOTEMPTY);
	gives(layers_rename(l, "d", "e/z", 0), -ENOTDIR);
	gives(layers_rename(l, "e/z", "d", 0), -EISDIR);
	gives(layers_rename(l, "d", "empty", RENAME_NOREPLACE), -EEXIST);
	gives(layers_rename(l, "d", "empty", 0), 0);
	ck_assert(!exists(l, "d"));
	ck_assert_str_eq(get_file(l, "empty/sub/deep/y"), "y\n");
	/* Where a lower directory has been: nothing of it may show. */
	gives(layers_unlink(l, "e/z"), 0);
	gives(layers_rename(l, "empty", "e", 0), 0);
	gives(list_in(l, "e", list, sizeof list), 2);
	gives(layers_rename(l, "e", "d", 0), 0);
	gives(list_in(l, "d/sub", list, sizeof list), 2);
	gives(list_in(l, "", list, sizeof list), 1);
	layers_close(l);
	l = open_stack(true);
	gives(list_in(l, "", list, sizeof list), 1);
	ck_assert_str_eq(get_file(l, "d/sub/x"), "x\n");
	gives(layers_mkdir(l, "e", 0755, &self_owner), 0);
	gives(layers_rename(l, "d", "e", RENAME_EXCHANGE), 0);
	gives(list_in(l, "d", list, sizeof list), 0);
	gives(list_in(l, "e", list, sizeof list), 2);
	gives(work_entries(), 0);
	layers_close(l);
}
END_TEST

START_TEST(native)
{
	char upper[PATH_MAX];
	struct layers_config c = {.upper = upper, .native = true};
	struct layers *l;
	char list[100];

	strcpy(upper, at("upper"));
	put_file(at("upper/.wh.x"), "");
	l = open_config(&c);
	gives(list_in(l, "", list, sizeof list), 1);
	ck_assert_str_eq(list, ".wh.x");
	ok(layers_mkdir(l, "d", 0755, &self_owner));
	ok(layers_open_file(l, "d/f", O_CREAT | O_WRONLY, 0666, &self_owner));
	ok(layers_rename(l, "d/f", "g", 0));
	ok(layers_chmod(l, "g", 0644));
	ok(layers_link(l, "g", "h"));
	ok(layers_unlink(l, "g"));
	gives(layers_unlink(l, "g"), -ENOENT);
	ok(layers_truncate(l, "h", 100));
	ck_assert(exists(l, "h") && has_raw("upper/h") && !has_raw("upper/.umview"));
	ck_assert(!layers_untouched(l, "h"));
	layers_close(l);
}
END_TEST

START_TEST(mincow)
{
	char upper[PATH_MAX], lower[PATH_MAX];
	struct layers_config c = {.upper = upper, .lower = {lower}, .nlower = 1, .mincow = true, .vstat = true};
	struct layers *l;
	int fd;

	strcpy(upper, at("upper"));
	strcpy(lower, at("lower"));
	ck_assert(mkdir(at("lower/mine"), 0755) == 0 && mkdir(at("lower/theirs"), 0755) == 0);
	put_file(at("lower/mine/f"), "f");
	put_file(at("lower/theirs/f"), "f");
	ck_assert(chmod(at("lower/theirs/f"), 0444) == 0 && chmod(at("lower/theirs"), 0555) == 0);
	l = open_config(&c);
	fd = layers_open_file(l, "mine/f", O_WRONLY | O_TRUNC, 0, &root_owner);
	ck_assert(fd >= 0 && write(fd, "new", 3) == 3);
	close(fd);
	ok(layers_mkdir(l, "mine/d", 0755, &root_owner));
	ok(layers_rename(l, "mine/f", "mine/g", 0));
	ck_assert(has_raw("lower/mine/g") && has_raw("lower/mine/d") && !has_raw("upper/mine"));
	if (!is_root()) {
		fd = layers_open_file(l, "theirs/f", O_WRONLY | O_TRUNC, 0, &root_owner);
		ck_assert(fd >= 0 && write(fd, "new", 3) == 3);
		close(fd);
		ok(layers_open_file(l, "theirs/new", O_CREAT | O_EXCL | O_WRONLY, 0600, &root_owner));
		ck_assert(has_raw("upper/theirs/f") && has_raw("upper/theirs/new") && !has_raw("lower/theirs/new"));
		ck_assert_str_eq(get_file(l, "theirs/f"), "new");
		ok(layers_unlink(l, "theirs/f"));
		ck_assert(!exists(l, "theirs/f") && has_raw("lower/theirs/f"));
		/* A name that was removed in the view is made again in the view. */
		ok(layers_open_file(l, "theirs/f", O_CREAT | O_EXCL | O_WRONLY, 0600, &root_owner));
	}
	layers_close(l);
}
END_TEST

START_TEST(read_only)
{
	char a[PATH_MAX], b[PATH_MAX], list[100];
	struct layers_config c = {.lower = {a, b}, .nlower = 2};
	struct layers *l;

	strcpy(a, at("upper"));
	strcpy(b, at("lower"));
	put_file(at("upper/one"), "1");
	put_file(at("lower/one"), "hidden");
	put_file(at("lower/two"), "2");
	l = open_config(&c);
	gives(list_in(l, "", list, sizeof list), 2);
	ck_assert_str_eq(get_file(l, "one"), "1");
	ck_assert_str_eq(get_file(l, "two"), "2");
	gives(layers_unlink(l, "one"), -EROFS);
	gives(layers_unlink(l, "three"), -ENOENT);
	gives(layers_rename(l, "one", "two", 0), -EROFS);
	gives(layers_open_file(l, "one", O_WRONLY, 0, &self_owner), -EROFS);
	gives(layers_open_file(l, "x", O_WRONLY | O_CREAT, 0600, &self_owner), -EROFS);
	gives(layers_chmod(l, "one", 0600), -EROFS);
	gives(layers_link(l, "one", "x"), -EROFS);
	layers_close(l);
}
END_TEST

START_TEST(paths)
{
	struct layers *l = open_stack(false);
	struct layers_node n;
	char path[PATH_MAX], target[PATH_MAX], deep[PATH_MAX];
	struct statfs fs;
	size_t end;
	int i;

	gives(layers_path_of(l, at("lower/a/b"), path), 0);
	ck_assert_str_eq(path, "a/b");
	gives(layers_path_of(l, at("upper"), path), 0);
	ck_assert_str_eq(path, "");
	gives(layers_path_of(l, at("upperx"), path), -ENOENT);
	gives(layers_path_of(l, at("upper/.umview/work/1"), path), -ENOENT);
	ok(layers_mkdir(l, "new", 0755, &self_owner));
	gives(layers_walk(l, "new", &end, &n, target), 0);
	gives(layers_host_path(l, &n, "new", path), 0);
	ck_assert_str_eq(path, at("upper/new"));
	close(n.fd);
	ok(layers_statfs(l, "new", &fs));
	ck_assert(fs.f_bsize > 0);
	/* Deeper than any path from the root could be. */
	strcpy(deep, "new");
	for (i = 0; i < 19; i++) {
		memset(deep + strlen(deep) + 1, 0, 202);
		memset(deep + strlen(deep) + 1, 'x', 200);
		deep[strlen(deep)] = '/';
		ok(layers_mkdir(l, deep, 0755, &self_owner));
	}
	ck_assert(strlen(deep) > 3800);
	strcat(deep, "/f");
	ok(layers_open_file(l, deep, O_CREAT | O_WRONLY, 0600, &self_owner));
	ok(layers_setxattr(l, deep, "user.x", "y", 1, 0));
	gives(layers_getxattr(l, deep, "user.x", path, sizeof path), 1);
	memset(path, 'n', 300);
	path[300] = '\0';
	gives(layers_mkdir(l, path, 0755, &self_owner), -ENAMETOOLONG);
	gives(layers_walk(l, path, &end, &n, target), -ENAMETOOLONG);
	layers_close(l);
}
END_TEST

START_TEST(bad_config)
{
	char upper[PATH_MAX], lower[PATH_MAX], why[200];
	struct layers_config c = {.upper = upper, .lower = {lower}, .nlower = 1};
	struct layers *l;

	strcpy(upper, at("lower"));
	strcpy(lower, at("lower"));
	gives(layers_open(&l, &c, why, sizeof why), -EINVAL);
	strcpy(lower, at("missing"));
	gives(layers_open(&l, &c, why, sizeof why), -ENOENT);
	ck_assert_msg(strstr(why, "missing: No such file"), "%s", why);
	strcpy(lower, at("lower"));
	strcpy(upper, at("no/such"));
	gives(layers_open(&l, &c, why, sizeof why), -ENOENT);
	put_file(at("file"), "");
	strcpy(upper, at("file"));
	gives(layers_open(&l, &c, why, sizeof why), -ENOTDIR);
	if (!is_root()) {
		ck_assert(mkdir(at("ro"), 0555) == 0);
		strcpy(upper, at("ro"));
		gives(layers_open(&l, &c, why, sizeof why), -EACCES);
		ck_assert_msg(strstr(why, "ro: Permission denied"), "%s", why);
	}
	strcpy(upper, at("made"));
	gives(layers_open(&l, &c, NULL, 0), 0);
	ok(layers_mkdir(l, "x", 0755, &self_owner));
	layers_close(l);
	c.renew = true;
	l = open_config(&c);
	ck_assert(!exists(l, "x") && !has_raw("made/x"));
	layers_close(l);
}
END_TEST

/* The root of a new stack shows the attributes of the lower root. */
START_TEST(root_attributes)
{
	struct layers *l;
	struct statx st;
	struct stat lower;
	int k;

	ck_assert(chmod(at("lower"), 0751) == 0 && chmod(at("upper"), 0700) == 0);
	ck_assert(stat(at("lower"), &lower) == 0);
	for (k = 0; k < 2; k++) {
		l = open_stack(k);
		ok(stat_in(l, "", &st));
		ck_assert(st.stx_mode == (S_IFDIR | 0751) && st.stx_ino == lower.st_ino);
		ck_assert(st.stx_mtime.tv_nsec == (unsigned)lower.st_mtim.tv_nsec);
		layers_close(l);
	}
}
END_TEST

TCase *layers_tree_case(void)
{
	TCase *t = tcase_create("tree");

	tcase_add_checked_fixture(t, test_setup, test_teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, whiteouts);
	tcase_add_test(t, foreign_formats);
	tcase_add_test(t, walk);
	tcase_add_test(t, hidden_by_type);
	tcase_add_test(t, untouched);
	tcase_add_test(t, hide);
	tcase_add_test(t, merged_directory);
	tcase_add_test(t, rename_directory);
	tcase_add_test(t, native);
	tcase_add_test(t, mincow);
	tcase_add_test(t, read_only);
	tcase_add_test(t, paths);
	tcase_add_test(t, bad_config);
	tcase_add_test(t, root_attributes);
	return t;
}
