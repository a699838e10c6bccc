#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# ptrace: no
"""tests/conform sees what it is there for: a difference that is not listed, one that is listed and does not occur,
a wrong exit status, a process left behind, a time-out, a reason that DIFFERENCES does not know."""
import os
import subprocess
import sys

SRC = os.environ["UMVIEW_SRC"]
PROGRAM = """# modes: plain cow
# timeout: 5
echo "same: $(echo one)"
if [ -n "${UMVIEW_NAME:-}" ]; then
%s
else
echo "other: native"
fi
"""


def conform(inside, listed, status, *wanted):
    """Runs the program with what it does inside and a list of differences; its output must have all the words."""
    with open("program.sh", "w") as f:
        f.write(PROGRAM % inside)
    with open("differences", "w") as f:
        f.write(listed)
    r = subprocess.run([sys.executable, "-B", SRC + "/tests/conform", "-v", "--differences", "differences", "program.sh"],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print("--- %s [%s]: status %d\n%s" % (inside, listed.strip(), r.returncode, r.stdout))
    missing = [word for word in wanted if word not in r.stdout]
    if r.returncode != status or missing:
        sys.exit("FAILED: status %d, not %d; missing: %s" % (r.returncode, status, missing))


REASON = "# Where a view differs from a plain Linux\n"
conform("echo other: native", "", 0, "plain: 2 cases\n", "cow: 2 cases\n")
conform("echo other: view", "", 1, "plain program other: DIFFERS", "native: native", "plain: view", "cow: 2 cases, 1 wrong")
conform("echo other: view", "plain,cow program other " + REASON, 0, "plain program other: listed")
conform("echo other: view", "plain program other " + REASON, 1, "plain program other: listed", "cow program other: DIFFERS")
conform("echo other: view", "* program o* " + REASON, 0, "cow program other: listed")
conform("echo other: native", "cow program other " + REASON, 1, "DOES NOT DIFFER", "plain: 2 cases\n")
conform("echo other: native", "cow program other maybe " + REASON, 0)
conform("echo other: native; echo more: x", "", 1, "more: DIFFERS", "(no such line)")
conform("true", "", 1, "other: DIFFERS", "(no such line)")
conform("echo other: native; echo oh >&2; exit 3", "", 1, "exit status 3", "oh")
conform("echo other: native; sleep 30 & exit 0", "", 0)
conform("echo other: native; sleep 20", "", 1, "not over after 5 s", "sleep 20")
conform("echo other: native", "cow program other # because\n", 1, "must be words of doc/DIFFERENCES")
conform("echo other: native", "cow program\n", 1, "not MODE PROGRAM CASE")

# natively a child that stays is seen: nobody ends it there
with open("program.sh", "w") as f:
    f.write("# modes: plain\necho a: b\nsleep 30 &\n")
r = subprocess.run([sys.executable, "-B", SRC + "/tests/conform", "program.sh"], stdout=subprocess.PIPE, text=True)
print(r.stdout)
if r.returncode != 1 or "processes are left behind" not in r.stdout:
    sys.exit("FAILED: a process that was left behind natively is not seen")
