// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The journal: what an operation has asked, and what it was answered.
 *
 * Theory of operation.  There is one for each thread, and it lives as long as one system call.  An operation runs several
 * times; each time it asks the same things in the same order as before, for whatever it found out is in the journal: answers
 * of the server, names as it has seen them.  What changes what others find (a new name in the tree) waits until the
 * operation is over, or it would find its own traces: an open(2) with O_EXCL, the file that it has just created.
 *
 * Who changes names in a directory locks it until the change is known, as the kernel does for a server, which may rely on it:
 * no name is made twice.  What was seen in the directory before that may be old by then; in that case all is forgotten but
 * the locks, and the operation begins anew.  Nobody who waits for a lock holds one.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "umfuse.h"

struct record {
	struct record *next;
	struct um_fs *fs;       /* referenced */
	enum { REQUEST, TASK, NAME, FINALLY, LOCK } what;
	bool done, looked_at;
	int result;
	struct request *request;
	journal_task *task;
	void (*finally)(struct um_fs *fs, void *arg);
	void *arg;
	struct body *body;      /* referenced, or NULL */
	struct node *parent, *node;
	uint32_t changes;       /* of the parent, then */
	char *name;             /* owned */
};

static __thread struct record *journal, *last;
static __thread struct record *wanted; /* what the operation stopped for */

static const struct channel_waiting *waiting(void)
{
	static struct channel_waiting w;

	w = (struct channel_waiting){ host->wait_begin, host->wait_end };
	return &w;
}

static struct record *add(struct um_fs *fs, int what)
{
	struct record *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->fs = fs;
	fs_ref(fs);
	r->what = what;
	if (last != NULL)
		last->next = r;
	else
		journal = r;
	last = r;
	return r;
}

static void record_free(struct record *r)
{
	/* An answer that nobody has looked at may have given something. */
	if (r->request != NULL && r->done && r->result == 0 && !r->looked_at)
		channel_give_back(r->fs->channel, r->request);
	request_free(r->request);
	free(r->name);
	if (r->body != NULL)
		body_unref(r->body);
	fs_unref(r->fs);
	free(r);
}

/* Forget all of the kinds that are not to be kept. */
static void forget(unsigned keep)
{
	struct record **at = &journal, *r;

	last = NULL;
	while ((r = *at) != NULL) {
		if (keep >> r->what & 1) {
			last = r;
			at = &r->next;
			continue;
		}
		*at = r->next;
		record_free(r);
	}
	wanted = NULL;
}

/* --- locks ----------------------------------------------------------------------------------------------------------- */

static int unlocked; /* futex: some directory is not locked any more */

static void unlock_all(void)
{
	bool any = false;

	for (struct record *r = journal; r != NULL; r = r->next)
		if (r->what == LOCK && r->parent != NULL) {
			r->parent->locked = NULL;
			r->parent = NULL;
			any = true;
		}
	if (!any)
		return;
	__atomic_add_fetch(&unlocked, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &unlocked, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static int wait_unlocked(void *arg, const struct channel_waiting *waiting)
{
	const struct node *dir = arg; /* it stays, for there is work under way in it */
	bool ended = false;

	while (!ended) {
		int seen = __atomic_load_n(&unlocked, __ATOMIC_SEQ_CST);

		if (__atomic_load_n(&dir->locked, __ATOMIC_SEQ_CST) == NULL)
			return 0;
		waiting->begin();
		syscall(SYS_futex, &unlocked, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
		ended = waiting->end();
	}
	return -EINTR;
}

/* Has this operation seen names in the directory that may be others by now? */
static bool has_old_names(const struct node *dir)
{
	for (const struct record *r = journal; r != NULL; r = r->next)
		if (r->what == NAME && r->parent == dir && r->changes != dir->changes)
			return true;
	return false;
}

int journal_restart(void)
{
	forget(1u << LOCK | 1u << FINALLY);
	return -UM_STAGE;
}

int journal_lock(struct um_fs *fs, struct node *dir)
{
	struct um_caller caller;
	struct record *r;

	if (dir->locked == &journal)
		return 0;
	host->caller(&caller);
	if (!caller.on_worker)
		return -UM_STAGE;
	if (dir->locked != NULL) {
		unlock_all();
		forget(1u << FINALLY);
		return journal_run(fs, wait_unlocked, dir);
	}
	r = add(fs, LOCK);
	if (r == NULL)
		return -ENOMEM;
	r->parent = dir;
	dir->locked = &journal;
	return has_old_names(dir) ? journal_restart() : 0;
}

/* --- requests -------------------------------------------------------------------------------------------------------- */

static bool is_remembered_as_missing(uint32_t opcode)
{
	static const uint8_t some[] = {
		FUSE_OPEN, FUSE_OPENDIR, FUSE_FLUSH, FUSE_FSYNC, FUSE_FSYNCDIR, FUSE_ACCESS, FUSE_CREATE, FUSE_SETXATTR,
		FUSE_GETXATTR, FUSE_LISTXATTR, FUSE_REMOVEXATTR, FUSE_FALLOCATE, FUSE_RENAME2, FUSE_LSEEK,
		FUSE_READDIRPLUS, FUSE_COPY_FILE_RANGE, FUSE_STATFS,
	};

	return memchr(some, (int)opcode, sizeof(some)) != NULL;
}

int ask(struct um_fs *fs, uint32_t opcode, uint64_t nodeid, const void *args, size_t len, struct request **out)
{
	struct um_caller caller;
	struct record *r;

	if (opcode < 64 && (fs->missing >> opcode & 1))
		return -ENOSYS;
	for (r = journal; r != NULL; r = r->next)
		if (r->what == REQUEST && r->done && r->request != NULL && r->fs == fs && r->request->opcode == opcode &&
		    r->request->nodeid == nodeid && r->request->args_len == len &&
		    (len == 0 || memcmp(r->request->args, args, len) == 0)) {
			if (r->result < 0)
				return r->result;
			*out = r->request;
			if (r->request->error == -ENOSYS && is_remembered_as_missing(opcode))
				fs->missing |= UINT64_C(1) << opcode;
			return r->request->error;
		}
	r = add(fs, REQUEST);
	if (r == NULL)
		return -ENOMEM;
	r->request = request_new(opcode, nodeid, args, len);
	if (r->request == NULL) {
		r->result = -ENOMEM;
		r->done = true;
		return -ENOMEM;
	}
	host->caller(&caller);
	r->request->uid = caller.uid;
	r->request->gid = caller.gid;
	r->request->pid = (uint32_t)caller.tid;
	wanted = r;
	return -UM_STAGE;
}

int ask_named(struct um_fs *fs, uint32_t opcode, uint64_t nodeid, const void *args, size_t len, const char *name,
	      const char *name2, struct request **out)
{
	char buf[512 + 2 * (PATH_MAX + 1)];
	size_t n = 0;

	memcpy(buf, args, len);
	n = len;
	if (name != NULL) {
		memcpy(buf + n, name, strlen(name) + 1);
		n += strlen(name) + 1;
	}
	if (name2 != NULL) {
		memcpy(buf + n, name2, strlen(name2) + 1);
		n += strlen(name2) + 1;
	}
	return ask(fs, opcode, nodeid, buf, n, out);
}

static struct record *record_of(const struct request *request)
{
	struct record *r = journal;

	while (r != NULL && r->request != request)
		r = r->next;
	return r;
}

bool ask_first(struct request *request)
{
	struct record *r = record_of(request);
	bool first = r != NULL && !r->looked_at;

	if (r != NULL)
		r->looked_at = true;
	return first;
}

int journal_run(struct um_fs *fs, journal_task *task, void *arg)
{
	struct record *r, *found = NULL;

	for (r = journal; r != NULL; r = r->next)
		if (r->what == TASK && r->done && r->task == task && r->arg == arg)
			found = r; /* if it has run again, the last time counts */
	if (found != NULL)
		return found->result;
	r = add(fs, TASK);
	if (r == NULL)
		return -ENOMEM;
	r->task = task;
	r->arg = arg;
	wanted = r;
	return -UM_STAGE;
}

int journal_run_body(journal_task *task, struct body *body, bool again)
{
	int err = again ? -UM_STAGE : journal_run(body->fs, task, body);
	struct record *r;

	if (again) {
		r = add(body->fs, TASK);
		if (r == NULL)
			return -ENOMEM;
		r->task = task;
		r->arg = body;
		wanted = r;
	}
	if (err == -UM_STAGE && wanted->body == NULL) {
		wanted->body = body;
		body_ref(body);
	}
	return err;
}

bool journal_seen(const struct um_fs *fs, const struct node *parent, const char *name, struct node **node)
{
	for (struct record *r = journal; r != NULL; r = r->next)
		if (r->what == NAME && r->fs == fs && r->parent == parent && strcmp(r->name, name) == 0) {
			*node = r->node;
			return true;
		}
	return false;
}

void journal_see(const struct um_fs *fs, struct node *parent, const char *name, struct node *node)
{
	struct um_caller caller;
	struct record *r;

	host->caller(&caller);
	if (!caller.on_worker) /* it runs once, or all of it again elsewhere */
		return;
	r = add((struct um_fs *)fs, NAME);
	if (r == NULL)
		return;
	r->parent = parent;
	r->changes = parent->changes;
	r->node = node;
	r->name = strdup(name);
	if (r->name == NULL)
		r->name = strdup("");
}

void journal_finally(struct um_fs *fs, void (*fn)(struct um_fs *fs, void *arg), void *arg)
{
	struct record *r = add(fs, FINALLY);

	if (r == NULL) {
		fn(fs, arg);
		return;
	}
	r->finally = fn;
	r->arg = arg;
}

/* Without the view's lock: what the operation stopped for. */
static int do_wanted(void)
{
	struct record *r = wanted;

	wanted = NULL;
	if (r == NULL)
		return 0; /* another module's */
	if (r->what == TASK) {
		r->result = r->task(r->arg, waiting());
		r->done = true;
		return r->result == -EINTR ? -EINTR : 0;
	}
	r->result = channel_call(r->fs->channel, r->request, waiting());
	if (r->result == -EINTR)
		r->request = NULL; /* the channel's now */
	if (r->request == NULL)
		r->what = FINALLY;
	r->done = true;
	return r->result == -EINTR ? -EINTR : 0;
}

bool journal_wants(bool give_up)
{
	bool any = wanted != NULL;

	if (give_up)
		wanted = NULL;
	return any;
}

int journal_stage(bool run)
{
	if (run)
		return do_wanted();
	for (struct record *r = journal; r != NULL; r = r->next)
		if (r->what == FINALLY && r->finally != NULL)
			r->finally(r->fs, r->arg);
	unlock_all();
	forget(0);
	return 0;
}

void tell(struct um_fs *fs, uint32_t opcode, uint64_t nodeid, const void *args, size_t len)
{
	struct request *r = request_new(opcode, nodeid, args, len);

	if (r != NULL)
		channel_post(fs->channel, r);
}
