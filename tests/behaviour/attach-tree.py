# SPDX-License-Identifier: GPL-2.0-or-later
# um_attach takes in all descendants of a process: those of a shell with jobs, of programs that make processes all the time,
# stopped ones; interpreters go on as if nothing had happened.  With --alone it takes the process only.
# timeout: 240
import os
import re
import signal
import subprocess
import sys
import time

BUILD = os.environ["UMVIEW_BUILD"]
SLOW = float(os.environ.get("UMVIEW_SLOW", "1"))
MARK = f"attach-tree-{os.getpid()}"
os.mkdir("data")
open("data/seen", "w").close()
os.mkdir("place")
PLACE, DATA = os.path.abspath("place"), os.path.abspath("data")
SEEN = PLACE + "/seen"
targets = []


def fail(why):
    for t in targets:
        t.kill()
    sys.exit(f"FAILED: {why}")


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode("utf-8", "replace")
    except OSError:
        return ""


def start(argv, **kw):
    """A program outside of every view; it and its descendants carry a mark."""
    t = subprocess.Popen(argv, env=dict(os.environ, MARK=MARK, SEEN=SEEN), start_new_session=True, **kw)
    targets.append(t)
    return t


def attach(pid, *options, view=()):
    """A view that has SEEN takes the process in."""
    r = subprocess.run([BUILD + "/umview", "--norc", *os.environ.get("UMVIEW_FLAGS", "").split(), *view, "--mount",
                        f"viewfs,move:{DATA}:{PLACE}", "--", BUILD + "/um_attach", *options, str(pid)],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60 * SLOW)
    if r.returncode:
        fail(f"um_attach {pid}: {r.stdout}")
    return r.stdout


def filters(status):
    return int(re.search(r"\nSeccomp_filters:\t(\d+)", status)[1])


def family():
    """The processes with the mark, but zombies: pid, is it in a view?"""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if f"MARK={MARK}" in read(f"/proc/{pid}/environ").split("\0"):
            status = read(f"/proc/{pid}/status")
            if "\nSeccomp:\t" in status and "\nState:\tZ" not in status:
                found[int(pid)] = filters(status) > filters(read("/proc/self/status"))
    return found


def wait_for(what, condition, seconds=30):
    end = time.monotonic() + seconds * SLOW
    while not condition():
        if time.monotonic() > end:
            fail(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def finish(t, wanted=0, seconds=30):
    try:
        status = t.wait(timeout=seconds * SLOW)
    except subprocess.TimeoutExpired:
        fail(f"{t.args}: does not end")
    if status != wanted:
        fail(f"{t.args}: status {status}, not {wanted}")
    targets.remove(t)


def test_jobs():
    """A shell that waits for a pipeline, with a job in the background and a stopped one."""
    t = start(["bash", "-c", "set -m; tail -f /dev/null & sleep 300 & kill -STOP %2; { read x; echo $x; } | { read y; ls $SEEN; echo $y; }; "
               "kill %1; kill -9 %2; exit 4"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    stopped = lambda: any(re.search(r"\nState:\t[Tt]", read(f"/proc/{p}/status")) for p in family())
    wait_for("a stopped job", lambda: stopped() and len(family()) >= 5)
    before = family()
    if any(before.values()):
        fail("in a view before")
    said = attach(t.pid)
    for pid in before:
        if f"{pid} (" not in said:
            fail(f"{pid} is not in what um_attach says: {said}")
    if not all(family().values()):
        fail(f"not all are in the view: {family()}")
    wait_for("the stopped job stops again", stopped)
    out, _ = t.communicate("hello\n", timeout=30 * SLOW)
    if out.split() != [SEEN, "hello"]:
        fail(f"the pipeline says {out!r}")
    finish(t, 4)


def test_alone():
    t = start(["sh", "-c", "sleep 300 & trap 'kill $!; exit 3' TERM; wait"])
    wait_for("a child", lambda: len(family()) == 2)
    attach(t.pid, "--alone")
    states = family()
    if states.pop(t.pid) is not True or list(states.values()) != [False]:
        fail(f"--alone: {states}")
    t.terminate()
    finish(t, 3)


def test_storm():
    """Processes that are made and end all the time, orphans among them: from then on all that are born see the view."""
    program = """
import os, signal, sys, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
end = False
def stop(*a):
    global end
    end = True
signal.signal(signal.SIGUSR1, stop)
def life(depth):
    if depth < 3 and os.fork() == 0:
        life(depth + 1)
    time.sleep(0.002 * depth)
    os.write(1, b"y" if os.path.exists(os.environ["SEEN"]) else b"n")
    os._exit(0)
print("ready", flush=True)
while not end:
    if os.fork() == 0:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        life(0)
    time.sleep(0.004)
time.sleep(0.5)
"""
    for _ in range(4):
        t = start([sys.executable, "-c", program], stdout=subprocess.PIPE)
        t.stdout.readline()
        os.set_blocking(t.stdout.fileno(), False)
        time.sleep(0.1)
        if b"y" in (t.stdout.read() or b""):
            fail("they see it before")
        attach(t.pid, "-q")
        # orphans of before, which nobody knows to belong to it, end within milliseconds
        wait_for("all in the view", lambda: all(family().values()))
        t.stdout.read()         # what was written before
        time.sleep(0.2)
        told = t.stdout.read() or b""
        if b"n" in told or b"y" not in told:
            fail(f"processes born later: {told!r}")
        t.send_signal(signal.SIGUSR1)
        finish(t)
        t.stdout.close()
        wait_for("the end of all", lambda: not family())


def test_interpreters():
    programs = [["bash", "-c", "echo ready; while ! [ -e $SEEN ]; do read -t 0.05 x <&0; done; exit 6"],
                [sys.executable, "-c", """
import os, threading, time, subprocess
print("ready", flush=True)
done = []
def work():
    while not os.path.exists(os.environ["SEEN"]):
        time.sleep(0.01)
        subprocess.run(["true"], check=True)
    done.append(1)
threads = [threading.Thread(target=work) for _ in range(5)]
for t in threads: t.start()
for t in threads: t.join()
os._exit(6 if len(done) == 5 else 1)
"""]]
    if subprocess.run(["which", "node"], capture_output=True).returncode == 0:
        programs.append(["node", "-e", """
const fs = require("fs"), cp = require("child_process");
console.log("ready");
const timer = setInterval(() => {
    fs.promises.access(process.env.SEEN).then(() => {
        clearInterval(timer);
        cp.exec("ls " + process.env.SEEN, (err, out) => process.exit(err ? 1 : 6));
    }).catch(() => 0);
}, 10);
"""])
    for argv in programs:
        t = start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if t.stdout.readline() != b"ready\n":
            fail(f"{argv[0]} did not start")
        time.sleep(0.1)
        attach(t.pid, "-q")
        finish(t, 6)
        t.stdin.close()
        t.stdout.close()


def test_exec():
    """A program that executes itself all the time, from a thread that is not its first."""
    program = """
import os, sys, threading, time
if os.path.exists(os.environ["SEEN"]): sys.exit(9)
def again(): os.execv(sys.executable, [sys.executable, "-S", "-c", os.environ["PROGRAM"]])
threading.Thread(target=again).start()
time.sleep(100)
"""
    os.environ["PROGRAM"] = program
    for _ in range(15):
        t = start([sys.executable, "-S", "-c", program])
        time.sleep(0.1)
        attach(t.pid, "-q")
        finish(t, 9)
    del os.environ["PROGRAM"]


def test_stopped():
    t = start(["sh", "-c", "read x; ls $SEEN >/dev/null && exit 2"], stdin=subprocess.PIPE)
    t.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, t.pid, os.WSTOPPED)
    attach(t.pid, "-q")
    time.sleep(0.1)
    if not re.search(r"\nState:\t[Tt]", read(f"/proc/{t.pid}/status")):
        fail("it was continued")
    t.stdin.write(b"\n")
    t.stdin.close()
    t.send_signal(signal.SIGCONT)
    finish(t, 2)


def test_identity():
    """The user of who asks, in the view's terms; its own umask, and the working directory by the name it had."""
    for view, uid in ((), str(os.getuid())), (("--su",), "0"):
        t = start(["sh", "-c", "umask 027; echo ready; read x; id -u; umask; touch made; stat -c %a made; rm made; "
                   "env pwd -P"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="data")
        t.stdout.readline()
        attach(t.pid, "-q", view=view)
        out, _ = t.communicate("\n", timeout=30 * SLOW)
        if out.split() != [uid, "0027", "640", DATA]:
            fail(f"{view}: {out!r}")
        finish(t)


def test_limits():
    """No descriptor is left below the soft limit; a limit of its own in what the view needs."""
    program = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 30))
try:
    while True: os.dup(0)
except OSError: pass
print("ready", flush=True)
sys.stdin.readline()
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (20, 30)
assert sorted(map(int, os.popen("ls /proc/self/fd").read().split() or [0]))
"""
    program = program[:program.rindex("assert sorted")] + "os.close(5); os.close(6); os._exit(9 if os.path.exists(os.environ['SEEN']) else 1)\n"
    t = start([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    t.stdout.readline()
    attach(t.pid, "-q")
    t.stdin.write(b"\n")
    t.stdin.close()
    finish(t, 9)
    t.stdout.close()
    t = start(["bash", "-c", "ulimit -S -x 7; echo ready; read x; test $(ulimit -S -x) = 7 && test $(ulimit -H -x) = unlimited && exit 8"],
              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    t.stdout.readline()
    attach(t.pid, "-q")
    t.stdin.write(b"\n")
    t.stdin.close()
    finish(t, 8)
    t.stdout.close()


for name, test in list(globals().items()):
    if name.startswith("test_"):
        begin = time.monotonic()
        test()
        print(f"{name}: {time.monotonic() - begin:.1f} s", flush=True)
