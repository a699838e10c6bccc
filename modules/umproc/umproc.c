// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umproc: what the view tells of its file systems where the kernel's word is the host's.
 *
 * The monitor itself makes /proc/PID/mounts and its kin, for every view.  Here are
 *
 *	/proc/filesystems	with the types of the loaded modules
 *	/etc/mtab		where it is a file that somebody keeps: a link to /proc/self/mounts in its place
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "um_module.h"

static const struct um_host *host;

/* --- /proc/filesystems ---------------------------------------------------------------------------------------------- */

/* Each line is "nodev" or nothing, a tab, and the type. */
struct listing {
	const char *text;       /* the host's */
	void (*put)(void *out, const char *text, size_t n);
	void *out;
};

static bool is_listed(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; (p = strchr(p, '\t')) != NULL; p++)
		if (strncmp(p + 1, name, n) == 0 && p[1 + n] == '\n')
			return true;
	return false;
}

static void list_type(void *arg, const char *name, bool on_device)
{
	struct listing *l = arg;

	if (is_listed(l->text, name))
		return;
	if (!on_device)
		l->put(l->out, "nodev", strlen("nodev"));
	l->put(l->out, "\t", 1);
	l->put(l->out, name, strlen(name));
	l->put(l->out, "\n", 1);
}

static int make_filesystems(const char *text, void (*put)(void *out, const char *text, size_t n), void *out)
{
	struct listing l = { text, put, out };

	put(out, text, strlen(text));
	host->fs_types(list_type, &l);
	return 0;
}

/* --- /etc/mtab: a file system that consists of its root, a symbolic link ------------------------------------------------ */

#define MOUNTS "../proc/self/mounts"

struct um_fs {
	struct statx st;        /* of the link */
};

static int mtab_walk(struct um_fs *fs, const char *path, size_t *end, struct um_node *node, char *target)
{
	(void)fs;
	*end = 0;
	*node = (struct um_node){ .fd = -1, .type = S_IFLNK, .body = UM_BODY_NONE };
	strcpy(target, MOUNTS);
	return *path != '\0';
}

static int mtab_stat(struct um_fs *fs, const char *path, const struct um_node *node, struct statx *st)
{
	(void)path, (void)node;
	*st = fs->st;
	return 0;
}

static void mtab_umount(struct um_fs *fs)
{
	free(fs);
}

static const struct um_fs_ops mtab_ops = { .walk = mtab_walk, .stat = mtab_stat, .umount = mtab_umount };

static int mtab_mount(struct um_fs **fs, struct um_mount_args *args)
{
	struct statx st;

	/* There is none, or it is the kernel's already. */
	if (args->target_host == NULL || strncmp(args->target_host, "/proc/", 6) == 0)
		return 1;
	if (statx(AT_FDCWD, args->target_host, 0, STATX_BASIC_STATS, &st) < 0)
		st = (struct statx){ .stx_mask = STATX_BASIC_STATS, .stx_ino = 1, .stx_blksize = 4096 };
	st.stx_mode = S_IFLNK | 0777;
	st.stx_nlink = 1;
	st.stx_uid = st.stx_gid = 0;
	st.stx_size = strlen(MOUNTS);
	st.stx_blocks = 0;
	*fs = malloc(sizeof(**fs));
	if (*fs == NULL)
		return -ENOMEM;
	(*fs)->st = st;
	return 0;
}

/* --- the module --------------------------------------------------------------------------------------------------------- */

static int init(const struct um_host *h)
{
	host = h;
	return 0;
}

static const struct um_fs_type mtab_type = { .name = "umproc-mtab", .ops = &mtab_ops, .mount = mtab_mount };
static const struct um_fs_type *const types[] = { &mtab_type, NULL };
static const struct um_place places[] = { { "/etc/mtab", "umproc-mtab" }, { NULL, NULL } };
static const struct um_proc_file files[] = { { "filesystems", make_filesystems }, { NULL, NULL } };

UM_MODULE = {
	.abi = UM_MODULE_ABI,
	.name = "umproc",
	.description = "/proc/filesystems and /etc/mtab of the view",
	.classes = UM_NEEDS_PATH | UM_NEEDS_DESC,
	.fs_types = types,
	.places = places,
	.proc_files = files,
	.init = init,
};
