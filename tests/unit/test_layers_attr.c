/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual attributes: owners, modes, devices, privileged xattrs, ACLs; and that every door shows the same.
 */
#include <endian.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "test_layers.h"

static void shows(struct layers *l, const char *path, unsigned mode, unsigned uid, unsigned gid)
{
	struct statx st, by_fd;
	int fd, flags;

	ok(stat_in(l, path, &st));
	ck_assert_msg(st.stx_mode == mode, "%s: mode %o, not %o", path, st.stx_mode, mode);
	ck_assert_msg(st.stx_uid == uid && st.stx_gid == gid, "%s: %u:%u, not %u:%u", path, st.stx_uid, st.stx_gid,
		      uid, gid);
	for (flags = 0; flags < 2; flags++) {
		if (!flags && !S_ISREG(mode) && !S_ISDIR(mode))
			continue;
		fd = layers_open_file(l, path, flags ? O_PATH | O_NOFOLLOW : O_RDONLY, 0, &self_owner);
		ok(fd);
		ck_assert(statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &by_fd) == 0);
		ok(layers_patch_stat(l, fd, &by_fd));
		ck_assert_msg(by_fd.stx_mode == mode && by_fd.stx_uid == uid && by_fd.stx_gid == gid &&
				  by_fd.stx_ino == st.stx_ino && by_fd.stx_nlink == st.stx_nlink &&
				  by_fd.stx_rdev_minor == st.stx_rdev_minor,
			      "%s: by descriptor (%d): %o %u:%u", path, flags, by_fd.stx_mode, by_fd.stx_uid,
			      by_fd.stx_gid);
		close(fd);
	}
}

static bool recorded(const char *path)
{
	return getxattr(at("upper/%s", path), "user.containers.override_stat", NULL, 0) > 0;
}

static int create(struct layers *l, const char *path, mode_t mode, const struct layers_owner *owner)
{
	int fd = layers_open_file(l, path, O_CREAT | O_EXCL | O_WRONLY, mode, owner);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

START_TEST(owners)
{
	struct layers_owner other = {1234, 5678, 0};
	struct layers *l;
	struct stat raw;
	int k;

	put_file(at("lower/f"), "f");
	ck_assert(chmod(at("lower/f"), 0644) == 0);
	l = open_stack(true);
	ok(create(l, "r", 0640, &other));
	ok(create(l, "zero", 0, &root_owner));
	ok(layers_mkdir(l, "d", 01777, &root_owner));
	ok(create(l, "d/in", 0644, &other));
	ok(layers_symlink(l, "somewhere", "s", &other));
	ok(layers_mknod(l, "p", S_IFIFO | 0622, 0, &other));
	ok(layers_mknod(l, "sock", S_IFSOCK | 0700, 0, &other));
	ok(layers_mknod(l, "c", S_IFCHR | 0666, makedev(1, 3), &root_owner));
	ok(layers_mknod(l, "b", S_IFBLK | 0660, makedev(8, 17), &root_owner));
	ok(layers_chown(l, "f", 1, 2));
	ok(layers_chmod(l, "f", 04755));
	ok(create(l, "own", 0644, &self_owner));
	ok(layers_mkdir(l, "owndir", 0755, &self_owner));
	for (k = 0; k < 2; k++) {
		shows(l, "r", S_IFREG | 0640, 1234, 5678);
		shows(l, "zero", S_IFREG, 0, 0);
		shows(l, "d", S_IFDIR | 01777, 0, 0);
		shows(l, "d/in", S_IFREG | 0644, 1234, 5678);
		shows(l, "s", S_IFLNK | 0777, 1234, 5678);
		shows(l, "p", S_IFIFO | 0622, 1234, 5678);
		shows(l, "sock", S_IFSOCK | 0700, 1234, 5678);
		shows(l, "c", S_IFCHR | 0666, 0, 0);
		shows(l, "b", S_IFBLK | 0660, 0, 0);
		shows(l, "f", S_IFREG | 04755, 1, 2);
		shows(l, "own", S_IFREG | 0644, getuid(), getgid());
		layers_close(l);
		l = open_stack(true);
	}
	/* Really: always open to us, never set-id, never writable for others; no record where none is needed. */
	ck_assert(stat(at("upper/zero"), &raw) == 0 && (raw.st_mode & 0600) == 0600);
	ck_assert(stat(at("upper/f"), &raw) == 0 && (raw.st_mode & 07777) == 0755);
	ck_assert(stat(at("upper/d"), &raw) == 0 && (raw.st_mode & 07777) == 0755);
	ck_assert(stat(at("upper/c"), &raw) == 0 && S_ISREG(raw.st_mode));
	ck_assert(!recorded("own") && !recorded("owndir"));
	if (!(features_off & LAYERS_USER_XATTR)) {
		char text[64] = "";

		ck_assert(getxattr(at("upper/b"), "user.containers.override_stat", text, sizeof text) > 0);
		ck_assert_str_eq(text, "0:0:0660:block-8-17");
	}
	gives(layers_open_file(l, "b", O_RDONLY, 0, &self_owner), -ENXIO);
	k = layers_open_file(l, "c", O_WRONLY, 0, &self_owner);
	ok(k);
	ck_assert(fstat(k, &raw) == 0 && S_ISCHR(raw.st_mode));
	close(k);
	/* Changing the owner takes the set-id bits. */
	ok(layers_chown(l, "f", 3, -1));
	shows(l, "f", S_IFREG | 0755, 3, 2);
	ok(layers_chown(l, "s", 9, 9));
	shows(l, "s", S_IFLNK | 0777, 9, 9);
	gives(layers_chmod(l, "s", 0600), -EOPNOTSUPP);
	layers_close(l);
}
END_TEST

START_TEST(set_gid_directory)
{
	struct layers_owner other = {1234, 5678, 0};
	struct layers *l = open_stack(true);

	ok(layers_mkdir(l, "d", 0755, &other));
	ok(create(l, "d/before", 0644, &root_owner));
	ok(layers_chmod(l, "d", 02775));
	ok(create(l, "d/f", 0644, &root_owner));
	ok(layers_mkdir(l, "d/sub", 0755, &root_owner));
	ok(layers_chown(l, "d/sub", -1, 77));
	ok(create(l, "d/sub/f", 0644, &root_owner));
	shows(l, "d/before", S_IFREG | 0644, 0, 0);
	shows(l, "d/f", S_IFREG | 0644, 0, 5678);
	shows(l, "d/sub", S_IFDIR | 02755, 0, 77);
	shows(l, "d/sub/f", S_IFREG | 0644, 0, 77);
	layers_close(l);
}
END_TEST

START_TEST(descriptors)
{
	struct layers_owner other = {1234, 5678, 0};
	struct layers *l;
	struct statx st;
	int fd, path_fd, dir;

	put_file(at("lower/f"), "f");
	setxattr(at("lower/f"), "user.containers.override_stat", "5:5:0777:char-1-3", 17, 0);
	l = open_stack(true);
	shows(l, "f", S_IFREG | 0644, getuid(), getgid()); /* a lower file's record means nothing */
	fd = layers_open_file(l, "n", O_CREAT | O_RDWR, 0640, &other);
	ok(fd);
	gives(layers_fchmod(l, fd, 04711), 0);
	gives(layers_fchown(l, fd, 7, -1), 0);
	shows(l, "n", S_IFREG | 0711, 7, 5678);
	gives(layers_fchmod(l, fd, 0611), 0);
	path_fd = layers_open_file(l, "n", O_PATH, 0, &other);
	ok(layers_unlink(l, "n"));
	if (!(features_off & LAYERS_USER_XATTR)) {
		ck_assert(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) == 0);
		ok(layers_patch_stat(l, fd, &st));
		ck_assert(st.stx_mode == (S_IFREG | 0611) && st.stx_uid == 7 && st.stx_nlink == 0);
		ck_assert(statx(path_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) == 0);
		ok(layers_patch_stat(l, path_fd, &st));
		ck_assert(st.stx_mode == (S_IFREG | 0611) && st.stx_uid == 7);
		gives(layers_fchown(l, fd, 8, 8), 0);
		ok(layers_patch_stat(l, fd, &st));
		ck_assert(st.stx_uid == 8);
	}
	close(fd);
	close(path_fd);
	dir = layers_open_file(l, "", O_RDONLY | O_DIRECTORY, 0, &other);
	ok(dir);
	fd = layers_open_file(l, "", O_TMPFILE | O_RDWR, 0600, &other);
	ok(fd);
	ck_assert(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) == 0);
	ok(layers_patch_stat(l, fd, &st));
	ck_assert(st.stx_mode == (S_IFREG | 0600) && st.stx_uid == 1234);
	close(fd);
	close(dir);
	fd = open(at("lower/f"), O_RDONLY);
	gives(layers_fchmod(l, fd, 0600), -EXDEV);
	close(fd);
	layers_close(l);
}
END_TEST

START_TEST(privileged_xattrs)
{
	static const char cap[] = "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0";
	struct layers *l = open_stack(true);
	char value[200];
	ssize_t n;

	ok(create(l, "f", 0755, &root_owner));
	ok(layers_setxattr(l, "f", "security.capability", cap, sizeof cap, 0));
	ok(layers_setxattr(l, "f", "trusted.x", "1", 1, 0));
	ok(layers_setxattr(l, "f", "user.y", "22", 2, XATTR_CREATE));
	gives(layers_setxattr(l, "f", "trusted.x", "1", 1, XATTR_CREATE), -EEXIST);
	gives(layers_setxattr(l, "f", "trusted.z", "1", 1, XATTR_REPLACE), -ENODATA);
	gives(layers_setxattr(l, "f", "user.umview.made", "no", 2, 0), 0);
	layers_close(l);
	l = open_stack(true);
	gives(layers_getxattr(l, "f", "security.capability", value, sizeof value), sizeof cap);
	ck_assert(!memcmp(value, cap, sizeof cap));
	gives(layers_getxattr(l, "f", "trusted.x", value, 0), 1);
	gives(layers_getxattr(l, "f", "user.umview.made", value, sizeof value), 2);
	gives(layers_getxattr(l, "f", "user.none", value, sizeof value), -ENODATA);
	n = layers_listxattr(l, "f", value, sizeof value);
	ck_assert_msg(n == sizeof "security.capability" + sizeof "trusted.x" + sizeof "user.y" +
			       sizeof "user.umview.made",
		      "%zd", n);
	gives(layers_listxattr(l, "f", NULL, 0), n);
	gives(layers_listxattr(l, "f", value, 5), -ERANGE);
	ok(layers_removexattr(l, "f", "trusted.x"));
	gives(layers_removexattr(l, "f", "trusted.x"), -ENODATA);
	ok(layers_chown(l, "f", 1, 1)); /* takes the capability */
	gives(layers_getxattr(l, "f", "security.capability", value, sizeof value), -ENODATA);
	ok(layers_symlink(l, "x", "s", &root_owner));
	ok(layers_setxattr(l, "s", "trusted.link", "v", 1, 0));
	gives(layers_getxattr(l, "s", "trusted.link", value, sizeof value), 1);
	ok(layers_unlink(l, "s"));
	ck_assert(system(fmt("! ls %s/upper/.umview/vstat | grep -q '[.]x'", base)) == 0 ||
		  (features_off & LAYERS_USER_XATTR));
	layers_close(l);
}
END_TEST

struct acl {
	uint32_t version;
	struct {
		uint16_t tag, perm;
		uint32_t id;
	} e[5];
};

START_TEST(acls)
{
	struct acl acl = {htole32(2), {{1, 7, ~0u}, {2, 6, 99}, {4, 5, ~0u}, {16, 6, ~0u}, {32, 4, ~0u}}};
	struct acl minimal = {htole32(2), {{1, 6, ~0u}, {4, 4, ~0u}, {32, 0, ~0u}}}, got;
	struct layers *l = open_stack(true);

	ok(create(l, "f", 0600, &root_owner));
	ok(layers_setxattr(l, "f", "system.posix_acl_access", &acl, sizeof acl, 0));
	shows(l, "f", S_IFREG | 0764, 0, 0);
	ok(layers_chmod(l, "f", 0640));
	gives(layers_getxattr(l, "f", "system.posix_acl_access", &got, sizeof got), sizeof got);
	ck_assert(got.e[0].perm == 6 && got.e[3].perm == 4 && got.e[4].perm == 0 && got.e[2].perm == 5);
	ok(layers_setxattr(l, "f", "system.posix_acl_access", &minimal, 4 + 3 * 8, 0));
	shows(l, "f", S_IFREG | 0640, 0, 0);
	gives(layers_getxattr(l, "f", "system.posix_acl_access", &got, sizeof got), -ENODATA);
	gives(layers_setxattr(l, "f", "system.posix_acl_default", &acl, sizeof acl, 0), -EACCES);
	/* Inherited */
	ok(layers_mkdir(l, "d", 0755, &root_owner));
	ok(layers_setxattr(l, "d", "system.posix_acl_default", &acl, sizeof acl, 0));
	ok(create(l, "d/f", 0666, &root_owner));
	shows(l, "d/f", S_IFREG | 0664, 0, 0);
	gives(layers_getxattr(l, "d/f", "system.posix_acl_access", &got, sizeof got), sizeof got);
	ok(layers_mkdir(l, "d/e", 0777, &root_owner));
	gives(layers_getxattr(l, "d/e", "system.posix_acl_default", &got, sizeof got), sizeof got);
	layers_close(l);
}
END_TEST

/* A record of an inode that is gone is not taken for that of the one that has its number now. */
START_TEST(numbers_used_again)
{
	struct layers_owner other = {1234, 5678, 0};
	struct layers *l = open_stack(true);
	int i;

	for (i = 0; i < 50; i++) {
		ok(layers_symlink(l, "x", "s", &other));
		shows(l, "s", S_IFLNK | 0777, 1234, 5678);
		ck_assert(unlink(at("upper/s")) == 0);
		layers_close(l);
		l = open_stack(true);
		ok(layers_symlink(l, "x", "t", &self_owner));
		shows(l, "t", S_IFLNK | 0777, getuid(), getgid());
		ok(layers_unlink(l, "t"));
	}
	layers_close(l);
}
END_TEST

START_TEST(binding)
{
	struct layers_owner other = {1234, 5678, 0};
	struct layers *l;
	struct sockaddr_un un;
	socklen_t len = sizeof un;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	put_file(at("lower/sock"), "");
	l = open_stack(true);
	gives(layers_bind(l, "sock", s, NULL, 0755, &other), -EEXIST);
	ok(layers_unlink(l, "sock"));
	ok(layers_bind(l, "sock", s, NULL, 0755, &other));
	shows(l, "sock", S_IFSOCK | 0755, 1234, 5678);
	ck_assert(listen(s, 1) == 0 && getsockname(s, (struct sockaddr *)&un, &len) == 0);
	close(s);
	layers_close(l);
}
END_TEST

/* Can a process of this user have another root directory? */
static bool may_change_root(void)
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) < 0);
	return waitpid(pid, &status, 0) == pid && status == 0 && !off(LAYERS_USER_NS);
}

/* What the kernel shows as the name of a socket bound with @name. */
static const char *kept(struct layers *l, const char *path, const char *name)
{
	static struct sockaddr_storage room;
	struct sockaddr_un *un = (struct sockaddr_un *)&room;
	socklen_t len = sizeof room;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	memset(&room, 0, sizeof room);
	ok(layers_bind(l, path, s, name, 0700, &self_owner));
	shows(l, path, S_IFSOCK | 0700, getuid(), getgid());
	ck_assert(getsockname(s, (struct sockaddr *)un, &len) == 0);
	close(s);
	ok(layers_unlink(l, path));
	return un->sun_path;
}

START_TEST(bound_names)
{
	struct layers *l = open_stack(true);
	bool absolute = may_change_root();
	char name[109];

	ok(layers_mkdir(l, "d", 0755, &self_owner));
	ck_assert_str_eq(kept(l, "sock", "sock"), "sock");
	ck_assert_str_eq(kept(l, "d/sock", "../../link/../sock"), "../../link/../sock");
	ck_assert_str_eq(kept(l, "d/sock", ".//a/./b/../sock"), ".//a/./b/../sock");
	ck_assert_str_eq(kept(l, "d/sock", "/x/y/../z/sock"), absolute ? "/x/y/../z/sock" : at("upper/d/sock"));
	ck_assert_str_eq(kept(l, "sock", "//sock"), absolute ? "//sock" : at("upper/sock"));
	/* beyond the root, or without a name: the host path */
	ck_assert_str_eq(kept(l, "sock", "/../sock"), at("upper/sock"));
	ck_assert_str_eq(kept(l, "sock", NULL), at("upper/sock"));
	memset(name, 'n', 108);
	name[108] = '\0';
	ck_assert_str_eq(kept(l, "sock", name), name);
	ck_assert_int_eq(work_entries(), 0);
	layers_close(l);
}
END_TEST

TCase *layers_attr_case(void)
{
	TCase *t = tcase_create("attributes");

	tcase_add_checked_fixture(t, test_setup, test_teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, owners);
	tcase_add_test(t, set_gid_directory);
	tcase_add_test(t, descriptors);
	tcase_add_test(t, privileged_xattrs);
	tcase_add_test(t, acls);
	tcase_add_test(t, numbers_used_again);
	tcase_add_test(t, binding);
	tcase_add_test(t, bound_names);
	return t;
}
