# SPDX-License-Identifier: GPL-2.0-or-later
# mount finds the FUSE program for a type or an image, returns when the mount answers, and says in words why it does not;
# umount and fusermount3 end it, and what was written is complete then.
# timeout: 300
# ptrace: yes
. "$(dirname "$0")/../lib.sh"

need_command mke2fs e2fsprogs
need_command fuse2fs fuse2fs
[ -e "$UMVIEW_BUILD/modules/.libs/umfuse.so" ] || skip "the module umfuse was not built"
W=$PWD

# in_view SCRIPT: its output must be that of standard input
in_view() {
	cat >wanted
	printf '%s\n' "$1" >script
	umview -p umfuse -- sh ./script >got 2>&1 </dev/null
	sed "s|$W|W|g" got >got.short
	cmp -s wanted got.short || {
		cat script
		diff wanted got.short
		fail "the output differs (< wanted)"
	}
}

mkdir src src/d m m2 m3
echo hello >src/a
echo deep >src/d/b
ln -s a src/l
truncate -s 6M ext.img
mke2fs -q -t ext4 -E root_owner="$(id -u):$(id -g)" -d src ext.img
: >empty
head -c 300000 /dev/urandom >junk
head -c 20000 ext.img >cut

echo "--- without the service"
expect 32 umview -- mount -t umfuseext2 ext.img m
expect_out 'the service umfuse, by which FUSE programs mount, is not loaded: um_add_service umfuse'
expect 32 umview -- mount -t ext4 ext.img m
expect_out 'um_add_service umfuse'

echo "--- read-only as in View-OS, by type, by what is in it"
in_view 'mount -t umfuseext2 -o ro ext.img m; echo $?; cat m/a m/d/b; readlink m/l; echo x 2>/dev/null >m/new || echo ro; umount m; ls m
mount -t umfuseext2 ext.img m; echo x 2>/dev/null >m/new || echo ro; umount m
mount -t ext4 -r ext.img m; echo x 2>/dev/null >m/new || echo ro; umount m
mount -t ext2 -o loop,relatime,ro ext.img m; cat m/a; umount ext.img; ls m
mount -t ext3 -o ro ext.img m -v; umount -v m' <<'END'
0
hello
deep
a
ro
ro
ro
hello
/usr/bin/fuse2fs W/ext.img W/m -o ro
mount: ext.img mounted on m.
umount: m unmounted
END

echo "--- written, and whole when umount returns"
for i in 1 2 3; do
	in_view "mount -t umfuseext2 -o rw+ ext.img m && echo $i >m/n$i && dd if=/dev/urandom of=m/big bs=64k count=20 2>/dev/null; umount m" </dev/null
	expect 0 e2fsck -fn ext.img
done
in_view 'mount ext.img m; cat m/n1 m/n3; echo more >>m/n1; umount m; mount -t ext4 -r ext.img m; cat m/n1' <<'END'
1
3
1
more
END

echo "--- one writer"
in_view 'mount ext.img m; mount -r ext.img m2; echo $?; mount ext.img m2; echo $?; umount m; mount -r ext.img m; mount -r ext.img m2; ls m2/a
mount -o rw ext.img m3; echo $?; umount m m2; mount -o rw ext.img m3; echo $?' <<'END'
mount: W/ext.img: it is mounted already, on W/m, and written by that mount
32
mount: W/ext.img: it is mounted already, on W/m, and only one mount may write it
32
m2/a
mount: W/ext.img: it is mounted already, on W/m, and only one mount may write it
32
0
END

echo "--- bad input"
mkfifo fifo
in_view 'try() { mount "$@" && echo mounted; [ $? = 32 ] || echo status $?; }
try -t ext4 junk m; try -t ext4 empty m; try -t umfuseext2 cut m; try -t ext4 none.img m; try -t ext4 src m; try -t ext4 fifo m
try -t ext4 ext.img nodir; try -t ext4 ext.img src/a; try -t squashfs ext.img m; try -t iso9660 junk m; try -t vfat ext.img m
try -t umfuse ext.img m; try -t umfuseno-such ext.img m; try -t fuse.no-such ext.img m; try -t fuse ext.img m; try -t fuse.mergerfs src m
try -t umfusessh nowhere m; try -t umfuseencfs src m; try -t umfuserm src m; try -t ext4 -o offset=9000000 ext.img m; try -t ext4 -o no-such-option ext.img m
try -t iso9660 -o rw junk m; chmod 400 cut; try -t ext4 -o rw,force cut m' <<'END'
mount: W/junk: not an ext2, ext3 or ext4 image
mount: W/empty: it is empty
mount: W/cut: it is truncated: the file system has 6291456 bytes, and 20000 are there
mount: none.img: No such file or directory
mount: W/src: it is a directory, and no image
mount: W/fifo: neither a regular file nor a block device
mount: nodir: the mount point does not exist
mount: W/src/a: the mount point is not a directory
mount: W/ext.img: not a squashfs image: it looks like ext4
mount: W/junk: not an ISO 9660 image
mount: W/ext.img: not a FAT image: it looks like ext4
mount: type umfuse: it is umfuseNAME, where NAME says what is to be mounted; umfuse(7)
mount: type umfuseno-such: neither a module nor a FUSE program of that name; umfuse(7)
mount: type fuse.no-such: no program no-such
mount: type fuse: say which program: -t fuse.PROGRAM, or PROGRAM#SOURCE
mount: type fuse.mergerfs: no program mergerfs (Debian package mergerfs)
mount: nowhere: not HOST:DIRECTORY
mount: W/src: not an encrypted directory: it has neither .encfs6.xml nor gocryptfs.conf
mount: type umfuserm: neither a module nor a FUSE program of that name; umfuse(7)
mount: W/ext.img: it ends before the offset
fuse: unknown option `no-such-option'
W/ext.img: Writing to the journal is not supported.
mount: W/ext.img: nothing is mounted on W/m, though fuse2fs ended with status 0
mount: W/junk: not an ISO 9660 image
mount: W/cut: it cannot be mounted for writing: Permission denied
END
chmod 600 cut
in_view 'mount junk m; mount empty m; mount cut m -r; chmod 0 ext.img; mount ext.img m; chmod 400 ext.img; mount ext.img m; umount m
mount -t vfat,iso9660 -r ext.img m; mount -t vfat,ext4 -r ext.img m; ls m/a; umount m' <<'END'
mount: W/junk: no file system that libblkid knows; give its type: mount -t TYPE (an archive: -t umfusearchive)
mount: W/empty: it is empty, so it is no image
mount: W/cut: it is truncated: the file system has 6291456 bytes, and 20000 are there
mount: W/ext.img: Permission denied
mount: W/ext.img: it cannot be written, so it is mounted read-only
mount: W/ext.img: it has a file system of type ext4, and not of vfat,iso9660
m/a
END
chmod 600 ext.img
# the package of a program that is not there; an ordinary user's PATH without it
in_view "PATH=$UMVIEW_BUILD viewmount -t ext4 ext.img m" <<'END'
viewmount: an ext2, ext3 or ext4 image is mounted by a program that is not installed: fuse2fs (Debian package fuse2fs) or fuseext2 (Debian package fuseext2)
END

echo "--- ways to unmount"
in_view 'mount -r ext.img m; fusermount3 -u m; echo $?; fusermount -u m; fusermount3 -q -u m; echo $?; fusermount3 -u /proc
mount -r ext.img m; exec 3<m/a; umount m; echo $?; umount -l m; ls m; cat <&3; exec 3<&-
mount -r ext.img m; pkill -KILL -f "fuse2fs.*$PWD/ext.img"; until ! cat m/a >/dev/null 2>&1; do sleep 0.05; done; cat m/a; umount m; echo $?; ls m' <<'END'
0
fusermount: W/m: not mounted
1
fusermount3: /proc: what is mounted there is no FUSE file system
umount: m: Device or resource busy
32
hello
cat: m/a: Transport endpoint is not connected
0
END

echo "--- images in images, and mounts on mounts"
truncate -s 9M outer.img
mke2fs -q -t ext2 -E root_owner="$(id -u):$(id -g)" outer.img
in_view 'mount outer.img m; cp ext.img m; mkdir m/d; mount -r m/ext.img m2; cat m2/a; umount m; echo $?; umount m2; umount m; echo $?
mount outer.img m; mount -r m/ext.img m/d; cat m/d/a; umount m 2>&1 | grep -o busy; umount -R m; ls m
mount outer.img m; mount -r m/ext.img m; cat m/a; umount m; ls m/ext.img; umount m; ls m' <<'END'
hello
umount: m: Device or resource busy
32
0
hello
busy
hello
m/ext.img
END

echo "--- names with separators"
mkdir 'm ,t'
cp ext.img 'a,b \c.img'
in_view 'mount -r "a,b \\c.img" "m ,t"; cat "m ,t/a"; mount | grep -c "a,b .*c.img on .*/m ,t type"; umount "a,b \\c.img"; ls "m ,t"' <<'END'
hello
1
END

echo "--- a shell that is attached later"
mkdir place place/host
cat >outside.sh <<'END'
echo $$ >pid
read x <attached
ls place >being-written
mv being-written seen
END
mkfifo attached
sh outside.sh &
until [ -s pid ]; do sleep 0.05; done
expect 0 umview -- sh -c 'um_add_service umfuse && mount -t ext2 -o ro ext.img place && um_attach "$1" && echo >attached && until [ -e seen ]; do sleep 0.05; done; umount place' sh "$(cat pid)"
wait
equal "what the attached shell sees" "$(tr '\n' ' ' <seen)" "a big d l lost+found n1 n2 n3 "

echo "--- in a secure view, and in a copy-on-write one"
for how in "-s --cow $W/changes" "--cow $W/changes --su" -s; do
	# shellcheck disable=SC2086
	expect 0 umview $how -p umfuse -- sh -c 'mount -r ext.img m && cat m/d/b && fusermount3 -u m && ls m'
	equal "$how" "$out" deep
done

echo "--- other images"
images=""
if command -v mkfs.vfat mcopy fusefat >/dev/null; then
	truncate -s 4M fat.img && mkfs.vfat fat.img >/dev/null && mcopy -i fat.img src/a ::a && images="$images fat.img:vfat:umfusefat"
fi
if command -v mksquashfs squashfuse >/dev/null; then
	mksquashfs src squash.img -quiet -no-progress >/dev/null && images="$images squash.img:squashfs:umfusesquash"
fi
if command -v xorriso fuseiso >/dev/null; then
	xorriso -as mkisofs -quiet -R -o iso.img src >/dev/null 2>&1 && images="$images iso.img:iso9660:umfuseiso9660"
fi
[ -n "$images" ] || not_tried "fat, squashfs, iso9660: programs are missing"
for image in $images; do
	file=${image%%:*} types=${image#*:}
	in_view "for way in '' '-t ${types%:*}' '-t ${types#*:}'; do mount -r \$way $file m && cat m/[aA] && umount m; done; ls m" <<'END'
hello
hello
hello
END
done
case $images in
*fat*) in_view 'mount -o rw+ -t umfusefat fat.img m && echo new >m/NEW; umount fat.img; mount -r fat.img m; cat m/NEW' <<'END' ;;
new
END
esac

echo "--- submodules of our own, and of others"
if [ -e "$UMVIEW_BUILD/modules/.libs/umfusearchive.so" ]; then
	tar czf t.tgz -C src .
	head -c 100 t.tgz >cut.tgz
	in_view 'mount -t umfusearchive t.tgz m; cat m/a m/d/b; readlink m/l; echo x 2>/dev/null >m/a || echo ro; umount m
mount -t umfusearchive junk m; mount -t umfusearchive cut.tgz m; ls m
echo before >f; mount -t umfuseramfile src/a f; cat f; echo after >f; cat f; umount f; cat f src/a
mount -t umfuseramfile f f; echo x >f; umount f; cat f; mount -t umfuseramfile none src; mount -t umfuseramfile -o size=2x none f' <<'END'
hello
deep
a
ro
umfusearchive: W/junk: Unrecognized archive format
mount: W/junk: umfusearchive failed, its exit status is 1
umfusearchive: W/cut.tgz: truncated gzip input
mount: W/cut.tgz: umfusearchive failed, its exit status is 1
hello
after
before
hello
before
mount: W/src: not a regular file, and umfuseramfile is mounted on one
umfuseramfile: 2x: not a size: size=NUMBER, with k, m or g if wanted
mount: umfuseramfile: umfuseramfile failed, its exit status is 1
END
else
	not_tried "umfusearchive, umfuseramfile: built without libfuse 3"
fi
if pkg-config --exists fuse3; then
	cat >hello.c <<'END'
#define FUSE_USE_VERSION 31
#include <fuse.h>
#include <errno.h>
#include <string.h>
static int get(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	*st = (struct stat){ .st_mode = S_IFDIR | 0755, .st_nlink = 2 };
	if (path[1])
		*st = (struct stat){ .st_mode = S_IFREG | 0444, .st_nlink = 1, .st_size = strlen(path) };
	return 0;
}
static int get_data(const char *path, char *buf, size_t n, off_t at, struct fuse_file_info *fi)
{
	strncpy(buf, path + at, n);
	return strlen(path + at);
}
static const struct fuse_operations operations = { .getattr = get, .read = get_data };
int main(int argc, char **argv)
{
	return fuse_main(argc, argv, &operations, NULL);
}
END
	# shellcheck disable=SC2046
	cc -shared -fPIC -o hello.so hello.c $(pkg-config --cflags --libs fuse3)
	echo 'int x;' >no-main.c
	cc -shared -fPIC -o no-main.so no-main.c
	in_view 'mount -t umfuse./hello.so none m && cat m/file; echo; umount m; mount -t umfuse./no-main.so none m; mount -t umfuse./none.so none m
mount -t umfuse./hello.so -o ro,fsname=name none m; grep " $PWD/m " /proc/mounts | cut -d" " -f1,3; umount m' <<'END'
/file
umfusehost: W/no-main.so: it has no main(), so it is no program built with -shared
mount: umfuse./no-main.so: no-main failed, its exit status is 1
mount: type umfuse./none.so: neither a module nor a FUSE program of that name; umfuse(7)
name fuse
END
fi
echo 'int main() { return pause(); }' >hang.c
cc -w -shared -fPIC -o hang.so hang.c
in_view 'timeout -s INT 1 mount -t umfuse./hang.so none m; echo $?; pgrep -f "umfusehost $PWD/hang.so"' <<'END'
124
END
if command -v bindfs >/dev/null; then
	in_view 'for how in "-t fuse.bindfs src" "-t fuse bindfs#src" "-t umfusebindfs src"; do mount $how m && cat m/a && umount m; done
bindfs -o auto_unmount "$PWD/src" "$PWD/m"; cat m/a; pkill -KILL -f "bindfs.*$PWD/m\$"; until ls m >/dev/null 2>&1 && ! [ -e m/a ]; do sleep 0.05; done; ls m' <<'END'
hello
hello
hello
hello
END
fi
if command -v encfs >/dev/null; then
	mkdir crypt
	in_view 'echo password | encfs -S --standard "$PWD/crypt" "$PWD/m" >/dev/null; echo secret >m/f; umount m
echo password | mount -t umfuseencfs -o stdinpass crypt m; cat m/f; umount m; echo wrong | mount -t umfuseencfs -o stdinpass crypt m
mount -t umfuseencfs -o "extpass=echo password" crypt m; cat m/f; ls crypt | wc -l' <<'END'
secret
Error decoding volume key, password incorrect
mount: W/crypt: encfs failed, its exit status is 1
secret
1
END
fi

[ -z "$(pgrep -f "$W/(ext|fat|iso|squash).img")" ] || fail "servers are left: $(pgrep -af "$W/")"
