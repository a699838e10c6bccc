// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What execve(2) does to ids and capabilities (capabilities(7), "Transformation of capabilities during execve").
 */
#include "ids.h"

#include <endian.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>

/* An xattr security.capability, read (linux/capability.h, struct vfs_ns_cap_data: little-endian on disk). */
struct file_caps {
	bool present; /* of revision 1 and later: it counts as a file with capabilities */
	bool effective;
	uint64_t permitted, inheritable;
};

/* False if it is no attribute that Linux would accept. */
static bool read_file_caps(struct file_caps *caps, const void *data, size_t size)
{
	uint32_t word[6] = { 0 }, revision;
	size_t words;

	memset(caps, 0, sizeof(*caps));
	if (data == NULL || size < XATTR_CAPS_SZ_1 || size > sizeof(word))
		return false;
	memcpy(word, data, size);
	for (size_t i = 0; i < 6; i++)
		word[i] = le32toh(word[i]);
	revision = word[0] & VFS_CAP_REVISION_MASK;
	if (revision == VFS_CAP_REVISION_1 && size == XATTR_CAPS_SZ_1)
		words = VFS_CAP_U32_1;
	else if (revision == VFS_CAP_REVISION_2 && size == XATTR_CAPS_SZ_2)
		words = VFS_CAP_U32_2;
	else if (revision == VFS_CAP_REVISION_3 && size == XATTR_CAPS_SZ_3 && word[5] == 0)
		words = VFS_CAP_U32_3; /* word 5 is the root of the user namespace that it is for; ours is 0 */
	else
		return false;
	caps->present = true;
	caps->effective = word[0] & VFS_CAP_FLAGS_EFFECTIVE;
	caps->permitted = word[1];
	caps->inheritable = word[2];
	if (words == 2) {
		caps->permitted |= (uint64_t)word[3] << 32;
		caps->inheritable |= (uint64_t)word[4] << 32;
	}
	caps->permitted &= IDS_CAPS_ALL;
	caps->inheritable &= IDS_CAPS_ALL;
	return true;
}

void ids_exec(const struct um_ids *in, struct um_ids *out, bool setuid, uid_t uid, bool setgid, gid_t gid,
	      const void *vfs_cap, size_t vfs_cap_size)
{
	struct file_caps caps;
	bool effective, changed;
	uint64_t permitted = 0;

	*out = *in;
	if (setuid)
		out->euid = uid;
	if (setgid)
		out->egid = gid;
	changed = out->euid != in->euid || !ids_in_group(in, out->egid);

	if (read_file_caps(&caps, vfs_cap, vfs_cap_size))
		permitted = (in->cap_bounding & caps.permitted) | (in->cap_inheritable & caps.inheritable);
	effective = caps.effective;

	/* Root's rule; a set-uid root file that has capabilities gives these only, unless root itself runs it. */
	if (!(in->securebits & SECBIT_NOROOT) && !(caps.present && out->euid == 0 && out->ruid != 0)) {
		if (out->euid == 0 || out->ruid == 0)
			permitted = in->cap_bounding | in->cap_inheritable;
		if (out->euid == 0)
			effective = true;
	}
	out->suid = out->fsuid = out->euid;
	out->sgid = out->fsgid = out->egid;
	if (caps.present || changed)
		out->cap_ambient = 0;
	out->cap_permitted = permitted | out->cap_ambient;
	out->cap_effective = effective ? out->cap_permitted : out->cap_ambient;
	out->securebits &= ~SECBIT_KEEP_CAPS;
}

void ids_root(struct um_ids *ids)
{
	memset(ids, 0, sizeof(*ids));
	ids->cap_permitted = IDS_CAPS_ALL;
	ids->cap_effective = IDS_CAPS_ALL;
	ids->cap_bounding = IDS_CAPS_ALL;
}
