# SPDX-License-Identifier: GPL-2.0-or-later
# FUSE mounts where mounts can be: the root of a chroot, an image in an image of another kind, names with spaces, twenty at once,
# one image in several views; and a FAT image in place of a disk that is made, written and listed as in View-OS's example.
# timeout: 180
. "$(dirname "$0")/../lib.sh"

[ -e "$UMVIEW_BUILD/modules/.libs/umfuse.so" ] || skip "the module umfuse was not built"
for program in mke2fs fuse2fs busybox xorriso fuseiso mksquashfs squashfuse mkfs.vfat fusefat; do need_command $program; done

# is SCRIPT: in a view it prints what is on standard input
is() {
	cat >wanted
	printf '%s\n' "$1" >script
	umview -p umfuse -- sh ./script >got 2>&1 </dev/null
	diff wanted got || fail "the output differs (< wanted): $1"
}
ext4() {
	truncate -s "$2" "$1"
	mke2fs -q -t ext4 -E root_owner="$(id -u):$(id -g)" ${3:+-d "$3"} "$1" || fail mke2fs
}

mkdir -p "a b/m x" m m2 root/bin src/sub sq many
echo hi >src/f
echo below >src/sub/g
cp "$(command -v busybox)" root/bin/busybox
for name in sh ls cat mkdir; do ln -s busybox root/bin/$name; done
ext4 root.img 20M root
ext4 big.img 30M
ext4 small.img 6M src
cp small.img sq
mksquashfs sq sq.img -quiet -no-progress >/dev/null || fail mksquashfs
xorriso -as mkisofs -quiet -R -o src.iso src >/dev/null 2>&1 || fail xorriso

is 'mount -t ext4 -o rw root.img m
PATH=/bin /usr/sbin/chroot m /bin/sh -c "cd /bin; pwd; echo made >/made; mkdir -p /d/e && cd /d/e && pwd; [ -e /etc ] || echo gone"
cat m/made; umount m; echo $?' <<'END'
/bin
/d/e
gone
made
0
END
is 'mount big.img m; cp src.iso m; mount m/src.iso m2; cat m2/f m2/sub/g; umount m2; umount m; echo $?
mount sq.img m; mount -r m/small.img m2; cat m2/f; umount m2; umount m; echo $?' <<'END'
hi
below
0
hi
0
END
cp small.img "im age.img"
is 'mount -r "im age.img" "a b/m x"; cat "a b/m x/f"; grep -c "a.040b/m.040x" /proc/mounts; umount "im age.img"; ls "a b/m x"' <<'END'
hi
1
END
is 'i=0; while [ $i -lt 20 ]; do mkdir many/$i; mount -r small.img many/$i || exit; i=$((i + 1)); done
cat many/*/f | grep -c hi; umount many/*; echo $?; cat many/*/f 2>/dev/null | grep -c hi' <<'END'
20
0
0
END
for i in 1 2 3 4 5; do
	mkdir "view$i"
	umview -p umfuse -- sh -c 'mount -r small.img "$1" && cat "$1/sub/g" && umount "$1"' sh "view$i" >"seen$i" 2>&1 &
done
wait
equal "one image in five views" "$(cat seen?)" "$(printf 'below\nbelow\nbelow\nbelow\nbelow')"

truncate -s 10M hdx
mkfs.vfat hdx >/dev/null || fail mkfs.vfat
is 'mount -t umfusefat -o rw+ hdx m; mount | grep -c "/hdx on .*/m type fuse.fusefat"
echo text >m/A.TXT; mkdir m/dir; cp src/f m/dir/f; echo more >>m/A.TXT; mv m/A.TXT m/dir/B.TXT; umount m; mount -r hdx m; ls m/dir; cat m/dir/B.TXT; umount m' <<'END'
1
B.TXT
f
text
more
END
expect 0 fsck.vfat -n hdx
