# SPDX-License-Identifier: GPL-2.0-or-later
"""A directory of changes with damaged or malicious marks, notes and whiteouts neither ends nor hangs a view or a command, nor
leads one to files outside of the tree.

Each round changes a good directory at random: extended attributes with values cut, blown up or made up, files of .umview
replaced by garbage, links, fifos and directories, odd whiteouts.  The seed is printed; UMVIEW_FUZZ_SEED and
UMVIEW_FUZZ_ROUNDS choose others.
"""
# timeout: 300
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

BUILD, TMP = os.environ["UMVIEW_BUILD"], os.environ["TMPDIR"]
UMVIEW = [os.path.join(BUILD, "umview"), "--norc", *os.environ.get("UMVIEW_FLAGS", "").split()]
MARKS = ["user.overlay.opaque", "user.containers.override_stat", "user.umview.made", "user.umview.origin", "user.umview.store",
         "user.umview.xattr.security.capability", "user.umview.xattr.", "user.umview.", "user.overlay.redirect",
         "user.overlay.whiteout", "user.x"]
WHITEOUTS = [".wh.", ".wh..", ".wh...", ".wh..wh..opq", ".wh..wh..plnk", ".wh.f", ".wh.d", ".wh." + "n" * 251]
LIMIT = 40 * int(os.environ.get("UMVIEW_SLOW", "1"))


def fail(text):
    print("FAILED:", text, file=sys.stderr)
    sys.exit(1)


def run(*command, cwd=None):
    """Whatever it says, it must end, and by itself."""
    try:
        done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              errors="backslashreplace", timeout=LIMIT)
    except subprocess.TimeoutExpired:
        fail("%s is not over after %d s" % (command, LIMIT))
    if done.returncode < 0 or done.returncode >= 128 or re.search("monitor was killed|Sanitizer|runtime error", done.stdout):
        fail("%s: exit status %d\n%s" % (command, done.returncode, done.stdout[-3000:]))
    return done


def value(rng, old):
    """A mark's value: made up, or made of a good one."""
    made_up = [b"", b"y", b"1", b"0:0:0", b"-1:-1:07777777", b"99999999999999999999:0:0100755", b"0:0:0104755:" + b"b1,3" * 900,
               b"0:0:020666:c-4294967296,4294967297", b"\0" * 10, b"../../outside", b":::::", b"x" * 4000,
               bytes(rng.randrange(256) for _ in range(rng.randrange(60)))]
    if not old or rng.random() < 0.5:
        return rng.choice(made_up)
    at = rng.randrange(len(old))
    how = rng.randrange(4)
    if how == 0:
        return old[:at]
    if how == 1:
        return old[:at] + bytes([rng.randrange(256)]) + old[at + 1:]
    if how == 2:
        return old[:at] + b"f" * rng.randrange(1, 40) + old[at:]
    return old[:at] + b"../" * 8 + b"outside/precious"


def replace(rng, path, outside):
    """Something else in the place of a file of the view's own."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
    how = rng.randrange(6)
    if how == 0:
        os.mkfifo(path)
    elif how == 1:
        os.mkdir(path)
    elif how == 2:
        os.symlink(os.path.join(outside, rng.choice(["precious", "nothing", ""])), path)
    elif how == 3:
        os.symlink(os.path.basename(path), path)
    else:
        with open(path, "wb") as f:
            f.write(value(rng, b"") * rng.randrange(20))


def damage(rng, upper, outside):
    places = [upper] + [os.path.join(top, n) for top, dirs, files in os.walk(upper) for n in dirs + files]
    for _ in range(rng.randrange(1, 12)):
        path = rng.choice(places)
        if not os.path.isdir(os.path.dirname(path)):
            continue # it was in something that is something else by now
        if rng.random() < 0.15 and ".umview" in path:
            replace(rng, path, outside)
        elif rng.random() < 0.15 and os.path.isdir(path):
            open(os.path.join(path, rng.choice(WHITEOUTS)), "w").close()
        elif os.path.isfile(path) and not os.path.islink(path) or os.path.isdir(path):
            mark = rng.choice(MARKS)
            try:
                old = os.getxattr(path, mark)
            except OSError:
                old = b""
            try:
                os.setxattr(path, mark, value(rng, old))
            except OSError:
                pass # the file system has no room for it


def snapshot(top):
    return {path: (os.lstat(path).st_mode, os.lstat(path).st_size, os.lstat(path).st_mtime_ns)
            for path in [top] + [os.path.join(d, n) for d, dirs, files in os.walk(top) for n in dirs + files]}


WORK = """cd "$1"; ls -laR . >/dev/null; stat * >/dev/null; cat f d/g new; getfattr -d -m - -R . >/dev/null
echo more >>f; echo x >d/x; mv d e; ln f l; chmod 700 new; chown 3:3 new; rm -rf e/g; mkdir d; touch -d @1 d; rm -rf sub; find . >/dev/null"""


def make(base):
    """A tree, and a directory of changes of it."""
    tree, upper = os.path.join(base, "tree"), os.path.join(base, "upper")
    for path in tree, upper, os.path.join(tree, "d"), os.path.join(tree, "sub"), os.path.join(tree, "kept"):
        os.makedirs(path, exist_ok=True)
    for name in "f", "d/g", "sub/a", "sub/b", "kept/a":
        with open(os.path.join(tree, name), "w") as f:
            f.write(name)
    changes = 'cd "$1"; chown 5:5 f; chmod 4755 f; rm -r d; mkdir d; echo n >new; mknod c c 1 3; rm sub/a; echo more >>sub/b'
    if run(*UMVIEW, "--su", "--mount", "viewfs,cow,vstat:%s:%s" % (upper, tree), "--", "sh", "-c", changes, "sh", tree).returncode:
        fail("the good directory cannot be made")
    return tree, upper


seed = int(os.environ.get("UMVIEW_FUZZ_SEED", random.randrange(1 << 32)))
print("seed", seed, flush=True)
rng = random.Random(seed)
good = tempfile.mkdtemp(prefix="good.", dir=TMP)
make(good)
for n in range(int(os.environ.get("UMVIEW_FUZZ_ROUNDS", "15"))):
    base = os.path.join(TMP, "round.%d" % n)
    subprocess.run(["cp", "-a", good, base], check=True)
    tree, upper, outside = (os.path.join(base, part) for part in ("tree", "upper", "outside"))
    os.mkdir(outside)
    with open(os.path.join(outside, "precious"), "w") as f:
        f.write("precious\n")
    with open(os.path.join(upper, ".umview", "target"), "w") as f:
        f.write(tree + "\n")
    damage(rng, upper, outside)
    before = snapshot(outside) # its own links may have led the damage there
    for command in "viewdiff", "viewapply --dry-run", "viewexport --tar %s.tar" % base:
        word, *options = command.split()
        run(os.path.join(BUILD, word), upper, *options)
    run(*UMVIEW, "--su", "--mount", "viewfs,cow,vstat:%s:%s" % (upper, tree), "--", "sh", "-c", WORK, "sh", tree)
    for word in "viewdiff", "viewapply", "viewdiscard":
        run(os.path.join(BUILD, word), upper)
    if snapshot(outside) != before:
        fail("round %d: something outside of the tree has changed" % n)
    subprocess.run(["chmod", "-R", "u+rwX", base])
    shutil.rmtree(base)
