# SPDX-License-Identifier: GPL-2.0-or-later
"""Garbage on the monitor's socket, with descriptors of all kinds, and garbage for the control call: the view goes on, and is
listed.  The seed is printed; UMVIEW_FUZZ_SEED and UMVIEW_FUZZ_ROUNDS choose others."""
# timeout: 120
import array
import ctypes
import os
import random
import re
import socket
import struct
import subprocess
import sys

UMVIEW = os.path.join(os.environ["UMVIEW_BUILD"], "umview")
FLAGS = ["--norc", *os.environ.get("UMVIEW_FLAGS", "").split()]
NAME = "fuzz-socket-%d" % os.getpid()
VERBS = ["service-add", "service-del", "service-list", "view-name", "view-info", "mounts", "mount", "umount", "su", "why", "nest",
         "enter", "plan", "", "attach", "x" * 5000]
UM_CTL = 0x5556
with open(os.path.join(os.environ["UMVIEW_SRC"], "monitor", "runtime.h")) as header:
    VERSION = int(re.search(r"define RUNTIME_VERSION (\d+)", header.read()).group(1))


def fail(text):
    print("FAILED:", text, file=sys.stderr)
    sys.exit(1)


def control_calls(seed, rounds):
    """In the view: words that make no sense, lengths that are not true, addresses where nothing is."""
    rng = random.Random(seed)
    libc = ctypes.CDLL(None)
    room = ctypes.create_string_buffer(70000)
    for _ in range(rounds):
        words = [rng.choice(VERBS)] + ["%s" % rng.choice(["", "0", "-1", "viewfs", "/", "99999999999", "%n%s", "a" * 200, "\\\\"])
                                       for _ in range(rng.choice([0, 1, 2, 3, 5, 40, 1100]))]
        text = b"\0".join(w.encode() for w in words) + rng.choice([b"\0", b"\0", b""])
        if words[0] == "attach":
            text = b"attach\0" + b"0\0" # nobody else's process
        size = rng.choice([len(text), len(text), 0, 1, len(text) + 100000, 2**63, 2**32 + 3])
        libc.syscall(ctypes.c_long(UM_CTL), text if rng.random() < 0.95 else ctypes.c_void_p(8), ctypes.c_size_t(size),
                     ctypes.c_void_p(rng.choice([ctypes.addressof(room), 0, 8])),
                     ctypes.c_size_t(rng.choice([0, 1, 100, 70000, 2**63, 2**32])))
    print("done", flush=True)
    sys.stdin.read()


def sock_path(pid):
    for directory in (os.path.join(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent"), "umview"), "/tmp/umview-%d" % os.getuid()):
        path = os.path.join(directory, "%d.sock" % pid)
        if os.path.exists(path):
            return path
    return None


def some_descriptors(rng):
    pair = socket.socketpair()
    fds = [pair[0].fileno(), os.open("/dev/null", os.O_RDWR), os.open(".", os.O_PATH), os.eventfd(0), os.pidfd_open(os.getpid())]
    pair[1].setblocking(False)
    chosen = [rng.choice(fds) for _ in range(rng.choice([0, 1, 1, 2, 3, 5]))]
    return pair, fds, chosen


def datagram(rng):
    good = struct.pack("=IIiIIB3x", VERSION, rng.choice([0, 1, 1, 7]), rng.choice([0, -1, os.getpid(), 1]), rng.randrange(1 << 32),
                       rng.choice([0, 0, 1, 77, 2**32 - 1]), rng.choice([0, 1, 200]))
    how = rng.random()
    if how < 0.6:
        return good
    if how < 0.8:
        return good[:rng.randrange(len(good))]
    return bytes(rng.randrange(256) for _ in range(rng.randrange(1, 300)))


if len(sys.argv) > 1:
    control_calls(int(sys.argv[1]), int(sys.argv[2]))
    sys.exit(0)
seed = int(os.environ.get("UMVIEW_FUZZ_SEED", random.randrange(1 << 32)))
rounds = int(os.environ.get("UMVIEW_FUZZ_ROUNDS", "400"))
print("seed", seed, flush=True)
rng = random.Random(seed)
view = subprocess.Popen([UMVIEW, *FLAGS, "--name", NAME, "--", "python3", "-B", os.path.abspath(__file__), str(seed), str(rounds)],
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
if view.stdout.readline() != "done\n":
    fail("the view has ended: %d\n%s" % (view.wait(), view.stderr.read()))
path = sock_path(view.pid)
if path is None:
    fail("the view has no socket")
client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
client.settimeout(20)
for _ in range(rounds):
    pair, fds, chosen = some_descriptors(rng)
    extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", chosen))] if chosen else []
    client.sendmsg([datagram(rng)], extra, 0, path)
    for fd in fds[1:]:
        os.close(fd)
    for one in pair:
        one.close()
listed = subprocess.run([UMVIEW, "--list"], stdout=subprocess.PIPE, text=True, timeout=60).stdout
view.stdin.close()
status, errors = view.wait(60), view.stderr.read()
if status != 0 or "runtime error" in errors or "Sanitizer" in errors:
    fail("the view: exit status %d\n%s" % (status, errors[-3000:]))
if str(view.pid) not in listed:
    fail("the view is not listed any more:\n" + listed)
