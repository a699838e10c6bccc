// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Channels: packets to and from the server of a file system (channel.h).
 *
 * Theory of operation.  Many workers wait for answers, and one of them reads the socket for all: it gives each answer to its
 * waiter, and when it has its own, another one takes its place.  So an answer wakes the thread that waits for it and no
 * other.  Whoever waits does so in a system call (recvmsg(2) or futex(2)) that a signal of the monitor's ends.
 *
 * A request whose waiter has left stays in the list until its answer comes, for what the server has given with it (a node, an
 * open file) has to be given back.
 */
#include "channel.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A reply: its header, the data, and some room for what we did not ask for (it is refused by its size). */
#define PACKET_MAX (sizeof(struct fuse_out_header) + CHANNEL_DATA_MAX + 4096)
#define GRACE_MS 1000           /* how long a server that was interrupted may take */
#define GRACE_STEP_MS 50
#define SPIN_US 50
#define END_TRIES 200           /* times END_MS: how long a server is waited for to sleep in a read */
#define END_MS 10
#define STEP_MS 100             /* how long one wait may take: then it is looked whether the channel is dead */
#define PACKETS_MAX 64          /* of one look at the socket: who sends without end is not to be read without end */
#define NOTICES_MAX (1 << 20)   /* bytes that are kept of what a server says of its own accord */

struct channel {
	int fd;
	dev_t dev;              /* of the server's end */
	ino_t ino;
	int refs;               /* with list_lock */
	struct channel *next;   /* with list_lock */
	pthread_mutex_t lock;
	bool dead, reading, shut, taken;
	uint64_t last_unique;
	struct request *requests;
	struct request *posts, **posts_end; /* what the socket had no room for yet */
	struct notice *notices, **notices_end;
	size_t notices_size;    /* bytes */
	pid_t server;
	char *packet;           /* of whoever is reading */
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct channel *channels;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

struct request *request_new(uint32_t opcode, uint64_t nodeid, const void *args, size_t len)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->opcode = opcode;
	r->nodeid = nodeid;
	r->args_len = len;
	r->args = len > 0 ? malloc(len) : NULL;
	if (len > 0 && r->args == NULL) {
		free(r);
		return NULL;
	}
	if (len > 0)
		memcpy(r->args, args, len);
	return r;
}

void request_free(struct request *r)
{
	if (r == NULL)
		return;
	free(r->args);
	free(r->reply);
	free(r);
}

/* --- making and ending ------------------------------------------------------------------------------------------- */

struct channel *channel_new(int *server)
{
	struct channel *c = calloc(1, sizeof(*c));
	int pair[2] = { -1, -1 }, one = 1;
	struct timeval step = { 0, STEP_MS * 1000 };
	struct stat st;

	if (c == NULL)
		return NULL;
	c->packet = malloc(PACKET_MAX);
	if (c->packet == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) < 0 ||
	    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &step, sizeof(step)) < 0 || fstat(pair[1], &st) < 0) {
		int err = errno;

		if (pair[0] >= 0) {
			close(pair[0]);
			close(pair[1]);
		}
		free(c->packet);
		free(c);
		errno = err;
		return NULL;
	}
	c->fd = pair[0];
	*server = pair[1];
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	c->refs = 1;
	c->notices_end = &c->notices;
	c->posts_end = &c->posts;
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_lock(&list_lock);
	c->next = channels;
	channels = c;
	pthread_mutex_unlock(&list_lock);
	return c;
}

struct channel *channel_ref(struct channel *c)
{
	pthread_mutex_lock(&list_lock);
	c->refs++;
	pthread_mutex_unlock(&list_lock);
	return c;
}

void channel_unref(struct channel *c)
{
	struct request *r;
	struct notice *n;
	bool last;

	pthread_mutex_lock(&list_lock);
	last = --c->refs == 0;
	for (struct channel **at = &channels; last && *at != NULL; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			break;
		}
	pthread_mutex_unlock(&list_lock);
	if (!last)
		return;
	close(c->fd);
	while ((r = c->requests) != NULL) {
		c->requests = r->next;
		request_free(r);
	}
	while ((r = c->posts) != NULL) {
		c->posts = r->next;
		request_free(r);
	}
	while ((n = c->notices) != NULL) {
		c->notices = n->next;
		free(n);
	}
	pthread_mutex_destroy(&c->lock);
	free(c->packet);
	free(c);
}

struct channel *channel_take(int fd)
{
	struct channel *c;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return NULL;
	pthread_mutex_lock(&list_lock);
	for (c = channels; c != NULL && (c->ino != st.st_ino || c->dev != st.st_dev); c = c->next)
		;
	if (c != NULL && c->taken)
		c = NULL;
	if (c != NULL) {
		c->taken = true;
		c->refs++;
	}
	pthread_mutex_unlock(&list_lock);
	return c;
}

bool channel_closed(const struct channel *c)
{
	struct pollfd p = { .fd = c->fd };

	return poll(&p, 1, 0) > 0;
}

bool channel_is(int fd)
{
	struct channel *c;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	pthread_mutex_lock(&list_lock);
	for (c = channels; c != NULL && (c->ino != st.st_ino || c->dev != st.st_dev); c = c->next)
		;
	pthread_mutex_unlock(&list_lock);
	return c != NULL;
}

bool channel_taken(const struct channel *c)
{
	return __atomic_load_n(&c->taken, __ATOMIC_ACQUIRE);
}

bool channel_dead(const struct channel *c)
{
	return __atomic_load_n(&c->dead, __ATOMIC_ACQUIRE);
}

pid_t channel_server(const struct channel *c)
{
	return __atomic_load_n(&c->server, __ATOMIC_ACQUIRE);
}

static void wake(struct request *r)
{
	__atomic_store_n(&r->wake, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &r->wake, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Nobody is at the other end any more.  Locked. */
static void die(struct channel *c)
{
	__atomic_store_n(&c->dead, true, __ATOMIC_RELEASE);
	for (struct request *r = c->requests; r != NULL; r = r->next)
		wake(r);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

/* 0 or a negative errno; -EINTR, -EAGAIN: nothing was sent. */
static int transmit(struct channel *c, const struct request *r, int flags)
{
	struct fuse_in_header head = {
		.len = (uint32_t)(sizeof(head) + r->args_len + r->data_len), .opcode = r->opcode, .unique = r->unique,
		.nodeid = r->nodeid, .uid = r->uid, .gid = r->gid, .pid = r->pid,
	};
	struct iovec iov[3] = {
		{ &head, sizeof(head) }, { r->args, r->args_len }, { (void *)r->data, r->data_len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };

	if (sendmsg(c->fd, &msg, flags | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EPIPE || errno == ECONNRESET ? -ENOTCONN : -errno;
}

/* An even number, as the kernel's are: odd ones are those of interrupts.  Locked. */
static uint64_t next_unique(struct channel *c)
{
	c->last_unique += 2;
	return c->last_unique;
}

/*
 * Send what is posted; true: all of it.  Locked.
 *
 * Who posts may hold the view's lock, and a server that is to make room in the socket may need that: so what has no place yet
 * is kept until there is.
 */
static bool send_posts(struct channel *c)
{
	struct request *r;
	int err = 0;

	while ((r = c->posts) != NULL) {
		err = transmit(c, r, MSG_DONTWAIT);
		if (err == -EAGAIN || err == -ENOBUFS || err == -ENOMEM)
			break;
		c->posts = r->next;
		request_free(r);
	}
	if (c->posts == NULL)
		c->posts_end = &c->posts;
	return c->posts == NULL;
}

/* @unique: 0: the next one. */
static void post(struct channel *c, struct request *r, uint64_t unique)
{
	pthread_mutex_lock(&c->lock);
	r->unique = unique != 0 ? unique : next_unique(c);
	r->next = NULL;
	if (c->dead) {
		request_free(r);
	} else {
		*c->posts_end = r;
		c->posts_end = &r->next;
		send_posts(c);
	}
	pthread_mutex_unlock(&c->lock);
}

void channel_post(struct channel *c, struct request *r)
{
	post(c, r, 0);
}

void channel_answer(struct channel *c, uint32_t opcode, uint64_t nodeid, uint64_t unique, const void *args, size_t len)
{
	struct request *r = request_new(opcode, nodeid, args, len);

	if (r != NULL)
		post(c, r, unique);
}

static void post_new(struct channel *c, uint32_t opcode, uint64_t nodeid, const void *args, size_t len)
{
	struct request *r = request_new(opcode, nodeid, args, len);

	if (r != NULL)
		channel_post(c, r);
}

/* --- ending ------------------------------------------------------------------------------------------------------- */

struct ending {
	struct channel *channel;
	int (*end_reads)(pid_t tgid, dev_t dev, ino_t ino, int err);
};

/* Wait until the server sleeps in a read, so that the read can end as that of /dev/fuse would. */
static void *end_server(void *arg)
{
	struct ending *e = arg;
	struct timespec pause = { 0, END_MS * 1000000L };
	struct channel *c = e->channel;
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	char byte;
	bool all;

	for (int i = 0; i < END_TRIES; i++) {
		pid_t server = channel_server(c);

		if (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)))
			break; /* it has closed its end */
		/* A late reply: nobody wants it, but it must not block its sender. */
		for (int n = 0; n < PACKETS_MAX && recv(c->fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) > 0; n++)
			;
		pthread_mutex_lock(&c->lock);
		all = send_posts(c);
		pthread_mutex_unlock(&c->lock);
		if (server > 0 && all)
			e->end_reads(server, c->dev, c->ino, ENODEV);
		nanosleep(&pause, NULL);
	}
	shutdown(c->fd, SHUT_RDWR);
	channel_unref(c);
	free(e);
	return NULL;
}

void channel_shut(struct channel *c, int (*end_reads)(pid_t tgid, dev_t dev, ino_t ino, int err))
{
	struct ending *e = malloc(sizeof(*e));
	pthread_attr_t attr;
	pthread_t thread;
	bool again;

	pthread_mutex_lock(&c->lock);
	again = c->shut;
	c->shut = true;
	die(c);
	pthread_mutex_unlock(&c->lock);
	if (again || e == NULL) {
		free(e);
		return;
	}
	*e = (struct ending){ channel_ref(c), end_reads };
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, end_server, e) != 0) {
		shutdown(c->fd, SHUT_RDWR);
		channel_unref(c);
		free(e);
	}
	pthread_attr_destroy(&attr);
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

void channel_give_back(struct channel *c, const struct request *r)
{
	const struct fuse_entry_out *entry = r->reply;
	const struct fuse_open_out *file = r->reply;
	struct fuse_forget_in forget = { .nlookup = 1 };
	struct fuse_release_in release = { 0 };
	bool has_entry = r->opcode == FUSE_LOOKUP || r->opcode == FUSE_CREATE || r->opcode == FUSE_MKNOD ||
			 r->opcode == FUSE_MKDIR || r->opcode == FUSE_SYMLINK || r->opcode == FUSE_LINK;

	if (r->error != 0)
		return;
	if (r->opcode == FUSE_CREATE && r->reply_len == sizeof(*entry) + sizeof(*file)) {
		file = (const void *)(entry + 1);
		release.fh = file->fh;
		post_new(c, FUSE_RELEASE, entry->nodeid, &release, sizeof(release));
	}
	if ((r->opcode == FUSE_OPEN || r->opcode == FUSE_OPENDIR) && r->reply_len == sizeof(*file)) {
		release.fh = file->fh;
		post_new(c, r->opcode == FUSE_OPEN ? FUSE_RELEASE : FUSE_RELEASEDIR, r->nodeid, &release, sizeof(release));
	}
	if (has_entry && r->reply_len >= sizeof(*entry) && entry->nodeid > FUSE_ROOT_ID)
		post_new(c, FUSE_FORGET, entry->nodeid, &forget, sizeof(forget));
}

/* All of them, which are the caller's now. */
static struct notice *take_notices(struct channel *c)
{
	struct notice *first = c->notices;

	c->notices = NULL;
	c->notices_end = &c->notices;
	c->notices_size = 0;
	return first;
}

static void free_notices(struct notice *n)
{
	while (n != NULL) {
		struct notice *next = n->next;

		free(n);
		n = next;
	}
}

static void keep_notice(struct channel *c, int code, const char *data, size_t len)
{
	struct notice *n;

	if (c->notices_size + sizeof(*n) + len > NOTICES_MAX) {
		free_notices(take_notices(c));
		code = NOTICE_LOST;
		len = 0;
	}
	n = malloc(sizeof(*n) + len);
	if (n == NULL)
		return;
	n->next = NULL;
	n->code = code;
	n->len = len;
	if (len > 0)
		memcpy(n->data, data, len);
	*c->notices_end = n;
	c->notices_end = &n->next;
	c->notices_size += sizeof(*n) + len;
}

/* A packet has come, and is in c->packet.  Locked.  Returns a request that nobody waits for, if it was its answer. */
static struct request *deliver(struct channel *c, size_t n)
{
	struct fuse_out_header head;
	struct request **at, *r;

	if (n < sizeof(head))
		return NULL;
	memcpy(&head, c->packet, sizeof(head));
	if (head.len != n)
		return NULL; /* no message of the protocol */
	if (head.unique == 0) {
		if (head.error > 0)
			keep_notice(c, head.error, c->packet + sizeof(head), n - sizeof(head));
		return NULL;
	}
	if (head.error > 0 || head.error <= -512) /* what programs never see begins there */
		return NULL;
	for (at = &c->requests; *at != NULL && (*at)->unique != head.unique; at = &(*at)->next)
		;
	r = *at;
	if (r == NULL)
		return NULL; /* nobody asked */
	*at = r->next;
	r->error = head.error;
	r->reply_len = head.error == 0 ? n - sizeof(head) : 0;
	r->reply = r->reply_len > 0 ? malloc(r->reply_len) : NULL;
	if (r->reply_len > 0 && r->reply == NULL) {
		r->error = -ENOMEM;
		r->reply_len = 0;
	}
	if (r->reply_len > 0)
		memcpy(r->reply, c->packet + sizeof(head), r->reply_len);
	r->done = true;
	if (r->abandoned)
		return r;
	wake(r);
	return NULL;
}

static void note_server(struct channel *c, struct msghdr *msg)
{
	struct cmsghdr *m = CMSG_FIRSTHDR(msg);
	struct ucred cred;

	if (m == NULL || m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_CREDENTIALS)
		return;
	memcpy(&cred, CMSG_DATA(m), sizeof(cred));
	if (cred.pid > 0)
		__atomic_store_n(&c->server, cred.pid, __ATOMIC_RELEASE);
}

/* Read one packet, and give it to whom it is for.  Not locked, but `reading' is ours.  0, or a negative errno. */
static int receive(struct channel *c, int flags)
{
	char control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = { c->packet, PACKET_MAX };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(c->fd, &msg, flags | MSG_CMSG_CLOEXEC | MSG_TRUNC);
	struct request *unwanted = NULL;
	bool ended;

	if (n < 0 && errno != ECONNRESET)
		return -errno;
	pthread_mutex_lock(&c->lock);
	ended = n < 0 || (n == 0 && msg.msg_controllen == 0); /* with the sender's number it is an empty packet */
	if (ended) {
		die(c);
	} else {
		note_server(c, &msg);
		if ((size_t)n <= PACKET_MAX)
			unwanted = deliver(c, (size_t)n);
		send_posts(c);
	}
	pthread_mutex_unlock(&c->lock);
	if (unwanted != NULL) {
		channel_give_back(c, unwanted);
		request_free(unwanted);
	}
	return ended ? -ENOTCONN : 0;
}

/* Whoever was reading has stopped: let another one.  Locked. */
static void pass_on(struct channel *c)
{
	c->reading = false;
	for (struct request *r = c->requests; r != NULL; r = r->next)
		if (!r->abandoned) {
			wake(r);
			break;
		}
}

/* Most answers come soon, and to be woken up takes longer than that.  -EAGAIN: this one does not. */
static int spin(struct channel *c, const struct request *r)
{
	uint64_t end = now_us() + SPIN_US;
	int err = -EAGAIN;

	while (err == -EAGAIN && !r->done && now_us() < end) {
		err = receive(c, MSG_DONTWAIT);
		if (err == -EAGAIN)
			sched_yield();
	}
	return err;
}

/* One step of waiting, of at most @ms (-1: any time).  0, or -EINTR.  Locked, but for the wait itself. */
static int wait_step(struct channel *c, struct request *r, int ms)
{
	struct timespec limit = { ms / 1000, ms % 1000 * 1000000L };
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int err = 0;

	__atomic_store_n(&r->wake, 0, __ATOMIC_RELEASE);
	if (c->reading) {
		pthread_mutex_unlock(&c->lock);
		if (syscall(SYS_futex, &r->wake, FUTEX_WAIT_PRIVATE, 0, ms < 0 ? NULL : &limit, NULL, 0) < 0 && errno == EINTR)
			err = -EINTR;
		pthread_mutex_lock(&c->lock);
		return err;
	}
	c->reading = true;
	pthread_mutex_unlock(&c->lock);
	err = ms < 0 ? spin(c, r) : 0;
	if (err == -EAGAIN || (ms >= 0 && poll(&p, 1, ms) > 0))
		err = receive(c, 0);
	pthread_mutex_lock(&c->lock);
	pass_on(c);
	return err == -EINTR ? err : 0;
}

/* The caller has a signal: the server is asked to hurry, and given a moment.  Locked. */
static void interrupt(struct channel *c, struct request *r)
{
	struct fuse_interrupt_in in = { .unique = r->unique };
	struct request *i = request_new(FUSE_INTERRUPT, 0, &in, sizeof(in));
	uint64_t end = now_us() + GRACE_MS * 1000;

	if (i != NULL) {
		i->unique = r->unique | 1;
		transmit(c, i, MSG_DONTWAIT); /* we have the lock; who does not read cannot be hurried */
		request_free(i);
	}
	while (!r->done && !c->dead && now_us() < end)
		wait_step(c, r, GRACE_STEP_MS);
}

static void enlist(struct channel *c, struct request *r)
{
	r->unique = next_unique(c);
	r->next = c->requests;
	c->requests = r;
}

static void delist(struct channel *c, const struct request *r)
{
	for (struct request **at = &c->requests; *at != NULL; at = &(*at)->next)
		if (*at == r) {
			*at = r->next;
			return;
		}
}

/* A system call was interrupted: is the wait over?  If not it goes on. */
static bool is_ended(const struct channel_waiting *waiting)
{
	bool ended = waiting != NULL && waiting->end();

	if (waiting != NULL && !ended)
		waiting->begin();
	return ended;
}

int channel_call(struct channel *c, struct request *r, const struct channel_waiting *waiting)
{
	bool ended = false;
	int err;

	pthread_mutex_lock(&c->lock);
	enlist(c, r);
	send_posts(c);
	pthread_mutex_unlock(&c->lock);
	if (waiting != NULL)
		waiting->begin();
	do {
		err = channel_dead(c) ? -ENOTCONN : transmit(c, r, 0);
		if (err == -EINTR)
			ended = is_ended(waiting);
	} while (err == -EINTR && !ended);
	pthread_mutex_lock(&c->lock);
	for (int n = 1; err == 0 && !ended && !r->done && !c->dead; n++)
		if (wait_step(c, r, -1) == -EINTR || n % PACKETS_MAX == 0) { /* no wait is interrupted that has no need to wait */
			pthread_mutex_unlock(&c->lock);
			ended = is_ended(waiting);
			pthread_mutex_lock(&c->lock);
		}
	if (ended && err == 0 && !r->done)
		interrupt(c, r);
	if (r->done) {
		err = 0;
	} else if (err == 0 && !c->dead) {
		r->abandoned = true;
		err = -EINTR;
	} else {
		delist(c, r);
		if (err == -EINTR) /* it was never sent */
			request_free(r);
		else
			err = err == -EMSGSIZE || err == -ENOBUFS ? err : -ENOTCONN;
	}
	pthread_mutex_unlock(&c->lock);
	if (waiting != NULL && !ended)
		waiting->end();
	return err;
}

struct notice *channel_notices(struct channel *c)
{
	struct notice *first;
	bool ours;

	pthread_mutex_lock(&c->lock);
	ours = !c->reading && !c->dead;
	if (ours)
		c->reading = true;
	pthread_mutex_unlock(&c->lock);
	for (int n = 0; ours && n < PACKETS_MAX && receive(c, MSG_DONTWAIT) == 0; n++)
		;
	pthread_mutex_lock(&c->lock);
	if (ours)
		pass_on(c);
	first = take_notices(c);
	pthread_mutex_unlock(&c->lock);
	return first;
}
