/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's side of its socket: it says who it is, and takes in processes that enter.
 *
 * The directory keeps other users away.  The view's own processes can reach the socket too: they may ask who the
 * view is; entering is no use to them, for a process under a listener cannot have a second one.
 */
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "attach_check.h"
#include "dispatch.h"
#include "log.h"
#include "node.h"
#include "procinfo.h"
#include "setup.h"
#include "tracer/tracer.h"

#define NFDS 2

/* A request as it came: descriptors are ours to close. */
struct received {
	struct runtime_request request;
	int fd[NFDS];           /* [0] to answer to, [1] the listener; -1: none */
	pid_t sender;
};

static uint64_t boot_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec;
}

struct counting {
	const struct um_view *view;
	const struct view_node *node;
	uint32_t n;
};

static void count_one(void *arg, uint32_t id)
{
	struct counting *c = arg;

	if (id < c->view->nnodes && c->view->nodes[id] != NULL && node_is_inside(c->view->nodes[id], c->node))
		c->n++;
}

/* Those in views inside of it, too. */
static uint32_t count_processes(const struct um_view *view, const struct view_node *node)
{
	struct counting c = { view, node, 0 };

	nodes_each_process(view, count_one, &c);
	return c.n;
}

/* "outer/inner" */
static void path_of(const struct um_view *view, const struct view_node *node, char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = node->scope.nnodes; i-- > 0 && n < size;)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n > 0 ? "/" : "", view->nodes[node->scope.nodes[i]]->name);
}

static int refuse(struct runtime_reply *reply, int err, const char *why)
{
	snprintf(reply->why, sizeof(reply->why), "%s", why);
	reply->error = err;
	return -err;
}

int runtime_describe(const struct um_view *view, uint32_t id, struct runtime_reply *reply)
{
	const struct runtime *rt = view->runtime;
	const struct view_node *node = id < view->nnodes ? view->nodes[id] : NULL;

	reply->version = RUNTIME_VERSION;
	if (node == NULL || !node->live)
		return refuse(reply, ENOENT, "that view has ended");
	reply->node = id;
	reply->nnodes = (uint32_t)view->nnodes;
	snprintf(reply->name, sizeof(reply->name), "%s", node->name);
	path_of(view, node, reply->path, sizeof(reply->path));
	snprintf(reply->tracer, sizeof(reply->tracer), "%s", view->tracer_ops->name);
	snprintf(reply->command, sizeof(reply->command), "%s", id == 0 ? rt->command : node->command);
	reply->front = id != 0 ? node->init : view->front > 0 ? view->front : view->monitor;
	reply->monitor = view->monitor;
	reply->init = id != 0 ? node->init : view->init;
	reply->ended = id != 0 ? node->init_ended : view->init_ended;
	reply->processes = count_processes(view, node);
	reply->seconds = boot_seconds() - (id == 0 ? rt->start : node->start);
	reply->tag = states_tag(view->states);
	reply->filter = (struct filter_config){ .classes = view->classes, .cookie = view->cookie,
						.carrier = states_carrier(view->states), .secure = view->secure };
	reply->features = view->features;
	return 0;
}

/* --- entering ----------------------------------------------------------------------------------------------------- */

/* May its memory be read (Yama)? */
static bool readable(pid_t pid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A child of the sender waits to exec under our filter: take it in. */
static int enter(struct runtime *rt, struct received *m, struct runtime_reply *reply)
{
	const struct runtime_request *q = &m->request;
	const struct um_state *state;
	char why[256];
	int err;

	if (m->fd[1] < 0 || !rt->view->tracer_ops->is_listener(m->fd[1]) || procinfo_parent(q->child) != m->sender)
		return refuse(reply, EINVAL, "the request to enter makes no sense");
	/* It may be readable, by prctl(PR_SET_PTRACER); what it starts would not be. */
	if (attach_allowed(why, sizeof(why)) < 0)
		return refuse(reply, EPERM, why);
	if (!readable(q->child))
		return refuse(reply, EPERM, "the monitor may not read the memory of what enters (umview --doctor)");
	state = setup_identity(rt->view, q->node, (mode_t)q->umask, q->su);
	err = state == NULL ? -ENOMEM : state_set(rt->view->states, q->child, state);
	if (err < 0)
		return refuse(reply, -err, "cannot set the state of the process");
	ending_add(rt->ending, m->fd[1], false);
	err = monitor_add_listener(rt->view, m->fd[1], q->child);
	if (err < 0)
		return refuse(reply, -err, "cannot serve another listener");
	m->fd[1] = -1; /* the loop's */
	return 0;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

/* Take one request.  False: there is none. */
static bool take(int fd, struct received *m)
{
	union {
		char room[CMSG_SPACE(NFDS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { &m->request, sizeof(m->request) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n;

	*m = (struct received){ .fd = { -1, -1 }, .sender = -1 };
	n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			size_t got = c->cmsg_len - CMSG_LEN(0);

			memcpy(m->fd, CMSG_DATA(c), got < sizeof(m->fd) ? got : sizeof(m->fd));
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred cred;

			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			if (cred.uid == geteuid())
				m->sender = cred.pid;
		}
	}
	if (n != sizeof(m->request) || m->request.version != RUNTIME_VERSION)
		m->sender = -1;
	return true;
}

static void on_request(struct um_view *view, int fd, void *arg)
{
	struct runtime *rt = arg;
	struct received m;

	(void)view;
	while (take(fd, &m)) {
		struct runtime_reply reply = { .version = RUNTIME_VERSION };

		if (m.sender > 0) {
			if (runtime_describe(rt->view, m.request.node, &reply) == 0 && m.request.what == RUNTIME_ENTERED)
				enter(rt, &m, &reply);
			send(m.fd[0], &reply, sizeof(reply), MSG_DONTWAIT | MSG_NOSIGNAL);
		}
		for (int i = 0; i < NFDS; i++)
			if (m.fd[i] >= 0)
				close(m.fd[i]);
	}
}

/* CMD with its arguments, for the list. */
static void join(char **argv, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (; *argv != NULL && n < size; argv++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n > 0 ? " " : "", *argv);
	for (char *p = buf; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
}

void runtime_serve(struct runtime *rt, struct um_view *view, struct ending *ending, char **argv)
{
	const char *dir = runtime_dir();
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	*rt = (struct runtime){ .view = view, .ending = ending, .fd = -1, .start = boot_seconds() };
	view->runtime = rt;
	join(argv, rt->command, sizeof(rt->command));
	if (dir == NULL)
		return;
	snprintf(rt->path, sizeof(rt->path), "%s/%d.sock", dir, (int)view->front);
	memcpy(addr.sun_path, rt->path, sizeof(addr.sun_path));
	unlink(rt->path); /* of another process that had our id */
	rt->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (rt->fd >= 0 && (setsockopt(rt->fd, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)) < 0 ||
			    bind(rt->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
			    monitor_add_poll(view, rt->fd, on_request, rt) < 0)) {
		close(rt->fd);
		rt->fd = -1;
	}
	if (rt->fd >= 0)
		memcpy(ending->socket, rt->path, sizeof(ending->socket));
}

void runtime_close(struct runtime *rt)
{
	if (rt->fd < 0)
		return;
	unlink(rt->path);
	monitor_remove_poll(rt->view, rt->fd);
	close(rt->fd);
	rt->fd = -1;
}
