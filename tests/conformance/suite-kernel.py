# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's self-tests of seccomp, clone3, close_range, exec, openat2, pidfd, ptrace, epoll, futex, mqueue, proc.

level: full
needs: network
timeout: 900
modes: plain cow
setup: yes
suite: yes
"""
import os
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import suite  # noqa: E402

FOLDERS = ["clone3", "core", "exec", "filesystems", "futex", "mqueue", "openat2", "pidfd", "proc", "ptrace", "seccomp",
           "timers"]
# passes or not natively, by chance
FLAKY = re.compile("epoll59|epoll60")
# folder/program: more sources and words for the compiler.  openat2/rename_attack_test is left out: hours of renaming.
PROGRAMS = {
    "clone3/clone3": "", "clone3/clone3_clear_sighand": "", "clone3/clone3_set_tid": "-lcap",
    "clone3/clone3_cap_checkpoint_restore": "-lcap", "core/close_range_test": "", "exec/execveat": "", "exec/non-regular": "",
    "exec/null-argv": "", "exec/recursion-depth": "", "filesystems/devpts_pts": "", "filesystems/epoll/epoll_wakeup_test": "",
    "futex/functional/futex_requeue": "", "futex/functional/futex_wait": "", "futex/functional/futex_wait_timeout": "",
    "futex/functional/futex_wait_wouldblock": "", "futex/functional/futex_waitv": "",
    "futex/functional/futex_wait_uninitialized_heap": "", "futex/functional/futex_wait_private_mapped_file": "",
    "mqueue/mq_open_tests": "-lrt -lpopt", "openat2/openat2_test": "../openat2/helpers.c", "openat2/resolve_test": "../openat2/helpers.c",
    "pidfd/pidfd_fdinfo_test": "", "pidfd/pidfd_getfd_test": "",
    "pidfd/pidfd_open_test": "", "pidfd/pidfd_poll_test": "", "pidfd/pidfd_test": "", "pidfd/pidfd_wait": "",
    "pidfd/pidfd_setns_test": "", "proc/fd-001-lookup": "", "proc/fd-002-posix-eq": "", "proc/fd-003-kthread": "",
    "proc/proc-loadavg-001": "", "proc/proc-pid-vm": "", "proc/proc-self-map-files-001": "", "proc/proc-self-map-files-002": "",
    "proc/proc-self-syscall": "", "proc/proc-self-wchan": "", "proc/proc-tid0": "", "proc/proc-uptime-001": "",
    "proc/self": "", "proc/setns-dcache": "", "proc/thread-self": "", "ptrace/get_syscall_info": "",
    "ptrace/peeksiginfo": "", "ptrace/vmaccess": "", "seccomp/seccomp_bpf": "-lcap", "timers/posix_timers": "",
}


def setup():
    """Compiles what compiles with the headers that are there."""
    tests, _ = suite.kernel_tests(FOLDERS)
    os.mkdir("bin")
    for name, words in PROGRAMS.items():
        folder, _, base = name.rpartition("/")
        os.makedirs("bin/" + folder, exist_ok=True)
        here = os.path.join(tests, folder)
        if not os.path.exists("%s/%s.c" % (here, base)):
            continue
        words = [os.path.join(here, "..", word) if word.startswith("../") else word for word in words.split()]
        words = [re.sub(r"/\.\./\.\./", "/../", word) for word in words]
        argv = ["cc", "-w", "-O1", "-g", "-std=gnu99", "-D_GNU_SOURCE", "-pthread", "-I" + tests, "-I" + here,
                "-I" + tests + "/futex/include", "-isystem", "/usr/include", "-o", os.path.abspath("bin/" + name),
                "%s/%s.c" % (here, base)] + words
        subprocess.run(argv, stderr=subprocess.DEVNULL)
    os.mkdir("bin/exec/subdir")
    os.symlink("execveat", "bin/exec/execveat.symlink")
    shutil.copyfile("bin/exec/execveat", "bin/exec/execveat.denatured")
    shutil.copyfile(tests + "/exec/Makefile", "bin/exec/Makefile")
    with open("bin/exec/script", "w") as f:
        f.write("#!/bin/bash\nexit $*\n")
    os.chmod("bin/exec/script", 0o755)


def one(name, cases):
    """Prints what each test of a program gave: TAP lines, and the exit status."""
    place = "bin/exec" if name == "exec/execveat" else "work-" + name.replace("/", "-")
    os.makedirs(place, exist_ok=True)
    child = subprocess.Popen([os.path.abspath("bin/" + name)], cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output = child.communicate(timeout=240)[0].decode(errors="replace")
        status = str(child.returncode)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        output = child.communicate()[0].decode(errors="replace")
        status = "not over after 240 s"
    with open("said", "a") as f:
        f.write("=== %s\n%s\n--- %s\n" % (name, output, status))
    results = re.findall(r"(?m)^(?:# )*(ok|not ok) \d+ (?:- )?(.*)$", output)
    for result, text in results:
        if FLAKY.search(text):
            continue
        text, _, more = text.partition(" # ")
        text = re.sub(r"/[^',]*/bin/", "BIN/", text)
        text = re.sub(r"tmp/[^',]*|var/[^',]*", "PATH", text)
        text = re.sub(r"0x[0-9a-f]+|\b\d+\b", "N", text)
        kind = "SKIP" if more.startswith("SKIP") else "PASS" if result == "ok" else "FAIL"
        cases.say(name + "/" + text, kind)
    if name == "filesystems/epoll/epoll_wakeup_test":
        return
    cases.say(name, status if results else {"0": "PASS", "4": "SKIP"}.get(status, "FAIL with " + status))
    if place.startswith("work-"):
        shutil.rmtree(place, ignore_errors=True)


if sys.argv[1:] == ["setup"]:
    setup()
else:
    cases = suite.Cases()
    for name in PROGRAMS:
        if os.path.exists("bin/" + name):
            one(name, cases)
        else:
            cases.say(name, "does not compile")
