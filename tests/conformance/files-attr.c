/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chmod, chown, truncate, the calls that set times; what becomes of set-id bits. */
/* setup: yes */
#include <sys/time.h>
#include <utime.h>

#include "trees.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static const char *const names[] = { "file", "readonly", "dir",  "fifo", "link",  "dirlink", "loop", "dangling", "file/",
				     "dir/", "link/",	 "dir/.", ".",	  "", "none", "none/", "none/x", "file/x",
				     "closed/in", "dirlink/a", "links/41", "hard1" };

static void modes(void)
{
	int fd;

	for (size_t i = 0; i < COUNT(names); i++) {
		const char *p = names[i];
		struct stat st;
		mode_t old = stat(p, &st) == 0 ? st.st_mode & 07777 : 0;

#ifdef SYS_chmod
		result(label("chmod", p), syscall(SYS_chmod, p, 0751));
		shape(label("chmod: mode", p), p);
#endif
		result(label("fchmodat", p), syscall(SYS_fchmodat, AT_FDCWD, p, 0700));
		result(label("fchmodat2", p), syscall(SYS_fchmodat2, AT_FDCWD, p, 04711, 0));
		shape(label("fchmodat2: mode", p), p);
		result(label("fchmodat2 nofollow", p), syscall(SYS_fchmodat2, AT_FDCWD, p, 0711, AT_SYMLINK_NOFOLLOW));
		result(label("fchmodat2 empty", p), syscall(SYS_fchmodat2, AT_FDCWD, p, 0755, AT_EMPTY_PATH));
		result(label("fchmodat2 bad flag", p), syscall(SYS_fchmodat2, AT_FDCWD, p, 0711, 0x8000));
		shape(label("fchmodat2: mode after", p), p);
		result(label("fchmodat abs", p), syscall(SYS_fchmodat, 9999, at_top(p), 0170000 | 0700));
		if (old != 0)
			syscall(SYS_fchmodat, AT_FDCWD, p, old);
		fd = open(p, O_PATH);
		if (fd < 0)
			continue;
		result(label("fchmod path", p), syscall(SYS_fchmod, fd, 0700));
		result(label("fchmodat2 fd empty", p), syscall(SYS_fchmodat2, fd, "", 0701, AT_EMPTY_PATH));
		shape(label("fchmodat2 fd empty: mode", p), p);
		result(label("fchmodat2 fd empty, no flag", p), syscall(SYS_fchmodat2, fd, "", 0701, 0));
		close(fd);
		fd = open(p, O_RDONLY | O_NONBLOCK);
		result(label("fchmod", p), syscall(SYS_fchmod, fd, 01702));
		shape(label("fchmod: mode", p), p);
		close(fd);
		if (old != 0)
			syscall(SYS_fchmodat, AT_FDCWD, p, old);
	}
	result("fchmod bad", syscall(SYS_fchmod, 9999, 0700));
	result("fchmod cwd", syscall(SYS_fchmod, AT_FDCWD, 0700));
	result("fchmodat null", syscall(SYS_fchmodat, AT_FDCWD, NULL, 0700));
	result("fchmodat2 null empty", syscall(SYS_fchmodat2, AT_FDCWD, NULL, 0700, AT_EMPTY_PATH));
	result("chmod /proc", chmod("/proc/self/status", 0700));
	fd = open("file", O_RDONLY);
	chmod("file", 0);
	opens("after chmod 0", open("file", O_RDONLY));
	result("after chmod 0: fchmod", fchmod(fd, 0644));
	opens("after fchmod", open("file", O_RDWR));
	close(fd);
}

static void owners(void)
{
	uid_t me = geteuid(), other = me == 0 ? 4321 : 0;
	gid_t mine = getegid();
	int fd;

	for (size_t i = 0; i < COUNT(names); i++) {
		const char *p = names[i];

#ifdef SYS_chown
		result(label("chown", p), syscall(SYS_chown, p, me, mine));
		result(label("chown -1", p), syscall(SYS_chown, p, -1, -1));
		result(label("lchown", p), syscall(SYS_lchown, p, me, -1));
#endif
		if (me != 0)
			result(label("chown other", p), syscall(SYS_fchownat, AT_FDCWD, p, other, -1, 0));
		result(label("fchownat", p), syscall(SYS_fchownat, AT_FDCWD, p, -1, mine, AT_SYMLINK_NOFOLLOW));
		result(label("fchownat empty", p), syscall(SYS_fchownat, AT_FDCWD, p, me, mine, AT_EMPTY_PATH));
		result(label("fchownat bad flag", p), syscall(SYS_fchownat, AT_FDCWD, p, me, mine, 0x8000));
		fd = open(p, O_PATH | O_NOFOLLOW);
		if (fd < 0)
			continue;
		result(label("fchown path", p), syscall(SYS_fchown, fd, me, mine));
		result(label("fchownat fd empty", p), syscall(SYS_fchownat, fd, "", me, mine, AT_EMPTY_PATH));
		close(fd);
		fd = open(p, O_RDONLY | O_NONBLOCK);
		result(label("fchown", p), syscall(SYS_fchown, fd, -1, mine));
		close(fd);
	}
	result("fchown bad", syscall(SYS_fchown, 9999, me, mine));
	result("fchown cwd", syscall(SYS_fchown, AT_FDCWD, me, mine));
	result("fchownat null", syscall(SYS_fchownat, AT_FDCWD, NULL, me, mine, 0));
}

/* Owners of one's own, as root. */
static void given_away(void)
{
	struct stat st;
	int fd;

	if (geteuid() != 0)
		return;
	result("give", chown("other", 4321, 1234));
	stat("other", &st);
	observe("give: owner", "%d %d", (int)st.st_uid, (int)st.st_gid);
	fd = open("other", O_RDONLY);
	result("give fd", fchown(fd, -1, 77));
	fstat(fd, &st);
	observe("give fd: owner", "%d %d", (int)st.st_uid, (int)st.st_gid);
	close(fd);
	result("give link", lchown("link", 5, 6));
	lstat("link", &st);
	observe("give link: owner", "%d %d", (int)st.st_uid, (int)st.st_gid);
	result("give dir", chown("dir", 7, 8));
	result("give dir: sgid", chmod("dir", 02775));
	close(open("dir/inherits", O_CREAT | O_WRONLY, 0644));
	stat("dir/inherits", &st);
	observe("give dir: inherited", "%d %d", (int)st.st_uid, (int)st.st_gid);
	mkdir("dir/inheritd", 0755);
	stat("dir/inheritd", &st);
	observe("give dir: inherited by dir", "%d %d %o", (int)st.st_uid, (int)st.st_gid, st.st_mode);
	chown("dir", 0, 0);
}

/* @bits are set before each change; what is left of them. */
static void setid(mode_t bits)
{
	uid_t me = geteuid();
	gid_t mine = getegid();
	char name[100], pipe_text[] = "p";
	int fd, pipes[2];

#define AGAIN(what)                                                                                                      \
	do {                                                                                                             \
		chmod("setid", bits);                                                                                    \
		snprintf(name, sizeof(name), "setid %o %s", bits, what);                                                 \
	} while (0)
	AGAIN("chmod");
	shape(name, "setid");
	AGAIN("chown self");
	chown("setid", me, mine);
	shape(name, "setid");
	AGAIN("chown -1");
	chown("setid", -1, -1);
	shape(name, "setid");
	AGAIN("fchown");
	fd = open("setid", O_RDONLY);
	fchown(fd, me, -1);
	close(fd);
	shape(name, "setid");
	AGAIN("write");
	fd = open("setid", O_WRONLY | O_APPEND);
	write(fd, "x", 1);
	shape(name, "setid");
	write(fd, "x", 0);
	close(fd);
	AGAIN("pwrite");
	fd = open("setid", O_WRONLY);
	pwrite(fd, "#", 1, 0);
	close(fd);
	shape(name, "setid");
	AGAIN("open with truncation");
	close(open("setid", O_WRONLY | O_TRUNC));
	shape(name, "setid");
	AGAIN("truncate");
	truncate("setid", 5);
	shape(name, "setid");
	AGAIN("truncate to the same");
	truncate("setid", 5);
	shape(name, "setid");
	AGAIN("ftruncate");
	fd = open("setid", O_WRONLY);
	ftruncate(fd, 3);
	close(fd);
	shape(name, "setid");
	AGAIN("fallocate");
	fd = open("setid", O_WRONLY);
	fallocate(fd, 0, 0, 100);
	close(fd);
	shape(name, "setid");
	AGAIN("splice");
	fd = open("setid", O_WRONLY);
	if (pipe(pipes) == 0 && write(pipes[1], pipe_text, 1) == 1)
		splice(pipes[0], NULL, fd, NULL, 1, 0);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
	shape(name, "setid");
	AGAIN("utimes");
	utimes("setid", NULL);
	shape(name, "setid");
	AGAIN("rename");
	rename("setid", "setid2");
	rename("setid2", "setid");
	shape(name, "setid");
	AGAIN("setxattr");
	syscall(SYS_setxattr, "setid", "user.x", "y", 1, 0);
	shape(name, "setid");
}

static void sizes(void)
{
	int fd;

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i], "fifo") != 0)
			result(label("truncate", names[i]), syscall(SYS_truncate, names[i], 4));
	result("truncate fifo", syscall(SYS_truncate, "fifo", 4));
	content("truncate: content", "file");
	result("truncate up", truncate("file", 12));
	shape("truncate up: size", "file");
	result("truncate negative", syscall(SYS_truncate, "file", -1L));
	result("truncate negative, none", syscall(SYS_truncate, "none", -1L));
	result("truncate negative, dir", syscall(SYS_truncate, "dir", -1L));
	result("truncate huge", syscall(SYS_truncate, "file", LONG_MAX));
	result("truncate null", syscall(SYS_truncate, NULL, 0));
	fd = open("file", O_RDONLY);
	result("ftruncate rdonly", ftruncate(fd, 0));
	close(fd);
	fd = open("file", O_RDWR);
	result("ftruncate", ftruncate(fd, 2));
	result("ftruncate negative", syscall(SYS_ftruncate, fd, -1L));
	close(fd);
	shape("ftruncate: size", "file");
	result("ftruncate bad", ftruncate(9999, 0));
	/* a new size changes the times, the same one as well */
	struct stat before, after;
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	utimensat(AT_FDCWD, "file", old, 0);
	stat("file", &before);
	truncate("file", 2);
	stat("file", &after);
	observe("truncate same: mtime changes", "%d", before.st_mtim.tv_sec != after.st_mtim.tv_sec);
}

static void show_times(const char *name, const char *path)
{
	struct stat st;
	time_t now = time(NULL);

	if (lstat(path, &st) < 0) {
		observe(name, "%s", outcome(-1));
		return;
	}
#define SHOWN(t) (t.tv_sec > now - 1000 ? -1L : (long)t.tv_sec), (t.tv_sec > now - 1000 ? -1L : t.tv_nsec)
	if (S_ISLNK(st.st_mode)) /* any look-up reads them */
		observe(name, "%ld.%ld", SHOWN(st.st_mtim));
	else
		observe(name, "%ld.%ld %ld.%ld", SHOWN(st.st_atim), SHOWN(st.st_mtim));
}

static void times(void)
{
	static const struct {
		const char *name;
		struct timespec t[2];
	} given[] = {
		{ "both", { { 11, 12 }, { 13, 14 } } },
		{ "omit first", { { 1, UTIME_OMIT }, { 23, 24 } } },
		{ "omit second", { { 31, 32 }, { 1, UTIME_OMIT } } },
		{ "omit both", { { 1, UTIME_OMIT }, { 1, UTIME_OMIT } } },
		{ "now first", { { 1, UTIME_NOW }, { 43, 44 } } },
		{ "now and omit", { { 1, UTIME_NOW }, { 43, UTIME_OMIT } } },
		{ "bad", { { 1, 1000000000 }, { 43, 44 } } },
		{ "negative", { { 1, -1 }, { 43, 44 } } },
		{ "before 1970", { { -5, 6 }, { -7, 8 } } },
		{ "both now", { { 0, UTIME_NOW }, { 0, UTIME_NOW } } },
	};
	struct timeval tv[2] = { { 51, 52 }, { 53, 54 } }, bad[2] = { { 1, 1000000 }, { 1, 0 } };
	struct utimbuf buf = { 61, 62 };
	char text[100];
	int fd;

	for (size_t g = 0; g < COUNT(given); g++)
		for (size_t i = 0; i < COUNT(names); i++) {
			snprintf(text, sizeof(text), "utimensat %s %s", given[g].name, names[i]);
			result(text, syscall(SYS_utimensat, AT_FDCWD, names[i], given[g].t, 0));
			if (i > 5 && g > 0)
				continue;
			snprintf(text, sizeof(text), "utimensat %s %s: times", given[g].name, names[i]);
			show_times(text, names[i]);
			snprintf(text, sizeof(text), "utimensat nofollow %s %s", given[g].name, names[i]);
			result(text, syscall(SYS_utimensat, AT_FDCWD, names[i], given[g].t, AT_SYMLINK_NOFOLLOW));
			snprintf(text, sizeof(text), "utimensat nofollow %s %s: times", given[g].name, names[i]);
			show_times(text, names[i]);
		}
	for (size_t g = 0; g < COUNT(given); g++) {
		fd = open("file", O_RDONLY);
		result(label("futimens", given[g].name), syscall(SYS_utimensat, fd, NULL, given[g].t, 0));
		show_times(label("futimens: times", given[g].name), "file");
		close(fd);
		fd = open("dir", O_RDONLY);
		result(label("futimens dir", given[g].name), syscall(SYS_utimensat, fd, NULL, given[g].t, 0));
		show_times(label("futimens dir: times", given[g].name), "dir");
		close(fd);
		fd = open("other", O_RDWR);
		result(label("futimens rdwr", given[g].name), syscall(SYS_utimensat, fd, NULL, given[g].t, 0));
		show_times(label("futimens rdwr: times", given[g].name), "other");
		result(label("utimensat fd empty", given[g].name),
		       syscall(SYS_utimensat, fd, "", given[g].t, AT_EMPTY_PATH));
		close(fd);
		fd = open("link", O_PATH | O_NOFOLLOW);
		result(label("futimens path", given[g].name), syscall(SYS_utimensat, fd, NULL, given[g].t, 0));
		result(label("utimensat path empty", given[g].name),
		       syscall(SYS_utimensat, fd, "", given[g].t, AT_EMPTY_PATH));
		show_times(label("utimensat path empty: times", given[g].name), "link");
		close(fd);
	}
	result("utimensat null", syscall(SYS_utimensat, AT_FDCWD, "file", NULL, 0));
	show_times("utimensat null: times", "file");
	result("utimensat null path", syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0));
	result("utimensat null path, bad fd", syscall(SYS_utimensat, 9999, NULL, NULL, 0));
	result("utimensat null path, flag", syscall(SYS_utimensat, 0, NULL, NULL, AT_SYMLINK_NOFOLLOW));
	result("utimensat bad flag", syscall(SYS_utimensat, AT_FDCWD, "file", NULL, 0x8000));
	result("utimensat nowhere", syscall(SYS_utimensat, AT_FDCWD, "file", NOWHERE, 0));
	result("utimensat nowhere, none", syscall(SYS_utimensat, AT_FDCWD, "none", NOWHERE, 0));
	result("utimensat omit both, none", syscall(SYS_utimensat, AT_FDCWD, "none", given[3].t, 0));
	result("utimensat omit both, null path", syscall(SYS_utimensat, AT_FDCWD, NULL, given[3].t, 0));
	result("utimensat omit both, bad fd", syscall(SYS_utimensat, 9999, "none", given[3].t, 0));
	result("utimensat omit both, bad flag", syscall(SYS_utimensat, AT_FDCWD, "file", given[3].t, 0x8000));
#ifdef SYS_utimes
	for (size_t i = 0; i < COUNT(names); i++) {
		result(label("utimes", names[i]), syscall(SYS_utimes, names[i], tv));
		show_times(label("utimes: times", names[i]), names[i]);
		result(label("utime", names[i]), syscall(SYS_utime, names[i], &buf));
		show_times(label("utime: times", names[i]), names[i]);
		result(label("futimesat", names[i]), syscall(SYS_futimesat, AT_FDCWD, names[i], tv));
		result(label("utimes bad", names[i]), syscall(SYS_utimes, names[i], bad));
		result(label("utimes null", names[i]), syscall(SYS_utimes, names[i], NULL));
		show_times(label("utimes null: times", names[i]), names[i]);
	}
	fd = open("file", O_RDONLY);
	result("futimesat null", syscall(SYS_futimesat, fd, NULL, tv));
	show_times("futimesat null: times", "file");
	close(fd);
	result("futimesat null, cwd", syscall(SYS_futimesat, AT_FDCWD, NULL, tv));
	result("utime nowhere", syscall(SYS_utime, "file", NOWHERE));
	result("utimes nowhere", syscall(SYS_utimes, "file", NOWHERE));
	result("utimes nowhere, none", syscall(SYS_utimes, "none", NOWHERE));
	result("utime null", syscall(SYS_utime, "file", NULL));
	show_times("utime null: times", "file");
#else
	(void)tv;
	(void)bad;
	(void)buf;
#endif
}

/* What changes the times of what. */
static void stamps(void)
{
	static const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct stat st;
	int fd;

#define OLD(path) utimensat(AT_FDCWD, path, old, AT_SYMLINK_NOFOLLOW)
#define IS_NEW(name, path) observe(name, "%d", stat(path, &st) == 0 && st.st_mtim.tv_sec != 1000)
	OLD("dir");
	close(open("dir/stamp", O_CREAT | O_WRONLY, 0644));
	IS_NEW("stamp create", "dir");
	OLD("dir");
	link("dir/stamp", "dir/stamp2");
	IS_NEW("stamp link", "dir");
	OLD("dir");
	rename("dir/stamp2", "dir/stamp3");
	IS_NEW("stamp rename", "dir");
	OLD("dir");
	unlink("dir/stamp3");
	IS_NEW("stamp unlink", "dir");
	OLD("dir");
	symlink("x", "dir/stamp4");
	IS_NEW("stamp symlink", "dir");
	OLD("dir");
	unlink("dir/b");
	IS_NEW("stamp unlink first", "dir");
	OLD("dir");
	mkdir("dir/stamp5", 0755);
	IS_NEW("stamp mkdir", "dir");
	OLD("dir");
	rmdir("dir/stamp5");
	IS_NEW("stamp rmdir", "dir");
	OLD("dir");
	chmod("dir/a", 0600);
	IS_NEW("stamp chmod inside", "dir");
	OLD("dir");
	fd = open("dir/a", O_WRONLY | O_APPEND);
	write(fd, "x", 1);
	close(fd);
	IS_NEW("stamp write inside", "dir");
	OLD("file");
	close(open("file", O_WRONLY));
	IS_NEW("stamp open for writing", "file");
	OLD("file");
	chmod("file", 0600);
	IS_NEW("stamp chmod", "file");
	OLD("file");
	close(open("file", O_WRONLY | O_TRUNC));
	IS_NEW("stamp trunc", "file");
	OLD("readonly");
	chown("readonly", -1, getegid());
	IS_NEW("stamp chown", "readonly");
	OLD("full");
	rename("full/x", "full/y");
	IS_NEW("stamp rename first", "full");
	OLD("sticky");
	link("sticky/mine", "sticky/yours");
	IS_NEW("stamp link first", "sticky");
}

static void run(void)
{
	stamps();
	modes();
	owners();
	given_away();
	setid(04755);
	setid(02755);
	setid(06711);
	setid(02644);
	setid(06600);
	times();
	sizes();
}
