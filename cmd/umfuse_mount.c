/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mount that a FUSE program serves, from the command line to the first answer: see umfuse.h.
 *
 * An image is locked (flock) through a descriptor that its server inherits, shared for reading and exclusively for
 * writing.  So no image is written by two servers at a time, whatever views they are in, and umount can wait until a server
 * has written what it still had (viewumount.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "umfuse.h"

#define LOCK_TRIES 50           /* of 100 ms: a server that was unmounted just now may still be writing */

/* What is known of a mount while it is being prepared. */
struct preparation {
	const struct umfuse_job *job;
	const struct umfuse_type *type; /* NULL: not in the table */
	const char *type_name;  /* as in the table or as given, for messages */
	const char *source;     /* absolute if it is a path; NULL: none */
	const char *target;     /* absolute */
	enum mount_access access;
	bool is_plain;          /* a type of mount(8), or none: its rules of access hold */
	int fd;                 /* the image, locked; -1 if there is none */
	struct umfuse_server server;
};

static bool has_option(const struct mount_options *options, const char *name, const char **value)
{
	char *copy = cmd_strdup(options->data), *rest = copy, *option;
	size_t n = strlen(name);
	bool found = false;

	while (!found && (option = mount_options_next(&rest)) != NULL) {
		found = strncmp(option, name, n) == 0 && (option[n] == '\0' || name[n - 1] == '=');
		if (found && value)
			*value = cmd_strdup(option + n);
	}
	free(copy);
	return found;
}

/* No type, or a list of those that are accepted: what is in the image decides. */
static bool is_guessed(const char *type)
{
	return type == NULL || strcmp(type, "auto") == 0 || strchr(type, ',') != NULL;
}

bool umfuse_serves(const char *type, const struct mount_options *options)
{
	if (is_guessed(type))
		return true;
	if (has_option(options, "fd=", NULL))
		return false;   /* the call that a server makes */
	return strncmp(type, "umfuse", 6) == 0 || strncmp(type, "fuse.", 5) == 0 || strcmp(type, "fuse") == 0 ||
	       umfuse_type_find(type, true) != NULL;
}

/* --- what is there -------------------------------------------------------------------------------------------------- */

static void need_service(bool typed)
{
	char *services = cmd_ask_verb("service-list"), *rest = services, *line;
	bool found = false;

	while (!found && (line = strsep(&rest, "\n")))
		found = strcmp(strsep(&line, "\t"), "umfuse") == 0;
	free(services);
	if (!found)
		cmd_die(EXIT_MOUNT, "%sthe service umfuse, by which FUSE programs mount, is not loaded: um_add_service umfuse",
			typed ? "" : "no file system type given (-t TYPE); to look what is in an image, ");
}

static const char *need_path(const char *path)
{
	char *full = realpath(path, NULL);

	if (full == NULL)
		cmd_die(EXIT_MOUNT, "%s: %s", cmd_shown(path), strerror(errno));
	return full;
}

static void check_target(struct preparation *p)
{
	bool on_file = p->type && p->type->source == UMFUSE_FILE;
	struct stat st;

	p->target = realpath(p->job->target, NULL);
	if (p->target == NULL && errno == ENOENT)
		cmd_die(EXIT_MOUNT, "%s: the mount point does not exist", cmd_shown(p->job->target));
	if (p->target == NULL || stat(p->target, &st) < 0)
		cmd_die(EXIT_MOUNT, "%s: %s", cmd_shown(p->job->target), strerror(errno));
	if (on_file && !S_ISREG(st.st_mode))
		cmd_die(EXIT_MOUNT, "%s: not a regular file, and umfuseramfile is mounted on one", p->target);
	if (!on_file && !S_ISDIR(st.st_mode) && p->type)
		cmd_die(EXIT_MOUNT, "%s: the mount point is not a directory", p->target);
}

/* An image: the descriptor that will be locked. */
static void open_image(struct preparation *p)
{
	struct stat st;

	p->source = need_path(p->job->source);
	p->fd = open(p->source, O_RDONLY | O_NONBLOCK);
	if (p->fd < 0 || fstat(p->fd, &st) < 0)
		cmd_die(EXIT_MOUNT, "%s: %s", p->source, strerror(errno));
	if (S_ISDIR(st.st_mode))
		cmd_die(EXIT_MOUNT, "%s: it is a directory, and no image", p->source);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		cmd_die(EXIT_MOUNT, "%s: neither a regular file nor a block device", p->source);
}

static uint64_t offset_of(const struct preparation *p)
{
	const char *value;
	char *end;
	uint64_t offset;

	if (!has_option(p->job->options, "offset=", &value))
		return 0;
	errno = 0;
	offset = strtoull(value, &end, 0);
	if (errno || end == value || *end)
		cmd_die(1, "offset=%s: not a number of bytes", value);
	return offset;
}

/* Is a type in the list that was given ("ext4,vfat"), if one was? */
static bool is_accepted(const char *found, const char *list)
{
	char *copy = list && strchr(list, ',') ? cmd_strdup(list) : NULL, *rest = copy, *word;
	bool accepted = copy == NULL;

	while (!accepted && (word = strsep(&rest, ",")))
		accepted = strcmp(word, found) == 0;
	free(copy);
	return accepted;
}

/* No type was given: what is in it decides. */
static void probe_image(struct preparation *p)
{
	const char *why, *found;

	open_image(p);
	if (lseek(p->fd, 0, SEEK_END) == 0)
		cmd_die(EXIT_MOUNT, "%s: it is empty, so it is no image", p->source);
	found = umfuse_image_type(p->fd, offset_of(p), &why);
	if (found == NULL)
		cmd_die(EXIT_MOUNT, "%s: %s; give its type: mount -t TYPE (an archive: -t umfusearchive)", p->source, why);
	if (!is_accepted(found, p->job->type))
		cmd_die(EXIT_MOUNT, "%s: it has a file system of type %s, and not of %s", p->source, found, p->job->type);
	p->type = umfuse_type_find(found, true);
	if (p->type == NULL)
		cmd_die(EXIT_MOUNT, "%s: it has a file system of type %s, for which no FUSE program is known here", p->source,
			found);
}

static void check_image(struct preparation *p)
{
	const char *problem = umfuse_image_problem(p->fd, p->type->format, offset_of(p)), *why, *found;

	if (problem == NULL || has_option(p->job->options, "force", NULL))
		return;
	if (problem != umfuse_other_format)
		cmd_die(EXIT_MOUNT, "%s: %s", p->source, problem);
	found = umfuse_image_type(p->fd, offset_of(p), &why);
	cmd_die(EXIT_MOUNT, "%s: not %s%s%s", p->source, p->type->what, found ? ": it looks like " : "", found ? found : "");
}

/* --- ro or rw ------------------------------------------------------------------------------------------------------- */

/*
 * A type of mount(8) is mounted for writing if nothing is said, and read-only with a warning where that cannot be.
 * View-OS's types are read-only unless writing is asked for, and so are those that can be no other.
 */
static void decide_access(struct preparation *p)
{
	bool may_write = p->fd < 0 || access(p->source, W_OK) == 0;

	p->access = p->job->options->access;
	if (p->type == NULL)
		return;
	if (p->access == MOUNT_RW && p->type->read_only)
		cmd_die(EXIT_MOUNT, "%s: %s can only be mounted read-only", p->source, p->type->what);
	if (p->access == MOUNT_RW && !may_write)
		cmd_die(EXIT_MOUNT, "%s: it cannot be mounted for writing: %s", p->source, strerror(errno));
	if (p->access != MOUNT_UNSAID)
		return;
	p->access = MOUNT_RW;
	if (p->type->read_only || (!p->is_plain && p->type->source == UMFUSE_IMAGE)) {
		p->access = MOUNT_RO;
	} else if (!may_write) {
		cmd_message("%s: it cannot be written, so it is mounted read-only", p->source);
		p->access = MOUNT_RO;
	}
}

/* Where it is mounted in this view, or NULL. */
static const char *mounted_on(const char *source)
{
	size_t n;
	const struct cmd_mount *mounts = cmd_mounts(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(mounts[i].source, source) == 0)
			return mounts[i].target;
	return NULL;
}

static void lock_image(const struct preparation *p)
{
	int how = p->access == MOUNT_RW ? LOCK_EX : LOCK_SH;

	for (int tries = 0; flock(p->fd, how | LOCK_NB) < 0 && errno == EWOULDBLOCK; tries++) {
		const char *other = mounted_on(p->source);

		if (other || tries == LOCK_TRIES)
			cmd_die(EXIT_MOUNT, "%s: it is mounted already, %s%s, and %s", p->source, other ? "on " : "in another view",
				other ? other : "", how == LOCK_EX ? "only one mount may write it" : "written by that mount");
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	}
}

/* --- who serves it -------------------------------------------------------------------------------------------------- */

/* A source is a path if there is something; "none" is nothing. */
static const char *source_as_given(const char *source)
{
	char *full;

	if (*source == '\0' || strcmp(source, "none") == 0)
		return NULL;
	full = realpath(source, NULL);
	return full ? full : source;
}

static void find_by_type(struct preparation *p)
{
	const char *type = p->job->type;

	if (strncmp(type, "umfuse", 6) == 0) {
		if (type[6] == '\0')
			cmd_die(EXIT_MOUNT, "type umfuse: it is umfuseNAME, where NAME says what is to be mounted; umfuse(7)");
		p->type = umfuse_type_find(type + 6, false);
	} else if (strncmp(type, "fuse", 4) != 0) {
		p->type = umfuse_type_find(type, true);
		p->is_plain = true;
	}
}

/* "fuse.PROGRAM SOURCE", and "fuse PROGRAM#SOURCE" as it was once written. */
static void find_program_of_type(struct preparation *p)
{
	const char *type = p->job->type, *name = type + strlen("fuse."), *hash, *package;

	p->source = source_as_given(p->job->source);
	if (strcmp(type, "fuse") == 0) {
		hash = strchr(p->job->source, '#');
		if (hash == NULL || hash == p->job->source)
			cmd_die(EXIT_MOUNT, "type fuse: say which program: -t fuse.PROGRAM, or PROGRAM#SOURCE");
		name = strndup(p->job->source, hash - p->job->source);
		p->source = source_as_given(hash + 1);
	}
	if (name == NULL || umfuse_find_program(&p->server, name))
		return;
	package = umfuse_package_of(name);
	cmd_die(EXIT_MOUNT, "type %s: no program %s%s%s%s", type, name, package ? " (Debian package " : "",
		package ? package : "", package ? ")" : "");
}

static void find_server(struct preparation *p)
{
	const char *type = p->job->type;

	if (p->type) {
		umfuse_find_known(&p->server, p->type, p->source);
	} else if (strncmp(type, "umfuse", 6) == 0) {
		p->source = source_as_given(p->job->source);
		if (!umfuse_find_named(&p->server, type + 6))
			cmd_die(EXIT_MOUNT, "type %s: neither a module nor a FUSE program of that name; umfuse(7)", type);
	} else {
		find_program_of_type(p);
	}
}

static void prepare_source(struct preparation *p)
{
	struct stat st;

	if (p->type == NULL)
		return;
	switch (p->type->source) {
	case UMFUSE_IMAGE:
		if (p->fd < 0)
			open_image(p);
		check_image(p);
		break;
	case UMFUSE_DIRECTORY:
		p->source = need_path(p->job->source);
		if (stat(p->source, &st) == 0 && !S_ISDIR(st.st_mode))
			cmd_die(EXIT_MOUNT, "%s: not a directory", p->source);
		break;
	case UMFUSE_REMOTE:
		if (strchr(p->job->source, ':') == NULL)
			cmd_die(EXIT_MOUNT, "%s: not HOST:DIRECTORY", cmd_shown(p->job->source));
		p->source = p->job->source;
		break;
	default:
		p->source = source_as_given(p->job->source);
	}
}

static bool is_empty_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	bool empty = true;

	while (dir && empty && (e = readdir(dir)))
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	if (dir)
		closedir(dir);
	return empty;
}

/* What the program is called in the list of mounts and in messages: without directories, a module without its ".so". */
static const char *program_name(const struct umfuse_server *server)
{
	const char *name = strrchr(server->path, '/');
	char *copy = cmd_strdup(name ? name + 1 : server->path);

	if (server->host[0] && strlen(copy) > 3)
		copy[strlen(copy) - 3] = '\0';
	return copy;
}

static void show_command(const struct umfuse_command *command)
{
	for (size_t i = 0; i < command->n; i++)
		printf("%s%s", i ? " " : "", command->argv[i]);
	putchar('\n');
}

void umfuse_mount(const struct umfuse_job *job)
{
	struct preparation p = { .job = job, .fd = -1 };
	struct umfuse_request request = { .options = job->options };
	struct umfuse_command command;

	need_service(job->type != NULL);
	if (!is_guessed(job->type)) {
		find_by_type(&p);
	} else {
		p.is_plain = true;
		probe_image(&p);
	}
	check_target(&p);
	prepare_source(&p);
	decide_access(&p);
	find_server(&p);
	request.source = p.source;
	request.target = p.target;
	request.access = p.access;
	request.dropped = p.type ? p.type->dropped : NULL;
	request.subtype = program_name(&p.server);
	request.nonempty = umfuse_is_libfuse2(p.server.path) && !is_empty_directory(p.target) &&
			   !has_option(job->options, "nonempty", NULL);
	umfuse_translate(&command, p.server.program, p.server.path, p.server.host[0] ? p.server.host : NULL, &request);
	if (job->verbose)
		show_command(&command);
	if (!job->fake) {
		if (p.fd >= 0)
			lock_image(&p);
		umfuse_run(&command, p.source ? p.source : job->type, p.target, request.subtype,
			   p.server.program->chatty && !job->verbose && !has_option(job->options, "debug", NULL));
		/* Some programs keep the "ro" to themselves, so that the list of mounts does not show it. */
		if (p.access == MOUNT_RO)
			mount(NULL, p.target, NULL, MS_REMOUNT | MS_RDONLY | job->options->flags, NULL);
	}
	umfuse_command_free(&command);
}
