# SPDX-License-Identifier: GPL-2.0-or-later
"""The testsuite of busybox, of the same version as busybox-static.

level: full
needs: network
timeout: 600
modes: plain cow secure
setup: yes
suite: yes
"""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import suite  # noqa: E402

# left out: what needs the network, or root's real rights
WITHOUT = ["wget", "mount", "mdev", "makedevs"]


def setup():
    version, source_version = suite.installed("busybox-static")
    source = suite.source("busybox", source_version)
    shutil.copytree(source + "/testsuite", "testsuite", symlinks=True)
    os.mkdir("scripts")
    shutil.copy(source + "/scripts/echo.c", "scripts")
    shutil.copy("/bin/busybox", "busybox")
    with open(".config", "w") as config:
        for part in ["os/linux", "pkg/static"]:
            with open(source + "/debian/config/" + part) as f:
                config.write(f.read())


def main():
    applets = subprocess.run(["./busybox", "--list"], stdout=subprocess.PIPE, text=True).stdout.split()
    applets = ["busybox"] + sorted(a for a in set(applets) if a not in WITHOUT + ["busybox"])
    env = dict(os.environ, PATH="/usr/local/bin:/usr/bin:/bin", TZ="UTC")
    r = subprocess.run(["sh", "./runtest"] + applets, cwd="testsuite", env=env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    cases = suite.Cases()
    for kind, name in re.findall(r"(?m)^(PASS|FAIL|SKIPPED|UNTESTED): (.*)$", r.stdout):
        cases.say(name, kind)


if sys.argv[1:] == ["setup"]:
    setup()
else:
    main()
