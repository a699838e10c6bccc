/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the layers library share.
 */
#ifndef TEST_LAYERS_H
#define TEST_LAYERS_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "layers/layers.h"

/* A directory with "lower" and "upper" in it, made by setup() on the file system under test. */
extern char base[PATH_MAX];
extern const char *where;     /* the file system under test */
extern unsigned features_off; /* as given to layers_disable() */

void test_setup(void);
void test_teardown(void);

/* snprintf into one of some static buffers */
const char *fmt(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* base/NAME */
#define at(...) fmt("%s/%s", base, fmt(__VA_ARGS__))

struct layers *open_stack(bool vstat);
struct layers *open_config(const struct layers_config *config);
void put_file(const char *path, const char *text);
char *get_file(struct layers *l, const char *path);
bool exists(struct layers *l, const char *path);
int stat_in(struct layers *l, const char *path, struct statx *st);
int list_in(struct layers *l, const char *path, char *buf, size_t size);
int work_entries(void);
bool has_raw(const char *path);
void remove_all(const char *path);

extern const struct layers_owner root_owner;
extern struct layers_owner self_owner; /* who runs the test */

static inline bool off(unsigned feature)
{
	return features_off & feature;
}

static inline bool is_root(void)
{
	return geteuid() == 0;
}

#define ok(expr)                                                                                                     \
	do {                                                                                                         \
		long r_ = (expr);                                                                                    \
		ck_assert_msg(r_ >= 0, "%s: %s", #expr, strerror((int)-r_));                                         \
	} while (0)
#define gives(expr, err)                                                                                             \
	do {                                                                                                         \
		long r_ = (expr);                                                                                    \
		ck_assert_msg(r_ == (err), "%s: %ld (%s), not %ld", #expr, r_, r_ < 0 ? strerror((int)-r_) : "ok",   \
			      (long)(err));                                                                          \
	} while (0)

TCase *layers_random_case(void);
TCase *layers_kill_case(void);
TCase *layers_attr_case(void);
TCase *layers_tree_case(void);
TCase *layers_store_case(void);
TCase *layers_copyup_case(void);

#endif
