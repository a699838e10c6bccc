# SPDX-License-Identifier: GPL-2.0-or-later
# The ptrace tracer: other tests again with it; it is chosen where there is no listener, with one line; what it cannot is said.
# timeout: 400
. "$(dirname "$0")/../lib.sh"

echo "--- the choice"
expect 0 umview --without listener -- sh -c 'umview --list --json; true'
expect_out '"tracer": "ptrace"'
equal "lines of notice" "$(printf '%s\n' "$out" | grep -c '^umview: ')" 1
expect_out '^umview: there is no seccomp listener .*ptrace'
expect 0 umview --tracer ptrace -- sh -c 'umview --list --json'
expect_out '"tracer": "ptrace"'
printf '%s\n' "$out" | grep -q '^umview:' && fail "a notice without need: $out"
expect 0 umview --tracer auto -- true
equal "a word of the choice where there is none" "$out" ""
expect 125 umview --without listener --without ptrace -- true
expect_out 'no other tracer'
expect 125 umview --without listener --tracer magic -- true
expect 0 umview --doctor
expect_out '^ok  *ptrace tracer '

echo "--- what cannot be"
if command -v strace >/dev/null; then
	expect '!0' umview --tracer ptrace -- strace -o trace true
	expect_out 'Operation not permitted'
	expect '!0' umview --tracer ptrace -- sh -c 'sleep 50 & strace -o trace -p $!; s=$?; kill $!; exit $s'
	expect_out 'has one tracer'
else
	not_tried "strace is missing"
fi

echo "--- nothing shows"
expect 0 umview --tracer ptrace -- grep -E '^(TracerPid|Seccomp)' /proc/self/status
equal "status" "$(echo $out)" "TracerPid: 0 Seccomp: 0 Seccomp_filters: 0"

echo "--- nothing is left"
umview --tracer ptrace -- sh -c 'echo $PPID >monitor; sleep 61.5 & exec sleep 61.6' &
while ! [ -s monitor ]; do sleep 0.1; done
sleep 0.3
kill -9 "$(cat monitor)"
wait $!
for i in $(seq 100); do
	[ -n "$(processes_of 'sleep 61\.[56]')" ] || break
	sleep 0.1
done
[ -z "$(processes_of 'sleep 61\.[56]')" ] || fail "processes are left"

failed=
for t in chroot-busybox exit-status job-control oracle-files bind-mounts same-file lower-links socket-creds monitor-death \
	two-views musl elf32 stand-ins layer-commands; do
	for file in "$UMVIEW_SRC/tests/behaviour/$t".*; do
		case $file in *.py) by=python3 ;; *) by=sh ;; esac
		mkdir -p "$t"
		echo "--- $t"
		(cd "$t" && TMPDIR=$PWD UMVIEW_FLAGS="--tracer ptrace" timeout $((60 * UMVIEW_SLOW)) $by "$file" >log 2>&1)
		status=$?
		[ $status = 0 ] && continue
		if [ $status = 77 ]; then
			not_tried "$t: $(tail -n 1 "$t/log")"
			continue
		fi
		failed="$failed $t"
		echo "exit status $status"
		tail -15 "$t/log"
	done
done
[ -z "$failed" ] || fail "failed:$failed"
