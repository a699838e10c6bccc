// SPDX-License-Identifier: GPL-2.0-or-later
/* The probe: what a program finds that was executed through the view. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "modules/include/um_ctl.h"
#include "test_exec.h"

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

size_t slurp(const char *name, char *buf, size_t size)
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

int run_probe(int argc, char **argv, char **envp)
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
