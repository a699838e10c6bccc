# SPDX-License-Identifier: GPL-2.0-or-later
# What tests/fuse/recorded says of the kernel's FUSE client is what it does; and the conformance programs of files print in a
# mount of umfuse what they print in one of the kernel's.
# timeout: 1800
# level: full
# as: root
# ptrace: no
. "$(dirname "$0")/../lib.sh"

[ -x "$UMVIEW_BUILD/tests/fuse/memfs" ] || skip "needs libfuse 3 (package libfuse3-dev) when the tests are built"
(exec 3<>/dev/fuse) 2>/dev/null || skip "needs /dev/fuse, to ask the kernel"
compare() {
	expect 0 "$UMVIEW_SRC/tests/fuse/compare" -b "$UMVIEW_BUILD" "$@"
}

compare "$UMVIEW_SRC"/tests/fuse/scenarios/*
for name in cwd descriptors exec-denied exec-doors fifo-partner files-attr files-data files-gone files-list files-names \
	files-open files-rename files-stat files-tmpfile files-watch files-xattr getdents handles rename stat-doors unix-paths; do
	compare -m plain -m io "$UMVIEW_SRC/tests/conformance/$name.c"
done
