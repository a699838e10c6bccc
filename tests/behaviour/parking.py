# SPDX-License-Identifier: GPL-2.0-or-later
# Calls that wait in the monitor: at a terminal, with a debugger, and in numbers; nothing of them stays behind.
# timeout: 180
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from ptydrive import UMVIEW, Terminal, fail  # noqa: E402

os.makedirs("tree")
os.makedirs("D")
TRACED = os.environ.get("UMVIEW_TEST_TRACER") == "ptrace"
FLAGS = os.environ.get("UMVIEW_FLAGS", "").split()
INNER = f"cd {os.getcwd()}/tree; rm -f fifo; mkfifo fifo; "


def wait_for(what, function, timeout=30):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = function()
        if value:
            return value
        time.sleep(0.02)
    fail(f"waited in vain for {what}")


def pids_of(name, parent_mark):
    """Processes of this name that work in the test's tree."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                comm = f.read().split("(", 1)[1].rsplit(")", 1)[0]
            if comm == name and os.readlink(f"/proc/{pid}/cwd").startswith(parent_mark):
                found.append(int(pid))
        except OSError:
            pass
    return found


def state(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "-"


def monitor_of(front):
    """The monitor: the front's child that has the listener."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            with open(f"/proc/{pid}/comm") as f:
                if int(fields[1]) == front and f.read().strip() == "umview":
                    return int(pid)
        except OSError:
            pass
    return None


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


# At a terminal: a handler runs on Ctrl-C while the shell opens a fifo, Ctrl-Z stops a reader, fg goes on with it.
shell = Terminal([UMVIEW, "-n", "--norc", *FLAGS, "--cow", "D", "bash", "--norc", "--noprofile", "-i"])
shell.run("export PS1='> '; " + INNER + "true")
shell.type("(trap 'echo caught; exit 3' INT; cat < fifo); echo status $?\n")
# The shell, the subshell that waits, and its child, which is to become cat when the fifo is open.
wait_for("the subshell at the fifo", lambda: len([p for p in pids_of("bash", os.getcwd()) if state(p) == "S"]) == 3)
time.sleep(0.3)
shell.type("\x03")
shell.expect(r"caught[\s\S]*status 3")
shell.type("cat fifo\n")
reader = wait_for("cat", lambda: pids_of("cat", os.getcwd()))[0]
wait_for("cat asleep", lambda: state(reader) == "S")
shell.type("\x1a")
shell.expect(r"Stopped")
if state(reader) != ("t" if TRACED else "T"):
    fail(f"cat is {state(reader)}, not stopped", shell.screen)
shell.type("fg\n")
wait_for("cat going on", lambda: state(reader) == "S")
shell.type("\x1a")
shell.expect(r"Stopped")
shell.run("bg; echo hello > fifo; wait; true")
if "\nhello" not in shell.screen.replace("\r", ""):
    fail("the reader in the background got nothing", shell.screen)
shell.type("exit\n")
shell.end()

# A debugger takes a thread that waits; its call goes on.
if not TRACED and shutil.which("strace"):
    out = subprocess.run(
        [UMVIEW, "--norc", *FLAGS, "--cow", "D", "bash", "-c", INNER + """
         cat fifo & c=$!
         sleep 0.5
         strace -f -o trace -p $c & s=$!
         for i in $(seq 100); do grep -q TracerPid:.$s /proc/$c/status && break; sleep 0.1; done
         sleep 0.3
         echo through > fifo
         wait $c; echo status $?
         wait $s
         cat trace"""], capture_output=True, text=True, timeout=60).stdout
    if "through\nstatus 0" not in out or not re.search(r'write\(1, "through', out):
        fail("strace of a waiting process", out)
else:
    print("not tried: " + ("strace, beside the ptrace tracer" if TRACED else "strace is missing"))

# Many wait and are killed, interrupted, let go: then the monitor is as before.
view = subprocess.Popen([UMVIEW, "--norc", *FLAGS, "--cow", "D", "bash", "-c", INNER + """
    echo ready; read x
    for round in 1 2 3; do
        pids=
        for i in $(seq 30); do cat fifo >/dev/null & pids="$pids $!"; done
        sleep 0.3
        n=0
        for p in $pids; do
            case $((n++ % 3)) in 0) kill -9 $p;; 1) kill $p;; esac
        done
        sleep 0.2
        : > fifo
        wait
    done
    echo done; read x"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
if view.stdout.readline() != "ready\n":
    fail("the view did not start")
monitor = wait_for("the monitor", lambda: monitor_of(view.pid))
before = threads(monitor)
view.stdin.write("\n")
view.stdin.flush()
while True:
    line = view.stdout.readline()
    if line == "done\n":
        break
    if not line:
        fail("the view ended early")
wait_for("the end of the monitor's workers", lambda: threads(monitor) <= before + 7)  # some idle ones stay
view.stdin.write("\n")
view.stdin.flush()
if view.wait(20) != 0:
    fail(f"the view's status is {view.returncode}")

# The monitor dies while many wait: all die.
view = subprocess.Popen([UMVIEW, "--norc", *FLAGS, "--cow", "D", "bash", "-c", INNER + """
    for i in $(seq 20); do cat fifo & done; echo ready; wait"""], stdout=subprocess.PIPE, text=True)
view.stdout.readline()
time.sleep(0.3)
monitor = wait_for("the monitor", lambda: monitor_of(view.pid))
os.kill(monitor, signal.SIGKILL)
view.wait(20)
wait_for("all to die", lambda: not pids_of("cat", os.getcwd()))
print("ok")
