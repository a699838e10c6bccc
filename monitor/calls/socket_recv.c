// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * recvmsg(2) by the monitor, where credentials come with a message and have to be shown in the view's terms.
 *
 * Only with virtual ids, and only on sockets that ask for credentials (SO_PASSCRED).  The data go through the
 * monitor's memory, received descriptors are placed in the process.
 */
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tracer/tracer.h"
#include "../view.h"

#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

#define IOV_COUNT_MAX 1024  /* UIO_MAXIOV */
#define DATA_MAX (4u << 20) /* of one message */
#define CONTROL_MAX 20480

struct reception {
	struct msghdr theirs, ours;
	struct iovec *vec; /* theirs */
	struct iovec iov;  /* all the room in one piece */
	struct sockaddr_un name;
};

static void reception_put(struct reception *r)
{
	free(r->vec);
	free(r->iov.iov_base);
	free(r->ours.msg_control);
}

/* Make room as the process did. */
static int prepare(const struct um_call *call, struct reception *r)
{
	size_t n = r->theirs.msg_iovlen, sum = 0;
	int err;

	if (n > IOV_COUNT_MAX)
		return -EMSGSIZE;
	r->vec = malloc((n + 1) * sizeof(*r->vec));
	if (r->vec == NULL)
		return -ENOMEM;
	err = um_read(call, (uintptr_t)r->theirs.msg_iov, r->vec, n * sizeof(*r->vec));
	if (err < 0)
		return err;
	for (size_t i = 0; i < n; i++) {
		if (r->vec[i].iov_len > DATA_MAX - sum)
			r->vec[i].iov_len = DATA_MAX - sum;
		sum += r->vec[i].iov_len;
	}
	r->iov = (struct iovec){ malloc(sum + 1), sum };
	r->ours.msg_controllen = r->theirs.msg_controllen < CONTROL_MAX ? r->theirs.msg_controllen : CONTROL_MAX;
	r->ours.msg_control = malloc(r->ours.msg_controllen + sizeof(struct cmsghdr));
	r->ours.msg_iov = &r->iov;
	r->ours.msg_iovlen = 1;
	r->ours.msg_name = &r->name;
	r->ours.msg_namelen = sizeof(r->name);
	return r->iov.iov_base && r->ours.msg_control ? 0 : -ENOMEM;
}

/* SO_RCVTIMEO as milliseconds; -1: none. */
static int64_t receive_timeout(int sock)
{
	struct timeval tv;
	socklen_t len = sizeof(tv);

	if (getsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &tv, &len) != 0 || (tv.tv_sec == 0 && tv.tv_usec == 0))
		return -1;
	return tv.tv_sec * INT64_C(1000) + tv.tv_usec / 1000;
}

/* Did descriptors come? */
static bool has_fds(const struct reception *r)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&r->ours); c != NULL; c = CMSG_NXTHDR((struct msghdr *)&r->ours, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			return true;
	return false;
}

/* Receive; wait only on a worker. */
static int64_t receive(struct um_call *call, int sock, int type, struct reception *r, int flags)
{
	int ours = flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
	int64_t timeout = receive_timeout(sock), begin = now_us(), waited;
	bool all = (flags & MSG_WAITALL) && !(flags & (MSG_PEEK | MSG_DONTWAIT)) && type == SOCK_STREAM;
	bool interrupted;
	size_t got = 0;

	if (all && !call->on_worker && !is_nonblocking(sock))
		return UM_BLOCKS; /* before anything is taken */
	for (;;) {
		struct iovec rest = { (char *)r->iov.iov_base + got, r->iov.iov_len - got };
		struct msghdr msg = r->ours;
		struct pollfd p = { .fd = sock, .events = POLLIN };
		ssize_t n;

		msg.msg_iov = &rest;
		if (got > 0) { /* what comes with the first part counts; more of it ends the message */
			msg.msg_control = NULL;
			msg.msg_controllen = 0;
		}
		n = recvmsg(sock, &msg, ours);
		if (n >= 0) {
			if (got == 0)
				r->ours = msg;
			r->ours.msg_iov = &r->iov;
			got += (size_t)n;
			if (!all || n == 0 || got == r->iov.iov_len || has_fds(r))
				return (int64_t)got;
			continue;
		}
		if (got > 0 && errno != EAGAIN)
			return (int64_t)got;
		waited = (now_us() - begin) / 1000;
		if (errno != EAGAIN || flags & MSG_DONTWAIT || is_nonblocking(sock) ||
		    (timeout >= 0 && waited >= timeout))
			return got > 0 ? (int64_t)got : -errno;
		if (!call->on_worker)
			return UM_BLOCKS;
		um_wait_begin(call);
		poll(&p, 1, timeout < 0 ? -1 : (int)(timeout - waited));
		interrupted = um_wait_end(call);
		/* Descriptors, which need the call, come with the first part only. */
		if (got == 0 && !interrupted)
			interrupted = um_recall(call) < 0;
		if (interrupted && got > 0)
			return (int64_t)got;
		if (interrupted)
			return timeout < 0 ? UM_RESTART : -EINTR;
	}
}

/* --- what was received ------------------------------------------------------------------------------------------ */

/* Place the descriptors of a control message in the process.  What finds no place there is cut off. */
static void give_fds(struct um_call *call, struct reception *r, struct cmsghdr *c, int flags)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int), given = 0;
	int *fd = (int *)CMSG_DATA(c);
	bool full = false;

	for (size_t i = 0; i < n; i++) {
		int number = full ? -EMFILE : call->view->tracer_ops->add_fd(call, fd[i], flags);

		close(fd[i]);
		full = number < 0;
		if (!full)
			fd[given++] = number;
	}
	if (full) {
		r->ours.msg_flags |= MSG_CTRUNC;
		c->cmsg_len = CMSG_LEN(given * sizeof(int));
		/* Linux puts descriptors last (net/core/scm.c, scm_recv). */
		r->ours.msg_controllen = (char *)c - (char *)r->ours.msg_control + CMSG_SPACE(given * sizeof(int));
	}
}

static void translate(struct um_call *call, int sock, struct reception *r, int flags)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&r->ours); c != NULL; c = CMSG_NXTHDR(&r->ours, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS)
			give_fds(call, r, c, flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0);
		else if (c->cmsg_type == SCM_PIDFD)
			give_fds(call, r, c, O_CLOEXEC);
		else if (c->cmsg_type == SCM_CREDENTIALS)
			cred_to_show(call, sock, (struct ucred *)CMSG_DATA(c));
	}
}

/* Throw away what came beside the data. */
static void drop_control(struct reception *r)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&r->ours); c != NULL; c = CMSG_NXTHDR(&r->ours, c)) {
		if (c->cmsg_level != SOL_SOCKET || (c->cmsg_type != SCM_RIGHTS && c->cmsg_type != SCM_PIDFD))
			continue;
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
			close(((int *)CMSG_DATA(c))[i]);
	}
	r->ours.msg_controllen = 0;
	r->ours.msg_flags |= MSG_CTRUNC;
}

/* Spread the data over the process's vector. */
static int give_data(struct um_call *call, const struct reception *r, size_t n)
{
	const char *from = r->iov.iov_base;
	int err = 0;

	for (size_t i = 0; i < r->theirs.msg_iovlen && n > 0 && err == 0; i++) {
		size_t part = n < r->vec[i].iov_len ? n : r->vec[i].iov_len;

		err = um_write(call, (uintptr_t)r->vec[i].iov_base, from, part);
		from += part;
		n -= part;
	}
	return err;
}

/* Name, control data, and the header's fields that tell of them. */
static int give_header(struct um_call *call, struct reception *r, int flags)
{
	struct msghdr *out = &r->theirs;
	struct name_shown shown;
	socklen_t len = r->ours.msg_namelen;
	int err = 0;

	if (out->msg_name != NULL) {
		const struct sockaddr_un *name = &r->name;

		if (name_to_show(call, name, len, &shown, &len))
			name = &shown.un;
		err = um_write(call, (uintptr_t)out->msg_name, name, len < out->msg_namelen ? len : out->msg_namelen);
	}
	if (err == 0)
		err = um_write(call, (uintptr_t)out->msg_control, r->ours.msg_control, r->ours.msg_controllen);
	if (out->msg_name != NULL)
		out->msg_namelen = len;
	out->msg_controllen = r->ours.msg_controllen;
	out->msg_flags = (r->ours.msg_flags & ~MSG_CMSG_CLOEXEC) | (flags & MSG_CMSG_CLOEXEC);
	return err < 0 ? err : um_write(call, call->args[1], out, sizeof(*out));
}

/* Does this socket ask for credentials? */
static bool wants_credentials(int sock)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, &len) == 0 && on;
}

int64_t call_recvmsg(struct um_call *call)
{
	struct reception r = { 0 };
	int64_t sock, ret, err;
	int type, flags = (int)call->args[2];

	if (!call->state->virtual_ids || um_read(call, call->args[1], &r.theirs, sizeof(r.theirs)) < 0 ||
	    r.theirs.msg_control == NULL || r.theirs.msg_controllen == 0 || flags & MSG_ERRQUEUE)
		return UM_CONTINUE;
	sock = unix_socket(call, (int)call->args[0], &type);
	if (sock < 0)
		return sock;
	ret = UM_CONTINUE;
	if (!wants_credentials((int)sock))
		goto out;
	ret = prepare(call, &r);
	if (ret == 0)
		ret = um_alive(call) ? receive(call, (int)sock, type, &r, flags) : UM_REPLIED;
	if (ret < 0)
		goto out;
	/* With MSG_TRUNC the result is the length that the message had. */
	err = give_data(call, &r, (size_t)ret < r.iov.iov_len ? (size_t)ret : r.iov.iov_len);
	if (err < 0 || um_write(call, (uintptr_t)r.theirs.msg_control, r.ours.msg_control, r.ours.msg_controllen) < 0)
		drop_control(&r); /* no place for it, so descriptors need not be placed either */
	translate(call, (int)sock, &r, flags);
	if (err == 0)
		err = give_header(call, &r, flags);
	if (err < 0)
		ret = err;
out:
	reception_put(&r);
	close((int)sock);
	return ret;
}
