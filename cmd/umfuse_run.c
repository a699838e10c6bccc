/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A FUSE server comes to life: see umfuse.h.
 *
 * The server is started in the foreground and goes to the background by itself when it has mounted.  So its messages and
 * its questions (passwords) are those of mount, and its exit status says whether it failed.  Not all can be believed:
 * some end with 0 where they could not mount, some never go to the background.  So what counts is that there is one mount
 * more at the mount point, and that it answers.
 *
 * Until then this process is the reaper of what the server leaves behind, so that nothing stays when it fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "umfuse.h"

#define FOREGROUND_MS 1500      /* a server that has mounted, and is still there so much later, stays in the foreground */
#define LEFTOVERS_MS 2000       /* what a server that failed has started may take this long to end by itself */

static pid_t server;            /* for the signal handler, as are these two; 0: none runs */
static const char *mount_point;
static size_t mounts_before;

static int said = -1;            /* what a server that is to be quiet has said */

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

/* How many mounts there are at a place. */
static size_t mounts_at(const char *target)
{
	FILE *f = setmntent("/proc/self/mounts", "r");
	struct cmd_mount *mounts;
	struct mntent *m;
	size_t n, found = 0;

	if (f) {
		while ((m = getmntent(f)))
			found += strcmp(m->mnt_dir, target) == 0;
		endmntent(f);
		return found;
	}
	mounts = cmd_mounts(&n); /* below a root without /proc */
	for (size_t i = 0; i < n; i++)
		found += strcmp(mounts[i].target, target) == 0;
	return found;
}

/*
 * The processes that are ours to wait for get a signal.  Without the kernel's list of children nothing is done.  A signal
 * handler calls this.
 */
static void signal_children(int sig)
{
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	char list[4096];
	ssize_t n = fd < 0 ? 0 : read(fd, list, sizeof(list));
	pid_t pid = 0;

	for (ssize_t i = 0; i < n; i++) {
		if (list[i] >= '0' && list[i] <= '9') {
			pid = 10 * pid + (list[i] - '0');
		} else {
			if (pid > 1)
				kill(pid, sig);
			pid = 0;
		}
	}
	if (fd >= 0)
		close(fd);
}

/* Nothing is to be left of a server that failed. */
static void end_leftovers(void)
{
	for (int waited = 0; waited < 2 * LEFTOVERS_MS; waited += 20) {
		pid_t pid;

		do
			pid = waitpid(-1, NULL, WNOHANG);
		while (pid > 0);
		if (pid < 0)
			return;
		if (waited == LEFTOVERS_MS)
			signal_children(SIGTERM);
		pause_ms(20);
	}
	signal_children(SIGKILL);
}

/* Somebody does not want to wait any longer. */
static void give_up(int sig)
{
	if (server > 0)
		kill(server, SIGTERM);
	umount2(mount_point, MNT_DETACH);
	signal_children(SIGTERM); /* one that has gone to the background and does not answer */
	for (int waited = 0; waitpid(-1, NULL, WNOHANG) >= 0 && waited < LEFTOVERS_MS; waited += 10)
		pause_ms(10);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void handle_signals(void (*handler)(int))
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct sigaction old;

		sigaction(signals[i], NULL, &old);
		if (old.sa_handler != SIG_IGN)
			sigaction(signals[i], &(struct sigaction){ .sa_handler = handler }, NULL);
	}
}

/* A message comes after what the server said. */
static void show_said(void)
{
	char buf[4096];
	ssize_t n;

	if (said < 0 || lseek(said, 0, SEEK_SET) < 0)
		return;
	while ((n = read(said, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stderr);
}

static void die_of_status(int status, const char *source, const char *program)
{
	if (mounts_at(mount_point) > mounts_before)
		umount2(mount_point, MNT_DETACH);
	end_leftovers();
	show_said();
	if (WIFSIGNALED(status))
		cmd_die(EXIT_MOUNT, "%s: %s was killed by signal %d (%s)", source, program, WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	cmd_die(EXIT_MOUNT, "%s: %s failed, its exit status is %d", source, program, WEXITSTATUS(status));
}

/* Until it has ended, or has mounted and stays. */
static void wait_for_server(const char *source, const char *target, const char *program)
{
	int status, step = 5, mounted_for = 0;

	for (;;) {
		pid_t pid = waitpid(server, &status, WNOHANG);

		if (pid == server) {
			server = 0;
			if (status != 0)
				die_of_status(status, source, program);
			return;
		}
		if (step == 50) {
			mounted_for = mounts_at(target) > mounts_before ? mounted_for + step : 0;
			if (mounted_for >= FOREGROUND_MS)
				return;
		}
		pause_ms(step);
		step = step < 50 ? step + 5 : 50;
	}
}

void umfuse_run(const struct umfuse_command *command, const char *source, const char *target, const char *program,
		bool quiet)
{
	struct stat st;

	if (quiet)
		said = memfd_create("messages", MFD_CLOEXEC);
	mount_point = target;
	mounts_before = mounts_at(target);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	handle_signals(give_up);
	fflush(NULL);
	server = fork();
	if (server < 0)
		cmd_die(EXIT_MOUNT, "cannot start %s: %s", program, strerror(errno));
	if (server == 0) {
		handle_signals(SIG_DFL);
		if (said >= 0 && (dup2(said, 1) < 0 || dup2(said, 2) < 0))
			_exit(EXIT_MOUNT);
		execv(command->argv[0], command->argv);
		cmd_die(EXIT_MOUNT, "cannot run %s: %s", command->argv[0], strerror(errno));
	}
	wait_for_server(source, target, program);
	if (mounts_at(target) <= mounts_before) {
		end_leftovers();
		show_said();
		cmd_die(EXIT_MOUNT, "%s: nothing is mounted on %s, though %s ended with status 0", source, target, program);
	}
	/* Waits for the server's first answer. */
	if (stat(target, &st) < 0) {
		int err = errno;

		umount2(target, MNT_DETACH);
		end_leftovers();
		show_said();
		cmd_die(EXIT_MOUNT, "%s: %s has mounted it, but does not serve it: %s", source, program, strerror(err));
	}
	handle_signals(SIG_DFL);
}
