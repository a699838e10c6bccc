/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths as the user writes them in options and start-up files.
 */
#ifndef MONITOR_USERPATH_H
#define MONITOR_USERPATH_H

/*
 * "~" and what begins with "~/" is in @home (NULL: there is none): no shell reads a start-up file, and shells leave
 * "--cow=~/x" alone.  Another relative path is put behind @base, unless that is NULL.  The caller's to free.
 */
char *user_path(const char *text, const char *base, const char *home);

/* The directory of a file, absolute. */
char *path_directory(const char *file);

#endif
