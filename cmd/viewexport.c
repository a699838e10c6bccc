/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viewexport: a copy-on-write directory as a layer tar.
 *
 * The format is that of layers of the OCI image specification (layer.md): pax headers, what is removed as an empty
 * file
 * ".wh.NAME", a directory that hides the one below it with an empty file ".wh..wh..opq" in it.  Owners, modes,
 * devices and xattrs are the virtual ones.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cmd.h"
#include "layerdir.h"

#define TAR_BLOCK 512
#define TAR_TYPE 156            /* offset of the type in a header (ustar, POSIX.1-1988) */

static const char help[] =
    "[OPTION]... DIR\n"
    "Write the changes that the copy-on-write directory DIR holds as a tar archive, as a layer of a container "
    "image:\n"
    "with whiteouts for what is removed, and with the owners, modes, devices and capabilities that the view has.\n"
    "\n"
    "  -f, --tar FILE     write to FILE, \"-\" is standard output (the default, if that is no terminal)\n"
    "  -t, --target TREE  the real tree (default: the one that the view had)\n"
    "  -m, --made         write the stand-ins for what the user cannot read, too\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n";

struct link {
	uint64_t ino;
	unsigned major, minor;
	char *path;
};

/* Where the archive goes: see write_out(). */
struct output {
	FILE *file;
	const char *name;
	bool headers;          /* what comes now is an entry's headers, and not a file's data */
	bool pax;              /* what comes next is the text of a pax header */
};

struct export
{
	struct layerdir dir;
	struct archive *a;
	struct output out;
	bool made;
	const char *opaque;    /* the last directory that was written as opaque: what it hides needs no whiteouts */
	char parent[PATH_MAX]; /* directories up to this one are in the archive */
	struct link *links;    /* first names of files that have several */
	size_t nlinks;
};

static void check(struct export *x, int r, const char *path)
{
	if (r < ARCHIVE_WARN)
		cmd_die(1, "%s: %s", path, archive_error_string(x->a));
	if (r < ARCHIVE_OK && strncmp(archive_error_string(x->a), "Can't translate", 15)) /* names are bytes */
		cmd_message("warning: %s: %s", path, archive_error_string(x->a));
}

/*
 * Names are bytes.  libarchive marks headers with names that are no UTF-8 by a record that GNU tar warns of and that no
 * reader needs, as its first one; a comment of the same length takes its place.  Without blocks, each header comes by
 * itself.
 */
static la_ssize_t write_out(struct archive *a, void *arg, const void *buf, size_t size)
{
	static const char mark[] = "21 hdrcharset=BINARY\n", comment[] = "21 comment=no-utf-8.\n";
	struct output *out = arg;
	size_t skip = out->pax && size >= sizeof mark - 1 && !memcmp(buf, mark, sizeof mark - 1) ? sizeof mark - 1 : 0;

	(void)a;
	out->pax = out->headers && size == TAR_BLOCK && ((const char *)buf)[TAR_TYPE] == 'x';
	if (fwrite(comment, 1, skip, out->file) != skip ||
	    fwrite((const char *)buf + skip, 1, size - skip, out->file) != size - skip)
		cmd_die(1, "%s: %s", out->name, strerror(errno));
	return (la_ssize_t)size;
}

static void write_header(struct export *x, struct archive_entry *e, const char *path)
{
	x->out.headers = true;
	check(x, archive_write_header(x->a, e), path);
	x->out.headers = false;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !len || (!strncmp(path, dir, len) && (path[len] == '/' || !path[len]));
}

static struct archive_entry *entry_of(const char *path, const struct statx *st)
{
	struct archive_entry *e = archive_entry_new();

	if (!e)
		cmd_die(1, "no memory");
	archive_entry_copy_pathname(e, path[0] ? path : ".");
	archive_entry_set_mode(e, st->stx_mode);
	archive_entry_set_uid(e, st->stx_uid);
	archive_entry_set_gid(e, st->stx_gid);
	archive_entry_set_mtime(e, st->stx_mtime.tv_sec, st->stx_mtime.tv_nsec);
	if (S_ISREG(st->stx_mode))
		archive_entry_set_size(e, st->stx_size);
	if (S_ISCHR(st->stx_mode) || S_ISBLK(st->stx_mode)) {
		archive_entry_set_rdevmajor(e, st->stx_rdev_major);
		archive_entry_set_rdevminor(e, st->stx_rdev_minor);
	}
	return e;
}

static void add_xattrs(struct export *x, struct archive_entry *e, const char *path)
{
	static char list[XATTR_LIST_MAX], value[XATTR_SIZE_MAX];
	ssize_t n = layers_listxattr(x->dir.l, path, list, sizeof list), size;
	char *p;

	for (p = list; n > 0 && p < list + n; p += strlen(p) + 1) {
		size = layers_getxattr(x->dir.l, path, p, value, sizeof value);
		if (size >= 0)
			archive_entry_xattr_add_entry(e, p, value, size);
	}
}

/* The first name of a file that has several, or NULL: this is the first. */
static const char *first_name(struct export *x, const char *path, const struct statx *st)
{
	size_t i;

	if (st->stx_nlink < 2 || S_ISDIR(st->stx_mode))
		return NULL;
	for (i = 0; i < x->nlinks; i++) {
		const struct link *l = &x->links[i];

		if (l->ino == st->stx_ino && l->major == st->stx_dev_major && l->minor == st->stx_dev_minor)
			return l->path;
	}
	x->links = cmd_realloc(x->links, (x->nlinks + 1) * sizeof *x->links);
	x->links[x->nlinks++] = (struct link){st->stx_ino, st->stx_dev_major, st->stx_dev_minor, cmd_strdup(path)};
	return NULL;
}

/* Where the data of a sparse file are; returns false if it is not sparse. */
static void add_sparse(struct archive_entry *e, int fd, const struct statx *st)
{
	off_t pos = 0, end = st->stx_size, data, hole;

	if (st->stx_blocks * 512 >= st->stx_size)
		return;
	while (pos < end && (data = lseek(fd, pos, SEEK_DATA)) >= 0) {
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			break;
		archive_entry_sparse_add_entry(e, data, hole - data);
		pos = hole;
	}
	/* Nothing but a hole: an empty extent at the end says so. */
	if (pos == 0)
		archive_entry_sparse_add_entry(e, end, 0);
	lseek(fd, 0, SEEK_SET);
}

static void write_data(struct export *x, int fd, const char *path, uint64_t size)
{
	static char buf[256 * 1024];

	while (size) {
		ssize_t n = read(fd, buf, size < sizeof buf ? size : sizeof buf);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			cmd_die(1, "%s: %s", path, n < 0 ? strerror(errno) : "became shorter while it was read");
		if (archive_write_data(x->a, buf, n) < 0)
			cmd_die(1, "%s: %s", path, archive_error_string(x->a));
		size -= n;
	}
}

static void write_object(struct export *x, const char *path, const struct statx *st)
{
	struct archive_entry *e = entry_of(path, st);
	const char *first = first_name(x, path, st);
	char target[PATH_MAX];
	int fd = -1;

	if (first) {
		archive_entry_set_hardlink(e, first);
		archive_entry_unset_size(e);
	} else if (S_ISLNK(st->stx_mode)) {
		struct layers_node node;
		size_t end;

		if (layers_walk(x->dir.l, path, &end, &node, target) == 0)
			close(node.fd);
		archive_entry_set_symlink(e, target);
	} else if (S_ISREG(st->stx_mode)) {
		fd = layers_open_file(x->dir.l, path, O_RDONLY, 0, NULL);
		if (fd < 0)
			cmd_die(1, "%s: %s", path, strerror(-fd));
		add_sparse(e, fd, st);
	}
	if (!first)
		add_xattrs(x, e, path);
	write_header(x, e, path);
	if (fd >= 0) {
		write_data(x, fd, path, st->stx_size);
		close(fd);
	}
	archive_entry_free(e);
}

static void write_whiteout(struct export *x, const char *path)
{
	const char *slash = strrchr(path, '/');
	int dir = slash ? slash + 1 - path : 0;
	struct statx st = {.stx_mode = S_IFREG};
	struct archive_entry *e;
	char name[PATH_MAX + 8];

	snprintf(name, sizeof name, "%.*s.wh.%s", dir, path, path + dir);
	e = entry_of(name, &st);
	write_header(x, e, name);
	archive_entry_free(e);
}

/* The directories that lead to @path, as they are in the view. */
static void write_parents(struct export *x, const char *path)
{
	const char *slash = path;
	char dir[PATH_MAX], target[PATH_MAX];

	while ((slash = strchr(slash, '/'))) {
		struct layers_node node;
		struct statx st;
		size_t end;

		memcpy(dir, path, slash - path);
		dir[slash++ - path] = '\0';
		if (x->parent[0] && is_below(x->parent, dir))
			continue;
		if (layers_walk(x->dir.l, dir, &end, &node, target) != 0)
			continue;
		if (node.type == S_IFDIR && layers_stat(x->dir.l, dir, &node, &st) == 0)
			write_object(x, dir, &st);
		close(node.fd);
		strcpy(x->parent, dir);
	}
}

/* A whiteout of a directory of changes that is in this one. */
static bool is_mark(const struct layers_diff_entry *e)
{
	const struct statx *st = &e->upper;
	const char *slash = strrchr(e->path, '/');

	return strncmp(slash ? slash + 1 : e->path, ".wh.", 4) == 0 ||
	       (S_ISCHR(st->stx_mode) && st->stx_rdev_major == 0 && st->stx_rdev_minor == 0);
}

static void write_change(struct export *x, const struct layers_diff_entry *e)
{
	struct statx st = e->upper;
	char name[PATH_MAX + 16];

	if (e->made && !x->made) {
		if (S_ISREG(st.stx_mode) && st.stx_size)
			cmd_message("%s: left out, it only stands for what the user cannot read (--made writes it)",
				    e->path);
		return;
	}
	if (e->change == LAYERS_DELETED) {
		if (x->opaque && strcmp(e->path, x->opaque) && is_below(e->path, x->opaque))
			return;
		write_parents(x, e->path);
		write_whiteout(x, e->path);
		return;
	}
	if (S_ISSOCK(st.stx_mode)) {
		cmd_message("%s: left out, an archive cannot hold a socket", e->path);
		return;
	}
	if (is_mark(e))
		cmd_message("%s: is written as it is, but who unpacks the archive as a layer takes it for a whiteout", e->path);
	write_parents(x, e->path);
	write_object(x, e->path, &st);
	if (S_ISDIR(st.stx_mode))
		strcpy(x->parent, e->path);
	if (e->opaque) {
		x->opaque = e->path;
		/* write_whiteout() adds the first ".wh.". */
		snprintf(name, sizeof name, "%s%s.wh..opq", e->path, e->path[0] ? "/" : "");
		write_whiteout(x, name);
	}
}

static struct archive *open_archive(struct output *out, int fd)
{
	struct archive *a = archive_write_new();

	setlocale(LC_CTYPE, "C.UTF-8");
	out->file = fdopen(fd, "w");
	if (!out->file)
		cmd_die(1, "no memory");
	if (!a || archive_write_set_format_pax(a) != ARCHIVE_OK ||
	    archive_write_set_options(a, "xattrheader=SCHILY") < ARCHIVE_WARN ||
	    archive_write_set_bytes_per_block(a, 0) != ARCHIVE_OK ||
	    archive_write_open(a, out, NULL, write_out, NULL) != ARCHIVE_OK)
		cmd_die(1, "libarchive: %s", a ? archive_error_string(a) : "no memory");
	return a;
}

static const char *partial; /* to be removed if we do not come to the end */

static void remove_partial(void)
{
	if (partial)
		unlink(partial);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"tar", required_argument, NULL, 'f'},
	    {"target", required_argument, NULL, 't'},
	    {"made", no_argument, NULL, 'm'},
	    CMD_COMMON_OPTIONS,
	};
	const char *file = NULL, *target = NULL;
	struct export x = {0};
	struct changes changes;
	int opt, fd = STDOUT_FILENO;
	struct stat st;
	size_t i;

	while ((opt = getopt_long(argc, argv, "f:t:mhV", options, NULL)) != -1) {
		if (opt == 'f')
			file = optarg;
		else if (opt == 't')
			target = optarg;
		else if (opt == 'm')
			x.made = true;
		else
			cmd_common_option(opt, help);
	}
	if (argc - optind != 1) {
		cmd_message(optind < argc ? "too many arguments" : "which directory?");
		cmd_usage();
	}
	if (!file && isatty(STDOUT_FILENO))
		cmd_die(1, "standard output is a terminal: --tar FILE says where to write (\"-\": here)");
	layerdir_open(&x.dir, argv[optind], target);
	layerdir_changes(&x.dir, &changes);
	if (file && strcmp(file, "-")) {
		fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (fd < 0)
			cmd_die(1, "%s: %s", file, strerror(errno));
		/* A device or a fifo stays, whatever happens. */
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			partial = file;
		atexit(remove_partial);
	}
	x.out.name = fd == STDOUT_FILENO ? "standard output" : file;
	x.a = open_archive(&x.out, fd);
	for (i = 0; i < changes.count; i++)
		write_change(&x, &changes.change[i].e);
	if (archive_write_close(x.a) != ARCHIVE_OK)
		cmd_die(1, "%s: %s", x.out.name, archive_error_string(x.a));
	archive_write_free(x.a);
	if (fclose(x.out.file) == EOF)
		cmd_die(1, "%s: %s", x.out.name, strerror(errno));
	partial = NULL;
	while (x.nlinks)
		free(x.links[--x.nlinks].path);
	free(x.links);
	changes_free(&changes);
	layerdir_close(&x.dir);
	return 0;
}
