// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * no-listener: run a program on a host where no seccomp listener can be had.
 *
 *	no-listener refused|taken CMD [ARG...]
 *
 *	refused		SECCOMP_FILTER_FLAG_NEW_LISTENER is EINVAL, as in kernels before 5.0 and under managers that do not know it
 *	taken		there is one already, as a container's manager has it: the kernel's own EBUSY.  This process holds it, and
 *			goes with CMD's exit status
 *
 * Everything else is as it was, but for no_new_privs where the user is not root.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEVER_CALLED SYS_reboot

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUALS(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, yes, no)
#define HAS(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, k, yes, no)
#define GIVE(action) BPF_STMT(BPF_RET | BPF_K, action)

static int install(struct sock_filter *code, size_t n, unsigned flags)
{
	struct sock_fprog filter = { (unsigned short)n, code };
	int r = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);

	if (r < 0 && errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		r = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
	if (r < 0) {
		perror("no-listener: seccomp");
		exit(126);
	}
	return r;
}

static void refuse(void)
{
	struct sock_filter code[] = {
		LOAD(arch),
		EQUALS(AUDIT_ARCH_X86_64, 0, 6),
		LOAD(nr),
		EQUALS(SYS_seccomp, 0, 4),
		LOAD(args[0]),
		EQUALS(SECCOMP_SET_MODE_FILTER, 0, 2),
		LOAD(args[1]),
		HAS(SECCOMP_FILTER_FLAG_NEW_LISTENER, 1, 0),
		GIVE(SECCOMP_RET_ALLOW),
		GIVE(SECCOMP_RET_ERRNO | EINVAL),
	};

	install(code, sizeof(code) / sizeof(code[0]), 0);
}

/* The listener is this process's; CMD is a child without it. */
static void take(void)
{
	struct sock_filter code[] = {
		LOAD(arch),
		EQUALS(AUDIT_ARCH_X86_64, 0, 2),
		LOAD(nr),
		EQUALS(NEVER_CALLED, 1, 0),
		GIVE(SECCOMP_RET_ALLOW),
		GIVE(SECCOMP_RET_USER_NOTIF),
	};
	int listener = install(code, sizeof(code) / sizeof(code[0]), SECCOMP_FILTER_FLAG_NEW_LISTENER), status;
	pid_t child = fork();

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(listener);
		return;
	}
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (child < 0)
		perror("no-listener: fork");
	_exit(child < 0 ? 126 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	if (argc < 3 || (strcmp(argv[1], "refused") != 0 && strcmp(argv[1], "taken") != 0)) {
		fprintf(stderr, "usage: no-listener refused|taken CMD [ARG...]\n");
		return 2;
	}
	if (argv[1][0] == 'r')
		refuse();
	else
		take();
	execvp(argv[2], argv + 2);
	fprintf(stderr, "no-listener: %s: %s\n", argv[2], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}
