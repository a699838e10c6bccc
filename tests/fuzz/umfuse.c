// SPDX-License-Identifier: GPL-2.0-or-later
/* One run: a mount, the operations that the input names, umount.  In place of the monitor there is a struct um_host here. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fuzz.h"
#include "modules/umfuse/umfuse.h"

#define CLIENTS_MAX 3
#define FILES 8         /* open ones of a client */

extern const struct um_module um_module;

struct client {
	struct um_fs *fs;
	struct input in;
	pthread_t thread;
	bool running;
	int files[FILES];
	char *path, *other;     /* for operations; of PATH_MAX bytes each */
};

static struct client clients[CLIENTS_MAX];
static unsigned nclients;
static _Thread_local bool interrupted;

/* --- the input ------------------------------------------------------------------------------------------------------- */

uint64_t input_number(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	for (; bytes > 0 && in->left > 0; bytes--, in->left--)
		v = v << 8 | *in->at++;
	return v;
}

uint64_t input_choose(struct input *in, const uint64_t *choice, size_t n)
{
	uint64_t i = input_number(in, 1);

	return i < 250 ? choice[i % n] : input_number(in, 8);
}

/* --- the host -------------------------------------------------------------------------------------------------------- */

static pthread_mutex_t view = PTHREAD_MUTEX_INITIALIZER;

static void fake_caller(struct um_caller *caller)
{
	*caller = (struct um_caller){ .pid = getpid(), .tid = getpid(), .uid = getuid(), .gid = getgid(), .on_worker = true };
}

static int fake_caller_fd(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static void on_signal(int sig)
{
	(void)sig;
	interrupted = true;
}

static void fake_begin(void)
{
}

static bool fake_end(void)
{
	bool was = interrupted;

	interrupted = false;
	return was;
}

static void fake_lock(void)
{
	pthread_mutex_lock(&view);
}

static void fake_unlock(void)
{
	pthread_mutex_unlock(&view);
}

static int fake_see_older(pid_t pid, uint64_t epoch)
{
	(void)pid, (void)epoch;
	return 0;
}

static int fake_end_reads(pid_t tgid, dev_t dev, ino_t ino, int err)
{
	(void)tgid, (void)dev, (void)ino, (void)err;
	return 0;
}

static bool traps;

static bool fake_traps_io(void)
{
	return traps;
}

static void fake_log(const char *format, ...)
{
	(void)format;
}

static const struct um_host fake_host = {
	.caller = fake_caller, .caller_fd = fake_caller_fd, .wait_begin = fake_begin, .wait_end = fake_end,
	.lock = fake_lock, .unlock = fake_unlock, .see_older = fake_see_older, .end_reads = fake_end_reads, .log = fake_log,
	.traps_io = fake_traps_io,
};

/* A server that does not answer has the one who waits for it interrupted, again and again. */
static void interrupt_clients(void)
{
	for (unsigned i = 0; i < nclients; i++)
		if (__atomic_load_n(&clients[i].running, __ATOMIC_SEQ_CST))
			pthread_kill(clients[i].thread, SIGUSR1);
}

/* --- operations ------------------------------------------------------------------------------------------------------ */

static const char *path_of(struct input *in, char *path)
{
	static const char *const paths[] = { "", "a", "b", "c", "d", "a/b", "a/a", "a/a/a", "b/c", "a/b/c/d", "a/b/a/b", "long" };
	unsigned i = (unsigned)input_number(in, 1);

	snprintf(path, PATH_MAX, "%s", paths[i % (sizeof(paths) / sizeof(paths[0]))]);
	return path;
}

static int *file_of(struct client *c)
{
	return &c->files[input_number(&c->in, 1) % FILES];
}

static int take_entry(void *arg, const char *name, uint64_t ino, unsigned char type)
{
	(void)ino, (void)type;
	*(size_t *)arg += strlen(name);
	return 0;
}

/* What does not change when the operation is run again. */
struct args {
	unsigned op;
	uint64_t number;
	int *file;
};

static int look(struct client *c, const struct args *a)
{
	const struct um_fs_ops *ops = &fuse_ops;
	struct um_node node = { .fd = -1 };
	char buf[512];
	struct statfs fs;
	struct statx st;
	size_t n = 0;

	switch (a->op) {
	case 0: return ops->walk(c->fs, c->path, &n, &node, c->other);
	case 1: return ops->stat(c->fs, c->path, &node, &st);
	case 2: return ops->statfs(c->fs, c->path, &fs);
	case 3: return ops->readdir(c->fs, c->path, take_entry, &n);
	case 4: return (int)ops->getxattr(c->fs, c->path, "user.a", buf, a->number % sizeof(buf));
	case 5: return (int)ops->listxattr(c->fs, c->path, buf, a->number % sizeof(buf));
	case 6: return ops->permission(c->fs, c->path, (int)a->number & 7);
	case 7:
		snprintf(c->other, PATH_MAX, "%s/%llx", c->fs->depots[a->number >> 8 & 1].path ?: "",
			 (unsigned long long)a->number % 10);
		return ops->path_of(c->fs, c->other, c->path);
	case 8: return ops->leave(c->fs, (int)a->number & 3);
	default:
		if (*a->file < 0 || statx(*a->file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) < 0)
			return 0;
		if (a->number & 1)
			return ops->touch(c->fs, *a->file, a->number * 7, a->number & 2 ? UINT64_MAX : 70000);
		return ops->patch_stat(c->fs, *a->file, &st);
	}
}

static int change(struct client *c, const struct args *a)
{
	static const struct timespec times[2] = { { 1, 1 }, { 0, UTIME_NOW } };
	const struct um_fs_ops *ops = &fuse_ops;
	const struct um_owner owner = { 0, 0, 0 };

	switch (a->op) {
	case 10: return ops->mkdir(c->fs, c->path, 0755, &owner);
	case 11: return ops->mknod(c->fs, c->path, (a->number & 1 ? S_IFREG : S_IFIFO) | 0644, 0, &owner);
	case 12: return ops->symlink(c->fs, "target", c->path, &owner);
	case 13: return ops->unlink(c->fs, c->path);
	case 14: return ops->rmdir(c->fs, c->path);
	case 15: return ops->link(c->fs, c->path, c->other);
	case 16: return ops->rename(c->fs, c->path, c->other, (unsigned)a->number & 3);
	case 17: return ops->chmod(c->fs, c->path, (mode_t)a->number & 07777);
	case 18: return ops->chown(c->fs, c->path, 1, (gid_t)-1);
	case 19: return ops->utimens(c->fs, c->path, a->number & 1 ? times : NULL);
	case 20: return ops->truncate(c->fs, c->path, (off_t)(a->number % 300000));
	case 21: return ops->setxattr(c->fs, c->path, "user.a", "value", 5, 0);
	case 22: return ops->removexattr(c->fs, c->path, "user.a");
	case 23: return *a->file >= 0 ? ops->fchmod(c->fs, *a->file, 0600) : 0;
	case 24: return *a->file >= 0 ? ops->fsync(c->fs, *a->file, false) : 0;
	case 25: return *a->file >= 0 && ops->ftruncate ? ops->ftruncate(c->fs, *a->file, (off_t)(a->number % 300000)) : 0;
	default: return *a->file >= 0 && ops->fallocate ? ops->fallocate(c->fs, *a->file, 0, 0, (off_t)(a->number % 300000) + 1) : 0;
	}
}

static int open_one(struct client *c, const struct args *a)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_CREAT, O_WRONLY | O_CREAT | O_EXCL, O_WRONLY | O_TRUNC,
				     O_WRONLY | O_CREAT | O_TRUNC, O_RDONLY | O_DIRECTORY };
	const struct um_owner owner = { 0, 0, 0 };
	int fd;

	if (a->op == 28 && traps)
		return *a->file >= 0 ? fuse_ops.touch(c->fs, *a->file, a->number, a->number & 0xff00) : 0;
	fd = a->op == 27 ? fuse_ops.body(c->fs, c->path)
			 : fuse_ops.open(c->fs, c->path, flags[a->number % 8], 0644, &owner);
	if (fd < 0)
		return fd;
	if (*a->file >= 0)
		close(*a->file);
	*a->file = fd;
	return 0;
}

static int operation(struct client *c, const struct args *a)
{
	if (a->op < 10)
		return look(c, a);
	return a->op < 27 ? change(c, a) : open_one(c, a);
}

/* As the monitor's dispatcher runs it. */
static void run(struct client *c, const struct args *a)
{
	int ret = -UM_STAGE, err = 0;
	bool first = true;

	fake_lock();
	for (int n = 0; ret == -UM_STAGE && err == 0 && n < 1000; n++) {
		if (!first) {
			fake_unlock();
			err = um_module.stage(true);
			fake_lock();
		}
		first = false;
		if (err == 0)
			ret = um_module.settle();
		if (err == 0 && ret == 0)
			ret = operation(c, a);
	}
	um_module.stage(false);
	fake_unlock();
}

/* What a process does with its descriptors without any help. */
static void use_file(struct client *c, unsigned op)
{
	int *file = file_of(c);
	char *p;

	if (*file < 0)
		return;
	if (op == 30) {
		close(*file);
		*file = -1;
	} else if (op == 31) {
		if (pwrite(*file, "changed", 7, (off_t)(input_number(&c->in, 2) * 3)) < 0)
			return;
	} else {
		p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, *file, 0);
		if (p == MAP_FAILED)
			return;
		if (pwrite(*file, "x", 1, 4095) == 1)
			p[1] = 'm';
		munmap(p, 4096);
	}
}

static void *work(void *arg)
{
	struct client *c = arg;

	while (c->in.left > 0) {
		struct args a = { .op = (unsigned)input_number(&c->in, 1) % 33 };

		path_of(&c->in, c->path);
		if (a.op >= 30) {
			use_file(c, a.op);
			continue;
		}
		path_of(&c->in, c->other);
		a.number = input_number(&c->in, 2);
		a.file = file_of(c);
		run(c, &a);
	}
	for (int i = 0; i < FILES; i++)
		if (c->files[i] >= 0)
			close(c->files[i]);
	__atomic_store_n(&c->running, false, __ATOMIC_SEQ_CST);
	return NULL;
}

/* --- a run ------------------------------------------------------------------------------------------------------------- */

static struct um_fs *mount_it(struct server *s)
{
	struct um_mount_args args = { .target = "/mnt", .target_type = S_IFDIR, .type = "fuse", .source = "fuzz", .epoch = 1 };
	struct um_fs *fs = NULL;
	char options[100];

	fake_lock();
	s->fd = device_type.ops->open(NULL, "", O_RDWR, 0, NULL);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", s->fd);
	args.options = options;
	if (s->fd < 0 || fuse_type.mount(&fs, &args) < 0) {
		perror("mount");
		abort();
	}
	fake_unlock();
	free(args.shown);
	return fs;
}

static void prepare(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	if (host != NULL)
		return;
	sigaction(SIGUSR1, &sa, NULL);
	setenv("UMFUSE_LAZY_MIN", "1", 1);
	if (um_module.init(&fake_host) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct server s = { .interrupt = interrupt_clients };
	struct input in = { data, size };
	unsigned head = (unsigned)input_number(&in, 1);
	size_t ours = in.left * (head >> 2) / 64;
	struct um_fs *fs;

	prepare();
	traps = (head & 3) >= 2;
	s.in = (struct input){ in.at + ours, in.left - ours };
	fs = mount_it(&s);
	nclients = (head & 3) == 3 ? CLIENTS_MAX : 1;
	for (unsigned i = 0; i < nclients; i++) {
		struct client *c = &clients[i];

		c->fs = fs;
		c->in = (struct input){ in.at + ours / nclients * i, ours / nclients };
		c->running = true;
		c->path = malloc(PATH_MAX);
		c->other = malloc(PATH_MAX);
		memset(c->files, -1, sizeof(c->files));
		pthread_create(&c->thread, NULL, work, c);
	}
	server_start(&s);
	for (unsigned i = 0; i < nclients; i++) {
		pthread_join(clients[i].thread, NULL);
		free(clients[i].path);
		free(clients[i].other);
	}
	server_stop(&s);
	fake_lock();
	fuse_ops.umount(fs);
	while (mounted != NULL) { /* its threads end */
		fake_unlock();
		usleep(100);
		fake_lock();
	}
	fake_unlock();
	return 0;
}
