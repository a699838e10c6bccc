# SPDX-License-Identifier: GPL-2.0-or-later
# A directory that its user may not search or list is shown at another place as what it is, and not as nothing.
. "$(dirname "$0")/../lib.sh"

# look DIR: what an ordinary program learns of it
look() {
	stat -c '%A %s' "$1"
	ls "$1" 2>&1 | sed "s|'$1|'DIR|"
	cat "$1/f" 2>&1 | sed "s|$1/|DIR/|"
	(cd "$1" 2>/dev/null && [ "$(pwd -P)" = "$1" ] && cat f && echo entered)
	ls -ld "$1/" | cut -d' ' -f1
}
mkdir dir at
echo contents >dir/f
for mode in 000 100 400 500 700; do
	chmod $mode dir
	look "$PWD/dir" >native
	for mount in move merge "move --secure" "merge --tracer ptrace"; do
		# shellcheck disable=SC2086
		umview --mount "viewfs,${mount%% *}:$PWD/dir:$PWD/at" $(echo "$mount" | cut -s -d' ' -f2-) -- sh -c "$(sed -n '/^look()/,/^}/p' "$0")"'; look '"$PWD/at" >seen
		diff native seen || fail "mode $mode, $mount: differs from what it is"
	done
done
chmod 000 dir
expect !0 umview --mount "viewfs,cow:$PWD/dir:/mnt" -- true
expect_out "$PWD/dir: Permission denied"
chmod 700 dir
exit 0
