# SPDX-License-Identifier: GPL-2.0-or-later
# A server that answers what no server should (tests/fuse/hostile-modes.c), what programs see of it, and that umount works.
# Of what they see only that is printed which differs from the first mode, in which nothing is wrong.
#
# mounts: itself
# timeout: 900
set -u
mkdir mnt
failed=0
for mode in $("$FUSE_SERVERS/hostile" -l); do
	"$FUSE_SERVERS/hostile" -f -m "$mode" "$PWD/mnt" &
	pid=$!
	n=0
	until mountpoint -q mnt || [ $n = 50 ]; do
		n=$((n + 1))
		sleep 0.05
	done
	# A working directory in the mount must not be needed for it to be unmounted.
	(cd mnt 2>/dev/null && exec "$FUSE_SERVERS/visit" v >../seen) || echo "v/visit: $?" >seen
	if [ ! -e usual ]; then
		cp seen usual
		sed "s|^v|$mode|" seen
	else
		grep -vxFf usual seen | sed "s|^v|$mode|"
		echo "$mode/usual: $(grep -cxFf usual seen)"
	fi
	umount mnt || { echo "$mode/umount: $?"; umount -l mnt; }
	n=0
	while kill -0 $pid 2>/dev/null && [ $n -lt 100 ]; do
		n=$((n + 1))
		sleep 0.05
	done
	if [ $n = 100 ]; then
		echo "$mode/server: does not end"
		kill -9 $pid
	fi
	wait $pid
	echo "$mode/status: $?"
done
rm usual seen; rmdir mnt || failed=1
exit $failed
