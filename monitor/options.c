/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line and the start-up file.
 *
 * Both are made of the same options, rows of one table: "--mount viewfs,move:/a:/b" is the line
 * "mount viewfs,move:/a:/b" of the file.  The file's count first, so that the command line can add to them.
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kfeatures.h"
#include "log.h"
#include "tracer/tracer.h"
#include "nested.h"
#include "userpath.h"

enum option_code {
	OPT_COW = 256, OPT_SU, OPT_MOUNT, OPT_PRELOAD, OPT_MODULES, OPT_SECURE, OPT_TRACE, OPT_STATS, OPT_RC, OPT_NORC,
	OPT_NAME, OPT_ENTER, OPT_LINGER, OPT_TRACER, OPT_WITHOUT, OPT_IO, OPT_LIST, OPT_DOCTOR, OPT_JSON, OPT_VERSION, OPT_HELP,
};

enum option_flags {
	ARG_NONE = 0,
	ARG_NEEDED = 1,
	ARG_MAY = 2,            /* --trace=FILE */
	CMDLINE_ONLY = 4,       /* has no meaning in a start-up file */
	WITH_ENTER = 8,         /* makes sense beside --enter */
	WITH_LIST = 16,         /* ... beside --list and --doctor, which start nothing */
};

struct option_row {
	enum option_code code;
	char letter;            /* 0: long only */
	const char *name, *arg;
	unsigned flags;
	const char *help;
};

static const struct option_row rows[] = {
	{ OPT_COW, 'C', "cow", "DIR", ARG_NEEDED, "copy-on-write over /: changes are kept in DIR (made if missing)" },
	{ OPT_SU, 'S', "su", NULL, WITH_ENTER, "start as the view's root" },
	{ OPT_MOUNT, 'm', "mount", "TYPE[,OPTIONS]:SOURCE:TARGET", ARG_NEEDED, "mount before CMD starts; repeatable" },
	{ OPT_PRELOAD, 'p', "preload", "MODULE", ARG_NEEDED, "load a service first; repeatable" },
	{ OPT_MODULES, 0, "modules", "LIST", ARG_NEEDED, "the only modules this view can ever load: less is trapped" },
	{ OPT_IO, 0, "io", NULL, 0, "trap the I/O of all files: large files of FUSE mounts are read only as far as needed" },
	{ OPT_SECURE, 's', "secure", NULL, 0, "for a program that tries to get out: with --cow it changes nothing outside of DIR" },
	{ OPT_TRACE, 't', "trace", "FILE", ARG_MAY, "a line for each intercepted call, to FILE or standard error" },
	{ OPT_STATS, 0, "stats", NULL, 0, "at the end, counts and times by system call" },
	{ OPT_RC, 'f', "rc", "FILE", ARG_NEEDED | CMDLINE_ONLY, "start-up file, in place of the configured one" },
	{ OPT_NORC, 'n', "norc", NULL, CMDLINE_ONLY | WITH_ENTER | WITH_LIST, "no start-up file" },
	{ OPT_NAME, 0, "name", "NAME", ARG_NEEDED, "the view's name" },
	{ OPT_ENTER, 'E', "enter", "NAME", ARG_NEEDED | CMDLINE_ONLY | WITH_ENTER, "run CMD in a running view (name or process id)" },
	{ OPT_LINGER, 0, "linger", NULL, 0, "the view ends with its last process, not with CMD" },
	{ OPT_TRACER, 0, "tracer", "TRACER", ARG_NEEDED, "auto, unotify or ptrace" },
	{ OPT_WITHOUT, 0, "without", "FEATURE", ARG_NEEDED, "do not use this kernel feature; repeatable (see --doctor)" },
	{ OPT_LIST, 0, "list", NULL, CMDLINE_ONLY, "list the running views" },
	{ OPT_DOCTOR, 0, "doctor", NULL, CMDLINE_ONLY, "what this host offers, what is missing, and the cure" },
	{ OPT_JSON, 0, "json", NULL, CMDLINE_ONLY | WITH_LIST, "with --list, --doctor, --stats: machine-readable" },
	{ OPT_VERSION, 'V', "version", NULL, CMDLINE_ONLY, "print the version" },
	{ OPT_HELP, 'h', "help", NULL, CMDLINE_ONLY, "print this" },
};

#define NROWS (sizeof(rows) / sizeof(rows[0]))

/* One option as it was given.  The strings live as long as the options. */
struct given {
	const char *arg;        /* NULL: none */
	const char *where;      /* for messages */
	const char *base;       /* where relative paths begin; NULL: the working directory */
};

void options_help(void)
{
	printf("usage: umview [OPTION...] [--] [CMD [ARG...]]\n"
	       "Run CMD (the user's shell if there is none) with a view of its own.\n\n");
	for (const struct option_row *r = rows; r < rows + NROWS; r++) {
		char left[64];

		snprintf(left, sizeof(left), r->flags & ARG_MAY ? "--%s[=%s]" : r->arg ? "--%s %s" : "--%s", r->name,
			 r->arg);
		if (r->letter)
			printf("  -%c, ", r->letter);
		else
			printf("      ");
		if (strlen(left) > 20)
			printf("%s\n%28s%s\n", left, "", r->help);
		else
			printf("%-22s%s\n", left, r->help);
	}
}

/* --- one option --------------------------------------------------------------------------------------------------- */

static void add_step(struct options *opt, enum step_kind kind, const struct given *given)
{
	opt->steps = realloc(opt->steps, (opt->nsteps + 1) * sizeof(*opt->steps));
	if (opt->steps == NULL)
		um_die("out of memory");
	opt->steps[opt->nsteps++] = (struct step){ kind, given->arg, given->where, given->base };
}

/* A mount must have both colons; what they hold is the module's to judge. */
static void check_mount(const char *text, const char *where)
{
	const char *first = strchr(text, ':'), *last = strrchr(text, ':');

	if (first == NULL || first == last || first == text || last[1] == '\0')
		um_die("%s %s: it must be TYPE[,OPTIONS]:SOURCE:TARGET", where, um_shown(text));
}

/* "a,b,c" to a vector. */
static const char **split_list(const char *list)
{
	char *copy = um_format("%s", list), *save;
	const char **vec = um_alloc((strlen(list) + 2) * sizeof(*vec));
	size_t n = 0;

	for (char *p = strtok_r(copy, ", ", &save); p != NULL; p = strtok_r(NULL, ", ", &save))
		vec[n++] = p;
	return vec;
}

static const struct um_tracer_ops *tracer_asked_for(const char *name, const char *where)
{
	const struct um_tracer_ops *ops = um_tracer_named(name);

	if (ops == NULL && strcmp(name, "auto") != 0)
		um_die("%s %s: there is no such tracer; there are \"auto\", \"unotify\" and \"ptrace\"", where, um_shown(name));
	return ops;
}

static void switch_off(struct options *opt, const char *name, const char *where)
{
	const struct feature *f = feature_named(name);

	if (f == NULL) {
		char all[256] = "";

		for (f = features; f->name != NULL; f++)
			strcat(strcat(all, " "), f->name);
		um_die("%s %s: there is no such kernel feature; there are:%s", where, um_shown(name), all);
	}
	*feature_flag(&opt->without, f) = true;
}

static void check_name(const char *name, const char *where)
{
	if (*name == '\0' || strlen(name) > 63 || strpbrk(name, " \t\n/\\$`'\"[]") != NULL)
		um_die("%s \"%s\": a name has 1 to 63 characters, and no space, slash, quote, bracket or $", where, name);
}

/* Carry out one option. */
static void apply(struct options *opt, enum option_code code, const struct given *given)
{
	const char *arg = given->arg, *where = given->where;

	switch (code) {
	case OPT_COW:
		add_step(opt, STEP_COW, given);
		break;
	case OPT_SU:
		opt->su = true;
		break;
	case OPT_MOUNT:
		check_mount(arg, where);
		add_step(opt, STEP_MOUNT, given);
		break;
	case OPT_PRELOAD:
		add_step(opt, STEP_PRELOAD, given);
		break;
	case OPT_MODULES:
		opt->modules = split_list(arg);
		break;
	case OPT_SECURE:
		opt->secure = true;
		break;
	case OPT_TRACE:
		opt->trace = true;
		opt->trace_file = arg != NULL ? user_path(arg, given->base, opt->home) : NULL;
		break;
	case OPT_STATS:
		opt->stats = true;
		break;
	case OPT_NAME:
		check_name(arg, where);
		opt->name = arg;
		break;
	case OPT_ENTER:
		opt->enter = arg;
		break;
	case OPT_IO:
		opt->io = true;
		break;
	case OPT_LINGER:
		opt->linger = true;
		break;
	case OPT_TRACER:
		opt->tracer = tracer_asked_for(arg, where);
		break;
	case OPT_WITHOUT:
		switch_off(opt, arg, where);
		break;
	case OPT_JSON:
		opt->json = true;
		break;
	case OPT_RC:
	case OPT_NORC:
	case OPT_LIST:
	case OPT_DOCTOR:
	case OPT_VERSION:
	case OPT_HELP:
		break; /* that they are given is what counts: choose_action() and read_rc() */
	}
}

/* --- the start-up file -------------------------------------------------------------------------------------------- */

static const struct option_row *row_of(enum option_code code)
{
	const struct option_row *r = rows;

	while (r->code != code)
		r++;
	return r;
}

static const struct option_row *row_named(const char *name)
{
	for (const struct option_row *r = rows; r < rows + NROWS; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

/* One line, without its end: [NAME [ARGUMENT]] [# comment].  It is changed, and kept.  @base: the file's directory. */
static void rc_line(struct options *opt, char *line, const char *file, const char *base, unsigned number)
{
	const struct option_row *row;
	char *name, *arg, *end;
	struct given given;

	name = line + strspn(line, " \t");
	if (*name == '\0' || *name == '#')
		return;
	arg = name + strcspn(name, " \t");
	if (*arg != '\0')
		*arg++ = '\0';
	arg += strspn(arg, " \t");
	for (end = arg; *end != '\0'; end++) /* a comment begins with # after a blank */
		if (*end == '#' && (end == arg || end[-1] == ' ' || end[-1] == '\t'))
			break;
	while (end > arg && strchr(" \t\r", end[-1]) != NULL)
		end--;
	*end = '\0';
	name[strcspn(name, "\r")] = '\0';
	row = row_named(name);
	if (row == NULL)
		um_die("%s:%u: unknown option \"%s\"", file, number, name);
	if (row->flags & CMDLINE_ONLY)
		um_die("%s:%u: \"%s\" belongs on the command line", file, number, name);
	if (*arg == '=' || (end > arg + 1 && strchr("\"'", *arg) != NULL && end[-1] == *arg))
		um_die("%s:%u: write: %s ARGUMENT, without \"=\" or quotes: %s", file, number, name, arg);
	if ((row->flags & ARG_NEEDED) && *arg == '\0')
		um_die("%s:%u: \"%s\" needs an argument: %s", file, number, name, row->arg);
	if (!(row->flags & (ARG_NEEDED | ARG_MAY)) && *arg != '\0')
		um_die("%s:%u: \"%s\" takes no argument, and there is \"%s\"", file, number, name, arg);
	given = (struct given){ *arg != '\0' ? arg : NULL, um_format("%s:%u: %s", file, number, name), base };
	apply(opt, row->code, &given);
}

/* Read a start-up file; a missing one is an error only if it was @asked for. */
static void rc_read(struct options *opt, const char *file, bool asked)
{
	FILE *f = fopen(file, "re");
	unsigned number = 0;
	char *line = NULL, *base;
	struct stat st;
	size_t size = 0;
	ssize_t n;

	if (f == NULL) {
		int err = errno;

		/* EACCES: not one's own home, perhaps; but one that is there is not left out in silence */
		errno = err == EACCES && access(file, F_OK) < 0 && !asked ? ENOENT : err;
		if (asked || (errno != ENOENT && errno != ENOTDIR))
			um_die("start-up file %s: %s", um_shown(file), strerror(errno));
		return;
	}
	if (fstat(fileno(f), &st) < 0 || !S_ISREG(st.st_mode))
		um_die("start-up file %s: not a regular file", file);
	base = path_directory(file);
	while ((n = getline(&line, &size, f)) >= 0) {
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		rc_line(opt, um_format("%s", line), file, base, ++number);
	}
	if (ferror(f))
		um_die("start-up file %s: %s", file, strerror(errno));
	free(line);
	fclose(f);
}

static void rc_read_default(struct options *opt)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *file;

	if (config != NULL && config[0] == '/') /* XDG Base Directory Specification: relative ones are ignored */
		file = um_format("%s/umview/rc", config);
	else if (home != NULL && home[0] != '\0')
		file = um_format("%s/.config/umview/rc", home);
	else
		return;
	rc_read(opt, file, false);
	free(file);
}

/* --- the command line --------------------------------------------------------------------------------------------- */

struct getopt_tables {
	struct option longs[NROWS + 1];
	char shorts[3 * NROWS + 3];
};

static void getopt_tables(struct getopt_tables *t)
{
	char *s = t->shorts;

	memset(t, 0, sizeof(*t));
	*s++ = '+'; /* what follows CMD is CMD's */
	*s++ = ':';
	for (size_t i = 0; i < NROWS; i++) {
		int has = rows[i].flags & ARG_NEEDED ? required_argument :
			  rows[i].flags & ARG_MAY    ? optional_argument : no_argument;

		t->longs[i] = (struct option){ rows[i].name, has, NULL, (int)rows[i].code };
		if (rows[i].letter == 0)
			continue;
		*s++ = rows[i].letter;
		if (rows[i].flags & ARG_NEEDED)
			*s++ = ':';
	}
}

/* Which row did getopt_long find?  Dies at what is none. */
static const struct option_row *row_found(int c, char **argv)
{
	for (const struct option_row *r = rows; r < rows + NROWS; r++)
		if (c == (int)r->code || (c == r->letter && c != 0))
			return r;
	for (const struct option_row *r = rows; c == ':' && r < rows + NROWS; r++)
		if (optopt == (int)r->code || optopt == r->letter)
			um_die("--%s needs an argument: %s", r->name, r->arg);
	for (const struct option_row *r = rows; r < rows + NROWS; r++)
		if (optopt == (int)r->code)
			um_die("--%s takes no argument", r->name);
	if (optopt != 0)
		um_die("unknown option -%c (umview --help lists all)", optopt);
	um_die("unknown option %s (umview --help lists all)", argv[optind - 1]);
}

/* Options that start no view, or none of their own: each is alone but for those that its flag allows. */
static const struct {
	enum option_code code;
	enum action action;
	unsigned with;
	const char *why;
} actions[] = {
	{ OPT_ENTER, ACTION_ENTER, WITH_ENTER, ": the view runs already" },
	{ OPT_LIST, ACTION_LIST, WITH_LIST, ", which starts no view" },
	{ OPT_DOCTOR, ACTION_DOCTOR, WITH_LIST, ", which starts no view" },
	{ OPT_VERSION, ACTION_VERSION, 0, ", which starts no view" },
};

#define NACTIONS (sizeof(actions) / sizeof(actions[0]))

/* Which options there are says what is done, and what of the others makes sense. */
static void choose_action(struct options *opt, const bool given[NROWS])
{
	if (given[row_of(OPT_HELP) - rows]) { /* a question is no contradiction */
		opt->action = ACTION_HELP;
		return;
	}
	for (size_t a = 0; a < NACTIONS; a++) {
		const struct option_row *row = row_of(actions[a].code);

		if (!given[row - rows])
			continue;
		opt->action = actions[a].action;
		for (size_t i = 0; i < NROWS; i++)
			if (given[i] && rows + i != row && !(rows[i].flags & actions[a].with))
				um_die("--%s does not go with --%s%s", rows[i].name, row->name, actions[a].why);
	}
}

/* What does not go together. */
static void check_together(const struct options *opt)
{
	if (opt->tracer == &um_unotify && opt->without.listener)
		um_die("--tracer unotify does not go with --without listener: the listener is what it works with");
	if (opt->without.listener && opt->without.ptrace)
		um_die("--without listener does not go with --without ptrace: there is no other tracer");
	if (opt->tracer == &um_ptrace && opt->without.ptrace)
		um_die("--tracer ptrace does not go with --without ptrace: ptrace is what it works with");
	if (opt->json && opt->action != ACTION_LIST && opt->action != ACTION_DOCTOR && !opt->stats)
		um_die("--json goes with --list, --doctor and --stats");
}

/* The start-up file, before the command line: the one that is named there, or the configured one. */
static void read_rc(struct options *opt, const bool given[NROWS], const char *rc)
{
	bool norc = given[row_of(OPT_NORC) - rows];

	if (rc != NULL && norc)
		um_die("--norc does not go with --rc %s: the one reads no start-up file, the other one", rc);
	if (rc != NULL)
		rc_read(opt, user_path(rc, NULL, opt->home), true);
	else if (!norc && opt->action == ACTION_RUN && !opt->nested) /* the view around this one has it, and this one inherits it */
		rc_read_default(opt);
}

void options_parse(struct options *opt, int argc, char **argv)
{
	bool given[NROWS] = { false };
	struct getopt_tables t;
	const char *rc = NULL;
	int c;

	memset(opt, 0, sizeof(*opt));
	opt->nested = nested_inside();
	opt->home = getenv("HOME") != NULL ? um_format("%s", getenv("HOME")) : NULL;
	getopt_tables(&t);
	opterr = 0;
	while ((c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		const struct option_row *row = row_found(c, argv);

		given[row - rows] = true;
		if (row->code == OPT_RC)
			rc = optarg;
	}
	choose_action(opt, given);
	if (opt->action == ACTION_HELP)
		return;
	read_rc(opt, given, rc);
	optind = 0; /* glibc: begin again */
	while ((c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		const struct option_row *row = row_found(c, argv);

		apply(opt, row->code, &(struct given){ optarg, um_format("--%s", row->name), NULL });
	}
	check_together(opt);
	if (optind < argc && opt->action != ACTION_RUN && opt->action != ACTION_ENTER)
		um_die("%s: --list, --doctor and --version take no arguments", um_shown(argv[optind]));
	opt->argv = optind < argc ? argv + optind : NULL;
}
