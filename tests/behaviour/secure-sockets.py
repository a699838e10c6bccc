# SPDX-License-Identifier: GPL-2.0-or-later
# Secure mode: the user's services cannot be reached: sockets by path and by abstract name, fifos, SysV and POSIX objects, keys.
# as: both
# timeout: 300

import ctypes
import os
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["UMVIEW_SRC"], "tests", "behaviour", "secure"))
import exploit

# What is refused in every view.
HELD_BY_DEFAULT = {"io_uring", "by-hard-link"}
libc = ctypes.CDLL(None, use_errno=True)
IPC_CREAT, IPC_RMID = 0o1000, 0


class Services:
    """What a user's session may have, in a directory and under a number of the test's own."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="services.", dir=exploit.TMP)
        self.number = int.from_bytes(os.urandom(3), "little") + 1
        self.open = []
        for name, kind in ("stream", "STREAM"), ("dgram", "DGRAM"), ("seqpacket", "SEQPACKET"):
            for address in (os.path.join(self.dir, name), "\0umtest-%d-%s" % (self.number, name)):
                s = socket.socket(socket.AF_UNIX, getattr(socket, "SOCK_" + kind))
                s.bind(address)
                if kind != "DGRAM":
                    s.listen(8)
                self.open.append(s)
        fifo = os.path.join(self.dir, "fifo")
        os.mkfifo(fifo)
        self.fifo = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        self.shm = libc.shmget(self.number, 4096, IPC_CREAT | 0o600)
        self.sem = libc.semget(self.number, 1, IPC_CREAT | 0o600)
        self.msg = libc.msgget(self.number, IPC_CREAT | 0o600)
        libc.msgsnd(self.msg, ctypes.create_string_buffer((1).to_bytes(8, "little") + b"hi", 12), 3, 0)
        subprocess.run([exploit.build("mqueue"), "make", str(self.number)], check=True)
        return self

    def __exit__(self, *_):
        libc.shmctl(self.shm, IPC_RMID, 0)
        libc.semctl(self.sem, 0, IPC_RMID, 0)
        libc.msgctl(self.msg, IPC_RMID, 0)
        subprocess.run([exploit.build("mqueue"), "remove", str(self.number)])
        os.close(self.fifo)
        for s in self.open:
            s.close()


def run(*prefix):
    with Services() as services:
        return exploit.attempts([*prefix, program, services.dir, str(services.number)], cwd=exploit.TMP)


program = exploit.build("sockets")
exploit.compare(run(), run(*exploit.view()), run(*exploit.view("--secure")), HELD_BY_DEFAULT)

# What the view makes itself works there: by path, by abstract name, by a name that the kernel gives.
own = """
import errno, os, socket
def pair(kind, address):
    a, b = socket.socket(socket.AF_UNIX, kind), socket.socket(socket.AF_UNIX, kind)
    a.bind(address)
    assert address == "" or a.getsockname() in (address, address.encode()), a.getsockname()
    if kind == socket.SOCK_DGRAM:
        b.sendto(b"hi", a.getsockname())
        assert a.recv(9) == b"hi"
        return
    a.listen()
    b.connect(a.getsockname())
    c, _ = a.accept()
    b.sendall(b"hi")
    assert c.recv(9) == b"hi"
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET:
    for address in "own.%d" % kind, "\\0umtest-own-%d-%d" % (os.getpid(), kind), "":
        pair(kind, address)
tcp = socket.create_server(("127.0.0.1", 0))
there = socket.create_connection(tcp.getsockname(), timeout=30)
there.sendall(b"hi")
assert tcp.accept()[0].recv(9) == b"hi"
there.setsockopt(socket.SOL_SOCKET, 60, 1) # SO_ZEROCOPY: the monitor's memory must not go out
try:
    there.sendmsg([b"hi"], [], 0x4000000)
    raise SystemExit("MSG_ZEROCOPY is taken")
except OSError as e:
    assert e.errno == errno.ENOBUFS, e
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hi", udp.getsockname())
assert udp.recv(9) == b"hi"
os.mkfifo("own.fifo")
fd = os.open("own.fifo", os.O_RDWR)
os.write(fd, b"hi")
assert os.read(fd, 9) == b"hi"
"""
for options in (["--secure"], ):
    for command in exploit.view(*options), [*exploit.COMMAND, *options]:
        work = tempfile.mkdtemp(prefix="own.", dir=exploit.TMP)
        subprocess.run([*command, "python3", "-c", own], check=True, cwd=work)
