/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filter: what it does with each system call, by an interpreter of its program, against the table; and some of it
 * by the kernel itself.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../monitor/syscall/numbers.h"
#include "../../monitor/syscall/filter.h"
#include "../../monitor/syscall/table.h"

#define COOKIE UINT64_C(0x123456789abcdef0)
#define CARRIER 10
#define ALL_CLASSES 0x3ffu
#define NOTIFY SECCOMP_RET_USER_NOTIF
#define ALLOW SECCOMP_RET_ALLOW
#define ENOSYS_ SECCOMP_RET_ERRNO | ENOSYS

static struct sock_fprog prog;
static bool loaded_args; /* the last run has looked at an argument */

/* Run the program as seccomp does.  Anything that seccomp_check_filter() would not let pass is a failure. */
static uint32_t run(const struct seccomp_data *data)
{
	uint32_t a = 0, word;

	loaded_args = false;
	for (unsigned pc = 0; pc < prog.len; pc++) {
		const struct sock_filter *in = &prog.filter[pc];
		bool yes;

		switch (in->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			ck_assert(in->k % 4 == 0 && in->k + 4 <= sizeof(*data));
			if (in->k >= offsetof(struct seccomp_data, instruction_pointer))
				loaded_args = true;
			memcpy(&word, (const char *)data + in->k, sizeof(word));
			a = word;
			continue;
		case BPF_RET | BPF_K:
			return in->k;
		case BPF_JMP | BPF_JA | BPF_K:
			ck_assert_uint_lt(in->k, prog.len - pc - 1);
			pc += in->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == in->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= in->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			yes = (a & in->k) != 0;
			break;
		default:
			ck_abort_msg("instruction %u: code %#x", pc, in->code);
		}
		pc += yes ? in->jt : in->jf;
	}
	ck_abort_msg("ran off the end");
	return 0;
}

static uint32_t run_call(int nr, const uint64_t args[6])
{
	struct seccomp_data data = { .nr = nr, .arch = ARCH_AUDIT, .instruction_pointer = 0x1000 };

	memcpy(data.args, args, sizeof(data.args));
	return run(&data);
}

static void build(uint32_t classes, bool secure, int carrier)
{
	struct filter_config config = { .classes = classes, .cookie = COOKIE, .carrier = carrier, .secure = secure };

	filter_free(&prog);
	ck_assert_int_eq(filter_build(&prog, &config), 0);
	ck_assert_uint_gt(prog.len, 10);
	ck_assert_uint_le(prog.len, BPF_MAXINSNS);
	ck_assert_uint_eq(prog.filter[0].code, BPF_LD | BPF_W | BPF_ABS);
	ck_assert_uint_eq(prog.filter[0].k, offsetof(struct seccomp_data, arch));
	/* every jump stays inside */
	for (unsigned pc = 0; pc < prog.len; pc++)
		if (BPF_CLASS(prog.filter[pc].code) == BPF_JMP && BPF_OP(prog.filter[pc].code) != BPF_JA)
			ck_assert(pc + 1 + prog.filter[pc].jt < prog.len && pc + 1 + prog.filter[pc].jf < prog.len);
}

/* The table's meaning, said once more in another way. */
static bool holds(const struct um_syscall *row, const struct um_when *when, const uint64_t args[6], int carrier)
{
	uint64_t arg = args[when->arg], value = when->value;

	if (value == UM_CARRIER)
		value = (uint32_t)carrier;
	if (!um_arg_wide(row->args[when->arg])) {
		arg = (uint32_t)arg;
		value = (uint32_t)value;
	}
	switch (when->test) {
	case UM_IF_EQ:
		return arg == value;
	case UM_IF_NE:
		return arg != value;
	case UM_IF_ANY:
		return (arg & value) != 0;
	case UM_IF_NONE:
		return (arg & value) == 0;
	default:
		return true;
	}
}

static uint32_t expected(const struct um_syscall *row, const uint64_t args[6], uint32_t classes, bool secure,
			 int carrier)
{
	if (!row)
		return secure ? ENOSYS_ : ALLOW;
	if (row->cls == UM_CLASS_NEVER)
		return ALLOW;
	if (row->cls == UM_CLASS_OUT && !secure)
		return ALLOW;
	if (row->deny)
		return SECCOMP_RET_ERRNO | row->deny;
	if (secure && strcmp(row->name, "clone3") == 0)
		return ENOSYS_;
	if (row->cls != UM_CLASS_PROC && row->cls != UM_CLASS_OUT && !(classes >> row->cls & 1))
		return ALLOW;
	if (secure && row->wide)
		return args[5] == COOKIE && um_syscall_nargs(row) < 6 ? ALLOW : NOTIFY;
	if (row->when[1].or ? !holds(row, &row->when[0], args, carrier) && !holds(row, &row->when[1], args, carrier) :
			      !holds(row, &row->when[0], args, carrier) || !holds(row, &row->when[1], args, carrier))
		return ALLOW;
	return args[5] == COOKIE && um_syscall_nargs(row) < 6 ? ALLOW : NOTIFY;
}

/* Values that make a difference somewhere: conditions of the table, their neighbours, garbage in upper halves. */
static const uint64_t values[] = {
	0, 1, 2, 15, 16, 17, 10, 9, 11, 0x20, 0x22, 0x12, 0x80, 0x10000000, 0x20000000, 0x00020000, 0x7c020000,
	0x53564d41, 0x4206, 0x4200, UINT64_C(0x100004206), UINT64_C(0x100000000), UINT64_C(0x10000000a),
	UINT64_C(0xffffffff0000000a), UINT64_C(0x100000011), UINT64_C(0x10000000f),
	UINT64_C(0x2000000000000020), UINT64_MAX, UINT64_MAX - 99, 0x7fffffff, 0xffffffff
};
#define NVALUES (sizeof(values) / sizeof(values[0]))

static void check_number(int nr, uint32_t classes, bool secure, int carrier)
{
	static const uint64_t last[] = { 0, COOKIE, COOKIE + 1, COOKIE ^ (UINT64_C(1) << 40), (uint32_t)COOKIE };
	const struct um_syscall *row = um_syscall_row(nr);
	bool conditional = row && row->when[0].test != UM_ALWAYS;
	uint64_t args[6] = { 0 };
	uint32_t got;

	for (size_t k = 0; k < sizeof(last) / sizeof(last[0]); k++)
		for (size_t i = 0; i < (conditional ? NVALUES * NVALUES : NVALUES); i++) {
			for (unsigned arg = 0; arg < 5; arg++)
				args[arg] = values[(arg % 2 ? i % NVALUES + arg : i / NVALUES + arg) % NVALUES];
			args[0] = values[i / NVALUES];
			args[1] = values[(i / NVALUES + i % NVALUES) % NVALUES];
			args[2] = values[i % NVALUES];
			args[3] = values[i % NVALUES];
			args[4] = values[i / NVALUES];
			args[5] = last[k];
			got = run_call(nr, args);
			if (got != expected(row, args, classes, secure, carrier))
				ck_abort_msg("%s (%d): got %#x, %#lx %#lx %#lx %#lx %#lx %#lx", row ? row->name : "?",
					     nr, got, args[0], args[1], args[2], args[3], args[4], args[5]);
			if (!row || row->cls == UM_CLASS_NEVER || row->deny)
				ck_assert_msg(!loaded_args, "%d: arguments loaded for nothing", nr);
			/* what depends on the number alone needs no more tries */
			if (!loaded_args)
				return;
		}
}

static void check_all(uint32_t classes, bool secure, int carrier)
{
	build(classes, secure, carrier);
	for (int nr = 0; nr <= 600; nr++)
		check_number(nr, classes, secure, carrier);
	for (int nr = UM_CTL_NR - 2; nr <= UM_CTL_NR + 2; nr++)
		check_number(nr, classes, secure, carrier);
	check_number(0x3fffffff, classes, secure, carrier);
}

START_TEST(all_classes)
{
	check_all(ALL_CLASSES, false, CARRIER);
	printf("all classes: %u instructions\n", prog.len);
}
END_TEST

START_TEST(no_classes)
{
	check_all(0, false, CARRIER);
	check_all(0, false, RLIMIT_RTTIME);
}
END_TEST

START_TEST(secure_mode)
{
	check_all(ALL_CLASSES, true, CARRIER);
	check_all(UM_CLASS_BIT(UM_CLASS_PATH), true, CARRIER);
}
END_TEST

START_TEST(each_class)
{
	for (int c = UM_CLASS_PATH; c <= UM_CLASS_DENY; c++)
		check_all(UM_CLASS_BIT(c), false, CARRIER);
}
END_TEST

START_TEST(no_carrier)
{
	uint64_t args[6] = { 0 };

	build(ALL_CLASSES, false, -1);
	for (uint64_t r = 0; r < 20; r++) {
		args[0] = r;
		ck_assert_uint_eq(run_call(__NR_getrlimit, args), ALLOW);
		args[0] = 0;
		args[1] = r;
		ck_assert_uint_eq(run_call(__NR_prlimit64, args), ALLOW);
	}
	args[1] = UINT64_MAX;
	ck_assert_uint_eq(run_call(__NR_prlimit64, args), ALLOW);
	args[0] = 1;
	ck_assert_uint_eq(run_call(__NR_prlimit64, args), NOTIFY);
}
END_TEST

/* Nothing but the view's own architecture. */
START_TEST(architectures)
{
	struct seccomp_data data = { .nr = __NR_getpid, .arch = ARCH_AUDIT };

	build(ALL_CLASSES, false, CARRIER);
	ck_assert_uint_eq(run(&data), ALLOW);
	data.arch = AUDIT_ARCH_I386;
	for (data.nr = 0; data.nr < 500; data.nr++)
		ck_assert_uint_eq(run(&data), ENOSYS_);
	data.arch = ARCH_AUDIT;
	for (data.nr = 0x40000000; data.nr < 0x40000400; data.nr++)
		ck_assert_uint_eq(run(&data), ENOSYS_);
	data.nr = -1;
	ck_assert_uint_eq(run(&data), ENOSYS_);
}
END_TEST

/* Without a cookie no call passes because of its sixth argument. */
START_TEST(no_cookie)
{
	struct filter_config config = { .classes = ALL_CLASSES, .carrier = CARRIER };
	uint64_t args[6] = { 0 };

	filter_free(&prog);
	ck_assert_int_eq(filter_build(&prog, &config), 0);
	ck_assert_uint_eq(run_call(__NR_openat, args), NOTIFY);
	ck_assert(!loaded_args);
	args[5] = COOKIE;
	ck_assert_uint_eq(run_call(__NR_openat, args), NOTIFY);
}
END_TEST

/* Some cases in words, not through the table. */
START_TEST(cases)
{
	uint64_t a[6] = { 0 };

	build(ALL_CLASSES, false, CARRIER);
	a[3] = MAP_PRIVATE | MAP_ANONYMOUS;
	ck_assert_uint_eq(run_call(__NR_mmap, a), ALLOW);
	a[3] = MAP_PRIVATE;
	ck_assert_uint_eq(run_call(__NR_mmap, a), NOTIFY);
	a[5] = COOKIE; /* an offset */
	ck_assert_uint_eq(run_call(__NR_mmap, a), NOTIFY);
	memset(a, 0, sizeof(a));
	ck_assert_uint_eq(run_call(__NR_sendto, a), ALLOW);
	a[4] = UINT64_C(0x700000000000); /* the lower half is 0 */
	ck_assert_uint_eq(run_call(__NR_sendto, a), NOTIFY);
	a[0] = SIGCHLD | CLONE_VM | CLONE_VFORK;
	ck_assert_uint_eq(run_call(__NR_clone, a), ALLOW);
	a[0] = SIGCHLD | CLONE_NEWUSER;
	ck_assert_uint_eq(run_call(__NR_clone, a), NOTIFY);
	a[0] = CLONE_FS | CLONE_FILES;
	ck_assert_uint_eq(run_call(__NR_unshare, a), ALLOW);
	a[0] = CLONE_NEWNS;
	ck_assert_uint_eq(run_call(__NR_unshare, a), NOTIFY);
	a[0] = PR_SET_NAME;
	ck_assert_uint_eq(run_call(__NR_prctl, a), ALLOW);
	a[0] = PR_SET_NAME | UINT64_C(0xdead00000000); /* an int: the upper half does not count */
	ck_assert_uint_eq(run_call(__NR_prctl, a), ALLOW);
	a[0] = PR_SET_DUMPABLE;
	ck_assert_uint_eq(run_call(__NR_prctl, a), NOTIFY);
	a[0] = 3, a[1] = SOL_SOCKET, a[2] = SO_PEERCRED;
	ck_assert_uint_eq(run_call(__NR_getsockopt, a), NOTIFY);
	a[2] = 59; /* SO_PEERGROUPS */
	ck_assert_uint_eq(run_call(__NR_getsockopt, a), NOTIFY);
	a[2] = 77; /* SO_PEERPIDFD */
	ck_assert_uint_eq(run_call(__NR_getsockopt, a), NOTIFY);
	a[2] = SO_ERROR;
	ck_assert_uint_eq(run_call(__NR_getsockopt, a), ALLOW);
	a[2] = SO_TYPE;
	ck_assert_uint_eq(run_call(__NR_getsockopt, a), ALLOW);
	a[0] = 0, a[1] = RLIMIT_NOFILE;
	ck_assert_uint_eq(run_call(__NR_prlimit64, a), ALLOW);
	a[1] = CARRIER | UINT64_C(0x100000000);
	ck_assert_uint_eq(run_call(__NR_prlimit64, a), NOTIFY);
	for (uint64_t request = 0; request < 0x5000; request++) {
		a[0] = request;
		if (request == 16 /* ATTACH */ || request == 0x4206 /* SEIZE */)
			ck_assert_uint_eq(run_call(__NR_ptrace, a), NOTIFY);
		/* TRACEME, PEEKTEXT, POKETEXT, CONT, GETREGS, SYSCALL, SETOPTIONS, GETREGSET, GET_SYSCALL_INFO */
		if (request <= 1 || request == 4 || request == 7 || request == 12 || request == 24 ||
		    request == 0x4200 || request == 0x4204 || request == 0x420e)
			ck_assert_uint_eq(run_call(__NR_ptrace, a), ALLOW);
	}
	ck_assert_uint_eq(run_call(__NR_io_uring_setup, a), ENOSYS_);
	ck_assert_uint_eq(run_call(__NR_clone3, a), NOTIFY);
	ck_assert_uint_eq(run_call(UM_CTL_NR, a), NOTIFY);
	build(0, true, CARRIER);
	ck_assert_uint_eq(run_call(__NR_clone3, a), ENOSYS_);
	ck_assert_uint_eq(run_call(999, a), ENOSYS_);
	ck_assert_uint_eq(run_call(__NR_openat, a), ALLOW);
	ck_assert_uint_eq(run_call(UM_CTL_NR, a), NOTIFY);
}
END_TEST

/* Configurations of all kinds fit a filter. */
START_TEST(sizes)
{
	for (uint32_t classes = 0; classes <= ALL_CLASSES; classes += 3)
		for (int secure = 0; secure < 2; secure++)
			build(classes, secure, CARRIER);
}
END_TEST

/* A child under the filter, with the class PATH only.  Results of its calls are written to @out. */
static void kernel_child(int out, int go)
{
	long r[6];
	char c;
	int listener;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(2);
	listener = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
	if (listener < 0)
		listener = -errno;
	if (write(out, &listener, sizeof(listener)) != sizeof(listener) || listener < 0 || read(go, &c, 1) != 1)
		_exit(3);
	r[0] = syscall(__NR_openat, AT_FDCWD, "/nowhere", O_RDONLY, 0); /* trapped; answered 4711 */
	r[1] = syscall(__NR_openat, AT_FDCWD, "/", O_RDONLY, 0, 0, COOKIE) >= 0;
	r[2] = syscall(__NR_io_uring_setup, 1, 0) < 0 ? errno : 0;
	r[3] = syscall(0x40000000 | __NR_getpid) < 0 ? errno : 0;
	r[4] = syscall(__NR_getuid) == getuid();
#ifdef __x86_64__
	__asm__ volatile("int $0x80" : "=a"(r[5]) : "a"(20 /* getpid */) : "memory", "r8", "r9", "r10", "r11");
#else
	r[5] = -ENOSYS;
#endif
	if (write(out, r, sizeof(r)) != sizeof(r))
		_exit(4);
	_exit(0);
}

/* Take the listener from the child and answer its one call.  Returns false where the kernel or a policy refuses. */
static bool serve_one(pid_t pid, int child_listener, int go)
{
	struct seccomp_notif req = { 0 };
	struct seccomp_notif_resp resp = { 0 };
	int pidfd = syscall(__NR_pidfd_open, pid, 0);
	int fd = pidfd < 0 ? -1 : (int)syscall(__NR_pidfd_getfd, pidfd, child_listener, 0);

	if (fd < 0)
		return false;
	ck_assert_int_eq(write(go, "", 1), 1);
	ck_assert_int_eq(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &req), 0);
	ck_assert_int_eq(req.data.nr, __NR_openat);
	ck_assert_int_eq(req.pid, pid);
	resp.id = req.id;
	resp.val = 4711;
	ck_assert_int_eq(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &resp), 0);
	close(fd);
	close(pidfd);
	return true;
}

START_TEST(kernel)
{
	int out[2], go[2], listener = -1, status;
	long r[6];
	pid_t pid;

	build(UM_CLASS_BIT(UM_CLASS_PATH), false, CARRIER);
	ck_assert_int_eq(pipe(out), 0);
	ck_assert_int_eq(pipe(go), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		kernel_child(out[1], go[0]);
	close(out[1]);
	ck_assert_int_eq(read(out[0], &listener, sizeof(listener)), sizeof(listener));
	ck_assert_msg(listener >= 0 || listener == -EBUSY || listener == -EPERM || listener == -ENOSYS,
		      "the kernel refuses the filter: %s", strerror(-listener));
	if (listener < 0 || !serve_one(pid, listener, go[1])) {
		fprintf(stderr, "not tried: no seccomp listener can be had here (%d)\n", listener);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return;
	}
	ck_assert_int_eq(read(out[0], r, sizeof(r)), sizeof(r));
	ck_assert_int_eq(r[0], 4711);
	ck_assert_int_eq(r[1], 1);
	ck_assert_int_eq(r[2], ENOSYS);
	ck_assert_int_eq(r[3], ENOSYS);
	ck_assert_int_eq(r[4], 1);
	ck_assert_int_eq(r[5], -ENOSYS);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("filter");
	TCase *tc = tcase_create("filter");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, all_classes);
	tcase_add_test(tc, no_classes);
	tcase_add_test(tc, secure_mode);
	tcase_add_test(tc, each_class);
	tcase_add_test(tc, no_carrier);
	tcase_add_test(tc, architectures);
	tcase_add_test(tc, no_cookie);
	tcase_add_test(tc, cases);
	tcase_add_test(tc, sizes);
	tcase_add_test(tc, kernel);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	filter_free(&prog);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
