// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /dev/fuse: a file system that consists of its root, a character device, for the place of the host's.
 *
 * Each open(2) of it makes a channel, of which the process gets the server's end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "umfuse.h"

#define FUSE_MAJOR 10           /* Documentation/admin-guide/devices.txt */
#define FUSE_MINOR 229
#define PENDING_MAX 256

/* Channels that are not mounted yet: an open of /dev/fuse and mount(2) come one after the other. */
static struct pending {
	struct channel *channel;
	struct pending *next;
} *pending;

/* Forget those that were closed again, and those that have become mounts (which have a reference of their own).  How many are left? */
static unsigned collect(void)
{
	unsigned n = 0;

	for (struct pending **at = &pending; *at != NULL;) {
		struct pending *p = *at;

		if (!channel_taken(p->channel) && !channel_closed(p->channel)) {
			at = &p->next;
			n++;
			continue;
		}
		*at = p->next;
		channel_unref(p->channel);
		free(p);
	}
	return n;
}

static int device_walk(struct um_fs *fs, const char *path, size_t *end, struct um_node *node, char *target)
{
	(void)fs, (void)target;
	*end = strcspn(path, "/");
	if (*path != '\0')
		return -ENOTDIR;
	*node = (struct um_node){ .fd = -1, .type = S_IFCHR, .body = UM_BODY_NONE };
	return 0;
}

static int device_stat(struct um_fs *fs, const char *path, const struct um_node *node, struct statx *st)
{
	(void)fs, (void)path, (void)node;
	*st = (struct statx){
		.stx_mask = STATX_BASIC_STATS, .stx_mode = S_IFCHR | 0666, .stx_nlink = 1, .stx_blksize = 4096,
		.stx_ino = FUSE_MINOR, .stx_rdev_major = FUSE_MAJOR, .stx_rdev_minor = FUSE_MINOR,
	};
	return 0;
}

/* Of an open /dev/fuse; or of a file that processes have open still, though its mount is gone. */
static int device_patch_stat(struct um_fs *fs, int fd, struct statx *st)
{
	struct statx dev;
	int err = 0;

	if (S_ISSOCK(st->stx_mode) && channel_is(fd)) {
		device_stat(fs, "", NULL, st);
		if (statx(AT_FDCWD, "/dev", 0, STATX_BASIC_STATS, &dev) == 0) {
			st->stx_dev_major = dev.stx_dev_major;
			st->stx_dev_minor = dev.stx_dev_minor;
		}
		return 1;
	}
	for (struct um_fs *gone = mounted; gone != NULL && err == 0; gone = gone->next)
		if (!gone->mounted)
			err = op_patch_stat(gone, fd, st);
	return err;
}

static int device_open(struct um_fs *fs, const char *path, int flags, mode_t mode, const struct um_owner *owner)
{
	struct pending *p;
	int server;

	(void)fs, (void)path, (void)mode, (void)owner;
	if (collect() >= PENDING_MAX)
		return -ENFILE; /* each costs the monitor a descriptor */
	p = malloc(sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	p->channel = channel_new(&server);
	if (p->channel == NULL) {
		free(p);
		return -errno;
	}
	p->next = pending;
	pending = p;
	if (flags & O_NONBLOCK)
		fcntl(server, F_SETFL, O_NONBLOCK);
	return server;
}

/* Another open /dev/fuse is to be one with the caller's descriptor @arg. */
static int clone_device(const void *arg, int *result)
{
	uint32_t master;
	int fd, err = -EINVAL;

	memcpy(&master, arg, sizeof(master));
	fd = host->caller_fd((int)master);
	if (fd >= 0 && channel_is(fd))
		err = UM_IOCTL_DUP;
	if (fd >= 0)
		close(fd);
	*result = (int)master;
	return err;
}

int device_ioctl(int fd, unsigned request, void *arg, int *result)
{
	if (!channel_is(fd))
		return -EXDEV;
	return request == FUSE_DEV_IOC_CLONE ? clone_device(arg, result) : -ENOTTY;
}

static void device_umount(struct um_fs *fs)
{
	(void)fs;
	while (pending != NULL) {
		struct pending *p = pending;

		pending = p->next;
		channel_unref(p->channel);
		free(p);
	}
}

static const struct um_fs_ops device_ops = {
	.walk = device_walk, .stat = device_stat, .patch_stat = device_patch_stat, .open = device_open, .umount = device_umount,
};

static int device_mount(struct um_fs **fs, struct um_mount_args *args)
{
	(void)args;
	*fs = NULL;
	return 0;
}

const struct um_fs_type device_type = { .name = "umfuse-device", .ops = &device_ops, .mount = device_mount };
