/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In a directory with a default ACL that counts, and not the umask.
 *
 * more: yes
 */
#include "conform.h"

#include <fcntl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ENTRIES 5

static void modes(const char *when)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "d/socket" };
	static const char *const names[] = { "file", "directory", "fifo", "socket", "directory/below" };
	int fd = open("d/file", O_CREAT | O_WRONLY, 0666), sock = socket(AF_UNIX, SOCK_STREAM, 0);
	char label[64], path[64], acl[256];

	NEED(fd >= 0 && mkdir("d/directory", 0777) == 0 && mkfifo("d/fifo", 0666) == 0);
	NEED(bind(sock, (struct sockaddr *)&un, sizeof(un)) == 0);
	NEED(mkdir("d/directory/below", 0755) == 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct stat st;

		snprintf(label, sizeof(label), "%s-%s", when, names[i]);
		snprintf(path, sizeof(path), "d/%s", names[i]);
		NEED(lstat(path, &st) == 0);
		say(label, "%o, access ACL %s, default ACL %s", st.st_mode & 07777,
		    value(getxattr(path, "system.posix_acl_access", acl, sizeof(acl))),
		    value(getxattr(path, "system.posix_acl_default", acl, sizeof(acl))));
	}
	NEED(rmdir("d/directory/below") == 0 && rmdir("d/directory") == 0);
	NEED(unlink("d/file") == 0 && unlink("d/fifo") == 0 && unlink("d/socket") == 0);
	close(fd);
	close(sock);
}

int main(void)
{
	struct {
		struct posix_acl_xattr_header head;
		struct posix_acl_xattr_entry e[ENTRIES];
	} acl = {
		{ POSIX_ACL_XATTR_VERSION },
		{ { 1, 7, ~0U }, { 4, 5, ~0U }, { 8, 7, 12345 }, { 16, 7, ~0U }, { 32, 0, ~0U } },
	};

	umask(027);
	NEED(mkdir("d", 0755) == 0);
	modes("without");
	if (setxattr("d", "system.posix_acl_default", &acl, sizeof(acl), 0) != 0) {
		printf("the file system of the working directory has no ACLs\n");
		return 77;
	}
	modes("with");
	umask(077);
	modes("private");
	return 0;
}
