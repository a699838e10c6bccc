# SPDX-License-Identifier: GPL-2.0-or-later
# The process that lends a ptrace view its descriptors (viewcarrier) is killed: no zombie is left, and nothing of the view
# goes wrong in silence: either it goes on, and changed files open, or it ends with words.  From inside it cannot be killed.
# timeout: 120
# ptrace: no
. "$(dirname "$0")/../lib.sh"

echo before >f
umview --tracer ptrace --cow "$PWD/changes" -- sh -c '
	echo changed >f
	kill -9 $(ps -o pid=,comm= --ppid $PPID | sed -n "s/ viewcarrier//p") 2>refused && echo "killed from inside"
	grep -q "not permitted" refused || echo "not refused inside: $(cat refused)"
	echo $PPID >monitor
	until [ -e killed ]; do sleep 0.05; done
	cat f
' >said 2>&1 &
view=$!
until [ -s "changes$PWD/monitor" ] || ! kill -0 $view 2>/dev/null; do sleep 0.05; done
monitor=$(cat "changes$PWD/monitor") || fail "the view did not start: $(cat said)"

# carrier: its process id and state, or nothing
carrier() {
	ps -o pid=,stat=,comm= --ppid "$monitor" | awk '$3 == "viewcarrier" { print $1, $2 }'
}

set -- $(carrier)
first=${1:?there is no carrier}
kill -9 "$first" || fail "cannot kill the carrier"
: >killed
for i in $(seq 400); do
	kill -0 "$first" 2>/dev/null || break
	sleep 0.05
done
kill -0 "$first" 2>/dev/null && fail "the carrier is left: $(ps -o pid,ppid,stat,comm -p "$first")"
wait $view
status=$?
cat said
grep inside said && fail "the carrier can be killed from inside"
case $status in
0) [ "$(cat said)" = changed ] || fail "the view went on, and showed: $(cat said)" ;;
125) grep -q '^umview: .*killed; every process of the view has been ended$' said || fail "no words: $(cat said)" ;;
*) fail "exit status $status" ;;
esac
exit 0
