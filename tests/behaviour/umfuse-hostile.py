# SPDX-License-Identifier: GPL-2.0-or-later
# FUSE servers that do what no server should: the view goes on, its monitor does not grow, and what was good stays so.
# timeout: 600
# ptrace: no
import errno
import os
import resource
import signal
import struct
import subprocess
import sys
import threading
import time

MONITOR_KB = 100000             # more than it ever needs for what is done here
ME = os.path.abspath(__file__)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(ME)), "fuse"))
import rawserver as raw  # noqa: E402


def equal(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: {got!r}, not {wanted!r}")


def error_of(function, *args):
    """The errno that a call fails with; 0."""
    try:
        function(*args)
    except OSError as e:
        return e.errno
    return 0


def in_child(function, *args):
    pid = os.fork()
    if pid == 0:
        try:
            function(*args)
        finally:
            os._exit(0)
    return pid


def ends_within(pid, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return True
        time.sleep(0.02)
    return False


def view_lives():
    """Calls that the monitor serves are served."""
    pid = in_child(lambda: [os.stat("/etc/passwd"), os.listdir("other")])
    if not ends_within(pid, 30):
        sys.exit("the view hangs")


def leave(server):
    equal("umount", raw.umount("mnt", 2), 0)
    os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)


# --- what a server says of its own accord --------------------------------------------------------------------------------


def notices_count():
    """What INVAL_INODE names is asked for again."""
    s = raw.Server()
    number = s.file("f", b"old")

    def lookup(s, request):
        if request.name() == "trigger":
            s.nodes[number].data = b"newer"
            s.nodes[number].size = 5
            s.invalidate(number)
        return s.answer(request)
    s.hooks[raw.LOOKUP] = lookup
    server = s.start("mnt")
    equal("before", open("mnt/f").read(), "old")
    equal("as long as it holds", os.stat("mnt/f").st_size, 3)
    equal("the trigger", error_of(os.stat, "mnt/trigger"), errno.ENOENT)
    equal("afterwards", os.stat("mnt/f").st_size, 5)
    equal("its contents", open("mnt/f").read(), "newer")
    leave(server)


def notices_of_other_mounts():
    """Another open of /dev/fuse takes no notice away."""
    s = raw.Server()
    number = s.file("f", b"old")

    def on_signal(*_):
        s.nodes[number].data, s.nodes[number].size = b"newer", 5
        s.invalidate(number)
    old = signal.signal(signal.SIGUSR1, on_signal)
    server = s.start("mnt")
    signal.signal(signal.SIGUSR1, old)
    equal("before", os.stat("mnt/f").st_size, 3)
    os.kill(server, signal.SIGUSR1)
    time.sleep(0.3)
    os.close(os.open("/dev/fuse", os.O_RDWR))
    equal("afterwards", os.stat("mnt/f").st_size, 5)
    leave(server)


def flood():
    """A server that talks without end, in the middle of a request: others go on, and who waits can be killed."""
    s = raw.Server()

    def lookup(s, request):
        while request.name() == "flood":
            s.notify(raw.INVAL_ENTRY, b"n" * 1000)
            s.send(12345, 0, b"x" * 1000)
        return s.answer(request)
    s.hooks[raw.LOOKUP] = lookup
    server = s.start("mnt")
    waiting = in_child(error_of, os.stat, "mnt/flood")
    time.sleep(3)
    view_lives()
    os.kill(waiting, signal.SIGKILL)
    equal("who waits can be killed", ends_within(waiting, 30), True)
    leave(server)


def flood_unasked():
    """The same without any request."""
    s = raw.Server()

    def talk(*_):
        while True:
            s.notify(raw.INVAL_ENTRY, b"n" * 1000)
    old = signal.signal(signal.SIGUSR1, talk)
    server = s.start("mnt")
    signal.signal(signal.SIGUSR1, old)
    equal("before", error_of(os.stat, "mnt/none"), errno.ENOENT)
    os.kill(server, signal.SIGUSR1)
    time.sleep(0.5)
    waiting = in_child(error_of, os.stat, "mnt/other")
    time.sleep(0.5)
    view_lives()
    os.kill(waiting, signal.SIGKILL)
    equal("who waits can be killed", ends_within(waiting, 30), True)
    leave(server)


def interrupted_deaf():
    """Who waits for a server that reads nothing is interrupted without harm to others, however many there are."""
    s = raw.Server()
    server = s.start("mnt")
    equal("before", error_of(os.stat, "mnt/none"), errno.ENOENT)
    os.kill(server, signal.SIGSTOP)
    waiting = [in_child(error_of, os.stat, f"mnt/n{i}") for i in range(400)]
    time.sleep(1)
    for pid in waiting:
        os.kill(pid, signal.SIGKILL)
    waiting.append(in_child(error_of, os.stat, "mnt"))
    view_lives()
    os.kill(waiting[-1], signal.SIGKILL)
    for pid in waiting:
        equal("it can be killed", ends_within(pid, 60), True)
    os.kill(server, signal.SIGCONT)
    equal("afterwards", error_of(os.stat, "mnt/none"), errno.ENOENT)
    leave(server)


# --- files ------------------------------------------------------------------------------------------------------------------


def held_writes():
    """Files are removed while what was written to them is on its way to a slow server: it gets no handle back before."""
    s = raw.Server()
    for name in "fgh":
        s.file(name)
    held = []

    def write(s, request):
        held.append(request)

    def release(s, request):
        if any(r.node == request.node for r in held):
            open("wrong", "w").close()
        return b""

    def answer_all(*_):
        for request in held:
            s.reply(request, s.answer(request))
        held.clear()
        s.hooks.clear()
    s.hooks[raw.WRITE] = write
    s.hooks[raw.RELEASE] = release
    old = signal.signal(signal.SIGUSR1, answer_all)
    server = s.start("mnt")
    signal.signal(signal.SIGUSR1, old)
    files = [os.open(f"mnt/{name}", os.O_RDWR) for name in "fgh"]
    for fd in files:
        os.write(fd, b"changed")
        os.close(fd)
    removing = [in_child(os.unlink, f"mnt/{name}") for name in "gfh"]
    time.sleep(3)
    os.kill(server, signal.SIGUSR1)
    for pid in removing:
        equal("it is removed", ends_within(pid, 30), True)
    view_lives()
    equal("what is left", os.listdir("mnt"), [])
    equal("a handle was given back while it was used", os.path.exists("wrong"), False)
    leave(server)


def endless_file():
    """A file of which there is always more: what has a size has that many bytes, what has none is an error in the end."""
    s = raw.Server()
    sized = s.file("sized", bytes(200000))
    s.nodes[s.file("huge")].size = 1 << 62
    direct = s.file("direct", b"")
    block = bytes(131072)
    s.hooks[raw.READ] = lambda s, request: block

    def open_it(s, request):
        return struct.pack("<QII", 1, raw.DIRECT_IO if request.node == direct else 0, 0)
    s.hooks[raw.OPEN] = open_it
    server = s.start("mnt")
    equal("what has a size", len(open("mnt/sized", "rb").read()), s.nodes[sized].size)
    equal("too large for any disk", error_of(open, "mnt/huge"), errno.ENOMEM)
    equal("without a size, and without end", error_of(open, "mnt/direct"), errno.EFBIG)
    leave(server)


# --- names ------------------------------------------------------------------------------------------------------------------


def endless_directory():
    """READDIR that always gives more is an error in the end."""
    s = raw.Server()
    s.directory("d")

    def more(s, request):
        at = struct.unpack_from("<8xQ", request.body)[0]
        return b"".join(s.dirent(f"{at}-{i:0200}", 2, at + i + 1) for i in range(280))
    s.hooks[raw.READDIR] = more
    server = s.start("mnt")
    equal("a listing without end", error_of(os.listdir, "mnt/d"), errno.EIO)
    leave(server)


def cycles():
    """Directories that lie in themselves: walks end."""
    s = raw.Server()
    d = s.directory("d")
    e = s.directory("e", d)
    s.nodes[d].names["self"] = d
    s.nodes[e].names["up"] = d
    s.nodes[d].names["root"] = 1
    server = s.start("mnt")
    equal("itself", error_of(os.stat, "mnt/d/self"), errno.ELOOP)
    equal("above", error_of(os.stat, "mnt/d/e/up"), errno.ELOOP)
    equal("the root", error_of(os.stat, "mnt/d/root"), errno.EIO)
    r = subprocess.run(["find", "mnt"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60)
    equal("find", sorted(r.stdout.split()), ["mnt", "mnt/d", "mnt/d/e", "mnt/d/root"])
    os.chdir("mnt/d/e")
    equal("getcwd", os.getcwd().rsplit("/", 3)[1:], ["mnt", "d", "e"])
    os.chdir("../../..")
    leave(server)


def removed_are_forgotten():
    """What was removed is given back to the server."""
    s = raw.Server()
    forgotten = set()

    def forget(s, request):
        forgotten.add(request.node)

    def lookup(s, request):
        if request.name() == "count":
            s.nodes[counter].size = len(forgotten)
        return s.answer(request)
    s.hooks[raw.FORGET] = forget
    s.hooks[raw.LOOKUP] = lookup
    counter = s.file("count")
    server = s.start("mnt")
    for i in range(50):
        open(f"mnt/f{i}", "w").close()
        os.unlink(f"mnt/f{i}")
        os.mkdir(f"mnt/d{i}")
        os.listdir(f"mnt/d{i}")
        os.rmdir(f"mnt/d{i}")
    if os.stat("mnt/count").st_size < 98: # the last ones may be on their way
        sys.exit(f"of 100 nodes {os.stat('mnt/count').st_size} were forgotten")
    leave(server)


def many_names():
    """Far more names than are kept: most are given back to the server, and it may be busy at that moment."""
    s = raw.Server(flags=raw.DO_READDIRPLUS)
    forgotten = set()

    def forget(s, request):
        if not forgotten:
            os.stat("/etc/passwd") # served by the view that gives them back
        forgotten.add(request.node)

    def lookup(s, request):
        if request.name() == "count":
            s.nodes[counter].size = len(forgotten)
        return s.answer(request)
    s.hooks[raw.FORGET] = forget
    s.hooks[raw.LOOKUP] = lookup
    counter = s.file("count")
    d = s.directory("d")
    for i in range(110000):
        s.file(f"name-{i:06}", b"", d)
    server = s.start("mnt")
    equal("all are listed", len(os.listdir("mnt/d")), 110000)
    for i in range(20):
        os.stat(f"mnt/d/name-{i:06}")
    n = os.stat("mnt/count").st_size
    if n < 5000:
        sys.exit(f"of 110000 nodes {n} were forgotten")
    leave(server)


def many_directories():
    """More open directories, one after the other, than the monitor may have descriptors."""
    s = raw.Server()
    for i in range(1500):
        s.directory(f"d{i}")
        s.file(f"f{i}")
    server = s.start("mnt")
    for i in range(1500):
        os.close(os.open(f"mnt/d{i}", os.O_RDONLY | os.O_DIRECTORY))
        os.close(os.open(f"mnt/f{i}", os.O_RDONLY))
    leave(server)


# --- mounts -----------------------------------------------------------------------------------------------------------------


def one_descriptor_twice():
    s = raw.Server()
    s.file("f")
    s.fd = os.open("/dev/fuse", os.O_RDWR)
    equal("the first mount", s.mount("mnt"), 0)
    equal("a second one of the same descriptor", s.mount("other"), errno.EINVAL)
    equal("umount", raw.umount("mnt", 2), 0)
    os.close(s.fd)
    s.fd = os.open("/etc/passwd", os.O_RDONLY)
    equal("another file's descriptor", s.mount("mnt"), errno.EINVAL)
    os.close(s.fd)
    equal("no descriptor", s.mount("mnt"), errno.EINVAL)


def never_mounted():
    """Open /dev/fuse and never mount: the monitor gives back what that costs."""
    for _ in range(3):
        files = []
        while len(files) < 5000:
            try:
                files.append(os.open("/dev/fuse", os.O_RDWR))
            except OSError as e:
                equal("when there are many", e.errno, errno.ENFILE)
                break
        if len(files) < 100:
            sys.exit(f"only {len(files)} can be opened")
        view_lives()
        for fd in files:
            os.close(fd)
    s = raw.Server()
    s.file("f")
    server = s.start("mnt")
    equal("a mount afterwards", os.listdir("mnt"), ["f"])
    leave(server)


CASES = [notices_count, notices_of_other_mounts, flood, flood_unasked, interrupted_deaf, one_descriptor_twice,
         never_mounted, held_writes, endless_file, endless_directory, cycles, removed_are_forgotten, many_names,
         many_directories]


def largest_kb(front):
    """The memory of the monitor, the front's child, as far as it can be seen."""
    largest = 0
    while front.poll() is None:
        try:
            with open(f"/proc/{front.pid}/task/{front.pid}/children") as f:
                children = f.read().split()
            for pid in children:
                with open(f"/proc/{pid}/status") as f:
                    largest = max([largest] + [int(line.split()[1]) for line in f if line.startswith("VmHWM")])
        except OSError:
            pass
        time.sleep(0.05)
    return largest


def is_sanitized():
    with open(os.environ["UMVIEW_BUILD"] + "/umview", "rb") as f:
        return b"__asan_init" in f.read()


def few_files():
    """The limit that most systems have; it is the monitor's as well."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))


def run(case):
    flags = ["--norc", *os.environ.get("UMVIEW_FLAGS", "").split(), "-p", "umfuse"]
    with open("log", "w+") as log:
        front = subprocess.Popen([os.environ["UMVIEW_BUILD"] + "/umview", *flags, "--", sys.executable, ME, "--inside", case],
                                 stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=few_files)
        watchdog = threading.Timer(200, front.kill)
        watchdog.start()
        largest = largest_kb(front)
        watchdog.cancel()
        log.seek(0)
        print(f"{case}: status {front.returncode}, {largest} KiB\n{log.read()}", end="", flush=True)
    if front.returncode != 0:
        sys.exit(f"FAILED: {case}")
    if largest > MONITOR_KB and not is_sanitized():
        sys.exit(f"FAILED: {case}: the monitor has grown to {largest} KiB")


def outside():
    if not os.path.exists(os.environ["UMVIEW_BUILD"] + "/modules/.libs/umfuse.so"):
        print("there is no module umfuse")
        sys.exit(77)
    os.makedirs("mnt", exist_ok=True)
    os.makedirs("other", exist_ok=True)
    for case in sys.argv[1:] or [case.__name__ for case in CASES]:
        run(case)


if sys.argv[1:2] == ["--inside"]:
    next(case for case in CASES if case.__name__ == sys.argv[2])()
else:
    outside()
