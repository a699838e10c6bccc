/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that may be read but not executed are not, by whatever door: path, descriptor, O_PATH descriptor, /proc/self/fd.
 *
 * setup: yes
 */
#include "conform.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void copy(const char *from, const char *to)
{
	char buf[65536];
	int in = open(from, O_RDONLY), out = open(to, O_CREAT | O_WRONLY, 0644);
	ssize_t n;

	NEED(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		NEED(write(out, buf, (size_t)n) == n);
	close(in);
	close(out);
}

static int setup(void)
{
	int fd = open("script", O_CREAT | O_WRONLY, 0644);

	copy("/bin/true", "program");
	NEED(fd >= 0 && write(fd, "#!/bin/sh\nexit 0\n", 17) == 17);
	close(fd);
	NEED(mkdir("directory", 0755) == 0);
	return 0;
}

/* What became of a child that tries. */
static void attempt(const char *name, int dirfd, const char *path, int flags)
{
	char *argv[] = { (char *)name, NULL }, *envp[] = { NULL };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		syscall(SYS_execveat, dirfd, path, argv, envp, flags);
		_exit(100 + errno);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	errno = WEXITSTATUS(status) - 100;
	say(name, "%s", WEXITSTATUS(status) < 100 ? "it was executed" : outcome(-1));
}

static void doors(const char *when, const char *file)
{
	char name[64], link[64];
	int fd = open(file, O_RDONLY), path = open(file, O_PATH);

	NEED(fd >= 0 && path >= 0);
	snprintf(name, sizeof(name), "%s-%s-by-path", when, file);
	attempt(name, AT_FDCWD, file, 0);
	snprintf(name, sizeof(name), "%s-%s-by-descriptor", when, file);
	attempt(name, fd, "", AT_EMPTY_PATH);
	snprintf(name, sizeof(name), "%s-%s-by-o_path", when, file);
	attempt(name, path, "", AT_EMPTY_PATH);
	snprintf(name, sizeof(name), "%s-%s-by-proc", when, file);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	attempt(name, AT_FDCWD, link, 0);
	close(fd);
	close(path);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "setup") == 0)
		return setup();
	doors("first", "program");
	doors("first", "script");
	doors("first", "directory");
	NEED(chmod("program", 0755) == 0 && chmod("script", 0755) == 0);
	doors("allowed", "program");
	doors("allowed", "script");
	NEED(chmod("program", 0644) == 0 && chmod("script", 0644) == 0);
	doors("again", "program");
	doors("again", "script");
	return 0;
}
