# SPDX-License-Identifier: GPL-2.0-or-later
# What one mounts images for: packages are installed from an ISO into a copy-on-write view, a program is compiled from a tarball,
# and both are as if they had been copied out.
# timeout: 300
. "$(dirname "$0")/../lib.sh"

[ -e "$UMVIEW_BUILD/modules/.libs/umfuse.so" ] || skip "the module umfuse was not built"

if command -v xorriso >/dev/null && command -v fuseiso >/dev/null; then
	echo "--- packages from an ISO"
	mkdir -p pkg/DEBIAN pkg/usr/bin pkg/usr/share/umview-disc disc/pool/main cd
	for part in base program; do
		cat >pkg/DEBIAN/control <<-END
			Package: umview-disc-$part
			Version: 1
			Architecture: all
			Maintainer: nobody <nobody@localhost>
			Description: for a test
		END
		case $part in
		base) head -c 3000000 /dev/urandom >pkg/usr/share/umview-disc/data ;;
		program)
			rm pkg/usr/share/umview-disc/data
			printf '#!/bin/sh\ncksum </usr/share/umview-disc/data\n' >pkg/usr/bin/umview-disc
			chmod 755 pkg/usr/bin/umview-disc
			;;
		esac
		[ $part = program ] || sum=$(cksum <pkg/usr/share/umview-disc/data)
		dpkg-deb --root-owner-group -Znone -b pkg disc/pool/main/umview-disc-$part.deb >/dev/null || fail dpkg-deb
	done
	(cd disc && md5sum pool/main/*.deb >md5sum.txt)
	xorriso -as mkisofs -quiet -R -J -V "Test 1.0" -o disc.iso disc >xorriso.log 2>&1 || fail "xorriso: $(cat xorriso.log)"
	fresh_dir D
	printf '%s\n' 'set -e' 'mount -v disc.iso cd' 'cd cd && md5sum -c --quiet md5sum.txt && cd ..' \
		'dpkg -i cd/pool/main/*.deb' 'umount cd' 'umview-disc' >inside
	expect 0 umview --cow "$D" -p umfuse --su -- sh inside
	equal "what the installed program says" "$(printf '%s\n' "$out" | tail -n 1)" "$sum"
	expect 0 umview --cow "$D" -- umview-disc
	[ ! -e /usr/bin/umview-disc ] || fail "it was installed on the host"
else
	not_tried "packages from an ISO: needs xorriso and fuseiso"
fi

if [ -e "$UMVIEW_BUILD/modules/.libs/umfusearchive.so" ]; then
	echo "--- a program from a tarball"
	mkdir -p src m
	(cd "$UMVIEW_SRC" && tar -cf - cmd layers modules monitor/*.h) | tar -xf - -C src
	chmod -R u+w src
	for i in $(seq 300); do echo "int number_$i(void) { return $i; }" >src/part$i.c; done
	ln src/cmd/cmd.c src/cmd/linked.c
	tar -cJf src.tar.xz src
	cat >build.mk <<'END'
CFLAGS = -std=gnu11 -D_GNU_SOURCE -I$(TOP) -I$(TOP)/modules/include -DUM_PKGLIBDIR='""' -DUM_BINDIR='""'
viewname: cmd.o viewname.o
	$(CC) -o $@ $^
%.o: $(TOP)/cmd/%.c
	$(CC) $(CFLAGS) -c -o $@ $<
END
	mkdir from-mount from-copy
	printf '%s\n' 'set -e' 'mount -t umfusearchive src.tar.xz m' 'diff -r src m/src' \
		'(cd from-mount && make -s -f ../build.mk TOP=../m/src)' 'stat -c %h m/src/cmd/linked.c' \
		'find m | wc -l' 'cat m/src/part*.c | cksum' 'umount m' >inside
	expect 0 umview -p umfuse -- sh inside
	(cd from-copy && make -s -f ../build.mk TOP=../src) || fail "it cannot be built from a copy"
	equal "links, names, contents" "$out" "2
$(($(find src | wc -l) + 1))
$(cat src/part*.c | cksum)"
	equal "the program's version" "$(from-mount/viewname -V)" "$(from-copy/viewname -V)"
else
	not_tried "a program from a tarball: built without libfuse 3"
fi
