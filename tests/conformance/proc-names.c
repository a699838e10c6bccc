/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names that /proc has for what is open, mapped, run or worked in, after it was renamed, replaced or removed.
 *
 * setup: yes
 */
#include "conform.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern const char __executable_start;

static char top[PATH_MAX];

static void make(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	NEED(fd >= 0 && write(fd, name, strlen(name)) > 0);
	close(fd);
}

static const char *const files[] = { "kept",	"renamed",	 "removed",   "replaced", "overwritten", "changed",
				     "in/moved", "linked",	 "swapped 1", "swapped 2", "odd\nname",	 "x (deleted)",
				     "moved/in", "changed2", NULL };
static const char *const dirs[] = { "in", "moved", "d-kept", "d-renamed", "d-removed", "d-in", "d-in/d", "d-twice", NULL };

static int setup(void)
{
	for (const char *const *d = dirs; *d; d++)
		NEED(mkdir(*d, 0755) == 0);
	for (const char *const *f = files; *f; f++)
		make(*f);
	NEED(link("linked", "linked2") == 0);
	return 0;
}

/* A path of ours without what is different each time. */
static const char *shown(char *text)
{
	size_t n = strlen(top);

	if (strncmp(text, top, n) == 0 && text[n] == '/')
		memmove(text, text + n + 1, strlen(text + n));
	else if (strcmp(text, top) == 0)
		strcpy(text, "top");
	for (char *p = text; *p; p++)
		if (*p == '\n')
			*p = '|';
	return text;
}

static const char *link_of(const char *link)
{
	static char text[PATH_MAX + 32];
	ssize_t n = readlink(link, text, sizeof(text) - 1);

	if (n < 0)
		return outcome(n);
	text[n] = '\0';
	return shown(text);
}

static const char *fd_name(int fd)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return link_of(name);
}

/* The name of the mapping at this address. */
static const char *map_name(const void *at)
{
	static char line[PATH_MAX + 128];
	unsigned long start;
	FILE *f = fopen("/proc/self/maps", "r");
	char *name;

	NEED(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx", &start) == 1 && start == (unsigned long)at)
			break;
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	name = strchr(line, '/');
	return name ? shown(memmove(line, name, strlen(name) + 1)) : "none";
}

static void label(char *out, const char *what, const char *name)
{
	snprintf(out, 64, "%s-%s", what, name);
	for (char *p = out; *p; p++)
		if (*p == ' ' || *p == '\n')
			*p = '_';
}

static void open_files(void)
{
	int fds[16];
	void *maps[16];
	char name[64];
	int i;

	for (i = 0; files[i]; i++) {
		fds[i] = open(files[i], O_RDONLY);
		NEED(fds[i] >= 0);
		maps[i] = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fds[i], 0);
		NEED(maps[i] != MAP_FAILED);
	}
	NEED(rename("renamed", "other name") == 0 && unlink("removed") == 0 && unlink("replaced") == 0);
	make("replaced");
	make("new");
	NEED(rename("new", "overwritten") == 0 && chmod("changed", 0600) == 0 && rename("in", "out") == 0);
	NEED(unlink("linked") == 0 && syscall(SYS_renameat2, AT_FDCWD, "swapped 1", AT_FDCWD, "swapped 2", 2) == 0);
	NEED(rename("moved/in", "moved/out") == 0 && truncate("changed2", 1) == 0);
	for (i = 0; files[i]; i++) {
		label(name, "fd", files[i]);
		say(name, "%s", fd_name(fds[i]));
		label(name, "map", files[i]);
		say(name, "%s", map_name(maps[i]));
		munmap(maps[i], 4096);
		close(fds[i]);
	}
}

static void other_fds(void)
{
	char buf[8] = "", name[64];
	int pipes[2], fd;
	struct stat st;

	say("null", "%s", fd_name(open("/dev/null", O_RDWR)));
	say("memfd", "%s", fd_name(memfd_create("a b", 0)));
	NEED(pipe(pipes) == 0);
	say("pipe", "%.6s", fd_name(pipes[0]));
	say("socket", "%.8s", fd_name(socket(AF_UNIX, SOCK_DGRAM, 0)));
	say("epoll", "%s", fd_name(epoll_create1(0)));
	say("directory", "%s", fd_name(open("d-kept", O_RDONLY)));
	say("o_path", "%s", fd_name(open("kept", O_PATH)));
	symlink("kept", "symlink");
	say("o_path-of-a-link", "%s", fd_name(open("symlink", O_PATH | O_NOFOLLOW)));
	fd = open("kept", O_RDONLY);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	say("cut-off", "%s", value(readlink(name, buf, 3)));
	say("cut-off-text", "%.2s", buf);
	say("no-room", "%s", outcome(readlink(name, buf, 0)));
	close(fd);
	say("closed", "%s", outcome(readlink(name, buf, 3)));
	fd = open("made", O_RDWR | O_CREAT | O_EXCL, 0600);
	say("made", "%s", fd_name(fd));
	unlink("made");
	say("made-and-removed", "%s", fd_name(fd));
	make("made");
	say("made-again", "%s", fd_name(fd));
	fstat(fd, &st);
	say("links", "%d", (int)st.st_nlink);
	unlink("made");
	say("root", "%s", fd_name(open("/", O_RDONLY)));
}

static void cwd(const char *what)
{
	char name[64], text[PATH_MAX];
	const char *got;
	struct stat st;

	snprintf(name, sizeof(name), "getcwd-%s", what);
	got = getcwd(text, sizeof(text)) ? shown(text) : outcome(-1);
	say(name, "%s", got);
	snprintf(name, sizeof(name), "cwd-%s", what);
	say(name, "%s", link_of("/proc/self/cwd"));
	snprintf(name, sizeof(name), "task-cwd-%s", what);
	say(name, "%s", link_of("/proc/thread-self/cwd"));
	snprintf(name, sizeof(name), "dot-%s", what);
	got = outcome(stat(".", &st));
	say(name, "%s", got);
	snprintf(name, sizeof(name), "create-%s", what);
	say(name, "%s", outcome(mkdir("below", 0755)));
	rmdir("below");
	snprintf(name, sizeof(name), "open-%s", what);
	got = outcome(open(".", O_RDONLY));
	say(name, "%s", got);
	snprintf(name, sizeof(name), "up-%s", what);
	got = outcome(stat("..", &st));
	say(name, "%s", got);
}

static void directories(void)
{
	char from[PATH_MAX + 16], to[PATH_MAX + 16];

#define AT_TOP(buf, name) (snprintf(buf, sizeof(buf), "%s/%s", top, name), buf)
	NEED(chdir("d-kept") == 0);
	cwd("kept");
	NEED(chdir("../d-renamed") == 0 && rename("../d-renamed", "../d-new") == 0);
	cwd("renamed");
	NEED(chdir("../d-twice") == 0 && rename("../d-twice", "../d-once") == 0 && rename("../d-once", "../d-2") == 0);
	cwd("twice");
	NEED(chdir("../d-in/d") == 0 && rename(AT_TOP(from, "d-in"), AT_TOP(to, "d-out")) == 0);
	cwd("in-a-renamed-one");
	NEED(chdir(AT_TOP(to, "d-removed")) == 0 && rmdir(to) == 0);
	cwd("removed");
	NEED(mkdir(to, 0755) == 0);
	cwd("made-again");
	NEED(chdir(top) == 0 && mkdir("d-own", 0755) == 0 && chdir("d-own") == 0 && rmdir("../d-own") == 0);
	cwd("own-removed");
	NEED(chdir(top) == 0);
	say("back", "%s", link_of("/proc/self/cwd"));
}

/* Copy this program, run the copy, do something to it meanwhile. */
static void program(char **argv, const char *what)
{
	char buf[65536];
	int in = open("/proc/self/exe", O_RDONLY), out = open("program", O_CREAT | O_WRONLY | O_TRUNC, 0755), status;
	ssize_t n;
	pid_t pid;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		NEED(write(out, buf, (size_t)n) == n);
	close(in);
	close(out);
	argv[1] = (char *)what;
	pid = fork();
	if (pid == 0) {
		execv("./program", argv);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	if (status != 0)
		say(what, "%x", status);
	unlink("program");
}

static int as_program(const char *what)
{
	char text[4096], name[64];
	int fd = open("/proc/self/cmdline", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (strcmp(what, "run-removed") == 0)
		unlink("program");
	else if (strcmp(what, "run-renamed") == 0)
		rename("program", "renamed program");
	say(what, "%s", link_of("/proc/self/exe"));
	text[n < 0 ? 0 : n] = '\0';
	snprintf(name, sizeof(name), "%s-cmdline", what);
	say(name, "%s", strrchr(text, '/') ? strrchr(text, '/') : text);
	fd = open("/proc/self/comm", O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	snprintf(name, sizeof(name), "%s-comm", what);
	say(name, "%.*s", (int)n - 1, text);
	snprintf(name, sizeof(name), "%s-mapped", what);
	say(name, "%s", map_name((void *)((unsigned long)&__executable_start & ~0xffful)));
	fd = open("/proc/self/exe", O_RDONLY);
	snprintf(name, sizeof(name), "%s-opened", what);
	if (fd < 0)
		say(name, "%s", outcome(fd));
	else
		say(name, "%d", read(fd, text, 4) == 4 && memcmp(text, "\177ELF", 4) == 0);
	return 0;
}

int main(int argc, char **argv)
{
	char *args[] = { argv[0], NULL, "an argument", NULL };

	NEED(getcwd(top, sizeof(top)));
	if (argc == 2 && strcmp(argv[1], "setup") == 0)
		return setup();
	if (argc == 3)
		return as_program(argv[1]);
	open_files();
	other_fds();
	directories();
	program(args, "run");
	program(args, "run-removed");
	program(args, "run-renamed");
	return 0;
}
