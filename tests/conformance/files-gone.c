/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors of files whose names have gone, or gone to something else. */
/* setup: yes */
#include "trees.h"

static char *proc_name(int fd)
{
	static char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return name;
}

static void look(const char *what, int fd)
{
	char text[30] = "", label[100];
	struct stat st;
	int again;

	fstat(fd, &st);
	snprintf(label, sizeof(label), "%s fstat", what);
	observe(label, "%o links %lu", st.st_mode, (unsigned long)(S_ISDIR(st.st_mode) ? 0 : st.st_nlink));
	stat(proc_name(fd), &st);
	snprintf(label, sizeof(label), "%s stat by proc", what);
	observe(label, "%o", st.st_mode);
	snprintf(label, sizeof(label), "%s read", what);
	if (!S_ISDIR(st.st_mode)) {
		pread(fd, text, sizeof(text) - 1, 0);
		observe(label, "%s", text);
	}
	snprintf(label, sizeof(label), "%s reopen", what);
	again = opened(label, open(proc_name(fd), O_RDONLY));
	if (again >= 0 && !S_ISDIR(st.st_mode)) {
		memset(text, 0, sizeof(text));
		pread(again, text, sizeof(text) - 1, 0);
		snprintf(label, sizeof(label), "%s reopened: read", what);
		observe(label, "%s", text);
	}
	if (again >= 0)
		close(again);
}

static void run(void)
{
	int file = open("file", O_RDONLY), other = open("other", O_RDONLY), dir = open("dir", O_RDONLY);
	int deep = open("dir/sub/deep", O_RDONLY), hard = open("hard1", O_RDONLY), x = open("full/x", O_RDONLY);
	struct stat st;

	/* removed */
	unlink("file");
	look("removed", file);
	result("removed: fchmod", fchmod(file, 0600));
	result("removed: link", linkat(file, "", AT_FDCWD, "linked", AT_EMPTY_PATH));
	put_file(".", "file", "a new one", 0644);
	look("removed, a new one is there", file);
	result("removed, a new one is there: fchmod", fchmod(file, 0611));
	shape("removed, a new one is there: it", "file");
	result("removed, a new one is there: fsetxattr", syscall(SYS_fsetxattr, file, "user.gone", "x", 1, 0));
	result("removed, a new one is there: fgetxattr", syscall(SYS_fgetxattr, file, "user.none", NULL, 0));
	result("removed, a new one is there: flistxattr", syscall(SYS_flistxattr, file, NULL, 0) < 0 ? -1 : 0);
	result("removed, a new one is there: its xattr", syscall(SYS_getxattr, "file", "user.gone", NULL, 0));
	struct timespec times[2] = { { 5, 6 }, { 7, 8 } };
	result("removed, a new one is there: futimens", futimens(file, times));
	stat("file", &st);
	observe("removed, a new one is there: its time", "%d", st.st_mtime == 7);

	/* replaced */
	put_file(".", "replacement", "replacement", 0640);
	rename("replacement", "other");
	look("replaced", other);
	result("replaced: fchmod", fchmod(other, 0604));
	shape("replaced: by this", "other");
	rename("other", "again");
	shape("replaced: which went on", "again");
	look("replaced, and its place empty", other);

	/* one of two names */
	unlink("hard1");
	look("one name less", hard);
	result("one name less: fchmod", fchmod(hard, 0600));

	/* below a directory that is renamed, more than once */
	rename("dir", "one");
	look("above renamed", deep);
	rename("one/sub", "two");
	look("above renamed twice", deep);
	result("above renamed: fchmod", fchmod(deep, 0640));
	shape("above renamed: where it is", "two/deep");
	rename("two/deep", "three");
	result("renamed itself: fchmod", fchmod(deep, 0604));
	shape("renamed itself: where it is", "three");
	result("renamed: by directory", fstatat(dir, "a", &st, 0));
	result("renamed: made in it", mkdirat(dir, "made", 0755));
	shape("renamed: where that is", "one/made");
	put_dir(".", "dir", 0711);
	look("renamed, a new one is there", dir);
	result("renamed, a new one is there: fchmod", fchmod(dir, 0750));
	shape("renamed, a new one is there: it", "dir");
	shape("renamed, a new one is there: the old one", "one");

	/* exchanged */
	syscall(SYS_renameat2, AT_FDCWD, "full", AT_FDCWD, "dir", 2);
	look("exchanged", x);
	result("exchanged: fchmod", fchmod(x, 0606));
	shape("exchanged: where it is", "dir/x");
	syscall(SYS_renameat2, AT_FDCWD, "dir/x", AT_FDCWD, "three", 2);
	result("exchanged files: fchmod", fchmod(x, 0622));
	shape("exchanged files: where it is", "three");
	result("exchanged files: fchmod of the other", fchmod(deep, 0611));
	shape("exchanged files: where the other is", "dir/x");
	unlink("three");
	look("exchanged and removed", x);
}
