/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewapply, the second pass: making the changes in the real tree.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "apply.h"
#include "cmd.h"

#define TEMP ".viewapply-temporary"

/* The first name in the real tree of a file that has several. */
struct first {
	uint64_t ino;
	unsigned major, minor;
	const char *path;
};

struct doing {
	struct apply *ap;
	struct first *first;
	size_t nfirst;
};

static void die(struct doing *x, const char *path, const char *what, int err)
{
	cmd_die(1, "%s: %s: %s (the changes before it were made)", layerdir_real(&x->ap->dir, path), what,
		strerror(err));
}

static int remove_tree(int dirfd, const char *name)
{
	struct dirent *de;
	DIR *d;
	int fd, r = 0;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d)
		return -errno;
	while (r == 0 && (de = readdir(d))) {
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			r = remove_tree(fd, de->d_name);
	}
	closedir(d);
	return r < 0 ? r : unlinkat(dirfd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* "/proc/self/fd/DIR/NAME": xattr calls take no directory descriptor. */
static const char *proc_name(int dir, const char *name, char buf[NAME_MAX + 64])
{
	snprintf(buf, NAME_MAX + 64, "/proc/self/fd/%d/%s", dir, name);
	return buf;
}

static void put_xattrs(struct doing *x, const char *path, int dir, const char *name)
{
	static char list[XATTR_LIST_MAX], old[XATTR_LIST_MAX], value[XATTR_SIZE_MAX];
	char real[NAME_MAX + 64], *p;
	ssize_t n = layers_listxattr(x->ap->dir.l, path, list, sizeof list), size, m;

	proc_name(dir, name, real);
	/* A directory that exists may have some that it is not to keep. */
	m = llistxattr(real, old, sizeof old);
	for (p = old; m > 0 && p < old + m; p += strlen(p) + 1) {
		if (layers_getxattr(x->ap->dir.l, path, p, NULL, 0) == -ENODATA)
			lremovexattr(real, p);
	}
	for (p = list; n > 0 && p < list + n; p += strlen(p) + 1) {
		size = layers_getxattr(x->ap->dir.l, path, p, value, sizeof value);
		if (size >= 0 && lsetxattr(real, p, value, size, 0) < 0)
			cmd_message("warning: %s: %s: %s", layerdir_real(&x->ap->dir, path), p, strerror(errno));
	}
}

/* Owner first: chown(2) takes set-id bits and capabilities away. */
static void put_attributes(struct doing *x, const struct layers_diff_entry *e, int dir, const char *name)
{
	const struct statx *st = &e->upper;
	struct timespec times[2] = {{st->stx_atime.tv_sec, st->stx_atime.tv_nsec},
				    {st->stx_mtime.tv_sec, st->stx_mtime.tv_nsec}};

	if (x->ap->dir.owners && fchownat(dir, name, st->stx_uid, st->stx_gid, AT_SYMLINK_NOFOLLOW) < 0)
		die(x, e->path, "owner", errno);
	if (!S_ISLNK(st->stx_mode) && fchmodat(dir, name, st->stx_mode & 07777, 0) < 0)
		die(x, e->path, "mode", errno);
	put_xattrs(x, e->path, dir, name);
	utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}

static void copy_file(struct doing *x, const struct layers_diff_entry *e, int dir)
{
	static char buf[256 * 1024];
	int from = layers_open_file(x->ap->dir.l, e->path, O_RDONLY, 0, NULL), to;
	off_t pos = 0, end = e->upper.stx_size, hole;

	if (from < 0)
		die(x, e->path, "read", -from);
	to = openat(dir, TEMP, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		die(x, e->path, "create", errno);
	while (pos < end) {
		off_t data = lseek(from, pos, SEEK_DATA);

		if (data < 0)
			break; /* a hole up to the end */
		hole = lseek(from, data, SEEK_HOLE);
		while (data < hole && data < end) {
			ssize_t n =
			    pread(from, buf, hole - data < (off_t)sizeof buf ? hole - data : (off_t)sizeof buf, data);

			if (n <= 0)
				die(x, e->path, "read", n < 0 ? errno : EIO);
			if (pwrite(to, buf, n, data) != n)
				die(x, e->path, "write", errno);
			data += n;
		}
		pos = hole;
	}
	if (ftruncate(to, end) < 0)
		die(x, e->path, "write", errno);
	close(from);
	if (close(to) < 0)
		die(x, e->path, "write", errno);
}

/* A further name of what was made already? */
static bool make_link(struct doing *x, const struct layers_diff_entry *e, int dir)
{
	const struct statx *st = &e->upper;
	const char *name;
	size_t i;
	int from, r;

	if (st->stx_nlink < 2)
		return false;
	for (i = 0; i < x->nfirst; i++) {
		struct first *f = &x->first[i];

		if (f->ino != st->stx_ino || f->major != st->stx_dev_major || f->minor != st->stx_dev_minor)
			continue;
		from = apply_parent(x->ap, f->path, &name);
		r = from < 0 ? -1 : linkat(from, name, dir, TEMP, 0);
		if (from >= 0)
			close(from);
		return r == 0; /* another file system: a copy of its own */
	}
	x->first = cmd_realloc(x->first, (x->nfirst + 1) * sizeof *x->first);
	x->first[x->nfirst++] = (struct first){st->stx_ino, st->stx_dev_major, st->stx_dev_minor, e->path};
	return false;
}

static void make_object(struct doing *x, const struct layers_diff_entry *e, int dir)
{
	const struct statx *st = &e->upper;
	char target[PATH_MAX];
	struct layers_node node;
	size_t end;
	int r;

	switch (st->stx_mode & S_IFMT) {
	case S_IFREG:
		copy_file(x, e, dir);
		return;
	case S_IFLNK:
		r = layers_walk(x->ap->dir.l, e->path, &end, &node, target);
		if (r)
			die(x, e->path, "read", r < 0 ? -r : ELOOP);
		close(node.fd);
		r = symlinkat(target, dir, TEMP);
		break;
	default:
		r = mknodat(dir, TEMP, st->stx_mode & (S_IFMT | 0600),
			    makedev(st->stx_rdev_major, st->stx_rdev_minor));
		break;
	}
	if (r < 0)
		die(x, e->path, "create", errno);
}

static void apply_directory(struct doing *x, const struct layers_diff_entry *e, int dir, const char *name)
{
	struct stat now;

	if (!e->path[0])
		name = ".";
	if (fstatat(dir, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(now.st_mode) && unlinkat(dir, name, 0) < 0)
		die(x, e->path, "replace", errno);
	if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		die(x, e->path, "create", errno);
	put_attributes(x, e, dir, name);
}

static void apply_one(struct doing *x, const struct layers_diff_entry *e)
{
	struct stat now;
	const char *name;
	int dir = apply_parent(x->ap, e->path, &name), r;

	if (dir < 0)
		die(x, e->path, "open its directory", -dir);
	if (e->change == LAYERS_DELETED) {
		r = remove_tree(dir, name);
		if (r < 0)
			die(x, e->path, "remove", -r);
	} else if (S_ISDIR(e->upper.stx_mode)) {
		apply_directory(x, e, dir, name);
	} else {
		remove_tree(dir, TEMP);
		if (!make_link(x, e, dir)) {
			make_object(x, e, dir);
			put_attributes(x, e, dir, TEMP);
		}
		if (fstatat(dir, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(now.st_mode)) {
			r = remove_tree(dir, name);
			if (r < 0)
				die(x, e->path, "replace", -r);
		}
		if (renameat(dir, TEMP, dir, name) < 0)
			die(x, e->path, "rename", errno);
		layers_set_origin(x->ap->dir.l, e->path);
		unlinkat(dir, TEMP, 0); /* two names of one file: rename(2) does nothing */
	}
	close(dir);
}

/* Making something in a directory changes its time: put back what the view has, the innermost first. */
static void put_directory_times(struct doing *x)
{
	size_t i = x->ap->changes.count;

	while (i--) {
		const struct change *ch = &x->ap->changes.change[i];
		const struct statx *st = &ch->e.upper;
		struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {st->stx_mtime.tv_sec, st->stx_mtime.tv_nsec}};
		const char *name;
		int dir;

		if (ch->skip || ch->e.change == LAYERS_DELETED || !S_ISDIR(st->stx_mode))
			continue;
		dir = apply_parent(x->ap, ch->e.path, &name);
		if (dir < 0)
			continue;
		utimensat(dir, name[0] ? name : ".", times, AT_SYMLINK_NOFOLLOW);
		close(dir);
	}
}

void apply_list(struct apply *ap)
{
	size_t i;

	for (i = 0; i < ap->changes.count; i++) {
		const struct layers_diff_entry *e = &ap->changes.change[i].e;

		if (ap->changes.change[i].skip)
			continue;
		printf("%c ", e->change);
		layerdir_print(&ap->dir, e->path);
		putchar('\n');
	}
}

void apply_all(struct apply *ap)
{
	struct doing x = {.ap = ap};
	size_t i;

	if (ap->verbose)
		apply_list(ap);
	for (i = 0; i < ap->changes.count; i++) {
		if (!ap->changes.change[i].skip)
			apply_one(&x, &ap->changes.change[i].e);
	}
	put_directory_times(&x);
	free(x.first);
	close(ap->root);
}
