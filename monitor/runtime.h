/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running views of a user: each monitor has a datagram socket in the user's runtime directory,
 * $XDG_RUNTIME_DIR/umview/PID.sock or /tmp/umview-UID/PID.sock (PID: the process that the shell started).
 *
 * One datagram is one request, with a descriptor to answer to; so a monitor never waits for anybody.
 */
#ifndef MONITOR_RUNTIME_H
#define MONITOR_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "ending.h"
#include "syscall/filter.h"
#include "view.h"

#define RUNTIME_VERSION 2

/* A request; descriptors that go with it: the one to answer to, and for RUNTIME_ENTERED the listener. */
struct runtime_request {
	uint32_t version;
	enum runtime_what {
		RUNTIME_INFO,
		RUNTIME_ENTERED, /* a child of the sender waits to exec under the view's filter */
	} what;
	int32_t child;
	uint32_t umask;
	uint32_t node;          /* which of the view's nodes is meant (node.h) */
	uint8_t su;             /* not bool: what comes may be anything */
};

struct runtime_reply {
	uint32_t version;
	int32_t error;          /* errno value, and words for people in `why' */
	char why[256];
	char name[64], tracer[16], command[256];
	char path[256];         /* the names of the views that it is inside of, with '/' between, and its own */
	int32_t front, monitor, init; /* front: for a view inside of another, the process that it was started for */
	uint32_t node, nnodes;  /* this one; ids are smaller than nnodes */
	uint32_t processes;
	uint64_t seconds;       /* since its start */
	/* what a process must do to enter */
	uint32_t tag;
	struct filter_config filter;
	struct um_features features;
	bool ended;             /* CMD has, and the view goes on */
};

/* The monitor's side. */
struct runtime {
	struct um_view *view;
	struct ending *ending;
	int fd;                 /* -1: there is none; the view runs unlisted */
	uint64_t start;         /* CLOCK_BOOTTIME, seconds */
	char path[108], command[256];
};

void runtime_serve(struct runtime *rt, struct um_view *view, struct ending *ending, char **argv);
void runtime_close(struct runtime *rt);
/* What it tells of a node (node.h).  0, or a negative errno value: there is none. */
int runtime_describe(const struct um_view *view, uint32_t id, struct runtime_reply *reply);

/* The directory; NULL and errno if there is none that belongs to the user alone. */
const char *runtime_dir(void);

/* The asking side.  Ask the view of this socket; 0, or a negative errno. */
int runtime_ask(const char *path, const struct runtime_request *request, int listener, struct runtime_reply *reply);
/* Call @fn for each running view, and those inside of it; stops when it returns false.  Sockets and files of dead views are removed. */
void runtime_each(bool (*fn)(void *arg, const char *path, const struct runtime_reply *view), void *arg);
/* The view of this name, path or front's process id.  Dies if there is none, or more than one. */
void runtime_find(const char *name, char path[108], struct runtime_reply *reply);
/* Is there one of this name? */
bool runtime_taken(const char *name);

/* --list.  @inside: of a view whose processes cannot reach the others, which is then asked for itself and those in it. */
int runtime_list(bool json, bool inside);

#endif
