// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Services: modules loaded into the running view.
 *
 * A module is NAME.so in the module directory.  It is tried in a child process first, so that one that
 * crashes while it is loaded or in its init is refused and takes nothing with it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "view.h"

#define TRY_SECONDS 5

static const struct {
	uint32_t class;
	const char *name;
} class_names[] = {
	{ UM_NEEDS_PATH, "path" }, { UM_NEEDS_DESC, "desc" }, { UM_NEEDS_IO, "io" }, { UM_NEEDS_SOCK, "sock" },
	{ UM_NEEDS_IDS, "ids" }, { UM_NEEDS_TIME, "time" }, { UM_NEEDS_NAME, "name" },
};

/* A module's name is part of a file name: letters, digits, '-' and '_'. */
static bool name_is_sane(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n > 0 && n < 64 && name[n] == '\0';
}

static struct um_service *find(const struct um_view *view, const char *name)
{
	struct um_service *s = view->services;

	while (s != NULL && strcmp(s->module->name, name) != 0)
		s = s->next;
	return s;
}

static bool is_allowed(const struct um_view *view, const char *name)
{
	const char *const *allowed = view->allowed_modules;

	for (; allowed != NULL && *allowed != NULL; allowed++)
		if (strcmp(*allowed, name) == 0)
			return true;
	return view->allowed_modules == NULL;
}

/* Open the module and look at its descriptor.  NULL: @why says what is wrong. */
static const struct um_module *open_module(const char *file, const char *name, void **handle, int *err, char *why,
					    size_t whysize)
{
	const struct um_module *module;

	*err = -EINVAL;
	*handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (*handle == NULL) {
		snprintf(why, whysize, "%s is not a module: %s", file, dlerror());
		return NULL;
	}
	module = dlsym(*handle, "um_module");
	if (module == NULL)
		snprintf(why, whysize, "%s is not a module of umview: it exports no um_module", file);
	else if (module->abi != UM_MODULE_ABI)
		snprintf(why, whysize, "%s was built for module interface %u, this umview has %u", file, module->abi,
			 (unsigned)UM_MODULE_ABI);
	else if (strcmp(module->name, name) != 0)
		snprintf(why, whysize, "%s calls itself '%s'", file, module->name);
	else
		return module;
	dlclose(*handle);
	return NULL;
}

/* Load and init in a child that may die of it. */
static int try_in_child(const char *file, const char *name, char *why, size_t whysize)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		const struct um_module *module;
		char unused[8];
		void *handle;
		int err;

		alarm(TRY_SECONDS);
		module = open_module(file, name, &handle, &err, unused, sizeof(unused));
		if (module != NULL && module->init != NULL)
			module->init();
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 0; /* reaped by the monitor's own collecting of children: nothing is known */
	if (WIFSIGNALED(status)) {
		snprintf(why, whysize, "%s was killed by signal %d (%s) while it was loaded", file, WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
		return -ENOEXEC;
	}
	return 0;
}

/* Does the view trap what the module needs? */
static int check_classes(const struct um_view *view, const struct um_module *module, char *why, size_t whysize)
{
	uint32_t missing = module->classes & ~view->classes;

	for (size_t i = 0; i < sizeof(class_names) / sizeof(class_names[0]); i++)
		if (missing & class_names[i].class) {
			snprintf(why, whysize,
				 "it needs system calls of class '%s', which this view was started without: "
				 "start it with umview --modules ...,%s",
				 class_names[i].name, module->name);
			return -EPERM;
		}
	if (missing != 0) {
		snprintf(why, whysize, "it needs a class of system calls that this umview does not know (0x%x)", missing);
		return -EINVAL;
	}
	return 0;
}

int service_add(struct um_view *view, const char *name, char *why, size_t whysize)
{
	const struct um_module *module = NULL;
	struct um_service *service;
	char file[PATH_MAX];
	void *handle;
	int err;

	*why = '\0';
	if (!name_is_sane(name)) {
		snprintf(why, whysize, "'%s' is not a module name", name);
		return -EINVAL;
	}
	if (find(view, name) != NULL) {
		snprintf(why, whysize, "already loaded");
		return -EEXIST;
	}
	if (!is_allowed(view, name)) {
		snprintf(why, whysize, "this view was started with --modules, which does not name it");
		return -EPERM;
	}
	snprintf(file, sizeof(file), "%s/%s.so", view->module_dir, name);
	if (access(file, R_OK) < 0) {
		err = -errno;
		snprintf(why, whysize, "no such module: %s: %s", file, strerror(-err));
		return err;
	}
	err = try_in_child(file, name, why, whysize);
	if (err == 0)
		module = open_module(file, name, &handle, &err, why, whysize);
	if (module == NULL)
		return err;
	err = check_classes(view, module, why, whysize);
	if (err == 0 && module->init != NULL) {
		err = module->init();
		if (err < 0)
			snprintf(why, whysize, "its init failed: %s", strerror(-err));
	}
	service = err == 0 ? malloc(sizeof(*service)) : NULL;
	if (service == NULL) {
		dlclose(handle);
		return err < 0 ? err : -ENOMEM;
	}
	*service = (struct um_service){ module, handle, NULL };
	for (struct um_service **end = &view->services;; end = &(*end)->next)
		if (*end == NULL) {
			*end = service;
			break;
		}
	return 0;
}

int service_del(struct um_view *view, const char *name, char *why, size_t whysize)
{
	struct um_service *service = find(view, name), **p;

	*why = '\0';
	if (service == NULL) {
		snprintf(why, whysize, "not loaded");
		return -ENOENT;
	}
	if (service_in_use(view, service)) {
		snprintf(why, whysize, "in use: unmount what it serves first");
		return -EBUSY;
	}
	if (view->staging > 0) {
		snprintf(why, whysize, "busy: large files are being copied");
		return -EBUSY;
	}
	for (p = &view->services; *p != service; p = &(*p)->next)
		;
	*p = service->next;
	if (service->module->fini != NULL)
		service->module->fini();
	dlclose(service->handle);
	free(service);
	return 0;
}
