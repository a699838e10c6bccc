/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Process state: immutable records, interned, carried by the kernel.
 *
 * A record says who a process is in the view's terms.  Equal records are one record with one number.  The number
 * travels in a resource limit that Linux stores, copies at fork and keeps over exec but never looks at: the soft limit
 * of RLIMIT_LOCKS (unused since Linux 2.4.24), else RLIMIT_RSS (unused since 2.4.30), else RLIMIT_RTTIME (real-time
 * processes only).  The carrier is the first whose hard limit is infinite (state_choose_carrier).
 *
 * The limit's value: bits 63..56 magic 0x55, 55..24 the view's tag (random, never 0), 23..0 the record's number.
 */
#ifndef MONITOR_STATE_H
#define MONITOR_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct um_ids {
	uid_t ruid, euid, suid, fsuid;
	gid_t rgid, egid, sgid, fsgid;
	uint64_t cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient; /* bit n: capability n */
	uint32_t securebits;    /* SECBIT_* of linux/securebits.h, SECBIT_KEEP_CAPS included */
	uint32_t ngroups;       /* at most 65536 (NGROUPS_MAX) */
	gid_t *groups;          /* owned by the record */
};

struct um_state {
	uint32_t number;        /* set by state_intern() */
	bool virtual_ids;       /* ids are the view's (after viewsu); false: they are the real user's, calls continue */
	bool no_new_privs;      /* as the process believes it */
	bool sandboxed;         /* it, or an ancestor, has put itself behind a seccomp filter of its own */
	uint8_t dumpable;       /* PR_GET_DUMPABLE as the process believes it: 0, 1 */
	uint16_t umask;
	uint32_t node;          /* the view node it lives in; 0 is the root node */
	uint64_t cwd;           /* epoch + 1 of the mount by which its working directory was reached, where its body has
				 * several places in the view; STATE_CWD_HOST: its own; 0: the one that is usually meant */
	uint64_t before;        /* it serves a mount, and sees only what was mounted before this epoch; 0: all */
	char *root;             /* view path of its root directory: "" for "/", else absolute without trailing '/'; owned */
	struct um_ids ids;
	struct rlimit64 carried; /* what the carrier's limit is said to be */
};

#define STATE_CWD_HOST UINT64_MAX

struct um_states;               /* all records of a view */

/* NULL and errno on failure.  @first is copied and becomes record 1. */
struct um_states *states_new(const struct um_state *first);
void states_free(struct um_states *s);
uint32_t states_tag(const struct um_states *s);
size_t states_count(const struct um_states *s);

/* The record equal to @state (its number is ignored); deep copy if it is new.  NULL: more than 2^24-1 records. */
const struct um_state *state_intern(struct um_states *s, const struct um_state *state);
/* The record with this number, or NULL. */
const struct um_state *state_number(struct um_states *s, uint32_t number);

/* Probe which limit carries the number: a RLIMIT_* value, or -1 if every hard limit is finite. */
int state_choose_carrier(void);
int states_carrier(const struct um_states *s);

/* The record of a process (any thread id), read from the kernel; 0.35 us.  NULL: gone, or not of this view. */
const struct um_state *state_of(struct um_states *s, pid_t tid);
/* Give a process another record.  0 or negative errno. */
int state_set(struct um_states *s, pid_t tid, const struct um_state *state);
/* Does this process carry the tag? */
bool state_tagged(uint32_t tag, int carrier, pid_t pid);
/* That of any view? */
bool state_tagged_any(pid_t pid);

/* Free the records that no process of the view has (mark and sweep, DESIGN: The processes).  The caller stops state
 * changes meanwhile; records in @keep (NULL-terminated) stay.  Returns how many were freed. */
size_t states_sweep(struct um_states *s, const struct um_state *const *keep);

/* A living process whose record @fn accepts: a pidfd, or -ENOENT: there surely is none, as long as nobody else gives
 * such records to processes; or another negative errno. */
typedef bool state_fn(void *arg, const struct um_state *state);
int state_find(struct um_states *s, state_fn *fn, void *arg);
/* Call @fn for the record of each process that is there now, until it returns true. */
void state_each(struct um_states *s, state_fn *fn, void *arg);

/* Kill every process that carries the tag, until none is left or @timeout_ms is over; returns how many are left. */
int state_kill_all(uint32_t tag, int carrier, int timeout_ms);

/*
 * Permission as the kernel would decide it (inode_permission, capabilities(7)): @mask of R_OK, W_OK, X_OK against an
 * inode with this owner, group and mode (S_IFMT included), by the fs ids and effective capabilities
 * (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH).  0 or -EACCES.
 */
int ids_permission(const struct um_ids *ids, uid_t uid, gid_t gid, uint32_t mode, int mask);
bool ids_in_group(const struct um_ids *ids, gid_t gid);
static inline bool ids_capable(const struct um_ids *ids, int cap) { return ids->cap_effective >> cap & 1; }

/* The transformation that execve(2) makes: set-id bits, file capabilities (@vfs_cap: the value of xattr
 * security.capability or NULL), ambient set, securebits (capabilities(7), "Transformation during execve").
 * @out is a shallow copy: its groups pointer is @in's. */
void ids_exec(const struct um_ids *in, struct um_ids *out, bool setuid, uid_t uid, bool setgid, gid_t gid,
	      const void *vfs_cap, size_t vfs_cap_size);

/* All of root's: uid, gid 0, groups {0} not included, full capabilities. */
void ids_root(struct um_ids *ids);

#endif
