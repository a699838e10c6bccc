/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts that a FUSE program serves: from TYPE, OPTIONS, SOURCE and TARGET of mount to the program and its arguments.
 * umfuse_types.c has the table and the translation, which asks nothing of the system; the other files do.
 */
#ifndef CMD_UMFUSE_H
#define CMD_UMFUSE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mountopts.h"

/* --- umfuse_types.c: what is known ------------------------------------------------------------------------------- */

enum umfuse_source {
	UMFUSE_ANYTHING,        /* the program knows; a path that exists is made absolute */
	UMFUSE_IMAGE,           /* a file or a block device */
	UMFUSE_DIRECTORY,
	UMFUSE_REMOTE,          /* not a path: HOST:DIRECTORY */
	UMFUSE_FILE,            /* a file, mounted on a file */
};

/* What an image looks like; umfuse_image.c checks it. */
enum umfuse_format { UMFUSE_UNCHECKED, UMFUSE_EXT, UMFUSE_FAT, UMFUSE_ISO9660, UMFUSE_SQUASHFS };

/* One program that can serve a type, and how its command line differs from "PROGRAM SOURCE TARGET -o OPTIONS". */
struct umfuse_program {
	const char *name;       /* of a program in PATH, or of a module if it ends in ".so" */
	const char *package;    /* Debian's, NULL: part of umview */
	const char *first;      /* a word that always comes first, or NULL */
	const char *ro, *rw;    /* the options that say so, NULL: none is needed */
	const char *mark;       /* a file in the source directory by which this program is chosen, or NULL */
	bool names_source;      /* fsname= and subtype= must be given for the list of mounts to name source and type */
	const char *unescaped;  /* it gives fsname= itself, but without escapes: options by which it does not, or NULL */
	bool chatty;            /* what it says of a mount that goes well is of no interest */
	const char *const *words; /* pairs: an option (with '=' if it has a value), the argument that it is for this program */
};

struct umfuse_type {
	const char *name;       /* umfuseNAME */
	const char *what;       /* for people: "an ext2, ext3 or ext4 image" */
	const char *plain[5];   /* the types of mount(8) that it stands for */
	enum umfuse_source source;
	enum umfuse_format format;
	bool read_only;         /* it cannot be written at all */
	const char *dropped;    /* options of the kernel's own file system that change nothing here: "|flush|quiet|" */
	struct umfuse_program programs[4]; /* the first one that is there is taken */
};

/* The programs that the table does not have: modules of the user's own, and what is found by its name. */
extern const struct umfuse_program umfuse_other;

/* By NAME, or by a type of mount(8) (@plain); NULL: not in the table. */
const struct umfuse_type *umfuse_type_find(const char *name, bool plain);
/* The Debian package that is known to have a program, or NULL. */
const char *umfuse_package_of(const char *program);

/* What the translation needs to know. */
struct umfuse_request {
	const char *source;     /* NULL: the program is given none */
	const char *target;
	const struct mount_options *options;
	const char *dropped;    /* as in struct umfuse_type, or NULL */
	const char *subtype;    /* for programs whose row says names_source */
	enum mount_access access;
	bool nonempty;          /* the program must be told that the mount point may have files in it (libfuse 2) */
};

#define UMFUSE_WORDS_MAX 64

struct umfuse_command {
	char *argv[UMFUSE_WORDS_MAX]; /* owned, ends with NULL */
	size_t n;
};

/**
 * umfuse_translate() - the command line for a request
 * @program:	whose way of saying things it is
 * @path:	the program, or the module that @host is to run
 * @host:	umfusehost, or NULL
 */
void umfuse_translate(struct umfuse_command *command, const struct umfuse_program *program, const char *path,
		      const char *host, const struct umfuse_request *request);
void umfuse_command_free(struct umfuse_command *command);

/* --- umfuse_find.c: what is installed ---------------------------------------------------------------------------- */

struct umfuse_server {
	const struct umfuse_program *program;
	char path[PATH_MAX];
	char host[PATH_MAX];    /* umfusehost if path is a module, else "" */
};

/* The first program of a type that is there.  @source: where marks are looked for.  Dies with words if there is none. */
void umfuse_find_known(struct umfuse_server *server, const struct umfuse_type *type, const char *source);
/* A module or a program by the NAME of umfuseNAME.  False: nothing there. */
bool umfuse_find_named(struct umfuse_server *server, const char *name);
/* A program by its own name.  False: nothing there. */
bool umfuse_find_program(struct umfuse_server *server, const char *name);
/* Is it linked with libfuse 2? */
bool umfuse_is_libfuse2(const char *path);

/* --- umfuse_image.c: what is in an image ------------------------------------------------------------------------- */

/* Why a file is no complete image of this format, in words for people (static), or NULL: it is one. */
const char *umfuse_image_problem(int fd, enum umfuse_format format, uint64_t offset);
extern const char umfuse_other_format[]; /* one of its answers */
/* libblkid's name for what is in it, or NULL with @why set to words for people (static). */
const char *umfuse_image_type(int fd, uint64_t offset, const char **why);

/* --- umfuse_run.c: a server comes to life ------------------------------------------------------------------------ */

/**
 * umfuse_run() - start a server, and return when the mount answers
 * @source:	for messages
 * @target:	the mount point, absolute
 * @program:	for messages
 * @quiet:	what it says is only shown if it fails
 *
 * Dies with mount(8)'s exit status if it does not come to that.
 */
void umfuse_run(const struct umfuse_command *command, const char *source, const char *target, const char *program,
		bool quiet);

/* --- umfuse_mount.c: all of it ----------------------------------------------------------------------------------- */

#define EXIT_MOUNT 32           /* mount(8): a mount has failed */

struct umfuse_job {
	const char *type;       /* NULL: by what is in the image */
	const char *source, *target;
	struct mount_options *options;
	bool fake, verbose;
};

/* Is a mount of this type served by a FUSE program? */
bool umfuse_serves(const char *type, const struct mount_options *options);
/* Mount it, or die with words. */
void umfuse_mount(const struct umfuse_job *job);

#endif
