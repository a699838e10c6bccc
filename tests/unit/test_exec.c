// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * exec and the loader, without the rest of the monitor: a view in which "/umtest/NAME" stands for some files of the
 * host, and all else is the host's own.
 *
 * The programs that are run are this test itself, as a probe that looks at what it was given, and the host's.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "modules/include/um_ctl.h"
#include "monitor/calls/calls.h"
#include "monitor/calls/exec.h"
#include "monitor/log.h"
#include "monitor/tracer/tracer.h"

#define COOKIE UINT64_C(0x1badb002deadbeef)

/* --- the view ------------------------------------------------------------------------------------------------- */

static char dir[] = "/tmp/umtest-exec-XXXXXX";
static char self[PATH_MAX], ld_so[PATH_MAX];
static struct um_state state;
static const struct um_syscall row_execve = { .nr = SYS_execve, .fd = -1, .path = 0, .flags = -1, .data = 1 };
static const struct um_syscall row_execveat = { .nr = SYS_execveat, .fd = 0, .path = 1, .flags = 4, .data = 2 };
static char warning[256];
static unsigned state_changes;
static struct um_ids last_ids;
static bool everything_elsewhere;       /* as with a virtual root: nothing is the kernel's */
static uint16_t virtual_mode;           /* set-id bits that "/umtest" files show */

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

static const struct um_fs_ops ops = { .stat = host_stat };
static const struct um_fs_type type = { .name = "host", .ops = &ops };
static struct um_mount host = { .type = &type };
static struct um_mount elsewhere = { .type = &type };
static struct um_view view = { .loader_fd = -1, .cookie = COOKIE, .host = &host };

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

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_AT(off) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (off))
#define IF_EQ(k, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(k), t, f)
#define RET(k) BPF_STMT(BPF_RET | BPF_K, (k))

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

static char output[65536];

struct job {
	const char *path;
	char *const *argv, *const *envp;
	int fd;                 /* >= 0: execveat of it with an empty path */
	bool failing;           /* the exec is to fail; the status is its errno */
};

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

/* Run it under the monitor; its output is in `output'.  The wait status. */
static int run_job(const struct job *job)
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

/* --- the probe: runs in the process that was started ----------------------------------------------------------- */

#define PROBE(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "probe:%d: %s: %s\n", __LINE__, #cond, strerror(errno)); \
			exit(1); \
		} \
	} while (0)

static __thread int thread_local = 42;

static void *probe_thread(void *arg)
{
	return thread_local == 42 ? arg : NULL;
}

static size_t slurp(const char *name, char *buf, size_t size)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n;

	while ((n = read(fd, buf + have, size - have)) > 0)
		have += (size_t)n;
	close(fd);
	return have;
}

/* /proc/self/cmdline and environ must be what argv and environ say. */
static void probe_strings(int argc, char **argv, char **envp)
{
	static char buf[300000];
	size_t n = slurp("/proc/self/cmdline", buf, sizeof(buf)), at = 0;

	for (int i = 0; i < argc; i++) {
		PROBE(at < n && !strcmp(buf + at, argv[i]));
		at += strlen(buf + at) + 1;
	}
	PROBE(at == n);
	n = slurp("/proc/self/environ", buf, sizeof(buf));
	at = 0;
	for (int i = 0; envp[i]; i++) {
		PROBE(at < n && !strcmp(buf + at, envp[i]));
		at += strlen(buf + at) + 1;
	}
	PROBE(at == n);
}

/* No page of the loader is left but one, and what is mapped executable is not writable. */
static void probe_maps(bool loaded)
{
	char line[512];
	FILE *f = fopen("/proc/self/maps", "re");
	int pages = 0, stacks = 0;

	while (fgets(line, sizeof(line), f)) {
		unsigned long from, to;
		char prot[8];

		sscanf(line, "%lx-%lx %7s", &from, &to, prot);
		if (strstr(line, "umview-loader"))
			pages += (int)((to - from) / 4096);
		PROBE(!strchr(prot, 'w') || !strchr(prot, 'x'));
		stacks += strstr(line, "[stack]") != NULL;
	}
	fclose(f);
	PROBE(pages == loaded);
	PROBE(stacks == 1);
}

/* argv[2] is the mode, then the expected words: comm, AT_EXECFN. */
static int probe(int argc, char **argv, char **envp)
{
	const char *comm = getenv("COMM"), *execfn = getenv("EXECFN");
	bool loaded = getenv("LOADED") != NULL;
	char name[20] = "";
	pthread_t th;
	void *ret, *heap;
	char *more;

	probe_strings(argc, argv, envp);
	probe_maps(loaded);
	prctl(PR_GET_NAME, name);
	PROBE(!comm || !strcmp(name, comm));
	PROBE(!execfn || !strcmp((char *)getauxval(AT_EXECFN), execfn));
	PROBE(getauxval(AT_PHDR) && getauxval(AT_ENTRY) && getauxval(AT_BASE) && getauxval(AT_RANDOM));
	PROBE(getauxval(AT_SYSINFO_EHDR) && getauxval(AT_PAGESZ) == 4096);
	PROBE(getauxval(AT_SECURE) == (getenv("SECURE") ? 1 : 0));
	PROBE(!getenv("EUID") || getauxval(AT_EUID) == (unsigned long)atol(getenv("EUID")));
	PROBE(!strcmp((char *)getauxval(AT_PLATFORM), "x86_64"));
	heap = sbrk(0);
	PROBE(sbrk(1 << 20) == heap && sbrk(64 << 20) != (void *)-1);
	more = malloc(200 << 20);
	PROBE(more);
	more[100 << 20] = 1;
	free(more);
	PROBE(pthread_create(&th, NULL, probe_thread, name) == 0 && pthread_join(th, &ret) == 0 && ret == name);
	for (int fd = 3; fd < 100 && !getenv("FDS"); fd++)
		PROBE(fcntl(fd, F_GETFD) < 0); /* no descriptor was left behind */
	PROBE(((uintptr_t)__builtin_frame_address(0) & 15) == 0);
	printf("argc=%d", argc);
	for (int i = 0; i < argc; i++)
		printf(" [%s]", argv[i]);
	printf("\n");
	return 0;
}

/* --- tests ---------------------------------------------------------------------------------------------------- */

static void make_file(const char *name, const char *text, mode_t mode)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(fd, mode);
	close(fd);
}

/* A copy of this test, with another ELF interpreter's name in it. */
static void make_self(const char *name, const char *interp)
{
	static char data[8 << 20];
	size_t n = slurp(self, data, sizeof(data));
	char path[PATH_MAX];
	char *at = memmem(data, n, ld_so, strlen(ld_so) + 1);
	int fd;

	ck_assert_ptr_nonnull(at);
	if (interp)
		strcpy(at, interp);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);
	ck_assert_int_eq(write(fd, data, n), (ssize_t)n);
	fchmod(fd, 0755);
	close(fd);
}

static void setup(void)
{
	struct program p;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	self[n] = '\0';
	ck_assert_int_eq(program_read(fd, &p), 0);
	strcpy(ld_so, p.interp);
	program_free(&p);
	close(fd);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	view.tracer_ops = &um_unotify;
	view.features.wait_killable = view.features.sync_wake_up = view.features.process_vm = true;
	state.dumpable = 1;
	state.root = (char *)"";
	make_self("virtual-ld", "/umtest/ld.so");
	make_self("copy", NULL);
}

static void teardown(void)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		fprintf(stderr, "%s is left\n", dir);
}

#define ARGV(...) ((char **)(const char *[]){ __VA_ARGS__, NULL })
#define ENVP ARGV

static int run_with(const char *path, char **argv, char **envp)
{
	struct job job = { .path = path, .argv = argv, .envp = envp, .fd = -1 };

	return run_job(&job);
}

static int run_failing(const char *path)
{
	struct job job = { .path = path, .argv = ARGV("x"), .envp = ARGV("A=1"), .fd = -1, .failing = true };

	warning[0] = '\0';
	return run_job(&job);
}

START_TEST(test_continue)
{
	ck_assert_int_eq(run_with(self, ARGV("probe", "probe"), ENVP("A=1")), 0);
	ck_assert_str_eq(output, "argc=2 [probe] [probe]\n");
	ck_assert_int_eq(view.loader_fd, -1);
}
END_TEST

START_TEST(test_descriptor)
{
	struct utsname u;
	unsigned major = 0, minor = 0;
	bool loaded;

	uname(&u);
	sscanf(u.release, "%u.%u", &major, &minor);
	loaded = major < 6 || (major == 6 && minor < 14); /* see descriptor_names() */
	ck_assert_int_eq(run_with("/umtest/copy", ARGV("probe", "probe"),
				  ENVP("COMM=copy", loaded ? "LOADED=1" : "A=1")), 0);
	ck_assert_str_eq(output, "argc=2 [probe] [probe]\n");
}
END_TEST

/* A thread that cannot be rewritten because it has a tracer: a copy, a script, and with memory that is shared. */
START_TEST(test_traced)
{
	char *const asan = (char *)"ASAN_OPTIONS=detect_leaks=0"; /* it wants to trace, too */

	make_file("script", "#!/umtest/self probe\n", 0755);
	ck_assert_int_eq(run_with(self, ARGV("probe", "traced", "/umtest/copy"), ENVP(asan, "FDS=1")), 0);
	ck_assert_str_eq(output, "argc=2 [probe] [probe]\n");
	ck_assert_int_eq(run_with(self, ARGV("probe", "traced", "/umtest/script"),
				  ENVP(asan, "FDS=1", "LOADED=1")), 0);
	ck_assert_str_eq(output, "argc=4 [/umtest/self] [probe] [/umtest/script] [probe]\n");
	warning[0] = '\0';
	ck_assert_int_eq(run_with(self, ARGV("probe", "vtraced", "/umtest/copy"), ENVP(asan, "FDS=1")), EACCES);
	ck_assert_str_ne(warning, "");
}
END_TEST

/* An ELF interpreter that is elsewhere. */
START_TEST(test_loader)
{
	ck_assert_int_eq(run_with("/umtest/virtual-ld", ARGV("probe", "probe", "some words", ""),
				  ENVP("LOADED=1", "COMM=virtual-ld", "EXECFN=/umtest/virtual-ld", "X=")), 0);
	ck_assert_str_eq(output, "argc=4 [probe] [probe] [some words] []\n");
}
END_TEST

/* Everything elsewhere: the loader, again and again; addresses differ from run to run. */
START_TEST(test_loader_often)
{
	everything_elsewhere = true;
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(run_with("/umtest/self", ARGV("probe", "probe"), ENVP("LOADED=1")), 0);
}
END_TEST

/* What readlink("/proc/self/exe") should say, in the process and in a child of it. */
START_TEST(test_exe_path)
{
	ck_assert_int_eq(run_with("/umtest/virtual-ld", ARGV("probe", "exe"), ENVP("A=1")), 0);
	ck_assert_str_eq(output, "/umtest/virtual-ld\n/umtest/virtual-ld\n");
	ck_assert_int_eq(run_with(self, ARGV("probe", "exe"), ENVP("A=1")), 1);
}
END_TEST

START_TEST(test_many_words)
{
	static char text[100000];
	char *argv[2000], *envp[2000];

	memset(text, 'y', sizeof(text) - 1);
	for (int i = 0; i < 1999; i++) {
		argv[i] = text + sizeof(text) - 1 - i % 50;
		envp[i] = text + sizeof(text) - 1 - i % 70;
	}
	argv[0] = argv[1] = (char *)"probe";
	argv[2] = text;
	envp[0] = (char *)"LOADED=1";
	argv[1999] = envp[1999] = NULL;
	everything_elsewhere = true;
	ck_assert_int_eq(run_with("/umtest/self", argv, envp), 0);
}
END_TEST

START_TEST(test_script)
{
	make_file("script", "#!/umtest/self probe\n", 0755);
	make_file("script2", "#!/umtest/script  a b \n", 0755);
	/* The interpreter is at home, the script is not. */
	ck_assert_int_eq(run_with("/umtest/script", ARGV("gone", "one"),
				  ENVP("LOADED=1", "COMM=script", "EXECFN=/umtest/script")), 0);
	ck_assert_str_eq(output, "argc=4 [/umtest/self] [probe] [/umtest/script] [one]\n");
	ck_assert_int_eq(run_with("/umtest/script2", ARGV("gone", "one"), ENVP("LOADED=1", "COMM=script2")), 0);
	ck_assert_str_eq(output, "argc=6 [/umtest/self] [probe] [/umtest/script] [a b] [/umtest/script2] [one]\n");
	ck_assert_int_eq(run_with("/umtest/script", ARGV("gone"), ENVP("LOADED=1")), 0);
	ck_assert_str_eq(output, "argc=3 [/umtest/self] [probe] [/umtest/script]\n");
	everything_elsewhere = true;
	ck_assert_int_eq(run_with("/umtest/script", (char *[]){ NULL }, ENVP("LOADED=1")), 0);
	ck_assert_str_eq(output, "argc=3 [/umtest/self] [probe] [/umtest/script]\n");
}
END_TEST

START_TEST(test_script_by_descriptor)
{
	char path[PATH_MAX];
	struct job job = { .argv = ARGV("gone", "one"), .envp = ENVP("LOADED=1", "FDS=1") };

	make_file("script", "#!/umtest/self probe\n", 0755);
	snprintf(path, sizeof(path), "%s/script", dir);
	job.fd = open(path, O_RDONLY);
	ck_assert_int_eq(run_job(&job), 0);
	snprintf(path, sizeof(path), "argc=4 [/umtest/self] [probe] [/dev/fd/%d] [one]\n", job.fd);
	ck_assert_str_eq(output, path);
	fcntl(job.fd, F_SETFD, FD_CLOEXEC);
	job.failing = true;
	ck_assert_int_eq(run_job(&job), ENOENT);
	close(job.fd);
	job.failing = false;
	job.fd = open(self, O_RDONLY | O_CLOEXEC);
	job.argv = ARGV("probe", "probe");
	job.envp = ENVP("A=1", "FDS=1");
	ck_assert_int_eq(run_job(&job), 0);
	close(job.fd);
}
END_TEST

START_TEST(test_errors)
{
	make_file("loop1", "#!/umtest/loop2\n", 0755);
	make_file("loop2", "#!/umtest/loop1\n", 0755);
	make_file("text", "echo hello\n", 0755);
	make_file("no-x", "#!/bin/sh\n", 0644);
	make_file("no-interp", "#!/umtest/missing\n", 0755);
	make_file("bad", "#!\n", 0755);
	make_file("i386", "\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0........................................", 0755);
	make_self("no-ld", "/umtest/none");
	make_self("bad-ld", "/umtest/text");
	ck_assert_int_eq(run_failing("/umtest/missing"), ENOENT);
	ck_assert_int_eq(run_failing("/umtest/loop1"), ELOOP);
	ck_assert_int_eq(run_failing("/umtest/text"), ENOEXEC);
	ck_assert_int_eq(run_failing("/umtest/no-x"), EACCES);
	ck_assert_int_eq(run_failing("/umtest/no-interp"), ENOENT);
	ck_assert_int_eq(run_failing("/umtest/bad"), ENOEXEC);
	ck_assert_int_eq(run_failing("/umtest/no-ld"), ENOENT);
	ck_assert_int_eq(run_failing("/umtest/bad-ld"), ELIBBAD);
	ck_assert_int_eq(run_failing("/umtest/."), EACCES);
	ck_assert_int_eq(run_failing("/etc/passwd"), EACCES);
	ck_assert_int_eq(run_failing(""), ENOENT);
}
END_TEST

START_TEST(test_i386)
{
	char header[64] = "\177ELF\1\1\1";
	char path[PATH_MAX];
	int fd;

	header[16] = 2; /* ET_EXEC */
	header[18] = 3; /* EM_386 */
	snprintf(path, sizeof(path), "%s/i386", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	ck_assert_int_eq(write(fd, header, sizeof(header)), sizeof(header));
	close(fd);
	ck_assert_int_eq(run_failing("/umtest/i386"), ENOEXEC);
	ck_assert_str_eq(warning, "/umtest/i386: 32-bit programs are not supported in a view");
	ck_assert_int_eq(run_failing(path), ENOEXEC);
}
END_TEST

/* The exec fails after it was rewritten (E2BIG): the plan is stale, and the next exec is right. */
START_TEST(test_fails_late)
{
	static char big[200000];
	struct job job = { .path = "/umtest/virtual-ld", .argv = ARGV("x", big), .envp = ENVP("A=1"), .fd = -1,
			   .failing = true };

	memset(big, 'x', sizeof(big) - 1);
	ck_assert_int_eq(run_job(&job), E2BIG);
	ck_assert_uint_eq(state_changes, 0);
	ck_assert_int_eq(run_with("/umtest/virtual-ld", ARGV("probe", "probe"), ENVP("LOADED=1")), 0);
}
END_TEST

/* Set-id effect on virtual ids, at the moment the exec has succeeded. */
START_TEST(test_set_id)
{
	state.virtual_ids = true;
	state.ids = (struct um_ids){ 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 0, 0, 0, 0, 0, 0, 0, NULL };
	virtual_mode = S_ISUID | S_ISGID;
	ck_assert_int_eq(run_with("/umtest/self", ARGV("probe", "probe"),
				  ENVP("LOADED=1", "SECURE=1", "EUID=4321")), 0);
	ck_assert_uint_eq(state_changes, 1);
	ck_assert_uint_eq(last_ids.euid, 4321);
	ck_assert_uint_eq(last_ids.suid, 4321);
	ck_assert_uint_eq(last_ids.egid, 8765);
	ck_assert_uint_eq(last_ids.ruid, 1000);
	state.no_new_privs = true;
	ck_assert_int_eq(run_with("/umtest/self", ARGV("probe", "probe"), ENVP("A=1")), 0);
	ck_assert_uint_eq(state_changes, 1);
}
END_TEST

/* Descriptors are at their limit: exec works as it does without us. */
START_TEST(test_no_descriptors)
{
	everything_elsewhere = true;
	ck_assert_int_eq(run_with("/umtest/self", ARGV("probe", "limit"), ENVP("LOADED=1")), 0);
}
END_TEST

/* Programs of other kinds, where the host has them. */
START_TEST(test_host_programs)
{
	static char *const programs[][4] = {
		{ (char *)"/bin/true", NULL },
		{ (char *)"/bin/bash", (char *)"-c", (char *)"exit 0", NULL },
		{ (char *)"/usr/bin/python3", (char *)"-c", (char *)"import os; os.fork()", NULL },
		{ (char *)"/usr/bin/perl", (char *)"-e", (char *)"exit 0", NULL },
		{ (char *)"/usr/bin/gdb", (char *)"--version", NULL },
		{ (char *)"/bin/busybox", (char *)"true", NULL },
		{ (char *)"/sbin/ldconfig", (char *)"-V", NULL }, /* static */
	};

	everything_elsewhere = true;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (access(programs[i][0], X_OK) == 0)
			ck_assert_msg(run_with(programs[i][0], (char **)programs[i], ENVP("PATH=/bin:/usr/bin")) == 0,
				      "%s", programs[i][0]);
}
END_TEST

/* How the probe goes on with an exec of its own. */
static int probe_exec(char **envp, bool limit)
{
	struct rlimit few = { 16, 64 };

	if (limit)
		setrlimit(RLIMIT_NOFILE, &few);
	while (limit && open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		;
	execve("/umtest/self", ARGV("probe", "quiet"), envp);
	return limit ? errno : 98;
}

static int probe_exe(void)
{
	char path[PATH_MAX];

	for (int i = 0; i < 2; i++) {
		int status = 0;

		if (um_ctl("exe", 4, path, sizeof(path)) < 0)
			return 1;
		printf("%s\n", path);
		fflush(stdout);
		if (i || fork() == 0)
			continue;
		wait(&status);
		return status ? 1 : 0;
	}
	return 0;
}

static volatile int vfork_errno;

/* Execute it under a tracer: this process. */
static int probe_traced(const char *path, char **envp, bool shared)
{
	pid_t pid = shared ? vfork() : fork();
	int status = 0;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execve(path, ARGV("probe", "probe"), envp);
		vfork_errno = errno;
		_exit(97);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, pid, NULL, NULL);
	return shared && vfork_errno ? vfork_errno : WEXITSTATUS(status);
}

static int run_probe(int argc, char **argv, char **envp)
{
	if (!strcmp(argv[1], "probe"))
		return probe(argc, argv, envp);
	if (!strcmp(argv[1], "limit"))
		return probe_exec(envp, true);
	if (!strcmp(argv[1], "traced") || !strcmp(argv[1], "vtraced"))
		return probe_traced(argv[2], envp, argv[1][0] == 'v');
	if (!strcmp(argv[1], "exe"))
		return probe_exe();
	return 0;
}

int main(int argc, char **argv, char **envp)
{
	SRunner *sr;
	TCase *tc;
	Suite *s;
	int failed;

	if (argc > 1 && (!strcmp(argv[0], "probe") || !strncmp(argv[0], "/umtest", 7)))
		return run_probe(argc, argv, envp);
	s = suite_create("exec");
	tc = tcase_create("exec");
	sr = srunner_create(s);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_continue);
	tcase_add_test(tc, test_descriptor);
	tcase_add_test(tc, test_traced);
	tcase_add_test(tc, test_loader);
	tcase_add_test(tc, test_loader_often);
	tcase_add_test(tc, test_exe_path);
	tcase_add_test(tc, test_many_words);
	tcase_add_test(tc, test_script);
	tcase_add_test(tc, test_script_by_descriptor);
	tcase_add_test(tc, test_errors);
	tcase_add_test(tc, test_i386);
	tcase_add_test(tc, test_fails_late);
	tcase_add_test(tc, test_set_id);
	tcase_add_test(tc, test_no_descriptors);
	tcase_add_test(tc, test_host_programs);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
