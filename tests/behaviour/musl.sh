# SPDX-License-Identifier: GPL-2.0-or-later
# Programs with another C library (musl), static and dynamic: they call the old stat, open and their kin.
# ptrace: yes
. "$(dirname "$0")/../lib.sh"
need_command musl-gcc musl-tools

fresh_dir D
cat >prog.c <<'END'
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
	struct stat st;
	struct dirent *d;
	char buf[64] = "";
	int fd, found = 0;
	DIR *dir;

	if (mkdir("/etc/umview-musl", 0750) < 0)
		return 1;
	fd = open("/etc/umview-musl/file", O_CREAT | O_RDWR, 0640);
	if (fd < 0 || write(fd, "musl", 4) != 4)
		return 2;
	if (fchown(fd, 5, 6) < 0 || fstat(fd, &st) < 0 || st.st_uid != 5 || st.st_gid != 6)
		return 3;
	close(fd);
	if (symlink("file", "/etc/umview-musl/link") < 0 || rename("/etc/umview-musl/file", "/etc/umview-musl/renamed") < 0)
		return 4;
	if (stat("/etc/umview-musl/renamed", &st) < 0 || st.st_uid != 5 || (st.st_mode & 07777) != 0640)
		return 5;
	if (lstat("/etc/umview-musl/link", &st) < 0 || !S_ISLNK(st.st_mode) || access("/etc/umview-musl/link", F_OK) == 0)
		return 6;
	if (readlink("/etc/umview-musl/link", buf, sizeof(buf)) != 4 || strcmp(buf, "file"))
		return 7;
	dir = opendir("/etc/umview-musl");
	while (dir && (d = readdir(dir)))
		found += !strcmp(d->d_name, "renamed") || !strcmp(d->d_name, "link");
	if (found != 2 || chdir("/etc/umview-musl") < 0 || !getcwd(buf, sizeof(buf)) || strcmp(buf, "/etc/umview-musl"))
		return 8;
	if (unlink("link") < 0 || unlink("renamed") < 0 || rmdir("/etc/umview-musl") < 0)
		return 9;
	puts("all well");
	return 0;
}
END
musl-gcc -static -o static prog.c || fail "musl-gcc -static"
musl-gcc -o dynamic prog.c || fail "musl-gcc"
expect 0 umview --cow "$D" --su -- ./static
expect_out '^all well$'
expect 0 umview --cow "$D" --su -- ./dynamic
expect_out '^all well$'
[ ! -e /etc/umview-musl ] || fail "it is on the host"
# the dynamic one where only the view has it
expect 0 umview --cow "$D" --su -- sh -c 'cp dynamic /usr/bin/umview-dynamic && umview-dynamic'
expect_out '^all well$'
