/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What depends on the processor: registers of a stopped thread, the system call instruction, ELF machines, numbers of
 * system calls.  One file a processor; the exec loader, which stands alone, has its own (../loader/x86_64.c).
 */
#ifndef MONITOR_ARCH_ARCH_H
#define MONITOR_ARCH_ARCH_H

#if defined(__x86_64__) && !defined(__ILP32__)
#include "x86_64.h"
#else
#error "umview runs on x86-64 only"
#endif

#endif
