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

/* The absolute form of what may be a path: if it is there, or must be. */
static const char *absolute(const char *path, bool must)
{
	char cwd[PATH_MAX];

	if (path[0] == '/' || (!must && access(path, F_OK) < 0))
		return path;
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		um_die("the working directory has no name: %s", strerror(errno));
	if (strcmp(path, ".") == 0)
		return um_format("%s", cwd);
	return um_format("%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, path);
}

/* mkdir -p, with the umask that the user has. */
static void make_directory(const char *dir, mode_t mask, const char *where)
{
	char *path = um_format("%s", dir);

	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0777 & ~mask) < 0 && errno != EEXIST && (c == '\0' || access(path, F_OK) < 0))
			um_die("%s %s: cannot make %s: %s", where, dir, path, strerror(errno));
		*p = c;
		if (c == '\0')
			break;
	}
	free(path);
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
		um_die("%s %s: %s", where, module, reason(why, err));
}

static void mount_one(const struct step_ops *ops, const char *type, const char *options, const char *source,
		      const char *target, const char *where)
{
	char why[512] = "";
	int err = ops->mount(ops->arg, source, target, type, options, why, sizeof(why));

	if (err < 0)
		um_die("%s: mount %s %s on %s: %s", where, type, source, target, reason(why, err));
}

static void step_cow(const struct step_ops *ops, const struct step *step, mode_t mask)
{
	const char *dir;

	if (*step->text == '\0')
		um_die("%s: the directory's name is empty", step->where);
	dir = absolute(step->text, true);
	make_directory(dir, mask, step->where);
	preload(ops, "viewfs", step->where);
	mount_one(ops, "viewfs", "cow,vstat,permanent", dir, "/", step->where);
}

/* TYPE[,OPTIONS]:SOURCE:TARGET */
static void step_mount(const struct step_ops *ops, const struct step *step)
{
	char unused[512], *type = um_format("%s", step->text), *source = strchr(type, ':'), *target = strrchr(type, ':');
	char *options;

	*source++ = '\0';
	*target++ = '\0';
	options = strchr(type, ',');
	if (options != NULL)
		*options++ = '\0';
	ops->load(ops->arg, type, unused, sizeof(unused)); /* a module is often named like its type; if not, mount says so */
	mount_one(ops, type, options != NULL ? options : "", absolute(source, false), absolute(target, true), step->where);
	free(type);
}

void steps_run(const struct options *opt, const struct step_ops *ops, mode_t mask)
{
	for (const struct step *s = opt->steps; s < opt->steps + opt->nsteps; s++)
		if (s->kind == STEP_PRELOAD)
			preload(ops, s->text, s->where);
	for (const struct step *s = opt->steps; s < opt->steps + opt->nsteps; s++) {
		if (s->kind == STEP_COW)
			step_cow(ops, s, mask);
		else if (s->kind == STEP_MOUNT)
			step_mount(ops, s);
	}
}
