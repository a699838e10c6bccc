/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The -o string of mount(8): see mountopts.h.
 *
 * "move" is no flag here: viewfs has an option of that name, so in a string it is data; only --move means MS_MOVE.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "cmd.h"
#include "mountopts.h"

#ifndef MS_LAZYTIME
#define MS_LAZYTIME (1ul << 25) /* linux/mount.h */
#endif
#define MS_PROPAGATION (MS_PRIVATE | MS_SHARED | MS_SLAVE | MS_UNBINDABLE)

/* Options that are flags of mount(2): set is raised, clear lowered. */
static const struct {
	const char *name;
	unsigned long set, clear;
} flag_options[] = {
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "nosuid", MS_NOSUID, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "nodev", MS_NODEV, 0 },
	{ "dev", 0, MS_NODEV },
	{ "noexec", MS_NOEXEC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "sync", MS_SYNCHRONOUS, 0 },
	{ "async", 0, MS_SYNCHRONOUS },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "mand", MS_MANDLOCK, 0 },
	{ "nomand", 0, MS_MANDLOCK },
	{ "noatime", MS_NOATIME, 0 },
	{ "atime", 0, MS_NOATIME },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "diratime", 0, MS_NODIRATIME },
	{ "relatime", MS_RELATIME, 0 },
	{ "norelatime", 0, MS_RELATIME },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "nostrictatime", 0, MS_STRICTATIME },
	{ "lazytime", MS_LAZYTIME, 0 },
	{ "nolazytime", 0, MS_LAZYTIME },
	{ "silent", MS_SILENT, 0 },
	{ "loud", 0, MS_SILENT },
	{ "remount", MS_REMOUNT, 0 },
	{ "bind", MS_BIND, 0 },
	{ "rbind", MS_BIND | MS_REC, 0 },
	{ "private", MS_PRIVATE, 0 },
	{ "rprivate", MS_PRIVATE | MS_REC, 0 },
	{ "shared", MS_SHARED, 0 },
	{ "rshared", MS_SHARED | MS_REC, 0 },
	{ "slave", MS_SLAVE, 0 },
	{ "rslave", MS_SLAVE | MS_REC, 0 },
	{ "unbindable", MS_UNBINDABLE, 0 },
	{ "runbindable", MS_UNBINDABLE | MS_REC, 0 },
};

/* For fstab and mount(8) itself; no file system ever sees them.  Those that end in '*' are prefixes. */
static const char *const userspace_options[] = {
	"defaults", "auto", "noauto", "user", "nouser", "users", "nousers", "owner", "noowner", "group", "nogroup",
	"nofail", "_netdev", "comment=*", "x-*", "X-*",
};

static bool is_userspace(const char *option)
{
	for (size_t i = 0; i < sizeof(userspace_options) / sizeof(userspace_options[0]); i++) {
		const char *name = userspace_options[i];
		size_t n = strlen(name);

		if (name[n - 1] == '*' ? !strncmp(option, name, n - 1) : !strcmp(option, name))
			return true;
	}
	return false;
}

static void add_data(struct mount_options *o, const char *option)
{
	size_t used = o->data ? strlen(o->data) : 0;

	o->data = cmd_realloc(o->data, used + strlen(option) + 2);
	if (used > 0)
		o->data[used++] = ',';
	strcpy(o->data + used, option);
}

void mount_options_data_first(struct mount_options *o, const char *option)
{
	char *rest = o->data;

	o->data = cmd_strdup(option);
	if (rest && *rest)
		add_data(o, rest);
}

static void add_one(struct mount_options *o, const char *option)
{
	if (*option == '\0' || is_userspace(option))
		return;
	if (!strcmp(option, "ro"))
		o->access = MOUNT_RO;
	else if (!strcmp(option, "rw") || !strcmp(option, "rw+"))
		o->access = MOUNT_RW;
	for (size_t i = 0; i < sizeof(flag_options) / sizeof(flag_options[0]); i++) {
		if (strcmp(option, flag_options[i].name))
			continue;
		if (flag_options[i].set & MS_PROPAGATION) {
			o->propagation = flag_options[i].set;
		} else {
			o->flags |= flag_options[i].set;
			o->flags &= ~flag_options[i].clear;
		}
		return;
	}
	add_data(o, option);
}

char *mount_options_next(char **rest)
{
	char *start = *rest, *p = start;
	bool quoted = false;

	if (start == NULL)
		return NULL;
	for (; *p != '\0' && (*p != ',' || quoted); p++)
		if (*p == '"')
			quoted = !quoted;
	*rest = *p ? p + 1 : NULL;
	*p = '\0';
	return start;
}

void mount_options_add(struct mount_options *o, const char *string)
{
	char *copy = cmd_strdup(string), *rest = copy, *option;

	if (!o->data)
		o->data = cmd_strdup("");
	while ((option = mount_options_next(&rest)))
		add_one(o, option);
	free(copy);
}
