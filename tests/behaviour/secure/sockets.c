// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reaching the user's services: sockets, fifos, terminals, kernel objects with names or numbers of their own.
 *
 *	sockets DIR NUMBER
 *
 * DIR has, made by the test outside of the view: stream, dgram and seqpacket (sockets that somebody listens on) and fifo
 * (open for reading).  NUMBER is in the abstract names umtest-NUMBER-stream and umtest-NUMBER-dgram, and the key of
 * SysV objects.
 */
#include "exploit.h"

#include <linux/netlink.h>
#include <mqueue.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

static int number;

static struct sockaddr_un path_of(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(un.sun_path, sizeof(un.sun_path), "%.20s", name); /* DIR is our working directory */
	return un;
}

static struct sockaddr_un abstract(const char *name, socklen_t *len)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "umtest-%d-%s", number, name);

	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	return un;
}

static bool connect_path(int type, const char *name)
{
	struct sockaddr_un un = path_of(name);

	return worked(connect(socket(AF_UNIX, type, 0), (struct sockaddr *)&un, sizeof(un)));
}

static bool connect_abstract(int type, const char *name)
{
	socklen_t len;
	struct sockaddr_un un = abstract(name, &len);

	return worked(connect(socket(AF_UNIX, type, 0), (struct sockaddr *)&un, len));
}

static bool stream(void) { return connect_path(SOCK_STREAM, "stream"); }
static bool seqpacket(void) { return connect_path(SOCK_SEQPACKET, "seqpacket"); }
static bool dgram(void) { return connect_path(SOCK_DGRAM, "dgram"); }
static bool abstract_stream(void) { return connect_abstract(SOCK_STREAM, "stream"); }
static bool abstract_dgram(void) { return connect_abstract(SOCK_DGRAM, "dgram"); }

static bool send_path(void)
{
	struct sockaddr_un un = path_of("dgram");

	return worked(sendto(socket(AF_UNIX, SOCK_DGRAM, 0), "hi", 2, 0, (struct sockaddr *)&un, sizeof(un)));
}

static bool send_message(struct sockaddr_un *un, socklen_t len, bool many)
{
	struct iovec iov = { "hi", 2 };
	struct mmsghdr msg = { .msg_hdr = { .msg_name = un, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1 } };
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);

	return worked(many ? sendmmsg(s, &msg, 1, 0) : sendmsg(s, &msg.msg_hdr, 0));
}

static bool message_path(void)
{
	struct sockaddr_un un = path_of("dgram");

	return send_message(&un, sizeof(un), false);
}

static bool messages_path(void)
{
	struct sockaddr_un un = path_of("dgram");

	return send_message(&un, sizeof(un), true);
}

static bool message_abstract(void)
{
	socklen_t len;
	struct sockaddr_un un = abstract("dgram", &len);

	return send_message(&un, len, false);
}

static bool messages_abstract(void)
{
	socklen_t len;
	struct sockaddr_un un = abstract("dgram", &len);

	return send_message(&un, len, true);
}

/* By a descriptor of the directory, and by a link. */
static bool connect_at(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(un.sun_path, sizeof(un.sun_path), "/proc/self/fd/%d/stream", open(".", O_RDONLY | O_DIRECTORY));
	return worked(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un, sizeof(un)));
}

static bool connect_link(void)
{
	struct sockaddr_un un = path_of("stream");
	char name[] = "linkXXXXXX";

	close(mkstemp(name));
	unlink(name);
	if (symlink(un.sun_path, name) < 0)
		return false;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", name);
	return worked(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un, sizeof(un)));
}

/* A hard link of the socket, and the directory shown elsewhere: another name, but nobody else's socket. */
static bool connect_hard_link(void)
{
	struct sockaddr_un un = path_of("stream"), other = path_of("stream.link");

	if (link(un.sun_path, other.sun_path) < 0)
		return false;
	return worked(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&other, sizeof(other)));
}

static bool fifo_write(void)
{
	struct sockaddr_un un = path_of("fifo");

	return worked(write(open(un.sun_path, O_WRONLY | O_NONBLOCK), "hi", 2));
}

static bool fifo_read(void)
{
	struct sockaddr_un un = path_of("fifo");

	return worked(open(un.sun_path, O_RDONLY | O_NONBLOCK));
}

static bool shm(void)
{
	char *at = shmat(shmget(number, 0, 0600), NULL, 0);

	return at != (char *)-1 && memcpy(at, "escaped", 8);
}

/* The number of somebody's object is not a secret: /proc/sysvipc lists them. */
static int number_of(const char *kind)
{
	char name[40], line[512];
	int key, id, found = -1;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/sysvipc/%s", kind);
	f = fopen(name, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%d %d", &key, &id) == 2 && key == number)
			found = id;
	return found;
}

static bool shm_by_number(void)
{
	char *at = shmat(number_of("shm"), NULL, 0);

	return at != (char *)-1 && memcpy(at, "escaped", 8);
}

static bool sem(void)
{
	struct sembuf up = { 0, 1, IPC_NOWAIT };

	return worked(semop(semget(number, 0, 0600), &up, 1));
}

static bool sem_by_number(void) { return worked(semctl(number_of("sem"), 0, SETVAL, 7)); }

static bool msg(void)
{
	struct { long type; char text[4]; } m = { 1, "hi" };

	return worked(msgsnd(msgget(number, 0600), &m, 3, IPC_NOWAIT));
}

static bool msg_by_number(void)
{
	struct { long type; char text[4]; } m;

	return worked(msgrcv(number_of("msg"), &m, sizeof(m.text), 0, IPC_NOWAIT | MSG_COPY));
}

static bool mq(void)
{
	char name[40];

	snprintf(name, sizeof(name), "/umtest-%d", number);
	return worked(mq_send(mq_open(name, O_WRONLY | O_NONBLOCK), "hi", 2, 0));
}

static bool mq_remove(void)
{
	char name[40];

	snprintf(name, sizeof(name), "/umtest-%d", number);
	return worked(mq_unlink(name));
}

/* Keys: one of the user's own keyring, which all of his processes see. */
static bool key(void)
{
	return worked(syscall(SYS_add_key, "user", "umview-test", "x", 1, -4 /* KEY_SPEC_USER_KEYRING */));
}

static bool key_control(void)
{
	return worked(syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -4, 1));
}

static bool uring(void)
{
	char params[256] = { 0 };

	return worked(syscall(SYS_io_uring_setup, 4, params));
}

static bool netlink(void)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };

	return worked(bind(socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK), (struct sockaddr *)&nl, sizeof(nl)));
}

static bool vsock(void) { return worked(socket(40 /* AF_VSOCK */, SOCK_STREAM, 0)); }
static bool alg(void) { return worked(socket(38 /* AF_ALG */, SOCK_SEQPACKET, 0)); }

int main(int argc, char **argv)
{
	static const struct attempt attempts[] = {
		{ "stream", stream }, { "seqpacket", seqpacket }, { "dgram", dgram }, { "sendto", send_path },
		{ "sendmsg", message_path }, { "sendmmsg", messages_path }, { "by-directory", connect_at },
		{ "by-link", connect_link }, { "by-hard-link", connect_hard_link }, { "abstract-stream", abstract_stream },
		{ "abstract-dgram", abstract_dgram }, { "abstract-sendmsg", message_abstract },
		{ "abstract-sendmmsg", messages_abstract }, { "fifo-write", fifo_write }, { "fifo-read", fifo_read },
		{ "shm", shm }, { "shm-number", shm_by_number }, { "sem", sem }, { "sem-number", sem_by_number },
		{ "msg", msg }, { "msg-number", msg_by_number }, { "mqueue", mq }, { "mqueue-unlink", mq_remove },
		{ "add_key", key }, { "keyctl", key_control }, { "io_uring", uring }, { "netlink", netlink },
		{ "vsock", vsock }, { "af_alg", alg }, { NULL, NULL },
	};

	if (argc != 3)
		return 2;
	if (chdir(argv[1]) < 0)
		return 2;
	number = atoi(argv[2]);
	run_attempts(attempts);
	return 0;
}
