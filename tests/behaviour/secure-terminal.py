# SPDX-License-Identifier: GPL-2.0-or-later
# Secure mode: nothing can be typed into the user's terminal, and his other terminals cannot be opened; one's own can.
# as: both

import fcntl
import os
import subprocess
import sys
import termios

sys.path.insert(0, os.path.join(os.environ["UMVIEW_SRC"], "tests", "behaviour", "secure"))
import exploit


def with_terminal(slave):
    """Preparation of a process: a session with this terminal."""
    def prepare():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    return prepare


def run(*prefix):
    master, slave = os.openpty()
    other_master, other = os.openpty()
    try:
        return exploit.attempts([*prefix, program, os.ttyname(other)], preexec_fn=with_terminal(slave))
    finally:
        for fd in master, slave, other_master, other:
            os.close(fd)


program = exploit.build("terminal")
exploit.compare(run(), run(*exploit.view()), run(*exploit.view("--secure")), set())

# The terminal that umview was started on, /dev/tty, and pseudo terminals of the view's own.
own = """
import os, pty
with open("/dev/tty", "w") as tty:
    assert os.isatty(tty.fileno())
with open(os.ttyname(2), "w") as tty:
    tty.write("")
master, slave = pty.openpty()
with open(os.ttyname(slave), "w") as tty:
    tty.write("hi")
assert os.read(master, 9) == b"hi"
"""
master, slave = os.openpty()
subprocess.run([*exploit.view("--secure"), "python3", "-c", own], stderr=slave, stdin=subprocess.DEVNULL, check=True,
               preexec_fn=with_terminal(slave), timeout=60)
