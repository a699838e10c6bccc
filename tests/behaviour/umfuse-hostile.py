# SPDX-License-Identifier: GPL-2.0-or-later
# FUSE servers that do what no server should: the view goes on, its monitor does not grow, and what was good stays so.
# timeout: 600
# ptrace: no
import errno
import os
import signal
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
         never_mounted, held_writes]


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


def run(case):
    flags = ["--norc", *os.environ.get("UMVIEW_FLAGS", "").split(), "-p", "umfuse"]
    with open("log", "w+") as log:
        front = subprocess.Popen([os.environ["UMVIEW_BUILD"] + "/umview", *flags, "--", sys.executable, ME, "--inside", case],
                                 stdout=log, stderr=log, stdin=subprocess.DEVNULL)
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
