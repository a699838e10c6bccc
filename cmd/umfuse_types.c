/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The FUSE programs that mount knows, and the translation of its options to theirs: see umfuse.h.
 *
 * An option is one of four kinds: flags of mount(2), of which libfuse knows a few and the others mean nothing to a FUSE
 * server; ro and rw, which each program spells in its own way; what the kernel's own file system of that type knows and
 * the program need not (the column "dropped"); and the rest, which is handed on, so that the program complains of what it
 * does not know.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "cmd.h"
#include "umfuse.h"

static const char *const encfs_words[] = {
	"extpass=", "--extpass=", "config=", "--config=", "idle=", "--idle=", "reverse", "--reverse",
	"stdinpass", "--stdinpass", "anykey", "--anykey", "forcedecode", "--forcedecode", NULL,
};
static const char *const fuseiso_words[] = { "iocharset=", "-c", NULL };

static const struct umfuse_type types[] = {
	{
		.name = "ext2", .what = "an ext2, ext3 or ext4 image", .plain = { "ext2", "ext3", "ext4" },
		.source = UMFUSE_IMAGE, .format = UMFUSE_EXT, .dropped = "|force|barrier|nobarrier|discard|nodiscard|",
		.programs = {
			{ .name = "fuse2fs", .package = "fuse2fs", .ro = "ro", .rw = "rw",
			  .unescaped = "no_default_opts,kernel_cache,use_ino,attr_timeout=0" },
			{ .name = "fuseext2", .package = "fuseext2", .ro = "ro", .rw = "rw+" },
		},
	}, {
		.name = "fat", .what = "a FAT image", .plain = { "vfat", "msdos", "fat" },
		.source = UMFUSE_IMAGE, .format = UMFUSE_FAT, .dropped = "|force|flush|quiet|utf8|utf8=1|discard|sys_immutable|",
		.programs = {
			{ .name = "fusefat", .package = "fusefat", .ro = "ro", .rw = "rw+", .names_source = true,
			  .chatty = true },
		},
	}, {
		.name = "iso9660", .what = "an ISO 9660 image", .plain = { "iso9660" },
		.source = UMFUSE_IMAGE, .format = UMFUSE_ISO9660, .read_only = true, .dropped = "|force|utf8|",
		.programs = {
			/* -n: no list of mounts in the home directory */
			{ .name = "fuseiso", .package = "fuseiso", .first = "-n", .ro = "ro", .names_source = true,
			  .words = fuseiso_words },
			{ .name = "fuseiso9660", .package = "fuseiso9660", .ro = "ro", .names_source = true },
		},
	}, {
		.name = "squash", .what = "a squashfs image", .plain = { "squashfs" },
		.source = UMFUSE_IMAGE, .format = UMFUSE_SQUASHFS, .read_only = true, .dropped = "|force|",
		.programs = {
			{ .name = "squashfuse", .package = "squashfuse", .ro = "ro", .names_source = true },
			{ .name = "squashfuse_ll", .package = "squashfuse", .ro = "ro", .names_source = true },
		},
	}, {
		.name = "archive", .what = "an archive", .source = UMFUSE_IMAGE, .read_only = true,
		.programs = {
			{ .name = "umfusearchive.so", .ro = "ro", .names_source = true },
			{ .name = "fuse-archive", .package = "fuse-archive", .ro = "ro", .names_source = true },
			{ .name = "archivemount", .package = "archivemount", .ro = "readonly,ro", .names_source = true },
		},
	}, {
		.name = "exfat", .what = "an exFAT image", .plain = { "exfat" }, .source = UMFUSE_IMAGE,
		.programs = { { .name = "mount.exfat-fuse", .package = "exfat-fuse", .ro = "ro", .rw = "rw" } },
	}, {
		.name = "ntfs", .what = "an NTFS image", .plain = { "ntfs", "ntfs3" }, .source = UMFUSE_IMAGE,
		.programs = { { .name = "ntfs-3g", .package = "ntfs-3g", .ro = "ro", .rw = "rw" } },
	}, {
		.name = "erofs", .what = "an EROFS image", .plain = { "erofs" }, .source = UMFUSE_IMAGE, .read_only = true,
		.programs = { { .name = "erofsfuse", .package = "erofsfuse", .ro = "ro", .names_source = true } },
	}, {
		.name = "ssh", .what = "HOST:DIRECTORY", .plain = { "sshfs" }, .source = UMFUSE_REMOTE,
		.programs = { { .name = "sshfs", .package = "sshfs", .ro = "ro", .rw = "rw" } },
	}, {
		.name = "encfs", .what = "an encrypted directory", .source = UMFUSE_DIRECTORY,
		.programs = {
			{ .name = "encfs", .package = "encfs", .ro = "ro", .rw = "rw", .mark = ".encfs6.xml",
			  .names_source = true, .words = encfs_words },
			{ .name = "gocryptfs", .package = "gocryptfs", .ro = "ro", .rw = "rw", .mark = "gocryptfs.conf" },
		},
	}, {
		.name = "ramfile", .what = "a file", .source = UMFUSE_FILE,
		.programs = { { .name = "umfuseramfile.so", .ro = "ro", .rw = "rw", .names_source = true } },
	},
};

const struct umfuse_program umfuse_other = { .name = "", .ro = "ro", .rw = "rw" };

/* Programs that are only used by their names, and whose packages are called otherwise. */
static const char *const packages[][2] = {
	{ "bindfs", "bindfs" }, { "unionfs", "unionfs-fuse" }, { "fuse-zip", "fuse-zip" }, { "mergerfs", "mergerfs" },
	{ "fuse-overlayfs", "fuse-overlayfs" }, { "s3fs", "s3fs" }, { "curlftpfs", "curlftpfs" }, { "rclone", "rclone" },
};

const struct umfuse_type *umfuse_type_find(const char *name, bool plain)
{
	for (const struct umfuse_type *t = types; t < types + sizeof(types) / sizeof(types[0]); t++) {
		if (!plain && strcmp(t->name, name) == 0)
			return t;
		for (size_t i = 0; plain && t->plain[i] != NULL; i++)
			if (strcmp(t->plain[i], name) == 0)
				return t;
	}
	return NULL;
}

const char *umfuse_package_of(const char *program)
{
	for (const struct umfuse_type *t = types; t < types + sizeof(types) / sizeof(types[0]); t++)
		for (size_t i = 0; i < sizeof(t->programs) / sizeof(t->programs[0]) && t->programs[i].name != NULL; i++)
			if (strcmp(t->programs[i].name, program) == 0)
				return t->programs[i].package;
	for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++)
		if (strcmp(packages[i][0], program) == 0)
			return packages[i][1];
	return NULL;
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static void add_word(struct umfuse_command *c, const char *word, const char *value)
{
	char *both;

	if (c->n + 2 > UMFUSE_WORDS_MAX)
		cmd_die(1, "too many options");
	both = cmd_realloc(NULL, strlen(word) + strlen(value) + 1);
	strcpy(stpcpy(both, word), value);
	c->argv[c->n++] = both;
	c->argv[c->n] = NULL;
}

/* One option for the list of -o, with what libfuse takes for separators escaped if @escape. */
static void add_option(char **list, const char *name, const char *value, const char *escape)
{
	size_t used = *list ? strlen(*list) : 0;
	char *to;

	*list = cmd_realloc(*list, used + 2 * (strlen(name) + strlen(value)) + 2);
	to = *list + used;
	if (used > 0)
		*to++ = ',';
	to = stpcpy(to, name);
	for (; *value; value++) {
		if (strchr(escape, *value))
			*to++ = '\\';
		*to++ = *value;
	}
	*to = '\0';
}

/* The flags of mount(2) that libfuse has options for; the kernel's FUSE client takes no notice of the others. */
static void add_flags(char **list, unsigned long flags)
{
	static const struct {
		unsigned long flag;
		const char *name;
	} known[] = {
		{ MS_NOSUID, "nosuid" }, { MS_NODEV, "nodev" }, { MS_NOEXEC, "noexec" }, { MS_NOATIME, "noatime" },
		{ MS_SYNCHRONOUS, "sync" }, { MS_DIRSYNC, "dirsync" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (flags & known[i].flag)
			add_option(list, known[i].name, "", "");
}

/* Is it one of what this type or this translation takes no notice of? */
static bool is_dropped(const char *option, const char *dropped)
{
	char *bars;
	bool found;

	if (strcmp(option, "loop") == 0 || strncmp(option, "loop=", 5) == 0 || strcmp(option, "rw+") == 0)
		return true;
	if (dropped == NULL)
		return false;
	bars = cmd_realloc(NULL, strlen(option) + 3);
	sprintf(bars, "|%s|", option);
	found = strstr(dropped, bars) != NULL;
	free(bars);
	return found;
}

/* An option that is an argument for this program: added to the command.  False: it is not one. */
static bool add_argument(struct umfuse_command *c, const struct umfuse_program *program, const char *option)
{
	for (const char *const *w = program->words; w != NULL && *w != NULL; w += 2) {
		size_t n = strlen(*w);

		if ((*w)[n - 1] == '=' ? strncmp(option, *w, n) == 0 : strcmp(option, *w) == 0) {
			add_word(c, w[1], option + n);
			return true;
		}
	}
	return false;
}

/* Without the double quotes that kept it together. */
static char *unquote(char *option)
{
	char *to = option;

	for (const char *from = option; *from; from++)
		if (*from != '"')
			*to++ = *from;
	*to = '\0';
	return option;
}

/* The data of the request, option by option. */
static void add_data(struct umfuse_command *c, char **list, const struct umfuse_program *program,
		     const struct umfuse_request *request)
{
	char *copy = cmd_strdup(request->options->data), *rest = copy, *option;

	while ((option = mount_options_next(&rest)) != NULL)
		if (*unquote(option) && !is_dropped(option, request->dropped) && !add_argument(c, program, option))
			add_option(list, "", option, ",");
	free(copy);
}

/* The options by which the list of mounts has the source's name and the type. */
static void add_names(char **list, const struct umfuse_program *program, const struct umfuse_request *request)
{
	bool odd = request->source != NULL && strpbrk(request->source, ",\\") != NULL && program->unescaped != NULL;

	if (odd)
		add_option(list, program->unescaped, "", "");
	if ((odd || program->names_source) && request->source != NULL) {
		add_option(list, "fsname=", request->source, "\\,");
		add_option(list, "subtype=", request->subtype, "\\,");
	}
}

void umfuse_translate(struct umfuse_command *c, const struct umfuse_program *program, const char *path,
		      const char *host, const struct umfuse_request *request)
{
	const char *access = request->access == MOUNT_RO ? program->ro : request->access == MOUNT_RW ? program->rw : NULL;
	char *list = NULL;

	memset(c, 0, sizeof(*c));
	if (host != NULL)
		add_word(c, host, "");
	add_word(c, path, "");
	if (program->first != NULL)
		add_word(c, program->first, "");
	if (access != NULL)
		add_option(&list, access, "", "");
	if (request->nonempty)
		add_option(&list, "nonempty", "", "");
	add_names(&list, program, request);
	add_flags(&list, request->options->flags);
	add_data(c, &list, program, request);
	if (request->source != NULL)
		add_word(c, request->source, "");
	add_word(c, request->target, "");
	if (list != NULL) {
		add_word(c, "-o", "");
		add_word(c, list, "");
	}
	free(list);
}

void umfuse_command_free(struct umfuse_command *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->argv[i]);
	memset(c, 0, sizeof(*c));
}
