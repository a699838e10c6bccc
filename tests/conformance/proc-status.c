/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process says of itself by system calls, and what /proc says of it, agree: ids, groups, umask, filters, limits,
 * owners, and the attributes of the files that say it.
 *
 * modes: cow secure su ptrace-cow
 */
#include "conform.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* The value of a line of a file. */
static const char *line_of(const char *file, const char *key)
{
	static char line[4096];
	FILE *f = fopen(file, "r");

	if (!f)
		return outcome(-1);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0) {
			fclose(f);
			line[strcspn(line, "\n")] = '\0';
			return line + strlen(key);
		}
	fclose(f);
	return "no such line";
}

static int agrees_groups(void)
{
	gid_t groups[64];
	int n = getgroups(64, groups);
	char text[1024] = "\t", *p = text + 1;

	for (int i = 0; i < n; i++)
		p += sprintf(p, "%s%u", i ? " " : "", groups[i]);
	strcpy(p, " ");
	return strcmp(line_of("/proc/self/status", "Groups:"), text) == 0;
}

static void agrees(const char *when)
{
	uid_t r, e, s;
	char text[128], name[64];
	struct stat st;

#define CASE(what) (snprintf(name, sizeof(name), "%s-%s", when, what), name)
	NEED(getresuid(&r, &e, &s) == 0);
	snprintf(text, sizeof(text), "\t%u\t%u\t%u\t%u", r, e, s, e);
	say(CASE("uids"), "%d", strcmp(line_of("/proc/self/status", "Uid:"), text) == 0);
	say(CASE("uids-of-the-thread"), "%d", strcmp(line_of("/proc/thread-self/status", "Uid:"), text) == 0);
	NEED(getresgid(&r, &e, &s) == 0);
	snprintf(text, sizeof(text), "\t%u\t%u\t%u\t%u", r, e, s, e);
	say(CASE("gids"), "%d", strcmp(line_of("/proc/self/status", "Gid:"), text) == 0);
	say(CASE("groups"), "%d", agrees_groups());
	NEED(stat("/proc/self/stat", &st) == 0);
	say(CASE("owner"), "%d", st.st_uid == geteuid() && st.st_gid == getegid());
	say(CASE("umask"), "%s", line_of("/proc/self/status", "Umask:"));
	say(CASE("seccomp"), "%s %d", line_of("/proc/self/status", "Seccomp:"), prctl(PR_GET_SECCOMP));
	say(CASE("filters"), "%s", line_of("/proc/self/status", "Seccomp_filters:"));
	say(CASE("no-new-privs"), "%d", atoi(line_of("/proc/self/status", "NoNewPrivs:")) == prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	say(CASE("tracer"), "%s", line_of("/proc/self/status", "TracerPid:"));
	say(CASE("name"), "%s", line_of("/proc/self/status", "Name:"));
	snprintf(text, sizeof(text), "\t%d", getpid());
	say(CASE("pid"), "%d", strcmp(line_of("/proc/self/status", "Pid:"), text) == 0);
}

static void limits(const char *when)
{
	char name[64];

	say(CASE("limit-of-locks"), "%s", line_of("/proc/self/limits", "Max file locks"));
	say(CASE("limit-of-files"), "%s", line_of("/proc/self/limits", "Max open files"));
	say(CASE("limits-of-the-thread"), "%s", line_of("/proc/thread-self/limits", "Max file locks"));
	say(CASE("limits-head"), "%s", line_of("/proc/self/limits", "Limit"));
}

static void descriptor(const char *file)
{
	char name[64], text[64], expected[64], link[64];
	struct stat a, b;
	struct statfs fs = { 0 };
	int fd = open(file, O_RDONLY | O_CLOEXEC), other;
	const char *when = strrchr(file, '/') + 1;
	ssize_t n;

	if (fd < 0) {
		say(CASE("open"), "%s", outcome(fd));
		return;
	}
	NEED(fstat(fd, &a) == 0 && stat(file, &b) == 0);
	say(CASE("attributes"), "%d %d %d %d %d", a.st_dev == b.st_dev, a.st_ino == b.st_ino, a.st_uid == b.st_uid,
	    a.st_gid == b.st_gid, a.st_nlink == b.st_nlink);
	say(CASE("mode"), "%o %ld", a.st_mode, (long)a.st_size);
	say(CASE("flags"), "%x %x", fcntl(fd, F_GETFL) & O_ACCMODE, fcntl(fd, F_GETFD));
	fstatfs(fd, &fs);
	say(CASE("file-system"), "%lx", (long)fs.f_type);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	snprintf(expected, sizeof(expected), "/proc/%d/%s", getpid(), when);
	say(CASE("link"), "%d", strcmp(text, expected) == 0);
	say(CASE("write"), "%s", outcome(write(fd, "x", 1)));
	say(CASE("below"), "%s", outcome(openat(fd, "x", O_RDONLY)));
	say(CASE("as-directory"), "%s", outcome(open(file, O_RDONLY | O_DIRECTORY)));
	say(CASE("made-anew"), "%s", outcome(open(file, O_RDONLY | O_CREAT | O_EXCL, 0600)));
	other = open(link, O_RDONLY);
	say(CASE("again"), "%d", other >= 0 && fstat(other, &b) == 0 && a.st_ino == b.st_ino);
	say(CASE("read"), "%d", read(fd, text, 1) == 1 && read(other, text + 1, 1) == 1 && text[0] == text[1]);
	close(other);
	say(CASE("rewound"), "%d", lseek(fd, 0, SEEK_SET) == 0 && read(fd, text + 2, 1) == 1 && text[0] == text[2]);
	other = open(file, O_PATH);
	say(CASE("o_path"), "%d", other >= 0 && fstat(other, &b) == 0 && a.st_ino == b.st_ino);
	say(CASE("o_path-read"), "%s", outcome(read(other, text, 1)));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", other);
	fd = open(link, O_RDONLY);
	say(CASE("o_path-opened"), "%d", fd >= 0 && read(fd, text + 3, 1) == 1 && text[0] == text[3]);
	say(CASE("access"), "%s", outcome(access(file, R_OK)));
	close(other);
	close(fd);
}

int main(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };
	struct rlimit limit = { 10, 20 };
	int status;
	pid_t pid;

	agrees("first");
	limits("first");
	umask(027);
	prctl(PR_SET_NAME, "another\nname");
	NEED(setrlimit(RLIMIT_LOCKS, &limit) == 0);
	agrees("changed");
	limits("changed");
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
		agrees("filtered");
		NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
		agrees("filtered-twice");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	say("child", "%x", status);
	if (geteuid() == 0) {
		NEED(setgroups(3, (gid_t[]){ 9, 3, 70000 }) == 0 && setresgid(1, 2, 3) == 0 && setresuid(4, 5, 6) == 0);
		prctl(PR_SET_DUMPABLE, 1);
		agrees("user");
		NEED(setresuid(5, 5, 5) == 0);
		prctl(PR_SET_DUMPABLE, 1);
		agrees("other-user");
		say("not-root-any-more", "%s", outcome(open("/proc/1/environ", O_RDONLY)));
	}
	static const char *const files[] = { "status", "limits", "maps", "smaps", "mounts", "mountinfo", "stat", "cmdline",
					     "environ", "comm", "numa_maps" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/%s", files[i]);
		descriptor(path);
	}
	return 0;
}
