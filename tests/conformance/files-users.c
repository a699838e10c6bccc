/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What another user may do: search permission, sticky directories, links to others' files, owners.  Root becomes one. */
/* setup: yes */
#include <grp.h>

#include "trees.h"

static void become(uid_t uid)
{
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		exit(1);
}

static void as_other(void)
{
	static const char *const names[] = { "file", "readonly", "secret", "dir", "dir/a", "dir/b", "dir/sub", "dir/sub/deep",
					     "closed", "closed/in", "sticky", "sticky/mine", "fifo", "setid", "open" };
	struct timespec times[2] = { { 5, 6 }, { 7, 8 } };
	char label[100];
	struct stat st;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *p = names[i];

#define L(what) (snprintf(label, sizeof(label), "%s %s", what, p), label)
		opens(L("read"), open(p, O_RDONLY | O_NONBLOCK));
		opens(L("write"), open(p, O_RDWR | O_NONBLOCK));
		opens(L("path"), open(p, O_PATH));
		opens(L("noatime"), open(p, O_RDONLY | O_NONBLOCK | O_NOATIME));
		result(L("stat"), stat(p, &st));
		for (int mode = 1; mode < 8; mode++)
			result(L("access"), access(p, mode));
		result(L("chmod"), chmod(p, 0777));
		result(L("chown"), chown(p, 4321, -1));
		result(L("chgrp"), chown(p, -1, 4321));
		result(L("chown nothing"), chown(p, -1, -1));
		result(L("utimes"), utimensat(AT_FDCWD, p, times, 0));
		result(L("utimes now"), utimensat(AT_FDCWD, p, NULL, 0));
		result(L("truncate"), truncate(p, 2));
		result(L("setxattr"), syscall(SYS_setxattr, p, "user.x", "1", 1, 0));
		result(L("getxattr"), syscall(SYS_getxattr, p, "user.x", NULL, 0));
		result(L("chdir"), chdir(p) < 0 ? -1 : chdir(tree_top));
		result(L("rename"), rename(p, "sticky/renamed"));
		result(L("unlink"), unlink(p));
		result(L("rmdir"), rmdir(p));
		result(L("link"), link(p, "sticky/linked"));
		unlink("sticky/linked");
	}
	opens("create in another's", open("dir/new", O_CREAT | O_WRONLY, 0644));
	opens("create in sticky", open("sticky/own", O_CREAT | O_WRONLY, 0644));
	result("mkdir in sticky", mkdir("sticky/owndir", 0755));
	result("rename over another's in sticky", rename("sticky/own", "sticky/mine"));
	result("exchange with another's in sticky", syscall(SYS_renameat2, AT_FDCWD, "sticky/own", AT_FDCWD, "sticky/mine", 2));
	result("rename own in sticky", rename("sticky/own", "sticky/own2"));
	result("rename out of sticky", rename("sticky/own2", "dir/own2"));
	result("link own in sticky", link("sticky/own2", "sticky/own3"));
	result("rmdir another's in sticky", rmdir("sticky/otherdir"));
	result("chmod own", chmod("sticky/own2", 06755));
	shape("chmod own: mode", "sticky/own2");
	result("chown own to another", chown("sticky/own2", 0, -1));
	result("chgrp own to another", chown("sticky/own2", -1, 0));
	result("chown own to self", chown("sticky/own2", 4321, 4321));
	shape("chown own: mode", "sticky/own2");
	opens("own link in sticky", (symlink("../file", "sticky/ownlink"), open("sticky/ownlink", O_RDONLY)));
	opens("the owner's link in sticky", open("sticky/theirs", O_RDONLY));
	opens("another's link in sticky", open("sticky/third", O_RDONLY));
	result("another's link in sticky, stat", stat("sticky/third", &st));
	result("another's link in sticky, lstat", lstat("sticky/third", &st));
	result("another's link in sticky, on the way", stat("sticky/thirddir/a", &st));
	opens("another's in sticky, creat", open("sticky/thirdfile", O_CREAT | O_WRONLY, 0644));
	opens("another's in sticky, no creat", open("sticky/thirdfile", O_WRONLY));
	result("mknod", mknod("sticky/node", S_IFCHR | 0600, 0x103));
	opens("tmpfile in another's", open("dir", O_TMPFILE | O_RDWR, 0600));
	opens("tmpfile in sticky", open("sticky", O_TMPFILE | O_RDWR, 0600));
	result("chroot", geteuid() == 0 ? 0 : -1);
}

static void run(void)
{
	pid_t pid;
	int status;

	if (geteuid() != 0) {
		observe("root", "no");
		return;
	}
	put_file(".", "open", "everybody's", 0666);
	mkdir("sticky/otherdir", 0755);
	symlink("../file", "sticky/theirs");
	symlink("../file", "sticky/third");
	symlink("../dir", "sticky/thirddir");
	put_file(".", "sticky/thirdfile", "third", 0666);
	if (lchown("sticky/third", 77, 77) < 0 || lchown("sticky/thirddir", 77, 77) < 0 || chown("sticky/thirdfile", 77, 77) < 0)
		exit(1);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		become(4321);
		as_other();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	observe("root", "%x", status);
}
