// SPDX-License-Identifier: GPL-2.0-or-later
/* The view of the test of exec (stand-ins for what resolves paths), and its monitor. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf.h"
#include "modules/include/um_ctl.h"
#include "monitor/calls/calls.h"
#include "monitor/calls/exec.h"
#include "monitor/log.h"
#include "monitor/tracer/tracer.h"
#include "test_exec.h"

char dir[] = "/tmp/umtest-exec-XXXXXX";
char self[PATH_MAX], ld_so[PATH_MAX];
struct um_state state;
static const struct um_syscall row_execve = { .nr = SYS_execve, .fd = -1, .path = 0, .flags = -1, .data = 1 };
static const struct um_syscall row_execveat = { .nr = SYS_execveat, .fd = 0, .path = 1, .flags = 4, .data = 2 };
char warning[256];
unsigned state_changes;
struct um_ids last_ids;
bool everything_elsewhere;
uint16_t virtual_mode;

const struct um_syscall *um_syscall_row(int nr)
{
	(void)nr;
	return NULL;
}

void um_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(warning, sizeof(warning), fmt, ap);
	va_end(ap);
}

static int host_stat(struct um_fs *fs, const char *path, const struct um_node *node, struct statx *st)
{
	(void)fs, (void)path;
	if (statx(node->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, st) < 0)
		return -errno;
	if (node->body == UM_BODY_ELSEWHERE && virtual_mode) {
		st->stx_mode |= virtual_mode;
		st->stx_uid = 4321;
		st->stx_gid = 8765;
	}
	return 0;
}

static ssize_t no_xattr(struct um_fs *fs, const char *path, const char *name, void *value, size_t size)
{
	(void)fs, (void)path, (void)name, (void)value, (void)size;
	return -ENODATA;
}

static const struct um_fs_ops ops = { .stat = host_stat, .getxattr = no_xattr };
static const struct um_fs_type type = { .name = "host", .ops = &ops };
static struct um_mount host = { .type = &type };
static struct um_mount elsewhere = { .type = &type };
struct um_view view = { .loader_fd = -1, .cookie = COOKIE, .host = &host };

/* "/umtest/NAME" is dir/NAME, but for "self" and "ld.so". */
int namei_string(struct um_call *call, int dirfd, const char *string, int flags, struct um_path *path)
{
	char file[PATH_MAX];
	struct stat st;

	(void)call, (void)dirfd;
	path->same = strncmp(string, "/umtest/", 8) != 0;
	if (path->same)
		snprintf(file, sizeof(file), "%s", string);
	else if (!strcmp(string + 8, "self"))
		strcpy(file, self);
	else if (!strcmp(string + 8, "ld.so"))
		strcpy(file, ld_so);
	else
		snprintf(file, sizeof(file), "%s/%s", dir, string + 8);
	path->node.fd = open(file, O_PATH | O_CLOEXEC | (flags & NAMEI_FOLLOW ? 0 : O_NOFOLLOW));
	if (path->node.fd < 0)
		return -errno;
	fstat(path->node.fd, &st);
	path->node.type = st.st_mode & S_IFMT;
	path->node.body = path->same ? UM_BODY_HOST : UM_BODY_ELSEWHERE;
	path->mount = &host;
	snprintf(path->view, sizeof(path->view), "%s", string);
	path->rel = path->view + 1;
	path->exists = true;
	path->same &= !everything_elsewhere;
	return 0;
}

int namei_fd(struct um_call *call, int fd, struct um_path *path)
{
	(void)call, (void)fd, (void)path;
	return NAMEI_NATIVE;
}

void um_path_put(struct um_path *path)
{
	if (path->node.fd >= 0)
		close(path->node.fd);
	path->node.fd = -1;
}

int um_path_stat(struct um_call *call, struct um_path *path, struct statx *st)
{
	(void)call;
	return host_stat(NULL, path->rel, &path->node, st);
}

int um_path_permission(struct um_call *call, struct um_path *path, int mask)
{
	char name[40];

	(void)call;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", path->node.fd);
	return access(name, mask) < 0 ? -errno : 0;
}

int um_path_open(struct um_call *call, struct um_path *path, int flags)
{
	(void)call, (void)path, (void)flags;
	return -EIO;
}

int view_path_of_host(struct um_view *v, const struct um_state *s, const char *path, char *buf)
{
	(void)v, (void)s;
	strcpy(buf, path);
	return 0;
}

struct um_mount *view_mount_of(struct um_view *v, const struct um_state *s, const char *path, const char **rel)
{
	(void)s;
	*rel = path + 1;
	return everything_elsewhere || !strncmp(path, "/umtest", 7) ? &elsewhere : v->host;
}

pid_t um_tgid(const struct um_call *call)
{
	return call->tid; /* no threads here */
}

int um_get_fd(const struct um_call *call, int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, call->tid, 0), r = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	if (r < 0)
		r = -errno;
	close(pidfd);
	return r;
}

ssize_t um_fd_host_path(const struct um_call *call, int fd, char *buf)
{
	char name[64];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%d/fd/%d", call->tid, fd);
	n = readlink(name, buf, PATH_MAX - 1);
	if (n >= 0)
		buf[n] = '\0';
	return n < 0 ? -errno : n;
}

bool um_alive(const struct um_call *call)
{
	return um_unotify.alive((struct um_call *)call);
}

int um_set_state(struct um_call *call, const struct um_state *changed)
{
	(void)call;
	state_changes++;
	last_ids = changed->ids;
	return 0;
}

/* --- the monitor ---------------------------------------------------------------------------------------------- */

static int install(void)
{
	struct sock_filter code[] = {
		LOAD(nr),
		IF_EQ(SYS_execve, 7, 0),
		IF_EQ(UM_CTL_CALL_NR, 6, 0),
		IF_EQ(SYS_execveat, 0, 4),
		LOAD_AT(offsetof(struct seccomp_data, args[5])),
		IF_EQ(COOKIE, 0, 3),
		LOAD_AT(offsetof(struct seccomp_data, args[5]) + 4),
		IF_EQ(COOKIE >> 32, 0, 1),
		RET(SECCOMP_RET_ALLOW),
		RET(SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	return um_unotify.install(&prog, &view.features);
}

static void serve(struct um_call *call)
{
	int64_t r;

	char verb[4] = "", path[PATH_MAX];

	call->state = &state;
	if (call->nr == UM_CTL_CALL_NR && um_read(call, call->args[0], verb, sizeof(verb)) == 0 &&
	    !strcmp(verb, "exe")) {
		r = exec_exe_path(call, call->tid, path);
		if (r == 0)
			r = um_write(call, call->args[2], path, strlen(path) + 1);
	} else if (call->nr == UM_CTL_CALL_NR) {
		r = exec_plan(call, call->args[2], call->args[3]);
	} else {
		call->row = call->nr == SYS_execve ? &row_execve : &row_execveat;
		r = call_execve(call);
	}
	if (r == UM_CONTINUE)
		um_unotify.proceed(call);
	else if (r != UM_REPLIED)
		um_unotify.answer(call, r);
}

static void serve_until_end(int listener, void *name, int pidfd)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = listener, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
		struct um_call call = { .view = &view };

		poll(p, 2, 1000);
		if ((p[0].revents & POLLIN) && um_unotify.receive(name, &call) == 0)
			serve(&call);
		if (p[1].revents)
			return;
	}
}

char output[65536];

static void child(const struct job *job, int sock, int out)
{
	int fd = install(), one;

	if (send(sock, &fd, sizeof(fd), 0) != sizeof(fd) || recv(sock, &one, sizeof(one), 0) != sizeof(one))
		_exit(100);
	close(fd);
	dup2(out, 1);
	dup2(out, 2);
	for (fd = 3; fd < 100; fd++)
		if (fd != job->fd)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (job->fd >= 0)
		syscall(SYS_execveat, job->fd, "", job->argv, job->envp, AT_EMPTY_PATH);
	else
		execve(job->path, job->argv, job->envp);
	_exit(job->failing ? errno : 99);
}

int run_job(const struct job *job)
{
	int socks[2], fd = -1, pidfd, status = -1;
	FILE *out = tmpfile();
	void *listener;
	size_t n;
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
	pid = fork();
	if (pid == 0)
		child(job, socks[1], fileno(out));
	ck_assert_int_eq(recv(socks[0], &fd, sizeof(fd), 0), sizeof(fd));
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(um_unotify.adopt(&view.features, fd, pid, &listener), 0);
	ck_assert_int_eq(send(socks[0], &fd, sizeof(fd), 0), sizeof(fd));
	serve_until_end(fd, listener, pidfd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	rewind(out);
	n = fread(output, 1, sizeof(output) - 1, out);
	output[n] = '\0';
	fclose(out);
	close(fd);
	close(pidfd);
	close(socks[0]);
	close(socks[1]);
	if (WIFEXITED(status))
		status = WEXITSTATUS(status);
	if (status != 0 && !job->failing)
		fprintf(stderr, "%s", output);
	return status;
}
