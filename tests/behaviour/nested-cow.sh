# SPDX-License-Identifier: GPL-2.0-or-later
# --cow inside of --cow: what is changed is what the outer view shows, with its new files, its changes and what it has
# removed; the changes are kept in the inner directory, and neither the outer view nor the host sees them.
# ptrace: yes
. "$(dirname "$0")/../lib.sh"

mkdir tree tree/dir tree/gone empty full bound point
for f in same outer inner both removed-by-outer removed-by-inner; do echo "$f, host" >tree/$f; done
echo host >tree/dir/inner
echo old >full/old
echo bound >bound/f
list() { find tree empty full bound -printf '%p %y %m %s %T@ %n\n' | sort; cat tree/* 2>/dev/null; }
list >before

cat >look.sh <<'END'
must() { [ "$2" = "$3" ] || { echo "FAILED: $1: got \"$2\", not \"$3\"" >&2; exit 1; }; }
all() { echo $(ls tree tree/dir); }
END

cat >inner.sh <<'END'
set -u
. ./look.sh
must "names" "$(all)" "tree: both dir gone inner new-by-outer outer removed-by-inner same tree/dir: inner outer"
must "a change" "$(cat tree/outer tree/both)" "$(printf 'outer, outer\nboth, outer')"
must "unchanged" "$(cat tree/same)" "same, host"
must "owner" "$(stat -c %U:%a tree/owned)" "" 2>/dev/null
echo "inner, inner" >tree/inner
echo "both, inner" >tree/both
rm tree/removed-by-inner tree/new-by-outer
rm -r tree/gone
mv tree/dir tree/moved
echo x >tree/moved/x
cd tree/moved
must "pwd" "$(/bin/pwd)" "$HERE/tree/moved"
must "relative" "$(cat outer)" "made by outer"
echo more >>outer
cd ../..
must "names after" "$(echo $(ls tree tree/moved))" "tree: both inner moved outer same tree/moved: inner outer x"
must "not shown" "$(ls -A | grep -c -x b)" 0
END
sed -i '/"owner"/d' inner.sh

cat >outer.sh <<'END'
set -u
. ./look.sh
echo "outer, outer" >tree/outer
echo "both, outer" >tree/both
echo "new" >tree/new-by-outer
echo "made by outer" >tree/dir/outer
rm tree/removed-by-outer
umview --norc --cow b sh inner.sh || exit 1
must "untouched" "$(all)" "tree: both dir gone inner new-by-outer outer removed-by-inner same tree/dir: inner outer"
must "the outer one's" "$(cat tree/inner tree/both tree/dir/outer)" "$(printf 'inner, host\nboth, outer\nmade by outer')"
# once more: its changes are kept; and a third one stands on both
umview --norc --cow b sh -c '
	. ./look.sh
	must "kept" "$(cat tree/both tree/moved/outer)" "$(printf "both, inner\nmade by outer\nmore")"
	umview --norc --cow c sh -c "
		. ./look.sh
		must three \"\$(cat tree/both tree/outer tree/same)\" \"\$(printf \"both, inner\nouter, outer\nsame, host\")\"
		rm -r tree/moved tree/outer
		echo third >tree/both
		mkdir tree/moved; echo again >tree/moved/again
		must replaced \"\$(ls tree/moved)\" again" || exit 1
	must "above it" "$(echo $(ls tree/moved) $(cat tree/both))" "inner outer x both, inner"' || exit 1
# a change outside of it shows where the inner view has none of its own
mkfifo go gone
umview --norc --cow b sh -c 'echo >gone; cat go >/dev/null; cat tree/outer tree/both >seen' &
cat gone >/dev/null
echo "changed meanwhile" >tree/outer
echo >go
wait $! || exit 1
must "not here" "$(cat seen 2>/dev/null)" ""
must "there" "$(umview --norc --cow b cat seen | tr '\n' ' ')" "changed meanwhile both, inner "
END
export HERE="$PWD"
expect 0 umview --cow a -- sh outer.sh
list >after
cmp before after || fail "the host's tree has changed: $(diff before after)"

# the changes of an inner view never go to a directory of the host
expect 125 umview --cow a -- umview --norc --cow full true
expect_out "not empty, and what is in it is not this view's own"
expect 0 umview --cow a -- umview --norc --cow empty sh -c 'echo x >tree/same; rm tree/both'
equal "the host's directory" "$(ls -A empty)" ""
expect 0 umview --cow a -- sh -c 'mkdir outers; umview --norc --cow b2 sh -c "umview --norc --cow outers sh -c \"echo x >tree/deep\"
	cat tree/deep 2>&1; ls -A outers"; ls -A outers'
expect_out 'tree/deep: No such file'
equal "the outer directory" "$(find a -name deep | grep -c /b2/)" 1
expect 0 umview --cow a -- umview --norc --cow empty cat tree/same
equal "kept" "$out" x
expect 0 umview --cow a -- cat tree/same
equal "the outer one" "$out" "same, host"
expect 125 umview --cow a -- sh -c "mkdir m; umview --norc -m viewfs,mincow:$PWD/m:/ true"
expect_out 'mincow changes the host'
list >after
cmp before after || fail "the host's tree has changed: $(diff before after)"

# virtual owners and devices of the outer one; root in the inner one
expect 0 umview --cow v --su -- sh -c '
	. ./look.sh
	echo x >tree/owned; chown 12:34 tree/owned; chmod 4751 tree/owned
	mknod tree/null c 1 3
	umview --norc --cow w sh -c ". ./look.sh
		must attributes \"\$(stat -c \"%u %g %a\" tree/owned)\" \"12 34 4751\"
		must by-descriptor \"\$(stat -c \"%u %g %a\" - <tree/owned)\" \"12 34 4751\"
		must device \"\$(stat -c \"%F %t %T\" tree/null)\" \"character special file 1 3\"
		echo y >tree/null || exit 1
		must null \"\$(cat tree/null)\" \"\"
		chmod 600 tree/owned
		must changed \"\$(stat -c \"%u %g %a\" tree/owned)\" \"12 34 600\"
		must id \"\$(id -u)\" 0" || exit 1
	must attributes "$(stat -c "%u %g %a" tree/owned)" "12 34 4751"'

# copy-on-write over a bind: the bind is part of what is changed
expect 0 umview -m "viewfs,move:$PWD/bound:$PWD/point" --cow d -- sh -c '
	. ./look.sh
	must bind "$(cat point/f)" bound
	echo changed >point/f; echo new >point/new
	must changed "$(cat point/f point/new | tr "\n" " ")" "changed new "'
equal "the bound directory" "$(cat bound/*)" bound
list >after
cmp before after || fail "the host's tree has changed: $(diff before after)"
