/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/self and /proc/thread-self are the caller, by every door and every way that leads there.
 */
#include "conform.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The outcome of the first call, and what is to be seen after it. */
#define SAY(name, first, format, ...)                                                                                \
	do {                                                                                                         \
		const char *first_ = (first);                                                                        \
		say(name, "%s " format, first_, __VA_ARGS__);                                                        \
	} while (0)

/* Whose stat file is this?  It begins with the process id. */
static const char *whose(int fd, pid_t me)
{
	char buf[32] = "";
	ssize_t n;

	if (fd < 0)
		return outcome(fd);
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return n > 0 && atoi(buf) == me ? "mine" : "not mine";
}

static void ways(pid_t me)
{
	static const char *const names[] = {
		"/proc/self/stat",
		"/proc/thread-self/stat",
		"/proc/./self/../self/stat",
		"//proc//self///stat",
		"/proc/self/root/proc/self/stat",
		"/proc/self/cwd/link/stat",
		"link/stat",
		"./deep/../link/stat",
		"deep/self/stat",
		"tolink/stat",
		"/proc/self/task/../stat",
		"/proc/self/fd/../../self/stat",
		"/proc/self/root/../proc/self/stat",
		"/dev/fd/../stat",
		"/proc/self/cwd/../../../../../../../proc/self/stat",
		"/proc/thread-self/../../stat",
		"/proc/self/fd/100/self/stat",
		"/proc/self/fd/101/stat",
	};
	char name[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "open-%s", names[i]);
		say(name, "%s", whose(open(names[i], O_RDONLY), me));
	}
	say("openat-of-/proc", "%s", whose(openat(100, "self/stat", O_RDONLY), me));
	say("openat-of-/proc/self", "%s", whose(openat(101, "stat", O_RDONLY), me));
	say("openat-up-and-down", "%s", whose(openat(101, "../self/stat", O_RDONLY), me));
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_BENEATH };

	say("openat2-beneath", "%s", whose((int)syscall(SYS_openat2, 100, "self/stat", &how, sizeof(how)), me));
	how.resolve = RESOLVE_IN_ROOT;
	say("openat2-in-root", "%s", whose((int)syscall(SYS_openat2, 100, "/self/stat", &how, sizeof(how)), me));
	how.resolve = RESOLVE_NO_MAGICLINKS;
	say("openat2-without-magic", "%s",
	    whose((int)syscall(SYS_openat2, AT_FDCWD, "/proc/self/stat", &how, sizeof(how)), me));
	say("openat2-no-magic-link", "%s",
	    outcome(syscall(SYS_openat2, AT_FDCWD, "/proc/self/cwd/link", &how, sizeof(how))));
	how.resolve = RESOLVE_NO_SYMLINKS;
	say("openat2-without-links", "%s",
	    outcome(syscall(SYS_openat2, AT_FDCWD, "/proc/self/stat", &how, sizeof(how))));
}

/* The link itself. */
static void links(pid_t me)
{
	static const char *const names[] = { "/proc/self", "/proc/thread-self", "/proc/self/root/proc/self" };
	char text[128], expected[64], name[64];
	struct stat st, own;

	for (size_t i = 0; i < 3; i++) {
		ssize_t n = readlink(names[i], text, sizeof(text) - 1);

		text[n < 0 ? 0 : n] = '\0';
		snprintf(expected, sizeof(expected), i == 1 ? "%d/task/%d" : "%d", me, (int)syscall(SYS_gettid));
		snprintf(name, sizeof(name), "readlink-%s", names[i]);
		say(name, "%s", n < 0 ? outcome(n) : strcmp(text, expected) == 0 ? "mine" : "not mine");
		snprintf(name, sizeof(name), "lstat-%s", names[i]);
		SAY(name, outcome(lstat(names[i], &st)), "%d", S_ISLNK(st.st_mode));
	}
	int fd = open("/proc/self", O_PATH | O_NOFOLLOW);

	say("the-link-by-descriptor", "%s", value(fd < 0 ? -1 : (fstat(fd, &st), S_ISLNK(st.st_mode))));
	close(fd);
	snprintf(text, sizeof(text), "/proc/%d", me);
	NEED(stat(text, &own) == 0);
	SAY("stat", outcome(stat("/proc/self", &st)), "%d", st.st_ino == own.st_ino);
	SAY("stat-of-the-user-link", outcome(stat("link", &st)), "%d", st.st_ino == own.st_ino);
	SAY("fstatat", outcome(fstatat(100, "self", &st, 0)), "%d", st.st_ino == own.st_ino);
	fd = open("/proc/self", O_RDONLY | O_DIRECTORY);
	SAY("open-and-fstat", outcome(fstat(fd, &st)), "%d", st.st_ino == own.st_ino && st.st_uid == own.st_uid);
	close(fd);
	say("owner", "%d", own.st_uid == geteuid() && own.st_gid == getegid());
	SAY("access", outcome(access("/proc/self/environ", R_OK)), "%s", outcome(access("link/nothing", F_OK)));
}

/* Calls on a file by /proc/self/fd/N. */
static void by_descriptor(void)
{
	char name[64], text[4096];
	struct stat st, st2;
	struct statfs fs, fs2;
	int fd = open("file", O_RDWR | O_CREAT, 0644), watch = inotify_init1(IN_NONBLOCK), other;

	NEED(fd >= 0 && write(fd, "hello", 5) == 5);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	NEED(fstat(fd, &st) == 0);
	SAY("fd-stat", outcome(stat(name, &st2)), "%d", st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
	SAY("fd-lstat", outcome(lstat(name, &st2)), "%o", st2.st_mode);
	say("fd-link", "%s", outcome(linkat(AT_FDCWD, name, AT_FDCWD, "hard", AT_SYMLINK_FOLLOW)));
	SAY("fd-linked", outcome(stat("hard", &st2)), "%d", st.st_ino == st2.st_ino);
	say("fd-link-of-the-link", "%s", outcome(linkat(AT_FDCWD, name, AT_FDCWD, "hard2", 0)));
	say("fd-rename", "%s", outcome(rename(name, "renamed")));
	say("fd-unlink", "%s", outcome(unlink(name)));
	say("fd-truncate", "%s", outcome(truncate(name, 3)));
	SAY("fd-chmod", outcome(chmod(name, 0604)), "%o", (fstat(fd, &st2), st2.st_mode));
	say("fd-chown", "%s", outcome(chown(name, (uid_t)-1, getegid())));
	SAY("fd-utimens", outcome(utimensat(AT_FDCWD, name, (struct timespec[]){{ 5, 0 }, { 7, 0 }}, 0)), "%ld",
	    (fstat(fd, &st2), (long)st2.st_mtime));
	say("fd-size", "%ld", (long)st2.st_size);
	say("fd-setxattr", "%s", outcome(setxattr(name, "user.a", "b", 1, 0)));
	say("fd-getxattr", "%s", value(getxattr("file", "user.a", text, sizeof(text))));
	say("fd-listxattr", "%d", listxattr(name, text, sizeof(text)) > 0);
	say("fd-removexattr", "%s", outcome(removexattr(name, "user.a")));
	SAY("fd-statfs", outcome(statfs(name, &fs)), "%d", fstatfs(fd, &fs2) == 0 && fs.f_type == fs2.f_type);
	SAY("statfs-of-/proc", outcome(statfs("/proc/self/status", &fs)), "%lx", (long)fs.f_type);
	say("fd-watch", "%d", inotify_add_watch(watch, name, IN_ATTRIB) > 0);
	chmod("file", 0600);
	say("fd-watched", "%d", read(watch, text, sizeof(text)) > 0);
	say("cwd-watch", "%d", inotify_add_watch(watch, "/proc/self/cwd", IN_CREATE) > 0);
	close(open("watched", O_CREAT | O_WRONLY, 0600));
	say("cwd-watched", "%d", read(watch, text, sizeof(text)) > 0);
	other = open(name, O_RDONLY);
	SAY("fd-opened-anew", value(other < 0 ? -1 : read(other, text, 10)), "%ld", (long)lseek(fd, 0, SEEK_CUR));
	close(other);
	snprintf(name, sizeof(name), "/dev/fd/%d", fd);
	other = open(name, O_WRONLY | O_TRUNC);
	SAY("fd-truncated", outcome(other), "%ld", (fstat(fd, &st2), (long)st2.st_size));
	close(other);
	NEED(dup2(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 && write(fd, "input", 5) == 5);
	other = open("/dev/stdin", O_RDONLY);
	say("stdin", "%s", value(other < 0 ? -1 : read(other, text, 10)));
	close(other);
	say("fd-of-a-closed-one", "%s", outcome(open("/proc/self/fd/77", O_RDONLY)));
	close(fd);
	close(watch);
}

static void others(pid_t me)
{
	char name[64], text[4096];
	int fd, pipes[2], memfd = memfd_create("some", 0);
	struct stat st, st2;
	ssize_t n;

	NEED(pipe(pipes) == 0 && memfd >= 0 && write(memfd, "memory", 6) == 6 && write(pipes[1], "x", 1) == 1);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", pipes[0]);
	fd = open(name, O_RDONLY | O_NONBLOCK);
	say("a-pipe", "%s", value(fd < 0 ? -1 : read(fd, text, 10)));
	close(fd);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", memfd);
	fd = open(name, O_RDONLY);
	say("a-memfd", "%s", value(fd < 0 ? -1 : read(fd, text, 10)));
	n = readlink(name, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	say("its-name", "%s", text);
	SAY("its-attributes", outcome(stat(name, &st)), "%d", fstat(memfd, &st2) == 0 && st.st_ino == st2.st_ino);
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	say("a-socket", "%s", outcome(open(name, O_RDWR)));
	close(fd);
	fd = open("gone", O_RDWR | O_CREAT, 0600);
	NEED(write(fd, "gone", 4) == 4 && unlink("gone") == 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	fd = open(name, O_RDONLY);
	say("a-removed-file", "%s", value(fd < 0 ? -1 : read(fd, text, 10)));
	close(fd);
	SAY("stat-of-it", outcome(stat(name, &st)), "%d", (int)st.st_nlink);

	fd = open("/proc/self/comm", O_RDWR);
	say("comm", "%s", value(write(fd, "named", 5)));
	close(fd);
	fd = open("/proc/thread-self/comm", O_RDONLY);
	n = read(fd, text, 100);
	say("comm-read", "%.*s", (int)(n < 0 ? 0 : n - 1), text);
	close(fd);
	fd = open("/proc/self/ns/mnt", O_RDONLY);
	say("a-name-space", "%s", outcome(fd));
	n = readlink("/proc/self/ns/mnt", text, sizeof(text));
	say("its-link", "%.*s", n > 5 ? 5 : 0, text);
	close(fd);
	fd = open("/proc/self/oom_score_adj", O_WRONLY);
	say("oom_score_adj", "%s", value(write(fd, "500\n", 4)));
	close(fd);
	fd = open("/proc/self/mem", O_RDONLY);
	say("mem", "%s", value(pread(fd, text, 4, (off_t)(uintptr_t) "data")));
	close(fd);
	fd = open("/proc/self/cmdline", O_RDONLY);
	say("cmdline", "%d", read(fd, text, sizeof(text)) > 0);
	close(fd);
	say("net", "%s", outcome(open("/proc/net/unix", O_RDONLY)));
	fd = open("/proc/mounts", O_RDONLY);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	snprintf(name, sizeof(name), "/proc/%d/mounts", me);
	say("mounts", "%d", strcmp(text, name) == 0);
}

static void sockets(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	int dir = open(".", O_RDONLY | O_DIRECTORY);

	strcpy(a.sun_path, "/proc/self/cwd/sock");
	say("bind-by-cwd", "%s", outcome(bind(s, (struct sockaddr *)&a, sizeof(a))));
	SAY("it-is-there", outcome(access("sock", F_OK)), "%s", outcome(listen(s, 1)));
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/sock", dir);
	say("connect-by-fd", "%s", outcome(connect(c, (struct sockaddr *)&a, sizeof(a))));
	close(c);
	close(s);
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/sock2", dir);
	SAY("bind-by-fd", outcome(bind(s, (struct sockaddr *)&a, sizeof(a))), "%s", outcome(access("sock2", F_OK)));
	close(s);
	close(dir);
}

static void programs(pid_t me)
{
	char number[16], name[32], *argv[] = { "again", "mine", number, NULL };
	int fd, status;
	pid_t pid;

	static const char *const ways[] = { "/proc/self/exe", "/proc/thread-self/exe", "./tolink/exe", NULL };

	(void)me;
	for (int i = 0; i < 4; i++) {
		fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
		pid = fork();
		if (pid == 0) {
			snprintf(number, sizeof(number), "%d", getpid());
			snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
			execve(ways[i] ? ways[i] : name, argv, environ);
			_exit(errno);
		}
		close(fd);
		waitpid(pid, &status, 0);
		say(ways[i] ? ways[i] : "exec-of-a-descriptor", "%x", status);
	}
}

static void *thread(void *arg)
{
	pid_t me = getpid(), tid = (pid_t)syscall(SYS_gettid);
	char text[64] = "", expected[64];
	int fd = open("/proc/thread-self/stat", O_RDONLY);

	(void)arg;
	say("a-thread-stat", "%s", whose(fd, tid));
	say("its-process", "%s", whose(open("/proc/self/stat", O_RDONLY), me));
	readlink("/proc/thread-self", text, sizeof(text));
	snprintf(expected, sizeof(expected), "%d/task/%d", me, tid);
	say("the-link-of-a-thread", "%d", strcmp(text, expected) == 0);
	say("below-it", "%s", whose(open("/proc/thread-self/../../../self/task/../stat", O_RDONLY), me));
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t;
	pid_t pid;
	int status;

	if (argc == 3 && strcmp(argv[1], "mine") == 0)
		return strcmp(whose(open("/proc/self/stat", O_RDONLY), atoi(argv[2])), "mine") != 0;
	NEED(symlink("/proc/self", "link") == 0 && mkdir("deep", 0755) == 0 &&
	     symlink("/proc/self", "deep/self") == 0);
	NEED(symlink("link", "tolink") == 0);
	NEED(dup2(open("/proc", O_RDONLY | O_DIRECTORY), 100) == 100);
	NEED(dup2(open("/proc/self", O_RDONLY | O_DIRECTORY), 101) == 101);
	ways(getpid());
	links(getpid());
	by_descriptor();
	others(getpid());
	sockets();
	programs(getpid());
	NEED(pthread_create(&t, NULL, thread, NULL) == 0);
	pthread_join(t, NULL);
	pid = fork();
	if (pid == 0) {
		SAY("a-child", whose(open("/proc/self/stat", O_RDONLY), getpid()), "%s",
		    whose(openat(101, "stat", O_RDONLY), getppid()));
		say("a-child-by-the-way-of-/proc", "%s", whose(openat(100, "self/stat", O_RDONLY), getpid()));
		SAY("a-child-in-/proc", outcome(chdir("/proc")), "%s", whose(open("self/stat", O_RDONLY), getpid()));
		SAY("in-/proc/self", outcome(chdir("self")), "%s", whose(open("stat", O_RDONLY), getpid()));
		say("up-from-there", "%s", whose(open("../self/stat", O_RDONLY), getpid()));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	say("its-status", "%x", status);
	return 0;
}
