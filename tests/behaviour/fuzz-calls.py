# SPDX-License-Identifier: GPL-2.0-or-later
"""Random system calls with hostile arguments: they give what they give natively, and neither end, hang nor use up the monitor.

The same calls, one after the other, natively and in a view: each result is compared (with seeds that
are known to agree; others find which of two errors comes first).  Then storms of them by threads, which change each other's memory and descriptors, in
each kind of view, with few descriptors for the monitor; the seed is printed.  UMVIEW_FUZZ_SEED (a number, or "random"),
UMVIEW_FUZZ_CALLS and UMVIEW_FUZZ_SECONDS choose others.
"""
# timeout: 300
import os
import random
import resource
import subprocess
import sys
import tempfile

SRC, BUILD, TMP = os.environ["UMVIEW_SRC"], os.environ["UMVIEW_BUILD"], os.environ["TMPDIR"]
UMVIEW = [os.path.join(BUILD, "umview"), "--norc", *os.environ.get("UMVIEW_FLAGS", "").split()]
PROGRAM = os.path.join(TMP, "calls")
AGREE = [1, 2, 3, 4, 5, 6]
DESCRIPTORS = 400   # what the monitor may have at a time; a leak of one kind of call uses them up


def fail(text):
    print("FAILED:", text, file=sys.stderr)
    sys.exit(1)


def run(options, *args, **kwargs):
    """The program in a directory of its own, natively (options None) or in a view with these options; its output."""
    work = tempfile.mkdtemp(prefix="work.", dir=TMP)
    here = os.path.join(work, "here")
    os.mkdir(here)
    view = [] if options is None else [*UMVIEW, *(o.replace("{DIR}", os.path.join(work, "cow")) for o in options), "--"]
    done = subprocess.run([*view, PROGRAM, *map(str, args)], cwd=here, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, errors="backslashreplace", timeout=250, **kwargs)
    if done.returncode != 0:
        fail("%s %s: exit status %d\n%s" % (options, args, done.returncode, done.stderr[-3000:]))
    return done.stdout.splitlines()


def compare(seed, calls):
    native = run(None, "compare", seed, calls)
    for options in [], ["--cow", "{DIR}"]:
        for wanted, got in zip(native, run(options, "compare", seed, calls)):
            if wanted != got:
                fail("seed %d, %s: natively %s, in a view %s" % (seed, options, wanted, got.rsplit(" ", 1)[1]))


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


chosen = os.environ.get("UMVIEW_FUZZ_SEED")
seed = random.randrange(1 << 32) if chosen in (None, "random") else int(chosen)
seconds = float(os.environ.get("UMVIEW_FUZZ_SECONDS", "3"))
flags = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-w", "-I" + SRC, "-I" + os.path.join(SRC, "monitor", "syscall")]
subprocess.run([os.environ.get("CC", "cc"), *flags, "-o", PROGRAM, os.path.join(SRC, "tests", "behaviour", "fuzz", "calls.c"),
                "-lpthread"], check=True)
for one in AGREE if chosen is None else [seed]:
    compare(one, int(os.environ.get("UMVIEW_FUZZ_CALLS", "500")))
print("seed of the storms:", seed)
for options in (["--cow", "{DIR}"], ["--secure", "--cow", "{DIR}"], ["--cow", "{DIR}", "--tracer", "ptrace"]):
    if run(options, "storm", seed, int(seconds * 1000), preexec_fn=few_descriptors) != ["survived"]:
        fail("%s, seed %d: it did not come to its end" % (options, seed))
