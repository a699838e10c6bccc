// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * exec by every door: what runs, under which names, and what each refusal is called.  The program is its own child: it
 * prints what it was given.
 * timeout: 90
 */
#include "conform.h"

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wstringop-overread" /* bad addresses */
#pragma GCC diagnostic ignored "-Wformat-truncation"

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

extern char **environ;

static char dir[4096]; /* the working directory */

/* A path with the working directory's name taken out. */
static const char *shorter(const char *path)
{
	static char text[2][8192];
	static int turn;
	char *t = text[turn = (turn + 1) % 2];
	size_t n = strlen(dir);

	while (path[0] == '/' && path[1] == '/')
		path++;
	if (n > 0 && strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0'))
		snprintf(t, sizeof(text[0]), "DIR%s", path + n);
	else
		snprintf(t, sizeof(text[0]), "%s", path);
	return t;
}

/* The child: print everything about how it was started. */
static int child(const char *name, int argc, char **argv)
{
	char comm[32] = "", exe[4096], line[8192];
	size_t n = 0;
	ssize_t len;
	int fd;

	snprintf(dir, sizeof(dir), "%s", getenv("DIR") ? getenv("DIR") : "");
	line[0] = '\0';
	for (int i = 0; i < argc; i++)
		n += snprintf(line + n, sizeof(line) - n, "%s[%s]", i ? " " : "", shorter(argv[i]));
	prctl(PR_GET_NAME, comm);
	len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[len < 0 ? 0 : len] = '\0';
	say(name, "argc %d %s", argc, line);
	snprintf(line, sizeof(line), "%s-comm", name);
	say(line, "%s", comm);
	snprintf(line, sizeof(line), "%s-exe", name);
	say(line, "%s", shorter(exe));
	snprintf(line, sizeof(line), "%s-execfn", name);
	say(line, "%s", shorter((char *)getauxval(AT_EXECFN)));
	snprintf(line, sizeof(line), "%s-auxv", name);
	say(line, "secure %lu uid %d euid %d gid %d egid %d pagesz %lu phent %lu phnum %d phdr %d base %d entry %d random %d vdso %d",
	    getauxval(AT_SECURE), getauxval(AT_UID) == getuid(), getauxval(AT_EUID) == geteuid(),
	    getauxval(AT_GID) == getgid(), getauxval(AT_EGID) == getegid(), getauxval(AT_PAGESZ),
	    getauxval(AT_PHENT), getauxval(AT_PHNUM) > 0, getauxval(AT_PHDR) != 0, getauxval(AT_BASE) != 0,
	    getauxval(AT_ENTRY) != 0, getauxval(AT_RANDOM) != 0, getauxval(AT_SYSINFO_EHDR) != 0);
	snprintf(line, sizeof(line), "%s-environment", name);
	say(line, "%s, dumpable %d", getenv("HERE") ? getenv("HERE") : "none", prctl(PR_GET_DUMPABLE));
	/* the names of the process for others */
	fd = open("/proc/self/cmdline", O_RDONLY);
	len = read(fd, exe, sizeof(exe));
	close(fd);
	n = 0;
	line[0] = '\0';
	for (ssize_t i = 0; i < len; i += strlen(exe + i) + 1)
		n += snprintf(line + n, sizeof(line) - n, "[%s]", shorter(exe + i));
	snprintf(comm, sizeof(comm), "%s", "");
	snprintf(exe, sizeof(exe), "%s-cmdline", name);
	say(exe, "%s", line);
	/* descriptors left open */
	n = 0;
	for (fd = 3; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	snprintf(exe, sizeof(exe), "%s-descriptors", name);
	say(exe, "%zu", n);
	fflush(stdout);
	return 0;
}

static void copy(const char *from, const char *to, mode_t mode)
{
	char buf[65536];
	int in = open(from, O_RDONLY), out = open(to, O_CREAT | O_WRONLY | O_TRUNC, 0755);
	ssize_t n;

	NEED(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		NEED(write(out, buf, n) == n);
	NEED(fchmod(out, mode) == 0);
	close(in);
	close(out);
}

static void script(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);

	NEED(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, mode) == 0);
	close(fd);
}

/* Exec in a child; if it fails, the errno is the observation. */
static void run_at(const char *name, int at, const char *path, char *const argv[], int flags)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	setenv("CASE", name, 1);
	pid = fork();
	if (pid == 0) {
		if (at == -1)
			execve(path, argv, environ);
		else
			syscall(SYS_execveat, at, path, argv, environ, flags);
		say(name, "%s", outcome(-1));
		_exit(0);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	if (status != 0) {
		char label[128];

		snprintf(label, sizeof(label), "%s-status", name);
		say(label, "%#x", status);
	}
}

#define ARGS(...) ((char *const[]){ __VA_ARGS__, NULL })
#define run(name, path, ...) run_at(name, -1, path, ARGS(__VA_ARGS__), 0)

static void names(void)
{
	char absolute[8192];

	snprintf(absolute, sizeof(absolute), "%s/prog", dir);
	run("absolute", absolute, "zero", "one", "two");
	run("relative", "prog", "p");
	run("dotted", "./sub/../prog", "p");
	run("link", "link", "p");
	run("link-of-link", "link2", "p");
	run("long-name", "a-program-with-a-long-name", "p");
	run("renamed", "new-name", "p");
	run("empty-arguments", "prog", "", "", "x y", "");
	run_at("no-arguments", -1, "prog", (char *const[]){ NULL }, 0);
	run_at("null-arguments", -1, "prog", NULL, 0);
	if (fork() == 0) {
		setenv("CASE", "x", 1);
		execve("prog", ARGS("null-environment"), NULL);
		_exit(1);
	}
	wait(NULL);
}

static void at_doors(void)
{
	int sub = open("sub", O_PATH | O_CLOEXEC), prog = open("prog", O_RDONLY | O_CLOEXEC), opath, plain, fd;

	opath = open("prog", O_PATH | O_CLOEXEC);
	run_at("at-directory", sub, "prog2", ARGS("p"), 0);
	run_at("at-cwd", AT_FDCWD, "prog", ARGS("p"), 0);
	run_at("at-up", sub, "../prog", ARGS("p"), 0);
	run_at("at-empty-closing", prog, "", ARGS("p"), AT_EMPTY_PATH);
	run_at("at-empty-path-only", opath, "", ARGS("p"), AT_EMPTY_PATH);
	plain = open("prog", O_RDONLY);
	run_at("at-empty-open", plain, "", ARGS("p"), AT_EMPTY_PATH);
	close(plain);
	run_at("at-empty-without-flag", prog, "", ARGS("p"), 0);
	run_at("at-bad-descriptor", 999, "prog", ARGS("p"), 0);
	run_at("at-bad-descriptor-empty", 999, "", ARGS("p"), AT_EMPTY_PATH);
	run_at("at-file", prog, "prog", ARGS("p"), 0);
	run_at("at-bad-flags", AT_FDCWD, "prog", ARGS("p"), 0x1);
	run_at("at-nofollow", AT_FDCWD, "prog", ARGS("p"), AT_SYMLINK_NOFOLLOW);
	run_at("at-nofollow-link", AT_FDCWD, "link", ARGS("p"), AT_SYMLINK_NOFOLLOW);
	run_at("at-nofollow-empty", prog, "", ARGS("p"), AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
	run_at("at-cwd-empty", AT_FDCWD, "", ARGS("p"), AT_EMPTY_PATH);
	run_at("at-directory-empty", sub, "", ARGS("p"), AT_EMPTY_PATH);
	fd = open("script", O_RDONLY | O_CLOEXEC);
	run_at("at-closing-script", fd, "", ARGS("p", "a"), AT_EMPTY_PATH);
	close(fd);
	fd = open("script", O_RDONLY);
	fd = fcntl(fd, F_DUPFD, 50);
	run_at("at-script", fd, "", ARGS("p", "a"), AT_EMPTY_PATH);
	close(fd);
	run_at("at-closing-directory-script", sub, "script2", ARGS("p", "a"), 0);
	run_at("at-absolute", 999, "/bin/true", ARGS("p"), 0);
	/* removed while it is open */
	copy("prog", "gone", 0755);
	fd = open("gone", O_RDONLY | O_CLOEXEC);
	unlink("gone");
	{
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			setenv("QUIET", "1", 1);
			syscall(SYS_execveat, fd, "", ARGS("p"), environ, AT_EMPTY_PATH);
			_exit(errno);
		}
		waitpid(pid, &status, 0);
		say("at-removed", "%#x", status);
	}
	close(fd);
	/* in memory */
	fd = memfd_create("in-memory", MFD_CLOEXEC);
	{
		int in = open("prog", O_RDONLY);
		char buf[65536];
		ssize_t n;

		while ((n = read(in, buf, sizeof(buf))) > 0)
			NEED(write(fd, buf, n) == n);
		close(in);
	}
	{
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			setenv("CASE", "at-memory", 1);
			fexecve(fd, ARGS("p"), environ);
			_exit(errno);
		}
		waitpid(pid, &status, 0);
		say("at-memory-status", "%#x", status);
	}
	close(fd);
	close(sub);
	close(prog);
	close(opath);
}

static void scripts(void)
{
	char text[600];

	run("script", "script", "zero", "one", "two words");
	run("script-with-argument", "script-argument", "zero", "one");
	run("script-spaces", "script-spaces", "zero");
	run("script-in-script", "nested1", "zero", "x");
	run("script-no-newline", "no-newline", "zero", "x");
	run("script-relative-interpreter", "sub/relative", "zero", "x");
	run("script-dir-link", "link-script", "zero", "x");
	run("script-empty-interpreter", "no-interpreter", "zero");
	run("script-missing-interpreter", "missing", "zero");
	run("script-directory-interpreter", "is-directory", "zero");
	run("script-closed-interpreter", "is-closed", "zero");
	run("script-loop", "loop", "zero");
	run("script-depth-4", "depth4", "zero");
	run("script-depth-5", "depth5", "zero");
	run("script-depth-6", "depth6", "zero");
	run("script-no-arguments", "script", "only");
	run_at("script-null-arguments", -1, "script", NULL, 0);
	/* the kernel looks at 256 bytes: of the argument, at what is left after an interpreter of 200 */
	memset(text, '/', sizeof(text));
	memcpy(text, "#!", 2);
	NEED(strlen(dir) < 190);
	snprintf(text + 200 - strlen(dir) - 5, sizeof(text) - 200, "%s/prog %0230d\n", dir, 7);
	script("long-line", text, 0755);
	run("script-long-line", "long-line", "zero");
	memset(text, '/', sizeof(text));
	memcpy(text, "#!", 2);
	snprintf(text + 300 - strlen(dir), sizeof(text) - 300, "%s/prog\n", dir);
	script("long-interpreter", text, 0755);
	run("script-long-interpreter", "long-interpreter", "zero");
}

static void refused(void)
{
	char *huge = malloc(200 * 1024), deep[300];
	int fd;

	run("none", "none", "p");
	run("none-below", "none/x", "p");
	run("through-a-file", "prog/x", "p");
	run("directory", "sub", "p");
	run("empty", "", "p");
	run("slash", "prog/", "p");
	run("no-x-bit", "plain", "p");
	run("others-x-bit", "others-x", "p");
	run("no-format", "data", "p");
	run("empty-file", "nothing", "p");
	run("truncated-elf", "short-elf", "p");
	run("loop-of-links", "loop1", "p");
	run("dangling", "dangling", "p");
	run("fifo", "fifo", "p");
	memset(deep, 'n', 256);
	deep[256] = '\0';
	run("long-component", deep, "p");
	run_at("bad-path", -1, (char *)1, ARGS("p"), 0);
	run_at("bad-arguments", -1, "prog", (char *const *)1, 0);
	run_at("bad-argument", -1, "prog", (char *const[]){ "x", (char *)1, NULL }, 0);
	memset(huge, 'h', 200 * 1024);
	huge[200 * 1024 - 1] = '\0';
	run("too-big-argument", "prog", "p", huge);
	huge[131071] = '\0';
	{
		struct rlimit old, small = { 512 * 1024, 512 * 1024 };

		NEED(getrlimit(RLIMIT_STACK, &old) == 0);
		small.rlim_max = old.rlim_max;
		setrlimit(RLIMIT_STACK, &small);
		run("too-much", "prog", "p", huge, huge, huge);
		run("too-much-for-a-script", "script", "p", huge, huge, huge);
		setrlimit(RLIMIT_STACK, &old);
	}
	free(huge);
	copy("prog", "busy", 0755);
	fd = open("busy", O_WRONLY);
	run("busy", "busy", "p");
	close(fd);
	run("no-longer-busy", "busy", "p");
	{
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			setenv("SLEEP", "1", 1);
			execve("busy", ARGS("p"), environ);
			_exit(1);
		}
		for (int i = 0; i < 500; i++) { /* until it runs */
			char exe[64], to[4096];
			ssize_t n;

			snprintf(exe, sizeof(exe), "/proc/%d/cmdline", (int)pid);
			fd = open(exe, O_RDONLY);
			n = read(fd, to, sizeof(to));
			close(fd);
			if (n == 2 && to[0] == 'p')
				break;
			usleep(20000);
		}
		fd = open("busy", O_WRONLY);
		say("write-to-running", "%s", outcome(fd));
		close(fd);
		say("truncate-running", "%s", outcome(truncate("busy", 0)));
		say("remove-running", "%s", outcome(unlink("busy")));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
}

static void *exec_in_thread(void *arg)
{
	execve("prog", ARGS("p", arg), environ);
	say("thread", "%s", outcome(-1));
	return NULL;
}

static void *fail_in_thread(void *arg)
{
	execve("none", ARGS("p"), environ);
	*(int *)arg = errno;
	return NULL;
}

static void others(void)
{
	posix_spawn_file_actions_t actions;
	int status, err = 0;
	pthread_t thread;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setenv("CASE", "thread", 1);
		pthread_create(&thread, NULL, exec_in_thread, "from a thread");
		pause();
	}
	waitpid(pid, &status, 0);
	say("thread-status", "%#x", status);
	pthread_create(&thread, NULL, fail_in_thread, &err);
	pthread_join(thread, NULL);
	errno = err;
	say("thread-fails", "%s", outcome(-1));

	setenv("CASE", "vfork", 1);
	pid = vfork();
	if (pid == 0) {
		execve("none1", ARGS("p"), environ);
		execve("plain", ARGS("p"), environ);
		execve("missing", ARGS("p"), environ);
		execve("prog", ARGS("p"), environ);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	say("vfork-status", "%#x", status);
	setenv("CASE", "spawn", 1);
	posix_spawn_file_actions_init(&actions);
	err = posix_spawn(&pid, "script", &actions, NULL, ARGS("p", "q"), environ);
	if (err == 0)
		waitpid(pid, &status, 0);
	say("spawn-result", "%d", err);
	say("spawn-status", "%#x", status);
	err = posix_spawn(&pid, "none", &actions, NULL, ARGS("p", "q"), environ);
	say("spawn-none", "%d", err);
	err = posix_spawn(&pid, "data", &actions, NULL, ARGS("p", "q"), environ);
	say("spawn-no-format", "%d", err);

	/* few descriptors, and none free */
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct rlimit few = { 6, 6 };

		setrlimit(RLIMIT_NOFILE, &few);
		while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
			;
		setenv("CASE", "no-descriptor-left", 1);
		execve("prog", ARGS("p"), environ);
		say("no-descriptor-left", "%s", outcome(-1));
		_exit(1);
	}
	waitpid(pid, &status, 0);
	say("no-descriptor-left-status", "%#x", status);
	/* all descriptors closed */
	pid = fork();
	if (pid == 0) {
		close_range(0, ~0u, 0);
		setenv("QUIET", "1", 1);
		execve("prog", ARGS("p"), environ);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	say("all-closed", "%#x", status);
	/* a name given by prctl does not outlive exec, dumpable 0 neither */
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, "mine");
		prctl(PR_SET_DUMPABLE, 0);
		setenv("CASE", "undumpable", 1);
		execve("prog", ARGS("p"), environ);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	say("undumpable-status", "%#x", status);
	run("shell", "/bin/sh", "sh", "-c", "exec ./prog from the shell");
	run("host-program", "/usr/bin/env", "env", "./prog", "from env");
	pid = fork();
	if (pid == 0) {
		chdir("sub");
		setenv("CASE", "other-directory", 1);
		execve("../prog", ARGS("p"), environ);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	say("other-directory-status", "%#x", status);
	pid = fork();
	if (pid == 0) {
		char t[8192];

		snprintf(t, sizeof(t), "%s/sub:%s", dir, dir);
		setenv("PATH", t, 1);
		setenv("CASE", "by-path", 1);
		execlp("prog", "p", "x", NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	/* execlp gives a script without "#!" to the shell */
	pid = fork();
	if (pid == 0) {
		setenv("CASE", "shell-script", 1);
		execlp("./shell-script", "shell-script", "x", NULL);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	say("shell-script-status", "%#x", status);
}

static void prepare(const char *self)
{
	char text[8300];

	umask(022);
	mkdir("sub", 0755);
	copy(self, "prog", 0755);
	copy(self, "sub/prog2", 0755);
	copy(self, "plain", 0644);
	copy(self, "others-x", 0611);
	if (getuid() != 0)
		chmod("others-x", 0601);
	copy(self, "a-program-with-a-long-name", 0755);
	copy(self, "old-name", 0755);
	rename("old-name", "new-name");
	symlink("prog", "link");
	symlink("sub/../link", "link2");
	symlink("loop1", "loop1");
	symlink("nowhere", "dangling");
	mkfifo("fifo", 0755);
	snprintf(text, sizeof(text), "#!%s/prog\n", dir);
	script("script", text, 0755);
	script("sub/script2", text, 0755);
	symlink("script", "link-script");
	snprintf(text, sizeof(text), "#!%s/prog -a b  c \nmore\n", dir);
	script("script-argument", text, 0755);
	snprintf(text, sizeof(text), "#! \t %s/prog\t \n", dir);
	script("script-spaces", text, 0755);
	snprintf(text, sizeof(text), "#!%s/nested2 outer\n", dir);
	script("nested1", text, 0755);
	snprintf(text, sizeof(text), "#!%s/prog inner\n", dir);
	script("nested2", text, 0755);
	snprintf(text, sizeof(text), "#!%s/prog", dir);
	script("no-newline", text, 0755);
	script("sub/relative", "#!prog\n", 0755);
	script("no-interpreter", "#!  \n", 0755);
	script("missing", "#!/no/such/interpreter\n", 0755);
	snprintf(text, sizeof(text), "#!%s/sub\n", dir);
	script("is-directory", text, 0755);
	snprintf(text, sizeof(text), "#!%s/plain\n", dir);
	script("is-closed", text, 0755);
	snprintf(text, sizeof(text), "#!%s/loop\n", dir);
	script("loop", text, 0755);
	for (int i = 1; i <= 6; i++) {
		char name[16];

		snprintf(name, sizeof(name), "depth%d", i);
		if (i == 1)
			snprintf(text, sizeof(text), "#!%s/prog\n", dir);
		else
			snprintf(text, sizeof(text), "#!%s/depth%d\n", dir, i - 1);
		script(name, text, 0755);
	}
	script("data", "some text\n", 0755);
	script("nothing", "", 0755);
	script("short-elf", "\177ELF\2\1\1", 0755);
	script("shell-script", "exec ./prog \"$0\" \"$@\" by the shell\n", 0755);
	setenv("DIR", dir, 1);
	setenv("HERE", "handed down", 1);
}

int main(int argc, char **argv)
{
	char self[4096];
	ssize_t n;

	if (getenv("SLEEP") != NULL) {
		pause();
		return 0;
	}
	if (getenv("QUIET") != NULL)
		return 0;
	if (getenv("CASE") != NULL)
		return child(getenv("CASE"), argc, argv);
	if (argc > 0 && strcmp(argv[0], "null-environment") == 0) {
		say("null-environment", "%d", environ == NULL || environ[0] == NULL);
		return 0;
	}
	NEED(getcwd(dir, sizeof(dir)) != NULL);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	NEED(n > 0);
	self[n] = '\0';
	close_range(3, ~0u, 0);
	prepare(self);
	names();
	at_doors();
	scripts();
	refused();
	unsetenv("SLEEP");
	others();
	return 0;
}
