/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exec loader's image, carried in the monitor.
 */
#ifndef MONITOR_LOADER_IMAGE_H
#define MONITOR_LOADER_IMAGE_H

#include <stddef.h>

/* Made at build time from loader.c (Makefile.inc). */
extern const unsigned char loader_image[];
extern const size_t loader_image_size;

/**
 * loader_open() - put the image where it can be executed from
 *
 * Return: a read-only close-on-exec descriptor of a sealed memfd (or, where memfds may not be executed, of an
 *	unlinked file in the runtime directory or /tmp), owned by the caller; or a negative errno value.
 */
int loader_open(void);

#endif
