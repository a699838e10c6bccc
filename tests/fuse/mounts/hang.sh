# SPDX-License-Identifier: GPL-2.0-or-later
# A server that does not answer some requests, but INTERRUPT: signals end the waiting, and umount cleans up.  (What becomes of
# a server that does not answer that either the kernel cannot show: its callers cannot even be killed.  See umfuse-hang.)
#
# mounts: itself
# timeout: 300
set -u
mkdir mnt

# begin OPTION...: mount hang
begin() {
	"$FUSE_SERVERS/hang" -f "$@" "$PWD/mnt" &
	pid=$!
	n=0
	until mountpoint -q mnt || [ $n = 100 ]; do
		n=$((n + 1))
		sleep 0.05
	done
}

# finish CASE [ARG...]: unmount it; how the server ended
finish() {
	case=$1
	shift
	umount "$@" mnt || echo "$case-umount: $?"
	n=0
	while kill -0 $pid 2>/dev/null && [ $n -lt 100 ]; do
		n=$((n + 1))
		sleep 0.05
	done
	[ $n != 100 ] || { echo "$case-server: does not end"; kill -9 $pid; }
	wait $pid
	echo "$case-status: $?"
}

call() {
	timeout -s KILL 20 "$FUSE_SERVERS/call" "$@" 2>/dev/null
}

# One request hangs, for the file slow only; INTERRUPT is answered by EINTR, so a handler ends the call.
for pair in lookup:stat getattr:stat open:open read:read; do
	begin -o "${pair%:*}" -n -i eintr
	echo "${pair%:*}-handler: $(call "${pair#*:}" mnt/slow)"
	echo "${pair%:*}-file: $(cat mnt/file)"
	finish "${pair%:*}"
done
for pair in readdir:readdir:. opendir:readdir:dir readlink:readlink:link statfs:statfs:. setattr:truncate:data; do
	op=${pair%%:*} rest=${pair#*:}
	begin -o "$op" -i eintr
	echo "$op-handler: $(call "${rest%:*}" "mnt/${rest#*:}")"
	echo "$op-file: $(cat mnt/file)"
	finish "$op"
done

# A server that is stopped goes on when it is continued.
begin -o init -n
kill -9 $pid
wait $pid 2>/dev/null
umount mnt
begin -o fsync -n
kill -STOP $pid
cat mnt/file >out &
cat1=$!
sleep 0.5
echo "stopped: $(wc -c <out)"
kill -CONT $pid
wait $cat1
echo "continued: $? $(cat out)"
finish continued
rm -f out
rmdir mnt
