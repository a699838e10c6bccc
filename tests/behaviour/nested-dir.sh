# SPDX-License-Identifier: GPL-2.0-or-later
# The directory of an inner --cow view is an ordinary directory in the view around it: while the inner one runs and when it
# has ended, three deep, in another session of the outer one, and on the host when the outer one's changes are applied.
# timeout: 240
. "$(dirname "$0")/../lib.sh"

mkdir d gone
echo one >f
echo one >d/f
echo one >d/removed
echo one >gone/x
list() { find f d gone -printf '%p %y %m %s %T@\n' | sort; cat f d/*; }
list >before

cat >must.sh <<'END2'
set -u
must() { [ "$2" = "$3" ] || { echo "FAILED: $1: got \"$2\", not \"$3\"" >&2; exit 1; }; }
# names, types, contents and links of what an inner view has made
shown() { (cd "$1" && find . -path ./.umview -prune -o ! -type d -printf '%P %y %m %s %u %l\n' | sort; find . -type f ! -path './.umview/*' -exec cat {} + | sort); }
END2

cat >change.sh <<'END2'
echo two >f
echo two >new
ln -s f link
mkfifo fifo
mkdir -p deep/er
echo two >deep/er/file
ln deep/er/file deep/hard
rm d/removed
rm -r gone
mv d moved
chmod 4711 moved/f
END2

# --- when it has ended
cat >outer.sh <<'END2'
. ./must.sh
umview --norc --cow b sh change.sh || exit 1
must "owner and mode" "$(stat -c '%u %a %F' b)" "$(id -u) 755 directory"
must "names" "$(cd b$PWD && echo *)" "d deep f fifo gone link moved new"
must "unknown" "$(ls -laR b 2>&1 | grep -c '?')" 0
must "contents" "$(cat b$PWD/f b$PWD/deep/hard)" "$(printf 'two\ntwo')"
must "removed" "$(stat -c '%F %t %T' b$PWD/gone)" "character special file 0 0"
must "links" "$(stat -c %h b$PWD/deep/hard)" 2
must "by a descriptor" "$(stat -c '%u %a %s' - <b$PWD/f)" "$(stat -c '%u %a %s' b$PWD/f)"
must "by a directory" "$(cd b$PWD && ls moved && stat -c %F . && /bin/pwd)" "$(printf 'f\nremoved\ndirectory\n%s' "$PWD/b$PWD")"
must "viewdiff" "$(viewdiff b | sed 's/[-rwxdlps]\{10\} [0-9:]* *//' | sed "s|$PWD/||" | tr '\n' ' ')" \
	"D d A deep A deep/er A deep/er/file A deep/hard M f A fifo D gone A link A moved A moved/f A new "
shown b >shown-b
# entered again
must "again" "$(umview --norc --cow b sh -c 'cat f deep/er/file; echo d* g* m*; stat -c %a moved/f')" \
	"$(printf 'two\ntwo\ndeep g* moved must.sh\n4711')"
# changed by hand, as on the host
echo three >b$PWD/new
mkdir b$PWD/by-hand
echo hand >b$PWD/by-hand/x
mv b$PWD/by-hand b$PWD/by-hand2
ln b$PWD/by-hand2/x b$PWD/by-hand2/y
chmod 600 b$PWD/by-hand2/x
must "mode" "$(stat -c '%a %h' b$PWD/by-hand2/y)" "600 2"
must "by hand" "$(umview --norc --cow b cat new by-hand2/x)" "$(printf 'three\nhand')"
echo outside >outside
ln outside b$PWD/outside 2>err && { echo "FAILED: linked into it"; exit 1; }
grep -q 'cross-device' err || { cat err; exit 1; }
mv outside b$PWD/outside || exit 1
must "moved in" "$(umview --norc --cow b cat outside)" outside
mv b$PWD/by-hand2 out || exit 1
must "moved out" "$(cat out/x out/y; ls b$PWD | grep -c hand)" "$(printf 'hand\nhand\n0')"
rm -r out
# copied, archived, renamed
cp -r b copy || exit 1
cp -a b copy-a || exit 1
shown b >one; shown copy-a >two
cmp one two || { diff one two; echo "FAILED: the copy differs"; exit 1; }
tar cf b.tar b || exit 1
mkdir from-tar; tar xf b.tar -C from-tar || exit 1
shown from-tar/b >two
cmp one two || { diff one two; echo "FAILED: the archive differs"; exit 1; }
mv b c || exit 1
must "renamed" "$(umview --norc --cow c cat new moved/f)" "$(printf 'three\none')"
mkdir -p into/it; mv c into/it/b || exit 1
must "renamed" "$(umview --norc --cow into/it/b cat new moved/f)" "$(printf 'three\none')"
mv into elsewhere; mv elsewhere/it/b b || exit 1
must "nothing changed" "$(cat f d/f d/removed gone/x | sort -u)" one
# applied to what the outer view shows
viewapply b >/dev/null || exit 1
must "applied" "$(cat f new moved/f; ls -d d gone 2>/dev/null; stat -c %a moved/f)" "$(printf 'two\nthree\none\n4711')"
must "no changes left" "$(viewdiff b)" ""
# discarded
viewdiscard b || exit 1
must "discarded" "$(ls -A b; ls -A b/.umview)" .umview
must "after it" "$(umview --norc --cow b sh -c 'echo four >f; cat f'; cat f)" "$(printf 'four\ntwo')"
viewdiscard -r b || exit 1
must "gone" "$(ls -d b 2>&1)" "ls: cannot access 'b': No such file or directory"
umview --norc --cow b sh -c 'rm f; echo x >d2' && rm -rf b || exit 1
must "gone" "$(ls -d b 2>&1)" "ls: cannot access 'b': No such file or directory"
mkdir b; echo y >b/y
must "an ordinary one" "$(cat b/y; umview --norc --cow b true 2>&1 | grep -o 'not empty, and not a view')" "$(printf 'y\nnot empty, and not a view')"
END2
expect 0 umview --cow a -- sh outer.sh
list >after
cmp before after || fail "the host's tree has changed: $(diff before after)"
expect 0 umview --cow v --su -- sh -c '
	. ./must.sh
	umview --norc --cow b sh -c "echo x >own; chown 12:34 own; mknod null c 1 3; rm f" || exit 1
	must owner "$(stat -c "%u %g" b b$PWD/own b$PWD | sort -u)" "0 0"
	must owner-by-descriptor "$(stat -c "%u %g" - <b$PWD/own)" "0 0"
	must type "$(stat -c %F b$PWD/null b$PWD/f)" "$(printf "regular empty file\ncharacter special file")"
	must again "$(umview --norc --cow b stat -c "%u %g %F" own null)" "$(printf "12 34 regular file\n0 0 character special file")"
	chown -R 0:0 b && ! chown 5 b$PWD/own 2>/dev/null || exit 1
	chown 7:8 b
	must given-away "$(stat -c "%u %g" b b$PWD b$PWD/own | sort -u)" "7 8"
	must the-inner-root "$(umview --norc --cow b stat -c "%u %g" / own)" "$(printf "0 0\n12 34")"
	chmod 755 . .. && mkdir w && chown 33:33 w && cd w && setpriv --reuid 33 --regid 33 --clear-groups sh -c "umview --norc --cow b sh -c \"echo x >x\" && cat b\$PWD/x && rm -rf b" &&
	! chmod 4755 ../b$OLDPWD/own 2>/dev/null'

# --- while it runs
cat >running.sh <<'END2'
. ./must.sh
mkfifo go
umview --norc --cow b sh -c '. ./change.sh; echo >ready.; cat go >/dev/null; cat later' >said &
inner=$!
until [ -e b$PWD/ready. ]; do sleep 0.05; done
must "contents" "$(cat b$PWD/f b$PWD/deep/hard)" "$(printf 'two\ntwo')"
must "viewdiff" "$(viewdiff b | wc -l)" 13
must "unknown" "$(ls -laR b 2>&1 | grep -c '?')" 0
cp -a b copy && tar cf b.tar b || exit 1
must "discard" "$(viewdiscard b 2>&1)" "viewdiscard: b: in use by a running view"
umview --norc --cow b sh -c 'cat f; echo two at once >later' >out || exit 1
must "twice" "$(cat out b$PWD/later)" "$(printf 'two\ntwo at once')"
mv b b2 && cat b2$PWD/f >out && mv b2 b || exit 1
must "renamed" "$(cat out)" two
echo >go
wait $inner || exit 1
must "the inner one" "$(cat said)" "two at once"
END2
expect 0 umview --cow r -- sh running.sh

# --- three deep: the innermost one's is ordinary in each view around it
cat >deep.sh <<'END2'
. ./must.sh
umview --norc --cow b sh -c '
	. ./must.sh
	umview --norc --cow c sh change.sh || exit 1
	must "contents" "$(cat c$PWD/f c$PWD/deep/hard)" "$(printf "two\ntwo")"
	must "viewdiff" "$(viewdiff c | wc -l)" 12
	shown c >shown-c' || exit 1
must "removed" "$(stat -c "%F %t %T" b$PWD/c$PWD/gone)" "character special file 0 0"
must "contents" "$(cat b$PWD/c$PWD/f)" two
must "again" "$(umview --norc --cow b sh -c 'umview --norc --cow c cat f new')" "$(printf 'two\ntwo')"
cp -a b copy || exit 1
shown b >one; shown copy >two
cmp one two || { diff one two; echo "FAILED: the copy differs"; exit 1; }
umview --norc --cow b sh -c 'viewapply c >/dev/null && viewdiscard -r c' || exit 1
must "applied" "$(umview --norc --cow b cat f new; ls -d c new 2>/dev/null)" "$(printf 'two\ntwo')"
rm -rf b copy && umview --norc --cow b cat f || exit 1
END2
expect 0 umview --cow t -- sh deep.sh

# --- another session of the outer view, one that was there before and one that comes after
mkfifo go there
umview --cow s -- sh -c '. ./must.sh; ls -A >/dev/null; echo >there; cat go >/dev/null
	must "in an older session" "$(cat b$PWD/f; viewdiff b | wc -l)" "$(printf "two\n12")"
	must "entered there" "$(umview --norc --cow b cat f new)" "$(printf "two\ntwo")"' &
old=$!
cat there >/dev/null
expect 0 umview --cow s -- umview --norc --cow b sh change.sh
expect 0 umview --cow s -- sh -c '. ./must.sh
	must "in a later session" "$(cat b$PWD/f; viewdiff b | wc -l)" "$(printf "two\n12")"
	must "owner" "$(stat -c "%u %a" b)" "$(id -u) 755"
	must "entered there" "$(umview --norc --cow b cat f new)" "$(printf "two\ntwo")"'
echo >go
wait $old || fail "the older session"
rm go there

# --- on the host
list >after
cmp before after || fail "the host's tree has changed: $(diff before after)"
expect 0 viewdiff s
expect_out "A c--------- .* $PWD/b$PWD/gone"
expect_out "A drwx------ .* $PWD/b/.umview"
expect 0 viewexport s --tar s.tar
expect_out "b$PWD/gone: is written as it is, but"
equal "exported" "$(tar -xOf s.tar "${PWD#/}/b$PWD/f")" two
expect 0 viewapply s
equal "applied" "$(cat "b$PWD/f" f)" "$(printf 'two\none')"
expect 0 umview --cow b -- cat f new deep/hard
equal "a view of it on the host" "$out" "$(printf 'two\ntwo\ntwo')"
expect 0 umview --cow b -- sh -c 'ls -d d gone moved 2>/dev/null; stat -c %a moved/f'
equal "removed there" "$out" "$(printf 'moved\n4711')"
expect 0 viewdiff b
equal "its changes" "$(printf '%s\n' "$out" | wc -l)" 12
expect 0 viewdiscard b
