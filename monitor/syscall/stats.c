/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts and latencies.
 *
 * A series is a histogram with buckets of doubling width: bucket b counts latencies of [2^b, 2^(b+1)) ns.
 * Percentiles are interpolated within a bucket, so they may be off by less than a factor of two, and lie between
 * minimum and maximum.  There is one series for each row of the system call table, one for all numbers without a row,
 * and one for each of the first ROUTES_MAX routes; memory is constant.  Series are counted with relaxed atomics: what
 * is printed while calls are being served may miss the last of them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "stats.h"
#include "table.h"

#define BUCKETS    40           /* the last one is of 2^39 ns, 9 minutes, and more */
#define ROUTES_MAX 32

struct series {
	uint64_t count, total;
	uint64_t min_inverted;  /* ~minimum: so that 0 is the value of no calls */
	uint64_t max;
	uint32_t buckets[BUCKETS];
};

static struct series by_call[UM_NSLOTS + 1];
static struct series by_route[ROUTES_MAX + 1];
static const char *routes[ROUTES_MAX];

static unsigned bucket_of(uint64_t ns)
{
	unsigned b = ns > 1 ? 63 - __builtin_clzll(ns) : 0;

	return b < BUCKETS ? b : BUCKETS - 1;
}

static void raise_to(uint64_t *maximum, uint64_t value)
{
	uint64_t old = __atomic_load_n(maximum, __ATOMIC_RELAXED);

	while (old < value &&
	       !__atomic_compare_exchange_n(maximum, &old, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void add(struct series *s, uint64_t ns)
{
	__atomic_fetch_add(&s->count, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->total, ns, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->buckets[bucket_of(ns)], 1, __ATOMIC_RELAXED);
	raise_to(&s->max, ns);
	raise_to(&s->min_inverted, ~ns);
}

/* The number of a route; ROUTES_MAX when there are too many.  The same text may come from several modules. */
static unsigned route_index(const char *route)
{
	for (unsigned i = 0; i < ROUTES_MAX; i++) {
		const char *old = __atomic_load_n(&routes[i], __ATOMIC_ACQUIRE);

		if (!old && __atomic_compare_exchange_n(&routes[i], &old, route, false, __ATOMIC_ACQ_REL,
							__ATOMIC_ACQUIRE))
			return i;
		/* a failed exchange has left in `old' what another thread put there */
		if (old == route || strcmp(old, route) == 0)
			return i;
	}
	return ROUTES_MAX;
}

void stats_record(int nr, const char *route, uint64_t ns)
{
	const struct um_syscall *row = um_syscall_row(nr);

	add(&by_call[row ? (size_t)(row - um_syscalls) : UM_NSLOTS], ns);
	add(&by_route[route_index(route)], ns);
}

/* The latency that this share of the calls does not exceed. */
static uint64_t percentile(const struct series *s, double share)
{
	uint64_t min = ~s->min_inverted, value = s->max;
	double rank = share * (double)s->count, before = 0;

	for (unsigned b = 0; b < BUCKETS; b++) {
		double width = (double)(UINT64_C(1) << b);

		if (s->buckets[b] > 0 && before + s->buckets[b] >= rank) {
			value = (uint64_t)(width + width * (rank - before) / s->buckets[b]);
			break;
		}
		before += s->buckets[b];
	}
	return value < min ? min : value > s->max ? s->max : value;
}

struct line {
	const char *name;
	const struct series *series;
};

static int longest_first(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->series->total != y->series->total)
		return x->series->total < y->series->total ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void print_table(FILE *out, const char *title, const struct line *lines, unsigned n)
{
	fprintf(out, "%-24s %10s %12s %9s %9s %9s %9s %9s\n", title, "calls", "total ms", "mean us", "min us",
		"p50 us", "p99 us", "max us");
	for (unsigned i = 0; i < n; i++) {
		const struct series *s = lines[i].series;

		fprintf(out, "%-24s %10" PRIu64 " %12.3f %9.1f %9.1f %9.1f %9.1f %9.1f\n", lines[i].name, s->count,
			s->total / 1e6, s->total / 1e3 / s->count, ~s->min_inverted / 1e3, percentile(s, 0.5) / 1e3,
			percentile(s, 0.99) / 1e3, s->max / 1e3);
	}
}

static void print_json(FILE *out, const char *title, const struct line *lines, unsigned n)
{
	fprintf(out, "\"%s\": [", title);
	for (unsigned i = 0; i < n; i++) {
		const struct series *s = lines[i].series;

		fprintf(out,
			"%s\n  {\"name\": \"%s\", \"count\": %" PRIu64 ", \"total\": %" PRIu64 ", \"min\": %" PRIu64
			", \"p50\": %" PRIu64 ", \"p99\": %" PRIu64 ", \"max\": %" PRIu64 "}",
			i > 0 ? "," : "", lines[i].name, s->count, s->total, ~s->min_inverted, percentile(s, 0.5),
			percentile(s, 0.99), s->max);
	}
	fprintf(out, "\n]");
}

/* The series that have been used, in the order of printing. */
static unsigned collect(struct line *lines, const struct series *series, unsigned n, const char *(*name)(unsigned))
{
	unsigned used = 0;

	for (unsigned i = 0; i < n; i++)
		if (series[i].count > 0)
			lines[used++] = (struct line){ name(i), &series[i] };
	qsort(lines, used, sizeof(*lines), longest_first);
	return used;
}

static const char *call_name(unsigned i)
{
	return i < UM_NSLOTS ? um_syscalls[i].name : "unknown";
}

static const char *route_name(unsigned i)
{
	return i < ROUTES_MAX ? routes[i] : "other";
}

void stats_print(FILE *out, bool json)
{
	struct line calls[UM_NSLOTS + 1], ways[ROUTES_MAX + 1];
	unsigned ncalls = collect(calls, by_call, UM_NSLOTS + 1, call_name);
	unsigned nways = collect(ways, by_route, ROUTES_MAX + 1, route_name);

	if (json) {
		fprintf(out, "{");
		print_json(out, "calls", calls, ncalls);
		fprintf(out, ", ");
		print_json(out, "routes", ways, nways);
		fprintf(out, "}\n");
		return;
	}
	print_table(out, "system call", calls, ncalls);
	fprintf(out, "\n");
	print_table(out, "route", ways, nways);
}
