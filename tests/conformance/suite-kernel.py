# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's self-tests of what programs may do: files, exec, processes, ptrace, seccomp, signals, the processor.

level: full
needs: network
timeout: 1200
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

# passes or not natively, by chance
FLAKY = re.compile("epoll59|epoll60")
# Left out: openat2/rename_attack_test (hours of renaming), filesystems/dnotify_test (has no end), proc/read (fails if
# any process ends meanwhile), futex_wait and futex_requeue (too quick for a busy machine).  What wants newer headers
# than there are "does not compile".
PROGRAMS = {
    "breakpoints": "breakpoint_test",
    "cachestat": "test_cachestat",
    "clone3": "clone3 clone3_cap_checkpoint_restore clone3_clear_sighand clone3_set_tid",
    "core": "close_range_test unshare_test",
    "exec": "execveat load_address non-regular null-argv recursion-depth",
    "fchmodat2": "fchmodat2_test",
    "filelock": "ofdlocks",
    "filesystems": "devpts_pts epoll/epoll_wakeup_test eventfd/eventfd_test statmount/statmount_test",
    "futex/functional": """futex_wait_private_mapped_file futex_wait_timeout futex_wait_uninitialized_heap
        futex_wait_wouldblock futex_waitv""",
    "kcmp": "kcmp_test",
    "landlock": "base_test fs_test net_test ptrace_test scoped_abstract_unix_test scoped_signal_test scoped_test",
    "lsm": "lsm_get_self_attr_test lsm_list_modules_test",
    "membarrier": "membarrier_test_multi_thread membarrier_test_single_thread",
    "memfd": "memfd_test",
    "mincore": "mincore_selftest",
    "mm": """map_fixed_noreplace map_populate mdwe_test memfd_secret mlock2-tests mrelease_test mremap_dontunmap mseal_test
        on-fault-limit""",
    "mount_setattr": "mount_setattr_test",
    "move_mount_set_group": "move_mount_set_group_test",
    "mqueue": "mq_open_tests",
    "nsfs": "owner pidns",
    "openat2": "openat2_test resolve_test",
    "pidfd": "pidfd_fdinfo_test pidfd_getfd_test pidfd_open_test pidfd_poll_test pidfd_setns_test pidfd_test pidfd_wait",
    "prctl": "disable-tsc-test set-anon-vma-name-test set-process-name",
    "proc": """fd-001-lookup fd-002-posix-eq fd-003-kthread proc-loadavg-001 proc-pid-vm proc-self-isnt-kthread
        proc-self-map-files-001 proc-self-map-files-002 proc-self-syscall proc-self-wchan proc-tid0 proc-uptime-001 self
        setns-dcache thread-self""",
    "ptrace": "get_syscall_info peeksiginfo vmaccess",
    "rlimits": "rlimits-per-userns",
    "rseq": "basic_percpu_ops_test basic_test",
    "sched": "cs_prctl_test",
    "seccomp": "seccomp_bpf",
    "sigaltstack": "sas",
    "splice": "default_file_splice_read splice_read",
    "syscall_user_dispatch": "sud_test",
    "timens": "clock_nanosleep exec futex procfs timens timer timerfd vfork_exec",
    "timers": "posix_timers",
    "tmpfs": "bug-link-o-tmpfile",
    "tty": "tty_tstamp_update",
    "vDSO": "vdso_test_abi vdso_test_correctness vdso_test_getcpu",
    "x86": """fsgsbase fsgsbase_restore ioperm iopl ldt_gdt nx_stack ptrace_syscall sigaltstack sigtrap_loop
        single_step_syscall syscall_arg_fault syscall_nt syscall_numbering sysret_rip test_mremap_vdso test_vsyscall""",
}
# sources beside the program's own
SOURCES = {"lsm": "common.c", "memfd": "common.c", "openat2": "helpers.c", "rseq": "rseq.c", "vDSO": "parse_vdso.c",
           "x86/fsgsbase_restore": "clang_helpers_64.S", "x86/sysret_rip": "clang_helpers_64.S"}
NAMES = [folder + "/" + name for folder, names in PROGRAMS.items() for name in names.split()]


def setup():
    """Compiles what compiles with the headers that are there."""
    tests = suite.kernel_tests()
    os.mkdir("bin")
    for name in NAMES:
        folder = name.rpartition("/")[0]
        here = os.path.join(tests, folder)
        os.makedirs("bin/" + folder, exist_ok=True)
        more = SOURCES.get(name) or SOURCES.get(folder)
        argv = ["cc", "-w", "-O1", "-g", "-std=gnu99", "-D_GNU_SOURCE", "-pthread", "-I" + tests, "-I" + here,
                "-I" + tests + "/futex/include", "-isystem", "/usr/include", "-idirafter", tests + "/../../include",
                "-o", os.path.abspath("bin/" + name), "%s/%s.c" % (tests, name)]
        argv += [os.path.join(here, more)] if more else []
        subprocess.run(argv + ["-Wl,--as-needed", "-lcap", "-lpopt", "-lrt", "-ldl", "-lm"], stderr=subprocess.DEVNULL)
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
    for name in NAMES:
        if os.path.exists("bin/" + name):
            one(name, cases)
        else:
            cases.say(name, "does not compile")
