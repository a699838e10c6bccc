/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system call table: complete, sorted, and consistent in itself.
 */
#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../monitor/calls/calls.h"
#include "../../monitor/syscall/numbers.h"

#define FOR_EACH_ROW(row) for (const struct um_syscall *row = um_syscalls; row < um_syscalls + um_nsyscalls; row++)

/* The argument's type, or UM_A_NONE if there is no such argument. */
static enum um_arg kind(const struct um_syscall *row, int arg)
{
	return arg < 0 || arg > 5 ? UM_A_NONE : row->args[arg];
}

START_TEST(sorted_without_gaps)
{
	int last = -1;

	FOR_EACH_ROW(row)
	{
		ck_assert_ptr_nonnull(row->name);
		ck_assert_int_gt(row->nr, last);
		ck_assert_ptr_eq(um_syscall_row(row->nr), row);
		ck_assert_ptr_eq(um_syscall_named(row->name), row);
		last = row->nr;
	}
	ck_assert_int_eq(last, UM_CTL_NR);
	ck_assert_ptr_null(um_syscall_row(-1));
	ck_assert_ptr_null(um_syscall_row(ARCH_NR_OLD_END));
	ck_assert_ptr_null(um_syscall_row(UM_NR_NEW - 1));
	ck_assert_ptr_null(um_syscall_row(UM_NR_NEW_END));
	ck_assert_ptr_null(um_syscall_row(UM_CTL_NR + 1));
	ck_assert_ptr_null(um_syscall_row(UM_CTL_NR - 1));
	ck_assert_ptr_null(um_syscall_row(0x7fffffff));
	ck_assert_ptr_null(um_syscall_row(-0x7fffffff - 1));
	ck_assert_ptr_null(um_syscall_named("no_such_call"));
}
END_TEST

/* What the compiler's headers name: `#define __NR_NAME NUMBER', from cc -E -dM. */
START_TEST(complete)
{
	const char *cc = getenv("CC");
	char command[256], line[512], name[128];
	unsigned found = 0, missing = 0;
	int nr;
	FILE *p;

	snprintf(command, sizeof(command), "echo '#include <asm/unistd.h>' | %s -E -dM -x c -",
		 cc && *cc ? cc : "cc");
	p = popen(command, "r");
	ck_assert_ptr_nonnull(p);
	while (fgets(line, sizeof(line), p)) {
		const struct um_syscall *row;

		if (sscanf(line, "#define __NR_%127s %d", name, &nr) != 2 || strcmp(name, "syscalls") == 0)
			continue;
		found++;
		row = um_syscall_row(nr);
		if (!row || strcmp(row->name, name) != 0) {
			fprintf(stderr, "no row: %s (%d)%s%s\n", name, nr, row ? ", but " : "", row ? row->name : "");
			missing++;
		}
	}
	ck_assert_msg(pclose(p) == 0, "no compiler to read the kernel's headers with: %s", command);
	ck_assert_uint_gt(found, 300);
	ck_assert_uint_eq(missing, 0);
}
END_TEST

/* The newest calls, by number: headers of the build may not have them. */
START_TEST(newest)
{
	static const struct {
		int nr;
		const char *name;
	} calls[] = {
		{ 424, "pidfd_send_signal" }, { 435, "clone3" },	   { 437, "openat2" },
		{ 441, "epoll_pwait2" },      { 449, "futex_waitv" },	   { 450, "set_mempolicy_home_node" },
		{ 451, "cachestat" },	      { 452, "fchmodat2" },	   { 453, "map_shadow_stack" },
		{ 454, "futex_wake" },	      { 455, "futex_wait" },	   { 456, "futex_requeue" },
		{ 457, "statmount" },	      { 458, "listmount" },	   { 459, "lsm_get_self_attr" },
		{ 460, "lsm_set_self_attr" }, { 461, "lsm_list_modules" }, { 462, "mseal" },
		{ 463, "setxattrat" },	      { 464, "getxattrat" },	   { 465, "listxattrat" },
		{ 466, "removexattrat" },     { 467, "open_tree_attr" },   { 468, "file_getattr" },
		{ 469, "file_setattr" },      { 470, "listns" },	   { UM_CTL_NR, "um_ctl" },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		ck_assert_ptr_nonnull(um_syscall_row(calls[i].nr));
		ck_assert_str_eq(um_syscall_row(calls[i].nr)->name, calls[i].name);
	}
}
END_TEST

/* The errno of a call with this number, whose arguments cannot be right for anything. */
static int answer_of(int nr)
{
	return syscall(nr, -1L, -1L, -1L, -1L, -1L, -1L) == -1 ? errno : 0;
}

/* What the running kernel has: a number without a row is one that it does not know. */
START_TEST(running)
{
	int unknown = answer_of(9999); /* ENOSYS, or what a container's filter says */

	for (int nr = 0; nr < 1024; nr++)
		if (!um_syscall_row(nr))
			ck_assert_msg(answer_of(nr) == unknown, "no row: number %d, which answers %s", nr,
				      strerrorname_np(answer_of(nr)));
}
END_TEST

/* Columns point at arguments of the right type. */
START_TEST(columns)
{
	FOR_EACH_ROW(row)
	{
		int n = um_syscall_nargs(row);
		bool path = kind(row, row->path) == UM_A_PATH;

		ck_assert_msg(row->path < n && row->path2 < n && row->fd < n && row->fd2 < n && row->flags < n &&
				  row->data < n,
			      "%s: a column is beyond the arguments", row->name);
		ck_assert_msg(row->path < 0 || path, "%s: path", row->name);
		ck_assert_msg(row->path2 < 0 || kind(row, row->path2) == UM_A_PATH, "%s: path2", row->name);
		ck_assert_msg(row->path2 < 0 || row->path >= 0, "%s: path2 without path", row->name);
		ck_assert_msg(row->fd < 0 || kind(row, row->fd) == UM_A_FD || kind(row, row->fd) == UM_A_DIRFD,
			      "%s: fd", row->name);
		ck_assert_msg(row->fd2 < 0 || kind(row, row->fd2) == UM_A_FD || kind(row, row->fd2) == UM_A_DIRFD,
			      "%s: fd2", row->name);
		/* a path that is relative to a descriptor follows it */
		if (row->path >= 0 && row->fd >= 0)
			ck_assert_msg(kind(row, row->fd) == UM_A_DIRFD && row->path == row->fd + 1, "%s: fd, path",
				      row->name);
		if (row->path2 >= 0 && row->fd2 >= 0)
			ck_assert_msg(kind(row, row->fd2) == UM_A_DIRFD && row->path2 == row->fd2 + 1,
				      "%s: fd2, path2", row->name);
		/* and no path is left out of the columns */
		for (int i = 0; i < n; i++)
			ck_assert_msg(row->args[i] != UM_A_PATH || i == row->path || i == row->path2,
				      "%s: path %d has no column", row->name, i);
		/* a call that looks at a path by the path's text is never safe, exec excepted */
		ck_assert_msg(row->path < 0 || row->unsafe || row->op == call_execve, "%s: safe", row->name);
	}
}
END_TEST

static bool is_flags(enum um_arg k)
{
	return k == UM_A_AT_FLAGS || k == UM_A_OPEN_FLAGS || k == UM_A_MOUNT_FLAGS || k == UM_A_UMOUNT_FLAGS ||
	       k == UM_A_RENAME_FLAGS;
}

START_TEST(classes)
{
	FOR_EACH_ROW(row)
	{
		ck_assert_msg((row->cls == UM_CLASS_DENY || (row->cls == UM_CLASS_OUT && !row->op)) == (row->deny != 0),
			      "%s: deny", row->name);
		ck_assert_msg(row->cls <= UM_CLASS_OUT, "%s: class", row->name);
		if (row->cls == UM_CLASS_NEVER || row->cls == UM_CLASS_DENY)
			ck_assert_msg(row->op == NULL, "%s: an operation that is never called", row->name);
		if (row->cls == UM_CLASS_PATH || row->cls == UM_CLASS_DESC || row->cls == UM_CLASS_SOCK ||
		    row->cls == UM_CLASS_IDS || row->cls == UM_CLASS_PROC)
			ck_assert_msg(row->op != NULL, "%s: trapped for nothing", row->name);
		if (row->cls == UM_CLASS_DESC)
			ck_assert_msg(row->fd == 0, "%s: no descriptor", row->name);
		if (row->op == call_privileged)
			ck_assert_msg(row->cls == UM_CLASS_IDS, "%s: not of class ids", row->name);
		ck_assert_msg(row->flags < 0 || is_flags(kind(row, row->flags)), "%s: flags", row->name);
		for (int i = 0; i < 6; i++)
			ck_assert_msg(row->args[i] != UM_A_AT_FLAGS || row->flags == i, "%s: flags %d", row->name, i);
		for (int i = 0; i < 2; i++)
			ck_assert_msg(row->when[i].test == UM_ALWAYS || row->when[i].arg < um_syscall_nargs(row),
				      "%s: when", row->name);
		for (unsigned i = um_syscall_nargs(row); i < 6; i++)
			ck_assert_msg(row->args[i] == UM_A_NONE, "%s: arguments", row->name);
	}
}
END_TEST

/* What operations read from the columns, see calls.h. */
START_TEST(operations)
{
	FOR_EACH_ROW(row)
	{
		if (row->op == call_open)
			ck_assert_msg(kind(row, row->data) == UM_A_MODE && row->path >= 0 &&
					  (row->flags >= 0 || (row->implied & O_CREAT)),
				      "%s", row->name);
		if (row->op == call_openat2)
			ck_assert_msg(kind(row, row->data) == UM_A_OPEN_HOW, "%s", row->name);
		if (row->op == call_stat || row->op == call_fstat || row->op == call_statx || row->op == call_statfs)
			ck_assert_msg(kind(row, row->data) == UM_A_PTR, "%s", row->name);
		if (row->op == call_statx)
			ck_assert_msg(row->data == 4, "%s", row->name);
		if (row->op == call_access)
			ck_assert_msg(kind(row, row->data) == UM_A_ACCESS, "%s", row->name);
		if (row->op == call_readlink)
			ck_assert_msg(kind(row, row->data) == UM_A_PTR && kind(row, row->data + 1) == UM_A_SIZE, "%s",
				      row->name);
		if (row->op == call_mkdir || row->op == call_chmod || row->op == call_fchmod)
			ck_assert_msg(kind(row, row->data) == UM_A_MODE, "%s", row->name);
		if (row->op == call_mknod)
			ck_assert_msg(kind(row, row->data) == UM_A_MODE && kind(row, row->data + 1) == UM_A_DEV, "%s",
				      row->name);
		if (row->op == call_symlink)
			ck_assert_msg(row->data == 0 && kind(row, 0) == UM_A_STR && row->path > 0, "%s", row->name);
		if (row->op == call_link || row->op == call_rename)
			ck_assert_msg(row->path >= 0 && row->path2 > row->path && (row->fd < 0) == (row->fd2 < 0),
				      "%s", row->name);
		if (row->op == call_chown || row->op == call_fchown)
			ck_assert_msg(kind(row, row->data) == UM_A_UID && kind(row, row->data + 1) == UM_A_GID, "%s",
				      row->name);
		if (row->op == call_truncate)
			ck_assert_msg(kind(row, row->data) == UM_A_OFF, "%s", row->name);
		if (row->op == call_getxattr || row->op == call_setxattr || row->op == call_removexattr)
			ck_assert_msg(kind(row, row->data) == UM_A_STR && (row->path >= 0 || row->fd >= 0), "%s",
				      row->name);
		if (row->op == call_listxattr)
			ck_assert_msg(kind(row, row->data) == UM_A_PTR, "%s", row->name);
		if (row->op == call_execve)
			ck_assert_msg(kind(row, row->data) == UM_A_ARGV && kind(row, row->data + 1) == UM_A_PTR, "%s",
				      row->name);
		if (row->op == call_bind || row->op == call_connect)
			ck_assert_msg(kind(row, row->data) == UM_A_SOCKADDR, "%s", row->name);
		/* the l forms, and no others, do not follow */
		if (row->cls == UM_CLASS_PATH && row->name[0] == 'l' && um_syscall_named(row->name + 1))
			ck_assert_msg(row->implied == AT_SYMLINK_NOFOLLOW, "%s", row->name);
		if (row->op == call_unlink)
			ck_assert_msg((row->implied == AT_REMOVEDIR) == (strcmp(row->name, "rmdir") == 0), "%s",
				      row->name);
	}
	ck_assert_int_eq(um_syscall_named("creat")->implied, O_CREAT | O_WRONLY | O_TRUNC);
	ck_assert_int_eq(um_syscall_named("lstat")->implied, AT_SYMLINK_NOFOLLOW);
	ck_assert_int_eq(um_syscall_named("stat")->implied, 0);
	ck_assert_int_eq(um_syscall_named("getdents")->implied, 1);
	ck_assert_int_eq(um_syscall_named("getdents64")->implied, 0);
}
END_TEST

/* Calls that cost nothing in any view. */
START_TEST(never)
{
	static const char *const names[] = {
		"futex",      "brk",	      "munmap",		"mprotect",	   "madvise",	  "close",
		"dup",	      "dup2",	      "dup3",		"pipe2",	   "wait4",
		"exit_group", "rt_sigaction", "rt_sigprocmask", "clock_nanosleep", "sched_yield", "epoll_wait",
		"epoll_ctl",  "eventfd2",     "memfd_create",	"getpid",	   "getppid",	  "fork",
		"vfork",      "recvfrom",     "rseq",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(um_syscall_named(names[i])->cls == UM_CLASS_NEVER, "%s", names[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tc = tcase_create("table");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, sorted_without_gaps);
	tcase_add_test(tc, complete);
	tcase_add_test(tc, newest);
	tcase_add_test(tc, running);
	tcase_add_test(tc, columns);
	tcase_add_test(tc, classes);
	tcase_add_test(tc, operations);
	tcase_add_test(tc, never);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
