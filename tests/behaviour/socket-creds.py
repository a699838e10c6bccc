# SPDX-License-Identifier: GPL-2.0-or-later
# Credentials that sockets tell are the view's: SO_PEERCRED, SCM_CREDENTIALS given by the kernel and given explicitly,
# descriptors received beside them; and nobody but root may give others than its own.
# ptrace: yes
import os
import subprocess
import sys

BUILD = os.environ.get("UMVIEW_BUILD") or os.path.join(os.path.dirname(__file__), "..", "..", "build")
UMVIEW = os.path.join(BUILD, "umview")

INSIDE = r"""
import array, ctypes, os, signal, socket, struct, threading, time

def creds(pid, uid, gid):
    return struct.pack("iII", pid, uid, gid)

def check(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: {got}, not {wanted}")

def receive(s, flags=0):
    data, control, mflags, _ = s.recvmsg(100, 1000, flags)
    found, fds = None, []
    for level, kind, value in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            found = struct.unpack("iII", value[:12])
        elif (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds = list(array.array("i", value))
    return data, found, fds

server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
server.bind("sock")
os.chmod("sock", 0o777)
server.listen()
pid = os.fork()
if pid == 0:
    os.setgroups([])
    os.setresgid(34, 34, 34)
    os.setresuid(33, 33, 33)
    c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    c.connect("sock")
    check("the server's peer credentials, for the client", struct.unpack("iII", c.getsockopt(socket.SOL_SOCKET,
          socket.SO_PEERCRED, 12))[1:], (0, 0))
    c.sendall(b"plain")
    time.sleep(0.3)                     # the server waits for this one
    c.sendmsg([b"own"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, creds(os.getpid(), 33, 34))])
    r, w = os.pipe()
    c.sendmsg([b"fd"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [w]))])
    os.close(w)
    check("bytes through the descriptor", os.read(r, 10), b"through")
    try:
        c.sendmsg([b"lie"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, creds(os.getpid(), 0, 0))])
        raise SystemExit("false credentials were sent")
    except PermissionError:
        pass
    os._exit(0)

s, _ = server.accept()
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
check("the client's peer credentials", struct.unpack("iII", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)),
      (pid, 33, 34))
data, got, _ = receive(s)
check("the first message", (data, got), (b"plain", (pid, 33, 34)))
data, got, _ = receive(s)
check("its own credentials, waited for", (data, got), (b"own", (pid, 33, 34)))
data, got, fds = receive(s)
check("with a descriptor", (data, got, len(fds)), (b"fd", (pid, 33, 34), 1))
os.write(fds[0], b"through")
os.close(fds[0])
check("the client's status", os.waitpid(pid, 0)[1], 0)
data, got, _ = receive(s)
check("the end", data, b"")

# root may speak for others; peeking takes nothing
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
a.sendmsg([b"as another"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, creds(os.getpid(), 1, 2))])
check("peeked", receive(b, socket.MSG_PEEK)[:2], (b"as another", (os.getpid(), 1, 2)))
check("taken", receive(b)[:2], (b"as another", (os.getpid(), 1, 2)))
try:
    receive(b, socket.MSG_DONTWAIT)
    raise SystemExit("something to receive where there is nothing")
except BlockingIOError:
    pass
# a stream waits for all that is asked for, and what has no place is dropped without a trace
s1, s2 = socket.socketpair()
s2.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
def feed():
    s1.sendall(b"abc")
    time.sleep(0.2)
    s1.sendall(b"defgh")
    s1.sendall(b"x" * 300000)
t = threading.Thread(target=feed)
t.start()
check("MSG_WAITALL", s2.recvmsg(8, 100, socket.MSG_WAITALL)[0], b"abcdefgh")
check("much of it", s2.recvmsg(300000, 100, socket.MSG_WAITALL)[0], b"x" * 300000)
t.join()
before = os.listdir("/proc/self/fd")
r, w = os.pipe()
s1.sendmsg([b"fds"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [r, w]))])
libc = ctypes.CDLL(None, use_errno=True)
buf = ctypes.create_string_buffer(100)
iov = (ctypes.c_uint64 * 2)(ctypes.addressof(buf), 100)
msg = (ctypes.c_uint64 * 7)(0, 0, ctypes.addressof(iov), 1, 1, 64, 0)    # control at address 1
check("a bad control buffer", libc.recvmsg(s2.fileno(), ctypes.byref(msg), 0), 3)
check("its flags", msg[6] & 0xffffffff & socket.MSG_CTRUNC, socket.MSG_CTRUNC)
os.close(r)
os.close(w)
check("descriptors afterwards", os.listdir("/proc/self/fd"), before)
for bad in ((2 ** 31 - 1, 0, 0), (0, 0, 0), (os.getpid(), 2 ** 32 - 1, 0)):
    try:
        a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, creds(*bad))])
        raise SystemExit(f"credentials {bad} were sent")
    except OSError:
        pass
# without SO_PASSCRED nothing comes
a.send(b"bare")
b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
check("not asked for", receive(b)[:2], (b"bare", None))
print("all as it should be")
"""

work = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"creds.{os.getpid()}")
os.mkdir(work)
os.chmod(work, 0o755)
flags = os.environ.get("UMVIEW_FLAGS", "").split()
p = subprocess.run([UMVIEW, "--norc", *flags, "--cow", work + "/cow", "--su", "--", "python3", "-c", INSIDE], cwd=work,
                   capture_output=True, text=True, timeout=50)
print(p.stdout, p.stderr, sep="")
if p.returncode != 0 or "all as it should be" not in p.stdout:
    print(f"FAILED: exit status {p.returncode}", file=sys.stderr)
    sys.exit(1)
