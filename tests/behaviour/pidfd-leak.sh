# SPDX-License-Identifier: GPL-2.0-or-later
# The descriptors that come with messages and find no place in a full table are not left open in the monitor: with few of
# them to have, it serves thousands of such messages.
. "$(dirname "$0")/../lib.sh"

cat >full.c <<'END'
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

/* full N: N messages with a descriptor each, to a socket that asks for credentials and a pidfd, where no place is free */
int main(int argc, char **argv)
{
	int s[2], one = 1, cut = 0, n = argc > 1 ? atoi(argv[1]) : 1;
	const struct rlimit few = { 128, 128 };

	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0, "socketpair");
	must(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) == 0, "SO_PASSCRED");
	if (setsockopt(s[0], SOL_SOCKET, SO_PASSPIDFD, &one, sizeof(one)) < 0)
		return 77;
	must(setrlimit(RLIMIT_NOFILE, &few) == 0, "setrlimit"); /* descriptors in flight are limited by it too */
	while (dup(0) >= 0)
		;
	for (int i = 0; i < n; i++) {
		char control[CMSG_SPACE(sizeof(int))] = { 0 }, room[512], byte = 'x';
		struct iovec iov = { &byte, 1 };
		struct msghdr out = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
		struct msghdr in = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
		struct cmsghdr *c = CMSG_FIRSTHDR(&out);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		must(sendmsg(s[1], &out, 0) == 1, "sendmsg");
		must(recvmsg(s[0], &in, 0) == 1, "recvmsg");
		cut += (in.msg_flags & MSG_CTRUNC) != 0;
	}
	printf("%d of %d cut\n", cut, n);
	return 0;
}
END
cc -o full full.c || fail "cc"
expect 0 ./full 1 # the kernel says the same
expect_out '^1 of 1 cut'
for mode in "--su" "--secure" "--tracer ptrace --su"; do
	# shellcheck disable=SC2086
	expect 0 sh -c 'ulimit -n 256; exec "$@"' sh "$UMVIEW" --norc $mode --cow "$(mktemp -d "$PWD/changes.XXXXXX")" -- sh -c './full 2000 && echo x >new && cat new'
	expect_out '^2000 of 2000 cut'
	expect_out '^x$'
done
exit 0
