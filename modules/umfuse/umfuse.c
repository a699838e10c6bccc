// SPDX-License-Identifier: GPL-2.0-or-later
/* The module umfuse: umfuse.h says how it works, man/umfuse.7 what it is for. */
#include "umfuse.h"

const struct um_host *host;

static int init(const struct um_host *h)
{
	host = h;
	return flush_init();
}

static const struct um_fs_type *const types[] = { &fuse_type, &fuse_family, &fuseblk_type, &device_type, NULL };
static const struct um_place places[] = { { "/dev/fuse", "umfuse-device" }, { NULL, NULL } };

UM_MODULE = {
	.abi = UM_MODULE_ABI,
	.name = "umfuse",
	.description = "FUSE file systems, by programs of the view",
	.classes = UM_NEEDS_PATH | UM_NEEDS_DESC,
	.fs_types = types,
	.places = places,
	.init = init,
	.stage = journal_stage,
	.wants = journal_wants,
	.settle = flush_settle,
	.ioctl = op_ioctl,
	.lazy = &lazy_any,
	.end = fs_end_all,
};
