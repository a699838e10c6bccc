/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nodes of a view: the view itself (node 0), and the views that were started inside of it.
 *
 * All of them have one monitor, one filter, one table.  A process's record says which node it lives in, and the node
 * what it sees: what its ancestors had when it was born, and its own.
 */
#ifndef MONITOR_NODE_H
#define MONITOR_NODE_H

#include "view.h"

#define VIEWS_DEEP 32 /* nodes inside of each other, the view itself included */

struct view_node {
	uint32_t id;            /* its index in view->nodes */
	bool live;              /* it has processes; false: only views inside of it have */
	struct hashtab_scope scope; /* its own id first, then its ancestors' */
	char *name;             /* owned, as the next four */
	char *command;          /* NULL for node 0, which the runtime socket tells of */
	char *hostname, *domainname; /* as a virtual root has set them; NULL: the host's */
	char **modules;         /* --modules: NULL-terminated, or NULL for all that the one around it may load */
	pid_t init;             /* the process that it was made for */
	bool init_ended;
	int watch;              /* a pidfd of one of its processes; -1 for node 0 */
	uint64_t start;         /* CLOCK_BOOTTIME, seconds */
};

/* At the start: node 0.  @modules may be NULL; both are copied. */
void nodes_init(struct um_view *view, const char *name, const char *const *modules);

/* The node of a state; node 0 for NULL. */
static inline struct view_node *view_node(const struct um_view *view, const struct um_state *state)
{
	struct view_node *node = state != NULL && state->node < view->nnodes ? view->nodes[state->node] : NULL;

	return node != NULL ? node : view->nodes[0];
}

/* What processes of this state see. */
static inline struct hashtab_scope view_scope(const struct um_view *view, const struct um_state *state)
{
	struct hashtab_scope scope = view_node(view, state)->scope;

	if (state != NULL && state->before != 0)
		scope.epoch = state->before;
	return scope;
}

/* Until when a node sees what the one around it gets: no other one has the same.  For node 0 it is UINT64_MAX. */
static inline uint64_t node_birth(const struct view_node *node)
{
	return node->scope.births[node->scope.nnodes > 1];
}

/* Does the node that had this id and birth some time ago live still? */
bool node_lives(const struct um_view *view, uint32_t id, uint64_t birth);

/* The node around this one; NULL for node 0. */
struct view_node *node_parent(const struct um_view *view, const struct view_node *node);
/* Is @outer @node itself or one of its ancestors? */
bool node_is_inside(const struct view_node *node, const struct view_node *outer);

/**
 * node_new() - a node inside of @parent, for a process that is to live in it
 * @init:	the process; it must be given a state of the node before the lock is let go
 * @name, @command: copied
 * @modules:	NULL or NULL-terminated; copied
 *
 * Return: its id, or a negative errno value and the reason in @why.
 */
int node_new(struct um_view *view, const struct view_node *parent, pid_t init, const char *name, const char *command,
	     const char *const *modules, char *why, size_t whysize);

/* Let go of what no node that lives sees any more. */
void nodes_collect(struct um_view *view);

/* Has the last process of a node ended since anybody asked?  Then what it had is let go of. */
bool nodes_ended(struct um_view *view);

/* The living node of this name, or whose init has this process id, below @parent; NULL: none. */
struct view_node *node_named(const struct um_view *view, const struct view_node *parent, const char *name);

/* May a service of this name be loaded by the node? */
bool node_allows(const struct um_view *view, const struct view_node *node, const char *module);

/* Call @fn for each process of the view with the id of its node. */
void nodes_each_process(const struct um_view *view, void (*fn)(void *arg, uint32_t node), void *arg);

#endif
