# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing that is done in a copy-on-write view reaches the real files: not through binds, not by unmounting the view's own
# root, not by what needs no writable descriptor; and a directory with other contents is not taken for one of changes.
. "$(dirname "$0")/../lib.sh"

fresh_dir D
mkdir a c
echo A >a/f
echo x >f
echo x >g
touch -d @1000 g
look() { lsattr a/f 2>/dev/null; find a c f g -printf '%p %y %m %s %T@ %C@\n'; cat a/f f g; lsattr f 2>/dev/null; }
look >before
cat >by-fd.py <<'END'
import os, sys
f = os.open(sys.argv[1], 0)
for change in (lambda: os.utime(f, (5, 5)), lambda: os.fchmod(f, 0o600), lambda: os.utime(f, (6, 6)),
               lambda: os.setxattr(f, "user.x", b"x"), lambda: os.chown(f, -1, os.getgid())):
    try:
        change()
    except OSError:
        pass
END

for mode in "" --su --secure; do
	expect 0 umview $mode --cow "$D" -- sh -c 'echo VIEW >a/v; mount --bind a c && ls c && echo x >c/new && rm c/f && ls a && umount c && ls c'
	equal "a bind in a view ($mode)" "$out" "f
v
new
v"
	umview $mode --cow "$D" -- sh -c 'rm -rf a; mkdir a; echo A >a/f'
	expect !0 umview $mode --cow "$D" -- umount /
	expect_out permanent
	expect 0 umview $mode --cow "$D" -- sh -c 'umount / 2>/dev/null; echo x >leak'
	[ ! -e leak ] || fail "a write after umount / is on the host ($mode)"
	umview $mode --cow "$D" -- chattr +A f >/dev/null 2>&1
	umview $mode --cow "$D" -- python3 by-fd.py g
	umview $mode --cow "$D" -- sh -c 'mount --bind a c && chattr +A c/f; python3 by-fd.py c/f' >/dev/null 2>&1
	look >after
	cmp -s before after || { diff before after; fail "the real files have changed ($mode)"; }
	chmod -R u+rwX "$D"
	rm -rf "$D"
	mkdir "$D"
done

mkdir mine
echo precious >mine/thesis
expect 125 umview --cow mine true
expect_out 'not empty'
expect 125 umview --cow '' true
[ -f mine/thesis ] && [ ! -e mine/.umview ] && [ ! -e .umview ] || fail "it was used all the same"

# mount and umount are the view's own, each time
expect 0 umview -- sh -c 'for i in 1 2 3; do mount --version; umount --version; done'
equal "whose mount it is" "$(printf '%s\n' "$out" | grep -c umview)" 6
