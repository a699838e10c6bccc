/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in an image: see umfuse.h.
 *
 * FUSE programs say little of a file that is no image of theirs, and less of one that is cut short, so that is found out
 * before they are started.  Layouts: ext4: the kernel's Documentation/filesystems/ext4; FAT: Microsoft's FAT specification
 * 1.03; ISO 9660: ECMA-119, 8.4; squashfs: the kernel's fs/squashfs/squashfs_fs.h.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_BLKID
#include <blkid.h>
#endif

#include "umfuse.h"

static uint16_t le16(const unsigned char *p)
{
	return p[0] | p[1] << 8;
}

static uint32_t le32(const unsigned char *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static uint64_t le64(const unsigned char *p)
{
	return le32(p) | (uint64_t)le32(p + 4) << 32;
}

/* Each returns how large the file system is, or 0: it is none of this format. */

static uint64_t ext_size(const unsigned char *sb)
{
	uint64_t blocks = le32(sb + 4);

	if (le16(sb + 56) != 0xef53 || le32(sb + 24) > 6)
		return 0;
	if (le32(sb + 96) & 0x80) /* INCOMPAT_64BIT */
		blocks |= (uint64_t)le32(sb + 336) << 32;
	return blocks >> 48 ? UINT64_MAX : blocks << (10 + le32(sb + 24));
}

static uint64_t fat_size(const unsigned char *b)
{
	unsigned sector = le16(b + 11), cluster = b[13];
	uint64_t sectors = le16(b + 19) ? le16(b + 19) : le32(b + 32);

	if (b[510] != 0x55 || b[511] != 0xaa || sector < 512 || sector > 4096 || sector & (sector - 1) || cluster == 0 ||
	    cluster & (cluster - 1) || le16(b + 14) == 0 || b[16] == 0)
		return 0;
	return sectors * sector;
}

static uint64_t iso_size(const unsigned char *pvd)
{
	return memcmp(pvd + 1, "CD001", 5) == 0 ? (uint64_t)le32(pvd + 80) * le16(pvd + 128) : 0;
}

static uint64_t squashfs_size(const unsigned char *sb)
{
	return memcmp(sb, "hsqs", 4) == 0 ? le64(sb + 40) : 0;
}

static const struct {
	uint64_t at;            /* where the description of the whole begins */
	uint64_t (*size)(const unsigned char *block);
} formats[] = {
	[UMFUSE_EXT] = { 1024, ext_size },
	[UMFUSE_FAT] = { 0, fat_size },
	[UMFUSE_ISO9660] = { 32768, iso_size },
	[UMFUSE_SQUASHFS] = { 0, squashfs_size },
};

const char umfuse_other_format[] = "it has another format";

const char *umfuse_image_problem(int fd, enum umfuse_format format, uint64_t offset)
{
	static char words[160];
	unsigned char block[1024] = { 0 };
	off_t end = lseek(fd, 0, SEEK_END);
	uint64_t size, there;

	if (end < 0)
		return "its size cannot be found out";
	if (end == 0)
		return "it is empty";
	if (offset >= (uint64_t)end)
		return "it ends before the offset";
	if (format == UMFUSE_UNCHECKED)
		return NULL;
	if (pread(fd, block, sizeof(block), offset + formats[format].at) < 0) {
		snprintf(words, sizeof(words), "it cannot be read: %s", strerror(errno));
		return words;
	}
	size = formats[format].size(block);
	there = end - offset;
	if (size == 0)
		return umfuse_other_format;
	if (size <= there)
		return NULL;
	snprintf(words, sizeof(words), "it is truncated: the file system has %" PRIu64 " bytes, and %" PRIu64 " are there",
		 size, there);
	return words;
}

#ifdef HAVE_BLKID
const char *umfuse_image_type(int fd, uint64_t offset, const char **why)
{
	static char name[64];
	blkid_probe probe = blkid_new_probe();
	const char *value = NULL;
	int r;

	*why = "libblkid cannot look into it";
	if (probe == NULL || blkid_probe_set_device(probe, fd, offset, 0) < 0)
		goto out;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE);
	blkid_probe_enable_partitions(probe, 1);
	r = blkid_do_safeprobe(probe);
	if (r == 0 && blkid_probe_lookup_value(probe, "TYPE", &value, NULL) == 0) {
		snprintf(name, sizeof(name), "%s", value);
		value = name;
	} else if (r == 0) {
		*why = "it has partitions; say where the one that is meant begins: -o offset=BYTES";
	} else if (r == 1) {
		*why = "no file system that libblkid knows";
	} else if (r == -2) {
		*why = "it looks like more than one file system";
	}
out:
	blkid_free_probe(probe);
	return value;
}
#else
const char *umfuse_image_type(int fd, uint64_t offset, const char **why)
{
	(void)fd;
	(void)offset;
	*why = "this umview was built without libblkid, so it cannot look what is in it";
	return NULL;
}
#endif
