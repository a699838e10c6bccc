/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening and closing a stack, and the mapping between its paths and the host's.
 */
#include <sys/file.h>
#include <sys/sysmacros.h>

#include "layers_internal.h"

struct why {
	char *text;
	size_t size;
};

static int fail(struct why *w, int err, const char *what, const char *path)
{
	if (w->text && w->size)
		snprintf(w->text, w->size, "%s %s: %s", what, path, strerror(-err));
	return err;
}

static int layer_open(struct layer *layer, const char *path)
{
	char link[64], host[PATH_MAX];
	struct statx st;
	ssize_t n;
	int r;

	layer->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (layer->fd < 0)
		return -errno;
	snprintf(link, sizeof link, "/proc/self/fd/%d", layer->fd);
	n = readlink(link, host, sizeof host - 1);
	if (n < 0)
		return -errno;
	host[n] = '\0';
	if (n == 1)
		host[0] = '\0'; /* "/" */
	layer->host = strdup(host);
	if (!layer->host)
		return -ENOMEM;
	layer->hostlen = strlen(host);
	r = fd_statx(layer->fd, &st);
	layer->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	return r;
}

/* The umask is in the way of the modes that we are told to create; it can be read without changing it. */
static mode_t read_umask(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned mask = 0777;
	char line[256];

	while (f && fgets(line, sizeof line, f)) {
		if (sscanf(line, "Umask: %o", &mask) == 1)
			break;
	}
	if (f)
		fclose(f);
	return mask;
}

static int copy_hide(struct layers *l, const char *const *hide)
{
	size_t n = 0, i;

	if (!hide)
		return 0;
	while (hide[n])
		n++;
	l->hide = calloc(n + 1, sizeof *l->hide);
	if (!l->hide)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		l->hide[i] = strdup(hide[i] + strspn(hide[i], "/"));
		if (!l->hide[i])
			return -ENOMEM;
	}
	return 0;
}

static int open_below(int dirfd, const char *name, int flags, int *fd)
{
	if (mkdirat(dirfd, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	*fd = openat(dirfd, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *fd < 0 ? -errno : 0;
}

/* What the upper file system can hold, tried out in work/.  The lock is held. */
static int probe(struct layers *l)
{
	struct obj o = OBJ_AT(l->work, "probe");
	struct statx st;
	int r, fd;

	remove_tree(l->work, "probe");
	fd = openat(l->work, "probe", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	r = obj_statx(&o, &st);
	if (r == 0) {
		l->uid = st.stx_uid;
		l->gid = st.stx_gid;
		l->file_dev = makedev(st.stx_dev_major, st.stx_dev_minor);
		r = obj_setxattr(&o, XATTR_OWN "probe", "1", 1, 0);
		l->no_xattr = feature_off(LAYERS_USER_XATTR) || r == -EOPNOTSUPP || r == -EPERM || r == -ENOSYS;
		if (l->no_xattr)
			r = 0;
	}
	unlinkat(l->work, "probe", 0);
	if (feature_off(LAYERS_WHITEOUT_NODE) || mknodat(l->work, "probe", S_IFCHR, 0) < 0)
		l->no_mknod = true;
	unlinkat(l->work, "probe", 0);
	return r;
}

static bool is_empty(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	bool empty = true;

	while (d && empty && (e = readdir(d)))
		empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || !strcmp(e->d_name, META_DIR);
	if (d)
		closedir(d);
	else
		close_fd(&fd);
	return empty;
}

/* A new upper directory shows the attributes of the lower root, not those that it happens to have. */
static int adopt_root(struct layers *l)
{
	cleanup_lnode struct lnode low = LNODE_INIT;
	struct obj o = upper_obj(l, "");
	struct timespec times[2];
	struct vattr a;
	char text[64];
	int r;

	if (!l->nlower)
		return 0;
	r = lower_find(l, "", &low);
	if (r < 0)
		return r;
	vattr_of_statx(&low.st, &a);
	vattr_text(&a, text);
	r = vattr_put_text(l, &o, text);
	times[0] = statx_time(low.st.stx_atime);
	times[1] = statx_time(low.st.stx_mtime);
	if (r == 0)
		obj_utimens(&o, times);
	return r;
}

/* .umview and what is in it. */
static int open_meta(struct layers *l, bool renew)
{
	int up = l->layer[0].fd, r;
	bool existed = faccessat(up, META_DIR, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	struct obj root = upper_obj(l, "");
	struct statx st;

	r = open_below(up, META_DIR, O_RDONLY, &l->meta);
	/* For as long as the stack is open: see discard.c, and store_guard(), which has it for a moment. */
	while (r == 0 && flock(l->meta, LOCK_SH) < 0 && errno == EINTR)
		;
	if (r == 0)
		r = open_below(l->meta, "work", O_PATH, &l->work);
	if (r == 0)
		r = open_below(l->meta, "vstat", O_PATH, &l->vstatdir);
	if (r == 0)
		r = gen_open(l);
	if (r == 0)
		r = probe(l);
	if (r == 0 && renew) {
		r = remove_contents(up, META_DIR);
		remove_contents(l->vstatdir, NULL);
		remove_tree(l->meta, "links");
		gen_bump(l);
	}
	if (r == 0 && is_empty(up)) {
		char text[128];
		bool known = l->no_xattr
				 ? obj_statx(&root, &st) == 0 && vstat_file_read(l, &st, text, sizeof text) > 0
				 : obj_getxattr(&root, XATTR_VSTAT, text, sizeof text) > 0;

		if (!known || renew)
			r = adopt_root(l);
	} else if (r == 0 && !existed) {
		devices_mark(l); /* made by somebody else: who knows what is in it */
	}
	if (l->gen)
		gen_ready(l);
	return r;
}

static int open_upper(struct layers *l, const struct layers_config *c, struct why *why)
{
	unsigned i;
	int r;

	if (!l->native && mkdir(c->upper, 0700) < 0 && errno != EEXIST)
		return fail(why, -errno, "upper", c->upper);
	r = layer_open(&l->layer[0], c->upper);
	if (r < 0)
		return fail(why, r, "upper", c->upper);
	if (l->native) {
		r = layer_open(&l->layer[1], c->upper);
		l->nlower = 1;
		return r < 0 ? fail(why, r, "upper", c->upper) : 0;
	}
	for (i = 1; i <= l->nlower; i++) {
		if (!strcmp(l->layer[i].host, l->layer[0].host))
			return fail(why, -EINVAL, "upper is a lower layer as well:", c->upper);
	}
	l->cow = true;
	r = open_meta(l, c->renew);
	return r < 0 ? fail(why, r, "upper", c->upper) : 0;
}

int layers_open(struct layers **out, const struct layers_config *c, char *whytext, size_t whysize)
{
	struct why why = {whytext, whysize};
	struct layers *l = calloc(1, sizeof *l);
	unsigned i;
	int r = 0;

	if (!l)
		return -ENOMEM;
	beneath_probe();
	l->meta = l->work = l->vstatdir = l->genfd = -1;
	for (i = 0; i <= LAYERS_MAX; i++)
		l->layer[i].fd = -1;
	l->vstat = c->vstat && !c->native;
	l->mincow = c->mincow;
	l->native = c->native;
	l->root_opaque = c->root_opaque && !c->native;
	l->defer = c->defer;
	l->untrusted = c->untrusted;
	l->nlower = c->nlower;
	l->below = c->nlower ? c->below : NULL;
	l->umask = read_umask();
	if (c->nlower > LAYERS_MAX || (c->native && (!c->upper || c->nlower)) || (!c->upper && !c->nlower))
		r = fail(&why, -EINVAL, "layers", c->upper ? c->upper : "");
	for (i = 0; i < c->nlower && r == 0; i++) {
		r = layer_open(&l->layer[i + 1], c->lower[i]);
		if (r < 0)
			fail(&why, r, "lower", c->lower[i]);
	}
	if (r == 0)
		r = copy_hide(l, c->hide);
	if (r == 0 && c->upper)
		r = open_upper(l, c, &why);
	if (r < 0) {
		layers_close(l);
		return r;
	}
	*out = l;
	return 0;
}

void layers_close(struct layers *l)
{
	size_t i;

	if (!l)
		return;
	index_drop(l);
	gen_close(l);
	close_fd(&l->meta);
	close_fd(&l->work);
	close_fd(&l->vstatdir);
	for (i = 0; i <= LAYERS_MAX; i++) {
		close_fd(&l->layer[i].fd);
		free(l->layer[i].host);
	}
	for (i = 0; l->hide && l->hide[i]; i++)
		free(l->hide[i]);
	free(l->hide);
	free(l);
}

bool host_in_layer(const char *host, const struct layer *layer)
{
	return !strncmp(host, layer->host, layer->hostlen) && (host[layer->hostlen] == '/' || !host[layer->hostlen]);
}

int layers_path_of(struct layers *l, const char *host, char *path)
{
	const struct layer *best = NULL;
	const char *rest;
	size_t i;

	for (i = 0; i <= l->nlower; i++) {
		const struct layer *layer = &l->layer[i];

		if (is_below(l, i))
			continue;
		if (layer->fd >= 0 && host_in_layer(host, layer) && (!best || layer->hostlen > best->hostlen))
			best = layer;
	}
	if (!best)
		return l->below ? l->below->path_of(l->below->arg, host, path) : -ENOENT;
	rest = host + best->hostlen;
	rest += strspn(rest, "/");
	if (!l->native && rest[0] == '.' && path_is_below(rest, META_DIR))
		return -ENOENT;
	if (strlen(rest) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(path, rest);
	return 0;
}

int layers_host_path(struct layers *l, const struct layers_node *node, const char *path, char *buf)
{
	const char *host = l->layer[node->layer].host;
	int n = path[0] ? snprintf(buf, PATH_MAX, "%s/%s", host, path)
			: snprintf(buf, PATH_MAX, "%s", host[0] ? host : "/");

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}
