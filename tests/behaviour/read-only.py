# SPDX-License-Identifier: GPL-2.0-or-later
# What is mounted read-only in a view stays as it is: every call that changes a file, its attributes or its names is EROFS,
# by path and by descriptor, and reading is not.  A bind, a copy-on-write mount, a merge, and one that was remounted.
import os
import subprocess
import sys

BUILD = os.environ["UMVIEW_BUILD"]
FLAGS = os.environ.get("UMVIEW_FLAGS", "").split()
UMVIEW = [BUILD + "/umview", "--norc", *FLAGS]

INSIDE = r"""
import ctypes, errno, os, socket, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
wrong = []

def call(name, *args):
    if libc[name](*args) < 0:
        raise OSError(ctypes.get_errno(), name)

def bind():
    os.chdir("dir")
    try:
        socket.socket(socket.AF_UNIX).bind("socket")
    finally:
        os.chdir("..")

fd, dirfd = os.open("file", os.O_RDONLY), os.open("dir", os.O_RDONLY)
for name, change in {
    "open-write": lambda: os.open("file", os.O_WRONLY),
    "open-truncate": lambda: os.open("file", os.O_RDONLY | os.O_TRUNC),
    "create": lambda: os.open("new", os.O_CREAT | os.O_RDONLY),
    "tmpfile": lambda: os.open("dir", os.O_TMPFILE | os.O_RDWR),
    "truncate": lambda: os.truncate("file", 1),
    "chmod": lambda: os.chmod("file", 0o600),
    "fchmod": lambda: os.fchmod(fd, 0o600),
    "chown": lambda: os.chown("file", os.getuid(), os.getgid()),
    "lchown": lambda: os.lchown("link", os.getuid(), os.getgid()),
    "fchown": lambda: os.fchown(fd, os.getuid(), os.getgid()),
    "utime": lambda: os.utime("file", (1, 1)),
    "futime": lambda: os.utime(fd, (1, 1)),
    "setxattr": lambda: os.setxattr("file", "user.x", b"x"),
    "fsetxattr": lambda: os.setxattr(fd, "user.x", b"x"),
    "removexattr": lambda: os.removexattr("file", "user.given"),
    "mkdir": lambda: os.mkdir("new"),
    "mkdirat": lambda: os.mkdir("new", dir_fd=dirfd),
    "mkfifo": lambda: os.mkfifo("new"),
    "symlink": lambda: os.symlink("x", "new"),
    "link": lambda: os.link("file", "new"),
    "link-fd": lambda: call("linkat", -100, b"/proc/self/fd/%d" % fd, -100, b"new", 0x400),
    "rename": lambda: os.rename("file", "new"),
    "exchange": lambda: call("renameat2", -100, b"file", -100, b"dir/inner", 2),
    "unlink": lambda: os.unlink("file"),
    "rmdir": lambda: os.rmdir("empty"),
    "bind": bind,
}.items():
    try:
        change()
        got = "done"
    except OSError as e:
        got = errno.errorcode[e.errno]
    if got != "EROFS":
        wrong.append(f"{name}: {got}")
if os.access("file", os.W_OK):
    wrong.append("access: may be written")
if not os.statvfs(".").f_flag & os.ST_RDONLY:
    wrong.append("statvfs: not read-only")
assert open("file").read() == "content\n" and os.getxattr("file", "user.given") == b"given"
assert sorted(os.listdir(".")) == ["dir", "empty", "file", "link"], os.listdir(".")
if wrong:
    sys.exit("FAILED: " + sys.argv[2] + ": " + ", ".join(wrong))
"""

os.makedirs("lower/dir")
os.mkdir("lower/empty")
os.symlink("file", "lower/link")
for name in ("file", "dir/inner"):
    with open("lower/" + name, "w") as f:
        f.write("content\n")
os.setxattr("lower/file", "user.given", b"given")
with open("inside.py", "w") as f:
    f.write(INSIDE)
for name in ("place", "nothing", "changes", "top", "mine"):
    os.mkdir(name)

MOUNTS = {
    "bind": "mount --bind lower place && mount -o remount,ro place",
    "bind in one step": "mount -o bind,ro lower place",
    "cow": f"mount -t viewfs -o cow,ro {os.getcwd()}/changes lower && ln -s lower here",
    "cow, of what it has changed": f"mount -t viewfs -o cow {os.getcwd()}/changes lower && chmod 644 lower/file && "
                                   "touch lower/dir/inner lower/empty && mount -o remount,ro lower && ln -s lower here",
    "move": f"mount -t viewfs -o move,ro {os.getcwd()}/lower {os.getcwd()}/place",
    "merge": f"mount -t viewfs -o merge,ro {os.getcwd()}/lower {os.getcwd()}/place",
}
failed = False
for mode in ([],) if FLAGS else ([], ["--su"], ["--secure"]):
    for name, mount in MOUNTS.items():
        if "--secure" in mode and "bind" not in name:
            continue    # its changes are in the one directory of the command line
        outer = ["--cow", os.getcwd() + "/mine"] if "--secure" in mode or "bind" in name else ["-p", "viewfs"]
        script = f"{mount} && d=place; [ -e here ] && d=lower; exec {sys.executable} inside.py $d '{' '.join(mode)} {name}'"
        if os.path.lexists("here"):
            os.unlink("here")
        done = subprocess.run([*UMVIEW, *mode, *outer, "--", "sh", "-c", script], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=150)
        print(*mode, name + ":", done.stdout or "ok")
        failed |= done.returncode != 0
sys.exit(failed)
