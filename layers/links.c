/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hard links of lower files, kept through copy-up.
 *
 * When a lower file with several names is copied up, .umview/links/DEV-INO-BIRTH becomes one more hard link of the
 * copy; a later copy-up of another name of the same lower file links to it.  BIRTH (or, without it, the time of
 * change of the contents) keeps an inode number that is used again from being taken for the old file.  The additional
 * link is not shown in st_nlink, and goes with the last visible name.
 *
 * In memory there is only the set of upper inode numbers that have such a link.
 */
#include "layers_internal.h"

struct links {
	uint64_t *ino; /* open addressing; 0: free */
	uint32_t size, count;
};

#define LINKS_DIR "links"

void links_unload(struct layers *l)
{
	if (l->links)
		free(l->links->ino);
	free(l->links);
	l->links = NULL;
}

static int set_add(struct links *s, uint64_t ino)
{
	uint32_t i;

	if ((s->count + 1) * 2 > s->size) {
		uint32_t old = s->size;
		uint64_t *was = s->ino, *tab = calloc(old ? old * 2 : 16, sizeof *tab);

		if (!tab)
			return -ENOMEM;
		s->ino = tab;
		s->size = old ? old * 2 : 16;
		s->count = 0;
		for (i = 0; i < old; i++) {
			if (was[i])
				set_add(s, was[i]);
		}
		free(was);
	}
	for (i = ino & (s->size - 1); s->ino[i]; i = (i + 1) & (s->size - 1)) {
		if (s->ino[i] == ino)
			return 0;
	}
	s->ino[i] = ino;
	s->count++;
	return 0;
}

static DIR *links_dir(struct layers *l)
{
	int fd = openat(l->meta, LINKS_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (!d)
		close_fd(&fd);
	return d;
}

static struct links *load(struct layers *l)
{
	struct dirent *e;
	struct stat st;
	DIR *d;

	if (l->links)
		return l->links;
	/* Somebody else's link must not lead us elsewhere. */
	if (fstatat(l->meta, LINKS_DIR, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
		unlinkat(l->meta, LINKS_DIR, 0);
	l->links = calloc(1, sizeof *l->links);
	d = l->links ? links_dir(l) : NULL;
	if (!d)
		return l->links;
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.')
			set_add(l->links, e->d_ino);
	}
	closedir(d);
	return l->links;
}

bool links_any(struct layers *l)
{
	struct links *s = load(l);

	return s && s->count;
}

/* Has this upper inode a link in our directory? */
bool links_hold(struct layers *l, uint64_t ino)
{
	struct links *s = load(l);
	uint32_t i;

	if (!s || !s->count)
		return false;
	for (i = ino & (s->size - 1); s->ino[i]; i = (i + 1) & (s->size - 1)) {
		if (s->ino[i] == ino)
			return true;
	}
	return false;
}

static void link_name(const struct statx *lower, char name[80])
{
	struct statx_timestamp t = lower->stx_mask & STATX_BTIME ? lower->stx_btime : lower->stx_mtime;

	snprintf(name, 80, LINKS_DIR "/%x.%x-%llx-%llx.%x", lower->stx_dev_major, lower->stx_dev_minor,
		 (unsigned long long)lower->stx_ino, (unsigned long long)t.tv_sec, t.tv_nsec);
}

/* Was this lower file copied up under another name that still exists?  1: @name is what links_take() takes. */
int links_find(struct layers *l, const struct statx *lower, char name[80])
{
	struct statx st;

	if (lower->stx_nlink < 2 || S_ISDIR(lower->stx_mode) || !links_any(l))
		return 0;
	link_name(lower, name);
	if (beneath_statx(l->meta, name, &st) < 0)
		return 0;
	if (st.stx_nlink > 1)
		return 1;
	unlinkat(l->meta, name, 0); /* a copy-up that was interrupted */
	return 0;
}

int links_take(struct layers *l, const char *name, int dirfd, const char *path)
{
	return linkat(l->meta, name, dirfd, path, 0) < 0 ? -errno : 0;
}

/* A copy of a lower file with several names is about to come into the tree.  Failing is no harm: links are split. */
void links_add(struct layers *l, const struct statx *lower, int dirfd, const char *path, uint64_t ino)
{
	struct links *s = load(l);
	char name[80];

	if (!s || lower->stx_nlink < 2 || S_ISDIR(lower->stx_mode))
		return;
	link_name(lower, name);
	if (mkdirat(l->meta, LINKS_DIR, 0700) < 0 && errno != EEXIST)
		return;
	if (linkat(dirfd, path, l->meta, name, 0) == 0 && set_add(s, ino) < 0)
		unlinkat(l->meta, name, 0);
}

/* The last visible name of an upper inode is gone. */
void links_drop_if_last(struct layers *l, uint64_t ino)
{
	struct dirent *e;
	DIR *d;

	if (!links_hold(l, ino))
		return;
	d = links_dir(l);
	if (!d)
		return;
	while ((e = readdir(d))) {
		if (e->d_ino == ino && e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
	links_unload(l);
}
