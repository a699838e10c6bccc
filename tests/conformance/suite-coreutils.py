# SPDX-License-Identifier: GPL-2.0-or-later
"""The tests of coreutils that are about files and processes, on the programs of the installed package.

level: full
needs: network
timeout: 1800
modes: plain cow secure ptrace-cow
suite: yes
"""
import ctypes
import os
import re
import signal
import stat
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import suite  # noqa: E402

DIRECTORIES = "chgrp chmod chown cp dd df du id install ln ls mkdir mv readlink rm rmdir tail-2 touch"
MISC = """chroot-fail cat-buf cat-self close-stdout comm csplit-io-err env env-signal-handler false-status groups-process-all
	head-c mknod mktemp nice nohup pathchk1 printenv pwd-long pwd-option pwd-unreadable-parent readlink-fp-loop realpath
	runcon-no-reorder shred-exact shred-negative shred-passes shred-remove shred-size split-fail stat-birthtime stat-fmt
	stat-hyphen stat-mount stat-nanoseconds stat-printf stat-slash stdbuf stty stty-invalid sync tac-continue tee test-N
	test-diag timeout timeout-blocked timeout-group timeout-parameters truncate-dangling-symlink truncate-dir-fail
	truncate-fail-diag truncate-fifo truncate-no-create-missing truncate-overflow truncate-parameters
	truncate-relative tty-eof unlink cut-huge-range invalid-opt xattr help-version selinux"""
# left out: what measures time or memory, or depends on what other processes of the machine do
WITHOUT = "tests/du/2g.sh tests/rm/ext3-perf.sh tests/dd/stats.sh"
CONFIG = "HAVE_LINKAT HAVE_UTIMENSAT USE_XATTR HAVE_CAP USE_ACL HAVE_MNTENT_H HAVE_GETMNTENT HAVE_PTHREAD_T HAVE_INOTIFY"


def limits():
    """What the suite's own program getlimits prints, as far as tests look at it."""
    text = ""
    for name, ctype in [("CHAR", ctypes.c_int8), ("SCHAR", ctypes.c_int8), ("UCHAR", ctypes.c_uint8),
                        ("SHRT", ctypes.c_int16), ("INT", ctypes.c_int32), ("UINT", ctypes.c_uint32),
                        ("LONG", ctypes.c_int64), ("ULONG", ctypes.c_uint64), ("SIZE", ctypes.c_uint64),
                        ("SSIZE", ctypes.c_int64), ("TIME_T", ctypes.c_int64), ("UID_T", ctypes.c_uint32),
                        ("GID_T", ctypes.c_uint32), ("PID_T", ctypes.c_int32), ("OFF_T", ctypes.c_int64),
                        ("INTMAX", ctypes.c_int64), ("UINTMAX", ctypes.c_uint64)]:
        bits = ctypes.sizeof(ctype) * 8
        signed = ctype(-1).value < 0
        top = 2 ** (bits - signed) - 1
        text += "%s_MAX=%d\n%s_OFLOW=%d\n" % (name, top, name, top + 1)
        if signed:
            text += "%s_MIN=%d\n%s_UFLOW=%d\n" % (name, -top - 1, name, -top - 2)
    return text


def prepare(source):
    """Makes what "configure" and "make" would: the programs, as links, and config.h."""
    programs = subprocess.run(["dpkg", "-L", "coreutils"], stdout=subprocess.PIPE, text=True).stdout.split()
    os.mkdir("src")
    names = []
    for path in programs:
        if re.match(r"(/usr)?/s?bin/", path) and os.access(path, os.X_OK) and not os.path.isdir(path):
            names.append(os.path.basename(path))
            os.symlink(path, "src/" + names[-1])
    with open("src/getlimits", "w") as f:
        f.write("#!/bin/sh\ncat <<'END'\n%sEND\n" % limits())
    os.chmod("src/getlimits", 0o755)
    os.mkdir("lib")
    with open("lib/config.h", "w") as f:
        f.writelines("#define %s 1\n" % word for word in CONFIG.split())
    return " ".join(names)


def tests(source):
    with open(source + "/tests/local.mk") as f:
        known = re.findall(r"tests/[\w/.+-]+\.(?:sh|pl|xpl)\b", f.read())
    for name in sorted(set(known)):
        _, directory, base = name.split("/") if name.count("/") == 2 else (None, None, None)
        if name in WITHOUT.split() or directory is None:
            continue
        if directory in DIRECTORIES.split() or (directory == "misc" and base.rpartition(".")[0] in MISC.split()):
            yield name


def one(source, name, env):
    cwd = os.getcwd()
    env = dict(env, CU_TEST_NAME="coreutils," + name.replace("/", "-"))
    if name.endswith(".sh"):
        argv = ["/bin/sh", source + "/" + name]
    else:
        taint = ["-T"] if name.endswith(".xpl") else []
        argv = ["perl"] + taint + ["-w", "-I" + source + "/tests", "-MCuSkip", "-MCoreutils",
                                   "-MCuTmpdir qw(%s)" % name.replace("/", "-"), source + "/" + name]
    with open("said", "a") as said:
        said.write("=== %s\n" % name)
        said.flush()
        child = subprocess.Popen(["/bin/sh", "-c", 'exec "$@" 9>&2', "sh"] + argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                                 stdout=said, stderr=said, start_new_session=True)
        try:
            status = child.wait(180)
        except subprocess.TimeoutExpired:
            status = None
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()
        said.write("--- %s: %s\n" % (name, status))
    return {0: "PASS", 77: "SKIP", 99: "ERROR", None: "not over after 180 s"}.get(status, "FAIL")


def main():
    version, source_version = suite.installed("coreutils")
    source = suite.source("coreutils", source_version)
    programs = prepare(source)
    cwd = os.getcwd()
    upstream = source_version.partition("-")[0]
    env = dict(os.environ, LC_ALL="C", LANGUAGE="C", VERSION=upstream, PACKAGE_VERSION=upstream, LOCALE_FR="none",
               LOCALE_FR_UTF8="none", abs_top_builddir=cwd, abs_top_srcdir=source, abs_srcdir=source, srcdir=source,
               top_srcdir=source, built_programs=programs, fail="0", host_os="linux-gnu",
               host_triplet="x86_64-pc-linux-gnu", CONFIG_HEADER=cwd + "/lib/config.h", CC="cc", AWK="awk", EGREP="grep -E",
               EXEEXT="", MAKE="make", PERL="perl", SHELL="/bin/sh", TMPDIR=cwd, PATH=cwd + "/src:" + os.environ["PATH"])
    env.pop("POSIXLY_CORRECT", None)
    cases = suite.Cases()
    wanted = sys.argv[1:]
    for name in tests(source):
        if not wanted or name in wanted:
            cases.say(name[len("tests/"):], one(source, name, env))


main()
