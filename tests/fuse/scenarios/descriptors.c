// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Descriptors of files in the mount: dup, fork, exec, passing, reopening; removed files; polling.
 *
 * sets: default zero direct noopen
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "conform.h"
#include "../memioctl.h"

static char buffer[4096];

static int make(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	NEED(fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static const char *text_of(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t got = read(fd, buffer, sizeof(buffer) - 1);

	close(fd);
	if (got < 0)
		return outcome(got);
	buffer[got] = '\0';
	return buffer;
}

static void offsets_are_shared(void)
{
	int fd = make("offset", "0123456789"), other;

	lseek(fd, 0, SEEK_SET);
	other = dup(fd);
	TRY("dup-read", read(other, buffer, 3));
	TRY("dup-offset", lseek(fd, 0, SEEK_CUR));
	if (fork() == 0) {
		NEED(read(fd, buffer, 2) == 2);
		_exit(0);
	}
	wait(NULL);
	TRY("fork-offset", lseek(fd, 0, SEEK_CUR));
	TRY("dup3", dup3(fd, 50, O_CLOEXEC));
	TRY("dup3-flags", fcntl(50, F_GETFD));
	TRY("dup-close", close(fd));
	TRY("dup-still", read(other, buffer, 100));
	snprintf(buffer, sizeof(buffer), "/proc/self/fd/%d", other);
	other = open(buffer, O_RDWR);
	TRY("reopened", other != -1 ? lseek(other, 0, SEEK_CUR) : -1);
	TRY("reopened-write", pwrite(other, "x", 1, 0));
	TRY("flags", fcntl(other, F_GETFL) & (O_ACCMODE | O_APPEND));
	close(other);
	close(50);
}

static void over_exec(void)
{
	int fd = make("exec", "read by another program");

	lseek(fd, 8, SEEK_SET);
	if (fork() == 0) {
		dup2(fd, 0);
		execlp("cat", "cat", NULL);
		_exit(1);
	}
	wait(NULL);
	printf("\n");
	TRY("exec-offset", lseek(fd, 0, SEEK_CUR));
	close(fd);
}

static void passed(void)
{
	int pair[2], fd = make("passed", "passed on"), got = -1;
	char room[CMSG_SPACE(sizeof(int))] = { 0 }, c = 'x';
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	if (fork() == 0) {
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
		NEED(sendmsg(pair[1], &msg, 0) == 1);
		_exit(0);
	}
	close(fd);
	NEED(recvmsg(pair[0], &msg, 0) == 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	wait(NULL);
	TRY("passed-read", pread(got, buffer, 6, 0));
	TRY("passed-write", pwrite(got, "PASSED", 6, 0));
	say("passed-text", "%s", text_of("passed"));
	close(got);
	close(pair[0]);
	close(pair[1]);
}

static void removed(void)
{
	int fd = make("removed", "still there"), dir, n = 0;
	struct stat st;
	struct dirent *entry;
	DIR *d;

	TRY("removed-unlink", unlink("removed"));
	TRY("removed-read", pread(fd, buffer, 100, 0));
	TRY("removed-write", pwrite(fd, "STILL", 5, 0));
	TRY("removed-truncate", ftruncate(fd, 8));
	TRY("removed-chmod", fchmod(fd, 0600));
	NEED(fstat(fd, &st) == 0);
	say("removed-stat", "links %d, size %d, mode %o", (int)st.st_nlink, (int)st.st_size, st.st_mode & 0777);
	close(make("removed", "another"));
	TRY("removed-old", pread(fd, buffer, 5, 0));
	say("removed-old-text", "%.5s", buffer);
	say("removed-new-text", "%s", text_of("removed"));
	TRY("removed-close", close(fd));
	unlink("removed");
	for (d = opendir("."); d && (entry = readdir(d));) /* no .fuse_hidden files */
		n += strstr(entry->d_name, "hidden") != NULL;
	closedir(d);
	say("removed-hidden", "%d", n);

	fd = make("old", "old file");
	close(make("new", "new file"));
	TRY("replaced", rename("new", "old"));
	TRY("replaced-read", pread(fd, buffer, 8, 0));
	say("replaced-text", "%.8s", buffer);
	say("replaced-now", "%s", text_of("old"));
	close(fd);

	mkdir("gone", 0755);
	dir = open("gone", O_RDONLY | O_DIRECTORY);
	TRY("gone-rmdir", rmdir("gone"));
	TRY("gone-create", openat(dir, "file", O_CREAT | O_WRONLY, 0644));
	TRY("gone-stat", fstat(dir, &st));
	say("gone-links", "%d", (int)st.st_nlink);
	close(dir);
}

static void anonymous(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0644);

	TRY("tmpfile", fd == -1 ? -1 : 0);
	if (fd != -1)
		close(fd);
	fd = open("path-only", O_CREAT | O_WRONLY, 0644);
	close(fd);
	fd = open("path-only", O_PATH);
	TRY("path-read", read(fd, buffer, 1));
	snprintf(buffer, sizeof(buffer), "/proc/self/fd/%d", fd);
	TRY("path-reopen", close(open(buffer, O_RDWR)));
	close(fd);
	fd = open("direct", O_CREAT | O_RDWR | O_DIRECT, 0644);
	TRY("direct", fd == -1 ? -1 : 0);
	if (fd != -1)
		close(fd);
	fd = open("sync", O_CREAT | O_RDWR | O_SYNC, 0644);
	TRY("sync-write", write(fd, "x", 1));
	TRY("sync-flags", fcntl(fd, F_GETFL) & O_SYNC ? 0 : -1);
	close(fd);
}

static void exclusive(void)
{
	close(make("exclusive", "here"));
	TRY("excl-there", open("exclusive", O_CREAT | O_EXCL | O_WRONLY, 0644));
	TRY("excl-new", close(open("exclusive-new", O_CREAT | O_EXCL | O_WRONLY, 0644)));
	TRY("excl-link", (symlink("nowhere", "dangling"), open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0644)));
	TRY("through-link", close(open("dangling", O_CREAT | O_WRONLY, 0644)));
	TRY("through-link-made", access("nowhere", F_OK));
	TRY("nofollow", open("dangling", O_RDONLY | O_NOFOLLOW));
	TRY("directory-file", open("exclusive", O_RDONLY | O_DIRECTORY));
	TRY("write-directory", open(".", O_WRONLY));
	TRY("mode", ({
		struct stat st;

		umask(027);
		close(open("mode", O_CREAT | O_WRONLY, 0666));
		umask(022);
		stat("mode", &st);
		st.st_mode & 0777;
	}));
	TRY("no-write", close(open("no-write", O_CREAT | O_RDWR, 0444)));
	TRY("no-write-again", open("no-write", O_WRONLY));
}

static void waiting(void)
{
	int fd = make("poll", "x"), epfd = epoll_create1(0);
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };
	struct timeval none = { 0, 0 };
	struct epoll_event event = { .events = EPOLLIN };
	fd_set in, out;
	int n;

	TRY("poll", poll(&pfd, 1, 0));
	say("poll-events", "%#x", pfd.revents);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(fd, &in);
	FD_SET(fd, &out);
	TRY("select", select(fd + 1, &in, &out, NULL, &none));
	TRY("epoll", epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event));
	TRY("fionread", ({
		lseek(fd, 0, SEEK_SET);
		ioctl(fd, FIONREAD, &n);
	}));
	TRY("tcgets", isatty(fd) ? 0 : -1);
	close(epfd);
	close(fd);
}

static void of_the_server(void)
{
	int fd = make("ioctl", "twelve bytes");
	uint64_t size = 0;
	struct statfs st;

	TRY("ioctl-get", ioctl(fd, MEMFS_GET_SIZE, &size));
	say("ioctl-size", "%d", (int)size);
	size = 6;
	TRY("ioctl-set", ioctl(fd, MEMFS_SET_SIZE, &size));
	TRY("ioctl-unknown", ioctl(fd, _IO('M', 99)));
	NEED(fstatfs(fd, &st) == 0);
	say("statfs", "type %#lx, bsize %ld, namelen %ld", (long)st.f_type, (long)st.f_bsize, (long)st.f_namelen);
	close(fd);
}

int main(void)
{
	offsets_are_shared();
	printf("exec-cat: ");
	fflush(stdout);
	over_exec();
	passed();
	removed();
	anonymous();
	exclusive();
	waiting();
	of_the_server();
	return 0;
}
