#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy-on-write view inside of another one works on what the outer one shows, and the outer one never sees it.

Random sequences of file calls (oracle-files.py), one after the other: natively both on one tree; the first in a view, the
second in a view inside of that.  Each call must give the same, and so must the trees that are left; then the outer view
must have the tree that the first left, and the host its own.
"""
# timeout: 240
import errno
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def oracle():
    spec = importlib.util.spec_from_file_location("oracle_files", os.path.join(HERE, "oracle-files.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def script(seed, count, tree, enter):
    me = "%s %s" % (sys.executable, os.path.abspath(__file__))
    return "%s work %d %d %s && echo ---- && %s %s work %d %d %s" % (
        me, seed, count, tree, enter, me, seed + 1000, count, tree)


def refuse(*_args, **_kwargs):
    raise OSError(errno.EPERM, "not here")


def parts(text):
    return [part.splitlines() for part in text.split("----\n")]


def compare(what, native, view):
    for i in range(max(len(native), len(view))):
        n = native[i] if i < len(native) else "(nothing)"
        v = view[i] if i < len(view) else "(nothing)"
        if n != v:
            for line in native[max(0, i - 8):i]:
                print("  before: %s" % line[:200])
            sys.exit("FAILED: %s, line %d\n  native: %s\n  view:   %s" % (what, i, n[:300], v[:300]))


def listing(tree):
    return subprocess.run(["find", tree, "-printf", "%p %y %m %s %T@\n"], capture_output=True).stdout


def main():
    module = oracle()
    if sys.argv[1:2] == ["work"]:
        if int(sys.argv[2]) < 1000:
            # Nothing for the second to find that differs where it is lower: open fifos, counts of links.
            os.mkfifo = os.link = module.linkat = refuse
        module.Worker(int(sys.argv[2]), int(sys.argv[3])).run(sys.argv[4])
        return
    if sys.argv[1:2] == ["look"]:
        module.Worker(0, 0).run(sys.argv[2])
        return
    src = os.environ.get("UMVIEW_SRC", os.path.dirname(os.path.dirname(HERE)))
    umview = os.path.join(os.environ.get("UMVIEW_BUILD", src + "/build"), "umview")
    rounds = int(os.environ.get("UMVIEW_ORACLE_ROUNDS", 5))
    count = int(os.environ.get("UMVIEW_ORACLE_OPS", 150))
    first = int(os.environ.get("UMVIEW_ORACLE_SEED", "1"))
    top = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/var/tmp"))
    for seed in range(first, first + rounds):
        print("seed %d, 2 x %d calls" % (seed, count), flush=True)
        results = []
        for mode in ("nat", "nst"):  # names of one length: link sizes depend on it
            base = os.path.join(top, "%s%d" % (mode, seed))
            tree = os.path.join(base, "tree")
            os.mkdir(base)
            module.make_tree(tree, seed)
            before = listing(tree)
            look = "%s %s look %s" % (sys.executable, os.path.abspath(__file__), tree)
            if mode == "nat":
                # what the outer view has at its end is what was there between the two
                command = ["sh", "-c", script(seed, count, tree, look + " >%s/look &&" % base) +
                           " && echo ---- && cat %s/look" % base]
            else:
                enter = "%s --norc --cow %s/inner --" % (umview, base)
                command = [umview, "--norc", "--cow", base + "/outer", "--", "sh", "-c",
                           script(seed, count, tree, enter) + " && echo ---- && " + look]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=200)
            if done.returncode != 0:
                sys.exit("FAILED: %s: exit status %d: %s" % (mode, done.returncode, done.stderr[-2000:]))
            results.append(parts(done.stdout))
            if mode == "nst" and listing(tree) != before:
                sys.exit("FAILED: the real tree has changed (seed %d)" % seed)
        for i, what in enumerate(("the outer view", "the inner view", "the outer view afterwards")):
            compare("seed %d, %s" % (seed, what), results[0][i], results[1][i])
    for base, dirs, _ in os.walk(top):
        for name in dirs:
            os.chmod(os.path.join(base, name), 0o700)
    shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    main()
