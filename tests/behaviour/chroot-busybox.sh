# SPDX-License-Identifier: GPL-2.0-or-later
# The slides' example 5: a user-mode chroot, by chroot(2) and by viewfs's move,permanent; and programs in the cage get the
# cage's own ELF interpreter and libraries.
# ptrace: yes
. "$(dirname "$0")/../lib.sh"
need_command busybox busybox-static
need_command cc gcc

busybox=$(command -v busybox)
cage=$TMPDIR/root
mkdir "$cage" "$cage/bin" "$cage/lib" "$cage/tmp"
cp "$busybox" "$cage/bin/busybox"
echo caged >"$cage/lib/marker"
echo 'int puts(const char *); int main(void) { puts("dynamic, in the cage"); return 0; }' >dynamic.c
cc -o "$cage/bin/dynamic" dynamic.c -Wl,--dynamic-linker=/lib/cage-ld.so || fail "cc"
ldd /bin/true | sed -n 's|^[^/]*\(/[^ ]*\).*|\1|p' | while read -r lib; do
	case $lib in *ld-linux*) cp "$lib" "$cage/lib/cage-ld.so" ;; esac
	mkdir -p "$cage$(dirname "$lib")" && cp "$lib" "$cage$lib"
done
[ -s "$cage/lib/cage-ld.so" ] || fail "no dynamic linker found"

cat >"$cage/inside.sh" <<'END'
set -e
cat /lib/marker
echo "names: $(echo /*)"
cd /..
echo "pwd: $(pwd)"
[ ! -e /etc/passwd ]
[ ! -e /usr/bin/env ]
echo "exe: $(readlink /proc/self/exe || true)"
/bin/dynamic
cd /bin && ./dynamic
echo made >/tmp/made
exit 7
END
inside() {
	expect_out '^caged$'
	expect_out '^pwd: /$'
	expect_out '^dynamic, in the cage$'
	equal "made in the cage" "$(cat "$cage/tmp/made")" made
	rm "$cage/tmp/made"
	printf '%s\n' "$out" | grep -q "names:.*/\(etc\|home\|var\) " && fail "names from outside of the cage"
	return 0
}
# the shell in the cage has its commands in itself
for applet in cat readlink; do ln -s busybox "$cage/bin/$applet"; done

# by the virtual chroot system call, as an ordinary user
expect 7 umview -- sh -c "PATH=/bin exec /usr/sbin/chroot $cage /bin/busybox sh /inside.sh"
inside
# with a virtual root
expect 7 umview --su -- env PATH=/bin /usr/sbin/chroot "$cage" /bin/busybox sh /inside.sh
inside
# through a copy-on-write view nothing is made for real
fresh_dir D
expect 7 umview --cow "$D" -- env PATH=/bin /usr/sbin/chroot "$cage" /bin/busybox sh /inside.sh
[ ! -e "$cage/tmp/made" ] || fail "made on the host"

# by viewfs, with busybox's own mount, typed to busybox's shell
out=$(umview -- sh -c "um_add_service viewfs && exec busybox sh" 2>&1 <<END
mount -t viewfs -o move,permanent $cage /
PATH=/bin
cd /
/bin/busybox sh /inside.sh
exit \$?
END
)
equal "status of the shell in the cage" $? 7
printf '%s\n' "$out"
inside
# by viewfs, with the mount command that the view shows; it stays: permanent
expect 0 umview -- sh -c "um_add_service viewfs && mount -t viewfs -o move,permanent $cage / &&
	/bin/busybox sh -c 'busybox umount / 2>/dev/null; cat /lib/marker; [ ! -e /etc/passwd ]'"
expect_out '^caged$'
# and by the command line
expect 7 umview --mount "viewfs,move,permanent:$cage:/" -- /bin/busybox sh -c 'PATH=/bin; cd /; . /inside.sh'
inside
exit 0
