/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the global hash table: its rules, random operations against a plain list, and readers in other processes.
 *
 * "test_hashtab --bench" measures look-ups instead.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "monitor/hashtab.h"

static const uint32_t node0[] = { 0 };
static const uint64_t birth0[] = { UINT64_MAX };
static const struct hashtab_scope all = { .epoch = UINT64_MAX, .nodes = node0, .births = birth0, .nnodes = 1 };

static int64_t add_path(struct hashtab *ht, const char *path, uint32_t node, uint32_t owner)
{
	int64_t id = hashtab_add(ht, HT_PATH, path, strlen(path), node, owner, 0);

	ck_assert_int_gt(id, 0);
	return id;
}

/* Owner of the entry that a path belongs to, or -1. */
static int owner_of(struct hashtab *ht, const char *path, const struct hashtab_scope *scope)
{
	struct hashtab_entry e;
	int r = hashtab_find_path(ht, path, strlen(path), scope, &e);

	if (r == 0)
		return (int)e.owner;
	ck_assert_int_eq(r, -ENOENT);
	return -1;
}

START_TEST(newest_wins)
{
	struct hashtab *ht = hashtab_new();
	struct hashtab_entry e;
	int64_t root;

	ck_assert_ptr_nonnull(ht);
	ck_assert_int_eq(owner_of(ht, "/mnt/x", &all), -1);
	ck_assert_uint_eq(hashtab_npaths(ht), 0);
	add_path(ht, "/mnt", 0, 1);
	ck_assert_int_eq(owner_of(ht, "/mnt", &all), 1);
	ck_assert_int_eq(owner_of(ht, "/mnt/a/b", &all), 1);
	ck_assert_int_eq(owner_of(ht, "/mntx", &all), -1);
	ck_assert_int_eq(owner_of(ht, "/mn", &all), -1);
	ck_assert_int_eq(owner_of(ht, "", &all), -1);
	root = add_path(ht, "", 0, 2);
	ck_assert_int_eq(owner_of(ht, "/mnt/a", &all), 2); /* the newer one hides the older one below it */
	ck_assert_int_eq(owner_of(ht, "", &all), 2);
	add_path(ht, "/mnt/a", 0, 3);
	ck_assert_int_eq(owner_of(ht, "/mnt/a/b", &all), 3);
	ck_assert_int_eq(hashtab_find_path(ht, "/mnt/a/b", 8, &all, &e), 0);
	ck_assert_uint_eq(e.keylen, 6);
	ck_assert_int_eq(hashtab_find_path(ht, "/mnt/b", 6, &all, &e), 0);
	ck_assert_uint_eq(e.keylen, 0);
	ck_assert_int_eq(hashtab_remove(ht, root), 0);
	ck_assert_int_eq(hashtab_remove(ht, root), -ENOENT);
	ck_assert_int_eq(owner_of(ht, "/mnt/b", &all), 1);
	ck_assert_uint_eq(hashtab_npaths(ht), 2);
	hashtab_free(ht);
}
END_TEST

START_TEST(below)
{
	struct hashtab *ht = hashtab_new();

	ck_assert(!hashtab_any_below(ht, "", 0, &all));
	add_path(ht, "/mnt/a", 0, 1);
	ck_assert(hashtab_any_below(ht, "", 0, &all));
	ck_assert(hashtab_any_below(ht, "/mnt", 4, &all));
	ck_assert(!hashtab_any_below(ht, "/mnt/a", 6, &all));
	ck_assert(!hashtab_any_below(ht, "/mn", 3, &all));
	ck_assert(!hashtab_any_below(ht, "/mnu", 4, &all));
	add_path(ht, "", 0, 1);
	ck_assert(!hashtab_any_below(ht, "/usr", 4, &all));
	hashtab_free(ht);
}
END_TEST

START_TEST(epochs_and_nodes)
{
	struct hashtab *ht = hashtab_new();
	uint32_t nodes[] = { 1, 0 };
	uint64_t births[] = { UINT64_MAX, 0 };
	struct hashtab_scope child = { .epoch = UINT64_MAX, .nodes = nodes, .births = births, .nnodes = 2 };
	struct hashtab_scope old = all;

	add_path(ht, "/a", 0, 1);
	births[1] = hashtab_epoch(ht); /* node 1 is born */
	old.epoch = hashtab_epoch(ht);
	add_path(ht, "/a", 0, 2);
	ck_assert_int_eq(owner_of(ht, "/a", &all), 2);
	ck_assert_int_eq(owner_of(ht, "/a", &old), 1);
	ck_assert_int_eq(owner_of(ht, "/a", &child), 1); /* what came after its birth is not inherited */
	add_path(ht, "/a", 1, 3);
	ck_assert_int_eq(owner_of(ht, "/a", &child), 3);
	ck_assert_int_eq(owner_of(ht, "/a", &all), 2); /* and its own is its own */
	hashtab_free(ht);
}
END_TEST

START_TEST(kinds)
{
	struct hashtab *ht = hashtab_new();
	struct hashtab_entry e;
	uint32_t range[] = { 3, 64, 64 }, dev[] = { 3, 64 }, sub[] = { 3, 100, 28 }, req = 0x1234, nr = 7;

	ck_assert_int_gt(hashtab_add(ht, HT_FSTYPE, "umfuse", 6, 0, 1, HT_PREFIX | 5), 0);
	ck_assert_int_gt(hashtab_add(ht, HT_FSTYPE, "viewfs", 6, 0, 2, 0), 0);
	ck_assert_int_eq(hashtab_find(ht, HT_FSTYPE, "umfuseext2", 10, &all, &e), 0);
	ck_assert_uint_eq(e.owner, 1);
	ck_assert_uint_eq(e.keylen, 6);
	ck_assert_uint_eq(e.flags, HT_PREFIX | 5);
	ck_assert_int_eq(hashtab_find(ht, HT_FSTYPE, "umfuse", 6, &all, &e), 0);
	ck_assert_int_eq(hashtab_find(ht, HT_FSTYPE, "umfus", 5, &all, &e), -ENOENT);
	ck_assert_int_eq(hashtab_find(ht, HT_FSTYPE, "viewfs2", 7, &all, &e), -ENOENT);
	ck_assert_int_eq(hashtab_find(ht, HT_MODULE, "viewfs", 6, &all, &e), -ENOENT);

	ck_assert_int_gt(hashtab_add(ht, HT_BLKDEV, range, sizeof(range), 0, 3, 0), 0);
	ck_assert_int_eq(hashtab_find(ht, HT_BLKDEV, dev, sizeof(dev), &all, &e), 0);
	ck_assert_uint_eq(e.owner, 3);
	ck_assert_int_eq(hashtab_find(ht, HT_CHRDEV, dev, sizeof(dev), &all, &e), -ENOENT);
	dev[1] = 127;
	ck_assert_int_eq(hashtab_find(ht, HT_BLKDEV, dev, sizeof(dev), &all, &e), 0);
	dev[1] = 128;
	ck_assert_int_eq(hashtab_find(ht, HT_BLKDEV, dev, sizeof(dev), &all, &e), -ENOENT);
	dev[1] = 63;
	ck_assert_int_eq(hashtab_find(ht, HT_BLKDEV, dev, sizeof(dev), &all, &e), -ENOENT);
	ck_assert_int_eq(hashtab_find(ht, HT_BLKDEV, sub, sizeof(sub), &all, &e), 0);
	sub[2] = 29;
	ck_assert_int_eq(hashtab_find(ht, HT_BLKDEV, sub, sizeof(sub), &all, &e), -ENOENT);
	ck_assert_int_eq(hashtab_find(ht, HT_BLKDEV, dev, 4, &all, &e), -ENOENT);

	ck_assert_int_gt(hashtab_add(ht, HT_IOCTL, &req, sizeof(req), 0, 4, 0), 0);
	ck_assert_int_eq(hashtab_find(ht, HT_IOCTL, &req, sizeof(req), &all, &e), 0);
	ck_assert_int_eq(hashtab_find(ht, HT_SYSCALL, &req, sizeof(req), &all, &e), -ENOENT);
	ck_assert_int_gt(hashtab_add(ht, HT_SYSCALL, &nr, sizeof(nr), 0, 5, 0), 0);
	ck_assert_int_eq(hashtab_find(ht, HT_SYSCALL, &nr, sizeof(nr), &all, &e), 0);

	ck_assert_int_gt(hashtab_add(ht, HT_BINFMT, "\0asm", 4, 0, 6, 0), 0);
	ck_assert_int_eq(hashtab_find(ht, HT_BINFMT, "\0asm\1\0\0\0", 8, &all, &e), 0);
	ck_assert_uint_eq(e.owner, 6);
	ck_assert_int_eq(hashtab_find(ht, HT_BINFMT, "\177ELF", 4, &all, &e), -ENOENT);
	hashtab_free(ht);
}
END_TEST

START_TEST(bad_keys)
{
	struct hashtab *ht = hashtab_new();
	uint32_t range[] = { 1, 2, 0 };
	char *long_path = malloc(5000);

	memset(long_path, 'x', 5000);
	long_path[0] = '/';
	ck_assert_int_eq(hashtab_add(ht, HT_PATH, "/", 1, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(hashtab_add(ht, HT_PATH, "/a/", 3, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(hashtab_add(ht, HT_PATH, "a", 1, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(hashtab_add(ht, HT_PATH, long_path, 4096, 0, 0, 0), -ENAMETOOLONG);
	ck_assert_int_gt(hashtab_add(ht, HT_PATH, long_path, 4095, 0, 0, 0), 0);
	ck_assert_int_eq(owner_of(ht, "/x", &all), -1);
	ck_assert_int_eq(hashtab_add(ht, HT_CHRDEV, range, 12, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(hashtab_add(ht, HT_CHRDEV, range, 8, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(hashtab_add(ht, HT_IOCTL, range, 8, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(hashtab_add(ht, HT_FSTYPE, "", 0, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(hashtab_add(ht, 77, "x", 1, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(hashtab_remove(ht, 0), -ENOENT);
	free(long_path);
	hashtab_free(ht);
}
END_TEST

/* --- random operations against a list -------------------------------------------------------------------------- */

struct model_entry {
	uint32_t id, node, owner;
	uint64_t epoch;
	char key[64];
};

static struct model_entry model[4096];
static size_t nmodel;

struct confirmation {
	const char *path;
	uint64_t last;          /* epoch of the entry asked for before */
	unsigned modulus;       /* owners that it divides are refused; 0: none */
};

static bool confirm_some(void *arg, const struct hashtab_entry *entry, const char *key, size_t keylen)
{
	struct confirmation *c = arg;

	ck_assert_uint_lt(entry->epoch, c->last); /* newest first */
	c->last = entry->epoch;
	ck_assert_uint_eq(keylen, entry->keylen);
	ck_assert(!strncmp(c->path, key, keylen));
	return c->modulus == 0 || entry->owner % c->modulus != 0;
}

/* Few names, so that paths meet often; two of them longer than a bit set's 64 would tell apart. */
static void random_path(char *path, unsigned depth)
{
	static const char *const names[] = { "a", "b", "usr", "var", "long-name" };
	unsigned n = rand() % (depth + 1);

	path[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		strcat(path, "/");
		strcat(path, names[rand() % 5]);
	}
}

static bool prefix_of(const char *key, const char *path)
{
	size_t n = strlen(key);

	return !strncmp(key, path, n) && (path[n] == '\0' || path[n] == '/');
}

static bool model_in_scope(const struct model_entry *m, const struct hashtab_scope *scope)
{
	for (size_t i = 0; i < scope->nnodes; i++)
		if (scope->nodes[i] == m->node && m->epoch < scope->births[i])
			return m->epoch < scope->epoch;
	return false;
}

static const struct model_entry *model_find(const char *path, const struct hashtab_scope *scope, unsigned modulus)
{
	const struct model_entry *best = NULL;

	for (size_t i = 0; i < nmodel; i++)
		if (prefix_of(model[i].key, path) && model_in_scope(&model[i], scope) &&
		    (modulus == 0 || model[i].owner % modulus != 0) && (!best || model[i].epoch > best->epoch))
			best = &model[i];
	return best;
}

static bool model_below(const char *path, const struct hashtab_scope *scope)
{
	for (size_t i = 0; i < nmodel; i++)
		if (prefix_of(path, model[i].key) && strcmp(path, model[i].key) && model_in_scope(&model[i], scope))
			return true;
	return false;
}

static int count_in_order(void *arg, const struct hashtab_entry *entry, const char *key, size_t keylen)
{
	uint64_t *state = arg; /* last epoch, count */

	(void)key;
	(void)keylen;
	ck_assert_uint_gt(entry->epoch, state[0]);
	state[0] = entry->epoch;
	state[1]++;
	return 0;
}

static void compare(struct hashtab *ht)
{
	static const uint32_t nodes[] = { 2, 1, 0 };
	uint64_t clock = hashtab_epoch(ht), births[3] = { UINT64_MAX };
	struct hashtab_scope scope = { .epoch = rand() % 2 ? UINT64_MAX : (uint64_t)rand() % (clock + 1),
				       .nodes = nodes, .births = births, .nnodes = 1 + rand() % 3 };
	struct confirmation c = { .last = UINT64_MAX, .modulus = rand() % 3 ? 2 + rand() % 3 : 0 };
	const struct model_entry *want;
	struct hashtab_entry e;
	bool confirm = rand() % 2;
	char path[128];
	int r;

	births[1] = (uint64_t)rand() % (clock + 1);
	births[2] = (uint64_t)rand() % (births[1] + 1);
	random_path(path, 7);
	ck_assert_int_eq(hashtab_any_below(ht, path, strlen(path), &scope), model_below(path, &scope));
	if (confirm) {
		scope.confirm = confirm_some;
		scope.arg = &c;
		c.path = path;
	}
	want = model_find(path, &scope, confirm ? c.modulus : 0);
	r = hashtab_find_path(ht, path, strlen(path), &scope, &e);
	ck_assert_int_eq(r, want ? 0 : -ENOENT);
	if (want) {
		ck_assert_uint_eq(e.id, want->id);
		ck_assert_uint_eq(e.epoch, want->epoch);
		ck_assert_uint_eq(e.owner, want->owner);
		ck_assert_uint_eq(e.node, want->node);
		ck_assert_uint_eq(e.keylen, strlen(want->key));
	}
}

START_TEST(random_operations)
{
	struct hashtab *ht = hashtab_new();
	struct stat st;

	srand(_i + 1);
	nmodel = 0;
	for (unsigned round = 0; round < 20000; round++) {
		/* phases of growth and of decay, so that the table is rebuilt both ways */
		unsigned limit = round / 4000 % 2 ? 10 : 1 + (1u << (_i % 11));

		if (nmodel < limit && rand() % 3) {
			struct model_entry *m = &model[nmodel++];

			random_path(m->key, 5);
			m->node = rand() % 4;
			m->owner = rand() % 100;
			m->epoch = hashtab_epoch(ht);
			m->id = add_path(ht, m->key, m->node, m->owner);
		} else if (nmodel > 0 && (nmodel > limit || rand() % 3 == 0)) {
			size_t i = rand() % nmodel;

			ck_assert_int_eq(hashtab_remove(ht, model[i].id), 0);
			model[i] = model[--nmodel];
		}
		ck_assert_uint_eq(hashtab_npaths(ht), nmodel);
		compare(ht);
	}
	for (unsigned n = 0; n < 4; n++) {
		struct hashtab_scope one = { .epoch = UINT64_MAX, .nodes = &n, .births = birth0, .nnodes = 1 };
		uint64_t state[2] = { 0, 0 }, want = 0;

		for (size_t i = 0; i < nmodel; i++)
			want += model[i].node == n;
		ck_assert_int_eq(hashtab_each(ht, HT_PATH, &one, count_in_order, state), 0);
		ck_assert_uint_eq(state[1], want);
	}
	ck_assert_int_eq(fstat(hashtab_fd(ht), &st), 0);
	ck_assert_int_le(st.st_size, 512 << 10); /* what was removed is used again */
	hashtab_free(ht);
}
END_TEST

/* --- other processes ------------------------------------------------------------------------------------------- */

/* What a reader sees while the writer replaces "/a/b" by newer entries: always one, never an older one again, and
 * never something that was not added. */
static int reader(int fd, int ready)
{
	struct hashtab *ht = hashtab_map(fd);
	struct hashtab_entry e;
	uint32_t last = 0;
	char path[64];

	if (!ht || write(ready, "", 1) != 1)
		return 2;
	for (unsigned i = 0; last < UINT32_MAX; i++) {
		if (hashtab_find_path(ht, "/a/b/c/d", 8, &all, &e) != 0 || e.keylen != 4 || e.owner < last)
			return 3;
		last = e.owner;
		snprintf(path, sizeof(path), "/other/%u", i % 1000);
		if (hashtab_find_path(ht, path, strlen(path), &all, &e) == 0 && e.owner != i % 1000)
			return 4;
		if (hashtab_find_path(ht, "/none/of/these", 14, &all, &e) != -ENOENT)
			return 5;
		if (i % 64 == 0 && !hashtab_any_below(ht, "/a", 2, &all))
			return 6;
	}
	hashtab_free(ht);
	return 0;
}

static void churn(struct hashtab *ht, int64_t old)
{
	int64_t others[1000] = { 0 };

	for (uint32_t i = 1; i < 60000; i++) {
		unsigned k = (i * 7919u) % 1000;
		char path[64];
		int64_t id = add_path(ht, "/a/b", 0, i);

		ck_assert_int_eq(hashtab_remove(ht, old), 0);
		old = id;
		snprintf(path, sizeof(path), "/other/%u", k);
		if (others[k]) {
			ck_assert_int_eq(hashtab_remove(ht, others[k]), 0);
			others[k] = 0;
		} else {
			others[k] = add_path(ht, path, 0, k);
		}
	}
	add_path(ht, "/a/b", 0, UINT32_MAX);
}

START_TEST(concurrent_reader)
{
	struct hashtab *ht = hashtab_new();
	int64_t first = add_path(ht, "/a/b", 0, 0);
	int pipefd[2], status;
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(pipefd), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(reader(hashtab_fd(ht), pipefd[1]));
	ck_assert_int_eq(read(pipefd[0], &byte, 1), 1);
	churn(ht, first);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	close(pipefd[0]);
	close(pipefd[1]);
	hashtab_free(ht);
}
END_TEST

/* The process maps the table by a descriptor of its own, and sees what was added after it had mapped it. */
START_TEST(foreign_reader)
{
	struct hashtab *ht = hashtab_new(), *map;
	char name[64], path[32];
	int fd, writable;

	add_path(ht, "/a", 0, 1);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", hashtab_fd(ht));
	fd = open(name, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	map = hashtab_map(fd);
	ck_assert_ptr_nonnull(map);
	close(fd);
	ck_assert_int_eq(owner_of(map, "/a/x", &all), 1);
	ck_assert_int_eq(hashtab_add(map, HT_PATH, "/b", 2, 0, 0, 0), -EPERM);
	ck_assert_int_eq(hashtab_remove(map, 1), -ENOENT);
	for (unsigned i = 0; i < 20000; i++) { /* grows several times */
		snprintf(path, sizeof(path), "/b/%u", i);
		add_path(ht, path, 0, i);
	}
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "/b/%u", i);
		ck_assert_int_eq(owner_of(map, path, &all), (int)i);
	}
	writable = open(name, O_RDWR | O_CLOEXEC);
	if (writable >= 0) {
		ck_assert_int_lt(pwrite(writable, "x", 1, 0), 0);
		ck_assert_int_lt(ftruncate(writable, 0), 0);
		close(writable);
	}
	hashtab_free(map);
	hashtab_free(ht);
	fd = open("/dev/null", O_RDONLY);
	ck_assert_ptr_null(hashtab_map(fd));
	ck_assert_int_eq(errno, EINVAL);
	close(fd);
}
END_TEST

/* A writer that was killed in the middle of a change must not hang its readers for ever. */
START_TEST(dead_writer)
{
	struct hashtab *ht = hashtab_new();
	struct hashtab_entry e;
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		for (;;) {
			int64_t id = hashtab_add(ht, HT_PATH, "/a", 2, 0, 0, 0);

			hashtab_remove(ht, id);
		}
	}
	usleep(20000);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	status = hashtab_find_path(ht, "/a", 2, &all, &e);
	ck_assert(status == 0 || status == -ENOENT || status == -EAGAIN);
	hashtab_free(ht);
}
END_TEST

/* --- measuring ------------------------------------------------------------------------------------------------- */

static void measure(struct hashtab *ht, const char *what, const char *path)
{
	size_t len = strlen(path);
	double best = 1e9;

	for (unsigned k = 0; k < 7; k++) {
		struct timespec a, b;
		struct hashtab_entry e;
		double ns;

		clock_gettime(CLOCK_MONOTONIC, &a);
		for (unsigned i = 0; i < 1000000; i++)
			hashtab_find_path(ht, path, len, &all, &e);
		clock_gettime(CLOCK_MONOTONIC, &b);
		ns = ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / 1e6;
		if (ns < best)
			best = ns;
	}
	printf("%-44s %zu bytes: %6.1f ns\n", what, len, best);
}

/* As add_path(), outside of a test. */
static void put(struct hashtab *ht, const char *path, uint32_t owner)
{
	if (hashtab_add(ht, HT_PATH, path, strlen(path), 0, owner, 0) < 0)
		abort();
}

static int bench(void)
{
	static const char path[] = "/usr/lib/x86_64-linux-gnu/libexample.so.6";
	struct hashtab *ht = hashtab_new();

	measure(ht, "empty", path);
	put(ht, "", 1);
	measure(ht, "one entry at /", path);
	put(ht, "/tmp/newroot", 2);
	put(ht, "/mnt", 3);
	put(ht, "/proc", 4);
	measure(ht, "a handful of short entries", path);
	put(ht, "/home/someone/projects/one/build/output/dir", 5);
	measure(ht, "and one that is longer than the path", path);
	put(ht, "/usr/lib/x86_64-linux-gnu", 6);
	put(ht, path, 7);
	measure(ht, "matches at three prefixes", path);
	hashtab_free(ht);
	return 0;
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("hashtab");
	TCase *rules = tcase_create("rules"), *random = tcase_create("random"), *others = tcase_create("others");
	SRunner *runner;
	int failed;

	if (argc > 1 && !strcmp(argv[1], "--bench"))
		return bench();
	tcase_add_test(rules, newest_wins);
	tcase_add_test(rules, below);
	tcase_add_test(rules, epochs_and_nodes);
	tcase_add_test(rules, kinds);
	tcase_add_test(rules, bad_keys);
	tcase_add_loop_test(random, random_operations, 0, 11);
	tcase_set_timeout(random, 60);
	tcase_add_test(others, concurrent_reader);
	tcase_add_test(others, foreign_reader);
	tcase_add_test(others, dead_writer);
	tcase_set_timeout(others, 60);
	suite_add_tcase(suite, rules);
	suite_add_tcase(suite, random);
	suite_add_tcase(suite, others);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
