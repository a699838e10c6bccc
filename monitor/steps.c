// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The steps that the options ask for.
 */
#include "steps.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "userpath.h"

/* The absolute form of what may be a path: if it is there, or must be. */
static const char *absolute(const struct options *opt, const struct step *step, const char *text, bool must)
{
	const char *path = user_path(text, step->base, opt->home);
	char cwd[PATH_MAX];

	if (!must && access(path, F_OK) < 0)
		return text[0] == '~' ? path : text;
	if (path[0] == '/')
		return path;
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		um_die("the working directory has no name: %s", strerror(errno));
	return user_path(path, cwd, NULL);
}

/* Make a directory unless there is something of that name.  NULL, or why there is none. */
static char *make_one(const char *path, mode_t mask, bool last)
{
	char target[PATH_MAX];
	ssize_t n;
	int err;

	if (mkdir(path, 0777 & ~mask) == 0)
		return NULL;
	err = errno;
	n = readlink(path, target, sizeof(target));
	if (n >= 0 && access(path, F_OK) < 0 && errno == ENOENT)
		return um_format("%s is a symbolic link to %.*s, which does not exist", path, (int)n, target);
	if (err == EEXIST || (!last && access(path, F_OK) == 0))
		return NULL;
	return um_format("cannot make %s: %s", path, strerror(err));
}

/* mkdir -p, with the umask that the user has.  NULL, or why there is no such directory. */
static char *make_directory(const char *dir, mode_t mask)
{
	char *path = um_format("%s", dir), *failed = NULL;

	for (char *p = path + 1; failed == NULL; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		failed = make_one(path, mask, c == '\0');
		*p = c;
		if (c == '\0')
			break;
	}
	free(path);
	return failed;
}

/* The end of an error message: what the operation said, or the errno value's text. */
static const char *reason(const char *why, int err)
{
	return why[0] != '\0' ? why : strerror(-err);
}

static void preload(const struct step_ops *ops, const char *module, const char *where)
{
	char why[512] = "";
	int err = ops->load(ops->arg, module, why, sizeof(why));

	if (err < 0 && err != -EEXIST)
		um_die("%s %s: %s", where, um_shown(module), reason(why, err));
}

/* @failed: why the source may not be there, or NULL. */
static void mount_one(const struct step_ops *ops, const char *type, const char *options, const char *source,
		      const char *target, const char *where, const char *failed)
{
	char why[512] = "";
	int err = ops->mount(ops->arg, source, target, type, options, why, sizeof(why));

	if (err < 0 && err != -EBUSY && failed != NULL) /* EBUSY: it is there, and hidden */
		um_die("%s %s: %s", where, um_shown(source), failed);
	if (err < 0)
		um_die("%s: mount %s %s on %s: %s", where, um_shown(type), um_shown(source), um_shown(target), reason(why, err));
}

static void step_cow(const struct options *opt, const struct step_ops *ops, const struct step *step, mode_t mask)
{
	const char *dir;
	char *failed;

	if (*step->text == '\0')
		um_die("%s: the directory's name is empty", step->where);
	dir = absolute(opt, step, step->text, true);
	failed = make_directory(dir, mask);
	preload(ops, "viewfs", step->where);
	mount_one(ops, "viewfs", "cow,vstat,permanent", dir, "/", step->where, failed);
	free(failed);
}

/* TYPE[,OPTIONS]:SOURCE:TARGET */
static void step_mount(const struct options *opt, const struct step_ops *ops, const struct step *step)
{
	char unused[512], *type = um_format("%s", step->text), *source = strchr(type, ':'), *target = strrchr(type, ':');
	char *options;

	*source++ = '\0';
	*target++ = '\0';
	options = strchr(type, ',');
	if (options != NULL)
		*options++ = '\0';
	ops->load(ops->arg, type, unused, sizeof(unused)); /* a module is often named like its type; if not, mount says so */
	mount_one(ops, type, options != NULL ? options : "", absolute(opt, step, source, false),
		  absolute(opt, step, target, true), step->where, NULL);
	free(type);
}

void steps_run(const struct options *opt, const struct step_ops *ops, mode_t mask)
{
	for (const struct step *s = opt->steps; s < opt->steps + opt->nsteps; s++)
		if (s->kind == STEP_PRELOAD)
			preload(ops, s->text, s->where);
	for (const struct step *s = opt->steps; s < opt->steps + opt->nsteps; s++) {
		if (s->kind == STEP_COW)
			step_cow(opt, ops, s, mask);
		else if (s->kind == STEP_MOUNT)
			step_mount(opt, ops, s);
	}
}
