// SPDX-License-Identifier: GPL-2.0-or-later
/* mount(2) of type fuse: from a channel to a file system. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "umfuse.h"

#define MINOR 31                /* of the protocol, as it is spoken here: 7.31 */
#define READAHEAD (128 * 1024)
#define END_MS 10000            /* how long a server may take to end, when the view does */
#define ENDS_MS 30000           /* and all of them */
#define END_MIN_MS 100

struct um_fs *mounted;

void fs_ref(struct um_fs *fs)
{
	fs->refs++;
}

void fs_unref(struct um_fs *fs)
{
	fs->refs--;
	if (fs->refs == 2 && fs->mounted && fs->flusher != NULL)
		tree_trim(fs); /* there are but these two: no operation has a node */
	if (fs->refs > 0)
		return;
	for (struct um_fs **at = &mounted; *at != NULL; at = &(*at)->next)
		if (*at == fs) {
			*at = fs->next;
			break;
		}
	bodies_close(fs);
	tree_free(fs);
	if (fs->channel != NULL)
		channel_unref(fs->channel);
	free(fs);
}

/* Who answers sees the view as it was before the mount. */
static void know_server(struct um_fs *fs)
{
	pid_t server = channel_server(fs->channel);

	if (server != fs->server && server > 0 && host->see_older(server, fs->epoch) == 0)
		fs->server = server;
}

/* --- INIT ----------------------------------------------------------------------------------------------------------- */

int fs_init(struct um_fs *fs)
{
	/* What libfuse reads; the fields after flags are of later versions. */
	struct {
		uint32_t major, minor, max_readahead, flags;
	} in = {
		.major = FUSE_KERNEL_VERSION, .minor = MINOR, .max_readahead = READAHEAD,
		.flags = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES | FUSE_AUTO_INVAL_DATA |
			 FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV |
			 FUSE_MAX_PAGES | FUSE_NO_OPEN_SUPPORT | FUSE_NO_OPENDIR_SUPPORT | FUSE_EXPLICIT_INVAL_DATA,
	};
	struct request *r = request_new(FUSE_INIT, FUSE_ROOT_ID, &in, sizeof(in));
	struct fuse_init_out out = { 0 };
	int err = r != NULL ? channel_call(fs->channel, r, NULL) : -ENOMEM;

	if (err == 0)
		err = r->error;
	if (err == 0 && (r->reply_len < 8 || r->reply_len > 4096))
		err = -EPROTO;
	if (err == 0)
		memcpy(&out, r->reply, r->reply_len < sizeof(out) ? r->reply_len : sizeof(out));
	if (err == 0 && (out.major != FUSE_KERNEL_VERSION || out.minor < 12))
		err = -EPROTO;
	request_free(r);
	host->lock();
	fs->failed = err;
	fs->minor = out.minor < MINOR ? out.minor : MINOR;
	fs->flags = out.flags & in.flags;
	fs->max_write = out.max_write >= 4096 && out.max_write < CHANNEL_DATA_MAX ? out.max_write : CHANNEL_DATA_MAX;
	if (!(out.flags & FUSE_BIG_WRITES))
		fs->max_write = 4096;
	fs->ready = true;
	know_server(fs);
	host->unlock();
	return err;
}

/* Until it is ready. */
static int wait_ready(void *arg, const struct channel_waiting *waiting)
{
	struct timespec pause = { 0, 1000000 };
	const struct um_fs *fs = arg;
	bool ended = false;

	while (!ended && !__atomic_load_n(&fs->ready, __ATOMIC_ACQUIRE) && !channel_dead(fs->channel)) {
		waiting->begin();
		nanosleep(&pause, NULL);
		ended = waiting->end();
	}
	return ended ? -EINTR : 0;
}

/* --- what the server says of its own accord -------------------------------------------------------------------------- */

static void inval_entry(struct um_fs *fs, const char *data, size_t len, size_t head, uint64_t parent_id, uint32_t namelen)
{
	struct node *parent = tree_node(fs, parent_id);
	char name[256];

	if (parent == NULL || len != head + namelen + 1 || !name_is_sane(data + head, namelen))
		return;
	memcpy(name, data + head, namelen);
	name[namelen] = '\0';
	tree_forget_name(fs, parent, name);
	tree_stale(parent);
}

/* The server gives a part of a file's contents. */
static void store(struct um_fs *fs, const struct notice *n)
{
	struct fuse_notify_store_out out;
	const struct node *node;

	memcpy(&out, n->data, sizeof(out));
	node = tree_node(fs, out.nodeid);
	if (node != NULL && node->body != NULL && out.size == n->len - sizeof(out) && out.offset <= (uint64_t)INT64_MAX - out.size)
		body_store(node->body, n->data + sizeof(out), out.size, (off_t)out.offset);
}

/* It asks for a part of what we have. */
static void retrieve(struct um_fs *fs, const struct notice *n)
{
	const struct node *node;
	struct fuse_notify_retrieve_out out;
	struct fuse_notify_retrieve_in *in;
	ssize_t size = 0;

	memcpy(&out, n->data, sizeof(out));
	node = tree_node(fs, out.nodeid);
	in = malloc(sizeof(*in) + CHANNEL_DATA_MAX);
	if (in == NULL)
		return;
	if (out.size > CHANNEL_DATA_MAX)
		out.size = CHANNEL_DATA_MAX;
	if (node != NULL && node->body != NULL && node->body->filled && out.offset <= (uint64_t)INT64_MAX - out.size)
		size = pread(node->body->fd, in + 1, out.size, (off_t)out.offset);
	*in = (struct fuse_notify_retrieve_in){ .offset = out.offset, .size = size > 0 ? (uint32_t)size : 0 };
	channel_answer(fs->channel, FUSE_NOTIFY_REPLY, out.nodeid, out.notify_unique, in, sizeof(*in) + in->size);
	free(in);
}

static void notice(struct um_fs *fs, const struct notice *n)
{
	const struct fuse_notify_inval_inode_out *inode = (const void *)n->data;
	const struct fuse_notify_inval_entry_out *entry = (const void *)n->data;
	const struct fuse_notify_delete_out *gone = (const void *)n->data;
	struct node *node;

	if (n->code == NOTICE_LOST) {
		tree_forget_all(fs);
	} else if (n->code == FUSE_NOTIFY_INVAL_INODE && n->len == sizeof(*inode)) {
		node = tree_node(fs, inode->ino);
		if (node == NULL)
			return;
		tree_stale(node);
		if (node->body != NULL && inode->off >= 0)
			flush_refill(node->body);
	} else if (n->code == FUSE_NOTIFY_INVAL_ENTRY && n->len > sizeof(*entry)) {
		inval_entry(fs, n->data, n->len, sizeof(*entry), entry->parent, entry->namelen);
	} else if (n->code == FUSE_NOTIFY_STORE && n->len >= sizeof(struct fuse_notify_store_out)) {
		store(fs, n);
	} else if (n->code == FUSE_NOTIFY_RETRIEVE && n->len == sizeof(struct fuse_notify_retrieve_out)) {
		retrieve(fs, n);
	} else if (n->code == FUSE_NOTIFY_DELETE && n->len > sizeof(*gone)) {
		inval_entry(fs, n->data, n->len, sizeof(*gone), gone->parent, gone->namelen);
	}
}

void fs_notices(struct um_fs *fs)
{
	struct notice *n, *next;

	for (n = channel_notices(fs->channel); n != NULL; n = next) {
		next = n->next;
		notice(fs, n);
		free(n);
	}
}

int fs_begin(struct um_fs *fs)
{
	int err;

	if (!fs->ready) {
		if (channel_dead(fs->channel))
			return -ENOTCONN;
		err = journal_run(fs, wait_ready, fs);
		if (err < 0)
			return err;
	}
	if (fs->failed != 0)
		return -ENOTCONN;
	fs_notices(fs);
	if (channel_dead(fs->channel))
		return -ENOTCONN;
	know_server(fs);
	return 0;
}

/* --- mount(2) --------------------------------------------------------------------------------------------------------- */

struct options {
	int fd;
	unsigned rootmode, user, group;
	unsigned max_read, blksize; /* 0: not said */
	bool default_permissions, allow_other;
};

static int parse(const char *text, struct options *o, struct um_mount_args *args)
{
	char *copy = strdup(text), *save = NULL;
	int err = copy != NULL ? 0 : -ENOMEM;

	*o = (struct options){ .fd = -1, .rootmode = S_IFDIR, .user = args->uid, .group = args->uid };
	for (char *word = copy ? strtok_r(copy, ",", &save) : NULL; word != NULL && err == 0; word = strtok_r(NULL, ",", &save)) {
		char end;

		if (sscanf(word, "fd=%d%c", &o->fd, &end) == 1 || sscanf(word, "rootmode=%o%c", &o->rootmode, &end) == 1 ||
		    sscanf(word, "max_read=%u%c", &o->max_read, &end) == 1 || sscanf(word, "blksize=%u%c", &o->blksize, &end) == 1 ||
		    sscanf(word, "user_id=%u%c", &o->user, &end) == 1 || sscanf(word, "group_id=%u%c", &o->group, &end) == 1)
			continue;
		o->default_permissions |= strcmp(word, "default_permissions") == 0;
		o->allow_other |= strcmp(word, "allow_other") == 0; /* or not: whoever is in the view may use it */
	}
	free(copy);
	if (err == 0 && o->fd < 0) {
		snprintf(args->why, sizeof(args->why), "a mount of type %.40s is made by the program that serves it: run that, or "
			 "mount -t fuse.PROGRAM", args->type);
		err = -EINVAL;
	}
	return err;
}

/* What the kernel shows of them (fuse_show_options() in its fs/fuse/inode.c). */
static char *show(const struct options *o, const struct um_mount_args *args)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	fprintf(out, "user_id=%u,group_id=%u%s%s", o->user, o->group, o->default_permissions ? ",default_permissions" : "",
		o->allow_other ? ",allow_other" : "");
	if (o->max_read != 0 && o->max_read != UINT_MAX)
		fprintf(out, ",max_read=%u", o->max_read < 4096 ? 4096 : o->max_read);
	if (strcmp(args->type, "fuseblk") == 0 && o->blksize != 0 && o->blksize != 512)
		fprintf(out, ",blksize=%u", o->blksize);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int mount_fuse(struct um_fs **out, struct um_mount_args *args)
{
	static unsigned number;
	struct um_fs *fs;
	struct options o;
	int fd, err = parse(args->options, &o, args);

	if (err < 0)
		return err;
	if (((o.rootmode & S_IFMT) == S_IFDIR) != S_ISDIR(args->target_type)) {
		snprintf(args->why, sizeof(args->why), "%.100s is %s directory, and the root of the file system is %s",
			 args->target, S_ISDIR(args->target_type) ? "a" : "no", S_ISDIR(o.rootmode) ? "one" : "none");
		return -ENOTDIR;
	}
	fs = calloc(1, sizeof(*fs));
	fd = host->caller_fd(o.fd);
	if (fs != NULL && fd >= 0)
		fs->channel = channel_take(fd);
	if (fd >= 0)
		close(fd);
	if (fs == NULL || fs->channel == NULL) {
		snprintf(args->why, sizeof(args->why), "fd=%d is no open /dev/fuse that has no mount yet", o.fd);
		free(fs);
		return -EINVAL;
	}
	fs->refs = 1;
	fs->epoch = args->epoch;
	fs->default_permissions = o.default_permissions;
	fs->dev = makedev(0, (1u << 19) + number++);
	fs->max_write = 4096;
	err = tree_init(fs);
	if (err == 0)
		fs->root->attr.mode = o.rootmode;
	if (err == 0)
		err = depots_open(fs);
	if (err == 0)
		err = flush_start(fs);
	if (err < 0) {
		snprintf(args->why, sizeof(args->why), "no directory to keep open files in: %s", strerror(-err));
		fs_unref(fs);
		return err;
	}
	fs->next = mounted;
	mounted = fs;
	fs->mounted = true;
	args->dev = fs->dev;
	args->shown = show(&o, args);
	if (!(args->flags & (MS_NOATIME | MS_STRICTATIME)))
		args->flags |= MS_RELATIME;
	*out = fs;
	return 0;
}

/* Is it the working or root directory of some process of the user's? */
static bool is_worked_in(struct um_fs *fs)
{
	DIR *proc = opendir("/proc");
	char name[64], link[PATH_MAX];
	bool found = false;
	const char *inside;
	struct dirent *e;

	while (proc != NULL && !found && (e = readdir(proc)) != NULL) {
		ssize_t len;

		if (*e->d_name < '1' || *e->d_name > '9')
			continue;
		snprintf(name, sizeof(name), "/proc/%.20s/cwd", e->d_name);
		len = readlink(name, link, sizeof(link) - 1);
		link[len > 0 ? len : 0] = '\0';
		found = depot_of(fs, link, &inside) != NULL;
	}
	if (proc != NULL)
		closedir(proc);
	return found;
}

/* umount(2): all is written back first. */
int op_leave(struct um_fs *fs, int flags)
{
	int err = 0, first = 0;

	fs->forced = flags & MNT_FORCE;
	if (flags & (MNT_FORCE | MNT_DETACH))
		return 0; /* whatever is lost by it; or it is written back later, by the mount's thread */
	if (is_worked_in(fs))
		return -EBUSY;
	if (flush_is_stuck(fs)) {
		host->log("umfuse: its server does not answer, so what was written cannot be written back (umount -f gives it up)");
		return -EBUSY;
	}
	for (size_t i = 0; i < sizeof(fs->by_ino) / sizeof(fs->by_ino[0]); i++)
		for (struct body *b = fs->by_ino[i]; b != NULL; b = b->next) {
			if (channel_dead(fs->channel))
				return 0;
			if (b->plain && !b->orphan && body_in_use(b))
				return -EBUSY;
			err = b->written && b->filled && !b->orphan ? body_write_back(b) : 0;
			if (err == -UM_STAGE)
				return err;
			if (err < 0 && first == 0)
				first = err;
		}
	if (first == 0)
		return 0;
	host->log("umfuse: not all that was written could be written back before umount: %s (umount -l gives it up)",
		  strerror(-first));
	/* Room can be made; from what else fails nobody is helped by a mount that cannot go away. */
	return first == -ENOSPC || first == -EDQUOT ? first : 0;
}

/* Wait for the end of a process. */
static void await_server(pid_t server, int ms)
{
	int fd = server > 0 ? (int)syscall(SYS_pidfd_open, server, 0) : -1;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return;
	while (poll(&p, 1, ms) < 0 && errno == EINTR)
		;
	close(fd);
}

/* How much of END_MS there is for one more, when all may take ENDS_MS: an unwilling server must not cost the others theirs. */
static int time_left(uint64_t begin)
{
	uint64_t ms = (now_ns() - begin) / 1000000;

	return ms + END_MS < ENDS_MS ? END_MS : ms + END_MIN_MS < ENDS_MS ? (int)(ENDS_MS - ms) : END_MIN_MS;
}

void fs_end_all(void)
{
	uint64_t begin = now_ns();

	for (;;) {
		struct um_fs *fs;
		pid_t server;

		host->lock();
		for (fs = mounted; fs != NULL && fs->ended; fs = fs->next)
			; /* the newest first: it may stand on the others */
		if (fs != NULL) {
			fs->ended = true;
			fs_ref(fs);
		}
		host->unlock();
		if (fs == NULL)
			return;
		flush_all(fs, (uint64_t)time_left(begin) * 1000000);
		server = channel_server(fs->channel);
		channel_shut(fs->channel, host->end_reads);
		await_server(server, time_left(begin));
		host->lock();
		bodies_close(fs);
		host->unlock();
	}
}

const struct um_fs_type fuse_type = { .name = "fuse", .ops = &fuse_ops, .mount = mount_fuse };
const struct um_fs_type fuse_family = { .name = "fuse.*", .ops = &fuse_ops, .mount = mount_fuse };
const struct um_fs_type fuseblk_type = {
	.name = "fuseblk", .ops = &fuse_ops, .mount = mount_fuse, .on_device = true,
};
