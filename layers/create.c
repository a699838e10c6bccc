/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New objects in the upper directory.
 *
 * What comes over a whiteout is made in work/ and renamed; everything else is made in its place, under an intent
 * record if it needs virtual attributes (gen.c).
 */
#include "layers_internal.h"

/* What a new object inherits from its directory. */
struct inherit {
	size_t acl_size; /* 0: no default ACL */
	bool more;	 /* the access ACL says more than the mode */
	char acl[ACL_MAX] __attribute__((aligned(8)));
	char access[ACL_MAX] __attribute__((aligned(8)));
};

struct maker {
	mode_t type;	    /* real type */
	const char *target; /* of a symbolic link */
	dev_t rdev;
	int flags; /* for open */
	int fd;	   /* result for regular files, else -1; the caller closes it */
	struct vattr attr;
	struct inherit inherit;
};

/* Names that would mean something else in an upper directory. */
int name_allowed(const struct layers *l, const char *path)
{
	const char *name = last_name(path);
	size_t end;

	if (l->native)
		return 0;
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	if (!strncmp(name, WH_PREFIX, WH_PREFIX_LEN))
		return -EINVAL;
	return path_hidden(l, path, &end) ? -EACCES : 0;
}

/* Read, once for each directory, what is inherited in it. */
static int parent_attr(struct layers *l, const char *path, struct idir *d)
{
	char parent[PATH_MAX];
	struct statx raw;
	struct vattr a;
	struct obj o;
	int r;

	if (d->attr_known)
		return 0;
	parent_path(path, parent);
	o = upper_obj(l, parent);
	r = obj_statx(&o, &raw);
	if (r == 0)
		r = vattr_get(l, &o, &raw, &a, NULL);
	if (r < 0)
		return r;
	d->sgid = a.mode & S_ISGID;
	d->gid = a.gid;
	d->default_acl = kept_get(l, &o, &raw, ACL_DEFAULT, NULL, 0) > 0;
	d->attr_known = true;
	return 0;
}

static void inherit_acl(struct layers *l, const char *path, struct maker *m)
{
	struct inherit *in = &m->inherit;
	char parent[PATH_MAX];
	struct statx raw;
	struct obj o;
	ssize_t n;
	int r;

	parent_path(path, parent);
	o = upper_obj(l, parent);
	if (obj_statx(&o, &raw) < 0)
		return;
	n = kept_get(l, &o, &raw, ACL_DEFAULT, in->acl, sizeof in->acl);
	if (n <= 0)
		return;
	memcpy(in->access, in->acl, n);
	r = acl_mask_by_mode(in->access, n, &m->attr.mode);
	if (r < 0)
		return;
	in->acl_size = n;
	in->more = r > 0;
}

/* The attributes of what is about to be made at @path, whose parent @d is in the upper directory. */
static int new_attr(struct layers *l, const char *path, struct idir *d, mode_t mode, dev_t rdev,
		    const struct layers_owner *owner, struct maker *m)
{
	struct vattr *a = &m->attr;
	int r;

	m->inherit.acl_size = 0;
	*a = (struct vattr){.uid = l->uid, .gid = l->gid, .mode = mode, .rdev = rdev};
	if (!l->vstat)
		return 0;
	if (owner) {
		a->uid = owner->uid;
		a->gid = owner->gid;
	}
	r = parent_attr(l, path, d);
	if (r < 0)
		return r;
	if (d->sgid) {
		a->gid = d->gid;
		if (S_ISDIR(mode))
			a->mode |= S_ISGID;
	}
	if (d->default_acl && !S_ISLNK(mode)) {
		if (owner)
			a->mode |= owner->denied;
		inherit_acl(l, path, m);
	}
	return 0;
}

static int make_at(struct layers *l, struct maker *m, int dirfd, const char *name)
{
	mode_t raw = raw_mode(l, m->type | (m->attr.mode & 07777));
	struct obj o = OBJ_AT(dirfd, name);
	int r;

	switch (m->type) {
	case S_IFREG:
		m->fd = r = openat(dirfd, name, m->flags | O_CREAT | O_EXCL | O_CLOEXEC, raw);
		break;
	case S_IFDIR:
		r = mkdirat(dirfd, name, raw);
		break;
	case S_IFLNK:
		return symlinkat(m->target, dirfd, name) < 0 ? -errno : 0;
	default:
		r = mknodat(dirfd, name, m->type | raw, m->rdev);
		break;
	}
	if (r < 0)
		return -errno;
	return (raw & l->umask) ? obj_chmod(&o, raw) : 0;
}

static int put_acl(struct layers *l, const struct obj *o, const struct inherit *in, bool dir)
{
	struct statx raw;
	int r = obj_statx(o, &raw);

	if (r == 0 && in->more)
		r = kept_set(l, o, &raw, ACL_ACCESS, in->access, in->acl_size, 0);
	if (r == 0 && dir)
		r = kept_set(l, o, &raw, ACL_DEFAULT, in->acl, in->acl_size, 0);
	return r;
}

/* Everything beside the object itself. */
static int dress(struct layers *l, struct maker *m, int dirfd, const char *name, const char *record, bool opaque)
{
	struct obj o = m->type == S_IFREG ? OBJ_FD(m->fd) : OBJ_AT(dirfd, name);
	int r = 0;

	if (record[0])
		r = vattr_put_text(l, &o, record);
	if (r == 0 && m->inherit.acl_size)
		r = put_acl(l, &o, &m->inherit, m->type == S_IFDIR);
	if (r == 0 && opaque)
		r = opaque_set(l, &o);
	return r;
}

/* Make what @m says at a name where there is nothing in the view; the upper directory's entry there is @over. */
static int make(struct layers *l, const char *path, struct maker *m, const struct ient *over)
{
	int up = l->layer[0].fd, r, over_flags = over ? over->flags : 0;
	bool opaque = m->type == S_IFDIR && over;
	char record[64] = "", tmp[32];

	m->fd = -1;
	if (!vattr_shown_raw(l, &m->attr))
		vattr_text(&m->attr, record);
	if ((over_flags & IE_WHITEOUT) || opaque || (record[0] && l->gen_private)) {
		tmp_name(l, tmp);
		r = make_at(l, m, l->work, tmp);
		if (r == 0)
			r = dress(l, m, l->work, tmp, record, opaque);
		if (r == 0)
			r = publish(l, tmp, path, IFTODT(m->type), IFTODT(m->attr.mode));
		else
			remove_tree(l->work, tmp);
		if (r == 0 && opaque)
			index_opaque(l, path);
	} else {
		if (record[0])
			intent_set(l, path, record);
		r = make_at(l, m, up, path);
		if (r == 0) {
			r = dress(l, m, up, path, record, false);
			if (r < 0)
				unlinkat(up, path, m->type == S_IFDIR ? AT_REMOVEDIR : 0);
		}
		if (record[0])
			intent_clear(l);
		if (r == 0) {
			index_put(l, path, IFTODT(m->type), IFTODT(m->attr.mode), 0);
			if (m->type == S_IFDIR)
				index_alone(l, path);
			if (over_flags & IE_WHFILE)
				whiteout_beside_remove(l, path);
		}
	}
	if (r < 0) {
		close_fd(&m->fd);
		m->fd = -1;
	}
	return r;
}

/* A name that is to be made was looked up: have its directory in the upper one.  0: k->u is where it goes. */
static int create_place(struct layers *l, const char *path, struct look *k)
{
	int r;

	if (k->exists)
		return -EEXIST;
	r = name_allowed(l, path);
	if (r < 0)
		return r;
	if (!l->cow)
		return -EROFS;
	r = copy_up_parent(l, path);
	return r < 0 ? r : upper_find(l, path, &k->u);
}

int create_prepare(struct layers *l, const char *path, struct look *k)
{
	int r = look_up(l, path, k);

	return r < 0 ? r : create_place(l, path, k);
}

static int create(struct layers *l, const char *path, mode_t mode, dev_t rdev, const struct layers_owner *owner,
		  struct maker *m)
{
	cleanup_look struct look k = LOOK_INIT;
	int r;

	if (!l->cow) {
		r = create_prepare(l, path, &k);
		return r < 0 ? r : -EROFS;
	}
	change_begin(l);
	r = create_prepare(l, path, &k);
	if (r == 0)
		r = new_attr(l, path, k.u.dir, mode, rdev, owner, m);
	if (r == 0)
		r = make(l, path, m, k.u.ent);
	change_end(l);
	return r;
}

/* A new regular file, open with @flags; @k found nothing there.  The change lock is held.  Return: descriptor. */
int create_file(struct layers *l, const char *path, struct look *k, int flags, mode_t mode,
		const struct layers_owner *owner)
{
	struct maker m = {.type = S_IFREG, .flags = flags & ~O_TRUNC};
	int r = create_place(l, path, k);

	if (r == 0)
		r = new_attr(l, path, k->u.dir, S_IFREG | (mode & 07777), 0, owner, &m);
	if (r == 0)
		r = make(l, path, &m, k->u.ent);
	return r < 0 ? r : m.fd;
}

int layers_mkdir(struct layers *l, const char *path, mode_t mode, const struct layers_owner *owner)
{
	struct maker m = {.type = S_IFDIR};
	int r = native_mkdir(l, path, mode, owner);

	return r != GO_ON ? r : create(l, path, S_IFDIR | (mode & 01777), 0, owner, &m);
}

int layers_mknod(struct layers *l, const char *path, mode_t mode, dev_t rdev, const struct layers_owner *owner)
{
	struct maker m = {.type = mode & S_IFMT ? mode & S_IFMT : S_IFREG, .rdev = rdev, .flags = O_WRONLY, .fd = -1};
	bool device = m.type == S_IFCHR || m.type == S_IFBLK;
	int r;

	if (m.type == S_IFDIR || m.type == S_IFLNK)
		return m.type == S_IFDIR ? -EPERM : -EINVAL;
	r = native_mknod(l, path, m.type | (mode & 07777), rdev, owner);
	if (r != GO_ON)
		return r;
	mode = m.type | (mode & 07777);
	if (device && l->vstat) {
		if (l->cow)
			devices_mark(l);
		m.type = S_IFREG;
	} else if (m.type == S_IFCHR && rdev == 0) {
		return -EPERM; /* would be a whiteout */
	}
	r = create(l, path, mode, rdev, owner, &m);
	close_fd(&m.fd);
	return r;
}

int layers_symlink(struct layers *l, const char *target, const char *path, const struct layers_owner *owner)
{
	struct maker m = {.type = S_IFLNK, .target = target};
	int r = native_symlink(l, target, path);

	return r != GO_ON ? r : create(l, path, S_IFLNK | 0777, 0, owner, &m);
}

/* One more name for an object of the upper directory, which is @path at @dirfd there. */
static int link_object(struct layers *l, int dirfd, const char *path, int flags, uint8_t dtype, uint8_t vtype,
		       const char *newpath, const struct ient *over)
{
	char tmp[32];

	if (over && (over->flags & IE_WHITEOUT)) {
		tmp_name(l, tmp);
		if (linkat(dirfd, path, l->work, tmp, flags) < 0)
			return -errno;
		return publish(l, tmp, newpath, dtype, vtype);
	}
	if (linkat(dirfd, path, l->layer[0].fd, newpath, flags) < 0)
		return -errno;
	if (over && (over->flags & IE_WHFILE))
		whiteout_beside_remove(l, newpath);
	index_put(l, newpath, dtype, vtype, 0);
	return 0;
}

static int link_upper(struct layers *l, const char *oldpath, const char *newpath, const struct ient *over)
{
	struct upos u;
	int r = upper_find(l, oldpath, &u);

	if (r < 0)
		return r;
	if (!u.ent || !u.last)
		return -ENOENT;
	return link_object(l, l->layer[0].fd, oldpath, 0, u.ent->dtype, upper_vtype(l, oldpath, u.ent), newpath, over);
}

int layers_link_fd(struct layers *l, int fd, const char *newpath)
{
	cleanup_look struct look new = LOOK_INIT;
	char name[40], host[PATH_MAX];
	struct idir *store;
	struct stat st;
	bool hosts; /* of the host, and not of the upper directory */
	int r = fd_host(fd, host);

	if (r == 0 && fstat(fd, &st) < 0)
		r = -errno;
	if (r < 0)
		return r;
	hosts = !host_in_layer(host, &l->layer[0]);
	if (!S_ISREG(st.st_mode) || (hosts && !l->mincow))
		return -EXDEV;
	if (!l->cow)
		return -EROFS;
	if (store_of_fd(l, fd, host, &store) != store_has(l, newpath))
		return -EXDEV;
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	r = native_link_fd(l, name, hosts, newpath);
	/* A body of the host must not get a name where it would be written. */
	if (r != GO_ON || hosts)
		return r == GO_ON ? -EXDEV : r;
	change_begin(l);
	r = create_prepare(l, newpath, &new);
	if (r == 0)
		r = link_object(l, AT_FDCWD, name, AT_SYMLINK_FOLLOW, DT_REG, DT_REG, newpath, new.u.ent);
	change_end(l);
	return r;
}

int layers_link(struct layers *l, const char *oldpath, const char *newpath)
{
	cleanup_look struct look old = LOOK_INIT, new = LOOK_INIT;
	int r = native_link(l, oldpath, newpath);

	if (r != GO_ON)
		return r;
	if (l->cow)
		change_begin(l);
	/* Errors in the order of link(2). */
	r = look_up_existing(l, oldpath, &old);
	if (r == 0)
		r = look_up(l, newpath, &new);
	if (r == 0 && new.exists)
		r = -EEXIST;
	if (r == 0 && old.dtype == DT_DIR)
		r = -EPERM;
	look_put(&new);
	if (r == 0)
		r = create_prepare(l, newpath, &new);
	if (r == 0)
		r = copy_up(l, oldpath, 0);
	if (r == 0)
		r = upper_find(l, newpath, &new.u);
	if (r == 0)
		r = link_upper(l, oldpath, newpath, new.u.ent);
	if (l->cow)
		change_end(l);
	return r;
}
