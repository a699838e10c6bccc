# SPDX-License-Identifier: GPL-2.0-or-later
# Secure mode: mounts of the command line stay; no directory of the host's becomes the place of changes; the kernel's file
# systems are read-only; there is no core; descriptors of directories lead to the view.

# timeout: 300
# as: both

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["UMVIEW_SRC"], "tests", "behaviour", "secure"))
import exploit

# Each is run by sh in the working directory, which is the host's, as is $HOST; 9 is a descriptor of $HOST from outside.
# What it leaves on the host is compared; a script that needs no file on the host says so by its exit status.
SCRIPTS = {
    "ordinary": "echo x >$HOST/ordinary",
    "descriptor": "echo x >/proc/self/fd/9/descriptor",
    "descriptor-up": "cd /proc/self/fd/9/.. && echo x >$(basename $HOST)/descriptor-up",
    "descriptor-at": "python3 -c 'import os; os.close(os.open(\"descriptor-at\", os.O_CREAT | os.O_WRONLY, dir_fd=9))'",
    "bind": "mkdir m && mount --bind $HOST m && echo x >m/bind",
    "move": "mkdir m && mount -t viewfs -o move $HOST m && echo x >m/move",
    "cow": "mkdir m && mount -t viewfs -o cow $HOST m && echo x >m/cow",
    "merge": "mkdir m && mount -t viewfs -o merge $HOST m && echo x >m/merge",
    "mincow": "mkdir m && mount -t viewfs -o mincow $HOST m && echo x >m/mincow",
    "cow-of": "mkdir m && mount -t viewfs -o cow=$HOST m m; echo x >m/cow-of",
    "bind-root": "mkdir m && mount --bind / m && echo x >m$HOST/bind-root",
    "bind-proc": "mkdir m && mount --bind /proc/self/fd/9 m && echo x >m/bind-proc",
    "move-over": "mount -t viewfs -o move,permanent $HOST $PWD && echo x >$PWD/move-over",
    "nested": "umview --norc --cow $HOST/up sh -c 'echo x >$HOST/nested'",
    "nested-move": "mkdir m; umview --norc --mount viewfs,move:$HOST:$PWD/m sh -c 'echo x >m/nested-move'",
    "nested-secure": "umview --norc --secure --mount viewfs,cow:$HOST/up:$PWD sh -c 'echo x >nested-secure'",
    "chroot": "umview --norc --su chroot $HOST /bin/sh -c 'echo x >/chroot'; chroot $HOST /bin/sh -c 'echo x >/chroot'",
    "service": "cp $LIB own.so; um_add_service $PWD/own.so; mount -t viewfs -o move $HOST m; echo x >$HOST/service",
    "list-enter": "umview --norc --enter $NAME sh -c 'echo x >$HOST/list-enter'",
    "attach": "um_attach $OUTSIDE; kill -TERM $OUTSIDE; echo x >/proc/$OUTSIDE/cwd/attach",
    "umount-lazy": "umount -l $GIVEN; umount -f /; umount -l /; echo x >$HOST/umount-lazy",
    "umount": "umount $GIVEN; echo x >$GIVEN/umount",
    "remount": "mount -o remount,rw $READONLY; echo x >$READONLY/remount",
    "bind-of-readonly": "mkdir m && mount --bind $READONLY m && echo x >m/bind-of-readonly",
    "core": "cd $HOST && ulimit -c unlimited; sh -c 'kill -SEGV $$'; true",
}
# Where there is no mount over / that would keep what they do.
ALONE = {"umount", "remount", "bind-of-readonly"}


def tree(*dirs):
    return {os.path.join(top, n) for d in dirs for top, _, names in os.walk(d) for n in names}


def run(secure):
    """The scripts that have left something on the host."""
    escaped = set()
    outside = outside_process("sleep", "600")
    for name, script in SCRIPTS.items():
        host, given, readonly, work = (tempfile.mkdtemp(prefix=p, dir=exploit.TMP) for p in ("h.", "g.", "r.", "w."))
        upper = tempfile.mkdtemp(prefix="cow.", dir=exploit.TMP)
        given_upper = tempfile.mkdtemp(prefix="cow.", dir=exploit.TMP)
        fd = os.open(host, os.O_RDONLY)
        os.dup2(fd, 9, inheritable=True)
        command = [*exploit.COMMAND, *secure, *([] if name in ALONE else ["--cow", upper]), "--mount", "viewfs,cow:%s:%s" % (given_upper, given),
                   "--mount", "viewfs,move,ro:%s:%s" % (readonly, readonly), "sh", "-c", script]
        subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[9], timeout=60,
                       env={**os.environ, "HOST": host, "GIVEN": given, "READONLY": readonly,
                            "NAME": OTHER, "OUTSIDE": str(outside.pid),
                            "LIB": os.path.join(exploit.BUILD, "modules/.libs/viewfs.so"),
                            "PATH": exploit.BUILD + ":" + os.environ["PATH"]})
        os.close(fd)
        if tree(host, given, readonly, work, OUTSIDE):
            escaped.add(name)
    outside.kill()
    outside.wait()
    return escaped


def outside_process(*command):
    return subprocess.Popen(command, cwd=OUTSIDE, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


OUTSIDE = tempfile.mkdtemp(prefix="o.", dir=exploit.TMP)
OTHER = "secure-files-%d" % os.getpid()
other_view = outside_process(exploit.UMVIEW, "--norc", "--name", OTHER, "sleep", "600")
try:
    plain, secure = run([]), run(["--secure"])
finally:
    other_view.terminate()
    other_view.wait()
print("default:", *sorted(plain))
print("secure:", *sorted(secure))
if secure:
    exploit.fail("something of the host's has changed")
if not plain >= {"umount", "remount"}:
    exploit.fail("without --secure nothing has changed either: the test proves nothing")

# The kernel's file systems can be looked at, and not changed.
check = """
import errno, os
for name in "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/fs/cgroup/cgroup.procs":
    if os.path.exists(name):
        open(name).close()
        try:
            open(name, "w").close()
        except OSError as e:
            assert e.errno in (errno.EROFS, errno.EACCES), e
        else:
            raise SystemExit(name + " can be written")
open("/proc/self/oom_score_adj", "w").write("7")
assert open("/proc/self/oom_score_adj").read() == "7\\n"
"""
subprocess.run([*exploit.view("--secure", "--su"), "python3", "-c", check], check=True, timeout=60)
