# SPDX-License-Identifier: GPL-2.0-or-later
# The files of /proc tell of the view: ids, limits, mounts, mapped files, owners; and a descriptor of one looks like
# /proc's own.
# ptrace: yes
import os
import subprocess
import sys

BUILD = os.environ.get("UMVIEW_BUILD") or os.path.join(os.path.dirname(__file__), "..", "..", "build")
UMVIEW = os.path.join(BUILD, "umview")

INSIDE = r"""
import fcntl, mmap, os, resource, shutil, stat, subprocess, sys, threading, time

def check(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: {got!r}, not {wanted!r}")

def status(pid="self"):
    return dict(l.split(":", 1) for l in open(f"/proc/{pid}/status").read().splitlines())

def run(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout.split()

def mounts(name="/proc/self/mounts"):
    return [l.split() for l in open(name)]

# --- ids
s = status()
check("Uid", s["Uid"].split(), ["0"] * 4)
check("Groups", [int(g) for g in s["Groups"].split()], os.getgroups())
check("the last words of Groups", s["Groups"][-1], " ")
check("CapEff", s["CapEff"].strip(), "000001ffffffffff")
check("Seccomp", (s["Seccomp"].strip(), s["Seccomp_filters"].strip()), SECCOMP)
check("NoNewPrivs", s["NoNewPrivs"].strip(), NO_NEW_PRIVS)
check("Pid", int(s["Pid"]), os.getpid())
check("TracerPid", s["TracerPid"].strip(), "0")
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.setgroups([7, 5])
    os.setresgid(34, 35, 36)
    os.setresuid(33, 31, 32)
    s = status()
    check("a user's Uid", s["Uid"].split(), ["33", "31", "32", "31"])
    check("a user's Gid", s["Gid"].split(), ["34", "35", "36", "35"])
    check("a user's groups", s["Groups"].strip(), "5 7")
    check("a user's capabilities", s["CapEff"].strip(), "0" * 16)
    check("of a thread", status(f"{os.getpid()}/task/{os.getpid()}")["Uid"].split()[0], "33")
    check("not dumpable", os.stat(f"/proc/{os.getpid()}/environ").st_uid, 0)
    os.write(w, b"x")
    time.sleep(60)
os.read(r, 1)
check("another's Uid", status(pid)["Uid"].split(), ["33", "31", "32", "31"])
st = os.stat(f"/proc/{pid}")
check("another's directory", (st.st_uid, st.st_gid), (31, 35))
check("for ps", run("ps", "-o", "uid=,ruid=,egid=", "-p", str(pid)), ["31", "33", "35"])
os.kill(pid, 9)
os.waitpid(pid, 0)
check("a process outside of the view", status(1)["Uid"], HOST1)
got = {}
t = threading.Thread(target=lambda: got.update(status("thread-self")))
t.start()
t.join()
check("a thread's process", (int(got["Tgid"]), got["Uid"].split()[0]), (os.getpid(), "0"))
check("a thread's number", int(got["Pid"]) != os.getpid(), True)
check("nobody", [l for l in open("/proc/self/status") if l.startswith("Seccomp:")], [f"Seccomp:\t{SECCOMP[0]}\n"])

# --- limits
def limit():
    return [l for l in open("/proc/self/limits") if l.startswith("Max file locks")][0]
check("the limit of locks", limit(), LIMIT)
resource.setrlimit(10, (1000, 2000))
check("once set", limit(), "Max file locks            1000                 2000                 locks     \n")

# --- mapped files
data = open("mapped file", "w+")
data.write("x" * 4096)
data.flush()
m = mmap.mmap(data.fileno(), 4096)
def mapped(name="/proc/self/maps"):
    return [l.rstrip("\n").split(None, 5)[5] for l in open(name) if "mapped" in l]
check("a mapping", mapped(), [W + "/mapped file"])
check("in smaps", mapped("/proc/self/smaps"), [W + "/mapped file"])
check("in numa_maps", [w for l in open("/proc/self/numa_maps") for w in l.split() if "mapped\\040" in w],
      ["file=" + W + "/mapped\\040file"])
os.rename("mapped file", "mapped\nas")
check("renamed", mapped(), [W + "/mapped\\012as"])
os.unlink("mapped\nas")
check("removed", mapped(), [W + "/mapped\\012as (deleted)"])
check("its descriptor", os.readlink(f"/proc/self/fd/{data.fileno()}"), W + "/mapped\nas (deleted)")
low = open("lower", "rb")
m = mmap.mmap(low.fileno(), 4096, prot=mmap.PROT_READ)
def lower():
    return [l.split(None, 5)[5] for l in open("/proc/self/maps") if "/lower" in l or "/elsewhere" in l]
check("a lower file", lower(), [W + "/lower\n"])
with open("lower", "a") as f:
    f.write("more")
check("copied up", lower(), [W + "/lower\n"])
os.rename("lower", "elsewhere")
check("moved away", lower(), [W + "/elsewhere\n"])
open("lower", "w").close()
check("its old name", lower(), [W + "/elsewhere\n"])
os.rename("lower", "elsewhere")
check("replaced", lower(), [W + "/elsewhere (deleted)\n"])
check("its link", os.readlink(f"/proc/self/fd/{low.fileno()}"), W + "/elsewhere (deleted)")
maps = [l.split() for l in open("/proc/self/maps") if l.split()[-1].startswith("/usr")][0]
maps[0] = "%x-%x" % tuple(int(n, 16) for n in maps[0].split("-"))
check("map_files", os.readlink("/proc/self/map_files/" + maps[0]), maps[-1])

# --- a script whose interpreter only the view has: the loader runs it
os.mkdir("ab")
shutil.copy("/bin/busybox", "ab/cat")
for name in ("maps", "smaps"):
    with open("script", "w") as f:
        f.write(f"#!{W}/ab/cat /proc/self/{name}\n")
    os.chmod("script", 0o755)
    files = {w for l in run(W + "/script") for w in [l] if l.startswith("/")}
    check("what is mapped", files, {W + "/ab/cat", "/proc/self/" + name})
    check("beside it", [w for w in run(W + "/script") if "memfd" in w], [])

# --- descriptors
fd = os.open("/proc/self/status", os.O_RDONLY)
a, b = os.fstat(fd), os.stat("/proc/self/status")
check("attributes", (a.st_dev, a.st_ino, a.st_mode, a.st_uid, a.st_gid, a.st_size, a.st_nlink),
      (b.st_dev, b.st_ino, b.st_mode, b.st_uid, b.st_gid, b.st_size, b.st_nlink))
check("mode", (b.st_mode, b.st_size), (stat.S_IFREG | 0o444, 0))
check("name", os.readlink(f"/proc/self/fd/{fd}"), f"/proc/{os.getpid()}/status")
child = os.fork()
if child == 0:
    check("an inherited one", os.readlink(f"/proc/self/fd/{fd}"), f"/proc/{os.getppid()}/status")
    check("opened again", os.open(f"/proc/self/fd/{fd}", os.O_RDONLY) > 0, True)
    again = os.open(f"/dev/fd/{fd}", os.O_RDONLY)
    check("is the parent's", f"\nPid:\t{os.getppid()}\n" in os.read(again, 4000).decode(), True)
    check("attributes by the descriptor", os.stat(f"/proc/self/fd/{fd}").st_ino, a.st_ino)
    os._exit(0)
check("the child", os.waitpid(child, 0)[1], 0)
check("read only", fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE, os.O_RDONLY)
for what, call in (("write", lambda: os.write(fd, b"x")), ("a directory of it", lambda: os.open("x", 0, dir_fd=fd)),
                   ("O_DIRECTORY", lambda: os.open("/proc/self/status", os.O_DIRECTORY))):
    try:
        call()
        raise SystemExit(f"{what} succeeded")
    except OSError:
        pass
first = os.pread(fd, 5, 0)
check("read again", (first, os.pread(fd, 5, 0)), (b"Name:", b"Name:"))
check("its file system", os.fstatvfs(fd).f_blocks, 0)
fake = os.memfd_create("um-0123456789abcdef:/proc/1/status")
check("a forged name", os.readlink(f"/proc/self/fd/{fake}"), "/memfd:um-0123456789abcdef:/proc/1/status (deleted)")

# --- mounts
os.makedirs("a b/in#side")
os.makedirs("m")
subprocess.run(["mount", "--bind", W + "/a b", W + "/m"], check=True)
subprocess.run(["mount", "-o", "ro", "--bind", W + "/m", W + "/a b/in#side"], check=True)
esc = W + "/a\\040b"
check("mounts", [l for l in mounts() if l[2] == "viewfs"][1:],
      [[esc, W + "/m", "viewfs", "rw,move", "0", "0"], [W + "/m", esc + "/in#side", "viewfs", "ro,move", "0", "0"]])
check("/proc/mounts", mounts("/proc/mounts"), mounts())
info = mounts("/proc/self/mountinfo")
check("as many", len(info), len(mounts()))
ids = {l[0]: l for l in info}
check("different numbers", len(ids), len(info))
top = [l for l in info if l[4] == "/"]
check("one root", [(l[-3], l[1] in ids) for l in top], [("viewfs", False)])
for l in info:
    if l not in top:
        parent = ids[l[1]][4]
        check("parent of " + l[4], l[4] == parent or l[4].startswith(parent.rstrip("/") + "/"), True)
    if l[-3] == "viewfs":
        dev = os.stat(l[4].replace("\\040", " ")).st_dev
        check("device of " + l[4], l[2], f"{os.major(dev)}:{os.minor(dev)}")
check("on which", ids[[l for l in info if l[4].endswith("in#side")][0][1]][4], "/")
check("proc is there", [l[-3] for l in info if l[4] == "/proc"], ["proc"])
stats = [l.split() for l in open("/proc/self/mountstats") if l.startswith("device ")]
check("mountstats", [l[1:8:3] for l in stats if l[-1] == "viewfs"][1:],
      [[esc, W + "/m", "viewfs"], [W + "/m", esc + "/in#side", "viewfs"]])
check("findmnt", run("findmnt", "-n", "-o", "TARGET,FSTYPE", "-T", W + "/m/in#side"), [W + "/m", "viewfs"])
check("df", run("df", "--output=target", W + "/m")[-1] in (W + "/m", "/"), True)
subprocess.run(["umount", W + "/a b/in#side"], check=True)
subprocess.run(["umount", W + "/m"], check=True)
check("umounted", len(mounts()), len(info) - 2)

# --- in another root
os.makedirs("new/proc")
os.makedirs("new/on")
subprocess.run(["mount", "-t", "proc", "proc", W + "/new/proc"], check=True)
subprocess.run(["mount", "--bind", W + "/a b", W + "/new/on"], check=True)
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.chroot("new")
    os.chdir("/on")
    check("mounts of a root", [(l[1], l[2]) for l in mounts()], [("/proc", "proc"), ("/on", "viewfs")])
    check("mountinfo of a root", [l[4] for l in mounts("/proc/self/mountinfo")], ["/proc", "/on"])
    check("self", os.readlink("/proc/self"), str(os.getpid()))
    check("by a link", mounts("/proc/mounts"), mounts())
    check("net", open("/proc/net/unix").readline().split()[:1], ["Num"])
    check("root", os.readlink("/proc/self/root"), "/")
    check("cwd", os.readlink("/proc/self/cwd"), "/on")
    check("a name space", os.readlink("/proc/self/ns/mnt")[:5], "mnt:[")
    os.close(os.open("/proc/self/ns/mnt", os.O_RDONLY))
    check("outside of it", os.readlink(f"/proc/self/fd/{data.fileno()}"), W + "/mapped\nas (deleted)")
    os.write(w, b"x")
    time.sleep(60)
    os._exit(0)
check("the rooted one", os.read(r, 1), b"x")
check("its root", os.readlink(f"/proc/{pid}/root"), W + "/new")
check("in its root", os.listdir(f"/proc/{pid}/root/on"), os.listdir("a b"))
with open("new/etc", "w") as f:
    f.write("its own")
check("not the host's", open(f"/proc/{pid}/root/etc").read(), "its own")
check("its attributes", os.stat(f"/proc/{pid}/root/etc").st_size, 7)
check("its mounts", [l[1] for l in mounts(f"/proc/{pid}/mounts")], ["/proc", "/on"])
os.kill(pid, 9)
os.waitpid(pid, 0)
print("all as it should be")
"""

work = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"proc.{os.getpid()}")
os.mkdir(work)
os.chmod(work, 0o755)
with open(work + "/lower", "w") as f:
    f.write("y" * 4096)
with open("/proc/self/limits") as f:
    limit = next(line for line in f if line.startswith("Max file locks"))
with open("/proc/1/status") as f:
    host1 = next(line[4:].rstrip("\n") for line in f if line.startswith("Uid:"))
with open("/proc/self/status") as f:
    own = {line.split(":")[0]: line.split(":")[1].strip() for line in f}
    seccomp = own["Seccomp"], own["Seccomp_filters"]
flags = os.environ.get("UMVIEW_FLAGS", "").split()
p = subprocess.run([UMVIEW, "--norc", *flags, "--cow", work + "/cow", "--su", "--", "python3", "-c",
                    f"W, HOST1, LIMIT, SECCOMP, NO_NEW_PRIVS = {work!r}, {host1!r}, {limit!r}, {seccomp!r}, {own['NoNewPrivs']!r}\n" + INSIDE],
                   cwd=work, capture_output=True, text=True, timeout=100)
print(p.stdout, p.stderr, sep="")
if p.returncode != 0 or "all as it should be" not in p.stdout:
    print(f"FAILED: exit status {p.returncode}", file=sys.stderr)
    sys.exit(1)
