# SPDX-License-Identifier: GPL-2.0-or-later
# umproc: /proc/filesystems has the types of the loaded services, and an /etc/mtab that is a file shows the view's mounts.
# ptrace: yes
# timeout: 120
. "$(dirname "$0")/../lib.sh"

PATH=$PATH:/sbin:/usr/sbin
for program in bindfs busybox; do
	command -v $program >/dev/null || fail "$program is missing (tests/setup.sh installs it)"
done
mkdir -p src mnt
echo hello >src/file

# in_view SCRIPT [OPTION...]: its output in $out
in_view() {
	printf '%s\n' "$1" >script.sh
	shift
	expect 0 umview "$@" sh script.sh
}

grep -vw -e viewfs -e fuse -e fuseblk /proc/filesystems >others
cp /proc/filesystems host
in_view 'cmp /proc/filesystems host && echo the same; um_add_service viewfs; cmp /proc/filesystems host && echo still'
equal "without it" "$out" "the same
still"

# Which types are there, and with "nodev"?
in_view 'types() { echo "$1:" $(grep -w -e viewfs -e fuse -e fuseblk /proc/filesystems | sort | tr "\t" ","); }
um_add_service umproc
cmp /proc/filesystems host && echo the same
um_add_service viewfs; types viewfs
um_add_service umfuse; types both
grep -vw -e viewfs -e fuse -e fuseblk /proc/filesystems | cmp - others && echo the others
sort /proc/filesystems | uniq -d
um_del_service umfuse; um_del_service viewfs; cmp /proc/filesystems host && echo the same again
um_add_service viewfs; um_del_service umproc; cmp /proc/filesystems host && echo gone'
equal "types" "$out" "the same
viewfs: $(grep -w -e fuse -e fuseblk host | sort | tr '\t' ',' | tr '\n' ' ')nodev,viewfs
both: ,fuseblk nodev,fuse nodev,viewfs
the others
the same again
gone"

# It is a file of /proc, also to who has it open, and in a view inside of the view, which has loaded what it sees itself.
in_view 'exec 3</proc/filesystems
[ "$(stat -L -c "%d %i %a %s" /proc/self/fd/3)" = "$(stat -c "%d %i %a %s" /proc/filesystems)" ] && echo attributes
readlink /proc/self/fd/3; stat -f -c %T /proc/filesystems
cd /proc && tail -n 1 filesystems; busybox tail -n 1 ./filesystems
umview -- sh -c "tail -n 1 /proc/filesystems; um_add_service umfuse; grep -c fuse$ /proc/filesystems"
tail -n 1 /proc/filesystems' -p umproc -p viewfs
equal "a file of /proc" "$out" "attributes
/proc/filesystems
proc
nodev	viewfs
nodev	viewfs
nodev	viewfs
1
nodev	viewfs"

# /etc/mtab as a file, in a view that may change it.
cat >mtab.sh <<'END'
rm -f /etc/mtab && printf 'stale /stale ext4 rw 0 0\n' >/etc/mtab
bindfs src mnt || exit 1
cat /etc/mtab
um_add_service umproc
cmp /etc/mtab /proc/self/mounts && echo the same
grep -c " $PWD/mnt fuse" /etc/mtab
stat -c '%A %s %F' /etc/mtab; readlink /etc/mtab; ls -l /etc | grep -c ' mtab -> ../proc/self/mounts$'
busybox mount | grep -c " on $PWD/mnt type fuse"; busybox df mnt/file | tail -n 1 | tr -s ' ' | cut -d' ' -f6
rm -f /etc/mtab 2>/dev/null || echo busy; mv /etc/mtab /etc/other 2>/dev/null || echo busy
chown -h 1 /etc/mtab 2>/dev/null || echo refused; touch -h /etc/mtab 2>/dev/null || echo refused
chmod 600 /etc/mtab 2>/dev/null; getfattr -h -d /etc/mtab
mount -t umproc-mtab none mnt 2>/dev/null || echo no such type
umount mnt; grep -c " $PWD/mnt " /etc/mtab
um_del_service umproc && cat /etc/mtab
END
in_view '. ./mtab.sh' -p umfuse --cow cow --su
equal "a file" "$out" "stale /stale ext4 rw 0 0
the same
1
lrwxrwxrwx 19 symbolic link
../proc/self/mounts
1
1
$PWD/mnt
busy
busy
refused
refused
no such type
0
stale /stale ext4 rw 0 0"

# A link to /proc, and none at all, are left as they are.
in_view 'ln -sf /proc/mounts /etc/mtab; um_add_service umproc; readlink /etc/mtab; rm /etc/mtab && echo removed
um_del_service umproc; um_add_service umproc; ls /etc/mtab 2>/dev/null; echo new >/etc/mtab; cat /etc/mtab' --cow cow2 --su
equal "a link, or nothing" "$out" "/proc/mounts
removed
new"
