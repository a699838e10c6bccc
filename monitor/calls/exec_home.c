// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The quick way of an exec: is everything that it touches at home, that is, the host's own and unmodified?
 *
 * Most execs in a view are of the host's programs.  For these the walk through the view, with its descriptors, costs
 * more than all the rest, and its result is hardly ever another one.  So it is remembered, by path, which symbolic
 * links lead from the path to the file; as long as the view says that none of them and not the file itself is
 * touched (which asks the file systems' indexes in memory), and the path still leads to the same inode (one statx),
 * the kernel's own exec is right.  Anything else goes the long way.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec.h"

#define SLOTS 256
#define LINKS_MAX 8     /* more is not worth it */
#define DEPTH_MAX 6     /* scripts, and the ELF interpreter */

struct home {
	char *path;             /* as given: absolute, plain; owned */
	char *on_way[LINKS_MAX + 1]; /* the links, and last the file's own path; owned */
	unsigned n;
	bool open_dirs;         /* all directories on the way may be searched by everybody */
	uint64_t ino;
	uint32_t major, minor;
};

static struct home *homes[SLOTS]; /* guarded by the view's lock */

static void home_free(struct home *h)
{
	if (!h)
		return;
	for (unsigned i = 0; i < h->n; i++)
		free(h->on_way[i]);
	free(h->path);
	free(h);
}

static unsigned hash(const char *s)
{
	unsigned h = 5381;

	while (*s)
		h = h * 33 ^ (unsigned char)*s++;
	return (h ^ h >> 13) % SLOTS;
}

/* Absolute, and nothing in it but names. */
static bool is_plain(const char *s)
{
	if (*s != '/' || !strncmp(s, "/proc/", 6) || !strncmp(s, "/dev/", 5))
		return false;
	while (*s == '/') {
		size_t n = strcspn(++s, "/");

		if (n == 0 || (s[0] == '.' && (n == 1 || (n == 2 && s[1] == '.'))))
			return false;
		s += n;
	}
	return true;
}

static bool note_on_way(struct home *h, const char *path)
{
	if (h->n > LINKS_MAX)
		return false;
	h->on_way[h->n] = strdup(path);
	return h->on_way[h->n] && ++h->n;
}

/* Replace the link that ends at @slash (the rest of the path, or NULL) by its target.  False: too intricate. */
static bool follow(char *path, size_t end, const char *rest)
{
	char target[PATH_MAX], out[PATH_MAX];
	char *parent_end;
	size_t len;
	ssize_t n;

	path[end] = '\0';
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	parent_end = strrchr(path, '/');
	len = *target == '/' ? 0 : (size_t)(parent_end - path) + 1;
	if (len + (size_t)n + strlen(rest) + 1 >= PATH_MAX)
		return false;
	memcpy(out, path, len);
	strcpy(out + len, target);
	strcat(out, rest);
	strcpy(path, out);
	return is_plain(path);
}

/* Find the links on the way of h->path.  False: not to be remembered. */
static bool home_walk(struct home *h)
{
	char path[PATH_MAX], rest[PATH_MAX];
	struct stat st;
	size_t at = 0;

	strcpy(path, h->path);
	h->open_dirs = true;
	for (;;) {
		size_t end = at + 1 + strcspn(path + at + 1, "/");

		strcpy(rest, path + end);
		path[end] = '\0';
		if (lstat(path, &st) < 0)
			return false;
		if (S_ISLNK(st.st_mode)) {
			if (!note_on_way(h, path) || h->n > LINKS_MAX || !follow(path, end, rest))
				return false;
			at = 0;
			h->open_dirs = true;
			continue;
		}
		if (!*rest)
			break;
		h->open_dirs &= (st.st_mode & S_IXOTH) != 0;
		strcpy(path + end, rest);
		at = end;
	}
	return S_ISREG(st.st_mode) && note_on_way(h, path);
}

static bool is_inode(const struct home *h, const struct statx *st)
{
	return h->ino == st->stx_ino && h->major == st->stx_dev_major && h->minor == st->stx_dev_minor;
}

/* What is remembered of a path that leads to this inode; NULL: nothing. */
static const struct home *home_get(const char *path, const struct statx *st)
{
	struct home **at = &homes[hash(path)], *h = *at;

	if (h && !strcmp(h->path, path) && is_inode(h, st))
		return h;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->path = strdup(path);
	h->ino = st->stx_ino;
	h->major = st->stx_dev_major;
	h->minor = st->stx_dev_minor;
	if (!h->path || !home_walk(h)) {
		home_free(h);
		return NULL;
	}
	home_free(*at);
	*at = h;
	return h;
}

/* Is nothing on the way touched by the view? */
static bool untouched(const struct um_call *call, const struct home *h)
{
	for (unsigned i = 0; i < h->n; i++) {
		const char *rel;
		struct um_mount *mount = view_mount_of(call->view, call->state, h->on_way[i], &rel);

		if (mount != call->view->host &&
		    (mount->origin || !mount->type->ops->untouched || !mount->type->ops->untouched(mount->fs, rel)))
			return false;
	}
	return true;
}

/* May the view's ids execute it?  The kernel asks for the real ones. */
static bool permitted(const struct um_call *call, const struct home *h, const struct statx *st)
{
	const struct um_state *state = call->state;

	if (!state->virtual_ids)
		return true;
	if (!h->open_dirs && !ids_capable(&state->ids, CAP_DAC_OVERRIDE) &&
	    !ids_capable(&state->ids, CAP_DAC_READ_SEARCH))
		return false;
	return ids_permission(&state->ids, st->stx_uid, st->stx_gid, st->stx_mode, X_OK) == 0;
}

/* One file of the chain. Its facts, or NULL: the long way. */
static const struct exec_facts *file_at_home(struct exec *x, const char *path, struct statx *st)
{
	const struct exec_facts *facts;
	const struct home *h;

	if (!is_plain(path) || statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, st) < 0 || !S_ISREG(st->stx_mode))
		return NULL;
	facts = exec_facts_known(st);
	if (!facts || facts->error || !facts->executable)
		return NULL;
	h = home_get(path, st);
	return h && untouched(x->call, h) && permitted(x->call, h, st) ? facts : NULL;
}

bool exec_at_home(struct exec *x)
{
	const char *path = x->given;
	const struct exec_facts *facts;
	struct statx st;

	if (*x->call->state->root || !x->path_len || x->flags || *path != '/')
		return false;
	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		facts = file_at_home(x, path, &st);
		if (!facts)
			return false;
		if (facts->program.kind == PROGRAM_ELF)
			break;
		if (facts->program.kind != PROGRAM_SCRIPT)
			return false;
		path = facts->program.interp;
	}
	if (facts->program.kind != PROGRAM_ELF)
		return false;
	x->file.facts = facts;
	x->file.st = st;
	x->file.path.node.body = UM_BODY_HOST;
	/* On which mount the file is would matter only for these. */
	if (x->call->state->virtual_ids && ((st.stx_mode & (S_ISUID | S_ISGID)) || facts->nfile_caps))
		return false;
	exec_ids(x);
	if (x->change)
		return false;
	return !facts->program.interp || file_at_home(x, facts->program.interp, &st);
}
