# SPDX-License-Identifier: GPL-2.0-or-later
"""bash's own tests, on the bash that is installed.

level: full
needs: network
timeout: 900
modes: plain cow nested secure su ptrace
setup: yes
suite: yes
"""
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import termios
import zlib

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import suite  # noqa: E402

# run-minimal is a second run-all
WITHOUT = ["run-all", "run-minimal"]
# what configure would write, as far as the programs that the tests want look at it
CONFIG = "PROTOTYPES HAVE_UNISTD_H HAVE_STDLIB_H HAVE_STRING_H HAVE_LOCALE_H HAVE_STRCHR STDC_HEADERS"


def setup():
    version, source_version = suite.installed("bash")
    source = suite.source("bash", source_version)
    shutil.copytree(source + "/tests", "tests", symlinks=True)
    os.mkdir("tests/tmp")
    with open("config.h", "w") as f:
        f.writelines("#define %s 1\n" % word for word in CONFIG.split())
    for name in ["y.tab.c", "version.h"]:
        shutil.copyfile(source + "/parse.y", name)      # any long files
    for name in ["recho", "zecho", "printenv", "xcase"]:
        subprocess.run(["cc", "-w", "-I.", "-I" + source, "-I" + source + "/include", "-o", "tests/" + name,
                        "%s/support/%s.c" % (source, name)], check=True)


def one(name, env):
    """What a test prints is what differs from its expected output; the warnings of its script go to standard error.

    One passes only if a coprocess lives long enough.
    """
    for attempt in range(3 if name == "run-nameref" else 1):
        output = run(name, env)
        if output == "":
            return "PASS"
    with open("said", "a") as f:
        f.write("=== %s\n%s" % (name, output))
    return "FAIL, with the output %08x" % zlib.crc32(output.encode())


def run(name, env):
    """Runs a test in a session with a terminal of its own, which is its standard input."""
    master, terminal = os.openpty()
    child = subprocess.Popen(["sh", "./" + name], cwd="tests", env=env, stdin=terminal, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, start_new_session=True,
                             preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(terminal)
    try:
        output = child.communicate(timeout=120)[0].decode(errors="backslashreplace")
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        output = "not over after 120 s\n"
    os.close(master)
    if os.path.exists(env["BASH_TSTOUT"]):
        os.unlink(env["BASH_TSTOUT"])
    output = re.sub(r"(?m)^warning: .*\n", "", output).replace(os.getcwd(), "CWD")
    return re.sub(r"process group \(\d+\)", "process group (N)", output)


def main():
    cwd = os.getcwd()
    env = dict(os.environ, THIS_SH="/bin/bash", BUILD_DIR=cwd, TMPDIR=cwd + "/tests/tmp", BASH_TSTOUT=cwd + "/tests/tmp/out",
               PATH=".:" + os.environ["PATH"], TERM="xterm")
    for name in ["BASH_ENV", "ENV", "SHELLOPTS", "POSIXLY_CORRECT", "OLDPWD"]:
        env.pop(name, None)
    cases = suite.Cases()
    for name in sorted(os.listdir("tests")):
        if name.startswith("run-") and name not in WITHOUT and (not sys.argv[1:] or name in sys.argv[1:]):
            cases.say(name[4:], one(name, env))


if sys.argv[1:] == ["setup"]:
    setup()
else:
    main()
