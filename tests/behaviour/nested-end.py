#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Views inside of a view end with their last process, whatever ends it, and leave nothing; nobody forges his way out.

A hundred of them one after the other, twenty whose processes are killed at any moment, and control requests from an
inner view that name what is not its own.  Afterwards the monitor has the nodes, mounts, descriptors and memory that it
had before; the directories of their changes can be used again, and discarded.
"""
# timeout: 240
import ctypes
import os
import random
import signal
import subprocess
import sys
import time

UMVIEW = os.path.join(os.environ.get("UMVIEW_BUILD", ""), "umview")
libc = ctypes.CDLL(None, use_errno=True)


def ask(*words):
    """The reply of a control request, or the errno value."""
    text = b"".join(word.encode() + b"\0" for word in words)
    reply = ctypes.create_string_buffer(65536)
    if libc.syscall(0x5556, text, len(text), reply, len(reply)) < 0:
        return ctypes.get_errno()
    return reply.value.decode()


def info():
    return dict(line.split("\t", 1) for line in ask("view-info").splitlines())


def must(what, got, wanted):
    if got != wanted:
        sys.exit("FAILED: %s: got %r, not %r" % (what, got, wanted))


def settled(nodes, mounts):
    end = time.monotonic() + 60
    while True:
        now = info()
        if (now["nodes"], now["mounts of all"]) == (str(nodes), str(mounts)):
            return
        if time.monotonic() > end:
            sys.exit("FAILED: nodes %s and mounts %s are left, not %d and %d" %
                     (now["nodes"], now["mounts of all"], nodes, mounts))
        time.sleep(0.02)


def umview(*words, **more):
    return subprocess.Popen([UMVIEW, "--norc"] + list(words), **more)


def run(*words):
    must(" ".join(words), umview(*words).wait(timeout=60), 0)


def hundred():
    for i in range(100):
        run("--cow", "inner%d" % (i % 3), "--", "sh", "-c", "echo %d >file" % i)


def killed(rng):
    for i in range(20):
        p = umview("--cow", "killed%d" % (i % 3), "--", "sh", "-c", UMVIEW + " --norc --cow deep sh -c 'while :; do echo >x; "
                   "rm x; done' & while :; do echo x >y; rm y; done", start_new_session=True, stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * 0.15)
        os.killpg(p.pid, signal.SIGKILL)
        p.wait(timeout=60)


def forge():
    """In an inner view: nothing that it asks for changes those around it."""
    must("no way out", ask("enter", os.environ["OUTER_NAME"]), 2)
    must("no way out by number", ask("enter", os.environ["OUTER_PID"]), 2)
    must("no way to itself", ask("enter", str(os.getpid())), 2)
    must("service of the outer one", ask("service-del", "viewfs"), 1)
    must("a name that is taken", ask("nest", os.environ["OUTER_NAME"], "x"), 17)
    must("no such name", ask("nest", "a b", "x"), 22)
    must("too few words", ask("nest"), 22)
    must("name", ask("view-name", "changed"), "changed")
    must("outer mount", ask("umount", os.environ["POINT"], "0"), "")
    # as deep as it goes, and not deeper
    depth = int(info()["depth"])
    while ask("nest", "", "x\n\x1b[2Jx") == str(os.getpid()):
        depth += 1
    must("depth", int(info()["depth"]), depth)
    if not 8 < depth < 100:
        sys.exit("FAILED: depth %d" % depth)
    must("mount there", ask("mount", os.environ["SOURCE"], os.environ["POINT"], "viewfs", "0", "move"), "")


def stacked():
    """Copy-on-write views as deep as they may stand on each other: the last one that can be had works."""
    script = UMVIEW + ' --norc --cow d$1 sh -c "$2" - $(($1 + 1)) "$2" 2>err || { grep -q "stand on each other" err || exit 1; ' \
        '[ "$1" -gt 4 ] && cat /etc/passwd >/dev/null && echo x >file && [ "$(cat file)" = x ]; }'
    must("stacked", subprocess.run(["sh", "-c", script, "-", "1", script], timeout=100).returncode, 0)


def inside():
    rng = random.Random(1)
    for name in ("source", "point"):
        os.mkdir(name)
    open("source/f", "w").close()
    os.environ.update(OUTER_NAME=ask("view-name"), OUTER_PID=str(os.getppid()), SOURCE=os.path.abspath("source"),
                      POINT=os.path.abspath("point"))
    must("mount", ask("mount", os.environ["SOURCE"], os.environ["POINT"], "viewfs", "0", "move"), "")
    settled(1, 2)
    hundred()
    killed(rng)
    settled(1, 2)
    monitor = info()["pid"]
    before = len(os.listdir("/proc/self/fd"))
    rss = [int(line.split()[1]) for line in open("/proc/%s/status" % monitor) if line.startswith("VmRSS")]
    hundred()
    killed(rng)
    settled(1, 2)
    after = [int(line.split()[1]) for line in open("/proc/%s/status" % monitor) if line.startswith("VmRSS")]
    if rss and after[0] > rss[0] + 2000:
        sys.exit("FAILED: the monitor grew from %d to %d kB" % (rss[0], after[0]))
    must("own descriptors", len(os.listdir("/proc/self/fd")), before)
    run("--name", "forger", "--", sys.executable, os.path.abspath(__file__), "forge")
    settled(1, 2)
    must("still mounted", os.listdir("point"), ["f"])
    must("name", ask("view-name"), os.environ["OUTER_NAME"])
    must("services", "viewfs" in ask("service-list"), True)
    stacked()
    settled(1, 2)


def main():
    if sys.argv[1:] == ["forge"]:
        return forge()
    if sys.argv[1:] == ["inside"]:
        return inside()
    # the descriptors of the monitor are seen from outside only
    p = subprocess.Popen([UMVIEW, "--norc", "--name", "outer%d" % os.getpid(), "--cow", "outer", "--", sys.executable,
                          os.path.abspath(__file__), "inside"])
    must("exit status", p.wait(timeout=220), 0)
    # released: no view has the directory any more
    inner = os.path.join(os.path.abspath("outer") + os.getcwd(), "inner0")
    must("discard", subprocess.run([os.path.join(os.path.dirname(UMVIEW), "viewdiscard"), inner],
                                   stdout=subprocess.DEVNULL, timeout=60).returncode, 0)


if __name__ == "__main__":
    main()
