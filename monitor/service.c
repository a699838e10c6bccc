// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Services: modules loaded into the running view.
 *
 * A module is NAME.so in the module directory.  It is tried in a child process first, so that one that
 * crashes while it is loaded or in its init is refused and takes nothing with it.  It is loaded once, by the first
 * node that asks for it, and unloaded when no node has it any more.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls/outside.h"
#include "module_host.h"
#include "node.h"
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

/* The newest entry by which a node of this scope (NULL: any node) has the service. */
static bool find_entry(const struct um_view *view, const struct hashtab_scope *scope, const char *name,
		       struct hashtab_entry *entry)
{
	return hashtab_find(view->table, HT_MODULE, name, strlen(name), scope, entry) == 0;
}

bool service_seen(const struct um_view *view, const struct um_state *state, const struct um_service *service)
{
	struct hashtab_entry entry;

	return find_entry(view, &view_node(view, state)->scope, service->module->name, &entry);
}

/* From now on the node has it, with what it shows. */
static int enter(struct um_view *view, const struct um_state *state, struct um_service *service, char *why, size_t whysize)
{
	const char *name = service->module->name;
	int64_t id = hashtab_add(view->table, HT_MODULE, name, strlen(name), view_node(view, state)->id, 0, 0);
	int err = 0;

	if (id < 0)
		return (int)id;
	for (const struct um_place *p = service->module->places; p != NULL && p->path != NULL && err == 0; p++)
		err = view_place(view, state, service, p, why, whysize);
	if (err < 0) {
		hashtab_remove(view->table, (uint32_t)id);
		view_unplace(view, state, service);
	}
	return err;
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
static int try_in_child(struct um_view *view, const char *file, const char *name, char *why, size_t whysize)
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
			module->init(module_host(view));
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

/* Unload a service that no node has. */
static void unload(struct um_view *view, struct um_service *service)
{
	struct um_service **p;

	for (p = &view->services; *p != service; p = &(*p)->next)
		;
	*p = service->next;
	view->proc_makers -= service->module->proc_files != NULL;
	if (service->module->fini != NULL)
		service->module->fini();
	dlclose(service->handle);
	free(service->types);
	free(service);
}

int service_add(struct um_view *view, const struct um_state *state, const char *name, char *why, size_t whysize)
{
	const struct view_node *node = view_node(view, state);
	const struct um_module *module = NULL;
	struct hashtab_entry entry;
	struct um_service *service;
	char file[PATH_MAX];
	void *handle;
	int err;

	*why = '\0';
	if (!name_is_sane(name)) {
		snprintf(why, whysize, "'%s' is not a module name", name);
		return -EINVAL;
	}
	if (find_entry(view, &node->scope, name, &entry) && entry.node == node->id) {
		snprintf(why, whysize, "already loaded");
		return -EEXIST;
	}
	if (!node_allows(view, node, name)) {
		snprintf(why, whysize, "this view was started with --modules, which does not name it");
		return -EPERM;
	}
	service = find(view, name);
	if (service != NULL) /* by another node: each has what it loads itself */
		return enter(view, state, service, why, whysize);
	snprintf(file, sizeof(file), "%s/%s.so", view->module_dir, name);
	if (access(file, R_OK) < 0) {
		err = -errno;
		snprintf(why, whysize, "no such module: %s: %s", file, strerror(-err));
		return err;
	}
	if (view->secure && view->settled && outside_can_replace(view, state, file)) {
		snprintf(why, whysize, "in a secure view modules come from where its programs cannot write, and not from %s",
			 view->module_dir);
		return -EPERM;
	}
	err = try_in_child(view, file, name, why, whysize);
	if (err == 0)
		module = open_module(file, name, &handle, &err, why, whysize);
	if (module == NULL)
		return err;
	err = check_classes(view, module, why, whysize);
	if (err == 0 && module->init != NULL) {
		err = module->init(module_host(view));
		if (err < 0)
			snprintf(why, whysize, "its init failed: %s", strerror(-err));
	}
	service = err == 0 ? calloc(1, sizeof(*service)) : NULL;
	if (service != NULL)
		service->types = fs_types_of(module);
	if (service == NULL || service->types == NULL) {
		free(service);
		dlclose(handle);
		return err < 0 ? err : -ENOMEM;
	}
	service->module = module;
	service->handle = handle;
	view->proc_makers += module->proc_files != NULL;
	for (struct um_service **end = &view->services;; end = &(*end)->next)
		if (*end == NULL) {
			*end = service;
			break;
		}
	err = enter(view, state, service, why, whysize);
	if (err < 0 && !find_entry(view, NULL, name, &entry))
		unload(view, service);
	return err;
}

static bool in_use(const struct um_view *view, const struct um_service *service, const struct um_state *state)
{
	for (size_t i = 0; i < view->nmounts; i++)
		if (view->mounts[i] != NULL && view->mounts[i]->service == service && !view->mounts[i]->hidden &&
		    (state == NULL || mount_seen(view, state, view->mounts[i])))
			return true;
	return false;
}

/* Has a view inside of the entry's node it by this entry? */
static bool is_inherited(const struct um_view *view, const struct hashtab_entry *entry)
{
	for (size_t i = 1; i < view->nnodes; i++)
		if (view->nodes[i] != NULL && view->nodes[i]->live && i != entry->node &&
		    hashtab_in_scope(&view->nodes[i]->scope, entry->epoch, entry->node))
			return true;
	return false;
}

int service_del(struct um_view *view, const struct um_state *state, const char *name, char *why, size_t whysize)
{
	const struct view_node *node = view_node(view, state);
	struct um_service *service = find(view, name);
	struct hashtab_entry entry;

	*why = '\0';
	if (service == NULL || !find_entry(view, &node->scope, name, &entry)) {
		snprintf(why, whysize, "not loaded");
		return -ENOENT;
	}
	if (entry.node != node->id) {
		snprintf(why, whysize, "it was loaded by the view around this one, which is the one to unload it");
		return -EPERM;
	}
	if (is_inherited(view, &entry)) {
		snprintf(why, whysize, "in use: a view inside of this one has it");
		return -EBUSY;
	}
	if (in_use(view, service, state)) {
		snprintf(why, whysize, "in use: unmount what it serves first");
		return -EBUSY;
	}
	if (view->staging > 0) {
		snprintf(why, whysize, "busy: large files are being copied");
		return -EBUSY;
	}
	view_unplace(view, state, service);
	hashtab_remove(view->table, entry.id);
	if (!find_entry(view, NULL, name, &entry))
		unload(view, service);
	return 0;
}

static int note_id(void *arg, const struct hashtab_entry *entry, const char *key, size_t keylen)
{
	uint32_t *id = arg;

	(void)key, (void)keylen;
	*id = entry->id;
	return 1;
}

void services_leave(struct um_view *view, uint32_t node)
{
	static const uint64_t births[1] = { UINT64_MAX };
	struct hashtab_scope own = { .epoch = UINT64_MAX, .nodes = &node, .births = births, .nnodes = 1 };
	struct um_service *next;
	struct hashtab_entry entry;
	uint32_t id;

	while (hashtab_each(view->table, HT_MODULE, &own, note_id, &id) == 1)
		hashtab_remove(view->table, id);
	for (struct um_service *s = view->services; s != NULL; s = next) {
		next = s->next;
		if (!in_use(view, s, NULL) && !find_entry(view, NULL, s->module->name, &entry))
			unload(view, s);
	}
}
