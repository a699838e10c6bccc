# SPDX-License-Identifier: GPL-2.0-or-later
# The examples of libfuse 3 work as modules: not changed, only linked as shared libraries.
# timeout: 180
. "$(dirname "$0")/../lib.sh"

EXAMPLES=/usr/share/doc/libfuse3-dev/examples
[ -e "$UMVIEW_BUILD/modules/.libs/umfuse.so" ] || skip "the module umfuse was not built"
pkg-config --exists fuse3 || skip "needs libfuse 3 (package libfuse3-dev)"
[ -e $EXAMPLES/passthrough_ll.c ] || skip "the examples of libfuse3-dev are not installed"
mkdir m src modules
echo content >src/file
: >plain
for name in hello hello_ll ioctl null passthrough passthrough_fh passthrough_ll poll notify_inval_entry notify_inval_inode \
	notify_store_retrieve invalidate_path; do
	# shellcheck disable=SC2046
	cc -w -shared -fPIC -D_GNU_SOURCE -DHAVE_UTIMENSAT -o "modules/$name.so" "$EXAMPLES/$name.c" \
		$(pkg-config --cflags --libs fuse3) || fail "$name.c cannot be built"
done

cat >script <<'END'
M=$PWD/modules
# shown NAME WORD: what is mounted has it
shown() {
	ls m >names 2>&1
	if grep -q "$2" names; then echo "$1: works"; else echo "$1: $(cat names)"; fi
	umount m || echo "$1: cannot be unmounted"
}
for name in hello hello_ll; do
	mount -t "umfuse$M/$name.so" none m && cat m/hello
	shown $name '^hello$'
done
for name in passthrough passthrough_fh; do
	mount -t "umfuse$M/$name.so" none m && cmp "m$PWD/src/file" src/file
	echo written >"m$PWD/src/by-$name" && cat "src/by-$name"
	shown $name '^usr$'
done
mount -t "umfuse$M/passthrough_ll.so" -o "source=$PWD/src" none m && cat m/file && echo more >>m/file
shown passthrough_ll '^file$'
cat src/file
mount -t "umfuse$M/poll.so" none m
shown poll '^F$'
mount -t "umfuse$M/ioctl.so" none m
shown ioctl '^fioc$'
mount -t "umfuse$M/notify_inval_entry.so" none m
shown notify_inval_entry '^Time_is_'
for name in notify_inval_inode notify_store_retrieve; do
	mount -t "umfuse$M/$name.so" none m && grep -c 'The current time is' m/current_time
	shown $name '^current_time$'
done
mount -t "umfuse$M/invalidate_path.so" none m
shown invalidate_path '^growing$'
# its 4 GiB of zeros would be read when it is opened
mount -t "umfuse$M/null.so" none plain && stat -c '%F %s' plain
umount plain
# by name, from the directory of modules
UMVIEW_MODULE_DIR=$M mount -t umfusehello none m && cat m/hello
umount m
END
umview -p umfuse -- sh ./script >got 2>&1 </dev/null
cat >wanted <<'END'
Hello World!
hello: works
Hello World!
hello_ll: works
written
passthrough: works
written
passthrough_fh: works
content
passthrough_ll: works
content
more
poll: works
ioctl: works
notify_inval_entry: works
1
notify_inval_inode: works
1
notify_store_retrieve: works
invalidate_path: works
regular file 4294967296
Hello World!
END
diff wanted got || fail "the output differs (< wanted)"
