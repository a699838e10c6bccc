/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POSIX ACLs as they travel in xattrs (linux/posix_acl_xattr.h): a 32-bit version, 2, and entries of tag, permissions
 * (16 bits each) and id (32 bits), little-endian.
 */
#include <endian.h>

#include "layers_internal.h"

enum acl_tag { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

static struct acl_entry *entries(const void *acl, size_t size, size_t *count)
{
	uint32_t version;

	if (size < 4 || (size - 4) % sizeof(struct acl_entry))
		return NULL;
	memcpy(&version, acl, 4);
	if (le32toh(version) != 2)
		return NULL;
	*count = (size - 4) / sizeof(struct acl_entry);
	return (struct acl_entry *)((char *)acl + 4);
}

/* The permission bits that an ACL stands for.  Return: 1: it says more than a mode can, 0: it does not, -EINVAL. */
int acl_to_mode(const void *acl, size_t size, mode_t *mode)
{
	size_t count, i;
	struct acl_entry *e = entries(acl, size, &count);
	bool mask = false, more = false;

	if (!e)
		return -EINVAL;
	*mode = 0;
	for (i = 0; i < count; i++) {
		unsigned perm = le16toh(e[i].perm) & 7;

		switch (le16toh(e[i].tag)) {
		case USER_OBJ:
			*mode |= perm << 6;
			break;
		case GROUP_OBJ:
			if (!mask)
				*mode |= perm << 3;
			break;
		case MASK:
			*mode = (*mode & ~070u) | perm << 3;
			mask = true;
			more = true;
			break;
		case OTHER:
			*mode |= perm;
			break;
		case USER:
		case GROUP:
			more = true;
			break;
		default:
			return -EINVAL;
		}
	}
	return more;
}

/* What chmod(2) does to an access ACL. */
int acl_chmod(void *acl, size_t size, mode_t mode)
{
	size_t count, i;
	struct acl_entry *e = entries(acl, size, &count), *group = NULL, *mask = NULL;

	if (!e)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		switch (le16toh(e[i].tag)) {
		case USER_OBJ:
			e[i].perm = htole16(mode >> 6 & 7);
			break;
		case GROUP_OBJ:
			group = &e[i];
			break;
		case MASK:
			mask = &e[i];
			break;
		case OTHER:
			e[i].perm = htole16(mode & 7);
			break;
		}
	}
	if (mask || group)
		(mask ? mask : group)->perm = htole16(mode >> 3 & 7);
	return 0;
}

/* Inherit a default ACL as the access ACL of what is created with *mode; both lose what the other does not allow. */
int acl_mask_by_mode(void *acl, size_t size, mode_t *mode)
{
	mode_t allowed;
	int r = acl_to_mode(acl, size, &allowed);

	if (r < 0)
		return r;
	*mode = (*mode & ~0777u) | (*mode & allowed);
	acl_chmod(acl, size, *mode);
	return r;
}
