// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random system calls with hostile arguments.
 *
 *	calls compare SEED COUNT	one after the other; prints "N NAME(ARGUMENTS) RESULT", the same with the same seed
 *	calls storm SEED MILLISECONDS	in children with threads, whose memory and descriptors other threads change meanwhile
 *
 * The rows of the system call table say what arguments a call has.  Each lies in a slot of its own, with a page behind it
 * that cannot be touched: strings without an end, and structures of which a part is missing, are laid against that.  What
 * could do something to others natively (signals, priorities, IPC objects, keys) is not called, or with the process itself
 * for a target.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "monitor/syscall/rows.h"

#define UM_ROW(number, string, operation, ...) { .nr = (number), .name = (string), __VA_ARGS__ },
static const struct um_syscall rows[] = {
#include "monitor/syscall/rows-files.def"
#include "monitor/syscall/rows-process.def"
#include "monitor/syscall/rows-system.def"
};
#define NROWS (sizeof(rows) / sizeof(rows[0]))

#define NUMBERS 480
#define PAGE 4096
#define SLOT (3 * PAGE)
#define FIRST_FD 10
#define THREADS 4
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define PICK(r, a) ((a)[below((r), COUNT_OF(a))])

/* Never: they act on others, end this process, or take its memory away.  */
static const char *const never[] = {
	"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal", "setpriority", "ioprio_set",
	"keyctl", "add_key", "request_key", "shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget",
	"msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "ptrace", "bpf", "perf_event_open", "userfaultfd", "syslog",
	"reboot", "process_vm_writev", "process_madvise", "process_mrelease", "setpgid", "mmap",
};
/* Not compared: a view has them where an ordinary user does not, or they make the process another one. */
static const char *const alone[] = {
	"chroot", "mount", "umount2", "unshare", "clone", "clone3", "setns", "seccomp", "prctl", "um_ctl", "execve", "execveat",
	"setgroups", "capset", "name_to_handle_at", "open_by_handle_at", "quotactl", "quotactl_fd",
	"migrate_pages", "file_setattr",
	"fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "open_tree_attr", "move_mount", "mount_setattr", "statmount",
	"listmount", "pivot_root",
	"adjtimex", "clock_adjtime", /* what lies in the structure, and that may be an address */
};

/* Seldom: they are often the end of the process, or of all that it could do. */
static const char *const ending[] = { "chroot", "clone", "clone3", "unshare", "seccomp", "prctl", "execve", "execveat", "mount" };

struct random {
	uint64_t state;
};

static uint64_t next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t below(struct random *r, uint64_t n)
{
	return next(r) % n;
}

static bool chance(struct random *r, unsigned percent)
{
	return below(r, 100) < percent;
}

static bool is_one_of(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

/* --- memory ----------------------------------------------------------------------------------------------------------- */

/* What the arguments of one thread lie in. */
struct memory {
	char *slot[6];
	char *readonly, *none;
};

static void memory_make(struct memory *m)
{
	size_t size = 6 * (SLOT + PAGE) + 2 * PAGE;
	/* a fixed address: pointers are read as numbers, too */
	char *p = mmap((void *)0x100000000000, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(2);
	for (int i = 0; i < 6; i++, p += SLOT + PAGE) {
		m->slot[i] = p;
		mprotect(p + SLOT, PAGE, PROT_NONE);
	}
	m->readonly = p;
	mprotect(p, PAGE, PROT_READ);
	m->none = p + PAGE;
	munmap(p + PAGE, PAGE);
}

/* An address where nothing good is. */
static uint64_t bad_address(struct random *r, const struct memory *m)
{
	uint64_t bad[] = { 0, 1, (uintptr_t)m->none, (uintptr_t)m->readonly, UINT64_MAX, UINT64_C(0x800000000000),
			   UINT64_C(0xffff800000000000), (uintptr_t)m->slot[0] + SLOT, (uintptr_t)m->slot[5] + SLOT - 1 };

	return PICK(r, bad);
}

static const char *const paths[] = {
	"a", "b", "c", "d", "d/a", "d/b", "e", "d/link", "link", "loop", "dangling", "a/b", ".", "d/..//./a", "", "d/", "d/../a",
	"d/e/f/g", "nothing/a", "\xff\xfe", "new", "d/new", "socket",
#define TREE_PATHS 23 /* those before */
	"/proc/self/fd/10", "/proc/self/fd/12", "/proc/self/cwd/a", "/proc/self/none", "/dev/null", "/proc/self/maps",
	"/proc/self/fd/999", "/dev/fd/11",
};
static const char *const names[] = { "user.a", "user.", "user.umview.origin", "security.x", "system.posix_acl_access", "trusted.x",
				     "user.containers.override_stat", "nothing", "" };

/* A string in the slot; its address. */
static uint64_t put_string(struct random *r, const struct memory *m, const struct um_syscall *row, int i, const char *text)
{
	size_t n = strlen(text) + 1, at = below(r, 64);
	static const size_t lengths[] = { 255, 256, 4094, 4095, 4096, 4097, 8191 };

	if (chance(r, 6)) /* no end */
		return (uintptr_t)memset(m->slot[i] + SLOT - 300, 'x', 300);
	if (chance(r, 6) && row->path2 < 0 && row->fd < 0) {
		n = PICK(r, lengths);
		memset(m->slot[i], chance(r, 50) ? '/' : 'n', n);
		m->slot[i][n] = '\0';
		return (uintptr_t)m->slot[i];
	}
	if (chance(r, 20))
		at = SLOT - n;
	memcpy(m->slot[i] + at, text, n);
	return (uintptr_t)m->slot[i] + at;
}

/* Words that may be anything: flags, lengths, pointers; now and then with the end missing. */
static uint64_t put_words(struct random *r, const struct memory *m, int i)
{
	size_t n = 1 + below(r, 16);
	uint64_t *w = (uint64_t *)(m->slot[i] + (chance(r, 25) ? SLOT - n * 8 : below(r, 16) * 8));

	for (size_t k = 0; k < n; k++) {
		uint64_t kinds[] = { 0, 0, 0, below(r, 17), UINT64_C(1) << below(r, 64), next(r), UINT64_MAX,
				     (uintptr_t)m->slot[i] + below(r, SLOT), (uintptr_t)m->slot[(i + 1) % 6],
				     bad_address(r, m), below(r, 65) << 32 | below(r, 300) };

		w[k] = PICK(r, kinds);
	}
	return (uintptr_t)w;
}

static uint64_t put_address(struct random *r, const struct memory *m, int i)
{
	struct sockaddr_un *un = (void *)m->slot[i];
	struct sockaddr_in *in = (void *)m->slot[i];

	memset(un, 0, sizeof(*un));
	switch (below(r, 5)) {
	case 0:
		in->sin_family = AF_INET;
		in->sin_port = htons(9);
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		break;
	case 1:
		un->sun_family = (sa_family_t)below(r, 48);
		break;
	case 2:
		un->sun_family = AF_UNIX;
		memset(un->sun_path, 'p', sizeof(un->sun_path));
		break;
	default:
		un->sun_family = AF_UNIX;
		strcpy(un->sun_path, chance(r, 50) ? "socket" : "nobody");
	}
	return (uintptr_t)un;
}

/* A message: its parts in the slots behind. */
static uint64_t put_message(struct random *r, const struct memory *m, int i)
{
	static const size_t lengths[] = { 0, 1, 8, 100, 5000, 1 << 20, (size_t)1 << 31, SIZE_MAX, (size_t)1 << 40 };
	struct msghdr *h = (void *)(m->slot[i] + (chance(r, 15) ? SLOT - 24 : 0));
	struct msghdr msg = { 0 };
	struct iovec *iov = (void *)m->slot[(i + 1) % 6];
	struct cmsghdr *c = (void *)m->slot[(i + 2) % 6];

	if (chance(r, 30)) {
		msg.msg_name = (void *)put_address(r, m, (i + 3) % 6);
		msg.msg_namelen = chance(r, 70) ? sizeof(struct sockaddr_un) : (socklen_t)next(r);
	}
	msg.msg_iov = iov;
	msg.msg_iovlen = chance(r, 80) ? below(r, 4) : PICK(r, lengths);
	for (int k = 0; k < 4; k++) {
		iov[k].iov_base = chance(r, 90) ? m->slot[(i + 3) % 6] : (void *)bad_address(r, m);
		iov[k].iov_len = chance(r, 70) ? below(r, 200) : PICK(r, lengths);
	}
	if (chance(r, 50)) {
		msg.msg_control = c;
		msg.msg_controllen = chance(r, 80) ? CMSG_SPACE(below(r, 5) * 4) : PICK(r, lengths);
		*c = (struct cmsghdr){ CMSG_LEN(below(r, 5) * 4), SOL_SOCKET, 1 + (int)below(r, 3) };
		if (chance(r, 20))
			c->cmsg_len = PICK(r, lengths);
		for (int k = 0; k < 5; k++)
			((int *)CMSG_DATA(c))[k] = FIRST_FD + (int)below(r, 12);
	}
	memcpy(h, &msg, (char *)h == m->slot[i] ? sizeof(msg) : 24);
	return (uintptr_t)h;
}

/* --- arguments -------------------------------------------------------------------------------------------------------- */

static const uint64_t sizes[] = { 0, 1, 2, 8, 16, 24, 56, 88, 100, 255, 256, 4095, 4096, 4097, 65536, 65537, UINT64_C(0x7fffffff),
				  UINT64_C(0x80000000), UINT64_C(0xffffffff), UINT64_C(0x100000000), INT64_MAX, UINT64_MAX };
static const uint64_t flags[] = { 0, 0, 0, 1, 2, 4, 8, 0x100, 0x200, 0x400, 0x1000, 0x800, 0x2000, 0x80, 0x40, 0x80000, 0x7fffffff,
				  0xffffffff, UINT64_C(0x100000000) };
static const uint64_t fds[] = { (uint64_t)AT_FDCWD, (uint64_t)AT_FDCWD, 10, 11, 12, 12, 13, 14, 15, 16, 17, 18, 19, 20, 0, 999,
				UINT64_MAX, 0x7fffffff, UINT64_C(0x10000000a) };

static uint64_t number(struct random *r, const struct um_syscall *row, int i)
{
	static const uint64_t opens[] = { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT | O_RDWR, O_CREAT | O_EXCL | O_WRONLY, O_TRUNC | O_WRONLY,
					  O_DIRECTORY, O_PATH, O_PATH | O_NOFOLLOW, O_TMPFILE | O_RDWR, O_APPEND | O_WRONLY, 3,
					  O_NOFOLLOW, O_RDWR | O_DIRECT, O_CREAT | O_DIRECTORY };

	switch (row->args[i]) {
	case UM_A_FD: /* since 6.13 some take the working directory's number */
		return fds[2 + below(r, COUNT_OF(fds) - 2)];
	case UM_A_DIRFD:
		return PICK(r, fds);
	case UM_A_OPEN_FLAGS:
		return PICK(r, opens) | O_NONBLOCK | O_NOCTTY;
	case UM_A_PID:
		return chance(r, 50) ? 0 : chance(r, 50) ? (uint64_t)getpid() : 0x7ffffffe;
	case UM_A_MODE:
		return (next(r) & (chance(r, 90) ? 07777 : 0177777)) | 0700;
	case UM_A_UID:
	case UM_A_GID:
		return chance(r, 60) ? getuid() : chance(r, 50) ? UINT64_MAX : below(r, 70000);
	case UM_A_RESOURCE:
		return 10; /* RLIMIT_LOCKS */
	case UM_A_FAMILY:
		return below(r, 48);
	case UM_A_SIZE:
	case UM_A_UINT:
	case UM_A_OFF:
		return chance(r, 60) ? 8 + below(r, 300) : PICK(r, sizes);
	default:
		return chance(r, 80) ? PICK(r, flags) | (chance(r, 20) ? PICK(r, flags) : 0) : next(r) & 0xffff;
	}
}

static bool is_pointer(const struct um_syscall *row, int i)
{
	switch (row->args[i]) {
	case UM_A_PTR:
	case UM_A_PATH:
	case UM_A_STR:
	case UM_A_BUF:
	case UM_A_SOCKADDR:
	case UM_A_ARGV:
	case UM_A_OPEN_HOW:
		return true;
	case UM_A_HEX: /* the payload of these */
		return i == 2 && (row->nr == SYS_ioctl || row->nr == SYS_fcntl);
	}
	return false;
}

static uint64_t pointer(struct random *r, const struct memory *m, const struct um_syscall *row, int i)
{
	if (row->nr == SYS_sendto && i == 1) /* what is wrong with the data is found before, or after, the address */
		return (uintptr_t)m->slot[i];
	if (chance(r, 7))
		return bad_address(r, m);
	if (i == 1 && (row->nr == SYS_sendmsg || row->nr == SYS_recvmsg || row->nr == SYS_sendmmsg || row->nr == SYS_recvmmsg))
		return put_message(r, m, i);
	switch (row->args[i]) {
	case UM_A_PATH: /* between file systems, which a view has fewer of, there are no links and renames */
		return put_string(r, m, row, i, row->path2 < 0 ? PICK(r, paths) : paths[below(r, TREE_PATHS)]);
	case UM_A_STR:
		return put_string(r, m, row, i, chance(r, 80) ? PICK(r, names) : PICK(r, paths));
	case UM_A_SOCKADDR:
		return put_address(r, m, i);
	default:
		return put_words(r, m, i);
	}
}

static void arguments(struct random *r, const struct memory *m, const struct um_syscall *row, uint64_t args[6])
{
	static const uint64_t requests[] = { 0x80086601, 0x801c581f, 0x5401, 0x541b, 0x5421, 0x40049409,
					     0x2, 0xc020660b, 0x8901, 0x5450, 0x5451 };

	memset(args, 0, 6 * sizeof(args[0]));
	for (int i = 0; i < 6 && row->args[i] != UM_A_NONE; i++)
		args[i] = is_pointer(row, i) ? pointer(r, m, row, i) : number(r, row, i);
	if (row->nr == SYS_ioctl)
		args[1] = PICK(r, requests);
	if (row->nr == SYS_fcntl) /* F_SETOWN and its kin would name others */
		args[1] = F_GETOWN;
	if (row->nr == SYS_socket) /* no door to services of the kernel's that others use */
		args[1] &= 0x80f;
	if (row->nr == SYS_sendmmsg || row->nr == SYS_recvmmsg)
		args[2] = below(r, 4);
	if (row->nr == SYS_recvmsg || row->nr == SYS_recvmmsg || row->nr == SYS_sendmsg || row->nr == SYS_sendmmsg || row->nr == SYS_sendto) {
		int at = row->nr == SYS_recvmsg || row->nr == SYS_sendmsg ? 2 : 3;

		args[at] = (args[at] & 0xfff) | MSG_DONTWAIT | MSG_NOSIGNAL;
	}
	if (row->nr == SYS_linkat) /* where the privilege that it needs is asked for has changed */
		args[4] &= ~(uint64_t)AT_EMPTY_PATH;
	if (row->nr == SYS_clone)
		args[0] &= ~(uint64_t)(CLONE_VM | CLONE_VFORK | CLONE_SETTLS | CLONE_PARENT); /* else its stack is ours */
	if (row->nr == SYS_prctl)
		args[0] = below(r, 80);
	if (row->nr == SYS_prlimit64 && args[0] != 0)
		args[0] = (uint64_t)getpid();
}

/* --- the process -------------------------------------------------------------------------------------------------------- */

/* Files of known kinds, and descriptors of known numbers. */
static void set_up(void)
{
	int pair[2], n = FIRST_FD;
	struct sockaddr_un un = { AF_UNIX, "socket" };

	if (mkdir("d", 0755) < 0)
		return;
	mkdir("d/e", 0755);
	close(open("a", O_CREAT | O_WRONLY, 0644));
	close(open("d/b", O_CREAT | O_WRONLY, 0600));
	truncate("a", 5000);
	symlink("a", "link");
	symlink("b", "d/link");
	symlink("loop", "loop");
	symlink("nothing", "dangling");
	dup2(open("a", O_RDONLY), n++);
	dup2(open("d/b", O_RDWR), n++);
	dup2(open("d", O_RDONLY | O_DIRECTORY), n++);
	dup2(open("a", O_PATH), n++);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
	dup2(pair[0], n++);
	dup2(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), n++);
	bind(n - 1, (struct sockaddr *)&un, sizeof(un));
	pipe2(pair, O_NONBLOCK);
	dup2(pair[0], n++);
	dup2(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), n++);
	dup2(memfd_create("x", 0), n++);
	dup2(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), n++);
	dup2(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), n++);
	for (int fd = 3; fd < FIRST_FD; fd++)
		close(fd);
	for (int fd = n; fd < n + 20; fd++)
		close(fd);
}

static const struct um_syscall *row_of(int nr)
{
	for (size_t i = 0; i < NROWS; i++)
		if (rows[i].nr == nr)
			return &rows[i];
	return NULL;
}

/* By its number: the order of the rows may change, and a seed should mean the same then. */
static const struct um_syscall *pick_row(struct random *r, bool compared)
{
	for (;;) {
		const struct um_syscall *row = row_of((int)below(r, NUMBERS));

		if (row == NULL)
			continue;
		if (row->cls != UM_CLASS_NEVER && row->cls != UM_CLASS_IO && row->cls != UM_CLASS_DENY &&
		    !is_one_of(row->name, never, COUNT_OF(never)) &&
		    !(compared && is_one_of(row->name, alone, COUNT_OF(alone))) &&
		    !(is_one_of(row->name, ending, COUNT_OF(ending)) && chance(r, 95)))
			return row;
	}
}

static long perform(const struct um_syscall *row, const uint64_t args[6])
{
	long ret = syscall(row->nr, args[0], args[1], args[2], args[3], args[4], args[5]);

	if (ret >= 0 && row->returns == UM_A_FD)
		close((int)ret);
	if (ret == 0 && (row->nr == SYS_clone || row->nr == SYS_clone3))
		_exit(0);
	return ret;
}

/* --- compare ---------------------------------------------------------------------------------------------------------------- */

/* An argument without what differs from run to run. */
static void show(const struct memory *m, const struct um_syscall *row, int i, uint64_t value)
{
	const char *p = (const char *)(uintptr_t)value;

	if (!is_pointer(row, i)) {
		printf("%s%#llx", i ? ", " : "", row->args[i] == UM_A_PID && value != 0 && value != 0x7ffffffe ? 1ull : (unsigned long long)value);
		return;
	}
	for (int k = 0; k < 6; k++) {
		if (p < m->slot[k] || p >= m->slot[k] + SLOT)
			continue;
		if ((row->args[i] == UM_A_PATH || row->args[i] == UM_A_STR) && memchr(p, 0, (size_t)(m->slot[k] + SLOT - p)))
			printf("%s\"%.60s\"", i ? ", " : "", p);
		else
			printf("%sslot%d+%d", i ? ", " : "", k, (int)(p - m->slot[k]));
		return;
	}
	printf("%s%s", i ? ", " : "", p == NULL ? "NULL" : "bad");
}

static int compare(struct random *r, int count)
{
	struct memory m;

	memory_make(&m);
	set_up();
	for (int n = 0; n < count; n++) {
		const struct um_syscall *row = pick_row(r, true);
		uint64_t args[6];
		long ret;

		arguments(r, &m, row, args);
		printf("%d %s(", n, row->name);
		for (int i = 0; i < 6 && row->args[i] != UM_A_NONE; i++)
			show(&m, row, i, args[i]);
		errno = 0;
		ret = perform(row, args);
		printf(") %s\n", ret < 0 ? strerrorname_np(errno) : "ok");
	}
	return 0;
}

/* --- storm ------------------------------------------------------------------------------------------------------------------ */

static struct memory shared;
static volatile bool over;

static void *caller(void *arg)
{
	struct random r = { (uintptr_t)arg };

	while (!over) {
		const struct um_syscall *row = pick_row(&r, false);
		uint64_t args[6];

		arguments(&r, &shared, row, args);
		perform(row, args);
	}
	return NULL;
}

/* What the others have laid down changes, and so do their descriptors. */
static void *changer(void *arg)
{
	struct random r = { (uintptr_t)arg };

	while (!over) {
		char *slot = shared.slot[below(&r, 6)];

		for (int i = 0; i < 100; i++)
			((uint64_t *)slot)[below(&r, SLOT / 8)] ^= UINT64_C(1) << below(&r, 64);
		if (chance(&r, 20))
			dup2(FIRST_FD + (int)below(&r, 11), FIRST_FD + (int)below(&r, 11));
		if (chance(&r, 5))
			madvise(slot, PAGE, MADV_DONTNEED);
		usleep(20);
	}
	return NULL;
}

static void storm_child(uint64_t seed, unsigned milliseconds)
{
	pthread_t threads[THREADS + 1];
	struct timespec t = { milliseconds / 1000, milliseconds % 1000 * 1000000L };

	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	alarm(milliseconds / 1000 + 2); /* what blocks for ever, or is stopped, is ended */
	memory_make(&shared);
	set_up();
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, caller, (void *)(uintptr_t)(seed * 31 + i));
	pthread_create(&threads[THREADS], NULL, changer, (void *)(uintptr_t)(seed * 31 + THREADS));
	nanosleep(&t, NULL);
	over = true;
	_exit(0);
}

/* Has a storm called mount(2) with MS_REMOUNT and MS_RDONLY, as anybody in a view may?  Then the view must say so. */
static bool is_readonly(const char *path)
{
	struct statvfs st;

	return statvfs(path, &st) == 0 && (st.f_flag & ST_RDONLY);
}

/* Children one after the other, each in a directory of its own, as long as one can be made. */
static int storm(struct random *r, int milliseconds)
{
	const unsigned each = 500;

	for (int done = 0; done < milliseconds; done += each) {
		uint64_t seed = next(r);
		char name[] = "storm.XXXXXX";
		struct stat st;
		int status;
		pid_t pid;

		if (mkdtemp(name) == NULL)
			break;
		pid = fork();
		if (pid == 0) {
			setsid();
			if (chdir(name) < 0)
				_exit(2);
			storm_child(seed, each);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0)
			return 1;
		if (stat(name, &st) < 0) {
			perror(name);
			return 1;
		}
	}
	if (open("last", O_CREAT | O_EXCL | O_WRONLY, 0600) < 0 && !(errno == EROFS && is_readonly("."))) {
		perror("last"); /* the monitor has no descriptors left? */
		return 1;
	}
	printf("survived\n");
	return 0;
}

int main(int argc, char **argv)
{
	struct random r = { argc > 2 ? strtoull(argv[2], NULL, 0) : 0 };

	if (argc != 4)
		return 2;
	if (getuid() == 0) {
		fprintf(stderr, "root may do too much\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	return strcmp(argv[1], "compare") == 0 ? compare(&r, atoi(argv[3])) : storm(&r, atoi(argv[3]));
}
