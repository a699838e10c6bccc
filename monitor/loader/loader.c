// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The exec loader: it puts a program into a process where the kernel's own exec cannot.
 *
 * Theory of operation.  The monitor turned the program's exec into one of this image, with the same argv and envp;
 * the exec has succeeded, and there is no way back.  The loader asks the monitor for its plan (plan.h), maps the
 * program and its interpreter from descriptors, and makes the process look as the kernel would have left it: argv,
 * the auxiliary vector, /proc/PID/cmdline, name and heap.  Then it unmaps itself, clears the registers and jumps.
 *
 * What the kernel has put on the stack (fs/binfmt_elf.c, create_elf_tables), from low to high addresses:
 *
 *	argc, argv[], NULL, envp[], NULL, auxv[], AT_NULL	<- rsp
 *	(a gap) random bytes, platform name (a gap)
 *	strings of argv, strings of envp, file name		<- arg_start, env_start = arg_end, env_end
 *
 * The strings of argv and envp stay.  Words that take the place of argv[0] go right below argv[1]'s string, so that
 * the arguments stay one piece; then downwards the random bytes, the platform names, AT_EXECFN's and AT_UMVIEW_EXE's
 * string, and the pointers, which are moved down to make room.
 *
 * There is no libc, no relocation, no thread, no floating point; the stack in use is in .bss, for the program's own
 * is being rebuilt.  On an error the process is told why and ends: the kernel would kill it.
 */
#include <elf.h>
#include <errno.h>
#include <linux/prctl.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "plan.h"
#include "start.h"

#define PAGE 4096ul
#define PAGE_DOWN(x) ((x) & ~(PAGE - 1))
#define PAGE_UP(x) PAGE_DOWN((x) + PAGE - 1)
#define UM_CTL_CALL_NR 0x5556   /* modules/include/um_ctl.h */
#define UM_CTL_PRCTL 0x55560001
#define AUX_MAX 64
#define PIE_BASE 0x555555554000ul /* where the kernel puts such programs without randomization */
#define NAME_ROOM 64            /* for a platform name */

struct aux {
	uint64_t type, value;
};

/* The stack as the kernel left it. */
struct stack {
	uint64_t *argv, *envp;
	uint64_t argc, envc;
	uint64_t arg_end;       /* end of argv's strings, start of envp's */
	uint64_t env_end;
	struct aux aux[AUX_MAX];
	unsigned naux;          /* AT_NULL is not counted */
};

/* Where a file was mapped. */
struct mapped {
	uint64_t bias;          /* what to add to the file's addresses */
	uint64_t end;           /* page-aligned */
	struct prctl_mm_map *names; /* filled with code and data addresses, or NULL */
};

extern char __ehdr_start[] __attribute__((visibility("hidden")));
extern char _end[] __attribute__((visibility("hidden")));

static union {
	struct plan plan;
	char bytes[PLAN_MAX];
} block;
static struct stack stack;
static char saved_random[16], saved_platform[2][NAME_ROOM];

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static long call(long nr, uint64_t a, uint64_t b, uint64_t c)
{
	return sys6(nr, a, b, c, 0, 0, block.plan.cookie);
}

static void say(const char *s)
{
	call(SYS_write, 2, (uint64_t)s, length(s));
}

/* The program cannot be run: say so and end. */
static void __attribute__((noreturn)) fail(const char *what, long error)
{
	char number[24], *p = number + sizeof(number) - 1;
	unsigned long e = (unsigned long)(error < 0 ? -error : error);

	*p = '\0';
	do
		*--p = (char)('0' + e % 10);
	while (e /= 10);
	say("umview: ");
	if (block.plan.magic == PLAN_MAGIC && block.plan.execfn) {
		say(block.bytes + block.plan.execfn);
		say(": ");
	}
	say(what);
	say(": error ");
	say(p);
	say("\n");
	for (;;)
		call(SYS_exit_group, 127, 0, 0);
}

static uint64_t map(uint64_t addr, uint64_t len, uint32_t prot, int flags, int fd, uint64_t offset)
{
	return (uint64_t)sys6(SYS_mmap, addr, len, prot, (uint64_t)flags, (uint64_t)(int64_t)fd, offset);
}

/* --- files ---------------------------------------------------------------------------------------------------- */

/* Map one segment: file pages, zeroes up to the end of the page, and anonymous pages. */
static void map_segment(const struct plan_image *image, const struct plan_segment *s, uint64_t bias)
{
	uint64_t start = PAGE_DOWN(s->vaddr + bias), file_end = s->vaddr + s->filesz + bias;
	uint64_t end = PAGE_UP(s->vaddr + s->memsz + bias), file_pages = PAGE_UP(file_end);
	uint64_t r;

	if (s->filesz) {
		r = map(start, file_pages - start, s->prot, MAP_PRIVATE | MAP_FIXED, image->fd,
			s->offset - (s->vaddr & (PAGE - 1)));
		if (is_error(r))
			fail("cannot be mapped", (long)r);
		if (s->memsz > s->filesz && (s->prot & PROT_WRITE))
			memset((void *)file_end, 0, file_pages - file_end);
	} else {
		file_pages = start;
	}
	if (end > file_pages) {
		r = map(file_pages, end - file_pages, s->prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		if (is_error(r))
			fail("cannot be mapped", (long)r);
	}
}

/* Find room for @len bytes, at @hint if that is free. */
static uint64_t reserve(uint64_t hint, uint64_t len, uint64_t align, bool fixed)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	uint64_t at, r;

	if (hint || fixed) {
		r = map(hint, len, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0);
		if (r == hint)
			return r;
		if (!is_error(r))
			call(SYS_munmap, r, len, 0);
		if (fixed)
			fail("its addresses are not free", is_error(r) ? (long)r : -EEXIST);
	}
	r = map(0, len + align - PAGE, PROT_NONE, flags, -1, 0);
	if (is_error(r))
		fail("cannot be mapped", (long)r);
	at = (r + align - 1) & ~(align - 1);
	if (at > r)
		call(SYS_munmap, r, at - r, 0);
	if (r + align - PAGE > at)
		call(SYS_munmap, at + len, r + align - PAGE - at, 0);
	return at;
}

/* As mm->start_code and its kin: the bounds of all code and of the last data segment. */
static void note_segment(struct prctl_mm_map *m, const struct plan_segment *s, uint64_t bias)
{
	uint64_t start = s->vaddr + bias, end = start + s->filesz;

	if ((s->prot & PROT_EXEC) && (!m->start_code || start < m->start_code))
		m->start_code = start;
	if ((s->prot & PROT_EXEC) && end > m->end_code)
		m->end_code = end;
	if (start > m->start_data)
		m->start_data = start;
	if (end > m->end_data)
		m->end_data = end;
}

/**
 * map_image() - map a file
 * @hint:	where to, if it is ET_DYN; 0: anywhere
 * @out:	@names is set by the caller
 */
static void map_image(const struct plan_image *image, uint64_t hint, struct mapped *out)
{
	const struct plan_segment *s = (const void *)(block.bytes + image->segments);
	const struct plan_segment *last = s + image->nsegments - 1;
	uint64_t low = PAGE_DOWN(s->vaddr), len = PAGE_UP(last->vaddr + last->memsz) - low, end = 0;

	if (image->dynamic) {
		hint = (hint + image->align - 1) & ~(image->align - 1);
		out->bias = reserve(hint, len, image->align, false) - low;
	} else {
		reserve(low, len, PAGE, true);
		out->bias = 0;
	}
	for (; s <= last; s++) {
		/* Holes between segments belong to nobody. */
		if (end && PAGE_DOWN(s->vaddr + out->bias) > end)
			call(SYS_munmap, end, PAGE_DOWN(s->vaddr + out->bias) - end, 0);
		map_segment(image, s, out->bias);
		if (out->names)
			note_segment(out->names, s, out->bias);
		end = PAGE_UP(s->vaddr + s->memsz + out->bias);
	}
	out->end = end;
	call(SYS_close, (uint64_t)image->fd, 0, 0);
}

/* --- the stack ------------------------------------------------------------------------------------------------ */

static struct aux *aux_find(uint64_t type)
{
	for (unsigned i = 0; i < stack.naux; i++)
		if (stack.aux[i].type == type)
			return &stack.aux[i];
	return NULL;
}

static void aux_set(uint64_t type, uint64_t value)
{
	struct aux *a = aux_find(type);

	if (!a && stack.naux < AUX_MAX - 1) {
		a = &stack.aux[stack.naux++];
		a->type = type;
	}
	if (a)
		a->value = value;
}

/* Keep what a pointer of the auxiliary vector names: its place will be used. */
static void save(uint64_t type, char *to, size_t room)
{
	const struct aux *a = aux_find(type);

	if (a)
		memcpy(to, (const char *)a->value, type == AT_RANDOM ? room : length((const char *)a->value) + 1);
}

static void read_stack(uint64_t *sp)
{
	const struct aux *a;

	stack.argc = *sp;
	stack.argv = sp + 1;
	stack.envp = stack.argv + stack.argc + 1;
	while (stack.envp[stack.envc])
		stack.envc++;
	for (a = (const struct aux *)(stack.envp + stack.envc + 1); a->type && stack.naux < AUX_MAX - 4; a++)
		stack.aux[stack.naux++] = *a;
	a = aux_find(AT_EXECFN);
	if (!a)
		fail("the kernel gives no AT_EXECFN", ENOEXEC);
	stack.env_end = a->value;
	stack.arg_end = stack.envc ? stack.envp[0] : stack.env_end;
	save(AT_RANDOM, saved_random, sizeof(saved_random));
	save(AT_PLATFORM, saved_platform[0], NAME_ROOM);
	save(AT_BASE_PLATFORM, saved_platform[1], NAME_ROOM);
}

/* Reserve @size bytes below *p, and have the auxiliary vector name them. */
static char *place(uint64_t *p, uint64_t type, size_t size)
{
	*p -= size;
	aux_set(type, *p);
	return (char *)*p;
}

/**
 * build_stack() - the stack that the program starts with
 * @sp:		the kernel's
 * @arg_start:	set to where the arguments' strings begin
 *
 * Pointers are moved to lower addresses only, in ascending order, so that nothing is overwritten before it was read.
 *
 * Return: the new stack pointer.
 */
static uint64_t build_stack(uint64_t *sp, uint64_t *arg_start)
{
	const struct plan *plan = &block.plan;
	const char *execfn = block.bytes + plan->execfn, *exe = block.bytes + plan->exe;
	uint64_t skip = plan->nwords && stack.argc ? 1 : 0, argc = stack.argc - skip + plan->nwords;
	uint64_t p, *out, *to, words;
	char *to_random, *to_platform[2] = { 0 }, *to_execfn, *to_exe;

	p = stack.argc > skip ? stack.argv[skip] : stack.arg_end;
	p = words = p - (plan->nwords ? plan->words_size : 0);
	to_random = place(&p, AT_RANDOM, sizeof(saved_random));
	if (aux_find(AT_PLATFORM))
		to_platform[0] = place(&p, AT_PLATFORM, length(saved_platform[0]) + 1);
	if (aux_find(AT_BASE_PLATFORM))
		to_platform[1] = place(&p, AT_BASE_PLATFORM, length(saved_platform[1]) + 1);
	to_execfn = place(&p, AT_EXECFN, length(execfn) + 1);
	to_exe = place(&p, AT_UMVIEW_EXE, length(exe) + 1);
	p -= sizeof(uint64_t) * (1 + argc + 1 + stack.envc + 1 + 2 * (stack.naux + 1));
	if (argc > stack.argc && p > (uint64_t)(sp - (argc - stack.argc)))
		p = (uint64_t)(sp - (argc - stack.argc));
	if (p > (uint64_t)sp)
		p = (uint64_t)sp;
	p &= ~15ul;

	out = (uint64_t *)p;
	*out++ = argc;
	to = out + plan->nwords;
	for (uint64_t i = skip; i < stack.argc; i++)
		*to++ = stack.argv[i];
	*to++ = 0;
	for (uint64_t i = 0; i < stack.envc; i++)
		*to++ = stack.envp[i];
	*to++ = 0;
	*arg_start = plan->nwords || !argc ? words : out[0];
	for (uint32_t i = 0, at = plan->words; i < plan->nwords; i++) {
		out[i] = words + (at - plan->words);
		at += (uint32_t)length(block.bytes + at) + 1;
	}
	stack.aux[stack.naux] = (struct aux){ AT_NULL, 0 };
	memcpy(to, stack.aux, sizeof(struct aux) * (stack.naux + 1));
	if (plan->nwords)
		memcpy((void *)words, block.bytes + plan->words, plan->words_size);
	memcpy(to_random, saved_random, sizeof(saved_random));
	for (int i = 0; i < 2; i++)
		if (to_platform[i])
			memcpy(to_platform[i], saved_platform[i], length(saved_platform[i]) + 1);
	memcpy(to_execfn, execfn, length(execfn) + 1);
	memcpy(to_exe, exe, length(exe) + 1);
	return p;
}

/* What the auxiliary vector says of the program. */
static void fill_aux(const struct mapped *program, const struct mapped *interp)
{
	const struct plan *plan = &block.plan;

	aux_set(AT_PHDR, plan->program.phdr ? plan->program.phdr + program->bias : 0);
	aux_set(AT_PHENT, sizeof(Elf64_Phdr));
	aux_set(AT_PHNUM, plan->phnum);
	aux_set(AT_BASE, plan->interp.fd >= 0 ? interp->bias : 0);
	aux_set(AT_ENTRY, plan->program.entry + program->bias);
	if (plan->flags & PLAN_IDS) {
		aux_set(AT_UID, plan->uid);
		aux_set(AT_EUID, plan->euid);
		aux_set(AT_GID, plan->gid);
		aux_set(AT_EGID, plan->egid);
		aux_set(AT_SECURE, plan->secure);
	}
}

/* --- the rest ------------------------------------------------------------------------------------------------- */

/* Ask the monitor. */
static void ask(void)
{
	long r = sys6(UM_CTL_CALL_NR, (uint64_t)"plan", 5, (uint64_t)&block, sizeof(block), 0, 0);

	if (r < 0) /* a container's filter may refuse the number */
		r = sys6(SYS_prctl, UM_CTL_PRCTL, (uint64_t)"plan", 5, (uint64_t)&block, sizeof(block), 0);

	if (r < (long)sizeof(struct plan) || block.plan.magic != PLAN_MAGIC)
		fail("the monitor has no plan for this process", r);
}

/* Everything that /proc/PID shows of a process. */
static void tell_kernel(struct prctl_mm_map *m)
{
	m->auxv = (void *)stack.aux;
	m->auxv_size = (uint32_t)(sizeof(struct aux) * (stack.naux + 1));
	m->exe_fd = (uint32_t)-1;
	sys6(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, (uint64_t)m, sizeof(*m), 0, block.plan.cookie);
	call(SYS_prctl, PR_SET_NAME, (uint64_t)block.plan.comm, 0);
}

/* Can the heap be moved?  Only with CONFIG_CHECKPOINT_RESTORE. */
static bool can_tell_kernel(void)
{
	uint32_t size = 0;

	return sys6(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP_SIZE, (uint64_t)&size, 0, 0, block.plan.cookie) == 0 &&
	       size == sizeof(struct prctl_mm_map);
}

/* The loader's own pages, but for the one that leave() runs in. */
static void plan_departure(struct departure *d)
{
	uint64_t start = PAGE_DOWN((uint64_t)__ehdr_start), end = PAGE_UP((uint64_t)_end);
	uint64_t keep = PAGE_DOWN((uint64_t)loader_leave);

	d->low = start;
	d->low_size = keep - start;
	d->high = keep + PAGE;
	d->high_size = end - d->high;
}

void loader_main(uint64_t *sp, struct departure *d)
{
	struct prctl_mm_map m = { 0 };
	struct mapped program = { .names = &m }, interp = { 0 };
	uint64_t brk = PAGE_UP((uint64_t)sys6(SYS_brk, 0, 0, 0, 0, 0, 0)), hint = 0, arg_start;
	bool tell;

	ask();
	read_stack(sp);
	tell = can_tell_kernel();
	/* Program, then heap, at the place that the kernel chose at random for the heap. */
	if (tell)
		hint = brk < 0x7e0000000000ul ? brk : PIE_BASE;
	map_image(&block.plan.program, hint, &program);
	if (block.plan.interp.fd >= 0)
		map_image(&block.plan.interp, 0, &interp);
	m.start_brk = m.brk = block.plan.program.dynamic && program.end - hint < 1ul << 40 ? program.end : brk;
	fill_aux(&program, &interp);
	d->sp = m.start_stack = build_stack(sp, &arg_start);
	m.arg_start = arg_start;
	m.arg_end = m.env_start = stack.arg_end;
	m.env_end = stack.env_end;
	tell_kernel(&m);
	if (block.plan.flags & PLAN_EXEC_STACK)
		call(SYS_mprotect, PAGE_DOWN(d->sp), PAGE, PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN);
	d->entry = block.plan.program.entry + program.bias;
	if (block.plan.interp.fd >= 0)
		d->entry = block.plan.interp.entry + interp.bias;
	plan_departure(d);
	memset(&block, 0, sizeof(block));
}
