# SPDX-License-Identifier: GPL-2.0-or-later
# A directory that a bind shows in a second place: a process that went there or opened it by one of its names is told that
# one, ".." leads back the way it came, and a read-only bind is so for what is open in it.
. "$(dirname "$0")/../lib.sh"

mkdir -p a/b m n
cat >inside.py <<'END'
import os, subprocess, threading
W = os.getcwd()
def told():
    got = os.getcwd()
    assert got == os.readlink("/proc/self/cwd"), "the link"
    assert got == subprocess.run(["/bin/pwd", "-P"], capture_output=True, text=True, env={}).stdout.strip(), "a child"
    names = []
    t = threading.Thread(target=lambda: names.append(os.getcwd()))
    t.start(), t.join()
    assert names == [got], "a thread"
    assert os.path.samestat(os.stat("."), os.stat(got)), "the same directory"
    assert os.path.samestat(os.stat(".."), os.stat(os.path.dirname(got))), "its parent"
    return got[len(W):]
def go(path):
    os.chdir(path)
    print(path.replace(W, "W"), told())
subprocess.run(["mount", "--bind", W + "/a", W + "/m"], check=True)
for path in ("m", "b", "..", "../a", "b", "..", "../m/b", "../../n", W + "/a/b", W + "/m/b", "../../n/../m"):
    go(path)
try:
    os.chdir("none")
except FileNotFoundError:
    print("still", told())
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(w)
    os.read(r, 1)
    os._exit(0)
os.chdir(W)
print("of a child", os.readlink(f"/proc/{pid}/cwd")[len(W):], os.path.samestat(os.stat(f"/proc/{pid}/cwd/.."), os.stat(W)))
go(f"/proc/{pid}/cwd/b")
os.rename(W + "/a/b", W + "/a/c")
print("renamed", told())
os.rmdir(W + "/m/c")
try:
    os.getcwd()
except FileNotFoundError:
    print("removed", os.readlink("/proc/self/cwd")[len(W):])
os.chdir(W + "/m")
os.write(w, b"x")
os.waitpid(pid, 0)
subprocess.run(["umount", W + "/m"], check=True)
print("unmounted", told())
END
fresh_dir D
expect 0 umview --cow "$D" -- python3 inside.py
cat >wanted <<'END'
m /m
b /m/b
.. /m
../a /a
b /a/b
.. /a
../m/b /m/b
../../n /n
W/a/b /a/b
W/m/b /m/b
../../n/../m /m
still /m
of a child /m True
END
equal "with copy-on-write" "$(echo "$out" | head -n 13)" "$(cat wanted)"
equal "later" "$(echo "$out" | tail -n +14 | sed 's/.*cwd/cwd/')" "cwd/b /m/b
renamed /m/c
removed /m/c (deleted)
unmounted /a"
expect 0 umview --preload viewfs -- python3 inside.py
equal "of the host's" "$(echo "$out" | head -n 13)" "$(cat wanted)"

cat >open.py <<'END'
import errno, os, subprocess
W = os.getcwd()
name = lambda fd: os.readlink(f"/proc/self/fd/{fd}")[len(W):]
def refused(f, *args, **named):
    try:
        f(*args, **named)
    except OSError as e:
        return errno.errorcode[e.errno]
    return "done"
subprocess.run(["mount", "-o", "ro", "--bind", W + "/a", W + "/m"], check=True)
for d in ("m", "a", "m/b", "a/b", "m"):
    fd = os.open(d, os.O_RDONLY | os.O_DIRECTORY)
    made = refused(os.mkdir, "new", dir_fd=fd)
    print(d, name(fd), os.path.samestat(os.stat("..", dir_fd=fd), os.stat(os.path.dirname(W + "/" + d))), made,
          made != "done" or refused(os.rmdir, "new", dir_fd=fd))
    os.fchdir(fd)
    print(os.getcwd()[len(W):], os.readlink(f"/proc/{os.getpid()}/cwd")[len(W):], refused(os.mkdir, "new2"))
    os.chdir(W)
    os.close(fd)
for f in "a/file", "m/file":
    fd = os.open(f, os.O_RDONLY)
    print(name(fd), refused(os.fchmod, fd, 0o600), refused(os.open, f"/proc/self/fd/{fd}", os.O_WRONLY))
print(refused(__import__("shutil").rmtree, "m/b"), os.path.isdir("a/b"))
# children, and theirs, have what their parents opened
fd = os.open("m", os.O_RDONLY | os.O_DIRECTORY)
for generation in "child", "grandchild":
    os.fork() == 0 or (os.wait(), os._exit(0))
    print(generation, name(fd), refused(os.mkdir, "new", dir_fd=fd), flush=True)
subprocess.run(["sh", "-c", "cd -P /proc/self/fd/%d && pwd | sed s,.*/,in-,; mkdir new3 2>&1 | sed 's/.*: //'" % fd],
               pass_fds=[fd], check=True)
usual = os.open("a", os.O_RDONLY | os.O_DIRECTORY)
print("opened by itself", name(usual), refused(os.mkdir, "new", dir_fd=usual))
END
mkdir -p a/b
: >a/file
fresh_dir E
expect 0 umview --cow "$E" -- python3 open.py
equal "descriptors" "$out" "m /m True EROFS True
/m /m EROFS
a /a True done done
/a /a done
m/b /m/b True EROFS True
/m/b /m/b EROFS
a/b /a/b True done done
/a/b /a/b done
m /m True EROFS True
/m /m EEXIST
/a/file done done
/m/file EROFS EROFS
EROFS True
child /m EROFS
grandchild /m EROFS
in-m
Read-only file system
opened by itself /a done"
