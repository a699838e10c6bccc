# SPDX-License-Identifier: GPL-2.0-or-later
# as: root
# What the host mounts and unmounts on the way of a path that a view has looked at before is seen at once.
. "$(dirname "$0")/../lib.sh"

mkdir -p h/m/sub h/other probe
mount -t tmpfs none probe 2>/dev/null || skip "may not mount here"
umount probe
echo lower >h/m/sub/f
echo on-the-host >h/other/f
mkfifo go done
cat >inside.sh <<'END'
echo in-the-view >$PWD/h/other/f
while read -r word <go; do
	[ "$word" = end ] && exit 0
	for i in $(seq 20); do
		[ "$word" = warm ] || break
		cat $PWD/h/m/sub/f >/dev/null
	done
	cat $PWD/h/m/sub/f >done
done
END
fresh_dir D
umview --cow "$D" -- sh inside.sh &
view=$!
ask() {
	echo "$1" >go
	read -r got <done
	equal "$2" "$got" "$3"
}
unmount() {
	n=0
	until umount h/m 2>/dev/null; do # what read in it may not have ended yet
		sleep 0.1
		n=$((n + 1))
		[ $n -lt 30 ] || fail "cannot unmount"
	done
}
trap 'umount h/m 2>/dev/null' EXIT
ask warm "before" lower
mount -t tmpfs none h/m && ln -s ../other h/m/sub
ask look "a file system with a link was mounted" in-the-view
rm h/m/sub && mkdir h/m/sub && echo mounted >h/m/sub/f
ask warm "a directory in it" mounted
unmount
ask warm "unmounted" lower
mount -t tmpfs none h/m && ln -s ../other h/m/sub
ask look "and again" in-the-view
unmount
echo end >go
wait $view || fail "the view ended with status $?"
