/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the filters of the unit tests are written with. */
#ifndef TESTS_UNIT_BPF_H
#define TESTS_UNIT_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#define COOKIE UINT64_C(0x1badb002deadbeef) /* in the sixth argument: the monitor's own, which passes */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_AT(off) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (off))
#define IF_EQ(k, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(k), t, f)
#define RET(k) BPF_STMT(BPF_RET | BPF_K, (k))

#endif
