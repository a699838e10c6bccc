// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What can be done with terminals.
 *
 *	terminal OTHER
 *
 * We have a terminal of our own; OTHER is one that belongs to somebody else of the same user.
 */
#include "exploit.h"

#include <sys/ioctl.h>
#include <sys/stat.h>

static const char *other;

/* Type into our terminal, for the shell that will read it after us. */
static bool type(void) { return worked(ioctl(open("/dev/tty", O_RDWR), TIOCSTI, "x")); }

/* Change how it works. */
static bool discipline(void)
{
	int ppp = 3, tty = 0, fd = open("/dev/tty", O_RDWR);

	if (ioctl(fd, TIOCSETD, &ppp) < 0)
		return false;
	ioctl(fd, TIOCSETD, &tty);
	return true;
}

static bool write_other(void) { return worked(write(open(other, O_WRONLY | O_NOCTTY), "hi", 2)); }
static bool read_other(void) { return worked(open(other, O_RDONLY | O_NOCTTY | O_NONBLOCK)); }

static bool by_directory(void)
{
	int dir = open("/dev/pts", O_RDONLY | O_DIRECTORY);

	return worked(openat(dir, strrchr(other, '/') + 1, O_RDWR | O_NOCTTY));
}

static bool by_o_path(void)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", open(other, O_PATH));
	return worked(open(name, O_RDWR | O_NOCTTY));
}

static bool chmod_other(void) { return worked(chmod(other, 0622)); }

/*
 * Have the terminal kill its foreground group, which a process in another one is not of: its signals are turned on by
 * somebody who has not said who is to get them.
 */
static bool kill_foreground(int by_ioctl)
{
	int tty = open("/dev/tty", O_RDWR), on = 1, status;
	pid_t foreground = (pid_t)tcgetpgrp(tty), pid;
	struct f_owner_ex owner = { 0 };

	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		fcntl(tty, F_SETSIG, SIGWINCH);
		errno = 0;
		if (by_ioctl ? ioctl(tty, FIOASYNC, &on) < 0 : fcntl(tty, F_SETFL, O_RDWR | O_ASYNC) < 0)
			_exit(2);
		fcntl(tty, F_GETOWN_EX, &owner);
		_exit(owner.type == F_OWNER_PGRP && owner.pid == foreground ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool async_fcntl(void) { return kill_foreground(0); }
static bool async_ioctl(void) { return kill_foreground(1); }

int main(int argc, char **argv)
{
	static const struct attempt attempts[] = {
		{ "TIOCSTI", type }, { "TIOCSETD", discipline }, { "write", write_other }, { "read", read_other },
		{ "by-directory", by_directory }, { "by-O_PATH", by_o_path }, { "chmod", chmod_other },
		{ "O_ASYNC", async_fcntl }, { "FIOASYNC", async_ioctl }, { NULL, NULL },
	};

	if (argc != 2)
		return 2;
	other = argv[1];
	run_attempts(attempts);
	return 0;
}
