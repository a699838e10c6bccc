// SPDX-License-Identifier: GPL-2.0-or-later
/* Listing a directory. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "umfuse.h"

#define BUFFER 65536            /* bytes of one READDIR */
#define BUFFERS_MAX 4096        /* a server that says "more" for ever must end */
#define LISTING_MAX (64 << 20)  /* bytes */

struct listing {
	struct um_fs *fs;
	struct node *dir;
	bool plus;
	um_dirent_fn *fn;       /* NULL: what the answer says of nodes counts, for it is new */
	void *arg;
};

/* 0, or what fn said. */
static int one(const struct listing *l, const struct fuse_dirent *d, const struct fuse_entry_out *entry)
{
	struct node *node;
	char name[256];

	if ((d->namelen == 1 || (d->namelen == 2 && d->name[1] == '.')) && d->name[0] == '.')
		return 0;
	if (!name_is_sane(d->name, d->namelen))
		return -EIO;
	memcpy(name, d->name, d->namelen);
	name[d->namelen] = '\0';
	if (l->fn != NULL)
		return l->fn(l->arg, name, d->ino, d->type <= DT_WHT ? (unsigned char)d->type : DT_UNKNOWN);
	if (entry == NULL || entry->nodeid == 0)
		return 0;
	node = tree_enter(l->fs, entry, sizeof(*entry), true);
	if (node == NULL)
		return -EIO;
	if (!tree_is_above(l->fs, node, l->dir))
		tree_name(l->fs, l->dir, name, node, entry->entry_valid, entry->entry_valid_nsec);
	return 0;
}

/* All entries of an answer; r->note is set to where the next one begins. */
static int all(const struct listing *l, struct request *r)
{
	const char *p = r->reply;
	size_t left = r->reply_len, skip = l->plus ? sizeof(struct fuse_entry_out) : 0;
	int err = 0;

	while (err == 0 && left > 0) {
		const struct fuse_dirent *d = (const void *)(p + skip);
		size_t head = skip + FUSE_NAME_OFFSET, size;

		/* libfuse 2 cuts its list of entries wherever the buffer ends; what was cut comes again. */
		if (left < head || left < head + d->namelen)
			return p != r->reply ? 0 : -EIO;
		size = FUSE_DIRENT_ALIGN(head + d->namelen);
		r->note = d->off;
		err = one(l, d, l->plus ? (const void *)p : NULL);
		p += size < left ? size : left;
		left -= size < left ? size : left;
	}
	return err;
}

/*
 * Ask for all of it, or go through all that was answered.  The former is done again after each answer and must be short; the
 * latter is done once.
 */
static int list(struct listing *l, uint64_t fh)
{
	struct fuse_read_in in = { .fh = fh, .size = BUFFER };
	struct request *r;
	size_t size = 0;
	int err = 0;

	for (int n = 0; n < BUFFERS_MAX && size < LISTING_MAX; n++) {
		err = ask(l->fs, l->plus ? FUSE_READDIRPLUS : FUSE_READDIR, l->dir->id, &in, sizeof(in), &r);
		if (err == -ENOSYS && l->plus && n == 0) {
			l->plus = false;
			continue;
		}
		if (err < 0 || r->reply_len == 0)
			return err;
		size += r->reply_len;
		if (ask_first(r) || l->fn != NULL)
			err = all(l, r);
		if (err != 0)
			return err;
		if (in.offset == r->note)
			return -EIO; /* it would go on for ever */
		in.offset = r->note;
	}
	return -EIO;
}

/* An open directory of the server's, until the operation is over. */
struct handle {
	uint64_t nodeid, fh;
};

static void give_back(struct um_fs *fs, void *arg)
{
	struct handle *h = arg;
	struct fuse_release_in in = { .fh = h->fh };

	tell(fs, FUSE_RELEASEDIR, h->nodeid, &in, sizeof(in));
	free(h);
}

static void give_back_later(struct um_fs *fs, uint64_t nodeid, uint64_t fh)
{
	struct handle *h = malloc(sizeof(*h));

	if (h == NULL)
		return;
	*h = (struct handle){ nodeid, fh };
	journal_finally(fs, give_back, h);
}

int op_readdir(struct um_fs *fs, const char *path, um_dirent_fn *fn, void *arg)
{
	struct fuse_open_in in = { 0 };
	const struct fuse_open_out *out = NULL;
	struct listing l = { .fs = fs, .plus = (fs->flags & FUSE_DO_READDIRPLUS) && !(fs->missing >> FUSE_READDIRPLUS & 1) };
	struct request *r = NULL;
	int err = tree_find(fs, path, &l.dir);

	if (err == 0 && !S_ISDIR(l.dir->attr.mode))
		err = -ENOTDIR;
	if (err < 0)
		return err;
	err = ask(fs, FUSE_OPENDIR, l.dir->id, &in, sizeof(in), &r);
	if (err == 0) {
		out = r->reply;
		if (r->reply_len != sizeof(*out))
			return -EIO;
		if (ask_first(r))
			give_back_later(fs, l.dir->id, out->fh);
	} else if (err != -ENOSYS) {
		return err;
	}
	err = list(&l, out ? out->fh : 0);
	l.fn = fn;
	l.arg = arg;
	return err == 0 ? list(&l, out ? out->fh : 0) : err;
}
