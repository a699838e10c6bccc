# SPDX-License-Identifier: GPL-2.0-or-later
# FUSE mounts of a view are told as the kernel tells of its own: their lines in /proc/mounts and mountinfo, the device
# number that stat(2) and mountinfo have in common, statfs(2) by name and by descriptor, and the flags nosuid and noexec.
# ptrace: yes
# timeout: 120
import os
import shutil
import subprocess
import sys

BUILD = os.environ.get("UMVIEW_BUILD") or os.path.join(os.path.dirname(__file__), "..", "..", "build")
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

INSIDE = r"""
import ctypes, os, shutil, subprocess, time

def check(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: {got!r}, not {wanted!r}")

def run(*command):
    p = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return p.stdout + p.stderr

def line(target, name):
    at = 4 if name.endswith("mountinfo") else 1
    found = [l.rstrip("\n").split(" ") for l in open(name) if l.split(" ")[at] == target.replace(" ", r"\040").replace("\n", r"\012")]
    return found[-1] if found else None

def info(target):
    found = line(target, "/proc/self/mountinfo")
    return found and found[2:]

def numbers(st):
    return (st.f_bsize, st.f_frsize, st.f_blocks, st.f_files, st.f_flag, st.f_namemax)

ids = f"user_id={os.getuid()},group_id={os.getgid()}"

check("squashfuse", run("squashfuse", "sq.img", "mnt"), "")
check("its line", line(W + "/mnt", "/proc/mounts"),
      ["squashfuse", W + "/mnt", "fuse.squashfuse", f"rw,nosuid,nodev,relatime,{ids}", "0", "0"])
dev = os.stat("mnt/file").st_dev
check("in mountinfo", info(W + "/mnt"), [f"{os.major(dev)}:{os.minor(dev)}", "/", W + "/mnt", "rw,nosuid,nodev,relatime",
                                         "-", "fuse.squashfuse", "squashfuse", f"rw,{ids}"])
check("its root's device", os.stat("mnt").st_dev, dev)
check("device of the mount point's parent", os.stat(".").st_dev != dev, True)
f = open("mnt/file")
check("device of an open file", os.fstat(f.fileno()).st_dev, dev)
st = os.statvfs("mnt")
check("statvfs", numbers(st), (131072, 131072, 1, 5, os.ST_NOSUID | os.ST_NODEV | os.ST_RELATIME, 256))
check("of a file", numbers(os.statvfs("mnt/file")), numbers(st))
check("of an open file", numbers(os.fstatvfs(f.fileno())), numbers(st))
d = os.open("mnt", os.O_RDONLY)
check("of an open directory", numbers(os.fstatvfs(d)), numbers(st))
for name in ("/proc/self/mounts", "src/file"):
    with open(name) as other:
        check("of one elsewhere", os.fstatvfs(other.fileno()).f_blocks, os.statvfs(name).f_blocks)
os.close(d)
f.close()
check("df", run("df", "-T", "mnt/file").split()[-7:],
      ["squashfuse", "fuse.squashfuse", "128", "128", "0", "100%", W + "/mnt"])
check("findmnt", run("findmnt", "-rno", "TARGET,SOURCE,FSTYPE,OPTIONS", "-T", "mnt/file").split(),
      [W + "/mnt", "squashfuse", "fuse.squashfuse", f"rw,nosuid,nodev,relatime,{ids}"])
check("findmnt of the mount point", run("findmnt", "-rno", "SOURCE", "mnt").split(), ["squashfuse"])
check("stat -f", run("stat", "-f", "-c", "%T %s %b %l", "mnt/file").split(), ["fuseblk", "131072", "1", "256"])
check("mount -t", run("mount", "-t", "fuse.squashfuse"), f"squashfuse on {W}/mnt type fuse.squashfuse (rw,nosuid,nodev,relatime,{ids})\n")
check("umount", run("umount", "mnt"), "")
check("no line any more", (line(W + "/mnt", "/proc/mounts"), info(W + "/mnt")), (None, None))

# A name that is hard to write, and options that the kernel knows.
odd = "odd name\nwith\\lines"
os.mkdir(odd)
check("bindfs", run("bindfs", "-o", "ro,noatime,noexec,sync,max_read=8192", "src", odd), "")
name = odd.replace("\\", r"\134").replace(" ", r"\040").replace("\n", r"\012")
found = [l.rstrip("\n").split(" ") for l in open("/proc/mounts") if "odd" in l]
check("an odd line", found, [[W + "/src", W + "/" + name, "fuse",
      f"ro,sync,nosuid,nodev,noexec,noatime,{ids},default_permissions,allow_other,max_read=8192", "0", "0"]])
listed = f"{W}/src on {W}/odd name?with\\lines type fuse ({found[0][3]})\n"
check("mount -t", run("mount", "-t", "ext9,fuse"), listed)
check("mount -t no", [l for l in run("mount", "-t", "noext9").splitlines(True) if "odd" in l], [listed])
check("mount -t nofuse", "odd" in run("mount", "-t", "noext9,fuse"), False)
check("findmnt of it", run("findmnt", "-rno", "SOURCE", odd).strip(), W + "/src")
check("its flags", os.statvfs(odd).f_flag, os.ST_RDONLY | os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC | os.ST_SYNCHRONOUS | os.ST_NOATIME)
fd = os.open(odd, os.O_RDONLY)
check("by a descriptor", os.fstatvfs(fd).f_flag, os.statvfs(odd).f_flag)
os.close(fd)
check("umount of it", run("umount", odd), "")

# A server that answers nothing: the table is there all the same.
libc = ctypes.CDLL(None, use_errno=True)
fd = os.open("/dev/fuse", os.O_RDWR)
data = f"fd={fd},rootmode=40000,user_id=7,group_id=8,default_permissions,max_read=100"
check("mount(2)", libc.mount(b"a b#c", b"mnt", b"fuse.x", 2048, data.encode()), 0)
check("a silent one", line(W + "/mnt", "/proc/mounts"), [r"a\040b\043c", W + "/mnt", "fuse.x",
      "rw,nodiratime,relatime,user_id=7,group_id=8,default_permissions,max_read=4096", "0", "0"])
check("in mountinfo", info(W + "/mnt")[3:], ["rw,nodiratime,relatime", "-", "fuse.x", r"a\040b\043c",
      "rw,user_id=7,group_id=8,default_permissions,max_read=4096"])
check("findmnt of a silent one", run("findmnt", "-rno", "SOURCE", "-t", "fuse.x").strip(), r"a\x20b#c")
check("umount2(2)", libc.umount2(b"mnt", 2), 0)
os.close(fd)

# What may be executed, and as whom.
shutil.copy("/usr/bin/id", "src/id")
os.chmod("src/id", 0o4755)
check("bindfs with noexec", run("bindfs", "-o", "noexec", "src", "mnt"), "")
for command in (["mnt/id"], ["mnt/script"]):
    try:
        subprocess.run(command)
        raise SystemExit(f"{command} ran")
    except PermissionError:
        pass
check("an interpreter may read it", run("sh", "mnt/script"), "ran\n")
check("umount", run("umount", "mnt"), "")
check("bindfs without", run("bindfs", "src", "mnt"), "")
check("it runs", run("mnt/script"), "ran\n")

# Binds of it are mounts of the same file system, and what is opened or entered by them has their names.
check("viewfs", run("um_add_service", "viewfs"), "")
for name in ("all", "part"):
    os.mkdir(name)
open("one", "w").close()
for what, where in (("mnt", "all"), ("mnt/d", "part"), ("mnt/file", "one")):
    check("bind " + where, run("mount", "--bind", what, where), "")
    check("its mountinfo", info(W + "/" + where), info(W + "/mnt")[:1] + [what[3:] or "/", W + "/" + where] + info(W + "/mnt")[3:])
    check("its mounts", line(W + "/" + where, "/proc/mounts")[::2], line(W + "/mnt", "/proc/mounts")[::2])
check("findmnt", run("findmnt", "-rno", "SOURCE", "part").strip(), W + "/src[/d]")
check("its device", os.stat("part/below").st_dev, os.stat("mnt").st_dev)
def name_of(path, flags=os.O_RDONLY):
    fd = os.open(path, flags, 0o600)
    try:
        check("flags of " + path, os.fstatvfs(fd).f_flag, os.ST_NOSUID | os.ST_NODEV | os.ST_RELATIME)
        return os.readlink(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)
for name in ("all/file", "mnt/file", "one", "part/below", "mnt/d/below", "all", "part"):
    check("name", name_of(name), W + "/" + name)
check("a new file's", name_of("all/new", os.O_RDWR | os.O_CREAT), W + "/all/new")
os.unlink("mnt/new")
os.chdir("all/d")
check("working directory", (os.getcwd(), os.readlink("/proc/self/cwd")), (W + "/all/d", W + "/all/d"))
os.chdir("../../part")
check("another", os.getcwd(), W + "/part")
os.chdir("..")
check("above a bind", os.getcwd(), W)
check("umount of binds", run("umount", "one", "part", "all"), "")

check("a merge of it", run("mount", "-t", "viewfs", "-o", "merge", "mnt/d", "part"),
      f"mount: part: {W}/mnt/d is in a file system that a program serves, and can only be shown as it is (mount --bind)\n")

# A copy-on-write mount over it: what is unchanged is in that file system still.
os.mkdir("upper")
blocks = os.statvfs("mnt").f_blocks
check("cow", run("mount", "-t", "viewfs", "-o", "cow", "upper", "mnt"), "")
for name in ("mnt/file", "mnt/d"):
    fd = os.open(name, os.O_RDONLY)
    check("statfs of " + name, (os.statvfs(name).f_blocks, os.fstatvfs(fd).f_blocks), (blocks, blocks))
    os.close(fd)
check("stat -f", run("stat", "-f", "-c", "%T", "mnt/file"), "fuseblk\n")
check("umount of the cow", run("umount", "mnt"), "")

# What /dev/fuse is not asked for by servers.
check("its attributes", run("getfattr", "-d", "/dev/fuse"), "")
check("its device", (os.stat("/dev/fuse").st_dev, os.path.ismount("/dev/fuse")), (os.stat("/dev").st_dev, False))
check("its file system", numbers(os.statvfs("/dev/fuse"))[:3], numbers(os.statvfs("/dev"))[:3])
for call in (lambda: os.setxattr("/dev/fuse", "user.x", b""), lambda: os.chmod("/dev/fuse", 0), lambda: os.chown("/dev/fuse", 7, 7)):
    try:
        call()
        raise SystemExit("/dev/fuse was changed")
    except PermissionError:
        pass
check("its type is for it alone", run("mount", "-i", "-t", "umfuse-device", "none", "mnt"),
      "mount: mnt: no service provides file system type 'umfuse-device' (um_add_service first?)\n")

with open("/dev/fuse", "rb+", 0) as f:
    st, by_name = os.fstat(f.fileno()), os.stat("/dev/fuse")
    check("an open one", (st.st_mode, st.st_rdev, st.st_dev), (by_name.st_mode, by_name.st_rdev, by_name.st_dev))

# An open file without a name, and a mount that covers another.
f = open("mnt/gone", "w")
os.unlink("mnt/gone")
check("a removed file", os.fstatvfs(f.fileno()).f_flag, os.ST_NOSUID | os.ST_NODEV | os.ST_RELATIME)
f.close()
check("over it", run("squashfuse", "sq.img", "mnt"), "")
check("both are listed", [l.split()[2] for l in open("/proc/mounts") if l.split()[1] == W + "/mnt"], ["fuse", "fuse.squashfuse"])
ids = {l.split()[0]: l.split() for l in open("/proc/self/mountinfo")}
top = [l for l in ids.values() if l[4] == W + "/mnt"]
check("the second's parent is the first", top[1][1], top[0][0])
check("the last counts", run("df", "--output=fstype", "mnt/file").split()[1:], ["fuse.squashfuse"])
check("the first umount", run("umount", "mnt"), "")
check("uncovered", run("df", "--output=fstype", "mnt/file").split()[1:], ["fuse"])
check("the second umount", run("umount", "mnt"), "")

# An open file of a mount that is gone.
check("squashfuse", run("squashfuse", "sq.img", "mnt"), "")
f = open("mnt/file")
before = os.fstat(f.fileno())
check("umount of a busy one", run("umount", "mnt"), "umount: mnt: Device or resource busy\n")
check("umount -l", run("umount", "-l", "mnt"), "")
check("the file's attributes", os.fstat(f.fileno()), before)
f.close()

# A server that ends unmounts what it serves, and nothing else.
check("bindfs", run("bindfs", "src", "mnt"), "")
server = subprocess.Popen(["squashfuse", "-f", "sq.img", "mnt"])
while info(W + "/mnt")[5] != "fuse.squashfuse":
    time.sleep(0.05)
check("a file of its", os.stat("mnt/file").st_size, 6)
server.terminate()
server.wait(60)
check("what is left", info(W + "/mnt")[5], "fuse")
check("umount of that", run("umount", "mnt"), "")

# One that is killed leaves its mount, which can be named still.
server = subprocess.Popen(["squashfuse", "-f", "sq.img", "mnt"])
while info(W + "/mnt") is None:
    time.sleep(0.05)
check("its file", os.stat("mnt/file").st_size, 6)
server.kill()
server.wait(60)
check("statfs of a dead one", run("stat", "-f", "mnt"), "stat: cannot read file system information for 'mnt': Transport endpoint is not connected\n")
check("findmnt of it", run("findmnt", "-rno", "SOURCE", "mnt"), "squashfuse\n")
check("df of all", run("df").count(W), run("df").count("not connected"))
check("umount of it", run("umount", "mnt"), "")
print("all as it should be")
"""

work = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"mounts.{os.getpid()}")
os.mkdir(work)
os.chdir(work)
os.makedirs("src/d")
with open("src/d/below", "w") as f:
    f.write("below\n")
os.mkdir("mnt")
with open("src/file", "w") as f:
    f.write("hello\n")
with open("src/script", "w") as f:
    f.write("#!/bin/sh\necho ran\n")
os.chmod("src/script", 0o755)
os.environ["PATH"] = os.path.abspath(BUILD) + ":" + PATH
subprocess.run(["mksquashfs", "src", "sq.img", "-quiet"], check=True, stdout=subprocess.DEVNULL)
flags = os.environ.get("UMVIEW_FLAGS", "").split()
p = subprocess.run(["umview", "--norc", *flags, "-p", "umfuse", "--", "python3", "-c", f"W = {work!r}\n" + INSIDE],
                   capture_output=True, text=True, timeout=110)
print(p.stdout, p.stderr, sep="")
if p.returncode == 0: # root of a view gains nothing by a set-id program on a mount with nosuid, as every server's is
    shutil.copy("/usr/bin/id", "src/id")
    os.chmod("src/id", 0o4755)
    root = subprocess.run(["umview", "--norc", *flags, "-p", "umfuse", "--cow", "cow", "--su", "--", "sh", "-c",
                           "bindfs src mnt && mnt/id -u && src/id -u; umount mnt"], capture_output=True, text=True, timeout=60)
    with open("/proc/self/status") as f:
        gains = "\nNoNewPrivs:\t0\n" in f.read()
    if root.stdout.split() != ["0", str(os.getuid()) if gains else "0"]:
        print(f"FAILED: nosuid: {root.stdout!r} {root.stderr}", file=sys.stderr)
        sys.exit(1)
if p.returncode != 0 or "all as it should be" not in p.stdout:
    print(f"FAILED: exit status {p.returncode}", file=sys.stderr)
    sys.exit(1)
shutil.rmtree(work)
