// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What kind of program a file is.
 */
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/arch.h"
#include "elf.h"

#define PAGE 4096u
#define HEAD 4096       /* header, program headers and often the interpreter's name: one read */
#define PHDRS_MAX 65536 /* bytes of program headers that Linux accepts */
#define TASK_MAX UINT64_C(0x7ffffffff000)

void program_free(struct program *p)
{
	free(p->interp);
	free(p->arg);
	free(p->segments);
	*p = (struct program){ 0 };
}

/* --- scripts -------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int script_parse(const char *head, struct program *p)
{
	const char *limit = head + SCRIPT_HEAD, *end, *name, *name_end;

	end = memchr(head, '\n', SCRIPT_HEAD);
	name = head + 2;
	while (name < limit && is_blank(*name))
		name++;
	if (!end) {
		/* The line goes on past what is read: then the name at least must be whole. */
		for (name_end = name; name_end < limit && *name_end && !is_blank(*name_end); name_end++)
			;
		if (name_end == limit)
			return -ENOEXEC;
		end = limit - 1;
	}
	while (end > name && is_blank(end[-1]))
		end--;
	for (name_end = name; name_end < end && *name_end && !is_blank(*name_end); name_end++)
		;
	if (name_end <= name)
		return -ENOEXEC;
	p->kind = PROGRAM_SCRIPT;
	p->interp = strndup(name, (size_t)(name_end - name));
	while (name_end < end && is_blank(*name_end))
		name_end++;
	if (name_end < end && *name_end)
		p->arg = strndup(name_end, (size_t)(end - name_end));
	return p->interp ? 0 : -ENOMEM;
}

/* --- ELF ------------------------------------------------------------------------------------------------------ */

/* Read exactly, or -ENOEXEC if the file is too short. */
static int read_exactly(int fd, void *buf, size_t len, uint64_t offset)
{
	ssize_t n;

	if (offset > INT64_MAX - len)
		return -ENOEXEC;
	n = pread(fd, buf, len, (off_t)offset);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -ENOEXEC;
}

/* The name in PT_INTERP. */
static int read_interp(int fd, const Elf64_Phdr *ph, const char *head, size_t have, struct program *p)
{
	int r = 0;

	if (p->interp)
		return 0; /* Linux takes the first */
	if (ph->p_filesz > PATH_MAX || ph->p_filesz < 2)
		return -ENOEXEC;
	p->interp = malloc(ph->p_filesz);
	if (!p->interp)
		return -ENOMEM;
	if (ph->p_offset < have && ph->p_filesz <= have - ph->p_offset)
		memcpy(p->interp, head + ph->p_offset, ph->p_filesz);
	else
		r = read_exactly(fd, p->interp, ph->p_filesz, ph->p_offset);
	if (r == 0 && p->interp[ph->p_filesz - 1] != '\0')
		r = -ENOEXEC;
	return r;
}

/* Append a PT_LOAD.  Linux wants them in ascending order and maps them as they come. */
static int add_segment(struct program *p, const Elf64_Phdr *ph)
{
	struct plan_segment *s;

	if (ph->p_memsz == 0)
		return 0;
	if (ph->p_filesz > ph->p_memsz || ph->p_memsz > TASK_MAX || ph->p_vaddr > TASK_MAX - ph->p_memsz ||
	    (ph->p_filesz && (ph->p_vaddr - ph->p_offset) % PAGE) || p->nsegments == PLAN_SEGMENTS_MAX)
		return -ENOEXEC;
	s = &p->segments[p->nsegments];
	if (p->nsegments && ph->p_vaddr < s[-1].vaddr + s[-1].memsz)
		return -ENOEXEC;
	s->vaddr = ph->p_vaddr;
	s->offset = ph->p_offset;
	s->filesz = ph->p_filesz;
	s->memsz = ph->p_memsz;
	s->prot = (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
		  (ph->p_flags & PF_X ? PROT_EXEC : 0);
	p->nsegments++;
	if (ph->p_align > p->align && (ph->p_align & (ph->p_align - 1)) == 0)
		p->align = ph->p_align;
	return 0;
}

/* Go through the program headers. */
static int read_phdrs(int fd, const Elf64_Ehdr *eh, const Elf64_Phdr *ph, const char *head, size_t have,
		      struct program *p)
{
	int r = 0;

	p->align = PAGE;
	p->segments = calloc(PLAN_SEGMENTS_MAX, sizeof(*p->segments));
	if (!p->segments)
		return -ENOMEM;
	for (unsigned i = 0; i < eh->e_phnum && r == 0; i++, ph++) {
		if (ph->p_type == PT_INTERP)
			r = read_interp(fd, ph, head, have, p);
		else if (ph->p_type == PT_GNU_STACK)
			p->exec_stack = ph->p_flags & PF_X;
		else if (ph->p_type == PT_LOAD)
			r = add_segment(p, ph);
		if (ph->p_type == PT_LOAD && ph->p_offset <= eh->e_phoff && eh->e_phoff < ph->p_offset + ph->p_filesz)
			p->phdr = eh->e_phoff - ph->p_offset + ph->p_vaddr;
	}
	if (r == 0 && p->nsegments == 0)
		r = -ENOEXEC;
	return r;
}

/* Keep no more than is used: the facts of many programs are remembered. */
static void trim(struct program *p)
{
	struct plan_segment *s = realloc(p->segments, p->nsegments * sizeof(*s));

	if (s)
		p->segments = s;
}

static int elf_parse(int fd, const char *head, size_t have, struct program *p)
{
	Elf64_Phdr *phdrs = NULL;
	const Elf64_Phdr *ph;
	Elf64_Ehdr eh;
	size_t size;
	int r = 0;

	memcpy(&eh, head, sizeof(eh)); /* a 32-bit one is longer than what is looked at */
	if (eh.e_machine == EM_386 || (eh.e_machine == ARCH_ELF_MACHINE && eh.e_ident[EI_CLASS] == ELFCLASS32)) {
		p->kind = PROGRAM_ELF32;
		return 0;
	}
	if (eh.e_machine != ARCH_ELF_MACHINE || (eh.e_type != ET_EXEC && eh.e_type != ET_DYN))
		return 0; /* another machine's: perhaps the host has a binfmt for it */
	size = eh.e_phnum * sizeof(*ph);
	if (eh.e_phentsize != sizeof(*ph) || size == 0 || size > PHDRS_MAX)
		return -ENOEXEC;
	if (eh.e_phoff < have && size <= have - eh.e_phoff && eh.e_phoff % sizeof(uint64_t) == 0) {
		ph = (const Elf64_Phdr *)(const void *)(head + eh.e_phoff);
	} else {
		ph = phdrs = malloc(size);
		if (!phdrs)
			return -ENOMEM;
		r = read_exactly(fd, phdrs, size, eh.e_phoff);
	}
	p->kind = PROGRAM_ELF;
	p->dynamic = eh.e_type == ET_DYN;
	p->entry = eh.e_entry;
	p->phnum = eh.e_phnum;
	if (r == 0)
		r = read_phdrs(fd, &eh, ph, head, have, p);
	free(phdrs);
	if (r == 0)
		trim(p);
	return r;
}

int program_read(int fd, struct program *p)
{
	_Alignas(8) char head[HEAD];
	ssize_t n = pread(fd, head, sizeof(head), 0);
	int r = 0;

	*p = (struct program){ 0 };
	if (n < 0)
		return -errno;
	if (n < SCRIPT_HEAD)
		memset(head + n, 0, (size_t)(SCRIPT_HEAD - n));
	if (n >= 2 && head[0] == '#' && head[1] == '!')
		r = script_parse(head, p);
	else if ((size_t)n >= sizeof(Elf32_Ehdr) && !memcmp(head, ELFMAG, SELFMAG))
		r = elf_parse(fd, head, (size_t)n, p);
	if (r < 0)
		program_free(p);
	return r;
}
