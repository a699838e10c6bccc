// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sockets with names in the file tree: bind, connect, sendto, getsockname, getpeername.
 *
 * Theory of operation.  An AF_UNIX address that is a path is resolved in the view.  Where the kernel would come to
 * the same file, it does the work.  Elsewhere the monitor does it, on a duplicate of the process's socket: it binds
 * to the place in the upper directory, and it connects and sends through /proc/self/fd/N, N being an O_PATH
 * descriptor of the socket file.  So no path is too long and none can be changed between look-up and use.
 *
 * Names come back from the kernel as the host paths that were bound; they are shown as the paths that the program
 * gave, if that is remembered, or else as the path in the view.
 *
 * Addresses of other families and abstract names are the kernel's.  In secure mode the kernel is never asked with an
 * address in the process's memory, for it could have changed: the monitor does all of these on duplicates.
 *
 * With virtual ids the host's service manager and its system bus are out of reach: a package script that is root in
 * its view would otherwise stop, start and reload the host's services.  Their sockets are there for stat(2), but
 * nobody listens (ECONNREFUSED): scripts then do as in a chroot.  A socket that was made in the view, or a directory
 * that was mounted there (viewfs, move), is not the host's.
 */
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "outside.h"
#include "proc.h"

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)
#define DATAGRAM_MAX (16u << 20) /* above any send buffer that an ordinary user can have */

/* --- addresses -------------------------------------------------------------------------------------------------- */

int address_read(const struct um_call *call, uint64_t addr, uint64_t len, struct address *a)
{
	int err;

	a->path[0] = '\0';
	a->len = (int)len;
	if ((int)len < 0 || len > sizeof(a->room))
		return -EINVAL;
	memset(&a->room, 0, sizeof(a->room));
	err = um_read(call, addr, &a->room, a->len);
	if (err < 0)
		return err;
	if (a->len > PATH_OFFSET && a->len <= sizeof(a->un) && a->any.sa_family == AF_UNIX &&
	    a->un.sun_path[0] != '\0') {
		memcpy(a->path, a->un.sun_path, a->len - PATH_OFFSET); /* may lack its NUL */
		a->path[a->len - PATH_OFFSET] = '\0';
	}
	return abstract_place(call->view, a);
}

/* Is it one of the host's own, that a root of the view must not reach?  In secure mode all are. */
static bool is_host_service(const struct um_call *call, const struct um_path *path)
{
	static const char *const services[] = {
		"/run/systemd/private",
		"/run/systemd/notify",
		"/run/systemd/io.systemd.*",
		"/run/dbus/system_bus_socket",
		"/run/user/*/systemd/private",
		"/run/user/*/systemd/notify",
		"/run/user/*/systemd/io.systemd.*",
	};

	if (!outside_is_ours(call, path))
		return true;
	if (!call->state->virtual_ids || (path->mount != call->view->host && path->node.body != UM_BODY_HOST))
		return false;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (fnmatch(services[i], path->view, FNM_PATHNAME) == 0)
			return true;
	return false;
}

/* Let the address name the file that @fd (O_PATH) stands for. */
static int64_t address_by_fd(struct address *a, int fd)
{
	a->un.sun_family = AF_UNIX;
	snprintf(a->un.sun_path, sizeof(a->un.sun_path), "/proc/self/fd/%d", fd);
	a->len = sizeof(a->un);
	return fd;
}

int64_t address_resolve(struct um_call *call, struct address *a, bool must)
{
	struct um_path path = UM_PATH_INIT;
	const char *given = a->path, *inside = NULL;
	char view[PATH_MAX];
	int64_t ret;

	/* A receiver answers to what recvfrom(2) showed it: the name that the kernel has. */
	if (sockets_name(call->view->sockets, given) != NULL &&
	    view_path_of_host(call->view, call->state, given, view) == 0)
		inside = state_path(call->state, view);
	if (inside != NULL)
		given = inside;
	ret = namei_string(call, AT_FDCWD, given, NAMEI_FOLLOW, &path);
	if (ret < 0)
		goto out;
	if (is_host_service(call, &path)) {
		ret = -ECONNREFUSED;
		goto out;
	}
	if (call->state->virtual_ids || !path.same) {
		ret = um_path_permission(call, &path, W_OK);
		if (ret < 0)
			goto out;
	}
	if (path.same && !must && given == a->path) {
		ret = UM_CONTINUE;
	} else if (path.node.type != S_IFSOCK || um_path_body(&path) == -EOPNOTSUPP) {
		ret = -ECONNREFUSED;
	} else if (um_path_body(&path) < 0) {
		ret = um_path_body(&path);
	} else {
		call->route = path.mount->type->name;
		ret = address_by_fd(a, path.node.fd);
		path.node.fd = -1;
	}
out:
	um_path_put(&path);
	return ret;
}

int64_t unix_socket(struct um_call *call, int fd, int *type)
{
	socklen_t len = sizeof(int);
	int sock = um_get_fd(call, fd), domain;

	if (sock < 0)
		return sock;
	if (getsockopt(sock, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX &&
	    getsockopt(sock, SOL_SOCKET, SO_TYPE, type, &len) == 0)
		return sock;
	close(sock);
	return UM_CONTINUE;
}

int64_t addressed_socket(struct um_call *call, int fd, int *type)
{
	socklen_t len = sizeof(*type);
	int sock;

	if (!call->view->secure)
		return unix_socket(call, fd, type);
	sock = um_get_fd(call, fd);
	if (sock < 0 || getsockopt(sock, SOL_SOCKET, SO_TYPE, type, &len) == 0)
		return sock;
	close(sock);
	return -ENOTSOCK;
}

bool is_nonblocking(int sock)
{
	return fcntl(sock, F_GETFL) & O_NONBLOCK;
}

struct um_sockets *sockets_of(struct um_call *call)
{
	if (call->view->sockets == NULL)
		call->view->sockets = sockets_new();
	return call->view->sockets;
}

void remember_client(struct um_call *call, int sock, const struct ucred *cred)
{
	struct um_sockets *s = sockets_of(call);
	uint64_t ino = socket_inode(sock);
	struct um_ids buf;
	const struct um_ids *ids = ids_of(call->view, call->state, &buf);
	struct ucred own = { um_tgid(call), ids->euid, ids->egid };
	int domain = AF_UNSPEC;
	socklen_t len = sizeof(domain);

	getsockopt(sock, SOL_SOCKET, SO_DOMAIN, &domain, &len);
	if (domain == AF_UNIX && s != NULL && ino != 0)
		sockets_add_client(s, ino, cred ? cred : &own);
}

/* --- bind ------------------------------------------------------------------------------------------------------- */

static socklen_t bound_name(int sock, struct sockaddr_un *un)
{
	socklen_t len = sizeof(*un);

	memset(un, 0, sizeof(*un));
	if (getsockname(sock, (struct sockaddr *)un, &len) != 0 || len <= PATH_OFFSET)
		return 0;
	return len > sizeof(*un) ? sizeof(*un) : len;
}

/* The name of a new socket is free; make it. */
static int64_t bind_at(struct um_call *call, struct um_path *path, int sock, const struct address *a)
{
	struct um_owner owner = new_owner(call, path);
	struct sockaddr_un un;
	struct stat st;
	int err;

	if (UM_OPS(path)->bind == NULL)
		return -EPERM;
	if (bound_name(sock, &un) != 0)
		return -EINVAL;
	if (fstat(sock, &st) != 0)
		return -errno;
	/* The socket's own mode counts: some call fchmod(2) on it before they bind. */
	err = UM_OPS(path)->bind(UM_FS(path), path->rel, sock, call->view->features.user_ns ? a->path : NULL,
				 st.st_mode & 0777 & ~(mode_t)call->state->umask, &owner);
	if (err == -EEXIST)
		err = -EADDRINUSE;
	if (err == 0)
		outside_made(call, path);
	if (err == 0 && bound_name(sock, &un) != 0) {
		char bound[sizeof(un.sun_path) + 1] = "";

		memcpy(bound, un.sun_path, sizeof(un.sun_path));
		/* Also if it is the same: an earlier socket's entry must not outlive it. */
		if ((strcmp(bound, a->path) != 0 || sockets_name(call->view->sockets, bound) != NULL) &&
		    sockets_of(call) != NULL)
			sockets_add_name(call->view->sockets, bound, a->path);
	}
	return err;
}

int64_t call_bind(struct um_call *call)
{
	struct um_path path = UM_PATH_INIT;
	struct address a;
	int64_t ret, sock = -1;
	int type;

	ret = address_read(call, call->args[1], call->args[2], &a);
	if (!call->view->secure && (ret < 0 || a.path[0] == '\0'))
		return UM_CONTINUE;
	sock = addressed_socket(call, (int)call->args[0], &type);
	if (sock < 0)
		return sock;
	if (ret == 0 && a.len == PATH_OFFSET && a.any.sa_family == AF_UNIX)
		ret = abstract_autobind(call->view, sock);
	else if (ret == 0 && a.path[0] == '\0')
		ret = bind(sock, &a.any, a.len) == 0 ? 0 : -errno;
	if (ret < 0 || a.path[0] == '\0')
		goto out;
	ret = namei_string(call, AT_FDCWD, a.path, NAMEI_PARENT, &path);
	if (ret < 0)
		goto out;
	if (path_is_native(call, &path) && !call->view->secure)
		ret = UM_CONTINUE;
	else if (path.exists)
		ret = -EADDRINUSE;
	else if (path.slash)
		ret = -ENOENT;
	else
		ret = um_path_parent_permission(call, &path, false);
	if (ret == 0) {
		call->route = path.mount->type->name;
		ret = um_alive(call) ? bind_at(call, &path, sock, &a) : UM_REPLIED;
	}
out:
	um_path_put(&path);
	close(sock);
	return ret;
}

/* --- connect ---------------------------------------------------------------------------------------------------- */

int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

int64_t send_timeout(int sock, struct timeval *tv)
{
	socklen_t len = sizeof(*tv);

	if (getsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, tv, &len) != 0 || (tv->tv_sec == 0 && tv->tv_usec == 0))
		return INT64_MAX;
	return tv->tv_sec * INT64_C(1000000) + tv->tv_usec;
}

/* Connect where it may block, on a worker.  An interrupted connect(2) of an AF_UNIX socket has had no effect. */
static int64_t connect_slowly(struct um_call *call, int sock, const struct address *a)
{
	struct timeval own;
	bool restarts = send_timeout(sock, &own) == INT64_MAX, interrupted;
	int64_t ret;

	do {
		um_wait_begin(call);
		ret = connect(sock, &a->any, a->len) == 0 ? 0 : -errno;
		interrupted = um_wait_end(call);
	} while (ret == -EINTR && !interrupted);
	return ret == -EINTR && restarts ? UM_RESTART : ret;
}

static int64_t connect_for(struct um_call *call, int sock, int type, const struct address *a)
{
	int64_t ret;

	if (type != SOCK_DGRAM && !is_nonblocking(sock)) {
		if (!call->on_worker)
			return UM_BLOCKS;
		ret = connect_slowly(call, sock, a);
	} else {
		ret = connect(sock, &a->any, a->len) == 0 ? 0 : -errno;
	}
	if (ret == 0 && type != SOCK_DGRAM)
		remember_client(call, sock, NULL);
	return ret;
}

int64_t call_connect(struct um_call *call)
{
	int64_t sock, file = -1, ret;
	struct address a;
	int type;

	ret = address_read(call, call->args[1], call->args[2], &a);
	if (!call->view->secure && (ret < 0 || a.path[0] == '\0'))
		return UM_CONTINUE;
	sock = addressed_socket(call, (int)call->args[0], &type);
	if (sock < 0)
		return sock;
	if (ret == 0 && a.path[0] != '\0')
		ret = file = address_resolve(call, &a, call->view->secure);
	if (ret < 0)
		;
	else if (!um_alive(call))
		ret = UM_REPLIED;
	else
		ret = connect_for(call, sock, type, &a);
	if (file >= 0)
		close(file);
	close(sock);
	return ret;
}

/* --- sendto ----------------------------------------------------------------------------------------------------- */

/*
 * A socket to the kernel's audit service?  For the view's root it is as in a user namespace (audit_netlink_ok() in the
 * kernel's audit.c), for which sudo, su and PAM are ready; EPERM is an error to them.
 */
static bool is_audit(struct um_call *call, int fd)
{
	int protocol = 0, sock;
	socklen_t len = sizeof(protocol);

	if (!call->state->virtual_ids)
		return false;
	sock = um_get_fd(call, fd);
	if (sock < 0)
		return false;
	if (getsockopt(sock, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0)
		protocol = 0;
	close(sock);
	return protocol == NETLINK_AUDIT;
}

int64_t call_sendto(struct um_call *call)
{
	size_t len = call->args[2];
	struct iovec iov = { .iov_len = len };
	int64_t sock, file = -1, ret;
	struct address a;
	struct msghdr msg = { .msg_name = &a.any, .msg_iov = &iov, .msg_iovlen = 1 };
	int type;

	ret = address_read(call, call->args[4], call->args[5], &a);
	if (ret == 0 && a.any.sa_family == AF_NETLINK && is_audit(call, (int)call->args[0]))
		return -ECONNREFUSED;
	if (!call->view->secure && (ret < 0 || a.path[0] == '\0'))
		return UM_CONTINUE;
	sock = addressed_socket(call, (int)call->args[0], &type);
	if (sock < 0)
		return sock;
	if (ret == 0 && type != SOCK_DGRAM && !call->view->secure)
		ret = UM_CONTINUE; /* only datagrams have receivers of their own */
	if (ret < 0)
		goto out;
	if (a.path[0] != '\0' && type == SOCK_DGRAM) {
		ret = file = address_resolve(call, &a, call->view->secure);
		if (ret < 0)
			goto out;
	}
	ret = -EMSGSIZE;
	if (len > DATAGRAM_MAX)
		goto out;
	ret = -ENOMEM;
	iov.iov_base = malloc(len + 1);
	if (iov.iov_base == NULL)
		goto out;
	ret = um_read(call, call->args[1], iov.iov_base, len);
	msg.msg_namelen = a.len;
	if (ret == 0)
		ret = send_for(call, sock, &msg, (int)call->args[3]);
	if (ret >= 0)
		remember_client(call, sock, NULL);
	free(iov.iov_base);
out:
	if (file >= 0)
		close(file);
	close(sock);
	return ret;
}

/* --- names ------------------------------------------------------------------------------------------------------ */

bool name_to_show(const struct um_call *call, const struct sockaddr_un *un, socklen_t len, struct name_shown *shown,
		  socklen_t *shown_len)
{
	char bound[sizeof(un->sun_path) + 1] = "", view[PATH_MAX];
	const char *name;

	if (abstract_to_show(call->view, un, len, &shown->un, shown_len))
		return true;
	if (len <= PATH_OFFSET || len > sizeof(*un) || un->sun_family != AF_UNIX || un->sun_path[0] == '\0')
		return false;
	memcpy(bound, un->sun_path, len - PATH_OFFSET);
	name = sockets_name(call->view->sockets, bound);
	if (name == NULL && strncmp(bound, "/proc/self/fd/", 14) == 0)
		name = strrchr(bound, '/') + 1; /* bound by the monitor; its directory is forgotten */
	if (name == NULL && bound[0] == '/') {
		/* A name that is no other in the view is what some program gave. */
		if (view_path_of_host(call->view, call->state, bound, view) < 0 || strcmp(view, bound) == 0)
			return false;
		name = state_path(call->state, view);
		if (name == NULL)
			name = view; /* outside of its root: as for a descriptor from there */
	}
	if (name == NULL || strcmp(name, bound) == 0 || strlen(name) > sizeof(un->sun_path))
		return false;
	memset(shown, 0, sizeof(*shown));
	shown->un.sun_family = AF_UNIX;
	memcpy(shown->un.sun_path, name, strlen(name));
	*shown_len = PATH_OFFSET + strlen(name) + 1;
	return true;
}

int64_t call_getsockname(struct um_call *call)
{
	struct sockaddr_un un = { 0 };
	struct name_shown shown;
	socklen_t len = sizeof(un), shown_len;
	int64_t sock;
	int type, room, err;

	/* Nothing was ever bound by the monitor, and all paths are the host's. */
	if (call->view->sockets == NULL && hashtab_npaths(call->view->table) == 0 && *call->state->root == '\0' &&
	    !call->view->secure)
		return UM_CONTINUE;
	sock = unix_socket(call, (int)call->args[0], &type);
	if (sock < 0)
		return sock;
	if (call->nr == SYS_getpeername)
		err = getpeername(sock, (struct sockaddr *)&un, &len);
	else
		err = getsockname(sock, (struct sockaddr *)&un, &len);
	close(sock);
	if (err != 0 || !name_to_show(call, &un, len, &shown, &shown_len))
		return UM_CONTINUE;
	err = um_read(call, call->args[2], &room, sizeof(room));
	if (err < 0 || room < 0)
		return err < 0 ? err : -EINVAL;
	err = um_write(call, call->args[1], &shown, (socklen_t)room < shown_len ? (socklen_t)room : shown_len);
	return err < 0 ? err : um_write(call, call->args[2], &shown_len, sizeof(shown_len));
}
