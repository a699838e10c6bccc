# SPDX-License-Identifier: GPL-2.0-or-later
# A server that answers neither its requests nor INTERRUPT: a signal ends its callers' waiting, others go on, umount works.
# timeout: 240
. "$(dirname "$0")/../lib.sh"

FUSE_SERVERS=$UMVIEW_BUILD/tests/fuse
export FUSE_SERVERS
mkdir mnt
cat >script.sh <<'END2'
um_add_service umfuse || exit 1

# begin OPTION...: mount hang
begin() {
	"$FUSE_SERVERS/hang" -f "$@" "$PWD/mnt" &
	pid=$!
	n=0
	until grep -q " $PWD/mnt " /proc/mounts || [ $n = 100 ]; do n=$((n + 1)); sleep 0.05; done
}
# ended CASE: the server ends
ended() {
	n=0
	while kill -0 $pid 2>/dev/null && [ $n -lt 200 ]; do n=$((n + 1)); sleep 0.05; done
	[ $n != 200 ] || { echo "$1: the server does not end"; kill -9 $pid; }
	wait $pid
	echo "$1: $?"
}
call() { timeout -s KILL 20 "$FUSE_SERVERS/call" "$@" 2>/dev/null; }

for pair in lookup:stat getattr:stat open:open read:read; do
	op=${pair%:*}
	for answer in ignore enosys; do
		begin -o $op -n -i $answer
		echo "$op-$answer: $(call "${pair#*:}" mnt/slow | sed 's/open: //')"
		call -d "${pair#*:}" mnt/slow
		echo "$op-$answer-killed: $?"
		echo "$op-$answer-file: $(cat mnt/file)"
		umount mnt || echo "$op-$answer: busy"
		ended "$op-$answer-server"
	done
done

begin -o read -n -i ignore
for i in 1 2 3 4 5; do
	cat mnt/slow 2>error$i &
	eval "cat$i=\$!"
done
sleep 0.5
echo "meanwhile: $(cat mnt/file), $(ls mnt | wc -l) names, $(cat mnt/dir/inner)"
echo text >mnt/data && echo "written: $(cat mnt/data)"
kill -9 $cat1
wait $cat1
echo "killed: $?"
kill -TERM $cat2
wait $cat2
echo "terminated: $?"
kill -9 $pid
for i in 3 4 5; do
	eval "wait \$cat$i"
	echo "died: $? $(sed 's/.*: //' error$i)"
done
echo "dead: $(cat mnt/file 2>&1 | sed 's/.*: //')"
umount mnt
echo "dead-umount: $?"
wait $pid 2>/dev/null

begin -o read -n -i ignore
cat mnt/slow 2>error &
cat1=$!
sleep 0.5
umount -l mnt
echo "lazy: $?"
kill -9 $cat1
wait $cat1
echo "lazy-killed: $?"
ended lazy-server

begin -o init
"$FUSE_SERVERS/call" -d stat mnt/file
echo "init-killed: $?"
kill -9 $pid
wait $pid
umount mnt
echo "init-umount: $?"
END2
expect 0 umview sh script.sh
wanted=""
for op in lookup getattr open read; do
	for answer in ignore enosys; do
		wanted="$wanted$op-$answer: EINTR
$op-$answer-killed: 142
$op-$answer-file: the line of the file
$op-$answer-server: 0
"
	done
done
equal "what is seen" "$(printf '%s\n' "$out" | grep -v -e '^Killed' -e '^Alarm' -e '^Terminated')" "${wanted}meanwhile: the line of the file, 5 names, the line of the inner file
written: text
killed: 137
terminated: 143
died: 1 Transport endpoint is not connected
died: 1 Transport endpoint is not connected
died: 1 Transport endpoint is not connected
dead: Transport endpoint is not connected
dead-umount: 0
lazy: 0
lazy-killed: 137
lazy-server: 0
init-killed: 142
init-umount: 0"
