// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mount(2) and umount2(2): the view's own.
 *
 * Nobody needs to be root for them: a mount is seen by this view alone.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "args.h"
#include "exec.h"

/* An optional string argument: a null pointer is the empty string. */
static int64_t read_optional(struct um_call *call, uint64_t addr, char *buf, size_t size)
{
	ssize_t n;

	buf[0] = '\0';
	if (addr == 0)
		return 0;
	n = um_read_string(call, addr, buf, size);
	return n < 0 ? n : 0;
}

/* A path argument as an absolute view path. */
static int64_t absolute(struct um_call *call, const char *string, int flags, char *view, bool must_exist)
{
	struct um_path path = UM_PATH_INIT;
	int64_t err = namei_string(call, AT_FDCWD, string, NAMEI_FOLLOW | flags, &path);

	if (err == 0)
		strcpy(view, *path.view ? path.view : "/");
	else if (!must_exist)
		snprintf(view, PATH_MAX, "%s", string);
	um_path_put(&path);
	return must_exist || err == -UM_STAGE ? err : 0;
}

/* File systems of the kernel that a chroot wants to see: the host's own are shown there. */
static const char *host_instance(const char *type)
{
	static const char *const known[][2] = {
		{ "proc", "/proc" }, { "sysfs", "/sys" }, { "devtmpfs", "/dev" }, { "devpts", "/dev/pts" },
		{ "mqueue", "/dev/mqueue" }, { "cgroup2", "/sys/fs/cgroup" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(type, known[i][0]) == 0)
			return known[i][1];
	return NULL;
}

/* Change what an existing mount allows. */
static int64_t remount(struct um_call *call, const char *target, unsigned long flags)
{
	const char *rel;
	struct um_mount *mount;

	mount = view_mount_of(call->view, call->state, strcmp(target, "/") == 0 ? "" : target, &rel);
	if (mount == call->view->host || *rel != '\0') {
		why_set(call, "not a mount of this view");
		return -EINVAL;
	}
	if (mount_is_given(call->view, mount) && !(flags & MS_RDONLY)) {
		why_set(call, "what the command line of a secure view has mounted stays as it is");
		return -EPERM;
	}
	return mount_change(call->view, call->state, mount, flags & MS_RDONLY ? MOUNT_READONLY : MOUNT_WRITABLE);
}

int64_t mount_words(struct um_call *call, const char *source, const char *target, const char *type,
		    unsigned long flags, const char *given)
{
	char from[PATH_MAX], at[PATH_MAX], options[4096 + 8], why[512] = "";
	const char *host = host_instance(type);
	int64_t err;

	if ((flags & 0xffff0000UL) == 0xC0ED0000UL) /* MS_MGC_VAL of old programs */
		flags &= 0xffff;
	err = absolute(call, target, NAMEI_MOUNT_POINT, at, true);
	if (err < 0) {
		why_set(call, "the mount point%s%s", err == -ENOENT ? " does not exist" : ": ",
			err == -ENOENT ? "" : strerror((int)-err));
		return err;
	}
	if (flags & MS_REMOUNT)
		return remount(call, at, flags);
	if (flags & (MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_UNBINDABLE))
		return 0; /* a view's mounts propagate nowhere */
	err = absolute(call, source, flags & MS_MOVE ? NAMEI_MOUNT_POINT : 0, from, false); /* as it is, if it is no path */
	if (err < 0)
		return err;
	if ((flags & MS_MOVE) && strcmp(type, "viewfs") != 0) {
		err = view_move(call->view, call->state, from, at, why, sizeof(why));
		if (err < 0)
			why_set(call, "%s", why);
		return err;
	}
	snprintf(options, sizeof(options), "%s", given);
	if (flags & MS_BIND) {
		type = "viewfs";
		snprintf(options, sizeof(options), "move");
	} else if (host != NULL) {
		type = "viewfs";
		snprintf(options, sizeof(options), "move,kernel");
		snprintf(from, sizeof(from), "%s", host);
	} else if (flags & MS_MOVE) {
		/* busybox's mount takes viewfs's option "move" for mount(2)'s flag. */
		snprintf(options + strlen(options), sizeof(options) - strlen(options), "%smove", *options ? "," : "");
	}
	err = view_mount(call->view, call->state, from, at, type, flags, options, why, sizeof(why));
	if (err < 0)
		why_set(call, "%s", why);
	return err;
}

int64_t call_mount(struct um_call *call)
{
	char source[PATH_MAX], target[PATH_MAX], type[256], options[4096];
	int64_t err = um_read_path(call, call->args[1], target);

	if (err >= 0)
		err = read_optional(call, call->args[0], source, sizeof(source));
	if (err == 0)
		err = read_optional(call, call->args[2], type, sizeof(type));
	if (err == 0)
		err = read_optional(call, call->args[4], options, sizeof(options));
	return err < 0 ? err : mount_words(call, source, target, type, call->args[3], options);
}

int64_t umount_words(struct um_call *call, const char *target, int flags)
{
	char at[PATH_MAX], why[512] = "";
	int64_t err = absolute(call, target, NAMEI_MOUNT_POINT, at, true);

	if (err < 0)
		return err;
	exec_plans_tidy();
	err = view_umount(call->view, call->state, at, flags, why, sizeof(why));
	if (err < 0)
		why_set(call, "%s", why);
	return err;
}

int64_t call_umount(struct um_call *call)
{
	char target[PATH_MAX];
	int64_t err = um_read_path(call, call->args[0], target);

	return err < 0 ? err : umount_words(call, target, (int)call->args[1]);
}

int64_t call_new_mount_api(struct um_call *call)
{
	(void)call;
	return -ENOSYS; /* mount(8) then falls back to mount(2) */
}
