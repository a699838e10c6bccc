// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages on AF_UNIX sockets: descriptors, credentials, who is at the other end, flags, parts and errors.
 */
#include "conform.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

static pid_t parent;

static const char *who(pid_t pid)
{
	return pid == getpid() ? "self" : pid == parent ? "parent" : pid == getppid() ? "its parent" : pid == 0 ? "nobody" : "another";
}

/* What came with a message. */
static void say_control(const char *name, struct msghdr *msg)
{
	char line[512] = "";
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred u;

			memcpy(&u, CMSG_DATA(c), sizeof(u));
			n += snprintf(line + n, sizeof(line) - n, " credentials(%s%s%s)",
				      u.pid == getpid() ? "self" : u.pid == 0 ? "nobody" : "other",
				      u.uid == getuid() ? " uid" : "", u.gid == getgid() ? " gid" : "");
		} else if (c->cmsg_type == SCM_RIGHTS) {
			size_t fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

			n += snprintf(line + n, sizeof(line) - n, " %zu descriptors(", fds);
			for (size_t i = 0; i < fds; i++) {
				int fd = ((int *)CMSG_DATA(c))[i];
				struct stat st;

				fstat(fd, &st);
				n += snprintf(line + n, sizeof(line) - n, "%s%o%s", i ? " " : "", st.st_mode & S_IFMT,
					      fcntl(fd, F_GETFD) & FD_CLOEXEC ? " cloexec" : "");
				close(fd);
			}
			n += snprintf(line + n, sizeof(line) - n, ")");
		} else if (c->cmsg_type == SCM_PIDFD) {
			n += snprintf(line + n, sizeof(line) - n, " pidfd(%d)", *(int *)CMSG_DATA(c) >= 0);
			close(*(int *)CMSG_DATA(c));
		} else {
			n += snprintf(line + n, sizeof(line) - n, " type %d", c->cmsg_type);
		}
	}
	say(name, "control %zu flags %#x%s", (size_t)msg->msg_controllen, msg->msg_flags, line);
}

static long receive(const char *name, int s, size_t room, size_t control, int flags)
{
	char data[4096], buf[1024], label[128];
	struct iovec iov = { data, room };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control ? buf : NULL, .msg_controllen = control };
	long r = recvmsg(s, &msg, flags);

	if (r < 0) {
		say(name, "%s", outcome(r));
		return r;
	}
	say(name, "%ld \"%.*s\"", r, (int)(r < (long)room ? r : (long)room), data);
	snprintf(label, sizeof(label), "%s-control", name);
	say_control(label, &msg);
	return r;
}

/* Send descriptors, credentials, or both. */
static long transmit(int s, const char *text, const int *fds, int nfds, const struct ucred *cred, int flags)
{
	char buf[2048] __attribute__((aligned(8))) = "";
	struct iovec iov = { (char *)text, strlen(text) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = sizeof(buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	size_t used = 0;

	if (cred != NULL) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_CREDENTIALS;
		c->cmsg_len = CMSG_LEN(sizeof(*cred));
		memcpy(CMSG_DATA(c), cred, sizeof(*cred));
		used += CMSG_SPACE(sizeof(*cred));
		c = CMSG_NXTHDR(&msg, c);
	}
	if (nfds > 0) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
		used += CMSG_SPACE(nfds * sizeof(int));
	}
	msg.msg_control = used ? buf : NULL;
	msg.msg_controllen = used;
	return sendmsg(s, &msg, flags);
}

static int on = 1;

static void rights(int type, const char *kind)
{
	int pair[2], fds[3], many[260];
	char label[96];

#define LABEL(what) (snprintf(label, sizeof(label), "%s-%s", kind, what), label)
	NEED(socketpair(AF_UNIX, type, 0, pair) == 0);
	NEED(pipe(fds) == 0);
	fds[2] = open("file", O_CREAT | O_RDWR, 0644);
	TRY(LABEL("send-3"), transmit(pair[0], "three", fds, 3, NULL, 0));
	receive(LABEL("recv-3"), pair[1], 100, 200, 0);
	TRY(LABEL("send-cloexec"), transmit(pair[0], "closing", fds, 1, NULL, 0));
	receive(LABEL("recv-cloexec"), pair[1], 100, 200, MSG_CMSG_CLOEXEC);
	TRY(LABEL("send-cut"), transmit(pair[0], "cut", fds, 3, NULL, 0));
	receive(LABEL("recv-cut"), pair[1], 100, CMSG_LEN(2 * sizeof(int)), 0);
	TRY(LABEL("send-none"), transmit(pair[0], "no room", fds, 3, NULL, 0));
	receive(LABEL("recv-none"), pair[1], 100, 0, 0);
	TRY(LABEL("send-bad"), transmit(pair[0], "bad", (int[]){ 999 }, 1, NULL, 0));
	for (int i = 0; i < 260; i++)
		many[i] = fds[0];
	TRY(LABEL("send-253"), transmit(pair[0], "many", many, 253, NULL, 0));
	TRY(LABEL("send-254"), transmit(pair[0], "more", many, 254, NULL, 0));
	receive(LABEL("recv-peek"), pair[1], 2, 100, MSG_PEEK | MSG_DONTWAIT);
	receive(LABEL("recv-part"), pair[1], 2, 100, MSG_DONTWAIT);
	receive(LABEL("recv-rest"), pair[1], 100, 100, MSG_DONTWAIT);
	receive(LABEL("recv-nothing"), pair[1], 100, 100, MSG_DONTWAIT);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	close(pair[0]);
	receive(LABEL("recv-closed"), pair[1], 100, 100, MSG_DONTWAIT);
	signal(SIGPIPE, SIG_IGN);
	TRY(LABEL("send-closed"), transmit(pair[1], "x", NULL, 0, NULL, 0));
	TRY(LABEL("send-closed-nosignal"), transmit(pair[1], "x", NULL, 0, NULL, MSG_NOSIGNAL));
	close(pair[1]);
}

static void credentials(int type, const char *kind)
{
	int pair[2], fd = open("file", O_RDONLY);
	struct ucred cred = { getpid(), getuid(), getgid() }, wrong = cred;
	char label[96];

	NEED(socketpair(AF_UNIX, type, 0, pair) == 0);
	TRY(LABEL("cred-unasked"), transmit(pair[0], "unasked", NULL, 0, &cred, 0));
	receive(LABEL("cred-unasked-recv"), pair[1], 100, 200, 0);
	TRY(LABEL("passcred"), setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	TRY(LABEL("cred-send-plain"), send(pair[0], "plain", 5, 0));
	receive(LABEL("cred-recv-plain"), pair[1], 100, 200, 0);
	TRY(LABEL("cred-send-own"), transmit(pair[0], "own", NULL, 0, &cred, 0));
	receive(LABEL("cred-recv-own"), pair[1], 100, 200, 0);
	TRY(LABEL("cred-send-fd"), transmit(pair[0], "with fd", &fd, 1, &cred, 0));
	receive(LABEL("cred-recv-fd"), pair[1], 100, 200, 0);
	TRY(LABEL("cred-send-no-room"), transmit(pair[0], "no room", &fd, 1, &cred, 0));
	receive(LABEL("cred-recv-no-room"), pair[1], 100, CMSG_SPACE(sizeof(cred)), 0);
	TRY(LABEL("cred-send-none"), transmit(pair[0], "none", &fd, 1, &cred, 0));
	receive(LABEL("cred-recv-none"), pair[1], 100, 0, 0);
	if (getuid() != 0) {
		wrong.uid = 0;
		TRY(LABEL("cred-wrong-uid"), transmit(pair[0], "x", NULL, 0, &wrong, 0));
		wrong = cred;
		wrong.gid = 0;
		TRY(LABEL("cred-wrong-gid"), transmit(pair[0], "x", NULL, 0, &wrong, 0));
		wrong = cred;
		wrong.pid = 1;
		TRY(LABEL("cred-wrong-pid"), transmit(pair[0], "x", NULL, 0, &wrong, 0));
	} else {
		wrong.uid = 12345;
		wrong.gid = 54321;
		TRY(LABEL("cred-root-may"), transmit(pair[0], "root may", NULL, 0, &wrong, 0));
		receive(LABEL("cred-root-recv"), pair[1], 100, 200, 0);
		wrong.pid = 0x3fffffff;
		TRY(LABEL("cred-no-such-pid"), transmit(pair[0], "x", NULL, 0, &wrong, 0));
	}
	TRY(LABEL("trunc-send"), send(pair[0], "a long message", 14, 0));
	receive(LABEL("trunc-recv"), pair[1], 4, 200, MSG_TRUNC);
	receive(LABEL("trunc-rest"), pair[1], 100, 200, MSG_DONTWAIT);
	/* parts of different senders stay apart */
	TRY(LABEL("part-1"), send(pair[0], "one", 3, 0));
	fflush(stdout);
	if (fork() == 0) {
		NEED(send(pair[0], "two", 3, 0) == 3);
		_exit(0);
	}
	wait(NULL);
	receive(LABEL("part-1-recv"), pair[1], 100, 200, 0);
	receive(LABEL("part-2-recv"), pair[1], 100, 200, 0);
	if (type == SOCK_STREAM) {
		TRY(LABEL("all-1"), send(pair[0], "one", 3, 0));
		TRY(LABEL("all-2"), send(pair[0], "two", 3, 0));
		receive(LABEL("all-recv"), pair[1], 6, 200, MSG_WAITALL);
		TRY(LABEL("all-3"), send(pair[0], "one", 3, 0));
		if (fork() == 0) {
			NEED(send(pair[0], "two", 3, 0) == 3);
			_exit(0);
		}
		wait(NULL);
		receive(LABEL("all-other-recv"), pair[1], 6, 200, MSG_WAITALL);
		receive(LABEL("all-other-rest"), pair[1], 6, 200, MSG_DONTWAIT);
		TRY(LABEL("all-fd-1"), send(pair[0], "one", 3, 0));
		TRY(LABEL("all-fd-2"), transmit(pair[0], "two", &fd, 1, NULL, 0));
		TRY(LABEL("all-fd-3"), send(pair[0], "six", 3, 0));
		receive(LABEL("all-fd-recv"), pair[1], 9, 200, MSG_WAITALL);
		receive(LABEL("all-fd-rest"), pair[1], 9, 200, MSG_DONTWAIT);
		receive(LABEL("all-fd-rest-2"), pair[1], 9, 200, MSG_DONTWAIT);
		setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0, 200000 }, sizeof(struct timeval));
		TRY(LABEL("all-timeout-1"), send(pair[0], "one", 3, 0));
		receive(LABEL("all-timeout"), pair[1], 9, 200, MSG_WAITALL);
		receive(LABEL("timeout"), pair[1], 9, 200, 0);
	}
	setsockopt(pair[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on));
	TRY(LABEL("pidfd-send"), send(pair[0], "pidfd", 5, 0));
	receive(LABEL("pidfd-recv"), pair[1], 100, 200, 0);
	close(pair[0]);
	close(pair[1]);
	close(fd);
}

/* recvmmsg with credentials, descriptors and addresses. */
static void several(void)
{
	int pair[2], fd = open("file", O_RDONLY);
	char data[4][16], control[4][128];
	struct iovec iov[4];
	struct mmsghdr mm[4];
	struct timespec zero = { 0, 100000000 };
	long r;

	NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	TRY("several-1", send(pair[0], "first", 5, 0));
	TRY("several-2", transmit(pair[0], "second", &fd, 1, NULL, 0));
	TRY("several-3", send(pair[0], "third", 5, 0));
	for (int round = 0; round < 3; round++) {
		char label[64];

		for (int i = 0; i < 4; i++) {
			iov[i] = (struct iovec){ data[i], sizeof(data[i]) };
			mm[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1, .msg_control = control[i], .msg_controllen = sizeof(control[i]) };
			mm[i].msg_len = 77;
		}
		if (round == 0)
			r = recvmmsg(pair[1], mm, 2, 0, NULL);
		else if (round == 1)
			r = recvmmsg(pair[1], mm, 4, MSG_WAITFORONE, NULL);
		else
			r = recvmmsg(pair[1], mm, 4, MSG_DONTWAIT, &zero);
		snprintf(label, sizeof(label), "several-recv-%d", round);
		TRY(label, r);
		for (int i = 0; i < r; i++) {
			snprintf(label, sizeof(label), "several-recv-%d-%d", round, i);
			say(label, "%u %.5s", mm[i].msg_len, data[i]);
			snprintf(label, sizeof(label), "several-recv-%d-%d-control", round, i);
			say_control(label, &mm[i].msg_hdr);
		}
	}
	TRY("several-bad", recvmmsg(pair[1], (void *)1, 2, MSG_DONTWAIT, NULL));
	TRY("several-none", recvmmsg(pair[1], mm, 0, MSG_DONTWAIT, NULL));
	close(pair[0]);
	close(pair[1]);
	close(fd);
}

static void peers(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "server" };
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client, conn, pidfd, pair[2];
	struct ucred cred;
	socklen_t len = sizeof(cred);
	gid_t groups[200];
	int pipes[2];
	char c;
	pid_t pid;

	NEED(pipe(pipes) == 0);
	NEED(bind(server, (struct sockaddr *)&un, sizeof(un)) == 0 && listen(server, 5) == 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		client = socket(AF_UNIX, SOCK_STREAM, 0);
		NEED(connect(client, (struct sockaddr *)&un, sizeof(un)) == 0);
		TRY("peer-server-seen", getsockopt(client, SOL_SOCKET, SO_PEERCRED, &cred, &len));
		say("peer-server", "%s uid %d gid %d", who(cred.pid), cred.uid == getuid(), cred.gid == getgid());
		NEED(write(pipes[1], "x", 1) == 1);
		pause();
	}
	NEED(read(pipes[0], &c, 1) == 1);
	conn = accept(server, NULL, NULL);
	len = sizeof(cred);
	TRY("peer-client-seen", getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	say("peer-client", "%d uid %d gid %d length %d", cred.pid == pid, cred.uid == getuid(), cred.gid == getgid(), len);
	len = 4;
	TRY("peer-short", getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	say("peer-short-length", "%d", len);
	len = sizeof(pidfd);
	TRY("peer-pidfd", getsockopt(conn, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0 ? -1 : 0);
	{
		char name[64], text[1024] = "";
		int fd;
		char *at;

		snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", pidfd);
		fd = open(name, O_RDONLY);
		NEED(read(fd, text, sizeof(text) - 1) > 0);
		close(fd);
		at = strstr(text, "\nPid:");
		say("peer-pidfd-of-client", "%d", at != NULL && atoi(at + 5) == pid);
		TRY("peer-pidfd-signal", syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
		close(pidfd);
	}
	len = sizeof(groups);
	TRY("peer-groups", getsockopt(conn, SOL_SOCKET, SO_PEERGROUPS, groups, &len));
	say("peer-groups-number", "%d", (int)(len / sizeof(gid_t)) == getgroups(0, NULL));
	len = sizeof(cred);
	TRY("peer-listener", getsockopt(server, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	say("peer-listener-is", "%s uid %d", who(cred.pid), cred.uid == getuid());
	kill(pid, SIGKILL);
	wait(NULL);
	len = sizeof(cred);
	TRY("peer-dead", getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	say("peer-dead-is", "%d uid %d", cred.pid == pid || cred.pid == 0, cred.uid == getuid());
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	len = sizeof(cred);
	TRY("peer-pair", getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &cred, &len));
	say("peer-pair-is", "%s uid %d", who(cred.pid), cred.uid == getuid());
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	len = sizeof(cred);
	TRY("peer-none", getsockopt(client, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	say("peer-none-is", "%s %d", who(cred.pid), (int)cred.uid);
	TRY("peer-bad", getsockopt(client, SOL_SOCKET, SO_PEERCRED, NULL, &len));
	TRY("peer-not-a-socket", getsockopt(pipes[0], SOL_SOCKET, SO_PEERCRED, &cred, &len));
	close(client);
	close(conn);
	close(server);
	unlink("server");
}

int main(void)
{
	parent = getpid();
	close(open("file", O_CREAT | O_WRONLY, 0644));
	rights(SOCK_STREAM, "stream");
	rights(SOCK_DGRAM, "dgram");
	rights(SOCK_SEQPACKET, "packet");
	credentials(SOCK_STREAM, "stream");
	credentials(SOCK_DGRAM, "dgram");
	credentials(SOCK_SEQPACKET, "packet");
	several();
	peers();
	return 0;
}
