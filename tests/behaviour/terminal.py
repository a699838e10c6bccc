# SPDX-License-Identifier: GPL-2.0-or-later
# The terminal is CMD's: size and its changes, modes, hang-up; the start line and the name in the prompt.
# ptrace: yes
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from ptydrive import UMVIEW, Terminal, fail  # noqa: E402

# size, and its changes
t = Terminal([UMVIEW, "-n", "sh", "-c", "stty size; trap 'stty size; echo changed' WINCH; echo ready; while read x; do :; done; echo eof"],
             rows=33, cols=111)
t.expect(r"33 111")
t.expect(r"ready")
t.size(44, 122)
t.expect(r"44 122")
t.expect(r"changed")
t.type("\x04")
t.expect(r"eof")
if t.end() != 0:
    fail("end of file did not end CMD", t.screen)

# CMD has the controlling terminal, and is in its foreground
t = Terminal([UMVIEW, "-n", "sh", "-c", "tty; echo to-the-terminal >/dev/tty; ps -o pgid=,tpgid= -p $$"])
t.expect(r"/dev/pts/\d+")
t.expect(r"to-the-terminal")
m = t.expect(r"(\d+)\s+(\d+)\n")
if m[1] != m[2]:
    fail("CMD is not in the foreground", t.screen)
t.end()

# raw mode: nothing between
t = Terminal([UMVIEW, "-n", sys.executable, "-c",
              "import tty, sys, os\ntty.setraw(0)\nprint('ready', flush=True)\nb = os.read(0, 1) + os.read(0, 1)\n"
              "print(repr(b), flush=True)"])
t.expect(r"ready")
t.type("\x03")
t.type("\x1a")
t.expect(r"b'\\x03\\x1a'")
if t.end() != 0:
    fail("raw mode", t.screen)

# the start line, for an interactive shell only, and the name in bash's prompt
t = Terminal([UMVIEW, "-n", "--name", "sunny", "bash"], env={"HOME": "/nonexistent"})
t.expect(r"^umview: view sunny, tracer [a-z]+, kernel features: [+-]sync_wake_up [+-]wait_killable .*\n")
t.expect(r"sunny\]")
t.run("test \"$UMVIEW_NAME\" = sunny")
listed = subprocess.run([UMVIEW, "--list"], capture_output=True, text=True).stdout
if "sunny" not in listed:
    fail(f"--list does not know the view: {listed}", t.screen)
# one who enters is told so, too, also from the inside
e = Terminal([UMVIEW, "--enter", "sunny", "bash"], env={"HOME": "/nonexistent"})
e.expect(r"^umview: entered view sunny, tracer [a-z]+\n")
e.expect(r"sunny\]")
e.type("exit 3\n")
if e.end() != 3:
    fail("--enter at a terminal", e.screen)
t.type(f"{UMVIEW} -n --name inner sleep 60 &\n")
t.type(f"until {UMVIEW} --list | grep -q inner; do sleep 0.1; done; SHELL=/bin/sh {UMVIEW} --enter inner\n")
t.expect(r"^umview: entered view inner, tracer [a-z]+\n")
t.type("exit\n")
out = subprocess.run([UMVIEW, "--enter", "sunny", "sh", "-c", "true"], capture_output=True, text=True)
if out.stdout or out.stderr:
    fail(f"entering by a script says something: {out.stdout}{out.stderr}")
t.type("exit\n")
t.end()
t = Terminal([UMVIEW, "-n", "--without", "sync-wake-up", "--without", "openat2"], env={"SHELL": "/bin/sh"})
t.expect(r"^umview: view \d+, .* -sync_wake_up .*-openat2")
t.type("exit 5\n")
if t.end() != 5:
    fail("without CMD: not the shell's status", t.screen)
out = subprocess.run([UMVIEW, "-n", "sh", "-c", "true"], capture_output=True, text=True)
notice = "umview: there is no seccomp listener to be had here"
err = [line for line in out.stderr.splitlines() if not os.environ.get("UMVIEW_TEST_TRACER") or not line.startswith(notice)]
if out.stdout or err:
    fail(f"a start that is not interactive says something: {out.stdout}{out.stderr}")

# the terminal goes away: so does the view
t = Terminal([UMVIEW, "-n", "sh", "-c", "echo pid $$; sleep 88.01"])
pid = int(t.expect(r"pid (\d+)")[1])
os.close(t.fd)
end = time.monotonic() + 5
while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
    time.sleep(0.05)
if os.path.exists(f"/proc/{pid}"):
    os.kill(pid, signal.SIGKILL)
    fail("CMD outlives its terminal")
os.waitpid(t.pid, 0)
