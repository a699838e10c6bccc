/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewmount: mount(8) for a view.
 *
 * It takes mount(8)'s command line, but leaves all permission to the monitor: whoever is in a view may mount in it.
 * The view shows it in the place of the system's mount command, so it speaks under the name that it was called by.
 */
#include <errno.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "cmd.h"
#include "mountopts.h"
#include "umfuse.h"

static const char help[] =
	"[-l] [-t TYPE]\n"
	"       mount [-rwnv] [-t TYPE] [-o OPTION[,OPTION]...] SOURCE TARGET\n"
	"       mount --bind|--rbind|--move SOURCE TARGET\n"
	"       mount -o remount[,OPTION]... TARGET\n"
	"Mount a file system in the running view, or list the mounts.\n"
	"\n"
	"  -t, --types TYPE    file system type: viewfs, or one that a loaded module has; umfuseNAME, fuse.PROGRAM and the\n"
	"                      types of file system images (ext4, vfat, iso9660, squashfs...) are served by FUSE programs,\n"
	"                      see umfuse(7); without it, what is in the image SOURCE decides\n"
	"  -o, --options LIST  options, separated by commas; see viewfs(7) for those of viewfs\n"
	"  -r, --read-only     the same as -o ro\n"
	"  -w, --read-write    the same as -o rw\n"
	"  -B, --bind          show SOURCE at TARGET (viewfs's `move')\n"
	"  -R, --rbind         the same: what is mounted below SOURCE comes along always\n"
	"  -M, --move          move a mount from SOURCE to TARGET\n"
	"      --make-private, --make-shared, --make-slave, --make-unbindable, and with `r' (--make-rprivate):\n"
	"                      propagation, which a view does not have: accepted when the monitor accepts it\n"
	"  -v, --verbose       say what was mounted\n"
	"  -f, --fake          do nothing, but check the command line\n"
	"  -i, --internal-only  start no program to serve it: mount(2) alone\n"
	"  -n, --no-mtab, -c, --no-canonicalize, -s    accepted and ignored\n"
	"  -l, --show-labels   accepted and ignored; alone: list the mounts\n"
	"  -h, --help          this text\n"
	"  -V, --version       the version\n"
	"\n"
	"-a, -L and -U are refused: the host's fstab does not speak of views, labels are not looked up.  The exit status is 32 when a mount has failed.\n";

enum { OPT_MAKE = 256, OPT_SOURCE, OPT_TARGET };

static const struct option options[] = {
	{ "types", required_argument, NULL, 't' },
	{ "options", required_argument, NULL, 'o' },
	{ "read-only", no_argument, NULL, 'r' },
	{ "read-write", no_argument, NULL, 'w' },
	{ "rw", no_argument, NULL, 'w' },
	{ "bind", no_argument, NULL, 'B' },
	{ "rbind", no_argument, NULL, 'R' },
	{ "move", no_argument, NULL, 'M' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "fake", no_argument, NULL, 'f' },
	{ "all", no_argument, NULL, 'a' },
	{ "no-mtab", no_argument, NULL, 'n' },
	{ "internal-only", no_argument, NULL, 'i' },
	{ "no-canonicalize", no_argument, NULL, 'n' },
	{ "show-labels", no_argument, NULL, 'l' },
	{ "label", required_argument, NULL, 'L' },
	{ "uuid", required_argument, NULL, 'U' },
	{ "source", required_argument, NULL, OPT_SOURCE },
	{ "target", required_argument, NULL, OPT_TARGET },
	{ "make-private", no_argument, NULL, OPT_MAKE },
	{ "make-rprivate", no_argument, NULL, OPT_MAKE },
	{ "make-shared", no_argument, NULL, OPT_MAKE },
	{ "make-rshared", no_argument, NULL, OPT_MAKE },
	{ "make-slave", no_argument, NULL, OPT_MAKE },
	{ "make-rslave", no_argument, NULL, OPT_MAKE },
	{ "make-unbindable", no_argument, NULL, OPT_MAKE },
	{ "make-runbindable", no_argument, NULL, OPT_MAKE },
	CMD_COMMON_OPTIONS
};

struct mount_job {
	const char *type;       /* -t, or NULL */
	const char *source, *target;
	struct mount_options o;
	bool move, fake, internal, verbose;
};

static _Noreturn void die_of_label(void)
{
	cmd_die(1, "labels and UUIDs are not looked up in a view; give the image or device as SOURCE");
}

static void parse(int argc, char **argv, struct mount_job *job)
{
	int opt, index = 0;

	mount_options_add(&job->o, "");
	while ((opt = getopt_long(argc, argv, "t:o:rwBRMvfanicslL:U:hV", options, &index)) != -1) {
		switch (opt) {
		case 't': job->type = optarg; break;
		case 'o': mount_options_add(&job->o, optarg); break;
		case 'r': mount_options_add(&job->o, "ro"); break;
		case 'w': mount_options_add(&job->o, "rw"); break;
		case 'B': mount_options_add(&job->o, "bind"); break;
		case 'R': mount_options_add(&job->o, "rbind"); break;
		case 'M': job->move = true; break;
		case 'v': job->verbose = true; break;
		case 'f': job->fake = true; break;
		case 'i': job->internal = true; break;
		case 'n': case 'c': case 's': case 'l': break;
		case OPT_MAKE: mount_options_add(&job->o, options[index].name + strlen("make-")); break;
		case OPT_SOURCE: job->source = optarg; break;
		case OPT_TARGET: job->target = optarg; break;
		case 'a': cmd_die(1, "-a: a view has no fstab; name what is to be mounted: mount -t TYPE SOURCE TARGET");
		case 'L':
		case 'U': die_of_label();
		default: cmd_common_option(opt, help);
		}
	}
	if (!job->source && optind + !job->target < argc)
		job->source = argv[optind++];
	if (!job->target && optind < argc)
		job->target = argv[optind++];
	if (optind < argc) {
		cmd_message("unexpected argument: %s", argv[optind]);
		cmd_usage();
	}
}

/* Is the type one of a list, as -t has it?  "noA,B" is all but those. */
static bool is_wanted(const char *type, const char *filter)
{
	bool all_but = !strncmp(filter, "no", 2), found = false;
	size_t len = strlen(type);

	filter += all_but ? 2 : 0;
	for (const char *end = filter; *end != '\0'; filter = end + 1) {
		end = filter + strcspn(filter, ",");
		found |= (size_t)(end - filter) == len && !strncmp(filter, type, len);
	}
	return found != all_but;
}

/* What is no character for a terminal is shown as '?', as mount(8) does. */
static void put_word(const char *word, const char *behind)
{
	for (; *word != '\0'; word++)
		putchar((unsigned char)*word < ' ' || *word == 127 ? '?' : *word);
	fputs(behind, stdout);
}

static void list_one(const char *source, const char *target, const char *type, const char *opts, const char *filter)
{
	if (filter && !is_wanted(type, filter))
		return;
	put_word(source, " on ");
	put_word(target, " type ");
	put_word(type, " (");
	put_word(opts, ")\n");
}

/* As the view's /proc has them; below a root without one, the view's alone. */
static int list(const char *filter)
{
	FILE *f = setmntent("/proc/self/mounts", "r");
	struct cmd_mount *mounts;
	struct mntent *m;
	size_t n;

	while (f && (m = getmntent(f)))
		list_one(m->mnt_fsname, m->mnt_dir, m->mnt_type, m->mnt_opts, filter);
	if (f) {
		endmntent(f);
	} else {
		cmd_message("/proc/self/mounts: %s", strerror(errno));
		mounts = cmd_mounts(&n);
		for (size_t i = 0; i < n; i++)
			list_one(mounts[i].source, mounts[i].target, mounts[i].type, mounts[i].options, filter);
	}
	if (fflush(stdout) == EOF)
		cmd_die(1, "standard output: %s", strerror(errno));
	return 0;
}

/* The same by the control call: a container's own filter may refuse mount(2) before the view sees it. */
static int ask_to_mount(const struct mount_job *job, const char *source, const char *type, unsigned long flags)
{
	struct cmd_request request = { 0 };
	char number[24], *reply = NULL;
	int err;

	snprintf(number, sizeof(number), "%lu", flags);
	cmd_add_word(&request, "mount");
	cmd_add_word(&request, source ? source : "");
	cmd_add_word(&request, job->target);
	cmd_add_word(&request, type ? type : "");
	cmd_add_word(&request, number);
	cmd_add_word(&request, job->o.data ? job->o.data : "");
	err = cmd_send(&request, &reply);
	free(reply);
	errno = -err;
	return err;
}

/* mount(2), with the reason when it fails. */
static void do_mount(const struct mount_job *job, const char *source, const char *type, unsigned long flags)
{
	if (job->fake || mount(source, job->target, type, flags, job->o.data) == 0)
		return;
	if (errno == EPERM && ask_to_mount(job, source, type, flags) == 0)
		return;
	cmd_die(EXIT_MOUNT, "%s: %s", cmd_shown(job->target), cmd_why(strerror(errno)));
}

static bool is_plain_bind(const struct mount_job *job)
{
	return job->o.flags & MS_BIND && !(job->o.flags & MS_REMOUNT) &&
	       (!job->type || !strcmp(job->type, "none") || !strcmp(job->type, "bind") || !strcmp(job->type, "viewfs"));
}

/* SOURCE and TARGET are there. */
static void mount_two(struct mount_job *job)
{
	if (!strncmp(job->source, "LABEL=", 6) || !strncmp(job->source, "UUID=", 5))
		die_of_label();
	if (job->move) {
		do_mount(job, job->source, NULL, MS_MOVE);
	} else if (is_plain_bind(job)) {
		mount_options_data_first(&job->o, "move");
		do_mount(job, job->source, "viewfs", job->o.flags & ~(MS_BIND | MS_REC));
	} else if (!job->internal && !(job->o.flags & (MS_REMOUNT | MS_BIND)) && umfuse_serves(job->type, &job->o)) {
		umfuse_mount(&(struct umfuse_job){ job->type, job->source, job->target, &job->o, job->fake, job->verbose });
	} else {
		do_mount(job, job->source, job->type, job->o.flags);
	}
	if (job->verbose)
		printf("%s: %s mounted on %s.\n", program_invocation_short_name, job->source, job->target);
}

int main(int argc, char **argv)
{
	static struct mount_job job;

	parse(argc, argv, &job);
	cmd_need_view();
	if (!job.source && !job.target && (job.move || job.o.flags || job.o.propagation || *job.o.data))
		cmd_die(1, "there are options, but nothing to mount: give SOURCE and TARGET");
	if (!job.source && !job.target)
		return list(job.type);
	if (job.source && job.target)
		mount_two(&job);
	else if (job.target && job.o.flags & MS_REMOUNT)
		do_mount(&job, NULL, job.type, job.o.flags);
	else if (!job.target || !job.o.propagation)
		cmd_die(1, "%s: give SOURCE and TARGET (a view has no fstab)", job.target ? job.target : job.source);
	if (job.o.propagation) {
		*job.o.data = '\0';
		do_mount(&job, "none", NULL, job.o.propagation);
	}
	return 0;
}
