// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Secure mode: abstract names of AF_UNIX sockets are the view's own.
 *
 * The kernel has one space of them for all of the host, and the user's X server, session bus and others listen there.
 * So a name is given to the kernel with the view's tag in front, and shown without it.  A name that has the tag already
 * (recvfrom(2) and accept(2) show it) is left as it is.
 */
#include "socket.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "../state.h"
#include "../view.h"

#define NAME_OFFSET (offsetof(struct sockaddr_un, sun_path) + 1) /* behind the NUL that makes it abstract */
#define TAG_SIZE 6
#define AUTO_SIZE 5 /* digits of a name that the kernel gives (unix(7), "Autobind feature") */

static void tag_of(const struct um_view *view, char tag[TAG_SIZE])
{
	uint32_t number = states_tag(view->states);

	memcpy(tag, "um", 2);
	memcpy(tag + 2, &number, sizeof(number));
}

static bool is_abstract(const struct sockaddr_un *un, socklen_t len)
{
	return len >= NAME_OFFSET && un->sun_family == AF_UNIX && un->sun_path[0] == '\0';
}

static bool has_tag(const struct um_view *view, const struct sockaddr_un *un, socklen_t len)
{
	char tag[TAG_SIZE];

	tag_of(view, tag);
	return is_abstract(un, len) && len >= NAME_OFFSET + TAG_SIZE && memcmp(un->sun_path + 1, tag, TAG_SIZE) == 0;
}

int abstract_place(const struct um_view *view, struct address *a)
{
	char *name = a->un.sun_path + 1;

	if (!view->secure || a->len > sizeof(a->un) || !is_abstract(&a->un, a->len) ||
	    has_tag(view, &a->un, a->len))
		return 0;
	if (a->len + TAG_SIZE > sizeof(a->un))
		return -EINVAL;
	memmove(name + TAG_SIZE, name, a->len - NAME_OFFSET);
	tag_of(view, name);
	a->len += TAG_SIZE;
	return 0;
}

bool abstract_to_show(const struct um_view *view, const struct sockaddr_un *un, socklen_t len,
		      struct sockaddr_un *shown, socklen_t *shown_len)
{
	if (!view->secure || !has_tag(view, un, len))
		return false;
	*shown_len = len - TAG_SIZE;
	memset(shown, 0, sizeof(*shown));
	shown->sun_family = AF_UNIX;
	memcpy(shown->sun_path + 1, un->sun_path + 1 + TAG_SIZE, *shown_len - NAME_OFFSET);
	return true;
}

int abstract_autobind(const struct um_view *view, int sock)
{
	struct address a = { .un.sun_family = AF_UNIX, .len = NAME_OFFSET + TAG_SIZE + AUTO_SIZE };
	char digits[AUTO_SIZE + 1];
	uint32_t number;

	tag_of(view, a.un.sun_path + 1);
	for (int tries = 0; tries < 100; tries++) {
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			return -EAGAIN;
		snprintf(digits, sizeof(digits), "%05x", number & 0xfffff);
		memcpy(a.un.sun_path + 1 + TAG_SIZE, digits, AUTO_SIZE);
		if (bind(sock, &a.any, a.len) == 0)
			return 0;
		if (errno != EADDRINUSE)
			return -errno;
	}
	return -ENOSPC;
}
