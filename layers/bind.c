/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Binding AF_UNIX sockets to names in the stack.
 *
 * A bound socket must be made by bind(2).  It takes the place of an ordinary socket node that layers_mknod() has made,
 * whose virtual attributes it inherits.  Should that be interrupted, then the name does not exist: a ".wh." file stands
 * for the whiteout that was there, if any.
 *
 * The kernel keeps the name that it was given and shows it to everybody (getsockname(2), /proc/net/unix).  In an upper
 * directory it can be made the program's own (bind_name.c).  Where it cannot, it is the host path if that fits into an
 * address; else it goes through /proc/self/fd, and the number in it is not the last one used, so that it names one
 * socket for long.  A last component that is too long even for that is bound in work/ and renamed.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "layers_internal.h"

#define FD_FIRST 100 /* numbers for names through /proc/self/fd */
#define FD_COUNT 800

/* A duplicate of @dir with a number that was not used for this lately. */
static int spread_fd(int dir)
{
	static unsigned turn;
	int fd;

	turn = (turn + 1) % FD_COUNT;
	fd = fcntl(dir, F_DUPFD_CLOEXEC, FD_FIRST + (int)turn);
	return fd >= 0 ? fd : fcntl(dir, F_DUPFD_CLOEXEC, 0);
}

/* Is the layer's directory still where it was opened? */
static bool in_place(const struct layer *layer)
{
	struct stat now, then;

	return fstat(layer->fd, &then) == 0 && stat(layer->host[0] ? layer->host : "/", &now) == 0 &&
	       now.st_dev == then.st_dev && now.st_ino == then.st_ino;
}

static int bind_address(int sock, const struct sockaddr_un *un)
{
	if (bind(sock, (const struct sockaddr *)un, sizeof *un) < 0)
		return errno == EADDRINUSE ? -EEXIST : -errno;
	return 0;
}

/* By the number of its directory's descriptor. */
static int bind_by_fd(int dir, const char *name, int sock)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	cleanup_fd int fd = spread_fd(dir);
	int n;

	if (fd < 0)
		return -errno;
	n = snprintf(un.sun_path, sizeof un.sun_path, "/proc/self/fd/%d/%s", fd, name);
	return n < (int)sizeof un.sun_path ? bind_address(sock, &un) : -ENAMETOOLONG;
}

/* Can a socket that is bound in work/ be moved to this directory, and is it then as if it had been bound there? */
static bool takes_moved(struct layers *l, const struct layer *layer, int dir)
{
	struct stat here, work;
	char link[40];

	if (layer == &l->layer[0])
		return true;
	snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
	return l->mincow && fstat(dir, &here) == 0 && fstat(l->work, &work) == 0 && here.st_dev == work.st_dev &&
	       !(here.st_mode & S_ISGID) && faccessat(dir, ".", W_OK | X_OK, 0) == 0 &&
	       getxattr(link, ACL_DEFAULT, NULL, 0) <= 0;
}

/* bind(2) to a name in a layer, whose directory is there. */
static int bind_in(struct layers *l, const struct layer *layer, const char *path, int sock, const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char parent[PATH_MAX], tmp[32];
	cleanup_fd int dir = -1;
	int n, r;

	parent_path(path, parent);
	dir = beneath_open(layer->fd, parent, O_PATH | O_DIRECTORY, 0);
	if (dir < 0)
		return dir;
	if (name && takes_moved(l, layer, dir) && bind_named(l, sock, name, dir, last_name(path)) == 0)
		return 0;
	n = snprintf(un.sun_path, sizeof un.sun_path, "%s/%s", layer->host, path);
	if (n < (int)sizeof un.sun_path && in_place(layer))
		return bind_address(sock, &un);
	r = bind_by_fd(dir, last_name(path), sock);
	if (r != -ENAMETOOLONG || !l->cow)
		return r;
	tmp_name(l, tmp);
	r = bind_by_fd(l->work, tmp, sock);
	if (r == 0 && renameat2(l->work, tmp, dir, last_name(path), RENAME_NOREPLACE) < 0) {
		r = -errno;
		unlinkat(l->work, tmp, 0);
	}
	return r;
}

static int bind_in_store(struct layers *l, const char *path, int sock, const char *name, mode_t mode)
{
	struct obj o = upper_obj(l, path);
	cleanup_fd int guard = -1;
	int r = store_guard(l, path, &guard);

	if (r < 0)
		return r;
	change_begin(l);
	r = bind_in(l, &l->layer[0], path, sock, name);
	if (r == 0)
		r = obj_chmod(&o, mode & 0777);
	change_end(l);
	return r;
}

/* In a real directory.  GO_ON as in native.c. */
static int bind_native(struct layers *l, const char *path, int sock, const char *name, mode_t mode)
{
	struct obj o = OBJ_AT(l->layer[1].fd, path);
	struct upos u;
	size_t end;
	int r;

	if (store_has(l, path))
		return bind_in_store(l, path, sock, name, mode);
	if (!l->native) {
		if (!l->mincow || path_hidden(l, path, &end))
			return GO_ON;
		gen_sync(l);
		if (upper_find(l, path, &u) < 0 || u.ent || u.cut)
			return GO_ON;
	}
	r = bind_in(l, &l->layer[1], path, sock, l->mincow ? name : NULL);
	if (r == 0)
		return obj_chmod(&o, mode & 07777);
	if (!l->native && (r == -EACCES || r == -EPERM || r == -EROFS || (r == -ENOENT && l->nlower > 1)))
		return GO_ON;
	return r;
}

/* Put the bound socket where the node @old with the attributes @a, and the ACL that it inherited, is. */
static int replace(struct layers *l, const char *path, int sock, const char *name, const struct vattr *a,
		   const struct statx *old)
{
	struct obj o = upper_obj(l, path);
	char record[64], acl[ACL_MAX];
	struct statx raw;
	ssize_t n = kept_get(l, &o, old, ACL_ACCESS, acl, sizeof acl);
	int r;

	vattr_text(a, record);
	intent_set(l, path, record);
	if (unlinkat(l->layer[0].fd, path, 0) < 0) {
		intent_clear(l);
		return -errno;
	}
	forget_upper(l, old); /* now: the new one may get the same inode number */
	r = bind_in(l, &l->layer[0], path, sock, name);
	if (r == 0)
		r = obj_chmod(&o, raw_mode(l, S_IFSOCK | (a->mode & 07777)));
	if (r == 0)
		r = obj_statx(&o, &raw);
	if (r == 0 && !vattr_shown_raw(l, a))
		r = vattr_put_text(l, &o, record);
	if (r == 0 && n > 0)
		r = kept_set(l, &o, &raw, ACL_ACCESS, acl, n, 0);
	if (r < 0)
		unlinkat(l->layer[0].fd, path, 0);
	intent_clear(l);
	return r;
}

static int bind_upper(struct layers *l, const char *path, int sock, const char *name, mode_t mode,
		      const struct layers_owner *owner)
{
	cleanup_look struct look k = LOOK_INIT;
	struct obj o = upper_obj(l, path);
	struct statx raw;
	struct vattr a;
	bool below;
	int r = look_up(l, path, &k);

	if (r < 0)
		return r;
	if (k.exists)
		return -EEXIST;
	below = k.u.ent != NULL; /* a whiteout, and something that must not come to light */
	r = layers_mknod(l, path, S_IFSOCK | (mode & 07777), 0, owner);
	if (r < 0)
		return r;
	r = obj_statx(&o, &raw);
	if (r == 0)
		r = vattr_get(l, &o, &raw, &a, NULL);
	if (r == 0 && below)
		r = whiteout_beside(l, path);
	if (r == 0)
		r = replace(l, path, sock, name, &a, &raw);
	if (r == 0 && below)
		whiteout_beside_remove(l, path);
	if (r < 0)
		index_drop(l); /* it may be there or not: look anew */
	return r;
}

int layers_bind(struct layers *l, const char *path, int sock, const char *name, mode_t mode,
		const struct layers_owner *owner)
{
	int r = bind_native(l, path, sock, name, mode);

	if (r != GO_ON)
		return r;
	if (!l->cow)
		return -EROFS;
	change_begin(l);
	r = bind_upper(l, path, sock, name, mode, owner);
	change_end(l);
	return r;
}
