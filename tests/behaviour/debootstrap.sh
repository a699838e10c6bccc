# SPDX-License-Identifier: GPL-2.0-or-later
# An ordinary user makes a Debian root with debootstrap, and works in it by chroot(2) and by move,permanent.
# needs: network
# level: full
# timeout: 1200
. "$(dirname "$0")/../lib.sh"
need_command debootstrap debootstrap

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
[ -n "$mirror" ] || skip "apt has no mirror"
fresh_dir D
root=$TMPDIR/bookworm
expect 0 umview --cow "$D" --su -- debootstrap --variant=minbase bookworm "$root" "$mirror"
expect 0 umview --cow "$D" --su -- chroot "$root" /bin/sh -c 'cat /etc/debian_version; id -un; dpkg-query -W dpkg; ls -l /etc/shadow'
expect_out '^12\.'
expect_out '^root$'
expect_out 'root *shadow'
expect 0 umview --cow "$D" --su -- chroot "$root" apt-get check
expect 0 umview --cow "$D" --su -- chroot "$root" dpkg --verify
equal "dpkg --verify" "$out" ""
expect 0 umview --cow "$D" --su -- chroot "$root" su -s /bin/sh daemon -c 'id -un'
expect_out '^daemon$'
expect 0 umview --cow "$D" --su --mount "viewfs,move,permanent:$root:/" -- /bin/sh -c 'cat /etc/debian_version; ls /'
expect_out '^12\.'
[ ! -e "$root" ] || fail "it is on the host"

# straight into a real directory, by a view that only makes its ownership virtual
mkdir real
expect 0 umview --su --mount "viewfs,cow,vstat:$TMPDIR/real:/mnt" -- debootstrap --variant=minbase bookworm /mnt "$mirror"
expect 0 umview --su --mount "viewfs,cow,vstat:$TMPDIR/real:/mnt" -- chroot /mnt /bin/sh -c 'stat -c %U:%G /etc/shadow; apt-get check'
expect_out '^root:shadow$'
[ -d real/usr/bin ] || fail "the directory of the changes is empty"
