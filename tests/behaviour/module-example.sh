# SPDX-License-Identifier: GPL-2.0-or-later
# A module built outside of the tree, with the installed header and the pkg-config file alone, works in a view.
. "$(dirname "$0")/../lib.sh"
need_command cc gcc
need_command pkg-config pkg-config
need_command make make

make -C "$UMVIEW_BUILD" install-pkgincludeHEADERS install-pkgconfigDATA \
	DESTDIR="$TMPDIR/root" >install.log 2>&1 ||
	{ cat install.log; fail "make install of the header and the pkg-config file"; }
pc=$(find root -name umview.pc)
[ -n "$pc" ] || fail "no umview.pc was installed"
cp -r "$UMVIEW_SRC/tests/module-example" example
chmod -R u+w example # a distribution may be read-only
PKG_CONFIG_PATH=$(dirname "$TMPDIR/$pc") PKG_CONFIG_SYSROOT_DIR=$TMPDIR/root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
expect 0 make -C example
mkdir modules
cp example/hello.so modules
UMVIEW_MODULE_DIR=$TMPDIR/modules
export UMVIEW_MODULE_DIR
mkdir there
expect 0 umview -- sh -c 'um_add_service hello && mount -t hello -o world none there && ls there && cat there/hello.txt && umount there && ls there'
expect_out '^hello.txt$'
expect_out '^Hello, world!$'
expect !0 umview -- sh -c 'um_add_service hello && mount -t hello none there && echo x >there/hello.txt'
