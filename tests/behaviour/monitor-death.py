# SPDX-License-Identifier: GPL-2.0-or-later
# Whichever of umview's processes are killed, every process of the view is dead within one second: double forks,
# processes in sessions of their own, and such that fork and exit all the time.
# timeout: 180
# as: both
# ptrace: yes
import itertools
import os
import signal
import subprocess
import sys
import time

UMVIEW = os.environ["UMVIEW_BUILD"] + "/umview"
SLOW = float(os.environ.get("UMVIEW_SLOW", "1"))
# process ids may begin anew while this runs
FULL_CIRCLE = int(open("/proc/sys/kernel/pid_max").read()) < os.getpid() + 100000
MARK = "umview-victim-%d" % os.getpid()

# CMD: itself, a child, a double fork in a session of its own, one that ignores signals, one that moves on by forking.
VICTIM = """
import os, signal, sys, time
def spawn(body):
    if os.fork() == 0:
        body()
        os._exit(0)
def sleep():
    time.sleep(600)
def daemon():
    os.setsid()
    if os.fork() == 0:
        sleep()
def stubborn():
    for s in range(1, 32):
        if s not in (9, 19, 17): signal.signal(s, signal.SIG_IGN)
    sleep()
def runner():
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        if os.fork() > 0:
            os._exit(0)
        time.sleep(0.0005)
spawn(sleep); spawn(daemon); spawn(stubborn); spawn(runner)
print("ready", flush=True)
sleep()
"""


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ""


def children(pid):
    return [int(p) for p in read(f"/proc/{pid}/task/{pid}/children").split()]


def victims(tries):
    """Processes of the view that are alive; the runner is met at one of a few tries."""
    found = set()
    for _ in range(tries):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if int(pid) < os.getpid() and not FULL_CIRCLE:
                continue
            if MARK in read(f"/proc/{pid}/cmdline").split("\0") and "umview" not in read(f"/proc/{pid}/comm"):
                if read(f"/proc/{pid}/comm") != "viewguard\n" and read(f"/proc/{pid}/stat").rsplit(")", 1)[-1][1:2] not in "ZX":
                    found.add(int(pid))
    return found


def one(who, sig):
    args = [UMVIEW, "-n", *os.environ.get("UMVIEW_FLAGS", "").split(), sys.executable, "-c", VICTIM, MARK]
    front = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    if front.stdout.readline() != b"ready\n":
        sys.exit(f"FAILED: the view did not start: {front.stderr.read().decode()}")
    time.sleep(0.1)
    monitor = children(front.pid)[0]
    guardian = [p for p in children(monitor) if read(f"/proc/{p}/comm") == "viewguard\n"]
    if len(guardian) != 1:
        sys.exit(f"FAILED: no guardian among {children(monitor)}")
    if "umview" in read(f"/proc/{guardian[0]}/cmdline"):
        sys.exit("FAILED: the guardian's command line has umview's name")
    begin = time.monotonic()
    seen = victims(3)
    patience = SLOW * max(1, 10 * (time.monotonic() - begin) / 3)   # a second, and more where a look at /proc takes long
    if len(seen) < 4:
        sys.exit(f"FAILED: the test sees its victims badly: {seen}")
    ids = {"front": front.pid, "monitor": monitor, "guardian": guardian[0]}
    for name in who:
        try:
            os.kill(ids[name], sig)
        except ProcessLookupError:
            pass            # what the first one's death leads to was faster
    killed = time.monotonic()
    while True:
        left = victims(1) or victims(5)         # one look can miss what is always on the move
        took = time.monotonic() - killed
        if not left or took > patience:
            break
        time.sleep(0.02)
    text = f"{'+'.join(who)} by {signal.Signals(sig).name}"
    if left:
        subprocess.run(["ps", "-o", "pid,ppid,stat,args", "-p", ",".join(map(str, left))])
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        sys.exit(f"FAILED: {text}: alive after {took:.2f} s: {left}")
    status = front.wait(timeout=30)
    error = front.stderr.read().decode()
    if "front" not in who and status != 125:
        sys.exit(f"FAILED: {text}: exit status {status}")
    if "front" not in who and "every process of the view has been ended" not in error:
        sys.exit(f"FAILED: {text}: no word of it: {error!r}")
    print(f"{text}: {took:.2f} s, status {status}, {error.strip()}")


names = ("front", "monitor", "guardian")
for who in itertools.chain(itertools.combinations(names, 1), itertools.combinations(names, 2)):
    one(who, signal.SIGKILL)
one(("monitor",), signal.SIGSEGV)       # a crash
one(("monitor",), signal.SIGTERM)
one(("monitor", "front"), signal.SIGKILL)       # killall -9 umview
