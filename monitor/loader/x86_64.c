// SPDX-License-Identifier: GPL-2.0-or-later
/* x86-64: the exec loader's first and last instructions. */
#include "start.h"

char loader_stack[8192] __attribute__((visibility("hidden"), aligned(16), used));

void *memcpy(void *to, const void *from, size_t n)
{
	void *ret = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return ret;
}

void *memset(void *to, int c, size_t n)
{
	void *ret = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
	return ret;
}

/*
 * Start: the stack in .bss, with struct departure at its top.  Leave: aligned so that it does not cross a page.  The
 * program's entry point is kept below its new stack, where nothing lives.
 */
__asm__(".text\n"
	".globl _start\n"
	".hidden _start\n"
	".type _start, @function\n"
	"_start:\n"
	"	xorl %ebp, %ebp\n"
	"	movq %rsp, %rdi\n"
	"	leaq loader_stack+8192-64(%rip), %rsp\n"
	"	movq %rsp, %rsi\n"
	"	movq %rsp, %rbx\n"
	"	call loader_main\n"
	"	jmp loader_leave\n"
	"	.p2align 7\n"
	".globl loader_leave\n"
	".hidden loader_leave\n"
	"loader_leave:\n"
	"	movq 8(%rbx), %rsp\n"
	"	movq 0(%rbx), %rax\n"
	"	movq %rax, -8(%rsp)\n"
	"	movq 32(%rbx), %r12\n"
	"	movq 40(%rbx), %r13\n"
	"	movq 16(%rbx), %rdi\n"
	"	movq 24(%rbx), %rsi\n"
	"	testq %rsi, %rsi\n"
	"	jz 1f\n"
	"	movl $11, %eax\n" /* munmap */
	"	syscall\n"
	"1:	movq %r12, %rdi\n"
	"	movq %r13, %rsi\n"
	"	testq %rsi, %rsi\n"
	"	jz 2f\n"
	"	movl $11, %eax\n"
	"	syscall\n"
	"2:	xorl %eax, %eax\n"
	"	xorl %ebx, %ebx\n"
	"	xorl %ecx, %ecx\n"
	"	xorl %edx, %edx\n"
	"	xorl %esi, %esi\n"
	"	xorl %edi, %edi\n"
	"	xorl %ebp, %ebp\n"
	"	xorl %r8d, %r8d\n"
	"	xorl %r9d, %r9d\n"
	"	xorl %r10d, %r10d\n"
	"	xorl %r11d, %r11d\n"
	"	xorl %r12d, %r12d\n"
	"	xorl %r13d, %r13d\n"
	"	xorl %r14d, %r14d\n"
	"	xorl %r15d, %r15d\n"
	"	jmp *-8(%rsp)\n");
