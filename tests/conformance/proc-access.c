/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may look into whose /proc/PID: root and two users, dumpable or not, their files, links and directories.
 *
 * modes: su
 */
#include "conform.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int hold[2];

/* A process of this user that waits. */
static pid_t start(uid_t uid, int dumpable)
{
	int ready[2];
	char c;
	pid_t pid;

	NEED(pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		close(hold[1]);
		NEED(setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0);
		prctl(PR_SET_DUMPABLE, dumpable);
		NEED(write(ready[1], "x", 1) == 1);
		_exit(read(hold[0], &c, 1) != 0);
	}
	NEED(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static const char *opened(const char *name, int flags)
{
	int fd = open(name, flags);
	const char *what = outcome(fd);

	if (fd >= 0)
		close(fd);
	return what;
}

static void look(const char *who, const char *whom, pid_t pid)
{
	static const char *const files[] = { "status",	"limits", "maps",	"smaps",  "numa_maps", "environ", "auxv", "mounts",
					     "mountinfo", "mountstats", "stat", "cmdline", "io", "mem", "personality", "comm",
					     "fd", "fdinfo", "map_files", "ns", "task", "cwd", "root", "fd/0", "fdinfo/0",
					     "ns/mnt", "cgroup", "smaps_rollup", "pagemap", "wchan", "." };
	char path[64], text[256];
	struct stat st;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *a, *b, *c, *d;

		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
		a = opened(path, O_RDONLY);
		b = outcome(stat(path, &st));
		c = outcome(lstat(path, &st));
		d = readlink(path, text, sizeof(text)) < 0 ? outcome(-1) : "ok";
		snprintf(text, sizeof(text), "%s-%s-%s", who, whom, files[i]);
		say(text, "open %s, stat %s, lstat %s, readlink %s", a, b, c, d);
	}
	snprintf(path, sizeof(path), "/proc/%d/task/%d/environ", pid, pid);
	snprintf(text, sizeof(text), "%s-%s-by-task", who, whom);
	say(text, "%s", opened(path, O_RDONLY));
	snprintf(path, sizeof(path), "/proc/%d/cwd/.", pid);
	snprintf(text, sizeof(text), "%s-%s-through-cwd", who, whom);
	say(text, "%s", opened(path, O_RDONLY));
	snprintf(path, sizeof(path), "/proc/%d", pid);
	stat(path, &st);
	snprintf(text, sizeof(text), "%s-%s-owner", who, whom);
	say(text, "%d %d", st.st_uid, st.st_gid);
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	stat(path, &st);
	snprintf(text, sizeof(text), "%s-%s-owner-of-environ", who, whom);
	say(text, "%d %d", st.st_uid, st.st_gid);
}

static void all(const char *who, const pid_t *pids)
{
	look(who, "root", pids[0]);
	look(who, "user", pids[1]);
	look(who, "other", pids[2]);
	look(who, "closed", pids[3]);
	look(who, "self", getpid());
}

int main(void)
{
	pid_t pids[4], pid;
	int status;

	if (geteuid() != 0) {
		say("not-root", "nothing to see");
		return 0;
	}
	NEED(pipe(hold) == 0);
	pids[0] = start(0, 1);
	pids[1] = start(33, 1);
	pids[2] = start(34, 1);
	pids[3] = start(33, 0);
	all("root", pids);
	pid = fork();
	if (pid == 0) {
		NEED(setgroups(0, NULL) == 0 && setresgid(33, 33, 33) == 0 && setresuid(33, 33, 33) == 0);
		prctl(PR_SET_DUMPABLE, 1);
		all("user", pids);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	say("status", "%x", status);
	close(hold[1]);
	for (int i = 0; i < 4; i++)
		waitpid(pids[i], NULL, 0);
	return 0;
}
