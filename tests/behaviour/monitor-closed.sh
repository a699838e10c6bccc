# SPDX-License-Identifier: GPL-2.0-or-later
# as: both
# The monitor and its kin are closed to the view's processes, by /proc in any of its places and by ptrace; what ps reads is not.
. "$(dirname "$0")/../lib.sh"

cat >inside.py <<'END'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
os.mkdir("p")
if libc.mount(b"/proc", b"p", None, 4096, None):
    sys.exit("cannot bind /proc")
own = os.getpid()
found = 0

def mine(pid):
    return sys.argv[1].encode() in open(f"/proc/{pid}/cmdline", "rb").read()

for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        name = open(f"/proc/{pid}/comm").read().strip()
        cow = mine(open(f"/proc/{pid}/stat").read().split()[3] if name == "viewguard" else pid)
    except OSError:
        continue
    if name not in ("umview", "viewguard") or not cow:
        continue
    found += name == "umview"
    open(f"/proc/{pid}/stat").read()
    for top in "/proc", "p":
        for file in "mem", "maps", "fd/0", "environ", "cwd", "auxv":
            for flags in os.O_RDONLY, os.O_RDWR:
                try:
                    os.open(f"{top}/{pid}/{file}", flags)
                    sys.exit(f"{top}/{pid}/{file} ({name}) can be opened")
                except OSError:
                    pass
    if libc.ptrace(0x4206, int(pid), 0, 0) == 0:       # PTRACE_SEIZE
        sys.exit(f"{pid} ({name}) can be traced")
if found < 2:
    sys.exit(f"only {found} processes of umview are seen")
os.close(os.open(f"/proc/{own}/mem", os.O_RDWR))
os.close(os.open("p/self/mem", os.O_RDWR))
assert open("p/self/comm").read() == "python3\n"
print("closed")
END
fresh_dir D
for mode in "" --secure; do
	# shellcheck disable=SC2086
	expect 0 umview $mode --cow "$D/$mode" --su -- python3 inside.py "$D"
	expect_out closed
done
