/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewdiff: what a copy-on-write directory changes against the real tree.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "layerdir.h"

static const char help[] =
    "[OPTION]... DIR\n"
    "List what the copy-on-write directory DIR changes against the real tree: A added, M modified, D deleted,\n"
    "with mode and owner.\n"
    "\n"
    "  -t, --target TREE  the real tree (default: the one that the view had)\n"
    "  -j, --json         machine-readable\n"
    "  -q, --quiet        nothing is written; the exit status is 1 if there are changes\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n";

/* A JSON string; bytes that are no UTF-8 become U+DC80...U+DCFF, as Python's surrogateescape has it. */
static void put_json(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	putchar('"');
	while (*p) {
		int n = *p < 0x80		  ? 1
			: *p >= 0xc2 && *p < 0xe0 ? 2
			: *p >= 0xe0 && *p < 0xf0 ? 3
			: *p >= 0xf0 && *p < 0xf5 ? 4
						  : 0;
		int i;

		for (i = 1; i < n; i++) {
			if ((p[i] & 0xc0) != 0x80)
				n = 0;
		}
		/* Too long forms, surrogates and what is beyond Unicode are no UTF-8 either. */
		if ((*p == 0xe0 && n == 3 && p[1] < 0xa0) || (*p == 0xed && n == 3 && p[1] >= 0xa0) ||
		    (*p == 0xf0 && n == 4 && p[1] < 0x90) || (*p == 0xf4 && n == 4 && p[1] >= 0x90))
			n = 0;
		if (!n)
			printf("\\udc%02x", *p++);
		else if (*p == '"' || *p == '\\')
			printf("\\%c", *p++);
		else if (*p < 0x20)
			printf("\\u%04x", *p++);
		else
			for (; n; n--)
				putchar(*p++);
	}
	putchar('"');
}

static void json_attributes(const struct statx *st)
{
	printf("\"type\": \"%s\", \"mode\": \"%04o\", \"uid\": %u, \"gid\": %u, \"size\": %llu, "
	       "\"mtime\": %lld.%09u",
	       type_text(st->stx_mode), st->stx_mode & 07777, st->stx_uid, st->stx_gid,
	       (unsigned long long)st->stx_size, (long long)st->stx_mtime.tv_sec, st->stx_mtime.tv_nsec);
	if (S_ISBLK(st->stx_mode) || S_ISCHR(st->stx_mode))
		printf(", \"major\": %u, \"minor\": %u", st->stx_rdev_major, st->stx_rdev_minor);
}

static void print_json(const struct layerdir *d, const struct changes *changes)
{
	size_t i;

	printf("{\"directory\": ");
	put_json(d->upper);
	printf(", \"target\": ");
	put_json(d->target);
	printf(", \"owners\": %s, \"changes\": [", d->owners ? "true" : "false");
	for (i = 0; i < changes->count; i++) {
		const struct layers_diff_entry *e = &changes->change[i].e;

		printf("%s\n  {\"change\": \"%c\", \"path\": ", i ? "," : "", e->change);
		put_json(layerdir_real(d, e->path));
		if (e->change != LAYERS_DELETED) {
			printf(", ");
			json_attributes(&e->upper);
		}
		printf(", \"opaque\": %s, \"made\": %s, \"host_changed\": %s, \"acl_changed\": %s", e->opaque ? "true" : "false",
		       e->made ? "true" : "false", e->stale ? "true" : "false", e->acl_changed ? "true" : "false");
		if (e->has_lower) {
			printf(", \"was\": {");
			json_attributes(&e->lower);
			printf("}");
		}
		printf("}");
	}
	printf("%s]}\n", changes->count ? "\n" : "");
}

/* What has changed of mode and owner, in brackets, and what else there is to know. */
static void print_notes(const struct layerdir *d, const struct layers_diff_entry *e)
{
	const struct statx *u = &e->upper, *l = &e->lower;

	if (e->change == LAYERS_MODIFIED) {
		if ((u->stx_mode & S_IFMT) != (l->stx_mode & S_IFMT))
			printf(" [was a %s]", type_text(l->stx_mode));
		else if (u->stx_mode != l->stx_mode && !S_ISLNK(u->stx_mode))
			printf(" [mode was %04o]", l->stx_mode & 07777);
		if (d->owners && (u->stx_uid != l->stx_uid || u->stx_gid != l->stx_gid))
			printf(" [owner was %u:%u]", l->stx_uid, l->stx_gid);
		if (e->acl_changed)
			printf(" [ACL changed]");
	}
	if (e->opaque)
		printf(" [hides what was in it]");
	if (e->made)
		printf(" [stands for what the user cannot read]");
	if (e->stale)
		printf(e->has_lower ? " [the host has changed it since]" : " [the host has removed it since]");
}

static void print_text(const struct layerdir *d, const struct changes *changes)
{
	size_t i;

	for (i = 0; i < changes->count; i++) {
		const struct layers_diff_entry *e = &changes->change[i].e;
		const struct statx *st = e->change == LAYERS_DELETED ? &e->lower : &e->upper;
		char mode[11], owner[32];

		mode_text(st->stx_mode, mode);
		snprintf(owner, sizeof owner, "%u:%u", st->stx_uid, st->stx_gid);
		printf("%c %s %-9s ", e->change, mode, owner);
		layerdir_print(d, e->path);
		print_notes(d, e);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"target", required_argument, NULL, 't'},
	    {"json", no_argument, NULL, 'j'},
	    {"quiet", no_argument, NULL, 'q'},
	    CMD_COMMON_OPTIONS,
	};
	const char *target = NULL;
	bool json = false, quiet = false;
	struct changes changes;
	struct layerdir d;
	int opt, status;

	while ((opt = getopt_long(argc, argv, "t:jqhV", options, NULL)) != -1) {
		if (opt == 't')
			target = optarg;
		else if (opt == 'j')
			json = true;
		else if (opt == 'q')
			quiet = true;
		else
			cmd_common_option(opt, help);
	}
	if (argc - optind != 1) {
		cmd_message(optind < argc ? "too many arguments" : "which directory?");
		cmd_usage();
	}
	layerdir_open(&d, argv[optind], target);
	layerdir_changes(&d, &changes);
	if (json)
		print_json(&d, &changes);
	else if (!quiet)
		print_text(&d, &changes);
	status = quiet && changes.count ? 1 : 0;
	changes_free(&changes);
	layerdir_close(&d);
	if (fflush(stdout) == EOF || ferror(stdout))
		cmd_die(2, "standard output: %s", strerror(errno));
	return status;
}
