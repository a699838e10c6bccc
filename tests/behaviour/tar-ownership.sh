# SPDX-License-Identifier: GPL-2.0-or-later
# A tree with owners, modes, devices and links goes through tar in a view of root's, and comes out the same.
. "$(dirname "$0")/../lib.sh"

fresh_dir D
cat >make.sh <<'END'
set -e
umask 022
mkdir tree tree/sub tree/sticky
echo a >tree/a; chown 1:2 tree/a; chmod 640 tree/a
echo b >tree/b; chown daemon:games tree/b; chmod 4755 tree/b
echo c >tree/sub/c; chown 12345:54321 tree/sub/c; chmod 2755 tree/sub/c
echo none >tree/none; chmod 000 tree/none
mkfifo -m 600 tree/fifo; chown nobody tree/fifo
mknod -m 660 tree/null c 1 3; chown root:tty tree/null
mknod -m 660 tree/disk b 8 17; chown root:disk tree/disk
ln -s a tree/link; chown -h daemon tree/link
ln tree/a tree/hard
chmod 1777 tree/sticky; chown :mail tree/sub
touch -h -d '2001-02-03 04:05:06 UTC' tree/* tree/sub
truncate -s 1000000 tree/sparse
END
cat >list.sh <<'END'
cd "$1" && find . ! -name . -printf '%p %y %m %U:%G %n %l %TY-%Tm-%Td ' \( -type f -printf '%s' -o -true \) \
	\( \( -type c -o -type b \) -exec stat -c '%t,%T' {} \; -o -printf '\n' \) | sort
END
expect 0 umview --cow "$D" --su -- sh make.sh
expect 0 umview --cow "$D" --su -- sh list.sh tree
first=$out
expect_out '^./a f 640 1:2 2 '
expect_out '^./b f 4755 1:60 1 '
expect_out '^./sub/c f 2755 12345:54321 1 '
expect_out '^./null c 660 0:5 1 .*1,3$'
expect_out '^./disk b 660 0:6 1 .*8,11$'
expect_out '^./link l 777 1:0 1 a '
expect_out '^./none f 0 '
expect 0 umview --cow "$D" --su -- tar --numeric-owner -Scf tree.tar tree
expect 0 umview --cow "$D" --su -- tar --numeric-owner -tvf tree.tar
expect_out '^-rwxr-sr-x 12345/54321 .*tree/sub/c$'
expect_out '^crw-rw---- 0/5 .*1,3 .*tree/null$'
expect 0 umview --cow "$D" --su -- sh -c 'mkdir out && tar --numeric-owner -xpf tree.tar -C out'
expect 0 umview --cow "$D" --su -- sh list.sh out/tree
equal "the extracted tree" "$out" "$first"
expect 0 umview --cow "$D" --su -- sh -c 'tar -df tree.tar; cat tree/none; [ $(du -k out/tree/sparse | cut -f1) -lt 100 ]'
expect_out '^none$'
[ ! -e tree ] && [ ! -e tree.tar ] || fail "something is on the host"
