// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control call: what a view's commands ask of the monitor (modules/include/um_ctl.h has the verbs).
 *
 * One table of verbs; each fills a text reply and returns 0 or a negative errno, in which case the text is a message.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../modules/include/um_ctl.h"
#include "../attach.h"
#include "../node.h"
#include "../runtime.h"
#include "../state.h"
#include "../tracer/tracer.h"
#include "../view.h"
#include "calls.h"
#include "exec.h"

#define WORDS_MAX 1024
#define REPLY_MAX 65536
#define ATTACH_REPLY_MAX 8192 /* less than what the command has room for: it must not ask twice */

struct request {
	struct um_call *call;
	const char *word[WORDS_MAX]; /* in `text' */
	unsigned n;
	size_t len;             /* of `reply' */
	char text[UM_CTL_REQUEST_MAX];
	char reply[REPLY_MAX];
};

__attribute__((format(printf, 2, 3))) static void say(struct request *r, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(r->reply + r->len, REPLY_MAX - r->len, format, ap);
	va_end(ap);
	if (n > 0)
		r->len = r->len + (size_t)n < REPLY_MAX ? r->len + (size_t)n : REPLY_MAX - 1;
}

static int verb_service_add(struct request *r)
{
	return r->n == 2 ? service_add(r->call->view, r->call->state, r->word[1], r->reply, REPLY_MAX) : -EINVAL;
}

static int verb_service_del(struct request *r)
{
	return r->n == 2 ? service_del(r->call->view, r->call->state, r->word[1], r->reply, REPLY_MAX) : -EINVAL;
}

static int verb_service_list(struct request *r)
{
	for (const struct um_service *s = r->call->view->services; s != NULL; s = s->next)
		if (service_seen(r->call->view, r->call->state, s))
			say(r, "%s\t%s\n", s->module->name, s->module->description);
	return 0;
}

static int check_name(struct request *r, const char *name)
{
	size_t len = strlen(name);
	bool plain = len > 0 && len <= 63 && strpbrk(name, " \t\n/\\$`'\"[]") == NULL;

	for (size_t i = 0; i < len; i++)
		plain = plain && (unsigned char)name[i] >= ' ' && name[i] != 0x7f;
	if (!plain)
		say(r, "a name has 1 to 63 characters, and no space, slash, quote, bracket, $ or control character");
	return plain ? 0 : -EINVAL;
}

static int verb_view_name(struct request *r)
{
	struct view_node *node = view_node(r->call->view, r->call->state);
	char *name;
	int err;

	if (r->n > 1) {
		err = check_name(r, r->word[1]);
		if (err < 0)
			return err;
		name = strdup(r->word[1]);
		if (name == NULL)
			return -ENOMEM;
		free(node->name);
		node->name = name;
	}
	say(r, "%s", node->name);
	return 0;
}

static int verb_view_info(struct request *r)
{
	const struct um_view *view = r->call->view;
	const struct view_node *node = view_node(view, r->call->state);
	size_t mounts = 0, nodes = 0, all = 0;

	for (size_t i = 0; i < view->nmounts; i++) {
		mounts += view->mounts[i] != NULL && mount_in_scope(&node->scope, view->mounts[i]);
		all += view->mounts[i] != NULL;
	}
	for (size_t i = 0; i < view->nnodes; i++)
		nodes += view->nodes[i] != NULL;
	say(r, "name\t%s\npid\t%d\ntracer\t%s\nsecure\t%d\nclasses\t%u\nmodules\t%s\n", node->name, view->monitor,
	    view->tracer_ops->name, view->secure, view->classes, view->module_dir);
	for (const struct um_service *s = view->services; s != NULL; s = s->next)
		if (service_seen(view, r->call->state, s))
			say(r, "service\t%s\n", s->module->name);
	say(r, "mounts\t%zu\nepoch\t%llu\nstates\t%zu\n", mounts, (unsigned long long)hashtab_epoch(view->table),
	    states_count(view->states));
	say(r, "depth\t%zu\nnodes\t%zu\nmounts of all\t%zu\n", node->scope.nnodes - 1, nodes, all);
	return 0;
}

/* A field of /proc/mounts: what would end it is written in octal. */
static void say_field(struct request *r, const char *text, char end)
{
	for (; *text != '\0'; text++)
		say(r, strchr(" \t\n\\", *text) ? "\\%03o" : "%c", (unsigned char)*text);
	say(r, "%c", end);
}

/* A decimal id. */
static int parse_id(const char *word, uint32_t *id)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(word, &end, 10);
	if (*word < '0' || *word > '9' || *end != '\0' || errno != 0 || n >= UINT32_MAX)
		return -EINVAL;
	*id = (uint32_t)n;
	return 0;
}

static int verb_views(struct request *r)
{
	const struct um_view *view = r->call->view;
	const struct view_node *own = view_node(view, r->call->state);
	struct runtime_reply v = { .error = 0 };
	uint32_t id;

	if (r->n != 2 || parse_id(r->word[1], &id) < 0)
		return -EINVAL;
	while (id < view->nnodes && (view->nodes[id] == NULL || !view->nodes[id]->live || !node_is_inside(view->nodes[id], own)))
		id++;
	if (id < view->nnodes && runtime_describe(view, id, &v) == 0)
		say(r, "%u\t%s\t%s\t%s\t%d\t%d\t%d\t%u\t%llu\t%d\t%s", id, v.name, v.path, v.tracer, v.front, v.monitor, v.init,
		    v.processes, (unsigned long long)v.seconds, v.ended, v.command);
	return 0;
}

static int verb_mounts(struct request *r)
{
	const struct um_view *view = r->call->view;

	for (size_t i = 0; i < view->nmounts; i++) {
		const struct um_mount *m = view->mounts[i];

		if (m == NULL || m->hidden || !mount_seen(view, r->call->state, m))
			continue;
		say_field(r, m->source, '\t');
		say_field(r, *m->target ? m->target : "/", '\t');
		say_field(r, m->origin ? "viewfs" : m->type_name, '\t');
		say_field(r, *m->options ? m->options : mount_readonly(view, r->call->state, m) ? "ro" : "rw", '\n');
	}
	return 0;
}

static int verb_why(struct request *r)
{
	say(r, "%s", why_take(r->call));
	return 0;
}

static int verb_su(struct request *r)
{
	struct um_state changed = *r->call->state;
	struct um_ids *ids = &changed.ids;
	gid_t groups[WORDS_MAX];
	uid_t uid;
	gid_t gid;

	if (r->n < 3 || parse_id(r->word[1], &uid) < 0 || parse_id(r->word[2], &gid) < 0)
		return -EINVAL;
	for (unsigned i = 3; i < r->n; i++)
		if (parse_id(r->word[i], &groups[i - 3]) < 0)
			return -EINVAL;
	ids_root(ids);
	ids->ruid = ids->euid = ids->suid = ids->fsuid = uid;
	ids->rgid = ids->egid = ids->sgid = ids->fsgid = gid;
	ids->ngroups = r->n - 3;
	ids->groups = groups;
	if (uid != 0)
		ids->cap_permitted = ids->cap_effective = ids->cap_ambient = 0;
	changed.virtual_ids = true;
	changed.no_new_privs = false;
	return um_set_state(r->call, &changed);
}

static int verb_mount(struct request *r)
{
	if (r->n != 6)
		return -EINVAL;
	return (int)mount_words(r->call, r->word[1], r->word[2], r->word[3], strtoul(r->word[4], NULL, 10), r->word[5]);
}

static int verb_umount(struct request *r)
{
	return r->n == 3 ? (int)umount_words(r->call, r->word[1], (int)strtoul(r->word[2], NULL, 10)) : -EINVAL;
}

/* The caller, a process of one thread, goes to live in another node. */
static int move_to(struct request *r, uint32_t node)
{
	struct um_state changed = *r->call->state;

	changed.node = node;
	return um_set_state(r->call, &changed);
}

/* nest NAME COMMAND [MODULE...]: NAME "" is the caller's process id; MODULE: all that the new node may ever load. */
static int verb_nest(struct request *r)
{
	struct um_view *view = r->call->view;
	const struct view_node *parent = view_node(view, r->call->state);
	const char *modules[WORDS_MAX + 1] = { NULL };
	pid_t tgid = um_tgid(r->call);
	char number[16];
	int id, err;

	if (r->n < 3)
		return -EINVAL;
	if (*r->word[1] != '\0' && check_name(r, r->word[1]) < 0)
		return -EINVAL;
	for (size_t i = 0; i < view->nnodes; i++)
		if (*r->word[1] != '\0' && view->nodes[i] != NULL && view->nodes[i]->live &&
		    strcmp(view->nodes[i]->name, r->word[1]) == 0) {
			say(r, "a running view has that name (umview --list)");
			return -EEXIST;
		}
	for (unsigned i = 3; i < r->n; i++)
		modules[i - 3] = r->word[i];
	snprintf(number, sizeof(number), "%d", (int)tgid);
	id = node_new(view, parent, tgid, *r->word[1] ? r->word[1] : number, r->word[2], r->n > 3 ? modules : NULL,
		      r->reply, REPLY_MAX);
	if (id < 0)
		return id;
	err = move_to(r, (uint32_t)id);
	if (err < 0) {
		view->nodes[id]->live = false;
		nodes_collect(view);
		return err;
	}
	say(r, "%s", view->nodes[id]->name);
	return 0;
}

/* enter NAME: only inwards. */
static int verb_enter(struct request *r)
{
	struct um_view *view = r->call->view;
	const struct view_node *to;

	if (r->n != 2)
		return -EINVAL;
	to = node_named(view, view_node(view, r->call->state), r->word[1]);
	if (to == NULL && strcmp(view_node(view, r->call->state)->name, r->word[1]) == 0) {
		say(r, "this is in that view already");
		return -EEXIST;
	}
	if (to == NULL) {
		say(r, "no view of that name is inside of this one (umview --list), and there is no way to those around it");
		return -ENOENT;
	}
	say(r, "%s", to->name);
	return move_to(r, to->id);
}

/* attach PID [alone] */
static int verb_attach(struct request *r)
{
	bool alone = r->n == 3 && strcmp(r->word[2], "alone") == 0;
	uint32_t pid;

	if (r->n < 2 || r->n > 3 || (r->n == 3 && !alone) || parse_id(r->word[1], &pid) < 0 || pid == 0 || pid > INT32_MAX)
		return -EINVAL;
	if (!r->call->on_worker)
		return (int)UM_BLOCKS;
	return attach(r->call, (pid_t)pid, alone, r->reply, ATTACH_REPLY_MAX);
}

static const struct verb {
	const char *name;
	int (*fn)(struct request *r);
} verbs[] = {
	{ "service-add", verb_service_add }, { "service-del", verb_service_del },
	{ "service-list", verb_service_list }, { "view-name", verb_view_name },
	{ "view-info", verb_view_info }, { "mounts", verb_mounts },
	{ "mount", verb_mount }, { "umount", verb_umount },
	{ "su", verb_su }, { "why", verb_why }, { "nest", verb_nest }, { "enter", verb_enter },
	{ "attach", verb_attach }, { "views", verb_views },
};

/* Cut the request into words. */
static int cut(struct request *r, size_t size)
{
	if (size == 0 || r->text[size - 1] != '\0')
		return -EINVAL;
	for (char *p = r->text; p < r->text + size; p += strlen(p) + 1) {
		if (r->n == WORDS_MAX)
			return -E2BIG;
		r->word[r->n++] = p;
	}
	return 0;
}

/* 0, a negative errno, or UM_BLOCKS. */
static int run_verb(struct request *r)
{
	for (const struct verb *v = verbs; v < verbs + sizeof(verbs) / sizeof(verbs[0]); v++)
		if (strcmp(r->word[0], v->name) == 0)
			return v->fn(r);
	say(r, "unknown request '%s'", r->word[0]);
	return -EINVAL;
}

/* Run the verb, and write the reply to the process. */
static int64_t serve_request(struct request *r)
{
	struct um_call *call = r->call;
	size_t room = call->args[3], n;
	int64_t ret;
	int bad;

	if (strcmp(r->word[0], "plan") == 0)
		return exec_plan(call, call->args[2], room);
	ret = run_verb(r);
	if (ret == UM_BLOCKS)
		return ret;
	n = strlen(r->reply);
	if (room > 0) {
		if (n >= room)
			n = room - 1;
		r->reply[n] = '\0';
		bad = um_write(call, call->args[2], r->reply, n + 1);
		if (ret == 0 && bad < 0)
			ret = bad;
	}
	return ret < 0 ? ret : (int64_t)n;
}

int64_t call_um_ctl(struct um_call *call)
{
	size_t size = call->args[1];
	struct request *r;
	int64_t ret;

	if (size > UM_CTL_REQUEST_MAX)
		return -E2BIG;
	r = malloc(sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	r->call = call;
	r->n = 0;
	r->len = 0;
	r->reply[0] = '\0';
	ret = um_read(call, call->args[0], r->text, size);
	if (ret == 0)
		ret = cut(r, size);
	if (ret == 0)
		ret = serve_request(r);
	free(r);
	return ret;
}
