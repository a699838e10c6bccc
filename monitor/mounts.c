// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mounts of the view: made, removed, listed.
 *
 * A mount is an entry of the table (its target path) and a struct um_mount, whose index is the entry's owner.  Who sees
 * it, and how it ends, is mounts_seen.c's.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calls/calls.h"
#include "hostfs.h"
#include "log.h"
#include "namei.h"
#include "older.h"
#include "view.h"

/* Is it the type of this name, or one of a family ("fuse.*")? */
static bool type_is(const struct um_fs_type *type, const char *name)
{
	size_t n = strlen(type->name);

	if (n > 2 && strcmp(type->name + n - 2, ".*") == 0)
		return strncmp(type->name, name, n - 1) == 0;
	return strcmp(type->name, name) == 0;
}

/* The file system type of this name among the services that the node has. */
static const struct um_fs_type *find_type(struct um_view *view, const struct um_state *state, const char *name,
					  struct um_service **service)
{
	for (struct um_service *s = view->services; s != NULL; s = s->next) {
		if (!service_seen(view, state, s))
			continue;
		for (size_t i = 0; i < s->types->n; i++)
			if (!s->types->all[i].of_place && type_is(&s->types->all[i].type, name)) {
				*service = s;
				return &s->types->all[i].type;
			}
	}
	return NULL;
}

/* Host path of what a view path names: the body's name in the kernel. */
static int host_of(struct um_call *call, const char *view_path, int flags, char *view, char *host, struct um_node *node)
{
	struct um_path path = UM_PATH_INIT;
	char link[40];
	ssize_t n = 0;
	int err = namei_string(call, -1, view_path, NAMEI_FOLLOW | flags, &path);

	if (err < 0)
		return err;
	strcpy(view, path.view);
	*node = path.node; /* without its descriptor */
	host[0] = '\0';
	err = um_path_body(&path);
	if (err == -UM_STAGE) {
		um_path_put(&path);
		return err;
	}
	if (path.node.fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", path.node.fd);
		n = readlink(link, host, PATH_MAX - 1);
		if (n >= 0)
			host[n] = '\0';
	}
	um_path_put(&path);
	return n < 0 ? -errno : 0;
}

void mount_free(struct um_mount *mount)
{
	if (mount == NULL)
		return;
	for (char **e = mount->except; e != NULL && *e != NULL; e++)
		free(*e);
	free(mount->except);
	free(mount->prefix);
	free(mount->native);
	free(mount->source);
	free(mount->body);
	free(mount->target);
	free(mount->options);
	free(mount->type_name);
	free(mount->changes);
	older_free(mount->below);
	free(mount);
}

static bool has_option(const char *options, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = options; (p = strstr(p, word)) != NULL; p += n)
		if ((p == options || p[-1] == ',') && (p[n] == ',' || p[n] == '\0'))
			return true;
	return false;
}

/*
 * In secure mode a program can mount what it could change anyway.  What lies in a mount of the view is shown as that
 * mount has it, or becomes its own (own_source()).  Of the kernel's file systems, which hostfs guards, /proc alone is the
 * same by all names.
 */
static bool may_mount(const struct um_view *view, const struct um_mount_args *args)
{
	if (!view->secure || !view->settled || args->source_host == NULL || args->source_is_mounted)
		return true;
	if (strncmp(args->source_host, "/proc", 5) == 0)
		return strcmp(args->source_host, "/proc") == 0 && has_option(args->options, "move");
	return !hostfs_path_is_kernels(args->source_host);
}

/* Is @source, which is not to be found, the directory of a copy-on-write mount, or in it? */
static bool is_hidden(const struct um_view *view, const struct um_state *state, const char *source, char *why,
		      size_t whysize)
{
	for (size_t i = 0; i < view->nmounts; i++) {
		const struct um_mount *m = view->mounts[i];
		size_t n = m != NULL ? strlen(m->source) : 0;

		if (m == NULL || (!has_option(m->options, "cow") && !has_option(m->options, "mincow")) ||
		    strncmp(source, m->source, n) != 0 || (source[n] != '/' && source[n] != '\0') ||
		    !mount_seen(view, state, m))
			continue;
		snprintf(why, whysize, "%.200s holds the changes of the mount on %.100s, which does not show it: take another "
			 "directory", m->source, *m->target ? m->target : "/");
		return true;
	}
	return false;
}

/* A free index in view->mounts, making room if need be. */
static int mount_slot(struct um_view *view)
{
	struct um_mount **more = realloc(view->mounts, (view->nmounts + 1) * sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	view->mounts = more;
	view->mounts[view->nmounts] = NULL;
	return (int)view->nmounts++;
}

/* Make @mount a bind of what @source, a view path, names in a mount of the view. */
static void bind(struct um_view *view, const struct um_state *whole, const char *source, struct um_mount *mount)
{
	const char *rel;
	struct um_mount *origin = view_mount_of(view, whole, source, &rel);
	const char *prefix = "";

	if (origin->origin != NULL) {
		prefix = origin->prefix;
		origin = origin->origin;
	}
	mount->prefix = um_format("%s%s%s", prefix, *prefix && *rel ? "/" : "", rel);
	mount->origin = origin;
	mount->fs = origin->fs;
	mount->type = origin->type;
	mount->kernel = origin->kernel;
	mount->dev = origin->dev;
	mount->flags |= origin->flags;
}

static struct um_mount *first_of(struct um_mount *mount)
{
	return mount->origin != NULL ? mount->origin : mount;
}

bool is_bound(const struct um_view *view, const struct um_state *state, const struct um_path *path)
{
	for (size_t i = 0; i < view->nmounts; i++) {
		const struct um_mount *m = view->mounts[i];

		if (m != NULL && m->origin == first_of(path->mount) && strcmp(m->prefix, path->rel) == 0 &&
		    mount_seen(view, state, m))
			return true;
	}
	return false;
}

/* If the bind shows @from or something in it: let it show the same at @to. */
static bool bind_follow(struct um_mount *m, const struct um_path *from, const struct um_path *to)
{
	size_t n = strlen(from->rel);
	char *prefix;

	if (strncmp(m->prefix, from->rel, n) != 0 || (m->prefix[n] != '/' && m->prefix[n] != '\0'))
		return false;
	prefix = um_format("%s%s", to->rel, m->prefix + n);
	free(m->prefix);
	m->prefix = prefix;
	return true;
}

void binds_follow(struct um_view *view, const struct um_path *from, const struct um_path *to, bool exchange)
{
	for (size_t i = 0; i < view->nmounts; i++) {
		struct um_mount *m = view->mounts[i];

		if (m != NULL && m->origin == first_of(from->mount) && !bind_follow(m, from, to) && exchange)
			bind_follow(m, to, from);
	}
}

/* Enter a mount into the table. */
static int publish(struct um_view *view, struct um_mount *mount)
{
	int slot = mount_slot(view);
	int64_t id;

	if (slot < 0)
		return slot;
	mount->index = (uint32_t)slot;
	mount->epoch = hashtab_epoch(view->table);
	view->mounts[slot] = mount;
	id = hashtab_add(view->table, HT_PATH, mount->target, strlen(mount->target), mount->node, mount->index, 0);
	if (id < 0) {
		view->mounts[slot] = NULL;
		return (int)id;
	}
	mount->entry = (uint32_t)id;
	return 0;
}

/* A source while it is mounted. */
struct source {
	struct um_call *call;
	char view[PATH_MAX], host[PATH_MAX];
};

static int any_name(void *arg, const char *name, uint64_t ino, unsigned char type)
{
	(void)arg, (void)name, (void)ino, (void)type;
	return 1;
}

/* Is the body that was found at @host one that the mount has made itself, and not one of what it stands on? */
static bool has_own_body(const struct um_path *path, const char *host)
{
	const struct um_mount *mount = path->mount->origin != NULL ? path->mount->origin : path->mount;
	size_t n = mount->body != NULL ? strlen(mount->body) : 0;

	return path->node.body == UM_BODY_ELSEWHERE &&
	       (mount->below == NULL || (n > 0 && strncmp(host, mount->body, n) == 0 && host[n] == '/'));
}

/* um_mount_args.own_source */
static int own_source(struct um_mount_args *args)
{
	struct source *s = args->monitor;
	struct um_path path = UM_PATH_INIT;
	struct um_node node;
	int err = 0;

	if (args->source_host == NULL || !args->source_is_mounted)
		return 0;
	err = namei_string(s->call, -1, *s->view ? s->view : "/", NAMEI_FOLLOW, &path);
	if (err < 0 || path.node.type != S_IFDIR)
		goto out; /* the module says what is wrong */
	if (path.node.body == UM_BODY_NONE) {
		snprintf(args->why, sizeof(args->why), "%.100s is in a file system of type %.30s, which cannot hold changes: they need "
			 "a directory of the host, or of viewfs", s->view, path.mount->type_name ? path.mount->type_name : "?");
		err = -EOPNOTSUPP;
	} else if (!has_own_body(&path, s->host) &&
	    (UM_OPS(&path)->readdir == NULL || UM_OPS(&path)->readdir(UM_FS(&path), path.rel, any_name, NULL) != 0)) {
		snprintf(args->why, sizeof(args->why),
			 "directory %.120s is not empty, and what is in it is not this view's own: changes need a new one",
			 *s->view ? s->view : "/");
		err = -ENOTEMPTY;
	} else if (UM_OPS(&path)->own != NULL) {
		err = UM_OPS(&path)->own(UM_FS(&path), path.rel);
		if (err == -ENOTEMPTY)
			snprintf(args->why, sizeof(args->why),
				 "directory %.120s is not empty, and not a view's: changes need a directory of their own", s->view);
	}
out:
	um_path_put(&path);
	if (err == 0)
		err = host_of(s->call, *s->view ? s->view : "/", 0, s->view, s->host, &node);
	if (err == 0)
		args->source_type = node.type;
	return err;
}

/* What modules show below a new mount's place is not hidden by it. */
static void place_again(struct um_view *view, const struct um_state *state, const struct um_mount *mount)
{
	size_t n = strlen(mount->target);
	char why[256];

	for (struct um_service *s = view->services; s != NULL; s = s->next) {
		const struct um_place *p = service_seen(view, state, s) ? s->module->places : NULL;

		for (; p != NULL && p->path != NULL; p++)
			if (strncmp(p->path, mount->target, n) == 0 && p->path[n] == '/')
				view_place(view, state, s, p, why, sizeof(why));
	}
}

int view_mount(struct um_view *view, const struct um_state *state, const char *source, const char *target,
	       const char *type, unsigned long flags, const char *options, char *why, size_t whysize)
{
	struct um_state whole = *state; /* source and target are paths of the whole view, whatever the caller's root */
	struct um_call call = { .view = view, .state = &whole, .tid = getpid() };
	struct source from = { .call = &call };
	char target_view[PATH_MAX], target_host[PATH_MAX];
	struct um_mount_args args = { .options = options, .flags = flags, .uid = view->uid, .own_source = own_source,
				      .monitor = &from };
	struct um_node node = { -1, 0, UM_BODY_NONE };
	struct um_mount *mount;
	int err;

	whole.root = "";
	mount = calloc(1, sizeof(*mount));
	if (mount == NULL)
		return -ENOMEM;
	mount->type = find_type(view, state, type, &mount->service);
	if (mount->type == NULL) {
		snprintf(why, whysize, "no service provides file system type '%s' (um_add_service first?)", type);
		err = -ENODEV;
		goto fail;
	}
	err = host_of(&call, target, NAMEI_MOUNT_POINT, target_view, target_host, &node);
	if (err < 0) {
		snprintf(why, whysize, "the mount point%s%s", err == -ENOENT ? " does not exist" : ": ",
			 err == -ENOENT ? "" : strerror(-err));
		goto fail;
	}
	mount->below = older_new(view, state, target_view);
	if (mount->below != NULL) {
		args.below = &older_ops;
		args.below_fs = mount->below;
	}
	args.untrusted = view->secure;
	args.type = type;
	args.epoch = hashtab_epoch(view->table);
	args.target_type = node.type;
	args.source = source;
	args.target = *target_view ? target_view : "/";
	args.target_host = target_host;
	err = host_of(&call, source, 0, from.view, from.host, &node);
	if (err == -UM_STAGE)
		goto fail;
	if (err == 0) {
		const char *rel;

		args.source_type = node.type;
		args.source = *from.view ? from.view : "/";
		args.source_host = from.host;
		args.source_is_mounted = view_mount_of(view, &whole, from.view, &rel) != view->host;
		args.source_has_no_body = node.body == UM_BODY_NONE;
	}
	if (args.source_host == NULL && is_hidden(view, &whole, source, why, whysize)) {
		err = -EBUSY;
		goto fail;
	}
	if (!may_mount(view, &args)) {
		snprintf(why, whysize, "%.200s: in a secure view that is for the command line to mount", source);
		err = -EPERM;
		goto fail;
	}
	if (mount->below != NULL && older_too_deep(mount->below)) {
		snprintf(why, whysize, "too many mounts stand on each other there");
		err = -ELOOP;
		goto fail;
	}
	err = mount->type->mount(&mount->fs, &args);
	mount->except = args.except;
	if (!args.uses_below) {
		older_free(mount->below);
		mount->below = NULL;
	}
	if (err < 0) {
		snprintf(why, whysize, "%s", *args.why ? args.why : strerror(-err));
		goto fail;
	}
	mount->source = strdup(args.source);
	mount->target = strdup(target_view);
	mount->type_name = strdup(type);
	if (args.source_host != NULL)
		mount->body = strdup(from.host);
	mount->options = args.shown != NULL ? args.shown : strdup(options);
	mount->permanent = args.permanent;
	mount->kernel = args.kernel;
	mount->dev = args.dev;
	mount->flags = args.flags & ~(unsigned long)MS_RDONLY;
	if (args.native)
		mount->native = strdup(strcmp(from.host, "/") == 0 ? "" : from.host);
	if (args.bind)
		bind(view, &whole, from.view, mount);
	mount->readonly = (args.flags & MS_RDONLY) || (args.bind && mount_readonly(view, state, mount->origin));
	mount->given = !view->settled;
	mount->node = state->node;
	err = mount->source && mount->target && mount->options && mount->type_name ? publish(view, mount) : -ENOMEM;
	if (err == 0) {
		if (mount->origin != NULL)
			mount->origin->binds++;
		place_again(view, state, mount);
		return 0;
	}
	if (mount->origin == NULL && mount->type->ops->umount != NULL)
		mount->type->ops->umount(mount->fs);
fail:
	mount_free(mount);
	return err;
}

/* The place of some mount strictly below a view path, or NULL. */
static const char *mount_below(const struct um_view *view, const struct um_state *state, const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < view->nmounts; i++) {
		const struct um_mount *m = view->mounts[i];

		if (m != NULL && strncmp(m->target, path, n) == 0 && m->target[n] == '/' && mount_seen(view, state, m))
			return m->target;
	}
	return NULL;
}

/* Is something of the mount shown elsewhere in the same node? */
static bool has_bind(const struct um_view *view, const struct um_state *state, const struct um_mount *mount)
{
	for (size_t i = 0; mount->binds > 0 && i < view->nmounts; i++) {
		const struct um_mount *m = view->mounts[i];

		if (m != NULL && m->origin == mount && mount_seen(view, state, m))
			return true;
	}
	return false;
}

bool mount_is_given(const struct um_view *view, const struct um_mount *mount)
{
	return view->secure && view->settled && (mount->origin != NULL ? mount->origin : mount)->given;
}

/* Can it not go away? */
static bool is_fixed(const struct um_view *view, const struct um_mount *mount)
{
	return mount->permanent || (mount->origin == NULL && mount_is_given(view, mount));
}

/*
 * The mount stays what it is, for its file system may know its place; it only loses its entry, and a bind of all of
 * it stands for it at the new place.
 */
int view_move(struct um_view *view, const struct um_state *state, const char *from, const char *to, char *why,
	      size_t whysize)
{
	const char *path = strcmp(from, "/") == 0 ? "" : from, *rel;
	struct um_mount *mount = view_mount_of(view, state, path, &rel);
	size_t n = strlen(path);
	int err;

	if (mount == view->host || *rel != '\0') {
		snprintf(why, whysize, "what is to be moved, %s, is not a mount of this view", from);
		return -EINVAL;
	}
	if (is_fixed(view, mount)) {
		snprintf(why, whysize, "%s is mounted %s", from, mount->permanent ? "permanent" :
			 "by the command line of a secure view");
		return -EPERM;
	}
	if (strncmp(to, path, n) == 0 && (to[n] == '/' || to[n] == '\0')) {
		snprintf(why, whysize, "a mount cannot be moved below itself");
		return -ELOOP;
	}
	if (mount_below(view, state, path) != NULL) {
		snprintf(why, whysize, "busy: there is a mount on %.200s", mount_below(view, state, path));
		return -EBUSY;
	}
	err = view_mount(view, state, from, to, "viewfs", 0, "move", why, whysize);
	if (err < 0)
		return err;
	err = mount_change(view, state, mount, MOUNT_GONE);
	mounts_collect(view);
	return err;
}

/* The mount at @path that a server serves, or NULL. */
static struct um_mount *served_mount(const struct um_view *view, const struct um_state *state, uint64_t epoch, const char *path)
{
	for (size_t i = 0; i < view->nmounts; i++) {
		struct um_mount *m = view->mounts[i];

		if (m != NULL && m->epoch == epoch && strcmp(m->target, path) == 0 && mount_seen(view, state, m))
			return m;
	}
	return NULL;
}

int view_umount(struct um_view *view, const struct um_state *caller, const char *target, int flags, char *why,
		size_t whysize)
{
	const char *path = strcmp(target, "/") == 0 ? "" : target, *rel = "";
	struct um_state now = *caller, *state = &now;
	struct um_mount *mount;
	int err;

	/* A server that ends unmounts what it serves, which it does not see itself, and never what was there before: it may come
	 * too late, for all of libfuse do this. */
	now.before = 0;
	mount = caller->before != 0 ? served_mount(view, state, caller->before, path) : view_mount_of(view, state, path, &rel);
	if (mount == NULL || mount == view->host || *rel != '\0') {
		snprintf(why, whysize, "not a mount of this view");
		return -EINVAL;
	}
	if (is_fixed(view, mount)) {
		snprintf(why, whysize, mount->permanent ? "mounted permanent" :
			 "what the command line of a secure view has mounted stays as it is");
		return -EPERM;
	}
	if (mount_below(view, state, path) != NULL) {
		snprintf(why, whysize, "busy: there is a mount on %.200s", mount_below(view, state, path));
		return -EBUSY;
	}
	if (has_bind(view, state, mount)) {
		snprintf(why, whysize, "busy: something of it is shown elsewhere by a bind");
		return -EBUSY;
	}
	err = mount->origin == NULL && mount->type->ops->leave != NULL ? mount->type->ops->leave(mount->fs, flags) : 0;
	if (err < 0) {
		if (err != -UM_STAGE)
			snprintf(why, whysize, "%s", strerror(-err));
		return err;
	}
	err = mount_change(view, state, mount, MOUNT_GONE);
	mounts_collect(view);
	return err;
}

int view_place(struct um_view *view, const struct um_state *state, struct um_service *service,
	       const struct um_place *place, char *why, size_t whysize)
{
	struct um_mount_args args = { .source = "none", .target = place->path, .options = "", .type = place->type,
				      .uid = view->uid, .epoch = hashtab_epoch(view->table) };
	const struct um_fs_type *type = NULL;
	struct um_mount *mount = calloc(1, sizeof(*mount));
	struct um_call call = { .view = view, .state = state, .tid = getpid() };
	char there[PATH_MAX], host[PATH_MAX];
	struct um_node node;
	int err = -ENODEV;

	for (size_t i = 0; i < service->types->n; i++)
		if (strcmp(service->types->all[i].type.name, place->type) == 0)
			type = &service->types->all[i].type;
	if (mount == NULL)
		return -ENOMEM;
	if (host_of(&call, place->path, 0, there, host, &node) == 0) {
		args.target_host = host;
		args.target_type = node.type;
	}
	if (type != NULL)
		err = type->mount(&mount->fs, &args);
	if (err != 0) {
		if (err < 0)
			snprintf(why, whysize, "its %s: %s", place->path, *args.why ? args.why : strerror(-err));
		mount_free(mount);
		return err < 0 ? err : 0;
	}
	mount->type = type;
	mount->service = service;
	mount->source = strdup("none");
	mount->target = strdup(place->path);
	mount->options = strdup("");
	mount->type_name = strdup(place->type);
	mount->permanent = mount->hidden = true;
	mount->node = state != NULL ? state->node : 0;
	err = mount->source && mount->target && mount->options && mount->type_name ? publish(view, mount) : -ENOMEM;
	if (err < 0) {
		mount->type->ops->umount(mount->fs);
		mount_free(mount);
	}
	return err;
}

void view_unplace(struct um_view *view, const struct um_state *state, const struct um_service *service)
{
	for (size_t i = 0; i < view->nmounts; i++) {
		struct um_mount *m = view->mounts[i];

		if (m != NULL && m->hidden && m->service == service && m->node == (state != NULL ? state->node : 0))
			mount_change(view, state, m, MOUNT_GONE);
	}
	mounts_collect(view);
}
