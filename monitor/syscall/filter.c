/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seccomp filter.
 *
 * Theory of operation.  A system call number has one of these actions:
 *
 *	allow, errno		depend on nothing else; the kernel keeps a bitmap of the numbers that are always
 *				allowed, found by running the filter with a number and an architecture alone.  So
 *				these two are tested first, and an argument is loaded only when the number is known
 *	trap			notify the monitor
 *	trap, unless cookie	the same, if the sixth argument is not the cookie
 *	condition		a row's `when': allow if it does not hold, else one of the above
 *
 * Neighbouring numbers with the same action are one range, and a binary search over the ranges finds the action.
 *
 * Code is emitted backwards, from the last instruction to the first: jumps go forward only, so every target is known
 * when the jump is made.  A position is counted from the end of the program (1 is the last instruction); the distance
 * of a jump is the difference of two positions.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "numbers.h"
#include "table.h"

enum action_kind { ACT_ALLOW, ACT_ERRNO, ACT_TRAP, ACT_TRAP_COOKIE, ACT_WHEN };

struct action {
	enum action_kind kind;
	uint16_t error;                 /* ACT_ERRNO */
	const struct um_syscall *row;   /* ACT_WHEN */
};

/* Numbers from `first' on, up to the next range. */
struct range {
	uint32_t first;
	struct action action;
};

struct emitter {
	const struct filter_config *config;
	struct sock_filter code[BPF_MAXINSNS];
	unsigned used;                  /* instructions so far; the last one emitted has this position */
	bool overflow;
	unsigned trap_cookie;           /* position of the shared test of the cookie, 0: none */
};

/* Each row adds at most two boundaries, the numbers without rows a few more. */
#define MAX_RANGES (2 * UM_NSLOTS + 8)

static void emit(struct emitter *e, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (e->used == BPF_MAXINSNS) {
		e->overflow = true;
		return;
	}
	e->used++;
	e->code[BPF_MAXINSNS - e->used] = (struct sock_filter){ .code = code, .jt = jt, .jf = jf, .k = k };
}

static void emit_ret(struct emitter *e, uint32_t value)
{
	emit(e, BPF_RET | BPF_K, value, 0, 0);
}

static void emit_load(struct emitter *e, uint32_t offset)
{
	emit(e, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void emit_goto(struct emitter *e, unsigned target)
{
	if (target != e->used)
		emit(e, BPF_JMP | BPF_JA | BPF_K, e->used - target, 0, 0);
}

/* A conditional jump.  Targets too far for its eight bits are reached by unconditional ones. */
static void emit_jump(struct emitter *e, uint16_t test, uint32_t k, unsigned yes, unsigned no)
{
	if (e->used - yes > 255) {
		emit_goto(e, yes);
		yes = e->used;
	}
	if (e->used - no > 255) {
		emit_goto(e, no);
		no = e->used;
		/* the test is now one instruction farther from `yes' */
		if (e->used - yes > 255) {
			emit_goto(e, yes);
			yes = e->used;
		}
	}
	emit(e, BPF_JMP | test | BPF_K, k, e->used - yes, e->used - no);
}

/* Offsets of an argument's halves in struct seccomp_data: little endian. */
static uint32_t arg_low(unsigned arg)
{
	return offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t);
}

static uint32_t arg_high(unsigned arg)
{
	return arg_low(arg) + sizeof(uint32_t);
}

/* Is the argument equal to the value? */
static void emit_equal(struct emitter *e, unsigned arg, uint64_t value, bool wide, unsigned yes, unsigned no)
{
	emit_jump(e, BPF_JEQ, (uint32_t)value, yes, no);
	emit_load(e, arg_low(arg));
	if (!wide)
		return;
	emit_jump(e, BPF_JEQ, value >> 32, e->used, no);
	emit_load(e, arg_high(arg));
}

/* Has the argument one of the bits? */
static void emit_any(struct emitter *e, unsigned arg, uint64_t bits, bool wide, unsigned yes, unsigned no)
{
	emit_jump(e, BPF_JSET, (uint32_t)bits, yes, no);
	emit_load(e, arg_low(arg));
	if (!wide || bits >> 32 == 0)
		return;
	emit_jump(e, BPF_JSET, bits >> 32, yes, e->used);
	emit_load(e, arg_high(arg));
}

static void emit_condition(struct emitter *e, const struct um_syscall *row, const struct um_when *when, unsigned yes,
			   unsigned no)
{
	bool wide = um_arg_wide(row->args[when->arg]);
	uint64_t value = when->value == UM_CARRIER ? (uint64_t)e->config->carrier : when->value;

	if (when->value == UM_CARRIER && e->config->carrier < 0) {
		emit_goto(e, no); /* it is no limit's number */
		return;
	}
	switch ((enum um_test)when->test) {
	case UM_ALWAYS:
		emit_goto(e, yes);
		break;
	case UM_IF_EQ:
		emit_equal(e, when->arg, value, wide, yes, no);
		break;
	case UM_IF_NE:
		emit_equal(e, when->arg, value, wide, no, yes);
		break;
	case UM_IF_ANY:
		emit_any(e, when->arg, value, wide, yes, no);
		break;
	case UM_IF_NONE:
		emit_any(e, when->arg, value, wide, no, yes);
		break;
	}
}

/* How a row traps: has it the sixth argument's place free for the cookie? */
static enum action_kind trap_kind(const struct emitter *e, const struct um_syscall *row)
{
	return e->config->cookie != 0 && um_syscall_nargs(row) < 6 ? ACT_TRAP_COOKIE : ACT_TRAP;
}

static void emit_trap(struct emitter *e, enum action_kind kind)
{
	if (kind == ACT_TRAP_COOKIE)
		emit_goto(e, e->trap_cookie);
	else
		emit_ret(e, SECCOMP_RET_USER_NOTIF);
}

/* A row with conditions: all that are set must hold, or one with `or'. */
static void emit_when(struct emitter *e, const struct um_syscall *row)
{
	unsigned yes, no;

	emit_ret(e, SECCOMP_RET_ALLOW);
	no = e->used;
	emit_trap(e, trap_kind(e, row));
	yes = e->used;
	for (int i = 1; i >= 0; i--)
		if (row->when[i].test != UM_ALWAYS) {
			emit_condition(e, row, &row->when[i], yes, no);
			*(row->when[i].or ? &no : &yes) = e->used;
		}
}

static void emit_action(struct emitter *e, const struct action *action)
{
	switch (action->kind) {
	case ACT_ALLOW:
		emit_ret(e, SECCOMP_RET_ALLOW);
		break;
	case ACT_ERRNO:
		emit_ret(e, SECCOMP_RET_ERRNO | action->error);
		break;
	case ACT_TRAP:
	case ACT_TRAP_COOKIE:
		emit_trap(e, action->kind);
		break;
	case ACT_WHEN:
		emit_when(e, action->row);
		break;
	}
}

/* The search: which of the n ranges holds the number in the accumulator? */
static void emit_search(struct emitter *e, const struct range *ranges, unsigned n)
{
	unsigned upper;

	if (e->overflow)
		return;
	if (n == 1) {
		emit_action(e, &ranges->action);
		return;
	}
	emit_search(e, ranges + n / 2, n - n / 2);
	upper = e->used;
	emit_search(e, ranges, n / 2);
	emit_jump(e, BPF_JGE, ranges[n / 2].first, upper, e->used);
}

/* What is to be done with a number. */
static struct action action_of(const struct emitter *e, int nr)
{
	const struct filter_config *config = e->config;
	const struct um_syscall *row = um_syscall_row(nr);
	uint32_t classes = config->classes | UM_CLASS_BIT(UM_CLASS_PROC) | UM_CLASS_BIT(UM_CLASS_DENY) |
			   (config->secure ? UM_CLASS_BIT(UM_CLASS_OUT) : 0);

	if (config->secure && (!row || row->nr == __NR_clone3))
		return (struct action){ .kind = ACT_ERRNO, .error = ENOSYS };
	if (!row)
		return (struct action){ .kind = ACT_ALLOW };
	if (row->cls == UM_CLASS_NEVER || !(classes & UM_CLASS_BIT(row->cls)))
		return (struct action){ .kind = ACT_ALLOW };
	if (row->deny != 0)
		return (struct action){ .kind = ACT_ERRNO, .error = row->deny };
	if (config->secure && row->wide)
		return (struct action){ .kind = trap_kind(e, row) };
	if (row->when[0].test != UM_ALWAYS || row->when[1].test != UM_ALWAYS)
		return (struct action){ .kind = ACT_WHEN, .row = row };
	return (struct action){ .kind = trap_kind(e, row) };
}

static bool action_equal(const struct action *a, const struct action *b)
{
	return a->kind == b->kind && a->error == b->error && a->row == b->row;
}

static unsigned add_range(struct range *ranges, unsigned n, uint32_t first, struct action action)
{
	if (n > 0 && action_equal(&ranges[n - 1].action, &action))
		return n;
	ranges[n] = (struct range){ .first = first, .action = action };
	return n + 1;
}

/* All numbers from 0 on as ranges; returns how many. */
static unsigned make_ranges(const struct emitter *e, struct range *ranges)
{
	unsigned n = 0;

	for (uint32_t nr = 0; nr <= UM_NR_NEW_END; nr++)
		n = add_range(ranges, n, nr, action_of(e, nr));
	n = add_range(ranges, n, UM_CTL_NR, action_of(e, UM_CTL_NR));
	return add_range(ranges, n, UM_CTL_NR + 1, action_of(e, UM_CTL_NR + 1));
}

static void emit_program(struct emitter *e, const struct range *ranges, unsigned n)
{
	unsigned allow, notify, search, refuse;

	if (e->config->cookie != 0) {
		emit_ret(e, SECCOMP_RET_USER_NOTIF);
		notify = e->used;
		emit_ret(e, SECCOMP_RET_ALLOW);
		allow = e->used;
		emit_equal(e, 5, e->config->cookie, true, allow, notify);
		e->trap_cookie = e->used;
	}
	emit_search(e, ranges, n);
	search = e->used;
	emit_ret(e, SECCOMP_RET_ERRNO | ENOSYS);
	refuse = e->used;
#ifdef ARCH_NR_X32
	emit_jump(e, BPF_JGE, ARCH_NR_X32, refuse, search);
#else
	emit_goto(e, search);
#endif
	emit_load(e, offsetof(struct seccomp_data, nr));
	emit_jump(e, BPF_JEQ, ARCH_AUDIT, e->used, refuse);
	emit_load(e, offsetof(struct seccomp_data, arch));
}

int filter_build(struct sock_fprog *out, const struct filter_config *config)
{
	struct emitter *e = calloc(1, sizeof(*e));
	struct range *ranges = calloc(MAX_RANGES, sizeof(*ranges));
	int err = -ENOMEM;

	*out = (struct sock_fprog){ 0 };
	if (!e || !ranges)
		goto out;
	e->config = config;
	emit_program(e, ranges, make_ranges(e, ranges));
	err = -E2BIG;
	if (e->overflow)
		goto out;
	err = -ENOMEM;
	out->filter = calloc(e->used, sizeof(*out->filter));
	if (!out->filter)
		goto out;
	memcpy(out->filter, e->code + BPF_MAXINSNS - e->used, e->used * sizeof(*out->filter));
	out->len = e->used;
	err = 0;
out:
	free(ranges);
	free(e);
	return err;
}

void filter_free(struct sock_fprog *prog)
{
	free(prog->filter);
	*prog = (struct sock_fprog){ 0 };
}
