/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copying the contents of a file: shared blocks where the file system can (FICLONE), else extent by extent with
 * copy_file_range(2), so that holes stay holes, else with read and write.
 */
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "layers_internal.h"

static int copy_by_hand(int from, int to, off_t begin, off_t end)
{
	static const size_t size = 128 * 1024;
	char *buf = malloc(size);
	int r = buf ? 0 : -ENOMEM;

	while (r == 0 && begin < end) {
		ssize_t n = pread(from, buf, (size_t)(end - begin) < size ? (size_t)(end - begin) : size, begin),
			done;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = n < 0 ? -errno : 0;
			break;
		}
		for (done = 0; done < n;) {
			ssize_t w = pwrite(to, buf + done, n - done, begin + done);

			if (w < 0 && errno == EINTR)
				continue;
			if (w <= 0) {
				r = w < 0 ? -errno : -EIO;
				break;
			}
			done += w;
		}
		begin += n;
	}
	free(buf);
	return r;
}

static int copy_extent(int from, int to, off_t begin, off_t end)
{
	loff_t in = begin, out = begin;

	while (in < end) {
		ssize_t n = copy_file_range(from, &in, to, &out, end - in, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
			return -errno;
		/* Not here (EXDEV, EINVAL, ENOSYS...), or a file of which it copies nothing (/proc). */
		if (n <= 0)
			return copy_by_hand(from, to, in, end);
	}
	return 0;
}

/* Copy all contents of @from, which has @size bytes, to the empty file @to. */
int copy_data(int from, int to, uint64_t size)
{
	off_t pos = 0, end = size, hole;
	int r;

	if (!size)
		return 0;
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	while (pos < end) {
		off_t data = lseek(from, pos, SEEK_DATA);

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			return copy_extent(from, to, pos, end); /* cannot tell holes */
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || hole > end)
			hole = end;
		r = copy_extent(from, to, data, hole);
		if (r < 0)
			return r;
		pos = hole;
	}
	return ftruncate(to, end) < 0 ? -errno : 0;
}
