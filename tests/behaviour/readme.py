#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# ptrace: yes
"""The examples of README work as they are printed: each line "    $ COMMAND" is run by a shell, one after the other in
one home directory, and gives the lines that follow it."""
import os
import shutil
import subprocess
import sys

src = os.environ.get("UMVIEW_SRC", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
build = os.environ.get("UMVIEW_BUILD", src + "/build")
home = os.path.join(os.environ.get("TMPDIR", "/var/tmp"), "home")


def examples():
    """Pairs of a command and the output that README shows."""
    found = []
    with open(os.path.join(src, "README")) as f:
        for line in f:
            line = line.rstrip("\n")
            if line.startswith("    $ "):
                found.append([line[6:], []])
            elif line.startswith("    ") and found and found[-1][1] is not None:
                found[-1][1].append(line[4:])
            elif found:
                found[-1] = [found[-1][0], found[-1][1]]
                if not line.strip() and found[-1][1] is not None:
                    found.append(["", None])
    return [(command, output) for command, output in found if command]


def main():
    shutil.rmtree(home, ignore_errors=True)
    os.makedirs(home)
    env = dict(os.environ, HOME=home, PATH=build + ":" + os.environ["PATH"] + ":/usr/sbin:/sbin")
    todo = examples()
    if len(todo) < 8:
        print("FAILED: only %d examples found in README" % len(todo))
        return 1
    for command, wanted in todo:
        done = subprocess.run(["bash", "-c", command.replace("/tmp/newroot", home + "/newroot")], cwd=home, env=env,
                              capture_output=True, text=True, timeout=60)
        print("$ " + command)
        print(done.stdout + done.stderr, end="")
        if done.returncode != 0:
            print("FAILED: exit status %d" % done.returncode)
            return 1
        if done.stdout.splitlines() != wanted:
            print("FAILED: README shows\n" + "\n".join(wanted))
            return 1
    return 0


sys.exit(main())
