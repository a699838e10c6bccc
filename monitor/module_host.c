// SPDX-License-Identifier: GPL-2.0-or-later
/* What the monitor does for modules, and what it asks of all of them: module_host.h. */
#include "module_host.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "log.h"
#include "node.h"
#include "tracer/tracer.h"

#define SERVICES_MAX 64

static struct um_view *the_view;
static __thread struct um_call *serving;

static void host_caller(struct um_caller *caller)
{
	const struct um_call *call = serving;

	*caller = (struct um_caller){ .uid = the_view->uid, .gid = the_view->gid };
	if (call == NULL)
		return;
	caller->tid = call->tid;
	caller->pid = um_tgid(call);
	caller->uid = call->state->ids.fsuid;
	caller->gid = call->state->ids.fsgid;
	caller->umask = call->state->umask;
	caller->on_worker = call->on_worker;
}

static int host_caller_fd(int fd)
{
	return serving != NULL ? um_get_fd(serving, fd) : -EBADF;
}

static void host_wait_begin(void)
{
	if (serving != NULL)
		um_park_begin(serving);
}

static bool host_wait_end(void)
{
	return serving != NULL && um_park_end(serving);
}

static void host_lock(void)
{
	um_lock(the_view);
}

static void host_unlock(void)
{
	um_unlock(the_view);
}

static int host_see_older(pid_t pid, uint64_t epoch)
{
	const struct um_state *state = state_of(the_view->states, pid), *record;
	struct um_state changed;

	if (state == NULL)
		return -ESRCH;
	if (state->before != 0 && state->before <= epoch)
		return 0;
	changed = *state;
	changed.before = epoch;
	record = state_intern(the_view->states, &changed);
	return record == NULL ? -ENOMEM : state_set(the_view->states, pid, record);
}

static int host_end_reads(pid_t tgid, dev_t dev, ino_t ino, int err)
{
	return um_end_reads(the_view, tgid, dev, ino, err);
}

static bool host_traps_io(void)
{
	return the_view->classes & UM_NEEDS_IO;
}

static void host_log(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	um_warn("%s", text);
}

static void host_fs_types(um_fs_type_fn *fn, void *arg)
{
	for (struct um_service *s = the_view->services; serving != NULL && s != NULL; s = s->next) {
		if (!service_seen(the_view, serving->state, s))
			continue;
		for (size_t i = 0; i < s->types->n; i++) {
			const struct um_fs_type *type = &s->types->all[i].type;

			if (strchr(type->name, '*') == NULL && !s->types->all[i].of_place)
				fn(arg, type->name, type->on_device);
		}
	}
}

const struct um_host *module_host(struct um_view *view)
{
	static const struct um_host host = {
		.caller = host_caller,
		.caller_fd = host_caller_fd,
		.wait_begin = host_wait_begin,
		.wait_end = host_wait_end,
		.lock = host_lock,
		.unlock = host_unlock,
		.see_older = host_see_older,
		.end_reads = host_end_reads,
		.traps_io = host_traps_io,
		.log = host_log,
		.fs_types = host_fs_types,
	};

	the_view = view;
	return &host;
}

struct um_call *module_serves(struct um_call *call)
{
	struct um_call *before = serving;

	serving = call;
	return before;
}

int modules_settle(const struct um_call *call)
{
	int ret = 0;

	if (call->state->before != 0)
		return 0; /* a server: it cannot wait for itself */
	for (struct um_service *s = call->view->services; s != NULL; s = s->next)
		if (s->module->settle != NULL && s->module->settle() < 0)
			ret = -UM_STAGE;
	return ret;
}

bool modules_want(const struct um_view *view, bool forget)
{
	bool any = false;

	for (const struct um_service *s = view->services; s != NULL; s = s->next)
		any |= s->module->wants != NULL && s->module->wants(forget);
	return any;
}

int modules_stage(struct um_call *call, bool run)
{
	struct um_view *view = call->view;
	int (*fn[SERVICES_MAX])(bool);
	int err = 0;
	unsigned n = 0;

	for (struct um_service *s = view->services; s != NULL && n < SERVICES_MAX; s = s->next)
		if (s->module->stage != NULL)
			fn[n++] = s->module->stage;
	if (n == 0)
		return 0;
	view->staging++; /* so none of them is unloaded */
	if (run)
		um_unlock(view);
	while (n > 0) { /* only the one that wants it has something to do */
		int one = fn[--n](run);

		if (one < 0)
			err = one;
	}
	if (run)
		um_relock(call);
	if (--view->staging == 0)
		nodes_collect(view);
	return err;
}

void modules_end(struct um_view *view)
{
	void (*fn[SERVICES_MAX])(void);
	unsigned n = 0;

	um_lock(view);
	for (struct um_service *s = view->services; s != NULL && n < SERVICES_MAX; s = s->next)
		if (s->module->end != NULL)
			fn[n++] = s->module->end;
	view->staging++; /* so none of them is unloaded */
	um_unlock(view);
	while (n > 0)
		fn[--n]();
}
