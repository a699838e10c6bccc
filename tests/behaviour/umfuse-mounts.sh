# SPDX-License-Identifier: GPL-2.0-or-later
# How FUSE mounts begin and end, and what waits for a server that does not answer, as with the kernel's client.
# timeout: 600
# ptrace: no
. "$(dirname "$0")/../lib.sh"

[ -x "$UMVIEW_BUILD/tests/fuse/memfs" ] || skip "needs libfuse 3 (package libfuse3-dev) when the tests are built"
expect 0 "$UMVIEW_SRC/tests/fuse/compare" -b "$UMVIEW_BUILD" --recorded -m plain "$UMVIEW_SRC/tests/fuse/mounts/hang.sh" \
	"$UMVIEW_SRC/tests/fuse/mounts/ends.sh"
