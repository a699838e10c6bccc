/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hello: an example of a module, built outside of umview's own tree.
 *
 *	mount -t hello [-o WHO] none DIR
 *
 * shows DIR with one file in it, hello.txt, which says "Hello, WHO!".  The file is a memfd: it has a body that the
 * kernel knows, so reading, seeking and mapping it are native.  The directory borrows the body of the mount point:
 * what processes get as descriptor and working directory is DIR itself, and only its contents are ours.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <um_module.h>

#define NAME "hello.txt"

struct um_fs {
	char *directory;        /* host path of the mount point; owned */
	int file;               /* the memfd; owned */
	struct statx st;        /* of the memfd, to know it again */
};

/* Another descriptor of the file, with an offset of its own. */
static int reopen(const struct um_fs *fs, int flags)
{
	char link[40];
	int fd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fs->file);
	fd = open(link, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int hello_walk(struct um_fs *fs, const char *path, size_t *end, struct um_node *node, char *target)
{
	(void)target; /* there are no symbolic links */
	*end = strcspn(path, "/");
	if (path[0] == '\0') {
		int fd = open(fs->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

		*node = (struct um_node){ .fd = fd, .type = S_IFDIR, .body = UM_BODY_MERGED };
		return fd < 0 ? -errno : 0;
	}
	if (*end != strlen(NAME) || strncmp(path, NAME, *end))
		return -ENOENT;
	if (path[*end] != '\0')
		return -ENOTDIR;
	*node = (struct um_node){ .fd = reopen(fs, O_PATH), .type = S_IFREG, .body = UM_BODY_ELSEWHERE };
	return node->fd < 0 ? node->fd : 0;
}

/* A memfd has no name, and its count of links is 0: programs would think that the file was removed. */
static int hello_patch_stat(struct um_fs *fs, int fd, struct statx *st)
{
	(void)fd;
	if (st->stx_ino != fs->st.stx_ino || st->stx_dev_major != fs->st.stx_dev_major ||
	    st->stx_dev_minor != fs->st.stx_dev_minor)
		return 0;
	st->stx_nlink = 1;
	return 1;
}

static int hello_stat(struct um_fs *fs, const char *path, const struct um_node *node, struct statx *st)
{
	(void)path;
	if (!node)
		return -ENOENT;
	if (statx(node->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, st) < 0)
		return -errno;
	hello_patch_stat(fs, node->fd, st);
	return 0;
}

static int hello_statfs(struct um_fs *fs, const char *path, struct statfs *st)
{
	(void)path;
	return fstatfs(fs->file, st) < 0 ? -errno : 0;
}

static int hello_open(struct um_fs *fs, const char *path, int flags, mode_t mode, const struct um_owner *owner)
{
	(void)mode;
	(void)owner;
	if (strcmp(path, NAME))
		return path[0] == '\0' ? -EISDIR : -ENOENT;
	if ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC)
		return -EROFS;
	return reopen(fs, flags & O_PATH ? O_PATH : O_RDONLY);
}

static ssize_t hello_getxattr(struct um_fs *fs, const char *path, const char *name, void *value, size_t size)
{
	(void)fs, (void)path, (void)name, (void)value, (void)size;
	return -ENODATA;
}

static ssize_t hello_listxattr(struct um_fs *fs, const char *path, char *list, size_t size)
{
	(void)fs, (void)path, (void)list, (void)size;
	return 0;
}

static int hello_readdir(struct um_fs *fs, const char *path, um_dirent_fn *fn, void *arg)
{
	(void)path;
	return fn(arg, NAME, fs->st.stx_ino, DT_REG);
}

/* Which of our paths has this host path?  Only the directory has a name on the host. */
static int hello_path_of(struct um_fs *fs, const char *host, char *path)
{
	if (strcmp(host, fs->directory))
		return -ENOENT;
	path[0] = '\0';
	return 0;
}

static void hello_umount(struct um_fs *fs)
{
	if (fs->file >= 0)
		close(fs->file);
	free(fs->directory);
	free(fs);
}

static const struct um_fs_ops hello_ops = {
	.walk = hello_walk,
	.stat = hello_stat,
	.patch_stat = hello_patch_stat,
	.statfs = hello_statfs,
	.open = hello_open,
	.getxattr = hello_getxattr,
	.listxattr = hello_listxattr,
	.readdir = hello_readdir,
	.path_of = hello_path_of,
	.umount = hello_umount,
};

/* The memfd with the greeting.  0, or a negative errno value. */
static int make_file(struct um_fs *fs, const char *who)
{
	fs->file = memfd_create("hello", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fs->file < 0)
		return -errno;
	if (dprintf(fs->file, "Hello, %s!\n", *who ? who : "world") < 0 || fchmod(fs->file, 0444) < 0 ||
	    fcntl(fs->file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ||
	    statx(fs->file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &fs->st) < 0)
		return -errno;
	return 0;
}

static int hello_mount(struct um_fs **out, struct um_mount_args *args)
{
	struct um_fs *fs = calloc(1, sizeof(*fs));
	int err;

	if (!fs)
		return -ENOMEM;
	fs->file = -1;
	fs->directory = args->target_host ? strdup(args->target_host) : NULL;
	if (!fs->directory) {
		snprintf(args->why, sizeof(args->why), "hello: the mount point has no body");
		err = -ENOTDIR;
	} else if (strchr(args->options, ',')) {
		snprintf(args->why, sizeof(args->why), "hello: one option at most, who is greeted");
		err = -EINVAL;
	} else {
		err = make_file(fs, args->options);
	}
	if (err < 0) {
		hello_umount(fs);
		return err;
	}
	args->flags |= MS_RDONLY; /* so nothing that changes is ever asked of us */
	*out = fs;
	return 0;
}

static const struct um_fs_type hello_type = { .name = "hello", .ops = &hello_ops, .mount = hello_mount };
static const struct um_fs_type *const hello_types[] = { &hello_type, NULL };

UM_MODULE = {
	.abi = UM_MODULE_ABI,
	.name = "hello",
	.description = "an example: a file that greets",
	.classes = UM_NEEDS_PATH | UM_NEEDS_DESC,
	.fs_types = hello_types,
};
