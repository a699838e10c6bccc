/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What getcwd writes; and working directories that their own path does not lead to: removed, below one that may not be
 * searched, deeper than PATH_MAX.
 *
 * setup: yes
 */
#include "conform.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int setup(void)
{
	NEED(mkdir("removed", 0755) == 0 && mkdir("closed", 0755) == 0 && mkdir("closed/in", 0755) == 0);
	return 0;
}

static void removed(void)
{
	char cwd[PATH_MAX];
	struct stat st;

	NEED(chdir("removed") == 0 && rmdir("../removed") == 0);
	say("removed-getcwd", "%s", getcwd(cwd, sizeof(cwd)) ? "ok" : outcome(-1));
	say("removed-stat-dot", "%s", outcome(stat(".", &st)));
	say("removed-open-dot", "%s", outcome(open(".", O_RDONLY | O_DIRECTORY)));
	say("removed-access-dot", "%s", outcome(access(".", R_OK)));
	say("removed-stat-name", "%s", outcome(stat("name", &st)));
	say("removed-stat-below", "%s", outcome(stat("./name/x", &st)));
	say("removed-create", "%s", outcome(open("name", O_CREAT | O_EXCL | O_WRONLY, 0644)));
	say("removed-create-any", "%s", outcome(open("name", O_CREAT | O_WRONLY, 0644)));
	say("removed-mkdir", "%s", outcome(mkdir("name", 0755)));
	say("removed-symlink", "%s", outcome(symlink("x", "name")));
	say("removed-unlink", "%s", outcome(unlink("name")));
	say("removed-rename", "%s", outcome(rename("name", "name2")));
	say("removed-chdir-dot", "%s", outcome(chdir(".")));
	say("removed-absolute", "%s", outcome(stat("/", &st)));
}

/* More room than the name needs, just enough, too little, none. */
static void room(void)
{
	static const char *const cases[] = { "room-more", "room-exact", "room-less", "room-none" };
	char cwd[PATH_MAX];
	long size = syscall(SYS_getcwd, cwd, sizeof(cwd));

	for (int i = 0; i < 4; i++) {
		long has = i == 3 ? 0 : size + 1 - i, got;

		memset(cwd, 'x', sizeof(cwd));
		got = syscall(SYS_getcwd, cwd, has);
		say(cases[i], "%s, %s", got == size ? "the size" : outcome(got), cwd[has] == 'x' ? "nothing behind" : "overrun");
	}
}

/* The parent may not be searched any more, the directory itself may. */
static void closed(int home)
{
	char cwd[PATH_MAX];
	struct stat st;
	int fd;

	NEED(fchdir(home) == 0 && chdir("closed/in") == 0 && chmod("..", 0600) == 0);
	say("closed-getcwd", "%s", getcwd(cwd, sizeof(cwd)) ? strrchr(cwd, '/') : outcome(-1));
	say("closed-stat", "%s", outcome(stat(".", &st)));
	say("closed-mkdir", "%s", outcome(mkdir("made", 0755)));
	fd = open("file", O_CREAT | O_EXCL | O_WRONLY, 0644);
	say("closed-create", "%s", outcome(fd));
	say("closed-write", "%s", outcome(open("file", O_WRONLY)));
	say("closed-truncate", "%s", outcome(open("file", O_RDWR | O_CREAT | O_TRUNC, 0644)));
	say("closed-create-any", "%s", outcome(open("file2", O_WRONLY | O_CREAT | O_APPEND, 0644)));
	say("closed-tmpfile", "%s", outcome(open(".", O_WRONLY | O_TMPFILE, 0644)));
	say("closed-unlink-any", "%s", outcome(unlink("file2")));
	say("closed-chmod", "%s", outcome(chmod("file", 0600)));
	say("closed-rename", "%s", outcome(rename("file", "made/file")));
	say("closed-unlink", "%s", outcome(unlink("made/file")));
	say("closed-rmdir", "%s", outcome(rmdir("made")));
	say("closed-dotdot", "%s", outcome(stat("../in", &st)));
	NEED(fchdir(home) == 0);
	say("closed-from-outside", "%s", outcome(stat("closed/in", &st)));
	NEED(chmod("closed", 0755) == 0);
}

static void deep(int home)
{
	static const char name[] = "a-directory-with-a-rather-long-name-of-64-bytes-0123456789012345";
	int depth = 0, fd, err = 0;
	struct stat st;

	NEED(fchdir(home) == 0);
	while (depth < 100 && (err = mkdir(name, 0755)) == 0 && (err = chdir(name)) == 0)
		depth++;
	say("deep", "%d, then %s", depth, outcome(err));
	fd = open("file", O_CREAT | O_EXCL | O_WRONLY, 0644);
	say("deep-create", "%s", outcome(fd));
	say("deep-write", "%s", outcome(open("file", O_WRONLY)));
	say("deep-truncate", "%s", outcome(open("file", O_RDWR | O_CREAT | O_TRUNC, 0644)));
	say("deep-create-any", "%s", outcome(open("file2", O_WRONLY | O_CREAT | O_APPEND, 0644)));
	say("deep-unlink-any", "%s", outcome(unlink("file2")));
	say("deep-stat", "%s", outcome(stat("file", &st)));
	say("deep-chmod", "%s", outcome(chmod("file", 0600)));
	say("deep-unlink", "%s", outcome(unlink("file")));
	while (depth-- > 0)
		if (chdir("..") != 0 || rmdir(name) != 0)
			break;
	say("deep-removed", "%d left", depth + 1);
}

int main(int argc, char **argv)
{
	int home = open(".", O_RDONLY | O_DIRECTORY);

	if (argc > 1 && strcmp(argv[1], "setup") == 0)
		return setup();
	room();
	removed();
	closed(home);
	deep(home);
	return 0;
}
