// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Descriptors into a traced process.
 *
 * Theory of operation.  A process takes a descriptor itself, from the carrier (ptrace_carrier.c).  It is made to
 *
 *	openat(/proc/CARRIER/fd/N)	a file that was opened for it, and stands at its beginning: the new open file
 *					is as good.  One stop.  The name is written below the red zone of its stack, where
 *					nothing of the program can be; not in secure mode, where another thread could
 *					change it
 *	pidfd_open, pidfd_getfd, dup3, close	everything else.  The pidfd has the lowest free number, which must
 *					be the new descriptor's: dup3 puts it there
 *	socket, bind, recvmsg, dup3, close	where pidfd_getfd is refused: by Docker's seccomp profile, or because the
 *					process has other ids than the carrier.  The monitor sends it to the socket.
 *					Not in secure mode, for the same reason
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "../compat.h"
#include "../view.h"
#include "ptrace.h"

#define PATH_ROOM 48
#define TRIES 3 /* if somebody kills carriers */
#define REOPEN_FLAGS                                                                                                 \
	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_DIRECT | O_LARGEFILE | O_NOATIME | O_SYNC | O_DSYNC | O_PATH | O_DIRECTORY)

/* What recvmsg(2) wants, and a socket's name. */
struct letter {
	struct sockaddr_un name;
	struct msghdr msg;
	struct iovec iov;
	char control[CMSG_SPACE(sizeof(int))];
	char byte;
};

/* One that is given. */
struct give {
	struct ptracer *p;
	struct trapped *t;
	struct um_call *call;
	int fd, flags;          /* O_CLOEXEC */
	int64_t means;          /* a descriptor of the process's, by which it gets this one */
	struct letter letter;   /* by message: what is written to the process's memory, to this address */
	uint64_t at;
	socklen_t size;         /* of the name */
};

/* A call in the process, which the filter lets pass. */
static int64_t make(struct give *g, int nr, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t args[6] = { a, b, c, 0, 0, g->call->view->cookie };
	int64_t result;
	int err = ptrace_call(g->p, g->t, nr, args, &result);

	return err < 0 ? err : result;
}

/* May it be opened again? */
static bool is_plain(const struct um_call *call, int fd, int status, bool fresh)
{
	struct stat st;

	if (call->view->secure || status < 0)
		return false;
	if (status & O_PATH)
		return true;
	return fresh && fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) && lseek(fd, 0, SEEK_CUR) == 0;
}

static int64_t reopen(struct give *g, int status)
{
	uint64_t at = (arch_stack(&g->t->regs) - ARCH_RED_ZONE - PATH_ROOM) & ~UINT64_C(15);
	uint64_t how = (uint64_t)((status & REOPEN_FLAGS) | g->flags);
	char path[PATH_ROOM];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)g->p->carrier, g->fd);
	err = um_write(g->call, at, path, strlen(path) + 1);
	if (err < 0)
		return err;
#ifdef SYS_open
	if (g->call->nr == SYS_open) /* a filter of the program may know that one only */
		return make(g, SYS_open, at, how, 0);
#endif
	return make(g, SYS_openat, (uint64_t)AT_FDCWD, at, how);
}

/* Do it; if the process has no number left, again with a higher limit, if it may have one. */
static int64_t with_room(struct give *g, int64_t (*fn)(struct give *))
{
	pid_t tid = g->call->tid;
	struct rlimit64 old, more;
	int64_t got = fn(g);

	if (got != -EMFILE || syscall(SYS_prlimit64, tid, RLIMIT_NOFILE, NULL, &old) < 0 || old.rlim_cur >= old.rlim_max)
		return got;
	more = (struct rlimit64){ old.rlim_max, old.rlim_max };
	if (syscall(SYS_prlimit64, tid, RLIMIT_NOFILE, &more, NULL) < 0)
		return got;
	got = fn(g);
	syscall(SYS_prlimit64, tid, RLIMIT_NOFILE, &old, NULL);
	return got;
}

/* What came by @g->means goes to its number, the lowest that was free. */
static int64_t settle(struct give *g, int64_t got)
{
	int64_t number = got;

	if (got >= 0) {
		number = make(g, SYS_dup3, (uint64_t)got, (uint64_t)g->means, (uint64_t)g->flags);
		make(g, SYS_close, (uint64_t)got, 0, 0);
	} else {
		make(g, SYS_close, (uint64_t)g->means, 0, 0);
	}
	return number;
}

static int64_t get(struct give *g)
{
	return make(g, SYS_pidfd_getfd, (uint64_t)g->means, (uint64_t)g->fd, 0);
}

static int64_t fetch(struct give *g)
{
	if (!g->call->view->features.pidfd_getfd)
		return -ENOSYS;
	g->means = make(g, SYS_pidfd_open, (uint64_t)g->p->carrier, 0, 0);
	return g->means < 0 ? g->means : settle(g, with_room(g, get));
}

/* --- by message ---------------------------------------------------------------------------------------------------- */

/* A name in the abstract space, that nobody guesses. */
static int draw_name(struct sockaddr_un *name)
{
	uint64_t random[2];

	*name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EAGAIN;
	return snprintf(name->sun_path + 1, sizeof(name->sun_path) - 1, "umview-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
}

static int post(int fd, const struct sockaddr_un *to, socklen_t size)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_name = (void *)to, .msg_namelen = size, .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (s < 0 || sendmsg(s, &msg, 0) < 0)
		err = -errno;
	if (s >= 0)
		close(s);
	return err;
}

/* Post it to the socket @g->means, and have it received there. */
static int64_t receive(struct give *g)
{
	uint64_t at = g->at;
	struct letter *l = &g->letter;
	struct cmsghdr *c = (struct cmsghdr *)(void *)l->control;
	int64_t r = post(g->fd, &l->name, g->size);
	int fd;

	if (r < 0)
		return r;
	l->iov = (struct iovec){ (void *)(at + offsetof(struct letter, byte)), 1 };
	l->msg = (struct msghdr){ .msg_iov = (void *)(at + offsetof(struct letter, iov)), .msg_iovlen = 1,
				  .msg_control = (void *)(at + offsetof(struct letter, control)),
				  .msg_controllen = sizeof(l->control) };
	r = um_write(g->call, at, l, sizeof(*l));
	if (r == 0)
		r = make(g, SYS_recvmsg, (uint64_t)g->means, at + offsetof(struct letter, msg), MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (r >= 0)
		r = um_read(g->call, at, l, sizeof(*l));
	if (r < 0)
		return r;
	if (l->msg.msg_controllen < CMSG_LEN(sizeof(int)) || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return -EMFILE;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* Its memory is not to be trusted in secure mode: bind(2) reads a name that another thread could change. */
static int64_t send_message(struct give *g)
{
	int64_t err;
	int n = draw_name(&g->letter.name);

	if (g->call->view->secure)
		return -EPERM;
	if (n < 0)
		return n;
	g->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	g->at = (arch_stack(&g->t->regs) - ARCH_RED_ZONE - sizeof(struct letter)) & ~UINT64_C(15);
	err = um_write(g->call, g->at, &g->letter, sizeof(g->letter));
	if (err < 0)
		return err;
	g->means = make(g, SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (g->means < 0)
		return g->means;
	err = make(g, SYS_bind, (uint64_t)g->means, g->at + offsetof(struct letter, name), g->size);
	return settle(g, err < 0 ? err : with_room(g, receive));
}

/* --- all of it ----------------------------------------------------------------------------------------------------- */

static int64_t give(struct give *g, bool fresh)
{
	int status = fcntl(g->fd, F_GETFL);
	int64_t number = -EPERM;

	if (is_plain(g->call, g->fd, status, fresh))
		number = reopen(g, status);
	if (number >= 0 || number == -ESRCH || number == -EMFILE || number == -ENFILE)
		return number;
	number = fetch(g);
	return number == -EPERM || number == -ENOSYS || number == -EACCES ? send_message(g) : number;
}

int ptrace_give(struct ptracer *p, struct trapped *t, struct um_call *call, int fd, int flags, bool fresh)
{
	struct give g = { .p = p, .t = t, .call = call, .fd = fd, .flags = flags & O_CLOEXEC };
	int64_t number = -EAGAIN;

	for (int i = 0; i < TRIES; i++) {
		pid_t carrier = carrier_of(p, call->view);

		if (carrier < 0)
			return carrier;
		number = give(&g, fresh);
		if (number >= 0 || (p->carrier != 0 && !carrier_has_ended(p)))
			break;
	}
	return (int)number;
}
