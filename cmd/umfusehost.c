/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * umfusehost: run a FUSE program that was built as a shared library.
 *
 * View-OS's submodules are programs that were linked with -shared: what the library has is main(), which is called as if
 * it had been started.
 */
#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cmd.h"

static const char help[] =
	"MODULE.so [ARGUMENT]...\n"
	"Run a FUSE program that was built as a shared library (-shared -fPIC): call its main() with the arguments.\n"
	"mount -t umfuseNAME does this where NAME is such a library; the arguments are then SOURCE TARGET -o OPTIONS.\n"
	"\n"
	"  -f             the program stays in the foreground: it gets the argument -f\n"
	"  -h, --help     this text\n"
	"  -V, --version  the version\n";

typedef int main_function(int argc, char **argv, char **envp);

/* The name that the program would have: libfuse makes the subtype of the mount from it. */
static char *name_of(const char *path)
{
	char *copy = cmd_strdup(path), *name = cmd_strdup(basename(copy));
	size_t n = strlen(name);

	if (n > 3 && strcmp(name + n - 3, ".so") == 0)
		name[n - 3] = '\0';
	free(copy);
	return name;
}

/* Not by getopt(3), whose state the module is to find as a program does.  The index of the module. */
static int parse(int argc, char **argv, bool *foreground)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (!strcmp(argv[i], "-f"))
			*foreground = true;
		else if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help"))
			cmd_common_option('h', help);
		else if (!strcmp(argv[i], "-V") || !strcmp(argv[i], "--version"))
			cmd_common_option('V', help);
		else
			cmd_die(1, "unknown option %s; it belongs behind the module if it is for that", argv[i]);
	}
	if (i < argc)
		return i;
	cmd_message("no module named");
	cmd_usage();
}

int main(int argc, char **argv)
{
	bool foreground = false;
	main_function *module_main;
	const char *module;
	void *library;
	char **args;
	int i, n = 0;

	i = parse(argc, argv, &foreground);
	module = argv[i++];
	/* A name without a slash would be looked for in the directories of libraries. */
	if (!strchr(module, '/'))
		cmd_die(1, "%s: give the module's path, with a slash in it", cmd_shown(module));
	library = dlopen(module, RTLD_NOW | RTLD_GLOBAL);
	if (!library)
		cmd_die(1, "%s", dlerror());
	module_main = (main_function *)dlsym(library, "main");
	if (!module_main)
		cmd_die(1, "%s: it has no main(), so it is no program built with -shared", module);

	args = cmd_realloc(NULL, (argc - i + 3) * sizeof(*args));
	args[n++] = name_of(module);
	if (foreground)
		args[n++] = "-f";
	while (i < argc)
		args[n++] = argv[i++];
	args[n] = NULL;
	prctl(PR_SET_NAME, args[0]);
	program_invocation_name = program_invocation_short_name = args[0];
	exit(module_main(n, args, environ));
}
