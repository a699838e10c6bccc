// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * By which of its places a body was opened.
 *
 * A bind shows a body in a second place, and the descriptor that a process gets does not say by which one it was opened:
 * for what is looked for below it, for "..", and for a bind that is read-only.  So the last few that were opened by
 * another place than the usual one are remembered, by process and body.  What a process has not opened itself it has from
 * its parents, most of the time: theirs counts then.  Where nothing is known the usual place is meant: the body is the same.
 */
#include "places.h"
#include "procinfo.h"

#include <stdio.h>
#include <sys/stat.h>

#define SLOTS 1024

static struct place {
	pid_t tgid;
	dev_t dev;
	ino_t ino;
	uint64_t place;         /* as um_state.cwd, or USUAL; 0: the slot is free */
} places[SLOTS];                /* guarded by the view's lock */

#define USUAL (STATE_CWD_HOST - 1)

static bool any;
static bool noted[SLOTS];       /* by inode number: something was noted of such a body */

bool places_any(void)
{
	return any;
}

static struct place *slot_of(pid_t tgid, const struct stat *st)
{
	return &places[((uint64_t)tgid * 31 + st->st_ino) % SLOTS];
}

static bool is_of(const struct place *p, pid_t tgid, const struct stat *st)
{
	return p->place != 0 && p->tgid == tgid && p->dev == st->st_dev && p->ino == st->st_ino;
}

static bool is_noted(const struct stat *st)
{
	return noted[st->st_ino % SLOTS];
}

void places_note(struct um_call *call, const struct um_path *path, int body)
{
	bool bind = path->mount->origin != NULL || path->mount->native != NULL;
	struct place *p;
	struct stat st;
	pid_t tgid;

	if ((!bind && !any) || body < 0 || fstat(body, &st) < 0)
		return;
	tgid = um_tgid(call);
	p = slot_of(tgid, &st);
	if (bind) {
		*p = (struct place){ tgid, st.st_dev, st.st_ino, view_cwd_of(call->view, call->state, path, body) };
		if (p->place != 0)
			any = noted[st.st_ino % SLOTS] = true;
	} else if (is_noted(&st)) {
		*p = (struct place){ tgid, st.st_dev, st.st_ino, USUAL };
	}
}

/* The nearest of the process and its parents, in the view, of which something is known. */
static uint64_t inherited(const struct um_call *call, pid_t tgid, const struct stat *st)
{
	for (pid_t pid = tgid; pid > 0 && state_of(call->view->states, pid) != NULL; pid = procinfo_parent(pid)) {
		const struct place *p = slot_of(pid, st);

		if (is_of(p, pid, st))
			return p->place;
	}
	return USUAL;
}

uint64_t places_of_fd(const struct um_call *call, pid_t tid, int fd)
{
	struct place *p;
	char name[64];
	struct stat st;
	pid_t tgid;

	if (!any)
		return 0;
	snprintf(name, sizeof(name), "/proc/%d/fd/%d", tid, fd);
	if (stat(name, &st) < 0 || !is_noted(&st))
		return 0;
	tgid = tid == call->tid ? um_tgid(call) : procinfo_tgid(tid);
	p = slot_of(tgid, &st);
	if (!is_of(p, tgid, &st))
		*p = (struct place){ tgid, st.st_dev, st.st_ino, inherited(call, tgid, &st) };
	return p->place == USUAL ? 0 : p->place;
}
