/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of procfs (procfs*.c) share. */
#ifndef MONITOR_PROCFS_INTERNAL_H
#define MONITOR_PROCFS_INTERNAL_H


#include "procfs.h"

/* A growing string; the first failure to grow stays in `err'. */
struct text {
	char *p; /* NUL-terminated once something was put; owned */
	size_t n, room;
	int err;
};

void text_put(struct text *t, const char *s, size_t n);
__attribute__((format(printf, 2, 3))) void text_say(struct text *t, const char *format, ...);
/* @s with the characters of @bad as \ooo: as seq_escape() of the kernel does. */
void text_escape(struct text *t, const char *s, const char *bad);
/* Undo that, in place. */
void text_unescape(char *s, const char *bad);

/* Append a file's contents.  0 or a negative errno. */
int text_read(struct text *t, const char *path);

/* Call @line for each line of @in, without its '\n', which may be written over. */
void text_lines(struct text *in, void (*line)(void *arg, char *s), void *arg);

/* A file that is being made. */
struct procfs_file {
	struct um_call *call;
	pid_t pid;		      /* process or thread that it speaks of */
	const struct um_state *state; /* its record */
	struct text *out;
};

/* Each puts into file->out what @in, the host's contents, is in the view. */
void procfs_status(struct procfs_file *file, struct text *in);
void procfs_stat(struct procfs_file *file, struct text *in);
void procfs_limits(struct procfs_file *file, struct text *in);
void procfs_maps(struct procfs_file *file, struct text *in); /* smaps too */
void procfs_numa_maps(struct procfs_file *file, struct text *in);
void procfs_mounts(struct procfs_file *file, struct text *in);
void procfs_mountinfo(struct procfs_file *file, struct text *in);
void procfs_mountstats(struct procfs_file *file, struct text *in);

#endif
