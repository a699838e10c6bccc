/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The numbers of system calls, and where a number's row is in the table.
 *
 * Numbers come from <asm/unistd.h>; those that older headers do not know are added here, where all architectures share
 * one numbering (from 424 on), or else in arch/.
 */
#ifndef MONITOR_SYSCALL_NUMBERS_H
#define MONITOR_SYSCALL_NUMBERS_H

#include <asm/unistd.h>

#include "../arch/arch.h"
#include "table.h"

/* Where a number's row is: the old sequence, then the shared one, then the control call. */
#define UM_NR_NEW     424
#define UM_NR_NEW_END 471
#define UM_SLOT_CTL   (ARCH_NR_OLD_END + UM_NR_NEW_END - UM_NR_NEW)
#define UM_SLOT(nr)   ((nr) == UM_CTL_NR ? UM_SLOT_CTL : (nr) >= UM_NR_NEW ? (nr) - UM_NR_NEW + ARCH_NR_OLD_END : (nr))
#define UM_NSLOTS     (UM_SLOT_CTL + 1)

#define __NR_um_ctl UM_CTL_NR

/* Newer than the oldest headers that are supported (Linux 5.10). */
#ifndef __NR_epoll_pwait2
#define __NR_epoll_pwait2 441
#endif
#ifndef __NR_mount_setattr
#define __NR_mount_setattr 442
#endif
#ifndef __NR_quotactl_fd
#define __NR_quotactl_fd 443
#endif
#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#endif
#ifndef __NR_landlock_add_rule
#define __NR_landlock_add_rule 445
#endif
#ifndef __NR_landlock_restrict_self
#define __NR_landlock_restrict_self 446
#endif
#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif
#ifndef __NR_process_mrelease
#define __NR_process_mrelease 448
#endif
#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif
#ifndef __NR_set_mempolicy_home_node
#define __NR_set_mempolicy_home_node 450
#endif
#ifndef __NR_cachestat
#define __NR_cachestat 451
#endif
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __NR_map_shadow_stack
#define __NR_map_shadow_stack 453
#endif
#ifndef __NR_futex_wake
#define __NR_futex_wake 454
#endif
#ifndef __NR_futex_wait
#define __NR_futex_wait 455
#endif
#ifndef __NR_futex_requeue
#define __NR_futex_requeue 456
#endif
#ifndef __NR_statmount
#define __NR_statmount 457
#endif
#ifndef __NR_listmount
#define __NR_listmount 458
#endif
#ifndef __NR_lsm_get_self_attr
#define __NR_lsm_get_self_attr 459
#endif
#ifndef __NR_lsm_set_self_attr
#define __NR_lsm_set_self_attr 460
#endif
#ifndef __NR_lsm_list_modules
#define __NR_lsm_list_modules 461
#endif
#ifndef __NR_mseal
#define __NR_mseal 462
#endif
#ifndef __NR_setxattrat
#define __NR_setxattrat 463
#endif
#ifndef __NR_getxattrat
#define __NR_getxattrat 464
#endif
#ifndef __NR_listxattrat
#define __NR_listxattrat 465
#endif
#ifndef __NR_removexattrat
#define __NR_removexattrat 466
#endif
#ifndef __NR_open_tree_attr
#define __NR_open_tree_attr 467
#endif
#ifndef __NR_file_getattr
#define __NR_file_getattr 468
#endif
#ifndef __NR_file_setattr
#define __NR_file_setattr 469
#endif
#ifndef __NR_listns
#define __NR_listns 470
#endif

#endif
