# SPDX-License-Identifier: GPL-2.0-or-later
# FUSE servers as Debian has them, not changed and started by their own names: what they show is what is there, what is written is
# in the image afterwards, and umount and fusermount3 -u end them with status 0.
# timeout: 600
. "$(dirname "$0")/../lib.sh"
. "$UMVIEW_SRC/tests/fuse/images.sh"

mkdir mnt tree simple
make_tree tree || fail "no tree"
make_tree simple plain || fail "no tree"
# fusefat lists short names in capitals, so no name may be short.
(cd simple && find . -depth ! -name . -printf '%h %f\n' | while read -r dir file; do
	mv "$dir/$file" "$dir/$(printf %s "$file" | cut -c1 | tr a-z A-Z)$(printf %s "$file" | cut -c2-)" || exit
done) || fail "no names"
: "${FUSE_NATIVE:=}" # by hand, as root: with the kernel's client

# with NAME TREE ACCESS COMMAND...: by umount, and once more by fusermount3
with() {
	name=$1
	shift
	tree=$1 access=$2
	shift 2
	if ! command -v "$1" >/dev/null; then
		not_tried "$1 is not installed"
		return
	fi
	for unmount in umount "fusermount3 -u"; do
		[ "$access" != rw ] || { rm -rf "$name.image" && cp -a "$name.original" "$name.image"; } || fail "no copy of $name"
		if [ "$FUSE_NATIVE" ]; then
			expect 0 sh "$UMVIEW_SRC/tests/fuse/server.sh" "$tree" "$access" "$unmount" "$@"
		else
			expect 0 umview -- sh -c 'um_add_service umfuse && exec sh "$@"' sh "$UMVIEW_SRC/tests/fuse/server.sh" "$tree" \
				"$access" "$unmount" "$@"
		fi
		[ -z "$out" ] || fail "$name, by $unmount: $out"
		[ "$access" != rw ] || "check_${name%%-*}" || fail "$name, by $unmount: what was written is not there"
	done
}

# What server.sh found last in the mount is what a mount of now has, read-only.
same_as_written() {
	(cd "$1" && find . ! -path ./lost+found -type f -exec cksum {} +) | sort >after
	diff written after
}

check_ext4() {
	e2fsck -fn "$name.image" >fsck.out 2>&1 || { cat fsck.out; return 1; }
	mkdir out && debugfs -R "rdump / out" "$name.image" 2>debugfs.out && rm -rf out/lost+found && same_as_written out
	set -- $?
	rm -rf out
	return "$1"
}
check_ext2() { check_ext4; }
check_vfat() {
	fsck.vfat -n "$name.image" >fsck.out 2>&1 || { cat fsck.out; return 1; }
	mkdir out && mcopy -s -Q -n -i "$name.image" '::*' out && same_as_written out
	set -- $?
	rm -rf out
	return "$1"
}
check_zip() {
	mkdir out && bsdtar -C out -xf "$name.image" && same_as_written out
	set -- $?
	rm -rf out
	return "$1"
}
check_bindfs() { same_as_written "$name.image"; }
check_unionfs() {
	[ "$(cat unionfs.upper/new)" = "new
more" ] && [ ! -e tree/new ] && [ -e tree/dir ]
	set -- $?
	rm -rf unionfs.upper
	mkdir unionfs.upper
	return "$1"
}
check_encfs() {
	[ "$(find encfs.image -type f | wc -l)" -gt 300 ] && ! grep -rq "contents of file" encfs.image
}

image ext4 tree ext4.original >/dev/null || fail "no ext4"
with ext4 "$PWD/tree" rw fuse2fs -f -o fakeroot ext4.image mnt
image squashfs tree squashfs.image || fail "no squashfs"
with squashfs "$PWD/tree" ro squashfuse -f squashfs.image mnt
image iso tree iso.image || fail "no iso"
with iso "$PWD/tree" loose fuseiso -n iso.image mnt -f
image vfat simple vfat.original || fail "no vfat"
with vfat "$PWD/simple" loose fusefat -f -o rw+ vfat.original mnt
image zip tree zip.original || fail "no zip"
with zip "$PWD/tree" loose fuse-zip -f -r zip.original mnt
cp -a tree bindfs.original
with bindfs "$PWD/tree" rw bindfs -f bindfs.image mnt
with bindfs-single "$PWD/tree" ro bindfs -f -s tree mnt
mkdir unionfs.upper unionfs.original
with unionfs "$PWD/tree" rw unionfs -f -o cow "$PWD/unionfs.upper=RW:$PWD/tree=RO" "$PWD/mnt"
