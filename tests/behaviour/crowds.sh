#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Many views at once, and many processes in one; the end of a view leaves no process, no file, no descriptor behind.
# timeout: 300
. "$(dirname "$0")/../lib.sh"

# running: the processes of this test's umviews, monitors and guardians among them
running() {
	local pid n=0
	for pid in /proc/[0-9]*; do
		tr '\0' '\n' 2>/dev/null <"$pid/environ" | grep -q "^CROWD=$$\$" && n=$((n + 1))
	done
	echo $n
}

# gone SECONDS: wait until none is left
gone() {
	local i
	for i in $(seq $(($1 * 2))); do
		[ "$(running)" = 0 ] && return 0
		sleep 0.5
	done
	return 1
}

# 200 views in parallel, each with a directory of its own
fresh_dir many
export CROWD=$$ # what runs in a view carries it; this shell's own environ does not change
for i in $(seq 200); do
	mkdir "$many/$i"
	umview --cow "$many/$i" sh -c "echo $i >'$many/out.$i'; sleep 3; cat '$many/out.$i'" >"$many/said.$i" 2>&1 &
done
wait
for i in $(seq 200); do
	[ "$(cat "$many/said.$i")" = "$i" ] || fail "view $i said: $(head -c 300 "$many/said.$i")"
	[ ! -e "$many/out.$i" ] || fail "view $i wrote outside of its directory"
done
echo "200 views: ok"

# a view with 5000 processes: they live side by side, and end with it
fresh_dir D
expect 0 umview --cow "$D" bash -c '
	for i in $(seq 5000); do sleep 1000 & done 2>/dev/null
	echo started $(jobs -p | wc -l)
	mkdir -p /tmp/of-the-crowd && ls -d /tmp/of-the-crowd
	kill $(jobs -p | head -n 100) && sleep 0.2
	echo alive $(ps -C sleep -o pid= | wc -l | sed "s/..$/xx/")
'
case $out in
*"started 5000"*of-the-crowd*alive*) ;;
*) fail "5000 processes: $out" ;;
esac
gone 60 || fail "$(running) processes are left after the view's end"
[ ! -e /tmp/of-the-crowd ] || fail "the directory is on the host"
echo "5000 processes: ok"

# what it leaves in the runtime directory and in the user's temporary files: nothing
left=$(umview --list 2>/dev/null | grep -c "crowds")
[ "$left" = 0 ] || fail "views are still listed: $(umview --list)"
