/* SPDX-License-Identifier: GPL-2.0-or-later */
/* O_TMPFILE: files without a name, and names for them. */
/* setup: yes */
/* more: yes */
#include "trees.h"

static char *proc_name(int fd)
{
	static char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return name;
}

static long link_proc(int fd, const char *to)
{
	return syscall(SYS_linkat, AT_FDCWD, proc_name(fd), AT_FDCWD, to, AT_SYMLINK_FOLLOW);
}

static void one(const char *dir, int flags, mode_t mode)
{
	char label[100], path[100], text[PATH_MAX];
	struct stat st, again;
	ssize_t n;
	int fd;

#define CASE(what) (snprintf(label, sizeof(label), "%s %o %o %s", dir, flags & ~O_TMPFILE, mode, what), label)
	fd = opened(CASE("open"), open(dir, O_TMPFILE | flags, mode));
	if (fd < 0)
		return;
	fstat(fd, &st);
	observe(CASE("stat"), "%o links %lu size %ld mine %d", st.st_mode, (unsigned long)st.st_nlink, (long)st.st_size,
		st.st_uid == geteuid());
	observe(CASE("flags"), "%o", fcntl(fd, F_GETFL) & ~O_DIRECTORY);
	result(CASE("write"), write(fd, "nameless", 8));
	result(CASE("read"), pread(fd, text, 8, 0));
	n = readlink(proc_name(fd), text, sizeof(text));
	observe(CASE("name"), "%d", n > 10 && memcmp(text + n - 10, " (deleted)", 10) == 0);
	result(CASE("fchmod"), fchmod(fd, 0640));
	result(CASE("fsetxattr"), syscall(SYS_fsetxattr, fd, "user.tmp", "v", 1, 0));
	result(CASE("ftruncate"), ftruncate(fd, 4));
	snprintf(path, sizeof(path), "%s/named", dir);
	result(CASE("link by proc"), link_proc(fd, path));
	shape(CASE("link: there"), path);
	fstat(fd, &st);
	if (stat(path, &again) == 0)
		observe(CASE("link: the same"), "%d links %lu", st.st_ino == again.st_ino, (unsigned long)st.st_nlink);
	content(CASE("link: content"), path);
	observe(CASE("link: xattr"), "%ld", syscall(SYS_getxattr, path, "user.tmp", text, 10));
	result(CASE("link again"), link_proc(fd, path));
	result(CASE("link twice"), link_proc(fd, "named2"));
	result(CASE("link: unlink 2"), unlink("named2"));
	result(CASE("link: unlink"), unlink(path));
	result(CASE("link after the last name went"), link_proc(fd, path));
	close(fd);
	fd = open(dir, O_TMPFILE | flags, mode);
	/* over a name that was removed */
	snprintf(path, sizeof(path), "%s/a", dir);
	if (access(path, F_OK) == 0) {
		result(CASE("over: unlink"), unlink(path));
		result(CASE("over: link"), syscall(SYS_linkat, fd, "", AT_FDCWD, path, AT_EMPTY_PATH));
		shape(CASE("over: there"), path);
	}
	result(CASE("link to elsewhere"), link_proc(fd, "full/there"));
	result(CASE("link to what exists"), link_proc(fd, "file"));
	result(CASE("link to none"), link_proc(fd, "none/there"));
	result(CASE("link to closed"), link_proc(fd, "closed/there"));
	result(CASE("link with slash"), link_proc(fd, "there/"));
	unlink("full/there");
	close(fd);
}

static void run(void)
{
	opens("file", open("file", O_TMPFILE | O_RDWR, 0600));
	opens("none", open("none", O_TMPFILE | O_RDWR, 0600));
	opens("closed", open("closed", O_TMPFILE | O_RDWR, 0600));
	opens("closed inside", open("closed/in", O_TMPFILE | O_RDWR, 0600));
	opens("rdonly", open(".", O_TMPFILE | O_RDONLY, 0600));
	opens("dangling", open("dangling", O_TMPFILE | O_RDWR, 0600));
	opens("nofollow link", open("dirlink", O_TMPFILE | O_RDWR | O_NOFOLLOW, 0600));
	opens("link", open("dirlink", O_TMPFILE | O_RDWR, 0600));
	one(".", O_RDWR, 0600);
	one("dir", O_RDWR, 0666);
	one("empty", O_WRONLY, 0644);
	one("sticky", O_RDWR | O_EXCL, 0600);
	one("dir/sub", O_RDWR | O_APPEND, 0000);
	umask(077);
	one("full", O_RDWR | O_CLOEXEC, 0777);
	umask(022);
	one("full", O_RDWR, 04755);
	chmod("dir", 02755);
	one("dir", O_RDWR, 0666);
	chmod("dir", 0555);
	opens("readonly dir", open("dir", O_TMPFILE | O_RDWR, 0600));
}
