# SPDX-License-Identifier: GPL-2.0-or-later
# How mounts begin and end: the server's death, umount in all its ways, who keeps a mount busy, mounts on mounts.
#
# mounts: itself
# timeout: 200
set -u
mkdir mnt other
memfs=$FUSE_SERVERS/memfs

begin() {
	"$memfs" -f -o content=here"${2:-}" "$PWD/$1" &
	pid=$!
	n=0
	until [ -e "$1/content" ] || [ $n = 100 ]; do
		n=$((n + 1))
		sleep 0.05
	done
}

# ended CASE PID: how a server ended
ended() {
	n=0
	while kill -0 "$2" 2>/dev/null && [ $n -lt 100 ]; do
		n=$((n + 1))
		sleep 0.05
	done
	[ $n != 100 ] || { echo "$1-server: does not end"; kill -9 "$2"; }
	wait "$2"
	echo "$1-status: $?"
}

begin mnt
umount mnt
echo "umount: $?"
ended umount $pid
echo "umount-empty: $(ls mnt | wc -l)"
umount mnt 2>/dev/null
echo "umount-again: $?"

begin mnt
fusermount3 -u mnt
echo "fusermount3: $?"
ended fusermount3 $pid
begin mnt
fusermount -u mnt
echo "fusermount: $?"
ended fusermount $pid
begin mnt
fusermount3 -u -z mnt
echo "fusermount3-lazy: $?"
ended fusermount3-lazy $pid

# To the background: the server says when it is there.
"$memfs" -o content=here "$PWD/mnt"
echo "daemon: $? $(cat mnt/content)"
umount mnt
echo "daemon-umount: $?"

# Signals end libfuse's servers, and they unmount.
for signal in TERM HUP; do
	begin mnt
	kill -$signal $pid
	ended "signal-$signal" $pid
	echo "signal-$signal-empty: $(ls mnt | wc -l)"
done

# A dead server.
begin mnt
exec 3<mnt/content
kill -9 $pid
wait $pid 2>/dev/null
echo "dead-stat: $(stat mnt 2>&1 | sed 's/.*: //')"
echo "dead-stat-file: $(stat mnt/content 2>&1 | sed 's/.*: //')"
echo "dead-ls: $(ls mnt 2>&1 | sed 's/.*: //')"
echo "dead-write: $( (echo x >mnt/new) 2>&1 | sed 's/.*: //')"
echo "dead-cd: $( (cd mnt) 2>&1 | sed 's/.*: //')"
umount mnt 2>/dev/null
echo "dead-busy: $?"
exec 3<&-
umount mnt
echo "dead-umount: $?"
echo "dead-empty: $(ls mnt | wc -l)"
begin mnt
echo "dead-mounted-again: $(cat mnt/content)"
umount mnt
ended dead-again $pid

# Who keeps it busy.
begin mnt
(cd mnt && exec sleep 1000) &
holder=$!
sleep 0.3
umount mnt 2>/dev/null
echo "busy-cwd: $?"
kill $holder
wait $holder 2>/dev/null
exec 3<mnt/content
umount mnt 2>/dev/null
echo "busy-open: $?"
exec 3<&-
cp /bin/sleep mnt/sleep
mnt/sleep 1000 &
holder=$!
sleep 0.3
umount mnt 2>/dev/null
echo "busy-program: $?"
kill $holder
wait $holder 2>/dev/null
mkdir mnt/below
"$memfs" -f -o content=below "$PWD/mnt/below" &
below=$!
n=0
until [ -e mnt/below/content ] || [ $n = 100 ]; do
	n=$((n + 1))
	sleep 0.05
done
umount mnt 2>/dev/null
echo "busy-mount: $?"
umount mnt/below
ended below $below
umount mnt
echo "not-busy: $?"
ended not-busy $pid

# Lazily: who has it keeps it, and the server ends after the last one.
begin mnt
exec 3<mnt/content
umount -l mnt
echo "lazy: $? $(ls mnt | wc -l)"
echo "lazy-read: $(cat <&3)"
kill -0 $pid && echo "lazy-server: lives"
exec 3<&-
ended lazy $pid
begin mnt
cd mnt
umount -l "$OLDPWD/mnt"
echo "lazy-cwd: $? $(cat content)"
echo x >new && echo "lazy-new: $(cat new)"
cd "$OLDPWD"
ended lazy-cwd $pid

# Twice in one place, and two places.
begin mnt
first=$pid
mkdir mnt/first
"$memfs" -f -o content=second "$PWD/mnt" &
second=$!
n=0
until [ "$(cat mnt/content)" = second ] || [ $n = 100 ]; do
	n=$((n + 1))
	sleep 0.05
done
echo "twice: $(cat mnt/content), $(ls mnt)"
umount mnt
ended twice $second
echo "twice-then: $(ls mnt | tr '\n' ' ')"
begin other
kill -9 $pid
wait $pid 2>/dev/null
echo "one-dead: $(cat mnt/content), $(cat other/content 2>&1 | sed 's/.*: //')"
umount other
umount mnt
ended twice-first $first

# What cannot be mounted.
"$memfs" -f "$PWD/missing" 2>message
echo "on-nothing: $? $(wc -l <message | sed 's/[1-9].*/a message/')"
"$memfs" -f -o nonsense=1 "$PWD/mnt" 2>message
echo "bad-option: $? $(wc -l <message | sed 's/[1-9].*/a message/')"
mkdir full
echo x >full/file
begin full
echo "over-files: $(ls full)"
umount full
ended over-files $pid
echo "over-files-then: $(ls full)"

# Read-only.
"$memfs" -f -o ro,content=here "$PWD/mnt" &
pid=$!
n=0
until [ -e mnt/content ] || [ $n = 100 ]; do
	n=$((n + 1))
	sleep 0.05
done
echo "ro-read: $(cat mnt/content)"
echo "ro-write: $( (echo x >mnt/content) 2>&1 | sed 's/.*: //')"
echo "ro-make: $(mkdir mnt/new 2>&1 | sed 's/.*: //')"
echo "ro-remove: $(rm mnt/content 2>&1 | sed 's/.*: //')"
echo "ro-chmod: $(chmod 600 mnt/content 2>&1 | sed 's/.*: //')"
umount mnt
ended ro $pid

# mount(8)'s lines.
begin mnt
grep " $PWD/mnt " /proc/self/mountinfo | sed 's/.* - //; s/ro,.*//; s/rw,.*//; s/^/mountinfo: /'
grep " $PWD/mnt " /proc/mounts | cut -d' ' -f1,3 | sed 's/^/mounts: /'
echo "findmnt: $(findmnt -n -o FSTYPE,SOURCE "$PWD/mnt" | tr -s ' ')"
echo "df: $(df --output=fstype,source mnt | tail -n 1 | tr -s ' ')"
echo "stat: $(stat -f -c %T mnt)"
echo "device: $([ "$(stat -c %d mnt)" = "$(stat -c %d .)" ] && echo the same || echo another)"
echo "inode: $(stat -c %i mnt)"
umount mnt
ended mounts $pid
rm -r full message
rmdir mnt other
