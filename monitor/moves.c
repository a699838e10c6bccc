// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where lower files and directories are that the view has renamed, replaced or removed.
 *
 * Theory of operation.  A process that has one open, or works in it, holds the lower body still, and the kernel names it by
 * its host path, which is the view path that it had before anything happened: its origin.  A move says where an origin
 * is now.  It speaks for all that is below it, but for what has a longer origin of its own.  So a look-up is that of the
 * longest origin which the path begins with.
 *
 * A renaming first rewrites what moves say is at or below the old name.  Then the origin of the old name itself is sought,
 * by the longest `now' that it begins with, and gets a move if the host has something there.  What is made by the view
 * itself has no origin and costs one lstat.
 *
 * Inode numbers of what has moved are kept in a filter, so that fstat of other files does not ask for their names.
 */
#include "moves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "older.h"

#define BUCKETS 4096
#define FILTER_BITS 65536
#define MOVES_MAX 65536 /* of files; more are not noted */

struct move {
	struct move *by_origin, *by_now; /* the next ones in the buckets */
	const struct um_mount *mount;
	char *origin, *now;     /* owned */
	bool gone;              /* removed, from `now' */
};

static struct move *origins[BUCKETS], *nows[BUCKETS];
static unsigned count;
static uint8_t filter[FILTER_BITS / 8];

static unsigned bucket(const char *path, size_t len)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)path[i]) * 16777619u;
	return (h ^ h >> 16) % BUCKETS;
}

/* Is @path equal to or below the first @len bytes of @top? */
static bool within(const char *path, const char *top, size_t len)
{
	return strncmp(path, top, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool is_key(const char *key, const char *path, size_t len)
{
	return strncmp(key, path, len) == 0 && key[len] == '\0';
}

static struct move *find_origin(const struct um_mount *mount, const char *path, size_t len)
{
	struct move *m = origins[bucket(path, len)];

	while (m != NULL && (m->mount != mount || !is_key(m->origin, path, len)))
		m = m->by_origin;
	return m;
}

static struct move *find_now(const struct um_mount *mount, const char *path, size_t len)
{
	struct move *m = nows[bucket(path, len)];

	while (m != NULL && (m->gone || m->mount != mount || !is_key(m->now, path, len)))
		m = m->by_now;
	return m;
}

/* The move with the longest key that @path begins with; *len is its length. */
static struct move *longest(struct move *(*find)(const struct um_mount *, const char *, size_t),
			    const struct um_mount *mount, const char *path, size_t *len)
{
	for (*len = strlen(path); *len > 0; (*len)--) {
		struct move *m = path[*len] == '/' || path[*len] == '\0' ? find(mount, path, *len) : NULL;

		if (m != NULL)
			return m;
	}
	return NULL;
}

int moves_follow(const struct um_mount *mount, char *path)
{
	size_t len;
	struct move *m = count > 0 ? longest(find_origin, mount, path, &len) : NULL;
	char *led;

	if (m == NULL)
		return 0;
	led = um_format("%s%s", m->now, path + len);
	if (strlen(led) >= PATH_MAX) {
		free(led);
		return -ENAMETOOLONG;
	}
	strcpy(path, led);
	free(led);
	return m->gone ? -ENOENT : 0;
}

bool moves_any(void)
{
	return count > 0;
}

bool moves_may_be(uint64_t ino)
{
	return count > 0 && (filter[ino % FILTER_BITS / 8] >> (ino % 8) & 1);
}

static void unlink_now(struct move *m)
{
	struct move **at = &nows[bucket(m->now, strlen(m->now))];

	while (*at != m)
		at = &(*at)->by_now;
	*at = m->by_now;
}

/* @now is taken over. */
static void put_now(struct move *m, char *now, bool gone)
{
	struct move **at = &nows[bucket(now, strlen(now))];

	m->now = now;
	m->gone = gone;
	m->by_now = *at;
	*at = m;
}

static void set_now(struct move *m, char *now, bool gone)
{
	unlink_now(m);
	free(m->now);
	put_now(m, now, gone);
}

static void drop(struct move *m)
{
	struct move **at = &origins[bucket(m->origin, strlen(m->origin))];

	while (*at != m)
		at = &(*at)->by_origin;
	*at = m->by_origin;
	unlink_now(m);
	free(m->origin);
	free(m->now);
	free(m);
	count--;
}

/* What the mount has below at a view path: the host's, or what else it stands on. */
static bool lower_stat(const struct um_mount *mount, const char *path, struct stat *st)
{
	struct um_node node = { .fd = -1 };
	char target[PATH_MAX];
	size_t skip = strlen(mount->target), end;
	bool found;

	if (mount->below == NULL)
		return lstat(path, st) == 0;
	if (strncmp(path, mount->target, skip) != 0)
		return false;
	found = older_ops.walk(mount->below, path + skip + (path[skip] == '/'), &end, &node, target) == 0 &&
		fstat(node.fd, st) == 0;
	if (node.fd >= 0)
		close(node.fd);
	return found;
}

/*
 * What was at the view path @name of the mount before anything happened, if the host has something there: its origin,
 * allocated, and *dir; or NULL.
 */
static char *origin_of(const struct um_mount *mount, const char *name, bool *dir)
{
	size_t len;
	struct move *m = longest(find_now, mount, name, &len);
	char *origin = m ? um_format("%s%s", m->origin, name + len) : um_format("%s", name), led[PATH_MAX];
	struct stat st;

	if (strlen(origin) < PATH_MAX) {
		strcpy(led, origin);
		if (moves_follow(mount, led) == 0 && strcmp(led, name) == 0 && lower_stat(mount, origin, &st)) {
			*dir = S_ISDIR(st.st_mode);
			filter[st.st_ino % FILTER_BITS / 8] |= (uint8_t)(1u << st.st_ino % 8);
			return origin;
		}
	}
	free(origin);
	return NULL;
}

/* Call @change for each move. */
static void for_each(void (*change)(struct move *m, const void *arg), const void *arg)
{
	for (unsigned i = 0; i < BUCKETS && count > 0; i++)
		for (struct move *m = origins[i], *next; m != NULL; m = next) {
			next = m->by_origin;
			change(m, arg);
		}
}

struct renaming {
	const struct um_mount *mount;
	const char *from, *to;
	bool exchange;
};

static void rewrite(struct move *m, const void *arg)
{
	const struct renaming *r = arg;

	if (m->mount != r->mount || m->gone)
		return;
	if (within(m->now, r->from, strlen(r->from)))
		set_now(m, um_format("%s%s", r->to, m->now + strlen(r->from)), false);
	else if (r->exchange && within(m->now, r->to, strlen(r->to)))
		set_now(m, um_format("%s%s", r->from, m->now + strlen(r->to)), false);
}

/* What was below a removed directory went before it. */
static void drop_below(struct move *m, const void *arg)
{
	const struct move *top = arg;

	if (m != top && m->mount == top->mount && m->gone && within(m->origin, top->origin, strlen(top->origin)))
		drop(m);
}

/* Note where an origin (or NULL) is now, or from where it was removed.  @origin is taken over. */
static void set(const struct um_mount *mount, char *origin, bool dir, const char *now, bool gone)
{
	struct move *m = origin ? find_origin(mount, origin, strlen(origin)) : NULL, **at;

	if (m != NULL) {
		set_now(m, um_format("%s", now), gone);
		free(origin);
	} else if (origin != NULL && (dir || count < MOVES_MAX) && (m = calloc(1, sizeof(*m))) != NULL) {
		m->mount = mount;
		m->origin = origin;
		put_now(m, um_format("%s", now), gone);
		at = &origins[bucket(origin, strlen(origin))];
		m->by_origin = *at;
		*at = m;
		count++;
	} else {
		free(origin);
	}
	if (m != NULL && dir && gone)
		for_each(drop_below, m);
}

/* The view path that it has in the mount that is no bind. */
static char *first_name(const struct um_path *path)
{
	const struct um_mount *origin = path->mount->origin;

	return origin == NULL ? um_format("%s", path->view) : um_format("%s/%s", origin->target, path->rel);
}

static const struct um_mount *first_mount(const struct um_path *path)
{
	return path->mount->origin ? path->mount->origin : path->mount;
}

/* Where the host's own tree is shown, the kernel renames what is there itself. */
static bool is_native(const struct um_path *path)
{
	return first_mount(path)->native != NULL;
}

void moves_removed(const struct um_path *path)
{
	char *name;
	bool dir = false;

	if (!path->exists || is_native(path))
		return;
	name = first_name(path);
	set(first_mount(path), origin_of(first_mount(path), name, &dir), dir, name, true);
	free(name);
}

/* Has the host itself @body at the view path @name?  It was renamed there (mincow), and the kernel knows it by that. */
static bool is_at(const struct um_mount *mount, const char *name, int body)
{
	struct stat lower, st;

	return body >= 0 && fstat(body, &st) == 0 && lower_stat(mount, name, &lower) && lower.st_ino == st.st_ino &&
	       lower.st_dev == st.st_dev;
}

void moves_renamed(const struct um_path *from, const struct um_path *to, bool exchange)
{
	const struct um_mount *mount = first_mount(from);
	bool dir = false, other_dir = false;
	char *a, *b, *origin, *other;

	if (is_native(from))
		return;
	a = first_name(from);
	b = first_name(to);
	if (is_at(mount, b, from->node.fd)) {
		free(a);
		free(b);
		return;
	}
	origin = origin_of(mount, a, &dir);
	other = origin_of(mount, b, &other_dir);
	if (from->node.type == S_IFDIR || (exchange && to->node.type == S_IFDIR))
		for_each(rewrite, &(struct renaming){ mount, a, b, exchange });
	set(mount, other, other_dir, exchange ? a : b, !exchange);
	set(mount, origin, dir, b, false);
	free(a);
	free(b);
}

static void drop_of(struct move *m, const void *arg)
{
	if (m->mount == arg)
		drop(m);
}

void moves_forget(const struct um_mount *mount)
{
	for_each(drop_of, mount);
}
