# SPDX-License-Identifier: GPL-2.0-or-later
# A source archive is mounted and compiled from: out of the tree, the sources being read from the mount; and in the tree, which is
# a copy-on-write mount over it.  umfuse below viewfs; the archive stays as it is.
# timeout: 300
. "$(dirname "$0")/../lib.sh"

for program in autoreconf automake make cc zip bsdtar; do need_command $program; done
[ -e "$UMVIEW_BUILD/modules/.libs/umfusearchive.so" ] || skip "umfusearchive was not built (libfuse 3)"
W=$PWD

# A C project as they are: autoconf's configure, a library, a program, a check, a distribution archive.
mkdir greeting greeting/src greeting/lib
cd greeting || exit
cat >configure.ac <<'END'
AC_INIT([greeting], [1.5])
AC_CONFIG_AUX_DIR([aux])
AM_INIT_AUTOMAKE([foreign subdir-objects dist-zip tar-ustar])
AC_PROG_CC
AC_PROG_RANLIB
AM_PROG_AR
AC_CHECK_HEADERS([unistd.h no-such-header.h])
AC_CHECK_FUNCS([getline])
AC_CONFIG_HEADERS([config.h])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
END
cat >Makefile.am <<'END'
noinst_LIBRARIES = lib/libparts.a
lib_libparts_a_SOURCES = parts.list
bin_PROGRAMS = src/greeting
src_greeting_SOURCES = src/main.c lib/parts.h
src_greeting_LDADD = lib/libparts.a
AM_CPPFLAGS = -I$(srcdir)/lib
TESTS = check.sh
EXTRA_DIST = check.sh
END
sources=
for i in $(seq 30); do
	printf '#include "parts.h"\nint part_%d(int x)\n{\n\treturn x + %d;\n}\n' "$i" "$i" >lib/part_$i.c
	sources="$sources lib/part_$i.c"
done
sed -i "s|parts.list|$sources|" Makefile.am
seq 30 | sed 's/.*/int part_&(int);/' >lib/parts.h
{
	printf '#include <config.h>\n#include <stdio.h>\n#include "parts.h"\nint main(void)\n{\n\tint x = 0;\n'
	seq 30 | sed 's/.*/\tx = part_&(x);/'
	printf '\tprintf("%%s %%s %%d\\n", PACKAGE_NAME, PACKAGE_VERSION, x);\n\treturn 0;\n}\n'
} >src/main.c
printf '#!/bin/sh\n[ "$(src/greeting)" = "greeting 1.5 465" ]\n' >check.sh
chmod +x check.sh
cd ..
{ (cd greeting && autoreconf -i && ./configure && make dist) && cp greeting/greeting-1.5.tar.gz greeting/greeting-1.5.zip . &&
	bsdtar -xf greeting-1.5.tar.gz; } >dist.log 2>&1 || { tail dist.log; fail "the archive could not be made"; }
cksum ./*.tar.gz ./*.zip >before

echo "--- out of the tree"
mkdir m out
cat >out.sh <<'END'
set -e
mount -t umfusearchive greeting-1.5.tar.gz m
diff -r m/greeting-1.5 greeting-1.5
[ m/greeting-1.5/configure -nt m/greeting-1.5/configure.ac ] || [ ! m/greeting-1.5/configure.ac -nt m/greeting-1.5/configure ]
cd out
../m/greeting-1.5/configure >configure.log 2>&1 || { cat configure.log; exit 1; }
make -j2 >make.log 2>&1 || { cat make.log; exit 1; }
make check >check.log 2>&1 || { cat check.log; exit 1; }
src/greeting
cd ..
if touch m/greeting-1.5/new 2>/dev/null; then echo "written to the archive"; fi
umount m
END
expect 0 umview -p umfuse -- sh ./out.sh
equal "what was compiled" "$out" "greeting 1.5 465"
equal "outside of the view" "$(out/src/greeting)" "greeting 1.5 465"

echo "--- in the tree"
mkdir changes
cat >in.sh <<'END'
set -e
mount -t umfusearchive greeting-1.5.zip m
mount -t viewfs -o cow "$PWD/changes" "$PWD/m"
cd m/greeting-1.5
sed -i 's/return x + 30;/return x + 130;/' lib/part_30.c
sed -i 's/465/565/' check.sh
./configure >configure.log 2>&1 || { cat configure.log; exit 1; }
make -j2 >make.log 2>&1 || { cat make.log; exit 1; }
make check >check.log 2>&1 || { cat check.log; exit 1; }
src/greeting
make >again.log 2>&1
grep -c 'cc .*-c' again.log || :
make install prefix="$PWD/../installed" >install.log 2>&1 || { cat install.log; exit 1; }
../installed/bin/greeting
make distclean >clean.log 2>&1 || { cat clean.log; exit 1; }
rm -- *.log
cd ../..
diff -r m/greeting-1.5 greeting-1.5 | grep -v '\.deps$' | grep '^[<>O]'
ls m/greeting-1.5/src m
umount m
ls -A m/greeting-1.5/lib/part_30.c
grep -c 'x + 30' m/greeting-1.5/lib/part_30.c
umount m
END
expect 0 umview -p umfuse -p viewfs -- sh ./in.sh
printf '%s\n' "$out" >got
cat >wanted <<'END'
greeting 1.5 565
0
greeting 1.5 565
< [ "$(src/greeting)" = "greeting 1.5 565" ]
> [ "$(src/greeting)" = "greeting 1.5 465" ]
< 	return x + 130;
> 	return x + 30;
m:
greeting-1.5
installed

m/greeting-1.5/src:
main.c
m/greeting-1.5/lib/part_30.c
1
END
diff wanted got || fail "the output differs (< wanted)"
equal "installed, outside of the view" "$(changes/installed/bin/greeting)" "greeting 1.5 565"
cksum ./*.tar.gz ./*.zip | cmp - before || fail "an archive has changed"
[ -z "$(ls -A "$W/m")" ] || fail "the host sees the mount"
