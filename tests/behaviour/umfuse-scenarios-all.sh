# SPDX-License-Identifier: GPL-2.0-or-later
# The programs of umfuse-scenarios, with servers of all kinds, and in a view with the class of calls "io".
# timeout: 1800
# level: full
# ptrace: no
. "$(dirname "$0")/../lib.sh"

[ -x "$UMVIEW_BUILD/tests/fuse/memfs" ] || skip "needs libfuse 3 (package libfuse3-dev) when the tests are built"
compare() {
	expect 0 "$UMVIEW_SRC/tests/fuse/compare" -b "$UMVIEW_BUILD" --recorded "$@" "$UMVIEW_SRC"/tests/fuse/scenarios/*
}
compare -m plain
compare -m io -s default
