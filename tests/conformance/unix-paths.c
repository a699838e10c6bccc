// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AF_UNIX sockets with names in the file tree: every door that takes such a name, and every door that gives one back.
 * more: yes
 */
#include "conform.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define got(name, result) say(name, "%s", value(result))
#define OFFSET offsetof(struct sockaddr_un, sun_path)

static char dir[4096];	  /* the working directory, whose name is not printed */
static size_t dir_length;

/* Print an address: its length counted from the directory's, and its bytes. */
static void say_address(const char *name, long r, const struct sockaddr_un *un, socklen_t len)
{
	printf("%s: %s", name, value(r));
	if (r >= 0) {
		size_t n = len > OFFSET ? (len > sizeof(*un) ? sizeof(*un) : len) - OFFSET : 0;
		const char *path = un->sun_path;

		printf(" family %d", len >= sizeof(sa_family_t) ? un->sun_family : -1);
		if (n > dir_length && strncmp(path, dir, dir_length) == 0) {
			printf(" length %d in the directory", (int)(len - dir_length));
			path += dir_length;
			n -= dir_length;
		} else {
			printf(" length %d", (int)len);
		}
		printf(" \"");
		for (size_t i = 0; i < n; i++)
			if (path[i] != '\0')
				putchar(path[i]);
			else
				printf("\\0");
		putchar('"');
	}
	printf("\n");
	fflush(stdout);
}

static socklen_t address(struct sockaddr_un *un, const char *path)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	strncpy(un->sun_path, path, sizeof(un->sun_path));
	return OFFSET + strnlen(path, sizeof(un->sun_path)) + (strlen(path) < sizeof(un->sun_path));
}

static int unix_socket(int type)
{
	return socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
}

static int bind_path(int s, const char *path)
{
	struct sockaddr_un un;
	socklen_t len = address(&un, path);

	return bind(s, (struct sockaddr *)&un, len);
}

static int connect_path(int s, const char *path)
{
	struct sockaddr_un un;
	socklen_t len = address(&un, path);

	return connect(s, (struct sockaddr *)&un, len);
}

static void say_name(const char *name, int s)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	int r;

	memset(&un, 'x', sizeof(un));
	r = getsockname(s, (struct sockaddr *)&un, &len);
	say_address(name, r, &un, len);
}

static void say_peer(const char *name, int s)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	int r;

	memset(&un, 'x', sizeof(un));
	r = getpeername(s, (struct sockaddr *)&un, &len);
	say_address(name, r, &un, len);
}

/* One stream server at @bound, reached by @reached. */
static void stream(const char *name, const char *bound, const char *reached, const char *client_name)
{
	int server = unix_socket(SOCK_STREAM), client = unix_socket(SOCK_STREAM), conn;
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	char label[128];

#define LABEL(what) (snprintf(label, sizeof(label), "%s/%s", name, what), label)
	got(LABEL("bind"), bind_path(server, bound));
	say_name(LABEL("getsockname"), server);
	got(LABEL("connect-before-listen"), connect_path(client, reached));
	got(LABEL("listen"), listen(server, 5));
	if (client_name != NULL)
		got(LABEL("client's-bind"), bind_path(client, client_name));
	got(LABEL("connect"), connect_path(client, reached));
	say_peer(LABEL("client's-getpeername"), client);
	say_name(LABEL("client's-getsockname"), client);
	memset(&un, 'x', sizeof(un));
	conn = accept(server, (struct sockaddr *)&un, &len);
	say_address(LABEL("accept"), conn < 0 ? -1 : 0, &un, len);
	say_name(LABEL("connection's-getsockname"), conn);
	say_peer(LABEL("connection's-getpeername"), conn);
	got(LABEL("write"), write(client, "hello", 5));
	got(LABEL("read"), read(conn, label, 5));
	close(conn);
	close(client);
	close(server);
	client = unix_socket(SOCK_STREAM);
	got(LABEL("connect-after-close"), connect_path(client, reached));
	close(client);
	got(LABEL("unlink"), unlink(bound));
	if (client_name != NULL)
		unlink(client_name);
}

/* Datagrams between two bound sockets, by each door. */
static void datagrams(const char *name, const char *from, const char *to)
{
	int a = unix_socket(SOCK_DGRAM), b = unix_socket(SOCK_DGRAM);
	struct sockaddr_un un, back[2];
	socklen_t len;
	char buf[2][16], label[128];
	struct iovec iov[2] = { { buf[0], sizeof(buf[0]) }, { buf[1], sizeof(buf[1]) } };
	struct mmsghdr mm[2] = { 0 };
	struct msghdr msg = { 0 };
	long r;

	got(LABEL("bind-a"), bind_path(a, from));
	got(LABEL("bind-b"), bind_path(b, to));

	len = address(&un, to);
	got(LABEL("sendto"), sendto(a, "one", 3, 0, (struct sockaddr *)&un, len));
	len = sizeof(un);
	memset(&un, 'x', sizeof(un));
	r = recvfrom(b, buf[0], sizeof(buf[0]), 0, (struct sockaddr *)&un, &len);
	say_address(LABEL("recvfrom"), r, &un, len);
	got(LABEL("answer-to-that-address"), sendto(b, "two!", 4, 0, (struct sockaddr *)&un, len));
	got(LABEL("recv-of-the-answer"), recv(a, buf[0], sizeof(buf[0]), MSG_DONTWAIT));

	msg.msg_namelen = address(&un, to);
	msg.msg_name = &un;
	iov[0] = (struct iovec){ "three", 5 };
	msg.msg_iov = iov;
	msg.msg_iovlen = 1;
	got(LABEL("sendmsg"), sendmsg(a, &msg, 0));
	memset(&un, 'x', sizeof(un));
	msg.msg_namelen = sizeof(un);
	iov[0] = (struct iovec){ buf[0], sizeof(buf[0]) };
	r = recvmsg(b, &msg, MSG_DONTWAIT);
	say_address(LABEL("recvmsg"), r, &un, msg.msg_namelen);

	msg.msg_namelen = address(&un, to);
	iov[0] = (struct iovec){ "four", 4 };
	iov[1] = (struct iovec){ "fiver", 5 };
	for (int i = 0; i < 2; i++) {
		mm[i].msg_hdr = msg;
		mm[i].msg_hdr.msg_iov = &iov[i];
	}
	r = sendmmsg(a, mm, 2, 0);
	while (r > 0 && r < 2) { /* it may send fewer than asked; then it is called again */
		long more = sendmmsg(a, mm + r, 2 - r, 0);

		if (more <= 0)
			break;
		r += more;
	}
	got(LABEL("sendmmsg"), r);
	for (int i = 0; i < 2; i++) {
		memset(&back[i], 'x', sizeof(back[i]));
		iov[i] = (struct iovec){ buf[i], sizeof(buf[i]) };
		mm[i].msg_hdr.msg_name = &back[i];
		mm[i].msg_hdr.msg_namelen = sizeof(back[i]);
	}
	r = recvmmsg(b, mm, 2, MSG_DONTWAIT, NULL);
	got(LABEL("recvmmsg"), r);
	for (int i = 0; i < 2; i++)
		say_address(LABEL(i ? "recvmmsg's-second-address" : "recvmmsg's-first-address"), mm[i].msg_len,
			    &back[i], mm[i].msg_hdr.msg_namelen);

	got(LABEL("connect"), connect_path(a, to));
	say_peer(LABEL("getpeername"), a);
	got(LABEL("send"), send(a, "six", 3, 0));
	len = sizeof(un);
	got(LABEL("recv"), recvfrom(b, buf[0], sizeof(buf[0]), 0, (struct sockaddr *)&un, &len));
	say_address(LABEL("recv's-address"), 0, &un, len);
	got(LABEL("unlink-b"), unlink(to));
	got(LABEL("send-to-an-unlinked-one-that-is-connected"), send(a, "seven", 5, 0));
	len = address(&un, to);
	got(LABEL("sendto-an-unlinked-one"), sendto(a, "x", 1, 0, (struct sockaddr *)&un, len));
	close(b);
	got(LABEL("send-to-a-closed-one"), send(a, "x", 1, 0));
	b = unix_socket(SOCK_DGRAM);
	got(LABEL("bind-again"), bind_path(b, to));
	say_name(LABEL("getsockname-of-the-new-one"), b);
	got(LABEL("bind-a-bound-one"), bind_path(b, "other"));
	close(a);
	close(b);
	unlink(from);
	unlink(to);
}

static void errors(void)
{
	int s = unix_socket(SOCK_STREAM), d = unix_socket(SOCK_DGRAM), f;
	struct sockaddr_un un;
	socklen_t len;

	got("bind/no-such-directory", bind_path(s, "none/sock"));
	got("bind/not-a-directory", (close(open("file", O_CREAT | O_WRONLY, 0644)), bind_path(s, "file/sock")));
	got("bind/exists", bind_path(s, "file"));
	got("bind/a-directory", bind_path(s, "."));
	got("bind/with-a-slash", bind_path(s, "new/"));
	got("bind/dangling-link", (symlink("nowhere", "dangling"), bind_path(s, "dangling")));
	got("bind/not-writable", bind_path(s, "/proc/sock"));
	got("connect/none", connect_path(s, "none"));
	got("connect/file", connect_path(s, "file"));
	got("connect/directory", connect_path(s, "."));
	got("connect/through-a-file", connect_path(s, "file/x"));
	got("connect/dangling", connect_path(s, "dangling"));
	symlink("loop", "loop");
	got("connect/loop", connect_path(s, "loop"));
	got("bind/loop", bind_path(s, "loop"));
	got("bind/through-a-loop", bind_path(s, "loop/x"));
	address(&un, "short");
	got("bind/bad-length", bind(s, (struct sockaddr *)&un, 1));
	got("bind/too-long-a-length", bind(s, (struct sockaddr *)&un, sizeof(un) + 1));
	got("bind/bad-address", bind(s, (struct sockaddr *)1, sizeof(un)));
	got("connect/bad-address", connect(s, (struct sockaddr *)1, sizeof(un)));
	got("connect/bad-length", connect(s, (struct sockaddr *)&un, 1));
	un.sun_family = AF_INET;
	got("bind/another-family", bind(s, (struct sockaddr *)&un, sizeof(un)));
	got("connect/another-family", connect(s, (struct sockaddr *)&un, sizeof(un)));
	got("bind/no-socket", bind_path(0, "x"));
	got("bind/no-descriptor", bind_path(999, "x"));
	f = open("file", O_RDONLY);
	got("connect/from-a-file", connect_path(f, "x"));
	close(f);
	/* types */
	got("type/bind-a-datagram-socket", bind_path(d, "dgram"));
	got("type/stream-to-datagram", connect_path(s, "dgram"));
	len = address(&un, "dgram");
	got("type/sendto-of-a-stream-socket", sendto(s, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&un, len));
	close(d);
	d = unix_socket(SOCK_DGRAM);
	got("sendto/closed-receiver", sendto(d, "x", 1, 0, (struct sockaddr *)&un, len));
	len = address(&un, "none");
	got("sendto/none", sendto(d, "x", 1, 0, (struct sockaddr *)&un, len));
	len = address(&un, "file");
	got("sendto/file", sendto(d, "x", 1, 0, (struct sockaddr *)&un, len));
	unlink("dgram");
	/* permission */
	mkdir("closed", 0755);
	chmod("closed", 0555);
	if (getuid() != 0)
		got("bind/closed-directory", bind_path(s, "closed/x"));
	chmod("closed", 0755);
	got("bind/now-open", bind_path(s, "closed/x"));
	listen(s, 5);
	chmod("closed/x", 0);
	close(d);
	d = unix_socket(SOCK_STREAM);
	if (getuid() != 0)
		got("connect/closed-socket", connect_path(d, "closed/x"));
	chmod("closed/x", 0600);
	got("connect/now-open", connect_path(d, "closed/x"));
	got("connect/twice", connect_path(d, "closed/x"));
	close(d);
	close(s);
	unlink("closed/x");
	rmdir("closed");
	unlink("loop");
	unlink("dangling");
	unlink("file");
}

/* Names of every length around the end of sun_path. */
static void lengths(void)
{
	char name[160];

	for (int n = 106; n <= 108; n++) {
		int s = unix_socket(SOCK_DGRAM), c = unix_socket(SOCK_DGRAM);
		struct sockaddr_un un;
		socklen_t len;
		char label[64];

		memset(name, 'l', sizeof(name));
		name[n] = '\0';
		snprintf(label, sizeof(label), "%d-bytes/bind", n);
		got(label, bind_path(s, name));
		snprintf(label, sizeof(label), "%d-bytes/getsockname", n);
		say_name(label, s);
		len = address(&un, name);
		snprintf(label, sizeof(label), "%d-bytes/sendto", n);
		got(label, sendto(c, "x", 1, 0, (struct sockaddr *)&un, len));
		snprintf(label, sizeof(label), "%d-bytes/connect", n);
		got(label, connect_path(c, name));
		snprintf(label, sizeof(label), "%d-bytes/getpeername", n);
		say_peer(label, c);
		close(s);
		close(c);
		unlink(name);
	}
	{
		/* bytes after the NUL do not belong to it */
		int s = unix_socket(SOCK_DGRAM);
		struct sockaddr_un un;

		address(&un, "cut");
		memcpy(un.sun_path + 4, "rest", 4);
		got("bytes-after-the-end/bind", bind(s, (struct sockaddr *)&un, sizeof(un)));
		say_name("bytes-after-the-end/getsockname", s);
		close(s);
		unlink("cut");
		/* and no NUL at all is needed */
		s = unix_socket(SOCK_DGRAM);
		got("no-end/bind", bind(s, (struct sockaddr *)&un, OFFSET + 2));
		say_name("no-end/getsockname", s);
		got("no-end/unlink", unlink("cu"));
		close(s);
	}
}

/* getsockname into less room than there is. */
static void small_room(void)
{
	int s = unix_socket(SOCK_DGRAM);
	struct sockaddr_un un;
	socklen_t len;

	bind_path(s, "room");
	for (int room = -1; room < 12; room += 3) {
		char label[64];
		int r;

		len = (socklen_t)room;
		memset(&un, 'x', sizeof(un));
		r = getsockname(s, (struct sockaddr *)&un, &len);
		snprintf(label, sizeof(label), "room-of-%d", room);
		say(label, "%s length %d byte %c", value(r), (int)len, room > 3 ? un.sun_path[room - 3] : '-');
	}
	len = sizeof(un);
	got("getsockname/bad-address", getsockname(s, (struct sockaddr *)1, &len));
	got("getsockname/bad-length", getsockname(s, (struct sockaddr *)&un, (socklen_t *)1));
	got("getpeername/not-connected", getpeername(s, (struct sockaddr *)&un, &len));
	close(s);
	unlink("room");
}

static void abstract(void)
{
	int a = unix_socket(SOCK_DGRAM), b = unix_socket(SOCK_DGRAM), pair[2];
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char name[64], buf[8];
	socklen_t len = sizeof(un);
	int n = snprintf(name, sizeof(name), "umview-test-%d", (int)getpid());

	memcpy(un.sun_path + 1, name, n);
	got("abstract/bind", bind(b, (struct sockaddr *)&un, OFFSET + 1 + n));
	got("abstract/again", bind(a, (struct sockaddr *)&un, OFFSET + 1 + n));
	got("abstract/sendto", sendto(a, "x", 1, 0, (struct sockaddr *)&un, OFFSET + 1 + n));
	got("abstract/shorter", sendto(a, "x", 1, 0, (struct sockaddr *)&un, OFFSET + n));
	got("abstract/recvfrom", recvfrom(b, buf, sizeof(buf), 0, (struct sockaddr *)&un, &len));
	say("abstract/length-of-an-unnamed-sender", "%d", (int)len);
	len = sizeof(un);
	getsockname(b, (struct sockaddr *)&un, &len);
	say("abstract/getsockname", "%d %s", (int)len == (int)OFFSET + 1 + n,
	       memcmp(un.sun_path + 1, name, n) == 0 ? "the same" : "another");
	close(b);
	b = unix_socket(SOCK_DGRAM);
	un.sun_family = AF_UNIX;
	got("autobind/bind", bind(b, (struct sockaddr *)&un, sizeof(sa_family_t)));
	len = sizeof(un);
	got("autobind/getsockname", getsockname(b, (struct sockaddr *)&un, &len));
	say("autobind/name", "length %d, first byte %d", (int)len, un.sun_path[0]);
	got("autobind/sendto", sendto(a, "x", 1, 0, (struct sockaddr *)&un, len));
	close(a);
	close(b);
	got("pair/socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	say_name("pair/getsockname", pair[0]);
	say_peer("pair/getpeername", pair[1]);
	got("pair/unconnect", connect(pair[0], &(struct sockaddr){ AF_UNSPEC }, sizeof(struct sockaddr)));
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	char full[2][8192], deep[512];
	struct stat st;
	int s;

	umask(022);
	if (getcwd(dir, sizeof(dir)) == NULL)
		return 1;
	dir_length = strlen(dir);
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	symlink("d/e", "link");
	snprintf(full[0], sizeof(full[0]), "%s/d/full", dir);
	snprintf(full[1], sizeof(full[1]), "%s/d/from", dir);
	stream("relative", "sock", "sock", NULL);
	stream("dot", "./sock", "d/../sock", "./client");
	stream("absolute", full[0], full[0], full[1]);
	stream("mixed", full[0], "d/full", "d/e/client");
	stream("through-a-link", "link/sock", "d/e/sock", "link/../../client");
	stream("up", "d/../d/e/../sock", "./d//sock", NULL);
	datagrams("datagrams-relative", "a", "b");
	datagrams("datagrams-absolute", full[1], full[0]);
	datagrams("datagrams-through-a-link", "link/a", "link/b");
	errors();
	lengths();
	small_room();
	abstract();

	/* bound elsewhere than it is used */
	s = unix_socket(SOCK_STREAM);
	chdir("d/e");
	got("elsewhere/bind", bind_path(s, "../up"));
	listen(s, 5);
	say_name("elsewhere/getsockname", s);
	chdir(dir);
	{
		int c = unix_socket(SOCK_STREAM);

		got("elsewhere/connect", connect_path(c, "d/up"));
		say_peer("elsewhere/getpeername", c);
		close(c);
		got("moved/rename", rename("d/up", "d/moved"));
		c = unix_socket(SOCK_STREAM);
		got("moved/connect", connect_path(c, "d/moved"));
		say_peer("moved/getpeername", c);
		close(c);
		c = unix_socket(SOCK_STREAM);
		got("moved/connect-to-the-old-name", connect_path(c, "d/up"));
		link("d/moved", "d/linked");
		got("linked/connect", connect_path(c, "d/linked"));
		close(c);
	}
	close(s);
	unlink("d/moved");
	unlink("d/linked");

	/* the file */
	s = unix_socket(SOCK_STREAM);
	umask(027);
	bind_path(s, "file");
	stat("file", &st);
	say("mode-under-umask-027", "%o", st.st_mode);
	close(s);
	unlink("file");
	s = unix_socket(SOCK_STREAM);
	umask(0);
	fchmod(s, 0600);
	bind_path(s, "file");
	stat("file", &st);
	say("mode-after-fchmod", "%o", st.st_mode);
	fstat(s, &st);
	say("mode-of-the-socket", "%o", st.st_mode);
	close(s);
	got("open-a-socket-file", open("file", O_RDWR));
	unlink("file");
	s = unix_socket(SOCK_STREAM);
	memset(deep, 0, sizeof(deep));
	for (int i = 0; i < 25; i++) {
		strcat(deep, i ? "/x" : "x");
		mkdir(deep, 0755);
	}
	strcat(deep, "/s");
	got("deep/bind", bind_path(s, deep));
	say_name("deep/getsockname", s);
	close(s);
	return 0;
}
