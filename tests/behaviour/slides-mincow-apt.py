# SPDX-License-Identifier: GPL-2.0-or-later
# The slides' example 1 as it stands there, typed at a terminal, with apt-get.
# needs: network
# timeout: 300
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from ptydrive import UMVIEW, Terminal, fail  # noqa: E402

newroot = f"/tmp/newroot.{os.getpid()}"
if os.path.exists("/usr/bin/hello"):
    print("hello is installed on this host")
    sys.exit(77)
try:
    t = Terminal([UMVIEW, "--norc", "bash", "--norc", "-i"])
    t.expect(r"\$ ")
    t.run("um_add_service viewfs")
    t.run(f"mkdir {newroot}")
    t.type("viewsu\n")
    t.expect(r"[#$] $")
    t.run(f"mount -t viewfs -o mincow,except=/tmp,vstat {newroot} /")
    t.run("apt-get update", 120)
    t.run("apt-get install -y hello", 120)
    if "Hello, world!" not in t.run("hello"):
        fail("hello does not run", t.screen)
    t.type("exit\n")
    t.expect(r"\$ $")
    t.type("exit\n")
    t.end()
    if os.path.exists("/usr/bin/hello") or not os.path.exists(f"{newroot}/usr/bin/hello"):
        fail("hello is on the host, or not in the directory of the changes")
finally:
    subprocess.run(["rm", "-rf", newroot])
