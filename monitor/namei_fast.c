// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fast way of namei.
 *
 * Theory of operation.  It serves most calls: a plain string, nothing of it in any upper directory, no link on the way.
 * The kernel may then be asked with the process's own arguments.  To find that out costs one fstatat(2) where the
 * directory is known to be free of links (dircache.c); and what was found out is remembered, for programs ask again
 * and again: a verdict holds for a path and a state, as long as the mount table, the mount that owns the path, and the
 * directories are what they were.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "dircache.h"
#include "hostfs.h"
#include "namei_internal.h"
#include "ttys.h"

#define VERDICTS 512
#define SHORT 96                /* longer paths are not remembered */

/* A path that is the kernel's. */
struct verdict {
	uint64_t epoch;         /* of the directories; 0: none */
	uint64_t mounts;        /* generation of the mount table */
	uint64_t generation;    /* of the file system that owns the path */
	const struct um_mount *mount;
	uint32_t state, hash;
	uint32_t start;         /* search permission was looked for below so much of the path */
	bool follow;
	char path[SHORT];
};

static struct verdict verdicts[VERDICTS];

static uint64_t generation_of(const struct um_mount *mount)
{
	return mount->type->ops->generation != NULL ? mount->type->ops->generation(mount->fs) : 0;
}

static uint32_t hash_of(const char *s, size_t len, uint32_t h)
{
	uint64_t word;

	for (; len >= sizeof(word); s += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, s, sizeof(word));
		h = (uint32_t)(((word ^ h) * 0x9e3779b97f4a7c15u) >> 32);
	}
	for (; len > 0; len--)
		h = (h ^ (unsigned char)*s++) * 16777619u;
	return h;
}

static bool holds(const struct verdict *v, const struct walk *w, size_t start, size_t len, uint32_t hash)
{
	return v->hash == hash && start >= v->start && v->epoch != 0 && len < SHORT && memcmp(v->path, w->path->view, len + 1) == 0 &&
	       v->state == w->call->state->number && v->follow == !!(w->flags & NAMEI_FOLLOW) &&
	       v->mounts == hashtab_generation(w->call->view->table) && /* so v->mount is there still */
	       v->generation == generation_of(v->mount) && v->epoch == dircache_epoch();
}

/* @epoch is that of before the look. */
static void note(struct verdict *v, const struct walk *w, size_t start, size_t len, uint32_t hash, uint64_t epoch)
{
	const char *slash = strrchr(w->path->view, '/');

	if (len >= SHORT || !dircache_knows(w->path->view, (size_t)(slash - w->path->view)))
		return;
	v->epoch = epoch;
	v->mounts = hashtab_generation(w->call->view->table);
	v->generation = generation_of(w->path->mount);
	v->mount = w->path->mount;
	v->state = w->call->state->number;
	v->hash = hash;
	v->start = (uint32_t)start;
	v->follow = w->flags & NAMEI_FOLLOW;
	memcpy(v->path, w->path->view, len + 1);
}

void namei_forget(void)
{
	for (size_t i = 0; i < VERDICTS; i++)
		verdicts[i].epoch = 0;
	search_forget();
}

/*
 * A file or directory of the host, at @name, that the caller, by the view's ids, may read and the real user may not.
 * Mostly the mode says it without a further system call.
 */
bool closed_to_user(const struct um_state *state, const char *name, mode_t mode)
{
	mode_t need = S_ISDIR(mode) ? 05 : 04;

	if (!state->virtual_ids || !(S_ISREG(mode) || S_ISDIR(mode)) || (mode & need) == need)
		return false;
	return faccessat(AT_FDCWD, name, S_ISDIR(mode) ? R_OK | X_OK : R_OK, AT_EACCESS) < 0 && errno == EACCES;
}

/* Does the string have anything but plain components? */
static bool is_plain(const char *s)
{
	if (*s == '/')
		s++;
	for (;;) {
		size_t n = strcspn(s, "/");

		if (n == 0 || namei_is_dots(s, n))
			return false;
		if (s[n] == '\0')
			return true;
		s += n + 1;
	}
}

/* The path is w->path->view, not remembered: look it up. */
static int look(struct walk *w)
{
	struct um_path *path = w->path;
	struct um_view *view = w->call->view;
	const char *full = path->view;
	struct stat st;
	int err, denied = 0;

	if (strncmp(full, "/proc/", 6) == 0 || (strncmp(full, "/dev/pts/", 9) == 0 && ttys_any()))
		return 0;
	path->mount = view_mount_of(view, w->call->state, full, &path->rel);
	if (path->mount->origin != NULL)
		return 0;
	if (path->mount != view->host &&
	    (UM_OPS(path)->untouched == NULL || !UM_OPS(path)->untouched(UM_FS(path), path->rel)))
		return 0;
	err = hostfs_stat_plain(full, w->flags & NAMEI_FOLLOW, &st);
	if (err == 0 && path->mount != view->host && st.st_nlink > 1 && S_ISREG(st.st_mode))
		return 0; /* another of its names may have been changed */
	if (err == 0 || err == -ENOENT)
		denied = check_search(w);
	if (denied < 0)
		return denied;
	if (err == 0)
		return path->mount != view->host && closed_to_user(w->call->state, full, st.st_mode) ? 0 : NAMEI_NATIVE;
	return err == -ENOENT && !(w->flags & NAMEI_PARENT) ? -ENOENT : 0;
}

int namei_fast(struct walk *w)
{
	const struct um_state *state = w->call->state;
	char *view = w->path->view;
	size_t start = strlen(view), len = start;
	struct verdict *v;
	uint64_t epoch;
	uint32_t hash;
	int ret;

	if (!w->pure || !(w->flags & NAMEI_READ) || (w->flags & (NAMEI_IN_ROOT | NAMEI_BENEATH)) ||
	    (state->virtual_ids && !ids_capable(&state->ids, CAP_DAC_OVERRIDE)))
		return 0;
	if (start + 1 + w->rest_len >= PATH_MAX)
		return 0;
	if (*w->rest != '/')
		view[len++] = '/';
	memcpy(view + len, w->rest, w->rest_len + 1);
	len += w->rest_len;
	hash = hash_of(view, len, state->number * 2 + !!(w->flags & NAMEI_FOLLOW));
	v = &verdicts[hash % VERDICTS];
	if (holds(v, w, start, len, hash))
		return NAMEI_NATIVE;
	epoch = dircache_epoch();
	ret = is_plain(view) ? look(w) : 0;
	if (ret == NAMEI_NATIVE)
		note(v, w, start, len, hash, epoch);
	view[start] = '\0';
	return ret;
}
