// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads that fail while a thread sleeps in them, with an error that the file itself would never give.
 *
 * Theory of operation.  Such a read was not trapped, or it was and the kernel performs it: nobody waits for an answer.
 * /proc/TID/syscall tells of a thread that sleeps in which call, and its first argument by /proc/TID/fd of which file.
 * The tracer stops the thread.  A read that had nothing yet ends for that with a result by which the kernel would restart
 * it; in its place comes the error, and the thread goes on.  Signals of the meantime are delivered after it, as if the
 * error had come first.  Whoever has moved on between the look and the stop goes on as after any stop.
 */
#include "reads.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../arch/arch.h"
#include "../procinfo.h"
#include "../view.h"
#include "tracer.h"

/* All have the descriptor that is read as their first argument. */
static const int reads[] = {
	SYS_read, SYS_readv, SYS_pread64, SYS_preadv, SYS_preadv2, SYS_splice, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg,
};

static bool is_read(int nr)
{
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
		if (reads[i] == nr)
			return true;
	return false;
}

/* Is it the file?  A thread may have a table of descriptors of its own. */
static bool is_file(const struct reader *r)
{
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/fd/%d", (int)r->tgid, (int)r->tid, r->fd);
	return stat(name, &st) == 0 && st.st_dev == r->dev && st.st_ino == r->ino;
}

/* Is it asleep, and a signal would wake it?  (So is who stands with his process: its call is over, or to be restarted.) */
static bool is_asleep(pid_t tid)
{
	struct procinfo_stat stat;

	return procinfo_stat(tid, &stat) == 0 && (stat.state == 'S' || stat.state == 'T' || stat.state == 't');
}

/* Does the thread sleep in a read of the file?  Fills nr and fd. */
static bool look(struct reader *r)
{
	unsigned long fd;
	char name[32];
	FILE *file;
	int n;

	if (!is_asleep(r->tid))
		return false;
	snprintf(name, sizeof(name), "/proc/%d/syscall", (int)r->tid);
	file = fopen(name, "re");
	if (file == NULL)
		return false;
	n = fscanf(file, "%d %lx", &r->nr, &fd); /* or a word: it runs */
	fclose(file);
	if (n != 2 || !is_read(r->nr))
		return false;
	r->fd = (int)fd;
	return is_file(r);
}

/* With a timeout (SO_RCVTIMEO) a read is not restarted. */
bool reader_fails(const struct reader *r, struct arch_regs *regs)
{
	uint64_t args[6], ip;
	int nr;

	arch_call_get(regs, &nr, args, &ip);
	if (!arch_is_native(regs) || nr != r->nr || (int)args[0] != r->fd ||
	    (!arch_will_restart(regs) && arch_result(regs) != -EINTR) || !is_file(r))
		return false;
	arch_set_result(regs, -r->err);
	return true;
}

int um_end_reads(struct um_view *view, pid_t tgid, dev_t dev, ino_t ino, int err)
{
	struct reader r = { .tgid = tgid, .dev = dev, .ino = ino, .err = err };
	const struct dirent *entry;
	char name[32];
	int ended = 0;
	DIR *dir;

	snprintf(name, sizeof(name), "/proc/%d/task", (int)tgid);
	dir = view->features.ptrace ? opendir(name) : NULL;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		r.tid = atoi(entry->d_name); /* 0: "." */
		if (r.tid > 0 && look(&r) && view->tracer_ops->end_read(view, &r))
			ended++;
	}
	if (dir != NULL)
		closedir(dir);
	return ended;
}
