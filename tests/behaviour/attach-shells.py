# SPDX-License-Identifier: GPL-2.0-or-later
# Two shells at two terminals: what the second one mounts in its view is seen by the first, once that has been attached;
# the first goes on with the line that was being typed, keeps its open files, working directory and umask, and lives on
# when the second one and its view's command have ended.
# ptrace: yes
import os
import re
import sys
import time

sys.path.insert(0, os.environ["UMVIEW_SRC"] + "/tests")
from ptydrive import Terminal, UMVIEW, fail

os.mkdir("data")
open("data/from-the-view", "w").write("shown\n")
os.mkdir("place")
open("place/from-the-host", "w").write("host\n")
os.mkdir("work")
PLACE, DATA = os.path.abspath("place"), os.path.abspath("data")

one = Terminal(["bash", "--norc", "--noprofile"], env={"HISTFILE": ""})
one.run("cd work; umask 027; exec 7<../place/from-the-host")
equal = one.run(f"ls {PLACE}").split()
if equal != ["from-the-host"]:
    fail(f"before: {equal}", one.screen)
pid = int(re.search(r"(\d+)", one.run("echo $$"))[1])
# a line half typed: bash is in the middle of reading it
one.type(f"ls {PLACE} | so")

two = Terminal([UMVIEW, "--norc", "--", "bash", "--norc", "--noprofile"], env={"HISTFILE": ""})
two.run("um_add_service viewfs")
two.run(f"viewmount --bind {DATA} {PLACE}")
if two.run(f"ls {PLACE}").split() != ["from-the-view"]:
    fail("the second shell does not see its mount", two.screen)
said = two.run(f"um_attach {pid}")
for text in (f"{pid} (bash): in this view now", "no_new_privs stays set for good"):
    if text not in said:
        fail(f"um_attach did not say {text!r}: {said!r}", two.screen)

mark = "end-of-the-line"
one.type(f"rt; echo {mark[:3]}'{mark[3:]}'\n")
one.expect(mark)
if "from-the-view\n" not in one.screen or "not found" in one.screen:
    fail("the first shell does not see the mount, or lost what was typed", one.screen)
if one.run(f"cat {PLACE}/from-the-view").split() != ["shown"]:
    fail("a program started by the first shell", one.screen)
if one.run("umask").split() != ["0027"] or one.run("read x <&7; echo $x").split() != ["host"]:
    fail("umask or open file", one.screen)
one.run("touch made-after")
if os.stat("work/made-after").st_mode & 0o777 != 0o640:
    fail("the umask has no effect, or the working directory changed", one.screen)
# job control works as before
one.type("sleep 100\n")
one.expect("sleep 100")
while open(f"/proc/{os.tcgetpgrp(one.fd)}/comm").read() != "sleep\n":
    time.sleep(0.01)
one.type("\x1a")
one.expect("Stopped")
one.run("kill -KILL %1", status=0)
# and in the view one may be root
if "0" not in one.run("viewsu -c 'id -u'").split():  # the shell may say just now that the job has ended
    fail("viewsu in the attached shell", one.screen)
if "already" not in two.run(f"um_attach {pid}", status=1):
    fail("attached twice", two.screen)

two.type("exit\n")
two.expect("the view goes on in the background")
two.end()
if one.run(f"ls {PLACE}").split() != ["from-the-view"]:
    fail("after the end of the view's command", one.screen)
one.type("exit 5\n")
if one.end() != 5:
    fail("the exit status of the first shell", one.screen)
