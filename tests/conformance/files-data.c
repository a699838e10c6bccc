/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Contents: copy_file_range, sendfile, splice, fallocate, mmap, ETXTBSY; locks and leases; descriptors. */
/* setup: yes */
#include <signal.h>
#include <sys/file.h>
#include <sys/sendfile.h>

#include "trees.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static void copies(void)
{
	int from = open("file", O_RDONLY), to = open("other", O_RDWR), pipes[2];
	off_t at = 2;
	loff_t lat = 1;

	result("copy_file_range", copy_file_range(from, &lat, to, NULL, 4, 0));
	content("copy_file_range: content", "other");
	result("copy_file_range flags", copy_file_range(from, NULL, to, NULL, 1, 1));
	result("copy_file_range to rdonly", copy_file_range(to, NULL, from, NULL, 1, 0));
	result("copy_file_range overlapping", copy_file_range(to, &lat, to, NULL, 3, 0));
	result("sendfile", sendfile(to, from, &at, 3));
	content("sendfile: content", "other");
	if (pipe(pipes) < 0)
		exit(1);
	lat = 0;
	result("splice in", splice(from, &lat, pipes[1], NULL, 5, 0));
	lat = 3;
	result("splice out", splice(pipes[0], NULL, to, &lat, 5, 0));
	content("splice: content", "other");
	close(pipes[0]);
	close(pipes[1]);
	result("fallocate", fallocate(to, 0, 0, 100));
	shape("fallocate: size", "other");
	result("fallocate keep", fallocate(to, FALLOC_FL_KEEP_SIZE, 0, 10000));
	result("fallocate punch", fallocate(to, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 1, 2));
	result("fallocate zero length", fallocate(to, 0, 0, 0));
	result("fallocate rdonly", fallocate(from, 0, 0, 100));
	result("ftruncate", ftruncate(to, 7));
	content("punched", "other");
	result("seek hole", lseek(to, 0, SEEK_HOLE));
	result("seek data", lseek(to, 100, SEEK_DATA));
	result("fsync", fsync(to));
	result("fdatasync rdonly", fdatasync(from));
	result("syncfs", syncfs(from));
	result("fadvise", posix_fadvise(from, 0, 0, POSIX_FADV_DONTNEED));
	close(from);
	close(to);
}

static void maps(void)
{
	int fd = open("readonly", O_RDONLY), wr;
	char *map, text[20];

	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	observe("map shared of rdonly", "%s", map == MAP_FAILED ? outcome(-1) : "mapped");
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	observe("map private", "%.4s", map == MAP_FAILED ? "none" : map);
	close(fd);
	wr = open("dir/a", O_RDWR);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, wr, 0);
	if (map != MAP_FAILED) {
		map[0] = 'M';
		result("map: msync", msync(map, 4096, MS_SYNC));
		content("map: content", "dir/a");
		pwrite(wr, "N", 1, 1);
		observe("map: sees writes", "%c", map[1]);
		fd = open("dir/a", O_RDONLY);
		result("map: pread", pread(fd, text, 2, 0));
		observe("map: read", "%.2s", text);
		close(fd);
	}
	close(wr);
}

/* What two descriptors of one file see of each other. */
static void together(void)
{
	int a = open("hard1", O_RDWR), b = open("hard1", O_RDWR), c = open("hard2", O_RDONLY);
	char text[20] = "";

	result("together: write", write(a, "first", 5));
	result("together: read", pread(b, text, 19, 0));
	observe("together: seen", "%s", text);
	memset(text, 0, sizeof(text));
	result("together: by the other name", pread(c, text, 19, 0));
	observe("together: seen by the other name", "%s", text);
	result("together: append", close(dup(a)));
	fcntl(a, F_SETFL, O_APPEND);
	result("together: F_GETFL", fcntl(a, F_GETFL) & O_APPEND);
	write(b, "X", 1);
	write(a, "Y", 1);
	content("together: content", "hard1");
	close(a);
	close(b);
	close(c);
}

static void locks(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 2 }, test;
	int a = open("file", O_RDWR), b = open("file", O_RDWR), rd, pipes[2];
	char byte;
	pid_t pid;

	result("flock ex", flock(a, LOCK_EX | LOCK_NB));
	result("flock sh by the other", flock(b, LOCK_SH | LOCK_NB));
	result("flock un", flock(a, LOCK_UN));
	result("flock sh", flock(b, LOCK_SH | LOCK_NB));
	result("flock sh too", flock(a, LOCK_SH | LOCK_NB));
	result("flock up", flock(a, LOCK_EX | LOCK_NB));
	flock(a, LOCK_UN);
	flock(b, LOCK_UN);
	result("flock bad", flock(a, 99));
	result("flock bad fd", flock(9999, LOCK_EX));
	result("ofd lock", fcntl(a, F_OFD_SETLK, &lock));
	result("ofd lock by the other", fcntl(b, F_OFD_SETLK, &lock));
	test = lock;
	result("ofd getlk", fcntl(b, F_OFD_GETLK, &test));
	observe("ofd getlk: found", "%d %ld %ld %d", test.l_type, (long)test.l_start, (long)test.l_len, (int)test.l_pid);
	lock.l_type = F_UNLCK;
	result("ofd unlock", fcntl(a, F_OFD_SETLK, &lock));
	lock.l_type = F_WRLCK;
	result("fcntl lock", fcntl(a, F_SETLK, &lock));
	if (pipe(pipes) < 0)
		exit(1);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int own = open("file", O_RDWR);

		test = lock;
		fcntl(own, F_GETLK, &test);
		byte = test.l_type == F_WRLCK && test.l_pid == getppid() ? 'y' : 'n';
		if (fcntl(own, F_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES))
			byte = 'N';
		_exit(write(pipes[1], &byte, 1) != 1);
	}
	waitpid(pid, NULL, 0);
	observe("fcntl lock in a child", "%c", read(pipes[0], &byte, 1) == 1 ? byte : '-');
	close(pipes[0]);
	close(pipes[1]);
	close(open("file", O_RDONLY));
	lock.l_type = F_WRLCK;
	rd = open("file", O_RDONLY);
	result("fcntl write lock of rdonly", fcntl(rd, F_SETLK, &lock));
	lock.l_type = 77;
	result("fcntl bad lock", fcntl(a, F_SETLK, &lock));
	result("flock of a directory", (close(rd), rd = open("dir", O_RDONLY), flock(rd, LOCK_EX | LOCK_NB)));
	result("flock of it again", flock(open("dir", O_RDONLY), LOCK_EX | LOCK_NB));
	close(rd);
	close(a);
	close(b);
	/* leases: nobody else may have it open */
	signal(SIGIO, SIG_IGN);
	a = open("dir/b", O_RDONLY);
	result("lease read", fcntl(a, F_SETLEASE, F_RDLCK));
	result("lease get", fcntl(a, F_GETLEASE));
	result("lease broken by nonblock", open("dir/b", O_WRONLY | O_NONBLOCK));
	result("lease un", fcntl(a, F_SETLEASE, F_UNLCK));
	result("lease write of rdonly", fcntl(a, F_SETLEASE, F_WRLCK));
	close(a);
	a = open("dir/b", O_RDWR);
	result("lease write", fcntl(a, F_SETLEASE, F_WRLCK));
	result("lease broken by reading", open("dir/b", O_RDONLY | O_NONBLOCK));
	result("lease broken: get", fcntl(a, F_GETLEASE));
	result("lease broken: un", fcntl(a, F_SETLEASE, F_UNLCK));
	close(a);
	result("dnotify", fcntl(a = open("dir", O_RDONLY), F_NOTIFY, DN_CREATE));
	close(a);
}

static void descriptors(void)
{
	int fd = open("file", O_RDONLY), other, memory;
	char text[64];
	ssize_t n;

	result("dup3 same", syscall(SYS_dup3, fd, fd, 0));
	result("dup3 bad flags", syscall(SYS_dup3, fd, 100, 1));
	result("dup3", syscall(SYS_dup3, fd, 100, O_CLOEXEC));
	result("dup3: cloexec", fcntl(100, F_GETFD));
	result("dup3 bad", syscall(SYS_dup3, 9999, 101, 0));
	other = fcntl(fd, F_DUPFD_CLOEXEC, 50);
	result("dupfd", other >= 50 ? 0 : -1);
	lseek(fd, 3, SEEK_SET);
	result("shared offset", lseek(other, 0, SEEK_CUR));
	result("close_range", syscall(SYS_close_range, 50, 110, 0));
	result("close_range: closed", fcntl(other, F_GETFD));
	result("close_range cloexec", syscall(SYS_close_range, fd, fd, 4));
	result("close_range cloexec: set", fcntl(fd, F_GETFD));
	result("close_range reversed", syscall(SYS_close_range, 10, 9, 0));
	result("close_range flags", syscall(SYS_close_range, 10, 11, 64));
	close(fd);
	memory = memfd_create("conform", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	result("memfd: write", write(memory, "mem", 3));
	snprintf(text, sizeof(text), "/proc/self/fd/%d", memory);
	fd = opened("memfd: reopened", open(text, O_RDONLY));
	result("memfd: read", read(fd, text, 10));
	close(fd);
	result("memfd: seal", fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE));
	result("memfd: sealed", write(memory, "x", 1));
	result("memfd: fchmod", fchmod(memory, 0600));
	struct stat st;
	fstat(memory, &st);
	observe("memfd: fstat", "%o %ld", st.st_mode, (long)st.st_size);
	snprintf(text, sizeof(text), "/proc/self/fd/%d", memory);
	char link[64];
	n = readlink(text, link, sizeof(link));
	observe("memfd: its name", "%.*s", (int)(n < 0 ? 0 : n), link);
	close(memory);
}

static void running(void)
{
	char *const argv[] = { (char *)"sleeper", (char *)"30", NULL };
	pid_t pid;
	int in, out;
	char buf[65536];
	ssize_t n;

	/* a program of the tree's own */
	in = open("/bin/sleep", O_RDONLY);
	out = open("sleeper", O_CREAT | O_WRONLY, 0755);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			exit(1);
	close(in);
	fflush(stdout);
	/* it is open for writing */
	pid = fork();
	if (pid == 0) {
		execl("./sleeper", "sleeper", "0", NULL);
		_exit(errno == ETXTBSY ? 1 : 2);
	}
	waitpid(pid, &in, 0);
	result("exec of what is written", WEXITSTATUS(in));
	close(out);
	int started[2];
	if (pipe2(started, O_CLOEXEC) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		execv("./sleeper", argv);
		_exit(2);
	}
	close(started[1]);
	read(started[0], buf, 1); /* closed by exec */
	close(started[0]);
	opens("running: open for writing", open("sleeper", O_WRONLY));
	opens("running: open with truncation", open("sleeper", O_RDONLY | O_TRUNC));
	result("running: truncate", truncate("sleeper", 0));
	opens("running: open for reading", open("sleeper", O_RDONLY));
	result("running: rename", rename("sleeper", "sleeper2"));
	result("running: chmod", chmod("sleeper2", 0700));
	result("running: unlink", unlink("sleeper2"));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void run(void)
{
	copies();
	maps();
	together();
	locks();
	descriptors();
	running();
}
