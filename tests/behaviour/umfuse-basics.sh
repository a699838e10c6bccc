# SPDX-License-Identifier: GPL-2.0-or-later
# A FUSE file system in a view, by an unmodified program: reading, writing, names, attributes, and its end.
# timeout: 120
. "$(dirname "$0")/../lib.sh"

for program in bindfs squashfuse fuse2fs mksquashfs mke2fs; do
	PATH=$PATH:/sbin:/usr/sbin command -v $program >/dev/null || fail "$program is missing (tests/setup.sh installs it)"
done
PATH=$PATH:/sbin:/usr/sbin
mkdir -p src/d mnt
echo hello >src/a
echo below >src/d/b

# in_view SCRIPT: its output in $out; the mount point is empty afterwards
in_view() {
	printf 'um_add_service umfuse\n%s\n' "$1" >script.sh
	expect 0 umview sh script.sh
	[ -z "$(ls -A mnt)" ] || fail "the host sees the mount"
}

in_view 'ls -l /dev/fuse | cut -c1-10'
equal "the virtual device" "$out" "crw-rw-rw-"

mksquashfs src sq.img -quiet >/dev/null || fail mksquashfs
in_view 'squashfuse sq.img mnt || exit 1
cat mnt/a mnt/d/b; ls mnt; echo x 2>/dev/null >mnt/new || echo refused
grep -c " $PWD/mnt fuse.squashfuse " /proc/mounts
umount mnt || exit 2; ls -A mnt'
equal "squashfuse" "$out" "hello
below
a
d
refused
1"

in_view 'bindfs src mnt || exit 1
echo new >mnt/f; cat src/f; echo more >>mnt/f; cat src/f
mkdir mnt/e; cp /bin/ls mnt/e/; mnt/e/ls mnt; cmp /bin/ls src/e/ls
ln -s a mnt/s; cat mnt/s; ln mnt/a mnt/hard; stat -c %h mnt/a
mv mnt/f mnt/g; cd mnt/e && /bin/pwd; cd ../..
touch -d 2001-01-01T00:00:00Z mnt/g; stat -c %Y src/g mnt/g; chmod 600 mnt/g; stat -c %a src/g mnt/g
exec 3<>mnt/g; rm mnt/g; echo "after the removal" >&3; tail -n 1 /proc/self/fd/3; exec 3>&-; ls -A src
truncate -s 100 mnt/a; stat -c %s src/a mnt/a
rm -r mnt/e mnt/s mnt/hard; umount mnt || exit 2; ls -A src'
equal "bindfs" "$out" "new
new
more
a
d
e
f
hello
2
$PWD/mnt/e
978307200
978307200
600
600
after the removal
a
d
e
hard
s
100
100
a
d"

# A directory of more than one buffer, whose list libfuse 2 cuts in the middle of an entry.
mkdir many
(cd many && seq -f name-that-is-long-%04g 3000 | xargs touch)
truncate -s 32M ext.img
mke2fs -q -t ext4 -d many ext.img || fail mke2fs
in_view 'fuse2fs ext.img mnt -o fakeroot || exit 1
ls mnt | grep -c name-that; umount mnt'
equal "entries of a large directory" "$out" 3000

truncate -s 0 ext.img
truncate -s 32M ext.img
mke2fs -q -t ext4 ext.img || fail mke2fs
in_view 'fuse2fs ext.img mnt -o fakeroot || exit 1
cp -r src mnt/ && diff -r src mnt/src && echo "not unmounted" >mnt/last'
# The view ended without an umount: the server was given the time to write all of it.
expect 0 e2fsck -fn ext.img
expect 0 debugfs -R "cat last" ext.img
equal "what was written last" "$(echo "$out" | tail -n 1)" "not unmounted"

# The server dies: its files are errors, others are not, and umount works.
in_view 'bindfs -f src mnt & server=$!
until [ -e mnt/a ]; do sleep 0.1; done
kill -9 $server; wait $server 2>/dev/null
cat mnt/a 2>&1 | grep -o "Transport endpoint is not connected"; cat src/a | wc -c; umount mnt || exit 2; ls -A mnt'
equal "a server that was killed" "$out" "Transport endpoint is not connected
100"

# A server that ends because of umount ends with status 0.
in_view 'bindfs -f src mnt & server=$!
until [ -e mnt/a ]; do sleep 0.1; done
umount mnt; wait $server; echo "status $?"'
equal "the status of a server after umount" "$out" "status 0"

# What is unmounted while it is open is written all the same, and the server lives as long.  A view in the view ends without umount.
in_view 'bindfs src mnt || exit 1
exec 3>mnt/lazy; echo one >&3; umount mnt 2>/dev/null && exit 2; umount -l mnt || exit 3; echo two >&3; exec 3>&-
until grep -q two src/lazy; do sleep 0.1; done; cat src/lazy; ls -A mnt
umview sh -c "bindfs src mnt; echo inner >mnt/inner"
until grep -q inner src/inner; do sleep 0.1; done; ls -A mnt'
equal "umount -l, and a view that has ended" "$out" "one
two"

# The device is there whatever is mounted over it.
fresh_dir D
expect 0 umview -p umfuse --cow "$D" --su sh -c 'chmod 644 /dev/fuse 2>/dev/null; squashfuse sq.img mnt && ls mnt'
equal "umfuse below a copy-on-write mount" "$out" "a
d"

# A secure view has it as well, and its host's files go on to be the user's.
expect 0 umview -s -p umfuse sh -c 'squashfuse sq.img mnt && ls mnt && touch -d 2001-01-01T00:00:00Z src/a && umount mnt'
equal "umfuse in a secure view" "$out" "a
d"
equal "a file of the host that it has changed" "$(stat -c %Y src/a)" 978307200

# A copy-on-write mount over a FUSE mount whose attributes are asked for each time.
mkdir changes
in_view "um_add_service viewfs; fuse2fs ext.img mnt -o fakeroot || exit 1; mount -t viewfs -o cow changes mnt || exit 2
cat mnt/last; echo changed >mnt/last; cat mnt/last; ls mnt | grep -c lost; umount mnt; cat mnt/last; umount mnt"
equal "viewfs over fuse2fs" "$out" "not unmounted
changed
1
not unmounted"
