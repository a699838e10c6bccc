/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inotify and fanotify: what can be watched, and what is told. */
/* setup: yes */
#include <sys/fanotify.h>
#include <sys/inotify.h>

#include "trees.h"

static int in;

/* The events that there are, in order: masks and names. */
static void events(const char *name)
{
	char buf[8192] __attribute__((aligned(8))), out[800] = "";
	ssize_t n = read(in, buf, sizeof(buf));

	for (ssize_t at = 0; at < n;) {
		struct inotify_event *e = (struct inotify_event *)(buf + at);

		at += (ssize_t)(sizeof(*e) + e->len);
		snprintf(out + strlen(out), sizeof(out) - strlen(out), " %x%s%s", e->mask, e->len ? ":" : "",
			 e->len ? e->name : "");
	}
	observe(name, "%s", n < 0 ? outcome(-1) : out);
}

static void watches(void)
{
	static const char *const names[] = { "file", "dir", "link", "dirlink", "dangling", "loop", "none", "file/", "dir/",
					     "link/", "", "fifo", "closed", "closed/in", "secret", "dirlink/a", "file/x" };
	char label[80];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		snprintf(label, sizeof(label), "watch %s", names[i]);
		result(label, inotify_add_watch(in, names[i], IN_MODIFY));
		snprintf(label, sizeof(label), "watch onlydir %s", names[i]);
		result(label, inotify_add_watch(in, names[i], IN_MODIFY | IN_ONLYDIR));
		snprintf(label, sizeof(label), "watch nofollow %s", names[i]);
		result(label, inotify_add_watch(in, names[i], IN_MODIFY | IN_DONT_FOLLOW));
		snprintf(label, sizeof(label), "watch create %s", names[i]);
		result(label, inotify_add_watch(in, names[i], IN_OPEN | IN_MASK_CREATE));
		close(in);
	}
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	result("watch nothing", inotify_add_watch(in, "file", 0));
	result("watch unknown", inotify_add_watch(in, "file", 0x00400000));
	result("watch create and add", inotify_add_watch(in, "file", IN_MASK_CREATE | IN_MASK_ADD | IN_OPEN));
	result("watch null", inotify_add_watch(in, NULL, IN_OPEN));
	result("watch bad fd", inotify_add_watch(9999, "file", IN_OPEN));
	result("watch of no inotify", inotify_add_watch(open("file", O_RDONLY), "file", IN_OPEN));
	result("unwatch", inotify_rm_watch(in, 77));
	close(in);
}

/* What is done to a watched file and in a watched directory is told, if the watch is on what is there. */
static void happenings(void)
{
	int fd;

	mkdir("watched", 0755);
	close(open("watched/file", O_CREAT | O_WRONLY, 0644));
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	result("dir: watch", inotify_add_watch(in, "watched", IN_CREATE | IN_DELETE | IN_MOVE | IN_ATTRIB | IN_MODIFY |
								IN_CLOSE_WRITE | IN_DELETE_SELF | IN_ONLYDIR));
	fd = open("watched/new", O_CREAT | O_WRONLY, 0644);
	events("dir: create");
	write(fd, "x", 1);
	events("dir: write");
	close(fd);
	events("dir: close");
	chmod("watched/new", 0600);
	events("dir: chmod");
	rename("watched/new", "watched/newer");
	events("dir: rename");
	rename("watched/newer", "newest");
	events("dir: rename out");
	rename("newest", "watched/newest");
	events("dir: rename in");
	unlink("watched/newest");
	events("dir: unlink");
	mkdir("watched/sub", 0755);
	events("dir: mkdir");
	symlink("x", "watched/link");
	events("dir: symlink");
	link("watched/file", "watched/file2");
	events("dir: link");
	rmdir("watched/sub");
	events("dir: rmdir");
	close(in);
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	result("file: watch", inotify_add_watch(in, "watched/file", IN_ALL_EVENTS));
	fd = open("watched/file", O_RDWR);
	write(fd, "y", 1);
	close(fd);
	truncate("watched/file", 0);
	utimensat(AT_FDCWD, "watched/file", NULL, 0);
	/* that the monitor opens the file as well is its own affair */
	unlink("watched/file");
	unlink("watched/file2");
	close(in);
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	close(open("watched/last", O_CREAT | O_WRONLY, 0644));
	inotify_add_watch(in, "watched/last", IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF);
	fd = open("watched/last", O_WRONLY);
	write(fd, "z", 1);
	close(fd);
	events("file: written");
	rename("watched/last", "watched/later");
	events("file: moved");
	unlink("watched/later");
	events("file: removed");
	close(in);
}

static void fanotify(void)
{
	if (geteuid() == 0)
		return;
	result("fanotify_init", fanotify_init(FAN_CLASS_CONTENT, O_RDONLY));
	result("fanotify_mark", fanotify_mark(9999, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "file"));
	result("fanotify_mark of a file", fanotify_mark(open("file", O_RDONLY), FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "dir"));
}

static void run(void)
{
	watches();
	happenings();
	fanotify();
}
