# SPDX-License-Identifier: GPL-2.0-or-later
# With finite hard limits of resources that could carry a process's state (RTTIME, LOCKS, RSS), a view works all the
# same; and programs see and set those limits as if the view were not there.
. "$(dirname "$0")/../lib.sh"
need_command prlimit util-linux

fresh_dir D
cat >work.sh <<'END'
set -e
touch /etc/umview-made
chown 3:4 /etc/umview-made
[ "$(stat -c %u:%g /etc/umview-made)" = 3:4 ]
[ "$(su -s /bin/sh daemon -c 'id -u')" = 1 ]
(id -u | grep -qx 0)
rm /etc/umview-made
END
# with none of them finite: the names show what they would show outside
expect 0 prlimit --noheadings --rttime --locks --rss --output RESOURCE,SOFT,HARD --raw
outside=$out
expect 0 umview --cow "$D" --su -- prlimit --noheadings --rttime --locks --rss --output RESOURCE,SOFT,HARD --raw
equal "limits inside" "$out" "$outside"
for limit in --rttime=1000000:2000000 --locks=100:200 --rss=1000000000:2000000000 \
	"--rttime=1000000:2000000 --locks=100:200"; do
	# shellcheck disable=SC2086
	expect 0 prlimit $limit -- "$UMVIEW" --norc $UMVIEW_FLAGS --cow "$D" --su -- sh work.sh
	# shellcheck disable=SC2086
	outside=$(prlimit $limit -- prlimit --noheadings --rttime --locks --rss --raw --output RESOURCE,SOFT,HARD)
	# shellcheck disable=SC2086
	expect 0 prlimit $limit -- "$UMVIEW" --norc $UMVIEW_FLAGS --cow "$D" --su -- \
		prlimit --noheadings --rttime --locks --rss --raw --output RESOURCE,SOFT,HARD
	equal "limits inside, with $limit" "$out" "$outside"
done
# all of them finite: it works, or it says why not
out=$(prlimit --rttime=1000000:2000000 --locks=100:200 --rss=1000000000:2000000000 -- \
	"$UMVIEW" --norc $UMVIEW_FLAGS --cow "$D" --su -- sh work.sh 2>&1)
status=$?
printf '%s\n' "$out"
[ $status -eq 0 ] || expect_out 'limit'
# a program sets one for itself and its children
expect 0 umview -- sh -c 'prlimit --rttime=5000:6000 -- sh -c "prlimit --noheadings --raw --rttime --output SOFT,HARD"'
expect_out '^5000 6000$'
exit 0
