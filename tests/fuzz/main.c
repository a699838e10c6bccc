// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Without libFuzzer:
 *
 *	umfuse FILE...			run these inputs
 *	umfuse -s SEED -n N [FILE...]	run N inputs that chance makes, of these files and of nothing
 *
 * Prints the seed of each input that it begins on standard error with -v.  A run that does not end is ended by SIGALRM.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define SIZE_MAX_INPUT 4096
#define RUN_SECONDS 60

static uint8_t data[SIZE_MAX_INPUT];

static size_t read_input(const char *name)
{
	FILE *f = fopen(name, "rb");
	size_t n;

	if (f == NULL) {
		perror(name);
		exit(2);
	}
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	return n;
}

/* A file with some bytes that are others, or bytes only. */
static size_t make_input(unsigned seed, char **files, int n)
{
	size_t size;

	srandom(seed);
	size = n > 0 && random() % 2 ? read_input(files[random() % n]) : 0;
	if (size == 0) {
		size = 1 + (size_t)random() % 1000;
		for (size_t i = 0; i < size; i++)
			data[i] = (uint8_t)random();
	}
	for (long i = random() % 10; i > 0; i--)
		data[(size_t)random() % size] = (uint8_t)random();
	return size;
}

static void run(size_t size)
{
	uint8_t *copy = malloc(size + 1); /* its end is its end */

	memcpy(copy, data, size);
	alarm(RUN_SECONDS);
	LLVMFuzzerTestOneInput(copy, size);
	alarm(0);
	free(copy);
}

int main(int argc, char **argv)
{
	unsigned seed = 1, n = 0;
	int opt, verbose = 0;

	while ((opt = getopt(argc, argv, "s:n:v")) != -1) {
		if (opt == 's')
			seed = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'n')
			n = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'v')
			verbose = 1;
		else
			return 2;
	}
	for (int i = optind; n == 0 && i < argc; i++)
		run(read_input(argv[i]));
	for (unsigned i = 0; i < n; i++) {
		if (verbose)
			fprintf(stderr, "%u\n", seed + i);
		run(make_input(seed + i, argv + optind, argc - optind));
	}
	printf("%u runs\n", n > 0 ? n : (unsigned)(argc - optind));
	return 0;
}
