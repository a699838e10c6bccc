/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec: what the rest of the monitor may ask, and what the parts of it (exec*.c) share.
 */
#ifndef MONITOR_CALLS_EXEC_H
#define MONITOR_CALLS_EXEC_H

#include "../elf.h"
#include "../namei.h"

/**
 * exec_plan() - the control call's verb "plan": the loader asks what to do
 * @reply:	address of its buffer
 * @size:	its size in bytes
 *
 * The exec has succeeded: now the process gets its new state.  The result of the call: the plan's size, or -ENOENT.
 */
int64_t exec_plan(struct um_call *call, uint64_t reply, size_t size);

/**
 * exec_exe_path() - what /proc/TGID/exe should show, if the loader started the program
 * @call:	any call of the view
 * @buf:	PATH_MAX bytes; set to the view path
 *
 * Return: 0, or -ENOENT: the kernel's own link is right (it names the body's host path).
 */
int exec_exe_path(struct um_call *call, pid_t tgid, char *buf);

/* Is this file the loader's image, of which a page stays mapped? */
bool exec_is_loader(dev_t dev, ino_t ino);

/* --- shared by exec.c, exec_file.c, exec_home.c, exec_ids.c and exec_plan.c ---------------------------------- */

/* What is remembered of a program file (exec_file.c). */
struct exec_facts {
	struct program program;
	int error;              /* of reading it: 0, -ENOEXEC, -EACCES... */
	bool executable;        /* the real user may execute it: the kernel's own exec of it can work */
	size_t nfile_caps;      /* bytes of file_caps; 0: none */
	uint8_t file_caps[24];  /* xattr security.capability of the body */
};

/* One file of an exec: the program, an interpreter. */
struct exec_file {
	struct um_path path;
	struct statx st;        /* as the view shows it */
	const struct exec_facts *facts; /* valid until the next exec begins */
};

/* An exec being prepared. */
struct exec {
	struct um_call *call;
	uint64_t path_addr;     /* the path string in the process */
	size_t path_len;
	int dirfd, flags;
	char given[PATH_MAX + 32]; /* the file's name as Linux says it in AT_EXECFN: "/dev/fd/N" if it has no path */
	char words[12288];      /* for scripts: they take the place of argv[0]; filled from the end */
	size_t words_at;        /* where they begin */
	unsigned nwords;
	bool same;              /* all files are those that the kernel would find */
	bool executable;        /* ... and would execute */
	struct exec_file file;  /* the program; for scripts the last interpreter */
	struct exec_file interp; /* its ELF interpreter; facts NULL if it is static */
	bool change;            /* after it the ids are `ids', or AT_SECURE is set: only the loader can do that */
	bool secure;
	uint8_t dumpable;
	struct um_ids ids;      /* shallow: the groups are those of the call's state */
};

/* Look a file up by name, check that it may be executed, and read what it is.  0; NAMEI_NATIVE: it is nothing of the
 * view's, the kernel knows better; or a negative errno.  Closed by exec_file_close() in any case. */
int exec_file_find(struct exec *x, int dirfd, const char *name, int namei_flags, struct exec_file *f);
/* The same for a descriptor of the process (AT_EMPTY_PATH). */
int exec_file_fd(struct exec *x, int fd, struct exec_file *f);
void exec_file_close(struct exec_file *f);
/* A readable descriptor of the body, owned by the caller, or negative errno. */
int exec_file_open(struct um_call *call, struct exec_file *f);
/* Is the body on a mount with this ST_* flag? */
bool exec_file_on(const struct exec_file *f, unsigned long mount_flag);
/* An exec begins: facts that were replaced since the last one are freed. */
void exec_facts_begin(void);

/* The facts of a file with these attributes, if they are remembered; else NULL. */
const struct exec_facts *exec_facts_known(const struct statx *real);

/* exec_home.c: is all that the exec touches the host's own, unmodified, and are the ids to stay?  Then the kernel's
 * exec is right.  False: it is not known; nothing was changed but x->file, which is to be found anew. */
bool exec_at_home(struct exec *x);

/* exec_ids.c: what the exec does to the state: x->change and what follows it. */
void exec_ids(struct exec *x);

/* exec_plan.c: have the loader run it.  UM_REPLIED, UM_CONTINUE or a negative errno. */
int64_t exec_by_loader(struct exec *x);
/* Forget plans that will hardly be asked for any more (of processes that are dead, of execs that have failed): they hold open
 * descriptors of files. */
void exec_plans_tidy(void);
/* Have the kernel execute this descriptor (it is closed) in place of the path.  The same. */
int64_t exec_by_descriptor(struct exec *x, int fd);

/* exec_memory.c: the call is rewritten to execve of this path; UM_REPLIED or a negative errno. */
int64_t exec_by_name(struct exec *x, const char *path);
/* The call is continued with "/dev/fd/N", N being @number, at its path; UM_CONTINUE or -EACCES. */
int64_t exec_in_place(struct exec *x, int number);

#endif
