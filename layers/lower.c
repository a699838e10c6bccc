/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look-up in the layers below the upper one.
 *
 * With a single lower layer, the common case, a path that exists costs one openat2(2); which component is missing, or
 * is a symbolic link, is only found out when the call failed.  With several layers each component is looked up in
 * all layers that still take part, from the top down.  Whiteouts and opaque marks count in every layer but the last,
 * which may be no directory at all (below.c).
 */

#include "layers_internal.h"

static size_t component_end(const char *path, size_t begin)
{
	const char *slash = strchr(path + begin, '/');

	return slash ? (size_t)(slash - path) : strlen(path);
}

/* End of the first component that begins after the upper directories; see lower_walk(). */
static size_t end_after(const char *path, size_t prefix)
{
	return path[prefix] ? component_end(path, prefix ? prefix + 1 : 0) : prefix;
}

static int open_prefix(int dirfd, const char *path, size_t len, int flags)
{
	char buf[PATH_MAX];

	if (len >= sizeof buf)
		return -ENAMETOOLONG;
	memcpy(buf, path, len);
	buf[len] = '\0';
	return beneath_open(dirfd, buf, flags, 0);
}

int read_link(int fd, char *target)
{
	ssize_t n = readlinkat(fd, "", target, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return 0;
}

/* What beneath_open() of the whole path failed with, traced to the component that is at fault. */
static int explain(struct layers *l, unsigned layer, const char *path, size_t prefix, int err, size_t *end,
		   char *target)
{
	int top = l->layer[layer].fd;
	size_t e, len = strlen(path);
	int fd;

	if (err == -ENOENT) {
		/* The usual case: only the last component is missing. */
		const char *name = last_name(path);

		*end = len;
		if (name == path)
			return -ENOENT;
		fd = open_prefix(top, path, name - path - 1, O_PATH | O_DIRECTORY | O_NOFOLLOW);
		if (fd >= 0) {
			close(fd);
			return -ENOENT;
		}
	}
	for (e = component_end(path, 0);; e = component_end(path, e + 1)) {
		cleanup_fd int at = open_prefix(top, path, e, O_PATH | O_NOFOLLOW);
		struct statx st;
		int r;

		*end = e;
		if (at == -EACCES && l->root_opaque)
			at = -ENOENT;
		if (at < 0) {
			if (e <= prefix)
				*end = end_after(path, prefix);
			return e <= prefix ? -ENOENT : at;
		}
		r = fd_statx(at, &st);
		if (r < 0)
			return r;
		if (!S_ISDIR(st.stx_mode) && e <= prefix) {
			*end = end_after(path, prefix);
			return -ENOENT;
		}
		if (S_ISLNK(st.stx_mode) && path[e]) {
			r = target ? read_link(at, target) : 0;
			return r < 0 ? r : 1;
		}
		if (!path[e])
			return err; /* it is all there now: somebody was changing it */
		if (!S_ISDIR(st.stx_mode))
			return -ENOTDIR;
	}
}

/* One component in one layer: descriptor, -ENOENT, or 0 in *stop if the layer hides those below. */
static int layer_child(struct layers *l, unsigned i, const char *path, size_t end, struct statx *st, bool *stop)
{
	char wh[PATH_MAX];
	const char *name;
	size_t dirlen;
	int fd = open_prefix(l->layer[i].fd, path, end, O_PATH | O_NOFOLLOW), r;

	if (fd >= 0) {
		r = fd_statx(fd, st);
		if (r == 0 && i < l->nlower && S_ISCHR(st->stx_mode) && !st->stx_rdev_major && !st->stx_rdev_minor) {
			*stop = true;
			r = -ENOENT;
		}
		if (r < 0)
			close_fd(&fd);
		return r < 0 ? r : fd;
	}
	if (fd != -ENOENT || i == l->nlower || end + WH_PREFIX_LEN >= sizeof wh)
		return fd;
	memcpy(wh, path, end);
	wh[end] = '\0';
	name = last_name(wh);
	dirlen = name - wh;
	memmove(wh + dirlen + WH_PREFIX_LEN, wh + dirlen, end - dirlen + 1);
	memcpy(wh + dirlen, WH_PREFIX, WH_PREFIX_LEN);
	r = beneath_open(l->layer[i].fd, wh, O_PATH | O_NOFOLLOW, 0);
	if (r >= 0) {
		close(r);
		*stop = true;
	}
	return -ENOENT;
}

/* One component in all layers of @mask: the topmost body in *out; out->mask: the directories that are merged. */
static int merged_child(struct layers *l, unsigned mask, const char *path, size_t end, bool dirs_only,
			struct lnode *out)
{
	bool stop = false;
	unsigned i;

	out->mask = 0;
	for (i = 1; i <= l->nlower && !stop; i++) {
		struct lnode low = LNODE_INIT;
		struct statx st;
		int fd;

		if (!(mask & 1u << i))
			continue;
		if (is_below(l, i)) {
			fd = below_child(l, path, end, &low);
			fd = fd < 0 ? fd : low.fd;
			st = low.st;
		} else {
			fd = layer_child(l, i, path, end, &st, &stop);
		}
		if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ||
		    (fd == -EACCES && (l->root_opaque || out->mask)))
			continue;
		if (fd < 0)
			return fd;
		if (!S_ISDIR(st.stx_mode)) {
			if (!out->mask && !dirs_only) {
				*out = (struct lnode){.fd = fd, .layer = i, .st = st, .elsewhere = low.elsewhere};
				return 0;
			}
			close(fd);
			break;
		}
		stop = i < l->nlower && opaque_get(l, fd);
		if (out->mask)
			close_fd(&fd);
		else
			*out = (struct lnode){.fd = fd, .layer = i, .st = st, .elsewhere = low.elsewhere};
		out->merged = low.merged;
		out->mask |= 1u << i;
	}
	return out->mask ? 0 : -ENOENT;
}

static int walk_merged(struct layers *l, const char *path, size_t prefix, size_t *end, struct lnode *out,
		       char *target)
{
	unsigned mask = (2u << l->nlower) - 2;
	size_t e;
	int r;

	if (!path[0])
		return merged_child(l, mask, path, *end = 0, true, out);
	for (e = component_end(path, 0);; e = component_end(path, e + 1)) {
		cleanup_lnode struct lnode n = LNODE_INIT;

		*end = e;
		r = merged_child(l, mask, path, e, e <= prefix && path[e], &n);
		if (r < 0) {
			if (e <= prefix)
				*end = end_after(path, prefix);
			return r;
		}
		if (!path[e]) {
			*out = n;
			n.fd = -1;
			return 0;
		}
		if (S_ISLNK(n.st.stx_mode)) {
			r = target ? read_link(n.fd, target) : 0;
			out->elsewhere = n.elsewhere;
			return r < 0 ? r : 1;
		}
		if (!S_ISDIR(n.st.stx_mode))
			return -ENOTDIR;
		mask = n.mask;
	}
}

/* As lower_walk(), in one layer alone, which is a directory and shown as it is. */
int body_walk(struct layers *l, unsigned layer, const char *path, size_t prefix, size_t *end, struct lnode *out,
	      char *target)
{
	int fd = beneath_open(l->layer[layer].fd, path, O_PATH | O_NOFOLLOW, 0), r;

	*end = strlen(path);
	if (fd < 0)
		return explain(l, layer, path, prefix, fd, end, target);
	r = fd_statx(fd, &out->st);
	if (r < 0) {
		close(fd);
		return r;
	}
	out->fd = fd;
	out->layer = layer;
	out->mask = S_ISDIR(out->st.stx_mode) ? 1u << layer : 0;
	return 0;
}

/**
 * lower_walk() - look a path up in the lower layers
 * @prefix:	so many bytes of @path are directories of the upper layer: what is no directory there in a lower layer
 *		is hidden, symbolic links too
 * @end:	set when the result is not 0
 *
 * Return: as layers_walk().
 */
int lower_walk(struct layers *l, const char *path, size_t prefix, size_t *end, struct lnode *out, char *target)
{
	int r;

	*end = strlen(path);
	if (l->nlower != 1)
		return l->nlower ? walk_merged(l, path, prefix, end, out, target)
				 : (*end = end_after(path, prefix), -ENOENT);
	if (l->below) {
		r = below_walk(l, path, end, out, target);
		if (r == 0 || r == -LAYERS_STAGE || *end > prefix)
			return r;
		*end = end_after(path, prefix);
		return -ENOENT;
	}
	return body_walk(l, 1, path, prefix, end, out, target);
}

/* Is there anything at this very path, reached by real directories only?  0 or -ENOENT or what goes wrong. */
int lower_find(struct layers *l, const char *path, struct lnode *out)
{
	size_t end;
	int r;

	if (l->nlower == 1 && !l->below) {
		int fd = beneath_open(l->layer[1].fd, path, O_PATH | O_NOFOLLOW, 0);

		if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || (fd == -EACCES && l->root_opaque))
			return -ENOENT;
		if (fd < 0)
			return fd;
		out->fd = fd;
		out->layer = 1;
		r = fd_statx(fd, &out->st);
		out->mask = r == 0 && S_ISDIR(out->st.stx_mode) ? 2 : 0;
		return r;
	}
	r = lower_walk(l, path, 0, &end, out, NULL);
	return r == 1 || r == -ENOTDIR || (r == -EACCES && l->root_opaque) ? -ENOENT : r;
}

/* With root_opaque: a directory that may not be listed or searched, which therefore appears as empty. */
bool lower_unreadable(struct layers *l, const struct lnode *n, const char *path)
{
	if (!l->root_opaque || !S_ISDIR(n->st.stx_mode) || (n->st.stx_mode & 05) == 05)
		return false;
	return !n->elsewhere && !lower_accessible(l, n, path) && errno == EACCES;
}
