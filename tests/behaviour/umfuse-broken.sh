# SPDX-License-Identifier: GPL-2.0-or-later
# Images that are truncated or have wrong bytes (UMVIEW_FUZZ_SEED, UMVIEW_FUZZ_ROUNDS): their server may fail or die, a mount may
# show errors; the view goes on, and umount works.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$UMVIEW_SRC/tests/fuse/images.sh"

mkdir mnt tree
make_tree tree plain || fail "no tree"
: "${UMVIEW_FUZZ_SEED:=$(date +%s)}" "${UMVIEW_FUZZ_ROUNDS:=2}"
echo "UMVIEW_FUZZ_SEED=$UMVIEW_FUZZ_SEED"

# One view for all images of a kind: look NAME COMMAND...
cat >look.sh <<'END2'
look() {
	name=$1
	shift
	timeout -s KILL 60 "$@" </dev/null >server.out 2>&1 &
	pid=$!
	n=0
	until mountpoint -q mnt 2>/dev/null || ! kill -0 $pid 2>/dev/null || [ $n = 100 ]; do n=$((n + 1)); sleep 0.05; done
	if grep -q " $PWD/mnt " /proc/mounts; then
		timeout -s KILL 20 find mnt >names 2>/dev/null
		[ $? != 137 ] || echo "$name: find hung"
		timeout -s KILL 20 find mnt -type f -size -10M -exec cat {} + >/dev/null 2>&1
		[ $? != 137 ] || echo "$name: cat hung"
		timeout -s KILL 20 sh -c 'echo x >mnt/new; rm -rf mnt/many; mkdir mnt/newdir' 2>/dev/null
		[ $? != 137 ] || echo "$name: writing hung"
		umount mnt || umount -l mnt || echo "$name: umount $?"
	fi
	kill $pid 2>/dev/null
	n=0
	while kill -0 $pid 2>/dev/null && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.05; done
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	[ -z "$(ls -A mnt)" ] || echo "$name: something is still mounted"
}
END2

# broken KIND COMMAND...: with IMAGE in the command
broken() {
	kind=$1
	shift
	command -v "$1" >/dev/null || { not_tried "$1 is not installed"; return; }
	image "$kind" tree whole || fail "no image of $kind"
	{
		echo 'um_add_service umfuse || exit 1'
		echo '. ./look.sh'
		for percent in 0 1 10 50 95; do
			truncated whole cut.$percent $percent
			echo "look '$kind, $percent %' $*" | sed "s|IMAGE|cut.$percent|"
		done
		seed=$UMVIEW_FUZZ_SEED
		while [ "$seed" -lt $((UMVIEW_FUZZ_SEED + UMVIEW_FUZZ_ROUNDS)) ]; do
			fuzzed whole "fuzzed.$seed" "$seed"
			echo "look '$kind, seed $seed' $*" | sed "s|IMAGE|fuzzed.$seed|"
			seed=$((seed + 1))
		done
		echo 'echo through'
	} >all.sh
	expect 0 umview -- sh all.sh
	out=$(printf '%s\n' "$out" | grep -v -E '^(Killed|Segmentation fault|Aborted|Terminated|Bus error)')
	[ "$(printf '%s\n' "$out" | tail -n 1)" = through ] || fail "$kind: the view did not come to its end: $out"
	[ "$out" = through ] || fail "$kind: $out"
	rm -f whole cut.* fuzzed.*
}

broken ext4 fuse2fs -f -o fakeroot IMAGE mnt
broken squashfs squashfuse -f IMAGE mnt
broken iso fuseiso -n IMAGE mnt -f
broken zip fuse-zip -f IMAGE mnt
broken vfat fusefat -f -o rw+ IMAGE mnt
