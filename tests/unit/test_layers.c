/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the layers library: the common part, and the suite.
 *
 * The suite runs on the temporary directory's file system and on a tmpfs, with everything that the kernel offers and
 * without each thing that may be missing; started by root it runs once more as an ordinary user.
 *
 * timeout: 900
 */
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>

#include "test_layers.h"

char base[PATH_MAX];
const char *where;
unsigned features_off;
const struct layers_owner root_owner = {0, 0, 0};
struct layers_owner self_owner;

const char *fmt(const char *format, ...)
{
	static char buf[8][PATH_MAX * 2];
	static int turn;
	va_list ap;
	char *b = buf[turn++ % 8];

	va_start(ap, format);
	vsnprintf(b, sizeof buf[0], format, ap);
	va_end(ap);
	return b;
}

void remove_all(const char *path)
{
	ck_assert(system(fmt("chmod -R u+rwx '%s' 2>/dev/null; rm -rf '%s'", path, path)) == 0);
}

void test_setup(void)
{
	snprintf(base, sizeof base, "%s/layers-XXXXXX", where);
	ck_assert_msg(mkdtemp(base) != NULL, "%s: %s", base, strerror(errno));
	umask(0);
	ck_assert(mkdir(at("lower"), 0755) == 0 && mkdir(at("upper"), 0755) == 0);
	umask(022);
	layers_disable(features_off);
}

void test_teardown(void)
{
	remove_all(base);
}

struct layers *open_config(const struct layers_config *config)
{
	struct layers *l = NULL;
	char why[256] = "";
	int r = layers_open(&l, config, why, sizeof why);

	ck_assert_msg(r == 0, "layers_open: %s", why);
	return l;
}

struct layers *open_stack(bool vstat)
{
	char upper[PATH_MAX], lower[PATH_MAX];
	struct layers_config c = {.upper = upper, .lower = {lower}, .nlower = 1, .vstat = vstat};

	strcpy(upper, at("upper"));
	strcpy(lower, at("lower"));
	return open_config(&c);
}

void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_msg(f && fputs(text, f) >= 0 && fclose(f) == 0, "%s: %s", path, strerror(errno));
}

/* The contents as the stack has them, in a static buffer; NULL if it cannot be opened. */
char *get_file(struct layers *l, const char *path)
{
	static char buf[4096];
	int fd = layers_open_file(l, path, O_RDONLY, 0, &self_owner);
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, buf, sizeof buf - 1);
	close(fd);
	if (n < 0)
		return NULL;
	buf[n] = '\0';
	return buf;
}

int stat_in(struct layers *l, const char *path, struct statx *st)
{
	struct layers_node node;
	char target[PATH_MAX];
	size_t end;
	int r = layers_walk(l, path, &end, &node, target);

	if (r)
		return r < 0 ? r : -ELOOP;
	r = layers_stat(l, path, &node, st);
	close(node.fd);
	return r;
}

bool exists(struct layers *l, const char *path)
{
	struct statx st;

	return stat_in(l, path, &st) == 0;
}

struct list {
	char *buf;
	size_t size;
	int count;
};

static int list_name(void *arg, const char *name, uint64_t ino, unsigned char type)
{
	struct list *l = arg;

	(void)ino;
	(void)type;
	if (l->count++)
		strncat(l->buf, " ", l->size - strlen(l->buf) - 1);
	strncat(l->buf, name, l->size - strlen(l->buf) - 1);
	return 0;
}

/* Names in a directory, separated by blanks, in the order listed; their number, or an error. */
int list_in(struct layers *l, const char *path, char *buf, size_t size)
{
	struct list list = {buf, size, 0};
	int r;

	buf[0] = '\0';
	r = layers_readdir(l, path, list_name, &list);
	return r < 0 ? r : list.count;
}

int work_entries(void)
{
	DIR *d = opendir(at("upper/.umview/work"));
	int n = 0;

	if (!d)
		return -errno;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* Is there really something at base/PATH? */
bool has_raw(const char *path)
{
	struct stat st;

	return lstat(at("%s", path), &st) == 0;
}

static int run_suite(void)
{
	static const unsigned sets[] = {
	    0,
	    LAYERS_OPENAT2 | LAYERS_XATTRAT,
	    LAYERS_USER_XATTR,
	    LAYERS_WHITEOUT_NODE,
	    LAYERS_RENAME_WHITEOUT,
	    LAYERS_SHARED_MAP,
	    LAYERS_USER_NS,
	    ~0u,
	};
	const char *tmp = getenv("TMPDIR"), *only = getenv("LAYERS_WITHOUT"); /* hex: that set alone */
	const char *places[] = {tmp ? tmp : "/tmp", "/dev/shm"};
	size_t i, k, last = access(places[1], W_OK) == 0;
	int failed = 0;

	for (i = 0; i < sizeof places / sizeof *places; i++) {
		if (access(places[i], W_OK) < 0)
			continue;
		for (k = 0; k < sizeof sets / sizeof *sets; k++) {
			Suite *s;
			SRunner *r;

			/* What is missing matters little to where: one place, the faster one, will do for that. */
			if (only ? strtoul(only, NULL, 16) != sets[k] : k && i != last)
				continue;
			s = suite_create(fmt("layers as %d in %s without %x", getuid(), places[i], sets[k]));
			where = places[i];
			features_off = sets[k];
			suite_add_tcase(s, layers_random_case());
			suite_add_tcase(s, layers_tree_case());
			suite_add_tcase(s, layers_store_case());
			suite_add_tcase(s, layers_copyup_case());
			suite_add_tcase(s, layers_attr_case());
			suite_add_tcase(s, layers_kill_case());
			r = srunner_create(s);
			srunner_run_all(r, CK_NORMAL);
			failed += srunner_ntests_failed(r);
			srunner_free(r);
		}
	}
	return failed;
}

static void set_self(void)
{
	self_owner = (struct layers_owner){getuid(), getgid(), 0};
}

/* Once more as somebody without privileges. */
static int run_as_user(void)
{
	struct passwd *pw = getpwnam("uvtest");
	uid_t uid = pw ? pw->pw_uid : 65534;
	gid_t gid = pw ? pw->pw_gid : 65534;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		unsetenv("TMPDIR");
		if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(1);
		set_self();
		exit(run_suite() ? 1 : 0);
	}
	return pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0;
}

int main(void)
{
	int failed;

	set_self();
	failed = run_suite();
	if (geteuid() == 0)
		failed += run_as_user();
	return failed ? 1 : 0;
}
