// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The nodes of a view.
 *
 * Theory of operation.  A node is an id, which the records of its processes carry (state.h), the entries of the table
 * have as their adder's, and mounts as that of who has changed them.  It has a scope: itself, and its ancestors up to
 * the epoch at which the next one was born.  Birth advances the table's clock, so that nothing which was found out
 * before (namei_fast.c) is believed by a node that was born since.
 *
 * A node lives as long as it has processes.  There is no list of them, so one is watched, by its pidfd: when it ends,
 * another one is looked for, and there is none if no complete reading of /proc finds one (state_procs.c).  Processes
 * come to a node by fork alone, or under the view's lock, which is held here.  A node without processes is kept while
 * a node inside of it lives, for that one sees what it has.
 */
#include "node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "compat.h"
#include "dispatch.h"
#include "log.h"

#define NODES_MAX 4096

static int watches = -1;        /* epoll instance of all nodes' pidfds; data: the node's id */

/* --- what there is ------------------------------------------------------------------------------------------------ */

struct view_node *node_parent(const struct um_view *view, const struct view_node *node)
{
	return node->scope.nnodes > 1 ? view->nodes[node->scope.nodes[1]] : NULL;
}

bool node_is_inside(const struct view_node *node, const struct view_node *outer)
{
	for (size_t i = 0; i < node->scope.nnodes; i++)
		if (node->scope.nodes[i] == outer->id)
			return true;
	return false;
}

bool node_lives(const struct um_view *view, uint32_t id, uint64_t birth)
{
	const struct view_node *node = id < view->nnodes ? view->nodes[id] : NULL;

	return node != NULL && node->live && node_birth(node) == birth;
}

struct view_node *node_named(const struct um_view *view, const struct view_node *parent, const char *name)
{
	char number[16];

	for (size_t i = 1; i < view->nnodes; i++) {
		struct view_node *node = view->nodes[i];

		if (node == NULL || !node->live || node == parent || !node_is_inside(node, parent))
			continue;
		snprintf(number, sizeof(number), "%d", (int)node->init);
		if (strcmp(node->name, name) == 0 || strcmp(number, name) == 0)
			return node;
	}
	return NULL;
}

bool node_allows(const struct um_view *view, const struct view_node *node, const char *module)
{
	for (; node != NULL; node = node_parent(view, node)) {
		char **m = node->modules;

		while (m != NULL && *m != NULL && strcmp(*m, module) != 0)
			m++;
		if (m != NULL && *m == NULL)
			return false;
	}
	return true;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void node_free(struct view_node *node)
{
	if (node == NULL)
		return;
	if (node->watch >= 0)
		close(node->watch);
	for (char **m = node->modules; m != NULL && *m != NULL; m++)
		free(*m);
	free(node->modules);
	free((void *)node->scope.nodes);
	free((void *)node->scope.births);
	free(node->name);
	free(node->command);
	free(node->hostname);
	free(node->domainname);
	free(node);
}

/* Does a node that lives see what this one has? */
static bool is_needed(const struct um_view *view, const struct view_node *node)
{
	for (size_t i = 0; i < view->nnodes; i++)
		if (view->nodes[i] != NULL && view->nodes[i]->live && node_is_inside(view->nodes[i], node))
			return true;
	return false;
}

void nodes_collect(struct um_view *view)
{
	if (view->staging > 0) /* the file system of a mount is at work: when it is done */
		return;
	mounts_collect(view);
	for (size_t i = 1; i < view->nnodes; i++) {
		struct view_node *node = view->nodes[i];

		if (node == NULL || is_needed(view, node))
			continue;
		mounts_leave(view, node->id);
		services_leave(view, node->id);
		view->nodes[i] = NULL;
		node_free(node);
	}
	while (view->nodes[view->nnodes - 1] == NULL)
		view->nnodes--;
}

static bool lives_in(void *arg, const struct um_state *state)
{
	return state->node == *(const uint32_t *)arg;
}

/* The watched process has ended: watch another one.  False: there is none.  A node that cannot be watched lives on. */
static bool watch_next(struct um_view *view, struct view_node *node)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = node->id };

	if (node->watch >= 0)
		close(node->watch); /* which takes it out of the epoll instance */
	node->watch = state_find(view->states, lives_in, &node->id);
	if (node->watch >= 0)
		epoll_ctl(watches, EPOLL_CTL_ADD, node->watch, &event);
	return node->watch != -ENOENT;
}

bool nodes_ended(struct um_view *view)
{
	struct epoll_event event;
	bool ended = false;

	while (watches >= 0 && epoll_wait(watches, &event, 1, 0) == 1) {
		struct view_node *node = event.data.u32 < view->nnodes ? view->nodes[event.data.u32] : NULL;

		if (node != NULL)
			node->init_ended = true; /* it is the first that is watched */
		if (node == NULL || watch_next(view, node))
			continue;
		node->live = false;
		ended = true;
	}
	if (ended)
		nodes_collect(view);
	return ended;
}

static void on_end(struct um_view *view, int fd, void *arg)
{
	(void)fd, (void)arg;
	nodes_ended(view);
}

/* --- the beginning ------------------------------------------------------------------------------------------------ */

static uint64_t boot_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec;
}

static char **copy_list(const char *const *list)
{
	size_t n = 0;
	char **copy;

	while (list[n] != NULL)
		n++;
	copy = um_alloc((n + 1) * sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = um_format("%s", list[i]);
	copy[n] = NULL;
	return copy;
}

void nodes_init(struct um_view *view, const char *name, const char *const *modules)
{
	static const uint64_t births[1] = { UINT64_MAX };
	static const uint32_t ids[1] = { 0 };
	struct view_node *node = um_alloc(sizeof(*node));

	*node = (struct view_node){ .live = true, .watch = -1, .init = view->front, .name = um_format("%s", name) };
	node->scope = (struct hashtab_scope){ .epoch = UINT64_MAX, .nodes = ids, .births = births, .nnodes = 1 };
	node->modules = modules != NULL ? copy_list(modules) : NULL;
	view->nodes = um_alloc(sizeof(struct view_node *));
	view->nodes[0] = node;
	view->nnodes = 1;
}

/* What the new node sees of its ancestors: all until now. */
static bool make_scope(struct view_node *node, const struct view_node *parent, uint64_t now)
{
	size_t n = parent->scope.nnodes + 1;
	uint32_t *nodes = malloc(n * sizeof(*nodes));
	uint64_t *births = malloc(n * sizeof(*births));

	node->scope = (struct hashtab_scope){ .epoch = UINT64_MAX, .nodes = nodes, .births = births, .nnodes = n };
	if (nodes == NULL || births == NULL)
		return false;
	nodes[0] = node->id;
	births[0] = UINT64_MAX;
	memcpy(nodes + 1, parent->scope.nodes, (n - 1) * sizeof(*nodes));
	memcpy(births + 1, parent->scope.births, (n - 1) * sizeof(*births));
	births[1] = now;
	return true;
}

/* A free id. */
static int new_id(struct um_view *view)
{
	struct view_node **more;
	size_t id = 1;

	while (id < view->nnodes && view->nodes[id] != NULL)
		id++;
	if (id < view->nnodes)
		return (int)id;
	if (id >= NODES_MAX)
		return -ENOSPC;
	more = realloc(view->nodes, (id + 1) * sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	view->nodes = more;
	view->nodes[id] = NULL;
	view->nnodes = id + 1;
	return (int)id;
}

/* Have the process watched. */
static int watch_first(struct um_view *view, struct view_node *node)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = node->id };
	int err;

	if (watches < 0) {
		watches = epoll_create1(EPOLL_CLOEXEC);
		err = watches < 0 ? -errno : monitor_add_poll(view, watches, on_end, NULL);
		if (err < 0)
			return err;
	}
	node->watch = (int)syscall(SYS_pidfd_open, node->init, 0);
	if (node->watch < 0 || epoll_ctl(watches, EPOLL_CTL_ADD, node->watch, &event) < 0)
		return -errno;
	return 0;
}

static char *copy(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

int node_new(struct um_view *view, const struct view_node *parent, pid_t init, const char *name, const char *command,
	     const char *const *modules, char *why, size_t whysize)
{
	struct view_node *node;
	int id, err;

	if (parent->scope.nnodes >= VIEWS_DEEP) {
		snprintf(why, whysize, "views are %d deep inside of each other here, and no more is possible", VIEWS_DEEP);
		return -ELOOP;
	}
	id = new_id(view);
	if (id < 0) {
		snprintf(why, whysize, "there are %d views inside of this one, and no more are possible", NODES_MAX);
		return id;
	}
	node = calloc(1, sizeof(*node));
	if (node == NULL)
		return -ENOMEM;
	*node = (struct view_node){ .id = (uint32_t)id, .live = true, .watch = -1, .init = init,
				    .start = boot_seconds() };
	node->name = copy(name);
	node->command = copy(command);
	for (char *p = node->command; p != NULL && *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' '; /* it is printed by umview --list */
	node->hostname = copy(parent->hostname);
	node->domainname = copy(parent->domainname);
	node->modules = modules != NULL ? copy_list(modules) : NULL;
	err = make_scope(node, parent, hashtab_tick(view->table) + 1) ? watch_first(view, node) : -ENOMEM;
	if (err < 0) {
		snprintf(why, whysize, "cannot watch its process: %s", strerror(-err));
		node_free(node);
		return err;
	}
	view->nodes[id] = node;
	return id;
}

struct counting {
	void (*fn)(void *arg, uint32_t node);
	void *arg;
};

static bool count_one(void *arg, const struct um_state *state)
{
	const struct counting *c = arg;

	c->fn(c->arg, state->node);
	return false;
}

void nodes_each_process(const struct um_view *view, void (*fn)(void *arg, uint32_t node), void *arg)
{
	struct counting c = { fn, arg };

	state_each(view->states, count_one, &c);
}
