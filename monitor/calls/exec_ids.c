// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an exec does to the process's state: set-id bits, file capabilities, AT_SECURE, dumpable.
 *
 * Only virtual ids change; the kernel gives none of them, since the filter needs no_new_privs.
 */
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "exec.h"

/* Equal but for the groups, which exec does not touch. */
static bool ids_equal(const struct um_ids *a, const struct um_ids *b)
{
	return a->ruid == b->ruid && a->euid == b->euid && a->suid == b->suid && a->fsuid == b->fsuid &&
	       a->rgid == b->rgid && a->egid == b->egid && a->sgid == b->sgid && a->fsgid == b->fsgid &&
	       a->cap_permitted == b->cap_permitted && a->cap_effective == b->cap_effective &&
	       a->cap_inheritable == b->cap_inheritable && a->cap_bounding == b->cap_bounding &&
	       a->cap_ambient == b->cap_ambient && a->securebits == b->securebits;
}

/* The file's capabilities as the view has them; their size in bytes. */
static size_t file_caps(struct exec_file *f, uint8_t caps[24])
{
	ssize_t n = -1;

	if (f->path.node.body == UM_BODY_HOST) {
		memcpy(caps, f->facts->file_caps, f->facts->nfile_caps);
		return f->facts->nfile_caps;
	}
	n = UM_OPS(&f->path)->getxattr(UM_FS(&f->path), f->path.rel, "security.capability", caps, 24);
	return n > 0 ? (size_t)n : 0;
}

/* AT_SECURE: the program's caller must not be trusted with its environment (cap_bprm_creds_from_file). */
static bool is_secure(const struct um_ids *old, const struct um_ids *new)
{
	return new->euid != old->ruid || new->egid != old->rgid ||
	       (new->ruid != 0 && (new->cap_permitted & ~new->cap_ambient));
}

/* The view's no_new_privs, or a mount that the host's or the view's owner does not trust, take the set-id effect away. */
static bool may_gain(const struct exec *x)
{
	return !x->call->state->no_new_privs && !(x->file.path.mount->flags & MS_NOSUID) &&
	       !(x->file.path.node.body == UM_BODY_HOST && exec_file_on(&x->file, ST_NOSUID));
}

void exec_ids(struct exec *x)
{
	const struct um_state *state = x->call->state;
	const struct statx *st = &x->file.st;
	bool setuid, setgid;
	uint8_t caps[24];
	size_t ncaps;

	x->ids = state->ids;
	x->dumpable = 1;
	if (!state->virtual_ids)
		return;
	setuid = st->stx_mode & S_ISUID;
	setgid = (st->stx_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
	ncaps = file_caps(&x->file, caps);
	if ((setuid || setgid || ncaps) && !may_gain(x)) {
		setuid = setgid = false;
		ncaps = 0;
	}
	ids_exec(&state->ids, &x->ids, setuid, st->stx_uid, setgid, st->stx_gid, ncaps ? caps : NULL, ncaps);
	x->secure = is_secure(&state->ids, &x->ids);
	x->change = x->secure || !ids_equal(&state->ids, &x->ids);
	if (x->ids.euid != state->ids.euid || x->ids.egid != state->ids.egid ||
	    (x->ids.cap_permitted & ~state->ids.cap_permitted))
		x->dumpable = 0;
}
