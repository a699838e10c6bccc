// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many processes and threads at once, with a server that takes its time.
 *
 * sets: default zero direct
 * options: slow=1
 * timeout: 120
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "conform.h"

enum { BLOCK = 4096, BLOCKS = 256, WORKERS = 6 };

static int fd;

/* Each worker owns every sixth block. */
static void *write_blocks(void *arg)
{
	long me = (long)arg;
	char block[BLOCK];

	for (int i = me; i < BLOCKS; i += WORKERS) {
		memset(block, 'a' + me, BLOCK);
		NEED(pwrite(fd, block, BLOCK, (off_t)i * BLOCK) == BLOCK);
	}
	return NULL;
}

static void *read_blocks(void *arg)
{
	char block[BLOCK];
	long wrong = 0;

	for (int i = 0; i < BLOCKS; i++) {
		NEED(pread(fd, block, BLOCK, (off_t)i * BLOCK) == BLOCK);
		wrong += block[0] != 'a' + i % WORKERS || block[BLOCK - 1] != block[0];
	}
	return (void *)(wrong + 0 * (long)arg);
}

static void threads(const char *name, void *(*fn)(void *))
{
	pthread_t thread[WORKERS];
	long wrong = 0;
	void *result;

	for (long i = 0; i < WORKERS; i++)
		NEED(pthread_create(&thread[i], NULL, fn, (void *)i) == 0);
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(thread[i], &result);
		wrong += (long)result;
	}
	say(name, "%ld wrong", wrong);
}

/* Each makes, renames and removes its own names, and all list the directory. */
static int names(int me)
{
	char name[64], new[64];
	struct stat st;
	int wrong = 0;

	for (int i = 0; i < 40; i++) {
		int file;

		snprintf(name, sizeof(name), "worker%d.%d", me, i);
		snprintf(new, sizeof(new), "renamed%d.%d", me, i);
		file = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);
		wrong += file == -1 || write(file, name, strlen(name)) != (ssize_t)strlen(name) || close(file) != 0;
		wrong += rename(name, new) != 0;
		wrong += stat(new, &st) != 0 || st.st_size != (off_t)strlen(name);
		wrong += stat(name, &st) == 0 || errno != ENOENT;
		if (i % 2)
			wrong += unlink(new) != 0;
	}
	return wrong;
}

int main(void)
{
	int wrong = 0, status, winners = 0;

	fd = open("blocks", O_RDWR | O_CREAT, 0644);
	threads("threads-write", write_blocks);
	threads("threads-read", read_blocks);
	NEED(mkdir("names", 0755) == 0 && chdir("names") == 0);
	for (int i = 0; i < WORKERS; i++) {
		if (fork() == 0)
			_exit(names(i));
	}
	while (wait(&status) > 0)
		wrong += status;
	say("processes-names", "%d wrong", wrong);
	for (int i = 0; i < WORKERS; i++) { /* one of them makes it */
		if (fork() == 0)
			_exit(open("once", O_CREAT | O_EXCL | O_WRONLY, 0644) != -1);
	}
	while (wait(&status) > 0)
		winners += WEXITSTATUS(status);
	say("exclusive-winners", "%d", winners);
	return 0;
}
