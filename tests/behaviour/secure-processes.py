# SPDX-License-Identifier: GPL-2.0-or-later
# Secure mode: a process outside of the view cannot be signalled, traced, read, written or changed, by no call.
# as: both
# timeout: 300

import ctypes
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.environ["UMVIEW_SRC"], "tests", "behaviour", "secure"))
import exploit

HELD_BY_DEFAULT = {"setns", "unshare", "clone", "clone3", "parent-kill", "parent-mem", "parent-fd",
                   "parent-prlimit", "parent-ptrace"}


def run(*prefix):
    """One victim for each run: a copy of this process in a group of its own, with a pipe at 3, and a buffer."""
    buf = ctypes.create_string_buffer(8)
    victim = os.fork()
    if victim == 0:
        ends = os.pipe()
        os.dup2(ends[1], 3)
        signal.signal(signal.SIGCONT, signal.SIG_IGN)
        while True:
            signal.pause()
    os.setpgid(victim, victim)
    try:
        return exploit.attempts([*prefix, program, str(victim), hex(ctypes.addressof(buf))])
    finally:
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)


open("handed", "w").close()
program = exploit.build("processes")
exploit.compare(run(), run(*exploit.view()), run(*exploit.view("--secure")), HELD_BY_DEFAULT)
