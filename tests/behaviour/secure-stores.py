#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A program in a secure view reaches nothing by the directory of an inner view's changes.

It cannot make one of its own, take marks out of one, or change one under the feet of the inner view; and what it plants
there before leads the inner view's stack nowhere.
"""
# timeout: 120
import ctypes
import errno
import os
import stat
import struct
import subprocess
import sys
import time

UMVIEW = os.path.join(os.environ.get("UMVIEW_BUILD", ""), "umview")
libc = ctypes.CDLL(None, use_errno=True)
MARK = "user.umview.store"
RECORD = "user.containers.override_stat"


def must(what, got, wanted):
    if got != wanted:
        sys.exit("FAILED: %s: got %r, not %r" % (what, got, wanted))


def refused(what, wanted, function, *arguments, **more):
    try:
        function(*arguments, **more)
    except OSError as e:
        return must(what, errno.errorcode.get(e.errno), wanted)
    sys.exit("FAILED: %s succeeded" % what)


def inner(*command, directory="b", **more):
    return subprocess.Popen([UMVIEW, "--norc", "--cow", directory, "--"] + list(command), **more)


def run(*command, **more):
    must(" ".join(command), inner(*command, **more).wait(timeout=60), 0)


def link_fd(fd, name):
    if libc.linkat(-100, b"/proc/self/fd/%d" % fd, -100, name.encode(), 0x400) < 0:
        raise OSError(ctypes.get_errno(), "linkat")


def forged():
    """What bears the mark by a program's doing is an ordinary directory."""
    os.mkdir("forged")
    os.setxattr("forged", MARK, b"0:0:0755:dir")
    must("as it was set", os.getxattr("forged", MARK), b"0:0:0755:dir")
    with open("forged/f", "w") as f:
        f.write("x")
    os.setxattr("forged/f", RECORD, b"0:0:04755:file")
    for _ in range(2):
        st = os.stat("forged/f")
        must("its owner and mode", (st.st_uid, stat.S_IMODE(st.st_mode)), (os.getuid(), 0o644))
        refused("a whiteout by name", "EINVAL", open, "forged/.wh.f", "w")
        os.rename("forged", "forged2")
        os.rename("forged2", "forged")
    os.link("forged/f", "linked")
    os.unlink("linked")


def apart(here):
    """Nothing comes out of it with the marks that it has there."""
    f = "b" + here + "/f"
    os.setxattr(f, RECORD, b"0:0:04755:file")
    refused("a link out of it", "EXDEV", os.link, f, "out")
    refused("out of it", "EXDEV", os.rename, f, "out")
    refused("a directory out of it", "EXDEV", os.rename, "b" + here, "out")
    open("in", "w").close()
    refused("into it", "EXDEV", os.rename, "in", f)
    refused("a link into it", "EXDEV", os.link, "in", "b/in")
    fd = os.open("b" + here, os.O_TMPFILE | os.O_RDWR, 0o600)
    os.setxattr(fd, RECORD, b"0:0:04755:file")
    refused("a nameless file out of it", "EXDEV", link_fd, fd, "out")
    link_fd(fd, "b/nameless")
    os.close(fd)
    fd = os.open("b", os.O_TMPFILE | os.O_RDWR, 0o600)
    os.setxattr(fd, RECORD, b"0:0:04755:file")
    refused("a nameless file out of the directory itself", "EXDEV", link_fd, fd, "out")
    os.close(fd)
    refused("set-id bits", "EPERM", os.chmod, f, 0o4755)
    fd = os.open(f, os.O_RDWR)
    refused("set-id bits by a descriptor", "EPERM", os.fchmod, fd, 0o2755)
    os.close(fd)
    refused("set-id bits of a new file", "EPERM", os.open, "b/new", os.O_CREAT | os.O_RDWR, 0o4755)
    refused("the mark", "EPERM", os.setxattr, "b", MARK, b"1:1:0755:dir")
    refused("the mark", "EPERM", os.removexattr, "b", MARK)
    refused("the mark", "ENODATA", os.getxattr, "b", MARK)
    must("names of its xattrs", MARK in os.listxattr("b"), False)
    must("owner", os.stat(f).st_uid, os.getuid())
    refused("a device", "EPERM", os.mknod, "b/null", stat.S_IFCHR | 0o600, os.makedev(1, 3))


def running(here):
    """While the inner view runs it is not changed but through that."""
    p = inner("sh", "-c", "mkdir dir; echo x >dir/f; echo >there; until [ -e go ]; do sleep 0.05; done; echo y >dir/g; cat dir/f dir/g", stdout=subprocess.PIPE)
    end = time.monotonic() + 60
    while not os.path.exists("b" + here + "/there") and time.monotonic() < end:
        time.sleep(0.05)
    top = "b" + here
    must("to be read", open(top + "/dir/f").read(), "x\n")
    directory = os.open(top, os.O_RDONLY)
    file = os.open(top + "/dir/f", os.O_RDONLY)
    for what, function, arguments in (
            ("rename", os.rename, (top + "/dir", top + "/dir2")),
            ("symlink", os.symlink, (here + "/outside", top + "/link")),
            ("unlink", os.unlink, (top + "/dir/f",)),
            ("mkdir", os.mkdir, (top + "/new",)),
            ("link", os.link, (top + "/dir/f", top + "/linked")),
            ("chmod", os.chmod, (top + "/dir", 0o700)),
            ("fchmod", os.fchmod, (file, 0o700)),
            ("truncate", os.truncate, (top + "/dir/f", 0)),
            ("setxattr", os.setxattr, (top + "/dir", RECORD, b"0:0:0755:dir")),
            ("creation", open, (top + "/new", "w")),
            ("opening", open, (top + "/dir/f", "r+")),
            ("rename", os.rename, ("b/.umview/work", "b/.umview/work2"))):
        refused(what + " in it", "EBUSY", function, *arguments)
    refused("mkdir by a descriptor", "EBUSY", os.mkdir, "new", dir_fd=directory)
    os.close(directory)
    os.close(file)
    open("go", "w").close()
    must("the inner view", p.communicate(timeout=60)[0], b"x\ny\n")
    os.mkdir(top + "/new")


def planted(here):
    """What is there when the inner view begins leads its stack nowhere."""
    outside = here + "/outside"
    os.mkdir("c")
    run("sh", "-c", "echo x >x; mkdir dir; echo >dir/f", directory="c")
    os.symlink(outside, "c/.umview/links")
    intent = struct.pack("QIII64s", 7, 1, 0, 1, b"0:0:04755:file") + b"../" * 60 + (outside + "/file").encode().lstrip(b"/")
    with open("c/.umview/generation", "r+b") as f:
        f.write(intent + b"\0")
    run("sh", "-c", "echo y >several; echo x >x2; ln x2 x3; cat x", directory="c", stdout=subprocess.DEVNULL)
    os.symlink(outside, "c" + here + "/link")
    intent = struct.pack("QIII64s", 7, 1, 0, 1, b"0:0:04755:file") + (here[1:] + "/link/file").encode()
    with open("c/.umview/generation", "r+b") as f:
        f.write(intent + b"\0")
    run("sh", "-c", "echo z >several", directory="c")
    for name in ("work", "vstat"):
        subprocess.run(["rm", "-rf", "c/.umview/" + name], check=True)
        os.symlink(outside, "c/.umview/" + name)
    inner("sh", "-c", "echo z >several; chmod 4711 several", directory="c", stderr=subprocess.DEVNULL).wait(timeout=60)


def inside():
    here = os.getcwd()
    forged()
    run("sh", "-c", "echo x >f")
    for i in range(10):
        run("true")
        os.mkdir("b/at-once%d" % i)     # free again, as soon as it has ended
    apart(here)
    running(here)
    planted(here)


def state():
    out = []
    for base, _, files in os.walk("outside"):
        for name in files:
            path = os.path.join(base, name)
            st = os.lstat(path)
            out.append((path, st.st_nlink, st.st_mode, st.st_mtime_ns, st.st_ctime_ns, os.listxattr(path)))
    return sorted(out)


def main():
    if sys.argv[1:] == ["inside"]:
        return inside()
    os.mkdir("outside")
    for name in ("file", "several"):
        open("outside/" + name, "w").close()
    open("several", "w").close()
    os.link("several", "other-name")
    before = state()
    p = subprocess.run([UMVIEW, "--norc", "--secure", "--cow", "a", "--", sys.executable, os.path.abspath(__file__), "inside"],
                       timeout=110)
    must("exit status", p.returncode, 0)
    must("what is outside", state(), before)


if __name__ == "__main__":
    main()
