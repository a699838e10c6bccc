/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes as the view sees them.
 *
 * Three sorts of names are not given to the upper object as they are, but kept (kept.c): privileged ones with vstat;
 * those that mean something to us in an upper directory (so that a stack inside a stack works); and user ones
 * where the file system has none.  An access ACL is part of the mode and the other way round, as POSIX.1e has it.
 */
#include <sys/xattr.h>

#include "layers_internal.h"

static bool starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static bool is_reserved(const char *name)
{
	return starts(name, XATTR_OWN) || starts(name, "user.overlay.") || !strcmp(name, XATTR_VSTAT);
}

static bool is_privileged(const char *name)
{
	return starts(name, "security.") || starts(name, "trusted.") || starts(name, "system.posix_acl_");
}

static bool is_kept(const struct layers *l, const char *name)
{
	return is_reserved(name) || (l->vstat && is_privileged(name)) || (l->no_xattr && starts(name, "user."));
}

/* Errors that real objects would give: user xattrs are for regular files and directories only. */
static int check_type(const char *name, const struct statx *raw, bool set)
{
	if (starts(name, "user.") && !S_ISREG(raw->stx_mode) && !S_ISDIR(raw->stx_mode))
		return set ? -EPERM : -ENODATA;
	if (starts(name, "system.posix_acl_") && S_ISLNK(raw->stx_mode))
		return -EOPNOTSUPP;
	if (!strcmp(name, ACL_DEFAULT) && !S_ISDIR(raw->stx_mode))
		return set ? -EACCES : -ENODATA;
	return 0;
}

ssize_t upper_getxattr(struct layers *l, const struct obj *o, const char *name, void *value, size_t size)
{
	struct statx raw;
	int r;

	if (!is_kept(l, name))
		return obj_getxattr(o, name, value, size);
	r = obj_statx(o, &raw);
	if (r == 0)
		r = check_type(name, &raw, false);
	return r < 0 ? r : kept_get(l, o, &raw, name, value, size);
}

/* An ACL that says no more than a mode is no ACL; any ACL sets the mode. */
static int set_access_acl(struct layers *l, const struct obj *o, const struct statx *raw, const void *value,
			  size_t size, int flags)
{
	struct vattr a;
	bool recorded;
	mode_t mode;
	int r, n = acl_to_mode(value, size, &mode);

	if (n < 0)
		return n;
	r = vattr_get(l, o, raw, &a, &recorded);
	if (r < 0)
		return r;
	if (n == 0) {
		r = kept_remove(l, o, raw, ACL_ACCESS);
		r = r == -ENODATA ? 0 : r;
	} else {
		r = kept_set(l, o, raw, ACL_ACCESS, value, size, flags);
	}
	if (r < 0)
		return r;
	a.mode = (a.mode & ~0777u) | mode;
	return vattr_put(l, o, raw, recorded, &a);
}

int upper_setxattr(struct layers *l, const struct obj *o, const char *name, const void *value, size_t size, int flags)
{
	struct statx raw;
	int r;

	if (!is_kept(l, name))
		return obj_setxattr(o, name, value, size, flags);
	r = obj_statx(o, &raw);
	if (r == 0)
		r = check_type(name, &raw, true);
	if (r < 0)
		return r;
	if (!strcmp(name, ACL_ACCESS))
		return set_access_acl(l, o, &raw, value, size, flags);
	if (!strcmp(name, ACL_DEFAULT)) {
		mode_t mode;

		r = acl_to_mode(value, size, &mode);
		if (r < 0)
			return r;
		index_drop(l); /* remembers which directories have one */
	}
	return kept_set(l, o, &raw, name, value, size, flags);
}

int upper_removexattr(struct layers *l, const struct obj *o, const char *name)
{
	struct statx raw;
	int r;

	if (!is_kept(l, name))
		return obj_removexattr(o, name);
	r = obj_statx(o, &raw);
	if (r == 0)
		r = check_type(name, &raw, true);
	if (r < 0)
		return r;
	if (!strcmp(name, ACL_DEFAULT))
		index_drop(l);
	r = kept_remove(l, o, &raw, name);
	return r == -ENODATA && starts(name, "system.posix_acl_") ? 0 : r;
}

/* The name as shown, or NULL. */
static const char *shown_name(const struct layers *l, const char *name)
{
	if (starts(name, XATTR_KEPT))
		return name + sizeof XATTR_KEPT - 1;
	return is_kept(l, name) ? NULL : name;
}

ssize_t upper_listxattr(struct layers *l, const struct obj *o, char *list, size_t size)
{
	char raw_list[XATTR_LIST_MAX], *p;
	struct statx raw;
	ssize_t n, total = 0, more;
	int r = obj_statx(o, &raw);

	if (r < 0)
		return r;
	n = obj_listxattr(o, raw_list, sizeof raw_list);
	if (n == -EOPNOTSUPP)
		n = 0;
	if (n < 0)
		return n;
	for (p = raw_list; p < raw_list + n; p += strlen(p) + 1) {
		const char *name = shown_name(l, p);
		size_t len = name ? strlen(name) + 1 : 0;

		if (size && total + len > size)
			return -ERANGE;
		if (size && name)
			memcpy(list + total, name, len);
		total += len;
	}
	if (size && (size_t)total == size)
		more = kept_list(l, &raw, NULL, 0) > 0 ? -ERANGE : 0;
	else
		more = kept_list(l, &raw, list + total, size ? size - total : 0);
	return more < 0 ? more : total + more;
}

/**
 * xattr_copy_all() - give a copy the xattrs of its lower original
 * @path:	the original's
 *
 * What the upper directory cannot hold (labels of security modules, ACLs without vstat) is left out; a full disk is
 * an error.
 */
int xattr_copy_all(struct layers *l, const struct lnode *low, const char *path, const struct obj *to,
		   const struct statx *raw)
{
	char list[XATTR_LIST_MAX], *p, *value;
	ssize_t n = lower_listxattr(l, low, path, list, sizeof list), size;
	int r = 0;

	if (n <= 0)
		return 0;
	value = malloc(XATTR_SIZE_MAX);
	if (!value)
		return -ENOMEM;
	for (p = list; p < list + n && r == 0; p += strlen(p) + 1) {
		size = lower_getxattr(l, low, path, p, value, XATTR_SIZE_MAX);
		if (size < 0)
			continue;
		/* The mode has it already: an ACL is stored as it is, without going through set_access_acl(). */
		r = is_kept(l, p) ? kept_set(l, to, raw, p, value, size, 0) : obj_setxattr(to, p, value, size, 0);
		if (r != -ENOSPC && r != -EDQUOT && r != -ENOMEM && r != -EIO)
			r = 0;
	}
	free(value);
	return r;
}
