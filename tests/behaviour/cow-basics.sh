# SPDX-License-Identifier: GPL-2.0-or-later
# Copy-on-write: what is changed in a view is seen there, by its later runs too, and the real tree keeps what it had.
. "$(dirname "$0")/../lib.sh"

fresh_dir D
mkdir tree tree/dir tree/gone tree/moved tree/full
for f in write append truncate remove rename replace chmod times; do echo "$f, real" >tree/$f; done
echo inner >tree/dir/inner
echo inner >tree/gone/inner
echo inner >tree/moved/inner
echo inner >tree/full/inner
ln -s write tree/link
ln tree/write tree/hard
touch -d '2001-02-03 04:05:06.123456789 UTC' tree/times tree/append
list() { (cd tree && find . -printf '%p %y %m %s %T@ %n %l\n' | sort; cat write append truncate remove rename replace); }
list >list.before

cat >change.sh <<'END'
set -eu
cd tree
echo "new contents" >write
echo "more" >>append
: >truncate
rm remove
mv rename renamed
echo x >other; mv other replace
chmod 600 chmod
touch -d '2010-01-01 UTC' times
mkdir newdir newdir/sub; echo deep >newdir/sub/deep
rm -r gone
mkdir gone; echo again >gone/again
mv moved moved2
mv dir dir2; mv dir2/inner dir2/inner2
ln -s nowhere newlink
mkfifo fifo
ln append append2
! rmdir full 2>/dev/null
END
cat >look.sh <<'END'
set -eu
cd tree
is() { [ "$2" = "$3" ] || { echo "$1: got \"$2\", not \"$3\""; exit 1; }; }
is write "$(cat write)" "new contents"
is "through the link" "$(cat link)" "new contents"
is append "$(cat append)" "append, real
more"
is truncate "$(stat -c %s truncate)" 0
[ ! -e remove ]
[ ! -e rename ]
is renamed "$(cat renamed)" "rename, real"
is replace "$(cat replace)" x
is chmod "$(stat -c %a chmod)" 600
is times "$(stat -c %Y times)" 1262304000
is deep "$(cat newdir/sub/deep)" deep
is gone "$(ls gone)" again
is moved2 "$(ls moved2)" inner
[ ! -e moved ]
[ ! -e dir ]
is dir2 "$(ls dir2)" inner2
is "dir2/inner2" "$(cat dir2/inner2)" inner
is newlink "$(readlink newlink)" nowhere
[ -p fifo ]
is "hard link" "$(stat -c %i append)" "$(stat -c %i append2)"
is "number of links" "$(stat -c %h append)" 2
is full "$(ls full)" inner
is "the names" "$(ls | tr '\n' ' ')" \
	"append append2 chmod dir2 fifo full gone hard link moved2 newdir newlink renamed replace times truncate write "
! cat remove 2>/dev/null
mkdir dir; is "a directory made anew is empty" "$(ls dir)" ""; rmdir dir
END
expect 0 umview --cow "$D" -- sh change.sh
expect 0 umview --cow "$D" -- sh look.sh
expect 0 umview --cow "$D" --su -- sh look.sh
list >list.after
cmp list.before list.after || { diff list.before list.after; fail "the real tree has changed"; }

# files of root's, too: the real user could not do this
host_snapshot before
expect !0 umview --cow "$D" -- sh -c 'echo x >>/etc/passwd'
expect 0 umview --cow "$D" --su -- sh -c 'set -e; echo "new:x:4242:4242::/:/bin/sh" >>/etc/passwd; rm /etc/issue; mkdir /opt/new'
expect 0 umview --cow "$D" -- sh -c 'grep -q ^new: /etc/passwd && [ ! -e /etc/issue ] && [ -d /opt/new ] && id -u new'
expect_out '^4242$'
host_untouched before

# removed and made again in one go, many times; a listing that goes on while names are removed
expect 0 umview --cow "$D" -- sh -c 'set -e; mkdir many; cd many; for i in $(seq 300); do echo $i >f$i; done
	for i in $(seq 2 2 300); do rm f$i; done; [ $(ls | wc -l) = 150 ]; cd ..; rm -r many; mkdir many; [ -z "$(ls many)" ]'
[ ! -e many ] || fail "many is on the host"

# DIR does not show itself, wherever one looks from
expect !0 umview --cow "$D" -- ls "$D"
expect 0 umview --cow "$D" -- sh -c "ls $TMPDIR"
printf '%s\n' "$out" | grep -q "$(basename "$D")" && fail "the directory of the changes shows itself"

# an ordinary user's permissions are what they were
expect !0 umview --cow "$D" -- sh -c 'echo x >/usr/new'
expect !0 umview --cow "$D" -- cat /etc/shadow
exit 0
