# SPDX-License-Identifier: GPL-2.0-or-later
# mount --bind and viewfs's move of what lies in a mount of the view itself: one tree in two places.
# ptrace: yes
. "$(dirname "$0")/../lib.sh"

fresh_dir D
cat >inside.sh <<'END'
set -e
W=$1
cd $W
mkdir -p a/b m u self
echo hi >a/b/f
ln -s b a/l
ln -s $W/a/b/f a/abs
echo 1:; mount --bind $W/a $W/m; ls m; cat m/b/f m/l/f m/abs
echo 2:; echo new >m/n; cat a/n; rm a/n; ls m; mv m/b/f m/b/g; ls a/b; ln m/b/g m/b/h; stat -c %h a/b/g
echo 3:; cd m/b; cat g; cd ../..; ls -d m; test $W/m/b/g -ef $W/a/b/g && echo same
echo 4:; mount --bind $W/m/b $W/u; ls u; mount --bind $W/a/b/g $W/a/n2 2>/dev/null || echo no target; : >file
mount --bind $W/a/b/g $W/file; cat file; echo through >file; cat a/b/h
echo 5:; chown 12:34 m/b; stat -c %u:%g a/b; chmod 1777 m/b; stat -c %a u
echo 6:; umount $W/m; ls m; ls u; umount $W/u; umount $W/file; cat file
echo 7:; mkdir -p a/inner; mount --bind $W/u $W/a/inner; mount --bind $W/a $W/m; touch u/x; ls a/inner; ls m/inner; umount $W/a/inner
umount $W/m
echo 8:; mount --bind $W $W/self; ls self/self; cat self/a/b/g; umount $W/self
echo 9:; mount --bind /usr $W/m; ls m/bin/sh | wc -l; cmp m/bin/env /usr/bin/env && echo equal; touch m/probe; ls /usr/probe; rm /usr/probe; m/bin/env echo runs
if umount / 2>msg; then echo umounted; else sed 's/.*busy.*/busy/; s/.*permanent.*/permanent/' msg; fi
umount $W/m
echo 10:; mount -o ro --bind $W/a $W/m 2>/dev/null || mount --bind -o ro $W/a $W/m; touch m/no 2>/dev/null || echo read-only; touch a/yes; umount $W/m
echo 11:; mkdir -p pr; mount -t proc proc pr; test -d pr/self && echo proc; umount pr; ls pr; mount --bind a m; mount --move m u; ls m; ls u | wc -l; umount u; ls u
echo one >one; echo two >two; mount --bind one two; cat two; mv two three 2>/dev/null || echo busy; rm two 2>/dev/null || echo busy; rmdir m; echo x >two; cat one; umount two; cat two
mkdir m; rmdir a/b 2>/dev/null || echo not empty; mount --bind a m; rmdir m 2>/dev/null || echo busy; mv m m2 2>/dev/null || echo busy; umount m
mkdir -p new/bin new/etc; cp /bin/busybox new/bin/; ln -s busybox new/bin/sh; echo cage >new/etc/name
END
need_command busybox
expect 0 umview --cow "$D" --su -- sh inside.sh "$PWD"
equal "the bind mounts" "$out" "1:
abs
b
l
hi
hi
hi
2:
new
abs
b
l
g
2
3:
hi
m
same
4:
g
h
no target
hi
through
5:
12:34
1777
6:
g
h
7:
x
8:
through
9:
1
equal
/usr/probe
runs
permanent
10:
read-only
11:
proc
5
x
one
busy
busy
x
two
not empty
busy
busy"
ls a 2>/dev/null && fail "the host has what the view made"

# the same of files and directories that no mount has: a view without copy-on-write
mkdir h1 h2 h3
echo f >h1/f
echo other >g
expect 0 umview --preload viewfs -- sh -ec 'mount --bind h1 h2; mount --move h2 h3; ls h2; cat h3/f; umount h3; ls h3
mount --bind h1/f g; cat g; echo written >g; cat h1/f; mv g g2 2>/dev/null || echo busy; rm g 2>/dev/null || echo busy; umount g; cat g
mount -t viewfs -o cow h2 h1; echo changed >h1/f; mount --move h1 h3; cat h1/f h3/f; umount h3; mount --bind h1 g 2>/dev/null || echo no directory'
equal "binds of the host's" "$out" "f
f
written
busy
busy
other
written
changed
no directory"
equal "changed through the view" "$(cat h1/f h2/f g)" "written
changed
other"

# what becomes of the source
fresh_dir E
expect 0 umview --cow "$E" --su -- sh -c 'mkdir r1 n1 || exit; echo x >r1/f; mount --bind r1 n1; rm -rf r1 2>/dev/null || echo busy; ls -d r1
mv r1 r9; echo y >r9/g; ls n1; umount n1; ls n1; rm r9/g
mkdir r2 n2; mount --bind r2 n2; mv r2 r3; ln -s /etc r2; ls n2; touch n2/k; ls r3; umount n2; ls n2
mkdir src dst; echo x >src/file; : >t; mount --bind src/file t; echo new >t2; mv t2 t 2>/dev/null || echo busy; cat src/file
mount --bind src dst; mv dst d9 2>/dev/null || echo busy; ls src; umount dst; umount t'
equal "sources and mount points" "$out" "busy
r1
g
k
busy
x
busy
file"
# "self" is who looks, wherever /proc is
expect 0 umview --cow "$E" --su -- sh -c 'mkdir p; mount --bind /proc p; cat p/self/comm; umount p; mount --bind / p; cat p/proc/self/comm; umount p'
equal "self in a bind" "$out" "cat
cat"
mkdir p
expect 0 umview --preload viewfs -- sh -c 'mount --bind /proc p; cat p/self/comm; umount p; mount --bind / p; cat p/proc/self/comm; ls p/usr/bin/env; umount p; ls p'
equal "self in a bind of the host's" "$out" "cat
cat
p/usr/bin/env"

# a directory that only the view has, as the root of another view
expect 0 umview --cow "$D" --su --mount "viewfs,move,permanent:$PWD/new:/" -- /bin/sh -c \
	'/bin/busybox cat /etc/name; cd /etc; pwd; /bin/busybox ls ..; echo more >/etc/more; cd ..; /bin/busybox pwd'
equal "the cage" "$out" "cage
/etc
bin
etc
/"
expect 0 umview --cow "$D" -- cat new/etc/more
equal "what the cage wrote" "$out" more
