/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls of the exec loader, which has no libc.
 */
#ifndef MONITOR_LOADER_SYSCALL_H
#define MONITOR_LOADER_SYSCALL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

/* The result as the kernel gives it: negative errno on error. */
static inline long sys6(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline int is_error(uint64_t ret)
{
	return ret > (uint64_t)-4096;
}

#endif
