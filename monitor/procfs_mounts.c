// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/PID/mounts, mountinfo and mountstats as the view has them.
 *
 * The host's mounts come first, without those whose mount point a mount of the view covers; then the view's, in their
 * order.  What lies outside of the process's root directory is left out, as the kernel does.  The formats are those
 * of proc(5): the part before a mount point and the part behind it are kept as text.
 */
#include "procfs_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "log.h"
#include "namei.h"

#define ID_BASE (1 << 24) /* mount ids of the view's own: the kernel gives out the lowest that are free */
#define FIELD " \t\n\\"	  /* what show_mountinfo() escapes in a path */
#define DEVICE " \t\n\\#" /* and in a source, a type and options */

enum form { MOUNTS, INFO, STATS };

struct line {
	int id, parent;	       /* INFO only */
	char *before, *behind; /* the mount point; owned */
	char *path;	       /* view path of the mount point, "" for the root; owned */
	const char *shown;     /* as the process sees it, or NULL: not at all; in path */
};

struct list {
	struct procfs_file *file;
	enum form form;
	struct line *lines;
	size_t n;
};

static struct line *new_line(struct list *l)
{
	struct line *more = realloc(l->lines, (l->n + 1) * sizeof(*more));

	if (more == NULL) {
		l->file->out->err = -ENOMEM;
		return NULL;
	}
	l->lines = more;
	more[l->n] = (struct line){ 0 };
	return &more[l->n++];
}

static char *dup_path(const char *path)
{
	return strdup(strcmp(path, "/") == 0 ? "" : path);
}

/* --- the host's ------------------------------------------------------------------------------------------------- */

/* Where the mount point is in a line; NULL: there is none. */
static char *find_mount_point(const char *text, enum form form)
{
	const char *p = text;

	if (form == STATS) {
		p = strstr(text, " mounted on ");
		return p ? (char *)p + 12 : NULL;
	}
	for (int fields = form == INFO ? 4 : 1; fields > 0 && p != NULL; fields--) {
		p = strchr(p, ' ');
		p += p != NULL;
	}
	return (char *)p;
}

static void host_line(void *arg, char *text)
{
	struct list *l = arg;
	char *at = find_mount_point(text, l->form), *end;
	int skip = 0;
	struct line *line;

	if (at == NULL) {
		struct line *last = l->n ? &l->lines[l->n - 1] : NULL;
		char *more = last && *text == '\t' ? um_format("%s\n%s", last->behind, text) : NULL;

		if (more != NULL) { /* mountstats: more about the last one */
			free(last->behind);
			last->behind = more;
		}
		return;
	}
	line = new_line(l);
	if (line == NULL)
		return;
	if (l->form == INFO && sscanf(text, "%d %d %n", &line->id, &line->parent, &skip) != 2)
		skip = 0;
	end = at + strcspn(at, " ");
	line->behind = strdup(end);
	*end = '\0';
	line->before = strndup(text + skip, (size_t)(at - text) - (size_t)skip);
	text_unescape(at, FIELD);
	line->path = dup_path(at);
}

/* --- the view's ------------------------------------------------------------------------------------------------- */

/* What the host says of one of its kernel file systems, which is shown below a chroot. */
static const struct line *host_of(const struct list *l, const struct um_mount *mount)
{
	for (size_t i = l->n; mount->kernel && i-- > 0;)
		if (l->lines[i].id < ID_BASE && strcmp(l->lines[i].path, mount->source) == 0)
			return &l->lines[i];
	return NULL;
}

static dev_t device_of(struct list *l, const struct um_mount *mount)
{
	struct um_call *call = l->file->call;
	struct um_path path = UM_PATH_INIT;
	char target[PATH_MAX];
	dev_t dev = mount->dev;
	struct statx st;
	size_t end;
	int err;

	if (dev != 0)
		return dev;
	strcpy(path.view, mount->target);
	err = um_path_place(call->view, call->state, &path);
	if (err == 0)
		err = um_path_walk(&path, &end, target);
	if (err == 0) {
		path.exists = true;
		err = um_path_stat(call, &path, &st);
	}
	if (err == 0)
		dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	else if (err == -UM_STAGE)
		l->file->out->err = err;
	um_path_put(&path);
	return dev;
}

static bool is_readonly(const struct list *l, const struct um_mount *mount)
{
	return mount_readonly(l->file->call->view, l->file->state, mount);
}

/* "rw" or "ro", and the flags of the file system (@super), of its mount, or of both. */
static void put_flags(const struct list *l, struct text *t, const struct um_mount *mount, bool super, bool point)
{
	static const struct {
		unsigned long flag;
		bool super;
		const char *name;
	} flags[] = { /* in the order of the kernel's fs/proc_namespace.c */
		{ MS_SYNCHRONOUS, true, "sync" }, { MS_DIRSYNC, true, "dirsync" },    { MS_MANDLOCK, true, "mand" },
		{ MS_NOSUID, false, "nosuid" },	  { MS_NODEV, false, "nodev" },	      { MS_NOEXEC, false, "noexec" },
		{ MS_NOATIME, false, "noatime" }, { MS_NODIRATIME, false, "nodiratime" }, { MS_RELATIME, false, "relatime" },
	};

	text_say(t, "%s", is_readonly(l, mount) ? "ro" : "rw");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if ((mount->flags & flags[i].flag) && (flags[i].super ? super : point))
			text_say(t, ",%s", flags[i].name);
}

/* The file system's own options. */
static void put_options(struct text *t, const struct um_mount *mount)
{
	const char *o = mount->options;

	while (*o != '\0') {
		size_t n = strcspn(o, ",");
		char *word = strndup(o, n);

		if (word != NULL && n > 0 && strcmp(word, "ro") != 0 && strcmp(word, "rw") != 0) {
			text_put(t, ",", 1);
			text_escape(t, word, DEVICE);
		}
		free(word);
		o += n + (o[n] == ',');
	}
}

/* What names the file system: of a bind the mount that it shows a part of.  viewfs, which mount --bind and --move are made
 * with, tells its binds as itself. */
static const struct um_mount *shown_as(const struct um_mount *mount)
{
	return mount->origin != NULL && strcmp(mount->origin->type->name, "viewfs") != 0 ? mount->origin : mount;
}

static void put_source(struct text *t, const struct um_mount *mount)
{
	text_escape(t, *mount->source ? mount->source : "none", DEVICE);
}

static void view_line(struct list *l, const struct um_mount *mount)
{
	const struct um_mount *fs = shown_as(mount);
	const struct line *host = host_of(l, mount);
	struct text before = { 0 }, behind = { 0 };
	struct line *line;
	dev_t dev;

	if (host != NULL) {
		text_say(&before, "%s", host->before);
		text_say(&behind, "%s", host->behind);
	} else if (l->form == INFO) {
		dev = device_of(l, mount);
		text_say(&before, "%u:%u /", major(dev), minor(dev));
		text_escape(&before, fs != mount ? mount->prefix : "", FIELD);
		text_put(&before, " ", 1);
		text_put(&behind, " ", 1);
		put_flags(l, &behind, mount, false, true);
		text_put(&behind, " - ", 3);
		text_escape(&behind, fs->type_name, DEVICE);
		text_put(&behind, " ", 1);
		put_source(&behind, fs);
		text_put(&behind, " ", 1);
		put_flags(l, &behind, fs, true, false);
		put_options(&behind, fs);
	} else {
		text_say(&before, "%s", l->form == STATS ? "device " : "");
		put_source(&before, fs);
		text_say(&before, "%s", l->form == STATS ? " mounted on " : " ");
		text_say(&behind, "%s", l->form == STATS ? " with fstype " : " ");
		text_escape(&behind, fs->type_name, DEVICE);
		if (l->form == MOUNTS) {
			text_put(&behind, " ", 1);
			put_flags(l, &behind, mount, true, true);
			put_options(&behind, fs);
			text_say(&behind, " 0 0");
		}
	}
	line = new_line(l);
	if (line != NULL) {
		line->id = ID_BASE + (int)mount->index;
		line->before = before.p;
		line->behind = behind.p;
		line->path = strdup(mount->target);
	}
}

/* --- the listing ------------------------------------------------------------------------------------------------ */

/* Is @path equal to or below @prefix? */
static bool below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* Is a mount of the view to be seen?  Older ones in the same place are listed, as the kernel does. */
static bool is_there(struct um_view *view, const struct um_state *state, const struct um_mount *mount)
{
	const char *rel;
	const struct um_mount *owner = view_mount_of(view, state, mount->target, &rel);

	return !mount->hidden && mount_seen(view, state, mount) &&
	       (owner == mount || (*rel == '\0' && owner != view->host && owner->epoch > mount->epoch));
}

/* The line of the mount that this one is mounted on: the last with the longest path. */
static int parent_of(const struct list *l, const struct line *line)
{
	const struct line *best = NULL;

	for (const struct line *o = l->lines; o < l->lines + l->n; o++)
		if (o->shown != NULL && o != line && below(line->path, o->path) &&
		    (strlen(o->path) < strlen(line->path) || o < line) &&
		    (best == NULL || strlen(o->path) >= strlen(best->path)))
			best = o;
	return best ? best->id : 1;
}

static const struct line *by_id(const struct list *l, int id)
{
	for (const struct line *o = l->lines; o < l->lines + l->n; o++)
		if (o->id == id)
			return o;
	return NULL;
}

static void put_line(const struct list *l, const struct line *line)
{
	struct text *out = l->file->out;
	const struct line *parent = by_id(l, line->parent);

	if (l->form == INFO)
		text_say(out, "%d %d ", line->id,
			 line->id < ID_BASE && (parent == NULL || parent->shown) ? line->parent : parent_of(l, line));
	text_say(out, "%s", line->before);
	text_escape(out, line->shown, FIELD);
	text_say(out, "%s\n", line->behind);
}

static void list(struct procfs_file *file, struct text *in, enum form form)
{
	struct um_view *view = file->call->view;
	struct list l = { .file = file, .form = form };
	size_t nhost;

	text_lines(in, host_line, &l);
	nhost = l.n;
	for (size_t i = 0; i < view->nmounts; i++)
		if (view->mounts[i] != NULL && is_there(view, file->state, view->mounts[i]))
			view_line(&l, view->mounts[i]);
	for (size_t i = 0; i < l.n; i++) {
		struct line *line = &l.lines[i];
		const char *rel;

		if (line->path == NULL || line->before == NULL || line->behind == NULL)
			file->out->err = -ENOMEM;
		else if (i >= nhost || view_mount_of(view, file->state, line->path, &rel) == view->host)
			line->shown = state_path(file->state, line->path);
	}
	for (size_t i = 0; i < l.n; i++)
		if (l.lines[i].shown != NULL)
			put_line(&l, &l.lines[i]);
	for (size_t i = 0; i < l.n; i++) {
		free(l.lines[i].before);
		free(l.lines[i].behind);
		free(l.lines[i].path);
	}
	free(l.lines);
}

void procfs_mounts(struct procfs_file *file, struct text *in)
{
	list(file, in, MOUNTS);
}

void procfs_mountinfo(struct procfs_file *file, struct text *in)
{
	list(file, in, INFO);
}

void procfs_mountstats(struct procfs_file *file, struct text *in)
{
	list(file, in, STATS);
}
