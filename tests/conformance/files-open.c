/* SPDX-License-Identifier: GPL-2.0-or-later */
/* open, creat, openat, openat2: flags, path forms, errors. */
/* setup: yes */
#include <linux/openat2.h>

#include "trees.h"

static long sys_open(const char *path, int flags, int mode)
{
	return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static long open2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .mode = mode, .resolve = resolve };
	long fd;

	/* Linux gives up at ".." below a root when something is renamed anywhere meanwhile: openat2(2), EAGAIN. */
	do
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && !(resolve & RESOLVE_CACHED));
	return fd;
}

static const struct {
	const char *name;
	int flags;
} ways[] = {
	{ "rd", O_RDONLY },
	{ "wr", O_WRONLY },
	{ "rdwr", O_RDWR },
	{ "three", O_ACCMODE },
	{ "trunc-rd", O_RDONLY | O_TRUNC },
	{ "dir", O_DIRECTORY },
	{ "dir-wr", O_DIRECTORY | O_WRONLY },
	{ "dir-nofollow", O_DIRECTORY | O_NOFOLLOW },
	{ "nofollow", O_NOFOLLOW },
	{ "path", O_PATH },
	{ "path-nofollow", O_PATH | O_NOFOLLOW },
	{ "path-dir", O_PATH | O_DIRECTORY },
	{ "path-wr-creat", O_PATH | O_WRONLY | O_CREAT | O_EXCL },
	{ "creat-excl", O_CREAT | O_EXCL | O_WRONLY },
	{ "creat-dir", O_CREAT | O_DIRECTORY },
	{ "excl", O_EXCL },
	{ "noatime", O_NOATIME },
	{ "direct-bad", 0x8000000 },
	{ "append-trunc", O_WRONLY | O_APPEND | O_NONBLOCK },
};

/* Every way of opening each kind of thing, without changing it. */
static void kinds(void)
{
	static const char *const names[] = { "file", "readonly", "secret", "dir", "fifo", "link", "dirlink", "loop",
					     "dangling/", "file/", "dir/", "link/", "dirlink/", "dir/.", "dir/..", ".",
					     "..", "", "none", "none/", "none/x", "file/x", "link/x", "closed/in",
					     "dirlink/a", "closed", "dirlink/../file", "none/../file", "file/../file",
					     "fifo/", "links/39", "links/40", "links/41", "hard1", "./././file",
					     "dir//sub///deep", "dir/sub/deep/" };
	char label[80];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t j = 0; j < sizeof(ways) / sizeof(ways[0]); j++) {
			bool makes = (ways[j].flags & O_CREAT) && !(ways[j].flags & O_PATH);

			if ((ways[j].flags & (O_TRUNC | O_PATH)) == O_TRUNC && strcmp(names[i], "dir") != 0 &&
			    strcmp(names[i], "readonly") != 0)
				continue;
			if (makes && strcmp(names[i], "none") == 0)
				continue;
			snprintf(label, sizeof(label), "%s %s", ways[j].name, names[i]);
			opens(label, sys_open(names[i], ways[j].flags | O_NONBLOCK, 0644));
		}
}

static void making(void)
{
	int fd;

	opens("creat dangling", sys_open("dangling", O_CREAT | O_WRONLY, 0640));
	shape("creat dangling: target", "nothing");
	unlink("nothing");
	opens("creat excl dangling", sys_open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0640));
	shape("creat excl dangling: target", "nothing");
	opens("creat nofollow dangling", sys_open("dangling", O_CREAT | O_NOFOLLOW | O_WRONLY, 0640));
	opens("creat", syscall(SYS_creat, "new", 0777));
	shape("creat: mode", "new");
	opens("creat excl again", sys_open("new", O_CREAT | O_EXCL, 0777));
	opens("creat slash", sys_open("new2/", O_CREAT | O_WRONLY, 0777));
	opens("creat in file", sys_open("file/new", O_CREAT | O_WRONLY, 0777));
	opens("creat in none", sys_open("none/new", O_CREAT | O_WRONLY, 0777));
	opens("creat in closed", sys_open("closed/new", O_CREAT | O_WRONLY, 0777));
	opens("creat .", sys_open(".", O_CREAT | O_WRONLY, 0777));
	opens("creat dir/..", sys_open("dir/..", O_CREAT | O_RDONLY, 0777));
	opens("creat dir rd", sys_open("dir", O_CREAT | O_RDONLY, 0777));
	opens("creat rd", sys_open("new3", O_CREAT | O_RDONLY, 0444));
	shape("creat rd: mode", "new3");
	fd = opened("creat readonly for writing", sys_open("new4", O_CREAT | O_RDWR, 0));
	result("creat readonly: write", write(fd, "x", 1));
	close(fd);
	shape("creat readonly: mode", "new4");
	umask(077);
	opens("creat umask", sys_open("new5", O_CREAT | O_WRONLY, 06777));
	shape("creat umask: mode", "new5");
	umask(022);
	opens("trunc", sys_open("copy-of", O_CREAT | O_WRONLY | O_TRUNC, 0666));
	fd = opened("append", sys_open("file", O_WRONLY | O_APPEND, 0));
	lseek(fd, 0, SEEK_SET);
	result("append: write", write(fd, "END", 3));
	result("append: flags", fcntl(fd, F_GETFL) & (O_APPEND | O_ACCMODE));
	close(fd);
	content("append: content", "file");
	fd = opened("rdonly trunc", sys_open("other", O_RDONLY | O_TRUNC, 0));
	close(fd);
	shape("rdonly trunc: size", "other");
	fd = opened("rdonly trunc by link", sys_open("link", O_RDONLY | O_TRUNC, 0));
	close(fd);
	shape("rdonly trunc by link: size", "file");
	opens("bad mode bits", sys_open("new6", O_CREAT | O_WRONLY, 0170644));
	shape("bad mode bits: mode", "new6");
}

static void flags_kept(void)
{
	int fd = (int)sys_open("file", O_RDWR | O_NONBLOCK | O_SYNC | O_NOATIME | O_CLOEXEC, 0);

	observe("kept: flags", "%o", fcntl(fd, F_GETFL));
	result("kept: cloexec", fcntl(fd, F_GETFD));
	close(fd);
	fd = (int)sys_open("file", O_WRONLY | O_DIRECT, 0);
	if (fd >= 0)
		observe("kept: direct", "%o", fcntl(fd, F_GETFL));
	close(fd);
	fd = (int)sys_open("dir", O_RDONLY | O_DIRECTORY, 0);
	observe("kept: dir", "%o", fcntl(fd, F_GETFL));
	close(fd);
	fd = (int)sys_open("dir", O_PATH | O_CLOEXEC, 0);
	observe("kept: path", "%o %d", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	close(fd);
	fd = (int)sys_open("link", O_PATH | O_NOFOLLOW, 0);
	observe("kept: path link", "%o", fcntl(fd, F_GETFL));
	close(fd);
	fd = (int)sys_open("link", O_PATH, 0);
	observe("kept: path through link", "%o", fcntl(fd, F_GETFL));
	if (fd >= 0) {
		char byte;

		result("path: read", read(fd, &byte, 1));
		result("path: fchmod", fchmod(fd, 0600));
		result("path: fchdir", fchdir(fd));
		result("path: lseek", lseek(fd, 0, SEEK_SET));
		result("path: ioctl", syscall(SYS_ioctl, fd, 0x80086601, &byte));
		result("path: ftruncate", ftruncate(fd, 0));
		result("path: mmap", mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
		result("path: fgetxattr", syscall(SYS_fgetxattr, fd, "user.x", NULL, 0));
		result("path: dup", close(dup(fd)));
		close(fd);
	}
}

static void reopened(void)
{
	char name[64], byte;
	int fd = (int)sys_open("file", O_RDONLY, 0), again;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	opens("reopen rd", sys_open(name, O_RDONLY, 0));
	opens("reopen nofollow", sys_open(name, O_RDONLY | O_NOFOLLOW, 0));
	opens("reopen path nofollow", sys_open(name, O_PATH | O_NOFOLLOW, 0));
	opens("reopen excl", sys_open(name, O_CREAT | O_EXCL | O_RDONLY, 0644));
	opens("reopen creat", sys_open(name, O_CREAT | O_WRONLY, 0644));
	opens("reopen dir", sys_open(name, O_DIRECTORY, 0644));
	strcat(name, "/");
	opens("reopen slash", sys_open(name, O_RDONLY, 0));
	close(fd);
	fd = (int)sys_open("file", O_PATH, 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	again = opened("reopen of path rdwr", sys_open(name, O_RDWR, 0));
	result("reopen of path: read", read(again, &byte, 1));
	close(again);
	close(fd);
	fd = (int)sys_open("dir", O_PATH, 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d/a", fd);
	opens("through fd", sys_open(name, O_RDWR, 0));
	snprintf(name, sizeof(name), "/proc/self/fd/%d/../other", fd);
	opens("through fd up", sys_open(name, O_RDWR, 0));
	close(fd);
	fd = (int)sys_open("other", O_RDWR | O_CREAT, 0644);
	unlink("other");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	again = opened("reopen removed", sys_open(name, O_RDWR, 0));
	result("reopen removed: write", write(again, "new", 3));
	close(again);
	result("reopen removed: seen", pread(fd, name, 3, 0));
	close(fd);
	put_file(".", "other", "other", 0644);
}

static void dirfds(void)
{
	int dir = (int)sys_open("dir", O_RDONLY, 0), path = (int)sys_open("dir", O_PATH, 0);
	int file = (int)sys_open("file", O_RDONLY, 0);

	opens("at dir", syscall(SYS_openat, dir, "a", O_RDWR, 0));
	opens("at path dir", syscall(SYS_openat, path, "a", O_RDWR, 0));
	opens("at dir up", syscall(SYS_openat, dir, "../file", O_RDWR, 0));
	opens("at dir creat", syscall(SYS_openat, dir, "made", O_RDWR | O_CREAT, 0644));
	opens("at file", syscall(SYS_openat, file, "a", O_RDONLY, 0));
	opens("at file dot", syscall(SYS_openat, file, ".", O_RDONLY, 0));
	opens("at file empty", syscall(SYS_openat, file, "", O_RDONLY, 0));
	opens("at file absolute", syscall(SYS_openat, file, at_top("file"), O_RDONLY, 0));
	opens("at bad absolute", syscall(SYS_openat, -7, at_top("file"), O_RDWR, 0));
	opens("at bad", syscall(SYS_openat, -7, "file", O_RDONLY, 0));
	opens("at 9999", syscall(SYS_openat, 9999, "file", O_RDONLY, 0));
	opens("at bad empty", syscall(SYS_openat, -7, "", O_RDONLY, 0));
	opens("at bad null", syscall(SYS_openat, -7, NULL, O_RDONLY, 0));
	opens("at path empty", syscall(SYS_openat, path, "", O_RDONLY, 0));
	close(dir);
	close(path);
	close(file);
}

static void strings(void)
{
	char *text = malloc(2 * PATH_MAX);

	opens("null", sys_open(NULL, O_RDONLY, 0));
	opens("nowhere", sys_open(NOWHERE, O_RDONLY, 0));
	opens("page end", sys_open(page_end("file", 5), O_RDONLY, 0));
	opens("page end, unterminated", sys_open(page_end("file", 4), O_RDONLY, 0));
	memset(text, 'n', 256);
	text[256] = '\0';
	opens("name of 256", sys_open(text, O_RDONLY, 0));
	opens("name of 256, creat", sys_open(text, O_CREAT | O_WRONLY, 0644));
	text[255] = '\0';
	opens("name of 255", sys_open(text, O_RDONLY, 0));
	opens("name of 255, creat", sys_open(text, O_CREAT | O_WRONLY, 0644));
	unlink(text);
	strcpy(text + 255, "/x");
	opens("name of 255 missing", sys_open(text, O_RDONLY, 0));
	memset(text, '/', 2 * PATH_MAX);
	for (int i = 0; i < PATH_MAX; i += 2)
		text[i] = '.';
	strcpy(text + PATH_MAX - 5, "file");
	opens("path of 4095", sys_open(text, O_RDONLY, 0));
	opens("path of 4095, rdwr", sys_open(text, O_RDWR, 0));
	strcpy(text + PATH_MAX - 5, "/file");
	opens("path of 4096", sys_open(text, O_RDONLY, 0));
	memset(text, '/', PATH_MAX - 1);
	text[PATH_MAX - 1] = '\0';
	opens("slashes", sys_open(text, O_RDONLY, 0));
	text[PATH_MAX - 1] = '/';
	text[PATH_MAX] = '\0';
	opens("slashes of 4096", sys_open(text, O_RDONLY, 0));
	free(text);
}

static void resolve(void)
{
	static const struct {
		const char *name;
		uint64_t bits;
	} how[] = {
		{ "beneath", RESOLVE_BENEATH },
		{ "in-root", RESOLVE_IN_ROOT },
		{ "no-links", RESOLVE_NO_SYMLINKS },
		{ "no-magic", RESOLVE_NO_MAGICLINKS },
		{ "no-xdev", RESOLVE_NO_XDEV },
		{ "both", RESOLVE_BENEATH | RESOLVE_IN_ROOT },
		{ "unknown", 0x400 },
	};
	static const char *const paths[] = { "a", "../file", "..", "sub/../a", "sub/../../dir/a", "/", "/a", "up", "out",
					     "in", "abs", "up/file", "in/..", "sub/up/a", ".", "", "none", "a/b",
					     "/proc/self/fd/0", "/../../a" };
	char label[100];
	int dir;

	put_link(".", "dir/up", "..");
	put_link(".", "dir/out", "../file");
	put_link(".", "dir/in", "sub");
	put_link(".", "dir/abs", "/sub/deep");
	put_link(".", "dir/sub/up", "..");
	dir = open("dir", O_RDONLY);
	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++)
		for (size_t j = 0; j < sizeof(paths) / sizeof(paths[0]); j++) {
			/* whether the way through "/" crosses a mount is the machine's affair */
			if ((how[i].bits == RESOLVE_NO_XDEV || how[i].bits == RESOLVE_NO_MAGICLINKS) &&
			    (paths[j][0] == '/' || strcmp(paths[j], "abs") == 0))
				continue;
			snprintf(label, sizeof(label), "%s %s", how[i].name, paths[j]);
			opens(label, open2(dir, paths[j], O_RDONLY | O_NONBLOCK, 0, how[i].bits));
			snprintf(label, sizeof(label), "%s path %s", how[i].name, paths[j]);
			opens(label, open2(dir, paths[j], O_PATH | O_NOFOLLOW, 0, how[i].bits));
		}
	opens("beneath creat", open2(dir, "made2", O_CREAT | O_WRONLY, 0644, RESOLVE_BENEATH));
	opens("beneath creat up", open2(dir, "../made2", O_CREAT | O_WRONLY, 0644, RESOLVE_BENEATH));
	opens("in-root creat up", open2(dir, "../made3", O_CREAT | O_WRONLY, 0644, RESOLVE_IN_ROOT));
	shape("in-root creat up: where", "dir/made3");
	opens("magic fd", open2(AT_FDCWD, "/proc/self/cwd", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS));
	opens("magic link itself", open2(AT_FDCWD, "/proc/self/cwd", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_MAGICLINKS));
	opens("no links self", open2(AT_FDCWD, "/proc/self/status", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
	close(dir);
}

static void open2_words(void)
{
	struct open_how how = { .flags = O_RDONLY };
	char big[64] = { 0 };

	opens("how: short", syscall(SYS_openat2, AT_FDCWD, "file", &how, sizeof(how) - 1));
	opens("how: null", syscall(SYS_openat2, AT_FDCWD, "file", NULL, sizeof(how)));
	opens("how: size 0", syscall(SYS_openat2, AT_FDCWD, "file", &how, 0));
	opens("how: size 5000", syscall(SYS_openat2, AT_FDCWD, "file", &how, 5000));
	opens("how: long, zeros", syscall(SYS_openat2, AT_FDCWD, "file", big, sizeof(big)));
	opens("how: long, rdwr", (big[0] = O_RDWR, syscall(SYS_openat2, AT_FDCWD, "file", big, sizeof(big))));
	big[40] = 1;
	opens("how: long, not zeros", syscall(SYS_openat2, AT_FDCWD, "file", big, sizeof(big)));
	opens("how: page end", syscall(SYS_openat2, AT_FDCWD, "file", page_end(&how, sizeof(how)), sizeof(how)));
	opens("how: mode without creat", open2(AT_FDCWD, "file", O_RDWR, 0644, 0));
	opens("how: bad mode", open2(AT_FDCWD, "made4", O_CREAT | O_RDWR, 0170644, 0));
	opens("how: unknown flag", open2(AT_FDCWD, "file", O_RDWR | 0x8000000, 0, 0));
	opens("how: high flag", open2(AT_FDCWD, "file", O_RDWR | (1ULL << 40), 0, 0));
	opens("how: path and more", open2(AT_FDCWD, "file", O_PATH | O_RDWR, 0, 0));
	opens("how: path and creat", open2(AT_FDCWD, "file", O_PATH | O_CREAT, 0, 0));
	opens("how: creat directory", open2(AT_FDCWD, "made4", O_CREAT | O_DIRECTORY, 0644, 0));
	opens("how: cached creat", open2(AT_FDCWD, "made4", O_CREAT | O_WRONLY, 0644, RESOLVE_CACHED));
	opens("how: cached trunc", open2(AT_FDCWD, "file", O_TRUNC | O_WRONLY, 0, RESOLVE_CACHED));
	opens("how: rdwr", open2(AT_FDCWD, "file", O_RDWR, 0, 0));
}

/* Which error comes first. */
static void precedence(void)
{
	opens("closed, excl", sys_open("closed/in", O_CREAT | O_EXCL | O_WRONLY, 0644));
	opens("closed, missing", sys_open("closed/none", O_RDONLY, 0));
	opens("closed/.", sys_open("closed/.", O_RDONLY, 0));
	opens("closed/..", sys_open("closed/..", O_RDONLY, 0));
	opens("closed o_path", sys_open("closed", O_PATH, 0));
	opens("excl dir slash", sys_open("dir/", O_CREAT | O_EXCL | O_WRONLY, 0644));
	opens("excl file slash", sys_open("file/", O_CREAT | O_EXCL | O_WRONLY, 0644));
	opens("excl none slash", sys_open("none/", O_CREAT | O_EXCL | O_WRONLY, 0644));
	opens("excl link", sys_open("link", O_CREAT | O_EXCL | O_WRONLY, 0644));
	opens("excl loop", sys_open("loop", O_CREAT | O_EXCL | O_WRONLY, 0644));
	opens("creat loop", sys_open("loop", O_CREAT | O_WRONLY, 0644));
	opens("excl dot", sys_open(".", O_CREAT | O_EXCL | O_WRONLY, 0644));
	opens("excl empty", sys_open("", O_CREAT | O_EXCL | O_WRONLY, 0644));
	opens("readonly wr", sys_open("readonly", O_WRONLY, 0));
	opens("readonly trunc", sys_open("readonly", O_RDONLY | O_TRUNC, 0));
	opens("readonly creat wr", sys_open("readonly", O_WRONLY | O_CREAT, 0644));
	opens("readonly creat rd", sys_open("readonly", O_RDONLY | O_CREAT, 0644));
	opens("file creat wr", sys_open("file", O_WRONLY | O_CREAT, 0644));
	opens("fifo wr nonblock", sys_open("fifo", O_WRONLY | O_NONBLOCK, 0));
	opens("fifo creat rdwr", sys_open("fifo", O_RDWR | O_CREAT, 0644));
	opens("tmpfile rdonly", sys_open(".", O_TMPFILE | O_RDONLY, 0644));
	opens("tmpfile on file", sys_open("file", O_TMPFILE | O_RDWR, 0644));
	opens("tmpfile on none", sys_open("none", O_TMPFILE | O_RDWR, 0644));
	opens("tmpfile creat", sys_open(".", O_TMPFILE | O_RDWR | O_CREAT, 0644));
	opens("tmpfile bit alone", sys_open(".", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0644));
}

static void run(void)
{
	kinds();
	flags_kept();
	reopened();
	dirfds();
	strings();
	precedence();
	resolve();
	open2_words();
	making();
}
