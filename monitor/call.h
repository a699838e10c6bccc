/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trapped system call on its way through the monitor, and what an operation may do with it.
 */
#ifndef MONITOR_CALL_H
#define MONITOR_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "syscall/table.h"

struct um_view;
struct um_park;
struct um_state;

struct um_call {
	struct um_view *view;
	uint64_t cookie;                /* the tracer's name for the call (notification id) */
	void *listener;                 /* the tracer's name for where it came from */
	pid_t tid;                      /* the calling thread, in the monitor's pid namespace */
	int nr;
	uint64_t args[6];
	uint64_t ip;                    /* address after the system call instruction */
	const struct um_syscall *row;   /* never NULL */
	const struct um_state *state;   /* the caller's record; never NULL in an operation */
	bool on_worker;                 /* running on a worker: may block, with um_wait_begin() before it */
	struct um_park *park;           /* it has waited so long that its thread sleeps elsewhere (tracer/park.c) */
	const char *route;              /* for --trace: who served it ("kernel", "viewfs", "ids"...); static string */
};

/* --- memory of the process (memory.c) ------------------------------------------------------------------------- */

/* All or nothing.  0, -EFAULT, or -EPERM when the process cannot be read (undumpable). */
int um_read(const struct um_call *call, uint64_t addr, void *buf, size_t len);
int um_write(const struct um_call *call, uint64_t addr, const void *buf, size_t len);
/* A NUL-terminated string of less than @size bytes.  Its length, -EFAULT, or -ENAMETOOLONG. */
ssize_t um_read_string(const struct um_call *call, uint64_t addr, char *buf, size_t size);
/* Path arguments: as um_read_string with PATH_MAX bytes; -ENOENT is not given for "". */
ssize_t um_read_path(const struct um_call *call, uint64_t addr, char *buf);

/* --- the process (process.c) ---------------------------------------------------------------------------------- */

/* A duplicate of the caller's descriptor (pidfd_getfd), close-on-exec, owned by the caller; or -EBADF, -EPERM. */
int um_get_fd(const struct um_call *call, int fd);
/* Host path of the caller's descriptor, or of its working directory if @fd is AT_FDCWD, as the kernel names it.
 * @buf: PATH_MAX bytes.  Length, -EBADF, -ENOENT if it was removed (the name ends in " (deleted)"). */
ssize_t um_fd_host_path(const struct um_call *call, int fd, char *buf);
/* Is a number left for one more descriptor of the caller's?  True where it cannot be found out. */
bool um_fd_is_free(const struct um_call *call);
/* Thread group id of the caller. */
pid_t um_tgid(const struct um_call *call);
/* Is it a thread of the monitor, the guardian or the front? */
bool um_is_monitors(const struct um_call *call, pid_t pid);
/* Is the call still waiting (its thread not killed)?  Checked before side effects. */
bool um_alive(const struct um_call *call);

/* --- waiting (tracer/park.c), on a worker only ---------------------------------------------------------------------- */

/*
 * Before a system call of the monitor that may block for long: lets go of the view's lock.  From now on the caller can be
 * interrupted by signals; then the monitor's system call fails with EINTR.
 */
void um_wait_begin(struct um_call *call);
/* After it: takes the lock.  True: the caller has been interrupted or is dead, so unless there is a result (a number), the
 * operation undoes what it did and returns UM_RESTART, or -EINTR where Linux does not restart. */
bool um_wait_end(struct um_call *call);
/* The same of a worker that does not hold the lock. */
void um_park_begin(struct um_call *call);
bool um_park_end(struct um_call *call);
/* Before anything that cannot be undone and whose result is more than a number: have the caller wait in its call again, if it
 * does not.  0; -EINTR: it has been interrupted, as above.  @insist: the result is there, and the call is answered at once:
 * -EINTR only if the caller is dead.  Lets go of the lock for a while. */
int um_recall(struct um_call *call, bool insist);

/* Take the view's lock again in the middle of a call.  The caller's record may be another by now, and the old one freed. */
void um_relock(struct um_call *call);

/* --- answers (through the tracer) ----------------------------------------------------------------------------- */

/* Place @fd in the caller and return its number there as the result.  @flags: O_CLOEXEC or 0.  Closes @fd.  UM_REPLIED
 * or a negative errno (-EMFILE...). */
int64_t um_answer_fd(struct um_call *call, int fd, int flags);
/* Give the caller another state.  0 or a negative errno. */
int um_set_state(struct um_call *call, const struct um_state *changed);

#endif
