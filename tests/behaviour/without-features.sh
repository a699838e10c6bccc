# SPDX-License-Identifier: GPL-2.0-or-later
# Other tests again, without each of the optional features of the kernel in turn, and without all of them.
# timeout: 1500
# ptrace: no
. "$(dirname "$0")/../lib.sh"

tests="cow-basics chroot-busybox exit-status oracle-files local-deb"
# the man page's list is the one that users know
features=$(sed -n '/^The features are$/{n;p}' "$UMVIEW_SRC/man/umview.1" | tr -c 'a-z0-9_' ' ' | sed 's/ B[RI]* / /g; s/ and / /; s/^ *//')
features=$(for f in $features; do case $f in [a-z]*) echo "$f" ;; esac; done)
[ "$(echo "$features" | wc -w)" -ge 8 ] || fail "features: $features"
failed=
one() {
	flags=
	for f in $1; do flags="$flags --without $f"; done
	for t in $2; do
		for file in "$UMVIEW_SRC/tests/behaviour/$t".*; do
			case $file in *.py) by=python3 ;; *) by=sh ;; esac
			mkdir -p "$3/$t"
			(cd "$3/$t" && TMPDIR=$PWD UMVIEW_FLAGS=$flags timeout 240 $by "$file" >log 2>&1)
			status=$?
			[ $status = 0 ] && continue
			if [ $status = 77 ]; then
				echo "$t is skipped: $(tail -1 "$3/$t/log")"
				continue
			fi
			failed="$failed $3/$t"
			echo "--- $t without $1: exit status $status"
			tail -15 "$3/$t/log"
		done
	done
}
for f in $features; do
	one "$f" "$tests" "$f"
done
one "$features" "$tests" all
[ -z "$failed" ] || fail "failed:$failed"
