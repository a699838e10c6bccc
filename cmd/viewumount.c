/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewumount: umount(8) for a view.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"

#define EXIT_UMOUNT 32          /* umount(8): an umount has failed */
/* So long a server may take to end when it is unmounted: one that writes, and one that reads. */
#define WRITING_MS 20000
#define READING_MS 2000
#define STEP_MS 10

static const char help[] =
	"[OPTION]... TARGET|SOURCE...\n"
	"Unmount what is mounted in the running view.  What was mounted from SOURCE last may be named by it.\n"
	"\n"
	"  -l, --lazy       take it out of the tree now, end it when nobody uses it any more\n"
	"  -f, --force      also when its server does not answer\n"
	"  -R, --recursive  with all that is mounted below, the newest first\n"
	"  -v, --verbose    say what was unmounted\n"
	"  -n, --no-mtab, -i, --internal-only, -c, --no-canonicalize, -r, -d, -q    accepted and ignored\n"
	"  -h, --help       this text\n"
	"  -V, --version    the version\n"
	"\n"
	"-a is refused: name what is to be unmounted.  The exit status is 32 when an unmount has failed.\n";

static const struct option options[] = {
	{ "lazy", no_argument, NULL, 'l' },
	{ "force", no_argument, NULL, 'f' },
	{ "recursive", no_argument, NULL, 'R' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "all", no_argument, NULL, 'a' },
	{ "no-mtab", no_argument, NULL, 'n' },
	{ "internal-only", no_argument, NULL, 'n' },
	{ "no-canonicalize", no_argument, NULL, 'n' },
	{ "read-only", no_argument, NULL, 'n' },
	{ "detach-loop", no_argument, NULL, 'n' },
	{ "quiet", no_argument, NULL, 'n' },
	CMD_COMMON_OPTIONS
};

static int flags;               /* MNT_* */
static bool verbose;

/* umount2(2) by the control call: a container's own filter may refuse it before the view sees it. */
static int ask_to_unmount(const char *target)
{
	struct cmd_request request = { 0 };
	char number[16], *reply = NULL;
	int err;

	snprintf(number, sizeof(number), "%d", flags);
	cmd_add_word(&request, "umount");
	cmd_add_word(&request, target);
	cmd_add_word(&request, number);
	err = cmd_send(&request, &reply);
	free(reply);
	errno = -err;
	return err;
}

static int open_name(const char *name)
{
	return open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* The image that a FUSE server serves on a mount point, opened, or -1.  *name: its path, or NULL. */
static int open_image(const char *target, const char **name)
{
	const char *place = cmd_mount_point(target);
	size_t n, len = strlen(place);
	const struct cmd_mount *mounts = cmd_mounts(&n), *m = NULL;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(mounts[i].target, place))
			m = &mounts[i];
	if (!m || strncmp(m->type, "fuse", 4) != 0 || m->source[0] != '/')
		return -1;
	*name = cmd_strdup(m->source);
	/* One that the mount hides would be opened through it, and keep it busy: afterwards. */
	if (!strncmp(m->source, place, len) && (m->source[len] == '/' || m->source[len] == '\0'))
		return -1;
	return open_name(*name);
}

/* Where the newest mount of this source is, or NULL.  FUSE mounts have the whole paths of their images for sources. */
static const char *target_of_source(const char *source)
{
	const char *target = NULL;
	size_t n;
	const struct cmd_mount *mounts = cmd_mounts(&n);
	char *path = realpath(source, NULL);

	while (n-- > 0 && !target)
		if (!strcmp(mounts[n].source, source) || (path && !strcmp(mounts[n].source, path)))
			target = mounts[n].target;
	free(path);
	return target;
}

/*
 * A server still has something to do when it has been unmounted.  It has locked its image (umfuse_mount.c) until it ends: one
 * that writes it is waited for, and for a short while one that only reads, which keeps the mount busy that the image is in.
 */
static void wait_for_image(int fd, const char *name)
{
	bool alone = target_of_source(name) == NULL;

	for (int ms = 0; flock(fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0 && errno == EWOULDBLOCK; ms += STEP_MS) {
		if (ms >= READING_MS && flock(fd, LOCK_SH | LOCK_NB) == 0)
			break;
		if (ms >= WRITING_MS) {
			cmd_message("%s: its server is still writing it", name);
			break;
		}
		nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000 }, NULL);
	}
}

/* Unmount, and say so if that is wanted.  0 or a positive errno value. */
static int unmount(const char *target)
{
	const char *name = NULL;
	int image = flags & (MNT_DETACH | MNT_FORCE) ? -1 : open_image(target, &name);

	if (umount2(target, flags) < 0 && (errno != EPERM || ask_to_unmount(target) < 0)) {
		int err = errno;

		if (image >= 0)
			close(image);
		return err;
	}
	if (image < 0 && name)
		image = open_name(name);
	if (image >= 0) {
		wait_for_image(image, name);
		close(image);
	}
	if (verbose)
		printf("%s: %s unmounted\n", program_invocation_short_name, target);
	return 0;
}

/* The exit status for an unmount of @name that ended with @err; on an error says why. */
static int report(const char *name, int err)
{
	if (!err)
		return 0;
	cmd_message("%s: %s", cmd_shown(name), cmd_why(err == EINVAL ? "not mounted" : strerror(err)));
	return EXIT_UMOUNT;
}

static int unmount_one(const char *name)
{
	int err = unmount(name);
	const char *target = err == EINVAL || err == ENOENT ? target_of_source(name) : NULL;

	return target ? report(target, unmount(target)) : report(name, err);
}

/* Everything at and below a directory, the newest first, for what is newer may stand on what is older. */
static int unmount_tree(const char *name)
{
	char *top = realpath(name, NULL);
	bool found = false;
	int status = 0;
	struct cmd_mount *mounts;
	size_t n, len;

	if (!top)
		cmd_die(EXIT_UMOUNT, "%s: %s", name, strerror(errno));
	len = strcmp(top, "/") ? strlen(top) : 0;
	mounts = cmd_mounts(&n);
	while (n-- > 0) {
		const char *target = mounts[n].target;

		if (strncmp(target, top, len) || (target[len] != '/' && target[len] != '\0'))
			continue;
		found = true;
		status |= report(target, unmount(target));
	}
	if (!found) {
		cmd_message("%s: not mounted", name);
		status = EXIT_UMOUNT;
	}
	free(top);
	return status;
}

int main(int argc, char **argv)
{
	bool recursive = false;
	int opt, status = 0;

	while ((opt = getopt_long(argc, argv, "lfRvanicrdqhV", options, NULL)) != -1) {
		switch (opt) {
		case 'l': flags |= MNT_DETACH; break;
		case 'f': flags |= MNT_FORCE; break;
		case 'R': recursive = true; break;
		case 'v': verbose = true; break;
		case 'n': case 'i': case 'c': case 'r': case 'd': case 'q': break;
		case 'a': cmd_die(1, "-a: name what is to be unmounted; -R TARGET takes all that is below");
		default: cmd_common_option(opt, help);
		}
	}
	if (optind == argc) {
		cmd_message("nothing named to unmount");
		cmd_usage();
	}
	cmd_need_view();
	for (int i = optind; i < argc; i++)
		status |= recursive ? unmount_tree(argv[i]) : unmount_one(argv[i]);
	return status;
}
