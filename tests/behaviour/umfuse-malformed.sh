# SPDX-License-Identifier: GPL-2.0-or-later
# Servers that answer what no server should (tests/fuse/hostile): errors for their users, and the view goes on.
# timeout: 600
. "$(dirname "$0")/../lib.sh"

FUSE_SERVERS=$UMVIEW_BUILD/tests/fuse
export FUSE_SERVERS
cat >all.sh <<'END2'
um_add_service umfuse || exit 1
sh "$UMVIEW_SRC/tests/fuse/mounts/hostile.sh" >seen.txt
END2
expect 0 umview sh all.sh
[ "$(grep -c '/status: [03]$' seen.txt)" = "$("$FUSE_SERVERS/hostile" -l | wc -l)" ] ||
	fail "servers that ended otherwise: $(grep '/status:' seen.txt | grep -v ': [03]$')"
grep -E 'EINTR|/umount:|/server:' seen.txt && fail "what hung, or could not be unmounted"
# What the kernel refuses is refused here.
for case in lookup-none/stat type-none/stat type-unknown/read size-negative/stat name-slash/list name-up/list name-empty/list \
	name-huge/list statfs-short/statfs link-4096/readlink xattr-list/xattrs; do
	wanted=$(grep "^$case:" "$UMVIEW_SRC/tests/fuse/recorded/hostile.default") || fail "nothing is recorded of $case"
	equal "$case" "$(grep "^$case:" seen.txt)" "$wanted"
done
# What can be ignored is, and nothing differs from the usual.
for mode in short-header empty-message length-more length-less length-huge unique-unknown unique-interrupt unique-zero unsolicited \
	twice late error-positive error-restart error-huge release-long notify-unknown notify-short notify-inode notify-slash \
	notify-length notify-parent notify-store notify-retrieve notify-poll init-short; do
	equal "$mode" "$(grep "^$mode/" seen.txt | grep -v /status:)" \
		"$(grep "^$mode/" "$UMVIEW_SRC/tests/fuse/recorded/hostile.default" | grep -v /status:)"
done

# By chance.
: "${UMVIEW_FUZZ_SEED:=$(date +%s)}" "${UMVIEW_FUZZ_ROUNDS:=15}"
echo "UMVIEW_FUZZ_SEED=$UMVIEW_FUZZ_SEED"
mkdir mnt
cat >chance.sh <<'END2'
um_add_service umfuse || exit 1
seed=$1 end=$(($1 + $2))
while [ $seed -lt $end ]; do
	"$FUSE_SERVERS/hostile" -f -s $seed "$PWD/mnt" 2>wrong.$seed &
	pid=$!
	n=0
	until mountpoint -q mnt || [ $n = 100 ]; do n=$((n + 1)); sleep 0.05; done
	(cd mnt && exec "$FUSE_SERVERS/visit" v >../seen) 2>/dev/null
	if grep EINTR seen; then echo "seed $seed: a call hung"; cat wrong.$seed; exit 1; fi
	umount mnt || exit 2
	n=0
	while kill -0 $pid 2>/dev/null; do
		n=$((n + 1))
		if [ $n = 200 ]; then echo "seed $seed: the server does not end"; kill -9 $pid; exit 3; fi
		sleep 0.05
	done
	wait $pid
	rm -f wrong.$seed
	seed=$((seed + 1))
done
[ "$(ls mnt | wc -l)" = 0 ]
END2
expect 0 umview sh chance.sh "$UMVIEW_FUZZ_SEED" "$UMVIEW_FUZZ_ROUNDS"
