# SPDX-License-Identifier: GPL-2.0-or-later
# Whoever is killed while a process is taken in (the process, um_attach, the monitor), at whatever moment: the process is
# in the view, or outside of it and unharmed, or dead with the view; nobody hangs.  When the monitor is killed later, the
# process is, too.  And many processes, one after the other, leave nothing in the monitor.
# timeout: 300
import os
import random
import select
import signal
import subprocess
import sys
import time

BUILD = os.environ["UMVIEW_BUILD"]
SLOW = float(os.environ.get("UMVIEW_SLOW", "1"))
FLAGS = os.environ.get("UMVIEW_FLAGS", "").split()
os.mkdir("data")
open("data/seen", "w").close()
os.mkdir("place")
PLACE, DATA = os.path.abspath("place"), os.path.abspath("data")
seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
print("SEED", seed)
rnd = random.Random(seed)
LATEST = 0.06                   # seconds: um_attach has done its work, most likely
alive = []

# Answers each line with what it sees; threads of it, and a child, do the same work meanwhile.
TARGET = f"""
import os, subprocess, sys, threading, time
def work():
    while True:
        os.path.exists({PLACE!r} + "/seen")
        time.sleep(0.0005)
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
child = subprocess.Popen(["sh", "-c", "read x"], stdin=subprocess.PIPE)
print("ready", flush=True)
for line in sys.stdin:
    print(os.path.exists({PLACE!r} + "/seen"), flush=True)
child.stdin.close()
sys.exit(5 if child.wait() == 1 else 6)
"""


def fail(why):
    for p in alive:
        p.kill()
    sys.exit(f"FAILED: {why}")


def line(p):
    """A line that a program prints; "" at its end."""
    if not select.select([p.stdout], [], [], 20 * SLOW)[0]:
        fail(f"{p.args[:2]}: does not answer; state: {status(p.pid)}")
    return p.stdout.readline().strip()


def status(pid):
    try:
        with open(f"/proc/{pid}/status") as f:
            return dict(l.rstrip("\n").split(":\t", 1) for l in f if ":\t" in l)
    except OSError:
        return {}


def in_view(pid):
    return int(status(pid).get("Seccomp_filters", 0)) > int(status("self")["Seccomp_filters"])


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return list(map(int, f.read().split()))


def start(argv, **kw):
    p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, **kw)
    alive.append(p)
    if line(p) != "ready":
        fail(f"{argv[:2]}: does not start")
    return p


def finish(p, what):
    try:
        s = p.wait(timeout=30 * SLOW)
    except subprocess.TimeoutExpired:
        fail(f"{what}: does not end: {status(p.pid)}")
    p.stdin.close()
    p.stdout.close()
    alive.remove(p)
    return s


def view(**kw):
    """A view whose command does what lines say, and then says its exit status."""
    v = start([BUILD + "/umview", "--norc", *FLAGS, "--mount", f"viewfs,move:{DATA}:{PLACE}", "--", "sh", "-c",
               "echo ready; while read x; do eval \"$x\"; echo $?; done"], **kw)
    return v, children(v.pid)[0]


def ask(p, text):
    p.stdin.write(text + "\n")
    return line(p)


def quit(v):
    v.stdin.close()
    return finish(v, "the view")


def attach(v, t):
    said = ask(v, f"'{BUILD}/um_attach' -q {t.pid} 2>&1")
    if said != "0":
        fail(f"um_attach: {said}")


def one_killed(who):
    v, monitor = view(stderr=subprocess.PIPE)
    t = start([sys.executable, "-c", TARGET])
    if who == "command":
        v.stdin.write(f"'{BUILD}/um_attach' -q {t.pid} 2>/dev/null & c=$!; sleep {rnd.uniform(0, LATEST):.4f}; kill -9 $c; wait $c; true\n")
        if line(v) != "0":
            fail("the command of the view did not go on")
    else:
        v.stdin.write(f"'{BUILD}/um_attach' -q {t.pid} 2>/dev/null; true\n")
        time.sleep(rnd.uniform(0, LATEST))
        os.kill(t.pid if who == "target" else monitor, signal.SIGKILL)
    if who == "target":
        if finish(t, "the killed process") != -signal.SIGKILL:
            fail("the process was not killed?")
        if line(v) != "0" or ask(v, f"test -e {PLACE}/seen") != "0":
            fail("the view did not go on")
        quit(v)
        v.stderr.close()
        return "dead"
    if who == "monitor":
        if finish(v, "the view without its monitor") != 125:
            fail("the exit status of umview without its monitor")
        v.stderr.close()
        end = time.monotonic() + 3
        while time.monotonic() < end and t.poll() is None and in_view(t.pid):
            time.sleep(0.01)
        if t.poll() is not None:
            if finish(t, "the process") != -signal.SIGKILL:
                fail("the process ended otherwise than by the end of its view")
            return "dead"
        if in_view(t.pid):
            fail("the process is alive in a view that has no monitor")
    # alive: it works, and sees what it should
    before = status(t.pid)["Seccomp"]
    answer = ask(t, "look")
    if answer not in ("True", "False") or (answer == "False" and in_view(t.pid) and ask(t, "again") != "True"):
        fail(f"{who} killed: the process, {before}, says {answer!r}")
    if who == "monitor" and answer != "False":
        fail("it sees a view that has ended")
    t.stdin.close()
    if finish(t, "the process") != 5:
        fail("the process or its child did not end as it should")
    if who == "command":
        quit(v)
        v.stderr.close()
    return "in the view" if answer == "True" else "outside"


counts = {}
for i in range(60):
    who = ("target", "command", "monitor")[i % 3]
    became = one_killed(who)
    counts[who, became] = counts.get((who, became), 0) + 1
print(counts)

# killed later
v, monitor = view(stderr=subprocess.PIPE)
t = start([sys.executable, "-c", TARGET])
attach(v, t)
if ask(t, "look") != "True":
    fail("not in the view")
os.kill(monitor, signal.SIGKILL)
if finish(t, "a process of a view that has lost its monitor") != -signal.SIGKILL:
    fail("it was not killed")
finish(v, "the view")
v.stderr.close()

# killed when the view's command has ended, and the view goes on in the background
for sig in (signal.SIGKILL, signal.SIGTERM):
    v, monitor = view(stderr=subprocess.PIPE)
    t = start([sys.executable, "-c", TARGET])
    attach(v, t)
    if quit(v) != 0 or "goes on in the background" not in v.stderr.read():
        fail("the view did not leave its command's shell")
    v.stderr.close()
    if ask(t, "look") != "True":
        fail("not in the view any more")
    r = subprocess.run([BUILD + "/umview", "--norc", "--enter", str(v.pid), "--", "test", "-e", PLACE + "/seen"], capture_output=True)
    if r.returncode:
        fail(f"the view in the background cannot be entered: {r.stderr}")
    os.kill(monitor, sig)
    if finish(t, "a process of a view in the background that has lost its monitor") != -signal.SIGKILL:
        fail("it was not killed")

# many: with so few descriptors that one left behind each time would be noticed
v, monitor = view(preexec_fn=lambda: __import__("resource").setrlimit(__import__("resource").RLIMIT_NOFILE, (90, 90)))
threads = status(monitor)["Threads"]
for i in range(60):
    t = start(["sh", "-c", "echo ready; read x; exit 3"])
    attach(v, t)
    t.stdin.close()
    if finish(t, "the process") != 3:
        fail("the process was harmed")
end = time.monotonic() + 20 * SLOW
while status(monitor)["Threads"] != threads:
    if time.monotonic() > end:
        fail(f"threads of the monitor: {threads}, and afterwards {status(monitor)['Threads']}")
    time.sleep(0.05)
if quit(v) != 0:
    fail("the view")
