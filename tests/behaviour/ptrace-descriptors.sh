# SPDX-License-Identifier: GPL-2.0-or-later
# Descriptors with the ptrace tracer: who kills the process that lends them does no harm, another one is there at the next use
# and none when the view has ended; where pidfd_getfd is refused they come by message.
# timeout: 120
# as: both
# ptrace: no
. "$(dirname "$0")/../lib.sh"

# carrier: this test's
carrier() {
	for pid in $(pgrep -x viewcarrier); do
		grep -qz "^UMVIEW_TEST_MARK=${UMVIEW_TEST_MARK:-none}\$" "/proc/$pid/environ" 2>/dev/null && echo "$pid"
	done
}

fresh_dir D
mkfifo go
cat >inside.sh <<'END'
echo changed >file
for round in 1 2 3 4 5; do
	echo "round $round"
	read x <go
	cat file || exit 1
	[ "$(python3 -c 'import socket; a, b = socket.socketpair(); print(a.fileno())')" ] || exit 1
done
END
export UMVIEW_TEST_MARK="${UMVIEW_TEST_MARK:-none}"
umview --tracer ptrace --cow "$D" -- timeout 50 sh inside.sh >out 2>&1 &
view=$!
for round in 1 2 3 4 5; do
	for i in $(seq 300); do
		grep -q "round $round" out && break
		sleep 0.1
	done
	sleep 0.1
	pids=$(carrier)
	equal "carriers in round $round" "$(echo $pids | wc -w)" 1
	kill -9 $pids
	while [ -n "$(carrier)" ]; do sleep 0.1; done
	echo >go
done
wait $view || fail "exit status $?: $(cat out)"
equal "what was read" "$(grep -c changed out)" 5
for i in $(seq 50); do
	[ -n "$(carrier)" ] || break
	sleep 0.1
done
equal "carriers left" "$(carrier)" ""

# Where pidfd_getfd cannot be had descriptors come by message: what they are, and their numbers, as natively.
cat >fds.py <<'END'
import fcntl, os, resource, stat, sys, threading
say = print
open("file", "w").write("0123456789")
a = os.open("file", os.O_RDWR)
say("number", a)
os.lseek(a, 4, 0)
d = os.dup(a)
say("shared offset", os.read(d, 2), os.read(a, 2))
os.mkfifo("fifo")
t = threading.Thread(target=lambda: os.write(os.open("fifo", os.O_WRONLY), b"through"))
t.start()
f = os.open("fifo", os.O_RDONLY)
t.join()
say("fifo", os.read(f, 100), stat.S_ISFIFO(os.fstat(f).st_mode), fcntl.fcntl(f, fcntl.F_GETFD))
for fd in range(3, 30):
    try: os.close(fd)
    except OSError: pass
os.mkdir("dir")
os.chdir("dir")
say("working directory", os.path.basename(os.getcwd()), sorted(os.listdir("..")))
say("path", fcntl.fcntl(os.open("../file", os.O_PATH), fcntl.F_GETFL) & os.O_PATH == os.O_PATH)
os.close(3)
resource.setrlimit(resource.RLIMIT_NOFILE, (4, 64))
say("the last number", os.open("../file", os.O_RDWR), resource.getrlimit(resource.RLIMIT_NOFILE))
try:
    os.open("../file", os.O_RDWR)
    say("one more")
except OSError as e:
    say("none is left", e.errno)
END
for how in native "" "--without pidfd_getfd"; do
	fresh_dir W
	cp fds.py "$W"
	if [ "$how" = native ]; then
		native=$(cd "$W" && python3 fds.py 2>&1)
		continue
	fi
	fresh_dir D
	# shellcheck disable=SC2086
	equal "descriptors ($how)" "$(cd "$W" && umview --tracer ptrace $how --cow "$D" -- timeout 50 python3 fds.py 2>&1)" "$native"
done
printf '%s\n' "$native"

# A process with other ids than the monitor's, which only real root has.
[ "$(id -u)" = 0 ] || exit 0
fresh_dir D
chmod 755 "$D" .
expect 0 umview --tracer ptrace --cow "$D" -- sh -c 'umask 022; echo changed >file;
	exec setpriv --reuid nobody --regid nogroup --clear-groups python3 -c "import os; print(os.getuid(), open(\"file\").read())"'
expect_out 'changed'
