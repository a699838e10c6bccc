/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing umfuse: its sources without a monitor, between operations and a server that are both made of the input.
 *
 * The first byte of an input says how many clients there are, whether I/O is trapped, and where their part of the input ends
 * and the server's begins.  Inputs that once did harm are in corpus/.  With clang, `make fuzz-umfuse' makes a libFuzzer program.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the input that have not been used yet. */
struct input {
	const uint8_t *at;
	size_t left;
};

/* 0 when there are none any more. */
uint64_t input_number(struct input *in, unsigned bytes);
/* One of a few, or (seldom) any. */
uint64_t input_choose(struct input *in, const uint64_t *choice, size_t n);

/* Run one input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct server {
	int fd;
	struct input in;
	pthread_t thread;
	void (*interrupt)(void); /* the clients, in whatever they wait for */
};

/* It reads requests from @s->fd and answers until that is closed or shut. */
void server_start(struct server *s);
void server_stop(struct server *s);

#endif
