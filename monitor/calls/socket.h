/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AF_UNIX sockets with names in the view: what the files of this family share.
 *
 *	socket.c	bind, connect, sendto, getsockname: addresses
 *	socket_msg.c	sendmsg, sendmmsg: addresses and control messages
 *	socket_recv.c	recvmsg, recvmmsg
 *	socket_cred.c	who is at the other end
 *	socket_abstract.c	abstract names in secure mode
 *	socket_names.c	what the monitor remembers of sockets
 */
#ifndef MONITOR_CALLS_SOCKET_H
#define MONITOR_CALLS_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "calls.h"

/* --- socket_names.c --------------------------------------------------------------------------------------------- */

struct um_sockets;

struct um_sockets *sockets_new(void);
void sockets_free(struct um_sockets *s);

/* The kernel knows a socket by the host path @bound; the program that bound it called it @shown. */
void sockets_add_name(struct um_sockets *s, const char *bound, const char *shown);
/* NULL: not known (any more). */
const char *sockets_name(const struct um_sockets *s, const char *bound);

/* The monitor connected (or sent on) the socket with this inode for a process: these are its credentials then. */
void sockets_add_client(struct um_sockets *s, uint64_t ino, const struct ucred *cred);
/* NULL: not known.  @ino 0: the one added last. */
const struct ucred *sockets_client(const struct um_sockets *s, uint64_t ino);

/* --- socket.c --------------------------------------------------------------------------------------------------- */

/* An address that a process gave. */
struct address {
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_storage room;
	};
	socklen_t len;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1]; /* "" if it is not an AF_UNIX path */
};

/* 0, or what the kernel would answer to such an address: -EINVAL, -EFAULT. */
int address_read(const struct um_call *call, uint64_t addr, uint64_t len, struct address *a);

/*
 * Find the socket file that an AF_UNIX path names for the caller, and rewrite the address to one by which the monitor
 * reaches it: "/proc/self/fd/N", N being the result, which the caller of this closes.
 * UM_CONTINUE: the kernel finds the same by itself (not if @must); or a negative errno.
 */
int64_t address_resolve(struct um_call *call, struct address *a, bool must);

/* A duplicate of the caller's socket if it is an AF_UNIX one (its SOCK_* type in *type), UM_CONTINUE if it is another
 * thing (the kernel has the right error), or a negative errno. */
int64_t unix_socket(struct um_call *call, int fd, int *type);
/* The same for calls with an address: in secure mode a duplicate of a socket of any family, for the kernel must not
 * read the address again. */
int64_t addressed_socket(struct um_call *call, int fd, int *type);
bool is_nonblocking(int sock);

/* A path of 108 bytes is given back with a NUL behind it, which has no room in a sockaddr_un. */
struct name_shown {
	struct sockaddr_un un;
	char end;
};

/* The name to show for one that the kernel has for a socket; false if it is the same.  @shown: an AF_UNIX path. */
bool name_to_show(const struct um_call *call, const struct sockaddr_un *un, socklen_t len, struct name_shown *shown,
		  socklen_t *shown_len);

/* Microseconds of a clock that only goes on; a socket's send timeout in these, INT64_MAX for none (*tv: as it is). */
int64_t now_us(void);
int64_t send_timeout(int sock, struct timeval *tv);

/* Remember who is behind @sock, for it was the monitor that connected it or sent on it.  NULL: the caller, as it is. */
void remember_client(struct um_call *call, int sock, const struct ucred *cred);
struct um_sockets *sockets_of(struct um_call *call);

/* --- socket_abstract.c: in secure mode ---------------------------------------------------------------------------- */

/* Rewrite an abstract name to the view's; other addresses stay.  0, or -EINVAL: too long for that. */
int abstract_place(const struct um_view *view, struct address *a);
/* The name to show for one that the kernel has; false if it is not the view's. */
bool abstract_to_show(const struct um_view *view, const struct sockaddr_un *un, socklen_t len,
		      struct sockaddr_un *shown, socklen_t *shown_len);
/* Bind to a free name.  0 or a negative errno. */
int abstract_autobind(const struct um_view *view, int sock);

/* --- socket_msg.c ----------------------------------------------------------------------------------------------- */

/* sendmsg(2) on a duplicate of the caller's socket, in its name: it waits, gets EPIPE and SIGPIPE as the caller
 * would. */
int64_t send_for(struct um_call *call, int sock, const struct msghdr *msg, int flags);

/* --- socket_cred.c ---------------------------------------------------------------------------------------------- */

/* Inode of a socket; 0 if it cannot be had. */
uint64_t socket_inode(int sock);
/* Inode of the socket at the other end of a connected AF_UNIX socket; 0 if it cannot be had. */
uint64_t peer_inode(uint64_t ino);
/* Translate credentials that the kernel has for the other end of @sock into the caller's view; false: no change. */
bool cred_to_show(struct um_call *call, int sock, struct ucred *cred);

#endif
