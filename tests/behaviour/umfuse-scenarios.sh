# SPDX-License-Identifier: GPL-2.0-or-later
# Files of a FUSE mount are files: programs print there what they print in a mount of the kernel's.
# timeout: 900
# ptrace: no
. "$(dirname "$0")/../lib.sh"

[ -x "$UMVIEW_BUILD/tests/fuse/memfs" ] || skip "needs libfuse 3 (package libfuse3-dev) when the tests are built"
compare() {
	expect 0 "$UMVIEW_SRC/tests/fuse/compare" -b "$UMVIEW_BUILD" --recorded "$@" "$UMVIEW_SRC"/tests/fuse/scenarios/*
}
compare -m plain
compare -m io -s default
