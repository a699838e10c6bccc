/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * umfuseramfile: a file whose content is in memory.
 *
 * A FUSE file system whose root is a regular file, so it is mounted on one.  It begins as a copy of SOURCE, or empty, and
 * what is written to it is gone when it is unmounted.  The content is a memfd: holes take no room.
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static struct {
	int fd;                 /* the content */
	uint64_t limit;         /* how large it may become */
	struct stat st;         /* mode, owner */
	char *source, *target, *size;
} file = { .fd = -1 };

static const struct fuse_opt options[] = {
	{ "size=%s", offsetof(__typeof__(file), size), 0 },
	FUSE_OPT_END
};

static int result(long r)
{
	return r < 0 ? -errno : (int)r;
}

/* --- the one file ---------------------------------------------------------------------------------------------------- */

static int ram_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	struct stat now;

	(void)path;
	(void)fi;
	if (fstat(file.fd, &now) < 0)
		return -errno;
	now.st_mode = file.st.st_mode;
	now.st_uid = file.st.st_uid;
	now.st_gid = file.st.st_gid;
	now.st_nlink = 1;
	*st = now;
	return 0;
}

static int ram_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	(void)path;
	(void)fi;
	file.st.st_mode = S_IFREG | (mode & 07777);
	return 0;
}

static int ram_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	(void)path;
	(void)fi;
	if (uid != (uid_t)-1)
		file.st.st_uid = uid;
	if (gid != (gid_t)-1)
		file.st.st_gid = gid;
	return 0;
}

static int ram_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *fi)
{
	(void)path;
	(void)fi;
	return result(futimens(file.fd, times));
}

static int ram_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	(void)path;
	(void)fi;
	if (size > 0 && (uint64_t)size > file.limit)
		return -ENOSPC;
	return result(ftruncate(file.fd, size));
}

static int ram_open(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	fi->keep_cache = 1;
	/* libfuse 3 has the client say this here, and not by truncate */
	return fi->flags & O_TRUNC ? result(ftruncate(file.fd, 0)) : 0;
}

static int ram_read(const char *path, char *buf, size_t size, off_t at, struct fuse_file_info *fi)
{
	(void)path;
	(void)fi;
	return result(pread(file.fd, buf, size, at));
}

static int ram_write(const char *path, const char *buf, size_t size, off_t at, struct fuse_file_info *fi)
{
	(void)path;
	(void)fi;
	if ((uint64_t)at >= file.limit)
		return -ENOSPC;
	if (size > file.limit - at)
		size = file.limit - at;
	return result(pwrite(file.fd, buf, size, at));
}

static int ram_fallocate(const char *path, int mode, off_t at, off_t len, struct fuse_file_info *fi)
{
	(void)path;
	(void)fi;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && ((uint64_t)at > file.limit || (uint64_t)len > file.limit - at))
		return -ENOSPC;
	return result(fallocate(file.fd, mode, at, len));
}

static off_t ram_lseek(const char *path, off_t at, int whence, struct fuse_file_info *fi)
{
	off_t r = lseek(file.fd, at, whence);

	(void)path;
	(void)fi;
	return r < 0 ? -errno : r;
}

static int ram_fsync(const char *path, int data_only, struct fuse_file_info *fi)
{
	(void)path;
	(void)data_only;
	(void)fi;
	return 0;
}

static int ram_statfs(const char *path, struct statvfs *st)
{
	struct stat now;

	(void)path;
	if (fstat(file.fd, &now) < 0)
		return -errno;
	memset(st, 0, sizeof(*st));
	st->f_bsize = st->f_frsize = 4096;
	st->f_blocks = file.limit / 4096;
	st->f_bfree = st->f_blocks - (uint64_t)now.st_blocks / 8;
	if (st->f_bfree > st->f_blocks)
		st->f_bfree = 0;
	st->f_bavail = st->f_bfree;
	st->f_files = 1;
	return 0;
}

static const struct fuse_operations operations = {
	.getattr = ram_getattr,
	.chmod = ram_chmod,
	.chown = ram_chown,
	.utimens = ram_utimens,
	.truncate = ram_truncate,
	.open = ram_open,
	.read = ram_read,
	.write = ram_write,
	.fallocate = ram_fallocate,
	.lseek = ram_lseek,
	.fsync = ram_fsync,
	.statfs = ram_statfs,
};

/* --- from the command line to the mount ------------------------------------------------------------------------------ */

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "umfuseramfile: %s: %s\n", what, why);
	return -1;
}

/* The arguments that are no options: SOURCE and the mount point, or that alone. */
static int take_word(void *data, const char *word, int key, struct fuse_args *args)
{
	(void)data;
	(void)args;
	if (key != FUSE_OPT_KEY_NONOPT)
		return 1;
	if (file.target && file.source)
		return fail(word, "unexpected argument");
	file.source = file.target;
	file.target = strdup(word);
	return 0;
}

/* size=NUMBER[k|m|g]; else half of the memory, as for tmpfs. */
static int parse_size(void)
{
	static const char units[] = "kmg";
	const char *unit;
	char *end;

	if (!file.size) {
		file.limit = (uint64_t)sysconf(_SC_PHYS_PAGES) / 2 * sysconf(_SC_PAGESIZE);
		return 0;
	}
	errno = 0;
	file.limit = strtoull(file.size, &end, 10);
	unit = *end ? strchr(units, *end | 0x20) : NULL;
	if (unit) {
		unsigned shift = 10 * (unsigned)(unit - units + 1);

		end++;
		if (file.limit >> (63 - shift))
			errno = ERANGE;
		file.limit <<= shift;
	}
	if (errno || end == file.size || *end || file.size[0] == '-' || file.limit > INT64_MAX)
		return fail(file.size, "not a size: size=NUMBER, with k, m or g if wanted");
	return 0;
}

static int copy_source(void)
{
	char buf[65536];
	uint64_t size = 0;
	ssize_t n = 0;
	int fd;

	if (!file.source)
		return 0;
	fd = open(file.source, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(file.source, strerror(errno));
	if (fstat(fd, &file.st) == 0 && S_ISDIR(file.st.st_mode))
		return fail(file.source, "it is a directory, and not a file");
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		size += n;
		if (size > file.limit)
			return fail(file.source, "it is larger than the file may be; see size=");
		for (ssize_t done = 0, w; done < n; done += w) {
			w = write(file.fd, buf + done, n - done);
			if (w < 0)
				return fail("cannot keep it in memory", strerror(errno));
		}
	}
	if (n < 0)
		return fail(file.source, strerror(errno));
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);

	file.st.st_mode = 0644;
	file.st.st_uid = getuid();
	file.st.st_gid = getgid();
	if (fuse_opt_parse(&args, &file, options, take_word) < 0)
		return 1;
	if (!file.target) {
		fail("nothing to mount on", "give SOURCE and a file");
		return 1;
	}
	file.fd = memfd_create("umfuseramfile", MFD_CLOEXEC);
	if (file.fd < 0)
		fail("no memory", strerror(errno));
	if (file.fd < 0 || parse_size() < 0 || copy_source() < 0)
		return 1;
	file.st.st_mode = S_IFREG | (file.st.st_mode & 07777);
	/* -s: one request at a time, so that the limit holds */
	if (fuse_opt_add_arg(&args, "-s") < 0 || fuse_opt_add_arg(&args, file.target) < 0)
		return 1;
	return fuse_main(args.argc, args.argv, &operations, NULL);
}
