/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mkdir, mknod, symlink, link, unlink, rmdir, chdir. */
/* setup: yes */
/* more: yes */
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "trees.h"

static const char *const names[] = { "file", "dir", "fifo", "link", "dirlink", "loop", "dangling", "file/", "dir/",
				     "link/", "dirlink/", "loop/", "dangling/", "dir/.", "dir/..", ".", "..", "/", "",
				     "new", "new/", "new//", "none/x", "none/", "file/x", "link/x", "closed/in",
				     "closed/new", "dirlink/new", "loop/x", "full", "full/", "empty", "empty/", "empty2/.",
				     "dirlink/a", "links/41", "./new", "new/." };

static void makers(void)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		const char *p = names[i];

		if (result(label("mkdirat", p), syscall(SYS_mkdirat, AT_FDCWD, p, 07777)) == 0) {
			shape(label("mkdirat: mode", p), p);
			result(label("mkdirat: rmdir", p), rmdir(p));
		}
		if (result(label("mkfifo", p), syscall(SYS_mknodat, AT_FDCWD, p, S_IFIFO | 0666, 0)) == 0) {
			shape(label("mkfifo: mode", p), p);
			result(label("mkfifo: unlink", p), unlink(p));
		}
		if (result(label("mknod", p), syscall(SYS_mknodat, AT_FDCWD, p, S_IFREG | 04666, 0)) == 0) {
			shape(label("mknod: mode", p), p);
			result(label("mknod: unlink", p), unlink(p));
		}
		if (result(label("mknod 0", p), syscall(SYS_mknodat, AT_FDCWD, p, 0600, 0)) == 0) {
			shape(label("mknod 0: mode", p), p);
			result(label("mknod 0: unlink", p), unlink(p));
		}
		if (result(label("mknod socket", p), syscall(SYS_mknodat, AT_FDCWD, p, S_IFSOCK | 0600, 0)) == 0) {
			shape(label("mknod socket: mode", p), p);
			result(label("mknod socket: unlink", p), unlink(p));
		}
		result(label("mknod dir", p), syscall(SYS_mknodat, AT_FDCWD, p, S_IFDIR | 0600, 0));
		result(label("mknod link", p), syscall(SYS_mknodat, AT_FDCWD, p, S_IFLNK | 0600, 0));
		if (geteuid() != 0)
			result(label("mknod chr", p),
			       syscall(SYS_mknodat, AT_FDCWD, p, S_IFCHR | 0600, (int)makedev(1, 3)));
		if (result(label("symlink", p), syscall(SYS_symlinkat, "target", AT_FDCWD, p)) == 0)
			result(label("symlink: unlink", p), unlink(p));
		if (result(label("link file", p), syscall(SYS_linkat, AT_FDCWD, "file", AT_FDCWD, p, 0)) == 0)
			result(label("link: unlink", p), unlink(p));
		if (result(label("link file follow", p),
			   syscall(SYS_linkat, AT_FDCWD, "link", AT_FDCWD, p, AT_SYMLINK_FOLLOW)) == 0) {
			shape(label("link follow: mode", p), p);
			result(label("link follow: unlink", p), unlink(p));
		}
		if (result(label("link symlink", p), syscall(SYS_linkat, AT_FDCWD, "link", AT_FDCWD, p, 0)) == 0) {
			shape(label("link symlink: mode", p), p);
			result(label("link symlink: unlink", p), unlink(p));
		}
		result(label("link dir", p), syscall(SYS_linkat, AT_FDCWD, "dir", AT_FDCWD, p, 0));
		result(label("link none", p), syscall(SYS_linkat, AT_FDCWD, "nonesuch", AT_FDCWD, p, 0));
		if (strstr(p, "new") == NULL &&
		    result(label("link of", p), syscall(SYS_linkat, AT_FDCWD, p, AT_FDCWD, "newer", 0)) == 0) {
			shape(label("link of: mode", p), "newer");
			unlink("newer");
		}
		if (strstr(p, "new") == NULL &&
		    result(label("link of, followed", p),
			   syscall(SYS_linkat, AT_FDCWD, p, AT_FDCWD, "newer", AT_SYMLINK_FOLLOW)) == 0) {
			shape(label("link of, followed: mode", p), "newer");
			unlink("newer");
		}
	}
	mkdir("sgid", 0755);
	chmod("sgid", 02755);
	mkdir("sgid/inner", 0755);
	shape("sgid: mkdir", "sgid/inner");
	umask(0);
	mkdir("umask0", 01777);
	shape("umask 0: mkdir", "umask0");
	umask(0777);
	mkdir("umask777", 0777);
	shape("umask 777: mkdir", "umask777");
	umask(07022); /* what is not of the permissions is ignored */
	mkdir("umask7022", 01777);
	shape("umask 7022: mkdir", "umask7022");
	umask(022);
}

static void words(void)
{
	char text[PATH_MAX + 300];
	int dir = open("dir", O_PATH), file = open("file", O_RDONLY);

	result("mkdirat bad fd", syscall(SYS_mkdirat, 9999, "x", 0755));
	result("mkdirat file fd", syscall(SYS_mkdirat, file, "x", 0755));
	result("mkdirat dir fd", syscall(SYS_mkdirat, dir, "madehere", 0755));
	result("unlinkat dir fd", syscall(SYS_unlinkat, dir, "madehere", AT_REMOVEDIR));
	result("mkdirat null", syscall(SYS_mkdirat, AT_FDCWD, NULL, 0755));
	result("symlinkat null target", syscall(SYS_symlinkat, NULL, AT_FDCWD, "x"));
	result("symlinkat empty target", syscall(SYS_symlinkat, "", AT_FDCWD, "x"));
	result("symlinkat empty target, existing", syscall(SYS_symlinkat, "", AT_FDCWD, "file"));
	memset(text, 'x', sizeof(text));
	text[4096] = '\0';
	result("symlinkat target of 4096", syscall(SYS_symlinkat, text, AT_FDCWD, "long"));
	text[4095] = '\0';
	result("symlinkat target of 4095", syscall(SYS_symlinkat, text, AT_FDCWD, "long"));
	unlink("long");
	text[256] = '\0';
	result("mkdir of 256", syscall(SYS_mkdirat, AT_FDCWD, text, 0755));
	result("rmdir of 256", syscall(SYS_unlinkat, AT_FDCWD, text, AT_REMOVEDIR));
	result("link of 256", syscall(SYS_linkat, AT_FDCWD, "file", AT_FDCWD, text, 0));
	text[255] = '\0';
	result("mkdir of 255", syscall(SYS_mkdirat, AT_FDCWD, text, 0755));
	result("rmdir of 255", syscall(SYS_unlinkat, AT_FDCWD, text, AT_REMOVEDIR));
	result("linkat bad flag", syscall(SYS_linkat, AT_FDCWD, "file", AT_FDCWD, "x", AT_SYMLINK_NOFOLLOW));
	result("linkat bad fd", syscall(SYS_linkat, 9999, "file", AT_FDCWD, "x", 0));
	result("linkat bad fd 2", syscall(SYS_linkat, AT_FDCWD, "file", 9999, "x", 0));
	result("linkat abs, bad fds", syscall(SYS_linkat, 9999, at_top("file"), 9999, at_top("x"), 0));
	unlink("x");
	result("linkat null", syscall(SYS_linkat, AT_FDCWD, NULL, AT_FDCWD, "x", 0));
	result("linkat null 2", syscall(SYS_linkat, AT_FDCWD, "file", AT_FDCWD, NULL, 0));
	result("linkat null, none 2", syscall(SYS_linkat, AT_FDCWD, "none", AT_FDCWD, NULL, 0));
	result("linkat none to closed", syscall(SYS_linkat, AT_FDCWD, "none", AT_FDCWD, "closed/x", 0));
	result("linkat file to existing dir", syscall(SYS_linkat, AT_FDCWD, "file", AT_FDCWD, "dir", 0));
	result("linkat dir to existing", syscall(SYS_linkat, AT_FDCWD, "dir", AT_FDCWD, "file", 0));
	result("linkat secret", syscall(SYS_linkat, AT_FDCWD, "secret", AT_FDCWD, "x", 0));
	unlink("x");
	result("unlinkat bad flag", syscall(SYS_unlinkat, AT_FDCWD, "file", 1));
	result("unlinkat bad flag, none", syscall(SYS_unlinkat, AT_FDCWD, "none", 1));
	result("unlinkat bad fd", syscall(SYS_unlinkat, 9999, "file", 0));
	result("unlinkat null", syscall(SYS_unlinkat, AT_FDCWD, NULL, 0));
	result("unlinkat page end", syscall(SYS_unlinkat, AT_FDCWD, page_end("file", 4), 0));
	close(dir);
	close(file);
}

/* By a descriptor, or by its name in /proc. */
static void links_by_fd(void)
{
	static const char *const what[] = { "file", "link", "dir", "fifo" };
	char number[64];

	for (size_t i = 0; i < COUNT(what); i++)
		for (int w = 0; w < 2; w++) {
			int fd = open(what[i], w ? O_PATH | O_NOFOLLOW : O_RDONLY | O_NONBLOCK);

			snprintf(number, sizeof(number), "/proc/self/fd/%d", fd);
			result(label(w ? "link path by proc" : "link by proc", what[i]),
			       syscall(SYS_linkat, AT_FDCWD, number, AT_FDCWD, "byproc", AT_SYMLINK_FOLLOW));
			shape(label("link by proc: mode", what[i]), "byproc");
			unlink("byproc");
			result(label(w ? "link path by proc, not followed" : "link by proc, not followed", what[i]),
			       syscall(SYS_linkat, AT_FDCWD, number, AT_FDCWD, "byproc", 0));
			/* AT_EMPTY_PATH: since Linux 6.10 also for who opened it */
			result(label(w ? "link path empty" : "link empty", what[i]),
			       syscall(SYS_linkat, fd, "", AT_FDCWD, "byfd", AT_EMPTY_PATH));
			shape(label("link empty: mode", what[i]), "byfd");
			unlink("byfd");
			result(label("link empty without flag", what[i]),
			       syscall(SYS_linkat, fd, "", AT_FDCWD, "byfd", 0));
			close(fd);
		}
	int fd = open("other", O_RDWR);

	unlink("other");
	snprintf(number, sizeof(number), "/proc/self/fd/%d", fd);
	result("link removed by proc",
	       syscall(SYS_linkat, AT_FDCWD, number, AT_FDCWD, "byproc", AT_SYMLINK_FOLLOW));
	result("link removed empty", syscall(SYS_linkat, fd, "", AT_FDCWD, "byfd", AT_EMPTY_PATH));
	close(fd);
	put_file(".", "other", "other", 0644);
	fd = memfd_create("m", 0);
	snprintf(number, sizeof(number), "/proc/self/fd/%d", fd);
	result("link memfd by proc", syscall(SYS_linkat, AT_FDCWD, number, AT_FDCWD, "byproc", AT_SYMLINK_FOLLOW));
	close(fd);
	result("link of /proc", syscall(SYS_linkat, AT_FDCWD, "/proc/self/status", AT_FDCWD, "byproc", 0));
}

static void hard_links(void)
{
	struct stat a, b;
	int fd;

	result("hard: link", link("file", "file2"));
	shape("hard: first", "file");
	shape("hard: second", "file2");
	stat("file", &a);
	stat("file2", &b);
	observe("hard: same", "%d", a.st_ino == b.st_ino);
	fd = open("file2", O_WRONLY | O_APPEND);
	write(fd, "more", 4);
	close(fd);
	content("hard: written by the other", "file");
	result("hard: unlink", unlink("file"));
	shape("hard: left", "file2");
	result("hard: back", rename("file2", "file"));
	/* two names made before */
	fd = open("hard1", O_WRONLY | O_APPEND);
	write(fd, "er", 2);
	close(fd);
	content("hard: old pair", "hard2");
	shape("hard: old pair: first", "hard1");
	shape("hard: old pair: second", "hard2");
	chmod("hard2", 0600);
	shape("hard: old pair: chmod", "hard1");
	result("hard: old pair: third", link("hard2", "hard3"));
	shape("hard: old pair: three", "hard1");
	result("hard: old pair: unlink", unlink("hard1"));
	shape("hard: old pair: two", "hard2");
	content("hard: old pair: content", "hard2");
	result("hard: old pair: unlink 3", unlink("hard3"));
	shape("hard: old pair: one", "hard2");
	for (int i = 0; i < 20; i++) {
		char name[20];

		snprintf(name, sizeof(name), "many%d", i);
		link("hard2", name);
	}
	shape("hard: many", "hard2");
}

static void removers(void)
{
	static const char *const order[] = { "none", "none/", "none/x", "file/", "file/x", "link/", "dirlink/", "loop/", "dangling/",
					     "dir", "dir/", "full", "full/.", "full/..", ".", "..", "/", "", "loop/x",
					     "closed/in", "closed/none", "fifo/", "file", "link", "dirlink", "loop",
					     "dangling", "fifo", "empty/", "empty2", "readonly", "secret", "sticky/mine",
					     "links/41", "closed" };

	for (size_t i = 0; i < COUNT(order); i++) {
		const char *p = order[i];

		result(label("unlink", p), syscall(SYS_unlinkat, AT_FDCWD, p, 0));
		result(label("unlink: again", p), syscall(SYS_unlinkat, AT_FDCWD, p, 0));
		result(label("rmdir", p), syscall(SYS_unlinkat, AT_FDCWD, p, AT_REMOVEDIR));
		result(label("rmdir: again", p), syscall(SYS_unlinkat, AT_FDCWD, p, AT_REMOVEDIR));
		shape(label("removed", p), p);
	}
	/* what was removed can be made anew, as something else */
	result("anew: mkdir", mkdir("file", 0755));
	result("anew: file in it", close(open("file/x", O_CREAT | O_WRONLY, 0644)));
	result("anew: symlink", symlink("file", "empty"));
	shape("anew: through it", "empty/x");
	result("anew: file", close(open("empty2", O_CREAT | O_EXCL | O_WRONLY, 0600)));
	shape("anew: mode", "empty2");
	result("anew: mkfifo", mkfifo("link", 0600));
	unlink("full/x");
	result("anew: emptied", rmdir("full"));
	result("anew: made", mkdir("full", 0700));
	shape("anew: nothing shows", "full/x");
}

static void working_directory(void)
{
	char text[PATH_MAX], *p;
	int dir = open("dir", O_RDONLY), path = open("dir/sub", O_PATH), file = open("file", O_RDONLY);

	for (size_t i = 0; i < COUNT(names); i++) {
		if (strcmp(names[i], "/") == 0 || result(label("chdir", names[i]), chdir(names[i])) < 0)
			continue;
		p = getcwd(text, sizeof(text));
		observe(label("chdir: where", names[i]), "%s",
		    p && strncmp(p, tree_top, strlen(tree_top)) == 0 ? p + strlen(tree_top) : "elsewhere");
		if (chdir(tree_top) < 0)
			exit(1);
	}
	result("fchdir", fchdir(dir));
	shape("fchdir: there", "a");
	result("fchdir path", fchdir(path));
	shape("fchdir path: there", "deep");
	shape("fchdir path: up", "../a");
	result("fchdir file", fchdir(file));
	result("fchdir bad", fchdir(9999));
	result("fchdir cwd", syscall(SYS_fchdir, AT_FDCWD));
	result("chdir null", syscall(SYS_chdir, NULL));
	result("chdir back", chdir("../.."));
	result("getcwd size 1", syscall(SYS_getcwd, text, 1));
	result("getcwd null", syscall(SYS_getcwd, NULL, 100));
	result("getcwd size 0", syscall(SYS_getcwd, text, 0));
	mkdir("going", 0755);
	mkdir("going/inner", 0755);
	result("removed: chdir", chdir("going/inner"));
	result("removed: rename above", rename("../../going", "../../gone"));
	p = getcwd(text, sizeof(text));
	observe("removed: cwd after rename", "%s", p ? p + strlen(tree_top) : outcome(-1));
	result("removed: rmdir", rmdir("../inner"));
	result("removed: rmdir above", rmdir("../../gone"));
	p = getcwd(text, sizeof(text));
	observe("removed: cwd", "%s", p ? p : outcome(-1));
	shape("removed: .", ".");
	opens("removed: open .", open(".", O_RDONLY));
	opens("removed: creat", open("x", O_CREAT | O_WRONLY, 0644));
	result("removed: mkdir", mkdir("x", 0755));
	result("removed: symlink", symlink("x", "y"));
	shape("removed: ..", "..");
	shape("removed: none", "none");
	if (chdir(tree_top) < 0)
		exit(1);
	/* the same with a directory that was there before */
	rename("full", "fuller");
	result("moved: chdir", chdir("fuller"));
	shape("moved: inside", "x");
	result("moved: again", rename("../fuller", "../fullest"));
	p = getcwd(text, sizeof(text));
	observe("moved: cwd", "%s", p ? p + strlen(tree_top) : outcome(-1));
	shape("moved: inside again", "x");
	result("moved: unlink inside", unlink("x"));
	result("moved: rmdir", rmdir("../fullest"));
	p = getcwd(text, sizeof(text));
	observe("moved: cwd gone", "%s", p ? p : outcome(-1));
	opens("moved: creat", open("y", O_CREAT | O_WRONLY, 0644));
	if (chdir(tree_top) < 0)
		exit(1);
	mkdir("full", 0755);
	put_file(".", "full/x", "x", 0644);
	close(dir);
	close(path);
	close(file);
}

static void run(void)
{
	makers();
	words();
	links_by_fd();
	hard_links();
	working_directory();
	removers();
}
