/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syscalls: what single system calls cost, for the bench.
 *
 *	syscalls DIR SAMPLES SCALE ROW...
 *
 * DIR holds a file "file" of 64 KiB.  Each sample of a row takes some 1/20 s natively, times SCALE; the rows take turns
 * so that a noisy moment hits all alike.  Prints a line "ROW NANOSECONDS" for each sample.
 *
 *	syscalls --create DIR N		make N files in DIR/0, DIR/1... (1000 each), for the rows with a large tree
 *	syscalls --calls DIR N		N calls (stat, open, close, fstat), to see whether the monitor grows
 *	syscalls --time N PRE CMD	run the shell command CMD N times, after PRE, which is not counted: a line
 *					"time NANOSECONDS" for each
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char buf[4096];
static char file[4096];         /* absolute */
static int fd_read = -1, fd_write = -1;

/* Say what failed, and end. */
static void die(const char *what)
{
	fprintf(stderr, "syscalls: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void row_getppid(void)
{
	syscall(SYS_getppid);
}

static void row_read(void)
{
	if (pread(fd_read, buf, sizeof(buf), 0) != sizeof(buf))
		die("pread");
}

static void row_write(void)
{
	if (pwrite(fd_write, buf, sizeof(buf), 0) != sizeof(buf))
		die("pwrite");
}

static void row_stat(void)
{
	struct stat st;

	if (stat(file, &st) < 0)
		die("stat");
}

static void row_stat_relative(void)
{
	struct stat st;

	if (stat("file", &st) < 0)
		die("stat");
}

static void row_fstat(void)
{
	struct stat st;

	if (fstat(fd_read, &st) < 0)
		die("fstat");
}

static void row_open(void)
{
	int fd = open(file, O_RDONLY);

	if (fd < 0)
		die("open");
	close(fd);
}

/* Run a program to its end; anything but success is the bench's. */
static void run(const char *path, char *const *argv)
{
	extern char **environ;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execve(path, argv, environ);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		die(path);
	if (status != 0) {
		fprintf(stderr, "syscalls: %s %s %s: status %#x\n", path, argv[1] ?: "", argv[1] ? argv[2] : "", status);
		exit(1);
	}
}

static void row_exec(void)
{
	char *argv[] = { (char *)"true", NULL };

	run("/bin/true", argv);
}

static const struct row {
	const char *name;
	void (*fn)(void);
	unsigned n;             /* of a sample: some 1/20 s natively */
} rows[] = {
	{ "getppid", row_getppid, 300000 },
	{ "read", row_read, 100000 },
	{ "write", row_write, 60000 },
	{ "stat", row_stat, 50000 },
	{ "stat-rel", row_stat_relative, 50000 },
	{ "open", row_open, 25000 },
	{ "fstat", row_fstat, 100000 },
	{ "exec", row_exec, 80 },
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* One sample: nanoseconds a call.  Slow ways of interception stop early: a tenth of a second is enough. */
static double sample(const struct row *row, double scale)
{
	unsigned n = row->n * scale, done = 0, step;
	double start, passed = 0;

	if (n < 20)
		n = 20;
	step = n / 20;
	row->fn();
	start = now();
	while (done < n && (passed < 1e8 * scale || done < step)) {
		for (unsigned i = 0; i < step; i++)
			row->fn();
		done += step;
		passed = now() - start;
	}
	return passed / done;
}

/* Make @n small files below @dir. */
static void create(const char *dir, unsigned n)
{
	char path[4096];
	int fd;

	for (unsigned i = 0; i < n; i++) {
		if (i % 1000 == 0) {
			snprintf(path, sizeof(path), "%s/%u", dir, i / 1000);
			if (mkdir(path, 0755) < 0 && errno != EEXIST)
				die(path);
		}
		snprintf(path, sizeof(path), "%s/%u/file%u", dir, i / 1000, i);
		fd = open(path, O_WRONLY | O_CREAT, 0644);
		if (fd < 0 || write(fd, "x", 1) != 1)
			die(path);
		close(fd);
	}
}

/* Work in @dir, on the file in it. */
static void go_to(const char *dir)
{
	if (chdir(dir) < 0 || getcwd(file, sizeof(file) - sizeof("/file")) == NULL)
		die(dir);
	strcat(file, "/file");
	fd_read = open(file, O_RDONLY);
	if (fd_read < 0)
		die(file);
}

/* @n calls, all of the kind that a view looks at. */
static void calls(const char *dir, unsigned n)
{
	go_to(dir);
	for (unsigned i = 0; i < n; i += 4) {
		row_stat();
		row_open();
		row_fstat();
	}
}

static void time_command(int n, char *pre, char *cmd)
{
	char *argv_pre[] = { (char *)"sh", (char *)"-c", pre, NULL };
	char *argv_cmd[] = { (char *)"sh", (char *)"-c", cmd, NULL };
	double start;

	while (n-- > 0) {
		if (*pre)
			run("/bin/sh", argv_pre);
		start = now();
		run("/bin/sh", argv_cmd);
		printf("time %.0f\n", now() - start);
		fflush(stdout);
	}
}

static void usage(void)
{
	fprintf(stderr, "usage: syscalls DIR SAMPLES SCALE ROW... | --create DIR N | --calls DIR N | --time N PRE CMD\n");
	exit(2);
}

int main(int argc, char **argv)
{
	const struct row *row;

	if (argc == 4 && !strcmp(argv[1], "--create")) {
		create(argv[2], strtoul(argv[3], NULL, 10));
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "--calls")) {
		calls(argv[2], strtoul(argv[3], NULL, 10));
		return 0;
	}
	if (argc == 5 && !strcmp(argv[1], "--time")) {
		time_command(atoi(argv[2]), argv[3], argv[4]);
		return 0;
	}
	if (argc < 5)
		usage();
	go_to(argv[1]);
	for (int s = 0; s < atoi(argv[2]); s++) {
		for (int i = 4; i < argc; i++) {
			for (row = rows; row < rows + sizeof(rows) / sizeof(rows[0]); row++)
				if (!strcmp(row->name, argv[i]))
					break;
			if (row == rows + sizeof(rows) / sizeof(rows[0]))
				usage();
			if (row->fn == row_write && fd_write < 0) {
				fd_write = open("written", O_RDWR);
				if (fd_write < 0)
					die("written");
			}
			printf("%s %.1f\n", row->name, sample(row, atof(argv[3])));
			fflush(stdout);
		}
	}
	return 0;
}
