// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages on AF_UNIX sockets: sendmsg and sendmmsg.
 *
 * The kernel sends, but for two things: a message to a path that is elsewhere in the view, and, with
 * virtual ids, credentials in a control message.  The kernel would refuse credentials that are not the real user's,
 * so the monitor sends such a message with its own, and remembers whose it was (socket_recv.c).  Descriptors in such
 * messages are carried over.
 */
#include "socket.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../ids.h"
#include "../tracer/tracer.h"
#include "../view.h"
#include "proc.h"

#define IOV_COUNT_MAX 1024 /* UIO_MAXIOV */
#define FDS_MAX 253	   /* SCM_MAX_FD */
#define MESSAGE_MAX (16u << 20)
#define CONTROL_MAX 20480 /* above net.core.optmem_max's usual value; ENOBUFS beyond */

/* A process's message in the monitor's memory. */
struct message {
	struct msghdr theirs; /* with addresses in the process */
	struct msghdr ours;
	struct iovec iov; /* all the data in one piece */
	struct address addr;
	struct iovec *vec; /* their vector */
	int fds[FDS_MAX];  /* duplicates that `ours' carries */
	int nfds;
	int file;      /* the socket file that `ours' is addressed to, or -1 */
	bool has_cred; /* it carries credentials, which may differ from the real user's */
	bool cred;     /* ours were put in their place: these */
	struct ucred claimed;
};

static void message_put(struct message *m)
{
	for (int i = 0; i < m->nfds; i++)
		close(m->fds[i]);
	if (m->file >= 0)
		close(m->file);
	free(m->iov.iov_base);
	free(m->ours.msg_control);
	free(m->vec);
	m->nfds = 0;
	m->file = -1;
	m->iov.iov_base = m->ours.msg_control = m->vec = NULL;
}

/* --- waiting ---------------------------------------------------------------------------------------------------- */

/* A full receiver shows in no poll(2) of the sender: look again after a while. */
static int64_t send_slowly(struct um_call *call, int sock, const struct msghdr *msg, int flags)
{
	struct timeval tv;
	int64_t end = send_timeout(sock, &tv), begin = now_us(), ret;
	useconds_t pause = 1000;

	for (;;) {
		ret = sendmsg(sock, msg, flags);
		if (ret >= 0)
			return ret;
		if (errno != EAGAIN)
			return -errno;
		if (end != INT64_MAX && now_us() - begin >= end)
			return -EAGAIN;
		um_wait_begin(call);
		usleep(pause);
		if (um_wait_end(call))
			return end == INT64_MAX ? UM_RESTART : -EINTR;
		if (pause < 20000)
			pause *= 2;
	}
}

/* Does MSG_ZEROCOPY count on this socket? */
static bool is_zerocopy(int sock)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(sock, SOL_SOCKET, SO_ZEROCOPY, &on, &len) == 0 && on;
}

int64_t send_for(struct um_call *call, int sock, const struct msghdr *msg, int flags)
{
	int ours = flags | MSG_DONTWAIT | MSG_NOSIGNAL;
	int64_t ret;

	/* Without a copy the data would go out of our memory, later: programs are told to send with one. */
	if ((flags & MSG_ZEROCOPY) && is_zerocopy(sock))
		return -ENOBUFS;
	if (!um_alive(call))
		return UM_REPLIED;
	if (call->on_worker) {
		ret = send_slowly(call, sock, msg, ours);
	} else {
		ret = sendmsg(sock, msg, ours);
		if (ret < 0)
			ret = -errno;
		if (ret == -EAGAIN && !(flags & MSG_DONTWAIT) && !is_nonblocking(sock))
			return UM_BLOCKS;
	}
	if (ret == -EPIPE && !(flags & MSG_NOSIGNAL))
		syscall(SYS_tgkill, um_tgid(call), call->tid, SIGPIPE);
	return ret;
}

/* --- taking over a message -------------------------------------------------------------------------------------- */

/* The process's vector. */
static int read_vector(const struct um_call *call, struct message *m)
{
	size_t n = m->theirs.msg_iovlen;
	int err;

	if (n > IOV_COUNT_MAX)
		return -EMSGSIZE;
	m->vec = malloc((n + 1) * sizeof(*m->vec));
	if (m->vec == NULL)
		return -ENOMEM;
	err = um_read(call, (uintptr_t)m->theirs.msg_iov, m->vec, n * sizeof(*m->vec));
	for (size_t i = 0; err == 0 && i < n; i++)
		if ((ssize_t)m->vec[i].iov_len < 0)
			return -EINVAL;
	return err;
}

/* Gather the data. */
static int read_data(const struct um_call *call, struct message *m)
{
	size_t sum = 0, at = 0;
	int err = m->vec == NULL ? read_vector(call, m) : 0;

	if (err < 0)
		return err;
	for (size_t i = 0; i < m->theirs.msg_iovlen; i++) {
		if (m->vec[i].iov_len > MESSAGE_MAX - sum)
			return -EMSGSIZE;
		sum += m->vec[i].iov_len;
	}
	m->iov.iov_base = malloc(sum + 1);
	if (m->iov.iov_base == NULL)
		return -ENOMEM;
	for (size_t i = 0; err == 0 && i < m->theirs.msg_iovlen; i++) {
		err = um_read(call, (uintptr_t)m->vec[i].iov_base, (char *)m->iov.iov_base + at, m->vec[i].iov_len);
		at += m->vec[i].iov_len;
	}
	m->iov.iov_len = sum;
	m->ours.msg_iov = &m->iov;
	m->ours.msg_iovlen = 1;
	return err;
}

/* Replace the process's descriptors in a control message by duplicates. */
static int take_fds(const struct um_call *call, struct message *m, struct cmsghdr *c)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int *fd = (int *)CMSG_DATA(c);

	if (m->nfds + n > FDS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		int copy = um_get_fd(call, fd[i]);

		if (copy < 0)
			return copy;
		m->fds[m->nfds++] = fd[i] = copy;
	}
	return 0;
}

/* May the process claim these credentials?  (unix(7), SCM_CREDENTIALS)  If so, put ours in their place. */
static int take_cred(const struct um_call *call, struct message *m, struct cmsghdr *c)
{
	struct um_ids buf;
	const struct um_ids *ids = ids_of(call->view, call->state, &buf);
	struct ucred *cred = (struct ucred *)CMSG_DATA(c);

	if (c->cmsg_len != CMSG_LEN(sizeof(*cred)))
		return -EINVAL;
	if ((cred->pid != um_tgid(call) && !ids_capable(ids, CAP_SYS_ADMIN)) ||
	    (cred->uid != ids->ruid && cred->uid != ids->euid && cred->uid != ids->suid &&
	     !ids_capable(ids, CAP_SETUID)) ||
	    (cred->gid != ids->rgid && cred->gid != ids->egid && cred->gid != ids->sgid &&
	     !ids_capable(ids, CAP_SETGID)))
		return -EPERM;
	if (cred->pid <= 0 || (kill(cred->pid, 0) < 0 && errno == ESRCH))
		return -ESRCH;
	if (cred->uid == (uid_t)-1 || cred->gid == (gid_t)-1)
		return -EINVAL;
	m->claimed = *cred;
	m->cred = true;
	*cred = (struct ucred){ getpid(), getuid(), getgid() };
	return 0;
}

static int read_control(const struct um_call *call, struct message *m)
{
	size_t len = m->theirs.msg_controllen;
	int err;

	if (len == 0 || m->theirs.msg_control == NULL)
		return 0;
	if (len > CONTROL_MAX)
		return -ENOBUFS;
	m->ours.msg_control = malloc(len + sizeof(struct cmsghdr));
	if (m->ours.msg_control == NULL)
		return -ENOMEM;
	m->ours.msg_controllen = len;
	err = um_read(call, (uintptr_t)m->theirs.msg_control, m->ours.msg_control, len);
	return err;
}

/* Translate what the control messages name.  Their lengths are the process's: they are checked against the end. */
static int translate_control(const struct um_call *call, struct message *m)
{
	char *end = (char *)m->ours.msg_control + m->ours.msg_controllen;
	int err = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m->ours); c != NULL && err == 0; c = CMSG_NXTHDR(&m->ours, c)) {
		if (c->cmsg_len < sizeof(*c) || c->cmsg_len > (size_t)(end - (char *)c))
			return -EINVAL;
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS)
			err = take_fds(call, m, c);
		else if (c->cmsg_type == SCM_CREDENTIALS)
			err = take_cred(call, m, c);
	}
	return err;
}

static bool has_credentials(const struct message *m)
{
	const char *end;

	if (m->ours.msg_control == NULL)
		return false;
	end = (const char *)m->ours.msg_control + m->ours.msg_controllen;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m->ours); c != NULL; c = CMSG_NXTHDR((struct msghdr *)&m->ours, c)) {
		if (c->cmsg_len < sizeof(*c) || c->cmsg_len > (size_t)(end - (const char *)c))
			return false;
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			return true;
	}
	return false;
}

/* --- sending ---------------------------------------------------------------------------------------------------- */

/*
 * Read the header at @addr and see whether the monitor has to send this message.  UM_CONTINUE: no; 0: yes, m->addr,
 * the vector and the control data are read, in the kernel's order; or a negative errno.
 */
static int64_t message_look(struct um_call *call, uint64_t addr, struct message *m)
{
	int err = um_read(call, addr, &m->theirs, sizeof(m->theirs));
	bool mine = call->view->secure, virtual = call->state->virtual_ids;

	if (err == 0 && m->theirs.msg_name != NULL && m->theirs.msg_namelen > 0) {
		socklen_t len = m->theirs.msg_namelen;

		if ((int)len > (int)sizeof(m->addr.room)) /* the kernel cuts it off; a negative one is EINVAL */
			len = sizeof(m->addr.room);
		err = address_read(call, (uintptr_t)m->theirs.msg_name, len, &m->addr);
		mine |= err == 0 && m->addr.path[0] != '\0';
	}
	if (err == 0 && (mine || (virtual && m->theirs.msg_controllen > 0))) {
		err = read_vector(call, m);
		if (err == 0)
			err = read_control(call, m);
		m->has_cred = err == 0 && virtual && has_credentials(m);
		mine |= m->has_cred;
	}
	return mine ? err : UM_CONTINUE;
}

/* What is wrong with the descriptor comes before @err, which was wrong with the message. */
static int64_t socket_first(struct um_call *call, int64_t err)
{
	int type, sock = um_get_fd(call, (int)call->args[0]);
	socklen_t len = sizeof(type);

	if (sock < 0)
		return sock;
	if (getsockopt(sock, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		err = errno == EBADF || errno == ENOTSOCK ? -errno : err;
	close(sock);
	return err;
}

/* Send a message that message_look() has read.  @must: it cannot be left to the kernel any more. */
static int64_t message_send(struct um_call *call, int sock, int type, struct message *m, int flags, bool must)
{
	int64_t ret = 0;

	must |= call->view->secure || m->has_cred;
	if (m->addr.path[0] != '\0' && type == SOCK_DGRAM) {
		ret = address_resolve(call, &m->addr, must);
		if (ret < 0)
			return ret;
		m->file = (int)ret;
	} else if (!must) {
		return UM_CONTINUE;
	}
	if (m->addr.len > 0) {
		m->ours.msg_name = &m->addr.any;
		m->ours.msg_namelen = m->addr.len;
	}
	ret = read_data(call, m);
	if (ret == 0 && m->ours.msg_control == NULL)
		ret = read_control(call, m);
	if (ret == 0 && m->ours.msg_control != NULL)
		ret = translate_control(call, m);
	if (ret == 0)
		ret = send_for(call, sock, &m->ours, flags);
	if (ret >= 0)
		remember_client(call, sock, m->cred ? &m->claimed : NULL);
	return ret;
}

/*
 * A process that claims nothing but what it is: then let it send the data itself, without the control message.  The
 * kernel adds its credentials to a message when the receiver asks for them, and so they name the right process.
 * UM_REPLIED, or a negative errno: it cannot be done this way.
 */
static int64_t send_itself(struct um_call *call, const struct message *m)
{
	const struct cmsghdr *c = m->ours.msg_control;
	const struct ucred *cred = (const struct ucred *)CMSG_DATA(c);
	const struct um_ids *ids = &call->state->ids;
	struct iovec iov;
	uint64_t args[6] = {
		call->args[0], 0, 0, call->args[2], (uintptr_t)m->theirs.msg_name, m->theirs.msg_namelen
	};

	if (call->view->secure || call->on_worker || m->theirs.msg_iovlen != 1 ||
	    m->ours.msg_controllen > CMSG_SPACE(sizeof(*cred)) || c->cmsg_len != CMSG_LEN(sizeof(*cred)) ||
	    cred->pid != um_tgid(call) || cred->uid != ids->euid || cred->gid != ids->egid ||
	    um_read(call, (uintptr_t)m->theirs.msg_iov, &iov, sizeof(iov)) < 0)
		return -EOPNOTSUPP;
	args[1] = (uintptr_t)iov.iov_base;
	args[2] = iov.iov_len;
	return um_rewrite(call, SYS_sendto, args);
}

int64_t call_sendmsg(struct um_call *call)
{
	struct message m = { .file = -1 };
	int64_t ret = message_look(call, call->args[1], &m), sock;
	int type;

	if (ret == 0) {
		ret = sock = addressed_socket(call, (int)call->args[0], &type);
		if (sock >= 0) {
			if (!m.has_cred || send_itself(call, &m) != UM_REPLIED)
				ret = message_send(call, (int)sock, type, &m, (int)call->args[2], false);
			else
				ret = UM_REPLIED;
			close((int)sock);
		}
	} else if (ret != UM_CONTINUE) {
		ret = socket_first(call, ret);
	}
	message_put(&m);
	return ret;
}

/* The first of several messages, by the monitor: the call may always send fewer than it was asked to. */
static int64_t send_first(struct um_call *call, int flags)
{
	struct message m = { .file = -1 };
	int64_t ret = message_look(call, call->args[1], &m), sock;
	unsigned len;
	int type;

	if (ret == 0 || ret == UM_CONTINUE) {
		ret = sock = addressed_socket(call, (int)call->args[0], &type);
		if (sock >= 0) {
			ret = message_send(call, (int)sock, type, &m, flags, true);
			close((int)sock);
		}
	} else {
		ret = socket_first(call, ret);
	}
	message_put(&m);
	if (ret < 0)
		return ret;
	len = (unsigned)ret;
	ret = um_write(call, call->args[1] + offsetof(struct mmsghdr, msg_len), &len, sizeof(len));
	return ret < 0 ? ret : 1;
}

int64_t call_sendmmsg(struct um_call *call)
{
	unsigned n = (unsigned)call->args[2];
	int64_t ret = UM_CONTINUE;

	if (n > IOV_COUNT_MAX)
		n = IOV_COUNT_MAX;
	if (n == 0 && call->view->secure)
		return socket_first(call, 0);
	for (unsigned i = 0; i < n && ret == UM_CONTINUE; i++) {
		struct message m = { .file = -1 };

		ret = message_look(call, call->args[1] + i * sizeof(struct mmsghdr), &m);
		message_put(&m);
	}
	return ret == UM_CONTINUE ? ret : send_first(call, (int)call->args[3]);
}
