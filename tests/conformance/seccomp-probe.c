/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How programs find out what seccomp can do: each flag with a filter that is not there, unknown flags and operations.
 */
#include "conform.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void flag(const char *name, unsigned long flags)
{
	say(name, "%s", value(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL)));
}

static void available(const char *name, unsigned action)
{
	say(name, "%s", value(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action)));
}

/* In a child, which it may end. */
static void strict(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
			_exit(errno);
		syscall(SYS_exit, 0);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	errno = WEXITSTATUS(status);
	say("strict-mode", "%s", outcome(WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1));
}

int main(void)
{
	flag("no-flag", 0);
	flag("tsync", SECCOMP_FILTER_FLAG_TSYNC);
	flag("log", SECCOMP_FILTER_FLAG_LOG);
	flag("spec-allow", SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	flag("new-listener", SECCOMP_FILTER_FLAG_NEW_LISTENER);
	flag("new-listener-and-tsync", SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC);
	flag("unknown", 1UL << 20);
	flag("unknown-and-new-listener", 1UL << 20 | SECCOMP_FILTER_FLAG_NEW_LISTENER);
	flag("all", -1UL);
	available("allow", SECCOMP_RET_ALLOW);
	available("kill-process", SECCOMP_RET_KILL_PROCESS);
	available("user-notification", SECCOMP_RET_USER_NOTIF);
	available("unknown-action", 0x12340000U);
	say("unknown-operation", "%s", value(syscall(SYS_seccomp, 77, 0, NULL)));
	say("strict-with-flags", "%s", value(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL)));
	say("get-mode", "%s", value(prctl(PR_GET_SECCOMP)));
	strict();
	return 0;
}
