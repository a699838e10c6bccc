/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The oracle: the same random operations on a stack and, by plain system calls, on a copy of its lower directory.
 * Results and errors must be the same, and so must the trees.
 */
#include "test_layers.h"

#define NAMES 5
#define DEPTH 3

static char oracle[PATH_MAX];
static unsigned seed;
static bool no_xattrs, no_links;

static unsigned rnd(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

static void random_path(char *buf)
{
	int depth = 1 + rnd(DEPTH), i;

	buf[0] = '\0';
	for (i = 0; i < depth; i++)
		sprintf(buf + strlen(buf), "%s%c", i ? "/" : "", 'a' + rnd(NAMES));
}

/* Make a random tree of real files; without hard links, which have tests of their own. */
static void grow_tree(const char *dir, int depth)
{
	char path[PATH_MAX];
	int i;

	for (i = 0; i < NAMES; i++) {
		sprintf(path, "%s/%c", dir, 'a' + i);
		switch (rnd(8)) {
		case 0:
		case 1:
		case 2:
			mkdir(path, 0755);
			chmod(path, 0755);
			if (depth < DEPTH)
				grow_tree(path, depth + 1);
			break;
		case 3:
		case 4:
			put_file(path, fmt("%s %u", path + strlen(base), rnd(1000)));
			chmod(path, rnd(2) ? 0644 : 0600);
			if (rnd(3) == 0 && !no_xattrs)
				setxattr(path, "user.color", "red", 3, 0);
			break;
		case 5:
			ck_assert(symlink(rnd(2) ? "a" : "../b", path) == 0);
			break;
		case 6:
			mkfifo(path, 0600);
			break;
		default:
			break;
		}
	}
}

static void run(const char *cmd)
{
	ck_assert_msg(system(cmd) == 0, "%s", cmd);
}

/* -1 and errno to a negative errno */
static int neg(long r)
{
	return r < 0 ? -errno : 0;
}

/* Is there a symbolic link on the way?  Such paths are not given to the library. */
static bool link_on_way(const char *path)
{
	char buf[PATH_MAX];
	struct stat st;
	char *p;

	strcpy(buf, fmt("%s/%s", oracle, path));
	for (p = buf + strlen(oracle) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		if (lstat(buf, &st) == 0 && S_ISLNK(st.st_mode))
			return true;
	}
	return false;
}

static int oracle_open(const char *path, int flags, const char *text)
{
	int fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK, 0640);

	if (fd < 0)
		return -errno;
	if (text[0] && write(fd, text, strlen(text)) < 0)
		ck_assert_msg(errno == EPIPE || errno == EAGAIN, "write");
	close(fd);
	return 0;
}

static int stack_open(struct layers *l, const char *path, int flags, const char *text)
{
	int fd = layers_open_file(l, path, flags | O_NOFOLLOW | O_NONBLOCK, 0640, &self_owner);

	if (fd < 0)
		return fd;
	if (text[0] && write(fd, text, strlen(text)) < 0)
		ck_assert_msg(errno == EPIPE || errno == EAGAIN, "write");
	close(fd);
	return 0;
}

/* One random operation on both. */
static void step(struct layers *l, int n)
{
	static const int open_flags[] = {
	    O_RDONLY,	      O_WRONLY | O_CREAT | O_TRUNC, O_WRONLY | O_CREAT | O_EXCL, O_WRONLY | O_APPEND,
	    O_RDWR | O_CREAT, O_WRONLY | O_TRUNC,	    O_RDONLY | O_DIRECTORY,	 O_RDONLY | O_CREAT};
	char a[32], b[32], oa[PATH_MAX + 64], ob[PATH_MAX + 64], text[64] = "", what[100] = "";
	int want = 0, got = 0, f;
	struct timespec times[2] = {{1000 + rnd(1000), rnd(1000000000)}, {2000 + rnd(1000), rnd(1000000000)}};

	random_path(a);
	random_path(b);
	if (link_on_way(a) || link_on_way(b))
		return;
	sprintf(oa, "%s/%s", oracle, a);
	sprintf(ob, "%s/%s", oracle, b);
	switch (rnd(16)) {
	case 0:
	case 1:
	case 2:
		f = open_flags[rnd(sizeof open_flags / sizeof *open_flags)];
		if ((f & O_ACCMODE) != O_RDONLY)
			sprintf(text, "text %d", n);
		sprintf(what, "open %s %o", a, f);
		want = oracle_open(oa, f, text);
		got = stack_open(l, a, f, text);
		break;
	case 3:
		sprintf(what, "mkdir %s", a);
		want = neg(mkdir(oa, 0750));
		got = layers_mkdir(l, a, 0750, &self_owner);
		break;
	case 4:
		sprintf(what, "rmdir %s", a);
		want = neg(rmdir(oa));
		got = layers_rmdir(l, a);
		break;
	case 5:
	case 6:
		sprintf(what, "unlink %s", a);
		want = neg(unlink(oa));
		got = layers_unlink(l, a);
		break;
	case 7:
		sprintf(what, "symlink %s", a);
		want = neg(symlink("../x", oa));
		got = layers_symlink(l, "../x", a, &self_owner);
		break;
	case 8:
		/* Names of one file in a lower layer are names of two, once one of them was copied up. */
		if (no_links)
			break;
		sprintf(what, "link %s %s", a, b);
		want = neg(link(oa, ob));
		got = layers_link(l, a, b);
		break;
	case 9:
	case 10:
	case 11:
		f = rnd(4);
		f = f == 2 ? RENAME_NOREPLACE : f == 3 ? RENAME_EXCHANGE : 0;
		sprintf(what, "rename %s %s %d", a, b, f);
		want = neg(renameat2(AT_FDCWD, oa, AT_FDCWD, ob, f));
		got = layers_rename(l, a, b, f);
		break;
	case 12:
		f = 0700 | rnd(64);
		sprintf(what, "chmod %s %o", a, f);
		want = neg(fchmodat(AT_FDCWD, oa, f, AT_SYMLINK_NOFOLLOW));
		got = layers_chmod(l, a, f);
		break;
	case 13:
		sprintf(what, "utimens %s", a);
		want = neg(utimensat(AT_FDCWD, oa, times, AT_SYMLINK_NOFOLLOW));
		got = layers_utimens(l, a, times);
		break;
	case 14:
		if (rnd(2)) {
			sprintf(what, "mkfifo %s", a);
			want = neg(mkfifo(oa, 0640));
			got = layers_mknod(l, a, S_IFIFO | 0640, 0, &self_owner);
		} else {
			struct stat st;

			if (lstat(oa, &st) == 0 && S_ISFIFO(st.st_mode))
				break; /* it would block */
			f = rnd(10000);
			sprintf(what, "truncate %s %d", a, f);
			if (lstat(oa, &st) == 0 && S_ISLNK(st.st_mode))
				want = -EINVAL;
			else
				want = neg(truncate(oa, f));
			got = layers_truncate(l, a, f);
		}
		break;
	default:
		f = rnd(3);
		/* Where there are none, they are kept in the upper directory's own metadata, which a layer has not.
		 */
		if (no_xattrs)
			break;
		sprintf(what, "xattr %s %d", a, f);
		want = neg(f ? lsetxattr(oa, "user.color", "blue", 4, 0) : lremovexattr(oa, "user.color"));
		got = f ? layers_setxattr(l, a, "user.color", "blue", 4, 0) : layers_removexattr(l, a, "user.color");
		/* The kernel looks at the type first, or at the name: both are fine. */
		if (want == -EPERM && got == -ENODATA)
			got = want;
		break;
	}
	if (got > 0)
		got = 0;
	if (getenv("TRACE"))
		fprintf(stderr, "%d: %s = %d\n", n, what, got);
	ck_assert_msg(want == got, "step %d: %s: %s, not %s", n, what, strerror(-got), strerror(-want));
}

struct names {
	char text[32][16];
	uint64_t ino[32];
	unsigned char type[32];
	int count;
};

static int take(void *arg, const char *name, uint64_t ino, unsigned char type)
{
	struct names *n = arg;
	int i;

	for (i = 0; i < n->count; i++)
		ck_assert_msg(strcmp(n->text[i], name) != 0, "%s is listed twice", name);
	ck_assert(n->count < 32);
	strcpy(n->text[n->count], name);
	n->ino[n->count] = ino;
	n->type[n->count++] = type;
	return 0;
}

static void compare_file(struct layers *l, const char *path, const struct stat *want)
{
	int a = layers_open_file(l, path, O_RDONLY, 0, &self_owner), b = open(fmt("%s/%s", oracle, path), O_RDONLY);
	static char x[20000], y[20000];
	ssize_t n, m;
	struct statx st;

	ck_assert_msg(a >= 0 && b >= 0, "%s: open: %d %s", path, a, strerror(a < 0 ? -a : 0));
	n = read(a, x, sizeof x);
	m = read(b, y, sizeof y);
	ck_assert_msg(n == m && !memcmp(x, y, n), "%s: contents differ: %zd %zd", path, n, m);
	ck_assert(statx(a, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) == 0);
	ok(layers_patch_stat(l, a, &st));
	ck_assert_msg(st.stx_mode == want->st_mode, "%s: patched mode %o, not %o", path, st.stx_mode, want->st_mode);
	n = layers_getxattr(l, path, "user.color", x, sizeof x);
	m = getxattr(fmt("%s/%s", oracle, path), "user.color", y, sizeof y);
	ck_assert_msg(n == (m < 0 ? -errno : m), "%s: xattr %zd, not %zd", path, n, m);
	close(a);
	close(b);
}

static void compare_dir(struct layers *l, const char *path);

static void compare(struct layers *l, const char *path, uint64_t ino, unsigned char type)
{
	struct stat want;
	struct statx got;
	char target[PATH_MAX], link_target[PATH_MAX] = "";
	struct layers_node node;
	size_t end;

	ck_assert_msg(lstat(fmt("%s/%s", oracle, path), &want) == 0, "%s exists", path);
	gives(layers_walk(l, path, &end, &node, target), 0);
	ok(layers_stat(l, path, &node, &got));
	ck_assert_msg(got.stx_mode == want.st_mode, "%s: mode %o, not %o", path, got.stx_mode, want.st_mode);
	ck_assert_msg(node.type == (want.st_mode & S_IFMT) && type == IFTODT(want.st_mode), "%s: type %o %d", path,
		      node.type, type);
	ck_assert_msg(got.stx_uid == want.st_uid && got.stx_gid == want.st_gid, "%s: owner %d", path, got.stx_uid);
	ck_assert_msg(got.stx_ino == ino, "%s: listed as %llu, is %llu", path, (unsigned long long)ino,
		      (unsigned long long)got.stx_ino);
	if (S_ISDIR(want.st_mode)) {
		compare_dir(l, path);
	} else if (S_ISLNK(want.st_mode)) {
		ck_assert(readlink(fmt("%s/%s", oracle, path), link_target, sizeof link_target - 1) > 0);
		ck_assert_str_eq(target, link_target);
	} else {
		ck_assert_msg(got.stx_size == (uint64_t)want.st_size, "%s: size %llu, not %lld", path,
			      (unsigned long long)got.stx_size, (long long)want.st_size);
		if (want.st_mtime < 4000)
			ck_assert_msg(got.stx_mtime.tv_sec == want.st_mtime &&
					  got.stx_mtime.tv_nsec == (unsigned)want.st_mtim.tv_nsec,
				      "%s: mtime", path);
	}
	if (S_ISREG(want.st_mode))
		compare_file(l, path, &want);
	close(node.fd);
}

static void compare_dir(struct layers *l, const char *path)
{
	struct names names = {.count = 0};
	struct dirent *e;
	DIR *d = opendir(fmt("%s/%s", oracle, path));
	int n = 0, i;

	ck_assert(d != NULL);
	gives(layers_readdir(l, path, take, &names), 0);
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			n++;
	}
	closedir(d);
	for (i = 0; i < names.count; i++) {
		char child[PATH_MAX];

		sprintf(child, "%s%s%s", path, path[0] ? "/" : "", names.text[i]);
		compare(l, child, names.ino[i], names.type[i]);
	}
	ck_assert_msg(names.count == n, "%s: %d names, not %d", path, names.count, n);
}

static void begin(unsigned s)
{
	char lower[PATH_MAX];

	seed = s;
	strcpy(oracle, at("oracle"));
	strcpy(lower, at("lower"));
	grow_tree(lower, 1);
	run(fmt("cp -a %s %s", at("lower"), oracle));
	run(fmt("cp -a %s %s", at("lower"), at("pristine")));
}

/* The lower directory is what it was: names, attributes, times and contents.  (Fifos are for use, not only for
 * looking.) */
static void lower_untouched(void)
{
	const char *list =
	    "find . ! -type p -printf '%P %y %m %n %T@ %l\\n' | sort; find . -type f | sort | xargs cksum";

	run(fmt("cd %s/lower && { %s; } > ../one; cd ../pristine && { %s; } > ../two; diff ../one ../two", base, list,
		list));
}

START_TEST(random_ops)
{
	bool vstat = _i & 1;
	struct layers *one, *two;
	int i;

	begin(_i * 7919 + 17);
	one = open_stack(vstat);
	two = open_stack(vstat);
	compare_dir(one, "");
	for (i = 0; i < 600; i++) {
		step(rnd(4) ? one : two, i);
		if (i % 100 == 99) {
			compare_dir(one, "");
			compare_dir(two, "");
		}
	}
	layers_close(one);
	layers_close(two);
	one = open_stack(vstat);
	compare_dir(one, "");
	layers_close(one);
	gives(work_entries(), 0);
	lower_untouched();
}
END_TEST

/* The upper directory of one stack as a middle layer of the next one, and all of them read-only. */
START_TEST(random_layers)
{
	struct layers_config c = {.nlower = 1};
	struct layers *l;
	char upper[3][PATH_MAX], lower[PATH_MAX];
	int i, k;

	no_xattrs = features_off & LAYERS_USER_XATTR;
	no_links = true;
	begin(_i * 104729 + 5);
	strcpy(lower, at("lower"));
	for (k = 0; k < 3; k++) {
		strcpy(upper[k], at("upper%d", k));
		ck_assert(mkdir(upper[k], 0755) == 0);
		ck_assert(chmod(upper[k], 0755) == 0);
		c.upper = upper[k];
		c.nlower = k + 1;
		for (i = 0; i < k; i++)
			c.lower[i] = upper[k - 1 - i];
		c.lower[k] = lower;
		l = open_config(&c);
		for (i = 0; i < 150; i++)
			step(l, i);
		compare_dir(l, "");
		layers_close(l);
	}
	c.upper = NULL;
	c.nlower = 4;
	for (i = 0; i < 3; i++)
		c.lower[i] = upper[2 - i];
	c.lower[3] = lower;
	l = open_config(&c);
	compare_dir(l, "");
	gives(layers_mkdir(l, "new", 0755, &self_owner), -EROFS);
	layers_close(l);
	lower_untouched();
}
END_TEST

TCase *layers_random_case(void)
{
	TCase *t = tcase_create("random");

	tcase_add_checked_fixture(t, test_setup, test_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, random_ops, 0, 6);
	tcase_add_loop_test(t, random_layers, 0, 6);
	return t;
}
