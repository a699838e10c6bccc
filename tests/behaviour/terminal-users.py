# SPDX-License-Identifier: GPL-2.0-or-later
# Logging in as somebody else at a terminal: the view's root gives terminals away, and is believed.
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from ptydrive import UMVIEW, Terminal, fail  # noqa: E402

t = Terminal([UMVIEW, "--norc", "--cow", os.environ["TMPDIR"] + "/cow", "--su", "--", "sh", "-i"])
t.expect(r"[#$] $")
mine = os.getuid()


def expect(command, wanted):
    got = t.run(command, 30).strip()
    if wanted not in got:
        fail(f"{command}: {got!r}, not {wanted!r}", t.screen)


expect("chown daemon:tty $(tty); stat -c %U:%G $(tty)", "daemon:tty")
expect("stat -c %u - </dev/tty >/dev/null; python3 -c 'import os; print(os.fstat(0).st_uid)'", "1")
expect("chmod 620 $(tty); stat -c %U:%a $(tty)", "daemon:620")
expect("chown root $(tty); stat -c %U $(tty)", "root")
if shutil.which("runuser") or os.path.exists("/usr/sbin/runuser"):
    expect("/usr/sbin/runuser --pty -u daemon -- id -un", "daemon")
    expect("su -s /bin/sh --pty daemon -c 'tty; id -un'", "daemon")
# the host has what it had
name = re.search(r"/dev/pts/\d+", t.run("tty")).group()  # perhaps behind the prompt: su may still have held the echo
if os.stat(name).st_uid != mine:
    fail(f"{name}: the real owner is {os.stat(name).st_uid}", t.screen)
t.type("exit\n")
