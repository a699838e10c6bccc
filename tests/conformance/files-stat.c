/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stat and its doors, statx, access, readlink, statfs, file handles. */
/* setup: yes */
#include <linux/stat.h>
#include <sys/statfs.h>

#include "trees.h"

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

static const char *const names[] = { "file", "readonly", "secret", "dir", "fifo", "link", "dirlink", "loop", "dangling",
				     "dangling/", "file/", "dir/", "link/", "dirlink/", "dir/.", "dir/..", ".", "..", "",
				     "none", "none/", "none/x", "file/x", "link/x", "closed", "closed/in", "closed/none",
				     "closed/.", "dirlink/a", "none/../file", "file/../file", "file/.", "links/40",
				     "links/41", "hard1", "fifo/x", "loop/x", "dangling/x", "dir/sub/deep" };

static void show_stat(const char *door, const char *name, long ret, const struct stat *st)
{
	char label[100];

	snprintf(label, sizeof(label), "%s %s", door, name);
	if (ret < 0)
		observe(label, "%s", outcome(-1));
	else
		observe(label, "%o %ld %lu %d", st->st_mode, S_ISDIR(st->st_mode) ? 0L : (long)st->st_size,
		    S_ISDIR(st->st_mode) ? 0UL : (unsigned long)st->st_nlink, st->st_uid == geteuid());
}

static void show_statx(const char *door, const char *name, long ret, const struct statx *x)
{
	char label[100];

	snprintf(label, sizeof(label), "%s %s", door, name);
	if (ret < 0)
		observe(label, "%s", outcome(-1));
	else
		observe(label, "%o %ld mask %x", x->stx_mode, S_ISDIR(x->stx_mode) ? 0L : (long)x->stx_size,
		    x->stx_mask & (STATX_BASIC_STATS | STATX_BTIME));
}

static long sys_statx(int dirfd, const char *path, int flags, unsigned mask, void *buf)
{
	return syscall(SYS_statx, dirfd, path, flags, mask, buf);
}

static void doors(void)
{
	struct statfs fs;
	struct statx x;
	struct stat st;
	char label[100], target[64];
	ssize_t n;

	for (size_t i = 0; i < COUNT(names); i++) {
		const char *p = names[i];

#ifdef SYS_stat
		show_stat("stat", p, syscall(SYS_stat, p, &st), &st);
		show_stat("lstat", p, syscall(SYS_lstat, p, &st), &st);
#endif
		show_stat("stat abs", p, syscall(SYS_newfstatat, -5, at_top(p), &st, 0), &st);
		show_stat("fstatat", p, syscall(SYS_newfstatat, AT_FDCWD, p, &st, AT_SYMLINK_NOFOLLOW), &st);
		show_stat("fstatat empty", p, syscall(SYS_newfstatat, AT_FDCWD, p, &st, AT_EMPTY_PATH), &st);
		show_statx("statx", p, sys_statx(AT_FDCWD, p, 0, STATX_BASIC_STATS, &x), &x);
		show_statx("statx nofollow", p, sys_statx(AT_FDCWD, p, AT_SYMLINK_NOFOLLOW, STATX_MODE, &x), &x);
		snprintf(label, sizeof(label), "readlink %s", p);
		n = readlink(p, target, sizeof(target));
		if (n < 0)
			observe(label, "%s", outcome(-1));
		else
			observe(label, "%.*s", (int)n, target);
		for (int mode = 0; mode < 8; mode++) {
			snprintf(label, sizeof(label), "access %d %s", mode, p);
			result(label, syscall(SYS_faccessat, AT_FDCWD, p, mode));
		}
		snprintf(label, sizeof(label), "access nofollow %s", p);
		result(label, syscall(SYS_faccessat2, AT_FDCWD, p, R_OK, AT_SYMLINK_NOFOLLOW));
		snprintf(label, sizeof(label), "access eaccess %s", p);
		result(label, syscall(SYS_faccessat2, AT_FDCWD, p, W_OK, AT_EACCESS));
		snprintf(label, sizeof(label), "statfs %s", p);
		result(label, syscall(SYS_statfs, p, &fs));
	}
}

static void words(void)
{
	struct stat st;
	struct statx x;
	char target[64];

	result("fstatat bad flag", syscall(SYS_newfstatat, AT_FDCWD, "file", &st, 0x40000));
	result("fstatat bad flag, none", syscall(SYS_newfstatat, AT_FDCWD, "none", &st, 0x40000));
	result("fstatat follow flag", syscall(SYS_newfstatat, AT_FDCWD, "file", &st, AT_SYMLINK_FOLLOW));
	result("fstatat no automount", syscall(SYS_newfstatat, AT_FDCWD, "file", &st, AT_NO_AUTOMOUNT));
	result("fstatat eaccess flag", syscall(SYS_newfstatat, AT_FDCWD, "file", &st, AT_EACCESS));
	result("fstatat sync type", syscall(SYS_newfstatat, AT_FDCWD, "file", &st, AT_STATX_FORCE_SYNC));
	result("fstatat null buffer", syscall(SYS_newfstatat, AT_FDCWD, "file", NULL, 0));
	result("fstatat null buffer, none", syscall(SYS_newfstatat, AT_FDCWD, "none", NULL, 0));
	result("fstatat null path", syscall(SYS_newfstatat, AT_FDCWD, NULL, &st, 0));
	result("fstatat null path, empty", syscall(SYS_newfstatat, AT_FDCWD, NULL, &st, AT_EMPTY_PATH));
	result("fstatat null path, empty, bad fd", syscall(SYS_newfstatat, 9999, NULL, &st, AT_EMPTY_PATH));
	result("fstatat page end", syscall(SYS_newfstatat, AT_FDCWD, page_end("file", 5), &st, 0));
	result("fstatat unterminated", syscall(SYS_newfstatat, AT_FDCWD, page_end("file", 4), &st, 0));
	result("fstatat buffer at page end", syscall(SYS_newfstatat, AT_FDCWD, "file", page_end(&st, sizeof(st)), 0));
	result("fstatat buffer over page end", syscall(SYS_newfstatat, AT_FDCWD, "file",
						      (char *)page_end(&st, sizeof(st)) + 8, 0));
	result("fstatat bad fd", syscall(SYS_newfstatat, 9999, "file", &st, 0));
	result("fstatat bad fd, empty", syscall(SYS_newfstatat, 9999, "", &st, 0));
	result("fstatat bad fd, empty flag", syscall(SYS_newfstatat, 9999, "", &st, AT_EMPTY_PATH));
	result("fstatat cwd, empty flag", syscall(SYS_newfstatat, AT_FDCWD, "", &st, AT_EMPTY_PATH));
	result("fstat bad", syscall(SYS_fstat, 9999, &st));
	result("fstat minus", syscall(SYS_fstat, -1, &st));
	result("fstat cwd", syscall(SYS_fstat, AT_FDCWD, &st));
	result("statx both sync", sys_statx(AT_FDCWD, "file", AT_STATX_SYNC_TYPE, STATX_MODE, &x));
	result("statx dont sync", sys_statx(AT_FDCWD, "file", AT_STATX_DONT_SYNC, STATX_MODE, &x));
	result("statx reserved", sys_statx(AT_FDCWD, "file", 0, STATX__RESERVED, &x));
	result("statx reserved, none", sys_statx(AT_FDCWD, "none", 0, STATX__RESERVED, &x));
	result("statx bad flag", sys_statx(AT_FDCWD, "file", 0x40000, STATX_MODE, &x));
	result("statx mask 0", sys_statx(AT_FDCWD, "file", 0, 0, &x));
	observe("statx mask 0: type", "%o", x.stx_mode);
	result("statx null path", sys_statx(AT_FDCWD, NULL, 0, STATX_MODE, &x));
	result("statx null path, empty", sys_statx(AT_FDCWD, NULL, AT_EMPTY_PATH, STATX_MODE, &x));
	result("statx null buffer", sys_statx(AT_FDCWD, "file", 0, STATX_MODE, NULL));
	result("statx btime", sys_statx(AT_FDCWD, "file", 0, STATX_BTIME, &x));
	observe("statx btime: mask", "%d", (x.stx_mask & STATX_BTIME) != 0);
	result("statx mnt id", sys_statx(AT_FDCWD, "file", 0, 0x1000, &x));
	observe("statx mnt id: mask", "%d", (x.stx_mask & 0x1000) != 0);
	result("statx dio", sys_statx(AT_FDCWD, "file", 0, 0x2000, &x));
	observe("statx dio: mask", "%d", (x.stx_mask & 0x2000) != 0);
	sys_statx(AT_FDCWD, "dir", 0, 0x1000, &x);
	observe("statx attributes", "%d", (int)(x.stx_attributes & STATX_ATTR_MOUNT_ROOT));
	result("access bad mode", syscall(SYS_faccessat, AT_FDCWD, "file", 8));
	result("access bad mode, none", syscall(SYS_faccessat, AT_FDCWD, "none", 8));
	result("access bad flag", syscall(SYS_faccessat2, AT_FDCWD, "file", 0, 0x40000));
	result("access null", syscall(SYS_faccessat, AT_FDCWD, NULL, 0));
	result("access bad fd", syscall(SYS_faccessat, 9999, "file", 0));
	result("access empty flag", syscall(SYS_faccessat2, AT_FDCWD, "", R_OK, AT_EMPTY_PATH));
	result("access empty flag, bad fd", syscall(SYS_faccessat2, 9999, "", R_OK, AT_EMPTY_PATH));
	result("readlink size 0", syscall(SYS_readlinkat, AT_FDCWD, "link", target, 0));
	result("readlink size -1", syscall(SYS_readlinkat, AT_FDCWD, "link", target, -1));
	result("readlink size 0, none", syscall(SYS_readlinkat, AT_FDCWD, "none", target, 0));
	result("readlink size 2", syscall(SYS_readlinkat, AT_FDCWD, "link", target, 2));
	result("readlink null", syscall(SYS_readlinkat, AT_FDCWD, "link", NULL, 10));
	result("readlink null path", syscall(SYS_readlinkat, AT_FDCWD, NULL, target, 10));
	result("readlink empty, cwd", syscall(SYS_readlinkat, AT_FDCWD, "", target, 10));
	result("readlink bad fd", syscall(SYS_readlinkat, 9999, "link", target, 10));
	result("readlink bad fd, empty", syscall(SYS_readlinkat, 9999, "", target, 10));
	result("readlink buffer page end", syscall(SYS_readlinkat, AT_FDCWD, "link", page_end("1234", 4), 100));
	result("statfs null", syscall(SYS_statfs, "file", NULL));
	result("statfs null path", syscall(SYS_statfs, NULL, target));
	result("fstatfs bad", syscall(SYS_fstatfs, 9999, target));
}

static void descriptors(void)
{
	static const int ways[] = { O_RDONLY, O_RDWR, O_PATH, O_PATH | O_NOFOLLOW };
	char label[100], target[64], number[64];
	struct statfs fs;
	struct statx x;
	struct stat st;

	for (size_t i = 0; i < COUNT(names); i++)
		for (int w = 0; w < 4; w++) {
			int fd = open(names[i], ways[w] | O_NONBLOCK);

			if (fd < 0)
				continue;
			snprintf(label, sizeof(label), "fd%d", w);
			show_stat(label, names[i], syscall(SYS_fstat, fd, &st), &st);
			snprintf(label, sizeof(label), "fd%d empty", w);
			show_stat(label, names[i], syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH), &st);
			snprintf(label, sizeof(label), "fd%d null", w);
			show_stat(label, names[i], syscall(SYS_newfstatat, fd, NULL, &st, AT_EMPTY_PATH), &st);
			snprintf(label, sizeof(label), "fd%d statx", w);
			show_statx(label, names[i], sys_statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x), &x);
			snprintf(label, sizeof(label), "fd%d access %s", w, names[i]);
			result(label, syscall(SYS_faccessat2, fd, "", W_OK, AT_EMPTY_PATH));
			snprintf(label, sizeof(label), "fd%d readlink %s", w, names[i]);
			result(label, syscall(SYS_readlinkat, fd, "", target, sizeof(target)));
			snprintf(label, sizeof(label), "fd%d fstatfs %s", w, names[i]);
			result(label, fstatfs(fd, &fs));
			snprintf(label, sizeof(label), "fd%d in it %s", w, names[i]);
			show_stat(label, "a", syscall(SYS_newfstatat, fd, "a", &st, 0), &st);
			snprintf(label, sizeof(label), "fd%d proc %s", w, names[i]);
			snprintf(number, sizeof(number), "/proc/self/fd/%d", fd);
			show_stat(label, "", stat(number, &st), &st);
			snprintf(label, sizeof(label), "fd%d lproc %s", w, names[i]);
			result(label, lstat(number, &st));
			observe(label, "%o", st.st_mode & S_IFMT);
			close(fd);
		}
}

/* Times, numbers and sizes agree between the doors. */
static void agreement(void)
{
	static const char *const some[] = { "file", "dir", "link", "fifo", "hard1", "dir/a" };
	struct stat a, b;
	struct statx x;
	char label[80];

	for (size_t i = 0; i < COUNT(some); i++) {
		int fd = open(some[i], O_PATH | O_NOFOLLOW);

		snprintf(label, sizeof(label), "agree %s", some[i]);
		if (lstat(some[i], &a) < 0 || fstat(fd, &b) < 0 ||
		    sys_statx(AT_FDCWD, some[i], AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &x) < 0)
			observe(label, "failed");
		else
			observe(label, "%d %d %d %d %d %d %d %d", a.st_ino == b.st_ino, a.st_dev == b.st_dev,
			    a.st_ino == x.stx_ino, a.st_nlink == b.st_nlink, a.st_mtim.tv_nsec == b.st_mtim.tv_nsec,
			    a.st_ctim.tv_nsec == x.stx_ctime.tv_nsec, a.st_blocks == b.st_blocks,
			    a.st_blksize == (blksize_t)x.stx_blksize);
		close(fd);
	}
	lstat("hard1", &a);
	lstat("hard2", &b);
	observe("agree hard links", "%d %d", a.st_ino == b.st_ino, (int)a.st_nlink);
}

static void handles(void)
{
	struct {
		unsigned bytes;
		int type;
		unsigned char data[128];
	} handle = { .bytes = 0 };
	int mount;

	result("handle bytes 0", syscall(SYS_name_to_handle_at, AT_FDCWD, "file", &handle, &mount, 0));
	result("handle bad flag", syscall(SYS_name_to_handle_at, AT_FDCWD, "file", &handle, &mount, 0x80000));
	handle.bytes = 1000;
	result("handle bytes 1000", syscall(SYS_name_to_handle_at, AT_FDCWD, "file", &handle, &mount, 0));
	handle.bytes = 128;
	result("handle none", syscall(SYS_name_to_handle_at, AT_FDCWD, "none", &handle, &mount, 0));
	result("handle null", syscall(SYS_name_to_handle_at, AT_FDCWD, "file", NULL, &mount, 0));
	result("handle file", syscall(SYS_name_to_handle_at, AT_FDCWD, "file", &handle, &mount, 0));
	result("handle dir", syscall(SYS_name_to_handle_at, AT_FDCWD, "dir", &handle, &mount, 0));
	if (geteuid() != 0)
		result("open handle", syscall(SYS_open_by_handle_at, AT_FDCWD, &handle, O_RDONLY));
}

static void run(void)
{
	doors();
	words();
	descriptors();
	agreement();
	handles();
}
