/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kind of program a file is: headers of ELF files and of scripts, read as Linux reads them at exec
 * (fs/binfmt_elf.c, fs/binfmt_script.c; elf(5)).
 */
#ifndef MONITOR_ELF_H
#define MONITOR_ELF_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/plan.h"

enum program_kind {
	PROGRAM_OTHER,          /* neither: ENOEXEC, if no binfmt of the host's knows it */
	PROGRAM_ELF,            /* for this machine */
	PROGRAM_ELF32,          /* i386 or x32: not to be had in a view */
	PROGRAM_SCRIPT,         /* "#!" */
};

struct program {
	enum program_kind kind;
	char *interp;           /* PT_INTERP's or the script's interpreter; NULL: static; owned */
	char *arg;              /* script: the argument after it, or NULL; owned */
	/* ELF only */
	bool dynamic;           /* ET_DYN */
	bool exec_stack;        /* PT_GNU_STACK with PF_X */
	uint16_t phnum;
	uint64_t entry, phdr, align; /* see struct plan_image */
	uint32_t nsegments;
	struct plan_segment *segments; /* owned */
};

/**
 * program_read() - read a file's headers
 * @fd:		readable
 * @p:		filled; freed by program_free()
 *
 * Return: 0 (a file that is nothing is PROGRAM_OTHER), -ENOEXEC: it begins as an ELF file or script, but is not one
 *	that Linux accepts; or another error of reading it.
 */
int program_read(int fd, struct program *p);
void program_free(struct program *p);

/* The same for a script's first bytes: @head is NUL-padded to @size bytes (SCRIPT_HEAD). */
#define SCRIPT_HEAD 256         /* BINPRM_BUF_SIZE */
int script_parse(const char *head, struct program *p);

#endif
