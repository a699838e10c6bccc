/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File handles: each door gives the same one for the same file, and which errors there are.
 *
 * modes: plain cow secure ptrace
 * setup: yes
 */
#include "conform.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

union room {
	struct file_handle handle;
	char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static void put(const char *name)
{
	NEED(close(open(name, O_CREAT | O_WRONLY | O_APPEND, 0644)) == 0);
}

static int setup(void)
{
	put("old");
	put("changed");
	NEED(mkdir("dir", 0755) == 0);
	put("dir/file");
	NEED(symlink("old", "link") == 0);
	return 0;
}

static const char *handle(union room *room, int dirfd, const char *name, int flags)
{
	int mount;

	memset(room, 0, sizeof(*room));
	room->handle.handle_bytes = MAX_HANDLE_SZ;
	return outcome(name_to_handle_at(dirfd, name, &room->handle, &mount, flags));
}

static const char *same(const union room *a, const union room *b)
{
	return memcmp(a, b, sizeof(*a)) == 0 ? "the same" : "another";
}

/* By path, and by a descriptor. */
static void doors(const char *name)
{
	union room path, fd, before;
	int file = open(name, O_RDONLY);
	const char *result;
	char text[40];

	snprintf(text, sizeof(text), "%s-by-path", name);
	say(text, "%s", handle(&path, AT_FDCWD, name, 0));
	snprintf(text, sizeof(text), "%s-by-fd", name);
	result = handle(&fd, file, "", AT_EMPTY_PATH);
	say(text, "%s, %s", result, same(&path, &fd));
	handle(&before, AT_FDCWD, name, 0);
	snprintf(text, sizeof(text), "%s-again", name);
	say(text, "%s", same(&before, &path));
	close(file);
}

int main(int argc, char **argv)
{
	union room file, link, small;
	int mount, no_room;

	if (argc > 1 && strcmp(argv[1], "setup") == 0)
		return setup();
	put("new");
	NEED(chmod("changed", 0600) == 0 && rename("dir/file", "moved") == 0);
	doors("old");
	doors("changed");
	doors("new");
	doors("moved");
	doors("dir");
	say("link", "%s", handle(&link, AT_FDCWD, "link", 0));
	say("link-followed", "%s", handle(&link, AT_FDCWD, "link", AT_SYMLINK_FOLLOW));
	handle(&file, AT_FDCWD, "old", 0);
	say("link-followed-to", "%s", same(&file, &link));
	say("gone", "%s", handle(&file, AT_FDCWD, "dir/file", 0));
	say("bad-flags", "%s", handle(&file, AT_FDCWD, "old", 0x8000));
	small.handle.handle_bytes = 0;
	no_room = name_to_handle_at(AT_FDCWD, "new", &small.handle, &mount, 0);
	say("no-room", "%s, says how much: %d", outcome(no_room), small.handle.handle_bytes > 0);
	small.handle.handle_bytes = MAX_HANDLE_SZ + 1;
	say("too-much-room", "%s", outcome(name_to_handle_at(AT_FDCWD, "new", &small.handle, &mount, 0)));
	say("here", "%s", handle(&file, AT_FDCWD, "", AT_EMPTY_PATH));
	handle(&link, AT_FDCWD, ".", 0);
	say("here-by-name", "%s", same(&file, &link));
	say("bad-fd", "%s", handle(&link, 99, "", AT_EMPTY_PATH));
	handle(&file, AT_FDCWD, "old", 0);
	say("open", "%s", outcome(open_by_handle_at(AT_FDCWD, &file.handle, O_RDONLY)));
	return 0;
}
