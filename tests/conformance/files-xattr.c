/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extended attributes by all doors, the *xattrat calls among them; file_getattr and file_setattr. */
/* setup: yes */
/* cflags: -Wno-stringop-overread -Wno-stringop-overflow */
#include <sys/xattr.h>

#include "trees.h"

#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_getxattrat 464
#define SYS_listxattrat 465
#define SYS_removexattrat 466
#endif
#ifndef SYS_file_getattr
#define SYS_file_getattr 468
#define SYS_file_setattr 469
#endif

struct at_args {
	uint64_t value;
	uint32_t size, flags;
};

struct file_attributes {
	uint64_t xflags;
	uint32_t extsize, nextents, projid, cowextsize;
};

static const char *const names[] = { "file", "readonly", "dir", "fifo", "link", "dirlink", "loop", "dangling", "file/",
				     "dir/", "link/", ".", "", "none", "none/x", "file/x", "closed/in", "dirlink/a",
				     "hard1", "secret" };

static long setat(int fd, const char *path, int at, const char *name, const void *value, uint32_t size, uint32_t flags)
{
	struct at_args args = { (uint64_t)(uintptr_t)value, size, flags };

	return syscall(SYS_setxattrat, fd, path, at, name, &args, sizeof(args));
}

static long getat(int fd, const char *path, int at, const char *name, void *value, uint32_t size)
{
	struct at_args args = { (uint64_t)(uintptr_t)value, size, 0 };

	return syscall(SYS_getxattrat, fd, path, at, name, &args, sizeof(args));
}

/* The names of the user's attributes, in order; those of security modules are the machine's. */
static void list(const char *door, const char *path)
{
	char text[4096], *found[64];
	ssize_t n = llistxattr(path, text, sizeof(text));
	char out[1024] = "";
	int count = 0;

	if (n < 0) {
		observe(door, "%s", outcome(-1));
		return;
	}
	for (char *p = text; p < text + n; p += strlen(p) + 1)
		if (strncmp(p, "security.selinux", 16) != 0 && count < 64)
			found[count++] = p;
	for (int i = 0; i < count; i++)
		for (int j = i + 1; j < count; j++)
			if (strcmp(found[j], found[i]) < 0) {
				char *t = found[i];

				found[i] = found[j];
				found[j] = t;
			}
	for (int i = 0; i < count; i++)
		snprintf(out + strlen(out), sizeof(out) - strlen(out), " %s", found[i]);
	observe(door, "%d%s", count, out);
}

static void doors(void)
{
	char text[300];

	for (size_t i = 0; i < COUNT(names); i++) {
		const char *p = names[i];
		int fd;

		result(label("setxattr", p), setxattr(p, "user.one", "1", 1, 0));
		result(label("lsetxattr", p), lsetxattr(p, "user.two", "22", 2, 0));
		result(label("setxattr create", p), setxattr(p, "user.one", "x", 1, XATTR_CREATE));
		result(label("setxattr replace", p), setxattr(p, "user.three", "x", 1, XATTR_REPLACE));
		result(label("setxattr empty", p), setxattr(p, "user.empty", "", 0, 0));
		result(label("setxattr null value", p), setxattr(p, "user.empty2", NULL, 0, 0));
		result(label("setxattr trusted", p), geteuid() ? setxattr(p, "trusted.x", "1", 1, 0) : 0);
		result(label("setxattr no prefix", p), setxattr(p, "nothing", "1", 1, 0));
		result(label("setxattr user.", p), setxattr(p, "user.", "1", 1, 0));
		result(label("setxattr system.x", p), setxattr(p, "system.x", "1", 1, 0));
		result(label("setxattr security.x", p), geteuid() ? setxattr(p, "security.x", "1", 1, 0) : 0);
		result(label("getxattr", p), getxattr(p, "user.one", text, sizeof(text)));
		result(label("getxattr size", p), getxattr(p, "user.one", NULL, 0));
		result(label("getxattr small", p), getxattr(p, "user.two", text, 1));
		result(label("getxattr none", p), getxattr(p, "user.none", text, 10));
		result(label("getxattr no prefix", p), getxattr(p, "nothing", text, 10));
		result(label("lgetxattr", p), lgetxattr(p, "user.two", text, sizeof(text)));
		list(label("llistxattr", p), p);
		result(label("listxattr small", p), listxattr(p, text, 3) == -1 && errno == ERANGE ? 3 : 0);
		result(label("setxattrat", p), setat(AT_FDCWD, p, 0, "user.at", "at", 2, 0));
		result(label("setxattrat nofollow", p), setat(AT_FDCWD, p, AT_SYMLINK_NOFOLLOW, "user.at2", "at", 2, 0));
		result(label("setxattrat abs", p), setat(9999, at_top(p), 0, "user.at", "attt", 4, XATTR_REPLACE));
		result(label("getxattrat", p), getat(AT_FDCWD, p, 0, "user.at", text, 10));
		result(label("getxattrat nofollow", p), getat(AT_FDCWD, p, AT_SYMLINK_NOFOLLOW, "user.at2", text, 10));
		result(label("getxattrat empty", p), getat(AT_FDCWD, p, AT_EMPTY_PATH, "user.at", text, 10));
		result(label("listxattrat", p),
		       syscall(SYS_listxattrat, AT_FDCWD, p, 0, text, sizeof(text)) < 0 ? -1 : 0);
		result(label("removexattrat", p), syscall(SYS_removexattrat, AT_FDCWD, p, 0, "user.at2"));
		result(label("removexattrat again", p),
		       syscall(SYS_removexattrat, AT_FDCWD, p, AT_SYMLINK_NOFOLLOW, "user.at2"));
		for (int w = 0; w < 2; w++) {
			fd = open(p, w ? O_PATH | O_NOFOLLOW : O_RDONLY | O_NONBLOCK);
			if (fd < 0)
				continue;
			result(label(w ? "path fsetxattr" : "fsetxattr", p), fsetxattr(fd, "user.fd", "fd", 2, 0));
			result(label(w ? "path fgetxattr" : "fgetxattr", p), fgetxattr(fd, "user.fd", text, 10));
			result(label(w ? "path flistxattr" : "flistxattr", p), flistxattr(fd, text, 300) < 0 ? -1 : 0);
			result(label("setxattrat fd", p), setat(fd, "", AT_EMPTY_PATH, "user.atfd", "1", 1, 0));
			result(label("getxattrat fd", p), getat(fd, "", AT_EMPTY_PATH, "user.atfd", text, 10));
			result(label("getxattrat fd null", p), getat(fd, NULL, AT_EMPTY_PATH, "user.atfd", text, 10));
			result(label("getxattrat fd no flag", p), getat(fd, "", 0, "user.atfd", text, 10));
			result(label("listxattrat fd", p),
			       syscall(SYS_listxattrat, fd, "", AT_EMPTY_PATH, text, 300) < 0 ? -1 : 0);
			result(label("removexattrat fd", p),
			       syscall(SYS_removexattrat, fd, "", AT_EMPTY_PATH, "user.atfd"));
			result(label("fremovexattr", p), fremovexattr(fd, "user.fd"));
			close(fd);
		}
		list(label("llistxattr at the end", p), p);
		result(label("removexattr", p), removexattr(p, "user.one"));
		result(label("removexattr again", p), removexattr(p, "user.one"));
		result(label("lremovexattr", p), lremovexattr(p, "user.two"));
		list(label("llistxattr after removal", p), p);
	}
}

static void words(void)
{
	struct at_args args = { (uint64_t)(uintptr_t)"v", 1, 0 }, odd = { (uint64_t)(uintptr_t)"v", 1, 8 };
	char name[300], text[300], *big = calloc(1, 70000);

	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[256] = '\0';
	result("name of 256", setxattr("file", name, "1", 1, 0));
	result("name of 256, none", setxattr("none", name, "1", 1, 0));
	result("get name of 256", getxattr("file", name, text, 10));
	name[255] = '\0';
	result("name of 255", setxattr("file", name, "1", 1, 0));
	result("remove name of 255", removexattr("file", name));
	result("empty name", setxattr("file", "", "1", 1, 0));
	result("empty name, none", setxattr("none", "", "1", 1, 0));
	result("get empty name", getxattr("file", "", text, 10));
	result("remove empty name", removexattr("file", ""));
	result("null name", setxattr("file", NULL, "1", 1, 0));
	result("get null name, none", getxattr("none", NULL, text, 10));
	result("value of 70000", setxattr("file", "user.big", big, 70000, 0));
	result("value of 70000, none", setxattr("none", "user.big", big, 70000, 0));
	result("nowhere value", setxattr("file", "user.x", NOWHERE, 5, 0));
	result("nowhere value, none", setxattr("none", "user.x", NOWHERE, 5, 0));
	result("bad flags", setxattr("file", "user.x", "1", 1, 4));
	result("bad flags, none", setxattr("none", "user.x", "1", 1, 4));
	result("both flags", setxattr("file", "user.x", "1", 1, XATTR_CREATE | XATTR_REPLACE));
	result("null path", setxattr(NULL, "user.x", "1", 1, 0));
	result("null path, bad name", setxattr(NULL, "", "1", 1, 0));
	setxattr("file", "user.x", "123", 3, 0);
	result("get to nowhere", getxattr("file", "user.x", NOWHERE, 10));
	result("get at page end", getxattr("file", "user.x", page_end("123", 3), 3));
	result("list to nowhere", listxattr("file", NOWHERE, 100));
	result("list size", listxattr("file", NULL, 0) > 0);
	result("fget bad", fgetxattr(9999, "user.x", text, 10));
	result("fset bad", fsetxattr(9999, "user.x", "1", 1, 0));
	result("fset bad, bad name", fsetxattr(9999, "", "1", 1, 0));
	result("flist bad", flistxattr(9999, text, 10));
	result("fremove bad", fremovexattr(9999, "user.x"));
	result("at: short", syscall(SYS_setxattrat, AT_FDCWD, "file", 0, "user.x", &args, 8));
	result("at: size 0", syscall(SYS_setxattrat, AT_FDCWD, "file", 0, "user.x", &args, 0));
	result("at: size 5000", syscall(SYS_setxattrat, AT_FDCWD, "file", 0, "user.x", &args, 5000));
	memcpy(big, &args, sizeof(args));
	result("at: long", syscall(SYS_setxattrat, AT_FDCWD, "file", 0, "user.x", big, 64));
	big[40] = 1;
	result("at: long, not zeros", syscall(SYS_setxattrat, AT_FDCWD, "file", 0, "user.x", big, 64));
	result("at: null args", syscall(SYS_setxattrat, AT_FDCWD, "file", 0, "user.x", NULL, sizeof(args)));
	result("at: null args, get", syscall(SYS_getxattrat, AT_FDCWD, "file", 0, "user.x", NULL, sizeof(args)));
	result("at: bad flag", syscall(SYS_setxattrat, AT_FDCWD, "file", 0x8000, "user.x", &args, sizeof(args)));
	result("at: bad flag, list", syscall(SYS_listxattrat, AT_FDCWD, "file", 0x8000, text, sizeof(text)));
	result("at: bad flag, remove", syscall(SYS_removexattrat, AT_FDCWD, "file", 0x8000, "user.x"));
	result("at: odd args", syscall(SYS_setxattrat, AT_FDCWD, "file", 0, "user.x", &odd, sizeof(odd)));
	result("at: odd args, get", syscall(SYS_getxattrat, AT_FDCWD, "file", 0, "user.x", &odd, sizeof(odd)));
	result("at: bad fd", setat(9999, "file", 0, "user.x", "1", 1, 0));
	result("at: bad fd, empty", setat(9999, "", AT_EMPTY_PATH, "user.x", "1", 1, 0));
	result("at: cwd, empty", setat(AT_FDCWD, "", AT_EMPTY_PATH, "user.x", "1", 1, 0));
	result("at: cwd, null", setat(AT_FDCWD, NULL, AT_EMPTY_PATH, "user.x", "1", 1, 0));
	free(big);
}

static void attributes(void)
{
	struct file_attributes attr;

	for (size_t i = 0; i < COUNT(names); i++) {
		const char *p = names[i];
		int fd = open(p, O_RDONLY | O_NONBLOCK);

		if (strcmp(p, "fifo") != 0 && strcmp(p, "link") != 0)
			result(label("file_getattr", p),
			       syscall(SYS_file_getattr, AT_FDCWD, p, &attr, sizeof(attr), 0));
		result(label("file_getattr bad flag", p),
		       syscall(SYS_file_getattr, AT_FDCWD, p, &attr, sizeof(attr), 0x8000));
		if (fd < 0)
			continue;
		if (strcmp(p, "fifo") != 0)
			result(label("file_getattr fd", p),
			       syscall(SYS_file_getattr, fd, "", &attr, sizeof(attr), AT_EMPTY_PATH));
		close(fd);
	}
	result("file_getattr short", syscall(SYS_file_getattr, AT_FDCWD, "file", &attr, 8, 0));
	result("file_getattr nowhere", syscall(SYS_file_getattr, AT_FDCWD, "file", NOWHERE, sizeof(attr), 0));
	result("file_getattr null", syscall(SYS_file_getattr, AT_FDCWD, NULL, &attr, sizeof(attr), 0));
	result("file_setattr short", syscall(SYS_file_setattr, AT_FDCWD, "file", &attr, 8, 0));
	result("file_setattr none",
	       (memset(&attr, 0, sizeof(attr)), syscall(SYS_file_setattr, AT_FDCWD, "none", &attr, sizeof(attr), 0)));
}

static void run(void)
{
	words();
	doors();
	attributes();
}
