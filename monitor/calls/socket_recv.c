// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * recvmsg(2) and recvmmsg(2) by the monitor, where credentials come with a message and have to be shown in the view's
 * terms.
 *
 * Only with virtual ids or where the monitor has sent or connected, and only on sockets that ask for credentials
 * (SO_PASSCRED).  The data go through the monitor's memory, received descriptors are placed in the process.
 */
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../compat.h"
#include "../tracer/tracer.h"
#include "../view.h"

#define IOV_COUNT_MAX 1024  /* UIO_MAXIOV */
#define DATA_MAX (4u << 20) /* of one message */
#define CONTROL_MAX 20480

struct reception {
	struct msghdr theirs, ours;
	struct iovec *vec; /* theirs */
	struct iovec iov;  /* all the room in one piece */
	void *spare;       /* as much room for control data as ours has, for parts after the first */
	size_t room;       /* of each of the two */
	struct sockaddr_un name;
	uint64_t at;       /* where theirs is in the process */
};

static void reception_put(struct reception *r)
{
	free(r->vec);
	free(r->iov.iov_base);
	free(r->ours.msg_control);
	free(r->spare);
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
	r->room = r->theirs.msg_controllen < CONTROL_MAX ? r->theirs.msg_controllen : CONTROL_MAX;
	r->ours.msg_controllen = r->room;
	r->ours.msg_control = malloc(r->room + sizeof(struct cmsghdr));
	r->spare = malloc(r->room + sizeof(struct cmsghdr));
	r->ours.msg_iov = &r->iov;
	r->ours.msg_iovlen = 1;
	r->ours.msg_name = &r->name;
	r->ours.msg_namelen = sizeof(r->name);
	return r->iov.iov_base && r->ours.msg_control && r->spare ? 0 : -ENOMEM;
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

/* The first control message of this type; NULL: there is none. */
static struct cmsghdr *control_of(const struct msghdr *msg, int type)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR((struct msghdr *)msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == type)
			return c;
	return NULL;
}

/* Close all descriptors that came. */
static void close_fds(const struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR((struct msghdr *)msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || (c->cmsg_type != SCM_RIGHTS && c->cmsg_type != SCM_PIDFD))
			continue;
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
			close(((int *)CMSG_DATA(c))[i]);
	}
}

/* Is the next part from the one who sent the first?  Linux never glues what different processes sent. */
static bool same_sender(int sock, const struct reception *r)
{
	char control[CMSG_SPACE(sizeof(struct ucred))] __attribute__((aligned(8))), byte;
	struct iovec iov = { &byte, 1 };
	/* room for the credentials, which come first, and not for descriptors */
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	const struct cmsghdr *first = control_of(&r->ours, SCM_CREDENTIALS), *next;

	if (first == NULL || recvmsg(sock, &msg, MSG_PEEK | MSG_DONTWAIT) <= 0)
		return true;
	next = control_of(&msg, SCM_CREDENTIALS);
	return next == NULL || memcmp(CMSG_DATA(first), CMSG_DATA(next), sizeof(struct ucred)) == 0;
}

/* A part after the first, received into the spare room: if descriptors came with it, they are the message's. */
static void take_part(struct reception *r, const struct msghdr *part)
{
	if (control_of(part, SCM_RIGHTS) == NULL) {
		close_fds(part);
		return;
	}
	close_fds(&r->ours);
	memcpy(r->ours.msg_control, part->msg_control, part->msg_controllen);
	r->ours.msg_controllen = part->msg_controllen;
	r->ours.msg_flags = part->msg_flags;
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
		if (got > 0) {
			if (!same_sender(sock, r))
				return (int64_t)got;
			msg.msg_control = r->spare;
			msg.msg_controllen = r->room;
		}
		n = recvmsg(sock, &msg, ours);
		if (n >= 0) {
			if (got == 0)
				r->ours = msg;
			else
				take_part(r, &msg);
			r->ours.msg_iov = &r->iov;
			got += (size_t)n;
			if (!all || n == 0 || got == r->iov.iov_len ||
			    control_of(&r->ours, SCM_RIGHTS) != NULL)
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
		/* Descriptors that come need the call. */
		if (!interrupted)
			interrupted = um_recall(call, false) < 0;
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
		/* Linux puts descriptors last, and the sender's pidfd behind them (net/core/scm.c, scm_recv). */
		for (struct cmsghdr *o = CMSG_NXTHDR(&r->ours, c); o != NULL; o = CMSG_NXTHDR(&r->ours, o))
			if (o->cmsg_level == SOL_SOCKET && o->cmsg_type == SCM_PIDFD)
				close(*(int *)CMSG_DATA(o));
		r->ours.msg_flags |= MSG_CTRUNC;
		c->cmsg_len = CMSG_LEN(given * sizeof(int));
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
	close_fds(&r->ours);
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
	return err < 0 ? err : um_write(call, r->at, out, sizeof(*out));
}

/* Does this socket ask for credentials? */
static bool wants_credentials(int sock)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, &len) == 0 && on;
}

/* Has the kernel's word on credentials to be translated in this view? */
static bool is_translated(const struct um_call *call)
{
	return call->state->virtual_ids || call->view->sockets != NULL;
}

/* The caller's socket if credentials will come from it, UM_CONTINUE if they will not, or a negative errno. */
static int64_t asking_socket(struct um_call *call, int *type)
{
	int64_t sock = unix_socket(call, (int)call->args[0], type);

	if (sock >= 0 && !wants_credentials((int)sock)) {
		close((int)sock);
		return UM_CONTINUE;
	}
	return sock;
}

/* Receive into the header at @at, of which @r has a copy. */
static int64_t receive_at(struct um_call *call, int sock, int type, struct reception *r, uint64_t at, int flags)
{
	int64_t ret = prepare(call, r), err;

	r->at = at;
	if (ret == 0)
		ret = um_alive(call) ? receive(call, sock, type, r, flags) : UM_REPLIED;
	if (ret < 0)
		return ret;
	/* With MSG_TRUNC the result is the length that the message had. */
	err = give_data(call, r, (size_t)ret < r->iov.iov_len ? (size_t)ret : r->iov.iov_len);
	if (err < 0 || um_write(call, (uintptr_t)r->theirs.msg_control, r->ours.msg_control, r->ours.msg_controllen) < 0)
		drop_control(r); /* no place for it, so descriptors need not be placed either */
	translate(call, sock, r, flags);
	if (err == 0)
		err = give_header(call, r, flags);
	return err < 0 ? err : ret;
}

int64_t call_recvmsg(struct um_call *call)
{
	struct reception r = { 0 };
	int64_t sock, ret;
	int type, flags = (int)call->args[2];

	if (!is_translated(call) || um_read(call, call->args[1], &r.theirs, sizeof(r.theirs)) < 0 ||
	    r.theirs.msg_control == NULL || r.theirs.msg_controllen == 0 || flags & MSG_ERRQUEUE)
		return UM_CONTINUE;
	sock = asking_socket(call, &type);
	if (sock < 0)
		return sock;
	ret = receive_at(call, (int)sock, type, &r, call->args[1], flags);
	reception_put(&r);
	close((int)sock);
	return ret;
}

/* One of the messages of recvmmsg. */
static int64_t receive_nth(struct um_call *call, int sock, int type, unsigned n, int flags)
{
	uint64_t at = call->args[1] + n * sizeof(struct mmsghdr);
	struct reception r = { 0 };
	int64_t ret = um_read(call, at, &r.theirs, sizeof(r.theirs));
	unsigned len;

	if (ret == 0)
		ret = receive_at(call, sock, type, &r, at, flags);
	reception_put(&r);
	len = (unsigned)ret;
	if (ret >= 0 && um_write(call, at + offsetof(struct mmsghdr, msg_len), &len, sizeof(len)) < 0)
		ret = -EFAULT;
	return ret;
}

/* The timeout is looked at after each message, as Linux does. */
int64_t call_recvmmsg(struct um_call *call)
{
	unsigned n = (unsigned)call->args[2] < IOV_COUNT_MAX ? (unsigned)call->args[2] : IOV_COUNT_MAX, done = 0;
	int64_t sock, ret = 0, left = INT64_MAX, end = 0;
	int type, flags = (int)call->args[3];
	struct timespec limit;

	if (!is_translated(call) || n == 0 || flags & MSG_ERRQUEUE ||
	    (call->args[4] != 0 && (um_read(call, call->args[4], &limit, sizeof(limit)) < 0 || limit.tv_sec < 0 ||
				    limit.tv_nsec < 0 || limit.tv_nsec >= 1000000000)))
		return UM_CONTINUE;
	sock = asking_socket(call, &type);
	if (sock < 0)
		return sock;
	/* Before anything is taken: a worker begins anew. */
	if (n > 1 && !(flags & (MSG_DONTWAIT | MSG_WAITFORONE)) && !is_nonblocking((int)sock) && !call->on_worker) {
		close((int)sock);
		return UM_BLOCKS;
	}
	if (call->args[4] != 0)
		end = now_us() + limit.tv_sec * INT64_C(1000000) + limit.tv_nsec / 1000;
	while (done < n && ret >= 0 && left > 0) {
		ret = receive_nth(call, (int)sock, type, done, flags & ~MSG_WAITFORONE);
		if (ret < 0)
			break;
		done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (end != 0)
			left = end > now_us() ? end - now_us() : 0;
	}
	close((int)sock);
	if (done == 0 || ret == UM_REPLIED)
		return ret;
	limit = (struct timespec){ .tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000 };
	if (end != 0 && um_write(call, call->args[4], &limit, sizeof(limit)) < 0)
		return -EFAULT;
	return done;
}
