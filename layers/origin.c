/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a copied-up file comes from: the xattr user.umview.origin.
 *
 * It says what the lower file was when it was copied, by which is seen later whether the host has changed it since; at
 * which path it was, for only there that question has a meaning; and its number (st_dev, st_ino), which the copy goes
 * on to show, so that a file stays the same one for programs that compare numbers (git, tar, mail readers).
 */
#include <sys/sysmacros.h>

#include "layers_internal.h"

/* hex SIZE:MTIME.NS:CTIME.NS */
static void state_text(const struct statx *low, char text[ORIGIN_MAX])
{
	snprintf(text, ORIGIN_MAX, "%llx:%llx.%x:%llx.%x", (unsigned long long)low->stx_size,
		 (unsigned long long)low->stx_mtime.tv_sec, low->stx_mtime.tv_nsec,
		 (unsigned long long)low->stx_ctime.tv_sec, low->stx_ctime.tv_nsec);
}

static uint64_t path_hash(const char *path)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	for (; *path; path++)
		h = (h ^ (unsigned char)*path) * 0x100000001b3u;
	return h;
}

/*
 * The mark of an upper object, which came from @path and was @low there: state_text() + ":" + hash of the path + ":" +
 * MAJOR.MINOR.INODE.BIRTH.NS, hex, + ":" + the path.
 */
void origin_put(const struct obj *o, const char *path, const struct statx *low)
{
	char text[ORIGIN_MAX];
	size_t n;

	state_text(low, text);
	n = strlen(text);
	n += (size_t)snprintf(text + n, sizeof text - n, ":%llx:%x.%x.%llx.%llx.%x:",
			      (unsigned long long)path_hash(path), low->stx_dev_major, low->stx_dev_minor,
			      (unsigned long long)low->stx_ino, (unsigned long long)low->stx_btime.tv_sec,
			      low->stx_btime.tv_nsec);
	if (n + strlen(path) < sizeof text)
		strcpy(text + n, path);
	obj_setxattr(o, XATTR_ORIGIN, text, strlen(text), 0);
}

static bool get(const struct obj *o, char text[ORIGIN_MAX])
{
	ssize_t n = obj_getxattr(o, XATTR_ORIGIN, text, ORIGIN_MAX - 1);

	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/**
 * origin_stale() - has the host changed, or removed, the lower file since it was copied to @path?
 * @low:	what is there now, or NULL
 */
bool origin_stale(const struct obj *o, const char *path, const struct statx *low)
{
	char was[ORIGIN_MAX], now[ORIGIN_MAX];
	unsigned long long hash;
	size_t n;

	if (!get(o, was))
		return false;
	if (sscanf(was, "%*[^:]:%*[^:]:%*[^:]:%llx", &hash) == 1 && hash != path_hash(path))
		return false; /* it was moved or linked here */
	if (!low)
		return true;
	state_text(low, now);
	n = strlen(now);
	return strncmp(was, now, n) != 0 || (was[n] && was[n] != ':');
}

/*
 * Is the original still there, at the place where it was copied?  Its number may have been given to another file
 * otherwise, and two different files must not look like one.
 */
static bool original(struct layers *l, const char *text, struct statx *low)
{
	cleanup_lnode struct lnode n = LNODE_INIT;
	unsigned long long ino, sec;
	unsigned major, minor, nsec;
	int at = 0;

	if (sscanf(text, "%*[^:]:%*[^:]:%*[^:]:%*[^:]:%x.%x.%llx.%llx.%x:%n", &major, &minor, &ino, &sec, &nsec,
		   &at) != 5 ||
	    !at || !text[at])
		return false;
	for (unsigned i = 1; i <= l->nlower; i++)
		if (is_below(l, i) ? below_child(l, text + at, strlen(text + at), &n) == 0 && (*low = n.st, true)
				   : beneath_statx(l->layer[i].fd, text + at, low) == 0)
			return low->stx_ino == ino && low->stx_dev_major == major && low->stx_dev_minor == minor &&
			       (unsigned long long)low->stx_btime.tv_sec == sec && low->stx_btime.tv_nsec == nsec;
	return false;
}

/* The inode number of the original, or 0. */
uint64_t origin_ino(struct layers *l, const struct obj *o)
{
	char text[ORIGIN_MAX];
	struct statx low;

	return !l->no_xattr && get(o, text) && original(l, text, &low) ? low.stx_ino : 0;
}

/**
 * origin_number() - show a copied-up file under the number of its original
 * @st:		of the upper object itself; changed
 *
 * That it has no mark is kept for an inode, by its number and time of birth: most files of an upper directory are new.
 */
void origin_number(struct layers *l, const struct obj *o, struct statx *st)
{
	struct origin *c = &l->origin[st->stx_ino % LAYERS_ORIGINS];
	char text[ORIGIN_MAX];
	struct statx low;

	if (!S_ISREG(st->stx_mode) || l->no_xattr ||
	    ((st->stx_mask & STATX_BTIME) && c->upper == st->stx_ino && c->sec == st->stx_btime.tv_sec &&
	     c->nsec == st->stx_btime.tv_nsec))
		return;
	if (!get(o, text)) {
		*c = (struct origin){st->stx_ino, st->stx_btime.tv_sec, st->stx_btime.tv_nsec};
		return;
	}
	if (!original(l, text, &low))
		return;
	/* Names of it that nobody has looked up yet are names of the copy, too. */
	if (low.stx_nlink > 1 && st->stx_nlink < low.stx_nlink)
		st->stx_nlink = low.stx_nlink;
	st->stx_ino = low.stx_ino;
	st->stx_dev_major = low.stx_dev_major;
	st->stx_dev_minor = low.stx_dev_minor;
}
