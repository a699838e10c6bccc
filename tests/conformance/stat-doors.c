/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All doors to the attributes of a file say the same: stat, lstat, fstat, newfstatat, statx, with and without
 * AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW, before and after the file is changed.
 *
 * setup: yes
 * more: yes
 */
#include "conform.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int setup(void)
{
	int fd = open("file", O_CREAT | O_WRONLY, 0640);

	NEED(fd >= 0 && write(fd, "12345", 5) == 5);
	close(fd);
	NEED(mkdir("dir", 0750) == 0 && mkdir("dir/sub", 0755) == 0 && mkfifo("fifo", 0600) == 0);
	NEED(symlink("file", "link") == 0 && symlink("nowhere", "dangling") == 0 && symlink("loop", "loop") == 0);
	NEED(link("file", "name2") == 0);
	struct timespec when[2] = { { 1000000000, 123456789 }, { 1100000000, 987654321 } };

	NEED(utimensat(AT_FDCWD, "file", when, 0) == 0);
	return 0;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_mode == b->st_mode &&
	       a->st_nlink == b->st_nlink && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
	       a->st_rdev == b->st_rdev && a->st_size == b->st_size && a->st_blocks == b->st_blocks &&
	       a->st_blksize == b->st_blksize && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool same_statx(const struct stat *a, const struct statx *b)
{
	return a->st_dev == makedev(b->stx_dev_major, b->stx_dev_minor) && a->st_ino == b->stx_ino &&
	       a->st_mode == b->stx_mode && a->st_nlink == b->stx_nlink && a->st_uid == b->stx_uid &&
	       a->st_gid == b->stx_gid && a->st_rdev == makedev(b->stx_rdev_major, b->stx_rdev_minor) &&
	       a->st_size == (long)b->stx_size && a->st_blocks == (long)b->stx_blocks &&
	       a->st_blksize == b->stx_blksize && a->st_mtim.tv_sec == b->stx_mtime.tv_sec &&
	       a->st_mtim.tv_nsec == b->stx_mtime.tv_nsec && a->st_ctim.tv_sec == b->stx_ctime.tv_sec &&
	       a->st_ctim.tv_nsec == b->stx_ctime.tv_nsec;
}

/* All doors to one name; nofollow: what the link itself says. */
static void doors(const char *when, const char *name, bool nofollow)
{
	char label[128], wrong[256] = "";
	int flags = nofollow ? AT_SYMLINK_NOFOLLOW : 0;
	struct stat first, st;
	struct statx stx;
	int fd = open(name, O_PATH | (nofollow ? O_NOFOLLOW : 0)), dot = open(".", O_RDONLY | O_DIRECTORY);

	snprintf(label, sizeof(label), "%s-%s%s", when, name, nofollow ? "-itself" : "");
	for (char *p = label; *p; p++)
		if (*p == '/')
			*p = '-';
	NEED(syscall(nofollow ? SYS_lstat : SYS_stat, name, &first) == 0);
	NEED(dot >= 0);
	if (fd < 0) {
		say(label, "O_PATH: %s", outcome(-1));
		close(dot);
		return;
	}
#define DOOR(what, call, equal)                                             \
	do {                                                                \
		if ((call) != 0 || !(equal)) {                              \
			strcat(wrong, " ");                                 \
			strcat(wrong, what);                                \
		}                                                           \
	} while (0)
	DOOR("newfstatat", syscall(SYS_newfstatat, AT_FDCWD, name, &st, flags), same(&first, &st));
	DOOR("newfstatat-dirfd", syscall(SYS_newfstatat, dot, name, &st, flags), same(&first, &st));
	DOOR("newfstatat-empty", syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH), same(&first, &st));
	DOOR("fstat", syscall(SYS_fstat, fd, &st), same(&first, &st));
	DOOR("statx", syscall(SYS_statx, AT_FDCWD, name, flags, STATX_BASIC_STATS, &stx), same_statx(&first, &stx));
	DOOR("statx-dirfd", syscall(SYS_statx, dot, name, flags, STATX_BASIC_STATS, &stx), same_statx(&first, &stx));
	DOOR("statx-empty", syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx),
	     same_statx(&first, &stx));
	DOOR("statx-dont-sync", syscall(SYS_statx, fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &stx),
	     same_statx(&first, &stx));
	say(label, "%o %s, %ld links; disagree:%s", first.st_mode,
	    S_ISREG(first.st_mode) || S_ISLNK(first.st_mode) ? value(first.st_size) : "",
	    S_ISDIR(first.st_mode) ? 0L : (long)first.st_nlink, *wrong ? wrong : " none");
	close(fd);
	close(dot);
}

static void all(const char *when)
{
	doors(when, "file", false);
	doors(when, "name2", false);
	doors(when, "dir", false);
	doors(when, "dir/sub", false);
	doors(when, "fifo", false);
	doors(when, "link", false);
	doors(when, "link", true);
	doors(when, "dangling", true);
	doors(when, ".", false);
}

static void errors(void)
{
	struct stat st;
	struct statx stx;
	char longer[300];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	say("of-nothing", "%s", outcome(stat("nothing", &st)));
	say("of-a-dangling-link", "%s", outcome(stat("dangling", &st)));
	say("of-a-loop", "%s", outcome(stat("loop", &st)));
	say("below-a-file", "%s", outcome(stat("file/x", &st)));
	say("file-with-slash", "%s", outcome(stat("file/", &st)));
	say("link-to-file-with-slash", "%s", outcome(lstat("link/", &st)));
	say("of-a-long-name", "%s", outcome(stat(longer, &st)));
	say("of-no-name", "%s", outcome(stat("", &st)));
	say("of-bad-memory", "%s", outcome(syscall(SYS_stat, 1L, &st)));
	say("to-bad-memory", "%s", outcome(syscall(SYS_stat, "file", 1L)));
	say("bad-flag", "%s", outcome(syscall(SYS_newfstatat, AT_FDCWD, "file", &st, 0x4000000)));
	say("bad-descriptor", "%s", outcome(syscall(SYS_newfstatat, 999, "file", &st, 0)));
	say("bad-descriptor-absolute", "%s", outcome(syscall(SYS_newfstatat, 999, "/", &st, 0)));
	say("descriptor-of-a-file", "%s", outcome(syscall(SYS_newfstatat, open("file", O_RDONLY), "x", &st, 0)));
	say("fstat-bad-descriptor", "%s", outcome(syscall(SYS_fstat, 999, &st)));
	say("statx-bad-mask", "%s", outcome(syscall(SYS_statx, AT_FDCWD, "file", 0, 0x80000000U, &stx)));
	say("statx-both-syncs", "%s", outcome(syscall(SYS_statx, AT_FDCWD, "file", AT_STATX_SYNC_TYPE, STATX_SIZE, &stx)));
	say("statx-null-path", "%s", outcome(syscall(SYS_statx, open("file", O_PATH), NULL, AT_EMPTY_PATH, STATX_SIZE, &stx)));
	say("fstatat-null-path", "%s", outcome(syscall(SYS_newfstatat, open("file", O_PATH), NULL, &st, AT_EMPTY_PATH)));
	say("empty-path-of-cwd", "%s", outcome(syscall(SYS_newfstatat, AT_FDCWD, "", &st, AT_EMPTY_PATH)));
}

static void times(const char *when)
{
	struct stat st;

	NEED(stat("file", &st) == 0);
	say(when, "%ld.%09ld %ld.%09ld", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec,
	    st.st_mtim.tv_nsec);
}

int main(int argc, char **argv)
{
	struct stat before, after;
	struct statx stx;

	if (argc > 1 && strcmp(argv[1], "setup") == 0)
		return setup();
	errors();
	all("first");
	times("times-first");
	NEED(stat("file", &before) == 0);
	NEED(chmod("file", 0604) == 0 && chmod("dir", 0711) == 0);
	all("changed");
	times("times-after-chmod");
	NEED(truncate("file", 3) == 0 && rmdir("dir/sub") == 0 && mkdir("dir/sub", 0700) == 0);
	all("written");
	NEED(stat("file", &after) == 0);
	say("still-the-same-inode", "%s", before.st_ino == after.st_ino && before.st_dev == after.st_dev ? "yes" : "no");
	NEED(unlink("name2") == 0 && link("fifo", "name2") == 0);
	all("linked");
	NEED(statx(AT_FDCWD, "file", 0, STATX_BTIME, &stx) == 0);
	say("statx-mount-id", "%s", statx(AT_FDCWD, "file", 0, STATX_MNT_ID, &stx) == 0 && stx.stx_mask & STATX_MNT_ID ? "there" : "none");
	return 0;
}
