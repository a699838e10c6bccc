// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hostile: a FUSE server that answers what no server should.
 *
 *	hostile [-f] -m MODE DIR	one thing is wrong (hostile-modes.c)
 *	hostile [-f] -s SEED DIR	every third reply has something wrong, chosen by the seed; what is, goes to standard error
 *	hostile -l			the modes
 *
 * It ends with status 0 when it is unmounted, and in the modes die-* with status 3 in the middle of a request.
 */
#include "tests/fuse/hostile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct hostile_mode *find_mode(const char *name)
{
	for (const struct hostile_mode *mode = hostile_modes; mode->name; mode++) {
		if (!strcmp(mode->name, name))
			return mode;
	}
	fprintf(stderr, "hostile: %s is no mode; hostile -l prints them\n", name);
	exit(1);
}

/* Something is wrong with the reply, by chance; or it is sent twice, or strangers before it. */
static void spoil(int fd, struct raw_reply *reply)
{
	size_t size = sizeof(reply->out) + reply->body_size, at;
	static const uint64_t numbers[] = { 0, 1, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff, 0xffffffffffffffff };
	uint64_t number = numbers[random() % (sizeof(numbers) / sizeof(numbers[0]))];

	switch (random() % 8) {
	case 0: /* a bit */
		at = random() % size;
		fprintf(stderr, "hostile: a bit of byte %zu\n", at);
		reply->bytes[at] ^= 1 << random() % 8;
		break;
	case 1: /* a word of the body */
		if (reply->body_size < 8)
			break;
		at = random() % (reply->body_size / 8) * 8;
		fprintf(stderr, "hostile: %#llx at %zu\n", (unsigned long long)number, at);
		memcpy(reply->body + at, &number, 8);
		break;
	case 2: /* shorter */
		reply->body_size = random() % (reply->body_size + 1);
		fprintf(stderr, "hostile: %zu bytes of %zu\n", reply->body_size, size - sizeof(reply->out));
		break;
	case 3: /* longer */
		at = random() % 300;
		fprintf(stderr, "hostile: %zu bytes more\n", at);
		for (size_t i = 0; i < at; i++)
			raw_put(reply, "x", 1);
		break;
	case 4: /* an error */
		reply->out.error = random() % 1200 - 1100;
		fprintf(stderr, "hostile: error %d\n", reply->out.error);
		break;
	case 5: /* to another request first */
		fprintf(stderr, "hostile: to another first\n");
		reply->out.unique += 2 + random() % 10 * 2;
		raw_send(fd, reply);
		reply->out.unique -= 2;
		break;
	case 6:
		fprintf(stderr, "hostile: twice\n");
		raw_send(fd, reply);
		break;
	case 7: /* a notification made of it */
		fprintf(stderr, "hostile: as a notification first\n");
		number = reply->out.unique;
		reply->out.unique = 0;
		reply->out.error = random() % 8;
		raw_send(fd, reply);
		reply->out.unique = number;
		reply->out.error = 0;
		break;
	}
}

/* As raw_send(), but what spoil() did to the length stays; the right reply follows, in case this one was refused. */
static void send_both(int fd, struct raw_reply *spoilt, struct raw_reply *right)
{
	raw_send(fd, spoilt);
	raw_send(fd, right); /* ENOENT if the first was taken */
}

static void serve(int fd, const struct hostile_mode *mode)
{
	static struct raw_request request;
	static struct raw_reply reply, right;

	while (raw_receive(fd, &request)) {
		raw_answer(&request, &reply);
		if (reply.none)
			continue;
		if (mode) {
			bool mine = mode->opcode ? request.in.opcode == mode->opcode : request.in.opcode != FUSE_INIT;

			if (!mine || mode->act(fd, &request, &reply))
				raw_send(fd, &reply);
		} else if (request.in.opcode != FUSE_INIT && random() % 3 == 0) {
			raw_answer(&request, &right);
			fprintf(stderr, "%s: ", raw_opcode_name(request.in.opcode));
			spoil(fd, &reply);
			send_both(fd, &reply, &right);
		} else {
			raw_send(fd, &reply);
		}
	}
}

int main(int argc, char **argv)
{
	const struct hostile_mode *mode = NULL;
	bool foreground = false, chosen = false;
	int c, fd;

	while ((c = getopt(argc, argv, "fm:s:l")) != -1) {
		switch (c) {
		case 'f':
			foreground = true;
			break;
		case 'm':
			mode = find_mode(optarg);
			chosen = true;
			break;
		case 's':
			srandom(strtoul(optarg, NULL, 0));
			chosen = true;
			break;
		case 'l':
			for (mode = hostile_modes; mode->name; mode++)
				puts(mode->name);
			return 0;
		default:
			chosen = false;
			optind = argc;
		}
	}
	if (!chosen || optind != argc - 1) {
		fprintf(stderr, "usage: hostile [-f] -m MODE|-s SEED DIR; hostile -l\n");
		return 1;
	}
	fd = raw_mount("hostile", argv[optind]);
	if (!foreground && daemon(0, 0)) {
		fprintf(stderr, "hostile: cannot go to the background: %s\n", strerror(errno));
		return 1;
	}
	serve(fd, mode);
	return 0;
}
