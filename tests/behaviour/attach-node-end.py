#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""um_attach in an inner view that ends meanwhile: the process is not taken into what is no view any more, and goes on.

It takes long here, for a thread of the process waits for the child that it has made by vfork.
"""
# timeout: 120
import os
import signal
import subprocess
import sys
import time

BUILD = os.environ["UMVIEW_BUILD"]
VFORK = """
#include <stdio.h>
#include <unistd.h>
int main(void)
{
	char c;
	puts("ready");
	fflush(stdout);
	if (vfork() == 0) {
		while (read(0, &c, 1) > 0 && c != '\\n')
			;
		_exit(0);
	}
	while (read(0, &c, 1) > 0 && c != '\\n')
		;
	return 5;
}
"""
def status(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def has_ended(pid):
    try:
        return status(pid)["State"][0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_for(what, condition):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            sys.exit("FAILED: waiting for %s" % what)
        time.sleep(0.01)


def main():
    with open("vfork.c", "w") as f:
        f.write(VFORK)
    if subprocess.run([os.environ.get("CC", "cc"), "-w", "-o", "vfork", "vfork.c"]).returncode != 0:
        print("needs a compiler")
        sys.exit(77)
    target = subprocess.Popen(["./vfork"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    target.stdout.readline()
    wait_for("vfork", lambda: status(target.pid)["State"][0] == "D")
    before = status(target.pid)["Seccomp_filters"]  # the tests themselves may have one
    outer = subprocess.Popen([BUILD + "/umview", "--norc", "--", "sh", "-c", "%s --norc -- sh -c 'echo $$ >pid; exec %s --alone %d'; read x" % (
        BUILD + "/umview", BUILD + "/um_attach", target.pid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    wait_for("um_attach", lambda: status(target.pid)["TracerPid"] != "0")
    inner = int(open("pid").read())
    os.kill(inner, signal.SIGKILL)
    wait_for("its death", lambda: has_ended(inner))
    target.stdin.write("\n")
    target.stdin.flush()                # the child ends
    wait_for("the end of it", lambda: status(target.pid)["TracerPid"] == "0")
    s = status(target.pid)
    taken = s["Seccomp_filters"] != before
    target.stdin.write("\n")
    target.stdin.flush()
    if target.wait(timeout=60) != 5:
        sys.exit("FAILED: the process ended with %d" % target.returncode)
    if taken:
        sys.exit("FAILED: the process was taken into a view that has ended")
    outer.communicate(b"\n", timeout=60)
    if outer.returncode != 0:
        sys.exit("FAILED: the outer view ended with %d" % outer.returncode)


if __name__ == "__main__":
    main()
