# SPDX-License-Identifier: GPL-2.0-or-later
# Large files are copied up while the view goes on: several processes want the same one at once, a directory of them is
# renamed, the lower one changes meanwhile, a view is killed in the middle.
. "$(dirname "$0")/../lib.sh"

fresh_dir D
mkdir t t/dir
python3 - <<'END'
import os
block = bytes(range(256)) * 4096                    # 1 MiB
for name, n in (("t/big", 40), ("t/dir/one", 6), ("t/dir/two", 7), ("t/other", 9), ("t/huge", 300)):
    with open(name, "wb") as f:
        for i in range(n):
            f.write(i.to_bytes(4, "little") + block[4:])
os.truncate("t/other", 200 << 20)                   # sparse from there on
END
sums=$(cksum t/big t/dir/one t/dir/two t/other)

cat >inside.py <<'END'
import os, subprocess, sys
def child(i):
    fd = os.open("t/big", os.O_RDWR)
    os.pwrite(fd, b"child%d" % i, i << 20)
    os.close(fd)
    os._exit(0)
pids = []
for i in range(6):
    pid = os.fork()
    if pid == 0:
        child(i)
    pids.append(pid)
# what does not need the file goes on
for _ in range(2000):
    os.stat("/etc/passwd")
for pid in pids:
    assert os.waitpid(pid, 0)[1] == 0
data = open("t/big", "rb").read()
assert len(data) == 40 << 20
block = bytes(range(256)) * 4096
for i in range(40):
    wanted = bytearray(i.to_bytes(4, "little") + block[4:])
    if i < 6:
        wanted[:6] = b"child%d" % i
    assert data[i << 20:(i + 1) << 20] == wanted, i
os.rename("t/dir", "t/moved")
assert os.path.getsize("t/moved/one") == 6 << 20 and os.path.getsize("t/moved/two") == 7 << 20
assert not os.path.exists("t/dir")
os.chmod("t/other", 0o640)
st = os.stat("t/other")
assert st.st_size == 200 << 20 and st.st_mode & 0o7777 == 0o640 and st.st_blocks * 512 < 20 << 20, st
fd = os.open("t/moved/one", os.O_WRONLY | os.O_TRUNC)
assert os.fstat(fd).st_size == 0
print("good")
END
expect 0 umview --cow "$D" --su -- python3 inside.py
expect_out good
equal "the lower files" "$(cksum t/big t/dir/one t/dir/two t/other)" "$sums"
expect 0 umview --cow "$D" -- cksum t/moved/two
equal "a renamed file" "${out%% *}" "$(cksum <t/dir/two | cut -d' ' -f1)"

# copies that turn out not to be needed are given up: descriptors would run out soon
fresh_dir L
mkdir many
for i in 1 2 3 4 5 6 7 8; do
	head -c 20000000 /dev/zero >many/$i
done
(
	ulimit -n 96
	umview --cow "$L" -- python3 -c '
import os
for n in range(1, 9):
    pids = []
    for i in range(6):
        pid = os.fork()
        if pid == 0:
            os.close(os.open(f"many/{n}", os.O_RDWR))
            os._exit(0)
        pids.append(pid)
    assert all(os.waitpid(p, 0)[1] == 0 for p in pids), n
print("good")'
) >out 2>&1 || { cat out; fail "many processes that want the same files"; }

# killed while it copies: nothing is left, and the next view has the lower file still
fresh_dir K
# shellcheck disable=SC2086
"$UMVIEW" --norc $UMVIEW_FLAGS --cow "$K" -- sh -c 'echo x >started; exec python3 -c "import os; os.open(\"t/huge\", os.O_RDWR); open(\"opened\", \"w\")"' &
view=$!
n=0
while [ ! -e "$K$PWD/started" ] && [ $n -lt 100 ]; do
	sleep 0.05
	n=$((n + 1))
done
sleep 0.05
kill -9 $view
wait $view 2>/dev/null
sleep 1
expect 0 umview --cow "$K" -- cksum t/huge
equal "the file after a kill" "$out" "$(cksum t/huge)"
equal "left in work/" "$(ls "$K/.umview/work")" ""
