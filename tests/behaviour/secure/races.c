// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Races between the monitor's look at a call and the kernel's: another thread changes what the call's pointers lead to,
 * or what its descriptor is.
 *
 *	races BASE MILLISECONDS
 *
 * In BASE there are two directories of the host's: w, which the view may change, and t, which it may not.  Each attempt
 * makes a call on something in w, while one byte of the path turns it into the same in t, over and over, until there is
 * a file w/stop.NAME or the time is over.  Whether anything in t has changed is for the test to see.
 */
#include "exploit.h"

#include <linux/fs.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>

static const char *base, *name;
static int limit;
static volatile bool over;

static char raced[4096], fixed[4096]; /* the path that is changed, and the one in w that is not */
static volatile char *flip;           /* the byte */
static struct sockaddr_un un;
static struct open_how how;
static int swapped = 100, harmless_fd, precious_fd;

static void *flip_byte(void *arg)
{
	while (!over) {
		*flip = 't';
		*flip = 'w';
	}
	return arg;
}

static void *flip_flags(void *arg)
{
	while (!over) {
		__atomic_store_n(&how.flags, O_WRONLY | O_TRUNC, __ATOMIC_SEQ_CST);
		__atomic_store_n(&how.flags, O_RDONLY, __ATOMIC_SEQ_CST);
	}
	return arg;
}

static void *flip_fd(void *arg)
{
	while (!over) {
		dup2(precious_fd, swapped);
		dup2(harmless_fd, swapped);
	}
	return arg;
}

/* The working directory of all threads. */
static void *flip_cwd(void *arg)
{
	int w = open("w", O_RDONLY | O_DIRECTORY), t = open("t", O_RDONLY | O_DIRECTORY);

	while (!over) {
		if (fchdir(t) < 0 || fchdir(w) < 0)
			_exit(1);
	}
	return arg;
}

/* A directory of w and a link to t change places. */
static void *flip_link(void *arg)
{
	char dir[4096], link[4096];

	snprintf(dir, sizeof(dir), "%s/w/dir", base);
	snprintf(link, sizeof(link), "%s/w/link", base);
	while (!over)
		syscall(SYS_renameat2, AT_FDCWD, dir, AT_FDCWD, link, RENAME_EXCHANGE);
	return arg;
}

static void quiet(long ret) { (void)ret; }
static void drop(int fd) { close(fd); }
static void again(void) { drop(open(fixed, O_RDWR | O_CREAT, 0600)); }

static void t_open(void) { drop(open(raced, O_WRONLY | O_TRUNC)); }
static void t_openat(void) { drop(openat(AT_FDCWD, raced, O_WRONLY | O_TRUNC)); }
static void t_creat(void) { drop(creat(raced, 0600)); }
static void t_truncate(void) { quiet(truncate(raced, 0)); }
static void t_chmod(void) { quiet(chmod(raced, 0640)); }
static void t_fchmodat(void) { quiet(fchmodat(AT_FDCWD, raced, 0640, 0)); }
static void t_setxattr(void) { quiet(setxattr(raced, "user.t", "1", 1, 0)); }

static void t_openat2(void)
{
	struct open_how plain = { .flags = O_WRONLY | O_TRUNC };

	drop((int)syscall(SYS_openat2, AT_FDCWD, raced, &plain, sizeof(plain)));
}

static void t_open_how(void) { drop((int)syscall(SYS_openat2, AT_FDCWD, raced, &how, sizeof(how))); }

static void t_unlink(void)
{
	again();
	unlink(raced);
}

static void t_unlinkat(void)
{
	again();
	unlinkat(AT_FDCWD, raced, 0);
}

static void t_rename(void)
{
	char other[4096];

	again();
	snprintf(other, sizeof(other), "%s/w/other", base);
	rename(raced, other);
}

static void t_link(void)
{
	char other[4096];

	snprintf(other, sizeof(other), "%s/w/from", base);
	drop(open(other, O_RDWR | O_CREAT, 0600));
	quiet(link(other, raced));
	unlink(fixed);
}

static void t_rmdir(void)
{
	mkdir(fixed, 0700);
	rmdir(raced);
}

static void t_mkdir(void)
{
	mkdir(raced, 0700);
	rmdir(fixed);
}

static void t_symlink(void)
{
	quiet(symlink("x", raced));
	unlink(fixed);
}

static void t_mknod(void)
{
	mknod(raced, S_IFREG | 0600, 0);
	unlink(fixed);
}

static void t_utimensat(void)
{
	struct timespec old[2] = { { 1, 0 }, { 1, 0 } };

	utimensat(AT_FDCWD, raced, old, 0);
}

static void t_bind(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	bind(s, (struct sockaddr *)&un, sizeof(un));
	close(s);
	unlink(fixed);
}

static void t_fchmod(void) { fchmod(swapped, 0640); }

static void t_futimens(void)
{
	struct timespec old[2] = { { 1, 0 }, { 1, 0 } };

	syscall(SYS_utimensat, swapped, NULL, old, 0);
}

static void t_fsetxattr(void) { quiet(fsetxattr(swapped, "user.t", "1", 1, 0)); }
static void t_fchmodat2(void) { quiet(syscall(452, swapped, "", 0640, AT_EMPTY_PATH)); }
static void t_proc_fd(void) { drop(open("/proc/self/fd/100", O_WRONLY | O_TRUNC | O_NONBLOCK)); }
static void t_cwd_swap(void) { drop(open(name, O_WRONLY | O_TRUNC)); }

static void t_rename_to(void)
{
	char other[4096];

	snprintf(other, sizeof(other), "%s/w/to-other", base);
	drop(open(other, O_RDWR | O_CREAT, 0600));
	rename(other, raced);
}

/* A file without a name gets one; if that is another file meanwhile, it can be written by its new name. */
static void t_link_fd(void)
{
	char new[4096];

	snprintf(new, sizeof(new), "%s/t/made", base);
	if (linkat(AT_FDCWD, "/proc/self/fd/100", AT_FDCWD, new, AT_SYMLINK_FOLLOW) < 0)
		return;
	drop(open(new, O_WRONLY | O_TRUNC));
	unlink(new);
}

static void t_link_swap(void) { drop(open(raced, O_WRONLY | O_TRUNC)); }

static const struct race {
	const char *name;
	void (*fn)(void);
	void *(*change)(void *);
} races[] = {
	{ "open", t_open, flip_byte }, { "openat", t_openat, flip_byte }, { "openat2", t_openat2, flip_byte },
	{ "open_how", t_open_how, flip_flags }, { "creat", t_creat, flip_byte }, { "truncate", t_truncate, flip_byte },
	{ "chmod", t_chmod, flip_byte }, { "fchmodat", t_fchmodat, flip_byte }, { "setxattr", t_setxattr, flip_byte },
	{ "unlink", t_unlink, flip_byte }, { "unlinkat", t_unlinkat, flip_byte }, { "rename", t_rename, flip_byte },
	{ "link", t_link, flip_byte }, { "rmdir", t_rmdir, flip_byte }, { "mkdir", t_mkdir, flip_byte },
	{ "symlink", t_symlink, flip_byte }, { "mknod", t_mknod, flip_byte },
	{ "utimensat", t_utimensat, flip_byte }, { "bind", t_bind, flip_byte }, { "fchmod", t_fchmod, flip_fd },
	{ "futimens", t_futimens, flip_fd }, { "fsetxattr", t_fsetxattr, flip_fd }, { "link-swap", t_link_swap, flip_link },
	{ "fchmodat2", t_fchmodat2, flip_fd }, { "proc-fd", t_proc_fd, flip_fd }, { "link-fd", t_link_fd, flip_fd },
	{ "cwd-swap", t_cwd_swap, flip_cwd }, { "rename-to", t_rename_to, flip_byte },
};

static bool time_over(const struct timespec *begin)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - begin->tv_sec) * 1000 + (now.tv_nsec - begin->tv_nsec) / 1000000 > limit;
}

static void set_up(const struct race *r)
{
	int ends[2];

	name = r->name;
	snprintf(raced, sizeof(raced), "%s/w/%s", base, name);
	snprintf(fixed, sizeof(fixed), "%s/w/%s", base, name);
	flip = raced + strlen(base) + 1;
	if (r->fn == t_open_how)
		*flip = 't';
	if (r->fn == t_link_swap)
		snprintf(raced, sizeof(raced), "%s/w/dir/%s", base, name);
	if (r->fn == t_bind) {
		un.sun_family = AF_UNIX;
		snprintf(un.sun_path, sizeof(un.sun_path), "w/%s", name); /* below BASE, the working directory */
		flip = un.sun_path;
	}
	if (r->change == flip_fd && pipe(ends) == 0) {
		*flip = 't';
		precious_fd = open(raced, O_RDONLY);
		harmless_fd = r->fn == t_link_fd ? open("t", O_TMPFILE | O_RDWR, 0600) : ends[0];
		dup2(harmless_fd, swapped);
	}
}

static void run(const struct race *r)
{
	struct timespec begin;
	pthread_t thread;
	char stop[4096];

	set_up(r);
	snprintf(stop, sizeof(stop), "%s/w/stop.%s", base, name);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	if (pthread_create(&thread, NULL, r->change, NULL) != 0)
		_exit(1);
	for (unsigned i = 0; i % 64 != 0 || (!time_over(&begin) && access(stop, F_OK) < 0); i++)
		r->fn();
	over = true;
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	if (argc != 3 || chdir(argv[1]) < 0)
		return 2;
	base = argv[1];
	limit = atoi(argv[2]);
	for (size_t i = 0; i < sizeof(races) / sizeof(races[0]); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			run(&races[i]);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
			return 1;
		printf("%s\n", races[i].name);
		fflush(stdout);
	}
	return 0;
}
