# SPDX-License-Identifier: GPL-2.0-or-later
# session.sh PLACE SERVER OPTIONS SETUP PROGRAM...: mount a server on PLACE/mnt and run a program in a directory there.
#
# Run by tests/fuse/compare, natively by root ($AS is then how the program becomes the ordinary user) or in a view.  If
# SETUP is yes the program is run with the argument "setup" first.  Prints what the program prints, and how the server ended.
set -u
place=$1 server=$2 options=$3 setup=$4
shift 4
: "${AS:=}"
mkdir "$place/mnt" "$place/outside" || exit 2
mkfifo "$place/control" || exit 2
options="default_permissions,content=content,log=$place/log,control=$place/control${options:+,$options}"
[ -z "$AS" ] || { options="$options,allow_other"; chmod 777 "$place/control" "$place/outside"; }
export FUSE_OUTSIDE="$place/outside" FUSE_LOG="$place/log" FUSE_CONTROL="$place/control" FUSE_ROOT="$place/mnt"

"$server" -f -o "$options" "$place/mnt" &
pid=$!
n=0
while [ ! -e "$place/mnt/content" ]; do
	n=$((n + 1))
	if [ $n -gt 300 ] || ! kill -0 $pid 2>/dev/null; then
		echo "the server does not mount" >&2
		exit 2
	fi
	sleep 0.1
done
mkdir "$place/mnt/work" || exit 2
[ -z "$AS" ] || chmod 777 "$place/mnt" "$place/mnt/content"
[ -z "$AS" ] || chown "$($AS id -u):$($AS id -g)" "$place/mnt" "$place/mnt/content" "$place/mnt/work"
status=0
[ "$setup" != yes ] || (cd "$place/mnt/work" && exec $AS "$@" setup) || status=$?
[ $status != 0 ] || (cd "$place/mnt/work" && exec $AS "$@") || status=$?
umount "$place/mnt"
echo "umount-status: $?"
n=0
while kill -0 $pid 2>/dev/null && [ $n -lt 100 ]; do
	n=$((n + 1))
	sleep 0.1
done
if [ $n = 100 ]; then
	echo "server-status: it does not end"
	kill -9 $pid
	exit 1
fi
wait $pid
echo "server-status: $?"
exit $status
