# SPDX-License-Identifier: GPL-2.0-or-later
"""ptydrive: a person at a terminal, for tests: types lines, reads what appears."""
import os
import pty
import re
import select
import signal
import sys
import time

SLOW = float(os.environ.get("UMVIEW_SLOW", "1"))
UMVIEW = os.environ["UMVIEW_BUILD"] + "/umview"


def fail(why, screen=""):
    print(f"FAILED: {why}\n--- the terminal's last lines:\n{screen[-2000:]}")
    sys.exit(1)


class Terminal:
    """A program on a pseudo terminal."""

    def __init__(self, argv, env=None, rows=24, cols=200):
        self.screen = ""        # all that appeared
        self.seen = 0           # of that, what expect() has passed
        self.status = None
        full = dict(os.environ, TERM="dumb", PS1="$ ", **(env or {}))
        full["PATH"] = f"{os.environ['UMVIEW_BUILD']}:{full['PATH']}:/usr/sbin:/sbin"
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, full)
        self.size(rows, cols)

    def size(self, rows, cols):
        import fcntl
        import struct
        import termios
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def read(self, timeout):
        """Take what appears within the time; False at the end of the terminal."""
        if not select.select([self.fd], [], [], timeout)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.screen += data.decode("utf-8", "replace").replace("\r", "")
        return bool(data)

    def expect(self, pattern, timeout=20):
        """Wait until the regular expression appears after what was expected before; the match."""
        end = time.monotonic() + timeout * SLOW
        open_ = True
        while True:
            m = re.compile(pattern, re.M).search(self.screen, self.seen)
            if m:
                self.seen = m.end()
                return m
            if not open_ or time.monotonic() > end:
                fail(f"{pattern!r} did not appear", self.screen)
            open_ = self.read(0.2)

    def type(self, text):
        os.write(self.fd, text.encode())

    def run(self, line, timeout=20, status=0):
        """Type a command to a shell, wait for its end; its output.  status None: any."""
        mark = f"end{len(self.screen)}"
        self.type(f"{line}; echo \"{mark[:3]}\"{mark[3:]}:$?:\n")
        start = self.seen
        m = self.expect(rf"{mark}:(\d+):\n", timeout)
        out = self.screen[start:m.start()].rsplit(f'"{mark[:3]}"{mark[3:]}:$?:\n', 1)[-1]   # without the echo of the line
        if status is not None and int(m[1]) != status:
            fail(f"{line!r}: exit status {m[1]}, not {status}", self.screen)
        return out

    def end(self, timeout=10):
        """Wait for the program's end; its exit status (128+n for a signal)."""
        limit = time.monotonic() + timeout * SLOW
        while time.monotonic() < limit:
            if not self.read(0.05):
                time.sleep(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                return self.status if self.status >= 0 else 128 - self.status
        os.kill(self.pid, signal.SIGKILL)
        fail("the program did not end", self.screen)
