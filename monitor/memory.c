// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All reads and writes of a process's memory.
 *
 * process_vm_readv(2) moves bytes in one call; where it is refused (a container's filter), /proc/TID/mem does the same
 * in three.  A range that has an unmapped page fails whole, so strings are read page by page.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "call.h"
#include "view.h"

#define PAGE 4096

/* Move bytes by /proc/TID/mem. */
static ssize_t mem_file(pid_t tid, uint64_t addr, void *buf, size_t len, bool write)
{
	char name[40];
	ssize_t n;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/mem", tid);
	fd = open(name, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write ? pwrite(fd, buf, len, (off_t)addr) : pread(fd, buf, len, (off_t)addr);
	if (n < 0)
		n = errno == EIO ? -EFAULT : -errno;
	close(fd);
	return n;
}

/* Move up to @len bytes; the number moved or a negative errno. */
static ssize_t mem_move(const struct um_call *call, uint64_t addr, void *buf, size_t len, bool write)
{
	struct iovec local = { buf, len };
	struct iovec remote = { (void *)(uintptr_t)addr, len };
	ssize_t n;

	if (len == 0)
		return 0;
	if (!call->view->features.process_vm)
		return mem_file(call->tid, addr, buf, len, write);
	n = write ? process_vm_writev(call->tid, &local, 1, &remote, 1, 0) :
		    process_vm_readv(call->tid, &local, 1, &remote, 1, 0);
	return n < 0 ? -errno : n;
}

int um_read(const struct um_call *call, uint64_t addr, void *buf, size_t len)
{
	ssize_t n = mem_move(call, addr, buf, len, false);

	if (n == (ssize_t)len)
		return 0;
	return n < 0 ? (int)n : -EFAULT;
}

int um_write(const struct um_call *call, uint64_t addr, const void *buf, size_t len)
{
	ssize_t n = mem_move(call, addr, (void *)buf, len, true);

	if (n == (ssize_t)len)
		return 0;
	return n < 0 ? (int)n : -EFAULT;
}

ssize_t um_read_string(const struct um_call *call, uint64_t addr, char *buf, size_t size)
{
	size_t have = 0;

	while (have < size) {
		size_t chunk = PAGE - (addr + have) % PAGE;
		ssize_t n;
		char *nul;

		/* Most strings are short: do not copy a whole page for them. */
		if (have == 0 && chunk > 256)
			chunk = 256;
		if (chunk > size - have)
			chunk = size - have;
		n = mem_move(call, addr + have, buf + have, chunk, false);
		if (n <= 0)
			return n < 0 ? n : -EFAULT;
		nul = memchr(buf + have, '\0', (size_t)n);
		if (nul != NULL)
			return nul - buf;
		if ((size_t)n < chunk)
			return -EFAULT;
		have += (size_t)n;
	}
	return -ENAMETOOLONG;
}

ssize_t um_read_path(const struct um_call *call, uint64_t addr, char *buf)
{
	return um_read_string(call, addr, buf, PATH_MAX);
}
