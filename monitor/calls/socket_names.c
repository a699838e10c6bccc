// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the monitor remembers of sockets: two small rings, the oldest entry makes room for a new one.
 *
 * Nothing depends on a name being still known: without it the name is made from the host path, which is absolute
 * where the program's own may have been relative.
 */
#include "socket.h"

#include <stdlib.h>
#include <string.h>

#define NAMES 256
#define CLIENTS 1024

struct name {
	char bound[108 + 1], shown[108 + 1];
};

struct client {
	uint64_t ino;
	struct ucred cred;
};

struct um_sockets {
	struct name *name[NAMES];
	struct client client[CLIENTS];
	unsigned next_name, next_client; /* the ones to be replaced */
};

struct um_sockets *sockets_new(void)
{
	return calloc(1, sizeof(struct um_sockets));
}

void sockets_free(struct um_sockets *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < NAMES; i++)
		free(s->name[i]);
	free(s);
}

static struct name *find_name(const struct um_sockets *s, const char *bound)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (s->name[i] != NULL && strcmp(s->name[i]->bound, bound) == 0)
			return s->name[i];
	return NULL;
}

void sockets_add_name(struct um_sockets *s, const char *bound, const char *shown)
{
	struct name *n = find_name(s, bound);

	if (strlen(bound) >= sizeof(n->bound) || strlen(shown) >= sizeof(n->shown))
		return;
	if (n == NULL) {
		n = malloc(sizeof(*n));
		if (n == NULL)
			return;
		free(s->name[s->next_name]);
		s->name[s->next_name] = n;
		s->next_name = (s->next_name + 1) % NAMES;
	}
	strcpy(n->bound, bound);
	strcpy(n->shown, shown);
}

const char *sockets_name(const struct um_sockets *s, const char *bound)
{
	const struct name *n = s ? find_name(s, bound) : NULL;

	return n ? n->shown : NULL;
}

void sockets_add_client(struct um_sockets *s, uint64_t ino, const struct ucred *cred)
{
	s->client[s->next_client] = (struct client){ ino, *cred };
	s->next_client = (s->next_client + 1) % CLIENTS;
}

const struct ucred *sockets_client(const struct um_sockets *s, uint64_t ino)
{
	for (unsigned n = 1; s != NULL && n <= CLIENTS; n++) {
		const struct client *c = &s->client[(s->next_client + CLIENTS - n) % CLIENTS];

		if (c->ino == 0)
			break;
		if (ino == 0 || c->ino == ino)
			return &c->cred;
	}
	return NULL;
}
