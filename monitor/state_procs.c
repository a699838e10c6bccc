// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What concerns all processes of a view: sweeping records that none of them has, and killing them.
 *
 * There is no list of the view's processes.  They are found by reading the carrier of every process in /proc, which
 * cannot miss any as long as one repeats it: a process that was born while the directory was read, of a parent that
 * ended before its own turn came, is there at the next reading.  A reading counts as complete only when nothing that
 * it named was gone when it was looked at: a process that forks and exits all the time is always one step ahead.
 */
#include "compat.h"
#include "procinfo.h"
#include "state_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_ROUNDS 50 /* then nothing is freed this time */
#define CHASE_ROUNDS 16
#define PID_LIMIT (4u << 20) /* PID_MAX_LIMIT of 64-bit kernels (proc(5), pid_max) */

int each_pid(int (*fn)(void *arg, pid_t pid), void *arg)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	int ret = 0;

	if (dir == NULL)
		return -errno;
	while (ret == 0 && (d = readdir(dir)) != NULL)
		if (d->d_name[0] >= '1' && d->d_name[0] <= '9')
			ret = fn(arg, atoi(d->d_name));
	closedir(dir);
	return ret;
}

/* --- sweep ------------------------------------------------------------------------------------------------------ */

struct sweep {
	struct um_states *s;
	unsigned char *seen; /* a bit for each process id */
	bool new, gone;
};

/* As state_carried_number(); sets *gone if there is no such process. */
static uint32_t look(uint32_t tag, int carrier, pid_t pid, bool *gone)
{
	uint32_t number;

	errno = 0;
	number = state_carried_number(tag, carrier, pid);
	if (number == 0 && errno == ESRCH)
		*gone = true;
	return number;
}

static void mark_number(struct um_states *s, uint32_t number)
{
	struct record **slot = number ? states_slot(s, number, false) : NULL;

	if (slot != NULL && *slot != NULL)
		(*slot)->marked = true;
}

static int sweep_mark(void *arg, pid_t pid)
{
	struct sweep *w = arg;
	uint32_t number = look(w->s->tag, w->s->carrier, pid, &w->gone);

	if (number == 0 || (uint32_t)pid >= PID_LIMIT)
		return 0;
	mark_number(w->s, number);
	if (!(w->seen[pid / 8] >> pid % 8 & 1)) {
		w->seen[pid / 8] |= 1 << pid % 8;
		w->new = true;
	}
	return 0;
}

/* Free all records that are not marked, and clear the marks. */
static size_t sweep_free(struct um_states *s)
{
	size_t freed = 0;

	for (size_t i = 0; i < s->nbuckets; i++)
		for (struct record **p = &s->buckets[i]; *p != NULL;) {
			struct record *r = *p;

			if (r->marked) {
				r->marked = false;
				p = &r->next;
				continue;
			}
			*p = r->next;
			__atomic_store_n(states_slot(s, r->state.number, false), NULL, __ATOMIC_RELEASE);
			record_free(r);
			s->count--;
			freed++;
		}
	return freed;
}

static void sweep_unmark(struct um_states *s)
{
	for (size_t i = 0; i < s->nbuckets; i++)
		for (struct record *r = s->buckets[i]; r != NULL; r = r->next)
			r->marked = false;
}

size_t states_sweep(struct um_states *s, const struct um_state *const *keep)
{
	struct sweep w = { .s = s, .seen = calloc(1, PID_LIMIT / 8) };
	size_t freed = 0;
	int ret = 0, rounds = 0;

	if (w.seen == NULL)
		return 0;
	pthread_mutex_lock(&s->lock);
	for (; keep != NULL && *keep != NULL; keep++)
		mark_number(s, (*keep)->number);
	do {
		w.new = w.gone = false;
		ret = each_pid(sweep_mark, &w);
	} while (ret == 0 && (w.new || w.gone) && ++rounds < SWEEP_ROUNDS);
	if (ret == 0 && rounds < SWEEP_ROUNDS)
		freed = sweep_free(s);
	else
		sweep_unmark(s);
	pthread_mutex_unlock(&s->lock);
	free(w.seen);
	return freed;
}

/* --- find ------------------------------------------------------------------------------------------------------- */

/* Ended, and perhaps only waiting to be reaped? */
static bool has_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

struct finding {
	struct um_states *s;
	state_fn *fn;
	void *arg;
	int found; /* pidfd */
	bool gone;  /* some process was reaped while it was looked at */
};

static int find_one(void *arg, pid_t pid)
{
	struct finding *f = arg;
	uint32_t number = look(f->s->tag, f->s->carrier, pid, &f->gone);
	const struct um_state *state = state_number(f->s, number);
	int fd;

	if (state == NULL || !f->fn(f->arg, state))
		return 0;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0) {
		if (errno != ESRCH && errno != EINVAL)
			return -errno;
		f->gone = true;
		return 0;
	}
	/* The record once more: the number may be another process's by now. */
	state = state_number(f->s, look(f->s->tag, f->s->carrier, pid, &f->gone));
	if (!has_ended(fd) && state != NULL && f->fn(f->arg, state)) {
		f->found = fd;
		return 1;
	}
	close(fd);
	return 0;
}

int state_find(struct um_states *s, state_fn *fn, void *arg)
{
	struct finding f = { .s = s, .fn = fn, .arg = arg, .found = -ENOENT };
	int ret, none = 0;

	/* Two complete readings without any, as state_kill_all() says. */
	for (int rounds = 0; f.found < 0 && none < 2 && rounds < SWEEP_ROUNDS; rounds++) {
		f.gone = false;
		ret = each_pid(find_one, &f);
		if (ret < 0)
			return ret;
		none = f.gone ? 0 : none + 1;
	}
	return f.found >= 0 || none == 2 ? f.found : -EAGAIN;
}

struct each {
	struct um_states *s;
	state_fn *fn;
	void *arg;
};

static int each_one(void *arg, pid_t pid)
{
	struct each *e = arg;
	bool gone;
	const struct um_state *state = state_number(e->s, look(e->s->tag, e->s->carrier, pid, &gone));

	return state != NULL && e->fn(e->arg, state);
}

void state_each(struct um_states *s, state_fn *fn, void *arg)
{
	struct each e = { s, fn, arg };

	each_pid(each_one, &e);
}

/* --- kill ------------------------------------------------------------------------------------------------------- */

struct killing {
	uint32_t tag;
	int carrier;
	int left;  /* found alive in this round */
	int dead;  /* ended, not reaped yet */
	bool gone; /* some process was reaped while it was looked for */
};

/* Ended, and only waiting to be reaped?  A leader that has ended counts only when its other threads have, too. */
static bool is_zombie(pid_t pid)
{
	struct procinfo_stat stat;
	int err = procinfo_stat(pid, &stat);

	if (err < 0)
		return err == -ESRCH;
	return (stat.state == 'Z' || stat.state == 'X') && stat.num_threads <= 1;
}

/*
 * The descriptor makes it exact: should the process end and its id be given to another one before the tag is read
 * again, then the signal goes to the one that ended, that is to nobody.
 */
static int kill_tagged(void *arg, pid_t pid)
{
	struct killing *k = arg;
	int fd;

	if (pid == getpid() || look(k->tag, k->carrier, pid, &k->gone) == 0)
		return 0;
	fd = syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0 && (errno == ESRCH || errno == EINVAL)) {
		k->gone = true;
		return 0;
	}
	if (fd >= 0 ? has_ended(fd) : is_zombie(pid)) {
		k->dead++;
	} else if (look(k->tag, k->carrier, pid, &k->gone) != 0) {
		k->left++;
		if (fd < 0 || (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) != 0 && errno != ESRCH))
			kill(pid, SIGKILL);
	}
	if (fd >= 0)
		close(fd);
	return 0;
}

/* Go for the youngest processes, without the time that reading a directory takes. */
static void kill_youngest(struct killing *k)
{
	char buf[128], *last;
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	for (int i = 0; fd >= 0 && i < CHASE_ROUNDS; i++) {
		n = pread(fd, buf, sizeof(buf) - 1, 0);
		if (n <= 0)
			break;
		buf[n] = '\0';
		last = strrchr(buf, ' '); /* its last word is the process id given out last */
		for (pid_t pid = last ? atoi(last) : 0, end = pid - 4; pid > 1 && pid > end; pid--)
			kill_tagged(k, pid);
	}
	if (fd >= 0)
		close(fd);
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

int state_kill_all(uint32_t tag, int carrier, int timeout_ms)
{
	int64_t end = now_us() + timeout_ms * INT64_C(1000);
	struct killing k = { .tag = tag, .carrier = carrier };
	useconds_t pause = 200;

	/* Two complete readings without any, for one could miss a child of a parent that ended while it went on. */
	for (int none = 0, dead = 0; none < 2; dead = k.dead) {
		k.left = k.dead = 0;
		k.gone = false;
		if (each_pid(kill_tagged, &k) < 0)
			return -1;
		if (now_us() >= end)
			break;
		if (k.left == 0 && !k.gone && k.dead <= dead) {
			none++;
			continue;
		}
		none = 0;
		if (k.left == 0) {
			int before = k.dead;

			kill_youngest(&k);
			k.dead = before;
			continue;
		}
		usleep(pause); /* they need a moment to go; longer when there is much to free */
		if (pause < 10000)
			pause *= 2;
	}
	return k.left;
}
