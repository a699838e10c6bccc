/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running views of a user: the asking side, and --list.
 */
#include "runtime.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "json.h"
#include "log.h"
#include "nested.h"

/* The user's own uid, in a view as well, where the ids may be virtual: /proc shows the kernel's. */
static uid_t real_uid(void)
{
	struct stat st;

	return stat("/proc/self", &st) == 0 ? st.st_uid : geteuid();
}

/* A monitor that is busy answers late; one that is stopped, never. */
#define PATIENCE_MS 2000

/* --- the directory ------------------------------------------------------------------------------------------------ */

/* Make it if it is not there; it must be a directory of ours that nobody else can reach into. */
static bool usable(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return false;
	if (lstat(dir, &st) < 0)
		return false;
	if (!S_ISDIR(st.st_mode) || st.st_uid != real_uid() || (st.st_mode & 077) != 0) {
		errno = EPERM;
		return false;
	}
	return true;
}

const char *runtime_dir(void)
{
	static char dir[80]; /* a socket's path is short: sun_path has 108 bytes */
	const char *xdg = getenv("XDG_RUNTIME_DIR");

	if (dir[0] != '\0')
		return dir;
	if (xdg != NULL && xdg[0] == '/' && (size_t)snprintf(dir, sizeof(dir), "%s/umview", xdg) < sizeof(dir) && usable(dir))
		return dir;
	snprintf(dir, sizeof(dir), "/tmp/umview-%u", (unsigned)real_uid());
	if (usable(dir))
		return dir;
	dir[0] = '\0';
	return NULL;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static int send_request(int sock, const struct runtime_request *request, int answer, int listener)
{
	char control[CMSG_SPACE(2 * sizeof(int))] = { 0 };
	struct iovec iov = { (void *)request, sizeof(*request) };
	size_t n = listener >= 0 ? 2 : 1;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), (int[]){ answer, listener }, n * sizeof(int));
	return sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int runtime_ask(const char *path, const struct runtime_request *request, int listener, struct runtime_reply *reply)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), pair[2] = { -1, -1 }, err = 0;
	struct pollfd p;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (sock < 0 || connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		err = -errno;
	if (err == 0)
		err = send_request(sock, request, pair[1], listener);
	close(pair[1]);
	p = (struct pollfd){ .fd = pair[0], .events = POLLIN };
	if (err == 0 && poll(&p, 1, PATIENCE_MS) != 1)
		err = -ETIMEDOUT;
	if (err == 0 && recv(pair[0], reply, sizeof(*reply), MSG_DONTWAIT) != sizeof(*reply))
		err = -EPROTO;
	if (err == 0 && reply->version != RUNTIME_VERSION)
		err = -EPROTONOSUPPORT;
	close(pair[0]);
	close(sock);
	return err;
}

/* Files of a view whose front is dead. */
static void remove_dead(int dirfd, const char *name)
{
	pid_t pid = atoi(name);

	if (pid > 0 && kill(pid, 0) < 0 && errno == ESRCH)
		unlinkat(dirfd, name, 0);
}

/* The views inside of one. */
static bool each_inside(const char *path, uint32_t nnodes, bool (*fn)(void *arg, const char *path,
								      const struct runtime_reply *view), void *arg)
{
	bool more = true;

	for (uint32_t id = 1; id < nnodes && more; id++) {
		struct runtime_request request = { .version = RUNTIME_VERSION, .what = RUNTIME_INFO, .node = id };
		struct runtime_reply reply;

		if (runtime_ask(path, &request, -1, &reply) == 0 && reply.error == 0)
			more = fn(arg, path, &reply);
	}
	return more;
}

void runtime_each(bool (*fn)(void *arg, const char *path, const struct runtime_reply *view), void *arg)
{
	const char *dir = runtime_dir();
	DIR *d = dir != NULL ? opendir(dir) : NULL;
	bool more = true, tidy = !nested_inside(); /* what a view may not connect to is not dead */
	struct dirent *e;

	while (d != NULL && more && (e = readdir(d)) != NULL) {
		struct runtime_request request = { .version = RUNTIME_VERSION, .what = RUNTIME_INFO };
		struct runtime_reply reply;
		const char *suffix = strchr(e->d_name, '.');
		char *path;
		int err;

		if (suffix == NULL || e->d_name[0] == '.')
			continue;
		if (strcmp(suffix, ".sock") != 0) {
			if (tidy)
				remove_dead(dirfd(d), e->d_name);
			continue;
		}
		path = um_format("%s/%s", dir, e->d_name);
		err = runtime_ask(path, &request, -1, &reply);
		if (err == 0)
			more = fn(arg, path, &reply) && each_inside(path, reply.nnodes, fn, arg);
		else if (err == -ECONNREFUSED && tidy)
			unlink(path);
		else if (err != -ECONNREFUSED && err != -ENOENT)
			um_warn("the view of process %d does not answer: %s", atoi(e->d_name), strerror(-err));
		free(path);
	}
	if (d != NULL)
		closedir(d);
}

struct search {
	const char *name;
	char *path;
	struct runtime_reply *reply;
	unsigned found;
};

static bool search_one(void *arg, const char *path, const struct runtime_reply *view)
{
	struct search *s = arg;
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)view->front);
	if (strcmp(view->name, s->name) != 0 && strcmp(view->path, s->name) != 0 && strcmp(number, s->name) != 0)
		return true;
	s->found++;
	if (s->path != NULL)
		strcpy(s->path, path);
	if (s->reply != NULL)
		*s->reply = *view;
	return true;
}

void runtime_find(const char *name, char path[108], struct runtime_reply *reply)
{
	struct search s = { .name = name, .path = path, .reply = reply };

	runtime_each(search_one, &s);
	if (s.found == 0)
		um_die("--enter %s: there is no running view of that name (umview --list shows all)",
		       um_shown(name));
	if (s.found > 1)
		um_die("--enter %s: %u views have that name; use the process id (umview --list)", name, s.found);
}

bool runtime_taken(const char *name)
{
	struct search s = { .name = name };

	runtime_each(search_one, &s);
	return s.found > 0;
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

struct list {
	bool json;
	unsigned n;
};

static void uptime(uint64_t seconds, char *buf, size_t size)
{
	unsigned long s = seconds;

	if (s < 24 * 3600)
		snprintf(buf, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(buf, size, "%lud %lu:%02lu", s / 86400, s / 3600 % 24, s / 60 % 60);
}

static void list_json(const struct list *list, const struct runtime_reply *v)
{
	printf("%s\n  {\"name\": ", list->n > 0 ? "," : "");
	json_string(stdout, v->name);
	printf(", \"path\": ");
	json_string(stdout, v->path);
	printf(", \"pid\": %d, \"monitor\": %d, \"init\": %d, \"tracer\": \"%s\", \"seconds\": %llu, \"processes\": %u, "
	       "\"ended\": %s, \"command\": ", (int)v->front, (int)v->monitor, (int)v->init, v->tracer,
	       (unsigned long long)v->seconds, v->processes, v->ended ? "true" : "false");
	json_string(stdout, v->command);
	printf("}");
}

static bool list_one(void *arg, const char *path, const struct runtime_reply *v)
{
	struct list *list = arg;
	char up[32];

	(void)path;
	if (list->json) {
		list_json(list, v);
	} else {
		if (list->n == 0)
			printf("%-20s %7s %12s %5s  %s\n", "NAME", "PID", "TIME", "PROCS", "COMMAND");
		uptime(v->seconds, up, sizeof(up));
		printf("%-20s %7d %12s %5u  %s%s\n", v->path, (int)v->front, up, v->processes, v->ended ? "(ended) " : "",
		       v->command);
	}
	list->n++;
	return true;
}

int runtime_list(bool json, bool inside)
{
	struct list list = { .json = json };

	if (!inside && runtime_dir() == NULL)
		um_die("--list: no directory for the views' sockets: $XDG_RUNTIME_DIR/umview and /tmp/umview-%u: %s",
		       (unsigned)geteuid(), strerror(errno));
	if (json)
		printf("[");
	if (inside)
		nested_each(list_one, &list);
	else
		runtime_each(list_one, &list);
	if (json)
		printf("%s]\n", list.n > 0 ? "\n" : "");
	return fflush(stdout) == 0 ? 0 : UM_EXIT_FAILURE;
}
