/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86-64: the registers of a thread in a ptrace stop, how Linux restarts a system call, and what is particular about the
 * numbers of system calls.
 *
 * In a stop on the way out of a system call, orig_rax is the call's number (-1: the kernel treats the thread as if
 * it had not been in a call, and never restarts anything) and rax its result.  With rax = -ERESTARTNOINTR the kernel
 * sets rax = orig_rax and steps back over the 2-byte syscall instruction, also when it first runs a signal handler:
 * the call is then made after the handler has returned (arch/x86/kernel/signal.c, handle_signal,
 * arch_do_signal_or_restart). rcx and r11 are clobbered by the instruction and need no care.
 */
#ifndef MONITOR_ARCH_X86_64_H
#define MONITOR_ARCH_X86_64_H

#include <asm/unistd.h>
#include <errno.h>
#include <linux/audit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>

#define ARCH_ELF_MACHINE EM_X86_64 /* <elf.h> */
#define ARCH_SYSCALL_SIZE 2
#define ARCH_SYSCALL_CODE "\x0f\x05"

/* The filter and the table of system calls. */
#define ARCH_AUDIT AUDIT_ARCH_X86_64
#define ARCH_NR_X32 0x40000000u    /* numbers with this bit are x32's (__X32_SYSCALL_BIT) */
#define ARCH_NR_OLD_END 337        /* numbers 0..336 are of the architecture's own sequence */
#define ARCH_OLD_CALLS 1           /* has the calls without `at': open, stat, fork... */
#define ARCH_O_LARGEFILE 0100000   /* the C library's O_LARGEFILE is 0 where all files are large */
#ifndef __NR_uretprobe
#define __NR_uretprobe 335
#endif
#ifndef __NR_uprobe
#define __NR_uprobe 336
#endif

/* A system call without arguments that sleeps until a signal comes. */
#define ARCH_SYS_SLEEP SYS_pause

/* Results that only the kernel sees (include/linux/errno.h). */
#define ARCH_ERESTARTSYS 512
#define ARCH_ERESTARTNOINTR 513
#define ARCH_ERESTARTNOHAND 514
#define ARCH_ERESTART_RESTARTBLOCK 516

struct arch_regs {
	struct user_regs_struct user;
};

/* 0, or negative errno (-ESRCH: the thread is not stopped, it was killed). */
static inline int arch_regs_get(pid_t tid, struct arch_regs *regs)
{
	return ptrace(PTRACE_GETREGS, tid, NULL, &regs->user) < 0 ? -errno : 0;
}

static inline int arch_regs_set(pid_t tid, const struct arch_regs *regs)
{
	return ptrace(PTRACE_SETREGS, tid, NULL, (void *)&regs->user) < 0 ? -errno : 0;
}

static inline int64_t arch_result(const struct arch_regs *regs)
{
	return (int64_t)regs->user.rax;
}

static inline bool arch_will_restart(const struct arch_regs *regs)
{
	int64_t r = arch_result(regs);

	return r == -ARCH_ERESTARTSYS || r == -ARCH_ERESTARTNOINTR || r == -ARCH_ERESTARTNOHAND ||
	       r == -ARCH_ERESTART_RESTARTBLOCK;
}

/* The call that the thread is on its way out of; -1: it is in none. */
static inline int arch_call_nr(const struct arch_regs *regs)
{
	return (int)regs->user.orig_rax;
}

/* The address that the thread goes on at; in a call, that after the instruction. */
static inline uint64_t arch_ip(const struct arch_regs *regs)
{
	return regs->user.rip;
}

/* Does it run 64-bit code?  (arch/x86/include/asm/segment.h, __USER_CS) */
static inline bool arch_is_native(const struct arch_regs *regs)
{
	return regs->user.cs == 0x33;
}

/* Is the thread on its way out of exactly this call, to be restarted? @ip: address after the instruction. */
static inline bool arch_restarts_call(const struct arch_regs *regs, int nr, uint64_t ip, const uint64_t args[6])
{
	const struct user_regs_struct *u = &regs->user;

	return (int)u->orig_rax == nr && u->rip == ip && (int64_t)u->rax == -ARCH_ERESTARTSYS && u->rdi == args[0] &&
	       u->rsi == args[1] && u->rdx == args[2] && u->r10 == args[3] && u->r8 == args[4] && u->r9 == args[5];
}

static inline void arch_set_args(struct arch_regs *regs, const uint64_t args[6])
{
	regs->user.rdi = args[0];
	regs->user.rsi = args[1];
	regs->user.rdx = args[2];
	regs->user.r10 = args[3];
	regs->user.r8 = args[4];
	regs->user.r9 = args[5];
}

/* The kernel restarts the call as another one. */
static inline void arch_restart_as(struct arch_regs *regs, int nr, const uint64_t args[6])
{
	arch_set_args(regs, args);
	regs->user.orig_rax = (unsigned long long)(long long)nr;
	regs->user.rax = (unsigned long long)-ARCH_ERESTARTNOINTR;
}

/* The kernel restarts the same call, handlers or not. */
static inline void arch_restart(struct arch_regs *regs)
{
	regs->user.rax = (unsigned long long)-ARCH_ERESTARTNOINTR;
}

/* The kernel restarts the same call, unless a handler runs first: then it has been interrupted (EINTR). */
static inline void arch_restart_unless_handled(struct arch_regs *regs)
{
	regs->user.rax = (unsigned long long)-ARCH_ERESTARTNOHAND;
}

/* The thread issues a call when it next runs. @ip: address after a system call instruction. */
static inline void arch_set_call(struct arch_regs *regs, int nr, uint64_t ip, const uint64_t args[6])
{
	arch_set_args(regs, args);
	regs->user.rip = ip - ARCH_SYSCALL_SIZE;
	regs->user.rax = (unsigned long long)(long long)nr;
	regs->user.orig_rax = -1ULL;
}

/* What a thread that stopped at the beginning of a call asks for. @ip: address after the instruction. */
static inline void arch_call_get(const struct arch_regs *regs, int *nr, uint64_t args[6], uint64_t *ip)
{
	const struct user_regs_struct *u = &regs->user;

	*nr = (int)u->orig_rax;
	*ip = u->rip;
	args[0] = u->rdi;
	args[1] = u->rsi;
	args[2] = u->rdx;
	args[3] = u->r10;
	args[4] = u->r8;
	args[5] = u->r9;
}

/* There, another call is made in its place. */
static inline void arch_call_change(struct arch_regs *regs, int nr, const uint64_t args[6])
{
	arch_set_args(regs, args);
	regs->user.orig_rax = (unsigned long long)(long long)nr;
}

/* At the end of that one, it goes on after its own with this result; if it is to be restarted, then as itself. */
static inline void arch_come_back(struct arch_regs *own, int64_t result)
{
	own->user.rax = (unsigned long long)result;
}

/* The stack's end, and how much below it the program may use without moving it (System V ABI, x86-64, 3.2.2). */
static inline uint64_t arch_stack(const struct arch_regs *regs)
{
	return regs->user.rsp;
}

#define ARCH_RED_ZONE 128

/* The thread goes on after its call, with this result. */
static inline void arch_set_result(struct arch_regs *regs, int64_t result)
{
	regs->user.rax = (unsigned long long)result;
	regs->user.orig_rax = -1ULL;
}

#endif
