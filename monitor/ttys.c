// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owners of terminals.
 *
 * A terminal is the host's, of no mount of the view, and belongs to the real user.  But login programs give it to
 * whom they log in (sudo, su --pty, script, sshd), and fail if they cannot.  So the owner that the view's root gives to a
 * pseudo terminal is remembered here, as long as the terminal is the same: its number is given out again after its
 * end, but then with another time of change.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/stat.h>

#include "calls/args.h"
#include "ttys.h"

#define TTYS 64
#define PTS_MAJOR 136 /* Documentation/admin-guide/devices.txt: 136-143 */

struct tty {
	uint32_t dev_major, dev_minor;
	uint64_t ino;
	struct statx_timestamp ctime;
	uid_t uid;
	gid_t gid;
};

static struct tty ttys[TTYS];
static unsigned nttys; /* ever noted */

bool ttys_any(void)
{
	return nttys > 0;
}

static bool is_pts(const struct statx *st)
{
	return S_ISCHR(st->stx_mode) && st->stx_rdev_major >= PTS_MAJOR && st->stx_rdev_major < PTS_MAJOR + 8;
}

static struct tty *find(const struct statx *st)
{
	for (unsigned i = 0; i < TTYS && i < nttys; i++) {
		struct tty *t = &ttys[i];

		if (t->ino == st->stx_ino && t->dev_major == st->stx_dev_major && t->dev_minor == st->stx_dev_minor)
			return t;
	}
	return NULL;
}

static bool is_same(const struct tty *t, const struct statx *st)
{
	return t->ctime.tv_sec == st->stx_ctime.tv_sec && t->ctime.tv_nsec == st->stx_ctime.tv_nsec;
}

void tty_patch(struct statx *st)
{
	const struct tty *t = nttys > 0 && is_pts(st) ? find(st) : NULL;

	if (t != NULL && is_same(t, st)) {
		st->stx_uid = t->uid;
		st->stx_gid = t->gid;
	}
}

static int stat_fd(int fd, struct statx *st)
{
	return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, st) < 0 ? -errno : 0;
}

int64_t tty_chown(struct um_call *call, int fd, uid_t uid, gid_t gid)
{
	struct statx st;
	struct tty *t;

	if (!call->state->virtual_ids || stat_fd(fd, &st) < 0 || !is_pts(&st))
		return UM_CONTINUE;
	tty_patch(&st);
	if (!ids_capable(&call->state->ids, CAP_CHOWN))
		return UM_CONTINUE;
	t = find(&st);
	if (t == NULL)
		t = &ttys[nttys++ % TTYS];
	*t = (struct tty){ st.stx_dev_major, st.stx_dev_minor, st.stx_ino, st.stx_ctime,
			   uid != (uid_t)-1 ? uid : st.stx_uid, gid != (gid_t)-1 ? gid : st.stx_gid };
	call->route = "ids";
	return 0;
}

int64_t tty_chmod(struct um_call *call, int fd, mode_t mode)
{
	struct statx st;
	struct tty *t;
	char name[40];

	if (nttys == 0 || stat_fd(fd, &st) < 0 || !is_pts(&st) || (t = find(&st)) == NULL || !is_same(t, &st))
		return UM_CONTINUE;
	if (call->state->ids.fsuid != t->uid && !ids_capable(&call->state->ids, CAP_FOWNER))
		return -EPERM;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (chmod(name, mode & 07777) < 0)
		return -errno;
	if (stat_fd(fd, &st) == 0)
		t->ctime = st.stx_ctime;
	return 0;
}
