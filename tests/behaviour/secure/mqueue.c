// SPDX-License-Identifier: GPL-2.0-or-later
/* The message queue that sockets.c tries to reach: mqueue make|remove NUMBER */
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>

int main(int argc, char **argv)
{
	char name[40];

	if (argc != 3)
		return 2;
	snprintf(name, sizeof(name), "/umtest-%d", atoi(argv[2]));
	if (strcmp(argv[1], "remove") == 0)
		return mq_unlink(name) < 0;
	return mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL) < 0;
}
