/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors are the kernel's: dup and its kin, close_range, fcntl flags, what stays over exec.
 */
#include "conform.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Which of the first 32 descriptors above the standard ones are open. */
static const char *open_ones(void)
{
	static char list[256];
	char *p = list;

	*p = '\0';
	for (int fd = 3; fd < 32; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags >= 0)
			p += sprintf(p, " %d%s", fd, flags & FD_CLOEXEC ? "x" : "");
	}
	return list;
}

static void duplicates(void)
{
	int fd = open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0644);

	say("open", "%d:%s", fd, open_ones());
	say("dup", "%s", value(dup(fd)));
	say("dup2", "%s", value(dup2(fd, 9)));
	say("dup2-itself", "%s", value(dup2(fd, fd)));
	say("dup3-itself", "%s", value(dup3(fd, fd, O_CLOEXEC)));
	say("dup3", "%s", value(dup3(fd, 11, O_CLOEXEC)));
	say("dup3-flags", "%s", value(dup3(fd, 12, O_APPEND)));
	say("dup2-of-closed", "%s", value(dup2(20, 21)));
	say("dup2-negative", "%s", value(dup2(fd, -1)));
	say("f_dupfd", "%s", value(fcntl(fd, F_DUPFD, 15)));
	say("f_dupfd_cloexec", "%s", value(fcntl(fd, F_DUPFD_CLOEXEC, 15)));
	say("after-duplicates", "%s", open_ones());
	NEED(write(9, "abc", 3) == 3);
	say("shared-position", "%s", value(lseek(fd, 0, SEEK_CUR)));
	say("setfl", "%s", value(fcntl(11, F_SETFL, O_APPEND | O_NONBLOCK)));
	say("getfl-of-the-other", "%o", fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
	say("fioclex", "%s", outcome(ioctl(9, FIOCLEX)));
	say("fionclex", "%s", outcome(ioctl(11, FIONCLEX)));
	say("setfd", "%s", outcome(fcntl(15, F_SETFD, FD_CLOEXEC)));
	say("after-flags", "%s", open_ones());
	say("kcmp-like", "%s", value(fcntl(fd, 1024 + 3 /* F_DUPFD_QUERY */, 9)));
}

static void ranges(void)
{
	say("close_range-backwards", "%s", value(syscall(SYS_close_range, 9, 5, 0)));
	say("close_range-flags", "%s", value(syscall(SYS_close_range, 3, 5, 64)));
	say("close_range-cloexec", "%s", value(syscall(SYS_close_range, 10, 11, CLOSE_RANGE_CLOEXEC)));
	say("after-cloexec", "%s", open_ones());
	say("close_range", "%s", value(syscall(SYS_close_range, 11, 15, 0)));
	say("after-range", "%s", open_ones());
	say("close_range-unshare", "%s", value(syscall(SYS_close_range, 16, 16, CLOSE_RANGE_UNSHARE)));
	say("after-unshare", "%s", open_ones());
	say("close-twice", "%s", value(close(16)));
}

/* What a program that was executed finds open. */
static void over_exec(const char *self)
{
	pid_t pid;
	int status;

	NEED(fcntl(4, F_SETFD, 0) == 0);
	say("before-exec", "%s", open_ones());
	pid = fork();
	if (pid == 0) {
		execl(self, self, "list", NULL);
		_exit(99);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	say("exec", "%d", WEXITSTATUS(status));
}

static void limits(void)
{
	struct rlimit lim = { 8, 8 };
	int fd, n = 0;
	struct stat st;

	syscall(SYS_close_range, 3, ~0U, 0);
	/* some are above the limit when it comes */
	for (int i = 20; i < 30; i++)
		NEED(dup2(1, i) == i);
	NEED(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 8, lim.rlim_max }) == 0);
	fd = open("file1", O_CREAT | O_WRONLY, 0600);
	say("create-with-some-above", "%s", value(fd));
	NEED(write(fd, "abc", 3) == 3);
	syscall(SYS_close_range, 3, ~0U, 0);
	NEED(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	while (open("file", O_RDONLY) >= 0)
		n++;
	say("opened-below-the-limit", "%d, then %s", n, outcome(-1));
	say("create-above-the-limit", "%s", value(open("file2", O_CREAT | O_WRONLY, 0600)));
	say("was-it-made", "%s", outcome(access("file2", F_OK)));
	say("create-new-above-the-limit", "%s", value(open("file2", O_CREAT | O_EXCL | O_RDWR, 0600)));
	say("truncate-above-the-limit", "%s", value(open("file1", O_WRONLY | O_TRUNC)));
	say("creat-above-the-limit", "%s", value(creat("file1", 0600)));
	say("was-it-emptied", "%s", stat("file1", &st) == 0 ? value(st.st_size) : outcome(-1));
	say("tmpfile-above-the-limit", "%s", value(open(".", O_TMPFILE | O_WRONLY, 0600)));
	say("directory-above-the-limit", "%s", value(open(".", O_RDONLY)));
	say("dup-above-the-limit", "%s", value(dup(3)));
	say("stat-works", "%s", outcome(access("file", R_OK)));
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "list") == 0) {
		say("in-the-executed", "%s", open_ones());
		return 0;
	}
	duplicates();
	ranges();
	over_exec(argv[0]);
	limits();
	return 0;
}
