/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of memfs have in common. */
#ifndef MEMFS_H
#define MEMFS_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/fuse/memstore.h"

/* The options; memfs.c's head explains them. */
struct memfs {
	double timeout;
	int direct_io, keep_cache, noopen, noopendir, nocreate, writeback;
	unsigned int slow, max_write, fill;
	unsigned long size;
	char *content, *log, *control;
	FILE *log_file;
};
extern struct memfs memfs;
extern pthread_mutex_t memfs_lock; /* of memstore */

/* Begin a thread that obeys the lines from memfs.control; 0, or -1 with a message. */
int memcontrol_begin(struct fuse_session *session);
/* The operation that gets what the client answers to FUSE_NOTIFY_RETRIEVE. */
void memcontrol_retrieved(fuse_req_t req, void *cookie, fuse_ino_t ino, off_t offset, struct fuse_bufvec *data);

#endif
