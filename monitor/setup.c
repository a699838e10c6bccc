/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making the view that the options ask for.
 */
#include "setup.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls/outside.h"
#include "dircache.h"
#include "hostfs.h"
#include "kfeatures.h"
#include "log.h"
#include "node.h"
#include "steps.h"
#include "tracer/tracer.h"

#ifndef UM_PKGLIBDIR
#define UM_PKGLIBDIR "/usr/local/lib/umview"
#endif

/* What the modules that come with umview may ever need; none of them serves data, clocks or names. */
#define CLASSES_DEFAULT (UM_NEEDS_PATH | UM_NEEDS_DESC | UM_NEEDS_SOCK | UM_NEEDS_IDS)
#define CLASSES_ALWAYS (UM_CLASS_BIT(UM_CLASS_PROC) | UM_CLASS_BIT(UM_CLASS_DENY) | UM_CLASS_BIT(UM_CLASS_IDS))

/* --- modules ------------------------------------------------------------------------------------------------------ */

/* The directory of this program. */
const char *setup_own_dir(void)
{
	char exe[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n <= 0)
		return UM_BINDIR;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (slash == NULL)
		return UM_BINDIR;
	*slash = '\0';
	/* libtool keeps what it has linked but not installed in .libs, beside a script that starts it. */
	slash = strrchr(exe, '/');
	if (slash != NULL && strcmp(slash, "/.libs") == 0)
		*slash = '\0';
	return um_format("%s", exe);
}

static const char *build_tree(void)
{
	static const char *const places[] = { "modules/.libs", "modules", ".libs", "modules/viewfs/.libs" };
	const char *exe = setup_own_dir();

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *dir = um_format("%s/%s", exe, places[i]), *probe = um_format("%s/viewfs.so", dir);
		bool found = access(probe, R_OK) == 0;

		free(probe);
		if (found)
			return dir;
		free(dir);
	}
	return NULL;
}

const char *setup_module_dir(bool secure)
{
	const char *dir = secure ? NULL : getenv("UMVIEW_MODULE_DIR");

	if (dir != NULL && dir[0] == '/')
		return dir;
	dir = build_tree();
	return dir != NULL ? dir : UM_PKGLIBDIR;
}

/* The classes that a module says it needs. */
uint32_t setup_module_needs(const char *dir, const char *name)
{
	char *path = um_format("%s/%s.so", dir, name);
	const struct um_module *module;
	void *handle;
	uint32_t needs;

	if (*name == '\0' || strchr(name, '/') != NULL)
		um_die("--modules: \"%s\" is no module's name", name);
	handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	if (handle == NULL)
		um_die("--modules: %s: %s", name, access(path, F_OK) < 0 ? "there is no such module" : dlerror());
	module = dlsym(handle, "um_module");
	if (module == NULL)
		um_die("--modules: %s is not a module of umview", path);
	if (module->abi != UM_MODULE_ABI)
		um_die("--modules: %s was made for another version of umview", path);
	needs = module->classes;
	dlclose(handle);
	free(path);
	return needs;
}

static uint32_t classes_of(const struct options *opt, const char *dir)
{
	uint32_t classes = CLASSES_ALWAYS | (opt->io ? UM_NEEDS_IO : 0);

	if (opt->modules == NULL)
		return classes | CLASSES_DEFAULT;
	for (const char **m = opt->modules; *m != NULL; m++)
		classes |= setup_module_needs(dir, *m);
	return classes;
}

/* --- identity ----------------------------------------------------------------------------------------------------- */

static void real_caps(struct um_ids *ids)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data) == 0) {
		ids->cap_effective = data[0].effective | (uint64_t)data[1].effective << 32;
		ids->cap_permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
		ids->cap_inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	}
	for (int cap = 0; cap < 64; cap++) {
		int in = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (in < 0) /* beyond the last one that the kernel knows */
			break;
		ids->cap_bounding |= (uint64_t)in << cap;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			ids->cap_ambient |= UINT64_C(1) << cap;
	}
	ids->securebits = (uint32_t)prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
}

static void real_ids(struct um_ids *ids)
{
	int n = getgroups(0, NULL);

	memset(ids, 0, sizeof(*ids));
	getresuid(&ids->ruid, &ids->euid, &ids->suid);
	getresgid(&ids->rgid, &ids->egid, &ids->sgid);
	ids->fsuid = (uid_t)setfsuid((uid_t)-1);
	ids->fsgid = (gid_t)setfsgid((gid_t)-1);
	if (n > 0) {
		ids->groups = um_alloc((size_t)n * sizeof(gid_t));
		ids->ngroups = (uint32_t)getgroups(n, ids->groups);
	}
	real_caps(ids);
}

const struct um_state *setup_identity(struct um_view *view, uint32_t node, mode_t mask, bool su)
{
	struct um_state state = *state_number(view->states, 1);
	gid_t zero = 0;

	state.node = node;
	state.umask = (uint16_t)mask;
	if (su) {
		state.virtual_ids = true;
		ids_root(&state.ids);
		state.ids.groups = &zero;
		state.ids.ngroups = 1;
	}
	return state_intern(view->states, &state);
}

/* Record 1: how the user is. */
static struct um_states *first_states(const struct origin *origin)
{
	struct um_state state = { .dumpable = 1, .umask = (uint16_t)origin->umask };
	struct um_states *states;
	int carrier = state_choose_carrier();

	if (carrier < 0)
		um_die("the limits that could carry the state of processes (RLIMIT_LOCKS, RLIMIT_RSS, RLIMIT_RTTIME) all "
		       "have a finite hard limit here; raise one of them: ulimit -H -x unlimited");
	real_ids(&state.ids);
	state.no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	prlimit64(0, (enum __rlimit_resource)carrier, NULL, &state.carried);
	states = states_new(&state);
	if (states == NULL)
		um_die("cannot make the table of states: %s", strerror(errno));
	free(state.ids.groups);
	return states;
}

/* --- the view ----------------------------------------------------------------------------------------------------- */

static FILE *open_trace(const char *file)
{
	int fd = file == NULL ? dup(2) : -1;
	FILE *f;

	if (file != NULL)
		f = fopen(file, "we");
	else
		f = fdopen(fd, "w");
	if (f == NULL)
		um_die("--trace: %s: %s", file != NULL ? um_shown(file) : "standard error", strerror(errno));
	if (fcntl(fileno(f), F_SETFD, FD_CLOEXEC) < 0)
		um_die("--trace: %s", strerror(errno));
	return f;
}

void setup_view(struct um_view *view, const struct options *opt, const struct origin *origin, pid_t front)
{
	memset(view, 0, sizeof(*view));
	pthread_mutex_init(&view->lock, NULL);
	view->uid = getuid();
	view->gid = getgid();
	view->monitor = getpid();
	view->front = front;
	nodes_init(view, opt->name != NULL ? opt->name : um_format("%d", (int)front), (const char *const *)opt->modules);
	view->secure = opt->secure;
	view->tracer_ops = &um_unotify;
	outside_terminals();
	if (opt->secure)
		hostfs_guard();
	view->module_dir = setup_module_dir(opt->secure);
	view->command_dir = setup_own_dir();
	view->classes = classes_of(opt, view->module_dir);
	view->loader_fd = -1;
	view->stats = opt->stats;
	if (opt->trace)
		view->trace = open_trace(opt->trace_file);
	features_probe_host(&view->features);
	features_remove(&view->features, &opt->without);
	view->states = first_states(origin);
	view->host = &hostfs_mount;
	if (!view->features.openat2)
		hostfs_disable_openat2();
	if (!view->features.inotify)
		dircache_disable();
	view->table = hashtab_new();
	if (view->table == NULL)
		um_die("cannot make the view's table: %s", strerror(errno));
	while (view->cookie == 0 && !view->secure)
		if (getrandom(&view->cookie, sizeof(view->cookie), 0) < 0 && errno != EINTR)
			um_die("getrandom: %s", strerror(errno));
}

/* --- services and mounts ------------------------------------------------------------------------------------------ */

struct by_monitor {
	struct um_view *view;
	const struct um_state *state;
};

static int load(void *arg, const char *module, char *why, size_t whysize)
{
	struct by_monitor *m = arg;

	return service_add(m->view, m->state, module, why, whysize);
}

static int mount_one(void *arg, const char *source, const char *target, const char *type, const char *options, char *why,
		     size_t whysize)
{
	struct by_monitor *m = arg;

	return view_mount(m->view, m->state, source, target, type, 0, options, why, whysize);
}

void setup_steps(struct um_view *view, const struct options *opt, const struct origin *origin,
		 const struct um_state *state)
{
	struct by_monitor arg = { view, state };
	const struct step_ops ops = { load, mount_one, &arg };

	steps_run(opt, &ops, origin->umask);
}
