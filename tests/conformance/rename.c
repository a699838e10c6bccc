/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rename, renameat and renameat2: what replaces what, NOREPLACE, EXCHANGE, WHITEOUT, and each refusal's errno.
 *
 * setup: yes
 * more: yes
 */
#include "conform.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void put(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	NEED(fd >= 0 && write(fd, name, strlen(name)) == (long)strlen(name));
	close(fd);
}

static int setup(void)
{
	static const char *const files[] = { "a", "b", "c", "d", "full/x", "other/y", "deep/1/2/file", "w" };
	static const char *const dirs[] = { "empty", "empty2", "full", "other", "deep", "deep/1", "deep/1/2" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		NEED(mkdir(dirs[i], 0755) == 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		put(files[i]);
	NEED(symlink("a", "link") == 0 && symlink("full", "dirlink") == 0 && link("d", "d2") == 0);
	return 0;
}

/* What a name leads to: a file's contents, or its kind. */
static const char *what(const char *name)
{
	static char text[4][64];
	static int turn;
	char *t = text[turn = (turn + 1) % 4];
	struct stat st;
	int fd;
	long n;

	if (lstat(name, &st) != 0)
		return outcome(-1);
	if (S_ISDIR(st.st_mode))
		return "directory";
	if (S_ISLNK(st.st_mode)) {
		n = readlink(name, t, 63);
		t[n < 0 ? 0 : n] = '\0';
		return t;
	}
	if (!S_ISREG(st.st_mode))
		return S_ISCHR(st.st_mode) ? "character device" : "other";
	fd = open(name, O_RDONLY);
	n = read(fd, t, 63);
	t[n < 0 ? 0 : n] = '\0';
	close(fd);
	return t;
}

static void try2(const char *label, const char *from, const char *to, unsigned flags)
{
	long result = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
	const char *gave = outcome(result);

	say(label, "%s; %s is %s, %s is %s", gave, from, what(from), to, what(to));
}

static void flags(void)
{
	try2("noreplace-existing", "a", "b", RENAME_NOREPLACE);
	try2("noreplace", "a", "new", RENAME_NOREPLACE);
	try2("noreplace-back", "new", "a", RENAME_NOREPLACE);
	try2("exchange-files", "a", "b", RENAME_EXCHANGE);
	try2("exchange-file-and-directory", "a", "full", RENAME_EXCHANGE);
	say("exchanged-directory", "%s", what("a/x"));
	try2("exchange-back", "a", "full", RENAME_EXCHANGE);
	try2("exchange-with-nothing", "a", "nothing", RENAME_EXCHANGE);
	try2("exchange-link", "link", "c", RENAME_EXCHANGE);
	try2("exchange-directories", "full", "other", RENAME_EXCHANGE);
	say("exchanged-directories", "%s %s", what("full/y"), what("other/x"));
	try2("exchange-with-below", "deep", "deep/1/2", RENAME_EXCHANGE);
	try2("exchange-with-above", "deep/1/2", "deep", RENAME_EXCHANGE);
	try2("both-flags", "a", "b", RENAME_NOREPLACE | RENAME_EXCHANGE);
	try2("whiteout-and-exchange", "a", "b", RENAME_WHITEOUT | RENAME_EXCHANGE);
	try2("unknown-flag", "a", "b", 64);
}

static void whiteouts(void)
{
	try2("whiteout", "w", "w2", RENAME_WHITEOUT);
}

static void plain(void)
{
	try2("over-a-file", "a", "b", 0);
	try2("of-nothing", "nothing", "b", 0);
	try2("to-itself", "b", "b", 0);
	try2("two-names-of-one-file", "d", "d2", 0);
	try2("directory-over-empty", "empty", "empty2", 0);
	try2("directory-over-full", "empty2", "full", 0);
	try2("directory-over-file", "empty2", "b", 0);
	try2("file-over-directory", "b", "empty2", 0);
	try2("into-itself", "deep", "deep/1/new", 0);
	try2("over-its-parent", "deep/1/2", "deep/1", 0);
	try2("full-directory", "deep", "moved", 0);
	say("below-the-moved", "%s", what("moved/1/2/file"));
	try2("within-the-moved", "moved/1/2/file", "moved/file", 0);
	try2("link", "dirlink", "dirlink2", 0);
	try2("link-with-slash", "dirlink2/", "dirlink3", 0);
	try2("file-to-slash", "b", "b2/", 0);
	try2("directory-to-slash", "empty2", "empty3/", 0);
	try2("file-with-slash", "b/", "b2", 0);
	try2("dot", ".", "dot", 0);
	try2("dotdot", "moved/..", "dotdot", 0);
	try2("to-dot", "empty3", "full/.", 0);
	try2("empty-name", "", "x", 0);
	try2("below-a-file", "b/x", "x", 0);
	try2("to-below-a-file", "empty3", "b/x", 0);
	say("rename-to-proc", "%s", outcome(rename("b", "/proc/x-umview-conformance")));
	say("bad-memory", "%s", outcome(syscall(SYS_rename, 1L, "x")));
	say("bad-descriptor", "%s", outcome(syscall(SYS_renameat, 999, "b", AT_FDCWD, "x")));
	say("long-name", "%s", outcome(rename("b", "0123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")));
}

/* A descriptor follows the file, not the name. */
static void descriptors(void)
{
	int file = open("b", O_RDWR), dir = open("moved", O_RDONLY | O_DIRECTORY);
	struct stat st, other;

	NEED(file >= 0 && dir >= 0 && rename("b", "other/b") == 0 && rename("moved", "other/moved") == 0);
	NEED(fstat(file, &st) == 0 && stat("other/b", &other) == 0);
	say("open-file", "%s", st.st_ino == other.st_ino ? "the renamed one" : "another");
	say("open-directory", "%s", outcome(faccessat(dir, "file", F_OK, 0)));
	say("through-the-directory", "%s", outcome(renameat(dir, "file", AT_FDCWD, "b")));
	say("out-of-it", "%s", what("b"));
	NEED(write(file, "changed", 7) == 7);
	say("written-after", "%s", what("other/b"));
	close(file);
	close(dir);
}

/* The working directory is renamed. */
static void working_directory(void)
{
	char cwd[4096];

	NEED(mkdir("here", 0755) == 0 && chdir("here") == 0);
	NEED(rename("../here", "../there") == 0 && getcwd(cwd, sizeof(cwd)) != NULL);
	say("getcwd-after", "%s", strrchr(cwd, '/'));
	put("made");
	say("made-there", "%s", what("../there/made"));
	NEED(chdir("..") == 0);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "setup") == 0)
		return setup();
	flags();
	whiteouts();
	plain();
	descriptors();
	working_directory();
	return 0;
}
