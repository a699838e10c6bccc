/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewapply, the first pass: could anything be refused?
 */
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "apply.h"
#include "cmd.h"

/* Space needed on each file system. */
struct need {
	unsigned major, minor;
	uint64_t bytes, inodes;
	int fd;
};

struct check {
	struct apply *ap;
	struct need need[32];
	size_t nneed;
	unsigned wrong;
	gid_t groups[256];
	int ngroups;
	const char *whole; /* a directory that goes, or comes, as a whole: what is in it needs no look */
};

static void refuse(struct check *c, const char *path, const char *why)
{
	cmd_message("%s: %s", layerdir_real(&c->ap->dir, path), why);
	c->wrong++;
}

int apply_parent(const struct apply *ap, const char *path, const char **name)
{
	int dir = openat(ap->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), next;
	const char *slash;
	char part[NAME_MAX + 1];

	while (dir >= 0 && (slash = strchr(path, '/'))) {
		snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
		next = openat(dir, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			next = -errno;
		close(dir);
		if (next < 0)
			return next;
		dir = next;
		path = slash + 1;
	}
	*name = path;
	return dir < 0 ? -errno : dir;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && path[len] == '/';
}

static bool my_group(const struct check *c, gid_t gid)
{
	int i;

	for (i = 0; i < c->ngroups; i++) {
		if (c->groups[i] == gid)
			return true;
	}
	return gid == getegid();
}

/* A whiteout of a directory of changes that is in this one: everybody may make such a device. */
static bool is_whiteout(const struct statx *st)
{
	return S_ISCHR(st->stx_mode) && !st->stx_rdev_major && !st->stx_rdev_minor;
}

/* May we make something with these attributes? */
static void check_attributes(struct check *c, const char *path, const struct statx *st)
{
	static const char *const rooted[] = {"security.", "trusted."};
	char list[4096], *p;
	ssize_t n;
	size_t i;

	if (geteuid() == 0)
		return;
	if (c->ap->dir.owners && (st->stx_uid != geteuid() || !my_group(c, st->stx_gid))) {
		char why[64];

		snprintf(why, sizeof why, "only root can give it to %u:%u", st->stx_uid, st->stx_gid);
		refuse(c, path, why);
	} else if (S_ISBLK(st->stx_mode) || (S_ISCHR(st->stx_mode) && !is_whiteout(st))) {
		refuse(c, path, "only root can make a device");
	}
	n = layers_listxattr(c->ap->dir.l, path, list, sizeof list);
	for (p = list; n > 0 && p < list + n; p += strlen(p) + 1) {
		for (i = 0; i < 2; i++) {
			if (!strncmp(p, rooted[i], strlen(rooted[i]))) {
				refuse(c, path, "only root can set its capabilities or labels");
				return;
			}
		}
	}
}

static void add_need(struct check *c, int dir, const struct statx *parent, uint64_t bytes)
{
	struct need *n;
	size_t i;

	for (i = 0; i < c->nneed; i++) {
		n = &c->need[i];
		if (n->major == parent->stx_dev_major && n->minor == parent->stx_dev_minor)
			break;
	}
	if (i == sizeof c->need / sizeof *c->need)
		return;
	n = &c->need[i];
	if (i == c->nneed) {
		*n =
		    (struct need){parent->stx_dev_major, parent->stx_dev_minor, 0, 0, fcntl(dir, F_DUPFD_CLOEXEC, 3)};
		c->nneed++;
	}
	n->bytes += bytes;
	n->inodes++;
}

static const char *immutable(const struct statx *st)
{
	return st->stx_attributes & STATX_ATTR_IMMUTABLE ? "is immutable"
	       : st->stx_attributes & STATX_ATTR_APPEND	 ? "can only be appended to"
							 : NULL;
}

static bool is_mount_point(const struct statx *st, const struct statx *parent)
{
	return (st->stx_attributes & STATX_ATTR_MOUNT_ROOT) || st->stx_dev_major != parent->stx_dev_major ||
	       st->stx_dev_minor != parent->stx_dev_minor;
}

/* Can a whole tree be removed? */
static void check_removal(struct check *c, int dirfd, const char *name, const char *path, const struct statx *st,
			  const struct statx *parent);

/* The name in its directory: what is there now, and whether the directory lets us. */
static void check_place(struct check *c, const struct layers_diff_entry *e)
{
	struct statx parent, now;
	const char *name, *why;
	int dir = apply_parent(c->ap, e->path, &name);
	bool exists;

	if (dir < 0) {
		refuse(c, e->path, strerror(-dir));
		return;
	}
	if (statx(dir, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &parent) < 0) {
		refuse(c, e->path, strerror(errno));
		goto out;
	}
	exists = e->path[0] && statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &now) == 0;
	why = immutable(&parent);
	if (why) {
		refuse(c, e->path, "its directory is immutable");
	} else if (faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) < 0) {
		refuse(c, e->path, errno == EACCES ? "its directory may not be written" : strerror(errno));
	} else if (exists) {
		why = immutable(&now);
		if (why)
			refuse(c, e->path, why);
		else if ((parent.stx_mode & S_ISVTX) && geteuid() && now.stx_uid != geteuid() &&
			 parent.stx_uid != geteuid())
			refuse(c, e->path, "is somebody else's in a sticky directory");
		else if (e->change == LAYERS_MODIFIED && S_ISDIR(now.stx_mode) && S_ISDIR(e->upper.stx_mode)) {
			if (geteuid() && now.stx_uid != geteuid())
				refuse(c, e->path, "is somebody else's");
		} else if (S_ISDIR(now.stx_mode))
			check_removal(c, dir, name, e->path, &now, &parent);
		else if (is_mount_point(&now, &parent))
			refuse(c, e->path, "something is mounted there");
	}
	if (e->change != LAYERS_DELETED)
		add_need(c, dir, &parent, S_ISREG(e->upper.stx_mode) ? e->upper.stx_blocks * 512 : 4096);
out:
	close(dir);
}

static void check_removal(struct check *c, int dirfd, const char *name, const char *path, const struct statx *st,
			  const struct statx *parent)
{
	int fd;
	struct dirent *de;
	DIR *d;

	if (is_mount_point(st, parent)) {
		refuse(c, path, "something is mounted there, or in it");
		return;
	}
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		refuse(c, path, strerror(errno));
		return;
	}
	errno = 0;
	while ((de = readdir(d))) {
		struct statx child;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (statx(fd, de->d_name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &child) < 0)
			continue;
		if (immutable(&child) || immutable(st) || faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0) {
			refuse(c, path, "what is in it may not be removed");
			break;
		}
		if (S_ISDIR(child.stx_mode))
			check_removal(c, fd, de->d_name, path, &child, st);
		else if (is_mount_point(&child, st))
			refuse(c, path, "something is mounted there, or in it");
	}
	closedir(d);
}

static void check_space(struct check *c)
{
	struct statvfs fs;
	size_t i;

	for (i = 0; i < c->nneed; i++) {
		struct need *n = &c->need[i];

		if (fstatvfs(n->fd, &fs) == 0) {
			uint64_t room = (uint64_t)(geteuid() ? fs.f_bavail : fs.f_bfree) * fs.f_frsize;

			if (n->bytes > room) {
				cmd_message("the file system %u:%u has %llu MiB free, and %llu are needed", n->major,
					    n->minor, (unsigned long long)room >> 20,
					    (unsigned long long)n->bytes >> 20);
				c->wrong++;
			} else if (fs.f_files && n->inodes > (geteuid() ? fs.f_favail : fs.f_ffree)) {
				cmd_message("the file system %u:%u has not enough inodes", n->major, n->minor);
				c->wrong++;
			}
		}
		close(n->fd);
	}
}

/* Stand-ins are not for the real tree, and an empty directory for one that could not be read hides nothing there. */
static bool is_stand_in(struct apply *ap, struct change *ch)
{
	const struct layers_diff_entry *e = &ch->e;

	if (!e->made || !e->has_lower)
		return false;
	if (S_ISREG(e->upper.stx_mode) && e->upper.stx_size)
		cmd_message("%s: left as it is, the view only had a stand-in for it",
			    layerdir_real(&ap->dir, e->path));
	ch->skip = true;
	return true;
}

static void check_one(struct check *c, struct change *ch)
{
	const struct layers_diff_entry *e = &ch->e;
	const char *unreadable = c->whole;

	/* What such a directory seems to hide could not be seen. */
	if (unreadable && e->change == LAYERS_DELETED && is_below(e->path, unreadable)) {
		ch->skip = true;
		return;
	}
	if (is_stand_in(c->ap, ch)) {
		if (S_ISDIR(e->upper.stx_mode))
			c->whole = e->path;
		return;
	}
	if (e->stale && !c->ap->force) {
		refuse(c, e->path,
		       e->has_lower ? "the host has changed it since the view copied it (--force overwrites it)"
				    : "the host has removed it since the view copied it (--force brings it back)");
		return;
	}
	if (e->change != LAYERS_DELETED)
		check_attributes(c, e->path, &e->upper);
}

/* Is the directory that holds this one new itself?  Then there is nothing to look at yet. */
static bool in_new_directory(const struct check *c, size_t i)
{
	const struct changes *all = &c->ap->changes;
	const char *path = all->change[i].e.path;

	while (i--) {
		const struct layers_diff_entry *e = &all->change[i].e;

		if (!S_ISDIR(e->upper.stx_mode) || !is_below(path, e->path))
			continue;
		if (e->change == LAYERS_ADDED || (e->has_lower && !S_ISDIR(e->lower.stx_mode)))
			return true;
		return false;
	}
	return false;
}

unsigned apply_check(struct apply *ap)
{
	struct check c = {.ap = ap};
	size_t i;

	ap->root = open(ap->dir.target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ap->root < 0)
		cmd_die(1, "%s: %s", ap->dir.target, strerror(errno));
	c.ngroups = getgroups(sizeof c.groups / sizeof *c.groups, c.groups);
	for (i = 0; i < ap->changes.count; i++) {
		struct change *ch = &ap->changes.change[i];
		unsigned before = c.wrong;

		check_one(&c, ch);
		if (!ch->skip && c.wrong == before && !in_new_directory(&c, i))
			check_place(&c, &ch->e);
	}
	check_space(&c);
	return c.wrong;
}
