# SPDX-License-Identifier: GPL-2.0-or-later
# Secure mode: a call that the monitor has put in the place of another one passes the filter at once or never.
# as: both
# timeout: 300

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["UMVIEW_SRC"], "tests", "behaviour", "secure"))
import exploit


def run(*options):
    """What the exploit prints in a view that has made one program, and removed another."""
    work = tempfile.mkdtemp(prefix="pass.", dir=exploit.TMP)
    programs = {}
    for name, status in ("hidden", 7), ("original", 42):
        programs[name] = os.path.join(work, name)
        subprocess.run([os.environ.get("CC", "cc"), "-x", "c", "-o", programs[name], "-"], check=True,
                       input="int main(void) { return %d; }" % status, text=True)
    script = 'rm "$1" && cp "$2" "$2.copy" && exec "$0" "$2.copy" "$1"'
    return exploit.attempts([*exploit.view(*options), "sh", "-c", script, program, programs["hidden"],
                             programs["original"]])


program = exploit.build("pass")
if "ptrace" in exploit.COMMAND:
    print("that tracer makes the call in place of the first, and not after it")
    sys.exit(77)
plain, secure = run(), run("--secure")
print("default: %s\nsecure: %s" % (plain, secure))
for attempt, (_, text) in secure.items():
    if text != "held":
        exploit.fail("%s: %s in a secure view" % (attempt, text))
if not plain["stale"][0]:
    exploit.fail("without --secure nothing escapes: the test proves nothing")
