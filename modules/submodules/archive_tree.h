/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of names that an archive makes.  It is built once, and read without locks from then on.
 */
#ifndef ARCHIVE_TREE_H
#define ARCHIVE_TREE_H

#include <stdbool.h>
#include <sys/stat.h>

struct name;

struct node {
	struct stat st;         /* st_ino is its number, st_nlink the number of its names */
	off_t data;             /* where its data are in the spool */
	char *target;           /* of a symbolic link; owned */
	bool damaged;           /* its data could not be read */
	struct name *first, *last; /* of a directory: what is in it, in the archive's order */
};

/* A name in a directory. */
struct name {
	struct name *next;      /* in the directory */
	struct name *chain;     /* of the hash table */
	const struct node *dir;
	struct node *node;
	char text[];
};

void tree_init(void);
/**
 * tree_add() - an entry of the archive
 * @path:	its name there; what is above it is made
 * @st:		type and attributes; a directory that is there already gets them
 *
 * What has the name already is replaced.
 * Return: the node, or NULL: there is no such path in a tree (".." in it, too long, below a file).
 */
struct node *tree_add(const char *path, struct stat st);
/* One more name for what is there.  False: nothing is there, or there is no such path. */
bool tree_link(const char *path, const char *target);
/* By path, from the mount's root; NULL: not there. */
struct node *tree_find(const char *path);
unsigned long tree_nodes(void);

#endif
