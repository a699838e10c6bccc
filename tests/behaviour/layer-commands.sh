# SPDX-License-Identifier: GPL-2.0-or-later
# as: both
# viewdiff, viewapply, viewdiscard and viewexport on a directory of changes that a view has made.
# ptrace: yes
. "$(dirname "$0")/../lib.sh"
need_command tar
need_command python3

me=$(id -u):$(id -g)
fresh_dir D
mkdir tree tree/dir tree/gone tree/opaque tree/keep
for f in same changed removed mode stale; do echo "$f, real" >tree/$f; done
touch tree/gone/x tree/opaque/a tree/opaque/b tree/keep/k
touch -d '2001-02-03 04:05:06.123456789 UTC' tree/*
cp -a tree pristine

cat >change.sh <<'END'
set -eu
cd tree
echo new >changed
rm removed
chmod 4711 mode
echo of-the-view >>stale
rm -r gone
rm -r opaque; mkdir opaque; echo b >opaque/b
mkdir -m 2775 new; echo first >new/first; ln new/first new/second; ln -s first new/link
mkfifo new/pipe
truncate -s 10M new/sparse; echo end >>new/sparse
echo x >'new/a name
with \ things'
touch -d '2010-01-01 00:00:00.5 UTC' new/first
END
cat >owners.sh <<'END'
chown 12:34 tree/changed tree/new/first
chown -h 5:6 tree/new/link
mknod -m 640 tree/new/dev c 1 3
END

plain() { umview --mount "viewfs,cow:$D:$PWD/tree" -- "$@"; }
root() { umview --su --mount "viewfs,cow,vstat:$D:$PWD/tree" -- "$@"; }

# --- an ordinary view: everything stays the user's -------------------------------------------------------------------
expect 0 plain sh change.sh
diff -r tree pristine >/dev/null || fail "the view has changed the real tree"
equal "recorded target" "$(cat "$D/.umview/target")" "$PWD/tree"
expect 0 viewdiff "$D"
T=$PWD/tree
for line in "M .* $T/changed\$" "D .* $T/removed\$" "M -rws--x--x .* $T/mode .mode was 0644" "D .* $T/gone\$" \
	"M .* $T/opaque .hides" "D .* $T/opaque/a\$" "M .* $T/opaque/b\$" "A drwxrwsr-x .* $T/new\$" "A l.* $T/new/link\$" \
	"A p.* $T/new/pipe\$" "M .* $T/stale\$"; do
	expect_out "^$line"
done
expect_out 'new/a name\\012with \\134 things$'
case $out in *same* | *keep*) fail "lists what is the same" ;; esac
expect 1 viewdiff --quiet "$D"
viewdiff --json "$D" | python3 -c '
import json, sys
d = json.load(sys.stdin)
c = {e["path"][len(d["target"]) + 1:]: e for e in d["changes"]}
assert c["changed"]["change"] == "M" and c["changed"]["was"]["size"] == 14, c["changed"]
assert c["mode"]["mode"] == "4711" and c["mode"]["was"]["mode"] == "0644"
assert c["opaque"]["opaque"] and not c["new"]["opaque"]
assert c["removed"]["change"] == "D" and "mode" not in c["removed"]
assert c["new/a name\nwith \\ things"]["type"] == "file"
assert not any(e["host_changed"] for e in d["changes"])
' || fail "viewdiff --json"

# What the host has changed meanwhile is said, and in the way.
echo "the host's" >tree/stale
rm tree/mode
expect 0 viewdiff "$D"
expect_out 'stale .*the host has changed it since'
expect_out 'mode .*the host has removed it since'
expect 1 viewapply "$D"
expect_out 'stale: the host has changed it since'
expect_out 'nothing was changed: 2 of'
cp -a pristine/mode tree/mode # with another time of change
cp -a tree before
expect 0 viewapply --dry-run --force "$D"
expect_out '^D .*/tree/removed$'
diff -r tree before >/dev/null || fail "a dry run has changed something"

# A directory that may not be written: nothing at all is done.
if [ "$(id -u)" != 0 ]; then
	chmod 555 tree/opaque
	expect 1 viewapply --force "$D"
	expect_out 'opaque.*may not be'
	chmod 755 tree/opaque
	diff -r tree before >/dev/null || fail "it was refused, and yet something was changed"
fi

# The archive: as tar reads it.
expect 0 viewexport --tar layer.tar "$D"
tar -tf layer.tar >list || fail "tar cannot read it"
for name in changed .wh.removed .wh.gone opaque/ opaque/.wh..wh..opq opaque/b new/ new/first new/second new/link new/pipe; do
	grep -qxF -e "$name" list || fail "$name is not in the archive: $(cat list)"
done
if grep -q -e '^opaque/.wh.a$' -e umview list; then fail "too much in the archive: $(cat list)"; fi
mkdir out && tar -C out -xpf layer.tar || fail "tar -x"
equal "hard link" "$(stat -c %i out/new/first)" "$(stat -c %i out/new/second)"
equal "time" "$(stat -c %.9Y out/new/first)" "1262304000.500000000"
equal "mode" "$(stat -c %a out/mode)" 4711
equal "link" "$(readlink out/new/link)" first
equal "sparse file" "$(tail -c 4 out/new/sparse)" end
[ "$(stat -c %s layer.tar)" -lt 1000000 ] || fail "the hole is in the archive"
viewexport "$D" | cmp - layer.tar || fail "standard output has something else"
expect 1 viewexport --tar /nonexistent/x "$D"
expect 1 viewexport --tar /dev/full "$D"
[ -c /dev/full ] || fail "has removed a device"

# --- applied ---------------------------------------------------------------------------------------------------------
expect 0 viewapply --force --verbose "$D"
expect_out '^A .*/tree/new$'
equal "changed" "$(cat tree/changed)" new
equal "stale" "$(tail -n 1 tree/stale)" of-the-view
[ ! -e tree/removed ] && [ ! -e tree/gone ] && [ ! -e tree/opaque/a ] || fail "not removed"
equal "mode" "$(stat -c %a tree/mode)" 4711
equal "new mode" "$(stat -c %a tree/new)" 2775
equal "hard link" "$(stat -c %h tree/new/first)" 2
equal "time" "$(stat -c %.9Y tree/new/first)" "1262304000.500000000"
equal "owner" "$(stat -c %u:%g tree/changed)" "$me"
[ "$(stat -c %b tree/new/sparse)" -lt 2000 ] || fail "not sparse any more"
[ -p tree/new/pipe ] || fail "no fifo"
expect 0 viewdiff "$D"
equal "difference afterwards" "$out" ""
if find tree -name '.viewapply*' | grep .; then fail "leaves something"; fi

expect 0 viewdiscard "$D"
equal "discarded" "$(ls -A "$D")" .umview
expect 0 viewdiff "$D"
equal "difference after viewdiscard" "$out" ""
expect 0 viewdiscard -r "$D"
[ ! -e "$D" ] || fail "viewdiscard -r left the directory"
mkdir "$D"
expect 1 viewdiff "$D"
expect_out 'not a directory of changes'
expect 1 viewdiscard "$D"

# --- the view's root: virtual owners ---------------------------------------------------------------------------------
rm -rf tree && cp -a pristine tree
expect 0 root sh -c '. ./change.sh; cd ..; . ./owners.sh'
expect 0 viewdiff "$D"
expect_out "M .* 12:34 .*/changed .owner was $me"
expect_out '^A c.* 0:0 .*/new/dev$'
expect_out '^A l.* 5:6 .*/new/link$'
expect 0 viewexport -f layer.tar "$D"
tar --numeric-owner -tvf layer.tar >list
grep -q '^crw-r----- 0/0 .* 1,3 .*new/dev$' list || fail "device: $(cat list)"
grep -q ' 12/34 .*new/first$' list || fail "owner: $(cat list)"
grep -q ' 5/6 .*new/link -> first$' list || fail "owner of a link: $(cat list)"
cp -a tree before2
if [ "$(id -u)" = 0 ]; then
	expect 0 viewapply "$D"
	equal "owner" "$(stat -c %u:%g tree/changed)" 12:34
	equal "owner of a link" "$(stat -c %u:%g tree/new/link)" 5:6
	equal "device" "$(stat -c %t:%T:%a tree/new/dev)" 1:3:640
	equal "mode after owner" "$(stat -c %a:%u tree/mode)" 4711:0
	expect 0 viewdiff "$D"
	equal "difference afterwards" "$out" ""
else
	expect 1 viewapply "$D"
	expect_out 'only root can give it to 12:34'
	expect_out 'nothing was changed'
	diff -r tree before2 >/dev/null || fail "it was refused, and yet something was changed"
fi

# --- in use, and bad input -------------------------------------------------------------------------------------------
mkfifo started ended
umview --mount "viewfs,cow:$D:$PWD/tree" -- sh -c 'echo >started; read x <ended' &
read -r _ <started
expect 1 viewdiscard "$D"
expect_out 'in use by a running view'
expect 1 viewapply "$D"
expect_out 'in use by a running view'
expect 0 viewdiff "$D"
echo >ended
wait $!
i=0
until viewdiscard --remove "$D" 2>/dev/null; do
	i=$((i + 1))
	[ $i -lt 50 ] || fail "still in use"
	sleep 0.1
done
[ ! -e "$D" ] || fail "not removed"
for cmd in viewdiff viewapply viewdiscard viewexport; do
	expect 1 $cmd
	expect 1 $cmd --no-such-option x
	expect 1 $cmd "$TMPDIR/missing"
	expect_out 'missing: No such file or directory'
	mkdir -p empty
	expect 1 $cmd empty
	[ -z "$(ls -A empty)" ] || fail "$cmd leaves something"
	expect 0 $cmd --help
	expect_out "^Usage: $cmd "
	expect 0 $cmd --version
done
expect 1 viewdiff --target "$TMPDIR/missing" empty

# A directory that another tool has made, with a target of our own.
mkdir foreign && touch foreign/.wh.same && echo x >foreign/extra
expect 0 viewdiff --target tree foreign
expect_out '^D .*/same$'
expect_out '^A .*/extra$'

# Names are bytes: GNU tar reads those that are no UTF-8 without a word, and what only looks like its headers stays.
mkdir bytes
umview --cow bytes-changes -- python3 -c '
import os
d = os.open("bytes", os.O_RDONLY)
odd = b"odd\xff\n21 hdrcharset=BINARY\n"
os.close(os.open(odd, os.O_WRONLY | os.O_CREAT, dir_fd=d))
os.symlink(odd, b"link\xfe", dir_fd=d)
with open("bytes/data", "wb") as f:
    f.write((b"x" * 156 + b"x" + b"y" * 355) + b"21 hdrcharset=BINARY\n" * 100)
' || fail "cannot make odd names"
expect 0 viewexport -f bytes.tar bytes-changes
equal "words of viewexport" "$out" ""
mkdir bytes-out
expect 0 tar -C bytes-out -xf bytes.tar
equal "words of tar" "$out" ""
python3 - "bytes-out$PWD/bytes" <<'END' || fail "what tar has made of it"
import os, sys
d = os.fsencode(sys.argv[1])
odd = b"odd\xff\n21 hdrcharset=BINARY\n"
assert sorted(os.listdir(d)) == [b"data", b"link\xfe", odd], os.listdir(d)
assert os.readlink(d + b"/link\xfe") == odd
with open(d + b"/data", "rb") as f:
    assert f.read() == (b"x" * 156 + b"x" + b"y" * 355) + b"21 hdrcharset=BINARY\n" * 100
END
expect 1 viewexport -f /dev/full bytes-changes
expect_out '^viewexport: /dev/full: No space left on device'

# An ACL that differs is told of.
need_command setfacl acl
mkdir acls
for f in more less same other; do echo x >acls/$f; done
setfacl -m u:1:r acls/less acls/same || skip "no ACLs here: $PWD"
mkdir acls/default
umview --cow acl-changes -- sh -c 'cd acls; setfacl -m u:1:rw,m::r more; setfacl -b less; chmod 644 less; echo y >>same; echo y >>other
	setfacl -d -m u:1:r default'
expect 0 viewdiff acl-changes
expect_out '/acls/more.*\[ACL changed\]'
expect_out '/acls/less.*\[ACL changed\]'
expect_out '/acls/default.*\[ACL changed\]'
printf '%s\n' "$out" | grep '/same\|/other' | grep ACL && fail "an ACL that is the same"
viewdiff --json acl-changes | python3 -c 'import json, sys
c = {os.path.basename(x["path"]): x["acl_changed"] for os in [__import__("os")] for x in json.load(sys.stdin)["changes"]}
assert c == {"more": True, "less": True, "same": False, "other": False, "default": True}, c' || fail "viewdiff --json: ACLs"
exit 0
