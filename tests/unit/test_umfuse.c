// SPDX-License-Identifier: GPL-2.0-or-later
/* From mount's options to the command lines of FUSE programs, and what is said of images that are none. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/umfuse.h"

/* The command line of mount -t umfuse@type -o @options, by the @nth program of that type; words with '|' between them. */
static const char *words(const char *type, int nth, const char *host, const char *options, const char *source)
{
	static char line[1024];
	const struct umfuse_type *t = umfuse_type_find(type, false);
	struct mount_options o = { 0 };
	struct umfuse_request request = { .source = source, .target = "/mnt", .options = &o, .subtype = "sub" };
	struct umfuse_command c;

	mount_options_add(&o, options);
	request.access = o.access;
	request.dropped = t ? t->dropped : NULL;
	umfuse_translate(&c, t ? &t->programs[nth] : &umfuse_other, "/bin/prog", host, &request);
	line[0] = '\0';
	for (size_t i = 0; i < c.n; i++)
		strcat(strcat(line, i ? "|" : ""), c.argv[i]);
	ck_assert_ptr_null(c.argv[c.n]);
	umfuse_command_free(&c);
	free(o.data);
	return line;
}

#define HAS(type, nth, options, wanted) ck_assert_str_eq(words(type, nth, NULL, options, "/img"), wanted)

START_TEST(access_modes)
{
	HAS("ext2", 0, "ro", "/bin/prog|/img|/mnt|-o|ro");
	HAS("ext2", 0, "rw", "/bin/prog|/img|/mnt|-o|rw");
	HAS("ext2", 0, "rw+", "/bin/prog|/img|/mnt|-o|rw");
	HAS("ext2", 0, "ro,rw+", "/bin/prog|/img|/mnt|-o|rw");
	HAS("ext2", 0, "rw+,ro", "/bin/prog|/img|/mnt|-o|ro");
	HAS("ext2", 1, "rw", "/bin/prog|/img|/mnt|-o|rw+");
	HAS("fat", 0, "rw", "/bin/prog|/img|/mnt|-o|rw+,fsname=/img,subtype=sub");
	HAS("archive", 2, "ro", "/bin/prog|/img|/mnt|-o|readonly,ro,fsname=/img,subtype=sub");
	HAS("none such", 0, "", "/bin/prog|/img|/mnt");
	HAS("none such", 0, "rw+", "/bin/prog|/img|/mnt|-o|rw");
}
END_TEST

START_TEST(other_options)
{
	/* what libfuse knows of mount(2)'s flags, and nothing else of them */
	HAS("none such", 0, "nosuid,nodev,noexec,noatime,sync", "/bin/prog|/img|/mnt|-o|nosuid,nodev,noexec,noatime,sync");
	HAS("none such", 0, "relatime,strictatime,nodiratime,lazytime,silent,mand", "/bin/prog|/img|/mnt");
	HAS("none such", 0, "nosuid,suid,noatime,atime", "/bin/prog|/img|/mnt");
	/* for fstab and for loop devices */
	HAS("none such", 0, "defaults,user,noauto,_netdev,x-a.b=c,nofail,loop,loop=/dev/loop0", "/bin/prog|/img|/mnt");
	/* the kernel's options that change nothing, of this type alone */
	HAS("fat", 0, "flush,quiet,umask=022", "/bin/prog|/img|/mnt|-o|fsname=/img,subtype=sub,umask=022");
	HAS("ext2", 0, "flush", "/bin/prog|/img|/mnt|-o|flush");
	HAS("ext2", 0, "flus,errors=panic", "/bin/prog|/img|/mnt|-o|flus,errors=panic");
	/* arguments in the place of options */
	HAS("iso9660", 0, "iocharset=utf8", "/bin/prog|-n|-cutf8|/img|/mnt|-o|fsname=/img,subtype=sub");
	HAS("encfs", 0, "idle=5,extpass=echo pw,anykey,allow_other",
	    "/bin/prog|--idle=5|--extpass=echo pw|--anykey|/img|/mnt|-o|fsname=/img,subtype=sub,allow_other");
	HAS("encfs", 0, "idle", "/bin/prog|/img|/mnt|-o|fsname=/img,subtype=sub,idle");
}
END_TEST

START_TEST(separators)
{
	ck_assert_str_eq(words("fat", 0, NULL, "", "/a,b\\c d"), "/bin/prog|/a,b\\c d|/mnt|-o|fsname=/a\\,b\\\\c d,subtype=sub");
	ck_assert_str_eq(words("ext2", 0, NULL, "ro", "/a,b"),
			 "/bin/prog|/a,b|/mnt|-o|ro,no_default_opts,kernel_cache,use_ino,attr_timeout=0,fsname=/a\\,b,subtype=sub");
	HAS("none such", 0, "a=\"b,c\",d", "/bin/prog|/img|/mnt|-o|a=b\\,c,d");
	HAS("none such", 0, ",,a,,", "/bin/prog|/img|/mnt|-o|a");
}
END_TEST

START_TEST(modules)
{
	ck_assert_str_eq(words("none such", 0, "/lib/host", "ro", "/img"), "/lib/host|/bin/prog|/img|/mnt|-o|ro");
	ck_assert_str_eq(words("none such", 0, "/lib/host", "", NULL), "/lib/host|/bin/prog|/mnt");
	/* no source, no name for it */
	ck_assert_str_eq(words("fat", 0, NULL, "", NULL), "/bin/prog|/mnt");
}
END_TEST

START_TEST(types)
{
	static const char *const plain[][2] = {
		{ "ext2", "ext2" }, { "ext3", "ext2" }, { "ext4", "ext2" }, { "vfat", "fat" }, { "msdos", "fat" },
		{ "iso9660", "iso9660" }, { "squashfs", "squash" }, { "exfat", "exfat" }, { "ntfs", "ntfs" },
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		const struct umfuse_type *t = umfuse_type_find(plain[i][0], true);

		ck_assert_ptr_nonnull(t);
		ck_assert_str_eq(t->name, plain[i][1]);
	}
	ck_assert_ptr_null(umfuse_type_find("squash", true));
	ck_assert_ptr_null(umfuse_type_find("viewfs", true));
	ck_assert_ptr_null(umfuse_type_find("tmpfs", true));
	ck_assert_ptr_null(umfuse_type_find("ext4", false));
	ck_assert_str_eq(umfuse_package_of("fusefat"), "fusefat");
	ck_assert_str_eq(umfuse_package_of("unionfs"), "unionfs-fuse");
	ck_assert_ptr_null(umfuse_package_of("cat"));
}
END_TEST

/* An image of so many bytes in which one block of bytes is not 0. */
static int image(off_t size, off_t at, const void *bytes, size_t n)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	ck_assert_int_eq(ftruncate(fd, size), 0);
	ck_assert_int_eq(pwrite(fd, bytes, n, at), (ssize_t)n);
	return fd;
}

static void says(int fd, enum umfuse_format format, uint64_t offset, const char *wanted)
{
	const char *got = umfuse_image_problem(fd, format, offset);

	if (wanted == NULL)
		ck_assert_msg(got == NULL, "%s", got);
	else
		ck_assert_str_eq(got ? got : "nothing", wanted);
	close(fd);
}

START_TEST(images)
{
	/* 100 blocks of 1024 bytes; magic number; a feature word without 64BIT */
	unsigned char ext[128] = { [4] = 100, [56] = 0x53, [57] = 0xef };
	unsigned char fat[512] = { [11] = 0, [12] = 2, [13] = 4, [14] = 1, [16] = 2, [19] = 200, [510] = 0x55, [511] = 0xaa };
	unsigned char iso[130] = { 1, 'C', 'D', '0', '0', '1', [80] = 20, [128] = 0, [129] = 8 };
	unsigned char squash[48] = { 'h', 's', 'q', 's', [40] = 0, [41] = 16 };

	says(image(102400, 1024, ext, sizeof(ext)), UMFUSE_EXT, 0, NULL);
	says(image(102399, 1024, ext, sizeof(ext)), UMFUSE_EXT, 0,
	     "it is truncated: the file system has 102400 bytes, and 102399 are there");
	says(image(102400 + 512, 1024 + 512, ext, sizeof(ext)), UMFUSE_EXT, 512, NULL);
	says(image(102400, 1024 + 512, ext, sizeof(ext)), UMFUSE_EXT, 512,
	     "it is truncated: the file system has 102400 bytes, and 101888 are there");
	says(image(102400, 1024, ext, sizeof(ext)), UMFUSE_FAT, 0, umfuse_other_format);
	says(image(102400, 0, fat, sizeof(fat)), UMFUSE_FAT, 0, NULL);
	says(image(102400, 0, fat, sizeof(fat)), UMFUSE_EXT, 0, umfuse_other_format);
	says(image(102399, 0, fat, sizeof(fat)), UMFUSE_FAT, 0,
	     "it is truncated: the file system has 102400 bytes, and 102399 are there");
	says(image(40960, 32768, iso, sizeof(iso)), UMFUSE_ISO9660, 0, NULL);
	says(image(36000, 32768, iso, sizeof(iso)), UMFUSE_ISO9660, 0,
	     "it is truncated: the file system has 40960 bytes, and 36000 are there");
	says(image(4096, 0, squash, sizeof(squash)), UMFUSE_SQUASHFS, 0, NULL);
	says(image(4095, 0, squash, sizeof(squash)), UMFUSE_SQUASHFS, 0,
	     "it is truncated: the file system has 4096 bytes, and 4095 are there");
	says(image(3, 0, squash, 3), UMFUSE_SQUASHFS, 0, umfuse_other_format);
	says(image(10, 0, squash, 3), UMFUSE_UNCHECKED, 0, NULL);
	says(image(0, 0, squash, 0), UMFUSE_UNCHECKED, 0, "it is empty");
	says(image(10, 0, squash, 3), UMFUSE_SQUASHFS, 10, "it ends before the offset");
	/* sizes that do not fit */
	memset(ext + 4, 0xff, 4);
	ext[24] = 6;
	says(image(4096, 1024, ext, sizeof(ext)), UMFUSE_EXT, 0,
	     "it is truncated: the file system has 281474976645120 bytes, and 4096 are there");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("umfuse");
	TCase *tc = tcase_create("commands");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, access_modes);
	tcase_add_test(tc, other_options);
	tcase_add_test(tc, separators);
	tcase_add_test(tc, modules);
	tcase_add_test(tc, types);
	tcase_add_test(tc, images);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
