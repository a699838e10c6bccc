/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Staging: the copy of a large file is made before the change that needs it, with no lock held.
 *
 * Theory of operation.  A copy-up that finds a large file, in a stack that was opened with `defer', does not copy: it
 * notes what it wants and returns -LAYERS_STAGE.  The caller lets go of its locks, calls layers_stage_run() in the
 * same thread, and repeats the change.  The copy is a file without a name (O_TMPFILE) meanwhile, so a kill at any
 * moment leaves nothing; the copy-up gives it one, if the lower file is still the same.  Where that is not possible
 * (no O_TMPFILE, the file changes all the time) the second attempt copies under the locks, as always.
 */
#include "layers_internal.h"

struct stage {
	enum { STAGE_NONE, STAGE_WANTED, STAGE_DONE, STAGE_FAILED } what;
	int from, dir, copy; /* the lower file, work/, the file without a name */
	int error;	     /* of the copy: its maker is told, not asked again */
	struct statx low;
};

static __thread struct stage stage = {.from = -1, .dir = -1, .copy = -1};

static void clear(void)
{
	close_fd(&stage.from);
	close_fd(&stage.dir);
	close_fd(&stage.copy);
	stage = (struct stage){.from = -1, .dir = -1, .copy = -1};
}

static bool is_inode(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor;
}

static bool is_same(const struct statx *a, const struct statx *b)
{
	return is_inode(a, b) && a->stx_size == b->stx_size &&
	       a->stx_mtime.tv_sec == b->stx_mtime.tv_sec && a->stx_mtime.tv_nsec == b->stx_mtime.tv_nsec &&
	       a->stx_ctime.tv_sec == b->stx_ctime.tv_sec && a->stx_ctime.tv_nsec == b->stx_ctime.tv_nsec;
}

/**
 * stage_data() - the contents of a lower file that is being copied up
 * @from:	it, open for reading
 * @tmp:	name in work/ that the copy gets
 *
 * Return: 0: the copy is there; 1: the caller is to copy it; -LAYERS_STAGE: what the caller's caller has to do first;
 * or what went wrong with the copy.
 */
int stage_data(struct layers *l, const struct statx *low, int from, const char *tmp)
{
	char name[40];
	int r;

	if (!l->defer || low->stx_size < STAGE_MIN)
		return 1;
	if (stage.what == STAGE_FAILED && is_inode(&stage.low, low)) {
		r = stage.error;
		clear();
		return r;
	}
	if (stage.what == STAGE_DONE && is_same(&stage.low, low)) {
		snprintf(name, sizeof name, "/proc/self/fd/%d", stage.copy);
		r = linkat(AT_FDCWD, name, l->work, tmp, AT_SYMLINK_FOLLOW) < 0 ? 1 : 0;
		clear();
		return r;
	}
	if (stage.what == STAGE_DONE && is_inode(&stage.low, low)) {
		clear(); /* it has changed since */
		return 1;
	}
	clear();
	stage.from = fcntl(from, F_DUPFD_CLOEXEC, 0);
	stage.dir = fcntl(l->work, F_DUPFD_CLOEXEC, 0);
	stage.low = *low;
	if (stage.from < 0 || stage.dir < 0) {
		clear();
		return 1;
	}
	stage.what = STAGE_WANTED;
	return -LAYERS_STAGE;
}

int layers_stage_run(bool run)
{
	int r;

	if (!run) {
		clear();
		return 0;
	}
	if (stage.what != STAGE_WANTED)
		return 0;
	stage.copy = openat(stage.dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (stage.copy < 0) {
		stage.what = STAGE_FAILED;
		stage.error = 1; /* under the locks, then */
		return 0;
	}
	r = copy_data(stage.from, stage.copy, stage.low.stx_size);
	stage.what = r == 0 ? STAGE_DONE : STAGE_FAILED;
	stage.error = r;
	return 0;
}
