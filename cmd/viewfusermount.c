/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewfusermount: fusermount3(1) for a view.
 *
 * The system's own one is set-uid root, for only root may mount, and looks into the mount table of the host.  In a view
 * everybody may mount, and the view shows this in its place.  The command line and what goes over the socket are what libfuse
 * and others that mount without it (Go's and Rust's libraries) use: the file descriptor whose number is in _FUSE_COMMFD is
 * a socket over which the descriptor of /dev/fuse is sent with one byte of data; with auto_unmount its end is waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "mountopts.h"

#define COMM_FD "_FUSE_COMMFD"

static const char help[] =
	"[-o OPTION[,OPTION]...] MOUNTPOINT\n"
	"       fusermount3 -u [-qz] MOUNTPOINT\n"
	"Mount a FUSE file system in the running view for a program that was started with a socket in _FUSE_COMMFD, or\n"
	"unmount one.\n"
	"\n"
	"  -u, --unmount  unmount\n"
	"  -z, --lazy     with -u: also when it is in use; it ends when nobody uses it any more\n"
	"  -q, --quiet    say nothing of errors\n"
	"  -o LIST        options of mount(2) and of FUSE, and auto_unmount: unmount when the program has ended\n"
	"  -U, --auto-unmount  mount nothing, but unmount when the program has ended\n"
	"  -h, --help     this text\n"
	"  -V, --version  the version\n";

static const struct option options[] = {
	{ "unmount", no_argument, NULL, 'u' },
	{ "lazy", no_argument, NULL, 'z' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "auto-unmount", no_argument, NULL, 'U' },
	CMD_COMMON_OPTIONS
};

/* What -o says. */
struct request {
	struct mount_options flags; /* its data: what the file system type gets */
	const char *source, *subtype;
	bool block_device, auto_unmount;
};

static bool quiet;

static _Noreturn void die_of(const char *what, const char *why)
{
	if (!quiet)
		cmd_message("%s: %s", cmd_shown(what), why);
	exit(1);
}

/* --- options -------------------------------------------------------------------------------------------------------- */

/* The next option of a list, without its escapes: "\," is a comma that does not separate.  NULL: no more. */
static char *next_option(char **rest)
{
	char *start = *rest, *to = start, *from;

	if (start == NULL)
		return NULL;
	for (from = start; *from && *from != ','; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*rest = *from ? from + 1 : NULL;
	*to = '\0';
	return start;
}

static void parse_options(struct request *r, const char *list)
{
	char *rest = cmd_strdup(list), *option;

	while ((option = next_option(&rest))) {
		if (!strncmp(option, "fsname=", 7))
			r->source = option + 7;
		else if (!strncmp(option, "subtype=", 8))
			r->subtype = option + 8;
		else if (!strcmp(option, "blkdev"))
			r->block_device = true;
		else if (!strcmp(option, "auto_unmount"))
			r->auto_unmount = true;
		else if (strcmp(option, "nonempty") != 0)
			mount_options_add(&r->flags, option);
	}
}

/* --- mounting ------------------------------------------------------------------------------------------------------- */

/* The socket of whoever started this. */
static int comm_fd(void)
{
	const char *number = getenv(COMM_FD);
	char *end;
	long fd;

	if (number == NULL)
		cmd_die(1, "no " COMM_FD " in the environment: to be started by a FUSE program, or with -u");
	fd = strtol(number, &end, 10);
	if (end == number || *end || fd < 0 || fcntl((int)fd, F_GETFD) < 0)
		cmd_die(1, COMM_FD "=%s is no open descriptor", number);
	return (int)fd;
}

/* mount(2) with a new descriptor of /dev/fuse, which is returned. */
static int mount_fuse(struct request *r, const char *target)
{
	char type[128], data[64], *all;
	const char *kind = r->block_device ? "fuseblk" : "fuse";
	struct stat st;
	int fd;

	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die_of("/dev/fuse", errno == ENOENT || errno == EACCES || errno == ENODEV ?
			       "not there; is the service umfuse loaded? (um_add_service umfuse)" : strerror(errno));
	if (stat(target, &st) < 0)
		die_of(target, strerror(errno));
	snprintf(data, sizeof(data), "fd=%d,rootmode=%o,user_id=%u,group_id=%u", fd, st.st_mode & S_IFMT, getuid(), getgid());
	all = cmd_realloc(NULL, strlen(data) + strlen(r->flags.data) + 2);
	sprintf(all, "%s%s%s", data, *r->flags.data ? "," : "", r->flags.data);
	snprintf(type, sizeof(type), "%s%s%s", kind, r->subtype ? "." : "", r->subtype ? r->subtype : "");
	if (mount(r->source ? r->source : r->subtype ? r->subtype : "fuse", target, type,
		  r->flags.flags | MS_NOSUID | MS_NODEV, all) < 0)
		die_of(target, cmd_why(strerror(errno)));
	free(all);
	return fd;
}

/* Send it and keep none of it, for the server's end has to be noticed. */
static void send_fd(int sock, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	while (sendmsg(sock, &msg, MSG_NOSIGNAL) != 1)
		if (errno != EINTR)
			cmd_die(1, "the descriptor of /dev/fuse cannot be sent: %s", strerror(errno));
	close(fd);
}

/* --- unmounting ----------------------------------------------------------------------------------------------------- */

/* What is mounted on a path is no FUSE file system? */
static bool is_other(const char *target)
{
	FILE *f = setmntent("/proc/self/mounts", "r");
	struct mntent *m;
	bool other = false;

	while (f && (m = getmntent(f)))
		if (!strcmp(m->mnt_dir, target))
			other = strncmp(m->mnt_type, "fuse", 4) != 0;
	if (f)
		endmntent(f);
	return other;
}

static void unmount(const char *target, bool lazy)
{
	if (is_other(target))
		die_of(target, "what is mounted there is no FUSE file system");
	if (umount2(target, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) < 0)
		die_of(target, errno == EINVAL ? "not mounted" : cmd_why(strerror(errno)));
}

/* In the background, until the other end of the socket is closed: by the program, or by its end. */
static void unmount_at_end(int sock, const char *target)
{
	sigset_t all;
	char byte;

	setsid();
	if (chdir("/") < 0)
		return;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	quiet = true;
	while (recv(sock, &byte, 1, 0) > 0 || errno == EINTR)
		errno = 0;
	unmount(target, true);
}

int main(int argc, char **argv)
{
	bool un = false, lazy = false, only_wait = false;
	struct request r = { 0 };
	const char *target;
	int opt, sock;

	mount_options_add(&r.flags, "");
	while ((opt = getopt_long(argc, argv, "o:uUzqhV", options, NULL)) != -1) {
		switch (opt) {
		case 'o': parse_options(&r, optarg); break;
		case 'u': un = true; break;
		case 'U': only_wait = true; break;
		case 'z': lazy = true; break;
		case 'q': quiet = true; break;
		default: cmd_common_option(opt, help);
		}
	}
	if (optind + 1 != argc) {
		cmd_message(optind == argc ? "no mount point named" : "unexpected argument: %s", argv[argc - 1]);
		cmd_usage();
	}
	cmd_need_view();
	target = cmd_mount_point(argv[optind]);
	if (un) {
		unmount(target, lazy);
		return 0;
	}
	sock = comm_fd();
	if (!only_wait)
		send_fd(sock, mount_fuse(&r, target));
	if (only_wait || r.auto_unmount)
		unmount_at_end(sock, target);
	return 0;
}
