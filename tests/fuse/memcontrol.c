// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * memfs's commands: changes that did not come through the mount, and FUSE's notifications.
 *
 *	write NAME TEXT		the file's contents are TEXT; the client is not told
 *	make NAME		a file is made; the client is not told
 *	remove NAME		a name is removed; the client is not told
 *	inval NAME		tell it: data and attributes of NAME are out of date
 *	entry NAME		tell it: what NAME is is out of date
 *	delete NAME		remove NAME, and tell it
 *	store NAME TEXT		put TEXT into the client's cache
 *	retrieve NAME		ask for the client's cache of NAME; the answer goes to the file "retrieved"
 *
 * NAMEs are in the root.  Each command's result is appended to CONTROL.done: its line, and 0 or an errno.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuse/memfs.h"

static struct node *in_root(const char *name)
{
	struct entry *entry = store_find(store_node(1), name);

	return entry ? entry->child : NULL;
}

static int set_content(struct node *node, const char *text)
{
	ssize_t rc = store_truncate(node, 0);

	if (!rc)
		rc = store_write(node, text, strlen(text), 0);
	return rc < 0 ? rc : 0;
}

static int store_text(struct fuse_session *session, fuse_ino_t ino, const char *text)
{
	struct fuse_bufvec data = FUSE_BUFVEC_INIT(strlen(text));

	data.buf[0].mem = (void *)text;
	return fuse_lowlevel_notify_store(session, ino, 0, &data, 0);
}

/* With the lock; the notification, which may need the client's own locks, is made by notify(). */
static int change(const char *verb, const char *name, const char *text, fuse_ino_t *ino, fuse_ino_t *parent)
{
	struct node *node = in_root(name), *root = store_node(1), *made;

	*parent = 1;
	if (!strcmp(verb, "make"))
		return store_make(root, name, S_IFREG | 0644, 0, getuid(), getgid(), &made);
	if (!strcmp(verb, "entry"))
		return 0;
	if (!node)
		return -ENOENT;
	*ino = node->st.st_ino;
	if (!strcmp(verb, "write"))
		return set_content(node, text);
	if (!strcmp(verb, "remove") || !strcmp(verb, "delete"))
		return store_remove(root, name, S_ISDIR(node->st.st_mode));
	return 0;
}

static int notify(struct fuse_session *session, const char *verb, const char *name, const char *text, fuse_ino_t ino,
		  fuse_ino_t parent)
{
	if (!strcmp(verb, "inval"))
		return fuse_lowlevel_notify_inval_inode(session, ino, 0, 0);
	if (!strcmp(verb, "entry"))
		return fuse_lowlevel_notify_inval_entry(session, parent, name, strlen(name));
	if (!strcmp(verb, "delete"))
		return fuse_lowlevel_notify_delete(session, parent, ino, name, strlen(name));
	if (!strcmp(verb, "store"))
		return store_text(session, ino, text);
	if (!strcmp(verb, "retrieve"))
		return fuse_lowlevel_notify_retrieve(session, ino, 4096, 0, NULL);
	return 0;
}

void memcontrol_retrieved(fuse_req_t req, void *cookie, fuse_ino_t ino, off_t offset, struct fuse_bufvec *data)
{
	struct fuse_bufvec copy = FUSE_BUFVEC_INIT(fuse_buf_size(data));
	struct node *node;
	ssize_t size;

	(void)cookie;
	(void)ino;
	(void)offset;
	copy.buf[0].mem = malloc(copy.buf[0].size + 1);
	size = fuse_buf_copy(&copy, data, 0);
	pthread_mutex_lock(&memfs_lock);
	node = in_root("retrieved");
	if (!node)
		store_make(store_node(1), "retrieved", S_IFREG | 0644, 0, getuid(), getgid(), &node);
	store_truncate(node, 0);
	if (size > 0)
		store_write(node, copy.buf[0].mem, size, 0);
	pthread_mutex_unlock(&memfs_lock);
	free(copy.buf[0].mem);
	fuse_reply_none(req);
}

static void *obey(void *session)
{
	char line[4096], done[PATH_MAX], verb[16], name[256], text[4096];
	FILE *commands = fopen(memfs.control, "r+e"); /* never at its end */
	FILE *results;

	snprintf(done, sizeof(done), "%s.done", memfs.control);
	results = fopen(done, "we");
	if (!commands || !results) {
		fprintf(stderr, "memfs: cannot open %s or %s: %s\n", memfs.control, done, strerror(errno));
		exit(1);
	}
	while (fgets(line, sizeof(line), commands)) {
		fuse_ino_t ino = 0, parent = 0;
		int rc;

		line[strcspn(line, "\n")] = '\0';
		text[0] = name[0] = verb[0] = '\0';
		sscanf(line, "%15s %255s %4095[^\n]", verb, name, text);
		pthread_mutex_lock(&memfs_lock);
		rc = change(verb, name, text, &ino, &parent);
		pthread_mutex_unlock(&memfs_lock);
		if (!rc)
			rc = notify(session, verb, name, text, ino, parent);
		fprintf(results, "%s: %d\n", line, -rc);
		fflush(results);
	}
	return NULL;
}

int memcontrol_begin(struct fuse_session *session)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, obey, session)) {
		fprintf(stderr, "memfs: no thread for its commands\n");
		return -1;
	}
	return 0;
}
