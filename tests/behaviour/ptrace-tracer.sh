# SPDX-License-Identifier: GPL-2.0-or-later
# The ptrace tracer: it is chosen where there is no listener, with one line; what it cannot is said.  Other tests run with it
# as well: "ptrace" in tests/run.
# timeout: 120
# ptrace: no
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

echo "--- hosts that have none"
host=$UMVIEW_BUILD/test-logs/bin/no-listener # tests/run makes it
if [ -x "$host" ]; then
	for why in "refused Invalid argument" "taken Device or resource busy"; do
		expect 0 "$host" "${why%% *}" "$UMVIEW" --norc -- sh -c 'umview --list --json'
		expect_out '"tracer": "ptrace"'
		equal "lines of notice" "$(printf '%s\n' "$out" | grep -c '^umview: ')" 1
		expect_out "no seccomp listener to be had here (${why#* }): tracing by ptrace"
		expect 7 "$host" "${why%% *}" "$UMVIEW" --norc -- sh -c 'exit 7'
		expect 125 "$host" "${why%% *}" "$UMVIEW" --norc --tracer unotify -- true
		expect_out 'seccomp listener'
	done
fi

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
