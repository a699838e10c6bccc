/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the exec loader is entered and left, and how it makes system calls: the processor's part (x86_64.c).
 */
#ifndef MONITOR_LOADER_START_H
#define MONITOR_LOADER_START_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "x86_64.h"

/* What loader_leave() needs: six words, which it finds at the top of the loader's stack. */
struct departure {
	uint64_t entry, sp;
	uint64_t low, low_size; /* parts of the loader to unmap */
	uint64_t high, high_size;
};

/* Called with the stack as the kernel left it; fills @d.  On return loader_leave() runs. */
__attribute__((used, visibility("hidden"))) void loader_main(uint64_t *sp, struct departure *d);

/* The compiler may ask for these. */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);

/* The last code that runs; it does not cross a page. */
extern char loader_leave[] __attribute__((visibility("hidden")));

static inline int is_error(uint64_t ret)
{
	return ret > (uint64_t)-4096;
}

#endif
