# SPDX-License-Identifier: GPL-2.0-or-later
# Secure mode: a thread that changes a path, a structure, a descriptor or a link between the look at a call and the call does
# not change what the view keeps.  Without --secure it does.
# as: both
# timeout: 400

import os
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.environ["UMVIEW_SRC"], "tests", "behaviour", "secure"))
import exploit

FILES = ("open openat openat2 open_how creat truncate chmod fchmodat setxattr unlink unlinkat rename utimensat fchmod "
         "futimens fsetxattr link-swap "
         "fchmodat2 proc-fd link-fd cwd-swap rename-to").split()
DIRECTORIES = ["rmdir"]
MADE = "link mkdir symlink mknod bind".split()
NAMES = FILES + DIRECTORIES + MADE


def state(path):
    try:
        st = os.lstat(path)
    except FileNotFoundError:
        return None
    return st.st_mode, st.st_size, int(st.st_mtime), sorted(os.listxattr(path, follow_symlinks=False))


def run(milliseconds, secure):
    """The names of the races that were won."""
    base = tempfile.mkdtemp(prefix="races.", dir=exploit.TMP)
    os.chmod(base, 0o755)
    for part in "w", "t":
        os.mkdir(os.path.join(base, part))
        for name in FILES:
            with open(os.path.join(base, part, name), "w") as f:
                f.write("host's\n")
        for name in DIRECTORIES:
            os.mkdir(os.path.join(base, part, name))
    os.mkdir(os.path.join(base, "w", "dir"))
    with open(os.path.join(base, "w", "dir", "link-swap"), "w"):
        pass
    os.symlink("../t", os.path.join(base, "w", "link"))
    before = {name: state(os.path.join(base, "t", name)) for name in NAMES}
    upper = tempfile.mkdtemp(prefix="cow.", dir=exploit.TMP)
    command = [*exploit.COMMAND, *secure, "--mount",
               "viewfs,cow,vstat,permanent,except=%s/w:%s:/" % (base, upper), program, base, str(milliseconds)]
    won, done = set(), threading.Event()

    def watch():
        while not done.wait(0.02):
            for name in set(NAMES) - won:
                if state(os.path.join(base, "t", name)) != before[name]:
                    won.add(name)
                    open(os.path.join(base, "w", "stop." + name), "w").close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        out = subprocess.run(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=350)
    finally:
        done.set()
        watcher.join()
    if out.returncode != 0 or sorted(out.stdout.split()) != sorted(NAMES):
        exploit.fail("%s: exit status %d\n%s" % (command, out.returncode, out.stdout))
    return won | {name for name in NAMES if state(os.path.join(base, "t", name)) != before[name]}


program = exploit.build("races")
plain = run(3000, [])
print("won without --secure:", *sorted(plain))
secure = run(800, ["--secure"])
print("won with --secure:", *sorted(secure))
if secure:
    exploit.fail("races are won in a secure view")
if len(plain) < 3:
    exploit.fail("hardly a race is won without --secure: the test proves nothing")
