// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The exec loader's image as a file.
 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../compat.h"

#define LOADER_NAME "umview-loader"

static int image_write(int fd)
{
	size_t done = 0;

	while (done < loader_image_size) {
		ssize_t n = write(fd, loader_image + done, loader_image_size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	return fchmod(fd, 0555) < 0 ? -errno : 0;
}

/* The same file, open for reading only: what is open for writing cannot be executed. */
static int reopen(int fd)
{
	char name[40];
	int ro;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ro = open(name, O_RDONLY | O_CLOEXEC);
	return ro < 0 ? -errno : ro;
}

static int image_memfd(void)
{
	int fd = memfd_create(LOADER_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(LOADER_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

/* Where vm.memfd_noexec is 2. */
static int image_file(void)
{
	const char *dirs[] = { getenv("XDG_RUNTIME_DIR"), "/tmp" };
	int fd = -1;

	for (size_t i = 0; i < 2 && fd < 0; i++)
		if (dirs[i])
			fd = open(dirs[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0700);
	return fd < 0 ? -errno : fd;
}

int loader_open(void)
{
	int fd = image_memfd(), ro = -ENOENT;

	if (fd < 0)
		fd = image_file();
	if (fd < 0)
		return fd;
	ro = image_write(fd);
	if (ro == 0) {
		fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
		ro = reopen(fd);
	}
	close(fd);
	return ro;
}
