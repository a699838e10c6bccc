#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# as: both
"""An ext4 image is written through its mount: many small files, large and sparse ones, links, xattrs, long names, names that
come and go, several handles on one file.  What the mount shows is what was done, it is the same in the next mount and for
debugfs, e2fsck finds nothing, and (as root) the kernel's own mount of the image shows the same, file by file."""
import hashlib
import os
import random
import shutil
import stat
import subprocess
import sys

PATH = os.environ.get("UMVIEW_BUILD", "build") + ":" + os.environ["PATH"] + ":/usr/sbin:/sbin"
LONG = "n" * 255
MIB = 1 << 20


def put(path, data, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC, at=None):
    fd = os.open(path, flags, 0o644)
    try:
        done = os.write(fd, data) if at is None else os.pwrite(fd, data, at)
        assert done == len(data), path
    finally:
        os.close(fd)


def noise(seed, size):
    return random.Random(seed).randbytes(size)


def small_files():
    for d in range(20):
        os.mkdir("small-%d" % d)
        for f in range(50):
            put("small-%d/file-%d" % (d, f), b"content of %d %d\n" % (d, f) * (f + 1))
    for d in range(0, 20, 4):
        for f in range(50):
            os.unlink("small-%d/file-%d" % (d, f))
        os.rmdir("small-%d" % d)
    for f in range(0, 50, 3):
        os.rename("small-1/file-%d" % f, "small-2/moved-%d" % f)
        os.rename("small-3/file-%d" % f, "small-5/file-%d" % f)  # over one that is there
    os.rename("small-6", "small-7/below")
    os.mkdir("many")
    for f in range(700):
        put("many/a-name-that-fills-blocks-of-the-directory-%04d" % f, b"")
    for f in range(0, 700, 2):
        os.unlink("many/a-name-that-fills-blocks-of-the-directory-%04d" % f)


def large_files():
    with open("large", "wb") as f:
        for part in range(24):
            f.write(noise(part, MIB))
    with open("large", "r+b") as f:
        f.seek(5 * MIB - 7)
        f.write(b"across two blocks")
    with open("sparse", "wb") as f:
        for at in (0, 3 * MIB + 1, 70 * MIB, 110 * MIB + 4095):
            f.seek(at)
            f.write(b"data at %d" % at)
        f.truncate(112 * MIB)
    put("shrunk", noise("shrunk", 6 * MIB))
    os.truncate("shrunk", 4097)
    os.truncate("shrunk", 3 * MIB)  # what was cut off is zeros now
    put("grown", b"begin")
    for size in (4095, 4096, 70000, 2 * MIB + 1):
        os.truncate("grown", size)
        put("grown", b"end", os.O_WRONLY | os.O_APPEND)


def links():
    os.mkdir("links")
    put("links/first", b"one body\n")
    for name in ("second", "third", "fourth"):
        os.link("links/first", "links/" + name)
    put("links/third", b"written by the third name\n", os.O_WRONLY | os.O_APPEND)
    os.unlink("links/first")
    os.rename("links/fourth", "fourth")
    os.symlink("second", "links/to-second")
    os.symlink("/nowhere/" + "x" * 3000, "links/long")
    os.symlink("short", "links/gone")
    os.unlink("links/gone")
    put(LONG, b"long name\n")
    os.mkdir("d" * 255)
    put("d" * 255 + "/" + "\u00e9" * 127, b"utf-8\n")
    put("name with spaces,\nand a newline \\ and more", b"odd\n")


def attributes():
    os.mkdir("attributes")
    for mode in (0o400, 0o640, 0o755, 0o711, 0o664):
        put("attributes/mode-%o" % mode, b"")
        os.chmod("attributes/mode-%o" % mode, mode)
    os.chmod("attributes", 0o750)
    put("attributes/times", b"x")
    os.utime("attributes/times", (1000000000, 1400000000)) # fuse2fs keeps seconds
    put("attributes/xattr", b"x")
    os.setxattr("attributes/xattr", "user.short", b"value")
    os.setxattr("attributes/xattr", "user.binary", bytes(range(256)))
    os.setxattr("attributes/xattr", "user.gone", b"value")
    os.removexattr("attributes/xattr", "user.gone")
    os.setxattr("attributes/xattr", "user.short", b"another")
    os.setxattr("attributes", "user.of.directory", b"d")


def handles():
    a = os.open("handles", os.O_RDWR | os.O_CREAT, 0o644)
    b = os.open("handles", os.O_RDWR)
    c = os.open("handles", os.O_WRONLY | os.O_APPEND)
    for i in range(200):
        os.pwrite(a, b"a%06d\n" % i, i * 16)
        os.pwrite(b, b"b%06d\n" % i, i * 16 + 8)
    os.write(c, b"appended\n")
    assert os.pread(a, 9, 3200) == b"appended\n"
    os.ftruncate(b, 1000)
    os.ftruncate(a, 5000)
    os.write(c, b"again\n")
    os.close(a)
    os.pwrite(b, b"after a was closed\n", 2000)
    os.close(c)
    assert os.fstat(b).st_size == 5006
    os.close(b)
    children = []
    for child in range(4):
        pid = os.fork()
        if pid == 0:
            for i in range(250):
                put("appended", b"%d %03d\n" % (child, i), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os._exit(0)
        children.append(pid)
    for pid in children:
        assert os.waitpid(pid, 0)[1] == 0
    with open("appended", "rb") as f:
        lines = sorted(f.read().split(b"\n")[:-1])
    assert lines == [b"%d %03d" % (c, i) for c in range(4) for i in range(250)], "lines are lost"
    put("appended", b"\n".join(lines))
    fd = os.open("removed", os.O_RDWR | os.O_CREAT, 0o644)
    os.write(fd, b"before")
    os.unlink("removed")
    os.write(fd, b" and after")
    assert os.pread(fd, 100, 0) == b"before and after" and os.fstat(fd).st_nlink == 0
    os.close(fd)
    fd = os.open("replaced", os.O_RDWR | os.O_CREAT, 0o644)
    os.write(fd, b"old")
    put("new", b"the new one")
    os.rename("new", "replaced")
    os.write(fd, b" and still old")
    os.close(fd)


def populate(directory):
    os.umask(0o022)
    os.mkdir(directory)
    os.chdir(directory)
    for part in (small_files, large_files, links, attributes, handles):
        part()


def digest(path, size):
    """Of what is in a file but holes."""
    whole, at = hashlib.sha1(), 0
    fd = os.open(path, os.O_RDONLY)
    while at < size:
        if size > 64 * MIB:
            try:
                at = os.lseek(fd, at, os.SEEK_DATA) & ~4095
            except OSError:
                break
        block = os.pread(fd, 65536 - at % 65536, at)
        if block.strip(b"\0"):
            whole.update(b"%d " % (at // 65536) + block.ljust(65536, b"\0"))
        at += len(block)
    os.close(fd)
    return whole.hexdigest()


def describe(top, bare=False):
    """A line for each name below top; without attributes if bare, for what debugfs copies."""
    inodes, out = {}, []
    for where, dirs, files in os.walk(top):
        dirs.sort()
        for name in sorted(dirs + files):
            path = where + "/" + name
            st = os.lstat(path)
            line = "%r %o" % (os.path.relpath(path, top), stat.S_IFMT(st.st_mode))
            if stat.S_ISLNK(st.st_mode):
                line += " -> " + os.readlink(path)
            elif stat.S_ISREG(st.st_mode):
                line += " %d %s" % (st.st_size, digest(path, st.st_size))
            if not bare:
                line += " %o %d:%d" % (st.st_mode & 0o7777, st.st_uid, st.st_gid)
                if not stat.S_ISDIR(st.st_mode):
                    line += " same as %s, %d" % (inodes.setdefault(st.st_ino, len(inodes)), st.st_nlink)
                if not stat.S_ISLNK(st.st_mode):
                    line += " " + repr([(a, os.getxattr(path, a)) for a in sorted(os.listxattr(path))])
                if name == "times":
                    line += " %d" % st.st_mtime
            out.append(line)
    return sorted(out)


def run(*argv, **more):
    return subprocess.run(argv, env=dict(os.environ, PATH=PATH), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="surrogateescape", timeout=250, stdin=subprocess.DEVNULL, **more)


def must(*argv):
    done = run(*argv)
    if done.returncode:
        sys.exit("FAILED: %s: status %d\n%s" % (" ".join(argv), done.returncode, "\n".join(line[:300] for line in done.stdout.splitlines()[-30:])))
    return done.stdout


def same(what, got, wanted):
    if got == wanted:
        print("%s: the same, %d names" % (what, len(wanted)))
        return
    for line in sorted(set(wanted) - set(got))[:10]:
        print("  wanted", line[:300])
    for line in sorted(set(got) - set(wanted))[:10]:
        print("  got   ", line[:300])
    sys.exit("FAILED: %s differs" % what)


def kernel(image):
    """The kernel's own mount of the image, in a mount name space of its own; None with a reason printed."""
    if os.getuid() != 0:
        print("not tried: the kernel's own mount (needs root)")
        return None
    done = run("unshare", "-m", "sh", "-c", 'mount -t ext4 -o ro,noload,loop "$1" mnt && exec python3 "$2" describe mnt/tree', "sh", image, __file__)
    if done.returncode:
        print("not tried: the kernel's own mount: " + done.stdout.strip())
        return None
    return done.stdout.splitlines()


def main():
    for program in ("fuse2fs", "mke2fs", "e2fsck", "debugfs"):
        if not shutil.which(program, path=PATH):
            print("needs the command " + program)
            sys.exit(77)
    os.mkdir("mnt")
    with open("image", "wb") as f:
        f.truncate(160 * MIB)
    must("mke2fs", "-q", "-t", "ext4", "-b", "4096", "-E", "root_owner=%d:%d" % (os.getuid(), os.getgid()), "image")
    populate("native")
    os.chdir("..")
    wanted = describe("native")
    in_mount = 'mount -t umfuseext2 -o "$1" image mnt || exit; shift; "$@"; status=$?; umount mnt || exit; exit $status'

    def view(options, *argv):
        return must("umview", "--norc", "-p", "umfuse", "--", "sh", "-c", in_mount, "sh", options, "python3", __file__, *argv)

    same("the mount", view("rw+", "fill", "mnt/tree").splitlines(), wanted)
    print(must("e2fsck", "-fn", "image").splitlines()[-1])
    same("the next mount", view("ro", "describe", "mnt/tree").splitlines(), wanted)
    os.mkdir("dump")
    must("debugfs", "-R", "rdump /tree dump", "image")
    same("debugfs", describe("dump/tree", True), describe("native", True))
    seen = kernel("image")
    if seen is not None:
        same("the kernel's mount", seen, wanted)


if len(sys.argv) == 1:
    main()
elif sys.argv[1] == "describe":
    print("\n".join(describe(sys.argv[2])))
elif sys.argv[1] == "fill":
    back = os.getcwd()
    populate(sys.argv[2])
    os.chdir(back)
    print("\n".join(describe(sys.argv[2])))
