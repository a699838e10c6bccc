# SPDX-License-Identifier: GPL-2.0-or-later
# umview's exit status is CMD's, and what CMD was given by the shell is as it was.
# as: both
# ptrace: yes
. "$(dirname "$0")/../lib.sh"

for n in 0 1 7 124 125 126 127 128 255; do
	expect $n umview -- sh -c "exit $n"
done
for sig in 1 2 3 9 10 13 14 15; do
	# shellcheck disable=SC2016
	expect $((128 + sig)) umview -- sh -c 'kill -'$sig' $$'
done

echo "--- CMD that cannot be run; umview's own failures"
expect 127 umview -- no-such-command
expect_out '^umview: no-such-command: No such file or directory$'
expect 127 umview -- ./no-such-command
expect 126 umview -- /etc/passwd
expect_out '^umview: /etc/passwd: Permission denied$'
expect 126 umview -- /etc
expect 125 umview --no-such-option -- true
expect 125 umview --preload no_such_module -- true
printf 'echo shell $0\n' >noshebang
chmod +x noshebang
expect 0 umview -- ./noshebang
expect_out '^shell '

if [ "$(id -u)" != 0 ]; then
	cp /bin/true unreadable && chmod 111 unreadable
	expect 126 umview --cow "$PWD/changes" -- sh -c ./unreadable
	expect_out '^umview: .*/unreadable: cannot be read by you, so it cannot be run in a view$'
fi

echo "--- signals sent to umview are for CMD"
for sig in TERM HUP USR1 USR2; do # (SIGINT is ignored in the background of a script)
	: >out # not the last one's
	# shellcheck disable=SC2086
	"$UMVIEW" --norc $UMVIEW_FLAGS -- sh -c "trap 'echo got $sig; exit 9' $sig; echo ready; while :; do sleep 0.05; done" >out 2>&1 &
	pid=$!
	i=0
	until grep -q ready out || [ $i -gt 100 ]; do
		sleep 0.05
		i=$((i + 1))
	done
	kill -s $sig $pid # (the function's process would be a shell)
	wait $pid
	status=$?
	grep -q "got $sig" out || fail "CMD did not get SIG$sig: $(cat out)"
	equal "status after SIG$sig" $status 9
done

echo "--- what CMD was given"
# shellcheck disable=SC2016
given='umask; ulimit -n; ulimit -Hn; nice; pwd; echo "$A"; grep -E "^Sig(Blk|Ign)|^Cpus_allowed_list" /proc/self/status; ls /proc/self/fd'
A='a b' sh -c "umask 027; ulimit -n 37; nice -n 3 sh -c '$given'" >native
(umask 027; ulimit -n 37; A='a b' nice -n 3 "$UMVIEW" --norc $UMVIEW_FLAGS -- sh -c "$given") >inside
diff native inside || fail "CMD was given something else than without umview"
sh -c "trap '' HUP INT CHLD; exec sh -c '$given'" >native
sh -c "trap '' HUP INT CHLD; exec $UMVIEW --norc $UMVIEW_FLAGS -- sh -c '$given'" >inside
diff native inside || fail "ignored signals are lost"
sh -c "exec sh -c '$given' 5</dev/null 7>&1 <&-" >native
sh -c "exec $UMVIEW --norc $UMVIEW_FLAGS -- sh -c '$given' 5</dev/null 7>&1 <&-" >inside
diff native inside || fail "descriptors are other ones"
equal "argv" "$(umview -- sh -c 'printf "<%s>" "$@"' sh 'a b' '' -x --)" '<a b><><-x><-->'
equal "stdin" "$(echo from stdin | umview -- cat)" "from stdin"

echo "--- pipes end when CMD ends or closes them"
equal "head" "$(umview -- yes | head -n 1)" y
begin=$(date +%s)
"$UMVIEW" --norc $UMVIEW_FLAGS -- sh -c 'exec >&-; sleep 6' | (cat; date +%s) >closed
[ $(($(cat closed) - begin)) -le 4 ] || fail "the pipe was open $(($(cat closed) - begin)) s"

echo "--- the end of CMD is the end of the view"
umview -- sh -c 'setsid sleep 77.77 & sleep 77.77 & exit 0'
[ -z "$(processes_of 'sleep 77.77')" ] || fail "processes are left"
umview --linger -- sh -c '(sleep 0.5; echo lingered) & exit 4' >out
equal "status with --linger" $? 4
grep -q lingered out || fail "--linger: the view ended with CMD"

echo "--- inside another view"
expect 7 umview -- "$UMVIEW" --norc -- sh -c 'exit 7'
expect 137 umview -- "$UMVIEW" --norc -- sh -c 'kill -9 $$'
