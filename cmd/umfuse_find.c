/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the programs and modules that serve FUSE mounts are: see umfuse.h.
 *
 * Modules are in the directory of the view's modules, which umview finds in the same way (monitor/setup.c): named by
 * UMVIEW_MODULE_DIR, beside an umview that is not installed, or the installed one.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "umfuse.h"

#define ALSO_IN "/usr/local/sbin:/usr/sbin:/sbin" /* where mount helpers are; not in the PATH of an ordinary user */

static bool is_file(const char *path, int mode)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, mode) == 0;
}

/* DIR/NAME, or "" if that is too long. */
static void join(char path[PATH_MAX], const char *dir, size_t len, const char *name)
{
	if (snprintf(path, PATH_MAX, "%.*s/%s", (int)len, dir, name) >= PATH_MAX)
		*path = '\0';
}

static bool find_in(char path[PATH_MAX], const char *dirs, const char *name)
{
	for (;; dirs++) {
		size_t len = strcspn(dirs, ":");

		if (len > 0) {
			join(path, dirs, len, name);
			if (is_file(path, X_OK))
				return true;
		}
		dirs += len;
		if (*dirs == '\0')
			return false;
	}
}

/* The directory of this command. */
static const char *own_dir(void)
{
	static char dir[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	char *slash;

	if (n <= 0)
		return UM_BINDIR;
	dir[n] = '\0';
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return UM_BINDIR;
	*slash = '\0';
	return dir;
}

static bool find_module(struct umfuse_server *server, const char *file)
{
	const char *named = getenv("UMVIEW_MODULE_DIR"), *own = own_dir();
	char tree[PATH_MAX];

	join(tree, own, strlen(own), "modules/.libs");
	if (named == NULL || named[0] != '/')
		named = access(tree, X_OK) == 0 ? tree : UM_PKGLIBDIR;
	join(server->path, named, strlen(named), file);
	return is_file(server->path, R_OK);
}

/* A module needs its host. */
static void find_host(struct umfuse_server *server)
{
	const char *own = own_dir();

	join(server->host, own, strlen(own), "umfusehost");
	if (is_file(server->host, X_OK))
		return;
	snprintf(server->host, sizeof(server->host), "%s/umfusehost", UM_PKGLIBEXECDIR);
	if (!is_file(server->host, X_OK))
		cmd_die(EXIT_MOUNT, "%s: no such program: the installation of umview is not complete", server->host);
}

static bool is_module(const char *name)
{
	size_t n = strlen(name);

	return n > 3 && strcmp(name + n - 3, ".so") == 0;
}

bool umfuse_find_program(struct umfuse_server *server, const char *name)
{
	const char *path = getenv("PATH");

	server->host[0] = '\0';
	server->program = &umfuse_other;
	if (strchr(name, '/'))
		return realpath(name, server->path) != NULL && is_file(server->path, X_OK);
	return find_in(server->path, path ? path : "/usr/local/bin:/usr/bin:/bin", name) ||
	       find_in(server->path, ALSO_IN, name);
}

static bool find_row(struct umfuse_server *server, const struct umfuse_program *row)
{
	bool found;

	if (is_module(row->name)) {
		found = find_module(server, row->name);
		if (found)
			find_host(server);
	} else {
		found = umfuse_find_program(server, row->name);
	}
	server->program = row;
	return found;
}

/* Is the file that tells this program's directories there? */
static bool has_mark(const struct umfuse_program *row, const char *source)
{
	char path[PATH_MAX];

	if (row->mark == NULL)
		return true;
	join(path, source, strlen(source), row->mark);
	return access(path, F_OK) == 0;
}

void umfuse_find_known(struct umfuse_server *server, const struct umfuse_type *type, const char *source)
{
	char missing[512] = "", marks[128] = "";

	for (const struct umfuse_program *row = type->programs; row->name != NULL; row++) {
		const char *or = *missing ? " or " : "";
		size_t used = strlen(missing);

		if (!has_mark(row, source)) {
			snprintf(marks + strlen(marks), sizeof(marks) - strlen(marks), "%s%s", *marks ? " nor " : "", row->mark);
			continue;
		}
		if (find_row(server, row))
			return;
		if (row->package)
			snprintf(missing + used, sizeof(missing) - used, "%s%s (Debian package %s)", or, row->name, row->package);
		else
			snprintf(missing + used, sizeof(missing) - used, "%s%s (part of umview, built where libfuse 3 is)", or,
				 row->name);
	}
	if (*missing == '\0')
		cmd_die(EXIT_MOUNT, "%s: not %s: it has neither %s", source, type->what, marks);
	cmd_die(EXIT_MOUNT, "%s is mounted by a program that is not installed: %s", type->what, missing);
}

bool umfuse_find_named(struct umfuse_server *server, const char *name)
{
	static const char *const modules[] = { "umfuse%s.so", "%s.so" };
	static const char *const programs[] = { "mount.fuse.%s", "fuse%s", "fuse-%s", "%sfs" };
	char file[NAME_MAX + 1];

	server->program = &umfuse_other;
	if (strchr(name, '/')) {
		if (!is_module(name))
			return umfuse_find_program(server, name);
		find_host(server);
		return realpath(name, server->path) != NULL && is_file(server->path, R_OK);
	}
	if (strlen(name) > NAME_MAX - 16)
		return false;
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		snprintf(file, sizeof(file), modules[i], name);
		if (find_module(server, file)) {
			find_host(server);
			return true;
		}
	}
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		snprintf(file, sizeof(file), programs[i], name);
		if (umfuse_find_program(server, file))
			return true;
	}
	/* Only if its name says what it is: "umfuserm" must not start rm. */
	return (strstr(name, "fs") || strstr(name, "fuse")) && umfuse_find_program(server, name);
}

bool umfuse_is_libfuse2(const char *path)
{
	static const char soname[] = "libfuse.so.2";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool found = false;
	struct stat st;
	void *map;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && st.st_size > SELFMAG) {
		map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map != MAP_FAILED) {
			found = memcmp(map, ELFMAG, SELFMAG) == 0 && memmem(map, st.st_size, soname, sizeof(soname));
			munmap(map, st.st_size);
		}
	}
	close(fd);
	return found;
}
