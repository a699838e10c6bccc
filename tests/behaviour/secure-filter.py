# SPDX-License-Identifier: GPL-2.0-or-later
# Secure mode: no call gets past the filter, neither with the monitor's cookie nor as another architecture's.
# as: both

import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["UMVIEW_SRC"], "tests", "behaviour", "secure"))
import exploit


def run(*prefix):
    """What the attempts have made on the host."""
    host = tempfile.mkdtemp(prefix="host.", dir=exploit.TMP)
    exploit.attempts([*prefix, program, host], cwd=exploit.TMP)
    return set(os.listdir(host))


program = exploit.build("filter")
native, plain, secure = run(), run(*exploit.view()), run(*exploit.view("--secure"))
print("natively:", *sorted(native))
print("default:", *sorted(plain))
print("secure:", *sorted(secure))
if not native >= {"ordinary", "cookie"}:
    exploit.fail("the attempts fail natively: they prove nothing")
if plain != {"cookie"} and "ptrace" not in exploit.COMMAND: # that tracer leaves no cookie behind
    exploit.fail("without --secure another way than the cookie's leads out, or that one does not")
if secure:
    exploit.fail("a call passes the filter of a secure view")
