# SPDX-License-Identifier: GPL-2.0-or-later
"""An orphan that asks its parent, which is the monitor now, to trace it (PTRACE_TRACEME) goes on, and the ends of others are
seen as ever: it once stood still for good, and was all that waitid(2) told of."""
import os
import subprocess
import sys

INSIDE = """
import ctypes, os, signal, sys, time

def orphan(function):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        pid = os.fork()
        if pid == 0:
            while os.getppid() == parent[0]:
                time.sleep(0.01)
            function()
            os._exit(0)
        os.write(write, str(pid).encode())
        os._exit(0)
    parent[0] = child
    os.waitpid(child, 0)
    return int(os.read(read, 20))

parent = [0]

def traced():
    signal.signal(signal.SIGUSR1, lambda *_: open("handled", "w").close())
    ctypes.CDLL(None).ptrace(0, 0, None, None)
    os.kill(os.getpid(), signal.SIGUSR1)
    time.sleep(0.1)
    open("over", "w").close()

orphans = [orphan(traced)] + [orphan(lambda: None) for _ in range(5)]
end = time.monotonic() + 40
while time.monotonic() < end and any(os.path.exists("/proc/%d" % pid) for pid in orphans):
    time.sleep(0.05)
left = [pid for pid in orphans if os.path.exists("/proc/%d" % pid)]
sys.exit("not reaped: %s" % left if left else 0 if os.path.exists("handled") and os.path.exists("over") else "it did not go on")
"""
umview = [os.path.join(os.environ["UMVIEW_BUILD"], "umview"), "--norc", *os.environ.get("UMVIEW_FLAGS", "").split()]
if "ptrace" in umview:
    print("that tracer lets nobody else trace")
    sys.exit(77)
sys.exit(subprocess.run([*umview, "--", "python3", "-c", INSIDE], stdin=subprocess.DEVNULL, timeout=55).returncode)
