/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copy-up, what stands for the unreadable, and differences: one test for each promise.
 */
#include <malloc.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/xattr.h>

#include "test_layers.h"

START_TEST(copy_up_exact)
{
	struct layers *l;
	struct statx st;
	struct stat raw;
	char value[100];
	struct timespec times[2] = {{1111111111, 123456789}, {1222222222, 987654321}};
	int fd = open(at("lower/sparse"), O_CREAT | O_WRONLY, 0640);
	ssize_t n;

	ck_assert(fd >= 0 && pwrite(fd, "begin", 5, 0) == 5 && pwrite(fd, "end", 3, 64 << 20) == 3);
	ck_assert(ftruncate(fd, 65 << 20) == 0);
	close(fd);
	ck_assert(setxattr(at("lower/sparse"), "user.a", "A", 1, 0) == 0);
	ck_assert(setxattr(at("lower/sparse"), "user.containers.override_stat", "7:7:0777:file", 13, 0) == 0);
	ck_assert(utimensat(AT_FDCWD, at("lower/sparse"), times, 0) == 0);
	l = open_stack(true);
	ok(layers_copy_up(l, "sparse"));
	ok(stat_in(l, "sparse", &st));
	ck_assert(st.stx_size == 65 << 20 && st.stx_mode == (S_IFREG | 0640));
	ck_assert(st.stx_uid == getuid() && st.stx_mtime.tv_sec == 1222222222 && st.stx_mtime.tv_nsec == 987654321);
	ck_assert(st.stx_atime.tv_sec == 1111111111 && st.stx_atime.tv_nsec == 123456789);
	ck_assert(stat(at("upper/sparse"), &raw) == 0 && raw.st_blocks < 2048);
	gives(layers_getxattr(l, "sparse", "user.a", value, sizeof value), 1);
	n = layers_getxattr(l, "sparse", "user.containers.override_stat", value, sizeof value);
	ck_assert_msg(n == 13 && !memcmp(value, "7:7:0777:file", 13), "a foreign record is data");
	n = layers_listxattr(l, "sparse", value, sizeof value);
	ck_assert_msg(n == sizeof "user.a" + sizeof "user.containers.override_stat", "%zd", n);
	fd = layers_open_file(l, "sparse", O_RDWR, 0, &self_owner);
	ck_assert(pread(fd, value, 3, 64 << 20) == 3 && !memcmp(value, "end", 3));
	close(fd);
	layers_close(l);
}
END_TEST

START_TEST(hard_links)
{
	struct layers *l;
	struct statx a, b;
	bool xattrs;
	int fd;

	put_file(at("lower/a"), "same");
	xattrs = !(features_off & LAYERS_USER_XATTR) && setxattr(at("lower/a"), "user.x", "1", 1, 0) == 0;
	ck_assert(mkdir(at("lower/d"), 0755) == 0 && link(at("lower/a"), at("lower/d/b")) == 0);
	put_file(at("lower/single"), "one");
	l = open_stack(true);
	ok(layers_chmod(l, "a", 0640));
	ok(stat_in(l, "a", &a));
	/* both names count, looked up or not; where user xattrs are missing nobody knows of the other */
	ck_assert_int_eq(a.stx_nlink, xattrs ? 2 : 1);
	ok(layers_chmod(l, "d/b", 0600));
	ok(stat_in(l, "a", &a));
	ok(stat_in(l, "d/b", &b));
	ck_assert(a.stx_ino == b.stx_ino && a.stx_mode == b.stx_mode && a.stx_nlink == 2 && b.stx_nlink == 2);
	fd = layers_open_file(l, "a", O_WRONLY | O_APPEND, 0, &self_owner);
	ck_assert(fd >= 0 && write(fd, "+", 1) == 1);
	ck_assert(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &b) == 0);
	ok(layers_patch_stat(l, fd, &b));
	ck_assert_int_eq(b.stx_nlink, 2);
	close(fd);
	ck_assert_str_eq(get_file(l, "d/b"), "same+");
	ok(layers_link(l, "single", "double"));
	ok(stat_in(l, "single", &a));
	ck_assert_int_eq(a.stx_nlink, 2);
	ok(layers_unlink(l, "a"));
	ok(layers_unlink(l, "d/b"));
	ck_assert(system(fmt("test -z \"$(ls %s/upper/.umview/links)\"", base)) == 0);
	layers_close(l);
}
END_TEST

/* A copy-up that runs out of space leaves nothing, and says so. */
START_TEST(no_space)
{
	struct rlimit limit = {1 << 20, 1 << 20}, free_limit;
	bool mounted;
	struct layers *l;
	int want = -ENOSPC;

	ck_assert(system(fmt("head -c 8000000 /dev/urandom > %s", at("lower/big"))) == 0);
	mounted = is_root() && mount("none", at("upper"), "tmpfs", 0, "size=4m,mode=755") == 0;
	l = open_stack(true);
	if (!mounted) {
		signal(SIGXFSZ, SIG_IGN);
		ck_assert(getrlimit(RLIMIT_FSIZE, &free_limit) == 0);
		limit.rlim_max = free_limit.rlim_max;
		ck_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
		want = -EFBIG;
	}
	gives(layers_open_file(l, "big", O_WRONLY, 0, &self_owner), want);
	gives(layers_chmod(l, "big", 0600), want);
	gives(work_entries(), 0);
	ck_assert(!has_raw("upper/big") && layers_untouched(l, "big"));
	if (!mounted)
		ck_assert(setrlimit(RLIMIT_FSIZE, &free_limit) == 0);
	ok(layers_open_file(l, "small", O_WRONLY | O_CREAT, 0600, &self_owner));
	layers_close(l);
	if (mounted)
		ck_assert(umount2(at("upper"), MNT_DETACH) == 0);
}
END_TEST

START_TEST(root_opaque)
{
	char upper[PATH_MAX], lower[PATH_MAX], list[100];
	struct layers_config c = {.upper = upper, .lower = {lower}, .nlower = 1, .vstat = true, .root_opaque = true};
	struct layers *l;
	struct statx st;
	int fd;

	if (is_root())
		return;
	strcpy(upper, at("upper"));
	strcpy(lower, at("lower"));
	ck_assert(mkdir(at("lower/etc"), 0755) == 0 && mkdir(at("lower/private"), 0755) == 0);
	put_file(at("lower/private/x"), "x");
	put_file(at("lower/etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nme:x:1000:1000::/:/bin/sh\n");
	put_file(at("lower/etc/group"), "root:x:0:\nsudo:x:27:me\n");
	put_file(at("lower/etc/shadow"), "root:secret:1:0:99999:7:::\n");
	put_file(at("lower/etc/gshadow"), "root:*::\n");
	put_file(at("lower/etc/.pwd.lock"), "");
	put_file(at("lower/etc/secret"), "s");
	ck_assert(system(fmt("cd %s/lower && chmod 0 etc/shadow etc/gshadow etc/.pwd.lock etc/secret private && "
			     "touch -d @864000 etc/shadow",
			     base)) == 0);
	l = open_config(&c);
	gives(list_in(l, "private", list, sizeof list), 0);
	ck_assert(!exists(l, "private/x") && exists(l, "private"));
	ck_assert_str_eq(get_file(l, "etc/shadow"), "root:!:10:0:99999:7:::\nme:!:10:0:99999:7:::\n");
	ck_assert_str_eq(get_file(l, "etc/gshadow"), "root:!::\nsudo:!::me\n");
	fd = layers_open_file(l, "etc/.pwd.lock", O_WRONLY | O_CREAT, 0600, &root_owner);
	ok(fd);
	close(fd);
	gives(layers_open_file(l, "etc/secret", O_RDONLY, 0, &root_owner), -EACCES);
	gives(layers_open_file(l, "etc/secret", O_WRONLY, 0, &root_owner), -EACCES);
	gives(layers_chmod(l, "etc/secret", 0600), -EACCES);
	ok(stat_in(l, "etc/secret", &st));
	ok(stat_in(l, "etc/shadow", &st));
	ck_assert(st.stx_mode == S_IFREG);
	if (!off(LAYERS_USER_XATTR))
		ck_assert(getxattr(at("upper/etc/shadow"), "user.umview.made", list, sizeof list) == 1);
	fd = layers_open_file(l, "private", O_RDONLY | O_DIRECTORY, 0, &root_owner);
	ok(fd);
	close(fd);
	ok(layers_open_file(l, "private/new", O_CREAT | O_WRONLY, 0600, &root_owner));
	gives(list_in(l, "private", list, sizeof list), 1);
	ok(stat_in(l, "private", &st));
	ck_assert(st.stx_mode == S_IFDIR);
	ck_assert(chmod(at("lower/private"), 0755) == 0);
	gives(list_in(l, "private", list, sizeof list), 1);
	ok(layers_unlink(l, "etc/secret"));
	layers_close(l);
	ck_assert(system(fmt("chmod -R u+rwx %s", at("lower"))) == 0);
}
END_TEST

START_TEST(index_memory)
{
	struct layers *l;
	size_t before, used;
	char name[64];
	int i;

	ck_assert(mkdir(at("upper/d"), 0755) == 0);
	for (i = 0; i < 10000; i++) {
		sprintf(name, "upper/d/some-file-name-%d.h", i);
		ck_assert(close(open(at("%s", name), O_CREAT | O_WRONLY, 0644)) == 0);
	}
	l = open_stack(true);
	before = mallinfo2().uordblks;
	ck_assert(!exists(l, "d/missing"));
	used = mallinfo2().uordblks - before;
	ck_assert_msg(used < 1 << 20, "%zu bytes for 10000 names", used);
	ck_assert(exists(l, "d/some-file-name-9999.h"));
	layers_close(l);
}
END_TEST

struct changes {
	char text[2000];
};

static int note(void *arg, const struct layers_diff_entry *e)
{
	struct changes *c = arg;

	sprintf(c->text + strlen(c->text), "%c%s%s ", e->change, e->path, e->opaque ? "(o)" : "");
	return 0;
}

START_TEST(diff)
{
	struct changes c = {""};
	struct layers *l;
	int fd;

	ck_assert(system(fmt(
		      "cd %s/lower && mkdir -p d/e keep o && echo 1 > d/e/f && echo 2 > d/g && echo 3 > keep/same && "
		      "echo 4 > o/a && echo 5 > o/b",
		      base)) == 0);
	l = open_stack(true);
	ok(layers_diff(l, note, &c));
	ck_assert_str_eq(c.text, "");
	ok(layers_copy_up(l, "keep/same"));
	ok(layers_unlink(l, "d/g"));
	ok(layers_chown(l, "d/e/f", 5, 5));
	ok(layers_mkdir(l, "new", 0755, &root_owner));
	fd = layers_open_file(l, "new/n", O_CREAT | O_WRONLY, 0644, &root_owner);
	close(fd);
	ok(layers_unlink(l, "o/a"));
	ok(layers_unlink(l, "o/b"));
	ok(layers_rmdir(l, "o"));
	ok(layers_mkdir(l, "o", 0755, &self_owner));
	close(layers_open_file(l, "o/b", O_CREAT | O_WRONLY, 0644, &self_owner));
	ok(layers_diff(l, note, &c));
	ck_assert_str_eq(c.text, "Md/e/f Dd/g Anew Anew/n Mo(o) Do/a Mo/b ");
	layers_close(l);
}
END_TEST

TCase *layers_copyup_case(void)
{
	TCase *t = tcase_create("copy-up");

	tcase_add_checked_fixture(t, test_setup, test_teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, copy_up_exact);
	tcase_add_test(t, hard_links);
	tcase_add_test(t, no_space);
	tcase_add_test(t, root_opaque);
	tcase_add_test(t, index_memory);
	tcase_add_test(t, diff);
	return t;
}
