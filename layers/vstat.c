/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual attributes: who owns an upper object, its mode, and what it is, as the view is to see it.
 *
 * A record is the text "UID:GID:MODE:TYPE" of containers/storage (decimal, octal with a leading 0, TYPE as in
 * layers.h; older writers leave TYPE out).  Regular files and directories carry it in an xattr.  What cannot carry
 * user xattrs has a symbolic link .umview/vstat/INO whose target is the text, for that is made, atomically, with one
 * call and read with one; since inode numbers are used again, "@SEC.NSEC", the time of birth, is added to the text
 * where the file system knows it, and must agree.
 *
 * An object whose real attributes are right already has no record.
 */
#include <sys/sysmacros.h>

#include "layers_internal.h"

/* The mode that an object gets really: no set-id bits, never writable for others, always open to us. */
mode_t raw_mode(const struct layers *l, mode_t mode)
{
	if (!l->vstat)
		return mode & 07777;
	return (mode & 0755) | (S_ISDIR(mode) ? 0700 : 0600);
}

bool vstat_in_xattr(const struct layers *l, unsigned mode)
{
	return !l->no_xattr && (S_ISREG(mode) || S_ISDIR(mode));
}

void vattr_of_statx(const struct statx *st, struct vattr *a)
{
	a->uid = st->stx_uid;
	a->gid = st->stx_gid;
	a->mode = st->stx_mode;
	a->rdev = makedev(st->stx_rdev_major, st->stx_rdev_minor);
}

void vattr_patch(const struct vattr *a, struct statx *st)
{
	st->stx_uid = a->uid;
	st->stx_gid = a->gid;
	st->stx_mode = a->mode;
	st->stx_rdev_major = major(a->rdev);
	st->stx_rdev_minor = minor(a->rdev);
}

void vattr_text(const struct vattr *a, char buf[64])
{
	int n = snprintf(buf, 64, "%u:%u:0%o:", a->uid, a->gid, a->mode & 07777u);
	char *end = buf + n;
	size_t left = 64 - n;

	switch (a->mode & S_IFMT) {
	case S_IFDIR:
		snprintf(end, left, "dir");
		break;
	case S_IFLNK:
		snprintf(end, left, "symlink");
		break;
	case S_IFIFO:
		snprintf(end, left, "pipe");
		break;
	case S_IFSOCK:
		snprintf(end, left, "socket");
		break;
	case S_IFBLK:
		snprintf(end, left, "block-%u-%u", major(a->rdev), minor(a->rdev));
		break;
	case S_IFCHR:
		snprintf(end, left, "char-%u-%u", major(a->rdev), minor(a->rdev));
		break;
	default:
		snprintf(end, left, "file");
		break;
	}
}

/* The type of a record: only a regular file may stand for something else than what it is. */
static void parse_type(const char *text, const struct statx *raw, struct vattr *a)
{
	unsigned maj, min;

	if (!S_ISREG(raw->stx_mode))
		return;
	if (sscanf(text, "block-%u-%u", &maj, &min) == 2)
		a->mode = (a->mode & 07777) | S_IFBLK;
	else if (sscanf(text, "char-%u-%u", &maj, &min) == 2)
		a->mode = (a->mode & 07777) | S_IFCHR;
	else
		return;
	a->rdev = makedev(maj, min);
}

/* @a holds the raw attributes before and the recorded ones after; false: not a record, @a unchanged. */
static bool parse_record(const char *text, const struct statx *raw, struct vattr *a)
{
	unsigned uid, gid, mode;
	int n = 0;

	if (sscanf(text, "%u:%u:%o%n", &uid, &gid, &mode, &n) != 3)
		return false;
	a->uid = uid;
	a->gid = gid;
	a->mode = (a->mode & S_IFMT) | (mode & 07777);
	if (text[n] == ':')
		parse_type(text + n + 1, raw, a);
	return true;
}

static void birth_text(const struct statx *raw, char buf[48])
{
	buf[0] = '\0';
	if (raw->stx_mask & STATX_BTIME)
		snprintf(buf, 48, "@%lld.%09u", (long long)raw->stx_btime.tv_sec, raw->stx_btime.tv_nsec);
}

/* Read .umview/vstat/INO, if it is of this very object: 1, or 0 if there is none. */
int vstat_file_read(struct layers *l, const struct statx *raw, char *buf, size_t size)
{
	char name[32], birth[48], *at;
	ssize_t n;

	snprintf(name, sizeof name, "%llu", (unsigned long long)raw->stx_ino);
	n = readlinkat(l->vstatdir, name, buf, size - 1);
	if (n < 0)
		return 0;
	buf[n] = '\0';
	at = strchr(buf, '@');
	if (at) {
		birth_text(raw, birth);
		if (strcmp(at, birth) != 0)
			return 0;
		*at = '\0';
	}
	return 1;
}

static int vstat_file_write(struct layers *l, const struct statx *raw, const char *text)
{
	char name[32], tmp[32], full[128], birth[48];

	birth_text(raw, birth);
	snprintf(full, sizeof full, "%.64s%s", text, birth);
	snprintf(name, sizeof name, "%llu", (unsigned long long)raw->stx_ino);
	if (symlinkat(full, l->vstatdir, name) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	tmp_name(l, tmp);
	if (symlinkat(full, l->work, tmp) < 0 || renameat(l->work, tmp, l->vstatdir, name) < 0)
		return -errno;
	return 0;
}

/* The object is gone: its file of attributes too. */
void vattr_forget(struct layers *l, const struct statx *raw)
{
	char name[40];

	if (vstat_in_xattr(l, raw->stx_mode))
		return;
	snprintf(name, sizeof name, "%llu", (unsigned long long)raw->stx_ino);
	unlinkat(l->vstatdir, name, 0);
	strcat(name, ".x");
	remove_tree(l->vstatdir, name);
}

/* The record's text, if there is one: 1, 0 or an error. */
static int record_read(struct layers *l, const struct obj *o, const struct statx *raw, char *buf, size_t size)
{
	ssize_t n;

	if (store_record(l, o, raw, buf, size) > 0)
		return 1;
	if (!vstat_in_xattr(l, raw->stx_mode))
		return vstat_file_read(l, raw, buf, size);
	n = obj_getxattr(o, XATTR_VSTAT, buf, size - 1);
	if (n == -ENODATA || n == -EOPNOTSUPP || n == -EACCES || n == -ERANGE)
		return 0;
	if (n < 0)
		return n;
	buf[n] = '\0';
	return 1;
}

/* The root of a stack always has a record: the upper directory itself is where the user happened to make one. */
static bool is_root(const struct layers *l, const struct obj *o)
{
	return o->fd < 0 && o->dirfd == l->layer[0].fd && !o->path[0];
}

/**
 * vattr_get() - attributes of an upper object as shown
 * @raw:	what statx(2) says of it
 * @recorded:	set to whether there is a record; may be NULL
 */
int vattr_get(struct layers *l, const struct obj *o, const struct statx *raw, struct vattr *a, bool *recorded)
{
	char text[128];
	int r = 0;

	vattr_of_statx(raw, a);
	if (l->vstat || is_root(l, o))
		r = record_read(l, o, raw, text, sizeof text);
	if (r > 0 && !parse_record(text, raw, a))
		r = 0;
	if (recorded)
		*recorded = r > 0;
	return r < 0 ? r : 0;
}

static int record_write(struct layers *l, const struct obj *o, const struct statx *raw, const char *text)
{
	char old[128];

	if (store_record(l, o, raw, old, sizeof old) > 0)
		return store_put(l, o, raw, text);
	if (!vstat_in_xattr(l, raw->stx_mode))
		return vstat_file_write(l, raw, text);
	return obj_setxattr(o, XATTR_VSTAT, text, strlen(text), 0);
}

int vattr_put_text(struct layers *l, const struct obj *o, const char *text)
{
	struct statx raw = {.stx_mode = S_IFREG};
	int r = 0;

	/* The usual case, a new regular file by its descriptor, needs no statx. */
	if (o->fd < 0 || l->no_xattr)
		r = obj_statx(o, &raw);
	return r < 0 ? r : record_write(l, o, &raw, text);
}

/* Will the real attributes of what we create with raw_mode() be the ones to show? */
bool vattr_shown_raw(struct layers *l, const struct vattr *a)
{
	if (!l->vstat)
		return true;
	if (a->uid != l->uid || a->gid != l->gid || S_ISCHR(a->mode) || S_ISBLK(a->mode))
		return false;
	return S_ISLNK(a->mode) || (a->mode & 07777) == raw_mode(l, a->mode);
}

/**
 * vattr_put() - make an upper object show these attributes
 * @raw:	its real ones now
 * @recorded:	whether it has a record
 *
 * The record is written first: it alone decides what is shown.
 */
int vattr_put(struct layers *l, const struct obj *o, const struct statx *raw, bool recorded, const struct vattr *a)
{
	mode_t want = raw_mode(l, (raw->stx_mode & S_IFMT) | (a->mode & 07777));
	bool link = S_ISLNK(raw->stx_mode);
	char text[64];
	int r = 0;

	if (recorded || a->uid != raw->stx_uid || a->gid != raw->stx_gid ||
	    (a->mode & S_IFMT) != (raw->stx_mode & S_IFMT) || (!link && (a->mode & 07777) != want)) {
		vattr_text(a, text);
		r = record_write(l, o, raw, text);
	}
	if (r == 0 && !link && (raw->stx_mode & 07777) != want)
		r = obj_chmod(o, want);
	return r;
}

/* DT_* as shown of an upper object; kept in the index.  @path is that object's. */
uint8_t upper_vtype(struct layers *l, const char *path, struct ient *e)
{
	struct obj o = upper_obj(l, path);
	struct statx raw;
	struct vattr a;

	if (e->vtype)
		return e->vtype;
	if (obj_statx(&o, &raw) < 0 || vattr_get(l, &o, &raw, &a, NULL) < 0)
		return e->dtype;
	e->vtype = IFTODT(a.mode);
	return e->vtype;
}
