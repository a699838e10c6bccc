# SPDX-License-Identifier: GPL-2.0-or-later
# The slides' example 1, typed at a terminal: software is installed in a mincow view of root's; a local package here.
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from ptydrive import UMVIEW, Terminal, fail  # noqa: E402

newroot = f"/tmp/newroot.{os.getpid()}"
program = "umview-slides"
os.makedirs("pkg/DEBIAN")
os.makedirs("pkg/usr/bin")
with open("pkg/DEBIAN/control", "w") as f:
    f.write("Package: umview-slides\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\n"
            "Description: for a test\n")
with open("pkg/usr/bin/" + program, "w") as f:
    f.write("#!/bin/sh\necho software of this view\n")
os.chmod("pkg/usr/bin/" + program, 0o755)
subprocess.run(["dpkg-deb", "--root-owner-group", "-b", "pkg", "new.deb"], check=True, stdout=subprocess.DEVNULL)
deb = os.path.abspath("new.deb")
mine = os.path.abspath("mine")
open(mine, "w").write("before\n")

try:
    t = Terminal([UMVIEW, "--norc", "bash", "--norc", "-i"])
    t.expect(r"\$ ")
    t.run("um_add_service viewfs")
    if "viewfs" not in t.run("um_ls_service"):
        fail("um_ls_service does not show viewfs", t.screen)
    t.run(f"mkdir {newroot}")
    t.type("viewsu\n")
    t.expect(r"[#$] $")
    if t.run("id -u").strip() != "0":
        fail("viewsu did not make us root", t.screen)
    t.run(f"mount -t viewfs -o mincow,except=/tmp,vstat {newroot} /")
    t.run(f"dpkg -i {deb}", 60)
    if "software of this view" not in t.run(program):
        fail("the program does not run", t.screen)
    if t.run(f"stat -c %U:%G /usr/bin/{program}").strip() != "root:root":
        fail("the program is not root's", t.screen)
    # minimal: what the user may change is changed for real, the rest goes to the directory
    t.run(f"echo after >{mine}")
    t.run("echo changed >>/etc/hostname")
    t.run(f"echo outside >{newroot}.real")
    t.run("chown daemon:games /etc/hostname")
    if t.run("stat -c %U:%G /etc/hostname").strip() != "daemon:games":
        fail("the owner is not believed", t.screen)
    t.type("exit\n")
    t.expect(r"\$ $")
    if t.run("id -u").strip() != str(os.getuid()):
        fail("the shell that called viewsu is root", t.screen)
    if "software of this view" not in t.run(program):
        fail("the user of the view does not have the program", t.screen)
    t.type("exit 5\n")
    if t.end() != 5:
        fail(f"the shell's exit status arrived as {t.status}", t.screen)

    if open(mine).read() != "after\n":
        fail("the user's own file was not changed for real")
    if open(newroot + ".real").read() != "outside\n":
        fail("/tmp was to be excepted")
    if "changed" in open("/etc/hostname").read() or os.path.exists("/usr/bin/" + program):
        fail("the host has changed")
    if not os.path.exists(f"{newroot}/usr/bin/{program}"):
        fail("the directory of the changes does not have the program")
    if os.path.exists(newroot + mine):
        fail("the user's own file was copied up")
finally:
    subprocess.run(["rm", "-rf", newroot, newroot + ".real"])
