# SPDX-License-Identifier: GPL-2.0-or-later
# Thousands of calls that signals interrupt before the monitor has taken them do not end the monitor's listening.
# ptrace: yes
import os
import signal
import subprocess
import sys
import time

UMVIEW = os.environ["UMVIEW_BUILD"] + "/umview"

# A handler with SA_RESTART every millisecond; each begins the trapped call anew.
PROGRAM = r"""
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static volatile int ticks;

static void tick(int sig)
{
	(void)sig;
	ticks++;
}

int main(void)
{
	struct sigaction act = { .sa_handler = tick, .sa_flags = SA_RESTART };
	struct itimerval every = { { 0, 500 }, { 0, 500 } }, never = { 0 };
	struct stat st;
	char c;

	sigaction(SIGALRM, &act, NULL);
	printf("%d\n", getppid());
	fflush(stdout);
	if (read(0, &c, 1) != 1)
		return 1;
	setitimer(ITIMER_REAL, &every, NULL);
	while (ticks < 3000)
		stat("/", &st);
	setitimer(ITIMER_REAL, &never, NULL);
	stat("/", &st);
	usleep(500000); /* meanwhile the monitor finds nothing, thousands of times */
	printf("%s\n", stat("/", &st) == 0 ? "served" : "not served");
	return 0;
}
"""


def main():
    with open("storm.c", "w") as f:
        f.write(PROGRAM)
    subprocess.run(["cc", "-O1", "-o", "storm", "storm.c"], check=True)
    view = subprocess.Popen([UMVIEW, "--norc", "--", "./storm"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    monitor = int(view.stdout.readline())
    os.kill(monitor, signal.SIGSTOP)
    view.stdin.write(b"x")
    view.stdin.flush()
    time.sleep(4)
    os.kill(monitor, signal.SIGCONT)
    try:
        output, _ = view.communicate(timeout=40)
    except subprocess.TimeoutExpired:
        view.kill()
        sys.exit("FAILED: the view does not go on after the storm")
    if output != b"served\n" or view.returncode != 0:
        sys.exit("FAILED: %r, exit status %d" % (output, view.returncode))


main()
