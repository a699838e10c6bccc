/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x86-64: system calls of the exec loader, which has no libc. */
#ifndef MONITOR_LOADER_X86_64_H
#define MONITOR_LOADER_X86_64_H

#include <stdint.h>

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

#endif
