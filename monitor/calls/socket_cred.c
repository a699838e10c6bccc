// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who is at the other end of an AF_UNIX socket: getsockopt(SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD).
 *
 * The kernel notes process and ids at connect(2), listen(2) or socketpair(2).  The process it names is the right one,
 * but for connections that the monitor made: these are looked up by the client socket's inode, which the kernel
 * tells over NETLINK_SOCK_DIAG (sock_diag(7)).  The ids are the real user's; a process of the view is shown with
 * those it has in the view, now (the kernel's would be those it had at connect).  A peer outside of the view is
 * shown as it is.
 */
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../compat.h"
#include "../tracer/tracer.h"
#include "../view.h"

uint64_t socket_inode(int sock)
{
	struct stat st;

	return fstat(sock, &st) == 0 ? st.st_ino : 0;
}

/* The attribute UNIX_DIAG_PEER of an answer, or 0. */
static uint64_t parse_peer(const void *buf, ssize_t n)
{
	const struct nlmsghdr *h = buf;
	const struct rtattr *attr;
	int left;

	if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct unix_diag_msg)) || !NLMSG_OK(h, (size_t)n) ||
	    h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	attr = (const struct rtattr *)((const char *)NLMSG_DATA(h) + NLMSG_ALIGN(sizeof(struct unix_diag_msg)));
	left = h->nlmsg_len - NLMSG_LENGTH(sizeof(struct unix_diag_msg));
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		if (attr->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(attr) >= sizeof(uint32_t))
			return *(const uint32_t *)RTA_DATA(attr);
	return 0;
}

uint64_t peer_inode(uint64_t ino)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req req;
	} ask = {
		.head = { .nlmsg_len = sizeof(ask), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST },
		.req = { .sdiag_family = AF_UNIX,
			 .udiag_states = -1,
			 .udiag_ino = ino,
			 .udiag_show = UDIAG_SHOW_PEER,
			 .udiag_cookie = { -1, -1 } },
	};
	char buf[1024] __attribute__((aligned(8)));
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	uint64_t peer = 0;

	if (sock < 0)
		return 0;
	if (send(sock, &ask, sizeof(ask), 0) == sizeof(ask))
		peer = parse_peer(buf, recv(sock, buf, sizeof(buf), MSG_DONTWAIT)); /* it answers at once */
	close(sock);
	return peer;
}

/* Whose credentials the monitor's are on this connection; NULL if that is not known. */
static const struct ucred *true_client(const struct um_call *call, int sock)
{
	uint64_t peer = peer_inode(socket_inode(sock));

	/* Without the kernel's word, or once the client has closed: most likely it is the one that came last. */
	return sockets_client(call->view->sockets, peer);
}

bool cred_to_show(struct um_call *call, int sock, struct ucred *cred)
{
	const struct um_state *state;
	const struct ucred *client;

	if (cred->pid <= 0)
		return false;
	if (cred->pid == call->view->monitor) {
		client = true_client(call, sock);
		if (client == NULL)
			return false;
		*cred = *client;
		if (!call->state->virtual_ids) {
			cred->uid = call->view->uid;
			cred->gid = call->view->gid;
		}
		return true;
	}
	if (!call->state->virtual_ids)
		return false;
	state = state_of(call->view->states, cred->pid);
	if (state == NULL || !state->virtual_ids)
		return false;
	cred->uid = state->ids.euid;
	cred->gid = state->ids.egid;
	return true;
}

/* Hand out @size bytes as getsockopt does: cut off at the room there is. */
static int64_t give(struct um_call *call, const void *data, unsigned size)
{
	int room, err = um_read(call, call->args[4], &room, sizeof(room));

	if (err < 0 || room < 0)
		return err < 0 ? err : -EINVAL;
	if ((unsigned)room < size)
		size = room;
	err = um_write(call, call->args[3], data, size);
	return err < 0 ? err : um_write(call, call->args[4], &size, sizeof(size));
}

/* The supplementary groups: ERANGE, with the size that is needed, if there is no room for all. */
static int64_t give_groups(struct um_call *call, const struct um_state *peer)
{
	unsigned size = peer->ids.ngroups * sizeof(gid_t);
	int room, err = um_read(call, call->args[4], &room, sizeof(room));

	if (err < 0)
		return err;
	if (room < 0 || (unsigned)room >= size)
		return give(call, peer->ids.groups, size);
	err = um_write(call, call->args[4], &size, sizeof(size));
	return err < 0 ? err : -ERANGE;
}

/* A descriptor of the process, placed in the caller.  The kernel's would stand for the monitor. */
static int64_t give_pidfd(struct um_call *call, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), number, room;
	int64_t err;

	if (fd < 0)
		return -errno;
	err = um_read(call, call->args[4], &room, sizeof(room));
	if (err == 0 && (size_t)room < sizeof(fd))
		err = -EINVAL;
	number = err < 0 ? (int)err : call->view->tracer_ops->add_fd(call, fd, O_CLOEXEC);
	close(fd);
	return number < 0 ? number : give(call, &number, sizeof(number));
}

int64_t call_getsockopt(struct um_call *call)
{
	pid_t kernels = 0;
	const struct um_state *peer;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int64_t sock, ret = UM_CONTINUE;
	int type;

	if ((int)call->args[1] != SOL_SOCKET ||
	    ((int)call->args[2] != SO_PEERCRED && (int)call->args[2] != SO_PEERGROUPS &&
	     (int)call->args[2] != SO_PEERPIDFD))
		return UM_CONTINUE;
	/* The kernel's answer is right unless ids are virtual or the monitor has made connections. */
	if (!call->state->virtual_ids && call->view->sockets == NULL)
		return UM_CONTINUE;
	sock = unix_socket(call, (int)call->args[0], &type);
	if (sock < 0)
		return sock;
	if (getsockopt((int)sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && (kernels = cred.pid) > 0 &&
	    cred_to_show(call, (int)sock, &cred)) {
		call->route = "ids";
		peer = state_of(call->view->states, cred.pid);
		if ((int)call->args[2] == SO_PEERCRED)
			ret = give(call, &cred, sizeof(cred));
		else if ((int)call->args[2] == SO_PEERPIDFD)
			ret = cred.pid == kernels ? UM_CONTINUE : give_pidfd(call, cred.pid);
		else if (call->state->virtual_ids && peer != NULL && peer->virtual_ids)
			ret = give_groups(call, peer);
	}
	close((int)sock);
	return ret;
}
