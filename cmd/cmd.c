/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the small commands of a view share: see cmd.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown version"
#endif

#define REPLY_FIRST ((size_t)16 << 10)
#define REPLY_MAX ((size_t)16 << 20)

static void vmessage(const char *format, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, args);
	putc('\n', stderr);
}

void cmd_message(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vmessage(format, args);
	va_end(args);
}

void cmd_die(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vmessage(format, args);
	va_end(args);
	exit(status);
}

const char *cmd_shown(const char *word)
{
	return *word ? word : "\"\"";
}

void cmd_usage(void)
{
	fprintf(stderr, "Try '%s --help'.\n", program_invocation_short_name);
	exit(1);
}

void cmd_common_option(int opt, const char *help)
{
	if (opt != 'h' && opt != 'V')
		cmd_usage(); /* getopt has said what is wrong */
	if (opt == 'h')
		printf("Usage: %s %s", program_invocation_short_name, help);
	else
		printf("%s (umview) %s\n", program_invocation_short_name, PACKAGE_VERSION);
	if (fflush(stdout) == EOF)
		cmd_die(1, "standard output: %s", strerror(errno));
	exit(0);
}

void *cmd_realloc(void *p, size_t size)
{
	p = realloc(p, size);
	if (!p)
		cmd_die(1, "out of memory");
	return p;
}

char *cmd_strdup(const char *s)
{
	return strcpy(cmd_realloc(NULL, strlen(s) + 1), s);
}

void cmd_add_word(struct cmd_request *request, const char *word)
{
	size_t size = strlen(word) + 1;

	if (size > sizeof(request->words) - request->len)
		cmd_die(1, "the arguments are too long");
	memcpy(request->words + request->len, word, size);
	request->len += size;
}

/* One try with a buffer of @size bytes.  0, -ERANGE: the reply may have been cut, or another negative errno value. */
static int send_once(const struct cmd_request *request, char *reply, size_t size)
{
	long n = um_ctl(request->words, request->len, reply, size);
	int err = n < 0 ? -errno : 0;

	reply[size - 1] = '\0';
	return err == 0 && strlen(reply) == size - 1 ? -ERANGE : err;
}

int cmd_send(const struct cmd_request *request, char **reply)
{
	char *buf = NULL;
	int err;

	for (size_t size = REPLY_FIRST;; size *= 4) {
		buf = cmd_realloc(buf, size);
		err = send_once(request, buf, size);
		if (err != -ERANGE || size >= REPLY_MAX)
			break;
	}
	if (err == -ERANGE)
		err = 0;
	/* A monitor always gives a reason with an ENOSYS of its own. */
	if (err == -ENOSYS && buf[0] == '\0')
		cmd_die(1, "not in a view (start one with umview)");
	*reply = buf;
	return err;
}

char *cmd_ask(const struct cmd_request *request, const char *what)
{
	char *reply;
	int err = cmd_send(request, &reply);

	if (err < 0)
		cmd_die(1, "%s: %s", cmd_shown(what), reply[0] ? reply : strerror(-err));
	return reply;
}

char *cmd_ask_verb(const char *verb)
{
	struct cmd_request request = { 0 };

	cmd_add_word(&request, verb);
	return cmd_ask(&request, verb);
}

void cmd_need_view(void)
{
	struct cmd_request request = { 0 };
	char *reply;

	cmd_add_word(&request, "view-name");
	cmd_send(&request, &reply);
	free(reply);
}

const char *cmd_why(const char *otherwise)
{
	struct cmd_request request = { 0 };
	char *reply;

	cmd_add_word(&request, "why");
	if (cmd_send(&request, &reply) == 0 && reply[0]) {
		reply[strcspn(reply, "\n")] = '\0';
		return reply;
	}
	free(reply);
	return otherwise;
}

/* Undo the escapes of /proc/mounts: backslash and three octal digits. */
static char *unescape(char *field)
{
	char *to = field;

	for (const char *from = field; *from; to++) {
		unsigned c;

		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			c = (from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0');
			*to = (char)c;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return field;
}

struct cmd_mount *cmd_mounts(size_t *n)
{
	struct cmd_mount *mounts = NULL;
	char *rest = cmd_ask_verb("mounts"), *line;

	*n = 0;
	while ((line = strsep(&rest, "\n"))) {
		char *field[4];

		for (int i = 0; i < 4; i++)
			field[i] = strsep(&line, "\t");
		if (!field[1] || !field[2])
			continue;
		mounts = cmd_realloc(mounts, (*n + 1) * sizeof(*mounts));
		mounts[(*n)++] = (struct cmd_mount){
			.source = unescape(field[0]),
			.target = unescape(field[1]),
			.type = unescape(field[2]),
			.options = field[3] ? unescape(field[3]) : "",
		};
	}
	return mounts;
}

/* The path of a name whose last component is not looked at, or NULL. */
static char *path_of_parent(const char *name)
{
	char *copy = cmd_strdup(name), *slash, *last, *dir, *full = NULL;

	for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/';)
		copy[--n] = '\0';
	slash = strrchr(copy, '/');
	last = slash ? slash + 1 : copy;
	dir = realpath(slash == copy ? "/" : slash ? (*slash = '\0', copy) : ".", NULL);
	if (dir && *last && strcmp(last, ".") && strcmp(last, "..")) {
		full = cmd_realloc(NULL, strlen(dir) + strlen(last) + 2);
		sprintf(full, "%s/%s", strcmp(dir, "/") ? dir : "", last);
	}
	free(dir);
	free(copy);
	return full;
}

char *cmd_mount_point(const char *name)
{
	char *path = path_of_parent(name), *real;
	size_t n;
	const struct cmd_mount *mounts = cmd_mounts(&n);

	for (size_t i = 0; path && i < n; i++)
		if (!strcmp(mounts[i].target, path))
			return path;
	real = realpath(name, NULL);
	if (real)
		return real;
	return path ? path : cmd_strdup(name);
}
