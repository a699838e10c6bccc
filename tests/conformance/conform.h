/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What conformance programs in C share; see doc/HACKING.
 *
 * Bare system calls with many doors are made by syscall(2): C libraries choose one door for all.
 */
#ifndef CONFORM_H
#define CONFORM_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* The line of a case.  Flushed at once, so that a child does not print it again. */
__attribute__((format(printf, 2, 3), unused)) static void say(const char *name, const char *format, ...)
{
	va_list ap;

	printf("%s: ", name);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* What a call gave: "ok" for any result but -1, otherwise the name of its errno.  errno is kept. */
__attribute__((unused)) static const char *outcome(long result)
{
	const char *name = result == -1 ? strerrorname_np(errno) : "ok";

	return name ? name : "?";
}

/* The result itself, or the errno; valid until the fourth next call. */
__attribute__((unused)) static const char *value(long result)
{
	static char text[4][24];
	static int turn;

	if (result == -1)
		return outcome(result);
	turn = (turn + 1) % 4;
	snprintf(text[turn], sizeof(text[turn]), "%ld", result);
	return text[turn];
}

/* What the program cannot go on without. */
#define NEED(expression)                                                                                     \
	do {                                                                                                 \
		if (!(expression)) {                                                                         \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #expression, strerror(errno)); \
			exit(1);                                                                             \
		}                                                                                            \
	} while (0)

/* A case of one call, and what it gave. */
#define TRY(name, call) say(name, "%s", value(call))

/* Run in a child, so that nothing of it stays.  The case is its wait status; that it dumped core is the system's matter. */
__attribute__((unused)) static void apart(const char *name, void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fn();
		_exit(0);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	say(name, "%#x", status & ~0x80);
}

#endif
