/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the conformance programs that make many processes share. */
#ifndef TESTS_CONFORMANCE_CHILDREN_H
#define TESTS_CONFORMANCE_CHILDREN_H

#include "conform.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

/* Sleep, whatever signals come. */
__attribute__((unused)) static void nap(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* A child's end in words; valid until the next call. */
__attribute__((unused)) static const char *ended(pid_t pid)
{
	static char text[40];
	int status;

	if (waitpid(pid, &status, __WALL) != pid)
		return outcome(-1);
	if (WIFEXITED(status))
		snprintf(text, sizeof(text), "exit %d", WEXITSTATUS(status));
	else
		snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
	return text;
}

/* Work with files, as a child may have to: trapped calls. */
__attribute__((unused)) static int work(const char *name)
{
	struct stat st;
	int fd = open(name, O_CREAT | O_RDWR, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1 || stat(name, &st) < 0 || st.st_size != 1 || close(fd) < 0 || unlink(name) < 0)
		return 1;
	return 0;
}

#endif
