/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel features, found out by trying.
 */
#include "kfeatures.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compat.h"

#define ROW(field, since, without) { #field, offsetof(struct um_features, field), since, without }

const struct feature features[] = {
	ROW(sync_wake_up, "Linux 6.6", "an intercepted call costs several times as much"),
	ROW(wait_killable, "Linux 5.19", "a signal can interrupt a call that was half done"),
	ROW(openat2, "Linux 5.6", "paths are looked up component by component"),
	ROW(pidfd_getfd, "Linux 5.6", "descriptors are looked at through /proc"),
	ROW(process_vm, "process_vm_readv, CONFIG_CROSS_MEMORY_ATTACH", "memory is read through /proc/PID/mem"),
	ROW(ptrace, "ptrace, not refused by a container's filter", "calls cannot be rewritten, only performed or refused"),
	ROW(affinity, "sched_setaffinity, not refused by a container's filter", "opening a changed file costs several times as much"),
	ROW(inotify, "fs.inotify.max_user_instances not used up", "each path is searched for links each time"),
	ROW(user_ns, "user namespaces for ordinary users", "sockets bound in the view show their host path to others"),
	ROW(listener, "seccomp listeners, Linux 5.9, where there is none already", "the tracer is ptrace: calls cost several times as much, and no debugger works"),
	{ NULL, 0, NULL, NULL },
};

const struct feature *feature_named(const char *name)
{
	for (const struct feature *f = features; f->name != NULL; f++) {
		size_t i = 0;

		while (name[i] != '\0' && (name[i] == f->name[i] || (name[i] == '-' && f->name[i] == '_')))
			i++;
		if (name[i] == '\0' && f->name[i] == '\0')
			return f;
	}
	return NULL;
}

bool *feature_flag(struct um_features *f, const struct feature *row)
{
	return (bool *)((char *)f + row->offset);
}

static int in_user_ns(void *arg)
{
	return chroot(arg) == 0 ? 0 : 1;
}

/* A child that shares all but its root directory, as layers/bind_name.c makes one. */
static bool probe_user_ns(void)
{
	char stack[16384] __attribute__((aligned(16)));
	int status = -1;
	pid_t pid = clone(in_user_ns, stack + sizeof(stack),
			  CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWUSER, (char *)"/");

	while (pid > 0 && waitpid(pid, &status, __WCLONE) < 0 && errno == EINTR)
		;
	return pid > 0 && status == 0;
}

/* Each is called with arguments that cannot succeed, in a way that only a kernel that knows the call answers so. */
void features_probe_host(struct um_features *f)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC };
	int fd;

	f->listener = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &(uint32_t){ SECCOMP_RET_USER_NOTIF }) == 0;
	/* a known flag gets as far as the null pointer; an unknown one is refused before */
	f->wait_killable = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				   SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, NULL) < 0 &&
			   errno == EFAULT;
	fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));
	f->openat2 = fd >= 0;
	if (fd >= 0)
		close(fd);
	f->pidfd_getfd = syscall(SYS_pidfd_getfd, -1, -1, 0) < 0 && errno == EBADF;
	fd = inotify_init1(IN_CLOEXEC);
	f->inotify = fd >= 0;
	if (fd >= 0)
		close(fd);
	/* a thread that is not there */
	f->affinity = syscall(SYS_sched_setaffinity, 0x7fffffff, sizeof(fd), &fd) < 0 && errno == ESRCH;
	f->user_ns = probe_user_ns();
	/* a process that is no tracee */
	f->ptrace = ptrace(PTRACE_DETACH, getpid(), NULL, NULL) < 0 && errno == ESRCH;
}

int features_probe_child(struct um_features *f, pid_t child)
{
	static const char here = 'x'; /* a forked child has it at the same address */
	struct iovec local = { &(char){ 0 }, 1 }, remote = { (void *)&here, 1 };
	char path[32];
	int fd;

	f->process_vm = process_vm_readv(child, &local, 1, &remote, 1, 0) == 1;
	if (f->process_vm)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)child);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -EPERM;
	close(fd);
	return 0;
}

void features_remove(struct um_features *f, const struct um_features *without)
{
	struct um_features w = *without;

	for (const struct feature *row = features; row->name != NULL; row++)
		if (*feature_flag(&w, row))
			*feature_flag(f, row) = false;
}

void features_describe(const struct um_features *f, char *buf, size_t size)
{
	struct um_features copy = *f;
	size_t n = 0;

	buf[0] = '\0';
	for (const struct feature *row = features; row->name != NULL && n < size; row++)
		n += (size_t)snprintf(buf + n, size - n, "%s%c%s", n > 0 ? " " : "",
				      *feature_flag(&copy, row) ? '+' : '-', row->name);
}
