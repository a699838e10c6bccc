/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages for people.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One line, in one write: lines of several processes do not mix. */
static void line(const char *fmt, va_list ap)
{
	char buf[8192];
	size_t n = (size_t)snprintf(buf, sizeof(buf), "umview: ");
	int saved = errno;
	int more = vsnprintf(buf + n, sizeof(buf) - n - 1, fmt, ap);
	ssize_t written;

	if (more > 0)
		n += (size_t)more < sizeof(buf) - n - 1 ? (size_t)more : sizeof(buf) - n - 2;
	buf[n++] = '\n';
	written = write(STDERR_FILENO, buf, n);
	(void)written; /* there is nobody to tell */
	errno = saved;
}

void um_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
}

void um_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
}

void um_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
	exit(UM_EXIT_FAILURE);
}

void *um_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		um_die("out of memory");
	return p;
}

const char *um_shown(const char *word)
{
	return *word == '\0' || strpbrk(word, " \t\n") != NULL ? um_format("\"%s\"", word) : word;
}

char *um_format(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		um_die("out of memory");
	return s;
}
