# SPDX-License-Identifier: GPL-2.0-or-later
# Job control: Ctrl-C, Ctrl-Z, fg, bg, kill and stops behave as without umview, for the shell outside and one inside.
# ptrace: yes
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from ptydrive import UMVIEW, Terminal, fail  # noqa: E402

U = f"{UMVIEW} -n {os.environ.get('UMVIEW_FLAGS', '')}"


def processes(pattern):
    """Ids of the processes in this directory whose command line is this, word by word."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().decode("utf-8", "replace").split("\0")[:-1]
                if words == pattern.split() and os.readlink(f"/proc/{pid}/cwd") == os.getcwd():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def wait_process(pattern, state=None, timeout=10):
    """Wait for a process of this command line (in this state); its id."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        for pid in processes(pattern):
            try:
                with open(f"/proc/{pid}/stat") as f:
                    now = f.read().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if state is None or now in state:
                return pid
        time.sleep(0.02)
    fail(f"no process {pattern!r} in state {state}: {processes(pattern)}")


shell = Terminal(["bash", "--norc", "--noprofile", "-i"])
shell.run("set +o history; export PS1='> '")

# Ctrl-C ends CMD, and the shell sees 130
shell.type(f"{U} sleep 97.01\n")
wait_process("sleep 97.01", "S")
shell.type("\x03")
shell.run("echo status $?; true")
if "status 130" not in shell.screen:
    fail("Ctrl-C: not status 130", shell.screen)

# Ctrl-Z stops CMD and the job; bg and fg continue both
shell.type(f"{U} sleep 97.02\n")
wait_process("sleep 97.02", "S")
shell.type("\x1a")
shell.expect(r"Stopped")
wait_process("sleep 97.02", "Tt")
shell.run("bg")
wait_process("sleep 97.02", "S")
if "Running" not in shell.run("jobs"):
    fail("after bg the job does not run", shell.screen)
shell.type("fg\n")
shell.expect(r"fg\n")
time.sleep(0.3)
shell.type("\x1a")
shell.expect(r"Stopped")
shell.type("fg\n")
wait_process("sleep 97.02", "S")
shell.type("\x03")
shell.run("true")

# CMD stopped and continued by others: the job follows
shell.type(f"{U} sleep 97.03\n")
pid = wait_process("sleep 97.03", "S")
os.kill(pid, 19)
shell.expect(r"Stopped")
os.kill(pid, 18)
time.sleep(0.2)
if "Running" not in shell.run("jobs"):
    fail("CMD was continued, the job was not", shell.screen)
os.kill(pid, 9)
shell.run("wait %1; echo st-$?")
if "st-137" not in shell.screen:
    fail("CMD was killed: not status 137", shell.screen)

# killed while stopped
shell.type(f"{U} sleep 97.04\n")
pid = wait_process("sleep 97.04", "S")
shell.type("\x1a")
shell.expect(r"Stopped")
os.kill(pid, 9)
time.sleep(0.5)
if "Stopped" in shell.run("jobs"):
    fail("CMD was killed while stopped, the job is stopped still", shell.screen)
# quickly stopped and continued, many times: nothing hangs
shell.type(f"{U} sleep 97.05\n")
pid = wait_process("sleep 97.05", "S")
for _ in range(20):
    os.kill(pid, 19)
    os.kill(pid, 18)
time.sleep(0.3)
os.kill(pid, 15)
shell.run("wait; true")

# Ctrl-C ends a loop of the shell, as it does without umview
shell.type(f"for i in 1 2; do {U} sleep 97.08; echo loop-$((i + 10)); done\n")
wait_process("sleep 97.08", "S")
shell.type("\x03")
shell.run("echo st-$?; true")
if "loop-11" in shell.screen or "loop-12" in shell.screen:
    fail("the loop went on after Ctrl-C", shell.screen)

# kill %1 reaches CMD
shell.type(f"{U} sleep 97.06 &\n")
wait_process("sleep 97.06", "S")
shell.run("kill %%; wait %%; echo st-$?; true")
if "st-143" not in shell.screen:
    fail("kill %%: not status 143", shell.screen)

# a background job that reads from the terminal is stopped
shell.type(f"{U} sh -c 'read x; echo got $x' &\n")
shell.expect(r"\[1\]")
time.sleep(0.7)
shell.type("\n")
shell.expect(r"Stopped|tty input")
shell.type("fg\n")
shell.expect(r"sh -c")
time.sleep(0.3)
shell.type("hello\n")
shell.expect(r"got hello")
shell.run("true")

# a shell inside has job control of its own
shell.type(f"{U} bash --norc --noprofile -i\n")
time.sleep(0.5)
shell.type("PS1='in> '\n")
shell.expect(r"^in> ")
shell.type("sleep 97.07\n")
wait_process("sleep 97.07", "S")
shell.type("\x1a")
shell.expect(r"Stopped")
shell.expect(r"in> ")
shell.type("fg\n")
wait_process("sleep 97.07", "S")
shell.type("\x03")
shell.expect(r"in> ")
# suspend stops it as a whole; fg continues it
shell.type("suspend\n")
shell.expect(r"Stopped")
shell.expect(r"> ")
shell.type("fg\n")
time.sleep(0.5)
shell.type("echo back-$((1+1))\n")
shell.expect(r"back-2")
shell.type("exit 3\n")
shell.run("echo st-$?; true")
if "st-3" not in shell.screen:
    fail("the inner shell's status is lost", shell.screen)
shell.type("exit 0\n")
if shell.end() != 0:
    fail("the outer shell did not end well", shell.screen)

# Where there is nobody to continue it (umview leads the session), Ctrl-Z does not stop CMD, as without umview
alone = Terminal([UMVIEW, "-n", "sleep", "2.08"])
wait_process("sleep 2.08", "S")
alone.type("\x1a")
if alone.end() != 0:
    fail("Ctrl-Z in an orphaned process group", alone.screen)
