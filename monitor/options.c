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

#include "kfeatures.h"
#include "log.h"
#include "tracer/tracer.h"
#include "nested.h"

enum option_code {
	OPT_COW = 256, OPT_SU, OPT_MOUNT, OPT_PRELOAD, OPT_MODULES, OPT_SECURE, OPT_TRACE, OPT_STATS, OPT_RC, OPT_NORC,
	OPT_NAME, OPT_ENTER, OPT_LINGER, OPT_TRACER, OPT_WITHOUT, OPT_LIST, OPT_DOCTOR, OPT_JSON, OPT_VERSION, OPT_HELP,
};

enum option_flags {
	ARG_NONE = 0,
	ARG_NEEDED = 1,
	ARG_MAY = 2,            /* --trace=FILE */
	CMDLINE_ONLY = 4,       /* has no meaning in a start-up file */
	WITH_ENTER = 8,         /* makes sense beside --enter */
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
	{ OPT_SECURE, 's', "secure", NULL, 0, "nothing is continued with a pointer, nothing unknown is let through" },
	{ OPT_TRACE, 't', "trace", "FILE", ARG_MAY, "a line for each intercepted call, to FILE or standard error" },
	{ OPT_STATS, 0, "stats", NULL, 0, "at the end, counts and times by system call" },
	{ OPT_RC, 'f', "rc", "FILE", ARG_NEEDED | CMDLINE_ONLY, "start-up file, in place of the configured one" },
	{ OPT_NORC, 'n', "norc", NULL, CMDLINE_ONLY | WITH_ENTER, "no start-up file" },
	{ OPT_NAME, 0, "name", "NAME", ARG_NEEDED, "the view's name" },
	{ OPT_ENTER, 'E', "enter", "NAME", ARG_NEEDED | CMDLINE_ONLY | WITH_ENTER, "run CMD in a running view (name or process id)" },
	{ OPT_LINGER, 0, "linger", NULL, 0, "the view ends with its last process, not with CMD" },
	{ OPT_TRACER, 0, "tracer", "TRACER", ARG_NEEDED, "auto, unotify or ptrace" },
	{ OPT_WITHOUT, 0, "without", "FEATURE", ARG_NEEDED, "do not use this kernel feature; repeatable (see --doctor)" },
	{ OPT_LIST, 0, "list", NULL, CMDLINE_ONLY, "list the running views" },
	{ OPT_DOCTOR, 0, "doctor", NULL, CMDLINE_ONLY, "what this host offers, what is missing, and the cure" },
	{ OPT_JSON, 0, "json", NULL, CMDLINE_ONLY, "with --list, --doctor, --stats: machine-readable" },
	{ OPT_VERSION, 'V', "version", NULL, CMDLINE_ONLY, "print the version" },
	{ OPT_HELP, 'h', "help", NULL, CMDLINE_ONLY, "print this" },
};

#define NROWS (sizeof(rows) / sizeof(rows[0]))

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

static void add_step(struct options *opt, enum step_kind kind, const char *text, const char *where)
{
	opt->steps = realloc(opt->steps, (opt->nsteps + 1) * sizeof(*opt->steps));
	if (opt->steps == NULL)
		um_die("out of memory");
	opt->steps[opt->nsteps++] = (struct step){ kind, text, where };
}

/* A mount must have both colons; what they hold is the module's to judge. */
static void check_mount(const char *text, const char *where)
{
	const char *first = strchr(text, ':'), *last = strrchr(text, ':');

	if (first == NULL || first == last || first == text || last[1] == '\0')
		um_die("%s %s: it must be TYPE[,OPTIONS]:SOURCE:TARGET", where, text);
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
		um_die("%s %s: there is no such tracer; there are \"auto\", \"unotify\" and \"ptrace\"", where, name);
	return ops;
}

static void switch_off(struct options *opt, const char *name, const char *where)
{
	const struct feature *f = feature_named(name);

	if (f == NULL) {
		char all[256] = "";

		for (f = features; f->name != NULL; f++)
			strcat(strcat(all, " "), f->name);
		um_die("%s %s: there is no such kernel feature; there are:%s", where, name, all);
	}
	*feature_flag(&opt->without, f) = true;
}

static void check_name(const char *name, const char *where)
{
	if (*name == '\0' || strlen(name) > 63 || strpbrk(name, " \t\n/\\$`'\"[]") != NULL)
		um_die("%s \"%s\": a name has 1 to 63 characters, and no space, slash, quote, bracket or $", where, name);
}

/* Carry out one option.  @arg is NULL if it has none; it and @where live as long as @opt. */
static void apply(struct options *opt, enum option_code code, const char *arg, const char *where)
{
	switch (code) {
	case OPT_COW:
		add_step(opt, STEP_COW, arg, where);
		break;
	case OPT_SU:
		opt->su = true;
		break;
	case OPT_MOUNT:
		check_mount(arg, where);
		add_step(opt, STEP_MOUNT, arg, where);
		break;
	case OPT_PRELOAD:
		add_step(opt, STEP_PRELOAD, arg, where);
		break;
	case OPT_MODULES:
		opt->modules = split_list(arg);
		break;
	case OPT_SECURE:
		opt->secure = true;
		break;
	case OPT_TRACE:
		opt->trace = true;
		opt->trace_file = arg;
		break;
	case OPT_STATS:
		opt->stats = true;
		break;
	case OPT_NAME:
		check_name(arg, where);
		opt->name = arg;
		break;
	case OPT_ENTER:
		opt->action = ACTION_ENTER;
		opt->enter = arg;
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
	case OPT_LIST:
		opt->action = ACTION_LIST;
		break;
	case OPT_DOCTOR:
		opt->action = ACTION_DOCTOR;
		break;
	case OPT_JSON:
		opt->json = true;
		break;
	case OPT_VERSION:
		opt->action = ACTION_VERSION;
		break;
	case OPT_HELP:
		opt->action = ACTION_HELP;
		break;
	case OPT_RC:
	case OPT_NORC:
		break; /* they are looked at before all others */
	}
}

/* --- the start-up file -------------------------------------------------------------------------------------------- */

static const struct option_row *row_named(const char *name)
{
	for (const struct option_row *r = rows; r < rows + NROWS; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

/* One line, without its end: [NAME [ARGUMENT]] [# comment].  It is changed, and kept. */
static void rc_line(struct options *opt, char *line, const char *file, unsigned number)
{
	const struct option_row *row;
	char *name, *arg, *end;

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
	while (end > arg && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	row = row_named(name);
	if (row == NULL)
		um_die("%s:%u: unknown option \"%s\"", file, number, name);
	if (row->flags & CMDLINE_ONLY)
		um_die("%s:%u: \"%s\" belongs on the command line", file, number, name);
	if ((row->flags & ARG_NEEDED) && *arg == '\0')
		um_die("%s:%u: \"%s\" needs an argument: %s", file, number, name, row->arg);
	if (!(row->flags & (ARG_NEEDED | ARG_MAY)) && *arg != '\0')
		um_die("%s:%u: \"%s\" takes no argument, and there is \"%s\"", file, number, name, arg);
	apply(opt, row->code, *arg != '\0' ? arg : NULL, um_format("%s:%u: %s", file, number, name));
}

/* Read a start-up file; a missing one is an error only if it was @asked for. */
static void rc_read(struct options *opt, const char *file, bool asked)
{
	FILE *f = fopen(file, "re");
	unsigned number = 0;
	char *line = NULL;
	struct stat st;
	size_t size = 0;
	ssize_t n;

	if (f == NULL) {
		if (asked || (errno != ENOENT && errno != ENOTDIR && errno != EACCES))
			um_die("start-up file %s: %s", file, strerror(errno));
		return;
	}
	if (fstat(fileno(f), &st) < 0 || !S_ISREG(st.st_mode))
		um_die("start-up file %s: not a regular file", file);
	while ((n = getline(&line, &size, f)) >= 0) {
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		rc_line(opt, um_format("%s", line), file, ++number);
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

/* What does not go together. */
static void check_together(const struct options *opt, unsigned others, const char *other)
{
	if (opt->action == ACTION_ENTER && others != 0)
		um_die("--%s does not go with --enter: the view runs already", other);
	if (opt->json && opt->action != ACTION_LIST && opt->action != ACTION_DOCTOR && !opt->stats)
		um_die("--json goes with --list, --doctor and --stats");
}

void options_parse(struct options *opt, int argc, char **argv)
{
	struct getopt_tables t;
	const char *rc = NULL, *other = NULL;
	const struct option_row *row;
	unsigned others = 0;
	bool norc = false;
	int c;

	memset(opt, 0, sizeof(*opt));
	opt->nested = nested_inside();
	getopt_tables(&t);
	opterr = 0;
	while ((c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		row = row_found(c, argv);
		if (row->code == OPT_RC)
			rc = optarg;
		norc |= row->code == OPT_NORC || row->code == OPT_ENTER || row->code == OPT_LIST ||
			row->code == OPT_DOCTOR || row->code == OPT_VERSION || row->code == OPT_HELP;
	}
	if (rc != NULL)
		rc_read(opt, rc, true);
	else if (!norc && !opt->nested) /* the view around this one has it, and this one inherits it */
		rc_read_default(opt);
	optind = 0; /* glibc: begin again */
	while ((c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		row = row_found(c, argv);
		if (!(row->flags & WITH_ENTER)) {
			others++;
			other = row->name;
		}
		apply(opt, row->code, optarg, um_format("--%s", row->name));
	}
	check_together(opt, others, other);
	if (optind < argc && (opt->action == ACTION_LIST || opt->action == ACTION_DOCTOR))
		um_die("%s: --list and --doctor take no arguments", argv[optind]);
	opt->argv = optind < argc ? argv + optind : NULL;
}
