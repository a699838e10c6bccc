# SPDX-License-Identifier: GPL-2.0-or-later
# The disk of DIR is full in the middle of a copy-up: the program gets ENOSPC, nothing half-made is left, the view lives.
# as: both
. "$(dirname "$0")/../lib.sh"

# a small file system of our own; an ordinary user needs a user namespace to have one
if [ "${1:-}" != small ]; then
	[ "$(id -u)" = 0 ] && exec unshare -m sh "$0" small
	unshare -Urm true 2>/dev/null || skip "no small file system to be had: user namespaces are not allowed here"
	exec unshare -Urm sh "$0" small
fi
mkdir small
mount -t tmpfs -o size=1m,mode=755 tmpfs small || skip "no small file system to be had: mount: tmpfs is refused"
mkdir small/D
head -c 4000000 /dev/urandom >big
cksum <big >sum
for options in "" "--su"; do
	# shellcheck disable=SC2086
	expect 0 umview --cow "$TMPDIR/small/D" $options -- sh -c '
		(echo more >>big) 2>message && exit 9; grep -q "No space left" message || cat message
		chmod 600 big 2>/dev/null
		cksum <big >sum.now; cmp sum sum.now || exit 8
		head -c 2000000 /dev/zero >zero 2>message && exit 7
		rm -f zero message sum.now; : >free || exit 6
		ls big && echo alive'
	expect_out '^alive$'
	[ -z "$(find small/D/.umview/work -type f 2>/dev/null)" ] || fail "left in .umview/work: $(find small/D/.umview/work)"
	[ "$(find small -type f -size +900k | wc -l)" = 0 ] || fail "something half-made is left: $(find small -type f -size +900k)"
done
umount small
exit 0
