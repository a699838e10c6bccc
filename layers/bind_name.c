/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Binding an AF_UNIX socket so that the kernel keeps the very name that a program gave.
 *
 * The kernel keeps the bytes of the address, and shows them to everybody whom this socket connects to or sends to.  It
 * never looks at them again: who connects is led by the file.  So the socket is bound in a directory in work/ which has
 * just the directories that the name needs, and its file is then renamed to its place.
 *
 * A relative name is looked up in the working directory, an absolute one in the root directory, of a child that shares
 * memory and descriptors with us, and is gone when clone(2) returns.  Changing the root directory takes a user
 * namespace of the child's own: it has no ids mapped, and so the file belongs to the same user.
 */
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "layers_internal.h"

#define STACK 16384

struct binding {
	int sock, dir;
	const struct sockaddr_un *un;
	bool absolute;
	int error;
};

static int bind_child(void *arg)
{
	struct binding *b = arg;
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + strnlen(b->un->sun_path, sizeof b->un->sun_path);

	if (fchdir(b->dir) < 0 || (b->absolute && chroot(".") < 0) ||
	    bind(b->sock, (const struct sockaddr *)b->un, len) < 0)
		b->error = errno;
	return 0;
}

/* Have the child do it.  0 or negative errno. */
static int bind_there(struct binding *b)
{
	char stack[STACK] __attribute__((aligned(16)));
	int status;
	pid_t pid;

	/* No exit signal: nobody else who waits for children sees this one. */
	pid = clone(bind_child, stack + sizeof stack,
		    CLONE_VM | CLONE_VFORK | CLONE_FILES | (b->absolute ? CLONE_NEWUSER : 0), b);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, __WCLONE) < 0 && errno == EINTR)
		;
	return -b->error;
}

/* How many directories above its beginning a relative name leads at most; -1: an absolute one leads above the root. */
static int climb(const char *name)
{
	int depth = 0, lowest = 0;

	for (const char *s = name; *s; s += strcspn(s, "/")) {
		s += strspn(s, "/");
		if (s[0] == '.' && s[1] == '.' && (s[2] == '/' || !s[2]))
			depth--;
		else if (*s && !(s[0] == '.' && (s[1] == '/' || !s[1])))
			depth++;
		lowest = depth < lowest ? depth : lowest;
	}
	return lowest < 0 && *name == '/' ? -1 : -lowest;
}

/* Make the directories of the name below @dir. */
static int make_way(int dir, const char *name)
{
	char path[sizeof((struct sockaddr_un *)NULL)->sun_path + 1];

	for (const char *s = strchr(name, '/'); s; s = strchr(s + 1, '/')) {
		snprintf(path, sizeof path, "%.*s", (int)(s - name), name);
		if (*path && mkdirat(dir, path, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* The directory below work/ in which the name is looked up; "..", @up times, does not lead out of it. */
static int make_start(struct layers *l, const char *tmp, int up)
{
	cleanup_fd int at = -1;

	if (mkdirat(l->work, tmp, 0700) < 0)
		return -errno;
	at = beneath_open(l->work, tmp, O_PATH | O_DIRECTORY, 0);
	while (at >= 0 && up-- > 0) {
		int below = mkdirat(at, "x", 0700) < 0 ? -1 : openat(at, "x", O_PATH | O_DIRECTORY | O_CLOEXEC);

		close(at);
		at = below;
	}
	if (at < 0)
		return -errno;
	up = at;
	at = -1;
	return up;
}

int bind_named(struct layers *l, int sock, const char *name, int dir, const char *place)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct binding b = { .sock = sock, .un = &un, .absolute = *name == '/' };
	const char *relative = name + strspn(name, "/");
	cleanup_fd int start = -1;
	int up = climb(name), r;
	char tmp[32];

	if (up < 0 || (b.absolute && feature_off(LAYERS_USER_NS)) || strlen(name) > sizeof un.sun_path)
		return -EINVAL;
	memcpy(un.sun_path, name, strlen(name));
	tmp_name(l, tmp);
	r = start = make_start(l, tmp, up);
	if (r >= 0)
		r = make_way(start, relative);
	b.dir = start;
	if (r == 0)
		r = bind_there(&b);
	if (r == 0 && renameat2(start, relative, dir, place, RENAME_NOREPLACE) < 0)
		r = -errno;
	remove_tree(l->work, tmp);
	return r;
}
