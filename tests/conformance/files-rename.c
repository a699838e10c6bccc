/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rename, renameat, renameat2: flags, kinds, operands, what is left. */
/* setup: yes */
#include <linux/fs.h>

#include "trees.h"

/* Each case begins with these things, equal in all trees. */
static const char *const from[] = { "file", "dir", "link", "dirlink", "dangling", "fifo", "hard1", "empty", "full", "none",
				    "file/", "dir/", "link/", "dirlink/", "dir/.", "dir/..", ".", "..", "", "none/",
				    "file/x", "closed/in", "closed", "dirlink/a", "dangling/", "/", "sticky/mine" };
static const char *const to[] = { "other", "dir/sub", "empty2", "full", "link", "hard2", "new", "new/", "empty2/", "other/",
				  "none/x", "file/x", "dir/new", "dir/sub/new", "empty2/.", "..", ".", "/", "",
				  "closed/new", "dirlink/new", "dangling", "dangling/", "loop", "dirlink", "fifo", "file",
				  "dir", "dir/", "sticky/mine", "dir/a" };

static long rename2(const char *a, const char *b, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

static const char *kind(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return outcome(-1);
	switch (st.st_mode & S_IFMT) {
	case S_IFREG: return st.st_size == 10 ? "file" : st.st_size == 5 ? "other" : "a file";
	case S_IFDIR: return "dir";
	case S_IFLNK: return "link";
	case S_IFIFO: return "fifo";
	default: return "?";
	}
}

/* A renaming that succeeds is made undone by its opposite, if that leads back; the pairs that destroy come later. */
static void pairs(unsigned flags, const char *what)
{
	char label[100];
	long ret;

	for (size_t i = 0; i < COUNT(from); i++)
		for (size_t j = 0; j < COUNT(to); j++) {
			struct stat st;
			bool there = lstat(to[j], &st) == 0;

			/* what it would replace is needed by the next ones */
			if (there && !(flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)) && strstr(to[j], "..") == NULL &&
			    strcmp(to[j], ".") != 0 && strcmp(to[j], "/") != 0 && strcmp(to[j], "full") != 0 &&
			    strcmp(to[j], "dir") != 0 && strcmp(to[j], "dir/") != 0 && strcmp(to[j], from[i]) != 0)
				continue;
			snprintf(label, sizeof(label), "%s %s %s", what, from[i], to[j]);
			ret = rename2(from[i], to[j], flags);
			result(label, ret);
			if (ret != 0)
				continue;
			observe(label, "%s, %s", kind(from[i]), kind(to[j]));
			ret = rename2(to[j], from[i], flags & RENAME_EXCHANGE);
			if (ret != 0) {
				snprintf(label, sizeof(label), "%s %s %s: back", what, from[i], to[j]);
				result(label, ret);
			}
		}
}

static void words(void)
{
	int dir = open("dir", O_RDONLY), path = open("dir/sub", O_PATH), file = open("file", O_RDONLY);
	char text[PATH_MAX];

	result("flags 8", rename2("file", "new", 8));
	result("flags 8, none", rename2("none", "new", 8));
	result("flags both", rename2("file", "new", RENAME_EXCHANGE | RENAME_NOREPLACE));
	result("flags whiteout, exchange", rename2("file", "other", RENAME_WHITEOUT | RENAME_EXCHANGE));
	result("null", rename2(NULL, "new", 0));
	result("null 2", rename2("file", NULL, 0));
	result("null both", rename2(NULL, NULL, 0));
	result("none, null", rename2("none", NULL, 0));
	result("none, closed", rename2("none", "closed/new", 0));
	result("empty both", rename2("", "", 0));
	result("page end", rename2(page_end("file", 5), page_end("new", 4), 0));
	result("page end, back", rename2("new", "file", 0));
	result("unterminated", rename2(page_end("file", 4), "new", 0));
	result("bad fd", syscall(SYS_renameat2, 9999, "file", AT_FDCWD, "new", 0));
	result("bad fd 2", syscall(SYS_renameat2, AT_FDCWD, "file", 9999, "new", 0));
	result("file fd", syscall(SYS_renameat2, file, "file", AT_FDCWD, "new", 0));
	result("fds", syscall(SYS_renameat2, dir, "a", path, "moved", 0));
	shape("fds: there", "dir/sub/moved");
	result("fds back", syscall(SYS_renameat2, path, "moved", dir, "a", 0));
	shape("fds back: there", "dir/a");
#ifdef SYS_renameat
	result("renameat", syscall(SYS_renameat, dir, "a", AT_FDCWD, "moved"));
	result("renameat back", syscall(SYS_renameat, AT_FDCWD, "moved", dir, "a"));
#endif
	result("abs", rename(at_top("file"), at_top("new")));
	result("abs back", rename("new", at_top("file")));
	memset(text, 'x', sizeof(text));
	text[256] = '\0';
	result("256", rename2("file", text, 0));
	result("of 256", rename2(text, "new", 0));
	text[255] = '\0';
	result("255", rename2("file", text, 0));
	result("255 back", rename2(text, "file", 0));
	if (geteuid() != 0)
		result("to another file system", rename2("file", "/proc/self/new", 0));
	close(dir);
	close(path);
	close(file);
}

static void contents(void)
{
	int fd = open("file", O_RDWR), dir = open("dir", O_RDONLY);
	char text[64] = "", number[64], link[PATH_MAX];
	struct stat a, b;
	ssize_t n;

	/* open files go along */
	stat("file", &a);
	result("open: rename", rename("file", "file.moved"));
	result("open: write", pwrite(fd, "XX", 2, 0));
	content("open: content", "file.moved");
	stat("file.moved", &b);
	observe("open: the same", "%d", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	snprintf(number, sizeof(number), "/proc/self/fd/%d", fd);
	n = readlink(number, link, sizeof(link) - 1);
	link[n < 0 ? 0 : n] = '\0';
	observe("open: its name", "%s", strncmp(link, tree_top, strlen(tree_top)) ? "elsewhere" : link + strlen(tree_top));
	result("open: fchmod", fchmod(fd, 0600));
	shape("open: mode", "file.moved");
	result("open: back", rename("file.moved", "file"));
	close(fd);

	/* files that are open for reading only */
	fd = open("other", O_RDONLY);
	result("reading: rename", rename("other", "other.moved"));
	result("reading: read", pread(fd, text, 5, 0));
	result("reading: fchmod", fchmod(fd, 0640));
	shape("reading: mode", "other.moved");
	fstat(fd, &b);
	observe("reading: fstat", "%o %lu", b.st_mode, (unsigned long)b.st_nlink);
	snprintf(number, sizeof(number), "/proc/self/fd/%d", fd);
	n = readlink(number, link, sizeof(link) - 1);
	link[n < 0 ? 0 : n] = '\0';
	observe("reading: its name", "%s", strncmp(link, tree_top, strlen(tree_top)) ? "elsewhere" : link + strlen(tree_top));
	result("reading: reopened", pread(open(number, O_RDWR), text, 5, 0));
	put_file(".", "other", "another one", 0644);
	result("reading: fchmod again", fchmod(fd, 0604));
	shape("reading: the new one's mode", "other");
	shape("reading: the moved one's mode", "other.moved");
	result("reading: replaced", rename("other", "other.moved"));
	content("reading: replaced, content", "other.moved");
	n = pread(fd, text, 20, 0);
	observe("reading: replaced, by descriptor", "%.*s", (int)(n < 0 ? 0 : n), text);
	fstat(fd, &b);
	observe("reading: replaced, links", "%lu", (unsigned long)b.st_nlink);
	close(fd);
	result("reading: back", rename("other.moved", "other"));

	/* directories: what is in them goes along, also what is seen through a descriptor */
	result("tree: rename", rename("dir", "dir.moved"));
	content("tree: content", "dir.moved/sub/deep");
	shape("tree: old", "dir/a");
	shape("tree: old itself", "dir");
	result("tree: openat", close((int)syscall(SYS_openat, dir, "a", O_RDWR)));
	result("tree: mkdirat", mkdirat(dir, "made", 0755));
	shape("tree: made", "dir.moved/made");
	put_dir(".", "dir", 0755);
	shape("tree: new one is empty", "dir/a");
	result("tree: onto the non-empty", rename("dir", "dir.moved"));
	result("tree: onto the empty", rename("dir.moved", "dir"));
	content("tree: content again", "dir/sub/deep");
	shape("tree: made again", "dir/made");
	result("tree: rmdir", rmdir("dir/made"));
	shape("tree: by descriptor", "dir/a");
	n = fstatat(dir, "sub/deep", &b, 0);
	result("tree: fstatat", n);
	close(dir);

	/* hard links of one file: nothing happens */
	result("hard: onto its other name", rename("hard1", "hard2"));
	shape("hard: first", "hard1");
	shape("hard: second", "hard2");
	result("hard: exchanged", rename2("hard1", "hard2", RENAME_EXCHANGE));
	result("hard: onto itself", rename("hard1", "hard1"));
	result("hard: noreplace", rename2("hard1", "hard2", RENAME_NOREPLACE));
	result("hard: noreplace itself", rename2("hard1", "hard1", RENAME_NOREPLACE));
	result("hard: away", rename("hard1", "dir/hard1"));
	shape("hard: still two", "dir/hard1");
	result("hard: chmod", chmod("hard2", 0600));
	shape("hard: both changed", "dir/hard1");
	result("hard: back", rename("dir/hard1", "hard1"));
}

/* What replaces, and is replaced. */
static void replaced(void)
{
	result("replace: file by file", rename("other", "readonly"));
	content("replace: file by file, content", "readonly");
	shape("replace: file by file, old", "other");
	result("replace: link by file", rename("readonly", "dangling"));
	content("replace: link by file, content", "dangling");
	result("replace: file by link", rename("link", "dangling"));
	shape("replace: file by link, there", "dangling");
	result("replace: file by dir", rename("empty", "file"));
	result("replace: dir by file", rename("file", "empty"));
	result("replace: dir by dir", rename("dir", "empty"));
	shape("replace: dir by dir, inside", "empty/a");
	result("replace: full by dir", rename("empty2", "full"));
	result("replace: emptied", unlink("full/x"));
	result("replace: emptied by dir", rename("empty", "full"));
	shape("replace: emptied by dir, inside", "full/sub/deep");
	shape("replace: nothing left over", "full/x");
	result("replace: secret", rename("secret", "file"));
	shape("replace: secret there", "file");
	result("replace: fifo by fifo", rename("fifo", "hard2"));
	shape("replace: fifo", "hard2");
	result("replace: whiteout", rename2("hard1", "newer", RENAME_WHITEOUT) < 0 && errno != EINVAL ? -1 : 0);
	/* exchange */
	put_file(".", "x1", "one", 0600);
	result("exchange: file and dir", rename2("x1", "full", RENAME_EXCHANGE));
	shape("exchange: file", "full");
	shape("exchange: dir", "x1/sub/deep");
	result("exchange: inside itself", rename2("x1", "x1/sub", RENAME_EXCHANGE));
	result("exchange: with what is above", rename2("x1/sub", "x1", RENAME_EXCHANGE));
	result("exchange: with itself", rename2("x1", "x1", RENAME_EXCHANGE));
	result("exchange: none", rename2("x1", "nonesuch", RENAME_EXCHANGE));
	result("exchange: none 2", rename2("nonesuch", "x1", RENAME_EXCHANGE));
	result("exchange: slash on file", rename2("full/", "x1", RENAME_EXCHANGE));
	result("exchange: slash on dir", rename2("full", "x1/", RENAME_EXCHANGE));
	result("exchange: two dirs", rename2("x1", "sticky", RENAME_EXCHANGE));
	shape("exchange: two dirs, inside", "sticky/sub/deep");
	shape("exchange: two dirs, inside 2", "x1/mine");
}

static void run(void)
{
	contents();
	words();
	pairs(0, "rename");
	pairs(RENAME_NOREPLACE, "noreplace");
	pairs(RENAME_EXCHANGE, "exchange");
	replaced();
}
