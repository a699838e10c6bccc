# SPDX-License-Identifier: GPL-2.0-or-later
# Yama's refusals: a guest of the distribution's own kernel (under qemu) sets kernel.yama.ptrace_scope to 0, 1, 2 and 3;
# an ordinary user can attach and enter with 0 only, root up to 2; the refusal names the sysctl, and the process goes on.
# level: full
# needs: network
# timeout: 600
. "$(dirname "$0")/../lib.sh"

need_command qemu-system-x86_64 qemu-system-x86
need_command busybox busybox-static
mkdir image
cd image || fail "no directory"
mkdir -p bin dev proc sys etc run tmp lib64 lib/x86_64-linux-gnu usr/bin umview/modules

# The kernel: what the distribution has for virtual machines, with what it needs built in.
package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
[ -n "$package" ] || skip "apt knows no linux-image-cloud-amd64"
(cd .. && apt-get download "$package" && dpkg-deb -x ./"$package"_*.deb kernel) >/dev/null 2>&1 ||
	skip "cannot get the kernel's package $package"

cp "$(command -v busybox)" bin/busybox
for name in sh sleep mount su poweroff id chmod mkdir rm ls tr; do
	ln -s busybox bin/$name
done
cp "$UMVIEW_BUILD/umview" "$UMVIEW_BUILD/um_attach" umview/
cp "$UMVIEW_BUILD"/modules/.libs/viewfs.so umview/modules/
for file in $(ldd "$UMVIEW_BUILD/umview" "$UMVIEW_BUILD/modules/.libs/viewfs.so" | grep -o '/lib[^ ]* (' | tr -d ' (' | sort -u); do
	mkdir -p ".$(dirname "$file")"
	cp "$file" ".$file"
done
echo 'root:x:0:0::/:/bin/sh
user:x:1000:1000::/tmp:/bin/sh' >etc/passwd

# Each line that the test wants: "SCOPE USER: STATUS WORDS", and after it what has become of the process.
cat >init <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
export PATH=/bin:/umview HOME=/tmp
cat >/try <<'EOF'
sh -c 'while ! [ -e /tmp/stop ]; do sleep 0.1; done; [ -e /run/seen ] && exit 7; exit 8' & p=$!
sleep 0.3
said=$(umview --norc --mount viewfs,move:/umview/data:/run -- sh -c "um_attach $p" 2>&1)
echo "RESULT $1 $(id -u): $? $said"
>/tmp/stop
wait $p
echo "RESULT $1 $(id -u) ended: $?"
umview --norc --name around --mount viewfs,move:/umview/data:/run -- sh -c '>/tmp/up; while ! [ -e /tmp/down ]; do sleep 0.1; done' & v=$!
for i in 1 2 3 4 5 6 7 8 9; do [ -e /tmp/up ] || sleep 0.5; done
said=$(umview --enter around -- sh -c 'ls /run/seen; sh -c "ls /run/seen"' 2>&1 | tr '\n' ' ')
>/tmp/down
wait $v
echo "RESULT $1 $(id -u) entered: $said"
EOF
chmod 755 /try
chmod 1777 /tmp
mkdir /umview/data
>/umview/data/seen
for scope in 0 1 2 3; do
	echo $scope >/proc/sys/kernel/yama/ptrace_scope
	for name in user root; do
		rm -rf /tmp/stop /tmp/up /tmp/down /tmp/umview-*
		su $name -c "sh /try $scope"
	done
done
echo "RESULT done"
poweroff -f
END
chmod 755 init
find . | busybox cpio -o -H newc 2>/dev/null | gzip -1 >../initrd.gz
cd ..
timeout 400 qemu-system-x86_64 -accel tcg -cpu max -m 512 -display none -no-reboot -serial file:console -monitor none \
	-kernel kernel/boot/vmlinuz-* -initrd initrd.gz -append "console=ttyS0 quiet panic=-1" </dev/null
tr -d '\r' <console | grep RESULT >results
cat results
grep -q "^RESULT done" results || { tail -n 30 console; fail "the guest did not get to its end"; }

# result SCOPE UID STATUS WORDS EXIT-STATUS
result() {
	grep -q "^RESULT $1 $2: $3 .*$4" results || fail "scope $1, user $2: no status $3, $4"
	grep -qx "RESULT $1 $2 ended: $5" results || fail "scope $1, user $2: the process did not end with $5"
}
# entered SCOPE UID WORDS
entered() {
	grep -q "^RESULT $1 $2 entered: .*$3" results || fail "scope $1, user $2: not entered, or not refused: $3"
}
entered 0 1000 '/run/seen /run/seen'
entered 0 0 '/run/seen /run/seen'
entered 1 1000 'sysctl kernel.yama.ptrace_scope is 1: no process may trace'
entered 1 0 '/run/seen /run/seen'
entered 2 0 '/run/seen /run/seen'
result 0 1000 0 'in this view now' 7
result 0 0 0 'in this view now' 7
result 1 1000 1 'sysctl kernel.yama.ptrace_scope is 1: no process may trace' 8
result 1 0 0 'in this view now' 7
result 2 1000 125 'kernel.yama.ptrace_scope' 8
result 2 0 0 'in this view now' 7
result 3 1000 125 'kernel.yama.ptrace_scope' 8
result 3 0 125 'kernel.yama.ptrace_scope' 8
