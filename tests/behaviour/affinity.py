# SPDX-License-Identifier: GPL-2.0-or-later
# Opening changed files leaves no trace in the processors that a program may use, whatever it had set.
import os
import subprocess
import sys

BUILD = os.environ.get("UMVIEW_BUILD") or os.path.join(os.path.dirname(__file__), "..", "..", "build")
UMVIEW = os.path.join(BUILD, "umview")
if len(os.sched_getaffinity(0)) < 2:
    print("needs two processors")
    sys.exit(77)

INSIDE = r"""
import os, sys, threading, time
want = eval(sys.argv[1])
open("changed", "w").write("changed\n")
def look(what):
    got = os.sched_getaffinity(0)
    if got != want:
        os.write(2, f"{what}: {got}, not {want}\n".encode())
        os._exit(1)
def work():
    look("at the start of a thread")
    for i in range(1500):
        f = os.open("changed", os.O_RDWR)
        look("after an open")
        os.close(f)
    if os.fork() == 0:
        look("in a child")
        os._exit(0)
    if os.wait()[1] != 0:
        os._exit(1)
work()
t = [threading.Thread(target=work) for _ in range(3)]
for i in t: i.start()
for i in t: i.join()
# set by the program itself
mine = {min(want)}
os.sched_setaffinity(0, mine)
want = mine
work()
print("good")
"""

cpus = sorted(os.sched_getaffinity(0))
for mask in (set(cpus), {cpus[0]}, {cpus[-1]}):
    if len(mask) == len(cpus):
        prefix = []
    else:
        prefix = ["taskset", "-c", ",".join(map(str, mask))]
    p = subprocess.run(prefix + [UMVIEW, "--norc", "--cow", f"{os.environ['TMPDIR']}/cow", "--", "python3", "-c", INSIDE,
                                 repr(mask)], capture_output=True, text=True, timeout=50)
    print(mask, p.stdout, p.stderr)
    if p.returncode != 0 or "good" not in p.stdout:
        print("FAILED", file=sys.stderr)
        sys.exit(1)
