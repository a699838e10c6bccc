/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * umfusearchive: what is in an archive, read-only.
 *
 * An archive can only be read from its beginning to its end, and is compressed, as a rule.  So it is read once, before it is
 * mounted: names and attributes into a tree (archive_tree.c), data into a spool, a file without a name in TMPDIR or
 * /var/tmp.  A read is then one pread(2) of the spool, in whatever order files are read.
 */
#define FUSE_USE_VERSION 31
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "modules/submodules/archive_tree.h"

#define BLOCK (128 * 1024)      /* bytes of the archive that are read at a time */

static struct {
	const char *source, *target;
	int spool;
	off_t used;             /* of the spool */
	unsigned long skipped;  /* entries that have no place in a tree */
	unsigned long damaged;  /* files whose data could not be read */
} archive = { .spool = -1 };

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "umfusearchive: %s: %s\n", what, why ? why : "unknown error");
	return -1;
}

/* --- reading the archive ---------------------------------------------------------------------------------------------- */

static int open_spool(void)
{
	const char *dir = getenv("TMPDIR");
	char name[4096];

	if (dir == NULL || *dir != '/')
		dir = "/var/tmp";
	archive.spool = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (archive.spool >= 0)
		return 0;
	snprintf(name, sizeof(name), "%s/umfusearchive.XXXXXX", dir);
	archive.spool = mkostemp(name, O_CLOEXEC);
	if (archive.spool < 0)
		return fail(dir, strerror(errno));
	unlink(name);
	return 0;
}

static int write_spool(const char *data, size_t n, off_t at)
{
	while (n > 0) {
		ssize_t w = pwrite(archive.spool, data, n, at);

		if (w < 0)
			return fail("the contents cannot be kept in TMPDIR or /var/tmp", strerror(errno));
		data += w;
		at += w;
		n -= w;
	}
	return 0;
}

/* The data of the entry that is being read, to the end of the spool.  0; -1: it makes no sense to go on. */
static int take_data(struct archive *a, struct node *node)
{
	const void *data;
	off_t end = 0;
	la_int64_t at;
	size_t n;
	int r;

	node->data = archive.used;
	while ((r = archive_read_data_block(a, &data, &n, &at)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
		if (at < 0 || at > INT64_MAX / 2 - archive.used - (la_int64_t)n || write_spool(data, n, archive.used + at) < 0)
			return -1;
		if (at + (off_t)n > end)
			end = at + (off_t)n;
	}
	if (r == ARCHIVE_FATAL)
		return fail(archive.source, archive_error_string(a));
	if (r != ARCHIVE_EOF) {
		node->damaged = true;
		archive.damaged++;
	}
	if (node->st.st_size < end || node->damaged)
		node->st.st_size = end;
	if (node->st.st_size > INT64_MAX / 2 - archive.used)
		return fail(archive.source, "it has a file of an impossible size");
	archive.used += node->st.st_size;
	return 0;
}

/* The attributes of an entry, without its type's own. */
static struct stat attributes(struct archive_entry *e)
{
	const struct stat *given = archive_entry_stat(e);
	struct stat st = {
		.st_mode = given->st_mode, .st_uid = given->st_uid, .st_gid = given->st_gid, .st_rdev = given->st_rdev,
		.st_atim = given->st_atim, .st_mtim = given->st_mtim, .st_ctim = given->st_mtim,
	};

	if ((st.st_mode & S_IFMT) == 0)
		st.st_mode |= S_IFREG;
	if (S_ISLNK(st.st_mode))
		st.st_mode |= 0777; /* as Linux has it, whatever made the archive */
	if (S_ISREG(st.st_mode) && archive_entry_size_is_set(e) && given->st_size > 0)
		st.st_size = given->st_size;
	return st;
}

static int take_entry(struct archive *a, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e), *target = archive_entry_hardlink(e);
	struct node *node;

	if (name == NULL)
		name = archive_entry_pathname_utf8(e);
	if (target != NULL) {
		if (name == NULL || !tree_link(name, target)) {
			archive.skipped++;
			return 0;
		}
		/* in cpio archives the data may come with the last name */
		node = tree_find(target);
		return S_ISREG(node->st.st_mode) && node->st.st_size == 0 && archive_entry_size(e) > 0 ? take_data(a, node) : 0;
	}
	node = name ? tree_add(name, attributes(e)) : NULL;
	if (node == NULL) {
		archive.skipped++;
		return 0;
	}
	if (S_ISLNK(node->st.st_mode)) {
		const char *to = archive_entry_symlink(e);

		node->target = strdup(to ? to : "");
		node->st.st_size = node->target ? (off_t)strlen(node->target) : 0;
	}
	return S_ISREG(node->st.st_mode) ? take_data(a, node) : 0;
}

static int read_archive(void)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int r, result = 0;

	if (a == NULL)
		return fail("no memory", "the archive cannot be read");
	archive_read_support_filter_all(a);
	archive_read_support_format_all(a);
	if (archive_read_open_filename(a, archive.source, BLOCK) != ARCHIVE_OK)
		result = fail(archive.source, archive_error_string(a));
	while (result == 0 && (r = archive_read_next_header(a, &e)) != ARCHIVE_EOF) {
		if (r == ARCHIVE_FATAL || r == ARCHIVE_RETRY)
			result = fail(archive.source, archive_error_string(a));
		else
			result = take_entry(a, e);
	}
	if (result == 0 && archive_format(a) == ARCHIVE_FORMAT_EMPTY)
		result = fail(archive.source, "it is no archive");
	archive_read_free(a);
	/* The last file may end with a hole. */
	if (result == 0 && ftruncate(archive.spool, archive.used) < 0)
		result = fail("the contents cannot be kept in TMPDIR or /var/tmp", strerror(errno));
	if (archive.skipped)
		fprintf(stderr, "umfusearchive: %s: %lu entries have names that cannot be shown, they are left out\n",
			archive.source, archive.skipped);
	if (archive.damaged)
		fprintf(stderr, "umfusearchive: %s: %lu files cannot be read (damaged, or encrypted)\n", archive.source,
			archive.damaged);
	return result;
}

/* --- serving it -------------------------------------------------------------------------------------------------------- */

static struct node *node_of(const char *path, struct fuse_file_info *fi)
{
	return fi ? (struct node *)(uintptr_t)fi->fh : tree_find(path);
}

static int arc_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	const struct node *node = node_of(path, fi);

	if (node == NULL)
		return -ENOENT;
	*st = node->st;
	st->st_blocks = (st->st_size + 511) / 512;
	return 0;
}

static int arc_readlink(const char *path, char *buf, size_t size)
{
	const struct node *node = tree_find(path);

	if (node == NULL || node->target == NULL)
		return node == NULL ? -ENOENT : -EINVAL;
	snprintf(buf, size, "%s", node->target);
	return 0;
}

static int arc_open(const char *path, struct fuse_file_info *fi)
{
	struct node *node = tree_find(path);

	if (node == NULL)
		return -ENOENT;
	if ((fi->flags & O_ACCMODE) != O_RDONLY)
		return -EROFS;
	if (node->damaged)
		return -EIO;
	fi->fh = (uintptr_t)node;
	fi->keep_cache = 1;
	return 0;
}

static int arc_read(const char *path, char *buf, size_t size, off_t at, struct fuse_file_info *fi)
{
	const struct node *node = node_of(path, fi);
	ssize_t n;

	if (at >= node->st.st_size)
		return 0;
	if ((off_t)size > node->st.st_size - at)
		size = node->st.st_size - at;
	n = pread(archive.spool, buf, size, node->data + at);
	return n < 0 ? -errno : (int)n;
}

static int arc_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t at, struct fuse_file_info *fi,
		       enum fuse_readdir_flags flags)
{
	const struct node *dir = node_of(path, fi);
	struct stat parent = { .st_mode = S_IFDIR };

	(void)at;
	(void)flags;
	fill(buf, ".", &dir->st, 0, 0);
	fill(buf, "..", &parent, 0, 0);
	for (const struct name *n = dir->first; n; n = n->next)
		if (fill(buf, n->text, &n->node->st, 0, 0))
			return -ENOMEM;
	return 0;
}

static int arc_statfs(const char *path, struct statvfs *st)
{
	(void)path;
	memset(st, 0, sizeof(*st));
	st->f_bsize = st->f_frsize = 4096;
	st->f_blocks = (archive.used + 4095) / 4096;
	st->f_files = tree_nodes();
	st->f_namemax = 255;
	return 0;
}

static void *arc_init(struct fuse_conn_info *conn, struct fuse_config *config)
{
	(void)conn;
	config->use_ino = 1;
	config->kernel_cache = 1;
	config->nullpath_ok = 1;
	config->entry_timeout = config->attr_timeout = config->negative_timeout = 86400; /* nothing ever changes */
	return NULL;
}

static const struct fuse_operations operations = {
	.init = arc_init,
	.getattr = arc_getattr,
	.readlink = arc_readlink,
	.open = arc_open,
	.opendir = arc_open,
	.read = arc_read,
	.readdir = arc_readdir,
	.statfs = arc_statfs,
};

/* The arguments that are no options: the archive and the mount point. */
static int take_word(void *data, const char *word, int key, struct fuse_args *args)
{
	(void)data;
	(void)args;
	if (key != FUSE_OPT_KEY_NONOPT)
		return 1;
	if (archive.target)
		return fail(word, "unexpected argument");
	if (archive.source)
		archive.target = strdup(word);
	else
		archive.source = strdup(word);
	return 0;
}

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);

	/* libarchive translates names into the locale's character set, and cannot where that is ASCII. */
	if (setlocale(LC_CTYPE, "") == NULL || strcmp(setlocale(LC_CTYPE, NULL), "C") == 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	if (fuse_opt_parse(&args, NULL, NULL, take_word) < 0)
		return 1;
	if (!archive.target) {
		fail("something is missing", "ARCHIVE DIRECTORY [-o OPTIONS]");
		return 1;
	}
	tree_init();
	if (open_spool() < 0 || read_archive() < 0)
		return 1;
	if (fuse_opt_add_arg(&args, "-oro") < 0 || fuse_opt_add_arg(&args, archive.target) < 0)
		return 1;
	return fuse_main(args.argc, args.argv, &operations, NULL);
}
