/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of Linux about user and group ids, capabilities and securebits, as pure functions on struct um_ids.
 *
 * Sources: credentials(7), capabilities(7), setresuid(2) and kin, prctl(2).  Where the manual is silent the kernel's
 * behaviour is what counts; the unit tests compare with it.  All return 0 or a positive result, or a negative errno,
 * and change *ids only on success.  (uid_t)-1 and (gid_t)-1 mean "leave it" where the calls say so.
 */
#ifndef MONITOR_IDS_H
#define MONITOR_IDS_H

#include "state.h"

#define IDS_CAP_LAST 40 /* CAP_CHECKPOINT_RESTORE, Linux 5.9 */
#define IDS_CAPS_ALL ((UINT64_C(1) << (IDS_CAP_LAST + 1)) - 1)
#define IDS_NGROUPS_MAX 65536

int ids_setuid(struct um_ids *ids, uid_t uid);
int ids_setgid(struct um_ids *ids, gid_t gid);
int ids_setreuid(struct um_ids *ids, uid_t ruid, uid_t euid);
int ids_setregid(struct um_ids *ids, gid_t rgid, gid_t egid);
int ids_setresuid(struct um_ids *ids, uid_t ruid, uid_t euid, uid_t suid);
int ids_setresgid(struct um_ids *ids, gid_t rgid, gid_t egid, gid_t sgid);
/* The former fsuid, fsgid, whether it was changed or not, as the calls have it. */
uid_t ids_setfsuid(struct um_ids *ids, uid_t uid);
gid_t ids_setfsgid(struct um_ids *ids, gid_t gid);
/* Sorts @groups, which then belong to the caller as before: the record that is interned copies them. */
int ids_setgroups(struct um_ids *ids, gid_t *groups, size_t n);

int ids_capset(struct um_ids *ids, uint64_t effective, uint64_t permitted, uint64_t inheritable);
/* The capability options of prctl(2).  *handled: is it one of them? */
int ids_prctl(struct um_ids *ids, int option, const unsigned long args[4], bool *handled);

/* May a process with @from's ids send a signal to one with @to's?  (kill(2); SIGCONT's exception is the caller's.) */
bool ids_may_signal(const struct um_ids *from, const struct um_ids *to);
/* May it trace it?  (ptrace(2), "Ptrace access mode checking", real credentials) */
bool ids_may_trace(const struct um_ids *from, const struct um_ids *to);
/* Did a change from @old to @ids take away or give something, so that Linux clears the dumpable flag?  (prctl(2)) */
bool ids_clear_dumpable(const struct um_ids *old, const struct um_ids *ids);

#endif
