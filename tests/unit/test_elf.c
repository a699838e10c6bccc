// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Headers of program files: scripts as Linux splits them, ELF files made here, and the test itself.
 */
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "monitor/elf.h"

static struct program p;

/* A file with these bytes. */
static int file_of(const void *data, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	return fd;
}

static int read_bytes(const void *data, size_t size)
{
	int fd = file_of(data, size), r = program_read(fd, &p);

	close(fd);
	return r;
}

static int read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

START_TEST(test_script)
{
	static const struct {
		const char *text;
		int result;
		const char *interp, *arg;
	} cases[] = {
		{ "#!/bin/sh\n", 0, "/bin/sh", NULL },
		{ "#!/bin/sh", 0, "/bin/sh", NULL },
		{ "#! \t/bin/sh -e \t\nrest", 0, "/bin/sh", "-e" },
		{ "#!/usr/bin/env python3 -u\n", 0, "/usr/bin/env", "python3 -u" },
		{ "#!/bin/sh\t-x", 0, "/bin/sh", "-x" },
		{ "#!\n", -ENOEXEC, NULL, NULL },
		{ "#!  \t \n", -ENOEXEC, NULL, NULL },
		{ "#!", -ENOEXEC, NULL, NULL },
		{ "#!relative\n", 0, "relative", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(read_text(cases[i].text), cases[i].result);
		if (cases[i].result)
			continue;
		ck_assert_int_eq(p.kind, PROGRAM_SCRIPT);
		ck_assert_str_eq(p.interp, cases[i].interp);
		ck_assert_pstr_eq(p.arg, cases[i].arg);
		program_free(&p);
	}
}
END_TEST

/* Lines that are longer than what Linux reads: the name must be whole, the argument is cut. */
START_TEST(test_script_long)
{
	char text[600];

	memset(text, 'x', sizeof(text));
	memcpy(text, "#!/", 3);
	text[500] = '\n';
	ck_assert_int_eq(read_bytes(text, sizeof(text)), -ENOEXEC);
	text[255] = ' ';
	ck_assert_int_eq(read_bytes(text, sizeof(text)), 0);
	ck_assert_uint_eq(strlen(p.interp), 253);
	ck_assert_ptr_null(p.arg);
	program_free(&p);
	text[255] = 'x';
	text[10] = ' ';
	ck_assert_int_eq(read_bytes(text, sizeof(text)), 0);
	ck_assert_uint_eq(strlen(p.interp), 8);
	ck_assert_uint_eq(strlen(p.arg), 255 - 11);
	program_free(&p);
	memset(text + 2, ' ', 400);
	ck_assert_int_eq(read_bytes(text, sizeof(text)), -ENOEXEC);
}
END_TEST

START_TEST(test_other)
{
	static const char *const texts[] = { "", "#", "\177", "\177ELF", "hello\n", "# !/bin/sh\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_int_eq(read_text(texts[i]), 0);
		ck_assert_int_eq(p.kind, PROGRAM_OTHER);
		program_free(&p);
	}
}
END_TEST

/* An ELF file in memory: header, three program headers, a name. */
static struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[4];
	char interp[16];
} image;

static void image_reset(void)
{
	image = (struct image){
		.eh = { .e_type = ET_DYN, .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_entry = 0x1234,
			.e_phoff = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 4 },
		.ph = {
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = 0x1800, .p_memsz = 0x1800,
			  .p_align = 0x1000 },
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x1800, .p_vaddr = 0x202800,
			  .p_filesz = 0x100, .p_memsz = 0x5000, .p_align = 0x200000 },
			{ .p_type = PT_INTERP, .p_offset = offsetof(struct image, interp), .p_filesz = 9 },
			{ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W },
		},
		.interp = "/lib/l.s",
	};
	memcpy(image.eh.e_ident, ELFMAG, SELFMAG);
	image.eh.e_ident[EI_CLASS] = ELFCLASS64;
}

static int read_image(void)
{
	return read_bytes(&image, sizeof(image));
}

START_TEST(test_elf)
{
	image_reset();
	ck_assert_int_eq(read_image(), 0);
	ck_assert_int_eq(p.kind, PROGRAM_ELF);
	ck_assert(p.dynamic);
	ck_assert(!p.exec_stack);
	ck_assert_uint_eq(p.entry, 0x1234);
	ck_assert_uint_eq(p.phdr, sizeof(Elf64_Ehdr));
	ck_assert_uint_eq(p.phnum, 4);
	ck_assert_uint_eq(p.align, 0x200000);
	ck_assert_uint_eq(p.nsegments, 2);
	ck_assert_uint_eq(p.segments[0].prot, PROT_READ | PROT_EXEC);
	ck_assert_uint_eq(p.segments[1].vaddr, 0x202800);
	ck_assert_uint_eq(p.segments[1].memsz, 0x5000);
	ck_assert_str_eq(p.interp, "/lib/l.s");
	program_free(&p);
}
END_TEST

START_TEST(test_elf_bad)
{
	image_reset();
	image.eh.e_phentsize = 32;
	ck_assert_int_eq(read_image(), -ENOEXEC);
	image_reset();
	image.eh.e_phnum = 0;
	ck_assert_int_eq(read_image(), -ENOEXEC);
	image_reset();
	image.eh.e_phnum = 5000;
	ck_assert_int_eq(read_image(), -ENOEXEC);
	image_reset();
	image.eh.e_phoff = 1 << 20;
	ck_assert_int_eq(read_image(), -ENOEXEC);
	image_reset();
	image.ph[2].p_filesz = 5; /* not terminated */
	ck_assert_int_eq(read_image(), -ENOEXEC);
	image_reset();
	image.ph[2].p_filesz = 1;
	ck_assert_int_eq(read_image(), -ENOEXEC);
	image_reset();
	image.ph[2].p_offset = UINT64_MAX - 2;
	ck_assert_int_eq(read_image(), -ENOEXEC);
	image_reset();
	image.ph[1].p_filesz = 0x6000; /* more than in memory */
	ck_assert_int_eq(read_image(), -ENOEXEC);
	image_reset();
	image.ph[1].p_vaddr = 0x1000; /* overlap */
	ck_assert_int_eq(read_image(), -ENOEXEC);
	image_reset();
	image.ph[1].p_vaddr = UINT64_MAX - 0x7ff;
	ck_assert_int_eq(read_image(), -ENOEXEC);
	image_reset();
	image.ph[1].p_vaddr += 8; /* cannot be mapped so */
	ck_assert_int_eq(read_image(), -ENOEXEC);
	image_reset();
	image.ph[0].p_type = image.ph[1].p_type = PT_NOTE;
	ck_assert_int_eq(read_image(), -ENOEXEC);
}
END_TEST

START_TEST(test_elf_kinds)
{
	image_reset();
	image.eh.e_type = ET_EXEC;
	image.ph[2].p_type = PT_NOTE;
	image.ph[3].p_flags |= PF_X;
	ck_assert_int_eq(read_image(), 0);
	ck_assert(!p.dynamic && p.exec_stack && !p.interp);
	program_free(&p);
	image_reset();
	image.eh.e_ident[EI_CLASS] = ELFCLASS32; /* x32 */
	ck_assert_int_eq(read_image(), 0);
	ck_assert_int_eq(p.kind, PROGRAM_ELF32);
	image_reset();
	image.eh.e_machine = EM_386;
	ck_assert_int_eq(read_image(), 0);
	ck_assert_int_eq(p.kind, PROGRAM_ELF32);
	image_reset();
	image.eh.e_machine = EM_AARCH64;
	ck_assert_int_eq(read_image(), 0);
	ck_assert_int_eq(p.kind, PROGRAM_OTHER);
	image_reset();
	image.eh.e_type = ET_REL;
	ck_assert_int_eq(read_image(), 0);
	ck_assert_int_eq(p.kind, PROGRAM_OTHER);
}
END_TEST

/* Cut a good file anywhere, set any of its bytes: no crash, and nothing is accepted that has no segments. */
START_TEST(test_elf_damaged)
{
	for (size_t i = 0; i <= sizeof(image); i++) {
		image_reset();
		if (read_bytes(&image, i) == 0 && p.kind == PROGRAM_ELF)
			ck_assert_uint_gt(p.nsegments, 0);
		program_free(&p);
		image_reset();
		((unsigned char *)&image)[i < sizeof(image) ? i : 0] ^= 0xff;
		if (read_image() == 0 && p.kind == PROGRAM_ELF)
			ck_assert_uint_gt(p.nsegments, 0);
		program_free(&p);
	}
}
END_TEST

START_TEST(test_self)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(program_read(fd, &p), 0);
	ck_assert_int_eq(p.kind, PROGRAM_ELF);
	ck_assert_uint_ge(p.nsegments, 2);
	ck_assert_uint_ne(p.phdr, 0);
	program_free(&p);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("elf");
	TCase *tc = tcase_create("elf");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, test_script);
	tcase_add_test(tc, test_script_long);
	tcase_add_test(tc, test_other);
	tcase_add_test(tc, test_elf);
	tcase_add_test(tc, test_elf_bad);
	tcase_add_test(tc, test_elf_kinds);
	tcase_add_test(tc, test_elf_damaged);
	tcase_add_test(tc, test_self);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
