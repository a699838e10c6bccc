// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hang: a FUSE server that never answers some requests.
 *
 *	hang [-f] -o OP[,OP...] [-n] [-i ignore|eintr|enosys] [-l FILE] DIR
 *
 * OP is the name of a kind of request ("lookup", "read", ...), or "all" for every kind but INIT.  With -n it is only for the
 * file "slow" (LOOKUPs of that name, and what is asked of its node).  -i says what becomes of INTERRUPT: nothing, the
 * request that it is about is answered EINTR, or it is answered ENOSYS itself.  -l FILE: a line for each request that is
 * not answered, and for each INTERRUPT.  It ends with status 0 when it is unmounted.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuse/raw.h"

static bool hangs[64];
static bool only_slow;
static const char *on_interrupt = "ignore";
static FILE *log_file;

static void usage(void)
{
	fprintf(stderr, "usage: hang [-f] -o OP[,OP...] [-n] [-i ignore|eintr|enosys] [-l FILE] DIR\n");
	exit(1);
}

static void choose(char *list)
{
	for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
		int opcode = raw_opcode(name);

		if (!strcmp(name, "all")) {
			memset(hangs, true, sizeof(hangs));
			hangs[FUSE_INIT] = hangs[FUSE_INTERRUPT] = false;
		} else if (opcode < 0) {
			fprintf(stderr, "hang: %s is no kind of request\n", name);
			exit(1);
		} else {
			hangs[opcode] = true;
		}
	}
}

static bool to_be_hung(const struct raw_request *request)
{
	if (request->in.opcode >= sizeof(hangs) || !hangs[request->in.opcode])
		return false;
	if (!only_slow)
		return true;
	return request->in.opcode == FUSE_LOOKUP ? !strcmp(request->body, "slow") : request->in.nodeid == RAW_SLOW;
}

static void interrupt(int fd, const struct raw_request *request)
{
	const struct fuse_interrupt_in *in = (const void *)request->body;
	struct raw_reply reply;

	if (!strcmp(on_interrupt, "ignore"))
		return;
	if (!strcmp(on_interrupt, "eintr"))
		raw_begin(&reply, in->unique, EINTR);
	else
		raw_begin(&reply, request->in.unique, ENOSYS);
	raw_send(fd, &reply); /* ENOENT: it was answered meanwhile */
}

static void note(const char *what, uint32_t opcode)
{
	if (!log_file)
		return;
	fprintf(log_file, "%s%s\n", what, raw_opcode_name(opcode));
	fflush(log_file);
}

static void serve(int fd)
{
	static struct raw_request request;
	static struct raw_reply reply;

	while (raw_receive(fd, &request)) {
		if (request.in.opcode == FUSE_INTERRUPT) {
			note("", request.in.opcode);
			interrupt(fd, &request);
		} else if (to_be_hung(&request)) {
			note("hung: ", request.in.opcode);
		} else {
			raw_answer(&request, &reply);
			if (!reply.none)
				raw_send(fd, &reply);
		}
	}
}

int main(int argc, char **argv)
{
	bool foreground = false;
	int c, fd;

	while ((c = getopt(argc, argv, "fo:ni:l:")) != -1) {
		switch (c) {
		case 'f':
			foreground = true;
			break;
		case 'o':
			choose(optarg);
			break;
		case 'n':
			only_slow = true;
			break;
		case 'i':
			on_interrupt = optarg;
			break;
		case 'l':
			log_file = fopen(optarg, "we");
			if (!log_file) {
				fprintf(stderr, "hang: cannot write %s: %s\n", optarg, strerror(errno));
				return 1;
			}
			break;
		default:
			usage();
		}
	}
	if (optind != argc - 1)
		usage();
	fd = raw_mount("hang", argv[optind]);
	if (!foreground && daemon(0, 0)) {
		fprintf(stderr, "hang: cannot go to the background: %s\n", strerror(errno));
		return 1;
	}
	serve(fd);
	return 0;
}
