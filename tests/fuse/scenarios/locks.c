// SPDX-License-Identifier: GPL-2.0-or-later
/* Locks between processes: flock, fcntl's of both kinds, and waiting for them. */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "conform.h"

static int fd;
static int there[2], back[2];

/* The other process does what it is told by a letter, and answers with an errno. */
static int other(char what)
{
	int answer;

	NEED(write(there[1], &what, 1) == 1);
	NEED(read(back[0], &answer, sizeof(answer)) == sizeof(answer));
	return answer;
}

static const char *other_outcome(char what)
{
	errno = other(what);
	return errno ? outcome(-1) : "ok";
}

static int lock(int file, int cmd, short type, off_t start, off_t len)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(file, cmd, &lock);
}

static void serve(void)
{
	int own = open("file", O_RDWR), again = open("file", O_RDONLY);
	char what;

	close(there[1]);
	while (read(there[0], &what, 1) == 1) {
		int rc = -1;

		switch (what) {
		case 'x': rc = flock(own, LOCK_EX | LOCK_NB); break;
		case 's': rc = flock(own, LOCK_SH | LOCK_NB); break;
		case 'S': rc = flock(again, LOCK_SH | LOCK_NB); break;
		case 'X': rc = flock(again, LOCK_EX | LOCK_NB); break;
		case 'u': rc = flock(own, LOCK_UN); break;
		case 'U': rc = flock(again, LOCK_UN); break;
		case 'w': rc = lock(own, F_SETLK, F_WRLCK, 0, 10); break;
		case 'W': rc = lock(own, F_SETLK, F_WRLCK, 10, 10); break;
		case 'r': rc = lock(own, F_SETLK, F_RDLCK, 0, 10); break;
		case 'n': rc = lock(own, F_SETLK, F_UNLCK, 0, 0); break;
		case 'o': rc = lock(own, F_OFD_SETLK, F_WRLCK, 0, 10); break;
		case 'O': rc = lock(again, F_OFD_SETLK, F_RDLCK, 0, 10); break;
		case 'm': rc = lock(own, F_OFD_SETLK, F_UNLCK, 0, 0); break;
		case 'b': /* locks, and lets go in a moment */
			rc = lock(own, F_SETLK, F_WRLCK, 0, 10);
			break;
		case 'l': /* lets go later, without being asked again */
			rc = 0;
			NEED(write(back[1], &rc, sizeof(rc)) == sizeof(rc));
			usleep(300000);
			lock(own, F_SETLK, F_UNLCK, 0, 0);
			flock(own, LOCK_UN);
			continue;
		case 'c': /* closing any descriptor drops the process's locks */
			close(open("file", O_RDONLY));
			rc = 0;
			break;
		}
		rc = rc == -1 ? errno : 0;
		NEED(write(back[1], &rc, sizeof(rc)) == sizeof(rc));
	}
	_exit(0);
}

static void nothing(int sig)
{
	(void)sig;
}

int main(void)
{
	struct sigaction act = { .sa_handler = nothing };
	struct flock probe = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 100 };
	pid_t child;

	fd = open("file", O_RDWR | O_CREAT, 0644);
	NEED(fd != -1 && pipe(there) == 0 && pipe(back) == 0 && write(fd, "0123456789abcdefghij", 20) == 20);
	child = fork();
	if (child == 0)
		serve();
	sigaction(SIGALRM, &act, NULL);

	TRY("flock-ex", flock(fd, LOCK_EX));
	say("flock-ex-other", "%s", other_outcome('x'));
	say("flock-sh-other", "%s", other_outcome('s'));
	TRY("flock-down", flock(fd, LOCK_SH));
	say("flock-sh-now", "%s", other_outcome('s'));
	TRY("flock-up", flock(fd, LOCK_EX | LOCK_NB));
	say("flock-unlock-other", "%s", other_outcome('u'));
	TRY("flock-dup", ({
		int copy = dup(fd);
		flock(copy, LOCK_EX | LOCK_NB);
	}));
	say("flock-still", "%s", other_outcome('X'));
	TRY("flock-unlock", flock(fd, LOCK_UN));
	say("flock-free", "%s", other_outcome('x'));
	say("flock-own-other-descriptor", "%s", other_outcome('S'));
	TRY("flock-would-block", flock(fd, LOCK_SH | LOCK_NB));
	alarm(1);
	TRY("flock-interrupted", flock(fd, LOCK_SH));
	other('l');
	TRY("flock-waited", flock(fd, LOCK_EX));
	TRY("flock-done", flock(fd, LOCK_UN));

	TRY("posix-write", lock(fd, F_SETLK, F_WRLCK, 0, 10));
	say("posix-other-same", "%s", other_outcome('w'));
	say("posix-other-read", "%s", other_outcome('r'));
	say("posix-other-range", "%s", other_outcome('W'));
	TRY("posix-get", fcntl(fd, F_GETLK, &probe));
	say("posix-found", "type %d, start %d, length %d, by the child: %d", probe.l_type, (int)probe.l_start, (int)probe.l_len,
	    probe.l_pid == child);
	TRY("posix-over", lock(fd, F_SETLK, F_WRLCK, 5, 10));
	TRY("posix-close", close(dup(fd)));
	say("posix-after-close", "%s", other_outcome('w'));
	say("posix-other-closes", "%s", other_outcome('c'));
	TRY("posix-now", lock(fd, F_SETLK, F_WRLCK, 0, 100));
	TRY("posix-unlock", lock(fd, F_SETLK, F_UNLCK, 0, 0));
	say("posix-other-holds", "%s", other_outcome('b'));
	alarm(1);
	TRY("posix-interrupted", lock(fd, F_SETLKW, F_WRLCK, 0, 10));
	other('l');
	TRY("posix-waited", lock(fd, F_SETLKW, F_WRLCK, 0, 10));
	TRY("posix-done", lock(fd, F_SETLK, F_UNLCK, 0, 0));

	TRY("ofd-write", lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
	say("ofd-other", "%s", other_outcome('o'));
	say("ofd-other-posix", "%s", other_outcome('w'));
	TRY("ofd-unlock", lock(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
	say("ofd-free", "%s", other_outcome('o'));
	say("ofd-own-other-descriptor", "%s", other_outcome('O'));
	say("ofd-other-unlock", "%s", other_outcome('m'));

	TRY("lease-read", fcntl(fd, F_SETLEASE, F_RDLCK));
	TRY("flock-again", flock(fd, LOCK_EX | LOCK_NB));
	say("flock-before-exit", "%s", other_outcome('x'));
	close(there[1]);
	wait(NULL);
	TRY("flock-after-exit", flock(fd, LOCK_EX | LOCK_NB));
	return 0;
}
