# SPDX-License-Identifier: GPL-2.0-or-later
"""stress-ng --verify: its stressors of file systems, processes, signals, pipes and sockets, each for a second.

level: full
needs: network
timeout: 1200
modes: plain cow
suite: yes
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import suite  # noqa: E402

FILES = """access chattr chdir chmod chown copy-file dentry dir dirdeep dirmany dnotify dup eventfd fallocate fcntl fiemap
	file-ioctl filename flock fpunch fsize fstat full getdent handle hdd inode-flags inotify io iomix lease link locka
	lockf lockofd mknod open procfs rename seek sendfile splice symlink sync-file touch utime verity xattr"""
MEMORY = "madvise memfd mincore mmap mmapaddr mmapfixed mremap msync munmap remap seal shm shm-sysv tee vm-splice"
PROCESSES = """affinity clone close daemon env exec exit-group fork get getrandom kcmp kill landlock mutex nanosleep nice
	personality pidfd poll prctl pthread ptrace pty rlimit schedpolicy seccomp session set sleep spawn switch sysinfo
	sysinval userfaultfd vdso vfork vforkmany wait x86syscall yield zombie alarm clock itimer timer timerfd futex"""
SIGNALS = """sigabrt sigchld sigfd sigfpe sigio signal signest sigpending sigpipe sigq sigrt sigsegv sigsuspend sigtrap
	bad-altstack sysbadaddr"""
SOCKETS = """epoll fifo mq msg pipe pipeherd ring-pipe sem sem-sysv sock sockabuse sockdiag sockfd sockpair sockmany udp
	unshare netlink-task"""


# what would not be done with its preparations in a second on a busy machine
MORE = {"chdir": ["--chdir-dirs", "256"]}


def run(stressor, place):
    """Status and output of a stressor."""
    os.mkdir(place)
    try:
        r = subprocess.run(["stress-ng", "--" + stressor, "1", "--timeout", "1", "--verify", "--temp-path", place,
                            "--no-rand-seed", "--metrics-brief", "--oomable"] + MORE.get(stressor, []), stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=90)
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        subprocess.run(["chmod", "-R", "u+rwX", place], stderr=subprocess.DEVNULL)
        shutil.rmtree(place, ignore_errors=True)
    with open("said", "a") as f:
        f.write("=== %s\n%s" % (stressor, r.stdout))
    return r.returncode, r.stdout


def one(stressor):
    """What a stressor says: whether it verified, was skipped or failed.

    Its complaints say nothing: its processes still run while it removes their files.  And the signal that ends the second
    may end a call with EINTR in a view (DIFFERENCES), for which some stressors fail: then once more.
    """
    for attempt in range(3):
        status, output = run(stressor, "work-%s-%d" % (stressor, attempt))
        if status == 0 or "Interrupted system call" not in output:
            break
    if "skipped" in output or "No stress workers" in output:
        return "SKIPPED"
    return {0: "PASS", 2: "FAIL", 3: "NO-RESOURCE", 4: "NOT-IMPLEMENTED", None: "not over after 90 s"}.get(
        status, "STATUS %d" % (status or 0))


suite.installed("stress-ng")
cases = suite.Cases()
for group, stressors in [("files", FILES), ("memory", MEMORY), ("processes", PROCESSES), ("signals", SIGNALS),
                         ("sockets", SOCKETS)]:
    for stressor in sorted(set(stressors.split())):
        cases.say("%s/%s" % (group, stressor), one(stressor))
