/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seccomp filter of a view, made from the system call table.
 */
#ifndef MONITOR_SYSCALL_FILTER_H
#define MONITOR_SYSCALL_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

struct filter_config {
	uint32_t classes;       /* UM_CLASS_BIT()s to trap; PROC and DENY are in every filter, NEVER in none */
	uint64_t cookie;        /* a trapped call with this value in its sixth argument is the monitor's own and is
				 * allowed; only where the call has fewer than six arguments.  0: no such calls.
				 * The thread that such a call is made in sees the value in its registers. */
	int carrier;            /* RLIMIT_* that carries the state (state.h), or -1: no limit is trapped */
	bool secure;            /* ENOSYS for clone3 and for numbers without a row, which are allowed else */
};

/**
 * filter_build() - make the filter
 * @out:	freed by filter_free()
 *
 * Return: 0, -ENOMEM, or -E2BIG if it has more instructions than a filter may have (BPF_MAXINSNS).
 */
int filter_build(struct sock_fprog *out, const struct filter_config *config);
void filter_free(struct sock_fprog *prog);

#endif
