// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hostfs: the host's own tree, in the shape of a file system of the view.
 *
 * It serves what no mount owns when the kernel cannot be asked with the process's own arguments: paths below a virtual
 * root, or relative to a directory that is elsewhere.  The monitor acts as the real user here, so the host's
 * permissions hold.  Paths are relative to "/".
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "dircache.h"
#include "hostfs.h"

static int root_fd = -1;
static bool have_openat2 = true;
static bool guarded; /* what is the kernel's is not changed */

void hostfs_disable_openat2(void)
{
	have_openat2 = false;
}

void hostfs_guard(void)
{
	guarded = true;
}

/* The descriptor of "/", opened once. */
static int host_root(void)
{
	if (root_fd < 0)
		root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root_fd;
}

/* Relative to host_root(): "" is written ".". */
static const char *at(const char *path)
{
	return *path != '\0' ? path : ".";
}

#define RESULT(call) ((call) < 0 ? -errno : 0)

/* An O_PATH descriptor of a path, if no symbolic link is on the way. */
static int open_plain(const char *path, bool follow)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW), .resolve = RESOLVE_NO_SYMLINKS,
	};
	int fd;

	if (!have_openat2)
		return -ELOOP;
	fd = (int)syscall(SYS_openat2, host_root(), at(path), &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

int hostfs_stat_plain(const char *path, bool follow, struct stat *st)
{
	const char *slash = strrchr(path, '/');
	int fd, err;

	if (slash != NULL && dircache_knows(path, (size_t)(slash - path))) {
		err = RESULT(fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW));
		return err == 0 && follow && S_ISLNK(st->st_mode) ? -ELOOP : err;
	}
	fd = open_plain(path + 1, follow);
	if (fd < 0)
		return fd;
	err = RESULT(fstat(fd, st));
	close(fd);
	return err;
}

bool hostfs_is_kernels(int fd)
{
	static const uint32_t types[] = {
		SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC, SECURITYFS_MAGIC,
		BPF_FS_MAGIC, PSTOREFS_MAGIC, EFIVARFS_MAGIC, SELINUX_MAGIC, HUGETLBFS_MAGIC, BINFMTFS_MAGIC, NSFS_MAGIC,
		DEVPTS_SUPER_MAGIC, 0x19800202 /* mqueue */, 0x62656570 /* configfs */, 0x65735543 /* fusectl */,
	};
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return true;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((uint32_t)st.f_type == types[i])
			return true;
	return false;
}

bool hostfs_path_is_kernels(const char *path)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	bool yes = fd < 0 || hostfs_is_kernels(fd);

	if (fd >= 0)
		close(fd);
	return yes;
}

/*
 * May what is at @path be changed, or (@entry) a name made or removed there?  Not in the kernel's file systems of
 * a secure view: by a control group, for one, processes outside can be stopped and killed.
 */
static int may_change(const char *path, bool entry)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd, err;

	if (!guarded)
		return 0;
	if (entry) {
		snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) : 0, path);
		path = parent;
	}
	fd = openat(host_root(), at(path), O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = hostfs_is_kernels(fd) ? -EROFS : 0;
	close(fd);
	return err;
}

/* One component below @dir. */
static int open_component(int dir, const char *path, size_t begin, size_t end)
{
	char name[NAME_MAX + 1];
	int fd;

	if (end - begin > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path + begin, end - begin);
	name[end - begin] = '\0';
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Read what a link points to; @fd is the link, opened with O_PATH. */
static int read_link(int fd, char *target)
{
	ssize_t n = readlinkat(fd, "", target, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return 0;
}

static int host_walk(struct um_fs *fs, const char *path, size_t *end, struct um_node *node, char *target)
{
	size_t len = strlen(path), pos = 0;
	struct stat st;
	int fd, dir, err;

	(void)fs;
	fd = open_plain(path, false);
	if (fd < 0) {
		dir = fcntl(host_root(), F_DUPFD_CLOEXEC, 0);
		for (;;) {
			size_t next = pos + strcspn(path + pos, "/");

			if (dir < 0)
				return -errno;
			fd = len == 0 ? fcntl(dir, F_DUPFD_CLOEXEC, 0) : open_component(dir, path, pos, next);
			close(dir);
			*end = next;
			if (fd < 0)
				return fd;
			if (fstat(fd, &st) < 0) {
				err = -errno;
				close(fd);
				return err;
			}
			if (next == len)
				break;
			if (S_ISLNK(st.st_mode)) {
				*node = (struct um_node){ fd, S_IFLNK, UM_BODY_HOST };
				err = read_link(fd, target);
				return err < 0 ? err : 1;
			}
			if (!S_ISDIR(st.st_mode)) {
				close(fd);
				return -ENOTDIR;
			}
			dir = fd;
			pos = next + 1;
		}
	} else if (fstat(fd, &st) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	*end = len;
	*node = (struct um_node){ fd, st.st_mode & S_IFMT, UM_BODY_HOST };
	return S_ISLNK(st.st_mode) ? read_link(fd, target) : 0;
}

static int host_stat(struct um_fs *fs, const char *path, const struct um_node *node, struct statx *st)
{
	(void)fs;
	if (node != NULL && node->fd >= 0)
		return RESULT(statx(node->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, st));
	return RESULT(statx(host_root(), at(path), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, st));
}

static int host_statfs(struct um_fs *fs, const char *path, struct statfs *st)
{
	char full[PATH_MAX + 1];

	(void)fs;
	snprintf(full, sizeof(full), "/%s", path);
	return RESULT(statfs(full, st));
}

static int host_open(struct um_fs *fs, const char *path, int flags, mode_t mode, const struct um_owner *owner)
{
	int fd;

	int err = 0;

	(void)fs, (void)owner;
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)))
		err = may_change(path, flags & O_CREAT);
	if (err < 0)
		return err;
	fd = openat(host_root(), at(path), flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode);
	return fd < 0 ? -errno : fd;
}

static int host_mkdir(struct um_fs *fs, const char *path, mode_t mode, const struct um_owner *owner)
{
	int err = may_change(path, true);

	(void)fs, (void)owner;
	if (err < 0)
		return err;
	return RESULT(mkdirat(host_root(), at(path), mode));
}

static int host_mknod(struct um_fs *fs, const char *path, mode_t mode, dev_t rdev, const struct um_owner *owner)
{
	int err = may_change(path, true);

	(void)fs, (void)owner;
	if (err < 0)
		return err;
	return RESULT(mknodat(host_root(), at(path), mode, rdev));
}

static int host_symlink(struct um_fs *fs, const char *target, const char *path, const struct um_owner *owner)
{
	int err = may_change(path, true);

	(void)fs, (void)owner;
	if (err < 0)
		return err;
	return RESULT(symlinkat(target, host_root(), at(path)));
}

static int host_unlink(struct um_fs *fs, const char *path)
{
	int err = may_change(path, true);

	(void)fs;
	if (err < 0)
		return err;
	return RESULT(unlinkat(host_root(), at(path), 0));
}

static int host_rmdir(struct um_fs *fs, const char *path)
{
	int err = may_change(path, true);

	(void)fs;
	if (err < 0)
		return err;
	return RESULT(unlinkat(host_root(), at(path), AT_REMOVEDIR));
}

static int host_link(struct um_fs *fs, const char *oldpath, const char *newpath)
{
	int err = may_change(newpath, true);

	(void)fs;
	if (err < 0)
		return err;
	return RESULT(linkat(host_root(), at(oldpath), host_root(), at(newpath), 0));
}

static int host_rename(struct um_fs *fs, const char *oldpath, const char *newpath, unsigned flags)
{
	int err = may_change(oldpath, true);

	(void)fs;
	if (err == 0)
		err = may_change(newpath, true);
	if (err < 0)
		return err;
	return RESULT(renameat2(host_root(), at(oldpath), host_root(), at(newpath), flags));
}

/* A path that system calls without an *at form can take: "/" + path. */
#define FULL(path)                                                                                                   \
	char full[PATH_MAX + 1];                                                                                     \
	(void)fs;                                                                                                    \
	snprintf(full, sizeof(full), "/%s", path)

#define CHANGES(path, entry)                                                                                         \
	FULL(path);                                                                                                  \
	if (guarded) {                                                                                               \
		int may = may_change(path, entry);                                                                   \
		if (may < 0)                                                                                         \
			return may;                                                                                  \
	}

static int host_chmod(struct um_fs *fs, const char *path, mode_t mode)
{
	CHANGES(path, false);
	return RESULT(chmod(full, mode));
}

static int host_chown(struct um_fs *fs, const char *path, uid_t uid, gid_t gid)
{
	int err = may_change(path, false);

	(void)fs;
	if (err < 0)
		return err;
	return RESULT(fchownat(host_root(), at(path), uid, gid, AT_SYMLINK_NOFOLLOW));
}

static int host_utimens(struct um_fs *fs, const char *path, const struct timespec times[2])
{
	int err = may_change(path, false);

	(void)fs;
	if (err < 0)
		return err;
	return RESULT(utimensat(host_root(), at(path), times, AT_SYMLINK_NOFOLLOW));
}

static int host_truncate(struct um_fs *fs, const char *path, off_t size)
{
	CHANGES(path, false);
	return RESULT(truncate(full, size));
}

static int host_fchmod(struct um_fs *fs, int fd, mode_t mode)
{
	(void)fs;
	if (guarded && hostfs_is_kernels(fd))
		return -EROFS;
	return RESULT(fchmod(fd, mode));
}

static int host_fchown(struct um_fs *fs, int fd, uid_t uid, gid_t gid)
{
	(void)fs;
	if (guarded && hostfs_is_kernels(fd))
		return -EROFS;
	return RESULT(fchown(fd, uid, gid));
}

static ssize_t host_getxattr(struct um_fs *fs, const char *path, const char *name, void *value, size_t size)
{
	ssize_t n;
	FULL(path);
	n = lgetxattr(full, name, value, size);
	return n < 0 ? -errno : n;
}

static ssize_t host_listxattr(struct um_fs *fs, const char *path, char *list, size_t size)
{
	ssize_t n;
	FULL(path);
	n = llistxattr(full, list, size);
	return n < 0 ? -errno : n;
}

static int host_setxattr(struct um_fs *fs, const char *path, const char *name, const void *value, size_t size,
			 int flags)
{
	CHANGES(path, false);
	return RESULT(lsetxattr(full, name, value, size, flags));
}

static int host_removexattr(struct um_fs *fs, const char *path, const char *name)
{
	CHANGES(path, false);
	return RESULT(lremovexattr(full, name));
}

static int host_path_of(struct um_fs *fs, const char *host, char *path)
{
	(void)fs;
	if (*host != '/')
		return -ENOENT;
	snprintf(path, PATH_MAX, "%s", host + 1);
	return 0;
}

int hostfs_bind_at(int sock, const char *path, mode_t mode)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];
	int dir, n, err;

	if (slash == NULL || slash - path >= PATH_MAX)
		return -EINVAL;
	snprintf(parent, sizeof(parent), "%.*s/", (int)(slash - path), path);
	dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	/* A path that fits is given as it is: getsockname(2) shows it to everybody. */
	if (strlen(path) < sizeof(address.sun_path))
		n = snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	else
		n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir, slash + 1);
	if (n >= (int)sizeof(address.sun_path))
		err = -ENAMETOOLONG;
	else if (bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		err = -errno;
	else
		err = RESULT(fchmodat(dir, slash + 1, mode & 07777, 0));
	close(dir);
	return err;
}

static int host_bind(struct um_fs *fs, const char *path, int sock, const char *name, mode_t mode,
		     const struct um_owner *owner)
{
	(void)name; /* not as good as the host path, which everybody can look up */
	(void)owner;
	CHANGES(path, true);
	return hostfs_bind_at(sock, full, mode);
}

/* No readdir: directories of the host list themselves. */
const struct um_fs_ops hostfs_ops = {
	.walk = host_walk,
	.stat = host_stat,
	.statfs = host_statfs,
	.open = host_open,
	.mkdir = host_mkdir,
	.mknod = host_mknod,
	.symlink = host_symlink,
	.unlink = host_unlink,
	.rmdir = host_rmdir,
	.link = host_link,
	.rename = host_rename,
	.chmod = host_chmod,
	.chown = host_chown,
	.utimens = host_utimens,
	.truncate = host_truncate,
	.fchmod = host_fchmod,
	.fchown = host_fchown,
	.getxattr = host_getxattr,
	.listxattr = host_listxattr,
	.setxattr = host_setxattr,
	.removexattr = host_removexattr,
	.path_of = host_path_of,
	.bind = host_bind,
};

static const struct um_fs_type hostfs_type = { .name = "host", .ops = &hostfs_ops };
struct um_mount hostfs_mount = { .type = &hostfs_type, .source = "/", .target = "", .options = "" };
