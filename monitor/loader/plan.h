/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan: what the monitor tells the exec loader to do, the reply to the control call's verb "plan".
 *
 * It is one block of at most PLAN_MAX bytes: struct plan, then the tables and strings that its offsets name (offsets
 * count from the start of the block; 0: there is none).  The monitor has checked all of it; the loader believes it.
 */
#ifndef MONITOR_LOADER_PLAN_H
#define MONITOR_LOADER_PLAN_H

#include <stdint.h>

#define PLAN_MAGIC 0x6e6c7075u
#define PLAN_MAX 24576
#define PLAN_SEGMENTS_MAX 64    /* PT_LOADs of one file */

/*
 * A private entry of the auxiliary vector that the kernel keeps for the process (/proc/PID/auxv): address of the
 * string that /proc/PID/exe should show.  The kernel copies it at fork and drops it at exec, so nobody has to follow
 * the process.
 */
#define AT_UMVIEW_EXE 0x556d4558u

/* A PT_LOAD segment, as in the file. */
struct plan_segment {
	uint64_t vaddr, offset, filesz, memsz;
	uint32_t prot;          /* PROT_* */
	uint32_t unused;
};

/* A file to be mapped. */
struct plan_image {
	int32_t fd;             /* descriptor in the process; the loader closes it.  -1: no such file */
	uint32_t dynamic;       /* 1: ET_DYN, goes anywhere; 0: ET_EXEC */
	uint32_t nsegments;
	uint32_t segments;      /* offset: struct plan_segment[nsegments], sorted by vaddr */
	uint64_t entry;         /* as in the file */
	uint64_t phdr;          /* vaddr of the program headers; 0: not in a segment */
	uint64_t align;         /* the largest p_align, a power of two, at least the page size */
};

enum plan_flags {
	PLAN_IDS = 1,           /* uid..secure go into the auxiliary vector */
	PLAN_EXEC_STACK = 2,    /* the program asks for an executable stack */
};

struct plan {
	uint32_t magic;
	uint32_t size;          /* of the whole block */
	uint32_t flags;         /* enum plan_flags */
	uint32_t phnum;         /* of the program */
	struct plan_image program, interp;
	uint64_t cookie;        /* the filter lets calls pass that have it as their sixth argument */
	uint32_t uid, euid, gid, egid, secure;
	uint32_t nwords;        /* how many words take the place of argv[0]; 0: argv stays */
	uint32_t words;         /* offset: the words, each NUL-terminated */
	uint32_t words_size;    /* their length in bytes */
	uint32_t execfn;        /* offset of strings, NUL-terminated: for AT_EXECFN */
	uint32_t exe;           /* for AT_UMVIEW_EXE */
	char comm[16];          /* NUL-terminated */
};

#endif
