// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes of user and group ids, capabilities and securebits (see ids.h).
 */
#include "ids.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdlib.h>
#include <sys/prctl.h>

#define NOBODY ((uid_t)-1)
#define BIT(cap) (UINT64_C(1) << (cap))

/* What follows the file system uid (capabilities(7), "Effect of user ID changes on capabilities"). */
#define CAPS_FS                                                                                                      \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |     \
	 BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MAC_OVERRIDE) | BIT(CAP_MKNOD))

/* Securebits that Linux 6.14 added, which anybody may change: EXEC_RESTRICT_FILE, EXEC_DENY_INTERACTIVE. */
#define SECURE_UNPRIVILEGED 0x500u
#define SECURE_BITS (0x55u | SECURE_UNPRIVILEGED)
#define SECURE_LOCKS (SECURE_BITS << 1)

static bool secure(const struct um_ids *ids, unsigned bit)
{
	return ids->securebits >> bit & 1;
}

/* --- user ids --------------------------------------------------------------------------------------------------- */

static bool any_root(const struct um_ids *ids)
{
	return ids->ruid == 0 || ids->euid == 0 || ids->suid == 0;
}

/* Take over new user ids, and what that does to capabilities. */
static void commit_uids(struct um_ids *ids, uid_t ruid, uid_t euid, uid_t suid, uid_t fsuid)
{
	bool had_root = any_root(ids);
	uid_t old_euid = ids->euid;

	ids->ruid = ruid;
	ids->euid = euid;
	ids->suid = suid;
	ids->fsuid = fsuid;
	if (secure(ids, SECURE_NO_SETUID_FIXUP))
		return;
	if (had_root && !any_root(ids)) {
		if (!secure(ids, SECURE_KEEP_CAPS)) {
			ids->cap_permitted = 0;
			ids->cap_effective = 0;
		}
		ids->cap_ambient = 0;
	}
	if (old_euid == 0 && euid != 0)
		ids->cap_effective = 0;
	if (old_euid != 0 && euid == 0)
		ids->cap_effective = ids->cap_permitted;
}

int ids_setuid(struct um_ids *ids, uid_t uid)
{
	if (uid == NOBODY)
		return -EINVAL;
	if (ids_capable(ids, CAP_SETUID))
		commit_uids(ids, uid, uid, uid, uid);
	else if (uid == ids->ruid || uid == ids->suid)
		commit_uids(ids, ids->ruid, uid, ids->suid, uid);
	else
		return -EPERM;
	return 0;
}

int ids_setreuid(struct um_ids *ids, uid_t ruid, uid_t euid)
{
	bool capable = ids_capable(ids, CAP_SETUID);
	uid_t r = ruid == NOBODY ? ids->ruid : ruid, e = euid == NOBODY ? ids->euid : euid, s = ids->suid;

	if (ruid != NOBODY && ruid != ids->ruid && ruid != ids->euid && !capable)
		return -EPERM;
	if (euid != NOBODY && euid != ids->ruid && euid != ids->euid && euid != ids->suid && !capable)
		return -EPERM;
	if (ruid != NOBODY || (euid != NOBODY && euid != ids->ruid))
		s = e;
	commit_uids(ids, r, e, s, e);
	return 0;
}

static bool among_uids(const struct um_ids *ids, uid_t uid)
{
	return uid == NOBODY || uid == ids->ruid || uid == ids->euid || uid == ids->suid;
}

int ids_setresuid(struct um_ids *ids, uid_t ruid, uid_t euid, uid_t suid)
{
	/* Nothing changes: then the fsuid does not either. */
	if ((ruid == NOBODY || ruid == ids->ruid) && (suid == NOBODY || suid == ids->suid) &&
	    (euid == NOBODY || (euid == ids->euid && euid == ids->fsuid)))
		return 0;
	if (!(among_uids(ids, ruid) && among_uids(ids, euid) && among_uids(ids, suid)) &&
	    !ids_capable(ids, CAP_SETUID))
		return -EPERM;
	if (euid == NOBODY)
		euid = ids->euid;
	commit_uids(ids, ruid == NOBODY ? ids->ruid : ruid, euid, suid == NOBODY ? ids->suid : suid, euid);
	return 0;
}

uid_t ids_setfsuid(struct um_ids *ids, uid_t uid)
{
	uid_t old = ids->fsuid;

	if (uid == NOBODY || uid == old || !(among_uids(ids, uid) || ids_capable(ids, CAP_SETUID)))
		return old;
	ids->fsuid = uid;
	if (secure(ids, SECURE_NO_SETUID_FIXUP))
		return old;
	if (old == 0)
		ids->cap_effective &= ~CAPS_FS;
	else if (uid == 0)
		ids->cap_effective |= CAPS_FS & ids->cap_permitted;
	return old;
}

/* --- group ids -------------------------------------------------------------------------------------------------- */

int ids_setgid(struct um_ids *ids, gid_t gid)
{
	if (gid == NOBODY)
		return -EINVAL;
	if (ids_capable(ids, CAP_SETGID))
		ids->rgid = ids->sgid = gid;
	else if (gid != ids->rgid && gid != ids->sgid)
		return -EPERM;
	ids->egid = ids->fsgid = gid;
	return 0;
}

int ids_setregid(struct um_ids *ids, gid_t rgid, gid_t egid)
{
	bool capable = ids_capable(ids, CAP_SETGID);
	gid_t old = ids->rgid;

	if (rgid != NOBODY && rgid != ids->rgid && rgid != ids->egid && !capable)
		return -EPERM;
	if (egid != NOBODY && egid != ids->rgid && egid != ids->egid && egid != ids->sgid && !capable)
		return -EPERM;
	if (rgid != NOBODY)
		ids->rgid = rgid;
	if (egid != NOBODY)
		ids->egid = egid;
	if (rgid != NOBODY || (egid != NOBODY && egid != old))
		ids->sgid = ids->egid;
	ids->fsgid = ids->egid;
	return 0;
}

static bool among_gids(const struct um_ids *ids, gid_t gid)
{
	return gid == NOBODY || gid == ids->rgid || gid == ids->egid || gid == ids->sgid;
}

int ids_setresgid(struct um_ids *ids, gid_t rgid, gid_t egid, gid_t sgid)
{
	if ((rgid == NOBODY || rgid == ids->rgid) && (sgid == NOBODY || sgid == ids->sgid) &&
	    (egid == NOBODY || (egid == ids->egid && egid == ids->fsgid)))
		return 0;
	if (!(among_gids(ids, rgid) && among_gids(ids, egid) && among_gids(ids, sgid)) &&
	    !ids_capable(ids, CAP_SETGID))
		return -EPERM;
	if (rgid != NOBODY)
		ids->rgid = rgid;
	if (egid != NOBODY)
		ids->egid = egid;
	if (sgid != NOBODY)
		ids->sgid = sgid;
	ids->fsgid = ids->egid;
	return 0;
}

gid_t ids_setfsgid(struct um_ids *ids, gid_t gid)
{
	gid_t old = ids->fsgid;

	if (gid != NOBODY && (among_gids(ids, gid) || gid == old || ids_capable(ids, CAP_SETGID)))
		ids->fsgid = gid;
	return old;
}

static int compare_gids(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return x < y ? -1 : x > y;
}

int ids_setgroups(struct um_ids *ids, gid_t *groups, size_t n)
{
	if (!ids_capable(ids, CAP_SETGID))
		return -EPERM;
	if (n > IDS_NGROUPS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (groups[i] == NOBODY)
			return -EINVAL;
	if (n > 0)
		qsort(groups, n, sizeof(*groups), compare_gids); /* as getgroups(2) shows them */
	ids->groups = n > 0 ? groups : NULL;
	ids->ngroups = n;
	return 0;
}

/* --- capabilities ----------------------------------------------------------------------------------------------- */

int ids_capset(struct um_ids *ids, uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	effective &= IDS_CAPS_ALL;
	permitted &= IDS_CAPS_ALL;
	inheritable &= IDS_CAPS_ALL;
	if (!ids_capable(ids, CAP_SETPCAP) && inheritable & ~(ids->cap_inheritable | ids->cap_permitted))
		return -EPERM;
	if (inheritable & ~(ids->cap_inheritable | ids->cap_bounding))
		return -EPERM;
	if (permitted & ~ids->cap_permitted || effective & ~permitted)
		return -EPERM;
	ids->cap_effective = effective;
	ids->cap_permitted = permitted;
	ids->cap_inheritable = inheritable;
	ids->cap_ambient &= permitted & inheritable;
	return 0;
}

static int set_securebits(struct um_ids *ids, unsigned long bits)
{
	unsigned long changed = bits ^ ids->securebits, locked = ids->securebits & SECURE_LOCKS;

	if (locked >> 1 & changed || locked & ~bits || bits & ~(unsigned long)(SECURE_BITS | SECURE_LOCKS))
		return -EPERM;
	if (!ids_capable(ids, CAP_SETPCAP) && (!changed || changed & ~(unsigned long)(SECURE_UNPRIVILEGED * 3)))
		return -EPERM;
	ids->securebits = bits;
	return 0;
}

static int set_keepcaps(struct um_ids *ids, unsigned long on)
{
	if (on > 1)
		return -EINVAL;
	if (secure(ids, SECURE_KEEP_CAPS_LOCKED))
		return -EPERM;
	ids->securebits = (ids->securebits & ~SECBIT_KEEP_CAPS) | (on ? SECBIT_KEEP_CAPS : 0);
	return 0;
}

static int drop_bounding(struct um_ids *ids, unsigned long cap)
{
	if (!ids_capable(ids, CAP_SETPCAP))
		return -EPERM;
	if (cap > IDS_CAP_LAST)
		return -EINVAL;
	ids->cap_bounding &= ~BIT(cap);
	return 0;
}

static int prctl_ambient(struct um_ids *ids, const unsigned long args[4])
{
	unsigned long cap = args[1];

	if (args[2] | args[3])
		return -EINVAL;
	if (args[0] == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (cap != 0)
			return -EINVAL;
		ids->cap_ambient = 0;
		return 0;
	}
	if (cap > IDS_CAP_LAST)
		return -EINVAL;
	switch (args[0]) {
	case PR_CAP_AMBIENT_IS_SET:
		return ids->cap_ambient >> cap & 1;
	case PR_CAP_AMBIENT_RAISE:
		if (!(ids->cap_permitted & ids->cap_inheritable & BIT(cap)) ||
		    secure(ids, SECURE_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
		ids->cap_ambient |= BIT(cap);
		return 0;
	case PR_CAP_AMBIENT_LOWER:
		ids->cap_ambient &= ~BIT(cap);
		return 0;
	default:
		return -EINVAL;
	}
}

int ids_prctl(struct um_ids *ids, int option, const unsigned long args[4], bool *handled)
{
	*handled = true;
	switch (option) {
	case PR_CAPBSET_READ:
		return args[0] > IDS_CAP_LAST ? -EINVAL : (int)(ids->cap_bounding >> args[0] & 1);
	case PR_CAPBSET_DROP:
		return drop_bounding(ids, args[0]);
	case PR_GET_SECUREBITS:
		return ids->securebits;
	case PR_SET_SECUREBITS:
		return set_securebits(ids, args[0]);
	case PR_GET_KEEPCAPS:
		return secure(ids, SECURE_KEEP_CAPS);
	case PR_SET_KEEPCAPS:
		return set_keepcaps(ids, args[0]);
	case PR_CAP_AMBIENT:
		return prctl_ambient(ids, args);
	default:
		*handled = false;
		return -EINVAL;
	}
}

/* --- one process and another ------------------------------------------------------------------------------------ */

bool ids_may_signal(const struct um_ids *from, const struct um_ids *to)
{
	return from->euid == to->suid || from->euid == to->ruid || from->ruid == to->suid || from->ruid == to->ruid ||
	       ids_capable(from, CAP_KILL);
}

bool ids_may_trace(const struct um_ids *from, const struct um_ids *to)
{
	if (ids_capable(from, CAP_SYS_PTRACE))
		return true;
	return from->ruid == to->ruid && from->ruid == to->euid && from->ruid == to->suid && from->rgid == to->rgid &&
	       from->rgid == to->egid && from->rgid == to->sgid && (to->cap_permitted & ~from->cap_permitted) == 0;
}

bool ids_clear_dumpable(const struct um_ids *old, const struct um_ids *ids)
{
	return old->euid != ids->euid || old->egid != ids->egid || old->fsuid != ids->fsuid ||
	       old->fsgid != ids->fsgid || (ids->cap_permitted & ~old->cap_permitted) != 0;
}
