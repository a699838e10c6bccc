/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What umview was given by the shell.
 */
#include "origin.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

void origin_signals(sigset_t *set)
{
	/* those that only a fault of our own makes stay what they are */
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT };

	sigfillset(set); /* without SIGKILL and SIGSTOP in effect, and without the C library's own */
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(set, faults[i]);
}

/* A closed standard descriptor would be given to one of our own: put something there that goes at exec. */
static void occupy_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			exit(UM_EXIT_FAILURE); /* with no place for a message */
	} while (fd <= 2);
	close(fd);
}

/* Arguments and environment lie one after the other, as the kernel put them there (execve(2)). */
static void find_title(struct origin *origin, char **argv)
{
	char *end = argv[0];

	for (char **s = argv; *s != NULL; s++)
		if (*s == end)
			end += strlen(end) + 1;
	for (char **s = environ; *s != NULL; s++)
		if (*s == end)
			end += strlen(end) + 1;
	origin->title = argv[0];
	origin->title_size = (size_t)(end - argv[0]);
}

void origin_leave(struct origin *origin, char **argv)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL }, ign = { .sa_handler = SIG_IGN };
	sigset_t set;

	occupy_standard();
	origin_signals(&set);
	sigprocmask(SIG_BLOCK, &set, &origin->mask);
	sigaction(SIGCHLD, &dfl, &origin->sigchld); /* ignored, it would reap CMD before we see its status */
	sigaction(SIGPIPE, &ign, &origin->sigpipe);
	getrlimit(RLIMIT_NOFILE, &origin->nofile);
	origin->umask = umask(0);
	umask(origin->umask);
	find_title(origin, argv);
}

void origin_return(const struct origin *origin)
{
	setrlimit(RLIMIT_NOFILE, &origin->nofile);
	sigaction(SIGCHLD, &origin->sigchld, NULL);
	sigaction(SIGPIPE, &origin->sigpipe, NULL);
	sigprocmask(SIG_SETMASK, &origin->mask, NULL);
}

void origin_close(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *d;

	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		close(null);
	}
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		int fd = atoi(d->d_name);

		if (fd > 2 && fcntl(fd, F_GETFD) == 0)
			close(fd);
	}
	if (dir != NULL)
		closedir(dir);
}
