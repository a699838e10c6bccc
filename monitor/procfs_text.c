// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/PID/status, limits, maps, smaps and numa_maps as the view has them.  The formats are those of proc(5) and of
 * the kernel's fs/proc/array.c, base.c and task_mmu.c.
 */
#include "procfs_internal.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "calls/exec.h"
#include "namei.h"
#include "tracer/tracer.h"

/* --- status ----------------------------------------------------------------------------------------------------- */

static void put_groups(struct text *out, const struct um_ids *ids)
{
	for (uint32_t i = 0; i < ids->ngroups; i++)
		text_say(out, "%s%u", i ? " " : "", ids->groups[i]);
	text_say(out, " ");
}

/* A line that is the ids' to say.  False: it is not. */
static bool put_id_line(struct text *out, const struct um_state *state, const char *key, size_t n)
{
	const struct um_ids *ids = &state->ids;
	const struct {
		const char *key;
		uint64_t set;
	} caps[] = {
		{ "CapInh", ids->cap_inheritable }, { "CapPrm", ids->cap_permitted }, { "CapEff", ids->cap_effective },
		{ "CapBnd", ids->cap_bounding },    { "CapAmb", ids->cap_ambient },
	};

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		if (n == 6 && memcmp(key, caps[i].key, n) == 0) {
			text_say(out, "%016llx", (unsigned long long)caps[i].set);
			return true;
		}
	if (n == 3 && memcmp(key, "Uid", n) == 0)
		text_say(out, "%u\t%u\t%u\t%u", ids->ruid, ids->euid, ids->suid, ids->fsuid);
	else if (n == 3 && memcmp(key, "Gid", n) == 0)
		text_say(out, "%u\t%u\t%u\t%u", ids->rgid, ids->egid, ids->sgid, ids->fsgid);
	else if (n == 6 && memcmp(key, "Groups", n) == 0)
		put_groups(out, ids);
	else if (n == 10 && memcmp(key, "NoNewPrivs", n) == 0)
		text_say(out, "%d", state->no_new_privs);
	else
		return false;
	return true;
}

/* Where the tracer has all threads they stand in its stops: what they would be in without it. */
static const char *untraced_state(const struct procfs_file *file)
{
	bool (*stopped)(pid_t tid) = file->call->view->tracer_ops->stopped;

	if (stopped == NULL)
		return NULL;
	return stopped(file->pid) ? "T (stopped)" : "R (running)";
}

/* "PID (NAME) STATE ..."; the name may hold anything. */
void procfs_stat(struct procfs_file *file, struct text *in)
{
	const char *state = untraced_state(file);
	char *end = in->p ? strrchr(in->p, ')') : NULL;

	if (end != NULL && end[1] == ' ' && end[2] == 't' && state != NULL)
		end[2] = *state;
	text_put(file->out, in->p ? in->p : "", in->n);
}

struct status {
	struct procfs_file *file;
	int filters; /* of the program's own */
};

/* "KEY:\tVALUE" */
static void status_line(void *arg, char *line)
{
	struct status *s = arg;
	struct text *out = s->file->out;
	size_t n = strcspn(line, ":");
	const char *value = line + n + strspn(line + n, ":\t ");
	int number = atoi(value);

	text_put(out, line, n);
	if (line[n] == ':' && n > 0) {
		text_put(out, ":\t", 2);
		if (s->file->state->virtual_ids && put_id_line(out, s->file->state, line, n))
			;
		else if (n == 7 && memcmp(line, "Seccomp", n) == 0)
			text_say(out, "%d", number == 2 && s->filters == 0 ? 0 : number);
		else if (n == 15 && memcmp(line, "Seccomp_filters", n) == 0)
			text_say(out, "%d", s->filters);
		else if (n == 5 && memcmp(line, "State", n) == 0 && *value == 't' && untraced_state(s->file) != NULL)
			text_say(out, "%s", untraced_state(s->file));
		else if (n == 9 && memcmp(line, "TracerPid", n) == 0)
			text_say(out, "%d", number > 0 && um_is_monitors(s->file->call, number) ? 0 : number);
		else
			text_say(out, "%s", line + n + 1 + (line[n + 1] == '\t'));
	}
	text_put(out, "\n", 1);
}

static int filters_in(const char *status)
{
	const char *line = status ? strstr(status, "\nSeccomp_filters:") : NULL;

	return line ? atoi(line + 17) - 1 : 0;
}

int procfs_filters(pid_t tid)
{
	struct text in = { 0 };
	char path[40];
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	if (text_read(&in, path) == 0)
		n = filters_in(in.p);
	free(in.p);
	return n;
}

void procfs_status(struct procfs_file *file, struct text *in)
{
	struct status s = { file, filters_in(in->p) };

	text_lines(in, status_line, &s);
}

/* --- limits ----------------------------------------------------------------------------------------------------- */

static const char *carrier_name(int carrier)
{
	return carrier == RLIMIT_LOCKS ? "Max file locks  "
	       : carrier == RLIMIT_RSS ? "Max resident set  "
				       : "Max realtime timeout  ";
}

static void put_limit(struct text *out, uint64_t limit)
{
	if (limit == RLIM64_INFINITY)
		text_say(out, "%-20s ", "unlimited");
	else
		text_say(out, "%-20llu ", (unsigned long long)limit);
}

/* Name, soft and hard limit and unit in columns of 26, 21, 21 and 10. */
static void limits_line(void *arg, char *line)
{
	struct procfs_file *file = arg;
	const char *name = carrier_name(states_carrier(file->call->view->states));
	const char *unit = strrchr(line, ' ');

	if (strncmp(line, name, strlen(name)) != 0 || unit == NULL) {
		text_say(file->out, "%s\n", line);
		return;
	}
	while (unit > line && unit[-1] == ' ')
		unit--;
	while (unit > line && unit[-1] != ' ')
		unit--;
	text_put(file->out, line, 26);
	put_limit(file->out, file->state->carried.rlim_cur);
	put_limit(file->out, file->state->carried.rlim_max);
	text_say(file->out, "%s\n", unit);
}

void procfs_limits(struct procfs_file *file, struct text *in)
{
	text_lines(in, limits_line, file);
}

/* --- mappings --------------------------------------------------------------------------------------------------- */

/* Put a mapped file's path, escaped by the kernel as @bad says. */
static void put_mapped(struct procfs_file *file, char *path, uint64_t ino, const char *bad)
{
	char name[PATH_MAX], shown[PROC_TEXT_MAX];
	struct stat st;

	text_unescape(path, bad);
	if (strlen(path) >= sizeof(name)) {
		text_escape(file->out, path, bad);
		return;
	}
	strcpy(name, path);
	memset(&st, 0, sizeof(st));
	st.st_ino = ino;
	st.st_mode = ino ? S_IFREG : 0;
	proc_path_text(file->call, name, &st, shown);
	text_escape(file->out, shown, bad);
}

struct maps {
	struct procfs_file *file;
	bool skip; /* lines about a mapping that the program has not made */
};

/* "START-END PERMS OFFSET DEV INODE    PATH", and in smaps lines about the mapping after it. */
static void maps_line(void *arg, char *line)
{
	struct maps *m = arg;
	struct text *out = m->file->out;
	char *path = strchr(line, '/');
	unsigned long long ino = 0;
	unsigned major, minor;
	bool head = isxdigit((unsigned char)*line) &&
		    sscanf(line, "%*x-%*x %*4c %*x %x:%x %llu", &major, &minor, &ino) == 3;

	if (head)
		m->skip = exec_is_loader(makedev(major, minor), ino);
	if (m->skip)
		return;
	if (!head || path == NULL) {
		text_say(out, "%s\n", line);
		return;
	}
	text_put(out, line, (size_t)(path - line));
	put_mapped(m->file, path, ino, "\n");
	text_put(out, "\n", 1);
}

void procfs_maps(struct procfs_file *file, struct text *in)
{
	struct maps m = { file, false };

	text_lines(in, maps_line, &m);
}

/* "START POLICY [file=PATH] ..." */
static void numa_line(void *arg, char *line)
{
	struct procfs_file *file = arg;
	char *path = strstr(line, " file=/"), *end;

	if (path == NULL) {
		text_say(file->out, "%s\n", line);
		return;
	}
	path += 6;
	end = path + strcspn(path, " ");
	text_put(file->out, line, (size_t)(path - line));
	if (*end != '\0')
		*end++ = '\0';
	put_mapped(file, path, 0, "\n\t= ");
	text_say(file->out, "%s%s\n", *end ? " " : "", end);
}

void procfs_numa_maps(struct procfs_file *file, struct text *in)
{
	text_lines(in, numa_line, file);
}
