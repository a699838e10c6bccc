# SPDX-License-Identifier: GPL-2.0-or-later
# What um_attach refuses, and in what words; the process then goes on, without no_new_privs, outside of the view.
# timeout: 180
# as: both
# ptrace: no
import ctypes
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

BUILD = os.environ["UMVIEW_BUILD"]
SLOW = float(os.environ.get("UMVIEW_SLOW", "1"))
FLAGS = os.environ.get("UMVIEW_FLAGS", "").split()
ROOT = os.getuid() == 0
started = []


def fail(why):
    for p in started:
        p.kill()
    sys.exit(f"FAILED: {why}")


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def start(argv, ready=True, **kw):
    p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **kw)
    started.append(p)
    if ready and p.stdout.readline() != "ready\n":
        fail(f"{argv}: does not start")
    return p


def python(program, **kw):
    return start([sys.executable, "-c", program + "\nprint('ready', flush=True)\nsys.stdin.readline()\n"], **kw)


def stop(p):
    p.kill()
    p.wait()
    p.stdin.close()
    p.stdout.close()
    started.remove(p)


def umview(*argv, options=()):
    return subprocess.run([BUILD + "/umview", "--norc", *FLAGS, *options, "--", *argv], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60 * SLOW)


def refused(words, *arguments, options=(), untouched=None):
    r = umview(BUILD + "/um_attach", *arguments, options=options)
    if r.returncode != 1 or r.stdout or not re.search(words, r.stderr):
        fail(f"um_attach {' '.join(arguments)}: status {r.returncode}, {r.stdout + r.stderr!r}, wanted {words!r}")
    if untouched:
        s = status(untouched)
        if s["NoNewPrivs"] != "0" or s["Seccomp"] != "0" or s["State"][0] not in "SRDT":
            fail(f"{words}: the process was changed: {s}")
    print(r.stderr.strip())


# --- arguments
refused("no process named")
refused("x12: this is not a process id", "x12")
refused("-1", "--", "-1")
refused("0: this is not a process id", "0")
refused("99999999999999: this is not a process id", "99999999999999")
refused("4194304: there is no such process", "4194304")
refused("unrecognized option '--nothing'", "--nothing", "1")

# --- what it is
p = python("import sys, threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()")
tid = next(t for t in os.listdir(f"/proc/{p.pid}/task") if int(t) != p.pid)
refused(f"{tid}: it is a thread of the process {p.pid}", tid, untouched=p.pid)
stop(p)
refused("1: it is the system's first process", "1")
if os.path.exists("/proc/2") and status(2)["Name"] == "kthreadd":
    refused("it is a thread of the kernel", "2")
p = subprocess.Popen(["true"])
os.waitid(os.P_PID, p.pid, os.WEXITED | os.WNOWAIT)
refused("zombie", str(p.pid))
p.wait()
if ROOT:
    p = python("import os, sys\nos.setgid(65534); os.setuid(65534)")
    refused("another user's \\(user id 65534\\)", str(p.pid))
    stop(p)
else:
    other = os.getppid()        # somebody's who has started us, if that was another user
    while other > 1 and status(other)["Uid"].split()[0] == str(os.getuid()):
        other = int(status(other)["PPid"])
    if other > 1:
        refused("another user's", str(other))

# --- closed, traced, in a sandbox
p = python("import ctypes, sys\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)")
if ROOT:
    r = umview(BUILD + "/um_attach", str(p.pid))       # root may
    if r.returncode:
        fail(f"an undumpable process, as root: {r.stderr}")
else:
    refused("closed to its user.*PR_SET_DUMPABLE", str(p.pid))
stop(p)
p = python("import sys")
tracer = subprocess.Popen(["strace", "-o", "/dev/null", "-p", str(p.pid)], stderr=subprocess.DEVNULL)
while status(p.pid)["TracerPid"] == "0":
    time.sleep(0.01)
refused(f"process {tracer.pid} \\(strace\\) is tracing it", str(p.pid))
# a descendant that cannot be taken in: nothing is done; the words name it
shell = start(["sh", "-c", f"exec 3<&0; sleep 1000 <&3 & echo ready; read x"])
child = int(open(f"/proc/{shell.pid}/task/{shell.pid}/children").read())
tracer2 = subprocess.Popen(["strace", "-o", "/dev/null", "-p", str(child)], stderr=subprocess.DEVNULL)
while status(child)["TracerPid"] == "0":
    time.sleep(0.01)
refused(f"{shell.pid}: its descendant {child} \\(sleep\\): process {tracer2.pid} \\(strace\\) is tracing it", str(shell.pid),
        untouched=shell.pid)
tracer2.terminate()
tracer2.wait()
os.kill(child, signal.SIGKILL)
stop(shell)
tracer.terminate()
tracer.wait()
stop(p)
FILTER = """
import ctypes, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7fff0000))
prog = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 1, ctypes.addressof(code)))
assert libc.prctl(22, 2, prog, 0, 0) == 0
"""
p = python(FILTER)
refused("seccomp filter of its own", str(p.pid))
stop(p)
p = start([sys.executable, "-c", "import ctypes, os\nprint('ready', flush=True)\nctypes.CDLL(None).prctl(22, 1, 0, 0, 0)\nwhile True: pass"])
while status(p.pid)["Seccomp"] != "1":
    time.sleep(0.01)
refused("strict mode", str(p.pid))
stop(p)
p = python("import resource, sys\nresource.setrlimit(10, (5, 6))")     # RLIMIT_LOCKS
refused("hard limit RLIMIT_LOCKS is finite", str(p.pid), untouched=p.pid)
stop(p)
unshare = subprocess.run(["unshare", "-Urm", "true"], capture_output=True)
if unshare.returncode == 0:
    p = start(["unshare", "-Urm", "sh", "-c", "echo ready; read x"])
    refused("closed to its user|another user namespace|another group|another user's", str(p.pid))
    stop(p)
if ROOT:
    p = start(["unshare", "-m", "sh", "-c", "echo ready; read x"])
    refused("another mnt namespace", str(p.pid), untouched=p.pid)
    stop(p)
    root = tempfile.mkdtemp(dir=".")
    p = python(f"import os, sys\nos.chroot({root!r}); os.chdir('/')")
    refused("another root directory", str(p.pid), untouched=p.pid)
    stop(p)
uring = python("""
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.syscall(425, 4, ctypes.create_string_buffer(120))
print("none" if fd < 0 else "ring", flush=True)
""", ready=False)
if uring.stdout.readline() == "ring\n":
    uring.stdout.readline()
    refused("io_uring", str(uring.pid), untouched=uring.pid)
stop(uring)

# --- failures in the middle: it goes on, and what has been changed is said
p = start(["sh", "-c", "ulimit -v 100; echo ready; read x; echo $x; exit 3"])
refused("memory for the filter \\(mmap\\): Cannot allocate memory$", str(p.pid), untouched=p.pid)
if p.communicate("on\n", timeout=20 * SLOW)[0] != "on\n" or p.returncode != 3:
    fail("a process without memory did not go on")
started.remove(p)
p = start([sys.executable, "-c", """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
try:
    while True: os.dup(0)
except OSError: pass
print("ready", flush=True)
print(sys.stdin.readline(), end="", flush=True)
os._exit(4)
"""])
refused("it has no descriptor left.*it goes on as it was, but no_new_privs is set in it for good", str(p.pid))
s = status(p.pid)
if s["NoNewPrivs"] != "1" or s["Seccomp"] != "0" or open(f"/proc/{p.pid}/limits").read().count("Max file locks            unlimited") != 1:
    fail(f"what was said of a process without descriptors is not true: {s}")
if p.communicate("on\n", timeout=20 * SLOW)[0] != "on\n" or p.returncode != 4:
    fail("a process without descriptors did not go on")
started.remove(p)

# --- a process whose first thread has ended
p = start([sys.executable, "-c", """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
print("ready", flush=True)
ctypes.CDLL(None).syscall(60, 0)        # exit(2), of this thread
"""])
while status(p.pid)["State"][0] != "Z":
    time.sleep(0.01)
refused("its first thread has ended", str(p.pid))
stop(p)

# --- a thread that does not stop: it waits for the child that it has made by vfork
VFORK = """
#include <sys/types.h>
#include <stdio.h>
#include <unistd.h>
int main(void) { puts("ready"); fflush(stdout); if (vfork() == 0) { char c; while (read(0, &c, 1) > 0) ; _exit(0); } return 0; }
"""
with open("vfork.c", "w") as f:
    f.write(VFORK)
if subprocess.run([os.environ.get("CC", "cc"), "-w", "-o", "vfork", "vfork.c"]).returncode == 0:
    p = start(["./vfork"])
    refused(f"its thread {p.pid} does not stop \\(state D\\).*vfork", str(p.pid), untouched=p.pid)
    refused("does not stop", "--alone", str(p.pid), untouched=p.pid)
    p.stdin.close()
    if p.wait(timeout=20 * SLOW) != 0:
        fail("the process that made a child by vfork did not go on")
    p.stdout.close()
    started.remove(p)

# --- 32-bit programs
with open("narrow.s", "w") as f:
    f.write(".globl _start\n_start: jmp _start\n")
if (subprocess.run(["as", "--32", "-o", "narrow.o", "narrow.s"]).returncode == 0 and
        subprocess.run(["ld", "-m", "elf_i386", "-o", "narrow", "narrow.o"], capture_output=True).returncode == 0):
    try:
        p = start(["./narrow"], ready=False)
        refused("32-bit program", str(p.pid), untouched=p.pid)
        stop(p)
    except OSError:
        print("(this kernel runs no 32-bit programs)")

# --- the view itself, other views
r = umview("sh", "-c", f"'{BUILD}/um_attach' $$; '{BUILD}/um_attach' $PPID")
if r.stderr.count("it is in this view already") + r.stderr.count("what makes this view") != 2:
    fail(f"its own ancestors: {r.stderr!r}")
r = umview("sh", "-c", f"for p in $(ps -o pid=,comm= --ppid $PPID | sed -n 's/ viewguard//p'); do '{BUILD}/um_attach' $p; done")
if "what makes this view" not in r.stderr:
    fail(f"the guardian: {r.stderr!r}")
r = umview("sh", "-c", f"'{BUILD}/um_attach' {os.getpid()}")        # which has started the view
if not re.search(f"{os.getpid()}: its descendant .*(what makes this view)", r.stderr):
    fail(f"the process that has started the view: {r.stderr!r}")
other = start([BUILD + "/umview", "--norc", *FLAGS, "--", "sh", "-c", "echo ready; read x"])
monitor = int(open(f"/proc/{other.pid}/task/{other.pid}/children").read())
inside = next(int(p) for p in open(f"/proc/{monitor}/task/{monitor}/children").read().split() if status(p)["Name"] == "sh")
refused("it is in another view", str(inside))
refused("what makes another view", str(monitor))
refused("what makes another view", "--alone", str(other.pid))
other.stdin.close()
other.wait()
other.stdout.close()
started.remove(other)
p = python("import sys")
refused("a secure view does not reach for processes outside", str(p.pid), options=["--secure"], untouched=p.pid)
if ROOT:
    refused("ptrace|pidfd_getfd", str(p.pid), options=["--without", "pidfd_getfd"])
else:
    refused("pidfd_getfd", str(p.pid), options=["--without", "pidfd_getfd"], untouched=p.pid)
stop(p)
