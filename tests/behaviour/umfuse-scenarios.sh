# SPDX-License-Identifier: GPL-2.0-or-later
# Files of a FUSE mount are files: programs print there what they print in a mount of the kernel's (umfuse-scenarios-all: with
# servers of all kinds).
# timeout: 600
# ptrace: no
. "$(dirname "$0")/../lib.sh"

[ -x "$UMVIEW_BUILD/tests/fuse/memfs" ] || skip "needs libfuse 3 (package libfuse3-dev) when the tests are built"
expect 0 "$UMVIEW_SRC/tests/fuse/compare" -b "$UMVIEW_BUILD" --recorded -m plain -s default "$UMVIEW_SRC"/tests/fuse/scenarios/*
