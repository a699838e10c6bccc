// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procinfo.h"

#define LINE_KEPT 256

int procinfo_stat(pid_t id, struct procinfo_stat *stat)
{
	char path[48], text[1024];
	const char *name_end;
	ssize_t n;
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)id);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, text, sizeof(text) - 1);
	err = errno;
	close(fd);
	if (n < 0)
		return -err;
	text[n] = '\0';
	name_end = strrchr(text, ')');
	if (name_end == NULL ||
	    sscanf(name_end + 1, " %c %d %d %d %u %d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %" SCNu64,
		   &stat->state, &stat->ppid, &stat->pgrp, &stat->session, &stat->tty_nr, &stat->tpgid,
		   &stat->flags, &stat->num_threads, &stat->starttime) != 9)
		return -EIO;
	return 0;
}

bool procinfo_is_dead(pid_t id)
{
	struct procinfo_stat stat;
	int err = procinfo_stat(id, &stat);

	return err == -ESRCH || (err == 0 && (stat.state == 'Z' || stat.state == 'X'));
}

int procinfo_status(pid_t id, struct procinfo_status *status)
{
	char path[48], line[LINE_KEPT];
	bool begins = true, ends;
	size_t used = 0, n;
	FILE *f;

	status->text[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/status", (int)id);
	f = fopen(path, "re");
	if (f == NULL)
		return errno == ENOENT ? -ESRCH : -errno;
	while (fgets(line, sizeof(line), f) != NULL) {
		n = strlen(line);
		ends = line[n - 1] == '\n';
		if (begins && ends && used + n < sizeof(status->text)) {
			memcpy(status->text + used, line, n + 1);
			used += n;
		}
		begins = ends;
	}
	fclose(f);
	return used > 0 ? 0 : -ESRCH;
}

const char *procinfo_field(const struct procinfo_status *status, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = status->text; *line != '\0'; line += strcspn(line, "\n") + 1)
		if (strncmp(line, name, len) == 0 && strncmp(line + len, ":\t", 2) == 0)
			return line + len + 2;
	return NULL;
}

long procinfo_number(const struct procinfo_status *status, const char *name)
{
	const char *value = procinfo_field(status, name);

	return value == NULL ? -1 : strtol(value, NULL, 10);
}

uint64_t procinfo_mask(const struct procinfo_status *status, const char *name)
{
	const char *value = procinfo_field(status, name);

	return value == NULL ? 0 : strtoull(value, NULL, 16);
}

pid_t procinfo_tgid(pid_t tid)
{
	struct procinfo_status status;

	return procinfo_status(tid, &status) < 0 ? 0 : (pid_t)procinfo_number(&status, "Tgid");
}

pid_t procinfo_parent(pid_t pid)
{
	struct procinfo_stat stat;

	return procinfo_stat(pid, &stat) < 0 ? 0 : stat.ppid;
}

uint64_t procinfo_starttime(pid_t id)
{
	struct procinfo_stat stat;

	return procinfo_stat(id, &stat) < 0 ? 0 : stat.starttime;
}
